//! What a reader is told while the writer does something in the middle of its read.

use std::io;
use std::sync::{Arc, Mutex};

use logscope::storage::{File, MemoryFile, MemoryStorage, Storage};
use logscope::{LogConfig, NewRecord, PartitionLog};

const NOW: i64 = 1_767_225_600_000;

type Interruption = Box<dyn FnOnce() + Send>;

/// Memory that runs something, once, before a read of a `.log` file.
#[derive(Clone, Default)]
struct Interrupted {
    inner: MemoryStorage,
    before_read: Arc<Mutex<Option<Interruption>>>,
}

struct InterruptedFile {
    inner: MemoryFile,
    before_read: Option<Arc<Mutex<Option<Interruption>>>>,
}

impl std::fmt::Debug for InterruptedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.fmt(f)
    }
}

impl Storage for Interrupted {
    type File = InterruptedFile;

    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }
    fn open(&self, name: &str) -> io::Result<InterruptedFile> {
        let before_read = name.ends_with(".log").then(|| Arc::clone(&self.before_read));
        Ok(InterruptedFile { inner: self.inner.open(name)?, before_read })
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }
    fn sync_dir(&self) -> io::Result<()> {
        self.inner.sync_dir()
    }
}

impl File for InterruptedFile {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
    fn read_at(&self, position: u64, buf: &mut [u8]) -> io::Result<usize> {
        let interruption = self.before_read.as_ref().and_then(|it| it.lock().expect("no panic").take());
        if let Some(interruption) = interruption {
            interruption();
        }
        self.inner.read_at(position, buf)
    }
    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_at(position, bytes)
    }
    fn truncate(&self, len: u64) -> io::Result<()> {
        self.inner.truncate(len)
    }
    fn sync(&self) -> io::Result<()> {
        self.inner.sync()
    }
}

/// A log of three batches whose last two are cut off, and replaced by ones that are not durable, during a read.
fn read_while_replaced<T>(read: impl FnOnce(&logscope::LogReader<Interrupted>) -> T) -> T {
    let storage = Interrupted::default();
    let (mut log, _) = PartitionLog::open(storage.clone(), LogConfig::default()).expect("it opens");
    for n in 0..3 {
        log.append(&[NewRecord::value(b"old")], NOW + n).expect("it is taken");
    }
    log.flush().expect("it syncs");
    let reader = log.reader();
    *storage.before_read.lock().expect("no panic") = Some(Box::new(move || {
        assert_eq!(log.truncate_to(1).expect("it cuts"), 1);
        for n in 1..3 {
            log.append(&[NewRecord::value(b"new")], NOW + n).expect("it is taken");
        }
        assert_eq!(log.high_watermark(), 1);
    }));
    read(&reader)
}

#[test]
fn a_fetch_shows_nothing_that_took_the_place_of_what_was_cut() {
    let fetched = read_while_replaced(|reader| reader.fetch(0, 1000).expect("it is answered"));
    let values: Vec<_> = fetched.records().map(|record| record.expect("a record").value).collect();
    assert_eq!((values, fetched.next_offset), (vec![Some(&b"old"[..])], 1));
}

#[test]
fn a_look_up_by_time_finds_nothing_that_took_the_place_of_what_was_cut() {
    let found = read_while_replaced(|reader| reader.offset_for_timestamp(NOW + 1).expect("it is answered"));
    assert_eq!(found, None);
}
