//! Opening the data directory: every topic of the catalog, and what a crash left half-done.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, RwLock, Weak};
use std::time::Instant;

use logscope::topic::TopicName;
use logscope::{FsStorage, LogConfig, RecoveryReport};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::catalog::{Catalog, Entry};
use super::data_dir::{DataDir, OpenError, TopicPartition};
use super::groups::Groups;
use super::metrics::{Metrics, Reading, Readings};
use super::partition::Partition;
use super::report::{StartReport, count};
use super::rooms::Rooms;
use super::topic::{Slot, Topic, TopicInfo};
use super::waiting::Waiting;
use super::{Broker, BrokerConfig, CatalogState, Inner, housekeeping, offsets_topic};

impl Broker {
    /// Opens the broker of a data directory, which is created if it is missing, and recovers its partitions.
    /// Partitions that cannot be opened are offline; see the [module](super). From then on, retention and compaction
    /// run in the background.
    ///
    /// # Errors
    /// If another broker has the directory, or it cannot be read and written, or is no broker's.
    pub fn open(data_dir: impl Into<PathBuf>, config: BrokerConfig) -> Result<Self, OpenError> {
        let runtime = Handle::try_current().map_err(|_| OpenError::NoRuntime)?;
        let started = Instant::now();
        let data_dir = DataDir::open(data_dir.into())?;
        let catalog = tidy_up(&data_dir)?;
        let metrics = Metrics::default();
        let mut report = StartReport::default();
        let mut topics = BTreeMap::new();
        for (name, entry) in &catalog.topics {
            let topic = open_topic(&data_dir, name, entry, &config, &metrics, &mut report)?;
            topics.insert(topic.info.name.clone(), Arc::new(topic));
        }
        report.topics = topics.len();
        report.count(&metrics.recovery, started.elapsed().as_secs_f64());
        let groups = Groups::new(config.limits, offsets_topic::load(&topics));
        let broker = Self {
            inner: Arc::new(Inner {
                reserve: data_dir.reserve(),
                data_dir,
                topics: RwLock::new(topics),
                catalog: Mutex::new(CatalogState { catalog, closed: false }),
                groups,
                rooms: Rooms::default(),
                waiting: Waiting::new(config.limits.waiting_fetches, metrics.waiting_fetches.clone()),
                metrics,
                config,
                start_report: report,
                created: watch::Sender::new(()),
                closing: watch::Sender::new(false),
            }),
        };
        broker.register_readings();
        housekeeping::spawn(&broker, &runtime);
        tell(&report, started);
        Ok(broker)
    }

    fn register_readings(&self) {
        let broker: Weak<Inner> = Arc::downgrade(&self.inner);
        let read = move || {
            let inner = broker.upgrade();
            inner.map(|inner| Broker { inner }.readings()).unwrap_or_default()
        };
        self.inner.metrics.register(|registry| registry.register_collector(Box::new(Readings(read))));
    }

    fn readings(&self) -> Vec<Reading> {
        let mut readings = [
            ("log_start_offset", "First offset in the log"),
            ("high_watermark", "Offset below which records are durable"),
            ("log_end_offset", "Next offset to be assigned"),
            ("log_segments", "Segments in the log"),
            ("log_size_bytes", "Bytes of record batches in the log"),
            ("partition_writable", "1 if the partition takes records, 0 if it is read-only or offline"),
        ]
        .map(|(name, help)| Reading { name, help, values: Vec::new() });
        for topic in self.all_topics() {
            for (number, slot) in topic.slots.iter().enumerate() {
                let numbers = match slot {
                    Slot::Offline(_) => [None, None, None, None, None, Some(0)],
                    Slot::Online(partition) => gauges(partition).map(Some),
                };
                let labels = vec![("topic", topic.info.name.to_string()), ("partition", number.to_string())];
                for (reading, value) in readings.iter_mut().zip(numbers) {
                    reading.values.extend(value.map(|value| (labels.clone(), value)));
                }
            }
        }
        let mut readings = Vec::from(readings);
        readings.push(self.lag_reading());
        readings
    }
}

fn gauges(partition: &Partition) -> [i64; 6] {
    let offsets = partition.offsets();
    let segments = partition.reader().segments();
    let size = segments.iter().map(|segment| segment.size).sum();
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    [
        number(offsets.log_start_offset),
        number(offsets.high_watermark),
        number(offsets.log_end_offset),
        number(segments.len() as u64),
        number(size),
        i64::from(partition.trouble().is_none()),
    ]
}

/// Reads the catalog, brings interrupted deletions to their end, removes what an interrupted creation or alteration left,
/// and takes up partitions that somebody put there.
fn tidy_up(data_dir: &DataDir) -> Result<Catalog, OpenError> {
    let mut catalog = data_dir.read_catalog()?;
    let before = catalog.clone();
    for partition in data_dir.partitions()? {
        let failed =
            |source| OpenError::Io { action: "tidy up", path: data_dir.partition_path(&partition), source };
        match catalog.topics.get(partition.topic.as_str()) {
            Some(entry) if entry.deleting => data_dir.remove_partition(&partition).map_err(failed)?,
            Some(entry) if before.topics.contains_key(partition.topic.as_str()) => {
                let partitions = entry.partitions;
                if partition.partition < partitions {
                    continue;
                }
                if data_dir.has_files(&partition).map_err(failed)? {
                    tracing::warn!(%partition, "left alone: the topic has {partitions} partitions");
                } else {
                    data_dir.remove_empty_partition(&partition).map_err(failed)?;
                }
            }
            _ if data_dir.has_files(&partition).map_err(failed)? => {
                tracing::info!(%partition, "taken up: it was not in the catalog");
                let entry = catalog.topics.entry(partition.topic.to_string()).or_default();
                entry.partitions = entry.partitions.max(partition.partition.saturating_add(1));
            }
            _ => data_dir.remove_partition(&partition).map_err(failed)?,
        }
    }
    catalog.topics.retain(|_, entry| !entry.deleting);
    if catalog != before {
        data_dir.write_catalog(&catalog).map_err(|source| data_dir.catalog_error(source))?;
    }
    Ok(catalog)
}

/// Opens what the catalog says of a topic. A partition that cannot be opened is offline.
fn open_topic(
    data_dir: &DataDir,
    name: &str,
    entry: &Entry,
    config: &BrokerConfig,
    metrics: &Metrics,
    report: &mut StartReport,
) -> Result<Topic, OpenError> {
    let info = topic_info(name, entry, config).map_err(|reason| data_dir.catalog_fault(reason))?;
    let mut slots = Vec::new();
    for partition in 0..entry.partitions {
        let name = TopicPartition { topic: info.name.clone(), partition };
        slots.push(match open_partition(data_dir, &name, &info.log, config, metrics) {
            Ok((partition, recovered)) => {
                report.add(&name, &recovered, partition.offsets());
                Slot::Online(partition)
            }
            Err(reason) => {
                tracing::error!(partition = %name, "the partition is offline: {reason}");
                report.offline += 1;
                Slot::Offline(reason)
            }
        });
    }
    Ok(Topic::new(info, slots))
}

fn topic_info(name: &str, entry: &Entry, config: &BrokerConfig) -> Result<TopicInfo, String> {
    let about = |error: &dyn std::fmt::Display| format!("the topic {name:?}: {error}");
    let log = config.log_with(&entry.configs).map_err(|error| about(&error))?;
    let limit = config.limits.partitions;
    if entry.partitions as usize > limit {
        return Err(about(&format_args!("{} partitions, and the limit is {limit}", entry.partitions)));
    }
    let configs = entry.configs.clone();
    let name = TopicName::new(name).map_err(|error| error.to_string())?;
    Ok(TopicInfo { name, partitions: entry.partitions, configs, log })
}

/// Opens a partition whose directory is there; the error is a reason for a person.
pub(super) fn open_partition(
    data_dir: &DataDir,
    name: &TopicPartition,
    log: &LogConfig,
    config: &BrokerConfig,
    metrics: &Metrics,
) -> Result<(Arc<Partition>, RecoveryReport), String> {
    let path = data_dir.partition_path(name);
    if !path.is_dir() {
        return Err("its directory is missing".to_owned());
    }
    let metrics = (metrics.topic(name.topic.as_str()), metrics.log.clone());
    let storage = FsStorage::open(path).map_err(|error| error.to_string())?;
    Partition::open(name.clone(), storage, log.clone(), config.flush_ms, metrics)
        .map_err(|error| error.to_string())
}

/// The one line that every start writes.
fn tell(report: &StartReport, started: Instant) {
    let StartReport { topics, partitions, offline, clean, bytes, tails_cut, .. } = report;
    let (partitions, topics) = (count(*partitions, "partition"), count(*topics, "topic"));
    let (bytes, tails_cut) = (count(*bytes, "byte"), count(*tails_cut, "torn tail"));
    let ms = started.elapsed().as_millis();
    tracing::info!(
        "the data is open: {partitions} of {topics} in {ms} ms, {clean} of them closed in good order, {offline} \
         offline; checked {bytes}, cut {tails_cut}"
    );
}
