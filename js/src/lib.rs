//! The Logscope engine as JavaScript has it: [`PartitionLog`](log::PartitionLog) and [`Lab`](lab::Lab) as classes,
//! with TypeScript's types in `types.ts`. `js/README.md` is for those who use it.
//!
//! | file | holds |
//! | --- | --- |
//! | `log` | the class: JavaScript's values in and out, and nothing else |
//! | `engine` | what the class needs of a log, so that a page can hand out its own |
//! | `kept` | the log behind a class of its own: in memory, or kept in IndexedDB |
//! | `lab` | the laboratory |
//! | `convert` | from and to JavaScript's values |
//! | `error` | errors, with their codes |
//!
//! Invariants:
//! - Offsets, and they alone, are bigints; in the laboratory's events every integer of 64 bits is. Sizes and positions
//!   are numbers: a log in a page is far smaller than 2^53 bytes.
//! - A value of the wrong kind is an error that names it. None is rounded, wrapped or left out.
//! - Null stays null and empty stays empty, in both directions.
//! - What returns a promise never throws: it rejects.

#![deny(missing_docs)]

mod convert;
pub mod engine;
mod error;
mod kept;
pub mod lab;
pub mod log;

use wasm_bindgen::prelude::*;

pub use error::Failure;

use convert::{bytes, whole};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("types.ts");

/// A panic would otherwise be `unreachable` to JavaScript, without a word.
#[cfg(feature = "package")]
#[wasm_bindgen(start, skip_typescript)]
fn start() {
    std::panic::set_hook(Box::new(|panic| wasm_bindgen::throw_str(&format!("a bug in Logscope: {panic}"))));
}

/// The hash by which Kafka's clients choose a partition (MurmurHash2, 32 bits, unsigned).
#[wasm_bindgen]
pub fn murmur2(
    #[wasm_bindgen(unchecked_param_type = "Uint8Array | string")] key: &JsValue,
) -> Result<u32, Failure> {
    Ok(logscope::topic::murmur2(&bytes(key, "a key")?))
}

/// The partition that a record with this key goes to, of so many: where Kafka's clients send it.
#[wasm_bindgen(js_name = partitionForKey)]
pub fn partition_for_key(
    #[wasm_bindgen(unchecked_param_type = "Uint8Array | string")] key: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "number")] partitions: &JsValue,
) -> Result<u32, Failure> {
    let partitions = whole(partitions, "the number of partitions", 1..=i32::MAX as i64)? as u32;
    Ok(logscope::topic::partition_for_key(&bytes(key, "a key")?, partitions))
}
