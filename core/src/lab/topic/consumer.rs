//! How far consumers have come: a fold of the topic's events.

use std::collections::BTreeMap;

use super::super::Event;
use super::TopicEvent;

/// One consumer. It is a group of its own, and reads all partitions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsumerPicture {
    /// The next offset that it reads, by partition; where it has not read yet, it begins at what it has committed, or
    /// at the log start.
    pub positions: BTreeMap<u32, u64>,
    /// What it has committed, by partition.
    pub committed: BTreeMap<u32, u64>,
    /// The partition that it read last.
    pub last: Option<u32>,
}

/// All consumers, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsumersPicture {
    /// The consumers.
    pub consumers: BTreeMap<String, ConsumerPicture>,
}

impl ConsumerPicture {
    /// Where it goes on in a partition.
    pub fn position(&self, partition: u32) -> u64 {
        let position = self.positions.get(&partition).or_else(|| self.committed.get(&partition));
        position.copied().unwrap_or(0)
    }

    /// How many records it has still to read in a partition with this high watermark.
    pub fn lag(&self, partition: u32, high_watermark: u64) -> u64 {
        high_watermark.saturating_sub(self.position(partition))
    }

    /// How many records it has still to read in all partitions, by their high watermarks.
    pub fn total_lag(&self, high_watermarks: impl IntoIterator<Item = u64>) -> u64 {
        (0..)
            .zip(high_watermarks)
            .map(|(partition, high_watermark)| self.lag(partition, high_watermark))
            .sum()
    }

    /// Its positions that are not what it has committed.
    pub fn uncommitted(&self) -> impl Iterator<Item = (u32, u64)> {
        let positions = self.positions.iter().map(|(partition, position)| (*partition, *position));
        positions.filter(|(partition, position)| self.committed.get(partition) != Some(position))
    }
}

impl ConsumersPicture {
    pub(super) fn position(&self, consumer: &str, partition: u32) -> u64 {
        self.consumers.get(consumer).map_or(0, |consumer| consumer.position(partition))
    }

    /// The partition after the one that the consumer read last.
    pub(super) fn next_partition(&self, consumer: &str) -> u32 {
        self.consumers.get(consumer).and_then(|consumer| consumer.last).map_or(0, |last| last + 1)
    }

    /// Whether an event says anything of consumers.
    pub(super) fn is_changed_by(event: &TopicEvent) -> bool {
        match event {
            TopicEvent::Polled { .. }
            | TopicEvent::NothingToPoll { .. }
            | TopicEvent::PositionReset { .. }
            | TopicEvent::OffsetCommitted { .. } => true,
            event => event.of_log() == Some(&Event::Reset),
        }
    }

    /// Folds one event in.
    pub fn apply(&mut self, event: &TopicEvent) {
        match event {
            TopicEvent::Polled { consumer, partition, next, .. } => {
                let consumer = self.consumers.entry(consumer.clone()).or_default();
                consumer.positions.insert(*partition, *next);
                consumer.last = Some(*partition);
            }
            TopicEvent::NothingToPoll { consumer } => {
                self.consumers.entry(consumer.clone()).or_default();
            }
            TopicEvent::PositionReset { consumer, partition, to, .. } => {
                self.consumers.entry(consumer.clone()).or_default().positions.insert(*partition, *to);
            }
            TopicEvent::OffsetCommitted { consumer, partition, offset } => {
                let consumer = self.consumers.entry(consumer.clone()).or_default();
                consumer.committed.insert(*partition, *offset);
            }
            TopicEvent::Log { event: Event::Reset, .. } => self.consumers.clear(),
            _ => {}
        }
    }
}
