//! Random scenarios over a storage that fails, against a model.
//!
//! A scenario comes from a seed, step by step, with an eye on what the log holds by then. It runs on
//! [`FaultyStorage`], where anything may happen that a disk can do, and without faults on all other backends. A
//! scenario that fails is shrunk, and printed as text that the playground runs and that runs here again:
//!
//! ```text
//! cargo xtask simulate --seconds 60
//! cargo xtask simulate --seed 17
//! cargo xtask simulate --scenario FILE
//! ```
//!
//! | file | holds |
//! | --- | --- |
//! | `step` | one line: an action, and a fault as its comment |
//! | `generate` | steps by chance |
//! | `run` | steps on a log, and what must hold after each |
//! | `actions` | what each action must bring |
//! | `compact` | what a compaction must bring, at once or later |
//! | `cleaning` | what a compaction may take out of a log, and what it must |
//! | `producers` | what a log must know of idempotent producers |
//! | `recovered` | what must hold of a log that was opened |
//! | `model` | what the log must hold |
//! | `shrink` | smaller scenarios that fail alike |
//! | `backends` | the same on memory, filesystem and journal |

mod actions;
mod backends;
mod cleaning;
mod compact;
mod generate;
mod model;
mod producers;
mod recovered;
mod run;
mod shrink;
mod step;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use logscope::storage::FaultyStorage;
use logscope::testing::Random;

use generate::{Diet, first_step, next_step};
use model::{Checked, Violation};
use run::{Disk, Run};
use step::Step;

/// Where the playground is that runs a scenario.
const PLAYGROUND: &str = "http://127.0.0.1:8080/";

/// The address that runs a scenario in the playground.
fn playground_link(scenario: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let encode = |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    format!("{PLAYGROUND}#scenario={}", scenario.bytes().map(encode).collect::<String>())
}

/// Runs steps until one breaks a promise. A panic breaks one too.
fn run_steps<D: Disk>(disk: D, steps: &[Step]) -> Checked {
    guarded(|| {
        let mut run = Run::new(disk);
        steps.iter().try_for_each(|step| run.step(step))
    })
}

fn guarded(run: impl FnOnce() -> Checked) -> Checked {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let details = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned();
        Err(Violation { rule: "nothing panics", details })
    })
}

/// Makes up the scenario of a seed while it runs. On failure the steps so far come with the violation.
fn run_seed<D: Disk>(disk: D, diet: Diet, seed: u64) -> (Vec<Step>, Checked) {
    let mut random = Random::new(seed);
    let mut steps = Vec::new();
    let checked = guarded(|| {
        let mut run = Run::new(disk);
        for at in 0..random.between(5, 60) {
            let step = match at {
                0 => first_step(&mut random),
                _ => next_step(&mut random, diet, &run),
            };
            steps.push(step.clone());
            run.step(&step)?;
        }
        Ok(())
    });
    (steps, checked)
}

/// Everything that somebody needs who wants to see a failure.
fn report(title: &str, violation: &Violation, steps: Vec<Step>) -> String {
    let fails = |steps: &[Step]| {
        let checked = run_steps(FaultyStorage::new(0), steps);
        checked.is_err_and(|found| found.rule == violation.rule)
    };
    let shrunk = shrink::shrink(steps, fails);
    let now = run_steps(FaultyStorage::new(0), &shrunk).err();
    let scenario = step::text(&shrunk);
    let (link, now) = (playground_link(&scenario), now.as_ref().unwrap_or(violation));
    format!("{title} fails: {violation}\n\nShrunk, it fails: {now}\n\n{scenario}\n{link}\n")
}

fn simulate(seed: u64) {
    let (steps, checked) = run_seed(FaultyStorage::new(0), Diet::Faults, seed);
    if let Err(violation) = checked {
        panic!("{}", report(&format!("seed {seed}"), &violation, steps));
    }
}

#[test]
fn a_log_keeps_its_promises_whatever_the_disk_does() {
    (0..300).for_each(simulate);
}

/// Runs `before`, then `action` with a fault at each call of the storage in turn, then `after`.
fn fail_each_call(before: &str, action: &str, after: &str) {
    for (call, seed) in (1..60).zip(0..) {
        for fault in ["error", "power-at"] {
            let line = format!("{action}  # fault: {fault} call={call} seed={seed}\n");
            let steps = step::parse(&[before, &line, after].concat()).expect("a scenario");
            if let Err(violation) = run_steps(FaultyStorage::new(0), &steps) {
                panic!("{}", report(&line, &violation, steps));
            }
        }
    }
}

/// What chance meets seldom: the same few lines, with a fault at each call of the storage in turn.
#[test]
fn a_log_keeps_its_promises_whichever_call_fails() {
    let before = "config segment.bytes=200 index.interval.bytes=70 retention.bytes=200\nreopen\n\
                  append a b producer=1 epoch=0 seq=0 count=5\nappend c d e count=4\n";
    let after = "append a b producer=1 epoch=0 seq=0\nappend f\nflush\nreopen\nappend g count=3\n\
                 crash  # fault: power seed=1\nreopen\n";
    let actions = [
        "truncate 3",
        "truncate 17",
        "delete-before 9",
        "delete-before 22",
        "retain",
        "append x y z w",
        "delete-before 22\nappend x y z w",
        "reopen",
    ];
    for action in actions {
        fail_each_call(&format!("{before}flush\n"), action, after);
        // A log that met an error is closed as it stands.
        fail_each_call(&format!("{before}flush\n"), action, &format!("reopen\n{after}"));
    }
    // The log starts in the middle of a batch that goes as a whole.
    let before = format!("{before}flush\ndelete-before 11\n");
    fail_each_call(&before, "truncate 11", &format!("reopen\n{after}"));
    fail_each_call(&before, "truncate 11", &format!("append x\nflush\n{after}"));
}

#[test]
fn a_compacted_log_keeps_its_promises_whichever_call_fails() {
    let before = "config segment.bytes=300 index.interval.bytes=70 cleanup.policy=compact delete.retention.ms=5000\n\
                  reopen\nappend a b key=k producer=1 epoch=0 seq=0 count=3\ntombstone k\n\
                  append c d key=l count=3\nappend e key=k count=3\ntombstone l\nappend f key=m count=3\n\
                  compact\nadvance 6000\nappend g h key=m count=3\n";
    let after = "append a b key=k producer=1 epoch=0 seq=0\ncompact\nreopen\nappend g key=l count=3\n\
                 crash  # fault: power seed=1\nreopen\ncompact\nreopen\n";
    for action in ["compact", "truncate 12", "delete-before 14"] {
        fail_each_call(before, action, after);
    }
    // A batch a segment, and a tombstone before the active one, whose time has come.
    let small = "config segment.bytes=90 cleanup.policy=compact delete.retention.ms=5000\nreopen\n\
                 append a key=k\nappend b key=l\ntombstone k\nappend c key=m\ncompact\nadvance 6000\n";
    fail_each_call(small, "compact", after);
    // A compaction that was begun before its segments changed; and openings that fail as well.
    fail_each_call(before, "truncate 12", "compact  # fault: late steps=0\n");
    fail_each_call(before, "compact", "reopen  # fault: everywhere seed=1\n");
    fail_each_call(before, "delete-before 14", "compact\nreopen  # fault: kill\n");
}

/// `cargo xtask simulate` runs this.
#[test]
#[ignore = "runs as long as it is told to"]
fn as_long_as_told() {
    let number = |name| env::var(name).ok().map(|text| text.parse::<u64>().expect("a whole number"));
    if let Ok(file) = env::var("LOGSCOPE_SIMULATE_SCENARIO") {
        let steps =
            step::parse(&std::fs::read_to_string(file).expect("the file can be read")).expect("a scenario");
        match run_steps(FaultyStorage::new(0), &steps) {
            Ok(()) => println!("The log keeps its promises in this scenario."),
            Err(violation) => panic!("{}", report("the scenario", &violation, steps)),
        }
        return;
    }
    let begin = Instant::now();
    let seed = number("LOGSCOPE_SIMULATE_SEED");
    let seconds = number("LOGSCOPE_SIMULATE_SECONDS");
    let first = seed.unwrap_or_else(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| since.as_millis() as u64)
    });
    let mut last = first;
    loop {
        simulate(last);
        if begin.elapsed() >= Duration::from_secs(seconds.unwrap_or(0)) {
            break;
        }
        last += 1;
    }
    println!("The log keeps its promises: seeds {first} to {last}, {:.0} s.", begin.elapsed().as_secs_f64());
}

#[test]
fn a_scenario_is_read_back_as_it_was_printed() {
    for seed in 0..50 {
        let (steps, _) = run_seed(FaultyStorage::new(0), Diet::Faults, seed);
        assert_eq!(step::parse(&step::text(&steps)).expect("it parses"), steps);
    }
}

/// What is printed is the failure: the same steps break the same promise again.
#[test]
fn a_scenario_runs_again_as_it_ran() {
    for seed in 0..20 {
        let (steps, checked) = run_seed(FaultyStorage::new(0), Diet::Faults, seed);
        assert_eq!(run_steps(FaultyStorage::new(0), &steps), checked);
    }
}
