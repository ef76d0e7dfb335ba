//! The sparse offset index: which byte position to start a scan from.
//!
//! ```text
//! at  size  field
//!  0     4  relative offset: the last offset of a batch, less the segment's base offset
//!  4     4  position of that batch in the .log file
//! ```
//!
//! Entries of 8 bytes, big-endian, rising in both fields. There is no checksum: after a crash the index is
//! compared with the log and rebuilt where it differs. The rule that adds entries is [`entry_due`]; appends and
//! recovery both ask it, so that a rebuilt index equals the lost one byte for byte.
//!
//! Source: Kafka's `OffsetIndex` and `LogSegment.append`; config key `index.interval.bytes`.

use std::io;
use std::sync::{PoisonError, RwLock};

use crate::storage::File;

/// Bytes of one entry.
pub(crate) const INDEX_ENTRY_SIZE: usize = 8;

/// One entry of an offset index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexEntry {
    /// The last offset of the batch, counted from the segment's base offset.
    pub relative_offset: u32,
    /// Where the batch begins in the `.log` file, in bytes.
    pub position: u32,
}

impl IndexEntry {
    pub(crate) fn encode(self) -> [u8; INDEX_ENTRY_SIZE] {
        (u64::from(self.relative_offset) << 32 | u64::from(self.position)).to_be_bytes()
    }
}

/// The rule that adds entries: a batch at `position` gets one if more than `interval` bytes of batches have come
/// since the batch of the last entry began, or since the segment did. `Some` holds those bytes.
///
/// It needs nothing but the last entry, so that it goes on after a reopening as if nothing had been.
pub(crate) fn entry_due(position: u64, last: Option<IndexEntry>, interval: u64) -> Option<u64> {
    let since = position - last.map_or(0, |entry| u64::from(entry.position));
    (since > interval).then_some(since)
}

/// The index file and its entries, held in memory.
#[derive(Debug)]
pub(crate) struct OffsetIndex<F> {
    file: F,
    entries: RwLock<Vec<IndexEntry>>,
}

impl<F: File> OffsetIndex<F> {
    /// An index whose file holds exactly `entries`.
    pub(crate) fn new(file: F, entries: Vec<IndexEntry>) -> Self {
        Self { file, entries: RwLock::new(entries) }
    }

    /// Adds an entry to the file, then to what look-ups see.
    pub(crate) fn push(&self, entry: IndexEntry) -> io::Result<()> {
        // There is one writer, so nobody else adds an entry in between, and no reader waits for the file.
        self.file.write_at((self.len() * INDEX_ENTRY_SIZE) as u64, &entry.encode())?;
        self.entries.write().unwrap_or_else(PoisonError::into_inner).push(entry);
        Ok(())
    }

    /// Cuts off what a failed [`push`](Self::push) may have left in the file.
    pub(crate) fn undo(&self) -> io::Result<()> {
        self.file.truncate((self.len() * INDEX_ENTRY_SIZE) as u64)
    }

    /// The entry with the largest offset at or below `relative_offset`. Without one, a scan starts at 0.
    pub(crate) fn look_up(&self, relative_offset: u32) -> Option<IndexEntry> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let above = entries.partition_point(|entry| entry.relative_offset <= relative_offset);
        above.checked_sub(1).map(|at| entries[at])
    }

    /// The last entry.
    pub(crate) fn last(&self) -> Option<IndexEntry> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).last().copied()
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Makes the file durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}
