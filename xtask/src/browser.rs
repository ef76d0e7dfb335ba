//! The browser tests: what they need, and how they are run.
//!
//! They are the package `browser-tests`, which starts the broker and Chromium itself and is told by environment
//! variables what to test. Plain `cargo test` doesn't know it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::workspace::{Workspace, on_path, run};
use crate::{bundle, package, wasm_tests};

const PACKAGES: [&str; 2] = ["chromium", "chromium-driver"];
/// What looks for what people with other senses and hands could not use. It is no code of ours, and is not kept here.
const AXE: &str = "axe-core@4.14.1";
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

pub(crate) fn build_and_test(workspace: &Workspace, dev: bool, arguments: &[String]) -> Result<()> {
    ensure_browser()?;
    let page = bundle::build(workspace, dev)?;
    let package = package::stage_tests(workspace, &package::build(workspace, dev)?)?;
    let broker = workspace.build_server()?;
    test(workspace, &Tested { page: &page, package: &package, broker: &broker }, arguments)
}

/// What the browser tests are about.
pub(crate) struct Tested<'a> {
    pub(crate) page: &'a Path,
    /// The JavaScript package beside its tests; the tests that are WebAssembly themselves are put there too.
    pub(crate) package: &'a Path,
    pub(crate) broker: &'a Path,
}

pub(crate) fn test(workspace: &Workspace, tested: &Tested<'_>, arguments: &[String]) -> Result<()> {
    wasm_tests::stage(workspace, tested.package)?;
    let mut command = workspace.cargo();
    command
        .args(["test", "--package=browser-tests", "--no-fail-fast", "--"])
        .args(arguments)
        // A failed step says what it waited for; the way through the runtime says nothing more.
        .env("RUST_LIB_BACKTRACE", "0")
        .env("LOGSCOPE_BROKER", tested.broker)
        .env("LOGSCOPE_PAGE", tested.page)
        .env("LOGSCOPE_PACKAGE_TESTS", tested.package)
        .env("LOGSCOPE_AXE", axe(workspace))
        .env("LOGSCOPE_SCREENSHOTS", workspace.target.join("screenshots"));
    run(&mut command)
}

/// Where the script of axe-core is, which npm fetches once; empty where there is no npm, or none that reaches it.
fn axe(workspace: &Workspace) -> PathBuf {
    let folder = workspace.target.join(AXE);
    let script = folder.join("node_modules/axe-core/axe.min.js");
    if !script.is_file() && on_path("npm") {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]);
        // Whether it is there is seen below.
        let _ = run(npm.arg(&folder).arg(AXE).stdin(Stdio::null()));
    }
    if script.is_file() { script } else { PathBuf::new() }
}

/// Installs Chromium where that is ours to do: as root on Debian and its kin.
pub(crate) fn ensure_browser() -> Result<()> {
    // Elsewhere a browser isn't on the PATH; there chromedriver finds it or says that it doesn't.
    let browser = !cfg!(target_os = "linux") || BROWSERS.into_iter().any(on_path);
    if browser && on_path("chromedriver") {
        return Ok(());
    }
    if !on_path("apt-get") || !root() {
        bail!(
            "the browser tests need Chromium and chromedriver on the PATH (Debian: `sudo apt-get install {}`)",
            PACKAGES.join(" ")
        );
    }
    // A fresh machine has no package lists and an old one stale ones. If only some can be had, that may do.
    if let Err(error) = run(&mut apt_get(&["update"])) {
        println!("{error:#}; trying all the same");
    }
    run(apt_get(&["install", "--yes"]).args(PACKAGES)).context("the browser cannot be installed")
}

/// What to call to start it.
pub(crate) fn chromium() -> Result<&'static str> {
    BROWSERS.into_iter().find(|program| on_path(program)).context("there is no Chromium on the PATH")
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    command
}

fn root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}
