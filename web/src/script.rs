//! What a script may ask the page's engine for, beside the page: `import("./logscope_web.js")`.

#![expect(unreachable_pub, reason = "what is exported to JavaScript is public there")]

use logscope::lab::{Lab, fingerprint};
use logscope::storage::JournalStorage;
use wasm_bindgen::prelude::wasm_bindgen;

/// Runs a scenario on a log of its own, past lines that are refused, and returns the hash of all files that it leaves,
/// in 16 hexadecimal digits. The engine gives the same natively: the bytes are the same.
#[wasm_bindgen]
pub fn fingerprint_of(scenario: &str) -> Result<String, String> {
    let mut lab = Lab::new(JournalStorage::new());
    scenario.lines().for_each(|line| drop(lab.run_line(line)));
    let hash = fingerprint(lab.storage()).map_err(|error| error.to_string())?;
    Ok(format!("{hash:016x}"))
}
