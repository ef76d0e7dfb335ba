//! Compaction: only the newest record of each key stays, at the offset that it has.
//!
//! It comes in three steps, so that nobody has to hold the writer while a disk works:
//! [`PartitionLog::begin_compaction`] notes what there is to do, [`Compaction::run`] reads the closed segments and
//! writes new ones beside them, and [`PartitionLog::finish_compaction`] puts these in their place. Appends, rolls and
//! fetches go on in between.
//!
//! | file | holds |
//! | --- | --- |
//! | `keys` | which offset is the newest of each key |
//! | `filter` | what stays of a batch |
//! | `clean` | reading the segments, twice: for the keys, and to write what stays |
//! | `merge` | which segments become one, and how it is written |
//! | `swap` | how new files take the place of old ones, and what a crash leaves of that |
//!
//! Invariants:
//! - The active segment is left alone, and so is every offset: what goes leaves a hole.
//! - Either all new segments take their places or none does. They do so from the oldest on, so that a tombstone is
//!   never gone while an older record of its key is still there.
//! - Nothing in the log depends on the new files before `finish_compaction`, and a run that fails removes them.
//!
//! Source: Kafka's `LogCleaner` and `Cleaner`.

mod clean;
mod filter;
mod keys;
mod merge;
pub(super) mod swap;
#[cfg(test)]
mod testing;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::config::Ratio;
use crate::error::Result;
use crate::record::Batch;
use crate::segment::{IndexEntry, Segment, TimeIndexEntry};
use crate::storage::{File, Storage};

use super::append::MAX_DECOMPRESSED;
use super::event::{BatchInfo, Event, Observer};
use super::{PartitionLog, Shared};
use filter::Rules;
use merge::{Limits, Output};

pub use filter::{BatchFate, Removal};

/// The memory that the keys of one compaction may take, unless [`Compaction::key_budget`] says otherwise: what Kafka
/// gives to `log.cleaner.dedupe.buffer.size`.
const KEY_BUDGET: usize = 128 << 20;
/// How much is read or written at a time, in bytes.
const CHUNK: usize = 1 << 20;

/// How far compaction has come. The checkpoint keeps it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Below it, compaction has done its work.
    pub(super) first_dirty_offset: u64,
    /// The earliest time at which tombstones may be dropped, of those that may not yet.
    pub(super) delete_horizon_ms: Option<i64>,
}

/// A compaction that has begun. There is one at a time; dropping it ends it, and changes nothing.
#[derive(Debug)]
#[must_use = "nothing is read or written before `run`"]
pub struct Compaction<S: Storage, O: Observer = ()> {
    underway: Underway<S::File, O>,
    storage: Arc<S>,
    /// All closed segments.
    sources: Vec<Arc<Segment<S::File>>>,
    /// Where the active segment begins.
    end: u64,
    first_dirty_offset: u64,
    /// Whether there may be tombstones below the first dirty offset whose time has come.
    tombstones_due: bool,
    delete_retention_ms: u64,
    min_dirty_ratio: Ratio,
    rules: Rules,
    limits: Limits,
    key_budget: usize,
    /// How often the log had been truncated.
    truncations: u64,
}

/// New segments, written and durable, that are to take the place of old ones. If it is dropped, their files lie
/// about until the next compaction or opening.
#[derive(Debug)]
#[must_use = "the log is as it was before `finish_compaction`"]
pub struct Compacted<S: Storage, O: Observer = ()> {
    compaction: Compaction<S, O>,
    outputs: Vec<Output<S::File>>,
    progress: Progress,
    records_removed: u64,
}

/// What a compaction did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompactionReport {
    /// Nothing was changed: between the beginning and the end, segments were deleted or the log was truncated.
    pub abandoned: bool,
    /// Records that went.
    pub records_removed: u64,
    /// Closed segments before and after.
    pub segments: (usize, usize),
    /// Their bytes before and after.
    pub bytes: (u64, u64),
    /// Below this offset, each key has one record. It is short of the active segment if the memory for keys was used
    /// up; the next compaction goes on from there.
    pub first_dirty_offset: u64,
}

/// Keeps a second compaction from beginning, until it is dropped.
#[derive(Debug)]
struct Underway<F, O> {
    shared: Arc<Shared<F, O>>,
}

impl<F, O> Underway<F, O> {
    fn begin(shared: &Arc<Shared<F, O>>) -> Option<Self> {
        let was = shared.compacting.swap(true, Ordering::AcqRel);
        (!was).then(|| Self { shared: Arc::clone(shared) })
    }
}

impl<F, O> Drop for Underway<F, O> {
    fn drop(&mut self) {
        self.shared.compacting.store(false, Ordering::Release);
    }
}

impl<S: Storage, O: Observer> PartitionLog<S, O> {
    /// Begins a compaction of the closed segments, if `cleanup.policy` compacts and there is something to do:
    /// something was appended to them since the last one, or the time of tombstones has come. Cheap: it touches no
    /// file. `None` also while another one is under way, and in a log that is poisoned: what was cut off it half-way
    /// would pass for damage.
    pub fn begin_compaction(&self, now_ms: i64) -> Option<Compaction<S, O>> {
        let end = self.active.base_offset();
        let mut sources = self.shared.segments().to_vec();
        sources.pop();
        let Progress { first_dirty_offset, delete_horizon_ms } = self.compaction;
        let tombstones_due = delete_horizon_ms.is_some_and(|horizon| horizon <= now_ms);
        let due = !sources.is_empty() && (first_dirty_offset < end || tombstones_due);
        if !due || !self.config.cleanup_policy.compacts() || self.shared.check_poison().is_err() {
            return None;
        }
        let delete_retention_ms = self.config.delete_retention_ms;
        Some(Compaction {
            underway: Underway::begin(&self.shared)?,
            storage: Arc::clone(&self.storage),
            first_dirty_offset: first_dirty_offset.max(sources[0].base_offset()),
            sources,
            end,
            tombstones_due,
            delete_retention_ms,
            min_dirty_ratio: self.config.min_cleanable_dirty_ratio,
            rules: Rules {
                now_ms,
                delete_retention_ms: i64::try_from(delete_retention_ms).unwrap_or(i64::MAX),
                last_offsets: self.producers.last_offsets().collect(),
                end,
            },
            limits: Limits {
                segment_bytes: u64::from(self.config.segment_bytes),
                segment_index_bytes: u64::from(self.config.segment_index_bytes),
                index_interval_bytes: self.config.index_interval_bytes,
            },
            key_budget: KEY_BUDGET,
            truncations: self.shared.truncations.load(Ordering::Acquire),
        })
    }

    /// Puts the new segments in the place of the old ones, durably. Readers that are in the middle of the old ones go
    /// on: their handles outlive them. If a segment is not there any more as it was, nothing is changed, and the report
    /// says so.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io); then the log is poisoned, and the next opening brings to an end what was begun.
    pub fn finish_compaction(&mut self, compacted: Compacted<S, O>) -> Result<CompactionReport> {
        self.shared.check_poison()?;
        let Compacted { compaction, outputs, progress, records_removed } = compacted;
        let sources = &compaction.sources;
        let before = (sources.len(), sources.iter().map(|source| source.size()).sum());
        if !self.is_current(&compaction) {
            compaction.discard();
            self.shared.observer.observe(|| Event::CompactionAbandoned { segments: before.0 });
            let first_dirty_offset = self.compaction.first_dirty_offset;
            return Ok(CompactionReport {
                abandoned: true,
                first_dirty_offset,
                ..CompactionReport::default()
            });
        }
        if !outputs.is_empty() {
            self.swap(&compaction, &outputs)?;
        }
        self.compaction = progress;
        self.write_checkpoint(false)?;

        let Progress { first_dirty_offset, delete_horizon_ms } = progress;
        let segments = self.shared.segments();
        let closed = segments.iter().take_while(|segment| segment.base_offset() < compaction.end);
        let after = closed.fold((0, 0), |(count, bytes), segment| (count + 1, bytes + segment.size()));
        self.shared.observer.observe(|| Event::CompactionFinished {
            first_dirty_offset,
            end: compaction.end,
            records_removed,
            segments: after.0,
            bytes_before: before.1,
            bytes_after: after.1,
            delete_horizon_ms,
        });
        let (segments, bytes) = ((before.0, after.0), (before.1, after.1));
        Ok(CompactionReport { abandoned: false, records_removed, segments, bytes, first_dirty_offset })
    }

    /// Compacts the closed segments: [`begin_compaction`](Self::begin_compaction), [`Compaction::run`] and
    /// [`finish_compaction`](Self::finish_compaction) in one. `None` if there was nothing to do.
    ///
    /// # Errors
    /// As these.
    pub fn compact(&mut self, now_ms: i64) -> Result<Option<CompactionReport>> {
        self.shared.check_poison()?;
        let Some(compaction) = self.begin_compaction(now_ms) else {
            let Progress { first_dirty_offset, delete_horizon_ms } = self.compaction;
            self.shared.observer.observe(|| Event::CompactionSkipped {
                policy: self.config.cleanup_policy,
                segments: self.shared.segments().len() - 1,
                first_dirty_offset,
                end: self.active.base_offset(),
                delete_horizon_ms,
            });
            return Ok(None);
        };
        let compacted = compaction.run()?;
        self.finish_compaction(compacted).map(Some)
    }

    /// Whether the log still begins with the segments that were compacted, byte for byte.
    fn is_current(&self, compaction: &Compaction<S, O>) -> bool {
        let (segments, sources) = (self.shared.segments(), &compaction.sources);
        !compaction.was_cut()
            && segments.len() > sources.len()
            && segments.iter().zip(sources).all(|(segment, source)| Arc::ptr_eq(segment, source))
    }

    fn swap(&mut self, compaction: &Compaction<S, O>, outputs: &[Output<S::File>]) -> Result<()> {
        // From here on there are holes that an opening must not take for damage, nor a fetch.
        self.shared.cleaned_up_to.fetch_max(compaction.end, Ordering::AcqRel);
        self.swap_files(compaction, outputs)
            .inspect_err(|_| self.shared.poisoned.store(true, Ordering::Release))?;
        self.shared.change_segments(|segments| {
            // From the back, so that places in front stay what they are.
            for output in outputs.iter().rev() {
                segments.splice(output.sources.clone(), [Arc::clone(&output.segment)]);
            }
        });
        for output in outputs {
            let sources = &compaction.sources[output.sources.clone()];
            self.shared.observer.observe(|| segments_compacted(sources, &output.segment));
        }
        Ok(())
    }

    /// See the [module](swap) for why the steps come in this order.
    fn swap_files(&mut self, compaction: &Compaction<S, O>, outputs: &[Output<S::File>]) -> Result<()> {
        let storage = &*compaction.storage;
        let swaps: Vec<_> = outputs.iter().map(|output| output.swap).collect();
        swaps.iter().try_for_each(|swap| swap.stage_indexes(storage))?;
        self.write_checkpoint(false)?;
        swaps.iter().try_for_each(|swap| swap.commit(storage))?;
        let sources: Vec<u64> = compaction.sources.iter().map(|source| source.base_offset()).collect();
        Ok(swap::complete(storage, &swaps, &sources)?)
    }
}

impl<S: Storage, O: Observer> Compaction<S, O> {
    /// How many bytes of memory the keys may take. If that is not enough for all, the compaction goes as far as it
    /// is, and the next one goes on from there.
    pub fn key_budget(self, bytes: usize) -> Self {
        Self { key_budget: bytes, ..self }
    }

    /// Whether it is worth its reading: Kafka's cleaner leaves a log alone while less than
    /// `min.cleanable.dirty.ratio` of it is new.
    pub fn is_due(&self) -> bool {
        self.dirty_ratio() >= self.min_dirty_ratio.as_f64()
    }

    /// Which part of the bytes to be read no compaction has seen yet, from 0 to 1; and 1 if tombstones are due.
    pub fn dirty_ratio(&self) -> f64 {
        let dirty = |source: &&Arc<Segment<S::File>>| source.base_offset() >= self.first_dirty_offset;
        let bytes: u64 = self.sources.iter().map(|source| source.size()).sum();
        if self.tombstones_due || bytes == 0 {
            return 1.0;
        }
        self.sources.iter().filter(dirty).map(|source| source.size()).sum::<u64>() as f64 / bytes as f64
    }

    fn observe(&self, event: impl FnOnce() -> Event) {
        self.underway.shared.observer.observe(event);
    }

    /// Removes what was written, as far as that can be done: the next compaction or opening does it otherwise.
    fn discard(&self) {
        for source in &self.sources {
            swap::remove_cleaned(&*self.storage, source.base_offset());
        }
    }
}

fn segments_compacted<F: File>(sources: &[Arc<Segment<F>>], segment: &Segment<F>) -> Event {
    let (base, mut batches) = (segment.base_offset(), Vec::new());
    let mut scan = segment.scan(0, CHUNK);
    loop {
        let position = scan.position();
        let Ok(Some(batch)) = scan.batch() else { break };
        let size = batch.header().size;
        batches.push(BatchInfo::new(base, position, &batch));
        scan.skip(size);
    }
    let time_index = (0..segment.time_index().len()).filter_map(|at| segment.time_index().entry(at).ok()?);
    Event::SegmentsCompacted {
        sources: sources.iter().map(|source| source.base_offset()).collect(),
        segment: base,
        bytes_before: sources.iter().map(|source| source.size()).sum(),
        bytes_after: segment.size(),
        batches,
        index: segment.index().with_entries(<[IndexEntry]>::to_vec).unwrap_or_default(),
        time_index: time_index.collect::<Vec<TimeIndexEntry>>(),
    }
}

/// The batch, uncompressed, if this build can read all its records; `buffer` is where it is decompressed.
fn readable<'a>(batch: &Batch<'a>, buffer: &'a mut Vec<u8>) -> Option<Batch<'a>> {
    let plain = batch.plain(MAX_DECOMPRESSED, buffer).ok()?;
    plain.records().all(|record| record.is_ok()).then_some(plain)
}
