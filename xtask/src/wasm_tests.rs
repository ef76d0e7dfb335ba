//! The tests that run inside the browser: those that crates have by `wasm-bindgen-test`.
//!
//! Its own runner would be compiled for minutes, and would bring a server and a driver of its own. Here they are
//! compiled, given their glue by the library that does so for the page, and put where the browser tests find them:
//! a folder a crate. `browser-tests/tests/wasm.rs` loads and runs each.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use wasm_bindgen_cli_support::Bindgen;

use crate::bundle::{self, WASM};
use crate::workspace::Workspace;

/// The folders of those that have `tests/chromium.rs`.
const CRATES: [&str; 2] = ["indexed-db", "js"];

/// Compiles them, and puts each crate's into `folder/wasm/CRATE` as `tests.js` and what belongs to it.
pub(crate) fn stage(workspace: &Workspace, folder: &Path) -> Result<()> {
    bundle::ensure_wasm_target(workspace)?;
    let messages = compile(workspace)?;
    for name in CRATES {
        let manifest = workspace.root.join(name).join("Cargo.toml");
        let wasm =
            executable(&messages, &manifest).with_context(|| format!("cargo made no tests of {name}"))?;
        Bindgen::new()
            .input_path(wasm)
            .web(true)?
            .out_name("tests")
            .typescript(false)
            .omit_default_module_path(false)
            .debug(true)
            // What would start is the native test harness.
            .emit_start(false)
            .generate(folder.join("wasm").join(name))
            .with_context(|| format!("the tests of {name} get no glue"))?;
    }
    Ok(())
}

/// All at once, so that what they share is compiled once. Answers what cargo says, for only it knows where they are.
fn compile(workspace: &Workspace) -> Result<String> {
    let packages = CRATES.map(|name| format!("--package=logscope-{name}"));
    let build = workspace
        .cargo()
        .args(["test", "--no-run", "--test=chromium", "--message-format=json-render-diagnostics"])
        .args(["--profile=wasm-dev", "--target", WASM])
        .args(packages)
        .stderr(Stdio::inherit())
        .output()
        .context("cargo does not run")?;
    ensure!(build.status.success(), "the tests for {WASM} do not compile");
    Ok(String::from_utf8(build.stdout)?)
}

/// What cargo made of the package with this manifest.
fn executable(messages: &str, manifest: &Path) -> Option<String> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut ours =
        messages.filter(|message| message["manifest_path"].as_str().map(Path::new) == Some(manifest));
    ours.find_map(|message| message["executable"].as_str().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_made_is_found_among_what_it_says() {
        let messages = r#"Compiling
            {"manifest_path":"/a/Cargo.toml","executable":null}
            {"manifest_path":"/b/Cargo.toml","executable":"/b.wasm"}
            {"manifest_path":"/a/Cargo.toml","executable":"/a.wasm"}
            {"success":true}"#;
        assert_eq!(executable(messages, Path::new("/a/Cargo.toml")).as_deref(), Some("/a.wasm"));
        assert_eq!(executable(messages, Path::new("/c/Cargo.toml")), None);
    }
}
