//! Compaction: only the newest record of each key stays, at the offset that it has.
//!
//! | file | holds |
//! | --- | --- |
//! | `keys` | which offset is the newest of each key |
//! | `filter` | what stays of a batch |

mod filter;
mod keys;
#[cfg(test)]
mod testing;

use crate::record::Batch;

/// The most bytes that the records of a compressed batch may decompress to.
const DECOMPRESSED_LIMIT: u64 = 64 << 20;

/// The batch, uncompressed, if this build can read all its records; `buffer` is where it is decompressed.
fn readable<'a>(batch: &Batch<'a>, buffer: &'a mut Vec<u8>) -> Option<Batch<'a>> {
    let plain = match batch.compressed() {
        None => *batch,
        Some(_) => {
            buffer.clear();
            batch.decompress(DECOMPRESSED_LIMIT, buffer).ok()?;
            Batch::parse(buffer).ok()?.0
        }
    };
    plain.records().all(|record| record.is_ok()).then_some(plain)
}
