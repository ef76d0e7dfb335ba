//! The broker: topics and partitions on disk, many producers and consumers at once.
//!
//! | file | holds |
//! | --- | --- |
//! | `config` | what a broker goes by |
//! | `data_dir` | the directory, its lock, its files' names |
//! | `catalog` | which topics there are |
//! | `start` | opening what is there, and bringing to an end what a crash interrupted |
//! | `topics`, `alter` | topics come, are described, altered, and go |
//! | `topic` | one topic: its partitions, and which of them a record goes to |
//! | `partition` | one partition: concurrent appends that share syncs, fetches that wait for records |
//! | `records`, `rooms`, `pieces` | producing and fetching, by topic; memory for large answers; those that are streamed |
//! | `waiting` | fetches that wait for records: how long, and how many |
//! | `groups`, `offsets_topic` | what groups of consumers have committed, and the compacted topic that keeps it |
//! | `housekeeping` | retention and compaction, by themselves and on request |
//! | `reserve` | room on the disk for what makes room |
//! | `events` | what a log does, for those who watch |
//! | `metrics`, `report` | what is counted, and what a start did |
//! | `error` | why it refused |
//!
//! Invariants:
//! - One process at a time has a data directory; one [`PartitionLog`](logscope::PartitionLog) at a time has a
//!   partition's directory.
//! - A fetch takes no lock that an append or a sync holds.
//! - A partition whose log is damaged is offline, and says so; the others are served. That is what Kafka does
//!   with a bad log directory, and it leaves the damaged files as they are for somebody to look at.
//! - What is in `topics` is in the catalog; the catalog changes under its lock only.

mod alter;
mod catalog;
mod config;
mod data_dir;
mod error;
mod events;
mod groups;
mod housekeeping;
mod metrics;
mod offsets_topic;
mod partition;
mod pieces;
mod records;
mod report;
mod reserve;
mod rooms;
mod start;
mod topic;
mod topics;
mod waiting;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use logscope::topic::TopicName;
use tokio::sync::watch;

pub use config::{BrokerConfig, Limits};
pub use data_dir::{OpenError, TopicPartition};
pub use error::BrokerError;
pub use events::{BadEventId, EventId, EventStream, EventsOver};
pub use groups::{Commit, Committed};
pub use metrics::Metrics;
pub use partition::{Acks, FetchAnswer, FetchRequest, Offsets, Watched};
pub use pieces::Pieces;
pub use records::{Appended, FETCH_MAX_BYTES, MAX_WAIT, RoutedRecord, SegmentFile, SegmentFileKind};
pub use report::StartReport;
pub use topic::{OFFSETS_TOPIC, PartitionInfo, PartitionState, TopicInfo};

use catalog::Catalog;
use data_dir::DataDir;
use groups::Groups;
use reserve::Reserve;
use rooms::{Rooms, Shelf};
use topic::Topic;
use waiting::Waiting;

type Result<T, E = BrokerError> = std::result::Result<T, E>;

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
    reserve: Reserve,
    config: BrokerConfig,
    topics: RwLock<BTreeMap<TopicName, Arc<Topic>>>,
    /// Held while a topic comes or goes, so that no two logs are ever opened in one directory.
    catalog: Mutex<CatalogState>,
    groups: Groups,
    metrics: Metrics,
    waiting: Waiting,
    rooms: Rooms,
    start_report: StartReport,
    created: watch::Sender<()>,
    closing: watch::Sender<bool>,
}

#[derive(Debug)]
struct CatalogState {
    catalog: Catalog,
    /// The broker is closed: no topic comes any more.
    closed: bool,
}

impl Broker {
    /// The configuration.
    pub fn config(&self) -> &BrokerConfig {
        &self.inner.config
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// What opening the data directory found and did.
    pub fn start_report(&self) -> &StartReport {
        &self.inner.start_report
    }

    /// The partitions that do not take records, with the reason.
    pub fn unhealthy(&self) -> Vec<(TopicPartition, String)> {
        let mut unhealthy = Vec::new();
        for topic in self.all_topics() {
            for (number, slot) in (0..).zip(&topic.slots) {
                let reason = match slot.state() {
                    PartitionState::Online => continue,
                    PartitionState::ReadOnly(reason) => format!("read-only: {reason}"),
                    PartitionState::Offline(reason) => format!("offline: {reason}"),
                };
                let name = TopicPartition { topic: topic.info.name.clone(), partition: number };
                unhealthy.push((name, reason));
            }
        }
        unhealthy
    }

    /// Takes back the memory of a fetch's batches, for the next large answer.
    pub fn give_back(&self, batches: Vec<u8>) {
        self.inner.rooms.give_back(batches);
    }

    /// Memory to write a large answer's text in; [`give_back_text`](Self::give_back_text) takes it again.
    pub fn text_room(&self) -> Vec<u8> {
        self.inner.rooms.take(Shelf::Texts)
    }

    /// Takes back the memory of a text that is sent.
    pub fn give_back_text(&self, text: Vec<u8>) {
        self.inner.rooms.put(Shelf::Texts, text);
    }

    /// Lets waiting fetches answer with what they have, so that a server can drain its requests. Everything
    /// else goes on until [`close`](Self::close).
    pub fn begin_close(&self) {
        self.inner.closing.send_replace(true);
    }

    /// Whether [`begin_close`](Self::begin_close) has been called.
    pub fn is_closing(&self) -> bool {
        *self.inner.closing.borrow()
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
        blocking(move || broker.close_logs()).await
    }

    fn close_logs(&self) -> Result<()> {
        self.catalog().closed = true;
        let mut first_error = Ok(());
        for topic in self.all_topics() {
            for partition in topic.online() {
                if let Err(error) = partition.close() {
                    tracing::error!(partition = %partition.name(), "the log could not be flushed: {error}");
                    first_error = first_error.and(Err(error));
                }
            }
        }
        first_error
    }

    fn topic(&self, name: &TopicName) -> Option<Arc<Topic>> {
        self.topics_read().get(name).cloned()
    }

    /// A topic that must be there.
    fn known_topic(&self, name: &TopicName) -> Result<Arc<Topic>> {
        self.topic(name).ok_or_else(|| BrokerError::UnknownTopic(name.clone()))
    }

    fn all_topics(&self) -> Vec<Arc<Topic>> {
        self.topics_read().values().cloned().collect()
    }

    // Nothing panics while one of these is held, so what they guard is whole even if a holder's thread died.

    fn topics_read(&self) -> RwLockReadGuard<'_, BTreeMap<TopicName, Arc<Topic>>> {
        self.inner.topics.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn topics_write(&self) -> RwLockWriteGuard<'_, BTreeMap<TopicName, Arc<Topic>>> {
        self.inner.topics.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn catalog(&self) -> MutexGuard<'_, CatalogState> {
        self.inner.catalog.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs what may wait for a disk where that holds nobody up.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(BrokerError::internal)?
}

pub(crate) fn now_ms() -> i64 {
    // A clock before 1970 is taken for 1970; the engine takes no earlier timestamps.
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
