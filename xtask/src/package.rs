//! The JavaScript package: `js` compiled to WebAssembly, with its glue, its types and what npm wants, put together in
//! `target/package`; and its tests.
//!
//! The package is taken for its tests as a user has it: as `node_modules/logscope`, beside `js/tests`, in
//! `target/package-tests`. Node runs some of them, a browser the others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::bundle::{self, WASM};
use crate::workspace::{Workspace, on_path, run};

/// Its tests use the runner that comes with Node.
const OLDEST_NODE: u32 = 20;

/// Builds the package and answers the folder it stands in. With `dev` it is built fast rather than small.
pub(crate) fn build(workspace: &Workspace, dev: bool) -> Result<PathBuf> {
    bundle::ensure_wasm_target(workspace)?;
    let profile = if dev { "wasm-dev" } else { "wasm-release" };
    let mut cargo = if dev { workspace.cargo() } else { workspace.cargo_to_hand_on() };
    run(cargo.args(["build", "--package=logscope-js", "--target", WASM, "--profile", profile]))?;
    let wasm = workspace.target.join(WASM).join(profile).join("logscope_js.wasm");
    let folder = workspace.target.join("package");
    bundle::remove(&folder)?;
    write(workspace, &wasm, dev, &folder).context("the package cannot be put together")?;
    Ok(folder)
}

fn write(workspace: &Workspace, wasm: &Path, dev: bool, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    Bindgen::new()
        .input_path(wasm)
        .web(true)?
        .out_name("logscope")
        .typescript(true)
        .omit_default_module_path(false)
        .debug(dev)
        .remove_name_section(!dev)
        .remove_producers_section(!dev)
        .generate(folder)?;
    for file in ["js/README.md", "js/node.js", "LICENSE-APACHE", "LICENSE-MIT"] {
        let file = workspace.root.join(file);
        let name = file.file_name().context("a file has a name")?;
        fs::copy(&file, folder.join(name)).with_context(|| format!("{} cannot be copied", file.display()))?;
    }
    Ok(fs::write(folder.join("package.json"), manifest())?)
}

/// What npm reads: written by hand, but for the version, which is the workspace's.
fn manifest() -> String {
    include_str!("../../js/package.json").replace("0.0.0", env!("CARGO_PKG_VERSION"))
}

/// Says how large is what a page loads, as it is and compressed.
pub(crate) fn print_sizes(folder: &Path) -> Result<()> {
    let (mut raw, mut packed) = (0, 0);
    for name in ["logscope.js", "logscope_bg.wasm"] {
        let content = fs::read(folder.join(name))?;
        let brotli = bundle::brotli(&content)?.len();
        println!("{name:<18} {:>9} bytes, {brotli:>7} with brotli", content.len());
        (raw, packed) = (raw + content.len(), packed + brotli);
    }
    println!("{:<18} {raw:>9} bytes, {packed:>7} with brotli", "together");
    Ok(())
}

/// Puts the package and its tests together, and answers the folder.
pub(crate) fn stage_tests(workspace: &Workspace, package: &Path) -> Result<PathBuf> {
    let folder = workspace.target.join("package-tests");
    bundle::remove(&folder)?;
    bundle::copy(package, &folder.join("node_modules").join("logscope"))?;
    bundle::copy(&workspace.root.join("js").join("tests"), &folder)?;
    Ok(folder)
}

/// Runs the tests that need no browser; where there is no Node, says so.
pub(crate) fn test_in_node(tests: &Path) -> Result<()> {
    if !on_path("node") {
        println!("There is no `node` on the PATH: the package is tested in the browser only.");
        return Ok(());
    }
    let version = Command::new("node").arg("--version").output().context("node does not run")?;
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    if major(&version).is_none_or(|major| major < OLDEST_NODE) {
        println!("Node is {version}, older than {OLDEST_NODE}: the package is tested in the browser only.");
        return Ok(());
    }
    run(Command::new("node").args(["--test", "--test-reporter=spec"]).current_dir(tests))
}

/// Of `v20.1.2` the 20.
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_node_is_understood() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("20"), None);
    }

    #[test]
    fn the_manifest_says_what_the_workspace_says() {
        let manifest: serde_json::Value = serde_json::from_str(&manifest()).unwrap();
        assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(manifest["license"], env!("CARGO_PKG_LICENSE"));
        assert_eq!(manifest["engines"]["node"], format!(">={OLDEST_NODE}"));
    }
}
