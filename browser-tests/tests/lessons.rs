//! The lessons, played to their end in the page; what is kept of them; and how they look.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use browser_tests::{Page, Scheme, eventually, visit};

const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";

/// A lesson's title, and the commands of each task's solution.
struct Script {
    name: String,
    title: String,
    tasks: Vec<Vec<String>>,
}

/// What the files say. The page reads them by itself; this takes no more out of them than what is to be typed.
fn scripts() -> Result<Vec<Script>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../static/lessons");
    let index = fs::read_to_string(folder.join("index.txt"))?;
    let entries = index.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    entries
        .map(|entry| {
            let (file, title) = entry.split_once(' ').context("a file and its title")?;
            let text = fs::read_to_string(folder.join(file))?;
            let head = text.split("\n---\n").next().unwrap_or_default();
            let solution = |task: &str| -> Vec<String> {
                let lines = task.lines().skip_while(|line| *line != "solution:").skip(1);
                lines.take_while(|line| line.starts_with("  ")).map(|line| line.trim().to_owned()).collect()
            };
            let tasks = head.split("\ntask:").skip(1).map(solution).collect();
            Ok(Script { name: file.trim_end_matches(".md").to_owned(), title: title.to_owned(), tasks })
        })
        .collect()
}

async fn begin(page: &Page, title: &str) -> Result<()> {
    page.press("Lessons").await?;
    page.press(title).await?;
    eventually(&format!("the lesson `{title}` is on"), async || {
        Ok(page.headings().await?.iter().any(|heading| heading == title).then_some(()))
    })
    .await
}

async fn done(page: &Page, done: usize, of: usize) -> Result<()> {
    eventually(&format!("{done} of {of} tasks are done"), async || {
        let tasks = page.region("Tasks").await?;
        ensure!(tasks.contains(&format!("{done} of {of} done")), "the tasks are {tasks:?}");
        Ok(Some(()))
    })
    .await
}

async fn solve(page: &Page, script: &Script, tasks: usize) -> Result<()> {
    let of = script.tasks.len();
    for (at, task) in script.tasks.iter().take(tasks).enumerate() {
        done(page, at, of).await?;
        for command in task {
            page.run(command).await?;
        }
        done(page, at + 1, of).await?;
    }
    Ok(())
}

async fn pictures(page: &Page, name: &str) -> Result<()> {
    for (scheme, theme) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
        page.prefer(scheme).await?;
        for (width, height) in [(1440, 900), (390, 844)] {
            page.size(width, height).await?;
            let (content, window) = page.widths().await?;
            ensure!(content <= window, "{name}: the content is {content} pixels wide and the page {window}");
            page.screenshot(&format!("lesson-{name}-{width}-{theme}")).await?;
        }
    }
    page.size(1440, 900).await
}

#[tokio::test]
async fn each_lesson_is_played_to_its_end() -> Result<()> {
    visit(async |page| {
        let scripts = scripts()?;
        ensure!(scripts.len() >= 12, "there are {} lessons", scripts.len());
        for (at, script) in scripts.iter().enumerate() {
            begin(page, &script.title).await.with_context(|| script.name.clone())?;
            let middle = script.tasks.len() - 1;
            solve(page, script, middle).await.with_context(|| script.name.clone())?;
            pictures(page, &script.name).await?;
            for command in &script.tasks[middle] {
                page.run(command).await?;
            }
            done(page, script.tasks.len(), script.tasks.len()).await.with_context(|| script.name.clone())?;
            if let Some(next) = scripts.get(at + 1) {
                ensure!(page.can_press(&format!("Next: {}", next.title)).await?, "{}", script.name);
            }
        }
        page.press("Lessons").await?;
        page.press(&format!("{} done", scripts[0].title)).await
    })
    .await
}

#[tokio::test]
async fn a_lesson_goes_on_after_a_reload_and_leaves_the_own_log_alone() -> Result<()> {
    visit(async |page| {
        page.run("append mine key=me").await?;
        page.run("flush").await?;
        let own = page.batches().await?;
        let script = scripts()?.swap_remove(3);
        begin(page, &script.title).await?;
        solve(page, &script, 2).await?;
        let batches = page.batches().await?;
        ensure!(batches.len() > own.len(), "{batches:?}");
        page.reload().await?;
        done(page, 2, script.tasks.len()).await?;
        ensure!(page.batches().await? == batches, "{:?}, not {batches:?}", page.batches().await?);
        page.press("Begin again").await?;
        done(page, 0, script.tasks.len()).await?;
        page.press("Leave the lesson").await?;
        ensure!(page.batches().await? == own, "the own log holds {:?}", page.batches().await?);
        page.reload().await?;
        page.to_the_end().await?;
        ensure!(page.batches().await? == own, "the own log holds {:?}", page.batches().await?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn looking_around_ticks_nothing_off() -> Result<()> {
    visit(async |page| {
        begin(page, "Segments roll").await?;
        for button in ["Back", "Play", "Append", "Flush"] {
            page.press(button).await?;
        }
        // The seventh record is the one that does not fit: the form ticks the task off as the command line does.
        done(page, 1, 4).await
    })
    .await
}

#[tokio::test]
async fn a_narrow_page_leads_from_a_lesson_s_text_to_the_log() -> Result<()> {
    visit(async |page| {
        begin(page, "Segments roll").await?;
        ensure!(!page.can_press("To the log").await?, "a wide page shows both");
        page.size(390, 844).await?;
        page.press("To the log").await?;
        eventually("the log has the focus", async || Ok((page.focused().await? == "Log").then_some(()))).await
    })
    .await
}

#[tokio::test]
async fn the_keyboard_is_enough_for_a_lesson() -> Result<()> {
    visit(async |page| {
        page.tab_to("Lessons").await?;
        page.type_keys(ENTER).await?;
        eventually("the lessons are listed", async || {
            Ok(page.dialog().await?.contains("Offsets").then_some(()))
        })
        .await?;
        page.tab_to("Offsets").await?;
        page.type_keys(ENTER).await?;
        done(page, 0, 4).await?;
        page.tab_to("Command").await?;
        page.type_keys("fetch 1").await?;
        page.type_keys(ENTER).await?;
        done(page, 1, 4).await?;
        page.tab_to("Leave the lesson").await?;
        page.type_keys(ENTER).await?;
        eventually("the lesson is over", async || Ok(page.region("Tasks").await?.is_empty().then_some(())))
            .await
    })
    .await
}

#[tokio::test]
async fn a_dialog_that_takes_another_s_place_has_the_keyboard() -> Result<()> {
    visit(async |page| {
        page.press("Lessons").await?;
        eventually("the lessons are listed", async || {
            Ok(page.dialog().await?.contains("Segments roll").then_some(()))
        })
        .await?;
        page.tab_to("How true is this?").await?;
        page.type_keys(ENTER).await?;
        eventually("it has the focus", async || Ok((page.focused().await? == "Close").then_some(()))).await?;
        page.type_keys(ESCAPE).await?;
        eventually("it is closed", async || Ok(page.dialog().await?.is_empty().then_some(()))).await
    })
    .await
}

#[tokio::test]
async fn what_is_wrong_with_a_lesson_is_said_above_the_others() -> Result<()> {
    visit(async |page| {
        page.follow(&page.address_with("#lesson=..%2Fx")).await?;
        eventually("it is said", async || {
            let dialog = page.dialog().await?;
            let said = dialog.contains("\"../x\" is no lesson's name") && dialog.contains("Segments roll");
            Ok(said.then_some(()))
        })
        .await
    })
    .await
}

#[tokio::test]
async fn what_is_true_is_said() -> Result<()> {
    visit(async |page| {
        page.press("Lessons").await?;
        page.press("How true is this?").await?;
        eventually("there are its parts", async || {
            let headings = page.headings().await?;
            Ok(headings.iter().any(|heading| heading == "Left out").then_some(()))
        })
        .await?;
        pictures(page, "how-true").await
    })
    .await
}
