//! What a visitor does in the playground, and what must come of it.

use anyhow::{Context, Result, anyhow, ensure};
use browser_tests::{Page, Scheme, eventually, visit};
use fantoccini::key::Key;

const ENTER: &str = "\u{e007}";
const PLENTY: u32 = 4096;

#[tokio::test]
async fn records_come_from_the_form_and_from_the_command_line() -> Result<()> {
    visit(async |page| {
        page.append("first", "user-1").await?;
        page.run("append second key=user-2").await?;
        page.press("Flush").await?;
        page.fetch(0, PLENTY).await?;
        let records = fetched(page, &["first", "second"]).await?;
        for (record, (offset, key)) in records.iter().zip([("0", "user-1"), ("1", "user-2")]) {
            ensure!(record.iter().any(|cell| cell == offset), "no offset {offset} in {record:?}");
            ensure!(record.iter().any(|cell| cell.contains(key)), "no key {key} in {record:?}");
        }
        let files = page.table("Files").await?;
        let log = files.iter().find(|file| file.iter().any(|cell| cell.ends_with(".log")));
        let log = log.ok_or_else(|| anyhow!("no .log among {files:?}"))?;
        ensure!(
            log.iter().any(|cell| cell.starts_with(|first| ('1'..='9').contains(&first))),
            "empty: {log:?}"
        );
        Ok(())
    })
    .await
}

/// Whoever looks for a button by its name, and be it loosely, finds one.
#[tokio::test]
async fn each_button_is_there_once() -> Result<()> {
    visit(async |page| {
        for command in ["append x", "flush", "fetch 0", "crash", "reopen", "reset"] {
            page.run(command).await?;
            page.to_the_end().await?;
            for name in ["Append", "Fetch", "Flush", "Crash", "Reopen", "Reset", "Back", "Forward", "Play"] {
                let count = page.buttons_with(name).await?;
                ensure!(count == 1, "{count} buttons have {name} in their name after `{command}`");
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_fetch_stops_at_its_limit() -> Result<()> {
    visit(async |page| {
        for payload in ["r0", "r1", "r2", "r3", "r4"] {
            page.run(&format!("append {payload}")).await?;
        }
        page.run("flush").await?;
        // A batch of one such record has 70 bytes: two fit.
        page.fetch(1, 150).await?;
        fetched(page, &["r1", "r2"]).await?;
        // The first batch comes whole, however small the limit.
        page.run("fetch 3 max_bytes=1").await?;
        fetched(page, &["r3"]).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn steps_go_back_and_forth() -> Result<()> {
    visit(async |page| {
        page.run("append one").await?;
        page.run("append two").await?;
        page.press("Flush").await?;
        page.to_the_end().await?;
        let last = page.sentence().await?;
        ensure!(!last.is_empty(), "the last step says nothing");

        page.press("Back").await?;
        let before = sentence_other_than(page, &last).await?;
        page.press("Back").await?;
        let earlier = sentence_other_than(page, &before).await?;
        page.press("Forward").await?;
        sentence_is(page, &before).await?;
        page.press("Back").await?;
        sentence_is(page, &earlier).await?;

        page.press("Play").await?;
        sentence_is(page, &last).await
    })
    .await
}

#[tokio::test]
async fn actions_are_gone_through_one_by_one() -> Result<()> {
    visit(async |page| {
        for command in ["append one", "append two count=9", "flush"] {
            page.run(command).await?;
        }
        let current = async || {
            let actions = page.actions().await?;
            ensure!(
                actions.len() >= 3 && actions.iter().filter(|action| action.1).count() == 1,
                "{actions:?}"
            );
            actions.into_iter().find(|action| action.1).map(|action| action.0).context("one is current")
        };
        ensure!(current().await? == "flush");
        page.press("To the previous action").await?;
        ensure!(current().await? == "append two count=9");
        page.press("To the previous action").await?;
        let one = page.sentence().await?;
        ensure!(current().await? == "append one" && one.contains("offset 0"), "{one}");
        page.press("To the next action").await?;
        page.press("To the next action").await?;
        ensure!(current().await? == "flush" && !page.can_press("To the next action").await?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_scrubber_goes_anywhere_and_playing_at_once_to_the_end() -> Result<()> {
    visit(async |page| {
        page.run("append hello key=k count=3000").await?;
        page.run("flush").await?;
        let (end, last) = (page.slider_end("Step").await?, page.sentence().await?);
        ensure!(end > 6000, "{end} steps");
        for step in [end / 2, 40, end - 7, 1] {
            page.slide("Step", step).await?;
            let said = page.sentence().await?;
            page.press("Back").await?;
            page.press("Forward").await?;
            sentence_is(page, &said).await?;
        }
        page.slide("Speed", page.slider_end("Speed").await?).await?;
        page.press("Play").await?;
        sentence_is(page, &last).await
    })
    .await
}

#[tokio::test]
async fn an_action_in_the_past_forks_and_both_branches_can_be_had() -> Result<()> {
    visit(async |page| {
        for command in ["append one", "append two", "flush"] {
            page.run(command).await?;
        }
        ensure!(page.branches().await?.is_empty());
        page.press("To the previous action").await?;
        page.press("To the previous action").await?;
        page.run("append other key=k").await?;
        page.press("Flush").await?;
        let branches = page.branches().await?;
        ensure!(branches.len() == 2 && branches[0].starts_with("Forked"), "{branches:?}");
        ensure!(branches[1].contains("2 actions") && branches[1].contains("append two"), "{branches:?}");
        page.fetch(0, PLENTY).await?;
        fetched(page, &["one", "other"]).await?;

        // The files are those of the branch that goes on, and they are kept.
        page.press("Switch to branch 1").await?;
        page.fetch(0, PLENTY).await?;
        fetched(page, &["one", "two"]).await?;
        page.press("Dismiss branch 2").await?;
        ensure!(page.branches().await?.is_empty(), "{:?}", page.branches().await?);
        page.reload().await?;
        page.fetch(0, PLENTY).await?;
        fetched(page, &["one", "two"]).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_keys_zoom_and_walk_through_the_batches() -> Result<()> {
    visit(async |page| {
        page.run("append hello key=user-1 count=40").await?;
        page.run("append hello key=user-2 count=40").await?;
        page.press("Flush").await?;
        let before = page.drawing().await?;
        page.type_keys("+++++").await?;
        let near = eventually("the drawing is wider", async || {
            Ok(Some(page.drawing().await?).filter(|near| near.0 > 2.0 * before.0))
        })
        .await?;
        ensure!(near.1 >= before.1, "{near:?}");
        page.type_keys("0----").await?;
        eventually("the drawing is lower", async || {
            Ok(Some(page.drawing().await?).filter(|far| far.1 < before.1 / 1.5))
        })
        .await?;
        page.type_keys("0").await?;
        eventually("the drawing is as before", async || Ok((page.drawing().await? == before).then_some(())))
            .await?;

        page.tab_to_prefix("Batch ").await?;
        page.type_keys(&char::from(Key::Home).to_string()).await?;
        ensure!(page.focused().await?.starts_with("Batch 0, "), "{}", page.focused().await?);
        for number in 1..40 {
            page.type_keys(&char::from(Key::Right).to_string()).await?;
            let focused = page.focused().await?;
            ensure!(focused.starts_with(&format!("Batch {number}, ")), "{focused} instead of {number}");
        }
        page.type_keys(ENTER).await?;
        let fields = page.table("Fields of the batch").await?;
        ensure!(fields.iter().any(|field| field.iter().any(|cell| cell == "39")), "{fields:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_drawing_is_painted_in_the_colours_of_the_theme() -> Result<()> {
    visit(async |page| {
        populate(page).await?;
        for scheme in [Scheme::Light, Scheme::Dark] {
            page.prefer(scheme).await?;
            eventually("there are colours", async || Ok((page.colours().await? > 20).then_some(()))).await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_wrong_command_is_explained_and_nothing_is_lost() -> Result<()> {
    visit(async |page| {
        page.run("append kept").await?;
        page.run("flush").await?;
        page.run("fetch banana").await?;
        eventually("the page says what is wrong", async || page.complaint().await).await?;
        let command = page.command().await?;
        ensure!(command.contains("banana"), "the command is gone, only {command:?} is left to mend");

        page.run(&format!("fetch 0 max_bytes={PLENTY}")).await?;
        fetched(page, &["kept"]).await?;
        let complaint = page.complaint().await?;
        ensure!(complaint.is_none(), "the page still complains: {complaint:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_crash_takes_what_was_not_flushed() -> Result<()> {
    visit(async |page| {
        page.append("flushed", "").await?;
        page.press("Flush").await?;
        page.append("unflushed", "").await?;
        page.press("Crash").await?;
        page.press("Reopen").await?;
        page.append("afterwards", "").await?;
        page.press("Flush").await?;
        page.fetch(0, PLENTY).await?;
        let records = fetched(page, &["flushed", "afterwards"]).await?;
        ensure!(records[1].iter().any(|cell| cell == "1"), "the lost offset is given again: {records:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_log_survives_a_reload() -> Result<()> {
    visit(async |page| {
        page.append("flushed", "").await?;
        page.press("Flush").await?;
        page.append("just before", "").await?;
        page.reload().await?;
        page.press("Flush").await?;
        page.fetch(0, PLENTY).await?;
        fetched(page, &["flushed", "just before"]).await?;
        page.append("and on", "").await?;
        page.press("Flush").await?;
        page.fetch(2, PLENTY).await?;
        fetched(page, &["and on"]).await?;
        Ok(())
    })
    .await
}

/// The commit waits for the frame that shows the flush, so the page may go before it has begun, or before it is done.
#[tokio::test]
async fn a_flush_survives_a_reload_that_comes_soon() -> Result<()> {
    visit(async |page| {
        for (round, wait) in (0..60).step_by(10).enumerate() {
            // What runs commands is loaded by then: a press that is not run yet is lost with the page.
            page.console("await logscope.run('append shown')").await?;
            let press = format!(
                "const press = (name) =>
                    [...document.querySelectorAll('button')]
                        .find((button) => button.textContent.trim() === name).click();
                press('Append');
                press('Flush');
                setTimeout(() => location.reload(), {wait})"
            );
            page.reload_by(&press).await?;
            page.to_the_end().await?;
            let batches = page.batches().await?;
            ensure!(batches.len() == 2 * round + 2, "after a reload that came in {wait} ms: {batches:?}");
        }
        Ok(())
    })
    .await
}

/// What was closed in good order, or is one of the older segments, is not read again by the opening; the page
/// must know it all the same.
#[tokio::test]
async fn a_reload_shows_all_that_was_there() -> Result<()> {
    visit(async |page| {
        page.run("append hello key=user-1 count=16").await?;
        for command in ["reopen", "flush"] {
            page.run(command).await?;
            page.to_the_end().await?;
            let (batches, marks) = (page.batches().await?, page.marks().await?);
            ensure!(
                batches.len() == 16 && marks.iter().any(|mark| mark.starts_with("time index")),
                "{marks:?}"
            );
            ensure!(page.table("Files").await?.len() >= 9);
            page.reload().await?;
            page.to_the_end().await?;
            ensure!(page.batches().await? == batches, "after `{command}`: {:?}", page.batches().await?);
            let again = page.marks().await?;
            ensure!(again == marks, "after `{command}`: {again:?}, not {marks:?}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn old_segments_go_when_the_clock_has_moved() -> Result<()> {
    visit(async |page| {
        page.run("append hello key=user-1 count=16").await?;
        page.press("Flush").await?;
        page.press("Housekeeping").await?;
        page.press("Advance").await?;
        page.press("Retain").await?;
        page.to_the_end().await?;
        let files = page.table("Files").await?;
        ensure!(files.iter().all(|file| !file[0].starts_with("00000000000000000000.")), "{files:?}");
        page.write_number("Cut at", 15).await?;
        page.press("Delete below").await?;
        page.run("append more count=2").await?;
        page.write_number("Cut at", 17).await?;
        page.press("Truncate").await?;
        page.to_the_end().await?;
        let batches = page.batches().await?;
        let below = batches.iter().filter(|batch| batch.ends_with("below the log start offset")).count();
        ensure!(below > 0 && batches.last().is_some_and(|last| last.starts_with("Batch 16,")), "{batches:?}");
        let marks = page.marks().await?;
        ensure!(marks.iter().any(|mark| mark == "log start 15"), "{marks:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn compaction_leaves_holes_and_the_offsets_as_they_are() -> Result<()> {
    visit(async |page| {
        page.run("config cleanup.policy=compact segment.bytes=300").await?;
        for number in 0..9 {
            page.append(&format!("v{number}"), &format!("user-{}", number % 2)).await?;
        }
        page.append("", "user-1").await?;
        page.press("Tombstone").await?;
        page.press("Flush").await?;
        page.press("Housekeeping").await?;
        page.press("Compact").await?;
        page.to_the_end().await?;
        let said = page.sentence().await?;
        ensure!(said.starts_with("Compaction is done: "), "{said}");
        let marks = page.marks().await?;
        ensure!(marks.iter().any(|mark| mark == "no record is left at offset 0–6"), "{marks:?}");
        page.fetch(0, PLENTY).await?;
        let records = fetched(page, &["v7", "v8", "", "null"]).await?;
        let offsets: Vec<_> = records.iter().map(|record| record[0].as_str()).collect();
        ensure!(offsets == ["7", "8", "9", "10"], "{records:?}");
        page.press("Housekeeping").await
    })
    .await
}

#[tokio::test]
async fn a_time_leads_to_its_offset() -> Result<()> {
    visit(async |page| {
        page.run("append hello count=16").await?;
        page.press("Flush").await?;
        page.press("Find by time").await?;
        page.write("Timestamp", "2026-01-01 00:00:09").await?;
        page.press("Find").await?;
        page.to_the_end().await?;
        let said = page.sentence().await?;
        ensure!(said.contains("offset 9"), "{said}");
        page.write("Timestamp", "soon").await?;
        page.press("Find").await?;
        eventually("the page says what a time is", async || page.complaint().await).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn configs_are_set_by_kafkas_keys() -> Result<()> {
    visit(async |page| {
        page.press("Configs").await?;
        page.write("segment.bytes", "300").await?;
        page.write("retention.ms", "2h").await?;
        page.choose("cleanup.policy", "compact,delete").await?;
        page.press("Apply").await?;
        page.to_the_end().await?;
        let said = page.sentence().await?;
        ensure!(said.contains("retention.ms is 7200000 from now on"), "{said}");
        page.reload().await?;
        page.press("Configs").await?;
        page.run("append hello key=k count=9").await?;
        page.to_the_end().await?;
        let logs = page.table("Files").await?.into_iter().filter(|file| file[0].ends_with(".log")).count();
        ensure!(logs == 3, "segments of 300 bytes hold three batches or four: {logs}");
        page.write("segment.bytes", "5").await?;
        page.press("Apply").await?;
        eventually("the page says what the config takes", async || page.complaint().await).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn every_file_can_be_looked_at() -> Result<()> {
    visit(async |page| {
        page.run("append hello key=user-1 count=16").await?;
        page.run("reopen").await?;
        page.to_the_end().await?;
        for file in page.table("Files").await? {
            page.press(&file[0]).await?;
            eventually(&format!("{} is taken apart", file[0]), async || {
                Ok((!page.table("Contents of the file").await?.is_empty()).then_some(()))
            })
            .await?;
        }
        let checkpoint = page.table("Contents of the file").await?;
        ensure!(
            checkpoint.iter().any(|line| line[1].starts_with("clean") && line[2] == "false"),
            "{checkpoint:?}"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_keyboard_is_enough() -> Result<()> {
    visit(async |page| {
        page.tab_to("Payload").await?;
        page.type_keys("typed").await?;
        page.tab_to("Append").await?;
        page.type_keys(ENTER).await?;
        for command in ["flush", "fetch 0 max_bytes=4096"] {
            page.tab_to("Command").await?;
            page.type_keys(command).await?;
            page.type_keys(ENTER).await?;
        }
        fetched(page, &["typed"]).await?;
        for name in ["Key", "Offset", "Max bytes", "Fetch", "Flush", "Crash", "Reset"] {
            page.tab_to(name).await?;
        }
        let last = page.sentence().await?;
        page.tab_to("Back").await?;
        page.type_keys(ENTER).await?;
        sentence_other_than(page, &last).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_page_never_scrolls_sideways() -> Result<()> {
    visit(async |page| {
        for (width, height) in [(390, 844), (1440, 900)] {
            page.size(width, height).await?;
            fits(page).await?;
        }
        populate(page).await?;
        page.run(&format!("append {} key={}", "long".repeat(50), "key".repeat(20))).await?;
        page.run("flush").await?;
        page.run(&format!("fetch 0 max_bytes={PLENTY}")).await?;
        page.to_the_end().await?;
        for (width, height) in [(1440, 900), (390, 844)] {
            page.size(width, height).await?;
            fits(page).await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn pictures_for_people_to_look_at() -> Result<()> {
    visit(async |page| {
        populate(page).await?;
        pictures(page, "playground").await?;
        // What retention has taken is seen until the next step, and the log start in what is left.
        for command in ["flush", "advance 8d", "append later key=user-2 count=6", "delete-before 8", "retain"]
        {
            page.run(command).await?;
        }
        page.to_the_end().await?;
        page.press("checkpoint").await?;
        pictures(page, "retention").await
    })
    .await
}

/// The page as it is, in both themes and both widths.
async fn pictures(page: &Page, name: &str) -> Result<()> {
    for (scheme, theme) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
        page.prefer(scheme).await?;
        for (width, height) in [(1440, 900), (390, 844)] {
            page.size(width, height).await?;
            page.screenshot(&format!("{name}-{width}-{theme}")).await?;
        }
    }
    page.size(1440, 900).await
}

/// Some of everything: several segments and keys, flushed and unflushed records, a fetch that was cut.
async fn populate(page: &Page) -> Result<()> {
    for number in 0..14 {
        page.run(&format!("append order-{number}-{} key=user-{}", "x".repeat(number * 3), number % 4))
            .await?;
    }
    page.run("flush").await?;
    page.run("append unflushed key=user-1").await?;
    page.run("fetch 3 max_bytes=300").await?;
    page.to_the_end().await
}

/// The rows of the table of fetched records, once they are these payloads and no others.
async fn fetched(page: &Page, payloads: &[&str]) -> Result<Vec<Vec<String>>> {
    eventually(&format!("the fetched records are {payloads:?}"), async || {
        page.to_the_end().await?;
        let rows = page.table("Fetched records").await?;
        let mut pairs = rows.iter().zip(payloads);
        let equal = pairs.all(|(row, payload)| row.iter().any(|cell| cell.contains(payload)));
        ensure!(rows.len() == payloads.len() && equal, "they are {rows:?}");
        Ok(Some(rows))
    })
    .await
}

async fn sentence_is(page: &Page, expected: &str) -> Result<()> {
    eventually(&format!("the step says {expected:?}"), async || {
        let sentence = page.sentence().await?;
        ensure!(sentence == expected, "it says {sentence:?}");
        Ok(Some(()))
    })
    .await
}

async fn sentence_other_than(page: &Page, before: &str) -> Result<String> {
    eventually(&format!("the step no longer says {before:?}"), async || {
        let sentence = page.sentence().await?;
        Ok((sentence != before).then_some(sentence))
    })
    .await
}

async fn fits(page: &Page) -> Result<()> {
    let (content, page) = page.widths().await?;
    ensure!(content <= page, "the content is {content} pixels wide and the page {page}");
    Ok(())
}

/// Twenty megabytes are read from the database in several parts, a file of more than eight among them.
#[tokio::test]
async fn a_large_log_comes_back_whole() -> Result<()> {
    visit(async |page| {
        let fill = "const value = 'all of it '.repeat(1000);
            await logscope.run('config segment.bytes=12582912 max.message.bytes=1048576');
            for (const _ of Array(2)) await logscope.run(`append \"${value}\" count=1100`);
            await logscope.run('flush')";
        page.console(fill).await?;
        let fetch = "const sizes = [];
            for (const offset of [0, 1000, 1390, 2199]) {
                const { records } = await logscope.fetch(offset, 10500);
                sizes.push(records.map((record) => [record.offset, record.value.length]));
            }
            return [logscope.logEndOffset, sizes]";
        let before = page.console(fetch).await?;
        ensure!(
            before.starts_with("[\"2200n\"") && before.contains("[\"2199n\",10000]"),
            "the log holds {before}"
        );
        page.reload().await?;
        let after = page.console(fetch).await?;
        ensure!(after == before, "there was {before}, and there is {after}");
        Ok(())
    })
    .await
}
