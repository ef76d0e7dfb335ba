//! Files in a directory. The only place in the engine that touches `std::fs`.
//!
//! Invariant: a name never leaves the directory. Names come from the log itself; one with a separator in it is
//! refused all the same.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{File, Storage};

/// A directory of the filesystem, which is created when it is opened first.
#[derive(Debug, Clone)]
pub struct FsStorage {
    dir: PathBuf,
}

impl FsStorage {
    /// Opens a directory, and creates it and its parents where they are missing, durably.
    pub fn open(dir: impl Into<PathBuf>) -> io::Result<Self> {
        let dir = dir.into();
        create_dir(&dir)?;
        // Who created it before may have died before its name was durable.
        sync_path(parent(&dir))?;
        Ok(Self { dir })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn path(&self, name: &str) -> io::Result<PathBuf> {
        if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\\', '\0']) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{name:?} is not a file name")));
        }
        Ok(self.dir.join(name))
    }
}

impl Storage for FsStorage {
    type File = fs::File;

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            // The log's own names are all ASCII; what is not UTF-8 is somebody else's.
            if entry.file_type()?.is_file()
                && let Ok(name) = entry.file_name().into_string()
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<fs::File> {
        fs::File::options().read(true).write(true).create(true).truncate(false).open(self.path(name)?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from)?, self.path(to)?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name)?)
    }

    fn sync_dir(&self) -> io::Result<()> {
        sync_path(&self.dir)
    }
}

fn parent(dir: &Path) -> &Path {
    dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Creates a directory and what is missing above it, each name durable before the next.
fn create_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = parent(dir);
    create_dir(parent)?;
    match fs::create_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !dir.is_dir() => Err(error),
        _ => sync_path(parent),
    }
}

/// Makes a directory's entries durable.
fn sync_path(dir: &Path) -> io::Result<()> {
    // Windows has no such call, and its file systems journal the names by themselves.
    if cfg!(windows) { Ok(()) } else { fs::File::open(dir)?.sync_all() }
}

impl File for fs::File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, position: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut read = 0;
        while read < buf.len() {
            match pread(self, &mut buf[read..], position + read as u64) {
                Ok(0) => break,
                Ok(count) => read += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }

    fn write_at(&self, position: u64, mut bytes: &[u8]) -> io::Result<()> {
        let mut position = position;
        while !bytes.is_empty() {
            match pwrite(self, bytes, position) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    bytes = &bytes[count..];
                    position += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        // The length is metadata that reading needs, so fdatasync writes it too.
        self.sync_data()
    }
}

#[cfg(unix)]
use std::os::unix::fs::FileExt;

#[cfg(unix)]
fn pread(file: &fs::File, buf: &mut [u8], position: u64) -> io::Result<usize> {
    FileExt::read_at(file, buf, position)
}

#[cfg(unix)]
fn pwrite(file: &fs::File, bytes: &[u8], position: u64) -> io::Result<usize> {
    FileExt::write_at(file, bytes, position)
}

#[cfg(windows)]
fn pread(file: &fs::File, buf: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buf, position)
}

#[cfg(windows)]
fn pwrite(file: &fs::File, bytes: &[u8], position: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_write(file, bytes, position)
}
