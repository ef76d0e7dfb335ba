//! The file of an index: entries of one size, the last few of which may still wait to be written.
//!
//! To write one entry takes as long as to write many, and nobody needs an entry in the file: look-ups find those
//! that wait as well, and what a crash takes, recovery makes again from the log. So entries wait until there are
//! [`WAITING`] of them, or until somebody asks for the file to be whole: the log does when a segment is closed.
//!
//! Invariants:
//! - The first `written` entries are in the file, the others follow in `waiting`.
//! - There is one writer. Readers wait for it as long as it takes to change a few words, never for the file.

use std::io;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::storage::{File, read_up_to};

/// So many entries are written at once.
pub(super) const WAITING: usize = 16;

/// The file; see the [module](self). `N` is the size of an entry in bytes.
#[derive(Debug)]
pub(super) struct EntryFile<F, const N: usize> {
    file: F,
    state: RwLock<State<N>>,
}

#[derive(Debug)]
struct State<const N: usize> {
    written: usize,
    waiting: Vec<[u8; N]>,
}

impl<F: File, const N: usize> EntryFile<F, N> {
    /// A file that holds `written` entries.
    pub(super) fn new(file: F, written: usize) -> Self {
        Self { file, state: RwLock::new(State { written, waiting: Vec::new() }) }
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        let state = self.state();
        state.written + state.waiting.len()
    }

    /// Adds an entry, which waits.
    pub(super) fn push(&self, entry: [u8; N]) {
        self.state_mut().waiting.push(entry);
    }

    /// Writes the entries that wait, if they are enough to be worth it.
    pub(super) fn write_if_many(&self) -> io::Result<()> {
        if self.state().waiting.len() < WAITING { Ok(()) } else { self.write() }
    }

    /// Writes the entries that wait.
    pub(super) fn write(&self) -> io::Result<()> {
        {
            // Others may read meanwhile, and nobody else writes.
            let state = self.state();
            if state.waiting.is_empty() {
                return Ok(());
            }
            let end = (state.written * N) as u64;
            if let Err(error) = self.file.write_at(end, state.waiting.as_flattened()) {
                // If even that fails, there is a part of what will be written there once more.
                let _ = self.file.truncate(end);
                return Err(error);
            }
        }
        let mut state = self.state_mut();
        state.written += state.waiting.len();
        state.waiting.clear();
        Ok(())
    }

    /// Leaves the first `len` entries, and cuts off the file whatever follows those of them that are written.
    pub(super) fn truncate(&self, len: usize) -> io::Result<()> {
        let written = {
            let mut state = self.state_mut();
            state.written = state.written.min(len);
            let waiting = len - state.written;
            state.waiting.truncate(waiting);
            state.written
        };
        self.file.truncate((written * N) as u64)
    }

    /// The entry at a place; `None` if there is none, or if the file ends before.
    pub(super) fn entry(&self, at: usize) -> io::Result<Option<[u8; N]>> {
        {
            let state = self.state();
            if let Some(waiting) = at.checked_sub(state.written) {
                return Ok(state.waiting.get(waiting).copied());
            }
        }
        let mut bytes = Vec::with_capacity(N);
        read_up_to(&self.file, (at * N) as u64, N, &mut bytes)?;
        Ok(bytes.first_chunk().copied())
    }

    /// All entries, as far as the file has them.
    pub(super) fn all(&self) -> io::Result<Vec<[u8; N]>> {
        let state = self.state();
        let mut bytes = Vec::new();
        read_up_to(&self.file, 0, state.written * N, &mut bytes)?;
        Ok(bytes.as_chunks().0.iter().chain(&state.waiting).copied().collect())
    }

    /// Makes what is written durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn state(&self) -> RwLockReadGuard<'_, State<N>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State<N>> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{MemoryFile, MemoryStorage, Storage};

    fn file() -> EntryFile<MemoryFile, 2> {
        EntryFile::new(MemoryStorage::new().open("entries").unwrap(), 0)
    }

    fn entries(count: usize) -> Vec<[u8; 2]> {
        (0..count).map(|n| [n as u8, 7]).collect()
    }

    #[test]
    fn entries_are_there_whether_they_are_written_or_wait() {
        let file = file();
        for (at, entry) in entries(2 * WAITING + 3).into_iter().enumerate() {
            file.push(entry);
            file.write_if_many().unwrap();
            assert_eq!((file.len(), file.entry(at).unwrap()), (at + 1, Some(entry)));
            assert_eq!(file.all().unwrap(), entries(at + 1));
            assert_eq!(file.entry(at + 1).unwrap(), None);
            assert_eq!(file.file.len().unwrap() as usize, (at + 1) / WAITING * WAITING * 2);
        }
        file.write().unwrap();
        assert_eq!(file.file.len().unwrap() as usize, (2 * WAITING + 3) * 2);
        assert_eq!(file.all().unwrap(), entries(2 * WAITING + 3));
    }

    #[test]
    fn a_cut_takes_those_that_wait_first() {
        let file = file();
        for entry in entries(WAITING + 3) {
            file.push(entry);
            file.write_if_many().unwrap();
        }
        for len in [WAITING + 4, WAITING + 3, WAITING + 1, WAITING, 5, 0] {
            file.truncate(len).unwrap();
            assert_eq!(file.all().unwrap(), entries(len.min(WAITING + 3)));
            assert_eq!(file.file.len().unwrap() as usize, len.min(WAITING) * 2);
        }
    }
}
