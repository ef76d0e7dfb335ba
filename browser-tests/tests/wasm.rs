//! The tests that run inside Chromium, of the crates that have `tests/chromium.rs`.

use anyhow::Result;
use browser_tests::Scripts;

#[tokio::test]
async fn indexed_db_in_the_browser() -> Result<()> {
    Scripts::run(async |scripts| {
        // One of them fills it.
        scripts.limit_storage(24 << 20).await?;
        scripts.wasm_tests("indexed-db").await
    })
    .await
}

#[tokio::test]
async fn the_javascript_class_in_the_browser() -> Result<()> {
    Scripts::run(async |scripts| scripts.wasm_tests("js").await).await
}
