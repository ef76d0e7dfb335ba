//! Where to begin, and what a group commits.

use std::collections::BTreeMap;

use super::Consume;
use super::reader::{From, Outage};
use crate::cli::client::{Client, ClientError, GroupOffset, Partition, Place, Position, Topic};

/// What is to be read.
#[derive(Debug)]
pub(super) struct Begin {
    /// Partitions, and where to begin in each.
    pub(super) partitions: Vec<(u32, From)>,
    /// Whether the topic has more than one partition that is read.
    pub(super) several: bool,
}

/// Looks up where to begin; when following, waits for the broker and for the topic.
pub(super) fn begin(command: &Consume, client: &Client) -> Result<Begin, ClientError> {
    let outage = Outage::default();
    outage.outlast(command.follow, || begin_now(command, client))
}

fn begin_now(command: &Consume, client: &Client) -> Result<Begin, ClientError> {
    let topic = match client.topic(&command.topic) {
        // The broker says whether one may wait for a topic that is not there.
        Err(error) if error.is_unknown_topic() && !command.follow => {
            // Its name may be misspelt.
            eprintln!("logscope: {error}: nothing to read yet");
            return Ok(nothing());
        }
        Err(error) if error.is_unknown_topic() => await_topic(command, client)?,
        described => described?,
    };
    let several = topic.partitions.len() > 1 && command.partition.len() != 1;
    let committed = match &command.group {
        Some(group) => client.committed(group)?.1.offsets,
        None => Vec::new(),
    };
    let mut partitions = Vec::new();
    let all: Vec<u32> = topic.partitions.iter().map(|partition| partition.partition).collect();
    let mut wanted = if command.partition.is_empty() { all } else { command.partition.clone() };
    wanted.sort_unstable();
    wanted.dedup();
    for number in wanted {
        partitions.push((number, from(command, client, &topic, &committed, number)?));
    }
    Ok(Begin { partitions, several })
}

fn nothing() -> Begin {
    Begin { partitions: Vec::new(), several: false }
}

/// Long polls for the first record of a topic that is not there, and describes the topic then.
fn await_topic(command: &Consume, client: &Client) -> Result<Topic, ClientError> {
    loop {
        let max_wait = logscope_server::broker::MAX_WAIT;
        client.fetch(&command.topic, 0, "0", 1, max_wait)?;
        match client.topic(&command.topic) {
            Err(error) if error.is_unknown_topic() => {}
            described => return described,
        }
    }
}

fn from(
    command: &Consume,
    client: &Client,
    topic: &Topic,
    committed: &[GroupOffset],
    number: u32,
) -> Result<From, ClientError> {
    let Some(partition) = topic.partitions.iter().find(|partition| partition.partition == number) else {
        let (name, count) = (&topic.name, topic.partitions.len());
        return Err(ClientError::refused(format!("{name} has no partition {number}: it has {count}")));
    };
    Ok(match (committed_in(&topic.name, partition, committed), command.from) {
        (Some(offset), _) => From::Offset(offset),
        (None, Position::Earliest) => From::Earliest,
        (None, Position::Latest) => From::Latest,
        (None, position) => From::Offset(client.resolve(&command.topic, partition, position)?),
    })
}

/// Where a group goes on in a partition, if it has committed an offset there.
pub(super) fn committed_in(topic: &str, partition: &Partition, committed: &[GroupOffset]) -> Option<u64> {
    let number = partition.partition;
    let committed = committed.iter().find(|it| it.topic == topic && it.partition == number)?.offset;
    let start = partition.log_start_offset.unwrap_or(0);
    if committed < start {
        eprintln!(
            "logscope: partition {number}: the records from {committed} on are gone; going on at {start}"
        );
    }
    Some(committed.max(start))
}

/// What a group is about to commit.
#[derive(Debug)]
pub(super) struct Commits<'a> {
    client: &'a Client,
    group: &'a str,
    topic: &'a str,
    /// Offsets to go on from, of the partitions where that has changed.
    changed: BTreeMap<u32, u64>,
    committed: BTreeMap<u32, u64>,
}

impl<'a> Commits<'a> {
    pub(super) fn new(client: &'a Client, group: &'a str, topic: &'a str) -> Self {
        Self { client, group, topic, changed: BTreeMap::new(), committed: BTreeMap::new() }
    }

    /// All below an offset has been printed.
    pub(super) fn printed(&mut self, partition: u32, next_offset: u64) {
        if self.committed.get(&partition) != Some(&next_offset) {
            self.changed.insert(partition, next_offset);
        }
    }

    /// Commits what has changed. A broker that is away gets it the next time, if that is worth waiting for.
    pub(super) fn commit(&mut self, patient: bool) -> Result<(), ClientError> {
        if self.changed.is_empty() {
            return Ok(());
        }
        let place = |(&partition, &offset)| Place { topic: self.topic, partition, offset };
        let places: Vec<_> = self.changed.iter().map(place).collect();
        match self.client.commit(self.group, &places) {
            Err(ClientError::Unavailable(_)) if patient => Ok(()),
            Ok(_) => {
                self.committed.append(&mut self.changed);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}
