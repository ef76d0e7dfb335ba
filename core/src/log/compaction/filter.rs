//! What stays of a batch: the newest record of each key, and a tombstone for a while.
//!
//! The fate of a record:
//!
//! | record | goes |
//! | --- | --- |
//! | its key has a newer one | yes |
//! | it is the newest of its key, and has a value | no |
//! | a tombstone, the newest of its key | once its batch's delete horizon has passed |
//! | it has no key | yes, as in Kafka |
//! | it is not covered by the [`Keys`], or its batch cannot be read | no |
//!
//! The first compaction that keeps a tombstone gives its batch a delete horizon: so long everybody who reads
//! the log has time to learn that the key is gone. What is left of a batch keeps its offsets, and if nothing is left,
//! the batch itself goes; but not the last one of a producer, whose sequence is needed, nor the very last of all,
//! whose offset is. Those stay without records.
//!
//! Invariants:
//! - A tombstone goes only together with every older record of its key, those of earlier batches included: so what
//!   was deleted never comes back. As long as an older batch cannot be read, tombstones stay.
//! - A batch of which nothing goes is copied byte for byte.
//!
//! Source: Kafka's `Cleaner.cleanInto` and `shouldRetainRecord`; KIP-534.

use std::collections::BTreeMap;

use crate::record::{Batch, BatchHeader, Compression, Record, empty_batch, rewrite_batch};

use super::keys::Keys;
use super::readable;

/// Why a record goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(tag = "kind", rename_all = "snake_case")
)]
pub enum Removal {
    /// The record at offset `by` has the same key.
    Superseded {
        /// The offset of the newest record with that key.
        by: u64,
    },
    /// It says that its key is gone, and has said so long enough.
    TombstoneExpired {
        /// The batch's delete horizon, in milliseconds since the Unix epoch.
        delete_horizon_ms: i64,
    },
    /// It has no key, and so no place in a compacted log.
    NoKey,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(tag = "kind", rename_all = "snake_case")
)]
pub enum BatchFate {
    /// It stays as it is.
    Verbatim,
    /// It stays with fewer records, or with a delete horizon that it did not have.
    Rewritten {
        /// How many records stay.
        kept: u32,
        /// How many go.
        removed: u32,
        /// The delete horizon, if it is new.
        delete_horizon_ms: Option<i64>,
    },
    /// All its records go, and the header stays.
    Emptied {
        /// How many records go.
        removed: u32,
    },
    /// It goes.
    Dropped {
        /// How many records it had.
        removed: u32,
    },
}

/// The rules of one compaction. Batches come in the order of their offsets, from the first in the log on.
#[derive(Debug)]
pub(super) struct Filter<'k> {
    keys: &'k Keys,
    rules: Rules,
    /// Whether a batch was met that could not be read, or that had to stay as it was.
    opaque: bool,
    /// Where compressed batches are decompressed.
    buffer: Vec<u8>,
}

/// What is decided by beside the keys.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    /// Now, in milliseconds since the Unix epoch.
    pub(super) now_ms: i64,
    /// `delete.retention.ms`.
    pub(super) delete_retention_ms: i64,
    /// The last offset of each producer's last batch.
    pub(super) last_offsets: BTreeMap<i64, u64>,
    /// The offset after the last one that is compacted.
    pub(super) end: u64,
}

impl<'k> Filter<'k> {
    pub(super) fn new(keys: &'k Keys, rules: Rules) -> Self {
        Self { keys, rules, opaque: false, buffer: Vec::new() }
    }

    /// Appends to `out` what stays of `batch`, in at most `limit` bytes, which is at least the size that it has; and
    /// tells `removed` each record that goes.
    pub(super) fn rewrite(
        &mut self,
        batch: &Batch<'_>,
        limit: u64,
        out: &mut Vec<u8>,
        mut removed: impl FnMut(&Record<'_>, Removal),
    ) -> BatchFate {
        let header = batch.header();
        if header.is_control() || header.base_offset >= self.keys.up_to() {
            out.extend_from_slice(batch.bytes());
            return BatchFate::Verbatim;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let plain = readable(batch, &mut buffer);
        let fate = plain.and_then(|plain| {
            let fate = self.rewrite_readable(batch, &plain, limit, out)?;
            let judged = plain.records().flatten().map(|record| (record, self.judge(&record, header)));
            judged.for_each(|(record, removal)| removal.into_iter().for_each(|why| removed(&record, why)));
            Some(fate)
        });
        self.buffer = buffer;
        fate.unwrap_or_else(|| {
            self.opaque = true;
            out.extend_from_slice(batch.bytes());
            BatchFate::Verbatim
        })
    }

    /// `None` if what stays cannot be written.
    fn rewrite_readable(
        &self,
        batch: &Batch<'_>,
        plain: &Batch<'_>,
        limit: u64,
        out: &mut Vec<u8>,
    ) -> Option<BatchFate> {
        let header = batch.header();
        let (mut kept, mut removed, mut tombstones) = (0, 0, false);
        for record in plain.records().flatten() {
            match self.judge(&record, header) {
                Some(_) => removed += 1,
                None => {
                    kept += 1;
                    tombstones |= record.value.is_none() && record.offset < self.keys.up_to();
                }
            }
        }
        let start = out.len();
        if kept == 0 {
            return Some(match (self.must_stay(header), removed) {
                (false, _) => BatchFate::Dropped { removed },
                (true, 0) => {
                    out.extend_from_slice(batch.bytes());
                    BatchFate::Verbatim
                }
                (true, _) => {
                    empty_batch(out, batch);
                    BatchFate::Emptied { removed }
                }
            });
        }
        let due = (tombstones && header.delete_horizon_ms().is_none())
            .then(|| self.rules.now_ms.saturating_add(self.rules.delete_retention_ms));
        let codec = batch.compressed().unwrap_or(Compression::None);
        // Larger deltas to the new base timestamp may not fit; then the horizon has to wait, and the tombstone with it.
        for delete_horizon_ms in [due, None] {
            if removed == 0 && delete_horizon_ms.is_none() {
                out.extend_from_slice(batch.bytes());
                return Some(BatchFate::Verbatim);
            }
            let keep = |record: &Record<'_>| self.judge(record, header).is_none();
            let written = rewrite_batch(out, plain, codec, delete_horizon_ms, keep);
            if written.is_some() && (out.len() - start) as u64 <= limit {
                return Some(BatchFate::Rewritten { kept, removed, delete_horizon_ms });
            }
            out.truncate(start);
        }
        None
    }

    /// Why the record goes, if it does.
    fn judge(&self, record: &Record<'_>, batch: &BatchHeader) -> Option<Removal> {
        if record.offset >= self.keys.up_to() {
            return None;
        }
        let Some(key) = record.key else { return Some(Removal::NoKey) };
        let newest = self.keys.newest(key)?;
        if newest > record.offset {
            return Some(Removal::Superseded { by: newest });
        }
        if newest < record.offset || record.value.is_some() || self.opaque {
            return None;
        }
        let passed = batch.delete_horizon_ms().filter(|horizon| *horizon <= self.rules.now_ms);
        passed.map(|delete_horizon_ms| Removal::TombstoneExpired { delete_horizon_ms })
    }

    /// Whether the batch stays even without records.
    fn must_stay(&self, batch: &BatchHeader) -> bool {
        let last = self.rules.last_offsets.get(&batch.producer.id);
        last == Some(&batch.last_offset()) || batch.last_offset() + 1 == self.rules.end
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::Room;
    use super::super::testing::{
        CONTROL, Cover, Found, KEYS, NOW, Sketch, TRANSACTIONAL, batch, decoded, delete, seal, set,
    };
    use super::*;
    use crate::record::{NO_PRODUCER, Producer};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const RETENTION: i64 = 100;
    const PRODUCER: Producer = Producer { id: 5, epoch: 1, base_sequence: 40 };

    fn rules() -> Rules {
        Rules { now_ms: NOW, delete_retention_ms: RETENTION, last_offsets: BTreeMap::new(), end: 100 }
    }

    /// A map of all that is in `batches`.
    fn keys(batches: &[Vec<u8>]) -> Keys {
        let mut keys = Keys::new(1 << 20, 0);
        for batch in batches {
            let _ = keys.add(&Batch::parse(batch).expect("there is a batch").0);
        }
        keys
    }

    fn rewrite(
        filter: &mut Filter<'_>,
        bytes: &[u8],
        limit: u64,
    ) -> (BatchFate, Vec<u8>, Vec<(u64, Removal)>) {
        let (mut out, mut removed) = (b"before".to_vec(), Vec::new());
        let (batch, _) = Batch::parse(bytes).expect("there is a batch");
        let fate = filter.rewrite(&batch, limit, &mut out, |record, why| removed.push((record.offset, why)));
        (fate, out.split_off(6), removed)
    }

    /// Filters one batch alone, with a map of `keys`.
    fn filtered(bytes: &[u8], keys: &Keys, rules: Rules) -> (BatchFate, Vec<u8>, Vec<(u64, Removal)>) {
        rewrite(&mut Filter::new(keys, rules), bytes, 1 << 20)
    }

    #[test]
    fn records_with_a_newer_one_go_and_the_others_stay_what_they_were() {
        for compression in Compression::ALL {
            let cover = Cover { compression, producer: PRODUCER, ..Cover::at(10) };
            let aged = |key, age| Sketch { age, ..set(key, "value") };
            let old = batch(cover, &[aged("a", 9), aged("b", 5), aged("c", 0), aged("", 7)]);
            let new = batch(Cover::at(20), &[set("c", "2"), set("a", "2")]);
            let keys = keys(&[old.clone(), new.clone()]);
            let (fate, bytes, removed) = filtered(&old, &keys, rules());
            assert_eq!(fate, BatchFate::Rewritten { kept: 2, removed: 2, delete_horizon_ms: None });
            let superseded = |by| Removal::Superseded { by };
            assert_eq!(removed, [(10, superseded(21)), (12, superseded(20))]);

            let (header, records) = decoded(&bytes);
            assert_eq!(records, [(11, aged("b", 5)), (13, aged("", 7))]);
            let before = decoded(&old).0;
            let expected = BatchHeader {
                size: header.size,
                crc: header.crc,
                max_timestamp: NOW - 5,
                records_count: 2,
                ..before
            };
            assert_eq!(header, expected, "{compression}");
            assert_eq!(filtered(&new, &keys, rules()), (BatchFate::Verbatim, new, vec![]));
        }
    }

    #[test]
    fn a_record_without_a_key_has_no_place() {
        let keyless = Sketch { key: None, ..set("a", "1") };
        let old = batch(Cover::at(0), &[keyless, set("a", "1")]);
        let (fate, bytes, removed) = filtered(&old, &keys(std::slice::from_ref(&old)), rules());
        assert_eq!(fate, BatchFate::Rewritten { kept: 1, removed: 1, delete_horizon_ms: None });
        assert_eq!(decoded(&bytes).1, [(1, set("a", "1"))]);
        assert_eq!(removed, [(0, Removal::NoKey)]);
    }

    #[test]
    fn what_the_map_has_not_reached_is_not_judged() {
        let bytes = batch(Cover::at(0), &[set("a", "1"), set("a", "2"), delete("b"), set("a", "3")]);
        let mut keys = Keys::new(0, 0);
        let _ = keys.add(&Batch::parse(&bytes).unwrap().0);
        assert_eq!(keys.up_to(), 2);
        let (fate, out, _) = filtered(&bytes, &keys, rules());
        assert_eq!(fate, BatchFate::Rewritten { kept: 3, removed: 1, delete_horizon_ms: None });
        assert_eq!(decoded(&out).1.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), [1, 2, 3]);
        let beyond = batch(Cover::at(2), &[set("a", "1"), set("a", "2")]);
        assert_eq!(filtered(&beyond, &keys, rules()).0, BatchFate::Verbatim);
    }

    #[test]
    fn a_tombstone_goes_when_its_horizon_has_passed() {
        for compression in [Compression::None, Compression::Lz4] {
            let cover = Cover { compression, ..Cover::at(3) };
            let first =
                batch(cover, &[Sketch { age: 8, ..set("a", "1") }, Sketch { age: 1 << 40, ..delete("b") }]);
            let keys = keys(std::slice::from_ref(&first));
            let (fate, second, _) = filtered(&first, &keys, rules());
            let horizon = NOW + RETENTION;
            assert_eq!(fate, BatchFate::Rewritten { kept: 2, removed: 0, delete_horizon_ms: Some(horizon) });
            assert_eq!(decoded(&second).0.delete_horizon_ms(), Some(horizon));
            assert_eq!(decoded(&second).1, decoded(&first).1, "the records have their timestamps still");

            let before = Rules { now_ms: horizon - 1, ..rules() };
            assert_eq!(filtered(&second, &keys, before).0, BatchFate::Verbatim);
            let at = Rules { now_ms: horizon, ..rules() };
            let (fate, third, removed) = filtered(&second, &keys, at.clone());
            assert_eq!(fate, BatchFate::Rewritten { kept: 1, removed: 1, delete_horizon_ms: None });
            assert_eq!(removed, [(4, Removal::TombstoneExpired { delete_horizon_ms: horizon })]);
            assert_eq!(decoded(&third).1, [(3, Sketch { age: 8, ..set("a", "1") })]);
            // Not in the map: older records of the key may stay, so the tombstone does.
            let mut other = Keys::new(1 << 20, 90);
            other.reach(100);
            assert_eq!(filtered(&second, &other, at).0, BatchFate::Verbatim);
        }
    }

    #[test]
    fn a_tombstone_stays_while_an_older_batch_cannot_be_read() {
        let mut broken = batch(Cover::at(0), &[set("a", "1")]);
        broken[60] = 2;
        seal(&mut broken);
        let tombstone = batch(Cover::at(3), &[delete("a")]);
        let keys = keys(std::slice::from_ref(&tombstone));
        let tombstone = filtered(&tombstone, &keys, rules()).1;
        let mut filter = Filter::new(&keys, Rules { now_ms: NOW + RETENTION, ..rules() });
        assert_eq!(rewrite(&mut filter, &broken, 1 << 20), (BatchFate::Verbatim, broken, vec![]));
        assert_eq!(rewrite(&mut filter, &tombstone, 1 << 20), (BatchFate::Verbatim, tombstone, vec![]));
    }

    #[test]
    fn the_last_batch_of_a_producer_and_the_last_of_all_stay_without_records() {
        let old = batch(Cover { producer: PRODUCER, ..Cover::at(0) }, &[set("a", "1"), set("b", "1")]);
        let new = batch(Cover::at(2), &[set("a", "2"), set("b", "2")]);
        let keys = keys(&[old.clone(), new]);
        assert_eq!(filtered(&old, &keys, rules()).0, BatchFate::Dropped { removed: 2 });
        assert!(filtered(&old, &keys, rules()).1.is_empty());
        let last_offsets = BTreeMap::from([(PRODUCER.id, 1)]);
        for rules in [Rules { last_offsets, ..rules() }, Rules { end: 2, ..rules() }] {
            let (fate, empty, removed) = filtered(&old, &keys, rules.clone());
            assert_eq!((fate, removed.len()), (BatchFate::Emptied { removed: 2 }, 2));
            let (header, records) = decoded(&empty);
            let before = decoded(&old).0;
            let expected =
                BatchHeader { size: 61, crc: header.crc, base_timestamp: -1, records_count: 0, ..before };
            assert_eq!((header, &records[..]), (expected, &[][..]));
            assert_eq!(filtered(&empty, &keys, rules), (BatchFate::Verbatim, empty.clone(), vec![]));
            assert_eq!(filtered(&empty, &keys, self::rules()).0, BatchFate::Dropped { removed: 0 });
        }
    }

    #[test]
    fn an_emptied_batch_says_nothing_of_a_codec_or_a_horizon() {
        let cover = Cover { compression: Compression::Zstd, attributes: TRANSACTIONAL, ..Cover::at(0) };
        let old = batch(cover, &[set("a", "1")]);
        let keys = keys(&[old.clone(), batch(Cover::at(1), &[set("a", "2")])]);
        let header = decoded(&filtered(&old, &keys, Rules { end: 1, ..rules() }).1).0;
        assert_eq!(header.attributes, TRANSACTIONAL);
    }

    #[test]
    fn markers_stay_and_transactional_records_yield() {
        let marker = batch(Cover { attributes: TRANSACTIONAL | CONTROL, ..Cover::at(0) }, &[set("a", "1")]);
        let inside =
            batch(Cover { attributes: TRANSACTIONAL, ..Cover::at(1) }, &[set("a", "1"), set("b", "1")]);
        let newer = batch(Cover::at(3), &[set("a", "2")]);
        let keys = keys(&[marker.clone(), inside.clone(), newer]);
        assert_eq!(filtered(&marker, &keys, rules()).0, BatchFate::Verbatim);
        let (fate, out, _) = filtered(&inside, &keys, rules());
        assert_eq!(fate, BatchFate::Rewritten { kept: 1, removed: 1, delete_horizon_ms: None });
        assert_eq!(decoded(&out).1, [(2, set("b", "1"))]);
    }

    #[test]
    fn a_horizon_that_makes_a_batch_too_large_has_to_wait() {
        let aged = |sketch| Sketch { age: 1 << 40, ..sketch };
        let first = batch(Cover::at(0), &[aged(set("a", "1")), aged(delete("b"))]);
        let keys = keys(&[first.clone(), batch(Cover::at(2), &[set("a", "2")])]);
        let smaller = batch(Cover::at(0), &[aged(delete("b"))]).len() as u64;
        for (limit, horizon) in [(smaller, None), (smaller + 20, Some(NOW + RETENTION))] {
            let mut filter = Filter::new(&keys, rules());
            let (fate, out, _) = rewrite(&mut filter, &first, limit);
            assert_eq!(
                fate,
                BatchFate::Rewritten { kept: 1, removed: 1, delete_horizon_ms: horizon },
                "{limit}"
            );
            assert!(out.len() as u64 <= limit);
        }
        // Where nothing else would change, nothing changes; where even less does not fit, it stays, and so do tombstones.
        let alone = self::keys(std::slice::from_ref(&first));
        let mut filter = Filter::new(&alone, rules());
        assert_eq!(rewrite(&mut filter, &first, first.len() as u64).0, BatchFate::Verbatim);
        assert!(!filter.opaque);
        let mut filter = Filter::new(&keys, rules());
        assert_eq!(rewrite(&mut filter, &first, 61), (BatchFate::Verbatim, first, vec![]));
        assert!(filter.opaque);
    }

    #[test]
    fn timestamps_too_far_from_the_horizon_leave_the_batch_without_one() {
        let far = Sketch { age: i64::MAX, ..delete("a") };
        let first = batch(Cover::at(0), &[far]);
        let late = Rules { now_ms: i64::MAX, ..rules() };
        assert_eq!(filtered(&first, &keys(std::slice::from_ref(&first)), late).0, BatchFate::Verbatim);
    }

    /// The latest value of each key, of those that have one.
    fn values<'a>(records: impl Iterator<Item = &'a Found>) -> BTreeMap<&'static str, String> {
        let mut values = BTreeMap::new();
        for (_, Sketch { key, value, .. }) in records {
            let Some(key) = *key else { continue };
            match value {
                Some(value) => values.insert(key, value.clone()),
                None => values.remove(key),
            };
        }
        values
    }

    fn any_batch() -> impl Strategy<Value = (Cover, Vec<Sketch>)> {
        let record =
            (prop::option::weighted(0.95, 0..KEYS.len()), prop::option::weighted(0.7, 0..3u8), 0..500i64);
        let record = record.prop_map(|(key, value, age)| Sketch {
            key: key.map(|at| KEYS[at]),
            value: value.map(|value| value.to_string()),
            age,
        });
        let producer = prop_oneof![Just(NO_PRODUCER), (0..3i64).prop_map(|id| Producer { id, ..PRODUCER })];
        let cover = (prop::sample::select(Compression::ALL.to_vec()), producer, 0..3u64);
        (cover, prop::collection::vec(record, 1..6)).prop_map(|((compression, producer, gap), records)| {
            (Cover { compression, producer, base_offset: gap, attributes: 0 }, records)
        })
    }

    proptest! {
        #[test]
        fn compacting_again_and_again_never_changes_what_the_log_says(
            batches in prop::collection::vec(any_batch(), 1..12),
            rounds in prop::collection::vec((0..400usize, 0..200i64), 1..6),
        ) {
            let mut end = 0;
            let mut log: Vec<Vec<u8>> = Vec::new();
            for (mut cover, records) in batches {
                cover.base_offset += end;
                end = cover.base_offset + records.len() as u64;
                log.push(batch(cover, &records));
            }
            let original: Vec<Found> = log.iter().flat_map(|batch| decoded(batch).1).collect();
            let mut last_offsets = BTreeMap::new();
            for header in log.iter().map(|batch| decoded(batch).0).filter(|h| h.producer.id >= 0) {
                last_offsets.insert(header.producer.id, header.last_offset());
            }
            let (mut from, mut now_ms) = (0, NOW);
            for (budget, passed) in rounds {
                now_ms += passed;
                let mut keys = Keys::new(budget, from);
                let parsed: Vec<_> = log.iter().map(|batch| Batch::parse(batch).unwrap().0).collect();
                let dirty = parsed.iter().filter(|batch| batch.header().last_offset() >= from);
                if dirty.clone().all(|batch| keys.add(batch) == Room::Enough) {
                    keys.reach(end);
                    let _ = parsed.iter().all(|batch| keys.add_tombstones(batch) == Room::Enough);
                }
                prop_assert!(keys.up_to() > from || from == end, "it gets on");
                from = keys.up_to();

                let rules = Rules { now_ms, delete_retention_ms: RETENTION, last_offsets: last_offsets.clone(), end };
                let mut filter = Filter::new(&keys, rules.clone());
                let mut after = Vec::new();
                for bytes in &log {
                    let (before, records) = decoded(bytes);
                    let (fate, out, removed) = rewrite(&mut filter, bytes, 1 << 20);
                    prop_assert_eq!(fate == BatchFate::Verbatim, &out == bytes);
                    let kept = if out.is_empty() { Vec::new() } else { decoded(&out).1 };
                    prop_assert_eq!(kept.len() + removed.len(), records.len());
                    let is_kept = |record: &&Found| removed.iter().all(|(offset, _)| *offset != record.0);
                    prop_assert!(records.iter().filter(is_kept).eq(&kept), "what stays is what it was");
                    if out.is_empty() {
                        prop_assert!(last_offsets.get(&before.producer.id) != Some(&before.last_offset()));
                        continue;
                    }
                    let header = decoded(&out).0;
                    prop_assert_eq!(
                        (header.base_offset, header.last_offset(), header.producer, header.partition_leader_epoch),
                        (before.base_offset, before.last_offset(), before.producer, 7)
                    );
                    after.push(out);
                }
                // At once again, nothing changes any more.
                let mut again = Filter::new(&keys, rules);
                for bytes in &after {
                    prop_assert_eq!(rewrite(&mut again, bytes, 1 << 20).0, BatchFate::Verbatim);
                }
                log = after;
                let records: Vec<Found> = log.iter().flat_map(|batch| decoded(batch).1).collect();
                prop_assert_eq!(values(records.iter()), values(original.iter()));
                let last = decoded(log.last().unwrap()).0;
                prop_assert_eq!(last.last_offset() + 1, end, "the end stays");
                let mut keyed = records.iter().filter(|(offset, _)| *offset < from).map(|(_, sketch)| sketch.key);
                let mut seen = BTreeSet::new();
                prop_assert!(keyed.all(|key| key.is_some_and(|key| seen.insert(key))), "one record a key");
            }
        }
    }
}
