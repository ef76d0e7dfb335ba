//! Logscope as a contender.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use logscope::record::{NewRecord, encode_batch};
use logscope::storage::FsStorage;
use logscope::{LogConfig, LogReader, PartitionLog};
use tempfile::TempDir;

use crate::{RecordSet, scratch, settle};

/// The time of every append.
pub const NOW_MS: i64 = 1_700_000_000_000;

/// A log in a folder that goes with it.
#[derive(Debug)]
pub struct Ours {
    pub log: PartitionLog<FsStorage>,
    folder: TempDir,
}

/// Kafka's defaults, but for what would make a batch of 1000 × 1 KiB too large, or one scan into two.
pub fn config() -> LogConfig {
    let max = i32::MAX as u32;
    LogConfig { segment_bytes: max, max_message_bytes: max, ..LogConfig::default() }
}

impl Ours {
    /// An empty log.
    pub fn new() -> Result<Ours> {
        let folder = scratch()?;
        let (log, _) = PartitionLog::open(FsStorage::open(folder.path())?, config())?;
        Ok(Ours { log, folder })
    }

    /// A log of `batches` batches, all of them visible.
    pub fn filled(records: &RecordSet, batches: usize) -> Result<Ours> {
        let mut ours = Ours::new()?;
        let borrowed = borrow(records);
        for _ in 0..batches {
            ours.log.append(&borrowed, NOW_MS)?;
        }
        ours.log.flush()?;
        settle(ours.folder())?;
        Ok(ours)
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its one `.log` file.
    pub fn log_file(&self) -> PathBuf {
        self.folder().join("00000000000000000000.log")
    }

    /// Closes the log and keeps its folder.
    pub fn close(self) -> Result<TempDir> {
        self.log.close()?;
        Ok(self.folder)
    }

    /// Reads everything back, each offset once.
    pub fn gate(&mut self, records: &RecordSet) -> Result<()> {
        self.log.flush()?;
        let mut gate = records.gate();
        let (reader, end) = (self.log.reader(), self.log.log_end_offset());
        ensure!(end > 0, "the log is empty");
        let mut offset = 0;
        while offset < end {
            let fetched = reader.fetch(offset, 1 << 20)?;
            for record in fetched.records() {
                let record = record?;
                gate.pass(record.offset, record.value.unwrap_or_default())?;
            }
            ensure!(fetched.next_offset > offset, "the fetch at {offset} does not get on");
            offset = fetched.next_offset;
        }
        gate.close(end)
    }
}

/// The records as an append takes them.
pub fn borrow(records: &RecordSet) -> Vec<NewRecord<'_>> {
    records.values.iter().map(|value| NewRecord::value(value)).collect()
}

/// The records as one batch, encoded.
pub fn encode(records: &RecordSet) -> Vec<u8> {
    let mut batch = Vec::new();
    encode_batch(&mut batch, &borrow(records), NOW_MS);
    batch
}

/// Fetches from offset 0 up to `end`, `max_bytes` at a time, and counts the bytes.
pub fn fetch_all(reader: &LogReader<FsStorage>, end: u64, max_bytes: u64) -> Result<u64> {
    let (mut offset, mut bytes) = (0, 0);
    while offset < end {
        let fetched = reader.fetch(offset, max_bytes)?;
        bytes += fetched.batches.len() as u64;
        offset = fetched.next_offset;
    }
    Ok(bytes)
}

/// Fetches the same and looks at every record. Counts the bytes of their values.
pub fn iterate_all(reader: &LogReader<FsStorage>, end: u64, max_bytes: u64) -> Result<u64> {
    let (mut offset, mut bytes) = (0, 0);
    while offset < end {
        let fetched = reader.fetch(offset, max_bytes)?;
        for record in fetched.records() {
            let record = record?;
            bytes += record.value.map_or(0, |value| value.len() as u64) + (record.offset & 1);
        }
        offset = fetched.next_offset;
    }
    Ok(bytes)
}
