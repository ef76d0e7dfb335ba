//! The rules themselves. Most are a row in a table; a new one usually is one more row.

use super::Violation;
use super::paths::{Mention, mentions};

/// Paths that code below one folder doesn't mention.
struct Ban {
    within: &'static str,
    except: &'static str,
    paths: &'static [&'static str],
    rule: &'static str,
}

const BANS: [Ban; 6] = [
    Ban {
        within: "core/src/",
        except: "core/src/storage/fs.rs",
        paths: &["std::fs"],
        rule: "files are touched in storage/fs.rs only",
    },
    Ban {
        within: "core/src/",
        except: "",
        paths: &["std::thread", "SystemTime", "Instant", "tokio"],
        rule: "the engine has no clock, no threads and no runtime",
    },
    Ban {
        within: "server/src/broker/",
        except: "",
        paths: &["axum", "hyper", "http", "tower_http"],
        rule: "there is no HTTP in the broker",
    },
    Ban {
        within: "server/src/",
        except: "",
        paths: &["logscope_web"],
        rule: "the server doesn't know the page's code",
    },
    Ban {
        within: "web/src/",
        except: "",
        paths: &["logscope_server"],
        rule: "the page doesn't know the server's code",
    },
    Ban {
        within: "web/src/state/",
        except: "",
        paths: &["web_sys", "js_sys", "gloo"],
        rule: "the state knows no DOM, so that it is tested natively",
    },
];

/// Dependencies that a manifest doesn't name.
const MANIFESTS: [(&str, &[&str], &str); 3] = [
    ("core/Cargo.toml", &["logscope-", "tokio"], "the engine depends on nothing above it and on no runtime"),
    ("server/Cargo.toml", &["logscope-web"], "the server doesn't depend on the page"),
    ("web/Cargo.toml", &["logscope-server"], "the page doesn't depend on the server"),
];

/// The engine's folders, from the ground up: code mentions its own floor and those below.
const FLOORS: [&[&str]; 4] = [&["record", "storage"], &["segment"], &["log"], &["lab"]];

/// The one crate that touches it; `web` has a file for what it keeps there.
const INDEXED_DB: &str = "indexed-db";

/// Put together from halves, for this file is looked at too.
const LEFT_OVER: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("dbg", "!")];

const LONGEST: usize = 600;

pub(super) fn violations(file: &str, text: &str) -> Vec<Violation> {
    let mut found = Found { file, violations: Vec::new() };
    if file.ends_with("Cargo.toml") {
        found.manifest(text);
        return found.violations;
    }
    found.text(text);
    match mentions(text) {
        Ok(mentions) => mentions.iter().for_each(|mention| found.mention(mention)),
        Err(error) => found.add(1, error.to_string()),
    }
    found.violations
}

/// What was found in one file.
struct Found<'a> {
    file: &'a str,
    violations: Vec<Violation>,
}

impl Found<'_> {
    fn add(&mut self, line: usize, rule: String) {
        self.violations.push(Violation { file: self.file.to_owned(), line, rule });
    }

    fn manifest(&mut self, text: &str) {
        let here = self.file;
        for (_, names, rule) in MANIFESTS.iter().filter(|(file, ..)| *file == here) {
            for (line, entry) in (1..).zip(text.lines()) {
                let entry = entry.split('#').next().unwrap_or_default();
                if let Some(name) = names.iter().find(|name| entry.contains(*name)) {
                    self.add(line, format!("`{name}`: {rule}"));
                }
            }
        }
    }

    fn text(&mut self, text: &str) {
        if !text.starts_with("//!") {
            self.add(1, "a file opens with `//!` and says what it is".to_owned());
        }
        if self.file.contains("/src/") && text.lines().count() > LONGEST {
            self.add(LONGEST + 1, format!("a file has at most {LONGEST} lines"));
        }
        for (line, content) in (1..).zip(text.lines()) {
            if let Some(word) = LEFT_OVER.iter().find(|word| content.contains(*word)) {
                self.add(line, format!("`{word}` is left over"));
            }
        }
    }

    fn mention(&mut self, mention: &Mention) {
        let here = self.file;
        for ban in BANS.iter().filter(|ban| here.starts_with(ban.within) && here != ban.except) {
            if ban.paths.iter().any(|path| mention.contains(path)) {
                self.add(mention.line, format!("`{}`: {}", mention.path.join("::"), ban.rule));
            }
        }
        self.arrow(mention);
        self.indexed_db(mention);
    }

    fn arrow(&mut self, mention: &Mention) {
        let [root, to, ..] = mention.path.as_slice() else { return };
        let from = self.file.strip_prefix("core/src/").and_then(|path| path.split(['/', '.']).next());
        let (Some(from), "crate") = (from, root.as_str()) else { return };
        if let (Some(here), Some(there)) = (floor(from), floor(to))
            && there > here
        {
            self.add(
                mention.line,
                format!("`crate::{to}`: `{from}` stands below `{to}` and doesn't know it"),
            );
        }
    }

    /// Its types all begin alike; and who names none of them still has to ask the window for it.
    fn indexed_db(&mut self, mention: &Mention) {
        let known = |name: &String| name.starts_with("Idb") || name == ".indexed_db";
        let bound = ["web/", "js/"].iter().any(|folder| self.file.starts_with(folder));
        if bound && mention.path.iter().any(known) {
            let path = mention.path.join("::");
            self.add(mention.line, format!("`{path}`: IndexedDB is touched in `{INDEXED_DB}` only"));
        }
    }
}

fn floor(folder: &str) -> Option<usize> {
    FLOORS.iter().position(|folders| folders.contains(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said about a source that is in order but for `code`, which begins at line 2.
    fn said(file: &str, code: &str) -> Vec<String> {
        violations(file, &format!("//! A module.\n{code}")).iter().map(Violation::to_string).collect()
    }

    #[test]
    fn files_are_touched_in_one_place() {
        let rule = "files are touched in storage/fs.rs only";
        assert_eq!(
            said("core/src/log/mod.rs", "\nuse std::{fs, io};"),
            [format!("core/src/log/mod.rs:3: `std::fs`: {rule}")]
        );
        assert_eq!(said("core/src/storage/fs.rs", "use std::fs;"), [""; 0]);
        assert_eq!(said("server/src/main.rs", "use std::fs;"), [""; 0]);
    }

    #[test]
    fn the_engine_has_no_clock_threads_or_runtime() {
        for code in
            ["use std::time::Instant;", "std::thread::spawn(f);", "let t = SystemTime::now();", "use tokio;"]
        {
            assert_eq!(said("core/src/lib.rs", code).len(), 1, "{code}");
        }
        assert_eq!(said("core/src/lib.rs", "// No Instant, no tokio.\nuse std::time::Duration;"), [""; 0]);
    }

    #[test]
    fn arrows_point_one_way() {
        let rule = "`crate::log`: `segment` stands below `log` and doesn't know it";
        assert_eq!(
            said("core/src/segment/index.rs", "use crate::{log::Log, record};"),
            [format!("core/src/segment/index.rs:2: {rule}")]
        );
        assert_eq!(said("core/src/record.rs", "fn f() { crate::segment::g() }").len(), 1);
        assert_eq!(
            said("core/src/log/mod.rs", "use crate::{config, segment::Segment, log::reader};"),
            [""; 0]
        );
        assert_eq!(said("core/src/lib.rs", "pub use crate::lab::Lab;"), [""; 0]);
    }

    #[test]
    fn the_broker_knows_no_http_and_the_state_no_dom() {
        assert_eq!(said("server/src/broker/mod.rs", "use axum::Router;").len(), 1);
        assert_eq!(said("server/src/http/mod.rs", "use axum::Router;"), [""; 0]);
        assert_eq!(said("web/src/state/mod.rs", "use web_sys::Window;").len(), 1);
    }

    #[test]
    fn indexed_db_is_touched_in_one_place() {
        assert_eq!(said("web/src/engine.rs", "use web_sys::IdbDatabase;").len(), 1);
        assert_eq!(said("web/src/engine.rs", "fn f() { window.indexed_db(); }").len(), 1);
        assert_eq!(said("web/src/main.rs", "mod indexed_db;\nuse crate::indexed_db::load;"), [""; 0]);
        assert_eq!(said("js/src/kept.rs", "use web_sys::IdbDatabase;").len(), 1);
        assert_eq!(said("indexed-db/src/lib.rs", "use web_sys::IdbDatabase;"), [""; 0]);
    }

    #[test]
    fn neither_home_of_the_engine_knows_the_other() {
        assert_eq!(said("web/src/main.rs", "use logscope_server::broker;").len(), 1);
        assert_eq!(said("server/src/main.rs", "use logscope_web::view;").len(), 1);
        let manifest = violations("web/Cargo.toml", "[dependencies]\nlogscope-server.workspace = true\n");
        assert_eq!(
            manifest[0].to_string(),
            "web/Cargo.toml:2: `logscope-server`: the page doesn't depend on the server"
        );
        assert_eq!(violations("core/Cargo.toml", "tokio = \"1\"").len(), 1);
        assert_eq!(violations("core/Cargo.toml", "name = \"logscope\" # not tokio"), []);
    }

    #[test]
    fn files_open_with_what_they_are_and_end_in_time() {
        let violations = |text: &str| violations("core/src/lib.rs", text).len();
        assert_eq!(violations("use std::io;"), 1);
        assert_eq!(violations(&format!("//! Long.\n{}", "\n".repeat(LONGEST - 1))), 0);
        assert_eq!(violations(&format!("//! Long.\n{}", "\n".repeat(LONGEST))), 1);
    }

    #[test]
    fn nothing_is_left_over() {
        for word in LEFT_OVER {
            assert_eq!(said("web/src/main.rs", &format!("// {word}(x)")).len(), 1, "{word}");
        }
    }
}
