//! Steps by chance, each chosen with an eye on what the log holds by then.

use logscope::lab::Action;
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
    let action = match random.below(100) {
        0..40 => append(random),
        40..58 => Action::Flush,
        58..74 => fetch(random, run.model.end()),
        74..84 => Action::Reopen,
        84..92 if diet == Diet::Faults => {
            return Step {
                action: Action::Crash { keep: 0 },
                fault: Some(Fault::Power { seed: seed(random) }),
            };
        }
        84..92 if diet == Diet::Crashes => Action::Crash { keep: random.below(300) },
        92..97 => config(random),
        97 if diet == Diet::Faults => damage(random, run),
        98 if random.one_in(4) => Action::Reset,
        _ => append(random),
    };
    with_fault(random, diet, action)
}

/// The first step of a scenario: it sets what the others move in.
pub(crate) fn first_step(random: &mut Random) -> Step {
    let entries = [
        ("segment.bytes", random.between(150, 900)),
        ("index.interval.bytes", random.below(300)),
        ("segment.index.bytes", random.between(8, 64)),
    ];
    let entries = entries.into_iter().map(|(key, value)| (key.to_owned(), value.to_string())).collect();
    Step { action: Action::Config { entries }, fault: None }
}

fn append(random: &mut Random) -> Action {
    let values = (0..random.between(1, 4)).map(|_| value(random)).collect();
    let key = random.one_in(3).then(|| (*random.pick(&["a", "b", "c"])).to_owned());
    let count = if random.one_in(3) { random.between(2, 8) as u32 } else { 1 };
    Action::Append { values, key, count, at: None, producer: None }
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

fn fetch(random: &mut Random, end: u64) -> Action {
    let max_bytes = match random.below(4) {
        0 => random.below(100),
        1 => 1 << 20,
        _ => random.below(1500),
    };
    Action::Fetch { offset: random.below(end + 2), max_bytes }
}

fn config(random: &mut Random) -> Action {
    let (key, value) = match random.below(4) {
        0 => ("segment.bytes", random.between(100, 1000)),
        1 => ("index.interval.bytes", random.below(400)),
        2 => ("segment.index.bytes", random.between(8, 64)),
        _ => ("max.message.bytes", random.between(70, 1000)),
    };
    Action::Config { entries: vec![(key.to_owned(), value.to_string())] }
}

fn damage<D: Disk>(random: &mut Random, run: &Run<D>) -> Action {
    let files: Vec<(String, Vec<u8>)> = run.disk.files().into_iter().collect();
    if files.is_empty() {
        return append(random);
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
        (Action::Append { .. }, 0..2) => Some(Fault::ErrorAt { call: random.between(1, 12), seed }),
        (Action::Append { .. }, 2) => Some(Fault::PowerAt { call: random.between(1, 12), seed }),
        (Action::Append { .. }, 3) => Some(Fault::Room { bytes: random.below(400) }),
        (Action::Flush, 0) => Some(Fault::ErrorAt { call: 1, seed }),
        (Action::Flush, 1) => Some(Fault::PowerAt { call: 1, seed }),
        (Action::Flush, 2..6) => Some(Fault::Late { steps: random.below(4) }),
        (Action::Fetch { .. }, 0) => Some(Fault::ErrorAt { call: random.between(1, 6), seed }),
        (Action::Fetch { .. }, 1..6) => short,
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
