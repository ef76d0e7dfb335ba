//! The rule that adds index entries, written once: appends, recovery, compaction and checks all ask it, so that
//! a rebuilt index equals the lost one byte for byte.
//!
//! A batch gets an entry in the offset index if more than `index.interval.bytes` of batches have come since the
//! batch of the last entry began, or since the segment did. With that entry, the time index gets the largest
//! timestamp so far, if it is larger than its last one. A segment that is closed gets a last time entry by the
//! same comparison, so that its largest timestamp is known without reading it.
//!
//! Source: Kafka's `LogSegment.append`, `TimeIndex.maybeAppend`, `LogSegment.onBecomeInactiveSegment`.

use super::{INDEX_ENTRY_SIZE, IndexEntry, TIME_INDEX_ENTRY_SIZE, TimeIndexEntry};

/// How far the indexes of a segment have come. It is small and copied freely: who appends asks a copy, and keeps
/// it once the bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Indexer {
    base_offset: u64,
    last: Option<IndexEntry>,
    entries: usize,
    last_time: Option<TimeIndexEntry>,
    time_entries: usize,
    largest: Option<TimeIndexEntry>,
}

/// The entries that a batch gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) entry: IndexEntry,
    /// Bytes of batches since the last entry's batch began.
    pub(crate) bytes_since: u64,
    pub(crate) time_entry: Option<TimeIndexEntry>,
}

impl Indexer {
    /// An empty segment.
    pub(crate) fn new(base_offset: u64) -> Self {
        Self { base_offset, last: None, entries: 0, last_time: None, time_entries: 0, largest: None }
    }

    /// A segment whose indexes end with these entries, and whose largest timestamp is in `largest`.
    pub(crate) fn resume(
        base_offset: u64,
        (entries, last): (usize, Option<IndexEntry>),
        (time_entries, last_time): (usize, Option<TimeIndexEntry>),
        largest: Option<TimeIndexEntry>,
    ) -> Self {
        Self { base_offset, last, entries, last_time, time_entries, largest }
    }

    /// Takes in the batch at `position`, and returns what it gets. Its offset and position fit 31 bits.
    pub(crate) fn batch(
        &mut self,
        position: u64,
        last_offset: u64,
        max_timestamp: i64,
        interval: u32,
    ) -> Option<Due> {
        let relative_offset = (last_offset - self.base_offset) as u32;
        // Of batches with the same timestamp the first counts, and one without a timestamp (−1) never does.
        if max_timestamp > self.largest.map_or(-1, |largest| largest.timestamp) {
            self.largest = Some(TimeIndexEntry { timestamp: max_timestamp, relative_offset });
        }
        let bytes_since = position - self.last.map_or(0, |entry| u64::from(entry.position));
        if bytes_since <= u64::from(interval) {
            return None;
        }
        let entry = IndexEntry { relative_offset, position: position as u32 };
        (self.last, self.entries) = (Some(entry), self.entries + 1);
        Some(Due { entry, bytes_since, time_entry: self.last_time_entry() })
    }

    /// The time entry that is due now: with every entry of the offset index, and when the segment is closed.
    pub(crate) fn last_time_entry(&mut self) -> Option<TimeIndexEntry> {
        let largest = self.largest?;
        if largest.timestamp <= self.last_time.map_or(-1, |last| last.timestamp) {
            return None;
        }
        (self.last_time, self.time_entries) = (Some(largest), self.time_entries + 1);
        Some(largest)
    }

    /// Entries in the offset index.
    pub(crate) fn entries(&self) -> usize {
        self.entries
    }

    /// Whether an index has no room left in `limit` bytes. The time index keeps a place for its last entry.
    pub(crate) fn is_full(&self, limit: usize) -> bool {
        let room = (limit / TIME_INDEX_ENTRY_SIZE).saturating_sub(1).max(1);
        self.entries >= limit / INDEX_ENTRY_SIZE || self.time_entries >= room
    }
}
