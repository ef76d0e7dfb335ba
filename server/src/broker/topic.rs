//! One topic: its partitions, its configs, and which partition a record goes to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use logscope::topic::{TopicName, partition_for_key};
use logscope::{LogConfig, SegmentInfo};

use super::Result;
use super::data_dir::TopicPartition;
use super::error::BrokerError;
use super::partition::{Offsets, Partition, Trouble};

/// The topic in which the committed offsets of groups are kept.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// How many bytes of records without a key go to one partition before the next gets its turn: Kafka's `batch.size`,
/// by which its clients' sticky partitioner switches (KIP-794).
const STICKY_BYTES: u64 = 16_384;

/// A topic, as seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicInfo {
    /// Its name.
    pub name: TopicName,
    /// How many partitions it has.
    pub partitions: u32,
    /// What it says itself, by Kafka's keys.
    pub configs: BTreeMap<String, String>,
    /// All that its logs go by.
    pub log: LogConfig,
}

impl TopicInfo {
    /// Whether the broker keeps it for itself: it can be read, and nothing else.
    pub fn is_internal(&self) -> bool {
        self.name.as_str() == OFFSETS_TOPIC
    }
}

/// A partition, as seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionInfo {
    /// Its number.
    pub partition: u32,
    /// Whether it takes records.
    pub state: PartitionState,
    /// How far its log goes; nobody knows of one that is offline.
    pub offsets: Option<Offsets>,
    /// Its segments, oldest first.
    pub segments: Vec<SegmentInfo>,
}

/// Whether a partition takes records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartitionState {
    /// It does.
    Online,
    /// It can be read; it takes no records, for this reason.
    ReadOnly(&'static str),
    /// Its log could not be opened, for this reason.
    Offline(String),
}

/// A partition that was found or created.
#[derive(Debug, Clone)]
pub(super) enum Slot {
    Online(Arc<Partition>),
    /// Its log could not be opened, for this reason.
    Offline(String),
}

impl Slot {
    pub(super) fn state(&self) -> PartitionState {
        match self {
            Self::Offline(reason) => PartitionState::Offline(reason.clone()),
            Self::Online(partition) => match partition.trouble() {
                None => PartitionState::Online,
                Some(Trouble::SyncFailed) => PartitionState::ReadOnly("a sync failed"),
                Some(Trouble::DiskFull { .. }) => PartitionState::ReadOnly("the disk is full"),
            },
        }
    }
}

#[derive(Debug)]
pub(super) struct Topic {
    pub(super) info: TopicInfo,
    pub(super) slots: Vec<Slot>,
    /// Bytes of records without a key so far.
    keyless_bytes: AtomicU64,
}

impl Topic {
    pub(super) fn new(info: TopicInfo, slots: Vec<Slot>) -> Self {
        Self { info, slots, keyless_bytes: AtomicU64::new(0) }
    }

    /// The topic after an alteration. Records without a key go on where they went.
    pub(super) fn altered(&self, info: TopicInfo, slots: Vec<Slot>) -> Self {
        let keyless_bytes = AtomicU64::new(self.keyless_bytes.load(Ordering::Relaxed));
        Self { info, slots, keyless_bytes }
    }

    /// A partition by its number.
    pub(super) fn partition(&self, number: u32) -> Result<&Arc<Partition>> {
        match self.slots.get(number as usize) {
            Some(Slot::Online(partition)) => Ok(partition),
            Some(Slot::Offline(reason)) => {
                Err(BrokerError::Offline { partition: self.name_of(number), reason: reason.clone() })
            }
            None => Err(BrokerError::UnknownPartition {
                partition: self.name_of(number),
                partitions: self.info.partitions,
            }),
        }
    }

    fn name_of(&self, partition: u32) -> TopicPartition {
        TopicPartition { topic: self.info.name.clone(), partition }
    }

    /// The partitions that are online.
    pub(super) fn online(&self) -> impl Iterator<Item = &Arc<Partition>> {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Online(partition) => Some(partition),
            Slot::Offline(_) => None,
        })
    }

    /// Where Kafka's clients would send a record with this key.
    pub(super) fn partition_for_key(&self, key: &[u8]) -> u32 {
        partition_for_key(key, self.info.partitions)
    }

    /// Where records without a key go now; so many bytes of them are on their way.
    pub(super) fn sticky_partition(&self, bytes: u64) -> u32 {
        let before = self.keyless_bytes.fetch_add(bytes, Ordering::Relaxed);
        ((before / STICKY_BYTES) % u64::from(self.info.partitions.max(1))) as u32
    }

    pub(super) fn is_internal(&self) -> bool {
        self.info.is_internal()
    }
}
