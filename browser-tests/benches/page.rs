//! How fast the page is, in Chromium: `cargo xtask bench page`.
//!
//! Times are taken in the page; what stands between it and this program counts for nothing. Those of the loading, and of
//! a frame while scrubbing, are by the page's clock.
//!
//! A redraw is all that the page's thread does between a press and the frame that shows it: the engine, the state, the
//! elements, styles and layout, the painting of the canvases, the list of what is to be painted, handing it over. It is
//! the processor's time of that thread, from the browser's trace: the clock would count the wait for the screen's next
//! turn, for the frame before, and for whoever else has the processor. What other threads do then, and the display,
//! is in the time by the clock only, which stands beside it. So is nothing that the page does after that frame. The floor
//! is a press that changes one word on an otherwise empty page, in the same window.

use anyhow::{Context, Result, bail, ensure};
use browser_tests::{Page, Span, eventually, visit, visit_timed};
use serde::de::DeserializeOwned;

/// What the table begins with.
const HEADING: &str = "| what | the page | floor | floor's figure | ratio (of each round) | at most | |
| --- | --- | --- | --- | --- | --- | --- |";

/// How often something is measured.
#[derive(Clone, Copy)]
struct Times {
    /// Loads and openings.
    rounds: usize,
    /// Presses of a button.
    presses: usize,
}

/// Says from when on records can be appended to the log, what the page has loaded by then, and when it began to ask for
/// what the browser has kept.
const WATCH: &str = "
    const open = indexedDB.open.bind(indexedDB);
    indexedDB.open = (...given) => { window.opening ??= performance.now(); return open(...given); };
    const ready = () => [...document.querySelectorAll('button')].some((button) =>
        button.textContent.trim() === 'Append' && !button.disabled);
    window.loaded = () => ['navigation', 'resource'].flatMap((kind) => performance.getEntriesByType(kind))
        .reduce((sum, entry) => sum + entry.encodedBodySize, 0);
    const look = () => {
        if (!ready()) return requestAnimationFrame(look);
        window.interactive = performance.now();
        window.first = window.loaded();
    };
    if (location.pathname.endsWith('/')) requestAnimationFrame(look);";

/// Presses a button again and again, and marks each redraw.
const PRESS: &str = "
    const button = [...document.querySelectorAll('button')].find((button) =>
        (button.getAttribute('aria-label') ?? button.textContent.trim()) === NAME);
    for (let press = 0; press < COUNT; press++) {
        const painted = PAINTED;
        performance.mark('press');
        button.click();
        await painted;
        performance.mark('painted');
        // What the page does once nothing moves any more is not part of the next redraw.
        await new Promise((rested) => setTimeout(rested, 300));
    }";

/// Ready when the next frame is painted and handed over.
const PAINTED: &str = "new Promise((done) => requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = done;
        channel.port2.postMessage(0);
    }))";

/// A page that has one word, which a press changes.
const ONE_WORD: &str = "
    document.body.innerHTML = '<button>Change</button><p>0</p>';
    const [button, word] = document.body.children;
    button.onclick = () => word.textContent = `${+word.textContent + 1}`;";

/// Drags the handle of the steps over ten thousand of them: slowly back, and then from anywhere to anywhere.
const SCRUB: &str = "
    const handle = document.querySelector('input[type=range][aria-label=Step]');
    const max = +handle.max, least = max - 10000;
    let seed = 7;
    for (let frame = 0; frame < 300; frame++) {
        seed = (seed * 48271) % 2147483647;
        const to = frame < 150 ? max - Math.round(10000 * frame / 150) : least + seed % 10000;
        performance.mark('press');
        handle.value = `${to}`;
        handle.dispatchEvent(new Event('input', { bubbles: true }));
        await PAINTED;
        performance.mark('painted');
    }
    return least;";

/// Reads all chunks of the log, and nothing else.
const READ: &str = "
    const answer = (request) => new Promise((done, failed) => {
        request.onsuccess = () => done(request.result);
        request.onerror = () => failed(request.error);
    });
    const before = performance.now();
    const database = await answer(indexedDB.open('logscope'));
    const chunks = await answer(database.transaction('chunks').objectStore('chunks').getAll());
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    const time = performance.now() - before;
    database.close();
    return [time, bytes];";

#[tokio::main]
async fn main() -> Result<()> {
    // Cargo adds arguments of its own.
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).unwrap_or_default();
    let quick = std::env::var_os("LOGSCOPE_BENCH_QUICK").is_some();
    let times = if quick { Times { rounds: 1, presses: 10 } } else { Times { rounds: 5, presses: 60 } };
    let wanted = |name: &str| name.contains(filter.as_str());
    let mut lines = Vec::new();
    if wanted("load") {
        visit(async |page| load(page, times, &mut lines).await).await.context("load")?;
    }
    if wanted("redraw") {
        let mut floor = f64::NAN;
        visit_timed(async |page| {
            page.leave().await?;
            ask::<()>(page, ONE_WORD).await?;
            press(page, "Change", times).await?;
            floor = quantile(page.spans().await?, 0.95, |span| span.worked);
            no_icon(page).await
        })
        .await?;
        for batches in [1_000, 10_000, 100_000] {
            visit_timed(async |page| redraw(page, batches, floor, times, &mut lines).await).await?;
        }
    }
    if wanted("scrub") {
        visit_timed(async |page| scrub(page, &mut lines).await).await?;
    }
    if wanted("open") {
        visit(async |page| open(page, times, &mut lines).await).await?;
    }
    if lines.is_empty() {
        bail!(
            "no row of the page has {filter:?} in its name; there are page-load, page-redraw, page-scrub, page-open"
        );
    }
    println!("\n{HEADING}");
    lines.iter().for_each(|line| println!("{line}"));
    Ok(())
}

/// What the page loads, and how soon it takes records.
async fn load(page: &Page, times: Times, lines: &mut Vec<String>) -> Result<()> {
    page.load_all().await?;
    page.run_first(WATCH).await?;
    let mut interactive = Vec::new();
    let (mut first, mut all) = (0.0, 0.0);
    for _ in 0..times.rounds {
        page.leave().await?;
        page.enter().await?;
        interactive.push(ready(page).await?);
        first = ask(page, "return window.first").await?;
        all = eventually("the page has what runs commands", async || {
            let there = "const parts = performance.getEntriesByType('resource').filter((part) =>
                    part.name.includes('split_commands') && part.encodedBodySize > 0);
                return parts.length ? window.loaded() : null";
            ask::<Option<f64>>(page, there).await
        })
        .await?;
    }
    no_icon(page).await?;
    let what = format!("what the page loads, compressed ({:.1} KB once it stands)", all / 1e3);
    lines.push(line(&what, first / 1e3, "KB", 300.0));
    lines.push(line("interactive after navigation", median(interactive) / 1e3, "s", 1.0));
    Ok(())
}

/// Steps and appends, with so many batches in the log.
async fn redraw(page: &Page, batches: u32, floor: f64, times: Times, lines: &mut Vec<String>) -> Result<()> {
    fill(page, batches).await?;
    let changes = [("an append", "Append"), ("a step back", "Back"), ("a step forward", "Forward")];
    for (_, button) in changes {
        press(page, button, times).await?;
    }
    let spans = page.spans().await?;
    ensure!(spans.len() == changes.len() * times.presses, "only {} redraws were measured", spans.len());
    for ((what, _), spans) in changes.iter().zip(spans.chunks(times.presses)) {
        let redraw = quantile(spans.to_vec(), 0.95, |span| span.worked);
        let clock = quantile(spans.to_vec(), 0.95, |span| span.clock);
        lines.push(format!(
            "| {what} redrawn, {batches} batches (p95) | {redraw:.1} ms (by the clock {clock:.1}) | one word changed | \
             {floor:.1} ms | {:.1} | 16 ms | {} |",
            redraw / floor,
            verdict(redraw <= 16.0),
        ));
    }
    Ok(())
}

/// Presses the button of this name.
async fn press(page: &Page, name: &str, times: Times) -> Result<()> {
    let script = PRESS.replace("NAME", &format!("{name:?}")).replace("PAINTED", PAINTED);
    let mut pressed = 0;
    // A script has half a minute.
    while pressed < times.presses {
        let count = (times.presses - pressed).min(20);
        ask::<()>(page, &script.replace("COUNT", &count.to_string())).await?;
        pressed += count;
    }
    Ok(())
}

/// The largest frame while ten thousand steps pass by.
async fn scrub(page: &Page, lines: &mut Vec<String>) -> Result<()> {
    fill(page, 10_000).await?;
    let least: f64 = ask(page, &SCRUB.replace("PAINTED", PAINTED)).await?;
    ensure!(least >= 0.0, "the log has {} steps, and 10000 are asked for", 10_000.0 + least);
    let frames = page.spans().await?;
    let (largest, worked) = (quantile(frames.clone(), 1.0, |frame| frame.clock), |frame: &Span| frame.worked);
    lines.push(format!(
        "| scrubbing through 10000 steps, the largest frame | {largest:.1} ms (most of the page's thread {:.1}) | | | | \
         50 ms | {} |",
        quantile(frames, 1.0, worked),
        verdict(largest <= 50.0),
    ));
    Ok(())
}

/// A log of 100 MB: how long it takes to open it, beside reading its chunks; and what memory the page has then.
async fn open(page: &Page, times: Times, lines: &mut Vec<String>) -> Result<()> {
    let script = "const value = Array.from({ length: 400 }, (_, at) => `order ${at} is placed and paid`).join(' ').slice(0, 10000);
        await logscope.run(`append \"${value}\" count=1000`);
        await logscope.run('flush')";
    ask::<()>(page, "await logscope.run('config segment.bytes=16777216 max.message.bytes=1048576')").await?;
    for _ in 0..10 {
        ask::<()>(page, script).await?;
    }
    page.run_first(WATCH).await?;
    let (mut opened, mut ratios, mut read) = (Vec::new(), Vec::new(), Vec::new());
    let mut bytes = 0.0;
    for _ in 0..times.rounds {
        page.leave().await?;
        let (bare, size): (f64, f64) = ask(page, READ).await?;
        page.enter().await?;
        let time = ready(page).await? - ask::<f64>(page, "return window.opening").await?;
        (bytes, _) = (size, opened.push(time));
        ratios.push(time / bare);
        read.push(bare);
    }
    no_icon(page).await?;
    ensure!(bytes > 99e6, "the database holds {bytes} bytes of the log, and not 100 MB");
    let ratio = median(ratios.clone());
    lines.push(format!(
        "| opening a log of {:.0} MB from IndexedDB | {:.0} ms | the bare read of its chunks | {:.0} ms | \
         **{ratio:.2}** ({:.2} to {:.2}) | 1.5 | {} |",
        bytes / 1e6,
        median(opened),
        median(read),
        quantile(ratios.clone(), 0.0, |ratio| *ratio),
        quantile(ratios, 1.0, |ratio| *ratio),
        verdict(ratio <= 1.5),
    ));
    let engine = "const page = await import(new URL('./logscope_web.js', location.href));
        return (await page.default()).memory.buffer.byteLength";
    let engine: f64 = ask(page, engine).await?;
    let memory = engine + page.heap().await? as f64;
    let what = format!("memory of the page with it, {:.0} MB of it the engine's", engine / 1e6);
    lines.push(line(&what, memory / 1e6, "MB", 3.0 * bytes / 1e6 + 50.0));
    Ok(())
}

/// The browser looks for an icon where a plain file names none, and has said by now that there is none.
async fn no_icon(page: &Page) -> Result<()> {
    page.expect_failures(&["favicon"]).await
}

/// When the page was ready, since its navigation began, in milliseconds.
async fn ready(page: &Page) -> Result<f64> {
    eventually("the page takes records", async || {
        ask::<Option<f64>>(page, "return window.interactive ?? null").await
    })
    .await
}

/// Fills the log with so many batches, of six keys, in segments of 7000 bytes.
async fn fill(page: &Page, batches: u32) -> Result<()> {
    ask::<()>(page, "await logscope.run('config segment.bytes=7000')").await?;
    for thousand in 0..batches / 1000 {
        let script = format!("await logscope.run('append hello key=k{} count=1000')", thousand % 6);
        ask::<()>(page, &script).await?;
    }
    ask::<()>(page, "await logscope.run('flush')").await?;
    let end: u32 = ask(page, "return Number(logscope.logEndOffset)").await?;
    ensure!(end == batches, "the log ends at {end}, and not at {batches}");
    Ok(())
}

/// Runs a script in the page, and takes what it returns.
async fn ask<T: DeserializeOwned>(page: &Page, script: &str) -> Result<T> {
    let answer = page.console(script).await?;
    let text = if answer.is_empty() { "null" } else { &answer };
    serde_json::from_str(text).with_context(|| format!("the page says: {answer}"))
}

fn line(what: &str, figure: f64, unit: &str, most: f64) -> String {
    format!("| {what} | {figure:.1} {unit} | | | | {most:.0} {unit} | {} |", verdict(figure <= most))
}

fn verdict(reached: bool) -> &'static str {
    if reached { "ok" } else { "short" }
}

fn median(values: Vec<f64>) -> f64 {
    quantile(values, 0.5, |value| *value)
}

/// The figure that this part of all does not exceed.
fn quantile<T>(values: Vec<T>, part: f64, figure: impl Fn(&T) -> f64) -> f64 {
    let mut values: Vec<f64> = values.iter().map(figure).collect();
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * part).ceil() as usize).copied().unwrap_or(f64::NAN)
}
