//! What a broker goes by.

use std::collections::BTreeMap;
use std::time::Duration;

use logscope::{ConfigError, LogConfig};

/// What a broker goes by. Names mirror Kafka's broker configs where Kafka has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerConfig {
    /// What the logs of a topic go by that does not say otherwise.
    pub log: LogConfig,
    /// `flush.ms`: a record whose producer does not wait for a sync is synced within this time.
    pub flush_ms: Duration,
    /// `num.partitions`: how many partitions a topic gets that is created without saying so.
    pub num_partitions: u32,
    /// `auto.create.topics.enable`: whether producing to a topic creates it.
    pub auto_create_topics: bool,
    /// `log.retention.check.interval.ms`: how often retention is applied.
    pub retention_check_interval: Duration,
    /// `log.cleaner.backoff.ms`: how long the cleaner rests before it looks for something to compact again.
    pub cleaner_backoff: Duration,
    /// How much there may be of what costs memory or files.
    pub limits: Limits,
}

/// How much there may be of what costs memory or files. What goes beyond is refused, with the limit in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Topics, the internal one included.
    pub topics: usize,
    /// Partitions of all topics together. Each keeps a few files open.
    pub partitions: usize,
    /// Groups that have committed offsets.
    pub groups: usize,
    /// Partitions of one group that have a committed offset.
    pub offsets_per_group: usize,
    /// Fetches that wait at the same time.
    pub waiting_fetches: usize,
}

impl BrokerConfig {
    /// What the logs of a topic go by that says this much itself, by Kafka's keys.
    pub(super) fn log_with(&self, configs: &BTreeMap<String, String>) -> Result<LogConfig, ConfigError> {
        let mut log = self.log.clone();
        for (key, value) in configs {
            log.set(key, value)?;
        }
        Ok(log)
    }
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            log: LogConfig::default(),
            flush_ms: Duration::from_millis(10),
            num_partitions: 1,
            auto_create_topics: true,
            retention_check_interval: Duration::from_secs(300),
            cleaner_backoff: Duration::from_secs(15),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            topics: 1000,
            partitions: 4000,
            groups: 10_000,
            offsets_per_group: 4000,
            waiting_fetches: 10_000,
        }
    }
}
