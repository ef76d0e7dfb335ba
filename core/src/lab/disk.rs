//! A disk that fails when it is told to: it stands between the log and the laboratory's storage.
//!
//! The log cannot tell it from a real one. A disk with a limit takes so many bytes in all files together, and of a
//! write that would go beyond it only what fits. A sync that fails leaves what it should have written where a crash
//! loses it. Only a laboratory's log goes through here.
//!
//! Invariant: a batch is taken only if the index entries that it may get fit behind it. They are written after it, and
//! a log whose indexes cannot be written after an append that was answered would be another case to explain.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::segment::LOG_SUFFIX;
use crate::storage::{File, Storage};

/// An entry of each index, in bytes.
const INDEX_ROOM: u64 = 8 + 12;

/// A storage behind a disk that fails on command. Clones share the disk.
#[derive(Debug, Clone)]
pub(super) struct Disk<S> {
    storage: S,
    faults: Arc<Mutex<Faults>>,
}

/// A file on it.
#[derive(Debug)]
pub(super) struct DiskFile<F> {
    file: F,
    name: String,
    faults: Arc<Mutex<Faults>>,
}

#[derive(Debug, Default)]
struct Faults {
    /// How many bytes all files may have together.
    limit: Option<u64>,
    /// How many they have. Counted while there is a limit.
    used: u64,
    sync_fails: bool,
    /// What has gone wrong since somebody asked.
    happened: Option<Fault>,
}

/// What a disk does wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// A write did not fit.
    Full,
    /// A sync failed: of this file, which had so many bytes, or, without a name, of the directory.
    Sync { file: String, size: u64 },
}

impl<S: Storage> Disk<S> {
    pub(super) fn new(storage: S) -> Self {
        Self { storage, faults: Arc::default() }
    }

    pub(super) fn storage(&self) -> &S {
        &self.storage
    }

    /// Lets the disk take so many bytes in all, or any number again. Returns how many it holds.
    pub(super) fn set_limit(&self, limit: Option<u64>) -> io::Result<u64> {
        let used = self.measure()?;
        let mut faults = lock(&self.faults);
        (faults.limit, faults.used) = (limit, used);
        Ok(used)
    }

    /// Lets the next sync fail, be it of a file or of the directory.
    pub(super) fn fail_next_sync(&self) {
        lock(&self.faults).sync_fails = true;
    }

    /// Nothing fails any more.
    pub(super) fn mend(&self) {
        *lock(&self.faults) = Faults::default();
    }

    /// What went wrong since this was asked last.
    pub(super) fn take_fault(&self) -> Option<Fault> {
        lock(&self.faults).happened.take()
    }

    /// Counts the bytes of all files, if that is of any use: others change them as well.
    pub(super) fn count(&self) -> io::Result<()> {
        if lock(&self.faults).limit.is_some() {
            let used = self.measure()?;
            lock(&self.faults).used = used;
        }
        Ok(())
    }

    fn measure(&self) -> io::Result<u64> {
        self.storage.list()?.iter().map(|name| self.storage.open(name)?.len()).sum()
    }
}

fn lock(faults: &Mutex<Faults>) -> MutexGuard<'_, Faults> {
    // Nothing panics while the lock is held.
    faults.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Fails if the next sync is to fail; the one after it does not.
fn sync(faults: &Mutex<Faults>, file: &str, size: io::Result<u64>) -> io::Result<()> {
    let mut faults = lock(faults);
    if !std::mem::take(&mut faults.sync_fails) {
        return Ok(());
    }
    faults.happened = Some(Fault::Sync { file: file.to_owned(), size: size? });
    Err(io::Error::other("the disk could not write what was to be synced"))
}

impl<S: Storage> Storage for Disk<S> {
    type File = DiskFile<S::File>;

    fn list(&self) -> io::Result<Vec<String>> {
        self.storage.list()
    }

    fn open(&self, name: &str) -> io::Result<Self::File> {
        let (file, name) = (self.storage.open(name)?, name.to_owned());
        Ok(DiskFile { file, name, faults: Arc::clone(&self.faults) })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.storage.rename(from, to)?;
        self.count()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.storage.remove(name)?;
        self.count()
    }

    fn sync_dir(&self) -> io::Result<()> {
        sync(&self.faults, "", Ok(0))?;
        self.storage.sync_dir()
    }
}

impl<F: File> File for DiskFile<F> {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, position: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(position, buf)
    }

    fn read_to(&self, position: u64, len: usize, out: &mut Vec<u8>) -> io::Result<usize> {
        self.file.read_to(position, len, out)
    }

    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        let mut faults = lock(&self.faults);
        let Some(limit) = faults.limit else { return self.file.write_at(position, bytes) };
        let more = (position + bytes.len() as u64).saturating_sub(self.file.len()?);
        let kept = if self.name.ends_with(LOG_SUFFIX) { INDEX_ROOM } else { 0 };
        let free = limit.saturating_sub(faults.used);
        if more + kept <= free || more == 0 {
            faults.used += more;
            return self.file.write_at(position, bytes);
        }
        let used = faults.used;
        faults.happened = Some(Fault::Full);
        faults.used += free.min(more);
        self.file.write_at(position, &bytes[..bytes.len() - (more - free.min(more)) as usize])?;
        let kept = if kept > 0 { format!(", and {kept} for index entries") } else { String::new() };
        let message =
            format!("the disk is full: it holds {used} of {limit} bytes, and the write needs {more}{kept}");
        Err(io::Error::new(io::ErrorKind::StorageFull, message))
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        let mut faults = lock(&self.faults);
        if faults.limit.is_some() {
            faults.used = faults.used.saturating_sub(self.file.len()?.saturating_sub(len));
        }
        self.file.truncate(len)
    }

    fn sync(&self) -> io::Result<()> {
        sync(&self.faults, &self.name, self.file.len())?;
        self.file.sync()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::MemoryStorage;

    #[test]
    fn a_full_disk_takes_what_fits_and_has_room_again_after_a_cut_or_a_removal() {
        let disk = Disk::new(MemoryStorage::new());
        let file = disk.open("a").unwrap();
        file.write_at(0, &[1; 60]).unwrap();
        assert_eq!(disk.set_limit(Some(100)).unwrap(), 60);
        let error = file.write_at(60, &[2; 50]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(error.to_string().contains("it holds 60 of 100 bytes, and the write needs 50"), "{error}");
        assert_eq!((file.len().unwrap(), disk.take_fault()), (100, Some(Fault::Full)));
        // What is written over needs no room.
        file.write_at(0, &[3; 100]).unwrap();
        file.truncate(60).unwrap();
        file.write_at(60, &[2; 40]).unwrap();
        let other = disk.open("b").unwrap();
        assert!(other.write_at(0, &[4]).is_err());
        disk.remove("a").unwrap();
        other.write_at(0, &[4; 100]).unwrap();
        disk.mend();
        other.write_at(100, &[4; 100]).unwrap();
    }

    #[test]
    fn a_batch_leaves_room_for_its_index_entries() {
        let disk = Disk::new(MemoryStorage::new());
        disk.set_limit(Some(100)).unwrap();
        let [log, index] = ["0.log", "0.index"].map(|name| disk.open(name).unwrap());
        assert!(log.write_at(0, &[0; 81]).is_err());
        log.truncate(0).unwrap();
        log.write_at(0, &[0; 80]).unwrap();
        index.write_at(0, &[0; 20]).unwrap();
        assert!(index.write_at(20, &[0]).is_err());
    }

    #[test]
    fn one_sync_fails_and_what_it_was_for_is_not_durable() {
        let memory = MemoryStorage::new();
        let disk = Disk::new(memory.clone());
        let file = disk.open("a").unwrap();
        file.write_at(0, &[1]).unwrap();
        disk.fail_next_sync();
        assert!(file.sync().is_err());
        assert_eq!(
            (memory.durable_contents("a"), disk.take_fault()),
            (Some(vec![]), Some(Fault::Sync { file: "a".to_owned(), size: 1 }))
        );
        file.sync().unwrap();
        assert_eq!((memory.durable_contents("a"), disk.take_fault()), (Some(vec![1]), None));
        disk.fail_next_sync();
        assert!(disk.sync_dir().is_err());
        assert!(disk.sync_dir().is_ok());
    }
}
