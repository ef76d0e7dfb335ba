//! The log on real files, and what becomes of it when files are cut, or the disk refuses.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use logscope::log::{CHECKPOINT_FILE, IndexFault, IndexKind};
use logscope::storage::{Crash, File, FsStorage, JournalStorage, MemoryFile, MemoryStorage, Storage};
use logscope::{Error, LogConfig, NewRecord, PartitionLog};

const NOW: i64 = 1_767_225_600_000;

fn small() -> LogConfig {
    LogConfig { segment_bytes: 700, index_interval_bytes: 150, ..LogConfig::default() }
}

fn payload(n: u64) -> Vec<u8> {
    format!("record {n} ").repeat(n as usize % 7).into_bytes()
}

fn append_all<S: Storage>(log: &mut PartitionLog<S>, count: u64) {
    while log.log_end_offset() < count {
        let first = log.log_end_offset();
        let values: Vec<_> = (first..first + 1 + first % 3).map(payload).collect();
        let records: Vec<_> = values.iter().map(|value| NewRecord::value(value)).collect();
        let appended = log.append(&records, NOW + first as i64).expect("the append is taken");
        assert_eq!(appended.base_offset, first);
    }
}

/// Reads everything from the start, in fetches of all sizes: each offset once, with its payload.
fn read_all<S: Storage>(log: &PartitionLog<S>, max_bytes: u64) -> u64 {
    let mut next = log.log_start_offset();
    while next < log.high_watermark() {
        let fetched = log.fetch(next, max_bytes).expect("the fetch is answered");
        for record in fetched.records() {
            let record = record.expect("the record is whole");
            assert_eq!(record.offset, next);
            assert_eq!(record.value, Some(&payload(next)[..]));
            next += 1;
        }
        assert_eq!(fetched.next_offset, next);
        assert!(!fetched.batches.is_empty(), "a fetch below the high watermark gets on");
    }
    next
}

fn files<S: Storage>(storage: &S) -> BTreeMap<String, Vec<u8>> {
    let read = |name: &str| {
        let file = storage.open(name).expect("the file opens");
        let mut bytes = vec![0; file.len().expect("it has a length") as usize];
        file.read_at(0, &mut bytes).expect("it can be read");
        bytes
    };
    let names = storage.list().expect("the directory can be listed");
    names.into_iter().map(|name| (name.clone(), read(&name))).collect()
}

#[test]
fn the_same_appends_give_the_same_files_on_every_backend() {
    let dir = tempfile::tempdir().expect("a directory");
    let fs = FsStorage::open(dir.path().join("t-0")).expect("it is created");
    let (memory, journal) = (MemoryStorage::new(), JournalStorage::new());
    fn fill<S: Storage>(storage: S) {
        let (mut log, _) = PartitionLog::open(storage, small()).expect("it opens");
        append_all(&mut log, 100);
        log.close().expect("it closes");
    }
    fill(memory.clone());
    fill(journal.clone());
    fill(fs.clone());
    assert!(files(&memory).len() > 10, "several segments");
    assert_eq!(files(&memory), files(&journal));
    assert_eq!(files(&memory), files(&fs));
}

#[test]
fn a_log_on_disk_is_there_again_after_reopening() {
    let dir = tempfile::tempdir().expect("a directory");
    for round in 1..=4u64 {
        let storage = FsStorage::open(dir.path().join("deep/er/t-0")).expect("it is created");
        let (mut log, report) = PartitionLog::open(storage, small()).expect("it opens");
        assert_eq!((report.tail_cut, report.clean), (None, round == 3));
        // Who does not close may leave index entries that were never written.
        let short = |(_, _, fault): &(u64, IndexKind, IndexFault)| matches!(fault, IndexFault::Short { .. });
        assert!(report.rebuilt_indexes.iter().all(|index| !report.clean && short(index)), "{round}");
        assert_eq!(read_all(&log, 1 << 20), log.log_end_offset());
        append_all(&mut log, round * 50);
        log.flush().expect("it syncs");
        for max_bytes in [0, 1, 100, 333, 5000] {
            assert_eq!(read_all(&log, max_bytes), log.log_end_offset());
        }
        // Dropped without closing on every second round.
        if round % 2 == 0 {
            log.close().expect("it closes");
        }
    }
}

/// Cuts the last segment at every byte: what is left is a prefix, the log goes on, and a second recovery finds
/// nothing to do.
#[test]
fn a_tail_cut_at_any_byte_leaves_a_prefix() {
    let whole = MemoryStorage::new();
    let (mut log, _) = PartitionLog::open(whole.clone(), small()).expect("it opens");
    append_all(&mut log, 30);
    // It is not closed, so that the next opening has to look at the last segment.
    log.flush().expect("it flushes");
    drop(log);
    let whole = files(&whole);
    let last = whole.keys().rev().find(|name| name.ends_with(".log")).expect("a segment").clone();

    let mut previous_end = 0;
    for cut in 0..=whole[&last].len() {
        let storage = MemoryStorage::new();
        for (name, bytes) in &whole {
            let len = if *name == last { cut } else { bytes.len() };
            storage.insert(name, bytes[..len].to_vec());
        }
        let (mut log, report) = PartitionLog::open(storage.clone(), small()).expect("it opens");
        let end = read_all(&log, 400);
        assert_eq!(end, log.log_end_offset());
        assert!(end >= previous_end, "a longer file holds no less");
        previous_end = end;
        let whole_batches = log.segments().last().expect("a segment").size;
        assert_eq!(report.tail_cut.is_some(), whole_batches != cut as u64, "cut at {cut}");

        append_all(&mut log, end + 3);
        log.close().expect("it closes");
        let (log, report) = PartitionLog::open(storage, small()).expect("it opens again");
        assert_eq!((report.tail_cut, report.rebuilt_indexes), (None, vec![]));
        assert!(read_all(&log, 400) >= end + 3);
    }
    assert!(previous_end >= 30);
}

/// Without a checkpoint, an opening reads everything.
#[test]
fn damage_in_an_older_segment_is_an_error_and_changes_nothing() {
    damage_each_byte_of_the_first_segment(false);
}

/// With one, it trusts what was closed in good order, and a fetch tells.
#[test]
fn damage_that_an_opening_does_not_look_at_is_found_by_a_fetch() {
    damage_each_byte_of_the_first_segment(true);
}

fn damage_each_byte_of_the_first_segment(checkpoint: bool) {
    let storage = MemoryStorage::new();
    let (mut log, _) = PartitionLog::open(storage.clone(), small()).expect("it opens");
    append_all(&mut log, 60);
    log.close().expect("it closes");
    let mut good = files(&storage);
    if !checkpoint {
        good.remove(CHECKPOINT_FILE);
    }
    let first = "00000000000000000000.log";
    for at in 0..good[first].len() {
        let storage = MemoryStorage::new();
        for (name, bytes) in &good {
            let mut bytes = bytes.clone();
            if name == first {
                bytes[at] ^= 0x80;
            }
            storage.insert(name, bytes);
        }
        let before = files(&storage);
        // The leader epoch, bytes 12 to 15 of a batch, is outside the checksum, and nothing else speaks of it.
        match PartitionLog::open(storage.clone(), small()) {
            Err(Error::Corrupt { file, position, .. }) => {
                // A wrong base offset, which the checksum leaves out, shows when what follows falls behind it.
                let near = file == first && position <= at as u64 + 300;
                let next_file = file != first && position == 0;
                assert!(near || next_file, "byte {at}: {file} at {position}");
                assert_eq!(files(&storage), before);
            }
            Err(error) => panic!("byte {at}: {error}"),
            Ok((log, report)) => {
                assert_eq!(report.scanned_segments.is_empty(), checkpoint, "byte {at}");
                read_all_or_damage(&log, at);
            }
        }
    }
}

/// Reads everything up to damage near byte `at` of the first segment, if there is some to be seen.
fn read_all_or_damage<S: Storage>(log: &PartitionLog<S>, at: usize) {
    let mut next = log.log_start_offset();
    while next < log.high_watermark() {
        let fetched = match log.fetch(next, 1000) {
            Err(Error::Corrupt { position, .. }) => {
                assert!(position <= at as u64 + 300, "byte {at}: damage at {position}");
                return;
            }
            fetched => fetched.expect("there is nothing else to go wrong"),
        };
        for record in fetched.records() {
            let record = record.expect("the record is whole");
            assert_eq!((record.offset, record.value), (next, Some(&payload(next)[..])), "byte {at}");
            next += 1;
        }
    }
}

/// A storage whose writes or syncs fail while a switch is on, and which counts what is read.
#[derive(Debug, Clone, Default)]
struct Failing {
    inner: MemoryStorage,
    writes_fail: Arc<AtomicBool>,
    syncs_fail: Arc<AtomicBool>,
    /// Only index files; the `.log` file beside is opened first.
    index_opens_fail: Arc<AtomicBool>,
    index_writes_fail: Arc<AtomicBool>,
    bytes_read: Arc<AtomicU64>,
    reads: Arc<AtomicU64>,
}

#[derive(Debug)]
struct FailingFile {
    inner: MemoryFile,
    storage: Failing,
    index: bool,
}

fn fail_if(switch: &AtomicBool) -> io::Result<()> {
    match switch.load(Ordering::SeqCst) {
        true => Err(io::ErrorKind::StorageFull.into()),
        false => Ok(()),
    }
}

impl Storage for Failing {
    type File = FailingFile;

    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }
    fn open(&self, name: &str) -> io::Result<FailingFile> {
        let index = name.ends_with(".index");
        if index {
            fail_if(&self.index_opens_fail)?;
        }
        Ok(FailingFile { inner: self.inner.open(name)?, storage: self.clone(), index })
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }
    fn sync_dir(&self) -> io::Result<()> {
        fail_if(&self.syncs_fail)?;
        self.inner.sync_dir()
    }
}

impl File for FailingFile {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
    fn read_at(&self, position: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.storage.bytes_read.fetch_add(buf.len() as u64, Ordering::SeqCst);
        self.storage.reads.fetch_add(1, Ordering::SeqCst);
        self.inner.read_at(position, buf)
    }
    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        let index = if self.index { fail_if(&self.storage.index_writes_fail) } else { Ok(()) };
        if let Err(error) = index.and(fail_if(&self.storage.writes_fail)) {
            // A full disk takes some of it.
            self.inner.write_at(position, &bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        self.inner.write_at(position, bytes)
    }
    fn truncate(&self, len: u64) -> io::Result<()> {
        self.inner.truncate(len)
    }
    fn sync(&self) -> io::Result<()> {
        fail_if(&self.storage.syncs_fail)?;
        self.inner.sync()
    }
}

/// After a clean close there is nothing to look for in the batches before the last index entry, however many there are.
#[test]
fn opening_a_closed_log_reads_no_batches_but_the_last() {
    let storage = Failing::default();
    let (mut log, _) = PartitionLog::open(storage.clone(), LogConfig::default()).expect("it opens");
    for _ in 0..100 {
        log.append(&[NewRecord::value(&[7; 10_000])], NOW).expect("it is taken");
    }
    log.close().expect("it closes");
    storage.bytes_read.store(0, Ordering::SeqCst);
    let (log, report) = PartitionLog::open(storage.clone(), LogConfig::default()).expect("it opens again");
    assert_eq!((log.log_end_offset(), report.batches), (100, 0));
    let read = storage.bytes_read.load(Ordering::SeqCst);
    assert!(read < 50_000, "{read} bytes were read of a log of 1 000 000");
}

/// Where each batch has an index entry, a fetch goes right to the batch that it wants: it reads nothing before it, and
/// all that it returns at once. What stands in the index counts for nothing there if the batch does not agree.
#[test]
fn a_fetch_of_large_batches_reads_once() {
    let storage = Failing::default();
    let (mut log, _) = PartitionLog::open(storage.clone(), LogConfig::default()).expect("it opens");
    for n in 0..20 {
        let value = [n; 10_000];
        log.append(&[NewRecord::value(&value), NewRecord::value(&value)], NOW).expect("it is taken");
    }
    log.flush().expect("it flushes");
    let size = log.segments()[0].size / 20;
    let first = |storage: &Failing, log: &PartitionLog<Failing>, offset: u64| {
        let before = [&storage.reads, &storage.bytes_read].map(|count| count.load(Ordering::SeqCst));
        let fetched = log.fetch(offset, size).expect("it is fetched");
        let record = fetched.records().next().expect("a record").expect("it parses");
        assert_eq!((record.offset, record.value), (offset, Some(&[offset as u8 / 2; 10_000][..])));
        let after = [&storage.reads, &storage.bytes_read].map(|count| count.load(Ordering::SeqCst));
        (after[0] - before[0], after[1] - before[1])
    };
    for offset in 2..38 {
        let (reads, bytes) = first(&storage, &log, offset);
        // A batch's entry names its last offset: who asks for that one is sent there at once.
        assert_eq!(reads, if offset % 2 == 0 { 1 } else { 2 }, "at offset {offset}");
        assert!(bytes <= size + 2 * 61, "{bytes} bytes at offset {offset}");
    }
    assert!(first(&storage, &log, 0).0 > 1, "the first batch has no entry");

    log.close().expect("it closes");
    let (name, closed) = ("00000000000000000000.index", files(&storage));
    for position in 0..closed[name].len() {
        let damaged = Failing::default();
        closed.iter().for_each(|(name, bytes)| damaged.inner.insert(name, bytes.clone()));
        damaged.inner.flip(name, position as u64).expect("it is damaged");
        let (log, _) = PartitionLog::open(damaged.clone(), LogConfig::default()).expect("it opens");
        for offset in 0..40 {
            first(&damaged, &log, offset);
        }
    }
}

/// A roll that gets as far as the new `.log` file, and no further. The old segment must not grow past it.
#[test]
fn a_roll_that_fails_is_finished_by_the_next_append() {
    let storage = Failing::default();
    let (mut log, _) = PartitionLog::open(storage.clone(), small()).expect("it opens");
    log.append(&[NewRecord::value(&[1; 300])], NOW).expect("it is taken");
    storage.index_opens_fail.store(true, Ordering::SeqCst);
    let error = log.append(&[NewRecord::value(&[2; 400])], NOW).expect_err("there is no new segment");
    assert!(matches!(error, Error::Io(_)), "{error}");
    assert!(log.append(&[NewRecord::value(b"small")], NOW).is_err(), "though it would fit the old one");
    storage.index_opens_fail.store(false, Ordering::SeqCst);

    let appended = log.append(&[NewRecord::value(b"small")], NOW).expect("it is taken");
    assert_eq!((appended.base_offset, appended.segment, appended.position), (1, 1, 0));
    log.close().expect("it closes");
    let (log, report) = PartitionLog::open(storage, small()).expect("it opens again");
    assert_eq!((log.log_end_offset(), report.segments), (2, 2));
}

#[test]
fn a_failed_index_write_takes_the_batch_back_too() {
    let storage = Failing::default();
    // Each batch but the first gets an index entry; they are written a few at a time.
    let config = LogConfig { index_interval_bytes: 0, ..LogConfig::default() };
    let (mut log, _) = PartitionLog::open(storage.clone(), config).expect("it opens");
    storage.index_writes_fail.store(true, Ordering::SeqCst);
    for failures in 0..3 {
        let (end, before) = loop {
            let (end, before) = (log.log_end_offset(), files(&storage));
            if log.append(&[NewRecord::value(&[2; 200])], NOW).is_err() {
                break (end, before);
            }
            assert!(end < 100, "the entries wait for ever");
        };
        assert_eq!((log.log_end_offset(), files(&storage)), (end, before));
        assert!(failures == 0 || log.append(&[NewRecord::value(b"small")], NOW).is_err(), "they still wait");
    }
    storage.index_writes_fail.store(false, Ordering::SeqCst);
    let end = log.log_end_offset();
    assert_eq!(log.append(&[NewRecord::value(&[3; 200])], NOW).expect("it is taken").base_offset, end);
    log.close().expect("it closes");
    let index = &files(&storage)["00000000000000000000.index"];
    assert_eq!(index.len() as u64, end * 8, "each entry once");
}

/// The process dies, not the machine: its unsynced writes are still in the page cache. What recovery then shows
/// to readers, a crash of the machine right after must not take.
#[test]
fn what_recovery_found_is_durable() {
    let storage = MemoryStorage::new();
    let (mut log, _) = PartitionLog::open(storage.clone(), LogConfig::default()).expect("it opens");
    append_all(&mut log, 20);
    let end = log.log_end_offset();
    drop(log);
    let (log, _) = PartitionLog::open(storage.clone(), LogConfig::default()).expect("it opens again");
    assert_eq!(log.high_watermark(), end);
    drop(log);
    storage.crash(0);
    let (log, _) = PartitionLog::open(storage, LogConfig::default()).expect("it opens once more");
    assert_eq!(read_all(&log, 500), end);
}

#[test]
fn a_batch_that_just_fits_does_not_roll() {
    let config = LogConfig { segment_bytes: 3 * 168, ..LogConfig::default() };
    let (mut log, _) = PartitionLog::open(MemoryStorage::new(), config).expect("it opens");
    let sizes: Vec<_> =
        (0..4).map(|_| log.append(&[NewRecord::value(&[0; 98])], NOW).expect("it is taken").size).collect();
    assert_eq!(sizes, [168; 4]);
    let segments: Vec<_> = log.segments().iter().map(|segment| (segment.base_offset, segment.size)).collect();
    assert_eq!(segments, [(0, 504), (3, 168)]);
}

#[test]
fn a_config_out_of_range_is_refused() {
    let config = LogConfig { segment_bytes: 3 << 30, ..LogConfig::default() };
    let error = PartitionLog::open(MemoryStorage::new(), config.clone()).expect_err("positions are 31 bits");
    assert!(
        error.to_string().contains("segment.bytes takes a whole number from 61 to 2147483647"),
        "{error}"
    );
    let (mut log, _) = PartitionLog::open(MemoryStorage::new(), small()).expect("it opens");
    assert!(log.set_config(config).is_err());
    assert_eq!(*log.config(), small());
}

#[test]
fn a_full_disk_refuses_the_append_and_loses_nothing() {
    let storage = Failing::default();
    let (mut log, _) = PartitionLog::open(storage.clone(), small()).expect("it opens");
    for round in 1..20 {
        append_all(&mut log, round * 5);
        let (end, before) = (log.log_end_offset(), files(&storage));
        storage.writes_fail.store(true, Ordering::SeqCst);
        let error = log.append(&[NewRecord::value(&[7; 200])], NOW).expect_err("the disk is full");
        assert!(matches!(error, Error::Io(_)), "{error}");
        assert_eq!(log.log_end_offset(), end);
        let after = files(&storage);
        for (name, bytes) in before {
            assert_eq!(after[&name], bytes, "{name}");
        }
        storage.writes_fail.store(false, Ordering::SeqCst);
    }
    log.flush().expect("it syncs");
    assert_eq!(read_all(&log, 500), log.log_end_offset());
}

#[test]
fn a_failed_sync_poisons_the_log_until_it_is_reopened() {
    let storage = Failing::default();
    let (mut log, _) = PartitionLog::open(storage.clone(), small()).expect("it opens");
    append_all(&mut log, 2);
    log.flush().expect("it syncs");
    let durable = log.high_watermark();
    append_all(&mut log, 5);
    storage.syncs_fail.store(true, Ordering::SeqCst);
    assert!(matches!(log.flush(), Err(Error::Io(_))));
    storage.syncs_fail.store(false, Ordering::SeqCst);

    assert!(matches!(log.append(&[NewRecord::value(b"x")], NOW), Err(Error::Poisoned)));
    assert!(matches!(log.flush(), Err(Error::Poisoned)), "no later sync makes it good");
    assert_eq!(log.high_watermark(), durable, "what was not synced stays invisible");
    assert_eq!(read_all(&log, 500), durable, "reads go on");
    drop(log);

    let (mut log, _) = PartitionLog::open(storage, small()).expect("it opens again");
    let end = log.log_end_offset();
    append_all(&mut log, end + 1);
    log.flush().expect("it syncs");
    assert_eq!(read_all(&log, 500), log.log_end_offset());
}

/// A flush that is under way holds nobody up, and flushes may complete in any order.
#[test]
fn flushes_overlap() {
    let (mut log, _) = PartitionLog::open(MemoryStorage::new(), small()).expect("it opens");
    append_all(&mut log, 3);
    let first = log.begin_flush();
    append_all(&mut log, 40);
    let second = log.begin_flush();
    append_all(&mut log, 41);
    let (first_end, second_end) = (first.up_to(), second.up_to());
    assert!(first_end < second_end);
    assert_eq!(second.complete().expect("it syncs"), second_end);
    assert_eq!(first.complete().expect("it syncs"), second_end, "the high watermark never goes back");
}

/// One thread appends and flushes, others read all the while: each sees a rising prefix and nothing torn.
#[test]
fn readers_run_beside_the_writer() {
    let dir = tempfile::tempdir().expect("a directory");
    let storage = FsStorage::open(dir.path()).expect("it is created");
    let (mut log, _) = PartitionLog::open(storage, small()).expect("it opens");
    const COUNT: u64 = 600;
    std::thread::scope(|scope| {
        for max_bytes in [1, 200, 3000] {
            let reader = log.reader();
            scope.spawn(move || {
                let mut next = 0;
                while next < COUNT {
                    let fetched = reader.fetch(next, max_bytes).expect("the fetch is answered");
                    assert!(fetched.next_offset <= reader.high_watermark());
                    for record in fetched.records() {
                        let record = record.expect("the record is whole");
                        assert_eq!(record.offset, next);
                        assert_eq!(record.value, Some(&payload(next)[..]));
                        next += 1;
                    }
                    std::thread::yield_now();
                }
            });
        }
        for end in (1..=COUNT / 6).map(|n| n * 6) {
            append_all(&mut log, end);
            log.flush().expect("it syncs");
        }
    });
}

#[test]
fn append_batch_takes_whole_good_batches_only() {
    let (mut log, _) = PartitionLog::open(MemoryStorage::new(), small()).expect("it opens");
    append_all(&mut log, 3);
    let mut batch = Vec::new();
    logscope::record::encode_batch(&mut batch, &[NewRecord::key_value(b"k", b"v"); 3], NOW);
    let end = log.log_end_offset();
    let appended = log.append_batch(&mut batch.clone(), NOW).expect("it is taken");
    assert_eq!((appended.base_offset, appended.last_offset), (end, end + 2));
    for at in 8..batch.len() {
        let mut bad = batch.clone();
        bad[at] ^= 1;
        let outside_crc = (12..16).contains(&at);
        assert_eq!(log.append_batch(&mut bad, NOW).is_ok(), outside_crc, "byte {at}");
    }
    assert!(log.append_batch(&mut batch[..70].to_vec(), NOW).is_err());
    assert!(log.append_batch(&mut [batch.clone(), batch.clone()].concat(), NOW).is_err());
}

#[test]
fn a_name_never_leaves_the_directory() {
    let dir = tempfile::tempdir().expect("a directory");
    let storage = FsStorage::open(dir.path()).expect("it is created");
    for name in ["", ".", "..", "../escape", "a/b", "/etc/passwd", "a\\b", "a\0"] {
        let error = storage.open(name).expect_err(name);
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name}");
    }
}
