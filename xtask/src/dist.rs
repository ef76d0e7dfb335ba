//! `cargo xtask dist`: the page in a folder for any static host, and how large it is.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

use crate::bundle;
use crate::parts::is_part;
use crate::workspace::Workspace;

/// What the page loads before it takes records is at most so many bytes with brotli.
const MAX_FIRST_LOAD: usize = 300_000;

/// When a file of the page is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loaded {
    AtOnce,
    WhenWanted,
    ToBeKept,
}

/// Builds the page into `target/dist`, which is replaced as a whole, and says what a visitor loads.
pub(crate) fn dist(workspace: &Workspace) -> Result<()> {
    let built = bundle::build(workspace, false)?;
    let folder = workspace.target.join("dist");
    bundle::remove(&folder)?;
    bundle::copy(&built, &folder)?;
    let sizes = sizes(&folder)?;
    for (name, size, brotli) in sizes.iter().filter(|(name, ..)| loaded(name) != Loaded::ToBeKept) {
        println!("{name:<22} {size:>9} bytes, {brotli:>7} with brotli");
    }
    for (what, when) in [
        ("what the page loads", Loaded::AtOnce),
        ("parts, when wanted", Loaded::WhenWanted),
        ("for times without network", Loaded::ToBeKept),
    ] {
        println!("{what:<26} {:>20} with brotli", sum(&sizes, when));
    }
    println!("{}", folder.display());
    Ok(())
}

/// Refuses a page that has become too large.
pub(crate) fn check_size(folder: &Path) -> Result<()> {
    let size = sum(&sizes(folder)?, Loaded::AtOnce);
    println!("the page loads {size} bytes with brotli, of {MAX_FIRST_LOAD} at most");
    ensure!(size <= MAX_FIRST_LOAD, "the page loads {size} bytes with brotli: more than {MAX_FIRST_LOAD}");
    Ok(())
}

fn loaded(name: &str) -> Loaded {
    match name {
        "sw.js" => Loaded::ToBeKept,
        name if name.starts_with("lessons/") => Loaded::ToBeKept,
        name if is_part(name) => Loaded::WhenWanted,
        _ => Loaded::AtOnce,
    }
}

fn sum(sizes: &[(String, usize, usize)], when: Loaded) -> usize {
    sizes.iter().filter(|(name, ..)| loaded(name) == when).map(|(.., brotli)| brotli).sum()
}

/// Name, size, and size with brotli of every file that is not packed.
fn sizes(folder: &Path) -> Result<Vec<(String, usize, usize)>> {
    let mut sizes = Vec::new();
    for file in bundle::files(folder)? {
        let name = file.strip_prefix(folder)?.to_string_lossy().replace('\\', "/");
        if !name.ends_with(".br") && !name.ends_with(".gz") {
            let (size, packed) =
                (fs::metadata(&file)?.len(), fs::metadata(folder.join(format!("{name}.br"))));
            // What does not get smaller stands there as it is only.
            let packed = packed.map_or(size, |packed| packed.len());
            sizes.push((name, usize::try_from(size)?, usize::try_from(packed)?));
        }
    }
    Ok(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_too_large_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for (name, size) in [("page.wasm", 900_000), ("page.wasm.br", 299_000), ("split_live.wasm", 50_000)] {
            fs::write(folder.path().join(name), vec![0; size]).unwrap();
        }
        check_size(folder.path()).unwrap();
        fs::write(folder.path().join("style.css"), vec![0; 1001]).unwrap();
        let refused = check_size(folder.path()).unwrap_err().to_string();
        assert_eq!(refused, "the page loads 300001 bytes with brotli: more than 300000");
    }
}
