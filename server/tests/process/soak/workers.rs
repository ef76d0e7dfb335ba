//! The clients of the soak. Each goes on until it is told to stop, and panics at the first thing that is wrong.

use std::io::BufRead;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use logscope::testing::Random;
use serde_json::{Value, json};
use ureq::Agent;

use super::book::Book;
use super::topics;
use crate::harness::{Process, agent};

/// Keys of the compacted topic.
const KEYS: u64 = 40;
/// How long the caretaker rests, and how often who waits looks whether to stop: nothing depends on it.
const REST: Duration = Duration::from_millis(20);

#[derive(Debug, Clone, Copy)]
pub(super) enum Worker {
    /// Produces to a topic, one record at a time or many; with its number.
    Producer(&'static str, usize),
    /// Fetches from anywhere.
    Fetcher,
    /// Waits at the end, as a process of its own.
    Tail,
    /// Creates a topic, fills it, reads it, and deletes it, again and again.
    Churner,
    /// Runs retention, compaction and flushes, and commits offsets.
    Caretaker,
}

/// A client of one thread.
struct Client<'a> {
    agent: Agent,
    url: &'a str,
    book: &'a Book,
    random: Random,
}

impl Worker {
    pub(super) const ALL: [Self; 8] = [
        Self::Producer("kept", 0),
        Self::Producer("kept", 1),
        Self::Producer("table", 2),
        Self::Fetcher,
        Self::Fetcher,
        Self::Tail,
        Self::Churner,
        Self::Caretaker,
    ];

    pub(super) fn run(self, url: &str, book: &Book, stop: &AtomicBool, seed: u64) {
        let mut client = Client { agent: agent(), url, book, random: Random::new(seed) };
        while !stop.load(Ordering::Relaxed) {
            match self {
                Self::Producer(topic, number) => client.produce_some(topic, number),
                Self::Fetcher => client.fetch_some(),
                Self::Tail => client.follow_some(stop),
                Self::Churner => client.churn(),
                Self::Caretaker => client.take_care(),
            }
        }
    }
}

impl Client<'_> {
    fn ask(&self, method: &str, path: &str, body: Option<String>) -> (u16, Value) {
        let request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        let answer = match body {
            Some(body) => {
                let request = request.header("content-type", "application/x-ndjson");
                self.agent.run(request.body(body).unwrap())
            }
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let text = answer.body_mut().with_config().limit(64 << 20).read_to_string().unwrap();
        let value = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        (answer.status().as_u16(), value)
    }

    fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask("GET", path, None);
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// One request with some records, which must all be taken.
    fn produce_some(&mut self, topic: &str, producer: usize) {
        let count = *self.random.pick(&[1, 1, 1, 20, 200]);
        let (mut lines, mut payloads) = (String::new(), Vec::new());
        for _ in 0..count {
            let payload = self.book.next(topic, producer);
            let key = format!("key-{}", self.random.below(KEYS));
            let forgotten = topic == "table" && self.random.one_in(10);
            let sent = if forgotten { Value::Null } else { json!(payload) };
            lines.push_str(&json!({"payload": sent, "key": key}).to_string());
            lines.push('\n');
            payloads.push(payload);
        }
        let acks = *self.random.pick(&["all", "1"]);
        let (status, answer) = self.ask("POST", &format!("/topics/{topic}/records?acks={acks}"), Some(lines));
        assert_eq!(status, 200, "{answer}");
        let places = answer["offsets"].as_array().unwrap();
        assert_eq!(places.len(), payloads.len());
        for (place, payload) in places.iter().zip(payloads) {
            let offset = place["offset"].as_u64().unwrap_or_else(|| panic!("{place}"));
            self.book.acknowledge(topic, place["partition"].as_u64().unwrap() as u32, offset, payload);
        }
    }

    /// A few fetches from a random place.
    fn fetch_some(&mut self) {
        let (topic, partitions, _) = self.random.pick(&topics()).clone();
        let partition = self.random.below(partitions.into()) as u32;
        let path = format!("/topics/{topic}/partitions/{partition}");
        let offsets = self.get(&format!("{path}/offsets"));
        let (start, end) = (offsets["log_start_offset"].as_u64(), offsets["high_watermark"].as_u64());
        let mut next = self.random.between(start.unwrap(), end.unwrap());
        for _ in 0..self.random.between(1, 5) {
            let max_bytes = self.random.pick(&[1, 4_096, 200_000]);
            let wait = self.random.pick(&[0, 20]);
            let query = format!("offset={next}&max_bytes={max_bytes}&max_wait_ms={wait}");
            let (status, answer) = self.ask("GET", &format!("{path}/records?{query}"), None);
            // Retention may have been there first.
            if status == 416 {
                return;
            }
            assert_eq!(status, 200, "{answer}");
            self.book.check(topic, partition, next, answer["records"].as_array().unwrap());
            next = answer["next_offset"].as_u64().unwrap();
        }
    }

    /// Follows a topic with the command line for some records, and leaves without a word.
    fn follow_some(&mut self, stop: &AtomicBool) {
        let from = *self.random.pick(&["earliest", "latest"]);
        let arguments = ["consume", "--server", self.url, "--topic", "kept", "--from", from, "--follow"];
        let arguments = [&arguments[..], &["--format", "json", "--group", "tail"]].concat();
        let mut process = Process::start(&arguments);
        let (stdout, (sender, lines)) = (process.stdout(), mpsc::channel());
        // It ends with the process.
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut left = self.random.between(1, 2_000);
        let mut next = [0; 3];
        while left > 0 && !stop.load(Ordering::Relaxed) {
            let line = match lines.recv_timeout(REST) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => panic!("the tail ended: {}", process.stderr()),
            };
            let record: Value = serde_json::from_str(&line).unwrap();
            let partition = record["partition"].as_u64().unwrap() as usize;
            next[partition] = self.book.check("kept", partition as u32, next[partition], &[record]);
            left -= 1;
        }
    }

    /// A topic's whole life. Its name is always the same: what an earlier one held must not come back.
    fn churn(&mut self) {
        let (status, answer) =
            self.ask("POST", "/topics", Some(json!({"name": "churn", "partitions": 2}).to_string()));
        assert_eq!(status, 201, "{answer}");
        let mut payloads = Vec::new();
        for _ in 0..self.random.between(1, 30) {
            let payload = self.book.next("churn", 3);
            let body = json!({"topic": "churn", "partition": 1, "payload": payload}).to_string();
            let (status, answer) = self.ask("POST", "/produce", Some(body));
            assert_eq!((status, answer["offset"].as_u64()), (200, Some(payloads.len() as u64)), "{answer}");
            payloads.push(payload);
        }
        let fetched = self.get("/topics/churn/partitions/1/records?offset=0");
        let found = fetched["records"].as_array().unwrap();
        let found: Vec<_> = found.iter().map(|record| record["payload"].as_str().unwrap()).collect();
        assert_eq!(found, payloads, "a topic holds what it was given, and nothing of an earlier one's");
        assert_eq!(self.ask("DELETE", "/topics/churn", None).0, 204);
        assert_eq!(self.ask("GET", "/topics/churn", None).0, 404);
        self.book.topic_gone();
    }

    fn take_care(&mut self) {
        let (topic, partitions, _) = self.random.pick(&topics()).clone();
        let partition = self.random.below(partitions.into());
        let what = *self.random.pick(&["retention", "compaction", "flush", "offsets"]);
        let (status, answer) = if what == "offsets" {
            let offsets =
                json!([{"topic": topic, "partition": partition, "offset": self.random.below(1000)}]);
            self.ask("PUT", "/groups/care/offsets", Some(json!({ "offsets": offsets }).to_string()))
        } else {
            self.ask("POST", &format!("/topics/{topic}/partitions/{partition}/{what}"), None)
        };
        assert_eq!(status, 200, "{what}: {answer}");
        thread::sleep(REST);
    }
}
