//! One partition: many producers that append and share syncs, many consumers that fetch and wait.
//!
//! An append goes into the page cache under a short lock. Whoever needs it durable states so under the same
//! lock; at most one flush job is under way, and it syncs, without the lock, as often as somebody waits for more
//! than the last sync brought. So all that is appended while one sync runs shares the next.
//!
//! Invariants:
//! - The flush job runs on by itself: a producer whose connection goes away takes no one's sync with it.
//! - `progress` follows the log's high watermark, and says when a sync has failed. Waiting for a sync and waiting
//!   for records to fetch are both waiting for `progress`; nothing polls.
//! - Once a sync has failed, all who wait are told, and nothing is appended any more.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use logscope::{Error, Fetched, Flush, FsStorage, LogReader, NewRecord, PartitionLog, StoppedBy};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use super::Result;
use super::data_dir::TopicPartition;
use super::error::BrokerError;

/// Up to this many bytes, a fetch reads where it is asked: that is quicker than asking another thread. Larger
/// ones, which may well meet a cold disk, go to the threads that may block.
const INLINE_FETCH_BYTES: u64 = 64 << 10;

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

/// Where to fetch from, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchRequest {
    /// The first offset that is wanted.
    pub offset: u64,
    /// The most bytes of batches; a first batch that is larger comes all the same.
    pub max_bytes: u64,
    /// How many bytes of batches are worth an answer before `max_wait` is over.
    pub min_bytes: u64,
    /// How long to wait for `min_bytes`.
    pub max_wait: Duration,
}

/// What a fetch found, and the log's limits just after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchAnswer {
    /// The batches, in the bytes that they are stored in.
    pub fetched: Fetched,
    /// The first offset in the log.
    pub log_start_offset: u64,
    /// The offset below which records can be fetched.
    pub high_watermark: u64,
}

/// How far a log has got.
#[derive(Debug, Clone, Copy)]
struct Progress {
    high_watermark: u64,
    failed: bool,
}

#[derive(Debug)]
pub(super) struct Partition {
    name: TopicPartition,
    writer: Mutex<Writer>,
    reader: LogReader<FsStorage>,
    progress: watch::Sender<Progress>,
    flush_ms: Duration,
    /// How many syncs were asked for; fewer than appends, where appends come together.
    flushes: AtomicU64,
}

#[derive(Debug)]
struct Writer {
    /// `None` once the partition is closed.
    log: Option<PartitionLog<FsStorage>>,
    /// Somebody wants everything below this offset durable.
    wanted: u64,
    /// A flush job is under way.
    flushing: bool,
    /// A timer will ask for a flush.
    flush_due: bool,
}

impl Partition {
    pub(super) fn new(name: TopicPartition, log: PartitionLog<FsStorage>, flush_ms: Duration) -> Arc<Self> {
        let reader = log.reader();
        let progress = Progress { high_watermark: reader.high_watermark(), failed: false };
        Arc::new(Self {
            name,
            writer: Mutex::new(Writer { log: Some(log), wanted: 0, flushing: false, flush_due: false }),
            reader,
            progress: watch::Sender::new(progress),
            flush_ms,
            flushes: AtomicU64::new(0),
        })
    }

    /// Appends a record, waits for what `acks` says, and returns the record's offset.
    pub(super) async fn append(
        self: &Arc<Self>,
        record: &NewRecord<'_>,
        now_ms: i64,
        acks: Acks,
    ) -> Result<u64> {
        let offset = self.append_now(record, now_ms, acks)?;
        if acks == Acks::All {
            self.durable(offset + 1).await?;
        }
        Ok(offset)
    }

    fn append_now(self: &Arc<Self>, record: &NewRecord<'_>, now_ms: i64, acks: Acks) -> Result<u64> {
        let mut writer = self.writer()?;
        let log = writer.log.as_mut().ok_or(BrokerError::Closed)?;
        let appended = log.append(std::slice::from_ref(record), now_ms).map_err(|error| match error {
            Error::Poisoned => {
                self.publish(true);
                BrokerError::ReadOnly(self.name.clone())
            }
            error => BrokerError::Log(error),
        })?;
        match acks {
            Acks::All => self.flush_up_to(&mut writer, appended.last_offset + 1),
            Acks::Leader | Acks::None => self.flush_soon(&mut writer),
        }
        // Rolling syncs what came before, and with that raises the high watermark.
        self.publish(false);
        Ok(appended.base_offset)
    }

    /// Waits until everything below `offset` is durable.
    async fn durable(&self, offset: u64) -> Result<()> {
        let mut progress = self.progress.subscribe();
        let reached = progress.wait_for(|now| now.failed || now.high_watermark >= offset).await;
        match reached {
            Ok(now) if now.high_watermark >= offset => Ok(()),
            _ => Err(BrokerError::ReadOnly(self.name.clone())),
        }
    }

    fn flush_up_to(self: &Arc<Self>, writer: &mut Writer, offset: u64) {
        writer.wanted = writer.wanted.max(offset);
        if !std::mem::replace(&mut writer.flushing, true) {
            let partition = Arc::clone(self);
            tokio::task::spawn_blocking(move || partition.run_flushes());
        }
    }

    fn flush_soon(self: &Arc<Self>, writer: &mut Writer) {
        if !std::mem::replace(&mut writer.flush_due, true) {
            let partition = Arc::clone(self);
            tokio::spawn(async move {
                sleep(partition.flush_ms).await;
                partition.flush_everything();
            });
        }
    }

    fn flush_everything(self: &Arc<Self>) {
        let Ok(mut writer) = self.writer() else { return };
        writer.flush_due = false;
        if let Some(log) = &writer.log {
            let end = log.log_end_offset();
            self.flush_up_to(&mut writer, end);
        }
    }

    /// The flush job: syncs until nobody waits for more. Blocks.
    fn run_flushes(&self) {
        while let Some(flush) = self.next_flush() {
            self.flushes.fetch_add(1, Ordering::Relaxed);
            let completed = flush.complete();
            if let Err(error) = &completed {
                tracing::error!(partition = %self.name, "a sync failed, the partition is read-only: {error}");
            }
            self.publish(completed.is_err());
        }
    }

    /// The next flush that is due; without one, the job is over.
    fn next_flush(&self) -> Option<Flush<FsStorage>> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let due = writer.wanted > self.reader.high_watermark() && !self.is_read_only();
        let flush = writer.log.as_ref().filter(|_| due).map(PartitionLog::begin_flush);
        writer.flushing = flush.is_some();
        flush
    }

    /// Tells everyone who waits how far the log has got.
    fn publish(&self, failed: bool) {
        let high_watermark = self.reader.high_watermark();
        self.progress.send_if_modified(|now| {
            let before = (now.high_watermark, now.failed);
            now.high_watermark = now.high_watermark.max(high_watermark);
            now.failed |= failed;
            before != (now.high_watermark, now.failed)
        });
    }

    /// Whether a sync has failed.
    pub(super) fn is_read_only(&self) -> bool {
        self.progress.borrow().failed
    }

    /// Fetches, and waits for records as long as there are too few and `patience` lasts.
    pub(super) async fn fetch(
        self: &Arc<Self>,
        request: &FetchRequest,
        mut patience: Patience,
    ) -> Result<FetchAnswer> {
        let mut progress = self.progress.subscribe();
        loop {
            progress.mark_unchanged();
            let answer = self.read(request).await?;
            let enough = answer.fetched.batches.len() as u64 >= request.min_bytes
                || answer.fetched.stopped_by == StoppedBy::MaxBytes;
            if enough || !patience.wait_for(progress.changed()).await {
                return Ok(answer);
            }
        }
    }

    async fn read(&self, request: &FetchRequest) -> Result<FetchAnswer> {
        let (offset, max_bytes) = (request.offset, request.max_bytes);
        let fetched = if max_bytes <= INLINE_FETCH_BYTES {
            self.reader.fetch(offset, max_bytes)?
        } else {
            let reader = self.reader.clone();
            let read = tokio::task::spawn_blocking(move || reader.fetch(offset, max_bytes));
            read.await.map_err(BrokerError::internal)??
        };
        let log_start_offset = self.reader.log_start_offset();
        Ok(FetchAnswer { fetched, log_start_offset, high_watermark: self.reader.high_watermark() })
    }

    /// Flushes and closes the log. Blocks. A second time, it does nothing.
    pub(super) fn close(&self) -> Result<()> {
        let mut writer = self.writer()?;
        let Some(log) = writer.log.take() else { return Ok(()) };
        let closed = log.close();
        self.publish(closed.is_err());
        Ok(closed?)
    }

    /// The writer, unless a thread died while it held it: then nobody knows what state the log is in.
    fn writer(&self) -> Result<MutexGuard<'_, Writer>> {
        self.writer.lock().map_err(|_| BrokerError::ReadOnly(self.name.clone()))
    }
}

#[cfg(test)]
impl Partition {
    pub(super) fn flushes(&self) -> u64 {
        self.flushes.load(Ordering::Relaxed)
    }

    /// What a failed sync does, apart from the engine's own refusal.
    pub(super) fn fail(&self) {
        self.publish(true);
    }

    pub(super) fn high_watermark(&self) -> u64 {
        self.reader.high_watermark()
    }

    pub(super) fn log_end_offset(&self) -> u64 {
        self.reader.log_end_offset()
    }
}

/// How long a fetch waits: to its deadline, or until the broker begins to close.
#[derive(Debug)]
pub(super) struct Patience {
    deadline: Instant,
    closing: watch::Receiver<bool>,
}

impl Patience {
    pub(super) fn new(deadline: Instant, closing: watch::Receiver<bool>) -> Self {
        Self { deadline, closing }
    }

    /// Waits for `event`. False if it is time to give up.
    pub(super) async fn wait_for<E>(&mut self, event: impl Future<Output = Result<(), E>>) -> bool {
        tokio::select! {
            biased;
            _ = self.closing.wait_for(|closing| *closing) => false,
            happened = timeout_at(self.deadline, event) => matches!(happened, Ok(Ok(()))),
        }
    }
}
