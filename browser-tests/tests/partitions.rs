//! Several partitions side by side: keys find theirs, consumers read them, and all of it is kept and shared.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use browser_tests::{Page, Scheme, eventually, visit};

/// Keys, and where murmur2 sends them among three partitions.
const KEYS: [(&str, u32); 6] = [("ana", 1), ("dan", 0), ("user-1", 2), ("user-2", 2), ("eva", 0), ("ben", 1)];

async fn run(page: &Page, commands: &[&str]) -> Result<()> {
    for command in commands {
        page.run(command).await?;
    }
    page.to_the_end().await
}

/// Three partitions with records in each, of which some are not flushed, and two consumers.
async fn populate(page: &Page) -> Result<()> {
    page.run("partitions 3").await?;
    for (key, _) in KEYS {
        page.run(&format!("append order key={key} count=3")).await?;
    }
    let then = [
        "flush",
        "append late key=ana",
        "poll billing max_bytes=160",
        "poll billing max_bytes=80",
        "commit billing",
    ];
    run(page, &then).await?;
    run(page, &["poll billing", "poll audit max_bytes=1"]).await
}

async fn batches(page: &Page) -> Result<Vec<Vec<String>>> {
    let mut all = Vec::new();
    for partition in 0..3 {
        all.push(page.batches_of(partition).await?);
    }
    Ok(all)
}

async fn batches_are(page: &Page, expected: &[Vec<String>]) -> Result<()> {
    eventually("the batches are those", async || {
        let batches = batches(page).await?;
        ensure!(batches == expected, "they are {batches:?}, not {expected:?}");
        Ok(Some(()))
    })
    .await
}

async fn consumers_are(page: &Page, expected: &[Vec<String>]) -> Result<()> {
    eventually("the consumers are there", async || {
        let table = page.table("Consumers").await?;
        ensure!(table == expected, "they are {table:?}, not {expected:?}");
        Ok(Some(()))
    })
    .await
}

#[tokio::test]
async fn a_key_goes_where_its_hash_says_and_the_form_can_say_otherwise() -> Result<()> {
    visit(async |page| {
        page.press("Partitions and consumers").await?;
        page.press("Set").await?;
        let mut counts = [0; 3];
        for (key, partition) in KEYS {
            page.append("hello", key).await?;
            page.to_the_end().await?;
            counts[partition as usize] += 1;
            let there = page.batches_of(partition).await?.len();
            ensure!(
                there == counts[partition as usize],
                "{key} is not in partition {partition}: {there} batches"
            );
            ensure!(page.sentence().await?.starts_with(&format!("orders-{partition}")), "{key}");
        }
        page.press("Back").await?;
        let routed = page.sentence().await?;
        ensure!(routed.contains("murmur2 of the key \"ben\"") && routed.contains("mod 3 is 1"), "{routed}");
        page.press("Forward").await?;
        page.choose("Partition", "0").await?;
        page.append("hello", "ben").await?;
        page.to_the_end().await?;
        let last = page.batches_of(0).await?;
        ensure!(last.len() == 3 && page.batches_of(1).await?.len() == 2, "{last:?}");

        // What is read is of the partition that is looked at.
        page.press("Flush").await?;
        page.to_the_end().await?;
        page.press("orders-1").await?;
        page.fetch(0, 4096).await?;
        page.to_the_end().await?;
        let records = page.table("Fetched records").await?;
        ensure!(records.iter().map(|record| record[2].as_str()).eq(["ana", "ben"]), "{records:?}");
        let actions = page.actions().await?;
        ensure!(actions.last().is_some_and(|last| last.0.ends_with("partition=1")), "{actions:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn consumers_read_and_commit_and_lag_behind() -> Result<()> {
    visit(async |page| {
        run(page, &["append hello count=5", "flush"]).await?;
        ensure!(page.table("Consumers").await?.is_empty());
        page.press("Partitions and consumers").await?;
        page.write("Consumer", "billing").await?;
        page.write_number("Bytes a poll", 150).await?;
        page.press("Poll").await?;
        page.to_the_end().await?;
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        consumers_are(page, &[row(&["billing", "2", "–", "3"])]).await?;
        let marks = page.marks().await?;
        ensure!(marks.iter().any(|mark| mark == "read on by billing: 2"), "{marks:?}");
        page.press("Commit").await?;
        page.run("poll billing").await?;
        page.to_the_end().await?;
        consumers_are(page, &[row(&["billing", "5", "2", "0"])]).await?;
        page.run("poll billing").await?;
        page.to_the_end().await?;
        let said = page.sentence().await?;
        ensure!(said.contains("fetch.max.wait.ms"), "{said}");

        // Back in time they are where they were, and with a second partition there is more to read.
        page.press("To the previous action").await?;
        page.press("To the previous action").await?;
        consumers_are(page, &[row(&["billing", "2", "2", "3"])]).await?;
        page.press("To the end").await?;
        run(page, &["partitions 2", "append more partition=1 count=2", "flush", "crash", "reopen"]).await?;
        let expected =
            [row(&["billing", "0", "5", "2", "0"]), row(&["1", "–", "–", "2"]), row(&["all", "", "", "2"])];
        consumers_are(page, &expected).await?;
        page.write("Consumer", "").await?;
        page.press("Poll").await?;
        eventually("the page says what is missing", async || page.complaint().await).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_reload_and_a_link_keep_all_partitions_and_consumers() -> Result<()> {
    visit(async |page| {
        populate(page).await?;
        run(page, &["flush"]).await?;
        let (before, consumers) = (batches(page).await?, page.table("Consumers").await?);
        ensure!(before.iter().map(Vec::len).eq([6, 7, 6]), "{before:?}");
        ensure!(consumers.len() == 8, "{consumers:?}");
        page.reload().await?;
        page.to_the_end().await?;
        batches_are(page, &before).await?;
        consumers_are(page, &consumers).await?;
        run(page, &["append on count=3", "flush", "poll audit"]).await?;
        let (after, consumers) = (batches(page).await?, page.table("Consumers").await?);
        ensure!(after.iter().map(Vec::len).eq([7, 8, 7]), "{after:?}");

        page.press("orders-2").await?;
        page.press("Share").await?;
        let link = page.value("Link").await?;
        ensure!(link.contains("scenario=partitions+3") && link.contains("partition=2"), "{link}");
        page.press("Close").await?;
        run(page, &["reset", "append mine", "flush"]).await?;
        let own = page.batches().await?;
        ensure!(own.len() == 1 && page.batches_of(0).await?.is_empty(), "{own:?}");
        page.follow(&link).await?;
        batches_are(page, &after).await?;
        consumers_are(page, &consumers).await?;
        page.press("Return to my log").await?;
        page.reload().await?;
        eventually("the own log is back", async || Ok((page.batches().await? == own).then_some(()))).await
    })
    .await
}

#[tokio::test]
async fn what_was_not_flushed_is_lost_in_every_partition() -> Result<()> {
    visit(async |page| {
        run(
            page,
            &["partitions 3", "append kept count=3", "flush", "append lost count=3", "crash", "reopen"],
        )
        .await?;
        let left = batches(page).await?;
        ensure!(left.iter().all(|batches| batches.len() == 1), "{left:?}");
        // The past has one partition, and the other branch all of them.
        for _ in 0..6 {
            page.press("To the previous action").await?;
        }
        run(page, &["append alone", "flush"]).await?;
        ensure!(page.batches().await?.len() == 1 && page.batches_of(1).await?.is_empty());
        page.press("Switch to branch 1").await?;
        page.to_the_end().await?;
        batches_are(page, &left).await?;
        page.reload().await?;
        page.to_the_end().await?;
        batches_are(page, &left).await
    })
    .await
}

#[tokio::test]
async fn a_zip_holds_a_directory_for_each_partition_and_comes_back() -> Result<()> {
    visit(async |page| {
        populate(page).await?;
        run(page, &["flush"]).await?;
        let before = batches(page).await?;
        let zip = page.saved("Save all as zip", "orders.zip").await?;
        let folder = tempfile::tempdir()?;
        unpack(&zip, folder.path())?;
        let broker = std::env::var_os("LOGSCOPE_BROKER").context("LOGSCOPE_BROKER is not set")?;
        for (partition, batches) in before.iter().enumerate() {
            let directory = folder.path().join(format!("orders-{partition}"));
            let verified = Command::new(&broker).arg("verify").arg(&directory).output()?;
            let said = String::from_utf8_lossy(&verified.stdout);
            ensure!(verified.status.success(), "{said}{}", String::from_utf8_lossy(&verified.stderr));
            ensure!(said.contains(&format!("{} records", batches.len())), "{said}");
        }
        page.run("reset").await?;
        let packed = folder.path().join("log.zip");
        fs::write(&packed, &zip)?;
        page.press("Share").await?;
        page.give_files("Files", &[packed]).await?;
        batches_are(page, &before).await?;
        let again = page.saved("Save all as zip", "orders.zip").await?;
        let second = tempfile::tempdir()?;
        unpack(&again, second.path())?;
        for partition in 0..3 {
            let log = format!("orders-{partition}/00000000000000000000.log");
            ensure!(
                fs::read(folder.path().join(&log))? == fs::read(second.path().join(&log))?,
                "{log} has changed"
            );
        }
        Ok(())
    })
    .await
}

fn unpack(zip: &[u8], folder: &Path) -> Result<()> {
    let archive = rawzip::ZipArchive::from_slice(zip)?;
    let mut entries = archive.entries();
    while let Some(entry) = entries.next_entry()? {
        let path = folder.join(entry.file_path().try_normalize()?.as_ref());
        let file = archive.get_entry(entry.wayfinder())?;
        let mut bytes = Vec::new();
        file.verifying_reader(flate2::bufread::DeflateDecoder::new(file.data())).read_to_end(&mut bytes)?;
        fs::create_dir_all(path.parent().context("a file stands in its partition's directory")?)?;
        fs::write(path, bytes)?;
    }
    Ok(())
}

#[tokio::test]
async fn pictures_for_people_to_look_at() -> Result<()> {
    visit(async |page| {
        populate(page).await?;
        for (scheme, theme) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
            page.prefer(scheme).await?;
            for (width, height) in [(1440, 900), (390, 844), (3840, 2160)] {
                page.size(width, height).await?;
                let (content, window) = page.widths().await?;
                ensure!(content <= window, "the content is {content} pixels wide and the page {window}");
                page.screenshot(&format!("partitions-{width}-{theme}")).await?;
            }
        }
        page.size(1440, 900).await
    })
    .await
}

#[tokio::test]
async fn a_page_loaded_again_looks_at_the_same_partition_and_scripts_can_name_another() -> Result<()> {
    visit(async |page| {
        page.run("partitions 3").await?;
        run(page, &["append a key=ana count=300", "append b key=dan", "flush"]).await?;
        page.press("orders-1").await?;
        page.reload().await?;
        let pressed = "return document.querySelector('.partition [aria-pressed=true]')?.textContent ?? ''";
        eventually("the partition is looked at again", async || {
            Ok((page.console(pressed).await? == "\"orders-1\"").then_some(()))
        })
        .await?;
        // Only a log that does not fit has a strip.
        let strips = "return [...document.querySelectorAll('.partition .strip')].map(strip => !strip.hidden)";
        let strips = page.console(strips).await?;
        ensure!(strips == "[false,true,false]", "{strips}");

        let fetch = "const { records } = await logscope.fetch(0n, 1048576, 1); return records.length";
        ensure!(page.console(fetch).await? == "300", "of partition 1");
        let wrong = page.console("return logscope.fetch(0n, 100, 1.5)").await?;
        ensure!(wrong.contains("a partition is 1.5"), "{wrong}");
        ensure!(page.table("Fetched records").await?.len() == 200, "not all are listed at once");
        page.press("Show 100 more of 100").await?;
        eventually("all are listed", async || {
            Ok((page.table("Fetched records").await?.len() == 300).then_some(()))
        })
        .await
    })
    .await
}

#[tokio::test]
async fn colours_stand_for_keys_or_producers_as_the_link_says() -> Result<()> {
    visit(async |page| {
        let legend = "return [...document.querySelectorAll('.legend li')].map(item => [item.textContent, item.className])";
        run(page, &["append a key=ana producer=7 seq=0", "append b key=ben producer=8 seq=0", "append c"]).await?;
        let keys = page.console(legend).await?;
        ensure!(keys.contains("\"ana\"") && keys.contains("\"ben\"") && !keys.contains("producer"), "{keys}");
        page.press("by producer").await?;
        let producers = r#"[["producer 7","key-0"],["producer 8","key-1"]]"#;
        eventually("the legend says producers", async || {
            Ok((page.console(legend).await? == producers).then_some(()))
        })
        .await?;
        ensure!(page.batches().await?[0].contains(" bytes, producer 7"), "{:?}", page.batches().await?);
        page.go_to("#v=1&scenario=append+x+producer%3D9+seq%3D0&colours=producers").await?;
        eventually("the link says producers too", async || {
            Ok((page.console(legend).await? == r#"[["producer 9","key-2"]]"#).then_some(()))
        })
        .await
    })
    .await
}
