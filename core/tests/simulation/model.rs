//! What a log must hold: a list of batches and a promise, with none of the log's own code but its batch encoder.
//!
//! A log that was opened again may hold less than the model, never less than the promise, and nothing else: the
//! batches beyond the promise are some of those that were under way, in a row. It starts where it did, or where it
//! was about to.

use std::collections::BTreeMap;
use std::fmt;

use logscope::log::TimestampOffset;
use logscope::record::{self, BatchHeader};
use logscope::{LogConfig, SegmentInfo, StoppedBy};

use crate::cleaning::{Cleaning, Judge};
use crate::compact::Segments;
use crate::producers::Memory;

/// A broken promise: which one, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) rule: &'static str,
    pub(crate) details: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.details)
    }
}

pub(crate) type Checked<T = ()> = Result<T, Violation>;

/// Fails with a rule and what was found, unless `holds`.
pub(crate) fn check(holds: bool, rule: &'static str, details: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Violation { rule, details: details() }) }
}

pub(crate) const DURABLE: &str = "what was acknowledged as durable is there, byte for byte";
pub(crate) const NOTHING_NEW: &str = "nothing that was never appended appears, and offsets have no holes";
pub(crate) const NOTHING_LOST: &str = "without a loss of power nothing is lost";
pub(crate) const REOPENS: &str = "a log opens again after any crash";
pub(crate) const START: &str = "the log start offset moves by deletions only";
pub(crate) const SILENT_CUT: &str = "damage is reported, never silently cut";

/// A record batch as it stands in the log.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) base: u64,
    /// The offset after its last.
    pub(crate) next: u64,
    pub(crate) bytes: Vec<u8>,
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{} ({} bytes)", self.base, self.next, self.bytes.len())
    }
}

impl Batch {
    pub(crate) fn header(&self) -> BatchHeader {
        BatchHeader::parse(&self.bytes).expect("a batch of the model is whole")
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        let (batch, _) = record::Batch::parse(&self.bytes).expect("a batch of the model is whole");
        let mut plain = Vec::new();
        let batch = match batch.compressed() {
            None => batch,
            Some(_) => {
                batch.decompress(1 << 20, &mut plain).expect("it was compressed by the log");
                record::Batch::parse(&plain).expect("it stays a batch").0
            }
        };
        let own = |field: Option<&[u8]>| field.map(<[u8]>::to_vec);
        let record = |record: record::Record<'_>| Record {
            offset: record.offset,
            timestamp: record.timestamp,
            key: own(record.key),
            value: own(record.value),
        };
        batch.records().map(|found| record(found.expect("records parse"))).collect()
    }

    /// Whether this is the other batch, as far as checksums tell: damage to the leader's epoch goes unnoticed.
    fn is(&self, other: &Batch, damaged: bool) -> bool {
        let epoch = |at| damaged && (12..16).contains(&at);
        let mut pairs = self.bytes.iter().zip(&other.bytes).enumerate();
        self.bytes.len() == other.bytes.len() && pairs.all(|(at, (a, b))| a == b || epoch(at))
    }
}

/// A record of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) offset: u64,
    pub(crate) timestamp: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
}

/// The batches of a fetch.
pub(crate) fn batches(mut bytes: &[u8]) -> Vec<Batch> {
    let mut batches = Vec::new();
    while let Ok((batch, rest)) = record::Batch::parse(bytes) {
        let (base, next) = (batch.header().base_offset, batch.header().last_offset() + 1);
        batches.push(Batch { base, next, bytes: batch.bytes().to_vec() });
        bytes = rest;
    }
    batches
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) start: u64,
    /// Where the log may start as well when it is opened again, because a deletion or truncation failed half-way.
    pub(crate) other_starts: Vec<u64>,
    /// The batches that lie below the log start as a whole. They may be on the disk still.
    pub(crate) deleted: Vec<Batch>,
    /// What the open log holds, in order. The log may start inside the first.
    pub(crate) batches: Vec<Batch>,
    /// The next offset to be assigned.
    pub(crate) end: u64,
    /// Below this, compaction may have left holes.
    pub(crate) cleaned_up_to: u64,
    /// The batches that compaction changed or removed, as they were, by base offset.
    pub(crate) originals: BTreeMap<u64, Batch>,
    /// A compaction that was interrupted, and may be brought to an end when the log is opened again.
    pub(crate) cleaning: Option<Cleaning>,
    /// Everything below was promised to survive.
    pub(crate) durable: u64,
    /// Batches whose append met an I/O error since the last sync: a crash may bring them back.
    pub(crate) failed: Vec<Batch>,
    /// Whether the log met an I/O error since it was opened, and so may refuse to go on.
    pub(crate) trouble: bool,
    /// Whether the log was told that a sync failed, and so must refuse to go on.
    pub(crate) poisoned: bool,
    /// Whether a file was damaged. Once is enough: two damages may hide one another.
    pub(crate) damaged: bool,
    /// Whether segments may have index entries by another `index.interval.bytes` than an opening goes by. It mends those
    /// of the last one only, and a truncation may go back behind that.
    pub(crate) mixed_intervals: bool,
    /// Whether an opening failed that may have cut off what was damaged.
    pub(crate) cut: bool,
    /// What was forgotten of producers.
    pub(crate) memory: Memory,
}

/// What a log was found to hold when it was opened.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) batches: Vec<Batch>,
    /// Whether the report mentions a cut.
    pub(crate) cut: bool,
    /// What the `.log` files hold, where that matters.
    pub(crate) disk: Segments,
}

impl Model {
    /// What a fetch must answer: batches, the next offset, and why it stopped.
    pub(crate) fn fetch(&self, offset: u64, max_bytes: u64) -> (&[Batch], u64, StoppedBy) {
        let visible = self.batches.partition_point(|batch| batch.next <= self.durable);
        let from = self.batches.partition_point(|batch| batch.next <= offset).min(visible);
        let (mut to, mut used, mut next) = (from, 0, offset);
        let whole = self.durable == self.end;
        let mut stopped_by = if whole { StoppedBy::LogEnd } else { StoppedBy::HighWatermark };
        for batch in &self.batches[from..visible] {
            used += batch.bytes.len() as u64;
            if used > max_bytes && to > from {
                stopped_by = StoppedBy::MaxBytes;
                break;
            }
            (to, next) = (to + 1, batch.next);
        }
        if stopped_by != StoppedBy::MaxBytes {
            // A hole may be all that is left.
            next = next.max(self.durable);
        }
        (&self.batches[from..to], next, stopped_by)
    }

    /// The first visible record at or after a timestamp.
    pub(crate) fn find(&self, timestamp: i64) -> Option<TimestampOffset> {
        let visible = self.batches.iter().filter(|batch| batch.next <= self.durable);
        let mut records = visible.flat_map(Batch::records);
        let found = records.find(|record| record.timestamp >= timestamp && record.offset >= self.start)?;
        Some(TimestampOffset { offset: found.offset, timestamp: found.timestamp })
    }

    /// All batches that the disk may have, those below the log start among them.
    pub(crate) fn history(&self) -> impl DoubleEndedIterator<Item = &Batch> {
        self.deleted.iter().chain(&self.batches)
    }

    /// The batches of a segment from `base` on, up to the offset `next`.
    pub(crate) fn segment(&self, base: u64, next: u64) -> impl Iterator<Item = &Batch> {
        self.history().filter(move |batch| (base..next).contains(&batch.base))
    }

    /// Moves the log start up.
    pub(crate) fn delete_before(&mut self, start: u64) {
        let gone = self.batches.partition_point(|batch| batch.next <= start);
        self.deleted.extend(self.batches.drain(..gone));
        self.start = start;
    }

    /// Where the log ends when no batch may reach `offset`, which is in the segment from `base` on.
    pub(crate) fn cut_point(&self, offset: u64, base: u64) -> u64 {
        self.history().map(|batch| batch.next).filter(|next| *next <= offset).fold(base, u64::max)
    }

    /// Cuts the log so that it ends at a place between two batches, and returns what was cut off.
    pub(crate) fn cut(&mut self, end: u64) -> Vec<Batch> {
        let stay = self.batches.partition_point(|batch| batch.next <= end);
        let cut = self.batches.split_off(stay);
        (self.start, self.durable, self.end) = (self.start.min(end), self.durable.min(end), end);
        self.originals.retain(|base, _| *base < end);
        // Producers are made up again, as by an opening.
        self.memory = self.memory.after_opening();
        if end < self.cleaned_up_to {
            // What is known of producers is made up of what is left.
            self.memory.guess_below(end);
        }
        cut
    }

    /// A compaction that begins now.
    pub(crate) fn cleaning(
        &self,
        segments: &[SegmentInfo],
        now_ms: i64,
        delete_retention_ms: u64,
    ) -> Cleaning {
        let end = segments.last().map_or(0, |active| active.base_offset);
        let (last_for_sure, last_perhaps) = self.last_batches();
        Cleaning { end, now_ms, delete_retention_ms, last_for_sure, last_perhaps }
    }

    /// Holds what a compaction left on the disk against what was there before, and takes it over. Returns how many
    /// records went.
    pub(crate) fn compact(&mut self, cleaning: &Cleaning, disk: &Segments, whole: bool) -> Checked<u64> {
        let first = disk.keys().next().copied().unwrap_or(0);
        let before: Vec<Batch> = self.segment(first, cleaning.end).cloned().collect();
        let after: Vec<Batch> =
            disk.values().flatten().filter(|batch| batch.base < cleaning.end).cloned().collect();
        let judge = Judge::new(cleaning, &before, &after);
        let removed = judge.records_removed();
        if !self.damaged {
            judge.check()?;
            if whole {
                judge.check_whole()?;
                judge.check_empty()?;
            }
        }
        for batch in before.into_iter().filter(|batch| !after.contains(batch)) {
            self.originals.entry(batch.base).or_insert(batch);
        }
        let others = self.history().filter(|batch| !(first..cleaning.end).contains(&batch.base));
        let mut all: Vec<Batch> = others.cloned().chain(after).collect();
        all.sort_by_key(|batch| batch.base);
        (self.deleted, self.batches) = all.into_iter().partition(|batch| batch.next <= self.start);
        self.cleaned_up_to = self.cleaned_up_to.max(cleaning.end);
        Ok(removed)
    }

    /// Whether a compaction of the segments from `first` on would find nothing to do.
    pub(crate) fn check_compacted(&self, cleaning: &Cleaning, first: u64) -> Checked {
        let batches: Vec<Batch> = self.segment(first, cleaning.end).cloned().collect();
        Judge::new(cleaning, &batches, &batches).check_whole()
    }

    /// The segments that retention lets go, by their base offsets.
    pub(crate) fn due(&self, segments: &[SegmentInfo], config: &LogConfig, now_ms: i64) -> Vec<u64> {
        let mut log_bytes: u64 = segments.iter().map(|segment| segment.size).sum();
        let mut due = Vec::new();
        for pair in segments.windows(2) {
            let (base, size, next) = (pair[0].base_offset, pair[0].size, pair[1].base_offset);
            let largest = self.segment(base, next).map(|batch| batch.header().max_timestamp).max();
            let age_ms = largest.map_or(i128::MIN, |largest| i128::from(now_ms) - i128::from(largest));
            let too_old = config.retention_ms.is_some_and(|limit| age_ms > i128::from(limit));
            let too_many =
                config.retention_bytes.is_some_and(|limit| log_bytes > limit && log_bytes - size >= limit);
            if !(next <= self.start || config.cleanup_policy.deletes() && (too_old || too_many)) {
                break;
            }
            log_bytes -= size;
            due.push(base);
        }
        due
    }

    /// Whether batches are those that they should be.
    pub(crate) fn same(&self, found: &[Batch], due: &[Batch]) -> bool {
        found.len() == due.len() && found.iter().zip(due).all(|(found, due)| found.is(due, self.damaged))
    }

    /// Takes note of the high watermark: the log's word that everything below it survives.
    pub(crate) fn promise(&mut self, high_watermark: u64) -> Checked {
        let (durable, end) = (self.durable, self.end);
        check(
            (durable..=end).contains(&high_watermark),
            "the high watermark only rises, up to the log end",
            || format!("it is {high_watermark}; it was {durable} before, and the log ends at {end}"),
        )?;
        if high_watermark > durable && high_watermark == end {
            self.synced();
        }
        self.durable = high_watermark;
        Ok(())
    }

    /// Takes note of a sync: it made durable as well that failed appends were taken back.
    pub(crate) fn synced(&mut self) {
        self.failed.clear();
    }

    /// Checks what a log holds that was opened again, and takes it for the truth from then on. `power_lost` says
    /// whether the power failed since it was opened before.
    pub(crate) fn recover(&mut self, found: Found, power_lost: bool) -> Checked {
        if let Some(cleaning) = self.cleaning.take() {
            self.compact(&cleaning, &found.disk, false)?;
        }
        let starts = found.start == self.start || self.other_starts.contains(&found.start);
        let lost_start = self.damaged && found.start < self.start;
        check(starts || lost_start, START, || {
            format!("it is {} and was {}, or {:?}", found.start, self.start, self.other_starts)
        })?;
        let first = found.batches.first();
        check(first.is_none_or(|first| first.next > found.start), START, || {
            format!("it is {}, and the first batch is {first:?}", found.start)
        })?;
        let mut at = first.map_or(found.start, |first| first.base.min(found.start));
        for batch in &found.batches {
            self.check_batch(batch, at)?;
            at = batch.next;
        }
        check(at == found.end || self.is_hole(at, found.end), NOTHING_NEW, || {
            format!("the log ends at {}, its batches at {at}", found.end)
        })?;
        let at = found.end;
        if at < self.durable {
            check(self.damaged, DURABLE, || {
                format!("{} was promised, and the log ends at {at}", self.durable)
            })?;
            check(found.cut || self.cut, SILENT_CUT, || {
                format!("{} was promised, and the log ends at {at}", self.durable)
            })?;
        }
        if !(power_lost || self.trouble || self.damaged) {
            check(found.batches == self.batches, NOTHING_LOST, || {
                format!("there are {:?}, and there were {:?}", found.batches, self.batches)
            })?;
        }
        let deleted = self.history().filter(|batch| batch.next <= found.start).cloned().collect();
        *self = Self {
            start: found.start,
            durable: at,
            deleted,
            batches: found.batches,
            end: at,
            cleaned_up_to: self.cleaned_up_to,
            originals: std::mem::take(&mut self.originals)
                .into_iter()
                .filter(|(base, _)| *base < at)
                .collect(),
            damaged: self.damaged,
            mixed_intervals: self.mixed_intervals,
            memory: self.memory.after_opening(),
            ..Self::default()
        };
        Ok(())
    }

    /// Whether compaction left no batch from offset `at` up to `next`. Without a checkpoint, what is left of a deletion
    /// may be back as well, and that may be any of its segments.
    fn is_hole(&self, at: u64, next: u64) -> bool {
        let deleted = self.damaged && next <= self.start;
        let within = |batch: &Batch| (at..next).contains(&batch.base);
        deleted || next <= self.cleaned_up_to && !self.history().chain(&self.failed).any(within)
    }

    /// Whether a batch may stand in the log where the offset `at` is due.
    fn check_batch(&self, batch: &Batch, at: u64) -> Checked {
        let same = |known: &&Batch| known.is(batch, self.damaged);
        let known = self.history().find(same);
        let at = if self.is_hole(at, batch.base) { batch.base } else { at };
        let in_place = batch.base == at;
        if at < self.durable {
            let due = self.history().find(|due| due.base >= at);
            return check(in_place && known.is_some(), DURABLE, || {
                format!("at offset {at} there is {batch:?} instead of {due:?}")
            });
        }
        let known = known.or_else(|| self.failed.iter().find(same));
        check(in_place && known.is_some(), NOTHING_NEW, || {
            format!("at offset {at}, beyond the promise of {}, there is {batch:?}", self.durable)
        })
    }
}
