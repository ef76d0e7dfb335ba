//! One topic: its partitions, its configs, and which partition a record goes to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use logscope::LogConfig;
use logscope::topic::{TopicName, partition_for_key};

use super::Result;
use super::data_dir::TopicPartition;
use super::error::BrokerError;
use super::partition::Partition;

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

/// A partition that was found or created.
#[derive(Debug, Clone)]
pub(super) enum Slot {
    Online(Arc<Partition>),
    /// Its log could not be opened, for this reason.
    Offline(String),
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
        self.info.name.as_str() == OFFSETS_TOPIC
    }
}
