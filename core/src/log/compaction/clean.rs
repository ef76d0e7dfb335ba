//! Reading the segments, twice: for the newest offset of each key, and to write what stays.
//!
//! Whatever is read is checked as a fetch checks it: checksums, the order of offsets, holes that nothing explains.
//! Damage ends the compaction, so that it is never copied under a new checksum.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::error::{CorruptReason, Error, Result};
use crate::record::Batch;
use crate::segment::Segment;
use crate::storage::{File, Storage};

use super::super::event::{Event, Observer};
use super::super::{corrupt, scan_error};
use super::filter::{BatchFate, Filter};
use super::keys::{Keys, Room};
use super::merge::{LogWriter, Piece};
use super::{CHUNK, Compacted, Compaction, Progress};

/// What was done so far.
#[derive(Debug, Default)]
struct Totals {
    records_removed: u64,
    /// The earliest delete horizon that has not come yet.
    delete_horizon_ms: Option<i64>,
}

impl Totals {
    fn note(&mut self, fate: BatchFate, kept: &[u8], now_ms: i64) {
        self.records_removed += u64::from(match fate {
            BatchFate::Verbatim => 0,
            BatchFate::Rewritten { removed, .. }
            | BatchFate::Emptied { removed }
            | BatchFate::Dropped { removed } => removed,
        });
        let kept = Batch::parse(kept).ok().and_then(|(batch, _)| batch.header().delete_horizon_ms());
        let horizon = kept.filter(|horizon| *horizon > now_ms);
        self.delete_horizon_ms = [self.delete_horizon_ms, horizon].into_iter().flatten().min();
    }
}

/// Reads the batches of consecutive segments.
struct Walk {
    /// The smallest offset that may come next.
    next: u64,
    /// Below this, compaction may have left holes before.
    cleaned_up_to: u64,
}

impl Walk {
    /// Hands each batch of a segment with its position to `each`, until that says `false`; and says the same.
    fn segment<F: File>(
        &mut self,
        segment: &Segment<F>,
        mut each: impl FnMut(u64, &Batch<'_>) -> Result<bool>,
    ) -> Result<bool> {
        let base = segment.base_offset();
        self.check(base, 0, base)?;
        self.next = base;
        let mut scan = segment.scan(0, CHUNK);
        loop {
            let position = scan.position();
            let batch = scan.batch().map_err(|error| scan_error(error, base, position))?;
            let Some(batch) = batch else { return Ok(true) };
            batch.verify().map_err(|reason| corrupt(base, position, reason.into()))?;
            let header = *batch.header();
            self.check(base, position, header.base_offset)?;
            if !each(position, &batch)? {
                return Ok(false);
            }
            self.next = header.last_offset() + 1;
            scan.skip(header.size);
        }
    }

    /// Whether `found` may come next, at this place.
    fn check(&self, segment: u64, position: u64, found: u64) -> Result<()> {
        let (expected, from) = (self.next, self.next);
        if found < expected {
            return Err(corrupt(segment, position, CorruptReason::OffsetOrder { found, expected }));
        }
        if found > expected && found > self.cleaned_up_to {
            return Err(corrupt(segment, position, CorruptReason::OffsetsMissing { from, to: found }));
        }
        Ok(())
    }
}

impl<S: Storage, O: Observer> Compaction<S, O> {
    /// Reads the closed segments and writes what is to take their place, durably. The log is as it was; it need not be
    /// held. This takes as long as reading everything twice.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if a batch is damaged, and [`Error::Io`], for example for a full disk. What was written is removed, and the log is none the worse.
    pub fn run(self) -> Result<Compacted<S, O>> {
        self.observe(|| Event::CompactionStarted {
            segments: self.sources.len(),
            bytes: self.sources.iter().map(|source| source.size()).sum(),
            first_dirty_offset: self.first_dirty_offset,
            end: self.end,
            now_ms: self.rules.now_ms,
            tombstones_due: self.tombstones_due,
        });
        let mut totals = Totals::default();
        let rewritten = self.map_keys().and_then(|(keys, all_due)| {
            let pieces = self.clean(&keys, &mut totals)?;
            Ok((self.merge(pieces)?, keys.up_to(), all_due))
        });
        let (outputs, up_to, all_due) = match rewritten.inspect_err(|_| self.discard()) {
            // The log was cut while it was read. Finishing will see that.
            Err(Error::Corrupt { .. }) if self.was_cut() => (Vec::new(), self.first_dirty_offset, true),
            rewritten => rewritten?,
        };
        // Tombstones for which there was no room are still due.
        let left = (!all_due).then_some(self.rules.now_ms);
        let delete_horizon_ms = left.or(totals.delete_horizon_ms);
        let progress = Progress { first_dirty_offset: up_to, delete_horizon_ms };
        Ok(Compacted { compaction: self, outputs, progress, records_removed: totals.records_removed })
    }

    /// The newest offset of each key, and whether all tombstones are among them that are due.
    fn map_keys(&self) -> Result<(Keys, bool)> {
        let mut keys = Keys::new(self.key_budget, self.first_dirty_offset);
        let clean = |at: &usize| self.end_of(*at) <= self.first_dirty_offset;
        let first_dirty = (0..self.sources.len()).take_while(clean).count();
        let mut room = true;
        let mut walk = self.walk(first_dirty);
        for source in &self.sources[first_dirty..] {
            room = room
                && walk.segment(source, |_, batch| {
                    let clean = batch.header().last_offset() < self.first_dirty_offset;
                    Ok(clean || keys.add(batch) == Room::Enough)
                })?;
        }
        if room {
            keys.reach(self.end);
        }
        if self.tombstones_due {
            let mut walk = self.walk(0);
            let below = |source: &&Arc<Segment<_>>| source.base_offset() < self.first_dirty_offset;
            for source in self.sources.iter().take_while(below) {
                room = room
                    && walk.segment(source, |_, batch| Ok(self.add_due(&mut keys, batch) == Room::Enough))?;
            }
        }
        let (keys_count, up_to) = (keys.len(), keys.up_to());
        self.observe(|| Event::KeysMapped {
            keys: keys_count,
            first_dirty_offset: self.first_dirty_offset,
            up_to,
            end: self.end,
            key_budget: self.key_budget,
        });
        Ok((keys, room || !self.tombstones_due))
    }

    fn add_due(&self, keys: &mut Keys, batch: &Batch<'_>) -> Room {
        match batch.header().delete_horizon_ms() {
            Some(horizon) if horizon <= self.rules.now_ms => keys.add_tombstones(batch),
            _ => Room::Enough,
        }
    }

    /// Writes what stays of each segment of which something goes.
    fn clean(&self, keys: &Keys, totals: &mut Totals) -> Result<Vec<Piece<S::File>>> {
        let mut filter = Filter::new(keys, self.rules.clone());
        let mut walk = self.walk(0);
        let mut pieces = Vec::with_capacity(self.sources.len());
        for (at, source) in self.sources.iter().enumerate() {
            pieces.push(self.clean_segment(source, self.end_of(at), &mut filter, &mut walk, totals)?);
        }
        if let Some(last) = self.sources.last() {
            walk.check(last.base_offset(), last.size(), self.end)?;
        }
        Ok(pieces)
    }

    fn clean_segment(
        &self,
        source: &Segment<S::File>,
        end: u64,
        filter: &mut Filter<'_>,
        walk: &mut Walk,
        totals: &mut Totals,
    ) -> Result<Piece<S::File>> {
        let (base, size) = (source.base_offset(), source.size());
        // A batch may become larger, for a delete horizon or by a codec's whim, and with it a full segment, as in
        // Kafka. But an index must be able to tell positions.
        let most = size.max(i32::MAX as u64);
        let mut writer: Option<LogWriter<S::File>> = None;
        let mut kept = Vec::new();
        walk.segment(source, |position, batch| {
            let header = batch.header();
            let written = writer.as_ref().map_or(position, LogWriter::size);
            // Saturating, for a log that is cut meanwhile may even have grown again.
            let behind = size.saturating_sub(position + u64::from(header.size));
            let limit = most.saturating_sub(written + behind);
            kept.clear();
            let fate = filter.rewrite(batch, limit, &mut kept, |record, why| {
                let (offset, key) = (record.offset, record.key);
                let key = || key.map(<[u8]>::to_vec);
                self.observe(|| Event::RecordRemoved { segment: base, offset, key: key(), why });
            });
            totals.note(fate, &kept, self.rules.now_ms);
            if fate != BatchFate::Verbatim {
                self.observe(|| Event::BatchRewritten {
                    segment: base,
                    position,
                    base_offset: header.base_offset,
                    last_offset: header.last_offset(),
                    fate,
                    delete_retention_ms: self.delete_retention_ms,
                });
                if writer.is_none() {
                    // Up to here nothing has changed.
                    let mut begun = LogWriter::create(&*self.storage, base)?;
                    begun.copy(source.scan(0, CHUNK), base, position)?;
                    writer = Some(begun);
                }
            }
            writer.as_mut().map_or(Ok(()), |writer| writer.push(&kept))?;
            Ok(true)
        })?;
        let written = writer.map(LogWriter::finish).transpose()?;
        Ok(match written {
            None => Piece { base, end, size, log: None },
            Some((log, size)) => Piece { base, end, size, log: Some(log) },
        })
    }

    /// Where the segment after the one at this place begins.
    fn end_of(&self, at: usize) -> u64 {
        self.sources.get(at + 1).map_or(self.end, |next| next.base_offset())
    }

    /// Whether the log was truncated since this began.
    pub(super) fn was_cut(&self) -> bool {
        self.underway.shared.truncations.load(Ordering::Acquire) != self.truncations
    }

    fn walk(&self, first: usize) -> Walk {
        let next = self.sources.get(first).map_or(self.end, |source| source.base_offset());
        Walk { next, cleaned_up_to: self.underway.shared.cleaned_up_to() }
    }
}
