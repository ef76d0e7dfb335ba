//! The engine in the page is the engine: the same scenarios leave the same files, byte for byte.

use anyhow::{Result, ensure};
use browser_tests::visit;
use logscope::lab::{Lab, fingerprint};
use logscope::storage::MemoryStorage;
use logscope::testing::{golden_scenarios, long_scenario};

#[tokio::test]
async fn the_pages_engine_leaves_the_same_files_as_the_native_one() -> Result<()> {
    visit(async |page| {
        let long = [(1, 300), (2, 1000)].map(|(seed, lines)| ("long", long_scenario(seed, lines)));
        for (name, scenario) in golden_scenarios().into_iter().chain(long) {
            let mut lab = Lab::new(MemoryStorage::new());
            // A line that is no action is refused, here as there.
            scenario.lines().for_each(|line| drop(lab.run_line(line)));
            let native = format!("{:016x}", fingerprint(lab.storage())?);
            let page = page.fingerprint(&scenario).await?;
            ensure!(page == native, "{name}: {page} in the page, {native} natively");
        }
        Ok(())
    })
    .await
}
