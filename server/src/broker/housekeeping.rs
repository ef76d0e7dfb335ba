//! Retention and compaction, by themselves and on request.
//!
//! Both run on the threads that may block, one partition after the other, so that they never take more than one disk
//! and one core from those who produce and consume.

use std::sync::{Arc, Weak};
use std::time::Duration;

use logscope::SegmentInfo;
use logscope::log::CompactionReport;
use tokio::runtime::Handle;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::data_dir::TopicPartition;
use super::error::BrokerError;
use super::partition::Partition;
use super::{Broker, Inner, Result, blocking, now_ms};

/// Starts what runs in the background. It ends with the broker.
pub(super) fn spawn(broker: &Broker, runtime: &Handle) {
    let config = &broker.inner.config;
    for (period, pass) in [
        (config.retention_check_interval, Broker::retention_pass as fn(&Broker)),
        (config.cleaner_backoff, Broker::compaction_pass),
    ] {
        runtime.spawn(repeat(Arc::downgrade(&broker.inner), period.max(Duration::from_millis(1)), pass));
    }
}

async fn repeat(broker: Weak<Inner>, period: Duration, pass: fn(&Broker)) {
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(inner) = broker.upgrade() else { return };
        let broker = Broker { inner };
        if broker.is_closing() {
            return;
        }
        match tokio::task::spawn_blocking(move || pass(&broker)).await {
            Ok(()) => {}
            // Else logs would grow until somebody restarts the broker.
            Err(error) if error.is_panic() => {
                tracing::error!("housekeeping broke off, and is tried again: {error}");
            }
            Err(_) => return,
        }
    }
}

impl Broker {
    fn retention_pass(&self) {
        let reserve = &self.inner.reserve;
        self.pass("retention", |partition| {
            reserve.make_room(|| partition.apply_retention(now_ms()).map(drop))
        });
        reserve.refill();
    }

    fn compaction_pass(&self) {
        self.pass("compaction", |partition| partition.compact(now_ms(), false).map(drop));
    }

    fn pass(&self, what: &str, work: impl Fn(&Partition) -> Result<()>) {
        for topic in self.all_topics() {
            for partition in topic.online() {
                if self.is_closing() {
                    return;
                }
                match work(partition) {
                    // Closed or deleted meanwhile, or said already.
                    Ok(()) | Err(BrokerError::Closed | BrokerError::ReadOnly(_)) => {}
                    Err(BrokerError::Log(logscope::Error::Poisoned)) => {}
                    Err(error) => {
                        tracing::error!(partition = %partition.name(), "{what} failed: {error}");
                    }
                }
            }
        }
    }

    /// Applies retention to a partition now, and returns the segments that it deleted.
    ///
    /// # Errors
    /// If the partition is not there, or offline, or the storage fails.
    pub async fn apply_retention(&self, of: &TopicPartition) -> Result<Vec<SegmentInfo>> {
        let partition = self.partition(of)?;
        let broker = self.clone();
        blocking(move || broker.inner.reserve.make_room(|| partition.apply_retention(now_ms()))).await
    }

    /// Compacts a partition now. `None` if there is nothing to do, or the topic is not compacted.
    ///
    /// # Errors
    /// As [`apply_retention`](Self::apply_retention).
    pub async fn compact(&self, of: &TopicPartition) -> Result<Option<CompactionReport>> {
        let partition = self.partition(of)?;
        blocking(move || partition.compact(now_ms(), true)).await
    }

    /// Deletes the records below an offset, and returns the new log start offset: Kafka's `DeleteRecords`.
    ///
    /// # Errors
    /// An offset beyond the high watermark is out of range; otherwise as [`apply_retention`](Self::apply_retention).
    pub async fn delete_records_before(&self, of: &TopicPartition, offset: u64) -> Result<u64> {
        let partition = self.partition(of)?;
        if self.known_topic(&of.topic)?.is_internal() {
            return Err(BrokerError::InternalTopic(of.topic.clone()));
        }
        let broker = self.clone();
        let delete = move || partition.with_log(|log| log.delete_records_before(offset));
        blocking(move || broker.inner.reserve.make_room(delete)).await
    }

    /// Makes all records of a partition durable, and returns the new high watermark.
    ///
    /// # Errors
    /// As [`apply_retention`](Self::apply_retention).
    pub async fn flush(&self, of: &TopicPartition) -> Result<u64> {
        let partition = self.partition(of)?;
        blocking(move || partition.flush()).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::broker::BrokerConfig;

    #[tokio::test]
    async fn a_pass_that_panics_is_not_the_last_one() {
        static PASSES: AtomicUsize = AtomicUsize::new(0);
        fn pass(broker: &Broker) {
            match PASSES.fetch_add(1, Ordering::Relaxed) {
                0 => panic!("the first one breaks off, which is what this test is about"),
                _ => broker.begin_close(),
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let broker = Broker::open(dir.path(), BrokerConfig::default()).unwrap();
        repeat(Arc::downgrade(&broker.inner), Duration::from_millis(1), pass).await;
        assert!(broker.is_closing(), "there was a second one");
    }
}
