//! Altering a topic that is in use: its configs, and how many partitions it has.
//!
//! Invariants:
//! - What the catalog says comes first, durably: after a crash, the topic is as it was or as it was to be.
//! - Partitions stay where they are and keep what is in them; their number only grows. Kafka's `CreatePartitions`
//!   has the same consequence: from then on, a key may belong to another partition than before.

use std::collections::BTreeMap;
use std::sync::Arc;

use logscope::topic::TopicName;
use logscope::{ConfigError, LogConfig};

use super::catalog::Entry;
use super::data_dir::TopicPartition;
use super::error::BrokerError;
use super::report::count;
use super::start::open_partition;
use super::topic::{Slot, Topic, TopicInfo};
use super::{Broker, CatalogState, Result, blocking};

impl Broker {
    /// Alters a topic. `partitions` is how many it is to have, if that changes; each of `configs` gets a value, or
    /// with `None` goes back to what the broker has. The others stay as they are: Kafka's `IncrementalAlterConfigs`.
    /// On return, the change survives a crash. Logs go by new configs from the next append, retention or compaction on.
    ///
    /// # Errors
    /// [`BrokerError::UnknownTopic`], [`BrokerError::InternalTopic`], [`BrokerError::InvalidConfig`],
    /// [`BrokerError::FewerPartitions`], [`BrokerError::Limit`]; then nothing is altered.
    pub async fn alter_topic(
        &self,
        name: &TopicName,
        partitions: Option<u32>,
        configs: BTreeMap<String, Option<String>>,
    ) -> Result<TopicInfo> {
        let (broker, name) = (self.clone(), name.clone());
        blocking(move || broker.alter(&name, partitions, configs)).await
    }

    /// Blocks.
    fn alter(
        &self,
        name: &TopicName,
        partitions: Option<u32>,
        configs: BTreeMap<String, Option<String>>,
    ) -> Result<TopicInfo> {
        let mut state = self.catalog();
        let (topic, entry) = self.check_alteration(&state, name, partitions, configs)?;
        let log = self.inner.config.log_with(&entry.configs)?;
        let info = TopicInfo {
            partitions: entry.partitions,
            configs: entry.configs.clone(),
            log,
            ..topic.info.clone()
        };
        self.write_alteration(&mut state, &topic.info, entry)?;

        for partition in topic.online() {
            // One that refuses is closed or has failed for good: it takes no records, by whatever configs.
            if let Err(error) = partition.set_config(&info.log) {
                tracing::warn!(partition = %partition.name(), "goes on by its old configs: {error}");
            }
        }
        let added =
            (topic.info.partitions..info.partitions).map(|partition| self.added_slot(&info, partition));
        let slots = topic.slots.iter().cloned().chain(added).collect();
        self.topics_write().insert(info.name.clone(), Arc::new(topic.altered(info.clone(), slots)));
        drop(state);
        let partitions = count(info.partitions, "partition");
        tracing::info!(topic = %info.name, "altered: {partitions}, configs {:?}", info.configs);
        Ok(info)
    }

    /// The topic as it is, and its entry as it is to be.
    fn check_alteration(
        &self,
        state: &CatalogState,
        name: &TopicName,
        partitions: Option<u32>,
        configs: BTreeMap<String, Option<String>>,
    ) -> Result<(Arc<Topic>, Entry)> {
        if state.closed {
            return Err(BrokerError::Closed);
        }
        let topic = self.known_topic(name)?;
        if topic.is_internal() {
            return Err(BrokerError::InternalTopic(name.clone()));
        }
        let has = topic.info.partitions;
        let wanted = partitions.unwrap_or(has);
        let Some(more) = wanted.checked_sub(has) else {
            return Err(BrokerError::FewerPartitions { topic: name.clone(), wanted, has });
        };
        self.check_room_for(state, more)?;
        let mut entry = Entry { partitions: wanted, configs: topic.info.configs.clone(), deleting: false };
        for (key, value) in configs {
            match value {
                Some(value) => drop(entry.configs.insert(key, value)),
                None if LogConfig::KEYS.iter().any(|known| known.name == key) => {
                    drop(entry.configs.remove(&key))
                }
                None => return Err(ConfigError::UnknownKey { key }.into()),
            }
        }
        Ok((topic, entry))
    }

    /// Makes the new partitions' directories, and then lets the catalog know of the change, or takes all of it back.
    fn write_alteration(&self, state: &mut CatalogState, before: &TopicInfo, entry: Entry) -> Result<()> {
        let data_dir = &self.inner.data_dir;
        let partition = |partition| TopicPartition { topic: before.name.clone(), partition };
        let added = before.partitions..entry.partitions;
        let mut altered = state.catalog.clone();
        altered.topics.insert(before.name.to_string(), entry);
        let written = (|| {
            added.clone().try_for_each(|number| data_dir.create_partition(&partition(number)))?;
            data_dir.sync()?;
            data_dir.write_catalog(&altered)
        })();
        if let Err(error) = written {
            // Nobody knows which catalog is there. The directories go only if it is the old one; while they are empty,
            // the next start would remove them, too.
            if data_dir.write_catalog(&state.catalog).is_ok() {
                added.for_each(|number| drop(data_dir.remove_empty_partition(&partition(number))));
            }
            return Err(BrokerError::Log(error.into()));
        }
        state.catalog = altered;
        Ok(())
    }

    /// A partition that the catalog knows of by now: it is there, even if it cannot be opened.
    fn added_slot(&self, info: &TopicInfo, partition: u32) -> Slot {
        let name = TopicPartition { topic: info.name.clone(), partition };
        let inner = &self.inner;
        match open_partition(&inner.data_dir, &name, &info.log, &inner.config, &inner.metrics) {
            Ok((partition, _)) => Slot::Online(partition),
            Err(reason) => {
                tracing::error!(partition = %name, "the partition is offline: {reason}");
                Slot::Offline(reason)
            }
        }
    }
}
