//! The bench that runs in Chromium: `logscope-bench-page`, in a page that needs no server.
//!
//! WebAssembly, glue and all stand in one file, for a browser loads nothing else beside a page from a disk. The page
//! works while it is loaded, writes its figures into itself, and Chromium prints what has become of it.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use wasm_bindgen_cli_support::Bindgen;

use crate::workspace::{Workspace, run};
use crate::{browser, bundle};

/// How much is done before anything is timed, in milliseconds: by then the browser has compiled it well.
const WARM_UP_MS: u32 = 1500;
/// What one round does, in logs of 16 MiB.
const LOGS: u32 = 8;

/// Records a second in each of `rounds` rounds.
pub(super) fn speeds(workspace: &Workspace, rounds: usize) -> Result<Vec<f64>> {
    browser::ensure_browser()?;
    let page = page(workspace, rounds)?;
    let file = workspace.target.join("bench.html");
    fs::write(&file, page)?;
    // A fresh profile, so that nothing of an earlier run counts.
    let profile = workspace.target.join("bench-profile");
    let _ = fs::remove_dir_all(&profile);
    let output = Command::new(browser::chromium()?)
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
        ])
        .args(["--timeout=120000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", file.display()))
        .stdin(Stdio::null())
        .output()
        .context("Chromium does not run")?;
    let dom = String::from_utf8_lossy(&output.stdout);
    let figures = between(&dom, "<output>", "</output>").with_context(|| {
        format!("the page came to no figures: {dom} {}", String::from_utf8_lossy(&output.stderr))
    })?;
    let speeds = figures.split(' ').map(str::parse).collect::<Result<Vec<f64>, _>>();
    let speeds = speeds.with_context(|| format!("the page says {figures:?}"))?;
    ensure!(speeds.len() == rounds, "the page gave {} figures for {rounds} rounds", speeds.len());
    Ok(speeds)
}

fn page(workspace: &Workspace, rounds: usize) -> Result<String> {
    bundle::ensure_wasm_target(workspace)?;
    let build =
        ["build", "--package=logscope-bench-page", "--target", bundle::WASM, "--profile=wasm-release"];
    run(workspace.cargo().args(build))?;
    let folder = workspace.target.join("bench-page");
    Bindgen::new()
        .input_path(workspace.target.join(bundle::WASM).join("wasm-release/logscope_bench_page.wasm"))
        .no_modules(true)?
        .out_name("bench")
        .typescript(false)
        .generate(&folder)?;
    let glue = fs::read_to_string(folder.join("bench.js"))?;
    let wasm = STANDARD.encode(fs::read(folder.join("bench_bg.wasm"))?);
    Ok(format!(
        r#"<!doctype html><meta charset="utf-8"><output></output>
<script>{glue}</script>
<script>
const say = text => document.querySelector('output').textContent = text;
try {{
    const bytes = Uint8Array.from(atob('{wasm}'), character => character.charCodeAt(0));
    wasm_bindgen.initSync({{ module: bytes }});
    wasm_bindgen.gate();
    const warm = performance.now() + {WARM_UP_MS};
    while (performance.now() < warm) wasm_bindgen.fill(1);
    const round = () => {{
        const start = performance.now();
        const records = wasm_bindgen.fill({LOGS});
        return records * 1000 / (performance.now() - start);
    }};
    say(Array.from({{ length: {rounds} }}, round).join(' '));
}} catch (error) {{
    say(error);
}}
</script>"#
    ))
}

fn between<'a>(text: &'a str, before: &str, behind: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(behind)?.0)
}
