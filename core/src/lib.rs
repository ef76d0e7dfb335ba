//! A commit log in Kafka's format, as a plain library: no clock, no threads, no logging, natively and as
//! WebAssembly.
//!
//! ```
//! use logscope::{LogConfig, MemoryStorage, NewRecord, PartitionLog};
//!
//! let (mut log, _report) = PartitionLog::open(MemoryStorage::new(), LogConfig::default())?;
//! let now_ms = 1_767_225_600_000; // The engine has no clock: time comes from you.
//! log.append(&[NewRecord::key_value(b"user-1", b"hello")], now_ms)?;
//! log.flush()?; // Durable from here on, and visible to fetches.
//!
//! let fetched = log.fetch(0, 4096)?;
//! let record = fetched.records().next().expect("there is one record")?;
//! assert_eq!(record.value, Some(&b"hello"[..]));
//! # Ok::<(), logscope::Error>(())
//! ```
//!
//! With [`FsStorage`] in the place of [`MemoryStorage`] the same log lives in a directory.
//!
//! | module | what is in it |
//! | --- | --- |
//! | [`record`] | record batches and records, byte for byte |
//! | [`storage`] | where files live, and what is promised about crashes |
//! | [`segment`] | file names and index entries of one segment |
//! | [`log`] | [`PartitionLog`]: append, fetch, flush, recover |
//! | [`dump`] | annotated bytes: what each byte of a file says and means |
//! | [`verify`](mod@verify) | checks a partition's directory, and changes nothing |
//! | `lab` | scenario, events, picture: the log under a magnifying glass (feature `lab`) |
//! | `testing` | for tests: chance from a seed, scenarios (feature `testing`, as `storage::FaultyStorage`) |

#![deny(missing_docs)]

pub mod config;
pub mod dump;
mod error;
#[cfg(feature = "lab")]
pub mod lab;
pub mod log;
pub mod record;
pub mod segment;
pub mod storage;
#[cfg(feature = "testing")]
pub mod testing;
pub mod topic;
pub mod verify;

pub use config::{ConfigError, ConfigKey, LogConfig, Ratio, Takes};
pub use error::{CorruptReason, Error, Result};
pub use log::{Appended, Fetched, Flush, LogReader, PartitionLog, RecoveryReport, SegmentInfo, StoppedBy};
pub use record::{Header, NewRecord, Record};
#[cfg(all(feature = "fs", not(target_family = "wasm")))]
pub use storage::FsStorage;
pub use storage::{File, JournalStorage, MemoryStorage, Storage};
pub use verify::verify;

/// The embedding example in the README, so that it compiles and runs.
#[cfg(all(doctest, feature = "fs", not(target_family = "wasm")))]
#[doc = include_str!("../../README.md")]
struct Readme;
