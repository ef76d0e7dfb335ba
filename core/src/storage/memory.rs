//! Files in memory: the shortest backend, and so the trait's specification.
//!
//! Each file has two images. *Live* is what reads see; *durable* is what a crash would leave. `sync` makes the second
//! what the first is, and [`Crash::crash`] goes the other way. The names have two images as well, so that a file whose
//! creation was never synced is gone after a crash.
//!
//! Invariant: what the two images of a file have in common, from its beginning on, is in memory once. A log is appended
//! to, so that is nearly all of it. What a file was put in place with may stay with whoever holds it ([`Bytes`]).

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::{Bytes, Crash, File, Storage};

/// A directory in memory. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage {
    names: Arc<Mutex<Names>>,
}

#[derive(Debug, Default)]
struct Names {
    live: BTreeMap<String, MemoryFile>,
    durable: BTreeMap<String, MemoryFile>,
    /// Names that may differ between the two.
    changed: BTreeSet<String>,
}

/// A file in memory. Clones share its bytes.
#[derive(Debug, Clone, Default)]
pub struct MemoryFile {
    images: Arc<RwLock<Images>>,
}

#[derive(Debug, Default)]
struct Images {
    live: Bytes,
    /// Up to here the two images are the same.
    clean: usize,
    /// The durable image from there on.
    rest: Vec<u8>,
}

impl MemoryStorage {
    /// An empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a durable file in place, as it was found on some other medium.
    pub fn insert(&self, name: impl Into<String>, bytes: impl Into<Bytes>) {
        let file = MemoryFile { images: Arc::new(RwLock::new(Images::synced(bytes.into()))) };
        let mut names = self.names();
        let name = name.into();
        names.live.insert(name.clone(), file.clone());
        names.durable.insert(name, file);
    }

    /// The live bytes of a file.
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        self.contents_from(name, 0)
    }

    /// The live bytes of a file from a position on.
    pub(super) fn contents_from(&self, name: &str, position: u64) -> Option<Vec<u8>> {
        let file = self.names().live.get(name)?.clone();
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        Some(file.read(|images| images.live.range(position..images.live.len())))
    }

    /// The durable bytes of a file, whether or not its name is durable.
    pub fn durable_contents(&self, name: &str) -> Option<Vec<u8>> {
        let file = self.names().live.get(name)?.clone();
        Some(file.read(|images| images.durable().to_vec()))
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        // Nothing panics while the lock is held, so the names are whole even if a holder's thread died.
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_found(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("there is no file {name}"))
}

impl Storage for MemoryStorage {
    type File = MemoryFile;

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.names().live.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<MemoryFile> {
        let mut names = self.names();
        if let Some(file) = names.live.get(name) {
            return Ok(file.clone());
        }
        names.changed.insert(name.to_owned());
        Ok(names.live.entry(name.to_owned()).or_default().clone())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut names = self.names();
        let file = names.live.remove(from).ok_or_else(|| not_found(from))?;
        names.live.insert(to.to_owned(), file);
        names.changed.extend([from.to_owned(), to.to_owned()]);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut names = self.names();
        names.changed.insert(name.to_owned());
        names.live.remove(name).map(drop).ok_or_else(|| not_found(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut names = self.names();
        for name in std::mem::take(&mut names.changed) {
            match names.live.get(&name).cloned() {
                Some(file) => names.durable.insert(name, file),
                None => names.durable.remove(&name),
            };
        }
        Ok(())
    }
}

impl Crash for MemoryStorage {
    fn crash(&self, keep: u64) {
        let mut names = self.names();
        names.live = std::mem::take(&mut names.durable);
        names.changed.clear();
        for file in names.live.values_mut() {
            // A fresh file, so that a handle from before the crash cannot write into the new life.
            let after = file.read(|images| images.after_crash(keep));
            *file = MemoryFile { images: Arc::new(RwLock::new(Images::synced(after))) };
        }
        names.durable = names.live.clone();
    }

    fn flip(&self, name: &str, position: u64) -> io::Result<()> {
        let file = self.names().live.get(name).cloned().ok_or_else(|| not_found(name))?;
        file.write(|images| {
            let at = usize::try_from(position).ok().filter(|at| *at < images.live.len());
            let Some(at) = at else {
                let message = format!("position {position} is not in {name}, of {} bytes", images.live.len());
                return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
            };
            let mut flipped = [0];
            images.live.read_at(at, &mut flipped);
            images.live.write_at(at, &[flipped[0] ^ 0xff]);
            // Before that, both images have the same byte.
            if let Some(byte) = at.checked_sub(images.clean).and_then(|at| images.rest.get_mut(at)) {
                *byte ^= 0xff;
            }
            Ok(())
        })
    }

    fn lose(&self, name: &str) -> io::Result<()> {
        let mut names = self.names();
        names.durable.remove(name);
        names.live.remove(name).map(drop).ok_or_else(|| not_found(name))
    }

    fn durable_sizes(&self) -> Vec<(String, u64)> {
        let names = self.names();
        let size = |file: &MemoryFile| file.read(|images| (images.clean + images.rest.len()) as u64);
        names.durable.iter().map(|(name, file)| (name.clone(), size(file))).collect()
    }
}

impl MemoryFile {
    /// Where the live image begins to differ from the durable one, and what it holds from there on. `None` if
    /// they are the same.
    pub(super) fn unsynced(&self) -> Option<(u64, Vec<u8>)> {
        self.read(|Images { live, clean, rest }| {
            let same = *clean == live.len() && rest.is_empty();
            (!same).then(|| (*clean as u64, live.range(*clean..live.len())))
        })
    }

    fn read<T>(&self, f: impl FnOnce(&Images) -> T) -> T {
        f(&self.images.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, f: impl FnOnce(&mut Images) -> T) -> T {
        f(&mut self.images.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Images {
    /// Two images that are the same.
    fn synced(live: Bytes) -> Self {
        Self { clean: live.len(), live, rest: Vec::new() }
    }

    /// What a crash would leave at least.
    fn durable(&self) -> Bytes {
        let mut durable = self.live.first(self.clean);
        durable.write_at(self.clean, &self.rest);
        durable
    }

    /// The live image is about to change from here on, and the durable one is not.
    fn part(&mut self, from: usize) {
        if from < self.clean {
            self.rest.splice(..0, self.live.range(from..self.clean));
            self.clean = from;
        }
    }

    /// The durable image, and up to `keep` bytes of what the live one has beyond it.
    fn after_crash(&self, keep: u64) -> Bytes {
        if !self.rest.is_empty() {
            return self.durable();
        }
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        self.live.first(self.clean.saturating_add(keep))
    }
}

impl File for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.read(|images| images.live.len() as u64))
    }

    fn read_at(&self, position: u64, buf: &mut [u8]) -> io::Result<usize> {
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        Ok(self.read(|images| images.live.read_at(position, buf)))
    }

    fn read_to(&self, position: u64, len: usize, out: &mut Vec<u8>) -> io::Result<usize> {
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        Ok(self.read(|images| images.live.read_to(position, len, out)))
    }

    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.write(|images| {
            let from = usize::try_from(position).ok().filter(|from| *from <= images.live.len());
            let Some(from) = from else {
                let message = format!("position {position} is beyond the end, {}", images.live.len());
                return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
            };
            images.part(from);
            images.live.write_at(from, bytes);
            Ok(())
        })
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.write(|images| {
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            images.part(len);
            images.live.truncate(len);
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.write(|images| {
            images.clean = images.live.len();
            images.rest = Vec::new();
            Ok(())
        })
    }
}
