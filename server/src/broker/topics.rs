//! Topics come, are described, and go.

use std::collections::BTreeMap;
use std::sync::Arc;

use logscope::topic::TopicName;

use super::catalog::Entry;
use super::data_dir::TopicPartition;
use super::error::BrokerError;
use super::report::count;
use super::start::open_partition;
use super::topic::{OFFSETS_TOPIC, PartitionInfo, Slot, Topic, TopicInfo};
use super::{Broker, CatalogState, Result, blocking};

/// Segments of the internal topic are small, because only closed ones are compacted, and a start reads all of them.
const OFFSETS_TOPIC_CONFIGS: [(&str, &str); 2] =
    [("cleanup.policy", "compact"), ("segment.bytes", "4194304")];

impl Broker {
    /// All topics, by name.
    pub fn topics(&self) -> Vec<TopicInfo> {
        self.topics_read().values().map(|topic| topic.info.clone()).collect()
    }

    /// A topic.
    ///
    /// # Errors
    /// [`BrokerError::UnknownTopic`].
    pub fn describe_topic(&self, name: &TopicName) -> Result<TopicInfo> {
        Ok(self.known_topic(name)?.info.clone())
    }

    /// The partitions of a topic, by number.
    ///
    /// # Errors
    /// [`BrokerError::UnknownTopic`].
    pub fn describe_partitions(&self, name: &TopicName) -> Result<Vec<PartitionInfo>> {
        let topic = self.known_topic(name)?;
        let describe = |(partition, slot): (u32, &Slot)| {
            let (offsets, segments) = match slot {
                Slot::Online(partition) => (Some(partition.offsets()), partition.reader().segments()),
                Slot::Offline(_) => (None, Vec::new()),
            };
            PartitionInfo { partition, state: slot.state(), offsets, segments }
        };
        Ok((0..).zip(&topic.slots).map(describe).collect())
    }

    /// The largest record batch that a topic takes, or would take if it were created now.
    pub fn max_message_bytes(&self, name: &TopicName) -> u32 {
        let topic = self.topic(name);
        topic.map_or(self.inner.config.log.max_message_bytes, |topic| topic.info.log.max_message_bytes)
    }

    /// Creates a topic. Without a number of partitions it gets `num.partitions` of them; what `configs` do not say,
    /// by Kafka's keys, is as the broker has it. On return, the topic survives a crash.
    ///
    /// # Errors
    /// [`BrokerError::TopicExists`], [`BrokerError::InvalidConfig`], [`BrokerError::Limit`],
    /// [`BrokerError::InternalTopic`].
    pub async fn create_topic(
        &self,
        name: TopicName,
        partitions: Option<u32>,
        configs: BTreeMap<String, String>,
    ) -> Result<TopicInfo> {
        if name.as_str() == OFFSETS_TOPIC {
            return Err(BrokerError::InternalTopic(name));
        }
        let entry = Entry {
            partitions: partitions.unwrap_or(self.inner.config.num_partitions),
            configs,
            deleting: false,
        };
        let broker = self.clone();
        blocking(move || broker.create(name, entry)).await.map(|topic| topic.info.clone())
    }

    /// Deletes a topic with all its records, and what groups have committed for it. Waiting fetches end.
    ///
    /// # Errors
    /// [`BrokerError::UnknownTopic`], [`BrokerError::InternalTopic`]. If the storage fails half-way, the topic is gone
    /// all the same, and the next start removes the rest.
    pub async fn delete_topic(&self, name: &TopicName) -> Result<()> {
        let topic = self.known_topic(name)?;
        if topic.is_internal() {
            return Err(BrokerError::InternalTopic(name.clone()));
        }
        let (broker, name) = (self.clone(), name.clone());
        blocking(move || broker.delete(&name)).await?;
        self.forget_topic_offsets(&topic.info.name).await;
        Ok(())
    }

    /// The topic, which is created if it is not there and topics are created automatically.
    pub(super) async fn topic_or_new(&self, name: &TopicName) -> Result<Arc<Topic>> {
        if let Some(topic) = self.topic(name) {
            return Ok(topic);
        }
        if name.as_str() == OFFSETS_TOPIC {
            return Err(BrokerError::InternalTopic(name.clone()));
        }
        if !self.inner.config.auto_create_topics {
            return Err(BrokerError::UnknownTopic(name.clone()));
        }
        let entry = Entry { partitions: self.inner.config.num_partitions, ..Entry::default() };
        self.find_or_create(name.clone(), entry).await
    }

    /// The topic of committed offsets, which the first commit creates.
    pub(super) async fn offsets_topic(&self) -> Result<Arc<Topic>> {
        let name = TopicName::new(OFFSETS_TOPIC).map_err(BrokerError::internal)?;
        if let Some(topic) = self.topic(&name) {
            return Ok(topic);
        }
        let configs = OFFSETS_TOPIC_CONFIGS.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let entry = Entry { partitions: 1, configs: configs.into(), deleting: false };
        self.find_or_create(name, entry).await
    }

    /// Creates a topic, unless somebody else is faster.
    async fn find_or_create(&self, name: TopicName, entry: Entry) -> Result<Arc<Topic>> {
        let broker = self.clone();
        blocking(move || match broker.create(name, entry) {
            Err(BrokerError::TopicExists(name)) => broker.known_topic(&name),
            created => created,
        })
        .await
    }

    /// Blocks. See the [catalog](super::catalog) for why the steps come in this order.
    fn create(&self, name: TopicName, entry: Entry) -> Result<Arc<Topic>> {
        let mut state = self.catalog();
        let info = self.check_new_topic(&state, name, &entry)?;
        let names: Vec<_> = (0..info.partitions)
            .map(|partition| TopicPartition { topic: info.name.clone(), partition })
            .collect();
        let data_dir = &self.inner.data_dir;
        let made = (|| {
            names.iter().try_for_each(|name| data_dir.create_partition(name))?;
            data_dir.sync()?;
            state.catalog.topics.insert(info.name.to_string(), entry);
            data_dir.write_catalog(&state.catalog)
        })();
        let opened = made.map_err(|error| BrokerError::Log(error.into())).and_then(|()| {
            names.iter().map(|name| self.open_new_partition(name, &info)).collect::<Result<Vec<_>>>()
        });
        match opened {
            Ok(slots) => {
                let topic = Arc::new(Topic::new(info.clone(), slots));
                self.topics_write().insert(info.name.clone(), Arc::clone(&topic));
                drop(state);
                self.inner.created.send_replace(());
                tracing::info!(topic = %info.name, "created with {}", count(info.partitions, "partition"));
                Ok(topic)
            }
            Err(error) => {
                self.undo_creation(&mut state, &names);
                Err(error)
            }
        }
    }

    fn check_new_topic(&self, state: &CatalogState, name: TopicName, entry: &Entry) -> Result<TopicInfo> {
        if state.closed {
            return Err(BrokerError::Closed);
        }
        let log = self.inner.config.log_with(&entry.configs)?;
        if state.catalog.topics.contains_key(name.as_str()) {
            return Err(BrokerError::TopicExists(name));
        }
        let topics = state.catalog.topics.len() as u64 + 1;
        within("the number of topics", topics, self.inner.config.limits.topics)?;
        self.check_room_for(state, entry.partitions)?;
        Ok(TopicInfo { name, partitions: entry.partitions, configs: entry.configs.clone(), log })
    }

    /// Refuses more partitions than there may be.
    pub(super) fn check_room_for(&self, state: &CatalogState, more: u32) -> Result<()> {
        let partitions: u64 = state.catalog.topics.values().map(|entry| u64::from(entry.partitions)).sum();
        let wanted = partitions + u64::from(more);
        within("the number of partitions of all topics", wanted, self.inner.config.limits.partitions)
    }

    fn open_new_partition(&self, name: &TopicPartition, info: &TopicInfo) -> Result<Slot> {
        let Broker { inner } = self;
        let opened = open_partition(&inner.data_dir, name, &info.log, &inner.config, &inner.metrics);
        let (partition, _) =
            opened.map_err(|reason| BrokerError::Offline { partition: name.clone(), reason })?;
        Ok(Slot::Online(partition))
    }

    /// Takes back what there is of a topic that could not be created. What cannot be removed now, the next start
    /// removes.
    fn undo_creation(&self, state: &mut CatalogState, names: &[TopicPartition]) {
        let data_dir = &self.inner.data_dir;
        let Some(topic) = names.first().map(|name| name.topic.as_str()) else { return };
        if let Some(entry) = state.catalog.topics.get_mut(topic) {
            entry.deleting = true;
        }
        let undone = data_dir.write_catalog(&state.catalog).and_then(|()| {
            names.iter().try_for_each(|name| data_dir.remove_partition(name))?;
            state.catalog.topics.remove(topic);
            data_dir.write_catalog(&state.catalog)
        });
        state.catalog.topics.remove(topic);
        if let Err(error) = undone {
            tracing::warn!(topic, "what is left of a failed creation could not be removed: {error}");
        }
    }

    /// Blocks.
    fn delete(&self, name: &TopicName) -> Result<()> {
        let mut state = self.catalog();
        if state.closed {
            return Err(BrokerError::Closed);
        }
        let topic = self.known_topic(name)?;
        let storage_failed = |error: std::io::Error| BrokerError::Log(error.into());
        let data_dir = &self.inner.data_dir;
        if let Some(entry) = state.catalog.topics.get_mut(name.as_str()) {
            entry.deleting = true;
        }
        let write = || data_dir.write_catalog(&state.catalog).map_err(storage_failed);
        if let Err(error) = self.inner.reserve.make_room(write) {
            // Nothing has happened: the topic stays.
            if let Some(entry) = state.catalog.topics.get_mut(name.as_str()) {
                entry.deleting = false;
            }
            return Err(error);
        }
        self.topics_write().remove(name);
        topic.online().try_for_each(|partition| partition.abandon())?;
        self.inner.metrics.forget_topic(name.as_str());
        for partition in 0..topic.info.partitions {
            let partition = TopicPartition { topic: name.clone(), partition };
            data_dir.remove_partition(&partition).map_err(storage_failed)?;
        }
        state.catalog.topics.remove(name.as_str());
        data_dir.write_catalog(&state.catalog).map_err(storage_failed)?;
        self.inner.reserve.refill();
        tracing::info!(topic = %name, "deleted");
        Ok(())
    }
}

fn within(what: &'static str, wanted: u64, limit: usize) -> Result<()> {
    match limit as u64 {
        limit if wanted > limit => Err(BrokerError::Limit { what, wanted, limit }),
        _ => Ok(()),
    }
}
