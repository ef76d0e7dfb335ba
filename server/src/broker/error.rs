//! Why the broker refused or could not do something.

use std::fmt;

use logscope::ConfigError;
use logscope::config::CleanupPolicy;
use logscope::topic::TopicName;

use super::data_dir::TopicPartition;
use super::partition::is_full;

/// A refusal or a failure, in words for whoever sent the request: no paths, no internals.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// There is no such topic.
    #[error("the topic {:?} does not exist", .0.as_str())]
    UnknownTopic(TopicName),
    /// The topic has fewer partitions.
    #[error(
        "there is no partition {} in the topic {:?}: it has {partitions}, numbered from 0",
        .partition.partition, .partition.topic.as_str()
    )]
    UnknownPartition {
        /// What was asked for.
        partition: TopicPartition,
        /// How many the topic has.
        partitions: u32,
    },
    /// A topic of that name is there.
    #[error("the topic {:?} exists already", .0.as_str())]
    TopicExists(TopicName),
    /// Partitions cannot be taken from a topic.
    #[error("the topic {:?} has {has} partitions and cannot have {wanted}: their number only grows", .topic.as_str())]
    FewerPartitions {
        /// The topic.
        topic: TopicName,
        /// How many were asked for.
        wanted: u32,
        /// How many there are.
        has: u32,
    },
    /// A topic cannot have so many partitions, or there cannot be so many of something.
    #[error("{what} would be {wanted}, and the limit is {limit}")]
    Limit {
        /// What there would be too many of.
        what: &'static str,
        /// How many there would be.
        wanted: u64,
        /// How many there may be.
        limit: u64,
    },
    /// A config that a topic does not take.
    #[error(transparent)]
    InvalidConfig(#[from] ConfigError),
    /// A topic that the broker keeps for itself.
    #[error("the topic {:?} is the broker's own: it can be read, and nothing else", .0.as_str())]
    InternalTopic(TopicName),
    /// A group, or an offset for it, that cannot be.
    #[error("{0}")]
    InvalidGroup(String),
    /// A group that has committed nothing.
    #[error("the group {0:?} has no committed offsets")]
    UnknownGroup(String),
    /// There is no such segment.
    #[error("the partition {partition} has no segment {base_offset}")]
    UnknownSegment {
        /// The partition.
        partition: TopicPartition,
        /// The base offset that was asked for.
        base_offset: u64,
    },
    /// A fetch beyond offset 0 of a topic that does not exist.
    #[error("offset {requested} is out of range: the topic {:?} does not exist yet, so only offset 0 can be fetched", .topic.as_str())]
    TopicNotBorn {
        /// The topic.
        topic: TopicName,
        /// The offset that was asked for.
        requested: u64,
    },
    /// Compaction goes by keys, and a record of a batch has none.
    #[error("record {record} has no key, and `cleanup.policy` = {policy} needs one")]
    NoKey {
        /// Which of the records that were to be appended.
        record: usize,
        /// The topic's policy.
        policy: CleanupPolicy,
    },
    /// The engine refused or failed.
    #[error(transparent)]
    Log(#[from] logscope::Error),
    /// The partition's log could not be opened when the broker started.
    #[error("the partition {partition} is offline: {reason}")]
    Offline {
        /// The partition.
        partition: TopicPartition,
        /// Why.
        reason: String,
    },
    /// A sync failed, so that nobody knows what is on disk.
    #[error(
        "the partition {0} is read-only: a sync to disk failed, and records that were not acknowledged may be \
         lost; it takes records again after the broker is restarted"
    )]
    ReadOnly(TopicPartition),
    /// There is no room on the disk.
    #[error(
        "the partition {0} is read-only: the disk is full; it takes records again by itself once there is room"
    )]
    DiskFull(TopicPartition),
    /// More fetches wait than the broker allows.
    #[error("{0} fetches wait for records already, which is the limit: ask again, or without max_wait_ms")]
    TooManyWaiting(usize),
    /// The broker is closed.
    #[error("the broker is shutting down")]
    Closed,
    /// A bug, or a runtime that is going away.
    #[error("the broker failed to do its work")]
    Internal(String),
}

impl BrokerError {
    /// Whether there was no room on the disk.
    pub(super) fn is_disk_full(&self) -> bool {
        match self {
            Self::DiskFull(_) => true,
            Self::Log(logscope::Error::Io(error)) => is_full(error),
            _ => false,
        }
    }

    pub(super) fn internal(error: impl fmt::Display) -> Self {
        Self::Internal(error.to_string())
    }
}
