//! Storage that fails as disks and operating systems do: by command, and in the details by chance from a seed.
//!
//! Everything has two images, as in memory: *live* is what reads see, the page cache; *disk* is what a crash
//! leaves. Between the two stands the list of changes that were not synced. A sync makes those changes on the
//! disk, and does not copy the live image: after a failed sync the cache takes its pages for clean, so reads go on
//! to see what no later sync will ever write. Databases learned of that in 2018, and call it fsyncgate.
//!
//! What may happen:
//!
//! | fault | how |
//! | --- | --- |
//! | power failure during the n-th call | [`Faults::power_fails_at`]; every call fails until [`FaultyStorage::restart`] |
//! | loss of unsynced writes | `restart` keeps of each file all, nothing, a prefix, any writes, or only the length, filled with zeros; and it tears writes at any byte, from either end |
//! | loss of unsynced names | `restart` keeps each creation, rename and removal, or loses it; a rename is atomic |
//! | error of the n-th call | [`Faults::error_at`]; a write may have happened in part, anything else or not at all |
//! | failed sync | the same, when that call is a sync: what it should have written is clean from then on, and on the disk only by chance. A failed sync of the directory leaves its names not synced |
//! | full disk | [`Faults::room`]; the write that does not fit happens in part |
//! | short reads | [`Faults::short_reads`] |
//! | bit rot, lost files | [`Crash::flip`] and [`Crash::lose`] |
//!
//! The same seed and the same calls give the same faults.

mod disk;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::testing::Random;

use super::{Crash, File, Storage};
use disk::{Change, Disk, NameChange, Verdict, not_found};

/// What is to go wrong. The default is nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// This call fails, counted from 1, and leaves its work half-done.
    pub error_at: Option<u64>,
    /// The power fails during this call, counted from 1.
    pub power_fails_at: Option<u64>,
    /// Files may grow by so many bytes, all together; then the disk is full.
    pub room: Option<u64>,
    /// Reads return less than they could.
    pub short_reads: bool,
}

/// A directory that fails on command. Clones share it.
#[derive(Debug, Clone)]
pub struct FaultyStorage {
    disk: Arc<Mutex<Disk>>,
}

/// A file of a [`FaultyStorage`]. It is dead after a crash.
#[derive(Debug, Clone)]
pub struct FaultyFile {
    disk: Arc<Mutex<Disk>>,
    id: u64,
    life: u64,
}

impl FaultyStorage {
    /// An empty directory, whose chance comes from `seed`. Nothing fails before [`set_faults`](Self::set_faults).
    pub fn new(seed: u64) -> Self {
        Self { disk: Arc::new(Mutex::new(Disk::new(seed))) }
    }

    /// Says what is to go wrong from now on, and how chance goes on. Calls count from 1 again.
    pub fn set_faults(&self, faults: Faults, seed: u64) {
        let mut disk = self.disk();
        (disk.faults, disk.random, disk.calls) = (faults, Random::new(seed), 0);
    }

    /// How many calls there were since the faults were set.
    pub fn calls(&self) -> u64 {
        self.disk().calls
    }

    /// Whether the power has failed.
    pub fn is_down(&self) -> bool {
        self.disk().down
    }

    /// Fails the power if it has not failed yet, loses by chance what was not synced, and starts again without any
    /// faults. Handles from before are dead.
    pub fn restart(&self) {
        self.disk().restart();
    }

    /// Whether some file reads otherwise than the disk has it, although nothing is left to be synced: a sync failed,
    /// and only a restart will show the truth.
    pub fn cache_lies(&self) -> bool {
        self.disk().cache_lies()
    }

    /// Another directory that is what this one is now, down to the next fault.
    pub fn fork(&self) -> Self {
        Self { disk: Arc::new(Mutex::new(self.disk().clone())) }
    }

    /// The live bytes of every file, by name.
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let disk = self.disk();
        let bytes = |id| disk.files.get(id).map(|file| file.live.clone()).unwrap_or_default();
        disk.live.iter().map(|(name, id)| (name.clone(), bytes(id))).collect()
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        lock(&self.disk)
    }
}

fn lock(disk: &Mutex<Disk>) -> MutexGuard<'_, Disk> {
    // Nothing panics while the lock is held, so the disk is whole even if a holder's thread died.
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Storage for FaultyStorage {
    type File = FaultyFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let mut disk = self.disk();
        let verdict = disk.call()?;
        let names = disk.live.keys().cloned().collect();
        disk.answer(verdict, names)
    }

    fn open(&self, name: &str) -> io::Result<FaultyFile> {
        let mut disk = self.disk();
        let verdict = disk.call()?;
        let id = match disk.live.get(name).copied() {
            Some(id) => id,
            None if disk.happens(verdict) => disk.create(name),
            None => 0,
        };
        let file = FaultyFile { disk: Arc::clone(&self.disk), id, life: disk.life };
        disk.answer(verdict, file)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut disk = self.disk();
        let verdict = disk.call()?;
        let id = *disk.live.get(from).ok_or_else(|| not_found(from))?;
        if disk.happens(verdict) {
            disk.change_name(NameChange::Renamed { from: from.to_owned(), to: to.to_owned(), id });
        }
        disk.answer(verdict, ())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut disk = self.disk();
        let verdict = disk.call()?;
        let id = *disk.live.get(name).ok_or_else(|| not_found(name))?;
        if disk.happens(verdict) {
            disk.change_name(NameChange::Removed { name: name.to_owned(), id });
        }
        disk.answer(verdict, ())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut disk = self.disk();
        let verdict = disk.call()?;
        match verdict {
            Verdict::Good => disk.sync_names(),
            // Names go through the file system's journal, not through a cache of pages that forgets: what it could
            // not write it still has to.
            Verdict::Error | Verdict::PowerFails => {}
        }
        disk.answer(verdict, ())
    }
}

impl FaultyFile {
    fn call(&self) -> io::Result<(MutexGuard<'_, Disk>, Verdict)> {
        let mut disk = lock(&self.disk);
        if self.life != disk.life {
            return Err(io::Error::other("this file was opened before the crash"));
        }
        let verdict = disk.call()?;
        Ok((disk, verdict))
    }
}

impl File for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        let (mut disk, verdict) = self.call()?;
        let len = disk.live_len(self.id) as u64;
        disk.answer(verdict, len)
    }

    fn read_at(&self, position: u64, buf: &mut [u8]) -> io::Result<usize> {
        let (mut disk, verdict) = self.call()?;
        let from = usize::try_from(position).unwrap_or(usize::MAX).min(disk.live_len(self.id));
        let mut count = (disk.live_len(self.id) - from).min(buf.len());
        if disk.faults.short_reads && count > 1 && disk.random.one_in(2) {
            count = disk.random.between(1, count as u64 - 1) as usize;
        }
        if let Some(file) = disk.files.get(&self.id) {
            buf[..count].copy_from_slice(&file.live[from..from + count]);
        }
        disk.answer(verdict, count)
    }

    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        let (mut disk, verdict) = self.call()?;
        let len = disk.live_len(self.id);
        let Some(position) = usize::try_from(position).ok().filter(|position| *position <= len) else {
            let message = format!("position {position} is beyond the end, {len}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        };
        let mut bytes = bytes;
        let room = disk.faults.room.map_or(usize::MAX, |room| usize::try_from(room).unwrap_or(usize::MAX));
        let full = bytes.len() > (len - position).saturating_add(room);
        if full {
            bytes = &bytes[..len - position + room];
        }
        if verdict == Verdict::Error {
            bytes = &bytes[..disk.random.between(0, bytes.len() as u64) as usize];
        }
        disk.change(self.id, Change::Write { position, bytes: bytes.to_vec() });
        if full && verdict == Verdict::Good {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "the disk is full"));
        }
        disk.answer(verdict, ())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        let (mut disk, verdict) = self.call()?;
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if disk.happens(verdict) {
            disk.change(self.id, Change::Truncate { len });
        }
        disk.answer(verdict, ())
    }

    fn sync(&self) -> io::Result<()> {
        let (mut disk, verdict) = self.call()?;
        match verdict {
            Verdict::Good => disk.sync_bytes(self.id),
            Verdict::Error => disk.lose_bytes(self.id),
            Verdict::PowerFails => {}
        }
        disk.answer(verdict, ())
    }
}

/// As memory does it, without chance.
impl Crash for FaultyStorage {
    fn crash(&self, keep: u64) {
        self.disk().crash(keep);
    }

    fn flip(&self, name: &str, position: u64) -> io::Result<()> {
        self.disk().flip(name, position)
    }

    fn lose(&self, name: &str) -> io::Result<()> {
        self.disk().lose(name)
    }

    fn durable_sizes(&self) -> Vec<(String, u64)> {
        let disk = self.disk();
        let size = |id| disk.files.get(id).map_or(0, |file| file.disk.len() as u64);
        disk.durable.iter().map(|(name, id)| (name.clone(), size(id))).collect()
    }
}
