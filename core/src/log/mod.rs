//! The partition log: segments in a row, one writer, many readers.
//!
//! ```text
//!   log start offset                  high watermark      log end offset
//!          │                                 │                 │
//!          ▼                                 ▼                 ▼
//!   ┌─────────────┬─────────────┬─────────────────────────────┐
//!   │ segment 0   │ segment 6   │ segment 12, active          │  ← append
//!   └─────────────┴─────────────┴─────────────────────────────┘
//!   durable, visible to fetches              │ in the page cache only
//! ```
//!
//! | file | holds |
//! | --- | --- |
//! | `append` | how a batch gets in |
//! | `roll` | when the log rolls, and how a segment is closed for good |
//! | `fetch` | how batches get out, under a byte budget |
//! | `extent` | how much a fetch would return |
//! | `batches` | which batches a segment holds
//! | `flush` | how bytes become durable and visible |
//! | `time` | which offset a timestamp is at |
//! | `retention` | which old segments go, and how |
//! | `truncate` | how the end is cut off |
//! | `producers`, `snapshot` | idempotent producers, and how they survive a restart |
//! | `checkpoint` | what an opening must know and cannot read off the segments |
//! | `recovery` | how a log is opened, and what is done about damage |
//! | `compaction` | how only the newest record of each key stays |
//! | `event` | what an observer is told |
//!
//! Invariants:
//! - Offsets rise from batch to batch. Each batch's base offset was the log end offset when it was appended.
//! - Every segment but the active one has all its batches durable: the log is synced before it rolls, and the
//!   new segment's name before a batch goes into it. So a crash can tear the last segment only, and damage in any other is [`Error::Corrupt`].
//! - log start offset ≤ high watermark ≤ log end offset. Nothing at or above the high watermark is ever
//!   fetched, and everything below it is durable: no reader sees what a crash could take back.
//! - After a failed sync the log takes no append until it is opened again.

mod append;
mod batches;
mod bookmark;
mod checkpoint;
mod compaction;
pub(crate) mod event;
mod extent;
mod fetch;
mod flush;
#[cfg(feature = "serde")]
mod key_text;
pub mod producers;
mod recovery;
mod retention;
mod roll;
mod snapshot;
mod time;
mod truncate;

use std::mem;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::config::LogConfig;
use crate::error::{Error, Result};
use crate::segment::{Indexer, ScanError, Segment};
use crate::storage::Storage;

pub use append::Appended;
pub use bookmark::Bookmark;
pub use checkpoint::{CHECKPOINT_FILE, Checkpoint};
pub use compaction::{BatchFate, Compacted, Compaction, CompactionReport, Removal};
pub use event::{
    BatchInfo, CheckpointFound, DeleteReason, Event, FlushCause, IndexFault, IndexKind, Observer, RollReason,
    StoppedBy, TimeEntryCause,
};
pub use extent::Extent;
pub use fetch::{Fetched, FetchedRecords};
pub use flush::Flush;
pub use recovery::{RecoveryReport, TailCut};
pub use time::TimestampOffset;

#[cfg(feature = "lab")]
pub(crate) use recovery::TEMPORARY;

use producers::ProducerState;

/// A commit log for one partition: what an embedder holds to write, one at a time.
///
/// It dereferences to a [`LogReader`], so that all that can be read can be read here too. A reader of its own,
/// from [`reader`](Self::reader), can be cloned and sent to other threads.
#[derive(Debug)]
pub struct PartitionLog<S: Storage, O: Observer = ()> {
    reader: LogReader<S, O>,
    storage: Arc<S>,
    config: LogConfig,
    active: Arc<Segment<S::File>>,
    /// How far the active segment's indexes have come.
    indexer: Indexer,
    /// The largest timestamp of the active segment's first batch, from which `segment.ms` counts.
    first_timestamp: Option<i64>,
    producers: ProducerState,
    compaction: compaction::Progress,
    /// A roll that failed half-way: the next append has to bring it to its end, because files of the next
    /// segment may be there already, and the active one must not grow past them.
    pending_roll: Option<RollReason>,
    /// The batch that is being encoded; kept for its allocation.
    scratch: Vec<u8>,
}

impl<S: Storage, O: Observer> Deref for PartitionLog<S, O> {
    type Target = LogReader<S, O>;

    fn deref(&self) -> &LogReader<S, O> {
        &self.reader
    }
}

/// What the writer and its readers have in common.
#[derive(Debug)]
struct Shared<F, O> {
    observer: O,
    /// Never empty; by base offset. The last one is active.
    segments: RwLock<Arc<Vec<Arc<Segment<F>>>>>,
    log_start_offset: AtomicU64,
    high_watermark: AtomicU64,
    log_end_offset: AtomicU64,
    /// Below this, compaction may have left holes in the offsets.
    cleaned_up_to: AtomicU64,
    /// How often the log was truncated: what was read meanwhile counts for nothing.
    truncations: AtomicU64,
    /// Held while a sync runs and until its outcome is known to all. An operating system reports a failed write
    /// once, to one of those who sync; two at a time, and the other would take it for done.
    syncing: Mutex<()>,
    poisoned: AtomicBool,
    /// Whether a compaction is under way.
    compacting: AtomicBool,
}

/// Reads a log, from any thread, without ever waiting for an append or a sync.
#[derive(Debug)]
pub struct LogReader<S: Storage, O: Observer = ()> {
    shared: Arc<Shared<S::File, O>>,
}

impl<S: Storage, O: Observer> Clone for LogReader<S, O> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

/// A segment, as seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentInfo {
    /// The first offset that it may hold, and its files' name.
    pub base_offset: u64,
    /// Bytes of batches in its `.log` file.
    pub size: u64,
    /// Entries in its offset index.
    pub index_entries: usize,
    /// Entries in its time index.
    pub time_index_entries: usize,
}

impl<S: Storage> PartitionLog<S> {
    /// Opens the log in `storage`, and recovers what a crash may have left: every batch of the last segment is
    /// checked, a torn tail is cut off, indexes that differ from the log are written anew. A log that was closed
    /// in good order is not scanned; one without a checkpoint is scanned as a whole. An empty storage becomes an
    /// empty log at offset 0. On return, everything in the log is durable and visible.
    ///
    /// One log at a time may have a storage: nothing here keeps a second one out.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for damage that no crash explains; then nothing has been changed in that file.
    /// [`Error::InvalidConfig`].
    pub fn open(storage: S, config: LogConfig) -> Result<(Self, RecoveryReport)> {
        Self::open_observed(storage, config, ())
    }
}

impl<S: Storage, O: Observer> PartitionLog<S, O> {
    /// Like [`open`](PartitionLog::open), and tells `observer` each step of this log from now on.
    pub fn open_observed(storage: S, config: LogConfig, observer: O) -> Result<(Self, RecoveryReport)> {
        recovery::open(storage, config, observer)
    }

    /// A handle for reading.
    pub fn reader(&self) -> LogReader<S, O> {
        self.reader.clone()
    }

    /// The configuration.
    pub fn config(&self) -> &LogConfig {
        &self.config
    }

    /// Takes a new configuration, which holds from the next append on.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`]; then the old one stays.
    pub fn set_config(&mut self, config: LogConfig) -> Result<()> {
        config.validate()?;
        self.config = config;
        Ok(())
    }

    /// Closes the log in good order: everything is synced, the indexes are completed, and the checkpoint says so.
    /// The next opening then reads no batch but the last few.
    ///
    /// # Errors
    /// As [`flush`](Self::flush). The log is closed all the same; the next opening recovers it.
    pub fn close(mut self) -> Result<()> {
        self.flush_because(FlushCause::Close)?;
        self.give_up_roll(self.log_end_offset())?;
        self.complete_indexes(TimeEntryCause::Close)?;
        self.write_snapshot()?;
        self.write_checkpoint(true)
    }
}

impl<S: Storage, O: Observer> LogReader<S, O> {
    /// Returns whole batches from the one that holds `offset` on, while their bytes sum to at most `max_bytes`,
    /// across segments, up to the high watermark. The first batch is returned whole even if it alone is larger
    /// (KIP-74), so that a consumer always gets on. Checksums are checked.
    ///
    /// # Errors
    /// [`Error::OffsetOutOfRange`] below the log start or beyond the log end; at the end the answer is empty.
    /// [`Error::Corrupt`] if a batch on the way is damaged.
    pub fn fetch(&self, offset: u64, max_bytes: u64) -> Result<Fetched> {
        self.fetch_into(offset, max_bytes, Vec::new())
    }

    /// Does what [`fetch`](Self::fetch) does, and puts the batches into `room`, whose bytes go. Memory that has been
    /// used before saves a large answer the page faults, which cost it as much as the read itself.
    ///
    /// # Errors
    /// As those of [`fetch`](Self::fetch).
    pub fn fetch_into(&self, offset: u64, max_bytes: u64, mut room: Vec<u8>) -> Result<Fetched> {
        let shared = &self.shared;
        shared.retry_after_truncation(|| shared.fetch(offset, max_bytes, mem::take(&mut room), None))
    }

    /// Does what [`fetch_into`](Self::fetch_into) does. If `bookmark` is of a fetch that ended at `offset`, it begins
    /// where that ended, without a look-up, unless the log was cut or compacted there. Then it is where this one ended.
    ///
    /// # Errors
    /// As those of [`fetch`](Self::fetch).
    pub fn fetch_on(
        &self,
        offset: u64,
        max_bytes: u64,
        mut room: Vec<u8>,
        bookmark: &mut Bookmark<S::File>,
    ) -> Result<Fetched> {
        let shared = &self.shared;
        let mut fetch = || shared.fetch(offset, max_bytes, mem::take(&mut room), Some(&mut *bookmark));
        shared.retry_after_truncation(&mut fetch)
    }

    /// The first offset in the log.
    pub fn log_start_offset(&self) -> u64 {
        self.shared.log_start_offset()
    }

    /// The offset below which everything is durable and can be fetched.
    pub fn high_watermark(&self) -> u64 {
        self.shared.high_watermark()
    }

    /// The next offset to be assigned.
    pub fn log_end_offset(&self) -> u64 {
        self.shared.log_end_offset()
    }

    /// The segments, oldest first.
    pub fn segments(&self) -> Vec<SegmentInfo> {
        self.shared.segment_infos()
    }

    /// Whether a sync has failed, so that the log takes no append until it is opened again.
    pub fn is_poisoned(&self) -> bool {
        self.shared.check_poison().is_err()
    }
}

impl<F: crate::storage::File, O: Observer> Shared<F, O> {
    fn log_start_offset(&self) -> u64 {
        self.log_start_offset.load(Ordering::Acquire)
    }

    fn high_watermark(&self) -> u64 {
        self.high_watermark.load(Ordering::Acquire)
    }

    fn log_end_offset(&self) -> u64 {
        self.log_end_offset.load(Ordering::Acquire)
    }

    fn cleaned_up_to(&self) -> u64 {
        self.cleaned_up_to.load(Ordering::Acquire)
    }

    fn segment_infos(&self) -> Vec<SegmentInfo> {
        self.segments().iter().map(|segment| segment_info(segment)).collect()
    }

    /// The segments as they are now. Whoever holds them sees no change.
    fn segments(&self) -> Arc<Vec<Arc<Segment<F>>>> {
        // Nothing panics while the lock is held, so the list is whole even if a holder's thread died.
        Arc::clone(&self.segments.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes which segments there are, for those who ask from now on.
    fn change_segments(&self, change: impl FnOnce(&mut Vec<Arc<Segment<F>>>)) {
        change(Arc::make_mut(&mut self.segments.write().unwrap_or_else(PoisonError::into_inner)));
    }

    /// Runs a read that the log may be cut under, and runs it again if it was: what it took for damage may be the
    /// cut, and what it took for durable may have come in the place of what was.
    fn retry_after_truncation<T>(&self, mut read: impl FnMut() -> Result<T>) -> Result<T> {
        loop {
            let before = self.truncations.load(Ordering::Acquire);
            let result = read();
            if self.truncations.load(Ordering::Acquire) == before {
                return result;
            }
        }
    }

    /// Takes note that a sync failed, or that a failed write could not be undone.
    fn poison(&self, error: std::io::Error) -> Error {
        self.poisoned.store(true, Ordering::Release);
        Error::Io(error)
    }

    fn check_poison(&self) -> Result<()> {
        if self.poisoned.load(Ordering::Acquire) { Err(Error::Poisoned) } else { Ok(()) }
    }
}

fn segment_info<F: crate::storage::File>(segment: &Segment<F>) -> SegmentInfo {
    SegmentInfo {
        base_offset: segment.base_offset(),
        size: segment.size(),
        index_entries: segment.index().len(),
        time_index_entries: segment.time_index().len(),
    }
}

/// Puts a name to what a scan met.
fn scan_error(error: ScanError, segment: u64, position: u64) -> Error {
    match error {
        ScanError::Io(error) => Error::Io(error),
        ScanError::Bad(reason) => corrupt(segment, position, reason.into()),
    }
}

fn corrupt(segment: u64, position: u64, reason: crate::error::CorruptReason) -> Error {
    let file = crate::segment::file_name(segment, crate::segment::LOG_SUFFIX);
    Error::Corrupt { file, position, reason }
}
