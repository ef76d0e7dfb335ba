//! What a log must know of idempotent producers: it follows from the batches that are in the log or were deleted
//! from its beginning, and from which producers were silent for so long that the log could forget them.
//!
//! Who was forgotten may be known again after the log is opened: that depends on when the log last wrote its
//! snapshot. So the model says what may happen to a batch, and mostly that is one thing. And what was compacted is
//! known as long as there is a snapshot of it; a truncation may go back behind that, to what compaction left.

use std::collections::{BTreeMap, BTreeSet};

use logscope::record::Producer;

use crate::model::{Batch, Model};

/// What may happen to a batch of a producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Fresh,
    /// It is there already, at these offsets.
    Duplicate(u64, u64),
    OutOfOrder,
    OldEpoch,
}

/// Up to which offset the batches of a producer were forgotten.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    /// Forgotten for sure, since the log was opened.
    forgotten: BTreeMap<i64, u64>,
    /// Forgotten at some time, and maybe known again.
    unsure: BTreeMap<i64, u64>,
    /// What is known of batches below this offset may be what compaction left of them.
    guessed: u64,
}

impl Memory {
    pub(crate) fn after_opening(&self) -> Self {
        let mut unsure = self.unsure.clone();
        for (id, offset) in &self.forgotten {
            let known = unsure.entry(*id).or_default();
            *known = (*known).max(*offset);
        }
        Self { forgotten: BTreeMap::new(), unsure, guessed: self.guessed }
    }

    pub(crate) fn guess_below(&mut self, offset: u64) {
        self.guessed = self.guessed.max(offset);
    }
}

impl Model {
    /// What may happen to a batch of so many records.
    pub(crate) fn fates(&self, producer: Producer, records: u32) -> Vec<Fate> {
        let known = self.known(producer.id);
        let unsure = self.memory.unsure.get(&producer.id).copied().unwrap_or(0);
        let unsure = known.partition_point(|batch| self.damaged || batch.base < unsure);
        let guessed = known.first().is_some_and(|first| first.base < self.memory.guessed);
        let mut fates: Vec<Fate> =
            (0..=unsure).map(|forgotten| fate(&known[forgotten..], producer, records)).collect();
        if guessed || unsure > 0 {
            // From a snapshot as of some batch, and what is left behind it.
            let left: BTreeSet<u64> = self.history().map(|batch| batch.base).collect();
            for (snapshot, forgotten) in
                (0..=known.len()).flat_map(|at| (0..=unsure.min(at)).map(move |from| (at, from)))
            {
                let behind = known[snapshot..].iter().filter(|batch| left.contains(&batch.base));
                let known: Vec<&Batch> = known[forgotten..snapshot].iter().chain(behind).copied().collect();
                fates.push(fate(&known, producer, records));
            }
        }
        fates
    }

    /// A producer's batches that were not forgotten for sure, as they were before any compaction.
    fn known(&self, id: i64) -> Vec<&Batch> {
        let from = self.memory.forgotten.get(&id).copied().unwrap_or(0);
        let its = |batch: &&Batch| batch.base >= from && batch.header().producer.id == id;
        let all = self.history().chain(self.originals.values()).filter(its);
        all.map(|batch| (batch.base, batch)).collect::<BTreeMap<_, _>>().into_values().collect()
    }

    /// The producers that were ever heard of.
    fn producer_ids(&self) -> BTreeSet<i64> {
        let all = self.history().chain(self.originals.values());
        all.map(|batch| batch.header().producer.id).filter(|id| *id >= 0).collect()
    }

    /// The base offsets of the producers' last batches: of those that the log knows for sure, and of all.
    pub(crate) fn last_batches(&self) -> (BTreeSet<u64>, BTreeSet<u64>) {
        let (mut for_sure, mut perhaps) = (BTreeSet::new(), BTreeSet::new());
        for id in self.producer_ids() {
            let known = self.known(id);
            let unsure = self.memory.unsure.contains_key(&id) || self.damaged;
            let guessed = known.first().is_some_and(|first| first.base < self.memory.guessed);
            match known.last() {
                Some(last) if !(unsure || guessed) => {
                    for_sure.insert(last.base);
                    perhaps.insert(last.base);
                }
                _ => perhaps.extend(known.iter().map(|batch| batch.base)),
            }
        }
        (for_sure, perhaps)
    }

    /// A log may lack a snapshot that it needs once older segments go.
    pub(crate) fn doubt_producers(&mut self) {
        for id in self.producer_ids() {
            self.memory.unsure.insert(id, self.end);
        }
    }

    /// Forgets the producers that have been silent for so long.
    pub(crate) fn expire(&mut self, now_ms: i64, expiration_ms: u64) {
        let end = self.end;
        for id in self.producer_ids() {
            let known = self.known(id);
            let last = known.last().map(|batch| batch.header().max_timestamp);
            if known.first().is_some_and(|first| first.base < self.memory.guessed) {
                self.memory.unsure.insert(id, end);
            } else if last
                .is_some_and(|last| i128::from(now_ms) - i128::from(last) >= i128::from(expiration_ms))
            {
                self.memory.forgotten.insert(id, end);
            }
        }
    }
}

/// What happens to a batch if these are known of its producer.
fn fate(known: &[&Batch], producer: Producer, records: u32) -> Fate {
    let Some(epoch) = known.last().map(|batch| batch.header().producer.epoch) else { return Fate::Fresh };
    if producer.epoch < epoch {
        return Fate::OldEpoch;
    }
    if producer.epoch > epoch {
        return if producer.base_sequence == 0 { Fate::Fresh } else { Fate::OutOfOrder };
    }
    let life = known.iter().rev().take_while(|batch| batch.header().producer.epoch == epoch);
    let twin = life.take(5).find(|batch| {
        batch.header().producer.base_sequence == producer.base_sequence
            && batch.next - batch.base == u64::from(records)
    });
    if let Some(twin) = twin {
        return Fate::Duplicate(twin.base, twin.next - 1);
    }
    let next =
        known.last().map(|batch| batch.header().producer.sequence_after((batch.next - batch.base) as u32));
    if next == Some(producer.base_sequence) { Fate::Fresh } else { Fate::OutOfOrder }
}
