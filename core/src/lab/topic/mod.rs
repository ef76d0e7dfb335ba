//! A topic of several partitions, and the consumers that read it: one [`Lab`] a partition, all on one clock and one
//! configuration.
//!
//! Invariants:
//! - A record with a key goes where Kafka's clients would send it; batches without one take turns.
//! - A consumer reads below the high watermark only, and every record that stays in the log once, in the order of each
//!   partition.
//! - A topic of one partition reports what its log reports, and nothing else.

mod consumer;
mod picture;
mod sentence;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::log::event::Event as LogEvent;
use crate::storage::Crash;
use crate::topic::{murmur2, partition_for_key};

use super::scenario::{Action, MAX_PARTITIONS, TopicAction};
use super::{Event, FetchedRecord, Lab, Outcome};

pub use consumer::{ConsumerPicture, ConsumersPicture};
pub use picture::TopicPicture;
pub use sentence::topic_sentence;

/// One step of a topic's scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopicEvent {
    /// Something happened to one partition's log.
    Log {
        /// Which partition.
        partition: u32,
        /// What.
        event: Event,
    },
    /// The topic has more partitions now.
    PartitionsAdded {
        /// How many there were.
        from: u32,
        /// How many there are.
        to: u32,
    },
    /// A key decided which partition the record goes to.
    KeyRouted {
        /// The key.
        key: Vec<u8>,
        /// Its murmur2 hash.
        hash: u32,
        /// How many partitions there are.
        partitions: u32,
        /// Where it goes.
        partition: u32,
    },
    /// A batch without a key took its turn.
    TurnTaken {
        /// Where it goes.
        partition: u32,
        /// How many partitions there are.
        partitions: u32,
    },
    /// A consumer has fetched.
    Polled {
        /// Its name.
        consumer: String,
        /// From which partition.
        partition: u32,
        /// From which offset on.
        position: u64,
        /// How many records it got.
        records: u64,
        /// Where it goes on.
        next: u64,
        /// How many records are left for it, in this partition.
        lag: u64,
    },
    /// There was nothing for a consumer in any partition. A broker would let it wait.
    NothingToPoll {
        /// Its name.
        consumer: String,
    },
    /// The records at a consumer's position are gone; it goes on at the log start (`auto.offset.reset=earliest`).
    PositionReset {
        /// Its name.
        consumer: String,
        /// In which partition.
        partition: u32,
        /// Where it was.
        from: u64,
        /// Where it goes on.
        to: u64,
    },
    /// A consumer has committed its position in a partition.
    OffsetCommitted {
        /// Its name.
        consumer: String,
        /// In which partition.
        partition: u32,
        /// The offset to go on from.
        offset: u64,
    },
    /// The topic refused the action. Nothing was changed.
    Refused {
        /// Why, in words for a person.
        message: String,
    },
}

impl From<Event> for TopicEvent {
    /// In a topic of one partition.
    fn from(event: Event) -> Self {
        Self::Log { partition: 0, event }
    }
}

impl TopicEvent {
    /// The partition that it is about; `None` if it is about the topic as a whole.
    pub fn partition(&self) -> Option<u32> {
        match self {
            Self::Log { event, .. } if event.is_for_all() => None,
            Self::Log { partition, .. }
            | Self::KeyRouted { partition, .. }
            | Self::TurnTaken { partition, .. }
            | Self::Polled { partition, .. }
            | Self::PositionReset { partition, .. }
            | Self::OffsetCommitted { partition, .. } => Some(*partition),
            Self::PartitionsAdded { .. } | Self::NothingToPoll { .. } | Self::Refused { .. } => None,
        }
    }

    /// What happened to a log, if it did.
    pub fn of_log(&self) -> Option<&Event> {
        match self {
            Self::Log { event, .. } => Some(event),
            _ => None,
        }
    }

    /// Whether it only says where a record goes: nothing has happened there yet.
    fn routes(&self) -> bool {
        matches!(self, Self::KeyRouted { .. } | Self::TurnTaken { .. })
    }
}

/// What running an action brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicOutcome {
    /// The steps, in order.
    pub events: Vec<TopicEvent>,
    /// The records of a fetch or a poll, with their partition; those below the fetch offset dropped.
    pub records: Vec<(u32, FetchedRecord)>,
}

/// A laboratory with one topic in it; see the [module](self).
pub struct TopicLab<S: Crash + Clone> {
    /// The storage of each partition that there is or will be.
    storage: Box<dyn Fn(u32) -> S>,
    labs: Vec<Lab<S>>,
    consumers: ConsumersPicture,
    /// Whose turn it is to take a batch without a key.
    turn: u32,
}

impl<S: Crash + Clone> std::fmt::Debug for TopicLab<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TopicLab").field("partitions", &self.labs.len()).finish_non_exhaustive()
    }
}

impl<S: Crash + Clone> TopicLab<S> {
    /// A topic of so many partitions over what their storages hold. No log is open yet.
    pub fn new(partitions: u32, storage: impl Fn(u32) -> S + 'static) -> Self {
        let labs = (0..partitions.clamp(1, MAX_PARTITIONS)).map(|number| Lab::new(storage(number)));
        Self {
            labs: labs.collect(),
            storage: Box::new(storage),
            consumers: ConsumersPicture::default(),
            turn: 0,
        }
    }

    /// The laboratory of each partition.
    pub fn labs(&self) -> &[Lab<S>] {
        &self.labs
    }

    /// For what concerns one partition only.
    pub fn lab_mut(&mut self, partition: u32) -> Option<&mut Lab<S>> {
        self.labs.get_mut(partition as usize)
    }

    /// How far each consumer has come.
    pub fn consumers(&self) -> &ConsumersPicture {
        &self.consumers
    }

    /// Which partition takes the next batch without a key.
    pub fn turn(&self) -> u32 {
        self.turn
    }

    /// Takes up consumers and the turn from before, as a page does that is loaded again.
    pub fn restore(&mut self, consumers: ConsumersPicture, turn: u32) {
        (self.consumers, self.turn) = (consumers, turn);
    }

    /// Runs one action. What is refused is an event too.
    pub fn run(&mut self, action: &TopicAction) -> TopicOutcome {
        let mut outcome = TopicOutcome::default();
        let result = match action {
            TopicAction::Partitions { count } => self.add_partitions(*count, &mut outcome),
            TopicAction::Poll { consumer, max_bytes } => {
                self.poll(consumer, *max_bytes, &mut outcome);
                Ok(())
            }
            TopicAction::Commit { consumer } => self.commit(consumer, &mut outcome),
            TopicAction::Log { action, partition } => self.run_log(action, *partition, &mut outcome),
        };
        if let Err(message) = result {
            outcome.events.push(TopicEvent::Refused { message });
        }
        outcome.events.iter().for_each(|event| self.consumers.apply(event));
        outcome
    }

    /// Runs [`Action::Reopen`] in every partition: [`Lab::open`].
    pub fn open(&mut self) -> TopicOutcome {
        let mut outcome = TopicOutcome::default();
        (0..self.partitions()).for_each(|partition| self.run_in_as(partition, &mut outcome, Lab::open));
        outcome.events.iter().for_each(|event| self.consumers.apply(event));
        outcome
    }

    fn run_log(
        &mut self,
        action: &Action,
        partition: Option<u32>,
        outcome: &mut TopicOutcome,
    ) -> Result<(), String> {
        if let Some(partition) = partition {
            let partitions = self.labs.len();
            if partition as usize >= partitions {
                return Err(format!("there is no partition {partition}: the topic has {partitions}"));
            }
            if *action == Action::Reset {
                return Err("a reset is for the whole topic: run it without `partition=`".to_owned());
            }
            self.run_in(partition, action, outcome);
            return Ok(());
        }
        match action {
            Action::Append { key: Some(key), .. } => self.run_by_key(key.as_bytes(), action, outcome),
            Action::Tombstone { key } => self.run_by_key(key.as_bytes(), action, outcome),
            Action::Append { values, key: None, count, at, producer: None } if self.labs.len() > 1 => {
                let (values, at) = (values.clone(), *at);
                let one = Action::Append { values, key: None, count: 1, at, producer: None };
                (0..*count).for_each(|_| self.run_by_turn(&one, outcome));
            }
            Action::Append { .. }
            | Action::Fetch { .. }
            | Action::Find { .. }
            | Action::DeleteBefore { .. }
            | Action::Truncate { .. }
            | Action::Flip { .. }
            | Action::Lose { .. }
            | Action::Disk { .. }
            | Action::FailSync => self.run_in(0, action, outcome),
            Action::Flush | Action::Retain | Action::Compact | Action::Crash { .. } | Action::Reopen => {
                (0..self.partitions()).for_each(|partition| self.run_in(partition, action, outcome));
            }
            Action::Advance { .. } | Action::Config { .. } => self.run_once(action, outcome),
            Action::Reset => self.reset(outcome)?,
        }
        Ok(())
    }

    fn partitions(&self) -> u32 {
        self.labs.len() as u32
    }

    fn run_by_key(&mut self, key: &[u8], action: &Action, outcome: &mut TopicOutcome) {
        let partitions = self.partitions();
        let partition = partition_for_key(key, partitions);
        if partitions > 1 {
            let (key, hash) = (key.to_vec(), murmur2(key));
            outcome.events.push(TopicEvent::KeyRouted { key, hash, partitions, partition });
        }
        self.run_in(partition, action, outcome);
    }

    fn run_by_turn(&mut self, action: &Action, outcome: &mut TopicOutcome) {
        let (partition, partitions) = (self.turn % self.partitions(), self.partitions());
        self.turn = (partition + 1) % partitions;
        outcome.events.push(TopicEvent::TurnTaken { partition, partitions });
        self.run_in(partition, action, outcome);
    }

    /// Runs an action in one partition, and takes the others' clocks along.
    fn run_in(&mut self, partition: u32, action: &Action, outcome: &mut TopicOutcome) {
        self.run_in_as(partition, outcome, |lab| lab.run(action));
    }

    fn run_in_as(
        &mut self,
        partition: u32,
        outcome: &mut TopicOutcome,
        run: impl FnOnce(&mut Lab<S>) -> Outcome,
    ) {
        let Some(lab) = self.lab_mut(partition) else { return };
        let ran = run(lab);
        let now_ms = lab.now_ms();
        outcome.events.extend(ran.events.into_iter().map(|event| TopicEvent::Log { partition, event }));
        outcome.records.extend(ran.records.into_iter().map(|record| (partition, record)));
        for (partition, lab) in (0..).zip(&mut self.labs) {
            let due = lab.set_clock(now_ms).into_iter();
            outcome.events.extend(due.map(|event| TopicEvent::Log { partition, event }));
        }
    }

    /// Runs in all partitions what says the same in each: it is told once.
    fn run_once(&mut self, action: &Action, outcome: &mut TopicOutcome) {
        let now_ms = self.labs.first().map_or(0, Lab::now_ms);
        for (partition, lab) in (0..).zip(&mut self.labs) {
            let mut events = lab.set_clock(now_ms);
            events.extend(lab.run(action).events);
            let told = |event: &Event| event.is_for_all() || matches!(event, Event::Refused { .. });
            let events = events.into_iter().filter(|event| partition == 0 || !told(event));
            outcome.events.extend(events.map(|event| TopicEvent::Log { partition, event }));
        }
    }

    fn add_partitions(&mut self, count: u32, outcome: &mut TopicOutcome) -> Result<(), String> {
        let (from, to) = (self.partitions(), count.min(MAX_PARTITIONS));
        if to < from {
            return Err(format!(
                "the topic has {from} partitions, and none can be taken away: their records would be lost"
            ));
        }
        let Some(first) = self.labs.first() else { return Ok(()) };
        let (config, policy, now_ms) = (first.config().clone(), first.flush_policy(), first.now_ms());
        // A log that was never used is not open either, and all partitions begin alike.
        let unused = !first.is_open() && first.storage().list().is_ok_and(|files| files.is_empty());
        outcome.events.push(TopicEvent::PartitionsAdded { from, to });
        if unused && to > from {
            self.run_in(0, &Action::Reopen, outcome);
        }
        for number in from..to {
            let mut lab = Lab::new((self.storage)(number));
            lab.restore(config.clone(), now_ms);
            lab.set_flush_policy(policy);
            self.labs.push(lab);
            self.run_in(number, &Action::Reopen, outcome);
        }
        Ok(())
    }

    /// Leaves one empty partition. It is told of that one only.
    fn reset(&mut self, outcome: &mut TopicOutcome) -> Result<(), String> {
        for mut lab in self.labs.drain(1..) {
            lab.remove_files()?;
        }
        self.turn = 0;
        self.run_in(0, &Action::Reset, outcome);
        Ok(())
    }

    /// Looks for a partition that has something for the consumer, beginning after the one that it read last.
    fn poll(&mut self, consumer: &str, max_bytes: u64, outcome: &mut TopicOutcome) {
        let partitions = self.partitions();
        let first = self.consumers.next_partition(consumer);
        for partition in (0..partitions).map(|at| (first + at) % partitions) {
            let from = self.consumers.position(consumer, partition);
            let Some(lab) = self.lab_mut(partition) else { continue };
            let Some((log_start, high_watermark)) = lab.bounds() else { continue };
            let position = from.max(log_start);
            if position >= high_watermark {
                continue;
            }
            let consumer = consumer.to_owned();
            if position > from {
                let reset =
                    TopicEvent::PositionReset { consumer: consumer.clone(), partition, from, to: position };
                outcome.events.push(reset);
            }
            let before = (outcome.events.len(), outcome.records.len());
            self.run_in(partition, &Action::Fetch { offset: position, max_bytes }, outcome);
            let stopped = outcome.events[before.0..].iter().find_map(next_offset);
            let Some(next) = stopped else { return };
            let records = (outcome.records.len() - before.1) as u64;
            let lag = high_watermark.saturating_sub(next);
            outcome.events.push(TopicEvent::Polled { consumer, partition, position, records, next, lag });
            return;
        }
        outcome.events.push(TopicEvent::NothingToPoll { consumer: consumer.to_owned() });
    }

    fn commit(&mut self, consumer: &str, outcome: &mut TopicOutcome) -> Result<(), String> {
        let Some(picture) = self.consumers.consumers.get(consumer) else {
            return Err(format!("the consumer {consumer:?} has not polled yet: run `poll {consumer}`"));
        };
        let changed: BTreeMap<u32, u64> = picture.uncommitted().collect();
        if changed.is_empty() {
            return Err(format!("the consumer {consumer:?} has nothing new to commit"));
        }
        outcome.events.extend(changed.into_iter().map(|(partition, offset)| TopicEvent::OffsetCommitted {
            consumer: consumer.to_owned(),
            partition,
            offset,
        }));
        Ok(())
    }
}

fn next_offset(event: &TopicEvent) -> Option<u64> {
    match event {
        TopicEvent::Log { event: Event::Log(LogEvent::FetchStopped { next_offset, .. }), .. } => {
            Some(*next_offset)
        }
        _ => None,
    }
}
