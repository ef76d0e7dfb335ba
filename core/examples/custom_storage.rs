//! A storage of your own: one that stands before another and counts, to see what a log costs.
//!
//! ```text
//! cargo run -p logscope --example custom_storage
//! ```
//!
//! The promises that a backend has to keep are on [`logscope::Storage`]; this one keeps them by passing every call
//! on. A backend from scratch needs the same ten methods: `MemoryStorage` is the shortest to learn from.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use logscope::{Error, File, LogConfig, MemoryStorage, NewRecord, PartitionLog, Storage};

/// What has happened so far.
#[derive(Debug, Default)]
struct Meter {
    bytes_written: AtomicU64,
    writes: AtomicU64,
    syncs: AtomicU64,
}

/// Counts what goes through it.
#[derive(Debug, Clone)]
struct Metered<S> {
    inner: S,
    meter: Arc<Meter>,
}

#[derive(Debug)]
struct MeteredFile<F> {
    inner: F,
    meter: Arc<Meter>,
}

impl<S: Storage> Storage for Metered<S> {
    type File = MeteredFile<S::File>;

    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }

    fn open(&self, name: &str) -> io::Result<Self::File> {
        Ok(MeteredFile { inner: self.inner.open(name)?, meter: Arc::clone(&self.meter) })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.meter.syncs.fetch_add(1, Ordering::Relaxed);
        self.inner.sync_dir()
    }
}

impl<F: File> File for MeteredFile<F> {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn read_at(&self, position: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.inner.read_at(position, buf)
    }

    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.meter.writes.fetch_add(1, Ordering::Relaxed);
        self.meter.bytes_written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.inner.write_at(position, bytes)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.inner.truncate(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.meter.syncs.fetch_add(1, Ordering::Relaxed);
        self.inner.sync()
    }
}

fn main() -> Result<(), Error> {
    let meter = Arc::new(Meter::default());
    let storage = Metered { inner: MemoryStorage::new(), meter: Arc::clone(&meter) };
    let config = LogConfig { segment_bytes: 1 << 16, ..LogConfig::default() };
    let (mut log, _) = PartitionLog::open(storage, config)?;

    let payload = [7; 100];
    for now_ms in 0..10_000 {
        log.append(&[NewRecord::value(&payload)], now_ms)?;
    }
    log.close()?;

    let (written, writes) =
        (meter.bytes_written.load(Ordering::Relaxed), meter.writes.load(Ordering::Relaxed));
    let payloads = 10_000 * payload.len() as u64;
    println!("10,000 records of 100 bytes took {writes} writes of {written} bytes in all");
    println!("that is {:.2} bytes written a byte of payload", written as f64 / payloads as f64);
    println!("and {} syncs, most of them by rolling", meter.syncs.load(Ordering::Relaxed));
    assert!(written > payloads);
    Ok(())
}

#[test]
fn it_runs() {
    main().expect("the example works");
}
