//! How the end of the log is cut off.
//!
//! Whole batches go: a log cannot keep half of one. Segments that begin at or above the offset are deleted, the
//! last one first, so that a crash on the way leaves a log without a hole; then the segment that holds the offset
//! is cut and becomes the active one.
//!
//! Source: Kafka's `UnifiedLog.truncateTo`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::error::{CorruptReason, Error, Result};
use crate::segment::Segment;
use crate::storage::{File, Storage};

use super::event::{DeleteReason, Event, FlushCause, Observer};
use super::recovery::{Resumed, resume, walk};
use super::{PartitionLog, Shared, corrupt};

/// A place between two batches.
struct CutPoint<F> {
    /// The segment that stays, as the last one.
    segment: Arc<Segment<F>>,
    /// Where in it, in bytes.
    position: u64,
    /// Where the log then ends.
    end: u64,
}

impl<S: Storage, O: Observer> PartitionLog<S, O> {
    /// Cuts the log so that no batch reaches `offset` or beyond, durably. A batch that begins before `offset` and
    /// ends at or after it goes as a whole, so that the log may end below `offset`, and even below where it started,
    /// which is then its start too. Returns the new log end offset.
    ///
    /// Readers that have fetched what is cut off keep it: this is for those who know that nobody may.
    ///
    /// # Errors
    /// [`Error::OffsetOutOfRange`] below the log start offset or above the log end offset.
    pub fn truncate_to(&mut self, offset: u64) -> Result<u64> {
        self.shared.check_poison()?;
        let (log_start_offset, log_end_offset) = (self.log_start_offset(), self.log_end_offset());
        if !(log_start_offset..=log_end_offset).contains(&offset) {
            return Err(Error::OffsetOutOfRange { requested: offset, log_start_offset, log_end_offset });
        }
        if offset == log_end_offset {
            self.observe_cut(self.active.size(), offset);
            return Ok(offset);
        }
        let CutPoint { segment, position, end: to } = self.cut_point(offset)?;
        {
            // A flush under way must not raise the high watermark over what is about to go.
            let _serial = self.shared.syncing.lock().map_err(|_| Error::Poisoned)?;
            // Nobody may begin to read it, and who reads it already must know why it is not there.
            self.shared.high_watermark.fetch_min(to, Ordering::AcqRel);
            self.shared.log_end_offset.store(to, Ordering::Release);
            self.shared.truncations.fetch_add(1, Ordering::AcqRel);
        }
        // What comes next at these offsets has not been compacted.
        self.compaction.first_dirty_offset = self.compaction.first_dirty_offset.min(to);
        self.make_active(segment, position, log_end_offset).inspect_err(|_| self.shared.cut_failed(to))?;
        self.shared.truncations.fetch_add(1, Ordering::AcqRel);
        self.observe_cut(position, log_end_offset);
        self.flush_because(FlushCause::Truncate).inspect_err(|_| self.shared.cut_failed(to))?;
        // Not before the cut is durable: until then a crash brings back what has holes, or was deleted.
        // And then before anything is appended: it would be below the log start.
        self.lower_bounds(to).inspect_err(|_| self.shared.cut_failed(to))?;
        // What is remembered of batches that are gone would make duplicates of new ones.
        self.rebuild_producers().inspect_err(|_| self.shared.cut_failed(to))?;
        Ok(to)
    }

    /// What comes after the new end has no holes; and a batch that held the log start went as a whole as well, so that
    /// the log starts at its end.
    fn lower_bounds(&mut self, to: u64) -> Result<()> {
        let cleaned_up_to = self.shared.cleaned_up_to.fetch_min(to, Ordering::AcqRel);
        let from = self.shared.log_start_offset.fetch_min(to, Ordering::AcqRel);
        if to < from {
            self.shared.observer.observe(|| Event::LogStartMoved { from, to });
        }
        if to < cleaned_up_to.max(from) { self.write_checkpoint(false) } else { Ok(()) }
    }

    fn observe_cut(&self, position: u64, from: u64) {
        let (segment, to, high_watermark) =
            (self.active.base_offset(), self.log_end_offset(), self.high_watermark());
        self.shared.observer.observe(|| Event::Truncated { segment, position, from, to, high_watermark });
    }

    /// Where the log is to be cut so that no batch reaches `offset`.
    fn cut_point(&self, offset: u64) -> Result<CutPoint<S::File>> {
        let segments = self.shared.segments();
        let above = segments.partition_point(|segment| segment.base_offset() <= offset);
        let segment = Arc::clone(&segments[above.saturating_sub(1)]);
        let base = segment.base_offset();
        let (mut position, mut end) = (0, base);
        walk(&segment, 0, |at, header| {
            let stays = header.last_offset() < offset;
            if stays {
                (position, end) = (at + u64::from(header.size), header.last_offset() + 1);
            }
            stays
        })?;
        Ok(CutPoint { segment, position, end })
    }

    /// Deletes what comes after `segment`, cuts it at `position`, and takes it for the active one. A roll that
    /// failed half-way would have begun a segment at `unfinished`.
    fn make_active(&mut self, segment: Arc<Segment<S::File>>, position: u64, unfinished: u64) -> Result<()> {
        let base = segment.base_offset();
        let later: Vec<_> = {
            let segments = self.shared.segments();
            let later = segments.iter().rev().filter(|other| other.base_offset() > base);
            later.map(|other| (Arc::clone(other), DeleteReason::Truncated)).collect()
        };
        self.active = Arc::clone(&segment);
        // The checkpoint must not name a segment that is gone.
        self.write_checkpoint(false)?;
        self.give_up_roll(unfinished)?;
        for one in &later {
            self.delete_segments(std::slice::from_ref(one))?;
            // A crash may keep any of the removals that were not synced: then there would be a hole.
            self.storage.sync_dir()?;
        }
        let Some(resumed) = resume(&segment, position)? else {
            return Err(corrupt(base, position, CorruptReason::Index));
        };
        segment.truncate(position, resumed.entries, resumed.time_entries)?;
        let Resumed { indexer, first_timestamp, .. } = resumed;
        (self.indexer, self.first_timestamp) = (indexer, first_timestamp);
        Ok(())
    }
}

impl<F: File, O: Observer> Shared<F, O> {
    /// Nobody knows which end a crash would leave. The log goes no further; and it does not start beyond its end, though
    /// the checkpoint must still say so.
    fn cut_failed(&self, to: u64) {
        self.poisoned.store(true, Ordering::Release);
        self.log_start_offset.fetch_min(to, Ordering::AcqRel);
    }
}
