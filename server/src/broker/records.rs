//! Producing and fetching, by topic.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use logscope::log::{BatchInfo, TimestampOffset};
use logscope::topic::TopicName;
use logscope::{Fetched, NewRecord, SegmentInfo, StoppedBy};

use super::data_dir::TopicPartition;
use super::error::BrokerError;
use super::events::EventId;
use super::partition::{Acks, FetchAnswer, FetchRequest, Offsets, Partition, Watched};
use super::topic::Topic;
use super::waiting::Patience;
use super::{Broker, Result, blocking, now_ms};

/// The longest that a fetch waits, whatever it asks for.
pub const MAX_WAIT: Duration = Duration::from_secs(30);

/// The most bytes of batches in one answer, whatever a fetch asks for. Kafka's broker config `fetch.max.bytes`
/// and its default.
pub const FETCH_MAX_BYTES: u64 = 50 << 20;

/// A record on its way into a topic.
#[derive(Debug, Clone, Copy)]
pub struct RoutedRecord<'a> {
    /// The partition that it must go to. Without one, its key decides, as with Kafka's clients; without a key, the
    /// records stick to one partition for a while.
    pub partition: Option<u32>,
    /// The record.
    pub record: NewRecord<'a>,
}

/// What became of the records that went to one partition: they are one batch, so it is the same for all.
#[derive(Debug)]
pub struct Appended {
    /// The partition.
    pub partition: u32,
    /// Which of the records these are, rising.
    pub records: Vec<usize>,
    /// The offset of the first; the others follow one by one.
    pub base_offset: Result<u64>,
}

/// One of a segment's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentFileKind {
    /// The record batches.
    Log,
    /// The offset index.
    Index,
    /// The time index.
    TimeIndex,
}

/// A segment's file, to be read from its beginning.
#[derive(Debug)]
pub struct SegmentFile {
    /// The file.
    pub file: File,
    /// How many of its bytes are whole.
    pub size: u64,
    /// Its name on disk.
    pub name: String,
}

impl Broker {
    /// Appends a record, creates its topic if there is none and that is allowed, and returns the record's partition and
    /// offset once it is as safe as `acks` asks for.
    ///
    /// # Errors
    /// See [`BrokerError`]. After [`BrokerError::ReadOnly`] the record may be in the log or not, as after any
    /// failed sync; after all others it is not.
    pub async fn produce(
        &self,
        topic: &TopicName,
        routed: RoutedRecord<'_>,
        acks: Acks,
    ) -> Result<(u32, u64)> {
        let topic = self.producible_topic(topic).await?;
        let number = route(&topic, &routed, || topic.sticky_partition(size(&routed.record)));
        let partition = topic.partition(number)?;
        let appended = partition.append(std::slice::from_ref(&routed.record), now_ms(), acks).await;
        Ok((number, self.unless_deleted(&topic, appended)?))
    }

    /// Appends records, one batch a partition, and returns what became of each batch once it is as safe as `acks` asks
    /// for. A batch that is refused takes no other with it.
    ///
    /// # Errors
    /// If the topic is not there or takes no records; then nothing was appended.
    pub async fn produce_all(
        &self,
        topic: &TopicName,
        records: &[RoutedRecord<'_>],
        acks: Acks,
    ) -> Result<Vec<Appended>> {
        let topic = self.producible_topic(topic).await?;
        let mut routed: BTreeMap<u32, (Vec<usize>, Vec<NewRecord<'_>>)> = BTreeMap::new();
        let sticky = sticky(&topic, records);
        for (at, record) in records.iter().enumerate() {
            let number = route(&topic, record, || sticky);
            let (numbers, batch) = routed.entry(number).or_default();
            numbers.push(at);
            batch.push(record.record);
        }
        let now_ms = now_ms();
        let mut outcomes = Vec::with_capacity(routed.len());
        // All are appended before any is waited for, so that their syncs run at the same time.
        for (number, (records, batch)) in routed {
            let appended = topic.partition(number).and_then(|partition| {
                check_keys(&topic, &records, &batch)?;
                partition.append_now(&batch, now_ms, acks)
            });
            outcomes.push((number, records, appended));
        }
        let mut settled = Vec::with_capacity(outcomes.len());
        for (partition, records, appended) in outcomes {
            let base_offset = match appended {
                Ok(appended) if acks == Acks::All => {
                    let durable = topic.partition(partition)?.durable(appended.last_offset + 1).await;
                    durable.map(|()| appended.base_offset)
                }
                appended => appended.map(|appended| appended.base_offset),
            };
            let base_offset = self.unless_deleted(&topic, base_offset);
            settled.push(Appended { partition, records, base_offset });
        }
        Ok(settled)
    }

    async fn producible_topic(&self, name: &TopicName) -> Result<Arc<Topic>> {
        let topic = self.topic_or_new(name).await?;
        if topic.is_internal() { Err(BrokerError::InternalTopic(name.clone())) } else { Ok(topic) }
    }

    /// A partition that is closed while the broker is not was deleted.
    fn unless_deleted<T>(&self, topic: &Topic, result: Result<T>) -> Result<T> {
        match result {
            Err(BrokerError::Closed) if !self.is_closing() => {
                Err(BrokerError::UnknownTopic(topic.info.name.clone()))
            }
            result => result,
        }
    }

    /// Fetches whole batches from an offset on; waits for records if there are too few and the request says so.
    ///
    /// A topic that is not there yet is empty, if topics are created automatically: its offset 0 can be fetched, and
    /// waited at.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn fetch(&self, from: &TopicPartition, request: &FetchRequest) -> Result<FetchAnswer> {
        let request = FetchRequest { max_bytes: request.max_bytes.min(FETCH_MAX_BYTES), ..*request };
        if let Some(topic) = self.topic(&from.topic) {
            return self.fetch_from(&topic, from.partition, &request, self.patience(&request)).await;
        }
        let mut patience = self.patience(&request);
        let mut created = self.inner.created.subscribe();
        loop {
            created.mark_unchanged();
            if let Some(topic) = self.topic(&from.topic) {
                return self.fetch_from(&topic, from.partition, &request, patience).await;
            }
            if !self.inner.config.auto_create_topics {
                return Err(BrokerError::UnknownTopic(from.topic.clone()));
            }
            if request.offset > 0 {
                return Err(BrokerError::TopicNotBorn {
                    topic: from.topic.clone(),
                    requested: request.offset,
                });
            }
            let waits = request.min_bytes > 0 && !request.max_wait.is_zero();
            if !waits || !patience.wait_for(created.changed()).await? {
                return Ok(FetchAnswer { fetched: nothing(), log_start_offset: 0, high_watermark: 0 });
            }
        }
    }

    async fn fetch_from(
        &self,
        topic: &Topic,
        partition: u32,
        request: &FetchRequest,
        patience: Patience<'_>,
    ) -> Result<FetchAnswer> {
        let partition = topic.partition(partition)?;
        let answer = partition.fetch(request, patience, &self.inner.rooms).await;
        if partition.is_closed() && !self.is_closing() {
            return Err(BrokerError::UnknownTopic(topic.info.name.clone()));
        }
        answer
    }

    fn patience(&self, request: &FetchRequest) -> Patience<'_> {
        Patience::new(request.max_wait.min(MAX_WAIT), &self.inner.closing, &self.inner.waiting)
    }

    /// How far a partition goes.
    ///
    /// # Errors
    /// If it is not there, or offline.
    pub fn offsets(&self, of: &TopicPartition) -> Result<Offsets> {
        Ok(self.partition(of)?.offsets())
    }

    /// The first record whose timestamp is at or after this one, in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// If the partition is not there, or offline, or damaged.
    pub async fn offset_for_timestamp(
        &self,
        of: &TopicPartition,
        timestamp: i64,
    ) -> Result<Option<TimestampOffset>> {
        let reader = self.partition(of)?.reader().clone();
        blocking(move || Ok(reader.offset_for_timestamp(timestamp)?)).await
    }

    /// A partition's segments, oldest first.
    ///
    /// # Errors
    /// If it is not there, or offline.
    pub fn segments(&self, of: &TopicPartition) -> Result<Vec<SegmentInfo>> {
        Ok(self.partition(of)?.reader().segments())
    }

    /// A segment's file as it is on disk, open for reading.
    ///
    /// # Errors
    /// [`BrokerError::UnknownSegment`]; or if the partition is not there, or offline.
    pub async fn segment_file(
        &self,
        of: &TopicPartition,
        base_offset: u64,
        kind: SegmentFileKind,
    ) -> Result<SegmentFile> {
        let (broker, of) = (self.clone(), of.clone());
        blocking(move || {
            let segments = broker.segments(&of)?;
            let segment = segments.iter().find(|segment| segment.base_offset == base_offset);
            let unknown = || BrokerError::UnknownSegment { partition: of.clone(), base_offset };
            let segment = segment.ok_or_else(unknown)?;
            let (name, file) = match broker.inner.data_dir.segment_file(&of, base_offset, kind) {
                // Retention or compaction came in between.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(unknown()),
                opened => opened.map_err(logscope::Error::from)?,
            };
            // A batch that is being appended right now is not whole yet.
            let size = match kind {
                SegmentFileKind::Log => segment.size,
                _ => file.metadata().map_err(logscope::Error::from)?.len(),
            };
            Ok(SegmentFile { file, size, name })
        })
        .await
    }

    /// The batches of a segment from an offset on, at most so many; see
    /// [`LogReader::batches`](logscope::LogReader::batches).
    ///
    /// # Errors
    /// [`BrokerError::UnknownSegment`]; or if the partition is not there, or offline, or damaged.
    pub async fn batches(
        &self,
        of: &TopicPartition,
        base_offset: u64,
        offset: u64,
        limit: usize,
    ) -> Result<Vec<BatchInfo>> {
        let reader = self.partition(of)?.reader().clone();
        let unknown = BrokerError::UnknownSegment { partition: of.clone(), base_offset };
        blocking(move || reader.batches(base_offset, offset, limit)?.ok_or(unknown)).await
    }

    /// What a partition looks like now, and all that its log does from now on; or, if that is still known, from after the
    /// event of this number on.
    ///
    /// # Errors
    /// If the partition is not there, or offline.
    pub fn watch(&self, of: &TopicPartition, after: Option<EventId>) -> Result<Watched> {
        self.partition(of)?.watch(after)
    }

    /// A partition that must be there.
    pub(super) fn partition(&self, of: &TopicPartition) -> Result<Arc<Partition>> {
        self.known_topic(&of.topic)?.partition(of.partition).cloned()
    }
}

/// Where a record goes; `keyless` says it for those that nothing else decides about.
fn route(topic: &Topic, routed: &RoutedRecord<'_>, keyless: impl FnOnce() -> u32) -> u32 {
    match (routed.partition, routed.record.key) {
        (Some(partition), _) => partition,
        (None, Some(key)) => topic.partition_for_key(key),
        (None, None) => keyless(),
    }
}

/// The partition for those of the records that nothing else decides about: they stay together.
fn sticky(topic: &Topic, records: &[RoutedRecord<'_>]) -> u32 {
    let keyless = records.iter().filter(|it| it.partition.is_none() && it.record.key.is_none());
    topic.sticky_partition(keyless.map(|it| size(&it.record)).sum())
}

/// Names the record for which the log would refuse the batch; `numbers` are those of its records.
fn check_keys(topic: &Topic, numbers: &[usize], batch: &[NewRecord<'_>]) -> Result<()> {
    let policy = topic.info.log.cleanup_policy;
    if !policy.compacts() {
        return Ok(());
    }
    match batch.iter().zip(numbers).find(|(record, _)| record.key.is_none()) {
        Some((_, &record)) => Err(BrokerError::NoKey { record, policy }),
        None => Ok(()),
    }
}

/// About how many bytes a record takes.
fn size(record: &NewRecord<'_>) -> u64 {
    record.value.map_or(0, <[u8]>::len) as u64 + logscope::record::HEADER_SIZE as u64
}

/// What a fetch of an empty log returns.
fn nothing() -> Fetched {
    Fetched { batches: Vec::new(), next_offset: 0, stopped_by: StoppedBy::LogEnd, fetch_offset: 0 }
}
