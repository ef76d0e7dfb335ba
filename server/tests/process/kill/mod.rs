//! `kill -9` at random moments, while client processes produce: what was acknowledged is there, once, in order, under
//! its offset; and a torn tail is cut and reported.
//!
//! | file | holds |
//! | --- | --- |
//! | `mod` | the rounds |
//! | `producers` | the clients: real processes, `logscope produce` |
//! | `ledger` | what was acknowledged, and what a log may hold therefore |
//!
//! What chance decides comes from a seed, which is printed. `cargo xtask kill-test` runs as many rounds as one likes.

mod ledger;
mod producers;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, thread};

use logscope::testing::Random;
use serde_json::json;

use crate::harness::{Broker, run, text};
use ledger::Ledger;
use producers::Producers;

/// Topics and their partitions.
const TOPICS: [(&str, u32); 3] = [("orders", 1), ("views", 3), ("prices", 4)];
const ROUNDS: u64 = 30;
/// A broker is killed after at most so many acknowledgements of a round, and so many microseconds.
const MOST_ACKNOWLEDGED: u64 = 250;
const LONGEST_PAUSE_US: u64 = 3_000;

#[test]
fn every_acknowledged_record_survives_kill_9() {
    let number = |name| env::var(name).ok().map(|text| text.parse::<u64>().expect("a whole number"));
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    let seed = number("LOGSCOPE_KILL_SEED").unwrap_or_else(now);
    let rounds = number("LOGSCOPE_KILL_ROUNDS").unwrap_or(ROUNDS);
    println!("again: cargo xtask kill-test --seed {seed} --rounds {rounds}");
    let dir = tempfile::tempdir().unwrap();
    let (mut random, mut ledger) = (Random::new(seed), Ledger::default());
    let (mut torn, mut tails_cut) = (None, 0);
    for round in 0..rounds {
        let (broker, report) = start(dir.path());
        if let Some(Torn { bytes, file, position }) = torn.take() {
            let cut = format!("cut {bytes} bytes off {file} at position {position}");
            assert!(report.contains(&cut), "round {round}: {cut:?} is not in {report}");
            tails_cut += 1;
        }
        check(&broker, &mut ledger, round);
        // Now and then a broker may end in good order: what it leaves is another thing to start from.
        if random.one_in(6) {
            broker.stop();
        } else {
            produce_and_kill(broker, round, &mut random, &mut ledger);
            torn = random.one_in(3).then(|| tear(dir.path(), &mut random)).flatten();
        }
    }
    check(&start(dir.path()).0, &mut ledger, rounds);
    let verified = run(&["verify", dir.path().to_str().unwrap()]);
    assert!(verified.status.success(), "{}", text(&verified.stdout));
    println!("{rounds} rounds: {} records are there, {tails_cut} torn tails were cut", ledger.len());
    assert!(ledger.len() > 0 || rounds == 0);
}

/// Starts a broker, and creates the topics if it is the first; with what it said about the start.
fn start(data_dir: &Path) -> (Broker, String) {
    let log = data_dir.with_extension("log");
    let broker = Broker::start_logging(data_dir, &log);
    for (topic, partitions) in TOPICS {
        // Small segments, so that rolls are hit, too.
        let configs = json!({"segment.bytes": 4096, "index.interval.bytes": 256});
        let (status, answer) =
            broker.post("/topics", &json!({"name": topic, "partitions": partitions, "configs": configs}));
        assert!(status == 201 || status == 409, "{answer}");
    }
    let report = fs::read_to_string(&log).unwrap();
    fs::remove_file(log).unwrap();
    (broker, report)
}

/// Lets clients produce, and kills the broker at a random moment.
fn produce_and_kill(mut broker: Broker, round: u64, random: &mut Random, ledger: &mut Ledger) {
    let producers = Producers::start(&broker, round, random);
    let enough = random.between(1, MOST_ACKNOWLEDGED);
    producers.wait_for(enough);
    // Not to wait for anything: so that death comes at any point of the work, not only after an acknowledgement.
    thread::sleep(Duration::from_micros(random.below(LONGEST_PAUSE_US)));
    broker.process.0.kill().unwrap();
    broker.process.wait();
    producers.settle(ledger);
}

/// Reads everything back.
fn check(broker: &Broker, ledger: &mut Ledger, round: u64) {
    for (topic, partitions) in TOPICS {
        for partition in 0..partitions {
            let records = read_all(broker, topic, partition);
            ledger.check(topic, partition, &records).unwrap_or_else(|wrong| panic!("round {round}: {wrong}"));
        }
    }
}

/// All payloads of a partition, by offset.
fn read_all(broker: &Broker, topic: &str, partition: u32) -> Vec<String> {
    let mut payloads: Vec<String> = Vec::new();
    loop {
        let offset = payloads.len();
        let query = format!("topic={topic}&partition={partition}&offset={offset}&max_bytes=1000000");
        let answer = broker.fetch(&query);
        let records = answer["records"].as_array().unwrap_or_else(|| panic!("{answer}"));
        for record in records {
            assert_eq!(record["offset"], payloads.len(), "offsets rise by one");
            payloads.push(record["payload"].as_str().unwrap().to_owned());
        }
        if records.is_empty() {
            assert_eq!(answer["high_watermark"], offset, "after a start, everything can be read");
            return payloads;
        }
    }
}

/// What was put behind the last batch of a partition.
struct Torn {
    bytes: usize,
    file: String,
    position: usize,
}

/// Leaves part of a batch at the end of a log, as a loss of power would: the page cache outlives a process, so that
/// `kill -9` hardly ever does.
fn tear(data_dir: &Path, random: &mut Random) -> Option<Torn> {
    let (topic, partitions) = random.pick(&TOPICS);
    let dir = data_dir.join(format!("{topic}-{}", random.below(u64::from(*partitions))));
    let is_log = |path: &PathBuf| path.extension().is_some_and(|suffix| suffix == "log");
    let logs = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).filter(is_log);
    let last = logs.max().unwrap();
    let log = fs::read(&last).unwrap();
    let size = |at: usize| Some(12 + u32::from_be_bytes(log.get(at + 8..at + 12)?.try_into().ok()?) as usize);
    // A kill in the middle of a write tears a batch by itself.
    let mut position = 0;
    while let Some(size) = size(position).filter(|size| position + size <= log.len()) {
        position += size;
    }
    let part = random.between(1, size(0)? as u64 - 1) as usize;
    let mut file = fs::OpenOptions::new().append(true).open(&last).unwrap();
    file.write_all(&log[..part]).unwrap();
    let name = last.file_name().unwrap().to_str().unwrap().to_owned();
    Some(Torn { bytes: log.len() + part - position, file: name, position })
}
