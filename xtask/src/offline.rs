//! What the page needs to work without a network: in its service worker, a version and all files with their hashes.
//!
//! Invariant: the version is a hash of all files of the page, so two pages of the same version are the same.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::bundle::files;

const WORKER: &str = "sw.js";
const PAGE: &str = "index.html";

/// Writes the version into a folder's page and worker, and its files into the worker.
pub(crate) fn write(folder: &Path) -> Result<()> {
    let mut version = Sha256::new();
    let mut names = Vec::new();
    for file in files(folder)? {
        let name = file.strip_prefix(folder)?.components().map(|part| part.as_os_str().to_string_lossy());
        let name = name.collect::<Vec<_>>().join("/");
        let content = fs::read(&file)?;
        version.update(format!("{name} {}\n", content.len()));
        version.update(content);
        names.push(name);
    }
    let version: String = version.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    fill(&folder.join(PAGE), "data-version=\"\"", &format!("data-version=\"{version}\""))?;

    let mut hashes = serde_json::Map::new();
    for name in names.into_iter().filter(|name| name != WORKER) {
        let hash = STANDARD.encode(Sha256::digest(fs::read(folder.join(&name))?));
        // Hosts differ in what they do with the page's file name; all serve the folder.
        let name = if name == PAGE { "./".to_owned() } else { name };
        hashes.insert(name, format!("sha256-{hash}").into());
    }
    let worker = folder.join(WORKER);
    fill(&worker, "const VERSION = \"\";", &format!("const VERSION = \"{version}\";"))?;
    let hashes = serde_json::to_string_pretty(&hashes)?;
    fill(&worker, "const FILES = {};", &format!("const FILES = {hashes};"))
}

/// Puts a value into the one place that waits for it.
pub(crate) fn fill(file: &Path, place: &str, filled: &str) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("no file {}", file.display()))?;
    let places = text.matches(place).count();
    ensure!(places == 1, "{} has `{place}` {places} times, and once is needed", file.display());
    Ok(fs::write(file, text.replace(place, filled))?)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn page(lesson: &str) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("lessons")).unwrap();
        let worker = include_str!("../../static/sw.js");
        let index = include_str!("../../static/index.html");
        for (name, text) in [(WORKER, worker), (PAGE, index), ("lessons/01.md", lesson)] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        write(folder.path()).unwrap();
        folder
    }

    fn read(folder: &TempDir, name: &str) -> String {
        fs::read_to_string(folder.path().join(name)).unwrap()
    }

    #[test]
    fn the_worker_knows_every_file_by_its_hash() {
        let folder = page("hello");
        let worker = read(&folder, WORKER);
        // printf hello | openssl dgst -sha256 -binary | base64
        assert!(worker.contains(r#""lessons/01.md": "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=""#));
        let index = STANDARD.encode(Sha256::digest(read(&folder, PAGE)));
        assert!(worker.contains(&format!(r#""./": "sha256-{index}""#)), "{worker}");
        assert!(!worker.contains("\"sw.js\""));
    }

    #[test]
    fn the_version_is_that_of_all_files() {
        let version = |folder: &TempDir| {
            let worker = read(folder, WORKER);
            let (_, rest) = worker.split_once("const VERSION = \"").unwrap();
            let version = rest[..16].to_owned();
            assert!(read(folder, PAGE).contains(&format!("data-version=\"{version}\"")));
            version
        };
        assert_eq!(version(&page("hello")), version(&page("hello")));
        assert_ne!(version(&page("hello")), version(&page("hello!")));
    }

    #[test]
    fn a_worker_without_a_place_for_them_is_an_error() {
        let folder = page("hello");
        assert!(write(folder.path()).is_err());
    }
}
