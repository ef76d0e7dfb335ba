//! `cargo xtask dist`: the page in a folder for any static host, and how large it is.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::bundle;
use crate::workspace::Workspace;

/// Builds the page into `target/dist`, which is replaced as a whole, and says what a visitor loads.
pub(crate) fn dist(workspace: &Workspace) -> Result<()> {
    let built = bundle::build(workspace, false)?;
    let folder = workspace.target.join("dist");
    bundle::remove(&folder)?;
    bundle::copy(&built, &folder)?;
    let loaded = |name: &str| !name.starts_with("lessons/") && name != "sw.js";
    let mut later = 0;
    let mut total = 0;
    for (name, size, brotli) in sizes(&folder)? {
        if loaded(&name) {
            println!("{name:<22} {size:>9} bytes, {brotli:>7} with brotli");
            total += brotli;
        } else {
            later += brotli;
        }
    }
    println!("{:<22} {total:>24} with brotli", "what the page loads");
    println!("{:<22} {later:>24} with brotli, for when there is no network", "and afterwards");
    println!("{}", folder.display());
    Ok(())
}

/// Name, size, and size with brotli of every file that is not packed.
fn sizes(folder: &Path) -> Result<Vec<(String, usize, usize)>> {
    let mut sizes = Vec::new();
    for file in bundle::files(folder)? {
        let name = file.strip_prefix(folder)?.to_string_lossy().replace('\\', "/");
        if !name.ends_with(".br") && !name.ends_with(".gz") {
            let content = fs::read(&file)?;
            sizes.push((name, content.len(), bundle::brotli(&content)?.len().min(content.len())));
        }
    }
    Ok(sizes)
}
