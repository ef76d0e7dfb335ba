//! Memory that tells somebody else what to keep: the bridge to storage that is asynchronous, such as IndexedDB.
//!
//! The engine is served from memory and never waits. Each sync of a file queues one [`Mutation`], and those of
//! the directory become one that names all files. Whoever owns the real medium takes the queue with
//! [`JournalStorage::take_mutations`] and commits it in order, in one transaction. What was never synced is never queued, so what the medium lacks is exactly what a crash loses.
//!
//! Files have ids, as inodes do, so that renames move no bytes.
//!
//! Invariant: applying all mutations in order, to what [`JournalStorage::restore`] began with, gives the
//! durable image of the memory behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Bytes, Crash, File, MemoryFile, MemoryStorage, Storage};

/// A change to what is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mutation {
    /// The file is cut at `position`, and goes on with `bytes`. A file not heard of before begins empty.
    Write {
        /// Which file.
        file: u64,
        /// Where it is cut, in bytes; at most its length.
        position: u64,
        /// What follows.
        bytes: Vec<u8>,
    },
    /// These are all the names, with the file ids behind them. A file that none of them means is gone.
    Names(BTreeMap<String, u64>),
}

/// A directory in memory whose syncs are queued. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct JournalStorage {
    memory: MemoryStorage,
    journal: Arc<Mutex<Journal>>,
}

/// A file of a [`JournalStorage`].
#[derive(Debug, Clone)]
pub struct JournalFile {
    id: u64,
    epoch: u64,
    memory: MemoryFile,
    journal: Arc<Mutex<Journal>>,
}

#[derive(Debug, Default)]
struct Journal {
    live: BTreeMap<String, u64>,
    durable: BTreeMap<String, u64>,
    /// Names that may differ between the two.
    changed: BTreeSet<String>,
    /// Whether the durable names are others than the medium has been told.
    names_due: bool,
    next_id: u64,
    /// How many crashes there were: a handle from before one has no say any more.
    epoch: u64,
    queue: Vec<Mutation>,
}

impl JournalStorage {
    /// An empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// A directory as the medium has it: name, file id and bytes of each file.
    pub fn restore<B: Into<Bytes>>(files: impl IntoIterator<Item = (String, u64, B)>) -> Self {
        let storage = Self::new();
        let mut journal = storage.journal();
        for (name, id, bytes) in files {
            storage.memory.insert(&name, bytes);
            journal.next_id = journal.next_id.max(id + 1);
            journal.live.insert(name, id);
        }
        journal.durable = journal.live.clone();
        drop(journal);
        storage
    }

    /// Takes what has become durable, as far as the engine is concerned, since the last call.
    pub fn take_mutations(&self) -> Vec<Mutation> {
        let mut journal = self.journal();
        let mut queue = std::mem::take(&mut journal.queue);
        if std::mem::take(&mut journal.names_due) {
            queue.push(Mutation::Names(journal.durable.clone()));
        }
        queue
    }

    /// The live bytes of a file.
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        self.memory.contents(name)
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        lock(&self.journal)
    }
}

impl Journal {
    /// Whether a handle means a file that still has a name. What is written to others reaches no medium.
    fn knows(&self, file: &JournalFile) -> bool {
        // What is written to is nearly always the newest segment, whose name is among the last.
        let named = |names: &BTreeMap<String, u64>| names.values().rev().any(|id| *id == file.id);
        file.epoch == self.epoch && (named(&self.live) || named(&self.durable))
    }
}

fn lock(journal: &Mutex<Journal>) -> MutexGuard<'_, Journal> {
    // Nothing panics while the lock is held, so the journal is whole even if a holder's thread died.
    journal.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Storage for JournalStorage {
    type File = JournalFile;

    fn list(&self) -> io::Result<Vec<String>> {
        self.memory.list()
    }

    fn open(&self, name: &str) -> io::Result<JournalFile> {
        let mut journal = self.journal();
        let memory = self.memory.open(name)?;
        let id = journal.live.get(name).copied().unwrap_or(journal.next_id);
        journal.next_id = journal.next_id.max(id + 1);
        if journal.live.insert(name.to_owned(), id).is_none() {
            journal.changed.insert(name.to_owned());
        }
        Ok(JournalFile { id, epoch: journal.epoch, memory, journal: Arc::clone(&self.journal) })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut journal = self.journal();
        self.memory.rename(from, to)?;
        if let Some(id) = journal.live.remove(from) {
            journal.live.insert(to.to_owned(), id);
            journal.changed.extend([from.to_owned(), to.to_owned()]);
        }
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut journal = self.journal();
        self.memory.remove(name)?;
        journal.live.remove(name);
        journal.changed.insert(name.to_owned());
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut journal = self.journal();
        self.memory.sync_dir()?;
        for name in std::mem::take(&mut journal.changed) {
            let live = journal.live.get(&name).copied();
            let durable = match live {
                Some(id) => journal.durable.insert(name, id),
                None => journal.durable.remove(&name),
            };
            journal.names_due |= live != durable;
        }
        Ok(())
    }
}

impl Crash for JournalStorage {
    fn crash(&self, keep: u64) {
        let mut journal = self.journal();
        let mut before = BTreeMap::new();
        before.extend(self.memory.durable_sizes());
        self.memory.crash(keep);
        journal.epoch += 1;
        journal.live = journal.durable.clone();
        journal.changed.clear();
        for (name, &file) in &journal.durable.clone() {
            // Torn bytes have reached the medium after all.
            let position = before.get(name).copied().unwrap_or(0);
            let bytes = self.memory.contents_from(name, position).unwrap_or_default();
            if !bytes.is_empty() {
                journal.queue.push(Mutation::Write { file, position, bytes });
            }
        }
    }

    fn flip(&self, name: &str, position: u64) -> io::Result<()> {
        let mut journal = self.journal();
        self.memory.flip(name, position)?;
        let durable = self.memory.durable_contents(name).unwrap_or_default();
        if let Some(&file) = journal.live.get(name)
            && let Some(bytes) = durable.get(position as usize..).filter(|bytes| !bytes.is_empty())
        {
            journal.queue.push(Mutation::Write { file, position, bytes: bytes.to_vec() });
        }
        Ok(())
    }

    fn lose(&self, name: &str) -> io::Result<()> {
        let mut journal = self.journal();
        self.memory.lose(name)?;
        journal.live.remove(name);
        journal.names_due |= journal.durable.remove(name).is_some();
        Ok(())
    }

    fn durable_sizes(&self) -> Vec<(String, u64)> {
        self.memory.durable_sizes()
    }
}

impl File for JournalFile {
    fn len(&self) -> io::Result<u64> {
        self.memory.len()
    }

    fn read_at(&self, position: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.memory.read_at(position, buf)
    }

    fn read_to(&self, position: u64, len: usize, out: &mut Vec<u8>) -> io::Result<usize> {
        self.memory.read_to(position, len, out)
    }

    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.memory.write_at(position, bytes)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.memory.truncate(len)
    }

    fn sync(&self) -> io::Result<()> {
        let mut journal = lock(&self.journal);
        if journal.knows(self)
            && let Some((position, bytes)) = self.memory.unsynced()
        {
            journal.queue.push(Mutation::Write { file: self.id, position, bytes });
        }
        self.memory.sync()
    }
}
