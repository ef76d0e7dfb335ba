//! Group commit: producers that wait for their records to be durable share syncs.
//!
//! Whoever needs an append durable says so under the lock that it was appended under. At most one flush job is under way,
//! and it syncs, without the lock, as often as somebody waits for more than the last sync brought. So all that is
//! appended while one sync runs shares the next.
//!
//! Invariant: the job runs on by itself: a producer whose connection goes away takes no one's sync with it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use logscope::{Flush, PartitionLog, Storage};
use tokio::time::{Instant, sleep};

use super::{Partition, Progress, Trouble, Writer};
use crate::broker::Result;
use crate::broker::error::BrokerError;
use crate::broker::events::Events;

impl<S: Storage + 'static> Partition<S> {
    /// Waits until everything below `offset` is durable.
    pub(in crate::broker) async fn durable(&self, offset: u64) -> Result<()> {
        let mut progress = self.progress.subscribe();
        let over = |now: &Progress| {
            now.high_watermark >= offset || now.closed || now.trouble == Some(Trouble::SyncFailed)
        };
        match progress.wait_for(over).await {
            Ok(now) if now.high_watermark >= offset => Ok(()),
            Ok(now) if now.trouble != Some(Trouble::SyncFailed) => Err(BrokerError::Closed),
            _ => Err(BrokerError::ReadOnly(self.name.clone())),
        }
    }

    /// Has everything below `offset` made durable, as soon as may be.
    pub(super) fn flush_up_to(self: &Arc<Self>, writer: &mut Writer<S>, offset: u64) {
        writer.wanted = writer.wanted.max(offset);
        if !std::mem::replace(&mut writer.flushing, true) {
            let partition = Arc::clone(self);
            tokio::task::spawn_blocking(move || partition.run_flushes());
        }
    }

    /// Has everything made durable within `flush.ms`.
    pub(super) fn flush_soon(self: &Arc<Self>, writer: &mut Writer<S>) {
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
        let told = TellOnPanic(self);
        while let Some((flush, batches)) = self.next_flush() {
            self.flushes.fetch_add(1, Ordering::Relaxed);
            let started = Instant::now();
            match flush.complete() {
                Ok(_) => {
                    self.metrics.sync_seconds.observe(started.elapsed().as_secs_f64());
                    self.metrics.group_commit_batches.observe(batches as f64);
                    self.publish(|trouble| trouble);
                }
                // Those who wait for it hear of it by `progress`.
                Err(error) => drop(self.sync_failed(&error)),
            }
        }
        std::mem::forget(told);
    }

    /// The next flush that is due, with the number of batches that no flush was begun for before; without one, the job is
    /// over.
    fn next_flush(&self) -> Option<(Flush<S, Events>, u64)> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = self.trouble() == Some(Trouble::SyncFailed);
        let due = writer.wanted > self.reader.high_watermark() && !failed;
        let flush = writer.log.as_ref().filter(|_| due).map(PartitionLog::begin_flush);
        writer.flushing = flush.is_some();
        let batches = if due { std::mem::take(&mut writer.unflushed_batches) } else { 0 };
        flush.map(|flush| (flush, batches))
    }
}

/// Dropped by a panic of the flush job, it tells those who wait; they would wait for ever.
struct TellOnPanic<'a, S: Storage + 'static>(&'a Partition<S>);

impl<S: Storage + 'static> Drop for TellOnPanic<'_, S> {
    fn drop(&mut self) {
        self.0.publish(|_| Some(Trouble::SyncFailed));
    }
}
