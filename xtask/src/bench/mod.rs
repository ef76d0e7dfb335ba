//! `cargo xtask bench`: how fast the engine is, beside floors measured in the same run, as a table of ratios.
//!
//! The package `logscope-benches` measures, with criterion; this reads criterion's own estimates. The contenders
//! of a group take turns, so each round gives a ratio of medians of its own, and the table has the median of
//! those, and how far they lie apart.

mod broker;
mod browser;
mod page;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::workspace::{Workspace, run};

/// Logscope against another contender of a group of benches.
struct Row {
    what: &'static str,
    group: &'static str,
    against: &'static str,
    /// What the table calls the other one.
    floor: &'static str,
    least: f64,
}

const fn row(
    what: &'static str,
    group: &'static str,
    (against, floor): (&'static str, &'static str),
    least: f64,
) -> Row {
    Row { what, group, against, floor, least }
}

const COMMITLOG: (&str, &str) = ("commitlog", "`commitlog`");
const READ_AND_SUM: (&str, &str) = ("pread-crc", "`pread` and CRC of the same bytes");
const READ: (&str, &str) = ("pread", "`pread` of 4 KiB");
const SMALL: (&str, &str) = ("small", "open 1 MiB");
const WRITE: (&str, &str) = ("write", "`write` of the same bytes");

const ROWS: [Row; 18] = [
    row("append, 1 × 100 B a batch", "append-1x100", COMMITLOG, 1.1),
    row("append, 100 × 100 B a batch", "append-100x100", COMMITLOG, 1.2),
    row("append, 1000 × 100 B a batch", "append-1000x100", COMMITLOG, 1.2),
    row("append, 1000 × 1 KiB a batch", "append-1000x1024", COMMITLOG, 1.05),
    row("append, encoded already, 100 × 100 B a batch", "append-encoded-100x100", WRITE, 0.85),
    row("fetch, 64 KiB at a time", "fetch-64KiB", COMMITLOG, 1.1),
    row("fetch, 64 KiB at a time", "fetch-64KiB", READ_AND_SUM, 0.9),
    row("fetch, 1 MiB at a time", "fetch-1MiB", COMMITLOG, 1.1),
    row("fetch, 1 MiB at a time", "fetch-1MiB", READ_AND_SUM, 0.9),
    row("iterate all records, 100 × 100 B a batch", "iterate-100x100", READ_AND_SUM, 0.5),
    row("random fetch of 4 KiB, 36 × 100 B a batch", "random-4KiB-36x100", COMMITLOG, 1.0),
    row("random fetch of 4 KiB, 36 × 100 B a batch", "random-4KiB-36x100", READ, 0.5),
    row("random fetch of 4 KiB, 10 × 100 B a batch", "random-4KiB-10x100", COMMITLOG, 1.0),
    row("random fetch of 4 KiB, 10 × 100 B a batch", "random-4KiB-10x100", READ, 0.5),
    row("random fetch of 4 KiB, 1 × 100 B a batch", "random-4KiB-1x100", COMMITLOG, 1.0),
    row("random fetch of 4 KiB, 1 × 100 B a batch", "random-4KiB-1x100", READ, 0.5),
    row("recovery scan of 1 GiB", "recovery-1GiB", READ_AND_SUM, 0.8),
    row("open 4 GiB, closed in good order", "open", SMALL, 0.8),
];

/// Native on its own in criterion; the browser is measured when that is done.
const BROWSER: Row = row(
    "append in Chromium, in memory, 100 × 100 B a batch",
    "wasm-100x100",
    ("native", "native, in memory"),
    0.5,
);

/// The group of the one figure that is no ratio, and how many MiB it may be.
const MEMORY: (&str, f64) = ("memory", 8.0);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// One short round instead of seven: to see that it runs, not to quote
    #[arg(long)]
    quick: bool,
    /// Measure the time on the processor, not on the wall: for a machine that is busy with other things
    #[arg(long)]
    cpu_time: bool,
    /// Only the benches with this in their names, such as `append` or `memory`; `broker` are those of the broker, and
    /// `broker-fetch` one of them; `page` those of the page, and `page-redraw` some of them
    #[arg(default_value = "")]
    filter: String,
}

pub(crate) fn bench(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let filter = arguments.filter.as_str();
    if let Some(rows) = broker::wanted(filter) {
        broker::bench(workspace, arguments, rows)?;
        if !filter.is_empty() {
            return Ok(());
        }
    }
    if let Some(rows) = page::wanted(filter) {
        page::bench(workspace, arguments, rows)?;
        if !filter.is_empty() {
            return Ok(());
        }
    }
    let rows: Vec<&Row> = ROWS.iter().filter(|row| row.group.contains(filter)).collect();
    let (wasm, memory) = (BROWSER.group.contains(filter), MEMORY.0.contains(filter));
    let criterion = workspace.target.join("criterion");
    let groups: BTreeSet<&str> =
        rows.iter().copied().chain(wasm.then_some(&BROWSER)).map(|row| row.group).collect();
    if groups.is_empty() && !memory {
        let groups: BTreeSet<&str> =
            ROWS.iter().chain([&BROWSER]).map(|row| row.group).chain([MEMORY.0]).collect();
        bail!("no bench has {filter:?} in its name; there are {}", Vec::from_iter(groups).join(", "));
    }
    if !groups.is_empty() {
        measure(workspace, &criterion, &groups, arguments)?;
    }
    let turns = |row: &Row, contender| turns(&criterion.join(row.group).join(contender));
    let mut lines = Vec::new();
    for row in rows {
        lines.push(line(row, &turns(row, "logscope")?, &turns(row, row.against)?)?);
    }
    if wasm {
        let native = turns(&BROWSER, BROWSER.against)?;
        lines.push(line(&BROWSER, &browser::speeds(workspace, native.len())?, &native)?);
    }
    if memory {
        lines.push(memory_line(measure_memory(workspace)?));
    }
    println!("\n| what | Logscope | floor | floor's figure | ratio (of each round) | reach at least | |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    lines.iter().for_each(|line| println!("{line}"));
    Ok(())
}

/// Has criterion measure these groups anew.
fn measure(
    workspace: &Workspace,
    criterion: &Path,
    groups: &BTreeSet<&str>,
    arguments: &Arguments,
) -> Result<()> {
    for group in groups {
        // What an earlier run left would be taken for this one's rounds.
        if let Err(error) = fs::remove_dir_all(criterion.join(group))
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(error).with_context(|| format!("the old figures of {group} cannot be removed"));
        }
    }
    let filter = format!("^({})/", Vec::from_iter(groups.iter().copied()).join("|"));
    let mut command = workspace.cargo();
    command.args(["bench", "--package=logscope-benches", "--bench=log", "--", "--noplot", &filter]);
    for (chosen, variable) in
        [(arguments.quick, "LOGSCOPE_BENCH_QUICK"), (arguments.cpu_time, "LOGSCOPE_BENCH_CPU_TIME")]
    {
        if chosen {
            command.env(variable, "1");
        }
    }
    run(&mut command)
}

/// Bytes on the heap.
fn measure_memory(workspace: &Workspace) -> Result<u64> {
    let output = workspace
        .cargo()
        .args(["bench", "--package=logscope-benches", "--bench=memory"])
        .stderr(Stdio::inherit())
        .output()
        .context("the memory bench does not run")?;
    ensure!(output.status.success(), "the memory bench ended with {}", output.status);
    let said = String::from_utf8_lossy(&output.stdout);
    said.trim().parse().with_context(|| format!("the memory bench said {said:?}, which is no number"))
}

/// A contender's speed in each round, in elements a second, from criterion's medians.
fn turns(contender: &Path) -> Result<Vec<f64>> {
    let mut speeds = Vec::new();
    loop {
        let round = contender.join(speeds.len().to_string()).join("new");
        if !round.is_dir() {
            break;
        }
        let read = |name: &str| -> Result<Value> {
            let file = round.join(name);
            let text = fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
            Ok(serde_json::from_slice(&text)?)
        };
        let nanoseconds = read("estimates.json")?["median"]["point_estimate"].as_f64();
        let elements = read("benchmark.json")?["throughput"]["Elements"].as_f64();
        let (Some(nanoseconds), Some(elements)) = (nanoseconds, elements) else {
            bail!("{} holds no median, or no throughput", round.display());
        };
        speeds.push(elements * 1e9 / nanoseconds);
    }
    ensure!(!speeds.is_empty(), "criterion left no figures in {}", contender.display());
    Ok(speeds)
}

fn line(row: &Row, ours: &[f64], floor: &[f64]) -> Result<String> {
    ensure!(ours.len() == floor.len(), "{}: one contender had more turns than the other", row.group);
    let mut ratios: Vec<f64> = ours.iter().zip(floor).map(|(ours, floor)| ours / floor).collect();
    ratios.sort_by(f64::total_cmp);
    let ratio = median(&ratios);
    Ok(format!(
        "| {} | {} | {} | {} | **{ratio:.2}** ({:.2} to {:.2}) | {:.2} | {} |",
        row.what,
        per_second(median(ours)),
        row.floor,
        per_second(median(floor)),
        ratios[0],
        ratios[ratios.len() - 1],
        row.least,
        verdict(ratio >= row.least),
    ))
}

fn memory_line(bytes: u64) -> String {
    let (mebibytes, limit) = (bytes as f64 / f64::from(1 << 20), MEMORY.1);
    let what = "heap of an open log of 1 GiB, 10 million records";
    format!("| {what} | {mebibytes:.2} MiB | | | | under {limit} MiB | {} |", verdict(mebibytes < limit))
}

fn verdict(reached: bool) -> &'static str {
    if reached { "ok" } else { "short" }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    (low + high) / 2.0
}

/// Records a second, or fetches.
fn per_second(speed: f64) -> String {
    match speed {
        speed if speed >= 1e6 => format!("{:.2} M/s", speed / 1e6),
        speed if speed >= 1e4 => format!("{:.0} k/s", speed / 1e3),
        speed => format!("{speed:.0} /s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_median_of_the_rounds_ratios() {
        let row = row("append", "append", COMMITLOG, 1.1);
        // The second round met the machine at half its speed, and says the same.
        let line = line(&row, &[2e6, 1e6, 3e6], &[1e6, 0.5e6, 2e6]).unwrap();
        assert_eq!(
            line,
            "| append | 2.00 M/s | `commitlog` | 1.00 M/s | **2.00** (1.50 to 2.00) | 1.10 | ok |"
        );
    }

    #[test]
    fn a_ratio_below_its_mark_is_short() {
        let row = row("append", "append", COMMITLOG, 1.1);
        assert!(line(&row, &[1.0], &[1.0]).unwrap().ends_with("| short |"));
        assert!(line(&row, &[1.0, 1.0], &[1.0]).is_err(), "a round is missing");
        assert!(memory_line(9 << 20).ends_with("| short |"));
    }

    #[test]
    fn rounds_are_read_as_criterion_leaves_them() {
        let folder = tempfile::tempdir().unwrap();
        assert!(turns(folder.path()).is_err(), "no figures are no figure");
        for (round, nanoseconds) in [("0", 2e9), ("1", 1e9)] {
            let new = folder.path().join(round).join("new");
            fs::create_dir_all(&new).unwrap();
            let estimates = format!(r#"{{"median":{{"point_estimate":{nanoseconds}}}}}"#);
            fs::write(new.join("estimates.json"), estimates).unwrap();
            fs::write(new.join("benchmark.json"), r#"{"throughput":{"Elements":10}}"#).unwrap();
        }
        assert_eq!(turns(folder.path()).unwrap(), [5.0, 10.0]);
    }
}
