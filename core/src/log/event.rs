//! What the log tells an observer: one [`Event`] a step, with the numbers that decided it.

use std::borrow::Cow;

use crate::config::CleanupPolicy;
use crate::record::{Batch, Compression, Producer};
use crate::segment::{IndexEntry, TimeIndexEntry};

pub(crate) use super::compaction::{BatchFate, Removal};

/// Somebody who watches a log. `()` watches nothing, and then no event is even built.
///
/// A reader on another thread may observe at the same time as the writer, hence `&self`.
pub trait Observer {
    /// Takes note of an event. `event` builds it, and need not be called.
    fn observe(&self, event: impl FnOnce() -> Event);
}

impl Observer for () {
    #[inline(always)]
    fn observe(&self, _: impl FnOnce() -> Event) {}
}

/// A batch's place and extent in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BatchInfo {
    /// Base offset of the segment that holds it.
    pub segment: u64,
    /// Where it begins in the segment's `.log` file, in bytes.
    pub position: u64,
    /// Its size in bytes.
    pub size: u32,
    /// Its first record's offset.
    pub base_offset: u64,
    /// Its last record's offset.
    pub last_offset: u64,
    /// How many records it holds.
    pub records: u32,
    /// The largest timestamp in it, in milliseconds since the Unix epoch.
    pub max_timestamp: i64,
    /// How its records are compressed.
    pub compression: Compression,
    /// The first record's key, if it has one and the batch is not compressed.
    #[cfg_attr(feature = "serde", serde(with = "super::key_text"))]
    pub first_key: Option<Vec<u8>>,
    /// The id of the idempotent producer that sent it; -1 if none did.
    pub producer_id: i64,
}

impl BatchInfo {
    pub(crate) fn new(segment: u64, position: u64, batch: &Batch<'_>) -> Self {
        let header = batch.header();
        let first = batch.records().next().and_then(Result::ok);
        Self {
            segment,
            position,
            size: header.size,
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
            records: header.records_count,
            max_timestamp: header.max_timestamp,
            compression: batch.compressed().unwrap_or_default(),
            first_key: first.and_then(|record| record.key).map(<[u8]>::to_vec),
            producer_id: header.producer.id,
        }
    }

    /// Where the next batch begins.
    pub fn end(&self) -> u64 {
        self.position + u64::from(self.size)
    }
}

/// Why a log rolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(tag = "kind", rename_all = "snake_case")
)]
pub enum RollReason {
    /// The batch would not have fit into `segment.bytes`.
    Size,
    /// So much time lies between the segment's first batch and this one, more than `segment.ms`.
    Time {
        /// Milliseconds.
        waited_ms: i64,
        /// `segment.ms`.
        segment_ms: u64,
    },
    /// An index has reached `segment.index.bytes`.
    IndexFull,
    /// The batch's last offset would be too far from the segment's base offset for the index.
    OffsetOverflow,
}

/// What made the log sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum FlushCause {
    /// Somebody asked for it.
    Requested,
    /// A segment is synced as a whole before the next one begins.
    Roll,
    /// The log was truncated.
    Truncate,
    /// The log was closed.
    Close,
}

/// Why an index file was written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(tag = "kind", rename_all = "snake_case")
)]
pub enum IndexFault {
    /// There was no file.
    Missing,
    /// The file holds the first entries only.
    Short {
        /// Whole entries that it held.
        entries: usize,
    },
    /// The file holds something else than the log gives.
    Differs,
}

/// What opening a log found where the checkpoint should be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(tag = "kind", rename_all = "snake_case")
)]
pub enum CheckpointFound {
    /// Nothing: the log is new, or comes from elsewhere.
    Missing,
    /// A file that says nothing sure.
    Damaged {
        /// What is wrong with it.
        reason: Cow<'static, str>,
    },
    /// What the log wrote last.
    Valid {
        /// The first offset in the log.
        log_start_offset: u64,
        /// Everything below it is durable.
        recovery_point: u64,
        /// Whether the log was closed in good order.
        clean: bool,
    },
}

/// Why a time index got an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum TimeEntryCause {
    /// The offset index got one too.
    Interval,
    /// The segment was closed.
    Roll,
    /// The log was closed.
    Close,
}

/// One of a segment's two indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum IndexKind {
    /// By offset: `.index`.
    Offset,
    /// By time: `.timeindex`.
    Time,
}

impl IndexKind {
    /// The file's ending.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Offset => crate::segment::INDEX_SUFFIX,
            Self::Time => crate::segment::TIME_INDEX_SUFFIX,
        }
    }
}

/// Why a segment was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(tag = "kind", rename_all = "snake_case")
)]
pub enum DeleteReason {
    /// Its largest timestamp is `age_ms` old, more than `retention.ms`.
    Time {
        /// Milliseconds between the largest timestamp and now.
        age_ms: i64,
        /// `retention.ms`.
        retention_ms: u64,
    },
    /// The log held `log_bytes`, and without the segment it still holds at least `retention.bytes`.
    Size {
        /// Bytes of all segments, this one included.
        log_bytes: u64,
        /// `retention.bytes`.
        retention_bytes: u64,
    },
    /// It ends below the log start offset.
    LogStart,
    /// It begins at or above the offset that the log was truncated to.
    Truncated,
}

/// Why a fetch stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum StoppedBy {
    /// The next batch would not have fit into `max_bytes`.
    MaxBytes,
    /// What follows is not visible yet.
    HighWatermark,
    /// There is nothing more.
    LogEnd,
}

impl StoppedBy {
    /// The name in the HTTP API: `max_bytes`, `high_watermark` or `log_end`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MaxBytes => "max_bytes",
            Self::HighWatermark => "high_watermark",
            Self::LogEnd => "log_end",
        }
    }
}

/// One step of the engine, with the numbers that decided it.
///
/// The fields mean the same everywhere: `segment` and `next` are base offsets of segments; `offset`s are logical,
/// `position`s count bytes from the front of a `.log` file; `bytes`, `size` and `used` are bytes; `entries`,
/// `batches` and `segments` are counts. `used` is what a fetch's answer holds so far.
///
/// With the feature `serde`, an event is an object whose field `event` is the variant's name, and a reason one
/// whose field `kind` is. Names of codecs, policies and reasons are lower case, as in Kafka's configs. A key is
/// text, or `{"base64": "…"}` where it is not UTF-8.
#[expect(missing_docs, reason = "the fields are explained once, above")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(tag = "event"))]
pub enum Event {
    /// Opening begins: these files, with their sizes, were found, and so many of them are `.log` files.
    RecoveryStarted {
        segments: usize,
        files: Vec<(String, u64)>,
        segment_bytes: u32,
        index_interval_bytes: u32,
        checkpoint: CheckpointFound,
    },
    /// The scan of a segment begins.
    SegmentFound { segment: u64, log_bytes: u64 },
    /// The scan accepted a batch: length, magic, CRC and offsets are right.
    BatchRecovered { batch: BatchInfo },
    /// The scan found bytes that are no whole batch, and cut the file there.
    TailCut { segment: u64, position: u64, bytes: u64, log_end_offset: u64, reason: String },
    /// The index on disk is what the log gives.
    IndexVerified { segment: u64, index: IndexKind, entries: usize },
    /// The index was written anew.
    IndexRebuilt { segment: u64, index: IndexKind, entries: usize, fault: IndexFault },
    /// The checkpoint says that the segment is durable and whole: it is not scanned.
    SegmentTrusted { segment: u64, log_bytes: u64, index_bytes: u64, time_index_bytes: u64 },
    /// A file belonged to nothing and was removed.
    OrphanRemoved { name: String },
    /// The log is open.
    RecoveryFinished { log_start_offset: u64, log_end_offset: u64 },

    /// An empty segment begins.
    SegmentCreated { segment: u64 },
    /// The active segment is closed; a new one follows.
    SegmentRolled {
        segment: u64,
        size: u64,
        batch_size: u64,
        segment_bytes: u64,
        index_entries: usize,
        /// The last offset of the batch that did not go into the old segment.
        last_offset: u64,
        reason: RollReason,
        next: u64,
    },
    /// The producer's batch is in the log already: it gets the offsets of then, and is not appended.
    DuplicateFound { producer: Producer, base_offset: u64, last_offset: u64 },
    /// A batch went to the end of the active segment.
    BatchAppended { batch: BatchInfo },
    /// The batch just appended or recovered got an index entry. `bytes_since` came since the last one.
    IndexEntryAdded { segment: u64, entry: IndexEntry, bytes_since: u64, interval: u64 },
    /// The time index got an entry: the largest timestamp so far.
    TimeIndexEntryAdded { segment: u64, entry: TimeIndexEntry, cause: TimeEntryCause },
    /// The last entry of the active segment's time index, which closing had added, is taken off again.
    TimeIndexEntryRemoved { segment: u64, entry: TimeIndexEntry },
    /// Everything below `high_watermark` is durable and visible.
    Flushed { segment: u64, bytes: u64, from: u64, high_watermark: u64, cause: FlushCause },
    /// What is known of producers was written down, as of `offset`.
    SnapshotWritten { offset: u64, producers: usize, bytes: u64 },
    /// What an opening must know was written down, in a file of so many bytes.
    CheckpointWritten { log_start_offset: u64, recovery_point: u64, clean: bool, bytes: u64 },

    /// Retention looks at the segments, oldest first.
    RetentionStarted { segments: usize, log_bytes: u64, now_ms: i64, policy: CleanupPolicy },
    /// The log start offset moved, unless `from` and `to` are the same; records below it are gone for readers.
    LogStartMoved { from: u64, to: u64 },
    /// A segment was deleted with its files.
    SegmentDeleted { segment: u64, bytes: u64, reason: DeleteReason },
    /// The log was cut, unless `from` and `to` are the same: its end went from `from` to `to`. In `segment`, what stood from `position` on is gone.
    Truncated { segment: u64, position: u64, from: u64, to: u64, high_watermark: u64 },

    /// Compaction begins: of so many closed segments, it has seen what lies below `first_dirty_offset`. They end
    /// before the active segment, at offset `end`. Tombstones may be due although they are not new.
    CompactionStarted {
        segments: usize,
        bytes: u64,
        first_dirty_offset: u64,
        end: u64,
        now_ms: i64,
        tombstones_due: bool,
    },
    /// The newest offset of each key is known up to `up_to`. That is short of `end` if the memory for keys was used
    /// up before.
    KeysMapped { keys: usize, first_dirty_offset: u64, up_to: u64, end: u64, key_budget: usize },
    /// A record goes.
    RecordRemoved {
        segment: u64,
        offset: u64,
        #[cfg_attr(feature = "serde", serde(with = "super::key_text"))]
        key: Option<Vec<u8>>,
        why: Removal,
    },
    /// What becomes of a batch that does not stay as it is.
    BatchRewritten {
        segment: u64,
        position: u64,
        base_offset: u64,
        last_offset: u64,
        fate: BatchFate,
        delete_retention_ms: u64,
    },
    /// One segment, with these batches and index entries, has taken the place of all of `sources`.
    SegmentsCompacted {
        sources: Vec<u64>,
        segment: u64,
        bytes_before: u64,
        bytes_after: u64,
        batches: Vec<BatchInfo>,
        index: Vec<IndexEntry>,
        time_index: Vec<TimeIndexEntry>,
    },
    /// Compaction is over. Everything below `first_dirty_offset` is compacted; before the active segment, at `end`,
    /// so many closed segments with so many bytes are left.
    CompactionFinished {
        first_dirty_offset: u64,
        end: u64,
        records_removed: u64,
        segments: usize,
        bytes_before: u64,
        bytes_after: u64,
        delete_horizon_ms: Option<i64>,
    },
    /// There was nothing to compact in so many closed segments, which end at `end`.
    CompactionSkipped {
        policy: CleanupPolicy,
        segments: usize,
        first_dirty_offset: u64,
        end: u64,
        delete_horizon_ms: Option<i64>,
    },
    /// What was compacted is of no use: meanwhile the log has lost some of the segments, or some of their batches.
    CompactionAbandoned { segments: usize },
    /// A crash had come between compaction and its end: now these segments, each up to an offset, have taken the place
    /// of all that was there before. These files are there now, with their sizes.
    SwapsCompleted { swaps: Vec<(u64, u64)>, files: Vec<(String, u64)> },

    /// Somebody looks for the first record at or after a timestamp.
    TimeLookUpStarted { timestamp: i64 },
    /// A segment's largest timestamp is too small: it cannot hold the record.
    SegmentTooOld { segment: u64, timestamp: i64, largest: Option<TimeIndexEntry> },
    /// The time index told from which offset on to look.
    TimeIndexLookedUp { segment: u64, timestamp: i64, entries: usize, found: Option<TimeIndexEntry> },
    /// The look-up is over: the record's offset and timestamp.
    TimeLookUpFinished { timestamp: i64, found: Option<(u64, i64)>, batches: u64 },

    /// An index entry does not fit the batch that it points at: the index is damaged, and the scan starts at 0.
    IndexRejected { segment: u64, entry: IndexEntry },
    /// A fetch begins.
    FetchStarted { offset: u64, max_bytes: u64, high_watermark: u64, log_end_offset: u64 },
    /// The segment with the largest base offset at or below the fetch offset.
    FloorSegmentFound { segment: u64, offset: u64, segments: usize },
    /// The index told where the scan starts, after it had compared these entries with the offset, in this order.
    IndexLookedUp {
        segment: u64,
        offset: u64,
        entries: usize,
        found: Option<IndexEntry>,
        position: u64,
        probes: Vec<IndexEntry>,
    },
    /// The scan hopped over a batch that ends below the fetch offset.
    BatchSkipped { segment: u64, position: u64, size: u32, last_offset: u64, offset: u64 },
    /// The scan reached the batch that holds the fetch offset, or the first one after it, if one was `found`; and
    /// otherwise the end of the segment.
    ScanFinished { segment: u64, position: u64, batches: u64, bytes: u64, offset: u64, found: bool },
    /// A batch goes into the answer, which then holds `used` bytes.
    BatchFetched { batch: BatchInfo, used: u64, max_bytes: u64 },
    /// The first batch is larger than `max_bytes` and goes into the answer all the same (KIP-74).
    FirstBatchWhole { batch: BatchInfo, used: u64, max_bytes: u64 },
    /// The fetch goes on in the next segment.
    NextSegmentEntered { segment: u64, used: u64, max_bytes: u64 },
    /// The fetch is over.
    FetchStopped {
        by: StoppedBy,
        used: u64,
        max_bytes: u64,
        next_offset: u64,
        /// The size of the batch that was not taken, if there is one.
        next_batch_size: Option<u32>,
    },
}
