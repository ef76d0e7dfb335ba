//! What is found in files that were damaged in a known way.

use std::collections::BTreeMap;

use super::*;
use crate::dump::BatchWalker;
use crate::record::NewRecord;
use crate::segment::{INDEX_SUFFIX, LOG_SUFFIX, TIME_INDEX_SUFFIX, file_name};
use crate::storage::MemoryStorage;
use crate::{LogConfig, PartitionLog};

type Files = BTreeMap<String, Vec<u8>>;

const INTERVAL: u32 = 150;
/// Where the segments of [`written`] end, which begin at 0, 7 and 14.
const END: u64 = 20;
const RULE: VerifyOptions =
    VerifyOptions { index_interval_bytes: Some(INTERVAL), max_findings: 1000, in_use: false };

fn log(base: u64) -> String {
    file_name(base, LOG_SUFFIX)
}

fn index(base: u64) -> String {
    file_name(base, INDEX_SUFFIX)
}

fn time_index(base: u64) -> String {
    file_name(base, TIME_INDEX_SUFFIX)
}

fn load(storage: &MemoryStorage) -> Files {
    let read = |name: String| {
        let file = storage.open(&name).unwrap();
        let mut bytes = vec![0; file.len().unwrap() as usize];
        file.read_at(0, &mut bytes).unwrap();
        (name, bytes)
    };
    storage.list().unwrap().into_iter().map(read).collect()
}

fn store(files: &Files) -> MemoryStorage {
    let storage = MemoryStorage::new();
    for (name, bytes) in files {
        storage.open(name).unwrap().write_at(0, bytes).unwrap();
    }
    storage
}

fn verify_files(files: &Files, options: &VerifyOptions) -> VerifyReport {
    let storage = store(files);
    let mut bytes = 0;
    let report = verify(&storage, options, &mut |more| bytes += more).unwrap();
    assert_eq!(&load(&storage), files, "a check changes nothing");
    let sizes =
        files.iter().filter(|(name, _)| name.ends_with(LOG_SUFFIX)).map(|(_, bytes)| bytes.len() as u64);
    assert_eq!((bytes, report.bytes), (sizes.sum(), bytes), "all bytes are told to whoever watches");
    report
}

/// Three segments of one-record batches of 100 bytes, whose timestamps rise and fall; closed in good order.
fn written() -> Files {
    let storage = MemoryStorage::new();
    let config = LogConfig { segment_bytes: 700, index_interval_bytes: INTERVAL, ..LogConfig::default() };
    let (mut log, _) = PartitionLog::open(storage.clone(), config).unwrap();
    let value = [b'v'; 32];
    for timestamp in (0..END).map(|i| 1_000_000 + [0, 5, 3][i as usize % 3] + i) {
        let record = NewRecord { timestamp: Some(timestamp as i64), ..NewRecord::value(&value) };
        assert_eq!(log.append(&[record], 0).unwrap().size, 100);
    }
    log.close().unwrap();
    load(&storage)
}

fn checkpoint(files: &mut Files, start: u64, recovery: u64, active: u64, cleaned: u64, clean: bool) {
    let text = format!(
        "logscope-checkpoint 1\nlog-start-offset {start}\nrecovery-point {recovery}\nactive-segment {active}\n\
         cleaned-up-to {cleaned}\nfirst-dirty-offset {cleaned}\ndelete-horizon -1\nclean {clean}\n"
    );
    let crc = crate::record::crc32c(text.as_bytes());
    files.insert("checkpoint".to_owned(), format!("{text}crc32c {crc:08x}\n").into_bytes());
}

/// `file@position severity: message`, a line a finding.
fn said(report: &VerifyReport) -> Vec<String> {
    let line = |finding: &Finding| {
        let at = finding.position.map_or(String::new(), |position| format!("@{position}"));
        let name = finding.file.trim_start_matches('0');
        format!("{name}{at} {:?}: {}", finding.severity, finding.message)
    };
    report.findings.iter().map(line).collect()
}

#[test]
fn a_log_that_was_closed_in_good_order_has_nothing_to_be_said_about() {
    let files = written();
    assert_eq!(files[&index(0)].len(), 3 * 8, "each segment has index entries");
    for options in [VerifyOptions::default(), RULE] {
        let report = verify_files(&files, &options);
        assert_eq!(said(&report), [""; 0]);
        assert_eq!((report.segments, report.batches, report.records), (3, END, END));
        assert_eq!((report.log_start_offset, report.log_end_offset), (0, END));
    }
}

/// What is done to the files, and what is to be said of it: a part of each finding, in order.
type Damage = (&'static str, fn(&mut Files), &'static [&'static str]);

const DAMAGES: &[Damage] = &[
    (
        "a bit of an old segment",
        |f| f.get_mut(&log(7)).unwrap()[270] ^= 1,
        &["7.log@200 Problem: the CRC is"],
    ),
    (
        "the magic byte of an old segment",
        |f| f.get_mut(&log(7)).unwrap()[616] = 1,
        &["7.log@600 Problem: the magic byte is 1, not 2; the 100 bytes from here on cannot be told apart"],
    ),
    (
        "a length in an old segment",
        |f| f.get_mut(&log(0)).unwrap()[300 + 8] = 0x7f,
        &[
            ".log@300 Problem: 400 of the batch's 2130706532 bytes are there; the 400 bytes from here on cannot",
        ],
    ),
    (
        "a tail after a clean close",
        |f| f.get_mut(&log(14)).unwrap().extend([0; 10]),
        &[
            "14.log@600 Problem: 10 bytes are there, fewer than the 61 of a batch header, though the log was closed",
        ],
    ),
    (
        "batches missing at the end after a clean close",
        |f| f.get_mut(&log(14)).unwrap().truncate(300),
        &[
            "14.index@8 Problem: the entry points at position 400",
            "14.timeindex@12 Problem: the entry says offset 19, beyond",
            "checkpoint Problem: offsets up to the recovery point 20 were durable, and the log ends at 17",
            "20.snapshot Problem: it was taken at offset 20, and the log ends at 17",
        ],
    ),
    (
        "a batch left out",
        |f| drop(f.get_mut(&log(7)).unwrap().drain(100..200)),
        &[
            "7.log@100 Problem: the batches from offset 8 up to 9 are not there",
            "7.index@0 Problem: the entry says offset 9 for the batch that ends at offset 10",
            "7.index@8 Problem: ",
            "7.index@16 Problem: the entry points at position 600, and the log ends at 600",
        ],
    ),
    (
        "two batches in the wrong order",
        |f| f.get_mut(&log(7)).unwrap()[..200].rotate_left(100),
        &[
            "7.log@0 Problem: the batches from offset 7 up to 8 are not there",
            "7.timeindex@0 Problem: the entry says timestamp 1000012 at offset 7",
            "7.log@100 Problem: a batch begins at offset 7, and at least 9 is due",
        ],
    ),
    (
        "a segment missing",
        |f| f.retain(|name, _| !name.ends_with("07.log")),
        &[
            "14.log@0 Problem: the batches from offset 7 up to 14 are not there",
            "7.snapshot Note: left over: no segment begins there",
            "7.index Note: there is no .log",
            "",
        ],
    ),
    (
        "the first segment missing",
        |f| f.retain(|name, _| !name.starts_with(&log(0)[..20])),
        &["checkpoint Problem: the log start offset is 0, and the first segment begins at 7"],
    ),
    (
        "the last segment missing",
        |f| f.retain(|name, _| !name.starts_with(&log(14)[..20])),
        &[
            "recovery point 20 were durable, and the log ends at 14",
            "the active segment was 00000000000000000014.log",
            "20.snapshot Problem: it was taken at offset 20",
        ],
    ),
    ("an index missing", |f| drop(f.remove(&index(7))), &["7.index Problem: the offset index is missing"]),
    (
        "a time index missing",
        |f| drop(f.remove(&time_index(7))),
        &["7.timeindex Note: there is no time index"],
    ),
    (
        "an index entry that is a bit off",
        |f| f.get_mut(&index(7)).unwrap()[7] ^= 1,
        &[
            "7.index@0 Problem: the batch at position 200 has no entry, 200 bytes after the one before",
            "7.index@0 Problem: the entry points at position 201, where no batch begins",
        ],
    ),
    (
        "an index entry of another offset",
        |f| f.get_mut(&index(7)).unwrap()[3] -= 1,
        &["7.index@0 Problem: the entry says offset 8 for the batch that ends at offset 9"],
    ),
    (
        "index entries that do not rise",
        |f| f.get_mut(&index(7)).unwrap()[..16].rotate_left(8),
        &["no entry", "7.index@8 Problem: the entry does not rise above the one before"],
    ),
    (
        "an index cut off in an entry",
        |f| f.get_mut(&index(7)).unwrap().truncate(20),
        &[
            "7.index@16 Problem: the file ends 4 bytes into an entry",
            "the batch at position 600 has no entry",
        ],
    ),
    (
        "an index entry too many",
        |f| f.get_mut(&index(7)).unwrap().extend([0, 0, 0, 9, 0, 0, 9, 0]),
        &["7.index@24 Problem: the entry points at position 2304, and the log ends at 700"],
    ),
    (
        "zeros in an index",
        |f| f.get_mut(&index(7)).unwrap().extend([0; 16]),
        &["7.index@24 Problem: the last 16 bytes are zeros"],
    ),
    (
        "a time index entry of another timestamp",
        |f| f.get_mut(&time_index(7)).unwrap()[7] ^= 1,
        &["7.timeindex@0 Problem: the entry says timestamp"],
    ),
    (
        "a time index entry of an offset that did not reach the timestamp first",
        |f| f.get_mut(&time_index(7)).unwrap()[11] = 1,
        &["7.timeindex@0 Problem: the entry says timestamp 1000012 at offset 8"],
    ),
    (
        "time index entries whose timestamps do not rise",
        |f| {
            let bytes = f.get_mut(&time_index(7)).unwrap();
            bytes.copy_within(..8, 12);
        },
        &[
            "7.timeindex@12 Problem: the entry does not rise above the one before",
            "7.timeindex@24 Problem: no entry for timestamp 1000015",
        ],
    ),
    (
        "a time index without its last entry",
        |f| {
            let bytes = f.get_mut(&time_index(7)).unwrap();
            bytes.truncate(bytes.len() - 12);
        },
        &["7.timeindex@24 Problem: no entry for timestamp 1000018, the largest so far, though"],
    ),
    (
        "a checkpoint's bit",
        |f| f.get_mut("checkpoint").unwrap()[60] ^= 1,
        &["checkpoint@59 Problem: the line \"active-segment\" is due"],
    ),
    (
        "a checkpoint without its end",
        |f| f.get_mut("checkpoint").unwrap().truncate(90),
        &["checkpoint@77 Problem: no line of text with an end"],
    ),
    (
        "a checkpoint of a log that went on",
        |f| checkpoint(f, 0, 18, 14, 0, true),
        &[
            "Note: the log was closed in good order, and there is no",
            "checkpoint Problem: the log was closed in good order at offset 18, and it ends at 20",
        ],
    ),
    (
        "a checkpoint of another active segment",
        |f| checkpoint(f, 0, END, 7, 0, true),
        &["checkpoint Problem: the active segment was 7, and another follows it"],
    ),
    (
        "a snapshot missing",
        |f| drop(f.remove(&file_name(END, ".snapshot"))),
        &["checkpoint Note: the log was closed in good order, and there is no snapshot"],
    ),
    (
        "a log start beyond the end",
        |f| checkpoint(f, 30, END, 14, 40, true),
        &[
            ".log Note: it lies below",
            "7.log Note: it lies below the log start offset",
            "log start offset 30 is beyond",
        ],
    ),
    (
        "a snapshot's bit",
        |f| drop(f.insert(file_name(14, ".snapshot"), snapshot(&[(1, 13)], 1))),
        &["14.snapshot@2 Problem: the bytes give"],
    ),
    (
        "a snapshot that knows the future",
        |f| drop(f.insert(file_name(14, ".snapshot"), snapshot(&[(1, 9), (2, 14)], 0))),
        &["14.snapshot Problem: producer 2 has offset 14"],
    ),
    (
        "a snapshot of before a truncation",
        |f| drop(f.insert(file_name(11, ".snapshot"), snapshot(&[], 0))),
        &["11.snapshot Note: left over"],
    ),
    (
        "what a crash leaves",
        |f| {
            for name in
                ["checkpoint.tmp", "00000000000000000000.log.deleted", "00000000000000000007.log.swap"]
            {
                f.insert(name.to_owned(), vec![1]);
            }
            f.insert("notes.txt".to_owned(), Vec::new());
        },
        &[
            ".log.deleted Note: left over: its segment was deleted",
            "7.log.swap Note: compaction was interrupted",
            "checkpoint.tmp Note: left over from a crash",
            "notes.txt Note: nothing that belongs",
        ],
    ),
];

/// A snapshot of producers and their last offsets, with some bits of its checksum flipped.
fn snapshot(entries: &[(i64, i64)], flipped: u32) -> Vec<u8> {
    let mut body = (entries.len() as i32).to_be_bytes().to_vec();
    for (id, last_offset) in entries {
        body.extend(id.to_be_bytes());
        body.extend([0, 0, 0, 0, 0, 3]);
        body.extend(last_offset.to_be_bytes());
        body.extend([0; 16]);
        body.extend((-1i64).to_be_bytes());
    }
    [&[0, 1][..], &(crate::record::crc32c(&body) ^ flipped).to_be_bytes(), &body].concat()
}

#[test]
fn each_damage_is_found_where_it_is() {
    for (name, damage, expected) in DAMAGES {
        let mut files = written();
        damage(&mut files);
        let report = verify_files(&files, &RULE);
        let said = said(&report);
        assert_eq!(said.len(), expected.len(), "{name}: {said:#?}");
        for (said, expected) in said.iter().zip(*expected) {
            assert!(said.contains(expected), "{name}: {expected:?} is not in {said:?}");
        }
        let problems = said.iter().filter(|said| said.contains(" Problem: ")).count() as u64;
        assert_eq!((report.problems, report.notes), (problems, said.len() as u64 - problems), "{name}");
    }
}

#[test]
fn a_record_that_does_not_parse_is_found_behind_a_checksum_that_is_right() {
    let mut files = written();
    let batch = &mut files.get_mut(&log(7)).unwrap()[100..200];
    batch[61] += 2;
    let crc = crate::record::crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
    let report = verify_files(&files, &RULE);
    assert_eq!(said(&report), ["7.log@100 Problem: record 0 of the batch: the length goes beyond the batch"]);
}

#[test]
fn a_torn_tail_is_a_note_where_nothing_below_it_was_durable() {
    let mut files = written();
    files.get_mut(&log(14)).unwrap().truncate(550);
    files.get_mut(&time_index(14)).unwrap().truncate(12);
    checkpoint(&mut files, 0, 19, 14, 0, false);
    let report = verify_files(&files, &RULE);
    let torn = "14.log@500 Note: 50 bytes are there, fewer than the 61 of a batch header; \
                recovery will cut off the 50 bytes from here on";
    assert_eq!(said(&report)[0], torn);
    assert!(report.is_clean(), "{:?}", said(&report));
    assert_eq!(report.log_end_offset, 19);

    // The recovery point says that more was durable.
    checkpoint(&mut files, 0, 20, 14, 0, false);
    let report = verify_files(&files, &RULE);
    assert!(said(&report)[0].contains("Problem: 50 bytes"), "{:?}", said(&report));

    // Nobody knows what was durable.
    files.remove("checkpoint");
    let report = verify_files(&files, &RULE);
    assert!(report.is_clean(), "{:?}", said(&report));
    let while_open = verify_files(&files, &VerifyOptions { in_use: true, ..RULE });
    assert!(said(&while_open)[1].contains("may be a batch that is being written"), "{:?}", said(&while_open));
}

/// The next opening mends all of these, so they are no problems.
#[test]
fn what_was_interrupted_is_a_note() {
    // A compaction had deleted the indexes of a segment whose place another takes.
    let mut files = written();
    files.remove(&index(7));
    files.insert("00000000000000000000-00000000000000000014.log.swap".to_owned(), Vec::new());
    let report = verify_files(&files, &RULE);
    assert!(
        said(&report).contains(&"7.index Note: the offset index is missing".to_owned()),
        "{:?}",
        said(&report)
    );
    assert!(report.is_clean());

    // An opening had taken the last entry off the last time index, and got no further.
    let mut files = written();
    let len = files[&time_index(14)].len();
    files.get_mut(&time_index(14)).unwrap().truncate(len - 12);
    let report = verify_files(&files, &RULE);
    assert!(said(&report)[0].starts_with("14.timeindex@"), "{:?}", said(&report));
    assert_eq!((report.problems, report.notes), (0, 1));
    let len = files[&time_index(7)].len();
    files.get_mut(&time_index(7)).unwrap().truncate(len - 12);
    assert_eq!(verify_files(&files, &RULE).problems, 1, "an older one is complete");

    // A truncation had cut off a batch in which the log starts, and nothing more.
    let mut files = written();
    files.remove("00000000000000000020.snapshot");
    checkpoint(&mut files, 21, 20, 14, 0, false);
    let report = verify_files(&files, &RULE);
    let beyond = "checkpoint Note: the log start offset 21 is beyond the log's end 20";
    assert!(said(&report).contains(&beyond.to_owned()), "{:?}", said(&report));
    assert!(report.is_clean());
}

#[test]
fn damage_with_good_batches_behind_it_is_no_torn_tail() {
    let mut files = written();
    files.get_mut(&log(14)).unwrap()[270] ^= 1;
    files.remove("checkpoint");
    let report = verify_files(&files, &RULE);
    let found = &said(&report)[1];
    assert!(found.starts_with("14.log@200 Problem: the CRC is"), "{found}");
    assert!(
        found.ends_with("recovery will cut off the 400 bytes from here on, 3 whole batches among them"),
        "{found}"
    );
    assert_eq!(report.log_end_offset, 16);

    // Above the recovery point a crash may leave that, too: the disk need not write in order.
    checkpoint(&mut files, 0, 16, 14, 0, false);
    let report = verify_files(&files, &RULE);
    assert!(said(&report)[0].starts_with("14.log@200 Note: the CRC is"), "{:?}", said(&report));
    assert!(report.is_clean(), "{:?}", said(&report));
}

#[test]
fn holes_are_normal_where_compaction_was_and_where_nobody_knows() {
    let mut files = written();
    files.get_mut(&log(0)).unwrap().drain(300..400);
    let entries = [(2u32, 200u32), (5, 400)];
    let entries = entries.iter().flat_map(|(offset, at)| [offset.to_be_bytes(), at.to_be_bytes()].concat());
    files.insert(index(0), entries.collect());
    files.insert(time_index(0), [&1_000_009i64.to_be_bytes()[..], &4u32.to_be_bytes()].concat());
    checkpoint(&mut files, 0, END, 14, 7, true);
    assert_eq!(said(&verify_files(&files, &RULE)), [""; 0]);
    checkpoint(&mut files, 0, END, 14, 3, true);
    assert_eq!(verify_files(&files, &RULE).problems, 1, "the hole ends at offset 4");
    files.remove("checkpoint");
    let report = verify_files(&files, &RULE);
    assert!(said(&report)[1].contains("1 holes, the first from 3 up to 4"), "{:?}", said(&report));
    assert!(report.is_clean());
}

#[test]
fn kafkas_zeros_at_the_end_of_an_index_are_a_note() {
    let mut files = written();
    files.remove("checkpoint");
    files.get_mut(&index(14)).unwrap().resize(1000, 0);
    files.get_mut(&time_index(14)).unwrap().resize(1200, 0);
    let report = verify_files(&files, &VerifyOptions::default());
    assert!(report.is_clean() && report.notes == 3, "{:?}", said(&report));
    assert!(said(&report)[1].contains("Kafka allocates"), "{:?}", said(&report));
}

#[test]
fn lost_index_entries_are_seen_without_knowing_the_interval() {
    let mut files = written();
    files.get_mut(&index(7)).unwrap().drain(8..16);
    let report = verify_files(&files, &VerifyOptions::default());
    assert_eq!(said(&report).len(), 1, "{:?}", said(&report));
    assert!(said(&report)[0].contains("7.index Note: no single index.interval.bytes explains"));
    files.insert(index(7), Vec::new());
    assert!(said(&verify_files(&files, &VerifyOptions::default()))[0].contains("7.index Note: no single"));
}

#[test]
fn the_list_of_findings_is_bounded_and_they_are_counted() {
    let mut files = written();
    let garbage = (0..1000u32).flat_map(|i| [u32::MAX - i, i].map(u32::to_be_bytes).concat());
    files.insert(index(7), garbage.collect());
    let report = verify_files(&files, &VerifyOptions::default());
    assert!(report.findings.len() <= MAX_PER_FILE + 1, "{:?}", said(&report));
    assert!(report.problems > 900, "{}", report.problems);
    assert_eq!(report.problems + report.notes, report.findings.len() as u64 + report.omitted);
    let few = verify_files(&files, &VerifyOptions { max_findings: 3, ..VerifyOptions::default() });
    assert_eq!((few.findings.len(), few.problems), (3, report.problems));
}

#[test]
fn a_length_that_is_a_lie_takes_no_memory() {
    let mut files = written();
    let bytes = files.get_mut(&log(14)).unwrap();
    bytes.resize(3 << 20, 0);
    let length = (3 << 20) - 512 - 12i32;
    bytes[500 + 8..500 + 12].copy_from_slice(&length.to_be_bytes());
    let storage = store(&files);
    let file = storage.open(&log(14)).unwrap();
    let mut walker = BatchWalker::new(&file, 500, 3 << 20);
    let header = walker.advance().unwrap().unwrap().unwrap();
    assert_eq!(header.size, (3 << 20) - 512);
    assert!(walker.verify().unwrap().is_err());
    assert!(walker.held() < 1 << 20, "{}", walker.held());
}

#[test]
fn whatever_the_files_hold_it_comes_to_an_end() {
    use proptest::prelude::*;
    let files = written();
    let names: Vec<String> = files.keys().cloned().collect();
    let edit = (0..names.len(), any::<prop::sample::Index>(), any::<u8>(), 0..3u8);
    proptest!(|(edits in prop::collection::vec(edit, 1..8))| {
        let mut damaged = files.clone();
        for (name, at, byte, how) in edits {
            let bytes = damaged.get_mut(&names[name]).unwrap();
            if bytes.is_empty() { continue }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.truncate(at),
                _ => bytes.insert(at, byte),
            }
        }
        verify_files(&damaged, &RULE);
    });
}
