//! A fetch that is asked about, and a disk that fails: what the page shows is what a native laboratory says.

use anyhow::{Context, Result, ensure};
use browser_tests::{Page, eventually, visit};
use logscope::MemoryStorage;
use logscope::lab::{FetchCost, Lab};

const SCENARIO: [&str; 4] = ["config index.interval.bytes=400", "append a count=16", "flush", "append b"];
const FETCH: &str = "fetch 5 max_bytes=207";

/// What the scenario's fetch costs, run natively under these configs.
fn cost(configs: &str, fetch: &str) -> Result<FetchCost> {
    let mut lab = Lab::new(MemoryStorage::new());
    let mut events = Vec::new();
    for line in [configs, SCENARIO[1], SCENARIO[2], SCENARIO[3], fetch] {
        events = lab.run_line(line)?.events;
    }
    FetchCost::of(&events).context("there is a fetch")
}

/// The cells of the comparison that say what a fetch cost.
fn cells(cost: &FetchCost) -> [String; 4] {
    let plural = |count: u64, one: &str| {
        let end = match (count, one) {
            (1, _) => "",
            (_, "batch") => "es",
            _ => "s",
        };
        format!("{count} {one}{end}")
    };
    let both = |batches, bytes| format!("{}, {}", plural(batches, "batch"), plural(bytes, "byte"));
    [
        cost.segments.to_string(),
        format!("{} of {}", cost.comparisons, cost.index_entries),
        both(cost.batches_skipped, cost.bytes_skipped),
        both(cost.batches, cost.bytes),
    ]
}

async fn run(page: &Page, lines: &[&str]) -> Result<()> {
    for line in lines {
        page.run(line).await?;
    }
    page.to_the_end().await
}

#[tokio::test]
async fn what_if_lays_two_fetches_side_by_side() -> Result<()> {
    visit(async |page| {
        run(page, &SCENARIO).await?;
        run(page, &[FETCH]).await?;
        let before = page.actions().await?;
        page.press("What if…").await?;
        page.write("What if index.interval.bytes", "0").await?;
        page.write("What if max_bytes", "500").await?;
        page.press("Compare").await?;
        let table = async || {
            let table = page.table("Both fetches").await?;
            Ok((!table.is_empty()).then_some(table))
        };
        let rows = eventually("both fetches are compared", table).await?;
        let was = cells(&cost("config index.interval.bytes=400", FETCH)?);
        let other = cells(&cost("config index.interval.bytes=0", "fetch 5 max_bytes=500")?);
        ensure!(was != other, "a comparison of the same shows nothing");
        for (row, (was, other)) in rows.iter().zip(was.iter().zip(&other)) {
            ensure!(row[1] == *was && row[2] == *other, "{row:?} is not {was}, {other}");
        }
        ensure!(page.actions().await? == before, "the log itself does nothing");

        // What cannot be is said at its field, and the log is as before.
        page.write("What if segment.bytes", "60").await?;
        page.press("Compare").await?;
        eventually("the field is complained about", async || {
            let said = page.alerts().await?;
            Ok(said.contains("segment.bytes takes a whole number from 61").then_some(()))
        })
        .await
    })
    .await
}

#[tokio::test]
async fn the_original_fetch_is_shown_with_what_it_misses() -> Result<()> {
    visit(async |page| {
        run(page, &["append a count=16", "flush", "append b", "fetch 0 max_bytes=207"]).await?;
        ensure!(page.region("Original Python reader").await?.is_empty());
        page.tick("Original Python reader").await?;
        let said = eventually("the original's way is told", async || {
            let said = page.region("Original Python reader").await?;
            Ok((!said.is_empty()).then_some(said))
        })
        .await?;
        for part in
            ["3 fetches", "8 of the 16 records from offset 0 on never come", "3–6, 10–13", "save the last"]
        {
            ensure!(said.contains(part), "no {part} in {said}");
        }
        page.tick("Original Python reader").await?;
        eventually("it is gone again", async || {
            Ok(page.region("Original Python reader").await?.is_empty().then_some(()))
        })
        .await
    })
    .await
}

#[tokio::test]
async fn a_full_disk_refuses_and_has_room_again() -> Result<()> {
    visit(async |page| {
        run(page, &["append a", "flush"]).await?;
        page.press("Faults of the disk").await?;
        page.write_number("Disk bytes", 260).await?;
        page.press("Disk full").await?;
        said(page, "The disk takes 260 bytes in all").await?;
        ensure!(page.region("Log").await?.contains("The disk takes 260 bytes in all; 227 are used."));
        run(page, &["append b"]).await?;
        said(page, "the disk is full: it holds 227 of 260 bytes").await?;
        ensure!(page.batches().await?.len() == 1, "what was refused leaves no trace");
        page.press("Disk free").await?;
        run(page, &["append b"]).await?;
        said(page, "The batch (offset 1").await?;
        ensure!(!page.region("Log").await?.contains("The disk takes"));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_low_window_keeps_the_log_in_sight() -> Result<()> {
    visit(async |page| {
        page.size(1440, 500).await?;
        page.press("Show me").await?;
        page.size(1280, 720).await?;
        said(page, "the fetch stops").await?;
        page.press("What if…").await?;
        page.press("Compare").await?;
        page.tick("Original Python reader").await?;
        eventually("both are there", async || {
            let log = page.region("Log").await?;
            Ok((log.contains("never come") && log.contains("Bytes read per byte of answer")).then_some(()))
        })
        .await?;
        let height: u32 =
            page.console("return document.querySelector('.lanes').clientHeight").await?.parse()?;
        ensure!(height >= 120, "the log is {height} pixels high");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_failed_sync_stops_the_log_until_it_is_opened_again() -> Result<()> {
    visit(async |page| {
        run(page, &["append kept", "flush", "append lost"]).await?;
        page.press("Faults of the disk").await?;
        page.press("Sync fails").await?;
        said(page, "The next sync is going to fail").await?;
        page.press("Flush").await?;
        said(page, "Refused: the storage failed").await?;
        run(page, &["append late"]).await?;
        said(page, "Refused: an earlier sync failed").await?;
        ensure!(page.region("Log").await?.contains("takes no appends until it is opened again"));
        page.press("Reopen").await?;
        said(page, "The log is open, from offset 0 up to 1").await?;
        run(page, &["append late", "flush", "fetch 0"]).await?;
        let records = page.table("Fetched records").await?;
        let has = |payload: &str| records.iter().flatten().any(|cell| cell.contains(payload));
        ensure!(has("kept") && has("late") && !has("lost"), "{records:?}");
        Ok(())
    })
    .await
}

/// The step says this, once the page has come to its end.
async fn said(page: &Page, part: &str) -> Result<()> {
    eventually(&format!("the step says: {part}"), async || {
        page.to_the_end().await?;
        Ok(page.sentence().await?.contains(part).then_some(()))
    })
    .await
}
