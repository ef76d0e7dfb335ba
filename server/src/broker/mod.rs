//! The broker: partitions on disk, many producers and consumers at once.
//!
//! | file | holds |
//! | --- | --- |
//! | `data_dir` | the directory, its lock, its partitions' names |
//! | `partition` | one partition: concurrent appends that share syncs, fetches that wait for records |
//! | `error` | why it refused |
//!
//! Invariants:
//! - One process at a time has a data directory; one [`PartitionLog`] at a time has a partition's directory.
//! - A fetch takes no lock that an append or a sync holds.
//! - A partition whose log is damaged is offline, and says so; the others are served. That is what Kafka does
//!   with a bad log directory, and it leaves the damaged files as they are for somebody to look at.

mod data_dir;
mod error;
mod partition;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use logscope::{Fetched, FsStorage, LogConfig, NewRecord, PartitionLog, StoppedBy};
use tokio::sync::watch;
use tokio::time::Instant;

pub use data_dir::{OpenError, TopicPartition};
pub use error::BrokerError;
pub use partition::{Acks, FetchAnswer, FetchRequest};

use data_dir::DataDir;
use partition::{Partition, Patience};

type Result<T, E = BrokerError> = std::result::Result<T, E>;

/// The longest that a fetch waits, whatever it asks for.
pub const MAX_WAIT: Duration = Duration::from_secs(30);

/// The most bytes of batches in one answer, whatever a fetch asks for. Kafka's broker config `fetch.max.bytes`
/// and its default.
pub const FETCH_MAX_BYTES: u64 = 50 << 20;

/// What a broker goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerConfig {
    /// What its logs go by.
    pub log: LogConfig,
    /// `flush.ms`: a record whose producer does not wait for a sync is synced within this time.
    pub flush_ms: Duration,
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self { log: LogConfig::default(), flush_ms: Duration::from_millis(10) }
    }
}

/// A broker; clones are handles of the same one. It needs to run inside a Tokio runtime.
///
/// [`close`](Self::close) it in the end: dropping it leaves the last records to the operating system.
#[derive(Debug, Clone)]
pub struct Broker {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    data_dir: DataDir,
    config: BrokerConfig,
    partitions: RwLock<BTreeMap<TopicPartition, Slot>>,
    /// Held while a topic is created, so that no two logs are ever opened in one directory.
    creation: Mutex<Creation>,
    created: watch::Sender<()>,
    closing: watch::Sender<bool>,
}

/// A partition that was found or created.
#[derive(Debug, Clone)]
enum Slot {
    Online(Arc<Partition>),
    /// Its log could not be opened, for this reason.
    Offline(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Creation {
    Allowed,
    /// The broker is closed.
    Over,
}

impl Broker {
    /// Opens the broker of a data directory, which is created if it is missing, and recovers its partitions.
    /// Partitions that cannot be opened are offline; see the [module](self).
    ///
    /// # Errors
    /// If another broker has the directory, or it cannot be read and written, or is no broker's.
    pub fn open(data_dir: impl Into<PathBuf>, config: BrokerConfig) -> Result<Self, OpenError> {
        let data_dir = DataDir::open(data_dir.into())?;
        let mut partitions = BTreeMap::new();
        for name in data_dir.partitions()? {
            let slot = match open_partition(&data_dir, &name, &config) {
                Ok(partition) => Slot::Online(partition),
                Err(error) => {
                    tracing::error!(partition = %name, "the partition is offline: {error}");
                    Slot::Offline(error.to_string())
                }
            };
            partitions.insert(name, slot);
        }
        let inner = Inner {
            data_dir,
            config,
            partitions: RwLock::new(partitions),
            creation: Mutex::new(Creation::Allowed),
            created: watch::Sender::new(()),
            closing: watch::Sender::new(false),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The configuration.
    pub fn config(&self) -> &BrokerConfig {
        &self.inner.config
    }

    /// Appends a record, creates its topic if there is none, and returns the record's offset once it is as safe
    /// as `acks` asks for.
    ///
    /// # Errors
    /// See [`BrokerError`]. After [`BrokerError::ReadOnly`] the record may be in the log or not, as after any
    /// failed sync; after all others it is not.
    pub async fn produce(&self, to: &TopicPartition, record: NewRecord<'_>, acks: Acks) -> Result<u64> {
        let partition = match self.partition(to)? {
            Some(partition) => partition,
            None => {
                let (broker, to) = (self.clone(), to.clone());
                tokio::task::spawn_blocking(move || broker.create(&to))
                    .await
                    .map_err(BrokerError::internal)??
            }
        };
        partition.append(&record, now_ms(), acks).await
    }

    /// Fetches whole batches from an offset on; waits for records if there are too few and the request says so.
    ///
    /// A topic that is not there yet is empty: its offset 0 can be fetched, and waited at.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn fetch(&self, from: &TopicPartition, request: &FetchRequest) -> Result<FetchAnswer> {
        let request = FetchRequest { max_bytes: request.max_bytes.min(FETCH_MAX_BYTES), ..*request };
        let deadline = Instant::now() + request.max_wait.min(MAX_WAIT);
        let mut patience = Patience::new(deadline, self.inner.closing.subscribe());
        let mut created = self.inner.created.subscribe();
        loop {
            created.mark_unchanged();
            if let Some(partition) = self.partition(from)? {
                return partition.fetch(&request, patience).await;
            }
            if request.offset > 0 {
                return Err(BrokerError::TopicNotBorn {
                    topic: from.topic.clone(),
                    requested: request.offset,
                });
            }
            if request.min_bytes == 0 || !patience.wait_for(created.changed()).await {
                return Ok(FetchAnswer { fetched: nothing(), log_start_offset: 0, high_watermark: 0 });
            }
        }
    }

    /// The partitions that do not take records, with the reason.
    pub fn unhealthy(&self) -> Vec<(TopicPartition, String)> {
        let reason = |slot: &Slot| match slot {
            Slot::Online(partition) => {
                partition.is_read_only().then(|| "read-only: a sync failed".to_owned())
            }
            Slot::Offline(reason) => Some(format!("offline: {reason}")),
        };
        let partitions = self.inner.partitions.read().unwrap_or_else(PoisonError::into_inner);
        partitions.iter().filter_map(|(name, slot)| Some((name.clone(), reason(slot)?))).collect()
    }

    /// Lets waiting fetches answer with what they have, so that a server can drain its requests. Everything
    /// else goes on until [`close`](Self::close).
    pub fn begin_close(&self) {
        self.inner.closing.send_replace(true);
    }

    /// Returns once [`begin_close`](Self::begin_close) has been called.
    pub async fn closing(&self) {
        // The sender lives as long as `self`, so this does not fail.
        let _ = self.inner.closing.subscribe().wait_for(|closing| *closing).await;
    }

    /// Flushes and closes all logs. From then on, every produce is refused.
    ///
    /// # Errors
    /// The first log that could not be flushed; the others are closed all the same.
    pub async fn close(&self) -> Result<()> {
        self.begin_close();
        let broker = self.clone();
        tokio::task::spawn_blocking(move || broker.close_logs()).await.map_err(BrokerError::internal)?
    }

    fn close_logs(&self) -> Result<()> {
        *self.creation() = Creation::Over;
        let slots = self.inner.partitions.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut first_error = Ok(());
        for (name, slot) in &slots {
            if let Slot::Online(partition) = slot
                && let Err(error) = partition.close()
            {
                tracing::error!(partition = %name, "the log could not be flushed: {error}");
                first_error = first_error.and(Err(error));
            }
        }
        first_error
    }

    /// The partition, if its topic is there.
    fn partition(&self, name: &TopicPartition) -> Result<Option<Arc<Partition>>> {
        if name.partition != 0 {
            return Err(BrokerError::UnknownPartition(name.clone()));
        }
        let partitions = self.inner.partitions.read().unwrap_or_else(PoisonError::into_inner);
        match partitions.get(name) {
            Some(Slot::Online(partition)) => Ok(Some(Arc::clone(partition))),
            Some(Slot::Offline(reason)) => {
                Err(BrokerError::Offline { partition: name.clone(), reason: reason.clone() })
            }
            None => Ok(None),
        }
    }

    /// Creates a topic's one partition, unless somebody else was faster. Blocks.
    fn create(&self, name: &TopicPartition) -> Result<Arc<Partition>> {
        let creation = self.creation();
        if *creation == Creation::Over {
            return Err(BrokerError::Closed);
        }
        if let Some(partition) = self.partition(name)? {
            return Ok(partition);
        }
        self.inner.data_dir.create_partition(name).map_err(|error| BrokerError::Log(error.into()))?;
        let partition = open_partition(&self.inner.data_dir, name, &self.inner.config)?;
        let mut partitions = self.inner.partitions.write().unwrap_or_else(PoisonError::into_inner);
        partitions.insert(name.clone(), Slot::Online(Arc::clone(&partition)));
        drop(partitions);
        self.inner.created.send_replace(());
        Ok(partition)
    }

    fn creation(&self) -> MutexGuard<'_, Creation> {
        self.inner.creation.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open_partition(
    data_dir: &DataDir,
    name: &TopicPartition,
    config: &BrokerConfig,
) -> Result<Arc<Partition>, logscope::Error> {
    let storage = FsStorage::open(data_dir.partition_path(name))?;
    let (log, report) = PartitionLog::open(storage, config.log.clone())?;
    data_dir::log_recovery(name, &report, &log);
    Ok(Partition::new(name.clone(), log, config.flush_ms))
}

/// What a fetch of an empty log returns.
fn nothing() -> Fetched {
    Fetched { batches: Vec::new(), next_offset: 0, stopped_by: StoppedBy::LogEnd, fetch_offset: 0 }
}

fn now_ms() -> i64 {
    // A clock before 1970 is taken for 1970; the engine takes no earlier timestamps.
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
