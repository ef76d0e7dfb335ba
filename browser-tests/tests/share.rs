//! Links to what is seen, and files that leave the page and come back.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use browser_tests::{Page, eventually, visit};

const PARTITION: &str = "orders-0";
const BESIDE_THE_LOG: &str = "return document.querySelector('.details').innerText";

async fn fill(page: &Page) -> Result<()> {
    for command in
        ["append \"order placed\" key=ana count=8", "flush", "append later key=ben", "fetch 3 max_bytes=300"]
    {
        page.run(command).await?;
    }
    page.to_the_end().await
}

async fn link(page: &Page) -> Result<String> {
    page.press("Share").await?;
    let link = page.value("Link").await?;
    page.press("Close").await?;
    Ok(link)
}

async fn batches_are(page: &Page, expected: &[String]) -> Result<()> {
    eventually("the batches are those", async || {
        let batches = page.batches().await?;
        ensure!(batches == expected, "they are {batches:?}, not {expected:?}");
        Ok(Some(()))
    })
    .await
}

#[tokio::test]
async fn a_link_shows_what_was_seen_beside_the_own_log() -> Result<()> {
    visit(async |page| {
        fill(page).await?;
        page.press("Back").await?;
        page.press("Back").await?;
        page.press("00000000000000000000.index").await?;
        let (sentence, batches) = (page.sentence().await?, page.batches().await?);
        let link = link(page).await?;
        ensure!(link.contains("scenario=append+%22order+placed%22+key%3Dana+count%3D8"), "{link}");

        page.run("reset").await?;
        page.run("append mine").await?;
        page.run("flush").await?;
        page.to_the_end().await?;
        let own = page.batches().await?;
        page.follow(&link).await?;
        batches_are(page, &batches).await?;
        ensure!(page.sentence().await? == sentence, "{:?}, not {sentence:?}", page.sentence().await?);
        ensure!(!page.table("Contents of the file").await?.is_empty(), "the file is not open");
        page.run("append more").await?;
        page.press("Return to my log").await?;
        batches_are(page, &own).await?;
        page.reload().await?;
        page.to_the_end().await?;
        batches_are(page, &own).await
    })
    .await
}

#[tokio::test]
async fn a_link_to_a_place_in_a_long_file_leads_there() -> Result<()> {
    const LOG: &str = "00000000000000000000.log";
    visit(async |page| {
        page.run("config segment.bytes=100000").await?;
        page.run(&format!("append {} count=120", "x".repeat(300))).await?;
        page.run("flush").await?;
        page.to_the_end().await?;
        page.press(LOG).await?;
        let position = async || -> Result<u64> { Ok(page.value("Position").await?.parse()?) };
        let is_at = async |expected: u64| {
            eventually(&format!("the bytes from {expected} on are shown"), async || {
                Ok((position().await? == expected).then_some(()))
            })
            .await
        };
        is_at(0).await?;
        page.press("Bytes after").await?;
        let second = eventually("the next page is shown", async || {
            Ok(Some(position().await?).filter(|position| *position > 0))
        })
        .await?;
        page.press("Bytes after").await?;
        page.press("Bytes before").await?;
        is_at(second).await?;

        let link = link(page).await?;
        ensure!(link.contains(&format!("file={LOG}&at={second}")), "{link}");
        page.press("Bytes before").await?;
        page.run("reset").await?;
        page.follow(&link).await?;
        is_at(second).await?;
        page.reload().await?;
        is_at(second).await?;

        page.follow(&link.replace(&format!("&at={second}"), "&at=99999999")).await?;
        eventually("the file is said to end before that", async || {
            let said = page.alerts().await?;
            ensure!(said.contains("99999999 lies beyond the end") && !said.contains(" 0 bytes"), "{said}");
            Ok(Some(()))
        })
        .await?;
        ensure!(page.can_press(&format!("Save {LOG}")).await?, "the file is there");
        page.follow(&link.replace(&format!("file={LOG}&at={second}"), "file=nope.log")).await?;
        eventually("the file is said not to be there", async || {
            Ok(page.console(BESIDE_THE_LOG).await?.contains("This file is not there").then_some(()))
        })
        .await?;
        ensure!(page.buttons_with("Save nope.log").await? == 0, "what is not there is not saved");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_log_that_was_loaded_again_can_still_be_shared() -> Result<()> {
    visit(async |page| {
        fill(page).await?;
        for _ in 0..2 {
            page.reload().await?;
        }
        page.run("append after key=ana").await?;
        page.to_the_end().await?;
        let batches = page.batches().await?;
        let link = link(page).await?;
        page.follow(&link).await?;
        batches_are(page, &batches).await
    })
    .await
}

#[tokio::test]
async fn a_long_scenario_is_packed_and_one_too_long_is_offered_as_a_file() -> Result<()> {
    visit(async |page| {
        for number in 0..50 {
            page.run(&format!("append order-number-{number} key=user-{}", number % 5)).await?;
        }
        let batches = page.batches().await?;
        let link = link(page).await?;
        ensure!(link.contains("#v=1&packed=") && link.len() < 1_500, "{link}");
        let text = (0..1_500_u32)
            .map(|n| n.wrapping_mul(2_654_435_761))
            .map(|n| format!("{n:08x}"))
            .collect::<String>();
        page.run(&format!("append {text}")).await?;
        page.press("Share").await?;
        let scenario = String::from_utf8(page.saved("Save the commands", "scenario.txt").await?)?;
        ensure!(
            scenario.lines().count() == 51 && scenario.contains(&text),
            "{} lines",
            scenario.lines().count()
        );
        page.press("Close").await?;
        page.follow(&link).await?;
        batches_are(page, &batches).await
    })
    .await
}

#[tokio::test]
async fn a_link_with_a_mistake_names_its_line_and_runs_nothing() -> Result<()> {
    visit(async |page| {
        page.run("append mine").await?;
        page.run("flush").await?;
        let own = page.batches().await?;
        page.follow(&page.address_with("#scenario=append+a%0Aapend+b%0Aflush")).await?;
        let said = eventually("the mistake is named", async || {
            Ok(Some(page.alerts().await?).filter(|said| !said.is_empty()))
        })
        .await?;
        for part in
            ["Line 2", "apend b", "There is no command \"apend\"; there are append,", "Nothing was run"]
        {
            ensure!(said.contains(part), "{said:?} does not say {part:?}");
        }
        let draft = page.value("Commands").await?;
        ensure!(draft == "append a\napend b\nflush", "{draft:?}");
        page.screenshot("share-mistake").await?;
        page.write("Commands", "append a\nappend b\nflush").await?;
        page.press("Run these").await?;
        eventually("the mended scenario is shown", async || {
            let batches = page.batches().await?;
            Ok((batches.len() == 2).then_some(()))
        })
        .await?;
        page.go_to("#nonsense=1").await?;
        eventually("the part is named", async || {
            Ok(page.alerts().await?.contains("\"nonsense=1\"").then_some(()))
        })
        .await?;
        page.go_to("#scenario=append+a&step=99").await?;
        eventually("the step is named, and all else shown", async || {
            let shown =
                page.alerts().await?.contains("The link is to step 99, and there are 5. All else is shown.");
            Ok((shown && page.batches().await?.len() == 1).then_some(()))
        })
        .await?;
        page.press("Close").await?;
        page.press("Return to my log").await?;
        batches_are(page, &own).await
    })
    .await
}

#[tokio::test]
async fn a_zip_is_good_for_the_command_line_and_comes_back() -> Result<()> {
    visit(async |page| {
        fill(page).await?;
        page.run("append more key=cy count=20").await?;
        page.run("flush").await?;
        page.to_the_end().await?;
        let batches = page.batches().await?;
        let files = page.table("Files").await?;
        let zip = page.saved("Save all as zip", &format!("{PARTITION}.zip")).await?;

        let folder = tempfile::tempdir()?;
        let unpacked = unpack(&zip, folder.path())?;
        let mut names: Vec<_> = files.iter().map(|file| file[0].clone()).collect();
        names.sort();
        ensure!(unpacked == names, "the zip holds {unpacked:?}, the page {names:?}");
        let broker = std::env::var_os("LOGSCOPE_BROKER").context("LOGSCOPE_BROKER is not set")?;
        let verified = Command::new(broker).arg("verify").arg(folder.path().join(PARTITION)).output()?;
        let said = String::from_utf8_lossy(&verified.stdout);
        ensure!(verified.status.success(), "{said}{}", String::from_utf8_lossy(&verified.stderr));

        page.run("reset").await?;
        let packed = folder.path().join("log.zip");
        fs::write(&packed, &zip)?;
        page.press("Share").await?;
        page.give_files("Files", &[packed]).await?;
        batches_are(page, &batches).await?;
        let again = page.saved("Save all as zip", &format!("{PARTITION}.zip")).await?;
        let second = tempfile::tempdir()?;
        unpack(&again, second.path())?;
        for name in names.iter().filter(|name| name.ends_with(".log")) {
            let read = |folder: &Path| fs::read(folder.join(PARTITION).join(name));
            ensure!(read(folder.path())? == read(second.path())?, "{name} has changed");
        }
        page.press("Return to my log").await?;
        batches_are(page, &[]).await?;

        page.press("Share").await?;
        page.give_files("A partition's folder", &[folder.path().join(PARTITION)]).await?;
        batches_are(page, &batches).await?;

        // A segment alone is a log too.
        let first = folder.path().join(PARTITION).join("00000000000000000000.log");
        page.press("Share").await?;
        page.give_files("Files", std::slice::from_ref(&first)).await?;
        eventually("the segment is shown", async || {
            let shown = page.batches().await?;
            Ok((!shown.is_empty() && batches.starts_with(&shown[..1])).then_some(()))
        })
        .await?;
        let log = page.saved_open("00000000000000000000.log").await?;
        ensure!(log == fs::read(first)?, "a single file is saved as it is");
        Ok(())
    })
    .await
}

/// Writes what a zip holds, and returns the names in the one directory that it has.
fn unpack(zip: &[u8], folder: &Path) -> Result<Vec<String>> {
    let archive = rawzip::ZipArchive::from_slice(zip)?;
    let mut names = Vec::new();
    let mut entries = archive.entries();
    while let Some(entry) = entries.next_entry()? {
        let path = entry.file_path().try_normalize()?.as_ref().to_owned();
        let (directory, name) = path.split_once('/').context("a file stands in its partition's directory")?;
        ensure!(directory == PARTITION, "{path}");
        let file = archive.get_entry(entry.wayfinder())?;
        let mut bytes = Vec::new();
        file.verifying_reader(flate2::bufread::DeflateDecoder::new(file.data())).read_to_end(&mut bytes)?;
        fs::create_dir_all(folder.join(directory))?;
        fs::write(folder.join(&path), bytes)?;
        names.push(name.to_owned());
    }
    names.sort();
    Ok(names)
}
