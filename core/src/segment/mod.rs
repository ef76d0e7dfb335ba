//! One segment: a `.log` file of record batches from a base offset on, and two sparse indexes over it, one by
//! offset and one by time.
//!
//! The pieces here read and write files, and know nothing of other segments: rolling, recovery across segments
//! and the budget of a fetch are the [log](crate::log)'s.
//!
//! Invariants:
//! - The `.log` file holds whole batches from its front to its size; bytes beyond that are not there
//!   for anyone. The size only grows once a batch is written in full, so a reader sees whole batches only.
//! - Index entries rise in offset and in position, and each names the last offset and the position of a batch.
//! - Time index entries rise in timestamp and in offset.
//! - An entry is there for look-ups once its batch is. In the file it is when [`Segment::write_indexes`] returns.

mod entries;
mod index;
mod indexer;
mod scan;
mod time_index;

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::storage::{File, Storage};

pub use index::IndexEntry;
pub(crate) use index::{INDEX_ENTRY_SIZE, OffsetIndex};
pub(crate) use indexer::{Due, Indexer};
pub(crate) use scan::{ScanError, Scanner};
pub use time_index::TimeIndexEntry;
pub(crate) use time_index::{TIME_INDEX_ENTRY_SIZE, TimeIndex};

/// The ending of a file of record batches.
pub const LOG_SUFFIX: &str = ".log";
/// The ending of an offset index.
pub const INDEX_SUFFIX: &str = ".index";
/// The ending of a time index.
pub const TIME_INDEX_SUFFIX: &str = ".timeindex";
/// The ending of a snapshot of what is known of producers.
pub const SNAPSHOT_SUFFIX: &str = ".snapshot";
/// What follows the name of a file that is being deleted.
pub const DELETED_SUFFIX: &str = ".deleted";
/// What follows the name of a file that compaction is writing.
pub const CLEANED_SUFFIX: &str = ".cleaned";
/// What follows the name of a file that compaction has written, and that is to take another's place.
pub const SWAP_SUFFIX: &str = ".swap";
/// The endings of a segment's files.
pub(crate) const SEGMENT_SUFFIXES: [&str; 3] = [LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX];

/// A segment's file name: the base offset in 20 digits, and the suffix.
pub fn file_name(base_offset: u64, suffix: &str) -> String {
    format!("{base_offset:020}{suffix}")
}

/// The base offset in a file name, if it is 20 digits and the suffix, and an offset that can be.
pub fn parse_file_name(name: &str, suffix: &str) -> Option<u64> {
    let digits = name.strip_suffix(suffix)?;
    let valid = digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit());
    let base = valid.then(|| digits.parse().ok()).flatten()?;
    i64::try_from(base).is_ok().then_some(base)
}

/// A segment, shared between the one writer and its readers.
#[derive(Debug)]
pub(crate) struct Segment<F> {
    base_offset: u64,
    log: F,
    size: AtomicU64,
    /// How much of the file is durable for sure.
    durable: AtomicU64,
    index: OffsetIndex<F>,
    time_index: TimeIndex<F>,
}

impl<F: File> Segment<F> {
    /// A segment whose `.log` file holds whole batches up to `size`.
    pub(crate) fn new(
        base_offset: u64,
        log: F,
        size: u64,
        index: OffsetIndex<F>,
        time_index: TimeIndex<F>,
    ) -> Self {
        // What an opening finds it syncs before anyone may rely on it.
        let durable = AtomicU64::new(size);
        Self { base_offset, log, size: AtomicU64::new(size), durable, index, time_index }
    }

    /// Creates an empty segment. Its names are durable after `sync_dir`.
    pub(crate) fn create<S: Storage<File = F>>(storage: &S, base_offset: u64) -> io::Result<Self> {
        let [log, index, time_index] = SEGMENT_SUFFIXES.map(|suffix| {
            let file = storage.open(&file_name(base_offset, suffix))?;
            // Leftovers of a creation that failed half-way are not part of the new segment.
            file.truncate(0).map(|()| file)
        });
        let index = OffsetIndex::new(index?, Vec::new());
        Ok(Self::new(base_offset, log?, 0, index, TimeIndex::new(time_index?, 0)))
    }

    pub(crate) fn base_offset(&self) -> u64 {
        self.base_offset
    }

    /// Bytes of whole batches.
    pub(crate) fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    pub(crate) fn index(&self) -> &OffsetIndex<F> {
        &self.index
    }

    pub(crate) fn time_index(&self) -> &TimeIndex<F> {
        &self.time_index
    }

    /// Walks the batches from `position` on, reading `chunk` bytes at a time.
    pub(crate) fn scan(&self, position: u64, chunk: usize) -> Scanner<'_, F> {
        Scanner::new(&self.log, position, self.size(), chunk)
    }

    /// Writes a batch at the end, and adds the index entries that are due. Whatever fails, the segment is as before;
    /// if even that cannot be brought about, the second value of the error says so.
    pub(crate) fn append(&self, batch: &[u8], due: Option<Due>) -> Result<(), (io::Error, Undone)> {
        let position = self.size();
        // Only a batch that gets entries can leave a part of them behind.
        let entries = due.map(|_| (self.index.len(), self.time_index.len()));
        let written = self.log.write_at(position, batch).and_then(|()| match due {
            Some(due) => self.push(due),
            None => Ok(()),
        });
        if let Err(error) = written {
            // Rests of this batch must not stand behind a shorter one that is written over it.
            let (entries, time_entries) = entries.unwrap_or((self.index.len(), self.time_index.len()));
            let undone = self.truncate(position, entries, time_entries);
            let undone = if undone.is_ok() { Undone::Yes } else { Undone::No };
            return Err((error, undone));
        }
        self.size.store(position + batch.len() as u64, Ordering::Release);
        Ok(())
    }

    fn push(&self, due: Due) -> io::Result<()> {
        self.index.push(due.entry)?;
        due.time_entry.map_or(Ok(()), |entry| self.time_index.push(entry))
    }

    /// Cuts the segment to the batches before `position`, and the indexes to so many entries.
    pub(crate) fn truncate(&self, position: u64, entries: usize, time_entries: usize) -> io::Result<()> {
        self.size.fetch_min(position, Ordering::AcqRel);
        self.durable.fetch_min(position, Ordering::AcqRel);
        self.log.truncate(position)?;
        self.index.truncate(entries)?;
        self.time_index.truncate(time_entries)
    }

    /// Makes all batches up to `size` durable. The indexes are not synced: recovery can rebuild them.
    ///
    /// If that fails, an operating system may go on to show bytes that are not on the disk and never will be. So
    /// what is not durable for sure is cut off, as well as that can be done, and no later opening takes it for real.
    pub(crate) fn sync(&self, size: u64) -> io::Result<()> {
        let synced = self.log.sync();
        match &synced {
            Ok(()) => self.durable.fetch_max(size, Ordering::AcqRel),
            Err(_) => {
                let durable = self.durable.load(Ordering::Acquire);
                let _ = self.log.truncate(durable);
                self.size.fetch_min(durable, Ordering::AcqRel)
            }
        };
        synced
    }

    /// Writes the index entries that are in memory only.
    pub(crate) fn write_indexes(&self) -> io::Result<()> {
        self.index.write()?;
        self.time_index.write()
    }

    /// Makes the indexes durable, as they are written.
    pub(crate) fn sync_indexes(&self) -> io::Result<()> {
        self.index.sync()?;
        self.time_index.sync()
    }
}

/// Whether a failed write was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undone {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::MemoryStorage;

    #[test]
    fn a_new_segment_has_nothing_of_what_lay_about() {
        let storage = MemoryStorage::new();
        SEGMENT_SUFFIXES.iter().for_each(|suffix| storage.insert(file_name(7, suffix), vec![1; 24]));
        Segment::create(&storage, 7).expect("it is created");
        for suffix in SEGMENT_SUFFIXES {
            assert_eq!(storage.contents(&file_name(7, suffix)), Some(Vec::new()), "{suffix}");
        }
    }
}
