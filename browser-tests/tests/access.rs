//! The page for everyone: axe-core finds nothing serious or critical in any of its states, in both themes and widths.

use anyhow::{Result, ensure};
use browser_tests::{Page, Scheme, eventually, post, visit};
use serde_json::json;

/// Looks at what is seen, in both themes and widths.
async fn look(page: &Page, what: &str) -> Result<()> {
    for (scheme, theme) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
        page.prefer(scheme).await?;
        for (width, height) in [(1440, 900), (390, 844)] {
            page.size(width, height).await?;
            if !page.is_accessible(&format!("{what}, {width} wide, {theme}")).await? {
                println!(
                    "{what}: not looked at, for axe-core is not here; `cargo xtask browser` fetches it with npm"
                );
                return Ok(());
            }
        }
    }
    page.size(1440, 900).await
}

#[tokio::test]
async fn axe_finds_nothing_grave_in_a_log_of_ones_own() -> Result<()> {
    visit(async |page| {
        look(page, "the empty page").await?;
        page.press("Show me").await?;
        page.to_the_end().await?;
        look(page, "a scenario").await?;
        page.press("00000000000000000000.log").await?;
        eventually("the file is open", async || {
            Ok((!page.table("Contents of the file").await?.is_empty()).then_some(()))
        })
        .await?;
        look(page, "a file's bytes").await?;
        page.run("crash keep=30").await?;
        page.run("fetch banana").await?;
        look(page, "a crash, and a mistake").await
    })
    .await
}

#[tokio::test]
async fn axe_finds_nothing_grave_in_several_partitions() -> Result<()> {
    visit(async |page| {
        for command in [
            "partitions 3",
            "append a key=ana count=4",
            "append b key=ben count=4",
            "flush",
            "poll audit",
            "commit audit",
        ] {
            page.run(command).await?;
        }
        page.to_the_end().await?;
        look(page, "several partitions").await
    })
    .await
}

#[tokio::test]
async fn axe_finds_nothing_grave_in_dialogs_and_lessons() -> Result<()> {
    visit(async |page| {
        for button in ["Lessons", "Share", "Help"] {
            page.press(button).await?;
            look(page, button).await?;
            page.press("Close").await?;
        }
        page.press("Lessons").await?;
        page.press("Glossary").await?;
        eventually("the glossary is there", async || {
            Ok(page.headings().await?.iter().any(|heading| heading == "tombstone").then_some(()))
        })
        .await?;
        look(page, "the glossary").await?;
        page.press("Close").await?;
        page.press("Lessons").await?;
        page.press("Segments roll").await?;
        eventually("the lesson is on", async || {
            Ok(page.headings().await?.iter().any(|heading| heading == "Segments roll").then_some(()))
        })
        .await?;
        look(page, "a lesson").await
    })
    .await
}

#[tokio::test]
async fn axe_finds_nothing_grave_in_a_running_broker() -> Result<()> {
    visit(async |page| {
        let broker = page.address_with("");
        post(&broker, "/topics", None, &json!({ "name": "orders", "configs": { "segment.bytes": 300 } }))?;
        for _ in 0..3 {
            post(
                &broker,
                "/produce",
                None,
                &json!({ "topic": "orders", "payload": "placed", "key": "ana" }),
            )?;
        }
        page.follow(&page.address_with("#live=orders/0")).await?;
        eventually("it is live", async || {
            Ok(page.region("A running broker").await?.contains("live").then_some(()))
        })
        .await?;
        look(page, "a running broker").await
    })
    .await
}

#[tokio::test]
async fn two_fingers_zoom_the_log() -> Result<()> {
    visit(async |page| {
        page.press("Show me").await?;
        page.to_the_end().await?;
        page.size(390, 844).await?;
        ensure!(!page.can_press("Zoom to fit").await?, "it is not zoomed yet");
        page.pinch(".lanes", 60.0, 240.0).await?;
        eventually("it is zoomed", async || Ok(page.can_press("Zoom to fit").await?.then_some(()))).await?;
        page.screenshot("pinched-390-light").await?;
        // Two levels of zoom a key, and as many as two fingers that are four times as far apart: eight.
        for _ in 0..4 {
            page.type_keys("-").await?;
        }
        eventually("it is as before", async || Ok((!page.can_press("Zoom to fit").await?).then_some(())))
            .await
    })
    .await
}

#[tokio::test]
async fn a_lesson_begins_at_its_text_and_a_term_leads_to_the_glossary() -> Result<()> {
    visit(async |page| {
        page.press("Lessons").await?;
        page.press("Segments roll").await?;
        eventually("the lesson's title has the focus", async || {
            Ok((page.focused().await? == "Segments roll").then_some(()))
        })
        .await?;
        page.run("append x count=9").await?;
        eventually("the sentence names a config", async || {
            page.press("Back").await?;
            Ok(page.sentence().await?.contains("segment.bytes").then_some(()))
        })
        .await?;
        let sentence = page.sentence().await?;
        page.press("segment.bytes").await?;
        eventually("the term has the focus", async || {
            Ok((page.focused().await? == "segment.bytes").then_some(()))
        })
        .await?;
        ensure!(page.dialog().await?.contains("The log rolls before a segment would grow beyond this."));
        page.press("Close").await?;
        ensure!(page.sentence().await? == sentence && page.focused().await? == "segment.bytes");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_branch_that_goes_leaves_the_focus_to_the_one_beside_it() -> Result<()> {
    visit(async |page| {
        page.run("append one").await?;
        for command in ["append two", "append three", "append four"] {
            page.press("To the previous action").await?;
            page.run(command).await?;
        }
        eventually("there are four branches", async || Ok((page.branches().await?.len() == 4).then_some(())))
            .await?;
        let presses = [
            ("Dismiss branch 2", "Dismiss branch 3"),
            ("Dismiss branch 3", "Dismiss branch 1"),
            ("Switch to branch 1", "Step"),
            ("Dismiss branch 4", "Step"),
        ];
        for (button, next) in presses {
            page.press(button).await?;
            eventually(&format!("the branch of `{button}` has gone"), async || {
                Ok((!page.can_press(button).await?).then_some(()))
            })
            .await?;
            ensure!(page.focused().await? == next, "{} has the focus after {button}", page.focused().await?);
        }
        Ok(())
    })
    .await
}
