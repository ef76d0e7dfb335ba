//! How contenders take turns under criterion.

use std::time::Duration;

use anyhow::Result;
use criterion::{BenchmarkId, Throughput};

use crate::Clock;

/// After so many bytes an append goes on in a fresh log: long enough that the change does not show, short enough
/// that the kernel never begins to write back what is about to be deleted.
const BYTES_A_LOG: usize = 64 << 20;

/// A name in the table, and what it has criterion measure.
pub type Contender<'a> = (&'a str, Box<dyn FnMut(&mut Bencher<'_>) + 'a>);

/// Criterion by one of our clocks.
pub type Criterion = criterion::Criterion<Clock>;
/// What measures one contender's turn.
pub type Bencher<'a> = criterion::Bencher<'a, Clock>;

/// Measures the contenders one after the other, round after round. One iteration is good for `elements`, records
/// or whatever the group counts.
///
/// Criterion finds each turn under `GROUP/CONTENDER/ROUND`.
pub fn compare(criterion: &mut Criterion, group: &str, elements: u64, mut contenders: Vec<Contender<'_>>) {
    let quick = std::env::var_os("LOGSCOPE_BENCH_QUICK").is_some();
    let (rounds, warm_up, measurement) = if quick { (1, 200, 500) } else { (7, 200, 800) };
    let mut group = criterion.benchmark_group(group);
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(warm_up))
        .measurement_time(Duration::from_millis(measurement))
        .throughput(Throughput::Elements(elements));
    for round in 0..rounds {
        for (name, run) in &mut contenders {
            group.bench_function(BenchmarkId::new(*name, round), |bencher| run(bencher));
        }
    }
    group.finish();
}

/// Times `iterations` appends of `batch_bytes` each, in fresh logs as often as need be. Opening and removing them
/// costs no time.
pub fn timed_appends<L>(
    clock: Clock,
    iterations: u64,
    batch_bytes: usize,
    open: impl Fn() -> Result<L>,
    mut append: impl FnMut(&mut L) -> Result<()>,
) -> Duration {
    let mut left = iterations;
    let mut elapsed = Duration::ZERO;
    while left > 0 {
        let count = left.min((BYTES_A_LOG / batch_bytes) as u64);
        let mut log = sound(open());
        let start = clock.now();
        for _ in 0..count {
            sound(append(&mut log));
        }
        elapsed += start.elapsed();
        left -= count;
    }
    elapsed
}

/// A bench that failed has no figure, and criterion has no way to be told.
fn sound<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("the bench cannot go on: {error:#}"))
}
