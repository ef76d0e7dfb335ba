//! What groups of consumers have committed: offsets to go on from, kept in the compacted topic `__consumer_offsets`.
//!
//! Invariants:
//! - What [`Broker::committed`] tells is durable.
//! - Of two commits for one partition, the one with the larger offset in the topic is the newer one, here and after
//!   a restart.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use logscope::NewRecord;
use logscope::topic::TopicName;

use super::config::Limits;
use super::data_dir::TopicPartition;
use super::error::BrokerError;
use super::metrics::Reading;
use super::offsets_topic::{self, Loaded};
use super::partition::Acks;
use super::{Broker, Result, now_ms};

/// The longest name of a group, in bytes. Kafka's limit is that of its format, 32767.
const MAX_GROUP_SIZE: usize = 255;
/// The longest metadata of a commit, in bytes: Kafka's `offset.metadata.max.bytes`.
const MAX_METADATA_SIZE: usize = 4096;

/// A partition, as one group sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GroupPartition {
    pub(super) group: String,
    pub(super) topic: TopicName,
    pub(super) partition: u32,
}

/// What a group wants to commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The partition.
    pub partition: TopicPartition,
    /// The offset to go on from: that of the last record that was dealt with, plus one.
    pub offset: u64,
    /// Whatever the consumer wants to remember.
    pub metadata: String,
}

/// What a group has committed for a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The offset to go on from.
    pub offset: u64,
    /// Whatever the consumer wanted to remember.
    pub metadata: String,
    /// When it was committed, in milliseconds since the Unix epoch.
    pub timestamp: i64,
}

#[derive(Debug)]
pub(super) struct Groups {
    limits: Limits,
    committed: Mutex<Loaded>,
}

impl Groups {
    pub(super) fn new(limits: Limits, loaded: Loaded) -> Self {
        Self { limits, committed: Mutex::new(loaded) }
    }

    fn committed(&self) -> MutexGuard<'_, Loaded> {
        // Nothing panics while the lock is held, so the map is whole even if a holder's thread died.
        self.committed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks that so many groups and partitions may have committed offsets.
    fn check_room(&self, group: &str, new: &[Commit]) -> Result<()> {
        let committed = self.committed();
        let of_group: Vec<_> = committed.keys().filter(|key| key.group == group).collect();
        let is_new = |commit: &&Commit| {
            !of_group
                .iter()
                .any(|key| key.topic == commit.partition.topic && key.partition == commit.partition.partition)
        };
        let wanted = of_group.len() + new.iter().filter(is_new).count();
        let within = |what, wanted: usize, limit: usize| match wanted <= limit {
            true => Ok(()),
            false => Err(BrokerError::Limit { what, wanted: wanted as u64, limit: limit as u64 }),
        };
        within(
            "the number of partitions with a committed offset in one group",
            wanted,
            self.limits.offsets_per_group,
        )?;
        if of_group.is_empty() {
            within("the number of groups", group_names(&committed).len() + 1, self.limits.groups)?;
        }
        Ok(())
    }
}

fn group_names(committed: &Loaded) -> Vec<String> {
    let mut names: Vec<String> = committed.keys().map(|key| key.group.clone()).collect();
    // The map is in the order of the groups.
    names.dedup();
    names
}

impl Broker {
    /// Commits offsets of a group: all of them or, if the storage fails, none. On return they survive a crash.
    ///
    /// # Errors
    /// [`BrokerError::InvalidGroup`]; [`BrokerError::Limit`]; or if one of the partitions does not exist.
    pub async fn commit(&self, group: &str, commits: &[Commit]) -> Result<()> {
        check_group(group)?;
        for Commit { partition, metadata, .. } in commits {
            let topic = self.known_topic(&partition.topic)?;
            if partition.partition >= topic.info.partitions {
                let partitions = topic.info.partitions;
                return Err(BrokerError::UnknownPartition { partition: partition.clone(), partitions });
            }
            if metadata.len() > MAX_METADATA_SIZE {
                let size = metadata.len();
                return Err(BrokerError::InvalidGroup(format!(
                    "the metadata of {partition} has {size} bytes, and at most {MAX_METADATA_SIZE} are allowed"
                )));
            }
        }
        self.inner.groups.check_room(group, commits)?;
        let timestamp = now_ms();
        let changes = commits.iter().map(|Commit { partition, offset, metadata }| {
            let TopicPartition { topic, partition } = partition.clone();
            let of = GroupPartition { group: group.to_owned(), topic, partition };
            (of, Some(Committed { offset: *offset, metadata: metadata.clone(), timestamp }))
        });
        self.change_offsets(changes.collect()).await
    }

    /// What a group has committed, by partition. A group that has committed nothing is as good as any.
    ///
    /// # Errors
    /// [`BrokerError::InvalidGroup`].
    pub fn committed(&self, group: &str) -> Result<BTreeMap<TopicPartition, Committed>> {
        check_group(group)?;
        let committed = self.inner.groups.committed();
        let of_group = committed.iter().filter(|(key, _)| key.group == group);
        let entry = |(key, (_, committed)): (&GroupPartition, &(u64, Committed))| {
            let of = TopicPartition { topic: key.topic.clone(), partition: key.partition };
            (of, committed.clone())
        };
        Ok(of_group.map(entry).collect())
    }

    /// How many records a group that goes on from `offset` has still to read. `None` if nobody knows now.
    pub fn lag(&self, of: &TopicPartition, offset: u64) -> Option<u64> {
        let offsets = self.offsets(of).ok()?;
        Some(offsets.high_watermark.saturating_sub(offset.max(offsets.log_start_offset)))
    }

    /// The groups that have committed offsets, by name.
    pub fn groups(&self) -> Vec<String> {
        group_names(&self.inner.groups.committed())
    }

    /// Forgets all that a group has committed.
    ///
    /// # Errors
    /// [`BrokerError::UnknownGroup`].
    pub async fn delete_group(&self, group: &str) -> Result<()> {
        check_group(group)?;
        let forgotten = self.forget_offsets(|key| key.group == group).await?;
        if forgotten == 0 { Err(BrokerError::UnknownGroup(group.to_owned())) } else { Ok(()) }
    }

    /// Forgets what groups have committed for a topic that is gone.
    pub(super) async fn forget_topic_offsets(&self, topic: &TopicName) {
        if let Err(error) = self.forget_offsets(|key| key.topic == *topic).await {
            tracing::warn!(%topic, "committed offsets of a deleted topic stay: {error}");
        }
    }

    async fn forget_offsets(&self, which: impl Fn(&GroupPartition) -> bool) -> Result<usize> {
        let keys: Vec<_> = self.inner.groups.committed().keys().filter(|key| which(key)).cloned().collect();
        let forgotten = keys.len();
        self.change_offsets(keys.into_iter().map(|key| (key, None)).collect()).await?;
        Ok(forgotten)
    }

    /// Writes to the topic, waits until that is durable, and takes it in then. `None` is a tombstone.
    async fn change_offsets(&self, changes: Vec<(GroupPartition, Option<Committed>)>) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let bytes: Vec<(Vec<u8>, Option<Vec<u8>>)> = changes
            .iter()
            .map(|(of, change)| (offsets_topic::key(of), change.as_ref().map(offsets_topic::value)))
            .collect();
        let records: Vec<NewRecord<'_>> = bytes
            .iter()
            .map(|(key, value)| NewRecord {
                timestamp: None,
                key: Some(key),
                value: value.as_deref(),
                headers: &[],
            })
            .collect();
        let topic = self.offsets_topic().await?;
        let base = topic.partition(0)?.append(&records, now_ms(), Acks::All).await?;
        let mut committed = self.inner.groups.committed();
        for (at, (of, change)) in (base..).zip(changes) {
            if committed.get(&of).is_some_and(|(newer, _)| *newer > at) {
                continue;
            }
            match change {
                Some(change) => committed.insert(of, (at, change)),
                None => committed.remove(&of),
            };
        }
        Ok(())
    }

    pub(super) fn lag_reading(&self) -> Reading {
        let committed: Vec<(GroupPartition, u64)> = {
            let committed = self.inner.groups.committed();
            committed.iter().map(|(key, (_, value))| (key.clone(), value.offset)).collect()
        };
        let value = |(key, offset): (GroupPartition, u64)| {
            let GroupPartition { group, topic, partition } = key;
            let of = TopicPartition { topic, partition };
            let lag = i64::try_from(self.lag(&of, offset)?).unwrap_or(i64::MAX);
            let labels =
                [("group", group), ("topic", of.topic.to_string()), ("partition", of.partition.to_string())];
            Some((labels.into(), lag))
        };
        let values = committed.into_iter().filter_map(value).collect();
        Reading { name: "group_lag", help: "Records that a group has still to read", values }
    }
}

/// A group's name, or what is wrong with it.
fn check_group(group: &str) -> Result<()> {
    let fault = if group.is_empty() {
        "a group's name is empty".to_owned()
    } else if group.len() > MAX_GROUP_SIZE {
        format!("a group's name has {} bytes, and at most {MAX_GROUP_SIZE} are allowed", group.len())
    } else if let Some(control) = group.chars().find(|c| c.is_control()) {
        format!("a group's name contains the control character {control:?}")
    } else {
        return Ok(());
    };
    Err(BrokerError::InvalidGroup(fault))
}
