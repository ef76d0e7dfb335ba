//! Reading a segment from front to back, and mending it.

use std::sync::Arc;

use crate::error::{CorruptReason, Result};
use crate::record::Batch;
use crate::segment::{
    Due, INDEX_ENTRY_SIZE, INDEX_SUFFIX, IndexEntry, Indexer, LOG_SUFFIX, OffsetIndex, ScanError, Scanner,
    Segment, TIME_INDEX_ENTRY_SIZE, TIME_INDEX_SUFFIX, TimeIndex, TimeIndexEntry, file_name,
};
use crate::storage::{File, Storage, read_up_to};

use super::super::append::observe_entries;
use super::super::corrupt;
use super::super::event::{BatchInfo, Event, IndexFault, IndexKind, Observer, TimeEntryCause};
use super::{Producers, Recovery, TEMPORARY, Tail, TailCut};

/// How much a scan reads at a time, in bytes.
const CHUNK: usize = 1 << 20;

/// What the scan of a `.log` file gave.
struct Scanned {
    size: u64,
    tail: Tail,
    index: Vec<IndexEntry>,
    time_index: Vec<TimeIndexEntry>,
    bad: Option<CorruptReason>,
}

impl<S: Storage, O: Observer> Recovery<'_, S, O> {
    /// Scans a segment, cuts a torn tail if it is the last, and mends its indexes.
    pub(super) fn scan(&mut self, base: u64, next: Option<u64>) -> Result<()> {
        let last = next.is_none();
        let log = self.storage.open(&file_name(base, LOG_SUFFIX))?;
        let len = log.len()?;
        self.observer.observe(|| Event::SegmentFound { segment: base, log_bytes: len });
        self.check_base(base)?;
        if !matches!(self.producers, Producers::Known(_, at) if at == base) {
            self.producers = Producers::Known(self.producers_at(base)?, base);
        }
        if last {
            self.keep_producers(base)?;
        }
        let mut scanned = self.read(base, &log, len)?;
        if let Some(reason) = scanned.bad.take() {
            let durable =
                self.checkpoint.is_some_and(|found| scanned.tail.next_offset < found.recovery_point);
            if !last || durable {
                return Err(corrupt(base, scanned.size, reason));
            }
            self.cut_tail(base, &log, scanned.size, len, reason, scanned.tail.next_offset)?;
        }
        // Nothing is written before it is sure that the segment ends where the next one begins.
        let expected = scanned.tail.next_offset;
        if let Some(found) = next.filter(|next| *next < expected) {
            return Err(corrupt(found, 0, CorruptReason::OffsetOrder { found, expected }));
        }
        if !last {
            self.add_last_time_entry(base, &mut scanned);
        }
        let index: Vec<u8> = scanned.index.iter().flat_map(|entry| entry.encode()).collect();
        let index = self.mend_index(base, IndexKind::Offset, &index, scanned.index.len())?;
        let time_index: Vec<u8> = scanned.time_index.iter().flat_map(|entry| entry.encode()).collect();
        let time_index = self.mend_index(base, IndexKind::Time, &time_index, scanned.time_index.len())?;
        let index = OffsetIndex::new(index, scanned.index);
        let time_index = TimeIndex::new(time_index, scanned.time_index.len());
        self.segments.push(Arc::new(Segment::new(base, log, scanned.size, index, time_index)));
        self.tail = scanned.tail;
        if let (Some(next), Producers::Known(_, at)) = (next, &mut self.producers) {
            // Compaction may have left a hole up to the next segment; there is nobody in it.
            *at = next;
        }
        self.report.scanned_segments.push(base);
        Ok(())
    }

    /// Offsets do not jump from segment to segment where nothing explains it.
    fn check_base(&self, base: u64) -> Result<()> {
        let Some(before) = self.segments.last() else { return Ok(()) };
        let from = self.tail.next_offset;
        let read_to_the_end = from != before.base_offset() || before.size() == 0;
        if read_to_the_end && base > from && !self.hole_explained(base) {
            let reason = CorruptReason::OffsetsMissing { from, to: base };
            return Err(corrupt(before.base_offset(), before.size(), reason));
        }
        Ok(())
    }

    /// Whether offsets up to `to` may be missing because compaction took them.
    fn hole_explained(&self, to: u64) -> bool {
        self.checkpoint.is_none_or(|checkpoint| to <= checkpoint.cleaned_up_to)
    }

    /// Checks batch after batch, and makes the indexes that they give.
    fn read(&mut self, base: u64, log: &S::File, len: u64) -> Result<Scanned> {
        let tail = Tail { indexer: Indexer::new(base), first_timestamp: None, next_offset: base };
        let mut scanned = Scanned { size: 0, tail, index: Vec::new(), time_index: Vec::new(), bad: None };
        let mut scan = Scanner::new(log, 0, len, CHUNK);
        loop {
            let position = scan.position();
            let batch = match scan.batch() {
                Ok(Some(batch)) => batch,
                Ok(None) => return Ok(scanned),
                Err(ScanError::Io(error)) => return Err(error.into()),
                Err(ScanError::Bad(reason)) => {
                    scanned.bad = Some(reason.into());
                    return Ok(scanned);
                }
            };
            match self.check(base, position, &batch, scanned.tail.next_offset) {
                Ok(()) => {}
                // No crash makes a whole batch stand where it cannot: nothing is cut for that.
                Err(reason @ (CorruptReason::OffsetRange { .. } | CorruptReason::TooLarge)) => {
                    return Err(corrupt(base, position, reason));
                }
                Err(reason) => {
                    scanned.bad = Some(reason);
                    return Ok(scanned);
                }
            }
            self.admit(base, position, &batch, &mut scanned);
            let size = batch.header().size;
            scan.skip(size);
            scanned.size = scan.position();
        }
    }

    fn check(&self, base: u64, position: u64, batch: &Batch<'_>, next: u64) -> Result<(), CorruptReason> {
        batch.verify()?;
        let (found, last_offset) = (batch.header().base_offset, batch.header().last_offset());
        if found < next {
            return Err(CorruptReason::OffsetOrder { found, expected: next });
        }
        if found > next && !self.hole_explained(found) {
            return Err(CorruptReason::OffsetsMissing { from: next, to: found });
        }
        if last_offset - base > i32::MAX as u64 {
            return Err(CorruptReason::OffsetRange { last_offset });
        }
        if position > i32::MAX as u64 {
            return Err(CorruptReason::TooLarge);
        }
        Ok(())
    }

    fn admit(&mut self, base: u64, position: u64, batch: &Batch<'_>, scanned: &mut Scanned) {
        let header = *batch.header();
        self.report.batches += 1;
        self.report.bytes += u64::from(header.size);
        if let Producers::Known(state, at) = &mut self.producers {
            state.update(&header, header.base_offset);
            *at = header.last_offset() + 1;
        }
        self.observer.observe(|| Event::BatchRecovered { batch: BatchInfo::new(base, position, batch) });

        let tail = &mut scanned.tail;
        tail.next_offset = header.last_offset() + 1;
        tail.first_timestamp.get_or_insert(header.max_timestamp);
        let interval = self.config.index_interval_bytes;
        // `check` has seen to it that offset and position fit.
        let due = tail.indexer.batch(position, header.last_offset(), header.max_timestamp, interval);
        let Some(due @ Due { entry, time_entry, .. }) = due else { return };
        scanned.index.push(entry);
        scanned.time_index.extend(time_entry);
        observe_entries(self.observer, base, due, interval);
    }

    fn add_last_time_entry(&self, base: u64, scanned: &mut Scanned) {
        if let Some(entry) = scanned.tail.indexer.last_time_entry() {
            scanned.time_index.push(entry);
            let cause = TimeEntryCause::Roll;
            self.observer.observe(|| Event::TimeIndexEntryAdded { segment: base, entry, cause });
        }
    }

    fn cut_tail(
        &mut self,
        base: u64,
        log: &S::File,
        position: u64,
        len: u64,
        reason: CorruptReason,
        log_end_offset: u64,
    ) -> Result<()> {
        log.truncate(position)?;
        let bytes = len - position;
        self.observer.observe(|| Event::TailCut {
            segment: base,
            position,
            bytes,
            log_end_offset,
            reason: reason.to_string(),
        });
        let file = file_name(base, LOG_SUFFIX);
        self.report.tail_cut = Some(TailCut { file, position, bytes, reason });
        Ok(())
    }

    /// Compares an index on disk with what the log gives, and writes it anew if it differs.
    fn mend_index(&mut self, base: u64, index: IndexKind, expected: &[u8], count: usize) -> Result<S::File> {
        let (suffix, entry_size) = match index {
            IndexKind::Offset => (INDEX_SUFFIX, INDEX_ENTRY_SIZE),
            IndexKind::Time => (TIME_INDEX_SUFFIX, TIME_INDEX_ENTRY_SIZE),
        };
        let name = file_name(base, suffix);
        let missing = self.names.binary_search(&name).is_err();
        let mut file = self.storage.open(&name)?;
        let mut found = Vec::new();
        // One byte more than expected is enough to see that there is too much.
        read_up_to(&file, 0, expected.len() + 1, &mut found)?;
        if found == expected && !missing {
            // After a failed sync, what is read may be in the cache only. Written once more, it is synced once more.
            file.write_at(0, expected)?;
            file.sync()?;
            self.observer.observe(|| Event::IndexVerified { segment: base, index, entries: count });
            return Ok(file);
        }
        let fault = match missing {
            true => IndexFault::Missing,
            false if expected.starts_with(&found) => IndexFault::Short { entries: found.len() / entry_size },
            false => IndexFault::Differs,
        };
        // Beside the old one, which shows that there is something to mend: half of a new one may not.
        let beside = format!("{name}{TEMPORARY}");
        file = self.storage.open(&beside)?;
        file.truncate(0)?;
        file.write_at(0, expected)?;
        file.sync()?;
        self.storage.rename(&beside, &name)?;
        self.names.retain(|known| *known != beside);
        self.report.rebuilt_indexes.push((base, index, fault));
        self.observer.observe(|| Event::IndexRebuilt { segment: base, index, entries: count, fault });
        Ok(file)
    }
}
