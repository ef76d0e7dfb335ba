//! One partition: many producers that append and share syncs, many consumers that fetch and wait.
//!
//! | file | holds |
//! | --- | --- |
//! | `flush` | group commit |
//! | `fetch` | fetches, and those that wait |
//!
//! Invariants:
//! - An append goes into the page cache under a short lock; nobody syncs under it.
//! - `progress` follows the log's high watermark, and says what is wrong. Waiting for a sync and waiting
//!   for records to fetch are both waiting for `progress`; nothing polls.
//! - Once a sync has failed, all who wait are told, and nothing is appended any more. A full disk is different: what
//!   did not fit is not in the log, so the partition refuses for a while and then takes records again; that the disk was
//!   full is its trouble for that while, and not until somebody produces.

mod fetch;
mod flush;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use logscope::log::CompactionReport;
use logscope::{
    Appended, Error, FsStorage, LogConfig, LogReader, NewRecord, PartitionLog, RecoveryReport, SegmentInfo,
    Storage,
};
use tokio::sync::watch;
use tokio::time::Instant;

pub use fetch::{FetchAnswer, FetchRequest};

use super::Result;
use super::data_dir::TopicPartition;
use super::error::BrokerError;
use super::events::{EventId, EventStream, Events};
use super::metrics::{LogMetrics, TopicMetrics};

/// How long a partition refuses records after it found the disk full.
const FULL_DISK_PAUSE: Duration = Duration::from_secs(1);

type Log<S> = PartitionLog<S, Events>;
pub(super) type Reader<S = FsStorage> = LogReader<S, Events>;

/// What a producer waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Acks {
    /// `acks=all`: the record is durable.
    #[default]
    All,
    /// `acks=1`: the record is in the log, in the page cache. It survives the end of the process, not of the
    /// machine; consumers see it after the sync that follows within `flush.ms`.
    Leader,
    /// `acks=0`: nothing. The append takes place before any answer could be written, so this is as
    /// [`Leader`](Self::Leader), and the offset is known all the same.
    None,
}

/// How far a log goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offsets {
    /// The first offset in the log.
    pub log_start_offset: u64,
    /// The offset below which records are durable and can be fetched.
    pub high_watermark: u64,
    /// The next offset to be assigned.
    pub log_end_offset: u64,
}

/// What a log looks like at one moment, and all that happens after it.
#[derive(Debug)]
pub struct Watched {
    /// The segments, oldest first.
    pub segments: Vec<SegmentInfo>,
    /// How far the log goes.
    pub offsets: Offsets,
    /// What the log goes by.
    pub config: LogConfig,
    /// The events from then on, or from where the caller had stopped.
    pub events: EventStream,
    /// Whether the events go on where the caller had stopped, without a gap.
    pub resumed: bool,
}

/// Why a partition does not take records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    SyncFailed,
    DiskFull {
        /// From then on, an append is tried again.
        until: Instant,
    },
}

/// How far a log has got.
#[derive(Debug, Clone, Copy)]
struct Progress {
    high_watermark: u64,
    trouble: Option<Trouble>,
    /// The log takes nothing any more, because the broker is closed or the topic deleted.
    closed: bool,
}

#[derive(Debug)]
pub(super) struct Partition<S: Storage + 'static = FsStorage> {
    name: TopicPartition,
    writer: Mutex<Writer<S>>,
    reader: Reader<S>,
    events: Events,
    progress: watch::Sender<Progress>,
    flush_ms: Duration,
    topic_metrics: TopicMetrics,
    metrics: LogMetrics,
    /// How many syncs were asked for; fewer than appends, where appends come together.
    flushes: AtomicU64,
}

#[derive(Debug)]
struct Writer<S: Storage + 'static> {
    /// `None` once the partition is closed.
    log: Option<Log<S>>,
    /// Somebody wants everything below this offset durable.
    wanted: u64,
    /// A flush job is under way.
    flushing: bool,
    /// A timer will ask for a flush.
    flush_due: bool,
    /// Batches that no flush has been begun for.
    unflushed_batches: u64,
    /// The last append found the disk full.
    was_full: bool,
}

impl<S: Storage + 'static> Partition<S> {
    /// Opens and recovers the log in a storage.
    pub(super) fn open(
        name: TopicPartition,
        storage: S,
        config: LogConfig,
        flush_ms: Duration,
        (topic_metrics, metrics): (TopicMetrics, LogMetrics),
    ) -> Result<(Arc<Self>, RecoveryReport), Error> {
        let events = Events::default();
        let (log, report) = PartitionLog::open_observed(storage, config, events.clone())?;
        let reader = log.reader();
        let progress = Progress { high_watermark: reader.high_watermark(), trouble: None, closed: false };
        let writer = Writer {
            log: Some(log),
            wanted: 0,
            flushing: false,
            flush_due: false,
            unflushed_batches: 0,
            was_full: false,
        };
        let partition = Arc::new(Self {
            name,
            writer: Mutex::new(writer),
            reader,
            events,
            progress: watch::Sender::new(progress),
            flush_ms,
            topic_metrics,
            metrics,
            flushes: AtomicU64::new(0),
        });
        Ok((partition, report))
    }

    pub(super) fn name(&self) -> &TopicPartition {
        &self.name
    }

    /// Appends records as one batch, waits for what `acks` says, and returns the first one's offset.
    pub(super) async fn append(
        self: &Arc<Self>,
        records: &[NewRecord<'_>],
        now_ms: i64,
        acks: Acks,
    ) -> Result<u64> {
        let appended = self.append_now(records, now_ms, acks)?;
        if acks == Acks::All {
            self.durable(appended.last_offset + 1).await?;
        }
        Ok(appended.base_offset)
    }

    /// Appends records as one batch, and sees to it that they become durable.
    pub(super) fn append_now(
        self: &Arc<Self>,
        records: &[NewRecord<'_>],
        now_ms: i64,
        acks: Acks,
    ) -> Result<Appended> {
        let mut writer = self.writer()?;
        match self.trouble() {
            None => {}
            Some(Trouble::SyncFailed) => return Err(BrokerError::ReadOnly(self.name.clone())),
            Some(Trouble::DiskFull { .. }) => return Err(BrokerError::DiskFull(self.name.clone())),
        }
        let log = writer.log.as_mut().ok_or(BrokerError::Closed)?;
        let high_watermark = self.reader.high_watermark();
        let appended = match log.append(records, now_ms) {
            Ok(appended) => appended,
            Err(error) => return Err(self.refused(&mut writer, error)),
        };
        let was_full = std::mem::take(&mut writer.was_full);
        if was_full {
            tracing::info!(partition = %self.name, "there is room on the disk again");
        }
        writer.unflushed_batches += 1;
        match acks {
            Acks::All => self.flush_up_to(&mut writer, appended.last_offset + 1),
            Acks::Leader | Acks::None => self.flush_soon(&mut writer),
        }
        // Rolling syncs what came before, and with that raises the high watermark.
        if was_full || self.reader.high_watermark() > high_watermark {
            self.publish(|_| None);
        }
        self.topic_metrics.records_in.inc_by(records.len() as u64);
        self.topic_metrics.bytes_in.inc_by(appended.size.into());
        Ok(appended)
    }

    /// What an append's failure means for the partition.
    fn refused(&self, writer: &mut Writer<S>, error: Error) -> BrokerError {
        let poisoned = matches!(error, Error::Poisoned) || self.reader.is_poisoned();
        match error {
            _ if poisoned => self.sync_failed(&error),
            Error::Io(error) if is_full(&error) => {
                if !std::mem::replace(&mut writer.was_full, true) {
                    tracing::error!(partition = %self.name, "the partition is read-only: {error}");
                }
                self.metrics.disk_full.inc();
                let until = Instant::now() + FULL_DISK_PAUSE;
                self.publish(|_| Some(Trouble::DiskFull { until }));
                BrokerError::DiskFull(self.name.clone())
            }
            error => BrokerError::Log(error),
        }
    }

    /// Tells everyone, and the operator, of a sync that failed, unless that is known already. Returns what producers hear.
    fn sync_failed(&self, error: &Error) -> BrokerError {
        if self.publish(|_| Some(Trouble::SyncFailed)) {
            self.metrics.sync_failures.inc();
            tracing::error!(partition = %self.name, "a sync failed, the partition is read-only: {error}");
        }
        BrokerError::ReadOnly(self.name.clone())
    }

    /// Tells everyone who waits how far the log has got, and what is wrong now. A failed sync stays. Returns whether
    /// anything of that is new.
    fn publish(&self, trouble: impl FnOnce(Option<Trouble>) -> Option<Trouble>) -> bool {
        let high_watermark = self.reader.high_watermark();
        self.progress.send_if_modified(|now| {
            let before = (now.high_watermark, now.trouble);
            now.high_watermark = now.high_watermark.max(high_watermark);
            if now.trouble != Some(Trouble::SyncFailed) {
                now.trouble = trouble(now.trouble);
            }
            before != (now.high_watermark, now.trouble)
        })
    }

    /// Why it does not take records now, if it does not.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        let trouble = self.progress.borrow().trouble;
        let over =
            |trouble: &Trouble| matches!(trouble, Trouble::DiskFull { until } if *until <= Instant::now());
        trouble.filter(|trouble| !over(trouble))
    }

    /// A handle for reading what is in the log.
    pub(super) fn reader(&self) -> &Reader<S> {
        &self.reader
    }

    pub(super) fn offsets(&self) -> Offsets {
        // In this order, they are in order.
        let log_start_offset = self.reader.log_start_offset();
        let high_watermark = self.reader.high_watermark();
        Offsets { log_start_offset, high_watermark, log_end_offset: self.reader.log_end_offset() }
    }

    /// What the log looks like now, and what happens from now on. No append comes in between.
    pub(super) fn watch(&self, after: Option<EventId>) -> Result<Watched> {
        let writer = self.writer()?;
        let log = writer.log.as_ref().ok_or(BrokerError::Closed)?;
        let (events, resumed) = self.events.watch(after);
        let (segments, config) = (log.segments(), log.config().clone());
        Ok(Watched { segments, offsets: self.offsets(), config, events, resumed })
    }

    /// Goes by other configs from now on. Those who watch are shown the log anew.
    pub(super) fn set_config(&self, config: &LogConfig) -> Result<()> {
        self.with_log(|log| {
            if log.config() != config {
                log.set_config(config.clone())?;
                self.events.alter();
            }
            Ok(())
        })
    }

    /// Makes all records so far durable. Blocks.
    pub(super) fn flush(&self) -> Result<u64> {
        let flush = self.writer()?.log.as_ref().ok_or(BrokerError::Closed)?.begin_flush();
        let high_watermark = flush.complete().map_err(|error| self.sync_failed(&error))?;
        self.publish(|trouble| trouble);
        Ok(high_watermark)
    }

    /// Deletes what retention no longer keeps, and returns the segments. Blocks.
    pub(super) fn apply_retention(&self, now_ms: i64) -> Result<Vec<SegmentInfo>> {
        let deleted = self.with_log(|log| log.apply_retention(now_ms))?;
        self.metrics.segments_deleted.inc_by(deleted.len() as u64);
        for SegmentInfo { base_offset, size, .. } in &deleted {
            let partition = &self.name;
            tracing::info!(%partition, "retention deleted the segment {base_offset} ({size} bytes)");
        }
        Ok(deleted)
    }

    /// Compacts, if the topic is compacted and there is something to do; `force` does so even if little is new. The
    /// writer is held at the beginning and at the end only. Blocks.
    pub(super) fn compact(&self, now_ms: i64, force: bool) -> Result<Option<CompactionReport>> {
        let begun = {
            let writer = self.writer()?;
            let log = writer.log.as_ref().ok_or(BrokerError::Closed)?;
            log.begin_compaction(now_ms)
        };
        let Some(compaction) = begun else { return Ok(None) };
        if !force && !compaction.is_due() {
            return Ok(None);
        }
        let compacted = compaction.run()?;
        let report = self.with_log(|log| log.finish_compaction(compacted))?;
        self.metrics.compactions.inc();
        self.metrics.records_compacted.inc_by(report.records_removed);
        tracing::info!(
            partition = %self.name,
            "compaction removed {} records: {} bytes became {}", report.records_removed, report.bytes.0, report.bytes.1
        );
        Ok(Some(report))
    }

    /// Runs what changes the log. Blocks.
    pub(super) fn with_log<T>(
        &self,
        change: impl FnOnce(&mut Log<S>) -> std::result::Result<T, Error>,
    ) -> Result<T> {
        let mut writer = self.writer()?;
        let done = change(writer.log.as_mut().ok_or(BrokerError::Closed)?);
        drop(writer);
        match done {
            Err(error) if self.reader.is_poisoned() => Err(self.sync_failed(&error)),
            done => {
                self.publish(|trouble| trouble);
                Ok(done?)
            }
        }
    }

    /// Flushes and closes the log. Blocks. A second time, it does nothing.
    pub(super) fn close(&self) -> Result<()> {
        let Some(log) = self.take_log()? else { return Ok(()) };
        let closed = log.close().map_err(|error| self.sync_failed(&error));
        self.publish(|trouble| trouble);
        self.end();
        closed
    }

    /// Lets go of the log without flushing it, because its files are about to be deleted.
    pub(super) fn abandon(&self) -> Result<()> {
        drop(self.take_log()?);
        self.end();
        Ok(())
    }

    fn take_log(&self) -> Result<Option<Log<S>>> {
        Ok(self.writer()?.log.take())
    }

    fn end(&self) {
        self.progress.send_modify(|now| now.closed = true);
        self.events.end();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.progress.borrow().closed
    }

    /// The writer, unless a thread died while it held it: then nobody knows what state the log is in.
    fn writer(&self) -> Result<MutexGuard<'_, Writer<S>>> {
        self.writer.lock().map_err(|_| BrokerError::ReadOnly(self.name.clone()))
    }
}

/// Whether an operation found no room on the disk.
pub(super) fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

#[cfg(test)]
impl<S: Storage + 'static> Partition<S> {
    pub(super) fn flushes(&self) -> u64 {
        self.flushes.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// What a failed sync does, apart from the engine's own refusal.
    pub(super) fn fail(&self) {
        self.publish(|_| Some(Trouble::SyncFailed));
    }
}
