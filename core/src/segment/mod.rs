//! One segment: a `.log` file of record batches from a base offset on, and the sparse offset index over it.
//!
//! The pieces here read and write files, and know nothing of other segments: rolling, recovery across segments
//! and the budget of a fetch are the [log](crate::log)'s.
//!
//! Invariants:
//! - The `.log` file holds whole batches from its front to its size; bytes beyond that are not there
//!   for anyone. The size only grows once a batch is written in full, so a reader sees whole batches only.
//! - Index entries rise in offset and in position, and each names the last offset and the position of a batch.

mod index;
mod scan;

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::storage::{File, Storage};

pub use index::IndexEntry;
pub(crate) use index::{INDEX_ENTRY_SIZE, OffsetIndex, entry_due};
pub(crate) use scan::{ScanError, Scanner};

/// The ending of a file of record batches.
pub const LOG_SUFFIX: &str = ".log";
/// The ending of an offset index.
pub const INDEX_SUFFIX: &str = ".index";

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
    index: OffsetIndex<F>,
}

impl<F: File> Segment<F> {
    /// A segment whose `.log` file holds whole batches up to `size`.
    pub(crate) fn new(base_offset: u64, log: F, size: u64, index: OffsetIndex<F>) -> Self {
        Self { base_offset, log, size: AtomicU64::new(size), index }
    }

    /// Creates an empty segment. Its names are durable after `sync_dir`.
    pub(crate) fn create<S: Storage<File = F>>(storage: &S, base_offset: u64) -> io::Result<Self> {
        let log = storage.open(&file_name(base_offset, LOG_SUFFIX))?;
        let index = storage.open(&file_name(base_offset, INDEX_SUFFIX))?;
        // Leftovers of a creation that failed half-way are not part of the new segment.
        log.truncate(0)?;
        index.truncate(0)?;
        Ok(Self::new(base_offset, log, 0, OffsetIndex::new(index, Vec::new())))
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

    /// Walks the batches from `position` on, reading `chunk` bytes at a time.
    pub(crate) fn scan(&self, position: u64, chunk: usize) -> Scanner<'_, F> {
        Scanner::new(&self.log, position, self.size(), chunk)
    }

    /// Writes a batch at the end, and the index entry if one is due. Whatever fails, the segment is as before;
    /// if even that cannot be brought about, the second value of the error says so.
    pub(crate) fn append(&self, batch: &[u8], entry: Option<IndexEntry>) -> Result<(), (io::Error, Undone)> {
        let position = self.size();
        let written = self.log.write_at(position, batch).and_then(|()| match entry {
            Some(entry) => self.index.push(entry),
            None => Ok(()),
        });
        if let Err(error) = written {
            // Rests of this batch must not stand behind a shorter one that is written over it.
            let undone = self.log.truncate(position).and_then(|()| self.index.undo());
            let undone = if undone.is_ok() { Undone::Yes } else { Undone::No };
            return Err((error, undone));
        }
        self.size.store(position + batch.len() as u64, Ordering::Release);
        Ok(())
    }

    /// Makes all batches durable. The index is not synced: recovery can rebuild it.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.log.sync()
    }
}

/// Whether a failed write was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undone {
    Yes,
    No,
}
