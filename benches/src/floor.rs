//! The floors: what the operating system and a checksum cost, with nothing around them.
//!
//! Each reads into one buffer that it keeps, and writes bytes that are there already: no log can do with less.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;

use anyhow::{Result, ensure};
use crc_fast::{CrcAlgorithm::Crc32Iscsi, checksum};
use tempfile::{NamedTempFile, TempDir};

use crate::scratch;

/// A file to write to, in a folder that goes with it.
#[derive(Debug)]
pub struct Writes {
    file: File,
    _folder: TempDir,
}

impl Writes {
    /// An empty file.
    pub fn new() -> Result<Writes> {
        let folder = scratch()?;
        Ok(Writes { file: File::create(folder.path().join("bytes"))?, _folder: folder })
    }

    /// One `write`.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.file.write_all(bytes)?)
    }
}

/// Reads the first `size` bytes of a file, `chunk` at a time, and takes each chunk's CRC-32C.
pub fn read_and_sum(file: &File, size: u64, buffer: &mut [u8]) -> Result<u32> {
    let (mut position, mut sum) = (0, 0);
    while position < size {
        let chunk = (size - position).min(buffer.len() as u64) as usize;
        file.read_exact_at(&mut buffer[..chunk], position)?;
        sum ^= checksum(Crc32Iscsi, &buffer[..chunk]) as u32;
        position += chunk as u64;
    }
    Ok(sum)
}

/// Reads a full buffer at a position.
pub fn read_at(file: &File, position: u64, buffer: &mut [u8]) -> Result<()> {
    Ok(file.read_exact_at(buffer, position)?)
}

/// The gate of the floors: what is written can be read back, once and whole.
pub fn gate(bytes: &[u8]) -> Result<()> {
    let mut file = NamedTempFile::new_in(scratch()?.path())?;
    file.write_all(bytes)?;
    let mut back = vec![0; bytes.len()];
    file.as_file().read_exact_at(&mut back, 0)?;
    ensure!(back == bytes, "the floor reads back other bytes than it wrote");
    Ok(())
}
