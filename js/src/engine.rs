//! What the class needs of a log, in Rust's terms: whoever has one can hand it out.

use std::pin::Pin;

use logscope::log::{CompactionReport, TimestampOffset};
use logscope::record::Producer;
use logscope::{Appended, Fetched, LogConfig, NewRecord, SegmentInfo};

use crate::error::Failure;

/// A result of a log's.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Ready when what a call has changed is kept.
pub type Keeping = Pin<Box<dyn Future<Output = Result<()>>>>;

/// The log's three offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The first offset in the log.
    pub log_start_offset: u64,
    /// The offset below which everything is durable, where it is kept, and can be fetched.
    pub high_watermark: u64,
    /// The next offset to be assigned.
    pub log_end_offset: u64,
}

/// A log behind the class. The methods are those of `logscope::PartitionLog`, with its errors, but that what they make
/// durable is so only when what [`keep`](Self::keep) returns is ready.
pub trait Engine {
    /// Appends records as one batch.
    fn append(&mut self, producer: Producer, records: &[NewRecord<'_>], now_ms: i64) -> Result<Appended>;
    /// Appends an encoded batch.
    fn append_batch(&mut self, batch: &mut [u8], now_ms: i64) -> Result<Appended>;
    /// Returns whole batches, below the high watermark of [`bounds`](Self::bounds).
    fn fetch(&self, offset: u64, max_bytes: u64) -> Result<Fetched>;
    /// Makes everything appended so far durable, and returns the high watermark that it leads to.
    fn flush(&mut self) -> Result<u64>;
    /// The offsets as they are now.
    fn bounds(&self) -> Bounds;
    /// The segments, oldest first.
    fn segments(&self) -> Vec<SegmentInfo>;
    /// The first visible record at or after a time.
    fn offset_for_timestamp(&self, timestamp: i64) -> Result<Option<TimestampOffset>>;
    /// Cuts the end off, and returns the new log end offset.
    fn truncate_to(&mut self, offset: u64) -> Result<u64>;
    /// Moves the log start, and returns it.
    fn delete_records_before(&mut self, offset: u64) -> Result<u64>;
    /// Deletes what retention lets go, and returns it.
    fn apply_retention(&mut self, now_ms: i64) -> Result<Vec<SegmentInfo>>;
    /// Keeps the newest record of each key.
    fn compact(&mut self, now_ms: i64) -> Result<Option<CompactionReport>>;
    /// The configuration.
    fn config(&self) -> LogConfig;
    /// Takes a new configuration.
    fn set_config(&mut self, config: LogConfig) -> Result<()>;
    /// The files as they are now, with their sizes, by name.
    fn files(&self) -> Result<Vec<(String, u64)>>;
    /// The bytes of a file as they are now; `None` if there is no such file.
    fn read_file(&self, name: &str) -> Option<Vec<u8>>;
    /// Begins to keep what the calls so far have made durable.
    fn keep(&mut self) -> Keeping;
    /// Closes the log in good order, and keeps it.
    fn close(self: Box<Self>) -> Keeping;
}
