//! The laboratory: the log under a magnifying glass.
//!
//! A *scenario* is a list of [`Action`]s in a small text language. The [`Lab`] runs them, on a clock of its own
//! and a storage that can crash, and reports [`Event`]s. The [`Picture`] is a plain value that folds events;
//! stepping back in time is folding fewer of them. [`sentence`] says each event to a person.
//!
//! ```
//! use logscope::lab::{Lab, Picture};
//! use logscope::MemoryStorage;
//!
//! let mut lab = Lab::new(MemoryStorage::new());
//! let mut picture = Picture::default();
//! for line in ["append hello key=user-1", "flush", "fetch 0 max_bytes=300"] {
//!     let outcome = lab.run_line(line)?;
//!     for event in &outcome.events {
//!         picture.apply(event);
//!         println!("{}", logscope::lab::sentence(event));
//!     }
//! }
//! assert_eq!(picture.log.high_watermark, 1);
//! assert_eq!(Some(picture.log), lab.read_picture()?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Invariants:
//! - The same scenario gives the same events and the same files, wherever it runs.
//! - After any scenario, the picture that folded the events equals the one read off the log's files.
//! - No line of a scenario is dropped: it runs, or it is an error that says what was expected.

mod disk;
mod event;
mod fingerprint;
mod flush_policy;
#[expect(clippy::module_inception, reason = "the lab is what the folder is named for")]
mod lab;
mod original;
mod picture;
mod read;
mod scenario;
mod sentence;
mod topic;
mod what_if;

pub use crate::log::event::{BatchInfo, FlushCause, IndexFault, RollReason, StoppedBy};
pub use event::{AfterFault, Event};
pub use fingerprint::fingerprint;
pub use flush_policy::FlushPolicy;
pub use lab::{CLOCK_START_MS, CLOCK_TICK_MS, FetchedRecord, Lab, Outcome};
pub use original::OriginalRead;
pub use picture::{
    DiskPicture, FetchPicture, Focus, Iter, List, LogPicture, Picture, SegmentPicture, State, TakenBatch,
};
pub use scenario::{
    Action, COMMANDS, CommandHelp, MAX_PARTITIONS, ScenarioError, TOPIC_COMMANDS, TopicAction, parse_line,
    parse_scenario, parse_topic_line, parse_topic_scenario, quote,
};
pub use sentence::sentence;
pub use topic::{
    ConsumerPicture, ConsumersPicture, TopicEvent, TopicLab, TopicOutcome, TopicPicture, topic_sentence,
};
pub use what_if::{FetchCost, with_configs, with_max_bytes};
