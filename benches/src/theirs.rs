//! The crate `commitlog` as a contender: a frame and a checksum a record, an index entry a record, `pread` for
//! reading.

use anyhow::{Result, anyhow, ensure};
use commitlog::message::{MessageBuf, MessageSet};
use commitlog::{CommitLog, LogOptions, ReadLimit};
use tempfile::TempDir;

use crate::{RecordSet, scratch, settle};

/// A log in a folder that goes with it. Its buffer is kept from append to append.
pub struct Theirs {
    pub log: CommitLog,
    buffer: MessageBuf,
    folder: TempDir,
}

impl std::fmt::Debug for Theirs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Theirs").finish_non_exhaustive()
    }
}

impl Theirs {
    /// An empty log.
    pub fn new() -> Result<Theirs> {
        let folder = scratch()?;
        let mut options = LogOptions::new(folder.path());
        options.segment_max_bytes(i32::MAX as usize).message_max_bytes(i32::MAX as usize);
        Ok(Theirs { log: CommitLog::new(options)?, buffer: MessageBuf::default(), folder })
    }

    /// A log of `batches` batches.
    pub fn filled(records: &RecordSet, batches: usize) -> Result<Theirs> {
        let mut theirs = Theirs::new()?;
        for _ in 0..batches {
            theirs.append(records)?;
        }
        theirs.log.flush()?;
        settle(theirs.folder.path())?;
        Ok(theirs)
    }

    /// Appends the records as one set, encoding included; a single one as it is meant to be appended.
    pub fn append(&mut self, records: &RecordSet) -> Result<()> {
        if let [value] = records.values.as_slice() {
            self.log.append_msg(value)?;
            return Ok(());
        }
        self.buffer.clear();
        for value in &records.values {
            self.buffer.push(value).map_err(|error| anyhow!("{error:?}"))?;
        }
        self.log.append(&mut self.buffer)?;
        Ok(())
    }

    /// Reads everything back, each offset once.
    pub fn gate(&self, records: &RecordSet) -> Result<()> {
        let mut gate = records.gate();
        let end = self.log.next_offset();
        ensure!(end > 0, "the log is empty");
        let mut offset = 0;
        while offset < end {
            let messages = self.read(offset, 2 << 20)?;
            for message in messages.iter() {
                gate.pass(message.offset(), message.payload())?;
                offset += 1;
            }
        }
        gate.close(end)
    }

    /// Reads from offset 0 up to `end`, `max_bytes` at a time, and counts the bytes.
    pub fn read_all(&self, end: u64, max_bytes: usize) -> Result<u64> {
        let (mut offset, mut bytes) = (0, 0);
        while offset < end {
            let messages = self.read(offset, max_bytes)?;
            bytes += messages.bytes().len() as u64;
            offset += messages.len() as u64;
        }
        Ok(bytes)
    }

    /// Reads once. Checksums are checked on the way.
    pub fn read(&self, offset: u64, max_bytes: usize) -> Result<MessageBuf> {
        let messages = self.log.read(offset, ReadLimit::max_bytes(max_bytes))?;
        ensure!(!messages.is_empty(), "nothing was read at {offset}");
        Ok(messages)
    }
}
