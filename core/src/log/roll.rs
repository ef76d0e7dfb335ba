//! When the log rolls, how a segment is closed for good, and how the next one begins.
//!
//! A closed segment is durable as a whole: its batches, its indexes with a last time entry, and the new segment's
//! name with a snapshot of the producers are synced before a batch goes into the new one. The checkpoint then
//! names the new segment, so that its loss would not go unnoticed.
//!
//! Source: Kafka's `LogSegment.shouldRoll` and `UnifiedLog.roll`.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::record::BatchHeader;
use crate::segment::{Indexer, Segment};
use crate::storage::Storage;

use super::PartitionLog;
use super::checkpoint::{Checkpoint, Unwritten};
use super::event::{Event, FlushCause, Observer, RollReason, TimeEntryCause};
use super::retention::delete_files;

impl<S: Storage, O: Observer> PartitionLog<S, O> {
    /// Whether the log rolls before it takes this batch.
    pub(super) fn should_roll(&self, batch: &BatchHeader) -> Option<RollReason> {
        let size = self.active.size();
        if size == 0 {
            return None;
        }
        let segment_ms = self.config.segment_ms;
        let waited_ms = self.first_timestamp.map_or(0, |first| batch.max_timestamp.saturating_sub(first));
        if size + u64::from(batch.size) > u64::from(self.config.segment_bytes) {
            Some(RollReason::Size)
        } else if waited_ms > i64::try_from(segment_ms).unwrap_or(i64::MAX) {
            Some(RollReason::Time { waited_ms, segment_ms })
        } else if self.indexer.is_full(self.config.segment_index_bytes as usize) {
            Some(RollReason::IndexFull)
        } else if batch.last_offset() - self.active.base_offset() > i32::MAX as u64 {
            Some(RollReason::OffsetOverflow)
        } else {
            None
        }
    }

    /// Closes the active segment for good, and begins a new one at the log end offset.
    pub(super) fn roll(&mut self, batch: &BatchHeader, reason: RollReason) -> Result<()> {
        let (segment, size, next) = (self.active.base_offset(), self.active.size(), self.log_end_offset());
        let (batch_size, last_offset) = (u64::from(batch.size), batch.last_offset());
        let index_entries = self.indexer.entries();
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
        self.complete_indexes(TimeEntryCause::Roll)?;
        self.active.index().shrink();
        self.pending_roll = Some(reason);
        self.write_snapshot()?;
        let created = Arc::new(Segment::create(&*self.storage, next)?);
        self.begin_segment(Arc::clone(&created))?;
        self.pending_roll = None;
        self.shared.change_segments(|segments| segments.push(created));
        Ok(())
    }

    /// Makes an empty segment the active one, durably.
    fn begin_segment(&mut self, segment: Arc<Segment<S::File>>) -> Result<()> {
        let base = segment.base_offset();
        self.storage.sync_dir().map_err(|error| self.shared.poison(error))?;
        let checkpoint = Checkpoint { active_segment: base, ..self.checkpoint(false) };
        let bytes = self.publish(&checkpoint)?;
        (self.active, self.indexer, self.first_timestamp) = (segment, Indexer::new(base), None);
        self.shared.observer.observe(|| Event::SegmentCreated { segment: base });
        self.observe_checkpoint(&checkpoint, bytes);
        Ok(())
    }

    /// Writes the index entries that are in memory only. They would be with the next ones, or when the segment is
    /// closed; this is for who wants to look at the files before.
    #[cfg(feature = "lab")]
    pub(crate) fn write_indexes(&self) -> Result<()> {
        Ok(self.active.write_indexes()?)
    }

    /// Whether a roll failed half-way: files of a segment may be there that is none yet.
    #[cfg(feature = "lab")]
    pub(crate) fn roll_is_pending(&self) -> bool {
        self.pending_roll.is_some()
    }

    /// Removes, durably, what a roll that failed half-way has created of a segment at `next`: the log would grow past it,
    /// or be closed before it.
    pub(super) fn give_up_roll(&mut self, next: u64) -> Result<()> {
        if self.pending_roll.is_none() {
            return Ok(());
        }
        delete_files(&*self.storage, next)?;
        self.storage.sync_dir()?;
        self.pending_roll = None;
        Ok(())
    }

    /// Adds the last time entry, and makes both indexes durable.
    pub(super) fn complete_indexes(&mut self, cause: TimeEntryCause) -> Result<()> {
        self.active.write_indexes()?;
        let (segment, mut indexer) = (self.active.base_offset(), self.indexer);
        if let Some(entry) = indexer.last_time_entry() {
            let index = self.active.time_index();
            let before = index.len();
            if let Err(error) = index.push(entry).and_then(|()| index.write()) {
                // A segment that goes on has no such entry, and no half of one must stand in the way of the next try.
                index.truncate(before).map_err(|error| self.shared.poison(error))?;
                return Err(error.into());
            }
            self.indexer = indexer;
            self.shared.observer.observe(|| Event::TimeIndexEntryAdded { segment, entry, cause });
        }
        self.active.sync_indexes().map_err(|error| self.shared.poison(error))
    }

    /// Writes down what the next opening must know.
    pub(super) fn write_checkpoint(&mut self, clean: bool) -> Result<()> {
        let checkpoint = self.checkpoint(clean);
        let bytes = self.publish(&checkpoint)?;
        self.observe_checkpoint(&checkpoint, bytes);
        Ok(())
    }

    /// What an opening must know now.
    pub(super) fn checkpoint(&self, clean: bool) -> Checkpoint {
        Checkpoint {
            log_start_offset: self.log_start_offset(),
            recovery_point: self.high_watermark(),
            active_segment: self.active.base_offset(),
            cleaned_up_to: self.shared.cleaned_up_to(),
            first_dirty_offset: self.compaction.first_dirty_offset,
            delete_horizon_ms: self.compaction.delete_horizon_ms,
            clean,
        }
    }

    /// Replaces the checkpoint, and returns its size. If that fails and the old one stands, the log may go on.
    pub(super) fn publish(&self, checkpoint: &Checkpoint) -> Result<u64> {
        checkpoint.write(&*self.storage).map_err(|unwritten| match unwritten {
            Unwritten::OldStands(error) => Error::Io(error),
            Unwritten::Unsure(error) => self.shared.poison(error),
        })
    }

    pub(super) fn observe_checkpoint(&self, checkpoint: &Checkpoint, bytes: u64) {
        let Checkpoint { log_start_offset, recovery_point, clean, .. } = *checkpoint;
        self.shared.observer.observe(|| Event::CheckpointWritten {
            log_start_offset,
            recovery_point,
            clean,
            bytes,
        });
    }
}
