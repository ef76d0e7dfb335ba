//! Files in a directory. The only place in the engine that touches `std::fs`.
//!
//! Invariant: a name never leaves the directory. Names come from the log itself; one with a separator in it is
//! refused all the same.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

#[cfg(unix)]
use rustix::{buffer::spare_capacity, io::retry_on_intr};

#[cfg(unix)]
use super::read_zeroed;
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

/// An open file of a [`FsStorage`]. Its errors name it.
#[derive(Debug)]
pub struct FsFile {
    file: fs::File,
    path: PathBuf,
}

impl FsFile {
    /// Opens a file that is there for reading only: writing to it is an error.
    pub fn open_read_only(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        Ok(Self { file: fs::File::open(&path).map_err(failed("open", &path))?, path })
    }
}

/// Says what could not be done, and with which file. The kind stays.
fn failed<'p>(verb: &'static str, path: &'p Path) -> impl FnOnce(io::Error) -> io::Error + 'p {
    move |error| io::Error::new(error.kind(), format!("cannot {verb} {}: {error}", path.display()))
}

impl Storage for FsStorage {
    type File = FsFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let list = || {
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
        };
        list().map_err(failed("list", &self.dir))
    }

    fn open(&self, name: &str) -> io::Result<FsFile> {
        let path = self.path(name)?;
        let file = fs::File::options().read(true).write(true).create(true).truncate(false).open(&path);
        Ok(FsFile { file: file.map_err(failed("open", &path))?, path })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let from = self.path(from)?;
        fs::rename(&from, self.path(to)?).map_err(failed("rename", &from))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.path(name)?;
        fs::remove_file(&path).map_err(failed("remove", &path))
    }

    fn sync_dir(&self) -> io::Result<()> {
        sync_path(&self.dir).map_err(failed("sync", &self.dir))
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

impl File for FsFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata().map_err(failed("examine", &self.path))?.len())
    }

    fn read_at(&self, position: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut read = 0;
        while read < buf.len() {
            match pread(&self.file, &mut buf[read..], position + read as u64) {
                Ok(0) => break,
                Ok(count) => read += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed("read", &self.path)(error)),
            }
        }
        Ok(read)
    }

    #[cfg(unix)]
    fn read_to(&self, position: u64, len: usize, out: &mut Vec<u8>) -> io::Result<usize> {
        let start = out.len();
        out.reserve_exact(len);
        // A read into spare capacity fills all of it: there must not be much more than what was asked for.
        if out.capacity() - start > len + len / 8 {
            return read_zeroed(self, position, len, out);
        }
        let read = retry_on_intr(|| rustix::io::pread(&self.file, spare_capacity(out), position));
        out.truncate(start + len);
        read.map(|read| read.min(len)).map_err(|error| failed("read", &self.path)(error.into()))
    }

    fn write_at(&self, position: u64, mut bytes: &[u8]) -> io::Result<()> {
        let mut position = position;
        while !bytes.is_empty() {
            match pwrite(&self.file, bytes, position) {
                Ok(0) => return Err(failed("write", &self.path)(io::ErrorKind::WriteZero.into())),
                Ok(count) => {
                    bytes = &bytes[count..];
                    position += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed("write", &self.path)(error)),
            }
        }
        Ok(())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len).map_err(failed("truncate", &self.path))
    }

    fn sync(&self) -> io::Result<()> {
        // The length is metadata that reading needs, so fdatasync writes it too.
        self.file.sync_data().map_err(failed("sync", &self.path))
    }
}

#[cfg(unix)]
fn pread(file: &fs::File, buf: &mut [u8], position: u64) -> io::Result<usize> {
    Ok(rustix::io::pread(file, buf, position)?)
}

#[cfg(unix)]
fn pwrite(file: &fs::File, bytes: &[u8], position: u64) -> io::Result<usize> {
    Ok(rustix::io::pwrite(file, bytes, position)?)
}

#[cfg(windows)]
fn pread(file: &fs::File, buf: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buf, position)
}

#[cfg(windows)]
fn pwrite(file: &fs::File, bytes: &[u8], position: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_write(file, bytes, position)
}
