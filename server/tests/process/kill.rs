//! `kill -9` while many produce: what was acknowledged is there, once, under its offset.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::mpsc::{self, Sender};
use std::thread;

use serde_json::json;

use crate::harness::{Broker, agent, produce};

const ROUNDS: usize = 6;
const PRODUCERS: usize = 6;

#[test]
fn every_acknowledged_record_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = HashMap::new();
    for round in 0..ROUNDS {
        // Another moment each time: right at the start, or after some segments.
        produce_and_kill(dir.path(), round, 10 + 60 * round, &mut acknowledged);

        let broker = start(dir.path());
        let payloads = broker.read_all("t");
        for (offset, payload) in &acknowledged {
            assert_eq!(payloads.get(*offset as usize), Some(payload), "round {round}, offset {offset}");
        }
        let distinct: HashSet<_> = payloads.iter().collect();
        assert_eq!(distinct.len(), payloads.len(), "round {round}: a record is there twice");
        // At most one record of each producer was under way without an acknowledgement, in each round.
        let most = acknowledged.len() + PRODUCERS * (round + 1);
        assert!(payloads.len() <= most, "round {round}: {} records, at most {most}", payloads.len());
        broker.stop();
    }
}

/// Small segments, so that rolls are hit, too.
fn start(data_dir: &Path) -> Broker {
    Broker::start_with(data_dir, "127.0.0.1:0", &["--segment-bytes", "4096", "--index-interval-bytes", "256"])
}

/// Lets several threads produce, kills the broker after some acknowledgements, and adds all that came.
fn produce_and_kill(
    data_dir: &Path,
    round: usize,
    kill_after: usize,
    acknowledged: &mut HashMap<u64, String>,
) {
    let mut broker = start(data_dir);
    let (sender, acknowledgements) = mpsc::channel();
    thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            let (sender, url) = (sender.clone(), &broker.url);
            scope.spawn(move || produce_until_killed(url, &format!("{round}-{producer}"), producer, &sender));
        }
        drop(sender);
        let mut taken: Vec<(u64, String)> = acknowledgements.iter().take(kill_after).collect();
        broker.process.0.kill().unwrap();
        taken.extend(acknowledgements);
        for (offset, payload) in taken {
            let before = acknowledged.insert(offset, payload);
            assert_eq!(before, None, "offset {offset} was given out twice");
        }
    });
    broker.process.wait();
}

fn produce_until_killed(url: &str, name: &str, producer: usize, sender: &Sender<(u64, String)>) {
    let agent = agent();
    // acks=1 survives the process as well: the page cache is the operating system's.
    let acks = if producer % 3 == 2 { json!(1) } else { json!("all") };
    for i in 0.. {
        let payload = format!("{name}-{i}");
        let body = json!({"topic": "t", "payload": payload, "acks": acks});
        let Ok(answer) = produce(&agent, url, &body) else { return };
        let offset = answer["offset"].as_u64().unwrap_or_else(|| panic!("{answer}"));
        if sender.send((offset, payload)).is_err() {
            return;
        }
    }
}
