//! Steps by chance, each chosen with an eye on what the log holds by then.

use logscope::lab::Action;
use logscope::record::Producer;
use logscope::testing::Random;

use crate::run::{Disk, Run};
use crate::step::{Fault, Step};

/// What a scenario is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Diet {
    /// Everything that a disk can do to a log.
    Faults,
    /// The power fails, but nothing else does, and what it takes is said by the scenario.
    Crashes,
    /// Nothing fails.
    Calm,
}

pub(crate) fn next_step<D: Disk>(random: &mut Random, diet: Diet, run: &Run<D>) -> Step {
    if !run.is_open() && !random.one_in(8) {
        return with_fault(random, diet, Action::Reopen);
    }
    let compacts = run.config.cleanup_policy.compacts();
    let action = match random.below(if compacts { 140 } else { 121 }) {
        0..40 => append(random, run),
        40..58 => Action::Flush,
        58..68 => fetch(random, run),
        68..74 => find(random, run),
        74..84 => Action::Reopen,
        84..92 if diet == Diet::Faults => {
            return Step {
                action: Action::Crash { keep: 0 },
                fault: Some(Fault::Power { seed: seed(random) }),
            };
        }
        84..92 if diet == Diet::Crashes => Action::Crash { keep: random.below(300) },
        92..99 => config(random, run),
        99..104 => Action::Advance { ms: duration(random) },
        104..109 => Action::Retain,
        109..113 => Action::DeleteBefore { offset: offset(random, run, run.model.durable) },
        113..116 => Action::Truncate { offset: offset(random, run, run.model.end) },
        116 => Action::Tombstone { key: (*random.pick(&KEYS)).to_owned() },
        117 if diet == Diet::Faults => damage(random, run),
        118 if random.one_in(4) => Action::Reset,
        120..132 => Action::Compact,
        132..136 => Action::Tombstone { key: (*random.pick(&KEYS)).to_owned() },
        136..140 => Action::Advance { ms: duration(random) },
        _ => append(random, run),
    };
    with_fault(random, diet, action)
}

const KEYS: [&str; 6] = ["a", "b", "c", "d", "another key", ""];

/// The first step of a scenario: it sets what the others move in.
pub(crate) fn first_step(random: &mut Random) -> Step {
    let mut entries = vec![
        ("segment.bytes", random.between(150, 900).to_string()),
        ("index.interval.bytes", random.below(300).to_string()),
        ("segment.index.bytes", random.between(8, 64).to_string()),
    ];
    if random.one_in(2) {
        entries.push(("cleanup.policy", (*random.pick(&["compact", "compact,delete"])).to_owned()));
        entries.push(("delete.retention.ms", random.below(60_000).to_string()));
    }
    let entries = entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    Step { action: Action::Config { entries }, fault: None }
}

fn append<D: Disk>(random: &mut Random, run: &Run<D>) -> Action {
    let (producer, records) = match random.one_in(3) {
        true => producer(random, run),
        false => (None, random.between(1, 4)),
    };
    let values = (0..records).map(|_| value(random)).collect();
    // What has no key is refused by a log that is compacted.
    let keyed = if run.config.cleanup_policy.compacts() { !random.one_in(20) } else { random.one_in(3) };
    let key = keyed.then(|| (*random.pick(&KEYS)).to_owned());
    let count = if random.one_in(3) { random.between(2, 8) as u32 } else { 1 };
    let at = random.one_in(6).then(|| timestamp(random, run));
    Action::Append { values, key, count, at, producer }
}

/// A batch of an idempotent producer, and how many records it has: mostly the next, or one of the last few again.
fn producer<D: Disk>(random: &mut Random, run: &Run<D>) -> (Option<Producer>, u64) {
    let id = random.between(1, 3) as i64;
    let sent: Vec<(Producer, u32)> =
        run.sent.iter().filter(|(producer, _)| producer.id == id).copied().collect();
    let records = random.between(1, 4);
    let Some((last, count)) = sent.last() else {
        // Close to where sequences begin anew.
        let base_sequence = if random.one_in(4) { i32::MAX - random.below(6) as i32 } else { 0 };
        return (Some(Producer { id, epoch: 0, base_sequence }), records);
    };
    match random.below(12) {
        0..4 => {
            let back = random.below(8.min(sent.len() as u64)) as usize;
            let (again, count) = sent[sent.len() - 1 - back];
            (Some(again), u64::from(count))
        }
        4 => {
            (Some(Producer { base_sequence: last.sequence_after(random.below(9) as u32), ..*last }), records)
        }
        5 => (Some(Producer { epoch: last.epoch.saturating_add(1), base_sequence: 0, ..*last }), records),
        6 => (Some(Producer { epoch: 0, ..*last }), records),
        _ => (Some(Producer { base_sequence: last.sequence_after(*count), ..*last }), records),
    }
}

/// About now, before or after.
fn timestamp<D: Disk>(random: &mut Random, run: &Run<D>) -> i64 {
    match random.below(8) {
        0 => random.below(1000) as i64,
        1 => run.now_ms + random.below(100_000) as i64,
        _ => run.now_ms - random.below(60_000) as i64,
    }
}

fn duration(random: &mut Random) -> u64 {
    match random.below(5) {
        0 => random.below(8 * 86_400_000),
        1 => random.below(10),
        _ => random.below(30_000),
    }
}

fn find<D: Disk>(random: &mut Random, run: &Run<D>) -> Action {
    let mut history = run.model.batches.iter().map(|batch| batch.header().max_timestamp);
    let some = random.below(run.model.batches.len() as u64 + 1) as usize;
    // Right at a timestamp, or one beside it.
    let near = history.nth(some).map(|timestamp| timestamp.saturating_add(random.below(3) as i64 - 1));
    Action::Find { timestamp: near.unwrap_or_else(|| timestamp(random, run)) }
}

/// Mostly in the log and up to `end`, sometimes outside.
fn offset<D: Disk>(random: &mut Random, run: &Run<D>, end: u64) -> u64 {
    let start = run.model.start;
    match random.below(6) {
        0 => random.below(run.model.end + 2),
        1 => end,
        2 => start,
        _ => start + random.below(end.saturating_sub(start) + 1),
    }
}

fn value(random: &mut Random) -> String {
    let len = match random.below(12) {
        0 => 0,
        1 => random.between(60, 300),
        _ => random.between(1, 20),
    };
    // All different, so that no batch can be taken for another.
    let mut text = format!("{:x}", random.below(1 << 24));
    while (text.len() as u64) < len {
        text.push(char::from(b'a' + random.below(26) as u8));
    }
    text.truncate(len as usize);
    text
}

fn fetch<D: Disk>(random: &mut Random, run: &Run<D>) -> Action {
    let max_bytes = match random.below(4) {
        0 => random.below(100),
        1 => 1 << 20,
        _ => random.below(1500),
    };
    let end = run.model.end;
    let offset = if random.one_in(3) { random.below(end + 2) } else { offset(random, run, end) };
    Action::Fetch { offset, max_bytes }
}

fn config<D: Disk>(random: &mut Random, run: &Run<D>) -> Action {
    let limit = |random: &mut Random, limit: u64| match random.one_in(4) {
        true => "-1".to_owned(),
        false => limit.to_string(),
    };
    // The clock ticks in seconds, so that whole ones are met exactly.
    let ms = |random: &mut Random, seconds| match random.one_in(2) {
        true => 1000 * random.between(1, seconds),
        false => random.between(1, 1000 * seconds),
    };
    let (short, long) = (ms(random, 30), ms(random, 60));
    let bytes = retention_bytes(random, run);
    let word = |random: &mut Random, words: &[&str]| (*random.pick(words)).to_owned();
    let codecs = ["producer", "producer", "none", "gzip", "snappy", "lz4", "zstd"];
    let policies = ["delete", "delete", "delete", "compact", "compact,delete"];
    let (key, value) = match random.below(12) {
        0 => ("segment.bytes", random.between(100, 1000).to_string()),
        1 => ("index.interval.bytes", random.below(400).to_string()),
        2 => ("segment.index.bytes", random.between(8, 64).to_string()),
        3 => ("max.message.bytes", random.between(70, 1000).to_string()),
        4 => ("segment.ms", short.to_string()),
        5 => ("retention.ms", limit(random, long)),
        6 => ("retention.bytes", limit(random, bytes)),
        7 => ("compression.type", word(random, &codecs)),
        8 => ("message.timestamp.type", word(random, &["CreateTime", "LogAppendTime"])),
        9 => ("producer.id.expiration.ms", long.to_string()),
        10 => ("delete.retention.ms", (short / 2).to_string()),
        _ => ("cleanup.policy", word(random, &policies)),
    };
    Action::Config { entries: vec![(key.to_owned(), value)] }
}

/// Any number, or exactly what some of the last segments have.
fn retention_bytes<D: Disk>(random: &mut Random, run: &Run<D>) -> u64 {
    let segments = run.log.as_ref().map(|log| log.segments()).unwrap_or_default();
    if segments.is_empty() || random.one_in(2) {
        return random.below(3000);
    }
    let from = random.below(segments.len() as u64) as usize;
    segments[from..].iter().map(|segment| segment.size).sum()
}

fn damage<D: Disk>(random: &mut Random, run: &Run<D>) -> Action {
    let files: Vec<(String, Vec<u8>)> = run.disk.files().into_iter().collect();
    if files.is_empty() {
        return append(random, run);
    }
    let (file, bytes) = random.pick(&files).clone();
    if random.one_in(4) || bytes.is_empty() {
        return Action::Lose { file };
    }
    Action::Flip { file, position: random.below(bytes.len() as u64) }
}

fn seed(random: &mut Random) -> u64 {
    random.below(1_000_000)
}

fn with_fault(random: &mut Random, diet: Diet, action: Action) -> Step {
    if diet != Diet::Faults {
        return Step { action, fault: None };
    }
    let seed = seed(random);
    let short = Some(Fault::ShortReads { seed });
    let fault = match (&action, random.below(24)) {
        (Action::Append { .. }, 0..2) => Some(Fault::ErrorAt { call: random.between(1, 24), seed }),
        (Action::Append { .. }, 2) => Some(Fault::PowerAt { call: random.between(1, 24), seed }),
        // Where a roll creates names.
        (Action::Append { .. }, 4..6) => Some(Fault::PowerAt { call: random.between(14, 23), seed }),
        (Action::Append { .. }, 3) => Some(Fault::Room { bytes: random.below(400) }),
        (Action::Flush, 0) => Some(Fault::ErrorAt { call: 1, seed }),
        (Action::Flush, 1) => Some(Fault::PowerAt { call: 1, seed }),
        (Action::Flush, 2..6) => Some(Fault::Late { steps: random.below(4) }),
        (Action::Fetch { .. }, 0) => Some(Fault::ErrorAt { call: random.between(1, 6), seed }),
        (Action::Fetch { .. }, 1..6) => short,
        (Action::Find { .. }, 0) => Some(Fault::ErrorAt { call: random.between(1, 6), seed }),
        (Action::Find { .. }, 1..6) => short,
        (Action::Retain | Action::DeleteBefore { .. }, 0..4) => {
            Some(Fault::ErrorAt { call: random.between(1, 20), seed })
        }
        (Action::Retain | Action::DeleteBefore { .. }, 4..8) => {
            Some(Fault::PowerAt { call: random.between(1, 20), seed })
        }
        (Action::Truncate { .. }, 0..4) => Some(Fault::ErrorAt { call: random.between(1, 40), seed }),
        (Action::Truncate { .. }, 4..8) => Some(Fault::PowerAt { call: random.between(1, 40), seed }),
        (Action::Retain | Action::DeleteBefore { .. } | Action::Truncate { .. }, 8) => short,
        (Action::Compact, 0..4) => Some(Fault::ErrorAt { call: random.between(1, 50), seed }),
        (Action::Compact, 4..9) => Some(Fault::PowerAt { call: random.between(1, 50), seed }),
        (Action::Compact, 9..11) => Some(Fault::Room { bytes: random.below(400) }),
        (Action::Compact, 11) => short,
        (Action::Compact, 12..17) => Some(Fault::Late { steps: random.below(6) }),
        (Action::Reopen, 0..2) => Some(Fault::ErrorAt { call: random.between(1, 60), seed }),
        (Action::Reopen, 2..4) => Some(Fault::PowerAt { call: random.between(1, 60), seed }),
        (Action::Reopen, 4..6) => short,
        (Action::Reopen, 6..8) => Some(Fault::Room { bytes: random.below(100) }),
        (Action::Reopen, 8..14) => Some(Fault::Kill),
        (Action::Reopen, 14) => Some(Fault::Everywhere { seed }),
        _ => None,
    };
    Step { action, fault }
}
