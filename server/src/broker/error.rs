//! Why the broker refused or could not do something.

use std::fmt;

use logscope::topic::TopicName;

use super::data_dir::TopicPartition;

/// A refusal or a failure, in words for whoever sent the request: no paths, no internals.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// Topics have one partition for now.
    #[error("there is no partition {}: the topic {:?} has one, partition 0", .0.partition, .0.topic.as_str())]
    UnknownPartition(TopicPartition),
    /// A fetch beyond offset 0 of a topic that does not exist.
    #[error("offset {requested} is out of range: the topic {:?} does not exist yet, so only offset 0 can be fetched", .topic.as_str())]
    TopicNotBorn {
        /// The topic.
        topic: TopicName,
        /// The offset that was asked for.
        requested: u64,
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
    /// The broker is closed.
    #[error("the broker is shutting down")]
    Closed,
    /// A bug, or a runtime that is going away.
    #[error("the broker failed to do its work")]
    Internal(String),
}

impl BrokerError {
    pub(super) fn internal(error: impl fmt::Display) -> Self {
        Self::Internal(error.to_string())
    }
}
