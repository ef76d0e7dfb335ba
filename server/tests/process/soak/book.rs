//! What was produced: what every fetch is held against.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

/// Acknowledged places that are remembered, to see that the same record is still there.
const REMEMBERED: usize = 5_000;

/// Who produces: a number each.
const PRODUCERS: usize = 4;

#[derive(Debug, Default)]
pub(super) struct Book {
    /// How many records each producer has sent, whether they have arrived or not.
    sent: [AtomicU64; PRODUCERS],
    /// What was acknowledged where, the newest of it.
    acknowledged: Mutex<BTreeMap<(u64, u32), (u64, String)>>,
    checked: AtomicU64,
    topics: AtomicU64,
}

impl Book {
    /// The payload of a producer's next record for a topic.
    pub(super) fn next(&self, topic: &str, producer: usize) -> String {
        let number = self.sent[producer].fetch_add(1, Ordering::SeqCst);
        format!("{topic}|{producer}|{number}|{}", "x".repeat((number * 37 % 200) as usize))
    }

    /// Takes down what was acknowledged.
    pub(super) fn acknowledge(&self, topic: &str, partition: u32, offset: u64, payload: String) {
        if topic != "kept" {
            return;
        }
        let mut acknowledged = self.acknowledged.lock().unwrap();
        acknowledged.insert((offset, partition), (offset, payload));
        if acknowledged.len() > REMEMBERED {
            acknowledged.pop_first();
        }
    }

    /// Holds records that were fetched from an offset on against what was sent. Returns the offset behind them.
    pub(super) fn check(&self, topic: &str, partition: u32, from: u64, records: &[Value]) -> u64 {
        let mut next = from;
        for record in records {
            let offset = record["offset"].as_u64().unwrap();
            assert!(offset >= next, "{topic}-{partition}: offset {offset} came where {next} was due");
            next = offset + 1;
            match record["payload"].as_str() {
                Some(payload) => self.check_payload(topic, partition, offset, payload),
                None => assert!(record["payload"].is_null() && topic == "table", "{topic}: {record}"),
            }
        }
        self.checked.fetch_add(records.len() as u64, Ordering::Relaxed);
        next
    }

    fn check_payload(&self, topic: &str, partition: u32, offset: u64, payload: &str) {
        let mut parts = payload.split('|');
        let said_topic = parts.next();
        let mut number = || parts.next().and_then(|text| text.parse::<u64>().ok());
        let (Some(producer), Some(sequence)) = (number(), number()) else {
            panic!("{topic}-{partition}: nobody produced {payload:?}")
        };
        let sent = self.sent[producer as usize].load(Ordering::SeqCst);
        assert!(
            said_topic == Some(topic) && sequence < sent,
            "{topic}-{partition}: {payload:?} was not produced"
        );
        if topic == "kept"
            && let Some((_, acknowledged)) = self.acknowledged.lock().unwrap().get(&(offset, partition))
        {
            assert_eq!(
                acknowledged, payload,
                "{topic}-{partition}: another record is at {offset} than was said"
            );
        }
    }

    /// A topic has come and gone.
    pub(super) fn topic_gone(&self) {
        self.topics.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn summary(&self) -> String {
        let sent: u64 = self.sent.iter().map(|sent| sent.load(Ordering::SeqCst)).sum();
        let (checked, topics) = (self.checked.load(Ordering::Relaxed), self.topics.load(Ordering::Relaxed));
        assert!(sent > 0 && checked > 0 && topics > 0, "{sent} produced, {checked} checked, {topics} topics");
        format!("{sent} records produced, {checked} fetched and checked, {topics} topics come and gone")
    }
}
