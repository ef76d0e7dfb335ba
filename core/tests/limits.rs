//! Offsets, times and sizes at the ends of their ranges, and what an opening leaves undone when the power fails.

use crc::{CRC_32_ISCSI, Crc};
use logscope::log::{CHECKPOINT_FILE, Checkpoint};
use logscope::record::{BatchMeta, Compression, encode_batch_with};
use logscope::storage::{Faults, FaultyStorage, File, MemoryStorage, Storage};
use logscope::{Error, LogConfig, NewRecord, PartitionLog};

const CRC_32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

const NOW: i64 = 1_767_225_600_000;

/// A batch that claims so many records. A log that does not decompress it takes its word.
fn claims(records: i32) -> Vec<u8> {
    let mut batch = Vec::new();
    let meta = BatchMeta { compression: Compression::Gzip, ..BatchMeta::default() };
    encode_batch_with(&mut batch, &[NewRecord::value(b"x")], NOW, meta).expect("it is encoded");
    batch[23..27].copy_from_slice(&(records - 1).to_be_bytes());
    batch[57..61].copy_from_slice(&records.to_be_bytes());
    let crc = CRC_32C.checksum(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
    batch
}

#[test]
fn a_segment_ends_where_relative_offsets_do() {
    let storage = MemoryStorage::new();
    let config = LogConfig { index_interval_bytes: 0, ..LogConfig::default() };
    let (mut log, _) = PartitionLog::open(storage.clone(), config.clone()).expect("it opens");
    let first = log.append_batch(&mut claims(i32::MAX), NOW).expect("it is taken");
    assert_eq!((first.last_offset, first.segment), ((1 << 31) - 2, 0));
    let segments: Vec<_> =
        (0..2).map(|_| log.append(&[NewRecord::value(b"y")], NOW).expect("it is taken").segment).collect();
    assert_eq!(segments, [0, 1 << 31]);
    log.flush().expect("it syncs");
    drop(log);
    storage.remove(CHECKPOINT_FILE).expect("it was there");
    let (log, report) = PartitionLog::open(storage, config).expect("it opens");
    assert_eq!((log.log_end_offset(), report.batches), ((1 << 31) + 1, 3));
    let fetched = log.fetch((1 << 31) - 1, 1 << 20).expect("it is answered");
    assert_eq!(fetched.records().filter_map(Result::ok).count(), 2);
}

#[test]
fn the_last_offset_is_taken_and_no_further_one() {
    let end = i64::MAX as u64;
    let storage = MemoryStorage::new();
    storage.insert(format!("{:020}.log", end - 3), Vec::new());
    let (mut log, _) = PartitionLog::open(storage.clone(), LogConfig::default()).expect("it opens");
    let three = [NewRecord::value(b"x"); 3];
    assert!(matches!(log.append(&[three, three].concat(), NOW), Err(Error::OffsetsExhausted(_))));
    assert_eq!(log.append(&three, NOW).expect("it is taken").last_offset, end - 1);
    assert!(matches!(log.append(&three[..1], NOW), Err(Error::OffsetsExhausted(_))));
    log.close().expect("it closes");
    let (log, _) = PartitionLog::open(storage, LogConfig::default()).expect("it opens");
    assert_eq!(log.log_end_offset(), end);
}

/// An old segment's index is damaged, and the power fails while it is written anew. What is left of the new one must
/// not pass for all of it: retention would delete by a timestamp that is not the largest.
#[test]
fn an_index_that_is_half_mended_is_mended_again() {
    let config = LogConfig {
        segment_bytes: 1000,
        index_interval_bytes: 80,
        retention_ms: Some(5000),
        ..LogConfig::default()
    };
    for seed in 200..216 {
        for at in 1.. {
            let storage = FaultyStorage::new(seed);
            let (mut log, _) = PartitionLog::open(storage.clone(), config.clone()).expect("it opens");
            for n in 0..20 {
                log.append(&[NewRecord::value(&[n as u8; 50])], NOW + 1000 * n).expect("it is taken");
            }
            let second = log.segments()[1].base_offset as i64;
            log.close().expect("it closes");
            let name = format!("{:020}.timeindex", 0);
            let index = storage.open(&name).expect("it opens");
            index.truncate(13).and_then(|()| index.sync()).expect("it is damaged");
            storage.set_faults(Faults { power_fails_at: Some(at), ..Faults::default() }, seed + at);
            drop(PartitionLog::open(storage.clone(), config.clone()));
            if !storage.is_down() {
                break;
            }
            storage.restart();
            let (mut log, _) = PartitionLog::open(storage, config.clone()).expect("it opens");
            let largest = NOW + 1000 * (second - 1);
            assert_eq!(
                log.apply_retention(largest + 5000).expect("it is applied"),
                [],
                "seed {seed}, call {at}"
            );
            let found =
                log.offset_for_timestamp(largest).expect("it is answered").map(|found| found.offset as i64);
            assert_eq!(found, Some(second - 1), "seed {seed}, call {at}");
        }
    }
}

/// The recovery point is what an opening goes by: nothing that was durable is ever cut.
#[test]
fn damage_below_the_recovery_point_is_no_torn_tail() {
    let storage = MemoryStorage::new();
    let (mut log, _) = PartitionLog::open(storage.clone(), LogConfig::default()).expect("it opens");
    for _ in 0..3 {
        log.append(&[NewRecord::value(&[1; 50])], NOW).expect("it is taken");
    }
    log.flush().expect("it syncs");
    // Moving the log start writes the recovery point down.
    log.delete_records_before(1).expect("it moves");
    drop(log);
    let checkpoint =
        Checkpoint::decode(&storage.contents(CHECKPOINT_FILE).expect("it is there")).expect("it is whole");
    assert_eq!((checkpoint.log_start_offset, checkpoint.recovery_point), (1, 3));
    let name = format!("{:020}.log", 0);
    let mut bytes = storage.contents(&name).expect("it is there");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    storage.insert(&name, bytes.clone());
    assert!(matches!(PartitionLog::open(storage.clone(), LogConfig::default()), Err(Error::Corrupt { .. })));
    assert_eq!(storage.contents(&name), Some(bytes), "nothing was cut");
}

/// What a full disk does today: it is no reason to lose anything, and what was there can be read.
#[test]
fn a_full_disk_keeps_what_is_there_readable() {
    let storage = FaultyStorage::new(1);
    let (mut log, _) = PartitionLog::open(storage.clone(), LogConfig::default()).expect("it opens");
    log.append(&[NewRecord::value(b"x")], NOW).expect("it is taken");
    log.flush().expect("it syncs");
    storage.set_faults(Faults { room: Some(0), ..Faults::default() }, 1);
    assert!(matches!(log.append(&[NewRecord::value(b"y")], NOW), Err(Error::Io(_))));
    assert_eq!(log.fetch(0, 1000).expect("it is answered").records().count(), 1);
    assert_eq!(log.flush().expect("there is nothing to write"), 1);
}

/// A flush that began before a cut says nothing about what came after it.
#[test]
fn a_flush_from_before_a_cut_makes_nothing_visible() {
    let (mut log, _) = PartitionLog::open(MemoryStorage::new(), LogConfig::default()).expect("it opens");
    for _ in 0..3 {
        log.append(&[NewRecord::value(b"old")], NOW).expect("it is taken");
    }
    let flush = log.begin_flush();
    assert_eq!(log.truncate_to(1).expect("it cuts"), 1);
    assert_eq!(flush.complete().expect("it syncs"), 1);
    assert_eq!((log.high_watermark(), log.log_end_offset()), (1, 1));
}

#[test]
fn a_compressed_batch_is_held_against_the_limit_as_it_will_be_stored() {
    let config = LogConfig {
        compression_type: Some(Compression::Gzip),
        max_message_bytes: 500,
        ..LogConfig::default()
    };
    let (mut log, _) = PartitionLog::open(MemoryStorage::new(), config).expect("it opens");
    log.append(&[NewRecord::value(&[0; 5000])], NOW).expect("it gets small");
    let mut state = 1u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(600)
    .collect();
    let refused = log.append(&[NewRecord::value(&noise)], NOW);
    assert!(matches!(refused, Err(Error::MessageTooLarge { limit: 500, .. })), "{refused:?}");
}

#[test]
fn the_last_offset_of_a_new_batch_follows_from_its_count() {
    let (mut log, _) = PartitionLog::open(MemoryStorage::new(), LogConfig::default()).expect("it opens");
    let mut batch = claims(3);
    batch[23..27].copy_from_slice(&7i32.to_be_bytes());
    let crc = CRC_32C.checksum(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
    assert!(matches!(log.append_batch(&mut batch, NOW), Err(Error::InvalidBatch(_))));
    assert!(matches!(log.append_batch(&mut claims(0), NOW), Err(Error::InvalidBatch(_))));
    assert_eq!(log.log_end_offset(), 0);
}

/// The limits of retention are still kept, not deleted.
#[test]
fn retention_keeps_what_is_just_within() {
    let config = LogConfig { segment_bytes: 200, retention_ms: Some(1000), ..LogConfig::default() };
    let (mut log, _) = PartitionLog::open(MemoryStorage::new(), config).expect("it opens");
    for n in 0..3 {
        log.append(&[NewRecord::value(&[0; 80])], NOW + n).expect("it is taken");
    }
    let sizes: Vec<_> = log.segments().iter().map(|segment| segment.size).collect();
    assert_eq!(sizes.len(), 3);
    assert_eq!(log.apply_retention(NOW + 1000).expect("it is applied"), []);
    let bytes =
        LogConfig { retention_ms: None, retention_bytes: Some(sizes[1] + sizes[2]), ..log.config().clone() };
    log.set_config(bytes.clone()).expect("it is in order");
    assert_eq!(log.apply_retention(NOW).expect("it is applied").len(), 1, "two segments reach the limit");
    assert_eq!(log.apply_retention(NOW).expect("it is applied").len(), 0);
    log.set_config(LogConfig { retention_bytes: None, retention_ms: Some(1000), ..bytes })
        .expect("it is in order");
    assert_eq!(log.apply_retention(NOW + 1002).expect("it is applied").len(), 1);
}

/// A batch from outside says nothing that only a log may say.
#[test]
fn an_encoded_batch_with_a_claim_of_a_log_is_refused() {
    let (mut log, _) = PartitionLog::open(MemoryStorage::new(), LogConfig::default()).expect("it opens");
    let mut good = Vec::new();
    logscope::record::encode_batch(&mut good, &[NewRecord::value(b"x")], NOW);
    let with = |at: usize, bytes: &[u8]| {
        let mut batch = good.clone();
        batch[at..at + bytes.len()].copy_from_slice(bytes);
        let crc = CRC_32C.checksum(&batch[21..]);
        batch[17..21].copy_from_slice(&crc.to_be_bytes());
        batch
    };
    for (at, bytes, what) in [
        (22, &[0b0010_0000][..], "control batches"),
        (22, &[0b0001_0000], "transactions"),
        (22, &[0b0100_0000], "delete horizon"),
        (22, &[0b0000_1000], "message.timestamp.type"),
        (27, &(-5i64).to_be_bytes(), "the timestamp -5 is before 1970"),
        (35, &(-1i64).to_be_bytes(), "the timestamp -1 is before 1970"),
    ] {
        let error = log.append_batch(&mut with(at, bytes), NOW).expect_err(what).to_string();
        assert!(error.contains(what), "{error}");
    }
    assert_eq!(log.append_batch(&mut good.clone(), NOW).expect("it is taken").base_offset, 0);
}
