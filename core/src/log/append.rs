//! How a batch gets into the log, and when the log rolls.
//!
//! A batch is checked against every limit before anything changes, so that a refused one leaves no trace.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::error::{Error, Result};
use crate::record::{
    Batch, BatchError, BatchMeta, Compression, NewRecord, assign_base_offset, batch_size, encode_batch_with,
};
use crate::segment::{INDEX_ENTRY_SIZE, IndexEntry, Segment, Undone, entry_due};
use crate::storage::Storage;

use super::PartitionLog;
use super::event::{BatchInfo, Event, FlushCause, Observer, RollReason};

/// Where an appended batch went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The first record's offset.
    pub base_offset: u64,
    /// The last record's offset.
    pub last_offset: u64,
    /// The base offset of the segment that holds the batch.
    pub segment: u64,
    /// Where in the segment's `.log` file the batch begins, in bytes.
    pub position: u64,
    /// The batch's size in bytes.
    pub size: u32,
}

impl<S: Storage, O: Observer> PartitionLog<S, O> {
    /// Appends records as one batch. Records without a timestamp get `now_ms`.
    ///
    /// On return the batch is in the page cache; it is durable, and can be fetched, after a flush.
    ///
    /// # Errors
    /// [`Error::InvalidRecord`], [`Error::MessageTooLarge`], [`Error::Poisoned`], [`Error::Io`]; with each of
    /// them the batch is not in the log. Only if an `Io` error poisons the log as well, because what was written
    /// could not be taken back, nobody knows before it is opened again.
    pub fn append(&mut self, records: &[NewRecord<'_>], now_ms: i64) -> Result<Appended> {
        check_records(records, now_ms)?;
        self.check_size(batch_size(records, now_ms))?;
        let mut batch = std::mem::take(&mut self.scratch);
        batch.clear();
        let meta = BatchMeta { base_offset: self.log_end_offset(), ..BatchMeta::default() };
        encode_batch_with(&mut batch, records, now_ms, meta)?;
        let appended = self.append_checked(&batch, records.len() as u32);
        self.scratch = batch;
        appended
    }

    /// Appends one encoded batch as it is, but for the base offset, which is written into it. The checksum is
    /// checked and stays valid: it does not cover the offset.
    ///
    /// # Errors
    /// As [`append`](Self::append), and [`Error::InvalidBatch`] if the bytes are not exactly one whole batch.
    pub fn append_batch(&mut self, batch: &mut [u8]) -> Result<Appended> {
        let (parsed, rest) = Batch::parse(batch)?;
        if !rest.is_empty() {
            let message = format!("{} bytes follow the batch; a batch comes alone", rest.len());
            return Err(Error::InvalidRecord(message));
        }
        let header = *parsed.header();
        if header.records_count == 0 || header.last_offset_delta != header.records_count - 1 {
            let (field, value) = ("lastOffsetDelta", i64::from(header.last_offset_delta));
            return Err(Error::InvalidBatch(BatchError::Field { field, value }));
        }
        self.check_size(u64::from(header.size))?;
        parsed.verify()?;
        // Nobody could read past a batch whose records do not parse. A compressed one is taken as it is.
        if header.compression() == Some(Compression::None) {
            parsed.records().try_for_each(|record| record.map(drop))?;
        }
        assign_base_offset(batch, self.log_end_offset());
        self.append_checked(batch, header.records_count)
    }

    fn check_size(&self, size: u64) -> Result<()> {
        for (limit_name, limit) in [
            ("max.message.bytes", self.config.max_message_bytes),
            ("segment.bytes", self.config.segment_bytes),
        ] {
            let limit = u64::from(limit);
            if size > limit {
                return Err(Error::MessageTooLarge { size, limit, limit_name });
            }
        }
        Ok(())
    }

    /// Appends a batch whose base offset is the log end offset and which fits the limits.
    fn append_checked(&mut self, batch: &[u8], records: u32) -> Result<Appended> {
        self.shared.check_poison()?;
        let base_offset = self.log_end_offset();
        let last_offset = base_offset + u64::from(records) - 1;
        if last_offset >= i64::MAX as u64 {
            return Err(Error::OffsetsExhausted(i64::MAX as u64 - 1));
        }
        if let Some(reason) = self.pending_roll.or_else(|| self.should_roll(batch.len() as u64, last_offset))
        {
            self.roll(batch.len() as u64, last_offset, reason)?;
        }
        let (segment, position) = (self.active.base_offset(), self.active.size());
        let interval = u64::from(self.config.index_interval_bytes);
        let due = entry_due(position, self.active.index().last(), interval);
        let entry = due.map(|_| IndexEntry {
            // Rolling has seen to it that both fit.
            relative_offset: (last_offset - segment) as u32,
            position: position as u32,
        });
        self.write(batch, entry)?;
        self.shared.log_end_offset.store(last_offset + 1, Ordering::Release);

        let size = batch.len() as u32;
        self.shared.observer.observe(|| Event::BatchAppended { batch: info(segment, position, batch) });
        if let (Some(entry), Some(bytes_since)) = (entry, due) {
            self.shared.observer.observe(|| Event::IndexEntryAdded { segment, entry, bytes_since, interval });
        }
        Ok(Appended { base_offset, last_offset, segment, position, size })
    }

    fn write(&mut self, batch: &[u8], entry: Option<IndexEntry>) -> Result<()> {
        self.active.append(batch, entry).map_err(|(error, undone)| match undone {
            Undone::Yes => Error::Io(error),
            Undone::No => self.shared.poison(error),
        })
    }

    /// Kafka's `LogSegment.shouldRoll`, as far as it does not look at time.
    fn should_roll(&self, batch_size: u64, last_offset: u64) -> Option<RollReason> {
        let size = self.active.size();
        if size == 0 {
            return None;
        }
        let index_bytes = (self.active.index().len() + 1) * INDEX_ENTRY_SIZE;
        if size + batch_size > u64::from(self.config.segment_bytes) {
            Some(RollReason::Size)
        } else if index_bytes > self.config.segment_index_bytes as usize {
            Some(RollReason::IndexFull)
        } else if last_offset - self.active.base_offset() > i32::MAX as u64 {
            Some(RollReason::OffsetOverflow)
        } else {
            None
        }
    }

    /// Closes the active segment for good, durable as a whole, and begins a new one at the log end offset.
    fn roll(&mut self, batch_size: u64, last_offset: u64, reason: RollReason) -> Result<()> {
        let (segment, size, next) = (self.active.base_offset(), self.active.size(), self.log_end_offset());
        let index_entries = self.active.index().len();
        let segment_bytes = u64::from(self.config.segment_bytes);
        self.shared.observer.observe(|| Event::SegmentRolled {
            segment,
            size,
            batch_size,
            segment_bytes,
            index_entries,
            last_offset,
            reason,
            next,
        });
        self.flush_because(FlushCause::Roll)?;
        // Recovery could rebuild it; but what is closed for good is better left whole, as Kafka does.
        self.active.index().sync().map_err(|error| self.shared.poison(error))?;
        self.pending_roll = Some(reason);
        self.active = Arc::new(Segment::create(&*self.storage, next)?);
        self.storage.sync_dir().map_err(|error| self.shared.poison(error))?;
        self.pending_roll = None;
        self.shared.push_segment(Arc::clone(&self.active));
        self.shared.observer.observe(|| Event::SegmentCreated { segment: next });
        Ok(())
    }
}

fn info(segment: u64, position: u64, bytes: &[u8]) -> BatchInfo {
    let Ok((batch, _)) = Batch::parse(bytes) else { panic!("what was appended is no batch") };
    BatchInfo::new(segment, position, &batch)
}

fn check_records(records: &[NewRecord<'_>], now_ms: i64) -> Result<()> {
    let invalid = |message: String| Err(Error::InvalidRecord(message));
    if records.is_empty() {
        return invalid("a batch needs at least one record".to_owned());
    }
    if records.len() > i32::MAX as usize {
        return invalid(format!("{} records are more than a batch's count can hold", records.len()));
    }
    for record in records {
        let timestamp = record.timestamp.unwrap_or(now_ms);
        if timestamp < 0 {
            return invalid(format!("the timestamp {timestamp} is before 1970 (milliseconds)"));
        }
    }
    Ok(())
}
