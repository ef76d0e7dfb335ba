//! The soak: many clients do everything to the real broker at once, for a while. No fetch returns what was not
//! produced, memory stays bounded, and no file or connection is forgotten.
//!
//! | file | holds |
//! | --- | --- |
//! | `mod` | the run, and the broker as the operating system sees it |
//! | `book` | what was produced: what every fetch is held against |
//! | `workers` | the clients |
//!
//! `cargo xtask soak --minutes N` runs it as long as one likes.

mod book;
mod workers;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs};

use serde_json::json;

use crate::harness::Broker;
use book::Book;
use workers::Worker;

const SECONDS: u64 = 10;
/// How often the broker's size is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// What the broker may grow by once everything has happened to it: caches and the allocator's slack.
const SLACK: u64 = 48 << 20;
/// How long it may take until what is not needed any more is let go.
const PATIENCE: Duration = Duration::from_secs(30);

/// The topics that stay, with their partitions and configs. Segments are small, so that much happens.
pub(super) fn topics() -> [(&'static str, u32, serde_json::Value); 2] {
    let kept = json!({"segment.bytes": 65_536, "retention.bytes": 262_144, "index.interval.bytes": 1024});
    let table = json!({"segment.bytes": 65_536, "cleanup.policy": "compact"});
    [("kept", 3, kept), ("table", 1, table)]
}

#[test]
fn the_broker_stays_small_and_true() {
    let number = |name| env::var(name).ok().map(|text| text.parse::<u64>().expect("a whole number"));
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    let seed = number("LOGSCOPE_SOAK_SEED").unwrap_or_else(now);
    let time = Duration::from_secs(number("LOGSCOPE_SOAK_SECONDS").unwrap_or(SECONDS));
    println!("the seed is {seed}");
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let process = broker.process.0.id();
    // What it needs with nothing in it, the topic of committed offsets aside: that one stays.
    broker.ok(&[
        "groups",
        "reset",
        "g",
        "--topic",
        &create(&broker, "first", 1, &json!({})),
        "--to",
        "earliest",
    ]);
    broker.ok(&["topics", "delete", "first"]);
    let handles_before = settled_handles(process, usize::MAX);
    for (topic, partitions, configs) in topics() {
        create(&broker, topic, partitions, &configs);
    }
    let (book, stop) = (Book::default(), AtomicBool::new(false));
    let sizes = thread::scope(|scope| {
        let workers: Vec<_> = (0..)
            .zip(Worker::ALL)
            .map(|(number, worker)| {
                let (book, stop, url) = (&book, &stop, broker.url.as_str());
                scope.spawn(move || worker.run(url, book, stop, seed.wrapping_add(number)))
            })
            .collect();
        // However this ends, the workers must not go on.
        let sizes = watch(process, time, || workers.iter().any(|worker| worker.is_finished()));
        stop.store(true, Ordering::Relaxed);
        sizes
    });
    let (early, late) = (largest(&sizes[..sizes.len().div_ceil(2)]), largest(&sizes[sizes.len() / 2..]));
    assert!(late <= early + SLACK, "the broker grows: {early} bytes in the first half, then {late}");
    for (topic, ..) in topics() {
        broker.ok(&["topics", "delete", topic]);
    }
    let handles = settled_handles(process, handles_before);
    assert!(
        handles <= handles_before,
        "{handles_before} handles were open at first, and {handles} in the end"
    );
    println!(
        "{} s: {}; at most {} MiB, {handles} handles in the end as at first",
        time.as_secs(),
        book.summary(),
        late.max(early) >> 20
    );
    broker.stop();
}

fn create(broker: &Broker, topic: &str, partitions: u32, configs: &serde_json::Value) -> String {
    let body = json!({"name": topic, "partitions": partitions, "configs": configs});
    let (status, answer) = broker.post("/topics", &body);
    assert_eq!(status, 201, "{answer}");
    topic.to_owned()
}

/// Looks at the broker's memory from time to time, until the time is over or something has gone wrong.
fn watch(process: u32, time: Duration, gone_wrong: impl Fn() -> bool) -> Vec<u64> {
    let begin = Instant::now();
    let mut sizes = vec![resident_bytes(process)];
    while begin.elapsed() < time && !gone_wrong() {
        thread::sleep(LOOK_EVERY);
        sizes.push(resident_bytes(process));
    }
    sizes
}

fn largest(sizes: &[u64]) -> u64 {
    sizes.iter().copied().max().unwrap()
}

/// The memory that a process has, in bytes.
pub(crate) fn resident_bytes(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// How many files and connections a process has open, once they are no more than `enough` or do not get fewer.
fn settled_handles(process: u32, enough: usize) -> usize {
    let begin = Instant::now();
    loop {
        let handles = fs::read_dir(format!("/proc/{process}/fd")).unwrap().count();
        if handles <= enough || begin.elapsed() > PATIENCE {
            return handles;
        }
        thread::sleep(LOOK_EVERY);
    }
}
