//! The rules of the house that a compiler doesn't know, turned into failures: each names file, line and rule.

mod paths;
mod rules;

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// One place that breaks a rule.
#[derive(Debug, PartialEq)]
struct Violation {
    file: String,
    line: usize,
    rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.rule)
    }
}

/// Prints every violation below the root; one is enough to fail.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut violations = Vec::new();
    visit(root, "", &mut |file, text| violations.extend(rules::violations(file, text)))?;
    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => Ok(()),
        1 => bail!("a rule of the house is broken at one place"),
        places => bail!("rules of the house are broken at {places} places"),
    }
}

/// Hands on every Rust source and every manifest, named relative to the root with `/`; never what is generated.
fn visit(root: &Path, folder: &str, see: &mut dyn FnMut(&str, &str)) -> Result<()> {
    let mut entries = fs::read_dir(root.join(folder))?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{folder}{name}");
        if entry.file_type()?.is_dir() {
            if name != "target" && !name.starts_with('.') {
                visit(root, &format!("{path}/"), see)?;
            }
        } else if name.ends_with(".rs") || name == "Cargo.toml" {
            see(&path, &fs::read_to_string(entry.path()).with_context(|| format!("{path} is not text"))?);
        }
    }
    Ok(())
}
