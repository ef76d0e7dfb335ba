//! The engine's one error type.

use std::io;

use crate::config::ConfigError;
use crate::record::BatchError;

/// A result of the engine.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the engine refused or could not do something. Bad input and bad disks end up here; a broken invariant of
/// the engine's own is a panic instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The storage failed. What was being appended is not in the log.
    #[error("the storage failed: {0}")]
    Io(#[from] io::Error),
    /// Bytes on disk are not what was written.
    #[error("{}", corrupt(file, *position, reason))]
    Corrupt {
        /// The file's name.
        file: String,
        /// Where the damage is, in bytes.
        position: u64,
        /// What is wrong there.
        reason: CorruptReason,
    },
    /// A fetch from where the log is not, or not any more, or not yet.
    #[error(
        "offset {requested} is out of range: the log starts at {log_start_offset} and ends before \
         {log_end_offset}"
    )]
    OffsetOutOfRange {
        /// The offset that was asked for.
        requested: u64,
        /// The first offset in the log.
        log_start_offset: u64,
        /// The next offset to be assigned.
        log_end_offset: u64,
    },
    /// A batch larger than a limit. The size includes the batch header of 61 bytes.
    #[error("the record batch takes {size} bytes, and {limit_name} allows {limit}")]
    MessageTooLarge {
        /// The batch's size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
        /// The config key that sets it, or "the format" if none does.
        limit_name: &'static str,
    },
    /// A record, or a batch of them, that the log does not take.
    #[error("invalid record: {0}")]
    InvalidRecord(String),
    /// A batch of an idempotent producer that does not follow the last one in the log: one that came before it is
    /// missing. Nothing is appended.
    #[error(
        "producer {producer_id} (epoch {epoch}) sent a batch that begins at sequence {found}, and {expected} is next"
    )]
    OutOfOrderSequence {
        /// The producer's id.
        producer_id: i64,
        /// The epoch that the batch comes from.
        epoch: i16,
        /// The sequence that is next.
        expected: i32,
        /// The batch's first sequence.
        found: i32,
    },
    /// A batch of an idempotent producer from an epoch that is over: somebody newer sends under the same id.
    #[error(
        "producer {producer_id} is at epoch {current}, and the batch comes from its epoch {found}, which has ended"
    )]
    InvalidProducerEpoch {
        /// The producer's id.
        producer_id: i64,
        /// The newest epoch in the log.
        current: i16,
        /// The epoch that the batch comes from.
        found: i16,
    },
    /// An encoded batch that does not parse, or whose checksum is wrong.
    #[error("invalid record batch: {0}")]
    InvalidBatch(#[from] BatchError),
    /// A configuration that makes no sense.
    #[error("invalid configuration: {0}")]
    InvalidConfig(#[from] ConfigError),
    /// A sync failed before. What is on disk is unknown until the log is opened, and so recovered, again.
    #[error("an earlier sync failed: the log takes no appends until it is opened again")]
    Poisoned,
    /// No offset is left.
    #[error("the log is full: offset {0} is the last that Kafka's format can hold")]
    OffsetsExhausted(u64),
}

fn corrupt(file: &str, position: u64, reason: &CorruptReason) -> String {
    match reason {
        CorruptReason::Missing => format!("{file} is missing, and the log had it"),
        reason => format!("{file} is damaged at position {position}: {reason}"),
    }
}

/// What is wrong with a damaged file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CorruptReason {
    /// The bytes are no batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The offsets do not rise.
    #[error("a batch begins at offset {found}, and at least {expected} is due")]
    OffsetOrder {
        /// The batch's base offset.
        found: u64,
        /// The smallest base offset that would be in order.
        expected: u64,
    },
    /// The segment's index does not fit its batches.
    #[error("the segment's index does not fit the batches before this position")]
    Index,
    /// The file is not there, and must be.
    #[error("the file is missing")]
    Missing,
    /// Offsets that were appended are in no batch.
    #[error("the batches from offset {from} up to {to} are not there")]
    OffsetsMissing {
        /// The first offset that is missing.
        from: u64,
        /// The offset after the last that is missing.
        to: u64,
    },
    /// The offset is too far from the segment's base offset for the index.
    #[error("a batch ends at offset {last_offset}, too far from the segment's base offset")]
    OffsetRange {
        /// The batch's last offset.
        last_offset: u64,
    },
    /// The segment is larger than positions can be.
    #[error("the file goes on beyond the largest position that an index can hold")]
    TooLarge,
}
