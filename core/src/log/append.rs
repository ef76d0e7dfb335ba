//! How a batch gets into the log.
//!
//! A batch is checked against every limit before anything changes, so that a refused one leaves no trace.

use std::sync::atomic::Ordering;

use crate::error::{Error, Result};
use crate::record::{
    Batch, BatchError, BatchHeader, BatchMeta, Compression, NO_PRODUCER, NewRecord, Producer, TimestampType,
    assign_base_offset, batch_size, batch_size_bound, encode_batch_with, set_log_append_time,
};
use crate::segment::{Due, Undone};
use crate::storage::Storage;

use super::PartitionLog;
use super::event::{BatchInfo, Event, Observer, TimeEntryCause};
use super::producers::Check;

/// The most that a batch's records may take decompressed where the log has to look at them, in bytes.
pub(super) const MAX_DECOMPRESSED: u64 = 256 << 20;

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
    /// The batch was in the log already, sent before by the same idempotent producer, and was not appended again:
    /// these are its offsets. Where it lies is not looked up; `segment`, `position` and `size` are 0.
    pub duplicate: bool,
}

impl<S: Storage, O: Observer> PartitionLog<S, O> {
    /// Appends records as one batch. Records without a timestamp get `now_ms`.
    ///
    /// On return the batch is in the page cache; it is durable, and can be fetched, after a flush.
    ///
    /// # Errors
    /// [`Error::InvalidRecord`], [`Error::MessageTooLarge`], [`Error::Poisoned`], [`Error::Io`]; with each of
    /// them the batch is not in the log. Only after an `Io` error nobody knows before the next flush: if the power
    /// fails until then, what was written and taken back may be there again.
    pub fn append(&mut self, records: &[NewRecord<'_>], now_ms: i64) -> Result<Appended> {
        self.append_as(NO_PRODUCER, records, now_ms)
    }

    /// Appends records as one batch of an idempotent producer. A batch that is sent twice is appended once: the
    /// second time gets the offsets of the first, if it is one of the producer's last five.
    ///
    /// # Errors
    /// As [`append`](Self::append); [`Error::OutOfOrderSequence`] if a batch before it is missing, and
    /// [`Error::InvalidProducerEpoch`] if a newer epoch of the producer has sent already.
    pub fn append_as(
        &mut self,
        producer: Producer,
        records: &[NewRecord<'_>],
        now_ms: i64,
    ) -> Result<Appended> {
        self.check_records(records, now_ms)?;
        self.check_plain_size(records, now_ms)?;
        self.check_room(records.len())?;
        let mut batch = std::mem::take(&mut self.scratch);
        batch.clear();
        let compression = self.config.compression_type.unwrap_or(Compression::None);
        let base_offset = self.log_end_offset();
        let meta = BatchMeta { base_offset, producer, compression, ..BatchMeta::default() };
        let appended = encode_batch_with(&mut batch, records, now_ms, meta)
            .map_err(Error::InvalidBatch)
            .and_then(|()| self.check_size(batch.len() as u64))
            .and_then(|()| self.append_made(&mut batch, now_ms));
        self.scratch = batch;
        appended
    }

    /// Appends one encoded batch as it is, but for the base offset, which is written into it. The checksum is
    /// checked and stays valid: it does not cover the offset. If `message.timestamp.type` is `LogAppendTime`,
    /// `now_ms` is written into it as well, with a new checksum.
    ///
    /// # Errors
    /// As [`append`](Self::append), and [`Error::InvalidBatch`] if the bytes are not exactly one whole batch.
    pub fn append_batch(&mut self, batch: &mut [u8], now_ms: i64) -> Result<Appended> {
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
        self.check_header(&header)?;
        parsed.verify()?;
        self.check_batch_records(&parsed)?;
        self.check_room(header.records_count as usize)?;
        assign_base_offset(batch, self.log_end_offset());
        self.append_made(batch, now_ms)
    }

    /// Refuses what only a broker writes, and time that retention could not go by.
    fn check_header(&self, header: &BatchHeader) -> Result<()> {
        let (base, max) = (header.base_timestamp, header.max_timestamp);
        let log_time = header.timestamp_type() == TimestampType::LogAppendTime;
        let message = if header.is_control() || header.is_transactional() {
            "transactions are not known here, nor their control batches".to_owned()
        } else if header.delete_horizon_ms().is_some() {
            "a delete horizon is for compaction to set".to_owned()
        } else if log_time && self.config.message_timestamp_type == TimestampType::CreateTime {
            "its timestamps say that they are a log's, and `message.timestamp.type` = CreateTime".to_owned()
        } else if base < 0 || max < 0 {
            format!("the timestamp {} is before 1970 (milliseconds)", base.min(max))
        } else {
            return Ok(());
        };
        Err(Error::InvalidRecord(message))
    }

    /// Nobody could read past a batch whose records do not parse. A compressed one is taken as it is, unless
    /// compaction has to find keys in it.
    fn check_batch_records(&self, batch: &Batch<'_>) -> Result<()> {
        if batch.compressed().is_some() && !self.config.cleanup_policy.compacts() {
            return Ok(());
        }
        match batch.plain(MAX_DECOMPRESSED, &mut Vec::new())?.check_records()? {
            true => Ok(()),
            false => self.check_key(None),
        }
    }

    /// Appends a batch that is right in itself and has its base offset.
    fn append_made(&mut self, batch: &mut [u8], now_ms: i64) -> Result<Appended> {
        if self.config.message_timestamp_type == TimestampType::LogAppendTime {
            set_log_append_time(batch, now_ms);
        }
        self.append_checked(batch)
    }

    fn check_room(&self, records: usize) -> Result<()> {
        match self.log_end_offset() + records as u64 > i64::MAX as u64 {
            true => Err(Error::OffsetsExhausted(i64::MAX as u64 - 1)),
            false => Ok(()),
        }
    }

    /// Refuses records before they are encoded, if they would take too much: uncompressed, the limits; to be
    /// compressed, what the format can hold, for they may get smaller.
    fn check_plain_size(&self, records: &[NewRecord<'_>], now_ms: i64) -> Result<()> {
        let compressed = self.config.compression_type.is_some_and(|codec| codec != Compression::None);
        let limit = if compressed { i32::MAX as u32 } else { self.size_limit() };
        // To know the size takes half as long as to encode them, and nearly always it is far below the limit.
        if batch_size_bound(records) <= u64::from(limit) {
            return Ok(());
        }
        let size = batch_size(records, now_ms);
        if !compressed {
            self.check_size(size)
        } else if size > u64::from(limit) {
            Err(Error::MessageTooLarge { size, limit: limit.into(), limit_name: "the format" })
        } else {
            Ok(())
        }
    }

    fn size_limit(&self) -> u32 {
        self.config.max_message_bytes.min(self.config.segment_bytes)
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
    fn append_checked(&mut self, batch: &[u8]) -> Result<Appended> {
        self.shared.check_poison()?;
        let header = BatchHeader::parse(batch)?;
        if let Check::Duplicate { base_offset, last_offset } = self.producers.check(&header)? {
            return Ok(self.duplicate(&header, base_offset, last_offset));
        }
        let (base_offset, last_offset) = (header.base_offset, header.last_offset());
        if let Some(reason) = self.pending_roll.or_else(|| self.should_roll(&header)) {
            self.roll(&header, reason)?;
        }
        let (segment, position) = (self.active.base_offset(), self.active.size());
        let (interval, mut indexer) = (self.config.index_interval_bytes, self.indexer);
        // Rolling has seen to it that the position and the relative offset fit.
        let due = indexer.batch(position, last_offset, header.max_timestamp, interval);
        self.write(batch, due)?;
        self.indexer = indexer;
        self.first_timestamp.get_or_insert(header.max_timestamp);
        self.producers.update(&header, base_offset);
        self.shared.log_end_offset.store(last_offset + 1, Ordering::Release);

        self.shared.observer.observe(|| Event::BatchAppended { batch: info(segment, position, batch) });
        if let Some(due) = due {
            observe_entries(&self.shared.observer, segment, due, interval);
        }
        Ok(Appended { base_offset, last_offset, segment, position, size: header.size, duplicate: false })
    }

    fn duplicate(&self, header: &BatchHeader, base_offset: u64, last_offset: u64) -> Appended {
        let producer = header.producer;
        self.shared.observer.observe(|| Event::DuplicateFound { producer, base_offset, last_offset });
        Appended { base_offset, last_offset, segment: 0, position: 0, size: 0, duplicate: true }
    }

    fn check_records(&self, records: &[NewRecord<'_>], now_ms: i64) -> Result<()> {
        check_count(records.len())?;
        for record in records {
            let timestamp = record.timestamp.unwrap_or(now_ms);
            if timestamp < 0 {
                let message = format!("the timestamp {timestamp} is before 1970 (milliseconds)");
                return Err(Error::InvalidRecord(message));
            }
            self.check_key(record.key)?;
        }
        Ok(())
    }

    /// Compaction goes by keys.
    fn check_key(&self, key: Option<&[u8]>) -> Result<()> {
        if key.is_none() && self.config.cleanup_policy.compacts() {
            let policy = self.config.cleanup_policy;
            let message = format!("it has no key, and `cleanup.policy` = {policy} needs one");
            return Err(Error::InvalidRecord(message));
        }
        Ok(())
    }

    fn write(&mut self, batch: &[u8], due: Option<Due>) -> Result<()> {
        self.active.append(batch, due).map_err(|(error, undone)| match undone {
            Undone::Yes => Error::Io(error),
            Undone::No => self.shared.poison(error),
        })
    }
}

/// Tells of the index entries that a batch got.
pub(super) fn observe_entries(observer: &impl Observer, segment: u64, due: Due, interval: u32) {
    let Due { entry, bytes_since, time_entry } = due;
    let interval = u64::from(interval);
    observer.observe(|| Event::IndexEntryAdded { segment, entry, bytes_since, interval });
    if let Some(entry) = time_entry {
        let cause = TimeEntryCause::Interval;
        observer.observe(|| Event::TimeIndexEntryAdded { segment, entry, cause });
    }
}

fn info(segment: u64, position: u64, bytes: &[u8]) -> BatchInfo {
    let Ok((batch, _)) = Batch::parse(bytes) else { panic!("what was appended is no batch") };
    BatchInfo::new(segment, position, &batch)
}

fn check_count(records: usize) -> Result<()> {
    let invalid = |message: String| Err(Error::InvalidRecord(message));
    if records == 0 {
        return invalid("a batch needs at least one record".to_owned());
    }
    if records > i32::MAX as usize {
        return invalid(format!("{records} records are more than a batch's count can hold"));
    }
    Ok(())
}
