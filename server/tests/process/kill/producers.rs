//! The clients of the kill test: processes of `logscope produce`, which say what was acknowledged to them.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use logscope::testing::Random;

use super::TOPICS;
use super::ledger::{Ledger, Lines};
use crate::harness::{Broker, Process, logscope};

const PRODUCERS: usize = 6;
/// More lines than a client gets rid of before its broker is killed.
const LINES: usize = 20_000;

/// Clients of one round.
pub(super) struct Producers {
    readers: Vec<JoinHandle<Lines>>,
    /// One message a line that was acknowledged.
    acknowledgements: Receiver<()>,
}

impl Producers {
    pub(super) fn start(broker: &Broker, round: u64, random: &mut Random) -> Self {
        let (sender, acknowledgements) = mpsc::channel();
        let readers = (0..PRODUCERS).map(|number| {
            let (topic, partitions) = TOPICS[number % TOPICS.len()];
            let batch = *random.pick(&[1, 1, 7, 50]);
            let acks = *random.pick(&["all", "all", "1"]);
            // Some stay in one partition, and the others go where their keys do.
            let partition = random.one_in(2).then(|| random.below(u64::from(partitions)).to_string());
            let name = format!("{round}-{number}");
            let command = command(&broker.url, topic, batch, acks, partition.as_deref());
            let lines = Lines { topic, name, batch, keys: partition.is_none(), acknowledged: Vec::new() };
            let sender = sender.clone();
            thread::spawn(move || run(command, lines, &sender))
        });
        let readers = readers.collect();
        Self { readers, acknowledgements }
    }

    /// Waits for so many acknowledgements, or for the end of all clients.
    pub(super) fn wait_for(&self, count: u64) {
        for _ in 0..count {
            if self.acknowledgements.recv().is_err() {
                return;
            }
        }
    }

    /// Waits for the clients' end, and takes down what they were told.
    pub(super) fn settle(self, ledger: &mut Ledger) {
        for reader in self.readers {
            ledger.take(reader.join().unwrap());
        }
    }
}

fn command(url: &str, topic: &str, batch: usize, acks: &str, partition: Option<&str>) -> Command {
    let batch = batch.to_string();
    let mut arguments = vec!["produce", "--server", url, "--topic", topic, "--batch", &batch, "--acks", acks];
    arguments.extend(["--format", "json"]);
    match partition {
        Some(partition) => arguments.extend(["--partition", partition]),
        None => arguments.extend(["--key-separator", ":"]),
    }
    logscope(&arguments)
}

/// Feeds a client until its broker is gone, and returns what it said.
fn run(mut command: Command, mut lines: Lines, acknowledged: &Sender<()>) -> Lines {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = Process(command.spawn().unwrap());
    let stdin = process.0.stdin.take().unwrap();
    let texts: Vec<String> = (0..LINES).map(|line| lines.text(line)).collect();
    let feeder = thread::spawn(move || feed(stdin, &texts));
    for line in stdout(&mut process.0).lines() {
        let outcome: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let number = |name: &str| outcome[name].as_u64().unwrap_or_else(|| panic!("refused: {outcome}"));
        lines.acknowledged.push((number("partition") as u32, number("offset")));
        // Nobody counts any more once there were enough.
        let _ = acknowledged.send(());
    }
    feeder.join().unwrap();
    process.wait();
    lines
}

fn stdout(child: &mut Child) -> impl BufRead {
    BufReader::new(child.stdout.take().unwrap())
}

/// Writes lines until nobody reads them.
fn feed(mut stdin: ChildStdin, lines: &[String]) {
    for line in lines {
        if stdin.write_all(line.as_bytes()).is_err() {
            return;
        }
    }
}
