//! One log in two tabs: one writes, the other watches, and takes over.

use anyhow::{Result, ensure};
use browser_tests::{Page, eventually, visit};

const TAKE_OVER: &str = "Take over";

/// The tab that is used can write.
async fn writes(page: &Page) -> Result<()> {
    eventually("the tab can write", async || Ok(page.can_press("Append").await?.then_some(()))).await
}

/// The tab that is used shows the log, and cannot write.
async fn watches(page: &Page) -> Result<()> {
    eventually("the tab watches", async || Ok(page.can_press(TAKE_OVER).await?.then_some(()))).await?;
    for button in ["Append", "Fetch", "Flush", "Crash"] {
        ensure!(!page.can_press(button).await?, "a tab that watches has {button:?}");
    }
    Ok(())
}

/// The log's batches, by their first offsets, are these many.
async fn batches_are(page: &Page, count: usize) -> Result<()> {
    eventually(&format!("there are {count} batches"), async || {
        let batches = page.batches().await?;
        ensure!(batches.len() == count, "they are {batches:?}");
        Ok(Some(()))
    })
    .await
}

async fn records_are(page: &Page, payloads: &[&str]) -> Result<()> {
    page.run("fetch 0 max_bytes=100000").await?;
    eventually(&format!("the records are {payloads:?}"), async || {
        page.to_the_end().await?;
        let rows = page.table("Fetched records").await?;
        let as_expected =
            rows.iter().zip(payloads).all(|(row, payload)| row.iter().any(|cell| cell == payload));
        ensure!(rows.len() == payloads.len() && as_expected, "they are {rows:?}");
        Ok(Some(()))
    })
    .await
}

#[tokio::test]
async fn a_second_tab_follows_and_looks_around() -> Result<()> {
    visit(async |page| {
        page.run("append a count=3").await?;
        page.press("Flush").await?;
        let first = page.tab().await?;
        let second = page.open_tab().await?;
        watches(page).await?;
        batches_are(page, 3).await?;

        page.use_tab(&first).await?;
        page.run("append b key=k count=2").await?;
        page.press("Flush").await?;
        page.use_tab(&second).await?;
        batches_are(page, 5).await?;
        let actions: Vec<_> = page.actions().await?.into_iter().map(|(command, _)| command).collect();
        ensure!(actions.iter().any(|command| command == "append b key=k count=2"), "{actions:?}");
        page.run("append c").await?;
        ensure!(page.command().await? == "append c", "the command line of a tab that watches takes commands");

        // Time travel and details work; and what is looked at stays while more comes.
        page.press("00000000000000000000.log").await?;
        page.press("To the start").await?;
        let earlier = page.sentence().await?;
        page.use_tab(&first).await?;
        page.run("append d").await?;
        page.press("Flush").await?;
        page.use_tab(&second).await?;
        ensure!(page.sentence().await? == earlier, "the past went away: {}", page.sentence().await?);
        page.press("To the end").await?;
        batches_are(page, 6).await?;
        ensure!(!page.table("Contents of the file").await?.is_empty(), "the file was closed");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn tabs_take_over_from_each_other_and_lose_nothing() -> Result<()> {
    visit(async |page| {
        let first = page.tab().await?;
        page.append("one", "").await?;
        let second = page.open_tab().await?;
        watches(page).await?;
        page.press(TAKE_OVER).await?;
        writes(page).await?;
        page.append("two", "").await?;
        page.press("Flush").await?;
        page.append("three", "").await?;

        page.use_tab(&first).await?;
        watches(page).await?;
        page.press(TAKE_OVER).await?;
        writes(page).await?;
        records_are(page, &["one", "two", "three"]).await?;
        page.append("four", "").await?;
        page.reload().await?;
        batches_are(page, 4).await?;

        page.use_tab(&second).await?;
        watches(page).await?;
        page.press(TAKE_OVER).await?;
        writes(page).await?;
        records_are(page, &["one", "two", "three", "four"]).await
    })
    .await
}

/// Who watches hears when nobody has the log, and for that has it for a moment; here, for as long as it stands still.
#[tokio::test]
async fn a_tab_that_is_loaded_again_writes_on_beside_one_that_stands_still() -> Result<()> {
    visit(async |page| {
        let first = page.tab().await?;
        page.append("one", "").await?;
        let second = page.open_tab().await?;
        watches(page).await?;
        page.will_be_busy("To the start").await?;
        page.use_tab(&first).await?;
        page.begin_busy().await?;
        page.begin_reload().await?;
        watches(page).await?;
        page.end_busy().await?;
        writes(page).await?;
        records_are(page, &["one"]).await?;
        page.use_tab(&second).await?;
        watches(page).await
    })
    .await
}

/// What was appended is not flushed: the page does that as it goes. WebDriver closes a tab without `beforeunload`, so all
/// of it has to happen in `pagehide`, and a browser gives that about half a second.
#[tokio::test]
async fn a_closed_tab_leaves_the_log_to_the_other() -> Result<()> {
    visit(async |page| {
        let first = page.tab().await?;
        let second = page.open_tab().await?;
        watches(page).await?;
        page.use_tab(&first).await?;
        page.append("just before", "").await?;
        page.close_tab(&second).await?;
        batches_are(page, 1).await?;
        page.press(TAKE_OVER).await?;
        writes(page).await?;
        records_are(page, &["just before"]).await?;
        page.append("and on", "").await?;
        page.reload().await?;
        records_are(page, &["just before", "and on"]).await
    })
    .await
}

/// A tab behind another may be ended by the browser without a word.
#[tokio::test]
async fn a_tab_that_goes_out_of_sight_flushes() -> Result<()> {
    visit(async |page| {
        page.run("append unflushed").await?;
        batches_are(page, 1).await?;
        page.open_tab().await?;
        watches(page).await?;
        batches_are(page, 1).await?;
        page.press(TAKE_OVER).await?;
        writes(page).await?;
        records_are(page, &["unflushed"]).await
    })
    .await
}

/// What it had not committed is lost as in a crash, and what it commits later is refused as a whole.
#[tokio::test]
async fn a_tab_that_does_not_answer_loses_the_log_and_writes_nothing_more() -> Result<()> {
    visit(async |page| {
        let first = page.tab().await?;
        page.append("kept", "").await?;
        page.press("Flush").await?;
        let second = page.open_tab().await?;
        watches(page).await?;
        page.use_tab(&first).await?;
        page.write("Payload", "not kept").await?;
        page.will_be_busy("Append").await?;
        page.use_tab(&second).await?;
        page.begin_busy().await?;
        page.press(TAKE_OVER).await?;
        writes(page).await?;
        page.append("mine", "").await?;
        page.press("Flush").await?;

        page.end_busy().await?;
        page.use_tab(&first).await?;
        watches(page).await?;
        batches_are(page, 2).await?;
        page.use_tab(&second).await?;
        records_are(page, &["kept", "mine"]).await?;
        page.reload().await?;
        records_are(page, &["kept", "mine"]).await
    })
    .await
}

#[tokio::test]
async fn the_page_says_how_much_the_browser_keeps() -> Result<()> {
    visit(async |page| {
        page.press("Saved in this browser").await?;
        eventually("the browser's storage is shown", async || {
            let said = page.dialog().await?;
            let all = ["Used by this site", "The browser allows", "When space is short"];
            Ok(all.iter().all(|part| said.contains(part)).then_some(()))
        })
        .await?;
        page.press("Ask the browser to keep it").await?;
        eventually("its answer is shown", async || {
            let said = page.dialog().await?;
            Ok((said.contains("did not agree") || said.contains("the browser keeps it")).then_some(()))
        })
        .await
    })
    .await
}
