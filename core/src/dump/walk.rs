//! Walking the batches of a `.log` file of any size, with little memory and without trust in a byte of it.
//!
//! The engine's own scanner reads each batch as a whole. This one sums a checksum up piece by piece, so that a
//! damaged length field cannot make it allocate: only the bytes of a batch whose checksum is right are to be
//! asked for as a whole.

use std::io;

use crate::record::{BatchError, BatchHeader, CRC_FROM, HEADER_SIZE};
use crate::storage::{File, read_up_to};

/// How much is read at a time, in bytes.
const CHUNK: usize = 256 << 10;

/// A place at a batch of a file; see the [module](crate::dump).
#[derive(Debug)]
pub struct BatchWalker<'f, F> {
    file: &'f F,
    /// Where the current batch begins.
    position: u64,
    end: u64,
    current: Option<BatchHeader>,
    buffer: Vec<u8>,
    buffer_position: u64,
}

impl<'f, F: File> BatchWalker<'f, F> {
    /// Starts before the batch at `position`, and takes the file to end at `end`.
    pub fn new(file: &'f F, position: u64, end: u64) -> Self {
        let end = end.max(position);
        Self { file, position, end, current: None, buffer: Vec::new(), buffer_position: position }
    }

    /// Where the current batch begins, or before the first call of [`advance`](Self::advance) and after the last
    /// batch, where the next would.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Bytes from the position to the end.
    pub fn left(&self) -> u64 {
        self.end - self.position
    }

    /// Goes on to the next batch, and decodes its header. `None` at the end of the file; the inner error says why
    /// the bytes at the position are no whole batch, and it stays there. The checksum is not looked at.
    pub fn advance(&mut self) -> io::Result<Option<Result<BatchHeader, BatchError>>> {
        if let Some(header) = self.current.take() {
            self.position += u64::from(header.size);
        }
        if self.left() == 0 {
            return Ok(None);
        }
        let (left, bytes) = (self.left(), self.fill(self.position, HEADER_SIZE)?);
        let available = bytes.len() as u64;
        let header = BatchHeader::parse(bytes).and_then(|header| {
            let needed = u64::from(header.size);
            if needed <= left { Ok(header) } else { Err(BatchError::Incomplete { needed, available: left }) }
        });
        if available == 0 {
            // The file has been cut meanwhile.
            self.end = self.position;
            return Ok(None);
        }
        self.current = header.as_ref().ok().copied();
        Ok(Some(header))
    }

    /// Checks the current batch's CRC-32C.
    pub fn verify(&mut self) -> io::Result<Result<(), BatchError>> {
        let Some(BatchHeader { size, crc: stored, .. }) = self.current else { return Ok(Ok(())) };
        let end = self.position + u64::from(size);
        if size as usize <= CHUNK {
            // Whoever asks for the bytes afterwards finds them read.
            self.fill(self.position, size as usize)?;
        }
        let (mut at, mut computed) = (self.position + CRC_FROM as u64, 0);
        while at < end {
            let left = usize::try_from(end - at).unwrap_or(usize::MAX);
            let bytes = self.fill(at, left.min(CHUNK))?;
            let bytes = &bytes[..bytes.len().min(left)];
            if bytes.is_empty() {
                let (needed, available) = (u64::from(size), at - self.position);
                return Ok(Err(BatchError::Incomplete { needed, available }));
            }
            computed = crate::record::crc32c_append(computed, bytes);
            at += bytes.len() as u64;
        }
        Ok(if stored == computed { Ok(()) } else { Err(BatchError::Crc { stored, computed }) })
    }

    /// The bytes of the current batch, all at once. The memory that this takes is known to hold a batch only once
    /// [`verify`](Self::verify) has found it good.
    pub fn bytes(&mut self) -> io::Result<&[u8]> {
        let size = self.current.map_or(0, |header| header.size as usize);
        let bytes = self.fill(self.position, size)?;
        Ok(&bytes[..bytes.len().min(size)])
    }

    /// Bytes of memory held.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.buffer.capacity()
    }

    /// The bytes at `at`: at least `len` of them, unless the file ends before.
    fn fill(&mut self, at: u64, len: usize) -> io::Result<&[u8]> {
        let left = usize::try_from(self.end - at).unwrap_or(usize::MAX);
        let held = at.checked_sub(self.buffer_position).and_then(|from| usize::try_from(from).ok());
        let held = held.filter(|from| self.buffer.len() >= from.saturating_add(len.min(left)));
        let from = match held {
            Some(from) => from,
            None => {
                self.buffer.clear();
                self.buffer.shrink_to(CHUNK);
                self.buffer_position = at;
                read_up_to(self.file, at, CHUNK.max(len).min(left), &mut self.buffer)?;
                0
            }
        };
        Ok(&self.buffer[from..])
    }
}
