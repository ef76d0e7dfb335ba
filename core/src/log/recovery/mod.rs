//! Opening a log, and mending what a crash may have left.
//!
//! The checkpoint says what need not be looked at again. A log that was closed in good order is taken as it is;
//! its batches are checked when they are fetched. After a crash, the segments before the one that the checkpoint
//! names are whole, because the log syncs a segment before it begins the next one; the rest is scanned, batch by
//! batch: length, magic, CRC, offsets without a hole. Without a checkpoint everything is.
//!
//! In the last segment the first bad byte ends the log, and the rest is cut off and reported: a write was under
//! way when the power failed. Damage below the recovery point, or in an older segment, is no crash's doing: it
//! is an error, and nothing is cut.
//!
//! Before all that, a compaction that the crash interrupted is brought to an end, or what it wrote is removed.
//!
//! Indexes of scanned segments are compared with what the log gives, and written anew where they differ. What was
//! found is synced before anyone may read it, since the process before may have died before its own sync.

mod resume;
mod scan;
mod swaps;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Mutex, RwLock};

use crate::config::LogConfig;
use crate::error::{CorruptReason, Error, Result};
use crate::segment::{
    DELETED_SUFFIX, INDEX_ENTRY_SIZE, INDEX_SUFFIX, Indexer, LOG_SUFFIX, OffsetIndex, SEGMENT_SUFFIXES,
    SNAPSHOT_SUFFIX, Segment, TIME_INDEX_ENTRY_SIZE, TIME_INDEX_SUFFIX, TimeIndex, file_name,
    parse_file_name,
};
use crate::storage::{File, Storage};

use super::checkpoint::{CHECKPOINT_FILE, CHECKPOINT_TEMPORARY, Checkpoint};
use super::compaction::Progress;
use super::event::{CheckpointFound, Event, IndexFault, IndexKind, Observer};
use super::producers::ProducerState;
use super::retention::delete_files;
use super::snapshot::{latest_snapshot, replay, write_snapshot};
use super::{LogReader, PartitionLog, Shared, corrupt};

pub(super) use resume::{Resumed, resume, walk};

/// What follows the name of an index or snapshot that is being written.
pub(crate) const TEMPORARY: &str = ".tmp";

/// What opening a log found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Segments found.
    pub segments: usize,
    /// The base offsets of the segments that were scanned, batch by batch; the others were whole by the
    /// checkpoint.
    pub scanned_segments: Vec<u64>,
    /// Batches checked and found good.
    pub batches: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether the log had been closed in good order.
    pub clean: bool,
    /// What is wrong with the checkpoint, if it is there and useless. Then the log start offset is that of the
    /// oldest segment, and records that had been deleted may be back.
    pub damaged_checkpoint: Option<&'static str>,
    /// The torn tail, if there was one.
    pub tail_cut: Option<TailCut>,
    /// The indexes that were written anew, by their segment's base offset, and why.
    pub rebuilt_indexes: Vec<(u64, IndexKind, IndexFault)>,
    /// The base offsets of the segments that an interrupted compaction had written, and that have now taken the place
    /// of the old ones.
    pub compacted_segments: Vec<u64>,
    /// Files that belonged to nothing and were removed.
    pub removed_files: Vec<String>,
}

/// A tail that was cut off because it held no whole batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailCut {
    /// The `.log` file.
    pub file: String,
    /// Where it was cut, in bytes.
    pub position: u64,
    /// How many bytes were cut off.
    pub bytes: u64,
    /// What was wrong with them.
    pub reason: CorruptReason,
}

/// An opening under way.
struct Recovery<'a, S: Storage, O> {
    storage: &'a S,
    config: &'a LogConfig,
    observer: &'a O,
    names: Vec<String>,
    checkpoint: Option<Checkpoint>,
    report: RecoveryReport,
    segments: Vec<Arc<Segment<S::File>>>,
    /// Where the last segment stands.
    tail: Tail,
    producers: Producers,
}

/// Where a segment stands that has been opened.
#[derive(Debug, Clone, Copy)]
struct Tail {
    indexer: Indexer,
    first_timestamp: Option<i64>,
    /// The smallest offset that may come next. For a segment that was not read it is the base offset.
    next_offset: u64,
}

/// What is known of producers.
#[derive(Debug)]
enum Producers {
    /// Nothing yet: no segment has been scanned.
    Unknown,
    /// The state as of an offset: the end of what was scanned last.
    Known(ProducerState, u64),
}

pub(super) fn open<S: Storage, O: Observer>(
    storage: S,
    config: LogConfig,
    observer: O,
) -> Result<(PartitionLog<S, O>, RecoveryReport)> {
    config.validate()?;
    let mut recovery = Recovery::begin(&storage, &config, &observer)?;
    let bases = recovery.bases();
    for (at, &base) in bases.iter().enumerate() {
        recovery.segment(base, bases.get(at + 1).copied())?;
    }
    recovery.check_end()?;
    let producers = recovery.producers()?;
    recovery.remove_leftovers(&bases)?;
    if recovery.segments.is_empty() {
        recovery.first_segment()?;
    }
    let Recovery { checkpoint, report, segments, tail, .. } = recovery;

    let Some(active) = segments.last().map(Arc::clone) else { unreachable!("there is a first segment") };
    active.sync(active.size())?;
    if checkpoint.is_none() {
        // What was copied here from elsewhere was perhaps never synced.
        let sync =
            |segment: &Arc<Segment<_>>| segment.sync(segment.size()).and_then(|()| segment.sync_indexes());
        segments.iter().try_for_each(sync)?;
    }
    storage.sync_dir()?;
    let log_end_offset = tail.next_offset;
    let log_start_offset = checkpoint.map_or(segments[0].base_offset(), |found| found.log_start_offset);
    // A truncation may cut a batch in which the log starts.
    let log_start_offset = log_start_offset.min(log_end_offset);
    // What comes from elsewhere may have been compacted there.
    let cleaned_up_to = checkpoint.map_or(log_end_offset, |found| found.cleaned_up_to);
    let shared = Shared {
        observer,
        segments: RwLock::new(Arc::new(segments)),
        log_start_offset: AtomicU64::new(log_start_offset),
        high_watermark: AtomicU64::new(log_end_offset),
        log_end_offset: AtomicU64::new(log_end_offset),
        cleaned_up_to: AtomicU64::new(cleaned_up_to),
        truncations: AtomicU64::new(0),
        syncing: Mutex::new(()),
        poisoned: AtomicBool::new(false),
        compacting: AtomicBool::new(false),
    };
    let compaction = checkpoint.map_or(Progress::default(), |found| Progress {
        first_dirty_offset: found.first_dirty_offset,
        delete_horizon_ms: found.delete_horizon_ms,
    });
    let mut log = PartitionLog {
        reader: LogReader { shared: Arc::new(shared) },
        storage: Arc::new(storage),
        config,
        active,
        indexer: tail.indexer,
        first_timestamp: tail.first_timestamp,
        producers,
        compaction,
        pending_roll: None,
        scratch: Vec::new(),
    };
    let stands = checkpoint.is_some_and(|found| {
        // Beyond the end, the log start would swallow what is appended.
        let holds = found.log_start_offset == log_start_offset;
        !found.clean && holds && found.active_segment == log.active.base_offset()
    });
    match log.write_checkpoint(false) {
        // The checkpoint that is there only knows less of what is durable, and a full log can still be read.
        Err(Error::Io(error)) if stands && error.kind() == std::io::ErrorKind::StorageFull => {}
        written => written?,
    }
    log.shared.observer.observe(|| Event::RecoveryFinished { log_start_offset, log_end_offset });
    Ok((log, report))
}

impl<'a, S: Storage, O: Observer> Recovery<'a, S, O> {
    /// Looks at what there is.
    fn begin(storage: &'a S, config: &'a LogConfig, observer: &'a O) -> Result<Self> {
        let mut names = storage.list()?;
        names.sort_unstable();
        let found = match names.iter().any(|name| name == CHECKPOINT_FILE) {
            true => Some(Checkpoint::read(storage)?),
            false => None,
        };
        let checkpoint = found.and_then(Result::ok);
        let report = RecoveryReport {
            clean: checkpoint.is_some_and(|checkpoint| checkpoint.clean),
            damaged_checkpoint: found.and_then(Result::err),
            ..RecoveryReport::default()
        };
        let tail = Tail { indexer: Indexer::new(0), first_timestamp: None, next_offset: 0 };
        let (segments, producers) = (Vec::new(), Producers::Unknown);
        let mut recovery =
            Self { storage, config, observer, names, checkpoint, report, segments, tail, producers };
        recovery.observe_start(found);
        recovery.finish_swaps()?;
        recovery.finish_deletions()?;
        Ok(recovery)
    }

    fn observe_start(&self, found: Option<Result<Checkpoint, &'static str>>) {
        let LogConfig { segment_bytes, index_interval_bytes, .. } = *self.config;
        self.observer.observe(|| {
            let size = |name: &String| self.storage.open(name).and_then(|file| file.len()).unwrap_or(0);
            let files = self.names.iter().map(|name| (name.clone(), size(name))).collect();
            let segments = self.bases().len();
            let checkpoint = match found {
                None => CheckpointFound::Missing,
                Some(Err(reason)) => CheckpointFound::Damaged { reason: reason.into() },
                Some(Ok(Checkpoint { log_start_offset, recovery_point, clean, .. })) => {
                    CheckpointFound::Valid { log_start_offset, recovery_point, clean }
                }
            };
            Event::RecoveryStarted { segments, files, segment_bytes, index_interval_bytes, checkpoint }
        });
    }

    /// The base offsets of the `.log` files.
    fn bases(&self) -> Vec<u64> {
        self.names.iter().filter_map(|name| parse_file_name(name, LOG_SUFFIX)).collect()
    }

    /// Deletes the segments that lie below the log start offset, but for the active one, and holds what remains
    /// against the checkpoint: a lost `.log` file must not pass for the end of the log.
    fn finish_deletions(&mut self) -> Result<()> {
        let Some(checkpoint) = self.checkpoint else { return Ok(()) };
        let bases = self.bases();
        let due =
            |pair: &&[u64]| pair[1] <= checkpoint.log_start_offset && pair[0] < checkpoint.active_segment;
        if bases.windows(2).any(|pair| due(&pair)) {
            // The process before may have died between renaming the checkpoint and syncing its name. A crash now must
            // not bring back the one before, which knows nothing of the deletion.
            self.storage.sync_dir()?;
        }
        for pair in bases.windows(2).filter(due) {
            delete_files(self.storage, pair[0])?;
            let (of_segment, others) =
                std::mem::take(&mut self.names).into_iter().partition(|name| base_of(name) == Some(pair[0]));
            self.names = others;
            let of_segment: Vec<String> = of_segment;
            of_segment.into_iter().for_each(|name| self.removed(name));
        }
        let bases = self.bases();
        let lost = |base: &u64| bases.binary_search(base).is_err();
        if bases.first().is_some_and(|first| *first > checkpoint.log_start_offset) {
            let reason = CorruptReason::OffsetsMissing { from: checkpoint.log_start_offset, to: bases[0] };
            return Err(corrupt(bases[0], 0, reason));
        }
        let indexed = |suffix| self.names.iter().filter_map(move |name| parse_file_name(name, suffix));
        let known = indexed(INDEX_SUFFIX).chain(indexed(TIME_INDEX_SUFFIX));
        let within =
            |base: &u64| bases.first().is_some_and(|first| first < base) && *base < checkpoint.active_segment;
        let missing = known.filter(within).chain([checkpoint.active_segment]).find(lost);
        missing.map_or(Ok(()), |base| Err(corrupt(base, 0, CorruptReason::Missing)))
    }

    /// Opens one segment, which ends before offset `next` unless it is the last: takes it as it is, or scans it.
    fn segment(&mut self, base: u64, next: Option<u64>) -> Result<()> {
        self.report.segments += 1;
        let whole = self.checkpoint.is_some_and(|found| found.clean || base < found.active_segment);
        let swapped = self.report.compacted_segments.contains(&base);
        if whole && !swapped && self.trust(base, next.is_none())? {
            return Ok(());
        }
        self.scan(base, next)?;
        if swapped {
            // What is left of its batches tells less of their producers than the snapshot behind it.
            self.producers = Producers::Unknown;
        }
        Ok(())
    }

    /// Takes a segment for whole that the checkpoint says is. `false` if its indexes are not what they should be.
    fn trust(&mut self, base: u64, last: bool) -> Result<bool> {
        let [Some(index_bytes), Some(time_index_bytes)] = [INDEX_SUFFIX, TIME_INDEX_SUFFIX]
            .map(|suffix| self.size_of(&file_name(base, suffix)).transpose())
        else {
            return Ok(false);
        };
        let (index_bytes, time_index_bytes) = (index_bytes?, time_index_bytes?);
        let (entries, time_entries) =
            (index_bytes as usize / INDEX_ENTRY_SIZE, time_index_bytes as usize / TIME_INDEX_ENTRY_SIZE);
        if (entries * INDEX_ENTRY_SIZE) as u64 != index_bytes
            || (time_entries * TIME_INDEX_ENTRY_SIZE) as u64 != time_index_bytes
        {
            return Ok(false);
        }
        let open = |suffix| self.storage.open(&file_name(base, suffix));
        let log = open(LOG_SUFFIX)?;
        let log_bytes = log.len()?;
        let index = OffsetIndex::unread(open(INDEX_SUFFIX)?, entries);
        let time_index = TimeIndex::new(open(TIME_INDEX_SUFFIX)?, time_entries);
        let segment = Segment::new(base, log, log_bytes, index, time_index);
        let mut tail = Tail { next_offset: base, ..self.tail };
        let mut removed = None;
        if last {
            let resumed = match resume(&segment, log_bytes) {
                Ok(Some(resumed)) => resumed,
                Ok(None) | Err(Error::Corrupt { .. }) => return Ok(false),
                Err(error) => return Err(error),
            };
            if self.checkpoint.is_none_or(|checkpoint| resumed.end != checkpoint.recovery_point) {
                return Ok(false);
            }
            removed = segment.time_index().last()?.filter(|_| resumed.time_entries < time_entries);
            segment.index().truncate(resumed.entries)?;
            segment.time_index().truncate(resumed.time_entries)?;
            tail = Tail {
                indexer: resumed.indexer,
                first_timestamp: resumed.first_timestamp,
                next_offset: resumed.end,
            };
        }
        self.observer.observe(|| Event::SegmentTrusted {
            segment: base,
            log_bytes,
            index_bytes,
            time_index_bytes,
        });
        if let Some(entry) = removed {
            self.observer.observe(|| Event::TimeIndexEntryRemoved { segment: base, entry });
        }
        self.tail = tail;
        self.segments.push(Arc::new(segment));
        Ok(true)
    }

    /// What was durable must be there.
    fn check_end(&self) -> Result<()> {
        let Some(checkpoint) = self.checkpoint else { return Ok(()) };
        let (from, to) = (self.tail.next_offset, checkpoint.recovery_point);
        if from >= to {
            return Ok(());
        }
        let (segment, size) = self.segments.last().map_or((0, 0), |last| (last.base_offset(), last.size()));
        Err(corrupt(segment, size, CorruptReason::OffsetsMissing { from, to }))
    }

    /// An empty storage becomes an empty log.
    fn first_segment(&mut self) -> Result<()> {
        self.segments.push(Arc::new(Segment::create(self.storage, 0)?));
        self.observer.observe(|| Event::SegmentCreated { segment: 0 });
        Ok(())
    }

    /// The state of the producers at the end of the log.
    fn producers(&mut self) -> Result<ProducerState> {
        let end = self.tail.next_offset;
        match std::mem::replace(&mut self.producers, Producers::Unknown) {
            Producers::Known(state, at) if at == end => Ok(state),
            _ => self.producers_at(end),
        }
    }

    /// The state of the producers at `offset`: from the newest snapshot, and the batches behind it.
    fn producers_at(&self, offset: u64) -> Result<ProducerState> {
        let offsets: Vec<u64> = self.snapshots().collect();
        let (mut state, from) = latest_snapshot(self.storage, &offsets, offset)?.unwrap_or_default();
        replay(&mut state, self.segments.iter().map(|segment| &**segment), from, offset)?;
        Ok(state)
    }

    /// Writes the snapshot as of the active segment's base offset, if a crash took it: once older segments are deleted,
    /// nothing else knows of the producers in them. A log that has no room for it can be read all the same.
    fn keep_producers(&self, base: u64) -> Result<()> {
        let Producers::Known(state, at) = &self.producers else { return Ok(()) };
        if *at != base || state.is_empty() || self.snapshots().any(|at| at == base) {
            return Ok(());
        }
        match write_snapshot(self.storage, self.observer, base, state) {
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => Ok(()),
            written => Ok(written?),
        }
    }

    fn snapshots(&self) -> impl Iterator<Item = u64> {
        self.names.iter().filter_map(|name| parse_file_name(name, SNAPSHOT_SUFFIX))
    }

    /// Removes what belongs to nothing: indexes whose `.log` file is gone, snapshots that no segment begins
    /// with, what an interrupted deletion, checkpoint, snapshot or mending of an index left.
    fn remove_leftovers(&mut self, bases: &[u64]) -> Result<()> {
        let orphan = |name: &String| {
            base_of(name).is_some_and(|base| bases.binary_search(&base).is_err())
                || name == CHECKPOINT_TEMPORARY
                || name.strip_suffix(TEMPORARY).is_some_and(|name| base_of(name).is_some())
                || name.strip_suffix(DELETED_SUFFIX).is_some_and(|name| base_of(name).is_some())
        };
        let orphans: Vec<String> = self.names.iter().filter(|name| orphan(name)).cloned().collect();
        for name in orphans {
            match self.storage.remove(&name) {
                // A deletion that was brought to its end now took the place of an earlier one, and went with it.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                removed => removed?,
            }
            self.removed(name);
        }
        Ok(())
    }

    fn removed(&mut self, name: String) {
        self.report.removed_files.push(name.clone());
        self.observer.observe(|| Event::OrphanRemoved { name });
    }

    /// A file's length, if it is there.
    fn size_of(&self, name: &str) -> Result<Option<u64>> {
        match self.names.binary_search_by(|known| known.as_str().cmp(name)) {
            Ok(_) => Ok(Some(self.storage.open(name)?.len()?)),
            Err(_) => Ok(None),
        }
    }
}

/// The base offset in a name that the log gives to a segment's files.
pub(super) fn base_of(name: &str) -> Option<u64> {
    let mut suffixes = SEGMENT_SUFFIXES.into_iter().chain([SNAPSHOT_SUFFIX]);
    suffixes.find_map(|suffix| parse_file_name(name, suffix))
}
