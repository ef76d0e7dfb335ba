//! The picture: what the events so far add up to.
//!
//! [`Picture::log`] is the log itself and can be compared with the log's files; the rest is about the current
//! step: what it touches, how far a fetch has come. The picture knows nothing of pixels, time or the engine's
//! own memory, so that live brokers, the playground and tests can all fold into it.

use crate::log::CHECKPOINT_FILE;
use crate::log::event::{BatchInfo, DeleteReason, Event as LogEvent, IndexKind, StoppedBy};
use crate::segment::{
    INDEX_SUFFIX, IndexEntry, LOG_SUFFIX, SNAPSHOT_SUFFIX, TIME_INDEX_SUFFIX, TimeIndexEntry, file_name,
    parse_file_name,
};

use super::Event;

/// What the events so far add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    /// The log and its files.
    pub log: LogPicture,
    /// Whether it is open.
    pub state: State,
    /// What the last event was about.
    pub focus: Focus,
    /// The last fetch, as far as it has come. A later action other than a fetch clears it.
    pub fetch: Option<FetchPicture>,
    /// What the last event took away, as it was, and with it what a run of deletions did before: segments with
    /// the batches that are gone. A segment that the log still has lost these batches only; any other is gone as a
    /// whole.
    pub gone: Vec<SegmentPicture>,
    /// What was known of the segments before the opening that is under way: it holds for those that recovery does
    /// not scan.
    before: Vec<SegmentPicture>,
}

/// Whether the log is in use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum State {
    /// There are only files, if any.
    #[default]
    Closed,
    /// Recovery is reading the files.
    Recovering,
    /// Appends and fetches work.
    Open,
    /// The power failed; there are only files.
    Crashed,
}

/// The log: what its files hold, and its bounds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogPicture {
    /// The segments, oldest first. The last one is active.
    pub segments: Vec<SegmentPicture>,
    /// The first offset in the log.
    pub log_start_offset: u64,
    /// Consumers read below this; everything from here on is not durable yet.
    pub high_watermark: u64,
    /// The next offset to be assigned.
    pub log_end_offset: u64,
    /// Other files and their sizes, by name: the checkpoint, snapshots of producers, files that recovery has not
    /// looked at yet, and indexes whose `.log` file is gone.
    pub other_files: Vec<(String, u64)>,
    /// `segment.bytes`.
    pub segment_bytes: u32,
    /// `index.interval.bytes`.
    pub index_interval_bytes: u32,
}

/// One segment's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SegmentPicture {
    /// The base offset, which names the files.
    pub base_offset: u64,
    /// Bytes in the `.log` file. Larger than the batches' while recovery has not read them all, or when half a
    /// batch survived a crash.
    pub size: u64,
    /// The batches, by position.
    pub batches: Vec<BatchInfo>,
    /// The entries of the offset index.
    pub index: Vec<IndexEntry>,
    /// Bytes in the `.index` file; `None` if it is missing. Other than the entries' only if it is damaged.
    pub index_size: Option<u64>,
    /// The entries of the time index.
    pub time_index: Vec<TimeIndexEntry>,
    /// Bytes in the `.timeindex` file; `None` if it is missing. Other than the entries' only if it is damaged.
    pub time_index_size: Option<u64>,
}

/// What the last event was about: the object to outline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Focus {
    /// Nothing in particular.
    #[default]
    None,
    /// A segment, by base offset.
    Segment(u64),
    /// A batch, by segment and position.
    Batch(u64, u64),
    /// An index entry, by segment and its place in the index.
    IndexEntry(u64, usize),
    /// A time index entry, by segment and its place in the index.
    TimeIndexEntry(u64, usize),
    /// A position in a segment.
    Position(u64, u64),
}

/// A fetch, as far as it has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchPicture {
    /// The offset asked for.
    pub offset: u64,
    /// The budget in bytes.
    pub max_bytes: u64,
    /// The floor segment, by base offset.
    pub floor_segment: Option<u64>,
    /// Where the index told the scan to start: segment, the entry if there was one, position.
    pub looked_up: Option<(u64, Option<IndexEntry>, u64)>,
    /// The batches that the scan hopped over: segment, position, size.
    pub skipped: Vec<(u64, u64, u32)>,
    /// The batches in the answer.
    pub taken: Vec<TakenBatch>,
    /// Bytes in the answer.
    pub used: u64,
    /// Why it stopped, with the size of the batch that was not taken, once it has.
    pub stopped: Option<(StoppedBy, Option<u32>)>,
    /// Where the reader goes on, once the fetch has stopped.
    pub next_offset: u64,
}

/// A batch in a fetch's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenBatch {
    /// Which batch.
    pub batch: BatchInfo,
    /// Whether it came whole though it is larger than `max_bytes`.
    pub first_whole: bool,
}

impl LogPicture {
    /// The names and sizes of the files, by name.
    pub fn files(&self) -> Vec<(String, u64)> {
        let mut files = self.other_files.clone();
        for segment in &self.segments {
            if let Some(size) = segment.index_size {
                files.push((file_name(segment.base_offset, INDEX_SUFFIX), size));
            }
            if let Some(size) = segment.time_index_size {
                files.push((file_name(segment.base_offset, TIME_INDEX_SUFFIX), size));
            }
            files.push((file_name(segment.base_offset, LOG_SUFFIX), segment.size));
        }
        files.sort_unstable();
        files
    }

    /// The segment with this base offset.
    pub fn segment(&self, base_offset: u64) -> Option<&SegmentPicture> {
        self.place(base_offset).map(|at| &self.segments[at])
    }

    fn segment_mut(&mut self, base_offset: u64) -> Option<&mut SegmentPicture> {
        self.place(base_offset).map(|at| &mut self.segments[at])
    }

    /// The batch that holds an offset.
    fn batch_focus(&self, offset: u64) -> Focus {
        let after = self.segments.partition_point(|segment| segment.base_offset <= offset);
        let batches = after.checked_sub(1).map_or(&[][..], |at| &self.segments[at].batches[..]);
        let batch = batches.get(batches.partition_point(|batch| batch.last_offset < offset));
        let batch = batch.filter(|batch| batch.base_offset <= offset);
        batch.map_or(Focus::None, |batch| Focus::Batch(batch.segment, batch.position))
    }

    fn place(&self, base_offset: u64) -> Option<usize> {
        self.segments.binary_search_by_key(&base_offset, |segment| segment.base_offset).ok()
    }

    /// What the log has no longer of a segment as it was; `None` if it has all of its batches.
    fn lost_of(&self, mut was: SegmentPicture) -> Option<SegmentPicture> {
        let Some(now) = self.segment(was.base_offset) else { return Some(was) };
        was.batches.drain(..now.batches.len().min(was.batches.len()));
        (!was.batches.is_empty()).then_some(was)
    }

    /// Takes a file off the others, and returns its size.
    fn take_other(&mut self, name: &str) -> Option<u64> {
        let at = self.other_files.iter().position(|(file, _)| file == name)?;
        Some(self.other_files.remove(at).1)
    }

    /// Puts a file among the others, or gives it another size.
    fn set_other(&mut self, name: String, size: u64) {
        match self.other_files.binary_search_by(|(file, _)| file.cmp(&name)) {
            Ok(at) => self.other_files[at].1 = size,
            Err(at) => self.other_files.insert(at, (name, size)),
        }
    }

    /// Puts a segment in the place of others, of which it keeps the first one's name.
    fn replace(&mut self, sources: &[u64], by: SegmentPicture) {
        self.segments.retain(|segment| !sources.contains(&segment.base_offset));
        for gone in sources.iter().filter(|source| **source != by.base_offset) {
            self.take_other(&file_name(*gone, SNAPSHOT_SUFFIX));
        }
        let at = self.segments.partition_point(|segment| segment.base_offset < by.base_offset);
        self.segments.insert(at, by);
    }

    /// The files are these, and nothing in memory counts any more: batches and entries that are not whole in
    /// the files are gone.
    fn reduce_to(&mut self, files: &[(String, u64)]) {
        let size_of = |base, suffix| {
            let name = file_name(base, suffix);
            files.iter().find(|(file, _)| *file == name).map(|(_, size)| *size)
        };
        self.segments.retain_mut(|segment| {
            let Some(size) = size_of(segment.base_offset, LOG_SUFFIX) else { return false };
            segment.size = size;
            segment.batches.retain(|batch| batch.end() <= size);
            segment.index_size = size_of(segment.base_offset, INDEX_SUFFIX);
            segment.index.truncate(segment.index_size.unwrap_or(0) as usize / 8);
            segment.time_index_size = size_of(segment.base_offset, TIME_INDEX_SUFFIX);
            segment.time_index.truncate(segment.time_index_size.unwrap_or(0) as usize / 12);
            true
        });
        self.other_files.clear();
        let known = self.files();
        let unknown = |file: &&(String, u64)| !known.iter().any(|(name, _)| *name == file.0);
        self.other_files = files.iter().filter(unknown).cloned().collect();
        let end = |last: &SegmentPicture| {
            last.batches.last().map_or(last.base_offset, |batch| batch.last_offset + 1)
        };
        self.log_end_offset = self.segments.last().map_or(self.log_start_offset, end);
        self.high_watermark = self.high_watermark.min(self.log_end_offset);
    }
}

impl SegmentPicture {
    /// An empty segment with its files.
    fn created(base_offset: u64) -> Self {
        Self { base_offset, index_size: Some(0), time_index_size: Some(0), ..Self::default() }
    }

    /// Cuts the segment to the batches before `position`, and the indexes to the entries that came with them.
    fn truncate(&mut self, position: u64) {
        self.size = position;
        self.batches.retain(|batch| batch.end() <= position);
        self.index.retain(|entry| u64::from(entry.position) < position);
        let last = self.index.last().map(|entry| entry.relative_offset);
        self.time_index.retain(|entry| last.is_some_and(|last| entry.relative_offset <= last));
        self.measure_indexes();
    }

    /// The index files hold their entries, if they are there.
    fn measure_indexes(&mut self) {
        self.index_size = self.index_size.map(|_| self.index.len() as u64 * 8);
        self.time_index_size = self.time_index_size.map(|_| self.time_index.len() as u64 * 12);
    }

    fn push_batch(&mut self, batch: &BatchInfo) {
        self.size = self.size.max(batch.end());
        self.batches.push(batch.clone());
    }
}

impl Picture {
    /// A log that is closed, with what its files hold: where to begin to fold if the files are older than the
    /// events. An opening does not tell the batches of a segment that it trusts.
    pub fn closed(log: LogPicture) -> Self {
        Self { log, ..Self::default() }
    }

    /// Folds one event in.
    pub fn apply(&mut self, event: &Event) {
        if !goes_on_deleting(event) {
            self.gone.clear();
        }
        match event {
            Event::Log(event) => self.apply_log(event),
            Event::Crashed { files, .. } => {
                self.begin(State::Crashed);
                let before = self.log.segments.clone();
                self.log.reduce_to(files);
                self.gone = before.into_iter().filter_map(|was| self.log.lost_of(was)).collect();
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

    /// A new action: what the last one was about is over.
    fn begin(&mut self, state: State) {
        self.state = state;
        self.focus = Focus::None;
        self.fetch = None;
    }

    fn lose(&mut self, file: &str) {
        self.log.take_other(file);
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
            segment.time_index.clear();
            segment.time_index_size = None;
            self.focus = Focus::Segment(base);
        }
        if let Some(base) = parse_file_name(file, INDEX_SUFFIX)
            && let Some(segment) = self.log.segment_mut(base)
        {
            segment.index.clear();
            segment.index_size = None;
            self.focus = Focus::Segment(base);
        }
    }

    fn apply_log(&mut self, event: &LogEvent) {
        match event {
            LogEvent::RecoveryStarted { files, segment_bytes, index_interval_bytes, .. } => {
                self.begin(State::Recovering);
                self.before = std::mem::take(&mut self.log.segments);
                self.log = LogPicture {
                    segment_bytes: *segment_bytes,
                    index_interval_bytes: *index_interval_bytes,
                    other_files: files.clone(),
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
                self.log.segments.push(found);
                self.focus = Focus::Segment(*segment);
            }
            LogEvent::SegmentTrusted { segment, log_bytes, index_bytes, time_index_bytes } => {
                for suffix in [LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX] {
                    self.log.take_other(&file_name(*segment, suffix));
                }
                let before = self.before.iter().position(|known| known.base_offset == *segment);
                let mut trusted = before.map(|at| self.before.swap_remove(at)).unwrap_or_default();
                trusted.base_offset = *segment;
                trusted.size = *log_bytes;
                trusted.index_size = Some(*index_bytes);
                trusted.time_index_size = Some(*time_index_bytes);
                self.log.segments.push(trusted);
                self.focus = Focus::Segment(*segment);
            }
            LogEvent::BatchRecovered { batch } | LogEvent::BatchAppended { batch } => {
                if !matches!(event, LogEvent::BatchRecovered { .. }) {
                    self.begin(self.state);
                }
                self.push_batch(batch);
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
            LogEvent::SegmentCreated { segment } => {
                self.log.segments.push(SegmentPicture::created(*segment));
                self.focus = Focus::Segment(*segment);
            }
            LogEvent::SegmentRolled { segment, .. } => {
                self.begin(self.state);
                self.focus = Focus::Segment(*segment);
            }
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
            LogEvent::SnapshotWritten { offset, bytes, .. } => {
                self.log.set_other(file_name(*offset, SNAPSHOT_SUFFIX), *bytes);
            }
            LogEvent::CheckpointWritten { bytes, .. } => {
                self.log.set_other(CHECKPOINT_FILE.to_owned(), *bytes);
            }
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
                if let Some(segment) = self.log.segment_mut(*segment) {
                    let was = segment.clone();
                    segment.truncate(*position);
                    self.gone.extend(self.log.lost_of(was));
                }
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
            _ => {
                self.apply_look_up(event);
                self.apply_compaction(event);
                self.apply_fetch(event);
            }
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
                let index = self.log.segment(*segment).map_or(&[][..], |segment| &segment.time_index[..]);
                let at = entry.and_then(|entry| index.iter().rposition(|other| *other == entry));
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
            | LogEvent::CompactionFinished { .. } => self.begin(self.state),
            LogEvent::RecordRemoved { segment, offset, .. } => {
                let batches =
                    self.log.segment(*segment).map(|segment| &segment.batches[..]).unwrap_or_default();
                let at = batches.partition_point(|batch| batch.last_offset < *offset);
                self.focus =
                    batches.get(at).map_or(Focus::None, |batch| Focus::Batch(*segment, batch.position));
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
                    batches: batches.clone(),
                    index_size: Some(index.len() as u64 * 8),
                    index: index.clone(),
                    time_index_size: Some(time_index.len() as u64 * 12),
                    time_index: time_index.clone(),
                };
                self.log.replace(sources, compacted);
                self.focus = Focus::Segment(*segment);
            }
            LogEvent::SwapsCompleted { files, .. } => self.log.other_files.clone_from(files),
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
                let index = self.log.segment(*segment).map(|segment| &segment.index[..]).unwrap_or_default();
                let entry = found.and_then(|found| index.iter().position(|entry| *entry == found));
                self.focus = match entry {
                    Some(at) => Focus::IndexEntry(*segment, at),
                    None => Focus::Position(*segment, *position),
                };
            }
            LogEvent::IndexRejected { segment, entry } => {
                let index = self.log.segment(*segment).map(|segment| &segment.index[..]).unwrap_or_default();
                let at = index.iter().position(|other| other == entry);
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
                fetch.taken.push(TakenBatch { batch: batch.clone(), first_whole });
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

/// Whether an event deletes a segment as the one before it may have done: retention takes them in one go.
fn goes_on_deleting(event: &Event) -> bool {
    let Event::Log(LogEvent::SegmentDeleted { reason, .. }) = event else { return false };
    *reason != DeleteReason::Truncated
}
