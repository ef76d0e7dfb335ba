//! Which old segments go, and how.
//!
//! Whole segments, oldest first, never the active one. The log start offset moves first and durably, so that a
//! crash at any point leaves files that the next opening knows to be due; then the files are renamed to
//! `.deleted`, then removed. Readers that are in the middle of such a segment go on: their handles outlive it.
//!
//! Source: Kafka's `UnifiedLog.deleteOldSegments` and `deleteRecords` (KIP-107).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::error::{Error, Result};
use crate::segment::{DELETED_SUFFIX, SEGMENT_SUFFIXES, SNAPSHOT_SUFFIX, Segment, file_name};
use crate::storage::Storage;

use super::checkpoint::Checkpoint;
use super::event::{DeleteReason, Event, Observer};
use super::{PartitionLog, SegmentInfo, segment_info};

impl<S: Storage, O: Observer> PartitionLog<S, O> {
    /// Deletes the segments that `retention.ms` and `retention.bytes` let go, if `cleanup.policy` deletes, and
    /// those below the log start offset; forgets producers that have been silent for too long. Returns the
    /// deleted segments.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::Poisoned`] after a failed sync.
    pub fn apply_retention(&mut self, now_ms: i64) -> Result<Vec<SegmentInfo>> {
        self.shared.check_poison()?;
        let expiration_ms = i64::try_from(self.config.producer_id_expiration_ms).unwrap_or(i64::MAX);
        self.producers.expire(now_ms, expiration_ms);
        let segments = self.shared.segments();
        let mut log_bytes: u64 = segments.iter().map(|segment| segment.size()).sum();
        let (count, policy) = (segments.len(), self.config.cleanup_policy);
        self.shared.observer.observe(|| Event::RetentionStarted {
            segments: count,
            log_bytes,
            now_ms,
            policy,
        });
        let mut due = Vec::new();
        for pair in segments.windows(2) {
            let (segment, next) = (&pair[0], &pair[1]);
            let Some(reason) = self.reason_to_delete(segment, next.base_offset(), log_bytes, now_ms)? else {
                break;
            };
            log_bytes -= segment.size();
            due.push((Arc::clone(segment), reason));
        }
        if let Some(next) = segments.get(due.len()).filter(|_| !due.is_empty()) {
            self.move_log_start(self.log_start_offset().max(next.base_offset()))?;
        }
        self.delete_segments(&due)
    }

    /// Makes `offset` the first offset of the log, durably. The records before it can no longer be fetched, and
    /// the segments that hold nothing else are deleted. Returns the new log start offset, which stays where it was
    /// if it is already at or beyond `offset`.
    ///
    /// # Errors
    /// [`Error::OffsetOutOfRange`] above the high watermark.
    pub fn delete_records_before(&mut self, offset: u64) -> Result<u64> {
        self.shared.check_poison()?;
        let (log_start_offset, high_watermark) = (self.log_start_offset(), self.high_watermark());
        if offset > high_watermark {
            return Err(Error::OffsetOutOfRange {
                requested: offset,
                log_start_offset,
                log_end_offset: high_watermark,
            });
        }
        self.move_log_start(offset.max(log_start_offset))?;
        let segments = self.shared.segments();
        let below = segments.windows(2).take_while(|pair| pair[1].base_offset() <= offset);
        let due: Vec<_> = below.map(|pair| (Arc::clone(&pair[0]), DeleteReason::LogStart)).collect();
        self.delete_segments(&due)?;
        Ok(self.log_start_offset())
    }

    fn reason_to_delete(
        &self,
        segment: &Segment<S::File>,
        next_base: u64,
        log_bytes: u64,
        now_ms: i64,
    ) -> Result<Option<DeleteReason>> {
        if next_base <= self.log_start_offset() {
            return Ok(Some(DeleteReason::LogStart));
        }
        if !self.config.cleanup_policy.deletes() {
            return Ok(None);
        }
        if let Some(retention_ms) = self.config.retention_ms
            && let Some(largest) = self.shared.largest_timestamp(segment)?
        {
            let age_ms = now_ms.saturating_sub(largest.timestamp);
            if age_ms > i64::try_from(retention_ms).unwrap_or(i64::MAX) {
                return Ok(Some(DeleteReason::Time { age_ms, retention_ms }));
            }
        }
        if let Some(retention_bytes) = self.config.retention_bytes
            && log_bytes - segment.size() >= retention_bytes
            && log_bytes > retention_bytes
        {
            return Ok(Some(DeleteReason::Size { log_bytes, retention_bytes }));
        }
        Ok(None)
    }

    /// The checkpoint first: if it cannot be written, nothing has happened.
    fn move_log_start(&mut self, to: u64) -> Result<()> {
        let from = self.log_start_offset();
        let checkpoint = Checkpoint { log_start_offset: to, ..self.checkpoint(false) };
        let written = if from == to { None } else { Some(self.publish(&checkpoint)?) };
        self.shared.log_start_offset.store(to, Ordering::Release);
        self.shared.observer.observe(|| Event::LogStartMoved { from, to });
        written.into_iter().for_each(|bytes| self.observe_checkpoint(&checkpoint, bytes));
        Ok(())
    }

    /// Takes segments out of the log and removes their files. Nothing depends on when that is durable.
    pub(super) fn delete_segments(
        &mut self,
        due: &[(Arc<Segment<S::File>>, DeleteReason)],
    ) -> Result<Vec<SegmentInfo>> {
        for (segment, reason) in due {
            // What cannot be removed now stays in the log's list, below its start, and is tried again: an older
            // segment must not be left behind by a newer one.
            delete_files(&*self.storage, segment.base_offset())?;
            self.shared.change_segments(|segments| segments.retain(|other| !Arc::ptr_eq(other, segment)));
            let (segment, bytes, reason) = (segment.base_offset(), segment.size(), *reason);
            self.shared.observer.observe(|| Event::SegmentDeleted { segment, bytes, reason });
        }
        Ok(due.iter().map(|(segment, _)| segment_info(segment)).collect())
    }
}

/// Removes a segment's files, those that are there. The `.log` goes after the indexes: without it nobody would know that
/// they are left over from a deletion and not from a loss. The snapshot goes last, for if the segment comes back, it may
/// be all that is known of producers.
pub(super) fn delete_files<S: Storage>(storage: &S, base_offset: u64) -> std::io::Result<()> {
    let names = SEGMENT_SUFFIXES.iter().rev().chain([&SNAPSHOT_SUFFIX]);
    let mut renamed = Vec::new();
    for name in names.map(|suffix| file_name(base_offset, suffix)) {
        let deleted = format!("{name}{DELETED_SUFFIX}");
        match storage.rename(&name, &deleted) {
            Ok(()) => renamed.push(deleted),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    renamed.iter().try_for_each(|name| storage.remove(name))
}
