//! Walking the batches of a `.log` file from front to back.
//!
//! The scanner reads a chunk at a time and hands out views into it. It holds one chunk, or one batch where a
//! batch is larger; it never allocates more than the file has, whatever a length field claims.

use std::io;

use crate::record::{Batch, BatchError, BatchHeader, HEADER_SIZE};
use crate::storage::{File, read_up_to};

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
    chunk: usize,
    buffer: Vec<u8>,
    buffer_position: u64,
}

impl<'f, F: File> Scanner<'f, F> {
    /// Starts at `position`, and takes the file to end at `end`.
    pub(crate) fn new(file: &'f F, position: u64, end: u64, chunk: usize) -> Self {
        Self { file, position, end, chunk, buffer: Vec::new(), buffer_position: position }
    }

    /// Where the next batch begins.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Bytes from the position to the end.
    pub(crate) fn left(&self) -> u64 {
        self.end.saturating_sub(self.position)
    }

    /// The next batch's header; `None` at the end. The batch's bytes need not all be there.
    pub(crate) fn header(&mut self) -> Result<Option<BatchHeader>, ScanError> {
        if self.position >= self.end {
            return Ok(None);
        }
        let bytes = self.bytes(HEADER_SIZE)?;
        Ok(Some(BatchHeader::parse(bytes)?))
    }

    /// The next batch as a whole; `None` at the end. Its checksum is not looked at.
    pub(crate) fn batch(&mut self) -> Result<Option<Batch<'_>>, ScanError> {
        let Some(header) = self.header()? else { return Ok(None) };
        let bytes = self.bytes(header.size as usize)?;
        Ok(Some(Batch::parse(bytes)?.0))
    }

    /// Goes behind a batch of `size` bytes.
    pub(crate) fn skip(&mut self, size: u32) {
        self.position += u64::from(size);
    }

    /// The bytes from the position on: at least `len`, unless the file ends before.
    fn bytes(&mut self, len: usize) -> io::Result<&[u8]> {
        let left = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
        let start = (self.position - self.buffer_position) as usize;
        if self.buffer.len() < start + len.min(left) {
            self.buffer.clear();
            self.buffer_position = self.position;
            read_up_to(self.file, self.position, self.chunk.max(len).min(left), &mut self.buffer)?;
        }
        let start = (self.position - self.buffer_position) as usize;
        Ok(&self.buffer[start.min(self.buffer.len())..])
    }
}
