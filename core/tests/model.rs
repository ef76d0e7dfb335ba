//! Random scenarios against a model, and against themselves on every backend.
//!
//! The model is the records by offset and a durable end. After each action: the picture that folded the events
//! is the one read off the files; a fetch returns what the model holds, within its budget; a crash loses
//! nothing that was durable and brings nothing that was never appended; compaction takes what its rules say and
//! nothing else; and the index entries are those of Kafka's rule. The rules are applied here once more and
//! independently.

use std::collections::BTreeMap;

use logscope::lab::{Action, CLOCK_START_MS, Event, Lab, LogPicture, Outcome, Picture, SegmentPicture};
use logscope::log::Event as LogEvent;
use logscope::storage::{Crash, JournalStorage, MemoryStorage, Mutation};
use proptest::prelude::*;

#[derive(Debug, Default)]
struct Model {
    /// Those that are there, by offset. Compaction leaves holes.
    records: BTreeMap<u64, Written>,
    /// The next offset.
    end: u64,
    /// What lies below this survives any crash.
    durable: u64,
    /// Those before this are deleted.
    start: u64,
    /// Each key below this has one record, if it has a key.
    compacted: u64,
    delete_retention_ms: u64,
    compacts: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Written {
    key: Option<String>,
    /// A tombstone has none.
    value: Option<String>,
    /// When a tombstone may go.
    horizon: Option<i64>,
}

fn any_action() -> impl Strategy<Value = Action> {
    let config = |key: &'static str, range: std::ops::Range<u32>| {
        range.prop_map(move |value| Action::Config { entries: vec![(key.to_owned(), value.to_string())] })
    };
    prop_oneof![
        12 => (prop::collection::vec("[a-z]{0,60}", 1..4), prop::option::of("[a-c]"), 1..6u32, any_time())
            .prop_map(|(values, key, count, at)| Action::Append { values, key, count, at, producer: None }),
        6 => (0..60u64, 0..1500u64).prop_map(|(offset, max_bytes)| Action::Fetch { offset, max_bytes }),
        4 => Just(Action::Flush),
        2 => (0..300u64).prop_map(|keep| Action::Crash { keep }),
        3 => Just(Action::Reopen),
        2 => (0..40u64).prop_map(|offset| Action::DeleteBefore { offset }),
        2 => (0..60u64).prop_map(|offset| Action::Truncate { offset }),
        3 => "[a-c]".prop_map(|key| Action::Tombstone { key }),
        4 => Just(Action::Compact),
        2 => any_time().prop_map(|at| Action::Find { timestamp: at.unwrap_or(0) }),
        1 => (0..40_000u64).prop_map(|ms| Action::Advance { ms }),
        1 => Just(Action::Retain),
        1 => config("segment.ms", 1000..20_000),
        1 => config("retention.ms", 0..60_000),
        1 => config("retention.bytes", 0..2000),
        1 => config("segment.bytes", 100..1000),
        1 => config("index.interval.bytes", 0..400),
        1 => config("segment.index.bytes", 8..40),
        1 => config("delete.retention.ms", 0..60_000),
        1 => prop::sample::select(vec!["compact", "compact,delete", "delete"]).prop_map(policy),
    ]
}

fn compacting_action() -> impl Strategy<Value = Action> {
    let key = || "[a-d]";
    prop_oneof![
        6 => (prop::collection::vec("[a-z]{0,9}", 1..4), key(), 1..4u32).prop_map(|(values, key, count)| {
            Action::Append { values, key: Some(key), count, at: None, producer: None }
        }),
        2 => key().prop_map(|key| Action::Tombstone { key }),
        3 => Just(Action::Compact),
        1 => (0..20_000u64).prop_map(|ms| Action::Advance { ms }),
        1 => Just(Action::Flush),
        1 => Just(Action::Fetch { offset: 0, max_bytes: 1 << 20 }),
    ]
}

fn small() -> Vec<(String, String)> {
    vec![("segment.bytes".to_owned(), "250".to_owned())]
}

fn policy(policy: &str) -> Action {
    Action::Config { entries: vec![("cleanup.policy".to_owned(), policy.to_owned())] }
}

/// Around the lab's clock, or that itself.
fn any_time() -> impl Strategy<Value = Option<i64>> {
    prop::option::weighted(0.3, CLOCK_START_MS - 20_000..CLOCK_START_MS + 40_000)
}

impl Model {
    fn new() -> Self {
        Self { delete_retention_ms: 86_400_000, ..Self::default() }
    }

    fn check(&mut self, action: &Action, outcome: &Outcome, picture: &Picture) {
        let refused = outcome.events.iter().any(|event| matches!(event, Event::Refused { .. }));
        match action {
            Action::Append { values, key, .. } => {
                let values: Vec<_> = values.iter().map(|value| Some(value.clone())).collect();
                self.append(outcome, key.as_ref(), &values);
            }
            Action::Tombstone { key } => self.append(outcome, Some(key), &[None]),
            Action::Fetch { offset, max_bytes } if !refused => self.check_fetch(*offset, *max_bytes, outcome),
            Action::Truncate { offset } if !refused => {
                let end = picture.log.log_end_offset;
                assert!(end <= *offset, "what was to be cut off is there");
                self.cut(end);
                self.durable = self.durable.min(end);
                self.start = self.start.min(end);
            }
            Action::DeleteBefore { offset } if !refused => self.start = self.start.max(*offset),
            Action::Retain if !refused => {
                let start = picture.log.log_start_offset;
                assert!(self.start <= start && start <= self.durable);
                self.start = start;
            }
            Action::Compact if !refused => self.compact(outcome, picture),
            Action::Crash { .. } => {
                assert!(picture.log.log_end_offset >= self.durable, "a crash took what was durable");
                self.cut(picture.log.log_end_offset);
            }
            _ => {}
        }
        for event in &outcome.events {
            match event {
                Event::Log(
                    LogEvent::Flushed { high_watermark: end, .. }
                    | LogEvent::RecoveryFinished { log_end_offset: end, .. },
                ) => {
                    assert!(*end >= self.durable, "the high watermark went back");
                    self.durable = *end;
                }
                Event::ConfigChanged { key, value, .. } => match &key[..] {
                    "delete.retention.ms" => self.delete_retention_ms = value.parse().expect("a number"),
                    "cleanup.policy" => self.compacts = value != "delete",
                    _ => {}
                },
                _ => {}
            }
        }
        assert_eq!(picture.log.log_end_offset, self.end);
        assert_eq!(picture.log.log_start_offset, self.start);
    }

    fn append(&mut self, outcome: &Outcome, key: Option<&String>, values: &[Option<String>]) {
        let appended = |event: &&Event| matches!(event, Event::Log(LogEvent::BatchAppended { .. }));
        for _ in outcome.events.iter().filter(appended) {
            assert!(key.is_some() || !self.compacts, "a record without a key was taken");
            for value in values {
                let written = Written { key: key.cloned(), value: value.clone(), horizon: None };
                self.records.insert(self.end, written);
                self.end += 1;
            }
        }
    }

    fn cut(&mut self, end: u64) {
        self.records.split_off(&end);
        (self.end, self.compacted) = (end, self.compacted.min(end));
    }

    /// Takes what compaction must have taken.
    fn compact(&mut self, outcome: &Outcome, picture: &Picture) {
        let now_ms = outcome.events.iter().find_map(|event| match event {
            Event::Log(LogEvent::CompactionStarted { now_ms, .. }) => Some(*now_ms),
            _ => None,
        });
        let end = picture.log.segments.last().expect("a segment").base_offset;
        let first = picture.log.segments[0].base_offset;
        let due = |horizon: &i64| now_ms.is_some_and(|now_ms| *horizon <= now_ms);
        let Some(now_ms) = now_ms else {
            assert!(!self.compacts || self.compacted >= end || first == end, "there was something to do");
            return;
        };
        assert!(self.compacts);
        self.compacted = end;
        let mut newest = BTreeMap::new();
        for (offset, record) in self.records.range(..end) {
            newest.insert(record.key.clone(), *offset);
        }
        let horizon = now_ms + self.delete_retention_ms as i64;
        self.records.retain(|offset, record| {
            if *offset >= end || *offset < first {
                return true;
            }
            let due = record.horizon.as_ref().is_some_and(due);
            if record.value.is_none() {
                record.horizon.get_or_insert(horizon);
            }
            record.key.is_some() && newest[&record.key] == *offset && !due
        });
    }

    fn check_fetch(&self, offset: u64, max_bytes: u64, outcome: &Outcome) {
        let text = |bytes: &Option<Vec<u8>>| {
            bytes.as_ref().map(|bytes| String::from_utf8(bytes.clone()).expect("UTF-8"))
        };
        let fetched: Vec<_> = outcome
            .records
            .iter()
            .map(|record| (record.offset, text(&record.key), text(&record.value)))
            .collect();
        let written =
            |(offset, record): (&u64, &Written)| (*offset, record.key.clone(), record.value.clone());
        let expected: Vec<_> = self.records.range(offset..self.durable.max(offset)).map(written).collect();
        assert_eq!(fetched[..], expected[..fetched.len()], "fetch {offset} {max_bytes}");
        let stop = outcome.events.iter().find_map(|event| match event {
            Event::Log(LogEvent::FetchStopped { used, next_offset, next_batch_size, .. }) => {
                Some((*used, *next_offset, *next_batch_size))
            }
            _ => None,
        });
        let (used, next_offset, next_batch_size) = stop.expect("a fetch ends");
        let batches = outcome.events.iter().filter(|event| {
            matches!(event, Event::Log(LogEvent::BatchFetched { .. } | LogEvent::FirstBatchWhole { .. }))
        });
        assert!(used <= max_bytes || batches.count() == 1, "{used} of {max_bytes} bytes in several batches");
        assert!(next_offset > offset || offset >= self.durable, "a fetch below the high watermark gets on");
        let behind = expected.get(fetched.len()).map_or(self.durable.max(offset), |(next, ..)| *next);
        let last = fetched.last().map_or(offset, |(last, ..)| last + 1);
        assert!(
            (last..=behind).contains(&next_offset),
            "a reader who goes on at {next_offset} loses records"
        );
        match next_batch_size {
            Some(next) => assert!(used + u64::from(next) > max_bytes, "the next batch would have fitted"),
            None => assert_eq!(fetched.len(), expected.len(), "a fetch stopped early without a reason"),
        }
    }
}

/// Kafka's rule, from the batches alone: Kafka counts bytes since the last entry, batch by batch.
fn kafkas_index(segment: &SegmentPicture, interval: u64) -> Vec<(u32, u32)> {
    let mut entries = Vec::new();
    let mut bytes_since = 0;
    for batch in &segment.batches {
        if bytes_since > interval {
            entries.push(((batch.last_offset - segment.base_offset) as u32, batch.position as u32));
            bytes_since = 0;
        }
        bytes_since += u64::from(batch.size);
    }
    entries
}

/// Kafka's rule for the time index: with each entry of the offset index, and when the segment is closed, the
/// largest timestamp so far, if it is larger than the last one.
fn kafkas_time_index(segment: &SegmentPicture, interval: u64, active: bool) -> Vec<(i64, u32)> {
    let (mut entries, mut bytes_since) = (Vec::new(), 0);
    let mut largest = (-1, 0);
    let note = |entries: &mut Vec<(i64, u32)>, largest: (i64, u32)| {
        if largest.0 > entries.last().map_or(-1, |last| last.0) {
            entries.push(largest);
        }
    };
    for batch in &segment.batches {
        if batch.max_timestamp > largest.0 {
            largest = (batch.max_timestamp, (batch.last_offset - segment.base_offset) as u32);
        }
        if bytes_since > interval {
            note(&mut entries, largest);
            bytes_since = 0;
        }
        bytes_since += u64::from(batch.size);
    }
    if !active {
        note(&mut entries, largest);
    }
    entries
}

fn check_index(log: &LogPicture) {
    for segment in &log.segments {
        let found: Vec<_> = segment.index.iter().map(|e| (e.relative_offset, e.position)).collect();
        let interval = u64::from(log.index_interval_bytes);
        assert_eq!(found, kafkas_index(segment, interval));
        let found: Vec<_> = segment.time_index.iter().map(|e| (e.timestamp, e.relative_offset)).collect();
        assert_eq!(found, kafkas_time_index(segment, interval, Some(segment) == log.segments.last()));
    }
}

/// Runs a scenario, holds it against the model, and returns the files that it leaves.
fn run<S: Crash + Clone + std::fmt::Debug>(
    storage: S,
    actions: &[Action],
    mut after: impl FnMut(&S),
) -> BTreeMap<String, Vec<u8>> {
    let mut lab = Lab::new(storage);
    let (mut picture, mut model) = (Picture::default(), Model::new());
    let mut interval_changed = false;
    for action in actions {
        let outcome = lab.run(action);
        outcome.events.iter().for_each(|event| picture.apply(event));
        model.check(action, &outcome, &picture);
        let sets_interval =
            |entries: &[(String, String)]| entries.iter().any(|(key, _)| key == "index.interval.bytes");
        interval_changed |= matches!(action, Action::Config { entries } if sets_interval(entries));
        if let Some(read) = lab.read_picture().expect("memory does not fail") {
            assert_eq!(picture.log, read, "after {action}");
            if !interval_changed {
                check_index(&read);
            }
        }
        after(lab.storage());
    }
    let names = lab.storage().list().expect("memory does not fail");
    let read = |name: &str| lab.read_file(name, 0, usize::MAX).expect("memory does not fail");
    names.into_iter().map(|name| (name.clone(), read(&name))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn scenarios_hold_on_memory_and_journal(actions in prop::collection::vec(any_action(), 1..40)) {
        let memory = run(MemoryStorage::new(), &actions, |_| {});

        // The medium behind the journal always has what a crash would leave.
        let mut medium = Medium::default();
        let journal = run(JournalStorage::new(), &actions, |storage| {
            medium.commit(storage.take_mutations());
            let durable: BTreeMap<_, _> = storage.durable_sizes().into_iter().collect();
            assert_eq!(medium.sizes(), durable);
        });
        prop_assert_eq!(memory, journal);

        // And a log opened from the medium is the log that a crash leaves.
        let storage = JournalStorage::restore(medium.files());
        let mut lab = Lab::new(storage);
        let outcome = lab.run(&Action::Reopen);
        let opened = outcome.events.iter().any(
            |event| matches!(event, Event::Log(LogEvent::RecoveryFinished { .. }))
        );
        prop_assert!(opened, "{:?}", outcome.events.last());
    }

    /// Half of what is done is about compaction here, with a clock that tombstones do not survive for long.
    #[test]
    fn compacted_scenarios_hold(
        actions in prop::collection::vec(prop_oneof![any_action(), compacting_action()], 1..60),
        retention in 0..30_000u32,
    ) {
        let mut all = vec![policy("compact")];
        let entries = vec![("delete.retention.ms".to_owned(), retention.to_string())];
        all.extend([Action::Config { entries }, Action::Config { entries: small() }]);
        all.extend(actions);
        let memory = run(MemoryStorage::new(), &all, |_| {});
        let journal = run(JournalStorage::new(), &all, |_| {});
        prop_assert_eq!(memory, journal);
    }
}

/// What commits a journal's mutations, as a database would.
#[derive(Default)]
struct Medium {
    files: BTreeMap<u64, Vec<u8>>,
    names: BTreeMap<String, u64>,
}

impl Medium {
    fn commit(&mut self, mutations: Vec<Mutation>) {
        for mutation in mutations {
            match mutation {
                Mutation::Write { file, position, bytes } => {
                    let contents = self.files.entry(file).or_default();
                    assert!(contents.len() >= position as usize, "a hole");
                    contents.truncate(position as usize);
                    contents.extend(bytes);
                }
                Mutation::Names(names) => {
                    self.files.retain(|id, _| names.values().any(|named| named == id));
                    self.names = names;
                }
            }
        }
    }

    fn sizes(&self) -> BTreeMap<String, u64> {
        let size = |id| self.files.get(id).map_or(0, Vec::len) as u64;
        self.names.iter().map(|(name, id)| (name.clone(), size(id))).collect()
    }

    fn files(&self) -> Vec<(String, u64, Vec<u8>)> {
        let bytes = |id| self.files.get(id).cloned().unwrap_or_default();
        self.names.iter().map(|(name, id)| (name.clone(), *id, bytes(id))).collect()
    }
}
