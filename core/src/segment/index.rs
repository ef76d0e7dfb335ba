//! The sparse offset index: which byte position to start a scan from.
//!
//! ```text
//! at  size  field
//!  0     4  relative offset: the last offset of a batch, less the segment's base offset
//!  4     4  position of that batch in the .log file
//! ```
//!
//! Entries of 8 bytes, big-endian, rising in both fields. There is no checksum: after a crash the index is
//! compared with the log and rebuilt where it differs, and a look-up's answer is held against the batch that it
//! points at. [`Indexer`](super::Indexer) says which batches get an entry.
//!
//! Source: Kafka's `OffsetIndex`; config key `index.interval.bytes`.

use std::io;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::storage::File;

use super::entries::EntryFile;

/// Bytes of one entry.
pub(crate) const INDEX_ENTRY_SIZE: usize = 8;

/// One entry of an offset index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct IndexEntry {
    /// The last offset of the batch, counted from the segment's base offset.
    pub relative_offset: u32,
    /// Where the batch begins in the `.log` file, in bytes.
    pub position: u32,
}

impl IndexEntry {
    /// The entry as it stands in the file.
    pub fn encode(self) -> [u8; 8] {
        (u64::from(self.relative_offset) << 32 | u64::from(self.position)).to_be_bytes()
    }

    /// The entry that these bytes are.
    pub fn decode(bytes: [u8; 8]) -> Self {
        let both = u64::from_be_bytes(bytes);
        Self { relative_offset: (both >> 32) as u32, position: both as u32 }
    }
}

/// The index, whose entries are read into memory when they are first needed.
#[derive(Debug)]
pub(crate) struct OffsetIndex<F> {
    file: EntryFile<F, INDEX_ENTRY_SIZE>,
    /// All entries, once somebody has asked.
    loaded: RwLock<Option<Vec<IndexEntry>>>,
}

/// How many entries are at or below `relative_offset`.
///
/// It begins where the entry would be if they were evenly spread, as they nearly are, and goes on in doubling steps.
/// To halve all entries again and again would wait for memory at each step: few of those are in a cache.
///
/// `probe` is told of each entry that is compared, in order.
#[inline(always)]
fn count_up_to(entries: &[IndexEntry], relative_offset: u32, mut probe: impl FnMut(&IndexEntry)) -> usize {
    let mut below = |entry: &IndexEntry| {
        probe(entry);
        entry.relative_offset <= relative_offset
    };
    let Some((last, rest)) = entries.split_last() else { return 0 };
    if below(last) {
        return entries.len();
    }
    let share = u64::from(relative_offset) * rest.len() as u64 / u64::from(last.relative_offset);
    let (mut low, mut high, mut step) = (0, share as usize, 1);
    // What lies before `low` is at or below, and what lies from `high` on is above. Nothing is compared twice.
    let Some(first) = rest.get(high) else { return 0 };
    if below(first) {
        (low, high) = (high + 1, high + 1);
        while high < rest.len() && below(&rest[high]) {
            (low, high, step) = (high + 1, high + step, step * 2);
        }
        high = high.min(rest.len());
    } else {
        while high > 0 {
            let at = high.saturating_sub(step);
            if below(&rest[at]) {
                low = at + 1;
                break;
            }
            (high, step) = (at, step * 2);
        }
    }
    low + rest[low..high].partition_point(below)
}

impl<F: File> OffsetIndex<F> {
    /// An index whose file holds exactly `entries`.
    pub(crate) fn new(file: F, entries: Vec<IndexEntry>) -> Self {
        Self { file: EntryFile::new(file, entries.len()), loaded: RwLock::new(Some(entries)) }
    }

    /// An index whose file holds `len` entries, which are not read yet.
    pub(crate) fn unread(file: F, len: usize) -> Self {
        Self { file: EntryFile::new(file, len), loaded: RwLock::new(None) }
    }

    /// Adds an entry, and writes those that wait if they are many. After an error the entry is there all the same,
    /// until [`truncate`](Self::truncate) takes it off.
    pub(crate) fn push(&self, entry: IndexEntry) -> io::Result<()> {
        {
            let mut loaded = self.loaded_mut();
            self.file.push(entry.encode());
            if let Some(entries) = &mut *loaded {
                entries.push(entry);
            }
        }
        // No reader waits for the file.
        self.file.write_if_many()
    }

    /// Cuts the index to its first `len` entries, and off the file what a failed write left there.
    pub(crate) fn truncate(&self, len: usize) -> io::Result<()> {
        if let Some(entries) = &mut *self.loaded_mut() {
            entries.truncate(len);
        }
        self.file.truncate(len)
    }

    /// The entry with the largest offset at or below `relative_offset`. Without one, a scan starts at 0.
    pub(crate) fn look_up(&self, relative_offset: u32) -> io::Result<Option<IndexEntry>> {
        Ok(self.around(relative_offset)?.0)
    }

    /// That entry, and the one behind it.
    pub(crate) fn around(
        &self,
        relative_offset: u32,
    ) -> io::Result<(Option<IndexEntry>, Option<IndexEntry>)> {
        self.with_entries(|entries| {
            let above = count_up_to(entries, relative_offset, |_| {});
            (above.checked_sub(1).map(|at| entries[at]), entries.get(above).copied())
        })
    }

    /// The entry with the largest position at or below `position`.
    pub(crate) fn before(&self, position: u64) -> io::Result<Option<IndexEntry>> {
        self.with_entries(|entries| {
            let above = entries.partition_point(|entry| u64::from(entry.position) <= position);
            above.checked_sub(1).map(|at| entries[at])
        })
    }

    /// The entries that a look-up compares with `relative_offset`, in order: for who wants to see it search.
    pub(crate) fn probes(&self, relative_offset: u32) -> io::Result<Vec<IndexEntry>> {
        self.with_entries(|entries| {
            let mut probes = Vec::new();
            count_up_to(entries, relative_offset, |entry| probes.push(*entry));
            probes
        })
    }

    /// Runs `f` on all entries.
    pub(crate) fn with_entries<T>(&self, f: impl FnOnce(&[IndexEntry]) -> T) -> io::Result<T> {
        if let Some(entries) = &*self.loaded() {
            return Ok(f(entries));
        }
        let mut loaded = self.loaded_mut();
        let entries = match loaded.take() {
            Some(entries) => entries,
            None => self.file.all()?.into_iter().map(IndexEntry::decode).collect(),
        };
        Ok(f(loaded.insert(entries)))
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.file.len()
    }

    /// Gives back memory that growing has left unused.
    pub(crate) fn shrink(&self) {
        if let Some(entries) = &mut *self.loaded_mut() {
            entries.shrink_to_fit();
        }
    }

    /// Writes the entries that wait.
    pub(crate) fn write(&self) -> io::Result<()> {
        self.file.write()
    }

    /// Makes what is written durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn loaded(&self) -> RwLockReadGuard<'_, Option<Vec<IndexEntry>>> {
        self.loaded.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn loaded_mut(&self) -> RwLockWriteGuard<'_, Option<Vec<IndexEntry>>> {
        self.loaded.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Steps between entries from 1 to very many, so that they lie evenly or not at all.
        #[test]
        fn a_count_is_that_of_a_search_through_all(steps in prop::collection::vec(1u32..2_000_000, 0..300), at: u32) {
            let mut entries: Vec<IndexEntry> = Vec::new();
            for step in steps {
                let relative_offset = entries.last().map_or(0, |last| last.relative_offset) + step / 1_000 * step / 1_000 + 1;
                entries.push(IndexEntry { relative_offset, position: 0 });
            }
            let wanted = entries.iter().flat_map(|e| [e.relative_offset - 1, e.relative_offset, e.relative_offset + 1]);
            for relative_offset in wanted.chain([0, at, u32::MAX]) {
                let expected = entries.partition_point(|entry| entry.relative_offset <= relative_offset);
                let mut probes = 0;
                prop_assert_eq!(count_up_to(&entries, relative_offset, |_| probes += 1), expected);
                prop_assert!(probes <= 2 * (entries.len() + 1).ilog2() + 3, "{probes} of {}", entries.len());
            }
        }
    }
}
