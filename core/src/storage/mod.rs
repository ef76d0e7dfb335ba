//! Where the bytes live: the [`Storage`] trait, its promises on durability, and the backends that keep them.
//!
//! A storage is one flat directory of files for one partition. The log writes each file from front to back,
//! truncates, renames and removes; of synced bytes it overwrites only those of an index.
//!
//! | backend | bytes live in | a crash loses |
//! | --- | --- | --- |
//! | [`MemoryStorage`] | two images in memory, live and durable | what was not synced, on demand |
//! | [`FsStorage`] | a directory | what the operating system had not written |
//! | [`JournalStorage`] | memory; each sync queues its mutations for somebody to commit | as memory |
//! | `FaultyStorage` (feature `testing`) | memory | what a seed says, and not in order |
//!
//! # Promises
//!
//! 1. Reads see every write that returned, at once, from every handle of the same file.
//! 2. After [`File::sync`] returned, the file's bytes and length survive a crash. Before, any part of what was
//!    written since the last sync may be lost, or be there in part (a torn write).
//! 3. After [`Storage::sync_dir`] returned, so do the names: creations, renames and removals since the last one.
//!    A rename is atomic: after a crash there is the old name or the new one, with the whole file under it.
//! 4. A failed sync promises nothing, and no later sync can make it good. The log then refuses appends.
//! 5. A handle outlives the removal of its file: reads through it go on.

mod bytes;
#[cfg(feature = "testing")]
mod faulty;
#[cfg(all(feature = "fs", not(target_family = "wasm")))]
mod fs;
mod journal;
mod memory;

use std::io;

pub use bytes::{Bytes, Foreign};
#[cfg(feature = "testing")]
pub use faulty::{Faults, FaultyFile, FaultyStorage};
#[cfg(all(feature = "fs", not(target_family = "wasm")))]
pub use fs::{FsFile, FsStorage};
pub use journal::{JournalFile, JournalStorage, Mutation};
pub use memory::{MemoryFile, MemoryStorage};

/// One directory of files. See the [module](self) for what it promises.
///
/// All methods take `&self`: a storage is a handle that many threads may share.
pub trait Storage: Send + Sync {
    /// An open file.
    type File: File;

    /// The names of all files, in any order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Opens a file, and creates it empty if there is none. The new name is durable after
    /// [`sync_dir`](Self::sync_dir).
    fn open(&self, name: &str) -> io::Result<Self::File>;
    /// Renames a file, over one of the new name if there is one.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file. Removing one that is not there is an error of kind `NotFound`.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes creations, renames and removals durable.
    fn sync_dir(&self) -> io::Result<()>;
}

/// An open file. Positions and lengths are in bytes.
///
/// One writer at a time; any number of readers beside it.
pub trait File: std::fmt::Debug + Send + Sync {
    /// The file's length.
    fn len(&self) -> io::Result<u64>;
    /// Whether the file holds nothing.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Reads from `position` into `buf`, and returns how many bytes were read. They may be fewer than `buf` takes,
    /// but at least one, unless `buf` is empty or the file ends: who needs all asks again.
    fn read_at(&self, position: u64, buf: &mut [u8]) -> io::Result<usize>;
    /// Appends to `out` what [`read_at`](Self::read_at) reads from `position` into `len` bytes, and returns how many
    /// they were. A backend that need not fill `out` with zeros first does better than this.
    fn read_to(&self, position: u64, len: usize, out: &mut Vec<u8>) -> io::Result<usize> {
        read_zeroed(self, position, len, out)
    }
    /// Writes all of `bytes` at `position`, which is at most the file's length: there are no holes. After an
    /// error, any part of them may have been written.
    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()>;
    /// Cuts the file to `len` bytes, which is at most its length.
    fn truncate(&self, len: u64) -> io::Result<()>;
    /// Makes everything written to the file so far durable.
    fn sync(&self) -> io::Result<()>;
}

/// Storage that can lose its power, for experiments and tests. Nothing here is durable, or meant to be.
pub trait Crash: Storage {
    /// Loses what was not synced, except that the first `keep` unsynced bytes of each file's tail made it to
    /// the disk: a torn write. Every open handle is void afterwards: the owner must drop it.
    fn crash(&self, keep: u64);
    /// Changes bytes of a file behind the log's back, live and durable alike, as a bad disk would.
    ///
    /// # Errors
    /// `NotFound`, or `InvalidInput` if the position is not in the file.
    fn flip(&self, name: &str, position: u64) -> io::Result<()>;
    /// Loses a file behind the log's back, live and durable alike.
    ///
    /// # Errors
    /// `NotFound`.
    fn lose(&self, name: &str) -> io::Result<()>;
    /// The bytes of each file that a crash right now would leave, without torn writes, by name.
    fn durable_sizes(&self) -> Vec<(String, u64)>;
}

/// [`File::read_to`] by way of [`File::read_at`].
fn read_zeroed<F: File + ?Sized>(
    file: &F,
    position: u64,
    len: usize,
    out: &mut Vec<u8>,
) -> io::Result<usize> {
    let start = out.len();
    out.resize(start + len, 0);
    let read = file.read_at(position, &mut out[start..]);
    out.truncate(start + read.as_ref().map_or(0, |read| *read));
    read
}

/// Reads exactly `len` bytes at `position`, or as many as the file has.
pub(crate) fn read_up_to(file: &impl File, position: u64, len: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let end = out.len() + len;
    while out.len() < end {
        let read = (len - (end - out.len())) as u64;
        if file.read_to(position + read, end - out.len(), out)? == 0 {
            break;
        }
    }
    Ok(())
}
