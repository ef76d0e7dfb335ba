//! What the log knows about idempotent producers: who is at which epoch, and the last batches of each.
//!
//! A producer with an id numbers its records, partition by partition. The number of a batch's first record, its base
//! sequence, has to follow the last number that is in the log. So a batch that is sent twice, because an answer was
//! lost, is recognised and gets the offsets that it got the first time; and one that overtook another is refused.
//! The epoch tells the producer's lives apart: a newer life begins at sequence 0 and shuts the older ones out.
//!
//! The state follows from the log alone: [`ProducerState::update`] takes the batches in the order in which they are
//! there, whether they have just been appended or are read again. A [`snapshot`] of it saves reading all of them.
//!
//! Invariants:
//! - Sequences run from 0 to `i32::MAX` and then from 0 again; those of a batch and its offsets advance in step.
//! - A producer has at most [`REMEMBERED_BATCHES`] batches here, all of its current epoch, the oldest first.
//!
//! Source: Kafka's `ProducerStateManager`, `ProducerAppendInfo` and `ProducerStateEntry`.

pub mod snapshot;

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::record::{BatchHeader, NO_PRODUCER};

/// How many batches of a producer are remembered: Kafka's clients have at most so many under way.
pub const REMEMBERED_BATCHES: usize = 5;

/// What the log may do with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The batch is new: append it.
    Fresh,
    /// The batch is in the log already: answer with its offsets, and append nothing.
    Duplicate {
        /// The first record's offset.
        base_offset: u64,
        /// The last record's offset.
        last_offset: u64,
    },
}

/// All producers that the log remembers; see the [module](self).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProducerState {
    /// By producer id.
    producers: BTreeMap<i64, Entry>,
}

/// What is remembered of one producer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    epoch: i16,
    /// The largest timestamp of the last batch or marker. It is one for the whole producer, as in the snapshot.
    last_timestamp: i64,
    batches: Vec<Sequenced>,
}

/// A batch of a producer. Its first sequence and base offset follow from the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sequenced {
    last_sequence: i32,
    last_offset: u64,
    offset_delta: u32,
}

impl Sequenced {
    fn first_sequence(self) -> i32 {
        ((self.last_sequence as u32).wrapping_sub(self.offset_delta) & i32::MAX as u32) as i32
    }
}

impl ProducerState {
    /// Decides about a batch before it is appended. The header's base offset plays no part.
    ///
    /// A producer that is not known may begin at any sequence: what was known of it may have expired, or gone with
    /// the oldest segments. A batch without a producer id is always fresh, and of a marker only the epoch counts.
    ///
    /// # Errors
    /// [`Error::OutOfOrderSequence`], [`Error::InvalidProducerEpoch`]; [`Error::InvalidRecord`] for a producer id
    /// without an epoch or a sequence, and for negative values in general.
    pub fn check(&self, batch: &BatchHeader) -> Result<Check> {
        let producer = batch.producer;
        if producer.id == NO_PRODUCER.id {
            return Ok(Check::Fresh);
        }
        let control = batch.is_control();
        if producer.id < 0 || producer.epoch < 0 || (producer.base_sequence < 0 && !control) {
            let message = format!(
                "the batch has producer id {}, epoch {} and base sequence {}; a producer with an id needs all \
                 three, and none of them negative",
                producer.id, producer.epoch, producer.base_sequence
            );
            return Err(Error::InvalidRecord(message));
        }
        let Some(entry) = self.producers.get(&producer.id) else { return Ok(Check::Fresh) };
        if producer.epoch < entry.epoch {
            let (current, found) = (entry.epoch, producer.epoch);
            return Err(Error::InvalidProducerEpoch { producer_id: producer.id, current, found });
        }
        if control {
            return Ok(Check::Fresh);
        }
        let known = if producer.epoch == entry.epoch { &entry.batches[..] } else { &[] };
        let (first, last) =
            (producer.base_sequence, advance(producer.base_sequence, batch.last_offset_delta));
        // The newest: a producer that was forgotten may have used the numbers again before it was known once more.
        let twin = known.iter().rfind(|b| b.first_sequence() == first && b.last_sequence == last);
        if let Some(&Sequenced { last_offset, offset_delta, .. }) = twin {
            let base_offset = last_offset - u64::from(offset_delta);
            return Ok(Check::Duplicate { base_offset, last_offset });
        }
        let expected = known.last().map_or(0, |b| advance(b.last_sequence, 1));
        match first == expected {
            true => Ok(Check::Fresh),
            false => Err(Error::OutOfOrderSequence {
                producer_id: producer.id,
                epoch: producer.epoch,
                expected,
                found: first,
            }),
        }
    }

    /// Takes note of a batch that is in the log from `base_offset` on. Nothing is refused: what is in the log is a
    /// fact, and the state follows it.
    pub fn update(&mut self, batch: &BatchHeader, base_offset: u64) {
        let producer = batch.producer;
        let control = batch.is_control();
        // A marker that compaction has emptied counts for nothing, as in Kafka.
        if producer.id < 0 || producer.epoch < 0 || (control && batch.records_count == 0) {
            return;
        }
        // A late marker of an old life says nothing about the current one.
        let current = self.producers.get(&producer.id).map_or(producer.epoch, |entry| entry.epoch);
        if control && producer.epoch < current {
            return;
        }
        let sequenced = (!control && producer.base_sequence >= 0).then(|| Sequenced {
            last_sequence: advance(producer.base_sequence, batch.last_offset_delta),
            last_offset: base_offset + u64::from(batch.last_offset_delta),
            offset_delta: batch.last_offset_delta,
        });
        self.record(producer.id, producer.epoch, batch.max_timestamp, sequenced);
    }

    fn record(&mut self, id: i64, epoch: i16, last_timestamp: i64, batch: Option<Sequenced>) {
        let fresh = || Entry { epoch, last_timestamp, batches: Vec::new() };
        let entry = self.producers.entry(id).or_insert_with(fresh);
        if entry.epoch != epoch {
            *entry = fresh();
        }
        entry.last_timestamp = last_timestamp;
        if let Some(batch) = batch {
            if entry.batches.len() == REMEMBERED_BATCHES {
                entry.batches.remove(0);
            }
            entry.batches.push(batch);
        }
    }

    /// Forgets the producers that have appended nothing for `expiration_ms` or longer, and returns how many: the
    /// memory stays bounded however many producers come and go. Config key `producer.id.expiration.ms`.
    pub fn expire(&mut self, now_ms: i64, expiration_ms: i64) -> usize {
        let before = self.producers.len();
        self.producers.retain(|_, entry| now_ms.saturating_sub(entry.last_timestamp) < expiration_ms);
        before - self.producers.len()
    }

    /// How many producers are remembered.
    pub fn len(&self) -> usize {
        self.producers.len()
    }

    /// Whether no producer is remembered.
    pub fn is_empty(&self) -> bool {
        self.producers.is_empty()
    }

    /// The producers, by id, with the last offset of each one's last batch: compaction keeps that batch, if only as
    /// an empty one, for the sequence that it carries.
    pub fn last_offsets(&self) -> impl Iterator<Item = (i64, u64)> + '_ {
        self.producers.iter().filter_map(|(id, entry)| Some((*id, entry.batches.last()?.last_offset)))
    }
}

/// The sequence that is `by` after `sequence`, which is not negative: after `i32::MAX` comes 0.
fn advance(sequence: i32, by: u32) -> i32 {
    ((sequence as u32).wrapping_add(by) & i32::MAX as u32) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Producer;
    use proptest::prelude::*;

    pub(super) const NOW: i64 = 1_767_225_600_000;

    pub(super) fn batch(id: i64, epoch: i16, base_sequence: i32, records: u32) -> BatchHeader {
        BatchHeader {
            base_offset: 0,
            size: 61,
            partition_leader_epoch: 0,
            crc: 0,
            attributes: 0,
            last_offset_delta: records - 1,
            base_timestamp: NOW,
            max_timestamp: NOW,
            producer: Producer { id, epoch, base_sequence },
            records_count: records,
        }
    }

    pub(super) fn marker(id: i64, epoch: i16) -> BatchHeader {
        BatchHeader { attributes: 1 << 5 | 1 << 4, ..batch(id, epoch, -1, 1) }
    }

    /// Appends what is fresh, one batch after the other from offset 0 on.
    pub(super) fn state(batches: &[BatchHeader]) -> ProducerState {
        let mut state = ProducerState::default();
        let mut offset = 0;
        for batch in batches {
            assert_eq!(state.check(batch).expect("the batch is in order"), Check::Fresh);
            state.update(batch, offset);
            offset += u64::from(batch.last_offset_delta) + 1;
        }
        state
    }

    pub(super) fn error(state: &ProducerState, batch: BatchHeader) -> String {
        state.check(&batch).expect_err("the batch is refused").to_string()
    }

    #[test]
    fn a_duplicate_of_one_of_the_last_five_gets_its_offsets() {
        let sent: Vec<_> = (0..6).map(|i| batch(7, 0, 2 * i, 2)).collect();
        let state = state(&sent);
        for (i, batch) in sent.iter().enumerate().skip(1) {
            let (base_offset, last_offset) = (2 * i as u64, 2 * i as u64 + 1);
            assert_eq!(state.check(batch).unwrap(), Check::Duplicate { base_offset, last_offset });
        }
        let forgotten = "producer 7 (epoch 0) sent a batch that begins at sequence 0, and 12 is next";
        assert_eq!(error(&state, sent[0]), forgotten);
        // The same first sequence alone makes no duplicate.
        assert!(error(&state, batch(7, 0, 4, 1)).contains("sequence 4, and 12 is next"));
        assert!(error(&state, batch(7, 0, 4, 3)).contains("sequence 4, and 12 is next"));
    }

    #[test]
    fn a_gap_and_an_old_epoch_are_refused() {
        let state = state(&[batch(7, 3, 0, 2)]);
        assert_eq!(state.check(&batch(7, 3, 2, 1)).unwrap(), Check::Fresh);
        let gap = "producer 7 (epoch 3) sent a batch that begins at sequence 3, and 2 is next";
        assert_eq!(error(&state, batch(7, 3, 3, 1)), gap);
        let old = "producer 7 is at epoch 3, and the batch comes from its epoch 2, which has ended";
        assert_eq!(error(&state, batch(7, 2, 2, 1)), old);
        assert_eq!(error(&state, marker(7, 2)), old);
    }

    #[test]
    fn a_new_epoch_begins_at_zero() {
        let mut state = state(&[batch(7, 3, 0, 2)]);
        assert!(
            error(&state, batch(7, 4, 2, 1))
                .ends_with("(epoch 4) sent a batch that begins at sequence 2, and 0 is next")
        );
        let first = batch(7, 4, 0, 2);
        // It looks like the first batch of the epoch before, and is none.
        assert_eq!(state.check(&first).unwrap(), Check::Fresh);
        state.update(&first, 10);
        assert_eq!(state.check(&first).unwrap(), Check::Duplicate { base_offset: 10, last_offset: 11 });
        assert!(matches!(
            state.check(&batch(7, 3, 0, 2)),
            Err(Error::InvalidProducerEpoch { current: 4, found: 3, .. })
        ));
    }

    #[test]
    fn an_unknown_producer_begins_anywhere() {
        let state = state(&[batch(7, 3, 500, 1), batch(7, 3, 501, 1), batch(8, 0, 0, 1)]);
        assert_eq!(state.check(&batch(7, 3, 502, 1)).unwrap(), Check::Fresh);
        assert_eq!(state.check(&batch(9, 9, 9, 9)).unwrap(), Check::Fresh);
    }

    #[test]
    fn sequences_go_on_at_zero_after_the_largest() {
        // Six records from the last but two on: three before the turn, three after it.
        let turn = batch(7, 0, i32::MAX - 2, 6);
        let mut state = state(&[turn, batch(7, 0, 3, 1)]);
        assert_eq!(state.check(&turn).unwrap(), Check::Duplicate { base_offset: 0, last_offset: 5 });
        assert_eq!(ProducerState::decode(&state.encode()).unwrap(), state);
        let longest = BatchHeader { last_offset_delta: i32::MAX as u32, ..batch(7, 0, 4, 1) };
        state.update(&longest, 7);
        assert_eq!(state.check(&batch(7, 0, 4, 1)).unwrap(), Check::Fresh, "all numbers have been used once");
    }

    #[test]
    fn a_marker_raises_the_epoch_and_leaves_the_sequences() {
        let mut state = state(&[batch(7, 3, 0, 2), marker(7, 3)]);
        assert_eq!(state.check(&batch(7, 3, 2, 1)).unwrap(), Check::Fresh);
        state.update(&marker(7, 5), 3);
        assert!(error(&state, batch(7, 3, 2, 1)).contains("at epoch 5"));
        assert!(error(&state, batch(7, 5, 2, 1)).contains("and 0 is next"));
        assert_eq!(state.check(&batch(7, 5, 0, 1)).unwrap(), Check::Fresh);
        assert_eq!(
            ProducerState::decode(&state.encode()).unwrap(),
            state,
            "the epoch survives without a batch"
        );
        let before = state.clone();
        state.update(&marker(7, 4), 4);
        state.update(&BatchHeader { records_count: 0, ..marker(7, 9) }, 5);
        assert_eq!(state, before, "late and empty markers say nothing");
    }

    #[test]
    fn batches_without_a_producer_are_ignored_and_half_a_producer_is_refused() {
        let mut state = ProducerState::default();
        let plain = batch(-1, -1, -1, 1);
        assert_eq!(state.check(&plain).unwrap(), Check::Fresh);
        state.update(&plain, 0);
        assert!(state.is_empty());
        for (id, epoch, sequence) in [(7, -1, 0), (7, 0, -1), (-2, 0, 0), (i64::MIN, i16::MIN, i32::MIN)] {
            let half = batch(id, epoch, sequence, 1);
            let message = error(&state, half);
            assert!(
                message.contains(&format!("id {id}, epoch {epoch} and base sequence {sequence};")),
                "{message}"
            );
            state.update(&half, 0);
            // Of what some coordinator wrote without a sequence, the epoch counts.
            assert_eq!(state.len(), usize::from(id >= 0 && epoch >= 0));
            state = ProducerState::default();
        }
    }

    #[test]
    fn what_has_long_been_silent_expires() {
        let mut state =
            state(&[batch(7, 0, 0, 1), BatchHeader { max_timestamp: NOW + 50, ..batch(8, 0, 0, 1) }]);
        assert_eq!(state.expire(NOW + 99, 100), 0);
        assert_eq!(state.expire(NOW + 100, 100), 1);
        assert_eq!(state.last_offsets().collect::<Vec<_>>(), [(8, 1)]);
        assert_eq!(state.expire(i64::MAX, 100), 1);
    }

    /// What the model knows of a batch in the log.
    #[derive(Debug, Clone, Copy)]
    struct Fact {
        batch: BatchHeader,
        base_offset: u64,
        control: bool,
    }

    /// The rules once more, by reading the whole log for every question, and counting sequences without end.
    fn naive_check(log: &[Fact], batch: &BatchHeader) -> Result<Check, (i64, i64)> {
        let its: Vec<_> = log.iter().filter(|fact| fact.batch.producer.id == batch.producer.id).collect();
        let Some(epoch) = its.iter().map(|fact| fact.batch.producer.epoch).max() else {
            return Ok(Check::Fresh);
        };
        let found = batch.producer.epoch;
        if found < epoch {
            return Err((i64::from(epoch), i64::from(found)));
        }
        let life: Vec<_> =
            its.into_iter().filter(|fact| fact.batch.producer.epoch == found && !fact.control).collect();
        let range = |b: &BatchHeader| {
            let first = i64::from(b.producer.base_sequence);
            (first, (first + i64::from(b.last_offset_delta)) % (1 << 31))
        };
        for fact in life.iter().rev().take(5) {
            if range(&fact.batch) == range(batch) {
                let last_offset = fact.base_offset + u64::from(fact.batch.last_offset_delta);
                return Ok(Check::Duplicate { base_offset: fact.base_offset, last_offset });
            }
        }
        let expected = life.last().map_or(0, |fact| (range(&fact.batch).1 + 1) % (1 << 31));
        let found = range(batch).0;
        if found == expected { Ok(Check::Fresh) } else { Err((expected, found)) }
    }

    #[derive(Debug, Clone)]
    enum Step {
        /// The sequence is so much beyond the one that is next.
        Send {
            id: i64,
            epoch: i16,
            beyond: i32,
            records: u32,
        },
        /// The batch so far back in the log, once more.
        Resend {
            back: usize,
        },
        Mark {
            id: i64,
            epoch: i16,
        },
        Snapshot,
    }

    fn any_step() -> impl Strategy<Value = Step> {
        let beyond = prop_oneof![8 => Just(0), 1 => -3..4i32];
        prop_oneof![
            8 => (0..3i64, prop_oneof![6 => Just(0i16), 1 => 0..3i16], beyond, 1..4u32)
                .prop_map(|(id, epoch, beyond, records)| Step::Send { id, epoch, beyond, records }),
            4 => (0..9usize).prop_map(|back| Step::Resend { back }),
            1 => (0..3i64, 0..3i16).prop_map(|(id, epoch)| Step::Mark { id, epoch }),
            1 => Just(Step::Snapshot),
        ]
    }

    /// The sequence that is next, for a producer of that epoch. New producers begin close to the turn.
    fn next_sequence(log: &[Fact], id: i64, epoch: i16) -> i32 {
        let mut life = log.iter().filter(|fact| fact.batch.producer.id == id && !fact.control).peekable();
        if life.peek().is_none() {
            return i32::MAX - 6;
        }
        let last = life.rfind(|fact| fact.batch.producer.epoch == epoch);
        last.map_or(0, |fact| advance(fact.batch.producer.base_sequence, fact.batch.last_offset_delta + 1))
    }

    proptest! {
        #[test]
        fn the_state_decides_as_the_whole_log_would(steps in prop::collection::vec(any_step(), 0..80)) {
            let mut state = ProducerState::default();
            let mut log: Vec<Fact> = Vec::new();
            let mut offset = 0;
            for step in steps {
                let batch = match step {
                    Step::Send { id, epoch, beyond, records } => {
                        let sequence = (next_sequence(&log, id, epoch).wrapping_add(beyond)) & i32::MAX;
                        batch(id, epoch, sequence, records)
                    }
                    Step::Resend { back } => match log.iter().rev().filter(|fact| !fact.control).nth(back) {
                        Some(fact) => fact.batch,
                        None => continue,
                    },
                    Step::Mark { id, epoch } => {
                        let batch = marker(id, epoch);
                        if state.check(&batch).is_ok() {
                            log.push(Fact { batch, base_offset: offset, control: true });
                            state.update(&batch, offset);
                            offset += 1;
                        }
                        continue;
                    }
                    Step::Snapshot => {
                        let bytes = state.encode();
                        let read = ProducerState::decode(&bytes).unwrap();
                        prop_assert_eq!(&read, &state);
                        prop_assert_eq!(read.encode(), bytes);
                        state = read;
                        continue;
                    }
                };
                let checked = state.check(&batch).map_err(|error| match error {
                    Error::OutOfOrderSequence { expected, found, .. } => (i64::from(expected), i64::from(found)),
                    Error::InvalidProducerEpoch { current, found, .. } => (i64::from(current), i64::from(found)),
                    other => panic!("{other}"),
                });
                prop_assert_eq!(checked, naive_check(&log, &batch));
                if checked == Ok(Check::Fresh) {
                    log.push(Fact { batch, base_offset: offset, control: false });
                    state.update(&batch, offset);
                    offset += u64::from(batch.last_offset_delta) + 1;
                }
            }
            // What was appended and what is read again give the same.
            let mut replayed = ProducerState::default();
            log.iter().for_each(|fact| replayed.update(&fact.batch, fact.base_offset));
            prop_assert_eq!(replayed.encode(), state.encode());
        }
    }
}
