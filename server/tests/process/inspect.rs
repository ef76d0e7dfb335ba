//! `logscope dump` and `logscope verify`: what they say of good files and of damaged ones, and that they change
//! nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::harness::{Broker, Process, logscope, run, text};

const BASE: &str = "00000000000000000000";

/// A data directory with one topic: two batches a segment, of known bytes.
fn written(data: &Path) -> PathBuf {
    let broker =
        Broker::start_with(data, "127.0.0.1:0", &["--segment-bytes", "200", "--index-interval-bytes", "0"]);
    for i in 0..5 {
        let headers = json!([{"name": "h", "value": "x"}]);
        let timestamp = 1_767_225_600_000u64 + [0, 7, 3, 9, 4][i];
        let body = json!({
            "topic": "t", "key": format!("k{i}"), "payload": format!("value {i}"), "timestamp": timestamp,
            "headers": headers,
        });
        assert_eq!(broker.produce(body), json!({"offset": i}));
    }
    broker.stop();
    data.join("t-0")
}

/// All files below a directory: their bytes, and when they were changed.
fn state(dir: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let changed = fs::metadata(&path).unwrap().modified().unwrap();
        if path.is_dir() {
            files.extend(state(&path));
            files.insert(path, (Vec::new(), changed));
        } else {
            files.insert(path.clone(), (fs::read(&path).unwrap(), changed));
        }
    }
    files
}

fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn dump(arguments: &[&str]) -> (String, String, Option<i32>) {
    let output = run(&[&["dump"], arguments].concat());
    (text(&output.stdout).to_owned(), text(&output.stderr).to_owned(), output.status.code())
}

#[test]
fn dump_prints_what_kafka_prints() {
    let dir = tempfile::tempdir().unwrap();
    let partition = written(dir.path());
    let file = |suffix: &str| path(&partition.join(format!("{BASE}{suffix}"))).to_owned();
    let before = state(dir.path());

    let log = file(".log");
    let batch = |offset: u64, position: u64, timestamp: u64, crc: u32| {
        format!(
            "baseOffset: {offset} lastOffset: {offset} count: 1 baseSequence: -1 lastSequence: -1 producerId: -1 \
             producerEpoch: -1 partitionLeaderEpoch: 0 isTransactional: false isControl: false deleteHorizonMs: \
             OptionalLong.empty position: {position} CreateTime: {timestamp} size: 81 magic: 2 compresscodec: none \
             crc: {crc} isvalid: true\n"
        )
    };
    let record = |offset: u64, timestamp: u64| {
        format!(
            "| offset: {offset} CreateTime: {timestamp} keySize: 2 valueSize: 7 sequence: -1 headerKeys: [h] \
             key: k{offset} payload: value {offset}\n"
        )
    };
    let crc = |offset: usize| {
        let bytes = fs::read(&log).unwrap();
        u32::from_be_bytes(*bytes[81 * offset + 17..].first_chunk().unwrap())
    };
    let (first, second) = (1_767_225_600_000, 1_767_225_600_007);
    let front = format!("Dumping {log}\nLog starting offset: 0\n");
    let batches = [batch(0, 0, first, crc(0)), batch(1, 81, second, crc(1))];
    let nothing_wrong = |stdout: String| (stdout, String::new(), Some(0));
    assert_eq!(dump(&[&log]), nothing_wrong(format!("{front}{}{}", batches[0], batches[1])));
    let records = [record(0, first), record(1, second)];
    let with_records = format!("{front}{}{}{}{}", batches[0], records[0], batches[1], records[1]);
    assert_eq!(dump(&[&log, "--records"]), nothing_wrong(with_records));

    let (index, time_index) = (file(".index"), file(".timeindex"));
    assert_eq!(
        dump(&[&index, &time_index]),
        nothing_wrong(format!(
            "Dumping {index}\noffset: 1 position: 81\nDumping {time_index}\ntimestamp: {second} offset: 1\n"
        ))
    );
    let checkpoint = path(&partition.join("checkpoint")).to_owned();
    let said = "logStartOffset: 0 recoveryPoint: 5 activeSegment: 4 cleanedUpTo: 0 firstDirtyOffset: 0 deleteHorizonMs: -1 clean: true";
    assert_eq!(dump(&[&checkpoint]), nothing_wrong(format!("Dumping {checkpoint}\n{said}\n")));
    assert_eq!(dump(&[path(&partition.join("00000000000000000005.snapshot"))]).2, Some(0));
    assert_eq!(state(dir.path()), before, "nothing is changed");
}

#[test]
fn dump_takes_every_byte_apart_and_speaks_json() {
    let dir = tempfile::tempdir().unwrap();
    let partition = written(dir.path());
    let log = path(&partition.join(format!("{BASE}.log"))).to_owned();
    let (hex, _, code) = dump(&[&log, "--hex"]);
    assert_eq!(code, Some(0));
    for row in [
        "00000010  02                                               magic 2\n",
        "0000003d  26                                                 length 19\n",
        "00000045  76 61 6c 75 65 20 30                               value \"value 0\"\n",
    ] {
        assert!(hex.contains(row), "{row:?} is not in {hex}");
    }
    // Every byte has its place: the rows put together again are the file.
    let rows = hex.lines().filter(|line| line.get(8..10) == Some("  ") && !line.starts_with(' '));
    let bytes = rows.flat_map(|row| {
        let columns: Vec<_> = row[10..].split(' ').take_while(|column| column.len() == 2).collect();
        columns.into_iter().map(|column| u8::from_str_radix(column, 16).unwrap())
    });
    assert_eq!(bytes.collect::<Vec<_>>(), fs::read(&log).unwrap());

    let (lines, _, _) = dump(&[&log, "--records", "--format", "json"]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4);
    assert_eq!((&lines[0]["size"], &lines[0]["isvalid"]), (&json!(81), &json!(true)));
    assert_eq!((&lines[1]["key"], &lines[1]["payload"]), (&json!("k0"), &json!("value 0")));
    assert_eq!(lines[1]["headers"], json!([{"name": "h", "value": "x"}]));
    assert_eq!((&lines[3]["offset"], &lines[3]["file"]), (&json!(1), &json!(log)));
}

#[test]
fn dump_says_at_the_end_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let partition = written(dir.path());
    let file = |suffix: &str| partition.join(format!("{BASE}{suffix}"));
    let (log, index, time_index) = (file(".log"), file(".index"), file(".timeindex"));
    edit(&log, |bytes| {
        bytes[81 + 70] ^= 1;
        bytes.extend([0; 20]);
    });
    edit(&index, |bytes| bytes[3] = 7);
    edit(&time_index, |bytes| bytes[7] ^= 1);

    let (stdout, stderr, code) = dump(&[path(&log)]);
    assert_eq!(code, Some(1));
    assert!(stdout.contains("isvalid: true\n") && stdout.contains("isvalid: false\n"), "{stdout}");
    assert!(stdout.ends_with(&format!("Found 20 invalid bytes at the end of {BASE}.log\n")), "{stdout}");
    assert!(
        stderr.starts_with(&format!("Damaged bytes in {}\n  position 81: the CRC is", path(&log))),
        "{stderr}"
    );
    assert!(stderr.contains("\n  position 162: 20 bytes are there"), "{stderr}");

    let (stdout, stderr, code) = dump(&[path(&index), path(&time_index)]);
    assert_eq!((code, stdout.lines().count()), (Some(1), 4));
    let mismatch = format!("Mismatches in : {}\n  Index offset: 7, log offset: 1\n", path(&index));
    let timestamps = "\n  Index timestamp: 1767225600006, log timestamp: 1767225600007\n";
    assert!(stderr.starts_with(&mismatch) && stderr.ends_with(timestamps), "{stderr}");

    let (stdout, stderr, code) = dump(&[path(&index), "--format", "json"]);
    let last: Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
    assert_eq!((code, &*stderr, &last["problem"]), (Some(1), "", &json!("Mismatches")));

    // Of two files that cannot be looked at each gets a line, and the one that can is printed all the same.
    let missing = path(&file("1.log")).to_owned();
    let (stdout, stderr, code) = dump(&[&missing, path(dir.path()), path(&time_index)]);
    assert_eq!((code, stdout.lines().count()), (Some(2), 2));
    assert_eq!(stderr.lines().filter(|line| line.starts_with("logscope: ")).count(), 2, "{stderr}");
}

#[test]
fn a_reader_that_has_seen_enough_ends_dump_quietly() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    broker.produce(json!({"topic": "t", "payload": "x".repeat(500_000)}));
    broker.stop();
    let log = dir.path().join(format!("t-0/{BASE}.log"));
    let mut dump = Process::start(&["dump", path(&log), "--hex"]);
    drop(dump.stdout());
    assert!(dump.wait().success());
    assert_eq!(dump.stderr(), "");
}

#[test]
fn verify_finds_nothing_wrong_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let partition = written(&data);
    fs::create_dir(data.join("not a partition")).unwrap();
    let before = state(dir.path());
    let all = run(&["verify", path(&data), "--index-interval-bytes", "0"]);
    assert_eq!(
        text(&all.stdout),
        "t-0: offsets 0 up to 5, 5 batches with 5 records in 3 segments\n1 partition, 405 bytes: 0 problems, 0 notes\n"
    );
    assert_eq!(all.status.code(), Some(0));
    assert_eq!(text(&all.stderr), "the directory \"not a partition\" is left alone: it is no partition\n");

    let one = run(&["verify", path(&partition), "--format", "json"]);
    let lines: Vec<Value> =
        text(&one.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), one.status.code()), (2, Some(0)));
    assert_eq!((&lines[0]["partition"], &lines[0]["log_end_offset"]), (&json!("t-0"), &json!(5)));
    assert_eq!((&lines[1]["type"], &lines[1]["in_use"]), (&json!("summary"), &json!(false)));
    assert_eq!(state(dir.path()), before, "nothing is changed");
}

#[test]
fn verify_says_what_is_wrong_and_where() {
    let dir = tempfile::tempdir().unwrap();
    let partition = written(dir.path());
    edit(&partition.join(format!("{BASE}.log")), |bytes| bytes[100] ^= 1);
    let before = state(dir.path());
    let output = run(&["verify", path(dir.path())]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    assert!(stdout.contains(&format!("\n  problem  {BASE}.log at 81: the CRC is ")), "{stdout}");
    assert!(stdout.ends_with("1 partition, 405 bytes: 1 problem, 0 notes\n"), "{stdout}");
    assert_eq!(state(dir.path()), before, "nothing is changed");

    let json = run(&["verify", path(dir.path()), "--format", "json"]);
    let finding: Value = serde_json::from_str(text(&json.stdout).lines().next().unwrap()).unwrap();
    assert_eq!(
        (&finding["severity"], &finding["position"], &finding["partition"]),
        (&json!("problem"), &json!(81), &json!("t-0"))
    );

    let nowhere = tempfile::tempdir().unwrap();
    for dir in [nowhere.path(), &nowhere.path().join("missing"), &partition.join("checkpoint")] {
        let output = run(&["verify", path(dir)]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(output.stdout.is_empty() && text(&output.stderr).starts_with("logscope: "), "{output:?}");
    }
}

#[test]
fn verify_beside_a_broker_says_so_and_after_a_kill_finds_nothing_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Broker::start_with(dir.path(), "127.0.0.1:0", &["--segment-bytes", "300"]);
    for i in 0..20 {
        broker.produce(json!({"topic": "t", "payload": format!("value {i}")}));
    }
    let beside = run(&["verify", path(&dir.path().join("t-0"))]);
    assert_eq!(beside.status.code(), Some(0), "{beside:?}");
    assert!(text(&beside.stderr).starts_with("a broker is running on "), "{beside:?}");
    assert_eq!(broker.produce(json!({"topic": "t", "payload": "after"})), json!({"offset": 20}));

    broker.process.0.kill().unwrap();
    broker.process.wait();
    let after = run(&["verify", path(dir.path())]);
    assert_eq!((after.status.code(), text(&after.stderr)), (Some(0), ""), "{after:?}");
    assert!(text(&after.stdout).starts_with("t-0: offsets 0 up to 21, "), "{after:?}");
}

#[test]
fn verify_ends_quietly_when_nobody_reads() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path());
    let mut command = logscope(&["verify", path(dir.path())]);
    let mut process = Process(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    drop(process.stdout());
    assert!(process.wait().success());
    assert_eq!(process.stderr(), "");
}
