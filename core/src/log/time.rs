//! Which offset a timestamp is at.
//!
//! The first segment whose largest timestamp is late enough, its time index for where to begin, then batch headers
//! until one is late enough; only that batch is read record by record.
//!
//! Source: Kafka's `UnifiedLog.fetchOffsetByTimestamp` and `LogSegment.findOffsetByTimestamp`.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::record::Batch;
use crate::segment::{Indexer, Segment, TimeIndexEntry};
use crate::storage::{File, Storage};

use super::append::MAX_DECOMPRESSED;
use super::event::{Event, Observer};
use super::fetch::next_header;
use super::recovery::walk;
use super::{LogReader, Shared, corrupt, scan_error};

/// How much a look-up reads at a time, in bytes.
const CHUNK: usize = 8 << 10;

/// A record's place in the log and in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimestampOffset {
    /// The record's offset.
    pub offset: u64,
    /// Its timestamp, in milliseconds since the Unix epoch.
    pub timestamp: i64,
}

impl<S: Storage, O: Observer> LogReader<S, O> {
    /// The first visible record whose timestamp is `timestamp` or later; `None` if there is none. Timestamps need
    /// not rise with the offsets: a later record may be older.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if a batch on the way is damaged.
    pub fn offset_for_timestamp(&self, timestamp: i64) -> Result<Option<TimestampOffset>> {
        self.shared.retry_after_truncation(|| self.shared.offset_for_timestamp(timestamp))
    }
}

impl<F: File, O: Observer> Shared<F, O> {
    /// The largest timestamp in a closed segment: the last entry of its time index, if the batch that it names
    /// agrees. An index has no checksum, and retention must not delete by a damaged one; then all batches are
    /// asked. `None` if no batch has a timestamp.
    pub(super) fn largest_timestamp(&self, segment: &Segment<F>) -> Result<Option<TimeIndexEntry>> {
        let base = segment.base_offset();
        if let Some(entry) = segment.time_index().last()? {
            let from = segment.index().look_up(entry.relative_offset)?.map_or(0, |found| found.position);
            match agrees(segment, entry, u64::from(from)) {
                Ok(true) => return Ok(Some(entry)),
                // The offset index may be what is damaged: it is no guide to begin with, then.
                Ok(false) | Err(Error::Corrupt { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let mut indexer = Indexer::new(base);
        walk(segment, 0, |position, batch| {
            indexer.batch(position, batch.last_offset(), batch.max_timestamp, u32::MAX);
            true
        })?;
        Ok(indexer.last_time_entry())
    }

    fn offset_for_timestamp(&self, timestamp: i64) -> Result<Option<TimestampOffset>> {
        self.observer.observe(|| Event::TimeLookUpStarted { timestamp });
        let segments = self.segments();
        let mut batches = 0;
        let mut found = None;
        for (at, segment) in segments.iter().enumerate() {
            let active = at + 1 == segments.len();
            if !active && self.too_old(segment, timestamp)? {
                continue;
            }
            found = self.find_in(segment, timestamp, &mut batches)?;
            if found.is_some() {
                break;
            }
        }
        let pair = found.map(|found| (found.offset, found.timestamp));
        self.observer.observe(|| Event::TimeLookUpFinished { timestamp, found: pair, batches });
        Ok(found)
    }

    fn too_old(&self, segment: &Segment<F>, timestamp: i64) -> Result<bool> {
        let largest = self.largest_timestamp(segment)?;
        let too_old = largest.is_none_or(|largest| largest.timestamp < timestamp);
        if too_old {
            let segment = segment.base_offset();
            self.observer.observe(|| Event::SegmentTooOld { segment, timestamp, largest });
        }
        Ok(too_old)
    }

    fn find_in(
        &self,
        segment: &Arc<Segment<F>>,
        timestamp: i64,
        batches: &mut u64,
    ) -> Result<Option<TimestampOffset>> {
        let base = segment.base_offset();
        let found = segment.time_index().look_up(timestamp)?;
        let entries = segment.time_index().len();
        self.observer.observe(|| Event::TimeIndexLookedUp { segment: base, timestamp, entries, found });
        let from = self.start_of_scan(segment, found)?;
        let (log_start_offset, high_watermark) = (self.log_start_offset(), self.high_watermark());
        let mut scan = segment.scan(from, CHUNK);
        let mut least = base;
        loop {
            let position = scan.position();
            let failed = |error| scan_error(error, base, position);
            let Some(header) = next_header(&mut scan, base, least)? else { return Ok(None) };
            least = header.last_offset() + 1;
            if header.base_offset >= high_watermark {
                return Ok(None);
            }
            *batches += 1;
            if header.max_timestamp >= timestamp && header.last_offset() >= log_start_offset {
                let Some(batch) = scan.batch().map_err(failed)? else { return Ok(None) };
                batch.verify().map_err(|reason| corrupt(base, position, reason.into()))?;
                if let Some(found) = first_at(&batch, timestamp, log_start_offset)? {
                    return Ok(Some(found));
                }
            }
            scan.skip(header.size);
        }
    }

    /// The position to look from: no batch before it is late enough. The batch that the entry names must have its
    /// timestamp: behind a damaged entry's offset, the scan would miss what it is for.
    fn start_of_scan(&self, segment: &Segment<F>, found: Option<TimeIndexEntry>) -> Result<u64> {
        let Some(entry) = found else { return Ok(0) };
        let offset = segment.base_offset() + u64::from(entry.relative_offset);
        let position = self.locate(segment, offset)?;
        Ok(if agrees(segment, entry, position)? { position } else { 0 })
    }
}

/// Whether a time index entry is right about the batch that it names, which is at or behind `position`.
fn agrees<F: File>(segment: &Segment<F>, entry: TimeIndexEntry, position: u64) -> Result<bool> {
    let offset = segment.base_offset() + u64::from(entry.relative_offset);
    let mut agrees = false;
    walk(segment, position, |_, batch| {
        agrees = batch.last_offset() == offset && batch.max_timestamp == entry.timestamp;
        batch.last_offset() < offset
    })?;
    Ok(agrees)
}

fn first_at(batch: &Batch<'_>, timestamp: i64, log_start_offset: u64) -> Result<Option<TimestampOffset>> {
    for record in batch.plain(MAX_DECOMPRESSED, &mut Vec::new())?.records() {
        let record = record.map_err(Error::InvalidBatch)?;
        if record.timestamp >= timestamp && record.offset >= log_start_offset {
            return Ok(Some(TimestampOffset { offset: record.offset, timestamp: record.timestamp }));
        }
    }
    Ok(None)
}
