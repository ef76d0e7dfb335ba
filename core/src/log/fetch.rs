//! How batches get out of the log, under a byte budget.
//!
//! Floor segment, index look-up, scan, then whole batches while they fit. The walk reads through a
//! [`Scanner`](crate::segment::Scanner), so it touches no byte that it need not.
//!
//! Source: Kafka's `LocalLog.read` and `LogSegment.read`; KIP-74 for the first batch.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::error::{CorruptReason, Error, Result};
use crate::record::{Batch, BatchError, BatchHeader, HEADER_SIZE, Record, Records};
use crate::segment::{IndexEntry, ScanError, Scanner, Segment};
use crate::storage::File;

use super::bookmark::Bookmark;
use super::event::{BatchInfo, Event, Observer, StoppedBy};
use super::{Shared, corrupt, scan_error};

/// Batches of at least this many bytes are hopped over, header by header, and not read on the way to the first one.
const HOP: u64 = 8 << 10;
/// An answer of at most this many bytes is read along with what has to be scanned before it.
const SMALL_ANSWER: u64 = 16 << 10;
/// An answer of at most this many bytes is read along with the header of the batch that it is thought to begin with.
const GUESS: u64 = 64 << 10;
/// A fetch reads no more than this at a time.
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
        FetchedRecords { batch: Records::none(), rest: &self.batches, fetch_offset: self.fetch_offset }
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
    batch: Records<'a>,
    /// The batches behind it.
    rest: &'a [u8],
    fetch_offset: u64,
}

impl<'a> Iterator for FetchedRecords<'a> {
    type Item = Result<Record<'a>, BatchError>;

    // In line, for the same reason as `Records::read`.
    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.batch.read() {
                // What a batch holds before the fetch offset was not asked for.
                Some(record) if record.offset < self.fetch_offset => {}
                Some(record) => return Some(Ok(record)),
                None => match self.next_batch() {
                    Ok(true) => {}
                    Ok(false) => return None,
                    Err(error) => return Some(Err(error)),
                },
            }
        }
    }
}

impl FetchedRecords<'_> {
    /// Goes on to the next batch, if there is one. After an error there is none.
    #[cold]
    fn next_batch(&mut self) -> Result<bool, BatchError> {
        let rest = mem::take(&mut self.rest);
        if let Some(error) = self.batch.end() {
            return Err(error);
        }
        if rest.is_empty() {
            return Ok(false);
        }
        let (batch, rest) = Batch::parse(rest)?;
        (self.batch, self.rest) = (batch.records(), rest);
        Ok(true)
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
    pub(super) fn fetch(
        &self,
        offset: u64,
        max_bytes: u64,
        mut room: Vec<u8>,
        bookmark: Option<&mut Bookmark<F>>,
    ) -> Result<Fetched> {
        room.clear();
        let log_start_offset = self.log_start_offset();
        // The watermark first: the log end is then never below it.
        let high_watermark = self.high_watermark();
        let log_end_offset = self.log_end_offset();
        if !(log_start_offset..=log_end_offset).contains(&offset) {
            return Err(Error::OffsetOutOfRange { requested: offset, log_start_offset, log_end_offset });
        }
        self.observer.observe(|| Event::FetchStarted { offset, max_bytes, high_watermark, log_end_offset });
        let mut budget =
            Budget { max_bytes, high_watermark, batches: room, next_offset: offset, reached: (0, 0) };
        let (by, next_batch_size) = if offset < high_watermark {
            self.collect(&mut budget, bookmark)?
        } else {
            (StoppedBy::HighWatermark, None)
        };
        // Whatever stopped it but the budget, everything visible is in the answer: an answer that is not whole would
        // let the reader skip records, or ask for them for ever.
        if by != StoppedBy::MaxBytes && budget.next_offset < high_watermark {
            let (segment, position) = budget.reached;
            self.check_hole(segment, position, budget.next_offset, high_watermark)?;
            budget.next_offset = high_watermark;
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

    /// Walks the segments from the fetch offset on, as they are now: what happens to them meanwhile takes nothing
    /// from under this fetch.
    fn collect(
        &self,
        budget: &mut Budget,
        mut bookmark: Option<&mut Bookmark<F>>,
    ) -> Result<(StoppedBy, Option<u32>)> {
        let truncations = self.truncations.load(Ordering::Acquire);
        let segments = self.segments();
        let floor = self.floor_segment(&segments, budget.next_offset)?;
        let marked = bookmark
            .as_mut()
            .and_then(|bookmark| bookmark.take(&segments[floor], budget.next_offset, truncations));
        let mut walked = self.walk_first(&segments[floor], budget, marked)?;
        let mut last = &segments[floor];
        for segment in &segments[floor + 1..] {
            let base = segment.base_offset();
            if matches!(walked, Walked::SegmentEnd) && base >= budget.high_watermark {
                walked = Walked::Stopped(StoppedBy::HighWatermark, None);
            }
            if matches!(walked, Walked::Stopped(..)) {
                break;
            }
            let (used, max_bytes) = (budget.batches.len() as u64, budget.max_bytes);
            self.observer.observe(|| Event::NextSegmentEntered { segment: base, used, max_bytes });
            let scan = segment.scan(0, HEADER_SIZE).keeping(mem::take(&mut budget.batches));
            walked = self.walk(scan, base, budget)?;
            last = segment;
        }
        if let Some(bookmark) = bookmark {
            bookmark.put(last, budget.next_offset, budget.reached.1, truncations);
        }
        match walked {
            Walked::Stopped(by, next) => Ok((by, next)),
            Walked::SegmentEnd => Ok((StoppedBy::LogEnd, None)),
        }
    }

    /// Walks the floor segment, from the first batch on that the fetch offset asks for. If one begins with that offset
    /// where a bookmark says, it is that one.
    fn walk_first(&self, segment: &Segment<F>, budget: &mut Budget, marked: Option<u64>) -> Result<Walked> {
        let (base, offset) = (segment.base_offset(), budget.next_offset);
        if let Some(position) = marked {
            let ahead = budget.max_bytes.min(READ_CHUNK) as usize + HEADER_SIZE;
            let mut scan = segment.scan(position, ahead).keeping(mem::take(&mut budget.batches));
            if next_header(&mut scan, base, base)?.is_some_and(|header| header.base_offset == offset) {
                return self.walk(scan, base, budget);
            }
            budget.batches = scan.into_kept();
        }
        let mut scan = self.look_up(segment, offset, budget.max_bytes)?;
        self.find(&mut scan, base, offset, budget.max_bytes)?;
        self.walk(scan.moved_into(mem::take(&mut budget.batches)), base, budget)
    }

    /// Walks a segment from where `scan` stands, and takes back what it kept.
    fn walk(&self, mut scan: Scanner<'_, F>, base: u64, budget: &mut Budget) -> Result<Walked> {
        let walked = self.take_batches(&mut scan, base, budget)?;
        budget.reached = (base, scan.position());
        budget.batches = scan.into_kept();
        Ok(walked)
    }

    /// The place of the segment with the largest base offset at or below `offset`.
    fn floor_segment(&self, segments: &[Arc<Segment<F>>], offset: u64) -> Result<usize> {
        let above = segments.partition_point(|segment| segment.base_offset() <= offset);
        let Some(floor) = above.checked_sub(1) else {
            // It was deleted since the fetch began.
            let (log_start_offset, log_end_offset) = (self.log_start_offset(), self.log_end_offset());
            return Err(Error::OffsetOutOfRange { requested: offset, log_start_offset, log_end_offset });
        };
        let (segment, count) = (segments[floor].base_offset(), segments.len());
        self.observer.observe(|| Event::FloorSegmentFound { segment, offset, segments: count });
        Ok(floor)
    }

    /// The position of the first batch whose last offset is at or above `offset`.
    pub(super) fn locate(&self, segment: &Segment<F>, offset: u64) -> Result<u64> {
        let mut scan = self.look_up(segment, offset, 0)?;
        self.find(&mut scan, segment.base_offset(), offset, 0)?;
        Ok(scan.position())
    }

    /// Asks the index where to begin a scan for the first batch whose last offset is at or above `offset`, and from
    /// which `max_bytes` are wanted.
    fn look_up<'s>(&self, segment: &'s Segment<F>, offset: u64, max_bytes: u64) -> Result<Scanner<'s, F>> {
        let base = segment.base_offset();
        let relative = u32::try_from(offset - base).unwrap_or(u32::MAX);
        let (below, above) = segment.index().around(relative)?;
        let start = below.map_or(0, |entry| u64::from(entry.position));
        let end = above.map_or(segment.size(), |entry| u64::from(entry.position));
        let observe = |found: Option<IndexEntry>, position| {
            let entries = segment.index().len();
            self.observer.observe(|| Event::IndexLookedUp {
                segment: base,
                offset,
                entries,
                found,
                position,
                probes: segment.index().probes(relative).unwrap_or_default(),
            });
        };
        let gap = end.saturating_sub(start);
        // Entries lie that far apart where each batch has one, as a rule. Then the batch is that of the entry above.
        if above.is_some() && gap > HOP && below.is_none_or(|entry| entry.relative_offset < relative) {
            let ahead = if max_bytes > GUESS { HEADER_SIZE } else { read_ahead(max_bytes, gap) };
            let mut scan = segment.scan(end, ahead);
            if begins_up_to(&mut scan, offset)? {
                observe(above, end);
                return Ok(scan);
            }
        }
        observe(below, start);
        let answer = if max_bytes > SMALL_ANSWER { 0 } else { max_bytes };
        let ahead = if gap > HOP { HEADER_SIZE } else { (gap + answer) as usize + HEADER_SIZE };
        let mut scan = segment.scan(start, ahead);
        let Some(entry) = below else { return Ok(scan) };
        if begins_up_to(&mut scan, base + u64::from(entry.relative_offset))? {
            return Ok(scan);
        }
        self.observer.observe(|| Event::IndexRejected { segment: base, entry });
        Ok(segment.scan(0, ahead))
    }

    /// Offsets from `from` up to `to` are in no batch. Below a bound, compaction may have taken them; elsewhere
    /// that is damage.
    fn check_hole(&self, segment: u64, position: u64, from: u64, to: u64) -> Result<()> {
        match to <= self.cleaned_up_to() {
            true => Ok(()),
            false => Err(corrupt(segment, position, CorruptReason::OffsetsMissing { from, to })),
        }
    }

    /// Brings `scan` to the first batch whose last offset is at or above `offset`.
    fn find(&self, scan: &mut Scanner<'_, F>, base: u64, offset: u64, max_bytes: u64) -> Result<()> {
        let start = scan.position();
        let (mut batches, mut least) = (0, base);
        while let Some(header) = next_header(scan, base, least)? {
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
            scan.read_ahead(match u64::from(header.size) {
                size if size < HOP => HOP as usize,
                // Behind the batch of an index entry, if it is a large one, comes what was looked up.
                size if batches == 0 => read_ahead(max_bytes, size),
                _ => HEADER_SIZE,
            });
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
        Ok(())
    }

    /// Takes whole batches, while they fit.
    fn take_batches(&self, scan: &mut Scanner<'_, F>, base: u64, budget: &mut Budget) -> Result<Walked> {
        // Only the first batch may begin before the offset that is next.
        let mut least = base;
        loop {
            // Nobody looks at what is not visible, not even for its header.
            if budget.next_offset >= budget.high_watermark {
                return Ok(Walked::Stopped(StoppedBy::HighWatermark, None));
            }
            let Some(header) = next_header(scan, base, least)? else { break };
            if header.base_offset >= budget.high_watermark {
                return Ok(Walked::Stopped(StoppedBy::HighWatermark, None));
            }
            if header.base_offset > budget.next_offset {
                self.check_hole(base, scan.position(), budget.next_offset, header.base_offset)?;
            }
            let (kept, size) = (scan.kept() as u64, u64::from(header.size));
            let used = kept + size;
            if used > budget.max_bytes && kept > 0 {
                return Ok(Walked::Stopped(StoppedBy::MaxBytes, Some(header.size)));
            }
            scan.read_ahead(read_ahead(budget.max_bytes.saturating_sub(kept), size));
            let position = scan.position();
            let batch = scan.batch_of(header).map_err(|error| scan_error(error, base, position))?;
            batch.verify().map_err(|reason| corrupt(base, position, reason.into()))?;
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
            scan.keep(header.size);
        }
        Ok(Walked::SegmentEnd)
    }
}

/// Whether the batch that an index entry points at begins at or below an offset: the entry's own, or the one that is
/// looked for. A damaged entry would make a scan begin behind what it looks for, and nobody would notice.
pub(super) fn begins_up_to<F: File>(scan: &mut Scanner<'_, F>, offset: u64) -> Result<bool> {
    match scan.header() {
        Ok(Some(header)) => Ok(header.base_offset <= offset),
        Ok(None) | Err(ScanError::Bad(_)) => Ok(false),
        Err(ScanError::Io(error)) => Err(error.into()),
    }
}

/// How much to read where there is room for `room` bytes of batches, and the next one takes `size`. The batches
/// behind it are likely of its size: what would end within one is not worth reading. The header behind them is,
/// for it says why there is no more.
fn read_ahead(room: u64, size: u64) -> usize {
    let rest = room % size;
    let whole = if rest > HOP / 2 { room - rest } else { room };
    whole.min(READ_CHUNK) as usize + HEADER_SIZE
}

/// The next header of a segment. The checksum covers neither its base offset, which must be `least` or above,
/// nor the length, by which it must end within the segment.
#[inline(always)]
pub(super) fn next_header<F: File>(
    scan: &mut Scanner<'_, F>,
    segment: u64,
    least: u64,
) -> Result<Option<BatchHeader>> {
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
