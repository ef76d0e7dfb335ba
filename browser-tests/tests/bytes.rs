//! The bytes beside their fields: what lights what, a byte that is flipped, what is copied and saved.

use anyhow::{Result, ensure};
use browser_tests::{Page, eventually, visit};
use fantoccini::key::Key;

const LOG: &str = "00000000000000000000.log";
const FIELDS: &str = "Fields of the batch";
const HEX: &str = "Bytes in hexadecimal";

fn key(key: Key) -> String {
    char::from(key).to_string()
}

/// Opens the last batch of the log.
async fn open_last_batch(page: &Page) -> Result<()> {
    page.to_the_end().await?;
    page.tab_to_prefix("Batch ").await?;
    page.type_keys(&key(Key::End)).await?;
    page.type_keys(&key(Key::Enter)).await?;
    eventually("the batch is taken apart", async || Ok((!page.table(FIELDS).await?.is_empty()).then_some(())))
        .await
}

/// Where a field stands among those that are shown.
async fn row(page: &Page, name: &str) -> Result<usize> {
    let fields = page.table(FIELDS).await?;
    fields.iter().position(|field| field[1] == name).ok_or_else(|| anyhow::anyhow!("no {name} in {fields:?}"))
}

async fn lit(page: &Page, field: &str, about: &str, bytes: std::ops::Range<u64>) -> Result<()> {
    eventually(&format!("{field} is lit"), async || {
        let (fields, said) = page.lit().await?;
        let lit = page.bytes_that_are("lit").await?;
        Ok((fields == [field] && said.contains(about) && lit.iter().copied().eq(bytes.clone())).then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_field_lights_its_bytes_and_a_byte_its_field() -> Result<()> {
    visit(async |page| {
        page.run("append \"order placed\" key=ana").await?;
        open_last_batch(page).await?;
        ensure!(page.verdict().await?.contains("fits the bytes 21–"), "{}", page.verdict().await?);

        page.point_at(&format!("#field-{}", row(page, "crc").await?)).await?;
        lit(page, "crc", "positions 17–20 · 4 bytes", 17..21).await?;
        let covered = page.bytes_that_are("covered").await?;
        ensure!(covered.first() == Some(&21) && covered.last() == Some(&82), "{covered:?}");
        page.point_at("#byte-44").await?;
        lit(page, "producerId", "Who wrote it", 43..51).await?;

        // By keys: to a varint from its bytes, and into it.
        page.tab_to(HEX).await?;
        let place = row(page, "keyLength").await?;
        page.type_keys(&key(Key::Right)).await?;
        page.type_keys(&key(Key::Down).repeat(4)).await?;
        page.type_keys(&key(Key::Right)).await?;
        lit(page, "keyLength", "0000110 = 6; zigzag: even, so half of it: 3", 65..66).await?;
        for _ in 0..3 {
            page.type_keys(&(Key::Shift + &key(Key::Tab))).await?;
            if page.focused().await? == FIELDS {
                break;
            }
        }
        page.type_keys(&key(Key::Right)).await?;
        page.type_keys(&key(Key::Right)).await?;
        lit(page, "group 0", "says whether another byte follows", 65..66).await?;
        ensure!(page.table(FIELDS).await?[place + 1][2] == "0 0000110 · the last");
        page.type_keys(&key(Key::Left)).await?;
        page.type_keys(&key(Key::Left)).await?;
        eventually("the varint is folded again", async || {
            Ok((page.table(FIELDS).await?[place + 1][1] == "key").then_some(()))
        })
        .await?;
        page.screenshot("bytes").await
    })
    .await
}

#[tokio::test]
async fn a_flipped_byte_breaks_the_crc_a_fetch_refuses_it_and_recovery_cuts() -> Result<()> {
    visit(async |page| {
        page.run("append kept").await?;
        page.run("append hurt").await?;
        page.run("flush").await?;
        open_last_batch(page).await?;
        page.tab_to(HEX).await?;
        // The first key only chooses a byte; what none is chosen of is not flipped.
        page.type_keys("x").await?;
        page.type_keys(&key(Key::Right)).await?;
        page.type_keys(&key(Key::Down).repeat(2)).await?;
        page.type_keys("x").await?;
        eventually("the CRC does not fit", async || {
            Ok(page.verdict().await?.starts_with("The CRC does not fit: it says ").then_some(()))
        })
        .await?;
        let sentence = page.sentence().await?;
        ensure!(sentence.contains("is inverted on disk"), "{sentence}");
        ensure!(
            page.actions().await?.iter().filter(|(command, _)| command.starts_with("flip ")).count() == 1
        );
        page.screenshot("bytes-flipped").await?;

        page.run("fetch 1 max_bytes=300").await?;
        page.to_the_end().await?;
        ensure!(page.sentence().await?.starts_with("Refused: "), "{}", page.sentence().await?);
        // Flipped again, it is whole again: by the button this time.
        let about = page.lit().await?.1;
        let digits = about.split("Flip byte ").nth(1).unwrap_or_default();
        let position: String = digits.chars().take_while(char::is_ascii_digit).collect();
        let button = format!("Flip byte {position}");
        page.press(&button).await?;
        eventually("the CRC fits again", async || {
            Ok(page.verdict().await?.contains(" fits the bytes ").then_some(()))
        })
        .await?;
        page.press(&button).await?;
        for command in ["crash", "reopen"] {
            page.run(command).await?;
        }
        page.to_the_end().await?;
        eventually("one batch is left", async || Ok((page.batches().await?.len() == 1).then_some(()))).await
    })
    .await
}

#[tokio::test]
async fn copied_and_saved_bytes_are_those_of_the_file() -> Result<()> {
    visit(async |page| {
        page.run("append \"grüße\" key=ana").await?;
        page.run("append more").await?;
        open_last_batch(page).await?;
        let first: u64 = page.table(FIELDS).await?[0][0].parse()?;
        page.press("Copy hex").await?;
        let hex = page.clipboard().await?;
        page.press("Copy text").await?;
        eventually("the fields are in the clipboard", async || {
            Ok(page.clipboard().await?.contains("baseOffset 1").then_some(()))
        })
        .await?;
        let end = first + hex.len() as u64 / 2;
        let bytes = page.saved("Save these bytes", &format!("{LOG}.{first}-{}.bin", end - 1)).await?;
        let whole = page.saved_open(LOG).await?;
        ensure!(bytes == whole[first as usize..], "{bytes:?} of {whole:?}");
        ensure!(hex == bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), "{hex}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_large_file_is_shown_page_by_page() -> Result<()> {
    visit(async |page| {
        page.run("config segment.bytes=10000000").await?;
        page.run("append hello count=3000").await?;
        page.to_the_end().await?;
        page.press(LOG).await?;
        let first = async || -> Result<u64> {
            Ok(page
                .table("Contents of the file")
                .await?
                .first()
                .and_then(|row| row[0].parse().ok())
                .unwrap_or(1))
        };
        eventually("its first page is there", async || Ok((first().await? == 0).then_some(()))).await?;
        page.press("Bytes after").await?;
        eventually("the next page is there", async || Ok((first().await? > 10_000).then_some(()))).await?;
        page.write_number("Position", 150_000).await?;
        page.type_keys(&key(Key::Enter)).await?;
        eventually("the page of a position is there", async || {
            Ok((130_000..=150_000).contains(&first().await?).then_some(()))
        })
        .await?;
        page.screenshot("bytes-page").await
    })
    .await
}
