//! The picture: what the events so far add up to.
//!
//! [`Picture::log`] is the log itself and can be compared with the log's files; the rest is about the current
//! step: what it touches, how far a fetch has come. The picture knows nothing of pixels, time or the engine's
//! own memory, so that live brokers, the playground and tests can all fold into it.

mod fold;
mod list;

use std::collections::HashMap;
use std::sync::Arc;

use crate::log::TEMPORARY;
use crate::log::event::{BatchInfo, StoppedBy};
use crate::segment::{
    INDEX_SUFFIX, IndexEntry, LOG_SUFFIX, SNAPSHOT_SUFFIX, TIME_INDEX_SUFFIX, TimeIndexEntry, file_name,
};

pub use list::{Iter, List};

/// What the events so far add up to. A clone is cheap: it shares the segments, and each segment its batches.
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
    /// What the last event was about because of: the newer record for which an older one goes.
    pub cause: Focus,
    /// What the last event took away, as it was, and with it what the same retention or compaction did before:
    /// segments with the batches that are gone. A segment that the log still has lost these batches only, or, if there
    /// are none, is written anew and was of this size; any other is gone as a whole.
    pub gone: Vec<Arc<SegmentPicture>>,
    /// What is wrong with the disk, on command.
    pub disk: DiskPicture,
    /// The records that the compaction under way lets go, by segment and offset.
    pub removed: List<(u64, u64)>,
    /// What was known of the segments before the opening that is under way: it holds for those that recovery does
    /// not scan.
    before: Vec<Arc<SegmentPicture>>,
}

/// What is wrong with the disk, on command.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiskPicture {
    /// How many bytes it takes in all; `None` is any number.
    pub limit: Option<u64>,
    /// The next sync is going to fail.
    pub sync_fails: bool,
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
    /// A sync failed: fetches work, appends wait for the next opening.
    Poisoned,
}

/// The log: what its files hold, and its bounds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogPicture {
    /// The segments, oldest first. The last one is active.
    pub segments: Vec<Arc<SegmentPicture>>,
    /// The first offset in the log.
    pub log_start_offset: u64,
    /// Consumers read below this; everything from here on is not durable yet.
    pub high_watermark: u64,
    /// The next offset to be assigned.
    pub log_end_offset: u64,
    /// Everything below is durable, as the checkpoint has it: the next opening relies on that.
    pub recovery_point: u64,
    /// Other files and their sizes, by name: the checkpoint, snapshots of producers, files that recovery has not
    /// looked at yet, and indexes whose `.log` file is gone.
    pub other_files: Arc<Vec<(String, u64)>>,
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
    pub batches: List<BatchInfo>,
    /// The entries of the offset index.
    pub index: List<IndexEntry>,
    /// Bytes in the `.index` file; `None` if it is missing. Other than the entries' only if it is damaged.
    pub index_size: Option<u64>,
    /// The entries of the time index.
    pub time_index: List<TimeIndexEntry>,
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
    pub skipped: List<(u64, u64, u32)>,
    /// The batches in the answer.
    pub taken: List<TakenBatch>,
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
    /// Bytes in the answer with it.
    pub used: u64,
}

impl LogPicture {
    /// The names and sizes of the files, by name.
    pub fn files(&self) -> Vec<(String, u64)> {
        let mut files = Vec::clone(&self.other_files);
        files.extend(self.segments.iter().flat_map(|segment| segment.files()));
        files.sort_unstable();
        files
    }

    /// The segment with this base offset.
    pub fn segment(&self, base_offset: u64) -> Option<&SegmentPicture> {
        self.place(base_offset).map(|at| &*self.segments[at])
    }

    fn segment_mut(&mut self, base_offset: u64) -> Option<&mut SegmentPicture> {
        self.place(base_offset).map(|at| Arc::make_mut(&mut self.segments[at]))
    }

    /// The batch that holds an offset.
    fn batch_focus(&self, offset: u64) -> Focus {
        let after = self.segments.partition_point(|segment| segment.base_offset <= offset);
        let batch = after.checked_sub(1).and_then(|at| {
            let batches = &self.segments[at].batches;
            batches.get(batches.partition_point(|batch| batch.last_offset < offset))
        });
        let batch = batch.filter(|batch| batch.base_offset <= offset);
        batch.map_or(Focus::None, |batch| Focus::Batch(batch.segment, batch.position))
    }

    /// The place of an entry in a segment's offset index. An index that is damaged may not be in order.
    fn entry_place(&self, base_offset: u64, entry: IndexEntry) -> Option<usize> {
        self.segment(base_offset)?.index.iter().position(|other| *other == entry)
    }

    fn place(&self, base_offset: u64) -> Option<usize> {
        self.segments.binary_search_by_key(&base_offset, |segment| segment.base_offset).ok()
    }

    /// What the log has no longer of a segment as it was; `None` if it has all of its batches.
    fn lost_of(&self, was: Arc<SegmentPicture>) -> Option<Arc<SegmentPicture>> {
        let Some(now) = self.segment(was.base_offset) else { return Some(was) };
        let (kept, all) = (now.batches.len(), was.batches.len());
        let lost = |was: &SegmentPicture| was.batches.range(kept..all).cloned().collect();
        (kept < all).then(|| Arc::new(SegmentPicture { batches: lost(&was), ..(*was).clone() }))
    }

    /// Takes a file off the others, and returns its size.
    fn take_other(&mut self, name: &str) -> Option<u64> {
        let at = self.find_other(name).ok()?;
        Some(Arc::make_mut(&mut self.other_files).remove(at).1)
    }

    /// A file was written beside the one of its name, and took its place. If that failed before, it was left there.
    fn replace_other(&mut self, name: String, size: u64) {
        self.take_temporary(&name);
        self.set_other(name, size);
    }

    fn take_temporary(&mut self, name: &str) {
        self.take_other(&format!("{name}{TEMPORARY}"));
    }

    /// Puts a file among the others, or gives it another size.
    fn set_other(&mut self, name: String, size: u64) {
        match self.find_other(&name) {
            Ok(at) if self.other_files[at].1 == size => {}
            Ok(at) => Arc::make_mut(&mut self.other_files)[at].1 = size,
            Err(at) => Arc::make_mut(&mut self.other_files).insert(at, (name, size)),
        }
    }

    fn find_other(&self, name: &str) -> Result<usize, usize> {
        self.other_files.binary_search_by(|(file, _)| file.as_str().cmp(name))
    }

    /// Puts a segment in the place of others, of which it keeps the first one's name. Returns those whose names are
    /// gone, with the batches that went.
    fn replace(&mut self, sources: &[u64], by: SegmentPicture) -> Vec<Arc<SegmentPicture>> {
        let replaced = |segment: &mut Arc<SegmentPicture>| sources.contains(&segment.base_offset);
        let mut gone: Vec<Arc<SegmentPicture>> = self.segments.extract_if(.., replaced).collect();
        gone.retain(|segment| segment.base_offset != by.base_offset);
        for segment in &mut gone {
            let stays = |batch: &&BatchInfo| {
                by.batches.binary_search_by_key(&batch.base_offset, |other| other.base_offset).is_ok()
            };
            let batches = segment.batches.iter().filter(|batch| !stays(batch)).cloned().collect();
            *segment = Arc::new(SegmentPicture { batches, ..(**segment).clone() });
            self.take_other(&file_name(segment.base_offset, SNAPSHOT_SUFFIX));
        }
        let at = self.segments.partition_point(|segment| segment.base_offset < by.base_offset);
        self.segments.insert(at, Arc::new(by));
        gone
    }

    /// The files are these, and nothing in memory counts any more: batches and entries that are not whole in
    /// the files are gone.
    fn reduce_to(&mut self, files: &[(String, u64)]) {
        let mut sizes: HashMap<&str, u64> = files.iter().map(|(name, size)| (name.as_str(), *size)).collect();
        let mut size_of = |base, suffix| sizes.remove(file_name(base, suffix).as_str());
        self.segments.retain_mut(|segment| {
            let base = segment.base_offset;
            let Some(size) = size_of(base, LOG_SUFFIX) else { return false };
            let (index_size, time_index_size) =
                (size_of(base, INDEX_SUFFIX), size_of(base, TIME_INDEX_SUFFIX));
            // Most segments have lost nothing, and stay shared.
            if !segment.is_reduced_to(size, index_size, time_index_size) {
                Arc::make_mut(segment).reduce_to(size, index_size, time_index_size);
            }
            true
        });
        let unknown = |file: &&(String, u64)| sizes.contains_key(file.0.as_str());
        self.other_files = Arc::new(files.iter().filter(unknown).cloned().collect());
        let end = |last: &Arc<SegmentPicture>| {
            last.batches.last().map_or(last.base_offset, |batch| batch.last_offset + 1)
        };
        self.log_end_offset = self.segments.last().map_or(self.log_start_offset, end);
        self.high_watermark = self.high_watermark.min(self.log_end_offset);
    }
}

impl SegmentPicture {
    /// The names and sizes of the segment's files, by name.
    pub fn files(&self) -> impl Iterator<Item = (String, u64)> + use<> {
        let sizes = [
            (INDEX_SUFFIX, self.index_size),
            (LOG_SUFFIX, Some(self.size)),
            (TIME_INDEX_SUFFIX, self.time_index_size),
        ];
        let base = self.base_offset;
        sizes.into_iter().filter_map(move |(suffix, size)| Some((file_name(base, suffix), size?)))
    }

    /// An empty segment with its files.
    fn created(base_offset: u64) -> Self {
        Self { base_offset, index_size: Some(0), time_index_size: Some(0), ..Self::default() }
    }

    /// Whether it holds no more than files of these sizes can, and has these sizes.
    fn is_reduced_to(&self, size: u64, index_size: Option<u64>, time_index_size: Option<u64>) -> bool {
        (self.size, self.index_size, self.time_index_size) == (size, index_size, time_index_size)
            && self.batches.last().is_none_or(|last| last.end() <= size)
            && self.index.len() as u64 * 8 <= index_size.unwrap_or(0)
            && self.time_index.len() as u64 * 12 <= time_index_size.unwrap_or(0)
    }

    /// Leaves what is whole in files of these sizes.
    fn reduce_to(&mut self, size: u64, index_size: Option<u64>, time_index_size: Option<u64>) {
        (self.size, self.index_size, self.time_index_size) = (size, index_size, time_index_size);
        self.batches.truncate(self.batches.partition_point(|batch| batch.end() <= size));
        self.index.truncate(index_size.unwrap_or(0) as usize / 8);
        self.time_index.truncate(time_index_size.unwrap_or(0) as usize / 12);
    }

    /// Cuts the segment to the batches before `position`, and the indexes to the entries that came with them.
    fn truncate(&mut self, position: u64) {
        self.size = position;
        self.batches.truncate(self.batches.partition_point(|batch| batch.end() <= position));
        self.index.truncate(self.index.partition_point(|entry| u64::from(entry.position) < position));
        let last = self.index.last().map(|entry| entry.relative_offset);
        let stays = |entry: &TimeIndexEntry| last.is_some_and(|last| entry.relative_offset <= last);
        self.time_index.truncate(self.time_index.partition_point(stays));
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
