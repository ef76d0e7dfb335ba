//! The sparse time index: which offset to start looking for a timestamp from.
//!
//! ```text
//! at  size  field
//!  0     8  timestamp: the largest in the segment up to here, in milliseconds since the Unix epoch
//!  8     4  relative offset: the last offset of the first batch that reached it, less the segment's base offset
//! ```
//!
//! Entries of 12 bytes, big-endian, rising in both fields. The entries stay in the file: a look-up reads as many
//! as a binary search takes.
//!
//! Source: Kafka's `TimeIndex`.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::storage::File;

/// Bytes of one entry.
pub(crate) const TIME_INDEX_ENTRY_SIZE: usize = 12;

/// One entry of a time index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeIndexEntry {
    /// The largest timestamp in the segment up to the offset, in milliseconds since the Unix epoch.
    pub timestamp: i64,
    /// The last offset of the first batch that reached it, counted from the segment's base offset.
    pub relative_offset: u32,
}

impl TimeIndexEntry {
    /// The entry as it stands in the file.
    pub fn encode(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&self.timestamp.to_be_bytes());
        bytes[8..].copy_from_slice(&self.relative_offset.to_be_bytes());
        bytes
    }

    /// The entry that these bytes are.
    pub fn decode(bytes: [u8; 12]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = bytes;
        Self {
            timestamp: i64::from_be_bytes([a, b, c, d, e, f, g, h]),
            relative_offset: u32::from_be_bytes([i, j, k, l]),
        }
    }
}

/// The time index file.
#[derive(Debug)]
pub(crate) struct TimeIndex<F> {
    file: F,
    len: AtomicUsize,
}

impl<F: File> TimeIndex<F> {
    /// An index whose file holds `len` entries.
    pub(crate) fn new(file: F, len: usize) -> Self {
        Self { file, len: AtomicUsize::new(len) }
    }

    /// Adds an entry.
    pub(crate) fn push(&self, entry: TimeIndexEntry) -> io::Result<()> {
        self.file.write_at((self.len() * TIME_INDEX_ENTRY_SIZE) as u64, &entry.encode())?;
        self.len.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Cuts the index to its first `len` entries, and off the file what a failed [`push`](Self::push) left there.
    pub(crate) fn truncate(&self, len: usize) -> io::Result<()> {
        let len = self.len.fetch_min(len, Ordering::AcqRel).min(len);
        self.file.truncate((len * TIME_INDEX_ENTRY_SIZE) as u64)
    }

    /// The entry with the largest timestamp at or below `timestamp`.
    pub(crate) fn look_up(&self, timestamp: i64) -> io::Result<Option<TimeIndexEntry>> {
        let (mut low, mut high) = (0, self.len());
        let mut found = None;
        while low < high {
            let middle = low + (high - low) / 2;
            match self.entry(middle)? {
                Some(entry) if entry.timestamp <= timestamp => (low, found) = (middle + 1, Some(entry)),
                _ => high = middle,
            }
        }
        Ok(found)
    }

    /// The last entry.
    pub(crate) fn last(&self) -> io::Result<Option<TimeIndexEntry>> {
        self.len().checked_sub(1).map_or(Ok(None), |at| self.entry(at))
    }

    /// The entry at a place; `None` if the file ends before.
    pub(crate) fn entry(&self, at: usize) -> io::Result<Option<TimeIndexEntry>> {
        let mut bytes = [0; TIME_INDEX_ENTRY_SIZE];
        let position = (at * TIME_INDEX_ENTRY_SIZE) as u64;
        let mut read = 0;
        while read < bytes.len() {
            match self.file.read_at(position + read as u64, &mut bytes[read..])? {
                0 => return Ok(None),
                count => read += count,
            }
        }
        Ok(Some(TimeIndexEntry::decode(bytes)))
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// Makes the file durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}
