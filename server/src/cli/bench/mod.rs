//! `logscope bench`: how fast a broker is over real sockets, and whether it loses nothing meanwhile.
//!
//! | file | holds |
//! | --- | --- |
//! | `mod` | the command: a topic comes, is worked on, and goes |
//! | `work` | what a connection asks: a producer, a fetcher |
//! | `gate` | every record that was acknowledged is read back, once, under its offset |
//! | `figures` | throughput and latencies, as they are printed |
//!
//! Invariant: no figure without its gate. What was produced is read back before anything is printed.

mod figures;
mod gate;
mod work;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::ValueEnum;
use indicatif::ProgressBar;
use logscope::topic::TopicName;
use logscope_load::{LoadError, Target, drive};

use super::Outcome;
use super::client::{Client, Server};
use super::output::{Format, json_line, progress_bar};
use super::topics;
use figures::Figures;
use work::{Fetcher, Producer};

/// A log to be fetched from is filled with batches of so many records.
const FILL_BATCH: u32 = 100;

/// Measure how fast a broker takes records, and gives them out
///
/// Works on a topic of its own, which is deleted in the end. Each connection has one request under way. Before any
/// figure is printed, every record is read back: each must be there once, under the offset that was acknowledged.
/// The client works on one processor; on the broker's own machine it takes that from the broker.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  logscope bench
  logscope bench produce --connections 64 --acks 1
  logscope bench produce --batch 100 --size 1024 --partitions 4
  logscope bench fetch --fetch-bytes 1048576 --raw --format json
  logscope bench mixed --connections 32 --records 1000000")]
pub(super) struct Bench {
    /// What to measure
    #[arg(value_enum, default_value_t = What::Mixed)]
    what: What,
    /// The topic to create; it must not exist [default: bench- and the time]
    #[arg(long)]
    topic: Option<TopicName>,
    /// Leave the topic in place
    #[arg(long)]
    keep: bool,
    /// Partitions of the topic
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    partitions: u32,
    /// One of Kafka's topic configs for it; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = topics::key_value)]
    config: Vec<(String, String)>,
    /// Connections at the same time; with mixed, half of them produce
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// Records to produce, or to fetch
    #[arg(long, value_name = "N", default_value_t = 100_000,
          value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    records: u64,
    /// Bytes of each payload
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(16..=1_000_000))]
    size: u32,
    /// Records a request
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch: u32,
    /// When the broker answers: when the records are on disk (all), when they are in the log (1), or at once (0)
    #[arg(long, default_value = "all", value_parser = ["all", "1", "0"])]
    acks: String,
    /// Bytes of batches to ask for at once
    #[arg(long, value_name = "N", default_value_t = 64 << 10,
          value_parser = clap::value_parser!(u64).range(1..=50 << 20))]
    fetch_bytes: u64,
    /// Fetch raw record batches instead of JSON
    #[arg(long)]
    raw: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Only produce
    Produce,
    /// Fill a log, and then fetch from it
    Fetch,
    /// Produce on half of the connections, and fetch the same on the others
    Mixed,
}

impl Bench {
    pub(super) fn run(&self) -> Outcome {
        let (client, target) = (self.server.client()?, self.server.target()?);
        let topic = self.topic_name()?;
        client.create_topic(&topic, Some(self.partitions), &topics::configs(&self.config)?)?;
        let measured = self.measure(&client, &target, &topic);
        if !self.keep {
            let deleted = client.delete_topic(&topic);
            // Where both fail, the first failure is the one to tell of.
            if measured.is_ok() {
                deleted?;
            }
        }
        let figures = measured?;
        let mut out = io::stdout().lock();
        match self.format {
            Format::Json => figures.iter().try_for_each(|figures| json_line(&mut out, figures))?,
            Format::Text => {
                figures.iter().try_for_each(|figures| figures.print(&mut out))?;
                writeln!(out, "every record was read back once, under its offset")?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn topic_name(&self) -> Result<TopicName, Box<dyn Error>> {
        match &self.topic {
            Some(topic) => Ok(topic.clone()),
            None => {
                let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Ok(format!("bench-{}", since_epoch.as_micros()).parse()?)
            }
        }
    }

    fn measure(
        &self,
        client: &Client,
        target: &Target,
        topic: &TopicName,
    ) -> Result<Vec<Figures>, Box<dyn Error>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let bar = progress_bar(self.records, "{msg} {bar:40} {human_pos} of {human_len} records, {eta} left");
        let figures = match self.what {
            What::Produce => {
                let producers = self.producers(target, topic, self.connections, self.batch, &self.acks, &bar);
                let (producers, timing) = runtime.block_on(drive(target, producers))?;
                self.gate(client, topic, &producers, &bar)?;
                vec![Figures::of_producers(&producers, &timing)]
            }
            What::Fetch => {
                let connections = self.connections.min(16);
                let producers = self.producers(target, topic, connections, FILL_BATCH, "1", &bar);
                let (producers, _) = runtime.block_on(drive(target, producers))?;
                self.gate(client, topic, &producers, &bar)?;
                begin(&bar, "fetching");
                let fetchers = self.fetchers(target, topic, &producers, &bar);
                let (fetchers, timing) = runtime.block_on(drive(target, fetchers))?;
                vec![Figures::of_fetchers(&fetchers, &timing)]
            }
            What::Mixed => {
                let count = self.connections.div_ceil(2);
                let producers = self.producers(target, topic, count, self.batch, &self.acks, &bar);
                let fetchers = self.tails(target, topic, &producers);
                let both = async { tokio::try_join!(drive(target, producers), drive(target, fetchers)) };
                let ((producers, producing), (fetchers, fetching)): (_, _) =
                    runtime.block_on(both).map_err(|error: LoadError| error)?;
                self.gate(client, topic, &producers, &bar)?;
                vec![
                    Figures::of_producers(&producers, &producing),
                    Figures::of_fetchers(&fetchers, &fetching),
                ]
            }
        };
        bar.finish_and_clear();
        Ok(figures)
    }

    fn gate(
        &self,
        client: &Client,
        topic: &TopicName,
        producers: &[Producer],
        bar: &ProgressBar,
    ) -> Result<(), Box<dyn Error>> {
        begin(bar, "reading back");
        gate::read_back(client, topic, self.partitions, producers, bar)
            .map_err(|error| format!("the gate is shut: {error}").into())
    }

    /// Producers that share the records among them.
    fn producers(
        &self,
        target: &Target,
        topic: &TopicName,
        connections: u32,
        batch: u32,
        acks: &str,
        bar: &ProgressBar,
    ) -> Vec<Producer> {
        begin(bar, "producing");
        let left = Arc::new(AtomicUsize::new(connections as usize));
        let path = format!("/topics/{topic}/records?acks={acks}");
        let producer = |connection| Producer {
            target: target.clone(),
            path: path.clone(),
            connection,
            batch: batch.into(),
            size: self.size as usize,
            records: share(self.records, connections, connection),
            acknowledged: Vec::new(),
            body: Vec::new(),
            left: Arc::clone(&left),
            bar: bar.clone(),
        };
        (0..connections).map(producer).collect()
    }

    /// Fetchers that begin all over the log, and go through it from there.
    fn fetchers(
        &self,
        target: &Target,
        topic: &TopicName,
        producers: &[Producer],
        bar: &ProgressBar,
    ) -> Vec<Fetcher> {
        let mut ends = vec![0; self.partitions as usize];
        for (partition, offset) in producers.iter().flat_map(|producer| &producer.acknowledged) {
            if let Some(end) = ends.get_mut(*partition as usize) {
                *end = (*end).max(offset + 1);
            }
        }
        let filled: Vec<(u32, u64)> = (0..).zip(ends).filter(|(_, end)| *end > 0).collect();
        let fetcher = |connection: u32| {
            let (partition, end) = filled[connection as usize % filled.len()];
            let mut fetcher = self.fetcher(target, topic, partition);
            fetcher.offset = end * u64::from(connection) / u64::from(self.connections);
            fetcher.end = Some(end);
            fetcher.records = share(self.records, self.connections, connection);
            fetcher.bar = bar.clone();
            fetcher
        };
        (0..self.connections).map(fetcher).collect()
    }

    /// Fetchers that follow the producers until those are done.
    fn tails(&self, target: &Target, topic: &TopicName, producers: &[Producer]) -> Vec<Fetcher> {
        let count = (self.connections / 2).max(1);
        let tail = |connection| {
            let mut tail = self.fetcher(target, topic, connection % self.partitions);
            tail.producers_left = producers.first().map(|producer| Arc::clone(&producer.left));
            tail
        };
        (0..count).map(tail).collect()
    }

    fn fetcher(&self, target: &Target, topic: &TopicName, partition: u32) -> Fetcher {
        Fetcher {
            target: target.clone(),
            path: format!("/topics/{topic}/partitions/{partition}/records?max_bytes={}", self.fetch_bytes),
            raw: self.raw,
            offset: 0,
            end: None,
            records: u64::MAX,
            producers_left: None,
            fetched: 0,
            bytes: 0,
            bar: ProgressBar::hidden(),
        }
    }
}

/// How many of `all` the `at`th of `parts` takes; together they take all.
fn share(all: u64, parts: u32, at: u32) -> u64 {
    let (parts, at) = (u64::from(parts), u64::from(at));
    all / parts + u64::from(at < all % parts)
}

fn begin(bar: &ProgressBar, what: &'static str) {
    bar.set_position(0);
    bar.set_message(what);
}

/// Whether the producers that share this have all come to their end.
fn all_done(left: &AtomicUsize) -> bool {
    left.load(Ordering::Acquire) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_make_up_the_whole() {
        for (all, parts) in [(10, 3), (3, 10), (1, 1), (100_000, 64)] {
            let shares: Vec<u64> = (0..parts).map(|at| share(all, parts, at)).collect();
            assert_eq!(shares.iter().sum::<u64>(), all);
            assert!(shares.iter().max().zip(shares.iter().min()).is_some_and(|(max, min)| max - min <= 1));
        }
    }
}
