//! The sparse time index: which offset to start looking for a timestamp from.
//!
//! ```text
//! at  size  field
//!  0     8  timestamp: the largest in the segment up to here, in milliseconds since the Unix epoch
//!  8     4  relative offset: the last offset of the first batch that reached it, less the segment's base offset
//! ```
//!
//! Entries of 12 bytes, big-endian, rising in both fields. Those that are written stay in the file: a look-up reads
//! as many as a binary search takes.
//!
//! Source: Kafka's `TimeIndex`.

use std::io;

use crate::storage::File;

use super::entries::EntryFile;

/// Bytes of one entry.
pub(crate) const TIME_INDEX_ENTRY_SIZE: usize = 12;

/// One entry of a time index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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

/// The time index.
#[derive(Debug)]
pub(crate) struct TimeIndex<F> {
    file: EntryFile<F, TIME_INDEX_ENTRY_SIZE>,
}

impl<F: File> TimeIndex<F> {
    /// An index whose file holds `len` entries.
    pub(crate) fn new(file: F, len: usize) -> Self {
        Self { file: EntryFile::new(file, len) }
    }

    /// Adds an entry, and writes those that wait if they are many. After an error the entry is there all the same,
    /// until [`truncate`](Self::truncate) takes it off.
    pub(crate) fn push(&self, entry: TimeIndexEntry) -> io::Result<()> {
        self.file.push(entry.encode());
        self.file.write_if_many()
    }

    /// Cuts the index to its first `len` entries, and off the file what a failed write left there.
    pub(crate) fn truncate(&self, len: usize) -> io::Result<()> {
        self.file.truncate(len)
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
        Ok(self.file.entry(at)?.map(TimeIndexEntry::decode))
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.file.len()
    }

    /// Writes the entries that wait.
    pub(crate) fn write(&self) -> io::Result<()> {
        self.file.write()
    }

    /// Makes what is written durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}
