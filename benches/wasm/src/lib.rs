//! One bench that runs natively and in a browser: appends of 100 × 100 bytes to a log in memory.
//!
//! `cargo xtask bench wasm` compiles it for both and compares. Who calls has the clock.

use logscope::record::NewRecord;
use logscope::storage::MemoryStorage;
use logscope::{Error, LogConfig, PartitionLog};
use wasm_bindgen::prelude::wasm_bindgen;

/// Records in a batch.
pub const RECORDS: u32 = 100;
const SIZE: usize = 100;
/// Batches in a log: 16 MiB.
const BATCHES: u32 = (16 << 20) / (RECORDS * 110);
const NOW_MS: i64 = 1_700_000_000_000;

/// Fills `logs` logs, one after the other, and returns how many records that were.
///
/// # Panics
/// If an append fails.
#[wasm_bindgen]
pub fn fill(logs: u32) -> u32 {
    let values = values();
    for _ in 0..logs {
        sound(filled(&values));
    }
    logs * BATCHES * RECORDS
}

/// Fills one log and reads it back: each offset must be there once, with its value.
///
/// # Panics
/// If it is not so.
#[wasm_bindgen]
pub fn gate() {
    let values = values();
    let mut log = sound(filled(&values));
    let end = sound(log.flush());
    let mut next = 0;
    while next < end {
        let fetched = sound(log.fetch(next, 1 << 20));
        for record in fetched.records() {
            let record = sound(record.map_err(Error::from));
            assert_eq!(record.offset, next, "an offset is missing, or there twice");
            assert_eq!(record.value, Some(&values[next as usize % values.len()][..]), "at offset {next}");
            next += 1;
        }
    }
    assert_eq!(end, u64::from(BATCHES * RECORDS));
}

fn filled(values: &[Vec<u8>]) -> Result<PartitionLog<MemoryStorage>, Error> {
    let (mut log, _) = PartitionLog::open(MemoryStorage::new(), LogConfig::default())?;
    let records: Vec<NewRecord<'_>> = values.iter().map(|value| NewRecord::value(value)).collect();
    for _ in 0..BATCHES {
        log.append(&records, NOW_MS)?;
    }
    Ok(log)
}

fn values() -> Vec<Vec<u8>> {
    let mut state = 1u32;
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..RECORDS).map(|_| (0..SIZE).map(|_| byte()).collect()).collect()
}

fn sound<T>(result: Result<T, Error>) -> T {
    result.unwrap_or_else(|error| panic!("the bench cannot go on: {error}"))
}
