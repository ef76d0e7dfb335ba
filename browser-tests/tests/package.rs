//! The JavaScript package keeps its logs in IndexedDB. What is checked stands in `js/tests/browser.js`.

use std::path::PathBuf;
use std::{env, fs};

use anyhow::{Context, Result};
use browser_tests::Scripts;

#[tokio::test]
async fn a_reload_loses_what_was_not_flushed_and_nothing_else() -> Result<()> {
    Scripts::run(async |scripts| {
        scripts.call("flushed_and_not_flushed").await?;
        scripts.reload().await?;
        scripts.call("only_the_flushed_is_there").await
    })
    .await
}

#[tokio::test]
async fn logs_are_kept_in_indexed_db() -> Result<()> {
    Scripts::run(async |scripts| {
        scripts.call("a_flush_is_visible_when_it_is_committed").await?;
        scripts.call("what_is_kept_is_what_memory_has").await?;
        scripts.call("after_a_failure_nothing_is_taken").await?;
        scripts.call("a_flush_is_one_strict_transaction_into_few_chunks").await?;
        scripts.call("who_was_taken_away_from_commits_nothing_more").await?;
        scripts.call("a_worker_has_logs_too").await
    })
    .await
}

#[tokio::test]
async fn the_readmes_example_runs() -> Result<()> {
    let folder = PathBuf::from(env::var_os("LOGSCOPE_PACKAGE_TESTS").context("run `cargo xtask browser`")?);
    let readme = fs::read_to_string(folder.join("node_modules/logscope/README.md"))?;
    let (_, example) =
        readme.split_once("```js browser\n").context("the README has an example for browsers")?;
    let (example, _) = example.split_once("```").context("the example ends")?;
    // An import map would be a script in the page, which the broker's content security policy forbids.
    let example = example.replace("from \"logscope\"", "from \"./node_modules/logscope/logscope.js\"");
    fs::write(folder.join("readme.js"), example)?;
    Scripts::run(async |scripts| scripts.call("the_readmes_example").await).await
}
