//! Throughput and latencies, as they are printed.

use std::io::{self, Write};

use logscope_load::Timing;
use serde::Serialize;

use super::super::output::count;
use super::work::{Fetcher, Producer};

/// What some connections did together.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    what: &'static str,
    connections: usize,
    requests: u64,
    records: u64,
    /// Of payloads where records were produced, and of answers where they were fetched.
    bytes: u64,
    seconds: f64,
    requests_per_second: f64,
    records_per_second: f64,
    mebibytes_per_second: f64,
    latency_ms: Latencies,
}

#[derive(Debug, Serialize)]
struct Latencies {
    p50: f64,
    p90: f64,
    p99: f64,
    p999: f64,
    max: f64,
}

impl Figures {
    pub(super) fn of_producers(producers: &[Producer], timing: &Timing) -> Self {
        let records = producers.iter().map(|producer| producer.acknowledged.len() as u64);
        let bytes = producers.iter().map(|it| it.acknowledged.len() as u64 * it.size as u64).sum();
        Self::new("produce", producers.len(), records.sum(), bytes, timing)
    }

    pub(super) fn of_fetchers(fetchers: &[Fetcher], timing: &Timing) -> Self {
        let records = fetchers.iter().map(|fetcher| fetcher.fetched).sum();
        let bytes = fetchers.iter().map(|fetcher| fetcher.bytes).sum();
        Self::new("fetch", fetchers.len(), records, bytes, timing)
    }

    fn new(what: &'static str, connections: usize, records: u64, bytes: u64, timing: &Timing) -> Self {
        // A clock that shows no difference is no reason to divide by nothing.
        let seconds = timing.elapsed.as_secs_f64().max(1e-9);
        let latency = |percentile| timing.latency.percentile_ms(percentile);
        Self {
            what,
            connections,
            requests: timing.latency.count(),
            records,
            bytes,
            seconds,
            requests_per_second: timing.latency.count() as f64 / seconds,
            records_per_second: records as f64 / seconds,
            mebibytes_per_second: bytes as f64 / f64::from(1 << 20) / seconds,
            latency_ms: Latencies {
                p50: latency(50.0),
                p90: latency(90.0),
                p99: latency(99.0),
                p999: latency(99.9),
                max: timing.latency.max_ms(),
            },
        }
    }

    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let Self { what, connections, requests, records, seconds, .. } = self;
        let connections = count(*connections, "connection");
        writeln!(
            out,
            "{what}: {records} records in {requests} requests over {connections} in {seconds:.2} s"
        )?;
        writeln!(
            out,
            "  {:.0} requests/s  {:.0} records/s  {:.1} MiB/s",
            self.requests_per_second, self.records_per_second, self.mebibytes_per_second
        )?;
        let Latencies { p50, p90, p99, p999, max } = &self.latency_ms;
        writeln!(
            out,
            "  latency in ms: p50 {p50:.3}  p90 {p90:.3}  p99 {p99:.3}  p99.9 {p999:.3}  max {max:.3}"
        )
    }
}
