//! `cargo xtask test`: every test there is, the cheap ones first, stopping at the first that fails.

use std::time::Instant;

use anyhow::{Context, Result};

use crate::workspace::{Workspace, run};
use crate::{browser, bundle, dist, package, tidy};

pub(crate) fn test(workspace: &Workspace) -> Result<()> {
    step("tidy", || tidy::check(&workspace.root))?;
    step("tests of xtask", || run(workspace.cargo().args(["test", "--package=xtask"])))?;
    step("native tests", || {
        let everything_else =
            ["--exclude=xtask", "--exclude=browser-tests", "--exclude=logscope-benches", "--all-features"];
        run(workspace.cargo().args(["test", "--workspace"]).args(everything_else))
    })?;
    let package = step("JavaScript package", || {
        let folder = package::build(workspace, false)?;
        package::print_sizes(&folder)?;
        package::stage_tests(workspace, &folder)
    })?;
    step("JavaScript package in Node", || package::test_in_node(&package))?;
    step("browser", browser::ensure_browser)?;
    let page = step("page", || {
        let folder = bundle::build(workspace, false)?;
        dist::check_size(&folder)?;
        Ok(folder)
    })?;
    let broker = step("broker", || workspace.build_server())?;
    let tested = browser::Tested { page: &page, package: &package, broker: &broker };
    step("browser tests", || browser::test(workspace, &tested, &[]))?;
    println!("\nAll tests pass.");
    Ok(())
}

/// One heading, what it is about, and how long it took.
fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("\n── {name}");
    let start = Instant::now();
    let result = work().with_context(|| format!("the step `{name}` failed"))?;
    println!("── {name}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(result)
}
