//! Damage that an opening does not look at, met by whoever does; and directories from elsewhere.

use logscope::log::{CHECKPOINT_FILE, Checkpoint};
use logscope::record::{BatchMeta, Compression, encode_batch_with};
use logscope::storage::{Crash, Faults, FaultyStorage, File, MemoryStorage, Storage};
use logscope::{Error, LogConfig, NewRecord, PartitionLog};

const NOW: i64 = 1_767_225_600_000;

fn config() -> LogConfig {
    LogConfig { segment_bytes: 700, index_interval_bytes: 80, retention_ms: None, ..LogConfig::default() }
}

/// Several segments of batches, a second between two of them.
fn closed_log() -> MemoryStorage {
    let storage = MemoryStorage::new();
    let (mut log, _) = PartitionLog::open(storage.clone(), config()).expect("it opens");
    for n in 0..24 {
        log.append(&[NewRecord::value(&[n as u8; 50])], NOW + 1000 * n).expect("it is taken");
    }
    log.close().expect("it closes");
    storage
}

fn copy(storage: &MemoryStorage, change: impl Fn(&str, &mut Vec<u8>)) -> MemoryStorage {
    let copied = MemoryStorage::new();
    for name in storage.list().expect("it can be listed") {
        let mut bytes = storage.contents(&name).expect("it is there");
        change(&name, &mut bytes);
        copied.insert(name, bytes);
    }
    copied
}

/// One bit of an index or of the log is wrong, which no opening after a good close notices. Retention and look-ups by
/// time then find what they would have found, or say what is damaged.
#[test]
fn a_flipped_bit_makes_no_wrong_answer_about_time() {
    let good = closed_log();
    for file in good.list().expect("it can be listed") {
        let log_file = file.ends_with(".log");
        if !log_file && !file.ends_with("index") {
            continue;
        }
        for at in 0..good.contents(&file).expect("it is there").len() {
            for bit in [0x80, 0x01] {
                let storage = copy(&good, |name, bytes| {
                    if name == file {
                        bytes[at] ^= bit;
                    }
                });
                let context = format!("{file}, byte {at}, bit {bit:x}");
                let Ok((mut log, _)) = PartitionLog::open(storage, config()) else {
                    assert!(log_file, "{context}");
                    continue;
                };
                for n in (0..24).step_by(3) {
                    match log.offset_for_timestamp(NOW + 1000 * n - 500) {
                        Ok(Some(found)) if !log_file => assert_eq!(found.offset, n as u64, "{context}"),
                        Ok(None) if !log_file => panic!("{context}: nothing at {n}"),
                        Err(error) => assert!(log_file, "{context}: {error}"),
                        Ok(_) => {}
                    }
                }
                let keeps = LogConfig { retention_ms: Some(12_500), ..config() };
                log.set_config(keeps).expect("it is in order");
                match log.apply_retention(NOW + 24_000) {
                    Ok(_) => assert!(
                        log_file || log.log_start_offset() <= 12,
                        "{context}: {}",
                        log.log_start_offset()
                    ),
                    Err(error) => assert!(log_file, "{context}: {error}"),
                }
                let _ = log.truncate_to(log.log_end_offset() - 7);
            }
        }
    }
}

/// Somebody copied the files and did not sync them.
#[test]
fn what_came_from_elsewhere_is_durable_once_it_is_open() {
    let good = closed_log();
    let copied = MemoryStorage::new();
    for name in good.list().expect("it can be listed").into_iter().filter(|name| name != CHECKPOINT_FILE) {
        let bytes = good.contents(&name).expect("it is there");
        copied.open(&name).and_then(|file| file.write_at(0, &bytes)).expect("it is copied");
    }
    let (log, report) = PartitionLog::open(copied.clone(), config()).expect("it opens");
    assert!(report.scanned_segments.len() > 2);
    drop(log);
    copied.crash(0);
    let (log, _) = PartitionLog::open(copied, config()).expect("it opens");
    let fetched = log.fetch(0, 1 << 20).expect("it is answered");
    assert_eq!(fetched.records().filter_map(Result::ok).count(), 24);
}

/// Before they are compressed, records have to fit a batch.
#[test]
fn too_many_bytes_to_compress_are_refused() {
    let codec =
        Compression::ALL.into_iter().find(|codec| *codec != Compression::None && codec.is_available());
    let config = LogConfig { compression_type: codec, ..LogConfig::default() };
    let (mut log, _) = PartitionLog::open(MemoryStorage::new(), config).expect("it opens");
    let value = vec![0; 1 << 20];
    let records = vec![NewRecord::value(&value); 2048];
    assert!(matches!(
        log.append(&records, NOW),
        Err(Error::MessageTooLarge { limit_name: "the format", .. })
    ));
}

/// A directory from elsewhere, with so many segments of one batch, and a hole after each.
fn with_holes(segments: u64) -> FaultyStorage {
    let storage = FaultyStorage::new(1);
    for n in 0..segments {
        let mut batch = Vec::new();
        let meta = BatchMeta { base_offset: 10 * n, ..BatchMeta::default() };
        encode_batch_with(&mut batch, &[NewRecord::value(b"kept")], NOW, meta).expect("it is encoded");
        let file = storage.open(&format!("{:020}.log", 10 * n)).expect("it opens");
        file.write_at(0, &batch).expect("it is written");
    }
    storage
}

/// A compacted directory without snapshots is read once, not once a segment.
#[test]
fn an_opening_takes_no_more_calls_a_segment_where_there_are_more() {
    let calls = |segments| {
        let storage = with_holes(segments);
        storage.set_faults(Faults::default(), 1);
        PartitionLog::open(storage.clone(), config()).expect("it opens");
        storage.calls()
    };
    let (one, ten, twenty) = (calls(1), calls(10), calls(20));
    assert!(twenty - ten <= ten - one + (ten - one) / 5, "{one}, {ten}, {twenty}");
}

#[test]
fn after_a_cut_there_are_no_holes_above_it() {
    let storage = with_holes(4);
    let (mut log, _) = PartitionLog::open(storage.clone(), config()).expect("it opens");
    assert_eq!(log.truncate_to(25).expect("it cuts"), 21);
    log.close().expect("it closes");
    let checkpoint = Checkpoint::decode(&storage.contents()[CHECKPOINT_FILE]).expect("it is whole");
    assert_eq!((checkpoint.cleaned_up_to, checkpoint.recovery_point), (21, 21));
}
