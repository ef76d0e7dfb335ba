//! Appends, fetches and recovery of a log in a directory, each beside its floors.

use std::cell::LazyCell;
use std::fs::{self, File};
use std::hint::black_box;
use std::time::Duration;

use anyhow::Result;
use criterion::{criterion_group, criterion_main};
use logscope::PartitionLog;
use logscope::storage::FsStorage;
use tempfile::TempDir;

use logscope_benches::floor::{self, Writes};
use logscope_benches::ours::{self, Ours};
use logscope_benches::theirs::Theirs;
use logscope_benches::{
    Bencher, Clock, Contender, Criterion, RecordSet, compare, random_below, timed_appends,
};

/// How many records the large logs hold: in batches of 100 × 100 bytes they fill 1 GiB.
const MANY: usize = 10_000_000;

fn appends(criterion: &mut Criterion) {
    for (count, size, group) in [
        (1, 100, "append-1x100"),
        (100, 100, "append-100x100"),
        (1000, 100, "append-1000x100"),
        (1000, 1024, "append-1000x1024"),
    ] {
        append(criterion, group, &RecordSet::new(count, size));
    }
}

fn append(criterion: &mut Criterion, group: &str, records: &RecordSet) {
    let borrowed = ours::borrow(records);
    let gate = LazyCell::new(|| {
        Ours::filled(records, 1000)?.gate(records)?;
        Theirs::filled(records, 1000)?.gate(records)
    });
    let logscope = |bencher: &mut Bencher<'_>| {
        sound(&gate);
        let append = |ours: &mut Ours| {
            black_box(ours.log.append(&borrowed, ours::NOW_MS)?);
            Ok(())
        };
        bencher
            .iter_custom(|iterations| timed_appends(clock(), iterations, records.bytes(), Ours::new, append));
    };
    let commitlog = |bencher: &mut Bencher<'_>| {
        sound(&gate);
        let append = |theirs: &mut Theirs| theirs.append(records);
        bencher.iter_custom(|iterations| {
            timed_appends(clock(), iterations, records.bytes(), Theirs::new, append)
        });
    };
    let contenders: Vec<Contender<'_>> =
        vec![("logscope", Box::new(logscope)), ("commitlog", Box::new(commitlog))];
    compare(criterion, group, records.len() as u64, contenders);
}

fn append_encoded(criterion: &mut Criterion) {
    let records = RecordSet::new(100, 100);
    let encoded = ours::encode(&records);
    let gate = LazyCell::new(|| {
        let (mut ours, mut batch) = (Ours::new()?, encoded.clone());
        for _ in 0..1000 {
            ours.log.append_batch(&mut batch, ours::NOW_MS)?;
        }
        ours.gate(&records)?;
        floor::gate(&encoded)
    });
    let logscope = |bencher: &mut Bencher<'_>| {
        sound(&gate);
        let mut batch = encoded.clone();
        let mut append = |ours: &mut Ours| {
            black_box(ours.log.append_batch(&mut batch, ours::NOW_MS)?);
            Ok(())
        };
        bencher.iter_custom(|iterations| {
            timed_appends(clock(), iterations, encoded.len(), Ours::new, &mut append)
        });
    };
    let write = |bencher: &mut Bencher<'_>| {
        sound(&gate);
        let append = |writes: &mut Writes| writes.append(&encoded);
        bencher
            .iter_custom(|iterations| timed_appends(clock(), iterations, encoded.len(), Writes::new, append));
    };
    let contenders: Vec<Contender<'_>> = vec![("logscope", Box::new(logscope)), ("write", Box::new(write))];
    compare(criterion, "append-encoded-100x100", records.len() as u64, contenders);
}

/// The native half of a pair: `cargo xtask bench` has Chromium do the same.
fn append_in_memory(criterion: &mut Criterion) {
    let gate = LazyCell::new(logscope_bench_page::gate);
    let native = |bencher: &mut Bencher<'_>| {
        LazyCell::force(&gate);
        bencher.iter(|| logscope_bench_page::fill(1));
    };
    compare(
        criterion,
        "wasm-100x100",
        logscope_bench_page::fill(1).into(),
        vec![("native", Box::new(native))],
    );
}

/// Logs of `MANY` records, in batches of `count`, made when they are first needed.
struct Large<'a> {
    ours: LazyCell<Ours, Box<dyn FnOnce() -> Ours + 'a>>,
    theirs: LazyCell<Theirs, Box<dyn FnOnce() -> Theirs + 'a>>,
}

impl<'a> Large<'a> {
    fn new(records: &'a RecordSet) -> Large<'a> {
        let batches = MANY / records.len();
        let ours = move || {
            let mut ours = must(Ours::filled(records, batches));
            must(ours.gate(records));
            ours
        };
        let theirs = move || {
            let theirs = must(Theirs::filled(records, batches));
            must(theirs.gate(records));
            theirs
        };
        Large { ours: LazyCell::new(Box::new(ours)), theirs: LazyCell::new(Box::new(theirs)) }
    }
}

fn fetches(criterion: &mut Criterion) {
    let records = RecordSet::new(100, 100);
    let large = Large::new(&records);
    for (max_bytes, group) in [(64 << 10, "fetch-64KiB"), (1 << 20, "fetch-1MiB")] {
        sequential(criterion, group, &large, max_bytes);
    }
    iterate(criterion, &large);
    recover(criterion, &large);
}

/// One pass is over a quarter of the log.
const PASS: u64 = MANY as u64 / 4;

fn sequential(criterion: &mut Criterion, group: &str, large: &Large<'_>, max_bytes: usize) {
    let logscope = |bencher: &mut Bencher<'_>| {
        let reader = large.ours.log.reader();
        bencher.iter(|| must(ours::fetch_all(&reader, PASS, max_bytes as u64)));
    };
    let commitlog = |bencher: &mut Bencher<'_>| {
        let theirs = &large.theirs;
        bencher.iter(|| must(theirs.read_all(PASS, max_bytes)));
    };
    let contenders: Vec<Contender<'_>> = vec![
        ("logscope", Box::new(logscope)),
        ("commitlog", Box::new(commitlog)),
        ("pread-crc", Box::new(pass_of_preads(large, max_bytes))),
    ];
    compare(criterion, group, PASS, contenders);
}

fn iterate(criterion: &mut Criterion, large: &Large<'_>) {
    let logscope = |bencher: &mut Bencher<'_>| {
        let reader = large.ours.log.reader();
        bencher.iter(|| must(ours::iterate_all(&reader, PASS, 1 << 20)));
    };
    let contenders: Vec<Contender<'_>> =
        vec![("logscope", Box::new(logscope)), ("pread-crc", Box::new(pass_of_preads(large, 1 << 20)))];
    compare(criterion, "iterate-100x100", PASS, contenders);
}

/// The bytes that a pass fetches, by nothing but `pread` and a checksum.
fn pass_of_preads<'a>(large: &'a Large<'_>, chunk: usize) -> impl FnMut(&mut Bencher<'_>) + 'a {
    move |bencher| {
        let size = must(ours::fetch_all(&large.ours.log.reader(), PASS, 1 << 20));
        let file = must(File::open(large.ours.log_file()));
        let mut buffer = vec![0; chunk];
        bencher.iter(|| must(floor::read_and_sum(&file, size, &mut buffer)));
    }
}

fn recover(criterion: &mut Criterion, large: &Large<'_>) {
    let logscope = |bencher: &mut Bencher<'_>| {
        // A second log on the same folder is fine as long as nobody writes.
        let folder = large.ours.folder();
        bencher.iter_custom(|iterations| {
            let mut elapsed = Duration::ZERO;
            for _ in 0..iterations {
                // Without it nothing is known to be good, and everything is scanned.
                let _ = fs::remove_file(folder.join("checkpoint"));
                let storage = must(FsStorage::open(folder));
                let start = clock().now();
                let (log, report) = must(PartitionLog::open(storage, ours::config()));
                elapsed += start.elapsed();
                assert_eq!(report.batches, large.ours.log.log_end_offset() / 100, "all of it is scanned");
                drop(log);
            }
            elapsed
        });
    };
    let floor = |bencher: &mut Bencher<'_>| {
        let file = must(File::open(large.ours.log_file()));
        let size = must(file.metadata()).len();
        let mut buffer = vec![0; 1 << 20];
        bencher.iter(|| must(floor::read_and_sum(&file, size, &mut buffer)));
    };
    let contenders: Vec<Contender<'_>> =
        vec![("logscope", Box::new(logscope)), ("pread-crc", Box::new(floor))];
    compare(criterion, "recovery-1GiB", MANY as u64, contenders);
}

/// Opening a log that was closed in good order must not depend on how much is in it.
fn openings(criterion: &mut Criterion) {
    let records = RecordSet::new(100, 100);
    let closed = |batches| {
        let mut ours = must(Ours::filled(&records, batches));
        must(ours.gate(&records));
        must(ours.close())
    };
    // 1 MiB, and 4 GiB.
    let small = LazyCell::new(|| closed(100));
    let large = LazyCell::new(|| closed(4 * MANY / 100));
    let open = |bencher: &mut Bencher<'_>, folder: &TempDir| {
        bencher.iter_custom(|iterations| {
            let mut elapsed = Duration::ZERO;
            for _ in 0..iterations {
                let storage = must(FsStorage::open(folder.path()));
                let start = clock().now();
                let (log, report) = must(PartitionLog::open(storage, ours::config()));
                elapsed += start.elapsed();
                assert_eq!(report.batches, 0, "nothing is scanned");
                must(log.close());
            }
            elapsed
        });
    };
    let contenders: Vec<Contender<'_>> = vec![
        ("logscope", Box::new(|bencher: &mut Bencher<'_>| open(bencher, &large))),
        ("small", Box::new(|bencher: &mut Bencher<'_>| open(bencher, &small))),
    ];
    compare(criterion, "open", 1, contenders);
}

/// Batches that fill 4 KiB, ones that several of fit, and single records.
fn random_fetches(criterion: &mut Criterion) {
    for (count, group) in [(36, "random-4KiB-36x100"), (10, "random-4KiB-10x100"), (1, "random-4KiB-1x100")] {
        let records = RecordSet::new(count, 100);
        random(criterion, group, &Large::new(&records));
    }
}

fn random(criterion: &mut Criterion, group: &str, large: &Large<'_>) {
    const SIZE: usize = 4 << 10;
    let logscope = |bencher: &mut Bencher<'_>| {
        let reader = large.ours.log.reader();
        let mut offsets = random_below(reader.log_end_offset(), 1 << 16).into_iter().cycle();
        bencher.iter(|| reader.fetch(offsets.next().unwrap_or(0), SIZE as u64));
    };
    let commitlog = |bencher: &mut Bencher<'_>| {
        let theirs = &large.theirs;
        let mut offsets = random_below(theirs.log.next_offset(), 1 << 16).into_iter().cycle();
        bencher.iter(|| theirs.read(offsets.next().unwrap_or(0), SIZE).map(drop));
    };
    let pread = |bencher: &mut Bencher<'_>| {
        let file = must(File::open(large.ours.log_file()));
        let size = must(file.metadata()).len();
        let mut positions = random_below(size - SIZE as u64, 1 << 16).into_iter().cycle();
        let mut buffer = vec![0; SIZE];
        bencher.iter(|| {
            must(floor::read_at(&file, positions.next().unwrap_or(0), &mut buffer));
            black_box(&buffer);
        });
    };
    let contenders: Vec<Contender<'_>> = vec![
        ("logscope", Box::new(logscope)),
        ("commitlog", Box::new(commitlog)),
        ("pread", Box::new(pread)),
    ];
    compare(criterion, group, 1, contenders);
}

fn clock() -> Clock {
    Clock::from_environment()
}

/// A bench that failed has no figure, and criterion has no way to be told.
fn must<T, E: Into<anyhow::Error>>(result: Result<T, E>) -> T {
    result.map_err(Into::into).unwrap_or_else(|error| panic!("the bench cannot go on: {error:#}"))
}

fn sound(gate: &Result<()>) {
    if let Err(error) = gate {
        panic!("the gate is shut: {error:#}");
    }
}

criterion_group! {
    name = benches;
    config = criterion::Criterion::default().with_measurement(clock());
    targets = appends, append_encoded, append_in_memory, fetches, random_fetches, openings
}
criterion_main!(benches);
