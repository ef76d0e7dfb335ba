//! Power lost, or an error, at every single call of short scripts: the log opens again, and has what was
//! acknowledged.

use std::collections::BTreeMap;

use logscope::record::Producer;
use logscope::storage::{Faults, FaultyStorage};
use logscope::verify::VerifyOptions;
use logscope::{Error, LogConfig, NewRecord, PartitionLog};

const NOW: i64 = 1_767_225_600_000;
const PRODUCER: i64 = 7;

#[derive(Debug, Clone, Copy)]
enum Step {
    Append(u64),
    Flush,
    Retention,
    DeleteBefore(u64),
    Truncate(u64),
    Close,
}
use Step::*;

/// What may be expected of the log.
#[derive(Debug, Clone, Default)]
struct Model {
    /// Everything that was ever tried at an offset.
    tried: BTreeMap<u64, Vec<String>>,
    /// What an append that returned put at an offset.
    appended: BTreeMap<u64, String>,
    /// Everything below it is acknowledged.
    durable: u64,
    /// The log may start anywhere up to here.
    start: u64,
    sequence: i32,
    /// Base offset and base sequence of the producer's last acknowledged batch.
    last_batch: Option<(u64, i32)>,
    count: u64,
}

fn config() -> LogConfig {
    LogConfig {
        segment_bytes: 300,
        index_interval_bytes: 80,
        retention_bytes: Some(500),
        ..LogConfig::default()
    }
}

fn batch(model: &Model, records: u64) -> Vec<String> {
    (0..records).map(|n| format!("number {}", model.count + n)).collect()
}

/// Takes a step. `false` if the log is gone.
fn step(
    storage: &FaultyStorage,
    log: &mut Option<PartitionLog<FaultyStorage>>,
    model: &mut Model,
    step: Step,
) -> bool {
    if log.is_none() {
        let Ok((opened, _)) = PartitionLog::open(storage.clone(), config()) else { return false };
        // What an opening shows is durable.
        model.durable = opened.high_watermark();
        *log = Some(opened);
    }
    let Some(open) = log.as_mut() else { return false };
    match step {
        Append(records) => {
            let values = batch(model, records);
            model.count += records;
            let new: Vec<_> =
                values.iter().map(|value| NewRecord::key_value(b"key", value.as_bytes())).collect();
            let end = open.log_end_offset();
            for (at, value) in values.iter().enumerate() {
                model.tried.entry(end + at as u64).or_default().push(value.clone());
            }
            let producer =
                Producer { id: PRODUCER + model.count as i64, epoch: 0, base_sequence: model.sequence };
            if let Ok(appended) = open.append_as(producer, &new, NOW + end as i64) {
                assert!(!appended.duplicate, "{step:?} is new");
                assert_eq!(appended.base_offset, end);
                for (at, value) in values.into_iter().enumerate() {
                    model.appended.insert(end + at as u64, value);
                }
                model.last_batch = Some((end, model.sequence));
                model.sequence += records as i32;
            }
        }
        Flush => {
            if let Ok(durable) = open.flush() {
                model.durable = durable;
            }
        }
        Retention => {
            model.start = model.start.max(open.segments().last().map_or(0, |s| s.base_offset));
            let _ = open.apply_retention(NOW);
        }
        DeleteBefore(offset) => {
            let offset = offset.min(open.high_watermark());
            model.start = model.start.max(offset);
            let _ = open.delete_records_before(offset);
        }
        Truncate(back) => {
            let to = open.log_end_offset().saturating_sub(back).max(open.log_start_offset());
            let result = open.truncate_to(to);
            // Batches have up to three records.
            model.durable = model.durable.min(to.saturating_sub(2));
            // A new producer id would be the proper thing; the test numbers on from what is left.
            model.last_batch = None;
            if result.is_ok() {
                model.appended.retain(|offset, _| *offset < open.log_end_offset());
            }
            model.sequence = -1;
        }
        Close => {
            if let Some(log) = log.take() {
                let end = log.log_end_offset();
                if log.close().is_err() {
                    return false;
                }
                model.durable = end;
            }
        }
    }
    true
}

fn check(storage: &FaultyStorage, model: &Model, context: &str) {
    let (log, _) = match PartitionLog::open(storage.clone(), config()) {
        Ok(opened) => opened,
        Err(error) => panic!("{context}: {error}\n{:?}", storage.contents().keys()),
    };
    assert!(log.log_end_offset() >= model.durable, "{context}: ends at {}, {model:?}", log.log_end_offset());
    assert!(log.log_start_offset() <= model.start, "{context}: starts at {}", log.log_start_offset());
    let fetched =
        log.fetch(log.log_start_offset(), 1 << 20).unwrap_or_else(|error| panic!("{context}: {error}"));
    let mut next = log.log_start_offset();
    for record in fetched.records() {
        let record = record.expect("a record");
        let value = String::from_utf8(record.value.expect("a value").to_vec()).expect("text");
        assert_eq!(record.offset, next, "{context}");
        assert!(model.tried[&next].contains(&value), "{context}: {value:?} at {next}");
        if next < model.durable {
            assert_eq!(Some(&value), model.appended.get(&next), "{context}: at {next}");
        }
        next += 1;
    }
    assert_eq!(next, log.log_end_offset(), "{context}");
}

fn scripts() -> Vec<Vec<Step>> {
    vec![
        vec![
            Append(1),
            Append(2),
            Flush,
            Append(3),
            Append(1),
            Append(2),
            Flush,
            Append(3),
            Close,
            Append(1),
            Flush,
            Close,
        ],
        vec![
            Append(1),
            Append(2),
            Append(3),
            Append(3),
            Append(3),
            Append(2),
            Flush,
            Retention,
            Append(3),
            Append(3),
            Flush,
            DeleteBefore(9),
            Append(2),
            Flush,
            Close,
            Retention,
            Append(1),
            Close,
        ],
        vec![
            Append(3),
            Append(3),
            Append(3),
            Append(3),
            Append(3),
            Append(3),
            Append(3),
            Flush,
            Truncate(14),
            Append(2),
            Append(3),
            Append(3),
            Flush,
            Append(1),
            Truncate(1),
            Append(3),
            Append(3),
            Close,
            Truncate(3),
            Append(2),
            Flush,
            Close,
        ],
        vec![
            Append(3),
            Append(3),
            Append(3),
            Append(3),
            Flush,
            DeleteBefore(7),
            Truncate(3),
            Append(2),
            Close,
            Append(3),
            Truncate(2),
            Append(1),
            Flush,
        ],
    ]
}

fn run(script: &[Step], faults: Faults, seed: u64) -> (FaultyStorage, Model, bool) {
    let storage = FaultyStorage::new(seed);
    storage.set_faults(faults, seed);
    let (mut log, mut model, mut lost) = (None, Model::default(), false);
    for &s in script {
        if model.sequence < 0 {
            model.sequence = 0;
        }
        let known = step(&storage, &mut log, &mut model, s);
        // After a failed sync nobody knows what a restart of the machine will show.
        let poisoned =
            |log: &mut PartitionLog<_>| matches!(log.truncate_to(log.log_end_offset()), Err(Error::Poisoned));
        if !known || log.as_mut().is_some_and(poisoned) {
            lost = true;
            break;
        }
        if model.sequence < 0 {
            // After a cut, the producer goes on where the log now is: find out by trying.
            model.sequence = 0;
        }
    }
    let down = storage.is_down();
    drop(log);
    (storage, model, down || lost)
}

#[test]
fn power_lost_at_any_call() {
    for (which, script) in scripts().iter().enumerate() {
        for seed in 0..6 {
            for at in 1.. {
                let (storage, model, down) =
                    run(script, Faults { power_fails_at: Some(at), ..Faults::default() }, seed);
                if !down {
                    break;
                }
                storage.restart();
                let context = format!("script {which}, seed {seed}, call {at}");
                // And again, during the opening.
                let second = storage.fork();
                check(&storage, &model, &context);
                if seed < 1 {
                    for again in (1..40).step_by(3) {
                        let storage = second.fork();
                        storage.set_faults(
                            Faults { power_fails_at: Some(again), ..Faults::default() },
                            seed + again,
                        );
                        let opened = PartitionLog::open(storage.clone(), config());
                        drop(opened);
                        storage.restart();
                        check(&storage, &model, &format!("{context}, then {again}"));
                    }
                }
            }
        }
    }
}

#[test]
fn an_error_at_any_call() {
    for (which, script) in scripts().iter().enumerate() {
        for seed in 0..6 {
            let calls = run(script, Faults::default(), seed).0.calls();
            for at in 1..=calls {
                let (storage, model, lost) =
                    run(script, Faults { error_at: Some(at), ..Faults::default() }, seed);
                let context = format!("script {which}, seed {seed}, error at {at}");
                let without = storage.fork();
                storage.restart();
                check(&storage, &model, &format!("{context}, power lost"));
                without.set_faults(Faults::default(), seed);
                if !lost && !without.cache_lies() {
                    check(&without, &model, &context);
                }
            }
        }
    }
}

fn small_log(storage: &FaultyStorage, batches: u64) -> PartitionLog<FaultyStorage> {
    let (mut log, _) = PartitionLog::open(storage.clone(), config()).expect("it opens");
    for n in 0..batches {
        log.append_as(producer(n), &[NewRecord::value(&[1; 60])], NOW).expect("it is taken");
    }
    log.flush().expect("it syncs");
    log
}

fn producer(sequence: u64) -> Producer {
    Producer { id: PRODUCER, epoch: 0, base_sequence: sequence as i32 }
}

/// What a roll created before it failed must not be found behind a log that was cut and has grown past it.
#[test]
fn a_cut_after_a_failed_roll_leaves_nothing_of_the_roll() {
    let full = { small_log(&FaultyStorage::new(1), 1).config().segment_bytes as usize - 100 };
    let value = vec![2; full];
    for at in 1.. {
        let storage = FaultyStorage::new(at);
        let mut log = small_log(&storage, 2);
        storage.set_faults(Faults { error_at: Some(at), ..Faults::default() }, at);
        if log.append(&[NewRecord::value(&value)], NOW).is_ok() {
            break;
        }
        storage.set_faults(Faults::default(), at);
        if matches!(log.truncate_to(1), Err(Error::Poisoned)) {
            continue;
        }
        for _ in 0..3 {
            log.append(&[NewRecord::value(b"x")], NOW).expect("it is taken");
        }
        log.flush().expect("it syncs");
        drop(log);
        let (log, _) =
            PartitionLog::open(storage, config()).unwrap_or_else(|error| panic!("call {at}: {error}"));
        assert_eq!(log.log_end_offset(), 4, "call {at}");
    }
}

fn check_files(storage: &FaultyStorage, context: &str) {
    let report = logscope::verify(storage, &VerifyOptions::default(), &mut |_| {}).expect("it is read");
    assert!(report.is_clean(), "{context}: {:?}", report.findings);
}

/// What a roll created before it failed is no part of a log that is closed in good order.
#[test]
fn a_close_after_a_failed_roll_leaves_nothing_of_the_roll() {
    for at in 1.. {
        let storage = FaultyStorage::new(at);
        let mut log = small_log(&storage, 2);
        let value = vec![2; log.config().segment_bytes as usize - 100];
        storage.set_faults(Faults { error_at: Some(at), ..Faults::default() }, at);
        if log.append(&[NewRecord::value(&value)], NOW).is_ok() {
            break;
        }
        storage.set_faults(Faults::default(), at);
        if log.close().is_ok() {
            check_files(&storage, &format!("call {at}"));
        }
    }
}

/// A snapshot that is not whole, or whose sync failed, does not stay about once the log was opened.
#[test]
fn a_close_that_fails_leaves_no_half_snapshot_for_the_next_one() {
    for (at, seed) in (1..40).flat_map(|at| (0..8).map(move |seed| (at, seed))) {
        let storage = FaultyStorage::new(seed);
        let log = small_log(&storage, 0);
        storage.set_faults(Faults { error_at: Some(at), ..Faults::default() }, seed);
        drop(log.close());
        storage.set_faults(Faults::default(), seed);
        let log = small_log(&storage, 2);
        log.close().expect("it closes");
        storage.restart();
        check_files(&storage, &format!("call {at}, seed {seed}"));
    }
}

/// Once older segments are gone, the snapshot as of the active one's base is all that is known of some producers. A close
/// that has no room for a new one must leave it.
#[test]
fn a_close_that_fails_keeps_the_snapshot_that_there_is() {
    let storage = FaultyStorage::new(1);
    let mut log = small_log(&storage, 20);
    let base = log.segments().last().expect("there is one").base_offset;
    assert_eq!(log.truncate_to(base).expect("it is cut"), base);
    log.delete_records_before(base).expect("it is visible");
    storage.set_faults(Faults { room: Some(0), ..Faults::default() }, 1);
    log.close().expect_err("there is no room");
    storage.set_faults(Faults::default(), 1);
    let (mut log, _) = PartitionLog::open(storage, config()).expect("it opens");
    let again = log.append_as(producer(base - 1), &[NewRecord::value(&[1; 60])], NOW).expect("it is known");
    assert!(again.duplicate);
}

/// A crash in a roll may leave the new segment without its snapshot, and then older segments are deleted.
#[test]
fn a_crash_in_a_roll_forgets_no_producer() {
    let first = Producer { id: 99, epoch: 0, base_sequence: 0 };
    let mut rolled = 0;
    for (at, seed) in (1..30).flat_map(|at| (0..8).map(move |seed| (at, seed))) {
        let storage = FaultyStorage::new(seed);
        let (mut log, _) = PartitionLog::open(storage.clone(), config()).expect("it opens");
        log.append_as(first, &[NewRecord::value(b"first")], NOW).expect("it is taken");
        log.flush().expect("it syncs");
        let value = vec![2; log.config().segment_bytes as usize - 100];
        storage.set_faults(Faults { power_fails_at: Some(at), ..Faults::default() }, seed);
        drop(log.append(&[NewRecord::value(&value)], NOW));
        storage.restart();
        let (mut log, _) = PartitionLog::open(storage.clone(), config()).expect("it opens");
        rolled += log.segments().len() - 1;
        log.delete_records_before(log.log_end_offset()).expect("it is visible");
        drop(log);
        let (mut log, _) = PartitionLog::open(storage.clone(), config()).expect("it opens");
        let again = log.append_as(first, &[NewRecord::value(b"first")], NOW).expect("it is known");
        assert!(again.duplicate, "call {at}, seed {seed}");
    }
    assert!(rolled > 10, "{rolled}");
}

/// A cut that fails on the way leaves a segment that was to go. Its snapshot has to be there still: once older segments
/// are deleted, nothing else knows of the producers in them.
#[test]
fn a_cut_that_fails_leaves_no_segment_without_its_snapshot() {
    let mut left = 0;
    for at in 1.. {
        let storage = FaultyStorage::new(at);
        let (mut log, _) = PartitionLog::open(storage.clone(), config()).expect("it opens");
        let first = Producer { id: 99, epoch: 0, base_sequence: 0 };
        log.append_as(first, &[NewRecord::value(b"first")], NOW).expect("it is taken");
        drop(log);
        let mut log = small_log(&storage, 20);
        storage.set_faults(Faults { error_at: Some(at), ..Faults::default() }, at);
        drop(log.truncate_to(1));
        if storage.calls() < at {
            break;
        }
        drop(log);
        storage.set_faults(Faults::default(), at);
        let (mut log, _) = PartitionLog::open(storage.clone(), config()).expect("it opens");
        let base = log.segments().last().expect("there is one").base_offset;
        if base == 0 {
            continue;
        }
        left += 1;
        log.delete_records_before(base).expect("it is visible");
        drop(log);
        let (mut log, _) = PartitionLog::open(storage.clone(), config()).expect("it opens");
        let again = log.append_as(first, &[NewRecord::value(b"first")], NOW).expect("it is known");
        assert!(again.duplicate, "call {at}");
    }
    assert!(left > 3, "{left}");
}

/// A batch goes as a whole in which the log starts: the log then starts where it ends, whatever fails, and what is
/// appended there is not below its start.
#[test]
fn a_cut_below_the_log_start_loses_nothing_that_comes_after() {
    for at in 1.. {
        let storage = FaultyStorage::new(at);
        let mut log = small_log(&storage, 1);
        log.append(&[NewRecord::value(b"a"), NewRecord::value(b"b")], NOW).expect("it is taken");
        log.flush().expect("it syncs");
        log.delete_records_before(2).expect("it is visible");
        storage.set_faults(Faults { error_at: Some(at), ..Faults::default() }, at);
        let cut = log.truncate_to(2);
        if storage.calls() < at {
            assert_eq!(cut.expect("nothing failed"), 1);
            break;
        }
        storage.set_faults(Faults::default(), at);
        assert!(log.log_start_offset() <= log.log_end_offset(), "call {at}");
        if log.log_end_offset() == 1 && log.append(&[NewRecord::value(b"c")], NOW).is_ok() {
            log.flush().expect("it syncs");
            storage.restart();
            let (log, _) = PartitionLog::open(storage, config()).expect("it opens");
            assert_eq!((log.log_start_offset(), log.log_end_offset()), (1, 2), "call {at}");
        }
    }
}

/// The same, when the power fails on the way and the disk is full afterwards.
#[test]
fn a_cut_below_the_log_start_is_brought_to_its_end_or_the_log_stays_closed() {
    let mut refused = 0;
    for at in 1.. {
        let storage = FaultyStorage::new(at);
        let mut log = small_log(&storage, 1);
        log.append(&[NewRecord::value(b"a"), NewRecord::value(b"b")], NOW).expect("it is taken");
        log.flush().expect("it syncs");
        log.delete_records_before(2).expect("it is visible");
        storage.set_faults(Faults { power_fails_at: Some(at), ..Faults::default() }, at);
        drop(log.truncate_to(2));
        if !storage.is_down() {
            break;
        }
        storage.restart();
        storage.set_faults(Faults { room: Some(0), ..Faults::default() }, at);
        let opened = PartitionLog::open(storage.clone(), config());
        storage.set_faults(Faults::default(), at);
        let Ok((mut log, _)) = opened else {
            refused += 1;
            continue;
        };
        let appended = log.append(&[NewRecord::value(b"c")], NOW).expect("it is taken");
        log.flush().expect("it syncs");
        storage.restart();
        let (log, _) = PartitionLog::open(storage, config()).expect("it opens");
        assert!(log.log_start_offset() <= appended.base_offset, "call {at}");
    }
    assert!(refused > 0);
}

/// A batch that was cut off is nobody's duplicate, whatever failed on the way.
#[test]
fn a_cut_that_fails_answers_no_duplicates_of_what_it_cut() {
    for at in 1.. {
        let storage = FaultyStorage::new(at);
        let mut log = small_log(&storage, 4);
        storage.set_faults(Faults { error_at: Some(at), ..Faults::default() }, at);
        if log.truncate_to(3).is_ok() {
            break;
        }
        storage.set_faults(Faults::default(), at);
        let end = log.log_end_offset();
        match log.append_as(producer(3), &[NewRecord::value(&[1; 60])], NOW) {
            Ok(appended) => {
                assert!(appended.last_offset < log.log_end_offset(), "call {at}: {appended:?}, {end}")
            }
            Err(error) => assert!(matches!(error, Error::Poisoned), "call {at}: {error}"),
        }
    }
}

/// The log start takes records away, and nothing of what is known of their producers: neither at once, nor by a
/// cut, nor by an opening.
#[test]
fn a_cut_forgets_no_producer_below_the_log_start() {
    let storage = FaultyStorage::new(1);
    let (mut log, _) = PartitionLog::open(storage.clone(), LogConfig::default()).expect("it opens");
    log.append_as(producer(0), &[NewRecord::value(b"once")], NOW).expect("it is taken");
    for _ in 0..3 {
        log.append(&[NewRecord::value(b"x")], NOW).expect("it is taken");
    }
    log.flush().expect("it syncs");
    log.delete_records_before(2).expect("it moves");
    log.truncate_to(3).expect("it cuts");
    let again = log.append_as(producer(0), &[NewRecord::value(b"once")], NOW).expect("it is answered");
    assert_eq!((again.duplicate, again.base_offset), (true, 0));
    drop(log);
    let (mut log, _) = PartitionLog::open(storage, LogConfig::default()).expect("it opens");
    let again = log.append_as(producer(0), &[NewRecord::value(b"once")], NOW).expect("it is answered");
    assert_eq!((again.duplicate, again.base_offset), (true, 0));
}
