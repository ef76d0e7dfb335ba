//! What a broker counts, in Prometheus' terms. All names begin with `logscope_`.
//!
//! Counters and histograms are counted up where things happen; what can be read off the logs (offsets, sizes, lag) is
//! read when somebody asks.

use std::fmt;
use std::sync::Mutex;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// The counts of one topic.
#[derive(Debug, Clone)]
pub(super) struct TopicMetrics {
    pub(super) records_in: Counter,
    pub(super) bytes_in: Counter,
    pub(super) bytes_out: Counter,
}

/// What happens on the way to the disk, in all partitions.
#[derive(Debug, Clone)]
pub(super) struct LogMetrics {
    pub(super) sync_seconds: Histogram,
    pub(super) sync_failures: Counter,
    pub(super) disk_full: Counter,
    /// Batches that one sync made durable.
    pub(super) group_commit_batches: Histogram,
    pub(super) segments_deleted: Counter,
    pub(super) compactions: Counter,
    pub(super) records_compacted: Counter,
}

/// What opening the data directory took and did.
#[derive(Debug, Clone, Default)]
pub(super) struct RecoveryMetrics {
    pub(super) seconds: Gauge<f64, std::sync::atomic::AtomicU64>,
    pub(super) bytes: Counter,
    pub(super) tails_cut: Counter,
    pub(super) bytes_cut: Counter,
    pub(super) indexes_rebuilt: Counter,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TopicLabel {
    topic: String,
}

/// A broker's metrics, and those of whoever serves it.
pub struct Metrics {
    registry: Mutex<Registry>,
    topics: [Family<TopicLabel, Counter>; 3],
    pub(super) log: LogMetrics,
    pub(super) recovery: RecoveryMetrics,
    pub(super) waiting_fetches: Gauge,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("logscope");
        let topics: [Family<TopicLabel, Counter>; 3] = Default::default();
        let [records_in, bytes_in, bytes_out] = topics.clone();
        registry.register("records_in", "Records appended", records_in);
        registry.register_with_unit("batches_in", "Bytes of record batches appended", Unit::Bytes, bytes_in);
        registry.register_with_unit("batches_out", "Bytes of record batches fetched", Unit::Bytes, bytes_out);
        let metrics = Self {
            topics,
            log: LogMetrics {
                sync_seconds: Histogram::new(exponential_buckets(0.000_05, 2.0, 16)),
                sync_failures: Counter::default(),
                disk_full: Counter::default(),
                group_commit_batches: Histogram::new(exponential_buckets(1.0, 2.0, 12)),
                segments_deleted: Counter::default(),
                compactions: Counter::default(),
                records_compacted: Counter::default(),
            },
            recovery: RecoveryMetrics::default(),
            waiting_fetches: Gauge::default(),
            registry: Mutex::new(registry),
        };
        metrics.register_log();
        metrics.register_recovery();
        metrics
    }
}

impl Metrics {
    fn register_log(&self) {
        let LogMetrics {
            sync_seconds,
            sync_failures,
            disk_full,
            group_commit_batches,
            segments_deleted,
            compactions,
            records_compacted,
        } = self.log.clone();
        let waiting_fetches = self.waiting_fetches.clone();
        self.register(|registry| {
            let help = "Time that a sync to disk took";
            registry.register_with_unit("sync", help, Unit::Seconds, sync_seconds);
            let help = "Syncs to disk that failed; each makes a partition read-only";
            registry.register("sync_failures", help, sync_failures);
            let help = "Appends that found the disk full; each makes a partition read-only for a second";
            registry.register("disk_full", help, disk_full);
            let help = "Record batches that one sync made durable";
            registry.register("group_commit_batches", help, group_commit_batches);
            let help = "Segments that retention deleted";
            registry.register("segments_deleted", help, segments_deleted);
            registry.register("compactions", "Compactions that changed something", compactions);
            registry.register("records_compacted", "Records that compaction removed", records_compacted);
            registry.register("waiting_fetches", "Fetches that wait for records now", waiting_fetches);
        });
    }

    fn register_recovery(&self) {
        let RecoveryMetrics { seconds, bytes, tails_cut, bytes_cut, indexes_rebuilt } = self.recovery.clone();
        self.register(|registry| {
            let recovery = registry.sub_registry_with_prefix("recovery");
            recovery.register_with_unit("duration", "Time that the last start took", Unit::Seconds, seconds);
            let help = "Bytes of record batches that the last start checked";
            recovery.register_with_unit("scanned", help, Unit::Bytes, bytes);
            recovery.register("tails_cut", "Torn tails that the last start cut off", tails_cut);
            recovery.register_with_unit("cut", "Bytes of torn tails", Unit::Bytes, bytes_cut);
            let help = "Index files that the last start wrote anew";
            recovery.register("indexes_rebuilt", help, indexes_rebuilt);
        });
    }

    /// Adds metrics of somebody else's, under the prefix `logscope_`.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        if let Ok(mut registry) = self.registry.lock() {
            add(&mut registry);
        }
    }

    /// All metrics in the text format of OpenMetrics.
    ///
    /// # Errors
    /// None that is known.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        let registry = self.registry.lock().map_err(|_| fmt::Error)?;
        encode(&mut text, &registry)?;
        Ok(text)
    }

    pub(super) fn topic(&self, topic: &str) -> TopicMetrics {
        let label = TopicLabel { topic: topic.to_owned() };
        let [records_in, bytes_in, bytes_out] =
            self.topics.each_ref().map(|family| family.get_or_create(&label).clone());
        TopicMetrics { records_in, bytes_in, bytes_out }
    }

    /// A topic that is deleted is counted no more.
    pub(super) fn forget_topic(&self, topic: &str) {
        let label = TopicLabel { topic: topic.to_owned() };
        for family in &self.topics {
            family.remove(&label);
        }
    }
}

/// What is read off the logs when somebody asks.
pub(super) struct Reading {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) values: Vec<(Vec<(&'static str, String)>, i64)>,
}

/// Asks a broker, as long as it is there.
pub(super) struct Readings<F>(pub(super) F);

impl<F> fmt::Debug for Readings<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Readings")
    }
}

impl<F: Fn() -> Vec<Reading> + Send + Sync + 'static> Collector for Readings<F> {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        for Reading { name, help, values } in (self.0)() {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (labels, value) in values {
                ConstGauge::new(value).encode(metric.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}
