//! The page from a static host: below any path, without a network, in a new version, without a browser's trust.

use anyhow::{Result, ensure};
use browser_tests::{Host, Page, eventually, visit, visit_host};

const HERE: &str = "127.0.0.1";
const LESSON: &str = "What a log is";
const INDEX: &str = "lessons/index.txt";

/// The page's version; nothing, and a word about it, if it was built to be worked on.
async fn version(page: &Page) -> Result<Option<String>> {
    let version = page.version().await?;
    if version.is_empty() {
        println!("A page that was built with --dev is not kept: nothing is tested.");
        return Ok(None);
    }
    page.is_kept_as(&version).await?;
    Ok(Some(version))
}

async fn lessons_have(page: &Page, title: &str) -> Result<()> {
    page.press("Lessons").await?;
    eventually(&format!("the lessons have {title:?}"), async || {
        let said = page.dialog().await?;
        ensure!(said.contains(title), "they are {said}");
        Ok(Some(()))
    })
    .await?;
    page.press("Close").await
}

/// Serves the page as another version, in which the first lesson has another title. What has no hash any more is
/// taken as it comes.
fn serve_next(host: &Host, version: &str, next: &str, title: &str, hash: bool) -> Result<()> {
    let worker = host.text("sw.js")?;
    let hash_of = |name: &str| {
        let line = worker.lines().find(|line| line.trim_start().starts_with(&format!("\"{name}\":")));
        line.and_then(|line| line.split('"').nth(3)).unwrap_or_default().to_owned()
    };
    let (page_hash, index_hash) = (hash_of("./"), hash_of(INDEX));
    let mut changes = vec![
        ("sw.js", version, next),
        ("index.html", version, next),
        (INDEX, LESSON, title),
        ("sw.js", page_hash.as_str(), ""),
    ];
    if !hash {
        changes.push(("sw.js", index_hash.as_str(), ""));
    }
    host.serve_changed(&changes)
}

#[tokio::test]
async fn below_a_path_and_without_a_network_the_page_is_whole() -> Result<()> {
    visit_host(HERE, async |page, host| {
        page.append("kept", "").await?;
        page.press("Flush").await?;
        if version(page).await?.is_none() {
            return Ok(());
        }
        host.stop();
        lessons_have(page, LESSON).await?;
        page.reload().await?;
        page.fetch(0, 1000).await?;
        page.to_the_end().await?;
        ensure!(page.table("Fetched records").await?.len() == 1);
        lessons_have(page, LESSON).await?;
        page.press("Lessons").await?;
        page.press(LESSON).await?;
        eventually("the lesson is there", async || {
            Ok(page.can_press("Leave the lesson").await?.then_some(()))
        })
        .await
    })
    .await
}

#[tokio::test]
async fn a_new_version_is_used_at_the_next_load_and_as_a_whole() -> Result<()> {
    visit_host(HERE, async |page, host| {
        let Some(first) = version(page).await? else { return Ok(()) };
        let second = "0123456789abcdef";
        serve_next(host, &first, second, "What a log was", false)?;
        ensure!(page.look_for_update().await? == "activated");
        // The page that is open has its own files still, those that it has not loaded yet included.
        lessons_have(page, LESSON).await?;
        page.reload().await?;
        ensure!(page.version().await? == second, "{}, not {second}", page.version().await?);
        lessons_have(page, "What a log was").await?;
        host.stop();
        page.reload().await?;
        ensure!(page.version().await? == second);
        eventually("the old version is forgotten", async || {
            Ok((page.kept_versions().await? == [second]).then_some(()))
        })
        .await
    })
    .await
}

#[tokio::test]
async fn a_version_with_a_file_of_another_is_not_taken() -> Result<()> {
    visit_host(HERE, async |page, host| {
        let Some(first) = version(page).await? else { return Ok(()) };
        serve_next(host, &first, "fedcba9876543210", "What a log was", true)?;
        let became = page.look_for_update().await?;
        ensure!(became == "redundant", "{became:?}");
        page.reload().await?;
        ensure!(page.version().await? == first);
        lessons_have(page, LESSON).await?;
        // The browser says itself that a file has not the hash that it should have.
        let errors = page.expected_errors().await?;
        ensure!(errors.iter().all(|error| error.contains(INDEX)), "{errors:?}");
        Ok(())
    })
    .await
}

/// There are neither locks nor service workers then, and the last tab to come has the log.
#[tokio::test]
async fn a_page_that_the_browser_does_not_trust_works() -> Result<()> {
    visit_host("elsewhere.test", async |page, _| {
        ensure!(!page.is_trusted().await?);
        page.append("one", "").await?;
        page.press("Flush").await?;
        page.reload().await?;
        let first = page.tab().await?;
        page.open_tab().await?;
        eventually("the second tab can write", async || Ok(page.can_press("Append").await?.then_some(())))
            .await?;
        page.append("two", "").await?;
        page.press("Flush").await?;
        page.use_tab(&first).await?;
        eventually("the first tab watches", async || Ok(page.can_press("Take over").await?.then_some(())))
            .await?;
        eventually("it has both batches", async || Ok((page.batches().await?.len() == 2).then_some(())))
            .await?;
        page.press("Take over").await?;
        eventually("it can write", async || Ok(page.can_press("Append").await?.then_some(()))).await?;
        page.press("Saved in this browser").await
    })
    .await
}

/// The broker's policy allows the worker, and its API is nothing that the worker would keep.
#[tokio::test]
async fn from_the_broker_the_page_is_kept_and_the_api_is_not() -> Result<()> {
    visit(async |page| {
        if version(page).await?.is_none() {
            return Ok(());
        }
        page.reload().await?;
        let kept = page.kept_after("./healthz").await?;
        ensure!(kept.iter().any(|file| file.ends_with("/logscope_web_bg.wasm")), "{kept:?}");
        ensure!(!kept.iter().any(|file| file.contains("healthz") || file.ends_with("/sw.js")), "{kept:?}");
        Ok(())
    })
    .await
}

/// Without a service worker nothing is kept, so each part of the page comes from the host, or does not.
#[tokio::test]
async fn a_part_that_does_not_come_can_be_asked_for_again() -> Result<()> {
    visit_host("elsewhere.test", async |page, host| {
        if page.version().await?.is_empty() {
            println!("A page that was built with --dev has no parts: nothing is tested.");
            return Ok(());
        }
        // The page asks for one by itself, and is not to do that later.
        eventually("the page has asked for what runs commands", async || {
            let asked = "const names = performance.getEntriesByType('resource').map((entry) => entry.name);
                return names.some((name) => name.includes('split_commands'))";
            Ok((page.console(asked).await? == "true").then_some(()))
        })
        .await?;
        let served = host.stop();
        page.press("Lessons").await?;
        eventually("it is said that a part is missing", async || {
            Ok(page.alerts().await?.contains("could not be loaded").then_some(()))
        })
        .await?;
        // Nothing else suffers from it.
        ensure!(page.can_press("Append").await?);
        host.serve(&served);
        page.press("Try again").await?;
        eventually("the lessons are there", async || Ok(page.dialog().await?.contains(LESSON).then_some(())))
            .await?;
        ensure!(!page.alerts().await?.contains("could not be loaded"));
        // The browser says itself what did not come.
        ensure!(!page.expected_errors().await?.is_empty());
        Ok(())
    })
    .await
}
