//! What a compaction may take out of a log, what it must, and what it must not: the model's own word on it, from the
//! records of before and after.
//!
//! A compaction that was interrupted may have done its work up to some segment. So there is what holds in any case,
//! and what holds of one that came to its end.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Batch, Checked, Record, check};

const OFFSETS: &str = "compaction leaves offsets, timestamps, keys and values as they are";
const NEWEST: &str = "compaction keeps the newest record of each key, and a tombstone for its time";
const PRODUCERS: &str = "compaction keeps each producer's last batch, and the last of all";
const COMPLETE: &str = "compaction leaves one record of each key, and no tombstone whose time has come";

/// A compaction that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cleaning {
    /// Where the active segment began: what lies below is compacted.
    pub(crate) end: u64,
    pub(crate) now_ms: i64,
    pub(crate) delete_retention_ms: u64,
    /// The base offsets of the last batches of producers that the log knows for sure.
    pub(crate) last_for_sure: BTreeSet<u64>,
    /// The same, of all producers that it may know.
    pub(crate) last_perhaps: BTreeSet<u64>,
}

/// All batches below the end of a compaction, before and after it.
pub(crate) struct Judge<'a> {
    cleaning: &'a Cleaning,
    before: BTreeMap<u64, &'a Batch>,
    after: BTreeMap<u64, &'a Batch>,
    left: BTreeMap<u64, Record>,
    /// The newest offset of each key, of before.
    newest: BTreeMap<Vec<u8>, u64>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(cleaning: &'a Cleaning, before: &'a [Batch], after: &'a [Batch]) -> Self {
        let by_base = |batches: &'a [Batch]| batches.iter().map(|batch| (batch.base, batch)).collect();
        let keyed =
            before.iter().flat_map(Batch::records).filter_map(|record| Some((record.key?, record.offset)));
        let left = after.iter().flat_map(Batch::records).map(|record| (record.offset, record));
        let (newest, left) = (keyed.collect(), left.collect());
        Self { cleaning, before: by_base(before), after: by_base(after), left, newest }
    }

    /// What holds in any case.
    pub(crate) fn check(&self) -> Checked {
        for (base, batch) in &self.after {
            let before = self.before.get(base);
            check(before.is_some(), OFFSETS, || format!("{batch:?} was not there before"))?;
            before.map_or(Ok(()), |before| self.check_batch(before, batch))?;
        }
        for batch in self.before.values() {
            self.check_gone(batch)?;
        }
        Ok(())
    }

    /// What is left of a batch is a part of it.
    fn check_batch(&self, before: &Batch, after: &Batch) -> Checked {
        let (old, new) = (before.header(), after.header());
        let records = after.records();
        let stays = |record: &Record| before.records().contains(record);
        let changed = || format!("{old:?} became {new:?}");
        check(records.iter().all(stays), OFFSETS, changed)?;
        let largest = records.iter().map(|record| record.timestamp).max().unwrap_or(old.max_timestamp);
        // All that may have changed taken from the new one, it is the old one.
        let mut expected = old;
        (expected.size, expected.crc, expected.records_count) = (new.size, new.crc, new.records_count);
        if records.is_empty() {
            (expected.attributes, expected.base_timestamp) = (new.attributes, new.base_timestamp);
        } else if before != after {
            expected.max_timestamp = largest;
        }
        let tombstone = records.iter().any(|record| record.value.is_none());
        if tombstone && old.delete_horizon_ms().is_none() && new.delete_horizon_ms().is_some() {
            let horizon = self.cleaning.now_ms.saturating_add_unsigned(self.cleaning.delete_retention_ms);
            (expected.attributes, expected.base_timestamp) = (old.attributes | 1 << 6, horizon);
        }
        check(expected == new && new.records_count as usize == records.len(), OFFSETS, changed)
    }

    /// What went of a batch had to give way to something.
    fn check_gone(&self, batch: &Batch) -> Checked {
        let cleaning = self.cleaning;
        let horizon = batch.header().delete_horizon_ms();
        for record in batch.records().iter().filter(|record| !self.left.contains_key(&record.offset)) {
            let Some(key) = &record.key else { continue };
            let newest = self.newest.get(key).is_some_and(|newest| *newest == record.offset);
            let due = record.value.is_none() && horizon.is_some_and(|horizon| horizon <= cleaning.now_ms);
            check(!newest || due, NEWEST, || format!("{record:?} went, at {}", cleaning.now_ms))?;
            // Without the tombstone, an older record would be back.
            let mut older = self.left.range(..record.offset).map(|(_, older)| older);
            let older = older.find(|older| newest && older.key.as_ref() == Some(key));
            check(older.is_none(), NEWEST, || format!("{record:?} went, and {older:?} stays"))?;
        }
        let last_of_all = batch.next == cleaning.end;
        let stays = last_of_all || cleaning.last_for_sure.contains(&batch.base);
        check(!stays || self.after.contains_key(&batch.base), PRODUCERS, || format!("{batch:?} went"))
    }

    /// What holds of a compaction that came to its end.
    pub(crate) fn check_whole(&self) -> Checked {
        let cleaning = self.cleaning;
        for batch in self.after.values() {
            let (records, horizon) = (batch.records(), batch.header().delete_horizon_ms());
            for record in &records {
                let newest = record.key.as_ref().and_then(|key| self.newest.get(key));
                let due = record.value.is_none() && horizon.is_some_and(|horizon| horizon <= cleaning.now_ms);
                let waits = record.value.is_some() || horizon.is_some();
                check(newest == Some(&record.offset) && waits && !due, COMPLETE, || {
                    format!("{record:?} is left, with the horizon {horizon:?}, at {}", cleaning.now_ms)
                })?;
            }
        }
        Ok(())
    }

    /// What holds of one that has just come to its end: an empty batch stays only for its producer, or its offsets.
    pub(crate) fn check_empty(&self) -> Checked {
        let empty = self.after.values().filter(|batch| batch.records().is_empty());
        let needed = |batch: &&&Batch| {
            self.cleaning.last_perhaps.contains(&batch.base) || batch.next == self.cleaning.end
        };
        let needless = empty.clone().find(|batch| !needed(batch));
        check(needless.is_none(), COMPLETE, || format!("{needless:?} is empty"))
    }

    /// How many records went.
    pub(crate) fn records_removed(&self) -> u64 {
        let count = |batches: &BTreeMap<u64, &Batch>| {
            batches.values().map(|batch| batch.records().len()).sum::<usize>()
        };
        count(&self.before).saturating_sub(count(&self.after)) as u64
    }
}
