//! How batches get out of the log, under a byte budget.
//!
//! Floor segment, index look-up, scan, then whole batches while they fit. The walk reads through a
//! [`Scanner`](crate::segment::Scanner), so it touches no byte that it need not.
//!
//! Source: Kafka's `LocalLog.read` and `LogSegment.read`; KIP-74 for the first batch.

use std::sync::Arc;

use crate::error::{CorruptReason, Error, Result};
use crate::record::{Batch, BatchError, BatchHeader, HEADER_SIZE, Record, Records};
use crate::segment::{Scanner, Segment};
use crate::storage::File;

use super::event::{BatchInfo, Event, Observer, StoppedBy};
use super::{Shared, corrupt, scan_error};

/// While it looks for the first batch, a scan reads this much at a time: as much as stands between two index
/// entries by default, and a batch of the usual size behind it.
const SCAN_CHUNK: usize = 8 << 10;
/// While it collects batches, it reads no more than this at a time.
const READ_CHUNK: u64 = 1 << 20;

/// What a fetch returned: whole batches, as they stand in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The batches, one after another, byte for byte.
    pub batches: Vec<u8>,
    /// Where a reader goes on: the offset after the last batch, or the fetch offset if there is none.
    pub next_offset: u64,
    /// Why there is no more.
    pub stopped_by: StoppedBy,
    /// The offset that was asked for. The first batch may begin before it.
    pub fetch_offset: u64,
}

impl Fetched {
    /// The records from the fetch offset on. A batch that cannot be read yields an error and ends the records.
    pub fn records(&self) -> FetchedRecords<'_> {
        FetchedRecords { rest: &self.batches, batch: None, fetch_offset: self.fetch_offset }
    }

    /// Puts an uncompressed batch in the place of each compressed one, so that [`records`](Self::records) can
    /// read them all. Without a compressed batch, nothing is copied.
    ///
    /// # Errors
    /// [`Error::InvalidBatch`] if a batch does not parse or does not decompress, or if the decompressed records
    /// of all of them would take more than `limit` bytes.
    pub fn decompress(self, limit: u64) -> Result<Self> {
        let mut batches = Vec::new();
        let (mut rest, mut left) = (&self.batches[..], limit);
        // Up to here they are the same.
        let mut copied = 0;
        while !rest.is_empty() {
            let (batch, behind) = Batch::parse(rest)?;
            if batch.compressed().is_some() {
                let position = self.batches.len() - rest.len();
                batches.extend_from_slice(&self.batches[copied..position]);
                let before = batches.len() + HEADER_SIZE;
                batch.decompress(left, &mut batches).map_err(|error| match error {
                    BatchError::DecompressedTooLarge { codec, .. } => {
                        BatchError::DecompressedTooLarge { codec, limit }
                    }
                    error => error,
                })?;
                left -= (batches.len() - before) as u64;
                copied = self.batches.len() - behind.len();
            }
            rest = behind;
        }
        if copied == 0 {
            return Ok(self);
        }
        batches.extend_from_slice(&self.batches[copied..]);
        Ok(Self { batches, ..self })
    }
}

/// Iterates the records of a fetch; see [`Fetched::records`].
#[derive(Debug, Clone)]
pub struct FetchedRecords<'a> {
    rest: &'a [u8],
    batch: Option<Records<'a>>,
    fetch_offset: u64,
}

impl<'a> Iterator for FetchedRecords<'a> {
    type Item = Result<Record<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let record = match self.batch.as_mut().and_then(Iterator::next) {
                Some(record) => record,
                None if self.rest.is_empty() => return None,
                None => match Batch::parse(self.rest) {
                    Ok((batch, rest)) => {
                        self.rest = rest;
                        self.batch = Some(batch.records());
                        continue;
                    }
                    Err(error) => Err(error),
                },
            };
            match record {
                // What a batch holds before the fetch offset was not asked for.
                Ok(record) if record.offset < self.fetch_offset => {}
                Ok(record) => return Some(Ok(record)),
                Err(error) => {
                    (self.rest, self.batch) = (&[], None);
                    return Some(Err(Error::InvalidBatch(error)));
                }
            }
        }
    }
}

/// A fetch under way.
struct Budget {
    max_bytes: u64,
    high_watermark: u64,
    batches: Vec<u8>,
    next_offset: u64,
    /// How far it has come: segment and position.
    reached: (u64, u64),
}

/// Why the walk through one segment ended.
enum Walked {
    SegmentEnd,
    Stopped(StoppedBy, Option<u32>),
}

impl<F: File, O: Observer> Shared<F, O> {
    pub(super) fn fetch(&self, offset: u64, max_bytes: u64) -> Result<Fetched> {
        let log_start_offset = self.log_start_offset();
        // The watermark first: the log end is then never below it.
        let high_watermark = self.high_watermark();
        let log_end_offset = self.log_end_offset();
        if !(log_start_offset..=log_end_offset).contains(&offset) {
            return Err(Error::OffsetOutOfRange { requested: offset, log_start_offset, log_end_offset });
        }
        self.observer.observe(|| Event::FetchStarted { offset, max_bytes, high_watermark, log_end_offset });
        let mut budget =
            Budget { max_bytes, high_watermark, batches: Vec::new(), next_offset: offset, reached: (0, 0) };
        let (by, next_batch_size) = if offset < high_watermark {
            self.collect(&mut budget)?
        } else {
            (StoppedBy::HighWatermark, None)
        };
        // Whatever stopped it but the budget, everything visible must be in the answer. If it is not, an answer
        // would let the reader skip records, or ask for them for ever.
        if by != StoppedBy::MaxBytes && budget.next_offset < high_watermark {
            let (segment, position) = budget.reached;
            let reason = CorruptReason::OffsetsMissing { from: budget.next_offset, to: high_watermark };
            return Err(corrupt(segment, position, reason));
        }
        let by = match by {
            StoppedBy::HighWatermark if high_watermark == log_end_offset => StoppedBy::LogEnd,
            by => by,
        };
        let Budget { batches, next_offset, .. } = budget;
        let used = batches.len() as u64;
        self.observer.observe(|| Event::FetchStopped { by, used, max_bytes, next_offset, next_batch_size });
        Ok(Fetched { batches, next_offset, stopped_by: by, fetch_offset: offset })
    }

    /// Walks the segments from the fetch offset on.
    fn collect(&self, budget: &mut Budget) -> Result<(StoppedBy, Option<u32>)> {
        let mut segment = self.floor_segment(budget.next_offset);
        let mut position = self.locate(&segment, budget.next_offset)?;
        loop {
            if let Walked::Stopped(by, next) = self.take_batches(&segment, position, budget)? {
                return Ok((by, next));
            }
            let Some(next) = self.segment_after(segment.base_offset()) else {
                return Ok((StoppedBy::LogEnd, None));
            };
            (segment, position) = (next, 0);
            if segment.base_offset() >= budget.high_watermark {
                return Ok((StoppedBy::HighWatermark, None));
            }
            let (used, max_bytes) = (budget.batches.len() as u64, budget.max_bytes);
            let segment = segment.base_offset();
            self.observer.observe(|| Event::NextSegmentEntered { segment, used, max_bytes });
        }
    }

    /// The segment with the largest base offset at or below `offset`.
    fn floor_segment(&self, offset: u64) -> Arc<Segment<F>> {
        let segments = self.read_segments();
        let above = segments.partition_point(|segment| segment.base_offset() <= offset);
        let found = Arc::clone(&segments[above.saturating_sub(1)]);
        let (segment, count) = (found.base_offset(), segments.len());
        self.observer.observe(|| Event::FloorSegmentFound { segment, offset, segments: count });
        found
    }

    fn segment_after(&self, base_offset: u64) -> Option<Arc<Segment<F>>> {
        let segments = self.read_segments();
        let above = segments.partition_point(|segment| segment.base_offset() <= base_offset);
        segments.get(above).cloned()
    }

    /// Where the first batch begins whose last offset is at or above `offset`.
    pub(super) fn locate(&self, segment: &Segment<F>, offset: u64) -> Result<u64> {
        let base = segment.base_offset();
        let relative = u32::try_from(offset - base).unwrap_or(u32::MAX);
        let found = segment.index().look_up(relative)?;
        let start = found.map_or(0, |entry| u64::from(entry.position));
        let entries = segment.index().len();
        self.observer.observe(|| Event::IndexLookedUp {
            segment: base,
            offset,
            entries,
            found,
            position: start,
        });
        let mut scan = segment.scan(start, SCAN_CHUNK);
        let (mut batches, mut least) = (0, base);
        while let Some(header) = next_header(&mut scan, base, least)? {
            if header.last_offset() >= offset {
                break;
            }
            least = header.last_offset() + 1;
            self.observer.observe(|| Event::BatchSkipped {
                segment: base,
                position: scan.position(),
                size: header.size,
                last_offset: header.last_offset(),
                offset,
            });
            scan.skip(header.size);
            batches += 1;
        }
        let position = scan.position();
        let bytes = position - start;
        let found = scan.left() > 0;
        self.observer.observe(|| Event::ScanFinished {
            segment: base,
            position,
            batches,
            bytes,
            offset,
            found,
        });
        Ok(position)
    }

    /// Takes whole batches from `position` on, while they fit.
    fn take_batches(&self, segment: &Segment<F>, position: u64, budget: &mut Budget) -> Result<Walked> {
        let left = budget.max_bytes.saturating_sub(budget.batches.len() as u64);
        let mut scan = segment.scan(position, left.clamp(4096, READ_CHUNK) as usize);
        let base = segment.base_offset();
        // Only the first batch may begin before the offset that is next.
        let mut least = base;
        while let Some(header) = next_header(&mut scan, base, least)? {
            budget.reached = (base, scan.position());
            if header.base_offset >= budget.high_watermark {
                return Ok(Walked::Stopped(StoppedBy::HighWatermark, None));
            }
            let used = budget.batches.len() as u64 + u64::from(header.size);
            let first = budget.batches.is_empty();
            if used > budget.max_bytes && !first {
                return Ok(Walked::Stopped(StoppedBy::MaxBytes, Some(header.size)));
            }
            let position = scan.position();
            let batch = scan.batch().map_err(|error| scan_error(error, base, position))?;
            // The header was there, and so is the batch.
            let Some(batch) = batch else { break };
            batch.verify().map_err(|reason| corrupt(base, position, reason.into()))?;
            budget.batches.extend_from_slice(batch.bytes());
            budget.next_offset = header.last_offset() + 1;
            least = budget.next_offset;
            let max_bytes = budget.max_bytes;
            self.observer.observe(|| {
                let batch = BatchInfo::new(base, position, &batch);
                match used > max_bytes {
                    true => Event::FirstBatchWhole { batch, used, max_bytes },
                    false => Event::BatchFetched { batch, used, max_bytes },
                }
            });
            scan.skip(header.size);
        }
        budget.reached = (base, scan.position());
        Ok(Walked::SegmentEnd)
    }
}

/// The next header of a segment. The checksum covers neither its base offset, which must be `least` or above,
/// nor the length, by which it must end within the segment.
fn next_header<F: File>(scan: &mut Scanner<'_, F>, segment: u64, least: u64) -> Result<Option<BatchHeader>> {
    let position = scan.position();
    let Some(header) = scan.header().map_err(|error| scan_error(error, segment, position))? else {
        return Ok(None);
    };
    let (needed, available) = (u64::from(header.size), scan.left());
    if needed > available {
        return Err(corrupt(segment, position, BatchError::Incomplete { needed, available }.into()));
    }
    if header.base_offset < least {
        let reason = CorruptReason::OffsetOrder { found: header.base_offset, expected: least };
        return Err(corrupt(segment, position, reason));
    }
    Ok(Some(header))
}
