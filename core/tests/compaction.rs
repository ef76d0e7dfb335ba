//! Compaction, and what becomes of it when the disk fails at any call, or the log goes on under it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use logscope::config::CleanupPolicy;
use logscope::lab::{Event, Lab, Picture, SegmentPicture};
use logscope::log::{CompactionReport, Event as LogEvent};
use logscope::record::{Compression, Producer};
use logscope::storage::{Crash, Faults, FaultyStorage, MemoryStorage, Storage};
use logscope::verify::VerifyOptions;
use logscope::{CorruptReason, Error, LogConfig, LogReader, NewRecord, PartitionLog, verify};

const NOW: i64 = 1_767_225_600_000;
const DAY: i64 = 86_400_000;
const PRODUCER: Producer = Producer { id: 7, epoch: 0, base_sequence: 0 };

fn config() -> LogConfig {
    LogConfig {
        segment_bytes: 400,
        index_interval_bytes: 100,
        cleanup_policy: CleanupPolicy::Compact,
        ..LogConfig::default()
    }
}

fn open<S: Storage>(storage: S) -> PartitionLog<S> {
    PartitionLog::open(storage, config()).expect("it opens").0
}

/// What is written in most tests: keys, and values if there are any.
type Written = (Vec<u8>, Option<Vec<u8>>);
type Records = BTreeMap<u64, Written>;

/// Appends these batches, mostly of two records with keys that come again and again. Some keys are deleted, and a few of
/// them for good; some batches are compressed, and one comes from a producer.
fn append<S: Storage>(log: &mut PartitionLog<S>, batches: std::ops::Range<u32>, written: &mut Records) {
    for n in batches {
        let codec = (n % 5 == 3).then_some(Compression::Gzip);
        log.set_config(LogConfig { compression_type: codec, ..config() }).expect("it is valid");
        let first = if n % 8 < 2 { format!("key of {}", n / 8) } else { format!("key {}", n * 7 % 6) };
        let keys = [first, format!("key {}", n * 5 % 11)].map(String::into_bytes);
        let value = format!("value {n} ").repeat(1 + n as usize % 3).into_bytes();
        let values = [(n % 4 != 1).then_some(&value[..]), Some(&b"second"[..])];
        let record =
            |at: usize| NewRecord { key: Some(&keys[at]), value: values[at], ..NewRecord::default() };
        let records = if n % 3 == 0 { vec![record(0)] } else { vec![record(0), record(1)] };
        let at = NOW + i64::from(n);
        let appended = match n {
            9 => log.append_as(PRODUCER, &records, at),
            _ => log.append(&records, at),
        };
        let base = appended.expect("it is appended").base_offset;
        for (offset, record) in (base..).zip(&records) {
            let own = |field: Option<&[u8]>| field.map(<[u8]>::to_vec);
            written.insert(offset, (own(record.key).unwrap_or_default(), own(record.value)));
        }
    }
    log.set_config(config()).expect("it is valid");
    log.flush().expect("it syncs");
}

/// All records, fetched bit by bit.
fn records<S: Storage, O: logscope::log::Observer>(log: &LogReader<S, O>) -> Records {
    let mut found = Records::new();
    let mut next = log.log_start_offset();
    while next < log.high_watermark() {
        let fetched = log.fetch(next, 300).expect("the fetch is answered");
        assert!(fetched.next_offset > next, "a fetch below the high watermark gets on");
        next = fetched.next_offset;
        let fetched = fetched.decompress(1 << 20).expect("it is decompressed");
        for record in fetched.records() {
            let record = record.expect("the record is whole");
            let own = |field: Option<&[u8]>| field.map(<[u8]>::to_vec);
            let written = (own(record.key).unwrap_or_default(), own(record.value));
            assert_eq!(found.insert(record.offset, written), None, "each offset once");
        }
    }
    found
}

/// The newest value of each key that has one, with its offset.
fn values(records: &Records) -> BTreeMap<&[u8], (u64, &[u8])> {
    let mut values = BTreeMap::new();
    for (offset, (key, value)) in records {
        match value {
            Some(value) => values.insert(&key[..], (*offset, &value[..])),
            None => values.remove(&key[..]),
        };
    }
    values
}

/// What holds at any time: what is there was written, at these offsets, and it says what all that was written says.
fn check<S: Storage>(log: &PartitionLog<S>, written: &Records) -> Records {
    let found = records(log);
    for (offset, record) in &found {
        assert_eq!(written.get(offset), Some(record), "offset {offset}");
    }
    assert_eq!(values(&found), values(written));
    assert_eq!(Some(log.log_end_offset()), written.keys().last().map(|last| last + 1), "the end stays");
    found
}

/// What an opening leaves: no file that is not needed, and nothing that the check of a directory objects to.
fn check_files<S: Storage>(storage: &S) {
    let names = storage.list().expect("it is listed");
    let left: Vec<_> =
        names.iter().filter(|name| name.contains(['-']) || name.matches('.').count() > 1).collect();
    assert_eq!(left, Vec::<&String>::new());
    let report = verify(storage, &VerifyOptions::default(), &mut |_| {}).expect("it is read");
    assert!(report.is_clean(), "{:?}", report.findings);
}

/// One record a key below the offset, and no tombstone whose time has come.
fn check_compacted(found: &Records, report: &CompactionReport) {
    let mut keys: Vec<_> = found.range(..report.first_dirty_offset).map(|(_, (key, _))| key).collect();
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), count, "one record a key");
}

fn compact<S: Storage>(log: &mut PartitionLog<S>, now: i64) -> CompactionReport {
    let report = log.compact(now).expect("it compacts").expect("there is something to do");
    assert!(!report.abandoned);
    report
}

/// A log that waits for its second compaction, in which tombstones go for good, and when that is.
fn prepared() -> (FaultyStorage, Records, i64) {
    let storage = FaultyStorage::new(1);
    let mut written = Records::new();
    let mut log = open(storage.clone());
    append(&mut log, 0..40, &mut written);
    compact(&mut log, NOW);
    append(&mut log, 40..70, &mut written);
    (storage, written, NOW + 2 * DAY)
}

#[test]
fn the_newest_of_each_key_stays_and_tombstones_go_in_time() {
    let (storage, written, later) = prepared();
    let mut log = open(storage.clone());
    let before = check(&log, &written);
    let report = compact(&mut log, later);
    let after = check(&log, &written);
    check_compacted(&after, &report);
    assert_eq!((before.len() - after.len()) as u64, report.records_removed);
    assert!(report.segments.1 < report.segments.0 && report.bytes.1 < report.bytes.0, "{report:?}");
    // Those that this compaction met for the first time have to wait.
    let tombstones =
        |records: &Records, below| records.range(..below).filter(|(_, (_, value))| value.is_none()).count();
    let dirty = report.first_dirty_offset;
    assert!(tombstones(&before, dirty) > tombstones(&after, dirty) && tombstones(&after, dirty) > 0);
    assert_eq!(log.compact(later + DAY - 1).expect("it looks"), None);
    compact(&mut log, later + DAY);
    assert_eq!(tombstones(&check(&log, &written), dirty), 0);
    assert_eq!(log.compact(i64::MAX).expect("it looks"), None);

    log.close().expect("it closes");
    check_files(&storage);
    let mut log = open(storage);
    assert_eq!(log.compact(later + DAY).expect("it looks"), None, "the checkpoint knows how far it is");
    let resent = NewRecord { key: Some(b"key of 1"), ..NewRecord::default() };
    let resent = log.append_as(PRODUCER, &[resent], NOW).expect("it is known");
    assert!(resent.duplicate, "the sequence outlives the record");
}

/// The power fails during each call of a compaction, and then during some calls of the opening after it.
#[test]
fn power_may_fail_at_any_call() {
    let (storage, written, later) = prepared();
    let mut whole = open(storage.fork());
    let calls = {
        let fork = storage.fork();
        let mut log = open(fork.clone());
        fork.set_faults(Faults::default(), 0);
        compact(&mut log, later);
        fork.calls()
    };
    compact(&mut whole, later);
    let expected = check(&whole, &written);
    let (mut completed, mut undone) = (0, 0);
    for call in 1..=calls {
        for seed in 0..3 {
            let storage = storage.fork();
            let mut log = open(storage.clone());
            storage
                .set_faults(Faults { power_fails_at: Some(call), ..Faults::default() }, seed * 1000 + call);
            log.compact(later).expect_err("the power is out");
            drop(log);
            storage.restart();

            // The opening fails as well, anywhere.
            let again = Faults { power_fails_at: Some(1 + (call * 3 + seed) % 90), ..Faults::default() };
            storage.set_faults(again, call);
            let opened = PartitionLog::open(storage.clone(), config());
            if let Err(error) = &opened {
                assert!(storage.is_down(), "call {call}, seed {seed}: {error}");
            }
            drop(opened);
            storage.restart();

            let (mut log, report) = PartitionLog::open(storage.clone(), config()).expect("it opens");
            check(&log, &written);
            check_files(&storage);
            completed += usize::from(!report.compacted_segments.is_empty());
            undone += usize::from(report.removed_files.iter().any(|name| name.ends_with(".log.cleaned")));
            if log.compact(later).expect("it compacts").is_some() {
                assert_eq!(check(&log, &written), expected, "call {call}, seed {seed}");
                check_files(&storage);
            }
        }
    }
    assert!(completed > 10 && undone > 10, "{completed} completed, {undone} undone");
}

/// Each call of a compaction fails once. What is written beside the log does it no harm; what takes its place does.
#[test]
fn any_call_may_return_an_error() {
    let (storage, written, later) = prepared();
    let (mut unharmed, mut poisoned) = (0, 0);
    for call in 1.. {
        let storage = storage.fork();
        let mut log = open(storage.clone());
        storage.set_faults(Faults { error_at: Some(call), ..Faults::default() }, call);
        let result = log.compact(later);
        let over = storage.calls() < call;
        storage.set_faults(Faults::default(), 0);
        if over {
            result.expect("nothing failed");
            break;
        }
        check(&log, &written);
        match log.append(&[NewRecord::key_value(b"key 0", b"new")], later) {
            Err(Error::Poisoned) => {
                poisoned += 1;
                drop(log);
                storage.restart();
                log = open(storage.clone());
                check(&log, &written);
            }
            appended => {
                unharmed += 1;
                appended.expect("the log goes on");
                log.truncate_to(log.log_end_offset() - 1).expect("it is cut");
            }
        }
        let report = compact_if_due(&mut log, later);
        check_compacted(&check(&log, &written), &report);
        drop(log);
        open(storage.clone());
        check_files(&storage);
    }
    assert!(unharmed > 20 && poisoned > 20, "{unharmed} unharmed, {poisoned} poisoned");
}

fn compact_if_due<S: Storage>(log: &mut PartitionLog<S>, now: i64) -> CompactionReport {
    log.compact(now).expect("it compacts").unwrap_or_default()
}

#[test]
fn a_full_disk_ends_a_compaction_and_not_the_log() {
    let (storage, written, later) = prepared();
    for room in [0, 1, 100, 500] {
        let storage = storage.fork();
        let mut log = open(storage.clone());
        storage.set_faults(Faults { room: Some(room), ..Faults::default() }, 0);
        assert!(matches!(log.compact(later), Err(Error::Io(_))));
        storage.set_faults(Faults::default(), 0);
        check_files(&storage);
        check(&log, &written);
        compact(&mut log, later);
        check(&log, &written);
    }
}

/// The new names may be there, and not durable yet, when an opening finds them: it has to sync them before the old
/// segments go, or a crash takes both.
#[test]
fn a_swap_outlives_a_failed_sync_and_a_crash() {
    let (storage, later) = (FaultyStorage::new(1), NOW + 2 * DAY);
    let mut written = Records::new();
    let mut log = open(storage.clone());
    append(&mut log, 0..16, &mut written);
    drop(log);
    let mut swaps = 0;
    for call in 1.. {
        let storage = storage.fork();
        let mut log = open(storage.clone());
        storage.set_faults(Faults { error_at: Some(call), ..Faults::default() }, call);
        drop(log.compact(later));
        if storage.calls() < call {
            break;
        }
        drop(log);
        storage.set_faults(Faults::default(), 0);
        let is_swap = |name: &String| name.ends_with(".log.swap");
        if !storage.list().expect("it is listed").iter().any(is_swap) {
            continue;
        }
        swaps += 1;
        for power in 1.. {
            let storage = storage.fork();
            storage
                .set_faults(Faults { power_fails_at: Some(power), ..Faults::default() }, call * 1000 + power);
            drop(PartitionLog::open(storage.clone(), config()));
            if !storage.is_down() {
                break;
            }
            storage.restart();
            check(&open(storage.clone()), &written);
        }
    }
    assert!(swaps > 3, "{swaps}");
}

/// A producer may send its last five batches again, those that compaction took as well, and after a crash in it.
#[test]
fn a_crash_in_a_swap_forgets_no_batch_of_a_producer() {
    let batch = |n: i32| Producer { base_sequence: n, ..PRODUCER };
    let record = [NewRecord::key_value(b"key", b"value")];
    let storage = FaultyStorage::new(1);
    let mut log = open(storage.clone());
    for n in 0..3 {
        log.append_as(batch(n), &record, NOW).expect("it is taken");
    }
    while log.segments().len() < 2 {
        log.append(&record, NOW).expect("it is taken");
    }
    drop(log);
    let mut swaps = 0;
    for call in 1.. {
        let storage = storage.fork();
        let mut log = open(storage.clone());
        storage.set_faults(Faults { power_fails_at: Some(call), ..Faults::default() }, call);
        drop(log.compact(NOW));
        if !storage.is_down() {
            break;
        }
        storage.restart();
        let (mut log, report) = PartitionLog::open(storage, config()).expect("it opens");
        swaps += report.compacted_segments.len();
        for n in 0..3 {
            assert!(log.append_as(batch(n), &record, NOW).expect("it is known").duplicate, "call {call}");
        }
    }
    assert!(swaps > 0);
}

/// What was cut off it half-way is no damage; it is nothing to compact either.
#[test]
fn a_poisoned_log_is_not_compacted() {
    let (storage, _, later) = prepared();
    let mut poisoned = 0;
    for call in 1.. {
        let storage = storage.fork();
        let mut log = open(storage.clone());
        storage.set_faults(Faults { error_at: Some(call), ..Faults::default() }, call);
        drop(log.truncate_to(20));
        if storage.calls() < call {
            break;
        }
        storage.set_faults(Faults::default(), 0);
        if matches!(log.flush(), Err(Error::Poisoned)) {
            poisoned += 1;
            assert!(log.begin_compaction(later).is_none());
        }
    }
    assert!(poisoned > 10, "{poisoned}");
}

/// A deletion fails and leaves a file of its own; a compaction gives the segment that file anew; and the next opening
/// deletes the segment.
#[test]
fn a_deletion_may_fail_before_a_compaction() {
    let (storage, _, later) = prepared();
    for call in 1.. {
        let storage = storage.fork();
        let mut log = open(storage.clone());
        let start = log.segments().last().expect("there is one").base_offset;
        storage.set_faults(Faults { error_at: Some(call), ..Faults::default() }, call);
        drop(log.delete_records_before(start));
        if storage.calls() < call {
            break;
        }
        storage.set_faults(Faults::default(), 0);
        drop(log.compact(later));
        drop(log);
        open(storage.clone());
        check_files(&storage);
    }
}

#[test]
fn damage_is_not_copied() {
    let (storage, ..) = prepared();
    let log = "00000000000000000000.log";
    storage.flip(log, 70).expect("it is there");
    // It is not the last segment, and so not looked at.
    let mut opened = open(storage.clone());
    let error = opened.compact(NOW + 2 * DAY).expect_err("it is damaged");
    assert!(matches!(&error, Error::Corrupt { file, .. } if file == log), "{error}");
    storage.flip(log, 70).expect("it is there");
    check_files(&storage);
    compact(&mut opened, NOW + 2 * DAY);

    // Offsets that are missing where nothing was compacted yet.
    let storage = MemoryStorage::new();
    let mut log = open(storage.clone());
    append(&mut log, 0..30, &mut Records::new());
    let bases: Vec<u64> = log.segments().iter().map(|segment| segment.base_offset).collect();
    drop(log);
    let name = |base: u64, suffix: &str| format!("{base:020}.{suffix}");
    let empty = name(bases[1], "log");
    storage.insert(&empty, Vec::new());
    let error = open(storage.clone()).compact(NOW).expect_err("offsets are missing");
    let reason = CorruptReason::OffsetsMissing { from: bases[1], to: bases[2] };
    assert!(matches!(&error, Error::Corrupt { reason: found, .. } if *found == reason), "{error}");
}

#[test]
fn the_log_goes_on_while_it_is_compacted() {
    let (storage, mut written, later) = prepared();
    let mut log = open(storage.clone());
    let reader = log.reader();
    let compaction = log.begin_compaction(later).expect("there is something to do");
    assert!(log.begin_compaction(later).is_none(), "one at a time");
    append(&mut log, 70..90, &mut written);
    let compacted = compaction.run().expect("it runs");
    append(&mut log, 90..95, &mut written);
    assert_eq!(records(&reader).len(), check(&log, &written).len(), "nothing has changed yet");
    let report = log.finish_compaction(compacted).expect("it is finished");
    assert!(!report.abandoned && report.records_removed > 0);
    check_compacted(&check(&log, &written), &report);
    let next = compact(&mut log, later);
    assert!(next.first_dirty_offset > report.first_dirty_offset);
    check_compacted(&check(&log, &written), &next);

    append(&mut log, 95..120, &mut written);
    drop(log.begin_compaction(later).expect("there is something to do"));
    compact(&mut log, later);
    drop(log);
    check(&open(storage.clone()), &written);
    check_files(&storage);
}

#[test]
fn what_is_cut_or_deleted_meanwhile_stays_so() {
    let (storage, written, later) = prepared();
    for at_end in [false, true] {
        for run_first in [false, true] {
            let storage = storage.fork();
            let mut log = open(storage.clone());
            let compaction = log.begin_compaction(later).expect("there is something to do");
            let middle = written.keys().nth(written.len() / 2).copied().expect("there are records");
            let change = |log: &mut PartitionLog<FaultyStorage>| match at_end {
                true => log.truncate_to(middle).map(drop),
                false => log.delete_records_before(middle).map(drop),
            };
            let mut compacted = None;
            let mut waiting = Some(compaction);
            if run_first {
                compacted = waiting.take().map(|compaction| compaction.run().expect("it runs"));
            }
            change(&mut log).expect("it is done");
            let before = records(&log);
            let compacted = match (compacted, waiting) {
                (Some(compacted), _) => compacted,
                (None, Some(compaction)) => compaction.run().expect("it runs"),
                (None, None) => unreachable!("one of them is there"),
            };
            let report = log.finish_compaction(compacted).expect("it looks");
            assert!(report.abandoned);
            assert_eq!(records(&log), before);
            check_files(&storage);
            let bounds = (log.log_start_offset(), log.log_end_offset());
            compact(&mut log, later);
            assert_eq!(values(&records(&log)), values(&before));
            drop(log);
            let log = open(storage.clone());
            assert_eq!((log.log_start_offset(), log.log_end_offset()), bounds);
            assert_eq!(values(&records(&log)), values(&before));
        }
    }
}

/// The last segment to be compacted is cut and grows again: it looks like before, and is not.
#[test]
fn what_has_grown_again_is_not_what_it_was() {
    let (storage, mut written, later) = prepared();
    let mut log = open(storage.clone());
    let end = log.segments().last().expect("a segment").base_offset;
    let compaction = log.begin_compaction(later).expect("there is something to do");
    let count = log.segments().len();
    log.truncate_to(end - 1).expect("it is cut");
    written.split_off(&log.log_end_offset());
    append(&mut log, 200..220, &mut written);
    assert!(log.segments().len() > count);
    let compacted = compaction.run().expect("it runs");
    assert!(log.finish_compaction(compacted).expect("it looks").abandoned);
    let report = compact(&mut log, later);
    check_compacted(&check(&log, &written), &report);
}

/// A tombstone is given its time by a compaction that is interrupted, and goes in the next one, which is interrupted as
/// well. The record that it deleted stays gone.
#[test]
fn what_was_deleted_stays_so_through_two_failures() {
    let storage = FaultyStorage::new(3);
    let mut log = open(storage.clone());
    let mut written = Records::new();
    let mut put = |key: &[u8], value: Option<&[u8]>| {
        let offset = log.append(&[NewRecord { key: Some(key), value, ..NewRecord::default() }], NOW);
        written
            .insert(offset.expect("it is appended").base_offset, (key.to_vec(), value.map(<[u8]>::to_vec)));
    };
    // Two segments that stay apart, because most of each stays.
    let large = [b'x'; 90];
    for (key, value) in [
        (&b"gone"[..], Some(&b"1"[..])),
        (b"a", Some(&large)),
        (b"b", Some(&large)),
        (b"gone", None),
        (b"c", Some(&large)),
        (b"d", Some(&large)),
        (b"e", Some(&large)),
    ] {
        put(key, value);
    }
    log.flush().expect("it syncs");
    assert_eq!(log.segments().len(), 3);
    drop(log);
    let interrupted = |storage: &FaultyStorage, call: u64, now: i64| {
        let storage = storage.fork();
        let mut log = open(storage.clone());
        storage.set_faults(Faults { power_fails_at: Some(call), ..Faults::default() }, call);
        let _ = log.compact(now);
        let over = !storage.is_down();
        drop(log);
        storage.restart();
        (!over).then_some(storage)
    };
    let once = (1..).map_while(|call| interrupted(&storage, call, NOW));
    let mut count = 0;
    for storage in once {
        for storage in (1..).map_while(|call| interrupted(&storage, call, NOW + 2 * DAY)) {
            check(&open(storage), &written);
            count += 1;
        }
    }
    assert!(count > 1000, "{count} pairs of failures");
}

#[test]
fn little_memory_takes_several_compactions() {
    let (storage, written, later) = prepared();
    let mut log = open(storage.clone());
    let end = log.segments().last().expect("a segment").base_offset;
    let (mut passes, mut reached) = (0, 0);
    while let Some(compaction) = log.begin_compaction(later) {
        let compacted = compaction.key_budget(300).run().expect("it runs");
        let report = log.finish_compaction(compacted).expect("it is finished");
        let found = check(&log, &written);
        assert!(report.first_dirty_offset >= reached);
        (passes, reached) = (passes + 1, report.first_dirty_offset);
        assert!(passes < 100, "it gets on");
        if reached == end {
            check_compacted(&found, &report);
        }
    }
    assert!(passes > 5 && reached == end);
    // The tombstones that were due have gone as well, one after the other.
    let mut at_once = open(prepared().0);
    compact(&mut at_once, later);
    assert_eq!(records(&log), records(&at_once));
}

/// Fetches on other threads see each key's newest record, whatever is swapped under them.
#[test]
fn readers_never_notice() {
    let mut written = Records::new();
    let mut log = open(MemoryStorage::new());
    append(&mut log, 0..30, &mut written);
    let done = AtomicBool::new(false);
    let ends = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let (reader, done) = (log.reader(), &done);
                scope.spawn(move || {
                    let mut ends = 0;
                    while !done.load(Ordering::Acquire) || ends == 0 {
                        let found = records(&reader);
                        ends += usize::from(!found.is_empty());
                    }
                    ends
                })
            })
            .collect();
        for round in 1..60 {
            append(&mut log, round * 30..round * 30 + 30, &mut written);
            compact(&mut log, NOW + i64::from(round) * DAY);
        }
        done.store(true, Ordering::Release);
        readers.into_iter().map(|reader| reader.join().expect("no reader panics")).collect::<Vec<_>>()
    });
    assert!(ends.iter().all(|ends| *ends > 0));
    check(&log, &written);
}

/// Who only hears what happens knows what the files hold, after a swap that an opening completes.
#[test]
fn the_picture_follows_a_swap_through_a_crash() {
    let mut completed = 0;
    for call in 1.. {
        let storage = FaultyStorage::new(call);
        let mut lab = Lab::new(storage.clone());
        let mut picture = Picture::default();
        let mut run = |line: &str| {
            let outcome = lab.run_line(line).expect("it parses");
            outcome.events.iter().for_each(|event| picture.apply(event));
            (outcome.events, picture.log.clone(), lab.read_picture().ok().flatten())
        };
        for line in [
            "config segment.bytes=220 cleanup.policy=compact",
            "append x key=a count=9",
            "append y key=b count=9",
        ] {
            run(line);
        }
        storage.set_faults(Faults { power_fails_at: Some(call), ..Faults::default() }, call);
        run("compact");
        if !storage.is_down() {
            break;
        }
        storage.restart();
        run("crash");
        let (events, folded, read) = run("reopen");
        let swaps = |event: &Event| matches!(event, Event::Log(LogEvent::SwapsCompleted { .. }));
        if events.iter().any(swaps) {
            completed += 1;
            assert_eq!(Some(folded), read, "call {call}");
        }
    }
    assert!(completed > 5, "{completed} swaps were completed");
}

/// Segments that were merged into another are gone, with the batches of which nothing is left.
#[test]
fn the_picture_shows_what_went() {
    let mut lab = Lab::new(MemoryStorage::new());
    let mut picture = Picture::default();
    let mut run = |line| {
        lab.run_line(line).expect("it parses").events.iter().for_each(|event| picture.apply(event));
        picture.gone.clone()
    };
    run("config segment.bytes=220 cleanup.policy=compact");
    run("append x key=a count=7");
    let offsets = |segment: &SegmentPicture| segment.batches.iter().map(|batch| batch.base_offset).collect();
    let gone: Vec<(u64, Vec<u64>)> =
        run("compact").iter().map(|segment| (segment.base_offset, offsets(segment))).collect();
    assert_eq!(gone, [(0, vec![]), (3, vec![3, 4])], "segment 0 is written anew, and has offset 5 now");
    assert_eq!(run("flush"), vec![], "one action later they are forgotten");
}

#[test]
fn a_log_that_does_not_compact_is_left_alone() {
    let storage = MemoryStorage::new();
    let mut log = open(storage);
    append(&mut log, 0..20, &mut Records::new());
    log.set_config(LogConfig { cleanup_policy: CleanupPolicy::Delete, ..config() }).expect("it is valid");
    assert!(log.begin_compaction(NOW).is_none());
    assert_eq!(log.compact(NOW).expect("it looks"), None);
}
