//! Walking the batches of a `.log` file from front to back.
//!
//! The scanner reads ahead into one buffer and hands out views into it. Batches that are skipped make room for
//! what comes; batches that are kept stay at the buffer's front, one after another, so that the answer of a fetch
//! is read into place and never copied. What was read ahead is not read again.
//!
//! Invariants:
//! - The buffer never holds more than the file has, whatever a length field claims.
//! - `buffer[..kept]` was kept, `buffer[at..]` are the file's bytes from the position on. Bytes between mean nothing.

use std::io;

use crate::record::{Batch, BatchError, BatchHeader, HEADER_SIZE};
use crate::storage::File;

/// Why a scan could not go on.
#[derive(Debug)]
pub(crate) enum ScanError {
    Io(io::Error),
    /// The bytes at the scanner's position are no batch.
    Bad(BatchError),
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<BatchError> for ScanError {
    fn from(error: BatchError) -> Self {
        Self::Bad(error)
    }
}

/// A place between two batches of a file; see the [module](self).
#[derive(Debug)]
pub(crate) struct Scanner<'f, F> {
    file: &'f F,
    position: u64,
    end: u64,
    ahead: usize,
    buffer: Vec<u8>,
    kept: usize,
    at: usize,
}

impl<'f, F: File> Scanner<'f, F> {
    /// Starts at `position`, takes the file to end at `end`, and reads at least `ahead` bytes at a time.
    pub(crate) fn new(file: &'f F, position: u64, end: u64, ahead: usize) -> Self {
        Self { file, position, end, ahead, buffer: Vec::new(), kept: 0, at: 0 }
    }

    /// The same, with `bytes` kept already.
    pub(crate) fn keeping(self, bytes: Vec<u8>) -> Self {
        let len = bytes.len();
        Self { buffer: bytes, kept: len, at: len, ..self }
    }

    /// The same, in the memory of an empty `room`, if that is larger.
    pub(crate) fn moved_into(self, mut room: Vec<u8>) -> Self {
        if room.capacity() <= self.buffer.capacity() {
            return self;
        }
        room.extend_from_slice(&self.buffer);
        Self { buffer: room, ..self }
    }

    /// Where the next batch begins.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Bytes from the position to the end.
    pub(crate) fn left(&self) -> u64 {
        self.end.saturating_sub(self.position)
    }

    /// From now on, whatever needs reading, reads at least `ahead` bytes.
    pub(crate) fn read_ahead(&mut self, ahead: usize) {
        self.ahead = ahead;
    }

    /// The next batch's header; `None` at the end. The batch's bytes need not all be there.
    #[inline(always)]
    pub(crate) fn header(&mut self) -> Result<Option<BatchHeader>, ScanError> {
        if self.position >= self.end {
            return Ok(None);
        }
        self.fill(HEADER_SIZE)?;
        Ok(Some(BatchHeader::parse(self.bytes())?))
    }

    /// The next batch as a whole; `None` at the end. Its checksum is not looked at.
    pub(crate) fn batch(&mut self) -> Result<Option<Batch<'_>>, ScanError> {
        match self.header()? {
            Some(header) => Ok(Some(self.batch_of(header)?)),
            None => Ok(None),
        }
    }

    /// The next batch as a whole, whose header is known already. Its checksum is not looked at.
    #[inline(always)]
    pub(crate) fn batch_of(&mut self, header: BatchHeader) -> Result<Batch<'_>, ScanError> {
        self.fill(header.size as usize)?;
        Ok(Batch::of(header, self.bytes())?.0)
    }

    /// Goes behind a batch of `size` bytes.
    pub(crate) fn skip(&mut self, size: u32) {
        self.position += u64::from(size);
        self.at += size as usize;
        if self.at >= self.buffer.len() {
            self.buffer.truncate(self.kept);
            self.at = self.kept;
        }
    }

    /// Keeps a batch of `size` bytes, which [`batch`](Self::batch) has just returned, and goes behind it.
    pub(crate) fn keep(&mut self, size: u32) {
        self.close_gap();
        self.position += u64::from(size);
        self.at += size as usize;
        self.kept = self.at;
    }

    /// How many bytes are kept.
    pub(crate) fn kept(&self) -> usize {
        self.kept
    }

    /// What was kept.
    pub(crate) fn into_kept(self) -> Vec<u8> {
        let Self { mut buffer, kept, .. } = self;
        buffer.truncate(kept);
        buffer
    }

    /// The bytes from the position on, as far as they have been read.
    fn bytes(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    /// Sees to it that the first `len` bytes from the position on have been read, unless the file ends before.
    #[inline(always)]
    fn fill(&mut self, len: usize) -> io::Result<()> {
        if self.buffer.len() - self.at >= len { Ok(()) } else { self.read(len) }
    }

    /// Reads on until those bytes are there.
    #[inline(never)]
    fn read(&mut self, len: usize) -> io::Result<()> {
        let left = usize::try_from(self.left()).unwrap_or(usize::MAX);
        self.close_gap();
        let (needed, wanted) = (len.min(left), len.max(self.ahead).min(left));
        while self.buffer.len() - self.at < needed {
            let there = self.buffer.len() - self.at;
            if self.file.read_to(self.position + there as u64, wanted - there, &mut self.buffer)? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Moves what was read ahead to where it would be kept.
    fn close_gap(&mut self) {
        if self.at > self.kept {
            self.buffer.copy_within(self.at.., self.kept);
            self.buffer.truncate(self.buffer.len() - (self.at - self.kept));
            self.at = self.kept;
        }
    }
}
