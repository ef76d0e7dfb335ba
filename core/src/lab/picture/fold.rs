//! Folding: what each event does to the picture.

use std::sync::Arc;

use crate::log::CHECKPOINT_FILE;
use crate::log::event::{BatchInfo, CheckpointFound, DeleteReason, Event as LogEvent, IndexKind, Removal};
use crate::segment::{
    INDEX_SUFFIX, LOG_SUFFIX, SNAPSHOT_SUFFIX, TIME_INDEX_SUFFIX, file_name, parse_file_name,
};

use super::{FetchPicture, Focus, List, LogPicture, Picture, SegmentPicture, State, TakenBatch};
use crate::lab::{AfterFault, Event};

impl Picture {
    /// A log that is closed, with what its files hold: where to begin to fold if the files are older than the
    /// events. An opening does not tell the batches of a segment that it trusts.
    pub fn closed(log: LogPicture) -> Self {
        Self { log, ..Self::default() }
    }

    /// Folds one event in.
    pub fn apply(&mut self, event: &Event) {
        if !goes_on(event) {
            self.gone.clear();
        }
        self.cause = Focus::None;
        match event {
            Event::Log(event) => self.apply_log(event),
            Event::Crashed { files, .. } => {
                self.begin(State::Crashed);
                self.reduce_to(files);
            }
            Event::ClockMoved { .. } => self.begin(self.state),
            Event::Closed => self.begin(State::Closed),
            Event::Reset => *self = Self::default(),
            Event::ConfigChanged { key, value, .. } => {
                self.begin(self.state);
                match (key.as_str(), value.parse()) {
                    ("segment.bytes", Ok(value)) => self.log.segment_bytes = value,
                    ("index.interval.bytes", Ok(value)) => self.log.index_interval_bytes = value,
                    _ => {}
                }
            }
            Event::ByteFlipped { file, position } => {
                self.begin(self.state);
                if let Some(segment) = parse_file_name(file, LOG_SUFFIX) {
                    self.focus = Focus::Position(segment, *position);
                }
            }
            Event::FileLost { file } => {
                self.begin(self.state);
                self.lose(file);
            }
            Event::DiskLimited { limit, .. } => {
                self.begin(self.state);
                self.disk.limit = *limit;
            }
            Event::SyncWillFail => {
                self.begin(self.state);
                self.disk.sync_fails = true;
            }
            Event::DiskFull { files, after, .. } => self.find(files, *after),
            Event::SyncFailed { files, after, .. } => {
                self.disk.sync_fails = false;
                self.find(files, *after);
            }
            Event::FlushDue { .. } => self.begin(self.state),
            Event::Refused { .. } => {
                self.focus = Focus::None;
                // A fetch that was refused at once leaves nothing to show, and least of all the one before.
                self.fetch.take_if(|fetch| fetch.stopped.is_some());
                // Recovery that met damage does not open the log.
                if self.state == State::Recovering {
                    self.state = State::Closed;
                }
            }
        }
    }

    /// Something went wrong half-way: the files are what counts.
    fn find(&mut self, files: &[(String, u64)], after: AfterFault) {
        self.reduce_to(files);
        match after {
            AfterFault::GoesOn => {}
            AfterFault::Poisoned => self.state = State::Poisoned,
            AfterFault::Closed => self.state = State::Closed,
        }
    }

    fn reduce_to(&mut self, files: &[(String, u64)]) {
        let before = self.log.segments.clone();
        self.log.reduce_to(files);
        self.gone = before.into_iter().filter_map(|was| self.log.lost_of(was)).collect();
    }

    /// Whether nothing is shown that an action was about.
    pub(in crate::lab) fn is_at_rest(&self) -> bool {
        self.focus == Focus::None
            && self.cause == Focus::None
            && self.fetch.is_none()
            && self.gone.is_empty()
            && self.removed.is_empty()
    }

    /// Something happens elsewhere: what the last action was about is over.
    pub(in crate::lab) fn rest(&mut self) {
        self.begin(self.state);
        self.cause = Focus::None;
        self.gone.clear();
    }

    /// A new action: what the last one was about is over.
    fn begin(&mut self, state: State) {
        self.state = state;
        self.focus = Focus::None;
        self.fetch = None;
        self.removed = List::default();
    }

    fn lose(&mut self, file: &str) {
        self.log.take_other(file);
        if file == CHECKPOINT_FILE {
            self.log.recovery_point = 0;
        }
        if let Some(base) = parse_file_name(file, LOG_SUFFIX)
            && let Some(at) = self.log.place(base)
        {
            let lost = self.log.segments.remove(at);
            let left = [(INDEX_SUFFIX, lost.index_size), (TIME_INDEX_SUFFIX, lost.time_index_size)];
            for (suffix, size) in left {
                size.into_iter().for_each(|size| self.log.set_other(file_name(base, suffix), size));
            }
        }
        if let Some(base) = parse_file_name(file, TIME_INDEX_SUFFIX)
            && let Some(segment) = self.log.segment_mut(base)
        {
            segment.time_index = List::default();
            segment.time_index_size = None;
            self.focus = Focus::Segment(base);
        }
        if let Some(base) = parse_file_name(file, INDEX_SUFFIX)
            && let Some(segment) = self.log.segment_mut(base)
        {
            segment.index = List::default();
            segment.index_size = None;
            self.focus = Focus::Segment(base);
        }
    }

    fn apply_log(&mut self, event: &LogEvent) {
        self.apply_recovery(event);
        self.apply_append(event);
        self.apply_index(event);
        self.apply_cut(event);
        self.apply_look_up(event);
        self.apply_compaction(event);
        self.apply_fetch(event);
    }

    /// An opening: what was known of the files gives way to what is found in them.
    fn apply_recovery(&mut self, event: &LogEvent) {
        match event {
            LogEvent::RecoveryStarted { files, segment_bytes, index_interval_bytes, checkpoint, .. } => {
                self.begin(State::Recovering);
                // An opening that failed half-way has not found all; what was known before it still holds.
                let segments = std::mem::take(&mut self.log.segments);
                if self.before.is_empty() {
                    self.before = segments;
                }
                self.log = LogPicture {
                    segment_bytes: *segment_bytes,
                    index_interval_bytes: *index_interval_bytes,
                    other_files: Arc::new(files.clone()),
                    recovery_point: match checkpoint {
                        CheckpointFound::Valid { recovery_point, .. } => *recovery_point,
                        _ => 0,
                    },
                    ..LogPicture::default()
                };
            }
            LogEvent::SegmentFound { segment, log_bytes } => {
                self.log.take_other(&file_name(*segment, LOG_SUFFIX));
                let index_size = self.log.take_other(&file_name(*segment, INDEX_SUFFIX));
                let time_index_size = self.log.take_other(&file_name(*segment, TIME_INDEX_SUFFIX));
                let found = SegmentPicture {
                    base_offset: *segment,
                    size: *log_bytes,
                    index_size,
                    time_index_size,
                    ..SegmentPicture::default()
                };
                self.log.segments.push(Arc::new(found));
                self.focus = Focus::Segment(*segment);
            }
            LogEvent::SegmentTrusted { segment, log_bytes, index_bytes, time_index_bytes } => {
                for suffix in [LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX] {
                    self.log.take_other(&file_name(*segment, suffix));
                }
                let before = self.before.binary_search_by_key(segment, |known| known.base_offset);
                let mut trusted = before.map(|at| Arc::clone(&self.before[at])).unwrap_or_default();
                let known = Arc::make_mut(&mut trusted);
                known.base_offset = *segment;
                known.size = *log_bytes;
                known.index_size = Some(*index_bytes);
                known.time_index_size = Some(*time_index_bytes);
                self.log.segments.push(trusted);
                self.focus = Focus::Segment(*segment);
            }
            LogEvent::TailCut { segment, position, .. } => {
                self.focus = Focus::Position(*segment, *position);
                if let Some(segment) = self.log.segment_mut(*segment) {
                    segment.size = *position;
                }
            }
            LogEvent::IndexVerified { segment, index, .. }
            | LogEvent::IndexRebuilt { segment, index, .. } => {
                self.focus = Focus::Segment(*segment);
                if matches!(event, LogEvent::IndexRebuilt { .. }) {
                    self.log.take_temporary(&file_name(*segment, index.suffix()));
                }
                if let Some(segment) = self.log.segment_mut(*segment) {
                    match index {
                        IndexKind::Offset => segment.index_size = Some(segment.index.len() as u64 * 8),
                        IndexKind::Time => {
                            segment.time_index_size = Some(segment.time_index.len() as u64 * 12)
                        }
                    }
                }
            }
            LogEvent::OrphanRemoved { name } => {
                self.focus = Focus::None;
                self.log.take_other(name);
            }
            LogEvent::RecoveryFinished { log_start_offset, log_end_offset } => {
                self.begin(State::Open);
                self.before.clear();
                self.log.log_start_offset = *log_start_offset;
                self.log.log_end_offset = *log_end_offset;
                self.log.high_watermark = *log_end_offset;
            }
            _ => {}
        }
    }

    /// What appending, rolling, flushing and closing do.
    fn apply_append(&mut self, event: &LogEvent) {
        match event {
            LogEvent::BatchRecovered { batch } | LogEvent::BatchAppended { batch } => {
                if !matches!(event, LogEvent::BatchRecovered { .. }) {
                    self.begin(self.state);
                }
                self.push_batch(batch);
            }
            LogEvent::SegmentCreated { segment } => {
                // A roll that failed before may have left the files.
                for suffix in [LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX] {
                    self.log.take_other(&file_name(*segment, suffix));
                }
                self.log.segments.push(Arc::new(SegmentPicture::created(*segment)));
                self.focus = Focus::Segment(*segment);
            }
            LogEvent::SegmentRolled { segment, .. } => {
                self.begin(self.state);
                self.focus = Focus::Segment(*segment);
            }
            LogEvent::SnapshotWritten { offset, bytes, .. } => {
                self.log.replace_other(file_name(*offset, SNAPSHOT_SUFFIX), *bytes);
            }
            LogEvent::CheckpointWritten { bytes, recovery_point, .. } => {
                self.log.recovery_point = *recovery_point;
                self.log.replace_other(CHECKPOINT_FILE.to_owned(), *bytes);
            }
            LogEvent::Flushed { segment, high_watermark, .. } => {
                self.fetch = None;
                self.focus = Focus::Segment(*segment);
                self.log.high_watermark = self.log.high_watermark.max(*high_watermark);
            }
            LogEvent::DuplicateFound { base_offset, .. } => {
                self.begin(self.state);
                self.focus = self.log.batch_focus(*base_offset);
            }
            _ => {}
        }
    }

    /// Entries of both indexes.
    fn apply_index(&mut self, event: &LogEvent) {
        match event {
            LogEvent::IndexEntryAdded { segment, entry, .. } => {
                let recovering = self.state == State::Recovering;
                if let Some(picture) = self.log.segment_mut(*segment) {
                    match (recovering, picture.index_size) {
                        // What recovery finds goes into the file once the segment has been scanned.
                        (true, _) => picture.index.push(*entry),
                        (false, Some(_)) => {
                            picture.index.push(*entry);
                            picture.measure_indexes();
                        }
                        // What is added to a lost file goes nowhere that anyone will find again.
                        (false, None) => {}
                    }
                    self.focus = Focus::IndexEntry(*segment, picture.index.len().saturating_sub(1));
                }
            }
            LogEvent::TimeIndexEntryAdded { segment, entry, .. } => {
                let recovering = self.state == State::Recovering;
                if let Some(picture) = self.log.segment_mut(*segment)
                    && (recovering || picture.time_index_size.is_some())
                {
                    picture.time_index.push(*entry);
                    if !recovering {
                        picture.measure_indexes();
                    }
                    self.focus = Focus::TimeIndexEntry(*segment, picture.time_index.len() - 1);
                }
            }
            LogEvent::TimeIndexEntryRemoved { segment, .. } => {
                self.focus = Focus::Segment(*segment);
                if let Some(picture) = self.log.segment_mut(*segment) {
                    picture.time_index.pop();
                    picture.measure_indexes();
                }
            }
            _ => {}
        }
    }

    /// What goes at either end of the log.
    fn apply_cut(&mut self, event: &LogEvent) {
        match event {
            LogEvent::RetentionStarted { .. } => self.begin(self.state),
            LogEvent::LogStartMoved { to, .. } => {
                self.begin(self.state);
                self.log.log_start_offset = *to;
            }
            LogEvent::SegmentDeleted { segment, .. } => {
                self.begin(self.state);
                self.focus = Focus::Segment(*segment);
                self.gone.extend(self.log.place(*segment).map(|at| self.log.segments.remove(at)));
                self.log.take_other(&file_name(*segment, SNAPSHOT_SUFFIX));
            }
            LogEvent::Truncated { segment, position, to, high_watermark, .. } => {
                self.begin(self.state);
                self.focus = Focus::Position(*segment, *position);
                self.log.log_end_offset = *to;
                self.log.log_start_offset = self.log.log_start_offset.min(*to);
                self.log.high_watermark = *high_watermark;
                if let Some(at) = self.log.place(*segment) {
                    let was = Arc::clone(&self.log.segments[at]);
                    Arc::make_mut(&mut self.log.segments[at]).truncate(*position);
                    self.gone.extend(self.log.lost_of(was));
                }
            }
            _ => {}
        }
    }

    fn push_batch(&mut self, batch: &BatchInfo) {
        self.focus = Focus::Batch(batch.segment, batch.position);
        self.log.log_end_offset = batch.last_offset + 1;
        if let Some(segment) = self.log.segment_mut(batch.segment) {
            segment.push_batch(batch);
        }
    }

    /// The look-up of a timestamp leaves nothing but what each step is about.
    fn apply_look_up(&mut self, event: &LogEvent) {
        match event {
            LogEvent::TimeLookUpStarted { .. } => self.begin(self.state),
            LogEvent::SegmentTooOld { segment, largest: entry, .. }
            | LogEvent::TimeIndexLookedUp { segment, found: entry, .. } => {
                let index = self.log.segment(*segment).map(|segment| &segment.time_index);
                let at = index.zip(*entry).and_then(|(index, entry)| index.iter().rposition(|e| *e == entry));
                self.focus = at.map_or(Focus::Segment(*segment), |at| Focus::TimeIndexEntry(*segment, at));
            }
            LogEvent::TimeLookUpFinished { found, .. } => {
                self.focus = found.map_or(Focus::None, |(offset, _)| self.log.batch_focus(offset));
            }
            _ => {}
        }
    }

    fn apply_compaction(&mut self, event: &LogEvent) {
        match event {
            LogEvent::CompactionStarted { .. }
            | LogEvent::CompactionSkipped { .. }
            | LogEvent::CompactionAbandoned { .. }
            | LogEvent::CompactionFinished { .. } => self.begin(self.state),
            LogEvent::RecordRemoved { segment, offset, why, .. } => {
                self.removed.push((*segment, *offset));
                if let Removal::Superseded { by } = why {
                    self.cause = self.log.batch_focus(*by);
                }
                self.focus = self.log.batch_focus(*offset);
            }
            LogEvent::BatchRewritten { segment, position, .. } => {
                self.focus = Focus::Batch(*segment, *position);
            }
            LogEvent::SegmentsCompacted {
                sources, segment, bytes_after, batches, index, time_index, ..
            } => {
                let compacted = SegmentPicture {
                    base_offset: *segment,
                    size: *bytes_after,
                    batches: batches.iter().cloned().collect(),
                    index_size: Some(index.len() as u64 * 8),
                    index: index.iter().copied().collect(),
                    time_index_size: Some(time_index.len() as u64 * 12),
                    time_index: time_index.iter().copied().collect(),
                };
                let stays = |(segment, _): &&(u64, u64)| !sources.contains(segment);
                self.removed = self.removed.iter().filter(stays).copied().collect();
                // The segment that keeps its name was of another size.
                let rewritten = self.log.segment(*segment).cloned();
                self.gone.extend(
                    rewritten.map(|was| Arc::new(SegmentPicture { batches: List::default(), ..was })),
                );
                self.gone.extend(self.log.replace(sources, compacted));
                self.focus = Focus::Segment(*segment);
            }
            LogEvent::SwapsCompleted { files, .. } => self.log.other_files = Arc::new(files.clone()),
            _ => {}
        }
    }

    fn apply_fetch(&mut self, event: &LogEvent) {
        if let LogEvent::FetchStarted { offset, max_bytes, .. } = event {
            self.focus = Focus::None;
            self.fetch =
                Some(FetchPicture { offset: *offset, max_bytes: *max_bytes, ..FetchPicture::default() });
        }
        // The look-up of a timestamp scans as a fetch does, and keeps nothing of it.
        let mut nothing = FetchPicture::default();
        let fetch = self.fetch.as_mut().unwrap_or(&mut nothing);
        match event {
            LogEvent::FloorSegmentFound { segment, .. } => {
                fetch.floor_segment = Some(*segment);
                self.focus = Focus::Segment(*segment);
            }
            LogEvent::IndexLookedUp { segment, found, position, .. } => {
                fetch.looked_up = Some((*segment, *found, *position));
                let at = found.and_then(|found| self.log.entry_place(*segment, found));
                self.focus =
                    at.map_or(Focus::Position(*segment, *position), |at| Focus::IndexEntry(*segment, at));
            }
            LogEvent::IndexRejected { segment, entry } => {
                let at = self.log.entry_place(*segment, *entry);
                self.focus = at.map_or(Focus::Segment(*segment), |at| Focus::IndexEntry(*segment, at));
            }
            LogEvent::BatchSkipped { segment, position, size, .. } => {
                fetch.skipped.push((*segment, *position, *size));
                self.focus = Focus::Batch(*segment, *position);
            }
            LogEvent::ScanFinished { segment, position, .. } => {
                self.focus = Focus::Position(*segment, *position);
            }
            LogEvent::BatchFetched { batch, used, .. } | LogEvent::FirstBatchWhole { batch, used, .. } => {
                let first_whole = matches!(event, LogEvent::FirstBatchWhole { .. });
                fetch.taken.push(TakenBatch { batch: batch.clone(), first_whole, used: *used });
                fetch.used = *used;
                self.focus = Focus::Batch(batch.segment, batch.position);
            }
            LogEvent::NextSegmentEntered { segment, .. } => self.focus = Focus::Segment(*segment),
            LogEvent::FetchStopped { by, next_offset, next_batch_size, .. } => {
                fetch.stopped = Some((*by, *next_batch_size));
                fetch.next_offset = *next_offset;
                self.focus = Focus::None;
            }
            _ => {}
        }
    }
}

/// Whether an event is one of several that take away together: retention and compaction do it in one go.
fn goes_on(event: &Event) -> bool {
    match event {
        Event::Log(LogEvent::SegmentDeleted { reason, .. }) => *reason != DeleteReason::Truncated,
        Event::Log(event) => matches!(
            event,
            LogEvent::SegmentsCompacted { .. }
                | LogEvent::CompactionFinished { .. }
                | LogEvent::CheckpointWritten { .. }
        ),
        _ => false,
    }
}
