//! What is compared with what, and what is to be reached.

use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use logscope_load::Connection;
use serde_json::{Value, json};

use crate::servers::{Broker, Server};
use crate::table::{Line, compare, milliseconds, per_second, verdict};
use crate::work::Work;
use crate::{Pace, floor};

/// Bytes of a payload.
const SIZE: usize = 100;
/// What a record of that size takes as a batch of its own.
const BATCH_SIZE: usize = 172;
/// Records of the log that is fetched from: many segments of 1 MiB.
const FILLED: u64 = 500_000;
const FILLED_BATCH: u32 = 10;
/// Clients that wait for something, and the memory that each may cost.
const IDLE: usize = 1000;
const MOST_IDLE_KIB: f64 = 32.0;

/// Everything that the rows need.
struct Bench {
    broker: Broker,
    floor: Server,
    pace: Pace,
}

/// When an answer begins that somebody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begins {
    AtOnce,
    InTheEnd,
}

/// A row's name, and how it is measured.
type Row = (&'static str, fn(&Bench) -> Result<()>);

const ROWS: [Row; 7] = [
    ("produce-acks-1", Bench::produce_leader),
    ("produce-acks-all", Bench::produce_all),
    ("partitions", Bench::partitions),
    ("records", Bench::records),
    ("fetch", Bench::fetch),
    ("raw", Bench::raw),
    ("idle", Bench::idle),
];

/// Measures the rows with `filter` in their names, and prints a line as soon as it is known.
pub(crate) fn measure(broker: &Path, pace: Pace, filter: &str) -> Result<()> {
    let rows: Vec<_> = ROWS.iter().filter(|(name, _)| name.contains(filter)).collect();
    let names = ROWS.map(|(name, _)| name).join(", ");
    ensure!(!rows.is_empty(), "no row has {filter:?} in its name; there are {names}");
    println!("{}", Line::HEADING);
    for (_, measure) in rows {
        // A broker of its own for each: nobody pays for what others have left.
        let bench = Bench { broker: Broker::start(broker)?, floor: Server::floor()?, pace };
        measure(&bench)?;
    }
    Ok(())
}

impl Bench {
    /// The same topic for both contenders; the floor does not look at it.
    fn produce_request(&self, server: &Server, topic: &str, acks: Value) -> Result<Vec<u8>> {
        let body = json!({"topic": topic, "payload": "x".repeat(SIZE), "acks": acks}).to_string();
        let mut request = Vec::new();
        server.target()?.post("/produce", "application/json", body.as_bytes(), &mut request);
        Ok(request)
    }

    /// Produces a second, into a topic that goes again: what is measured next finds an empty disk cache.
    fn produce_rate(&self, connections: u32, acks: &Value) -> Result<f64> {
        self.broker.create("t", 1, json!({}))?;
        let work = Work::one(connections, self.produce_request(&self.broker.server, "t", acks.clone())?);
        let rate = work.rate(&self.broker.server.target()?, self.pace.turn)?;
        self.broker.server.delete("/topics/t")?;
        Ok(rate)
    }

    fn produce_leader(&self) -> Result<()> {
        for connections in [1, 16, 64] {
            self.broker.gate(connections, 1, "1")?;
            let floor = Work::one(connections, self.produce_request(&self.floor, "t", json!(1))?);
            let target = self.floor.target()?;
            let rounds = compare(
                self.pace,
                || self.produce_rate(connections, &json!(1)),
                || floor.rate(&target, self.pace.turn),
            )?;
            let plural = if connections == 1 { "" } else { "s" };
            let what = format!("`POST /produce`, 100 B, `acks=1`, {connections} connection{plural}");
            let floor = "handler that parses the same JSON".to_owned();
            Line { what, floor, rounds, least: 0.9, figure: per_second }.print();
        }
        Ok(())
    }

    fn produce_all(&self) -> Result<()> {
        self.broker.gate(64, 1, "all")?;
        let all = || self.produce_rate(64, &json!("all"));
        let what = "`POST /produce`, 100 B, `acks=all`, 64 connections".to_owned();
        let syncs = || floor::syncs(self.broker.dir(), BATCH_SIZE, self.pace.turn);
        let rounds = compare(self.pace, all, syncs)?;
        let floor = "one `fdatasync` after another".to_owned();
        Line { what: what.clone(), floor, rounds, least: 6.0, figure: per_second }.print();
        let rounds = compare(self.pace, all, || self.produce_rate(64, &json!(1)))?;
        Line { what, floor: "its own `acks=1`".to_owned(), rounds, least: 0.4, figure: per_second }.print();
        Ok(())
    }

    /// The 99th percentile, as a speed: whether it stays where it is while partitions grow, with as many producers.
    fn partitions(&self) -> Result<()> {
        const CONNECTIONS: u32 = 64;
        self.broker.gate(CONNECTIONS, 1, "all")?;
        let target = self.broker.server.target()?;
        let speed = |partitions: u32| {
            self.broker.create("t", partitions, json!({}))?;
            let requests = (0..partitions).map(|partition| {
                let body = json!({"topic": "t", "payload": "x".repeat(SIZE), "partition": partition});
                let mut request = Vec::new();
                target.post("/produce", "application/json", body.to_string().as_bytes(), &mut request);
                request
            });
            let work = Work { requests: requests.collect(), ..Work::one(CONNECTIONS, Vec::new()) };
            let p99 = work.timing(&target, self.pace.turn)?.latency.percentile_ms(99.0);
            self.broker.server.delete("/topics/t")?;
            Ok(1e3 / p99)
        };
        for partitions in [8, 64] {
            let rounds = compare(self.pace, || speed(partitions), || speed(1))?;
            let what = format!(
                "p99 of `POST /produce`, `acks=all`, {CONNECTIONS} connections, {partitions} partitions"
            );
            let floor = "the same, one partition".to_owned();
            Line { what, floor, rounds, least: 0.5, figure: milliseconds }.print();
        }
        Ok(())
    }

    fn records(&self) -> Result<()> {
        const BATCH: usize = 100;
        self.broker.gate(16, BATCH as u32, "1")?;
        let line = json!({"payload": "x".repeat(SIZE)}).to_string() + "\n";
        let target = self.broker.server.target()?;
        let mut request = Vec::new();
        let path = "/topics/t/records?acks=1";
        target.post(path, "application/x-ndjson", line.repeat(BATCH).as_bytes(), &mut request);
        let work = Work::one(16, request);
        let ours = || {
            self.broker.create("t", 1, json!({}))?;
            let rate = work.rate(&target, self.pace.turn)? * BATCH as f64;
            self.broker.server.delete("/topics/t")?;
            Ok(rate)
        };
        let floor = || floor::appends(self.broker.dir(), BATCH, SIZE, self.pace.turn);
        let rounds = compare(self.pace, ours, floor)?;
        let what = "`POST …/records`, NDJSON, 100 × 100 B, `acks=1`, 16 connections, records".to_owned();
        Line {
            what,
            floor: "the engine's append, in process".to_owned(),
            rounds,
            least: 0.25,
            figure: per_second,
        }
        .print();
        Ok(())
    }

    /// Paths that fetch from the middle of a log of many segments, each from another offset.
    fn middle(&self, path: impl Fn(u64) -> String) -> Vec<String> {
        let batches = FILLED / u64::from(FILLED_BATCH);
        let middle = |at: u64| (batches / 4 + at * 197 % (batches / 2)) * u64::from(FILLED_BATCH);
        (0..64).map(|at| path(middle(at))).collect()
    }

    fn fill(&self) -> Result<()> {
        self.broker.fill("filled", FILLED, FILLED_BATCH)
    }

    /// Requests a second of the broker and of the floor, which answers with the same bytes.
    fn compare_fetches(
        &self,
        paths: &[String],
        floor_path: &str,
        headers: &str,
        size: usize,
    ) -> Result<Vec<(f64, f64)>> {
        let (target, floor_target) = (self.broker.server.target()?, self.floor.target()?);
        let requests = paths.iter().map(|path| {
            let mut request = Vec::new();
            target.get(path, headers, &mut request);
            request
        });
        let ours = Work { connections: 16, requests: requests.collect(), least_body: size * 9 / 10 };
        let mut request = Vec::new();
        floor_target.get(floor_path, headers, &mut request);
        let floor = Work { least_body: size, ..Work::one(16, request) };
        compare(
            self.pace,
            || ours.rate(&target, self.pace.turn),
            || floor.rate(&floor_target, self.pace.turn),
        )
    }

    fn fetch(&self) -> Result<()> {
        self.fill()?;
        for (max_bytes, name) in [(4 << 10, "4 KiB"), (1 << 20, "1 MiB")] {
            let paths =
                self.middle(|offset| format!("/fetch?topic=filled&offset={offset}&max_bytes={max_bytes}"));
            let answer = self.broker.server.get(&paths[0], "application/json")?;
            self.floor.post("/fetch", &answer)?;
            ensure!(
                self.floor.get("/fetch", "application/json")? == answer,
                "the floor answers something else"
            );
            let rounds = self.compare_fetches(&paths, "/fetch", "", answer.len())?;
            let what = format!("`GET /fetch`, {name}, 16 connections");
            let floor = "handler that serializes the same records".to_owned();
            Line { what, floor, rounds, least: 0.95, figure: per_second }.print();
        }
        Ok(())
    }

    fn raw(&self) -> Result<()> {
        self.fill()?;
        const OCTETS: &str = "application/octet-stream";
        let path = |offset| format!("/topics/filled/partitions/0/records?offset={offset}&max_bytes=1048576");
        let paths = self.middle(path);
        let answer = self.broker.server.get(&paths[0], OCTETS)?;
        self.floor.post("/raw", &answer)?;
        let accept = format!("accept: {OCTETS}\r\n");
        let rounds = self.compare_fetches(&paths, "/raw", &accept, answer.len())?;
        let what = "`GET …/records`, 1 MiB, raw batches, 16 connections".to_owned();
        Line {
            what,
            floor: "handler that sends the same bytes".to_owned(),
            rounds,
            least: 0.8,
            figure: per_second,
        }
        .print();
        Ok(())
    }

    fn idle(&self) -> Result<()> {
        self.broker.create("idle", 1, json!({}))?;
        let poll = "/topics/idle/partitions/0/records?offset=0&max_wait_ms=30000";
        self.idle_clients("1,000 idle long polls", poll, Begins::InTheEnd)?;
        self.idle_clients("1,000 idle tails", "/topics/idle/partitions/0/tail", Begins::AtOnce)
    }

    /// What each of many clients that wait costs.
    fn idle_clients(&self, what: &str, path: &str, begins: Begins) -> Result<()> {
        let target = self.broker.server.target()?;
        let mut request = Vec::new();
        target.get(path, "", &mut request);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let before = self.settled_bytes()?;
        let clients = runtime.block_on(async {
            let mut clients = Vec::with_capacity(IDLE);
            for _ in 0..IDLE {
                let mut client = Connection::open(&target).await?;
                client.send(&request).await?;
                if begins == Begins::AtOnce {
                    client.status().await?;
                }
                clients.push(client);
            }
            anyhow::Ok(clients)
        })?;
        let bytes = self.settled_bytes()?.saturating_sub(before);
        drop(clients);
        let kib = bytes as f64 / 1024.0 / IDLE as f64;
        println!(
            "| {what} | {kib:.1} KiB each | | | | under {MOST_IDLE_KIB} KiB | {} |",
            verdict(kib < MOST_IDLE_KIB)
        );
        Ok(())
    }

    /// The broker's memory, once it stays the same for a while.
    fn settled_bytes(&self) -> Result<u64> {
        let mut last = 0;
        loop {
            thread::sleep(Duration::from_millis(700));
            let bytes = self.broker.server.resident_bytes()?;
            if bytes == last {
                return Ok(bytes);
            }
            last = bytes;
        }
    }
}
