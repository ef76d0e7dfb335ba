//! Start, stop, start again; and what must keep a broker from starting.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::json;

use crate::harness::{Broker, Process, run, signal, text};

#[test]
fn a_restart_keeps_the_data_in_kafkas_files() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("deeper/data");
    let broker = Broker::start(&data);
    for i in 0..10 {
        assert_eq!(broker.produce(json!({"topic": "t", "payload": format!("{i}")})), json!({"offset": i}));
    }
    broker.stop();

    // One batch a record; the base offset stands in front, the magic byte behind it.
    let log = fs::read(data.join("t-0/00000000000000000000.log")).unwrap();
    let (batches, mut rest) = (10u64, &log[..]);
    for offset in 0..batches {
        assert_eq!(rest[..8], offset.to_be_bytes());
        assert_eq!(rest[16], 2);
        let length = u32::from_be_bytes(rest[8..12].try_into().unwrap()) as usize;
        rest = &rest[12 + length..];
    }
    assert!(rest.is_empty());
    assert!(data.join("t-0/00000000000000000000.index").exists());
    let meta = fs::read_to_string(data.join("meta.properties")).unwrap();
    assert!(meta.contains("version=0\n") && meta.contains("broker.id=0\n"), "{meta}");

    let broker = Broker::start(&data);
    let expected: Vec<_> = (0..10).map(|i| i.to_string()).collect();
    assert_eq!(broker.read_all("t"), expected);
    assert_eq!(broker.produce(json!({"topic": "t", "payload": "next"})), json!({"offset": 10}));
}

#[test]
fn sigterm_and_ctrl_c_answer_what_waits_and_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for (round, name) in ["TERM", "INT"].into_iter().enumerate() {
        let mut broker = Broker::start(dir.path());
        // Nobody waits for the sync of the last record.
        broker.produce(json!({"topic": "t", "payload": name, "acks": 0}));
        // Two requests in one go: when the first is answered, the broker has the second.
        let offset = round + 1;
        let request = |max_wait_ms| {
            let query = format!("topic=t&offset={offset}&min_bytes=100000&max_wait_ms={max_wait_ms}");
            format!("GET /fetch?{query} HTTP/1.1\r\nhost: localhost\r\n\r\n")
        };
        let mut connection = TcpStream::connect(broker.address()).unwrap();
        connection.write_all((request(0) + &request(30_000)).as_bytes()).unwrap();
        let mut answers = BufReader::new(connection);
        let mut first = Vec::new();
        answers.read_until(b'}', &mut first).unwrap();
        signal(broker.process.0.id(), name);
        assert!(broker.process.wait().success(), "{name}");
        let mut second = String::new();
        answers.read_to_string(&mut second).unwrap();
        assert!(
            second.contains("200 OK") && second.contains(&format!("\"next_offset\":{offset},")),
            "{second}"
        );
    }
    assert_eq!(Broker::start(dir.path()).read_all("t"), ["TERM", "INT"]);
}

#[test]
fn a_second_broker_on_the_same_directory_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let _first = Broker::start(dir.path());
    let data = dir.path().to_str().unwrap();
    assert_refused(&["serve", "--listen", "127.0.0.1:0", "--data-dir", data], "another broker is running on");
}

#[test]
fn what_keeps_a_broker_from_starting_is_said_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let first = Broker::start(dir.path());
    let free = other.path().to_str().unwrap();
    let file = other.path().join("file");
    fs::write(&file, "").unwrap();
    let file = file.to_str().unwrap();
    for (arguments, fragment) in [
        (&["--listen", first.address(), "--data-dir", free][..], "cannot listen on 127.0.0.1:"),
        (&["--listen", "0.0.0.0:0", "--data-dir", free], "can be reached from other machines"),
        (&["--listen", "nonsense", "--data-dir", free], "no address with a port"),
        (&["--data-dir", file], "cannot create the data directory"),
        (&["--data-dir", free, "--web-root", free], "there is no index.html in it"),
        (&["--data-dir", free, "--segment-bytes", "60"], "segment.bytes takes a whole number from 61"),
        (&["--data-dir", free, "--max-message-bytes", "many"], "not \"many\""),
    ] {
        let mut all = vec!["serve"];
        all.extend(arguments);
        assert_refused(&all, fragment);
    }
}

fn assert_refused(arguments: &[&str], fragment: &str) {
    let output = run(arguments);
    let stderr = text(&output.stderr);
    let last = stderr.lines().filter(|line| line.starts_with("logscope: ")).collect::<Vec<_>>();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    assert!(last.len() == 1 && last[0].contains(fragment), "{arguments:?}: {fragment:?} is not in {stderr}");
}

#[test]
fn a_torn_tail_is_cut_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    broker.produce(json!({"topic": "t", "payload": "whole"}));
    broker.stop();
    let log = dir.path().join("t-0/00000000000000000000.log");
    let size = fs::metadata(&log).unwrap().len();
    fs::OpenOptions::new().append(true).open(&log).unwrap().write_all(&[0; 20]).unwrap();

    let data = dir.path().to_str().unwrap();
    let mut second = Process::start(&["serve", "--listen", "127.0.0.1:0", "--data-dir", data]);
    let mut line = String::new();
    second.stdout().read_line(&mut line).unwrap();
    second.terminate();
    assert!(second.wait().success());
    let report = format!("cut 20 bytes off 00000000000000000000.log at position {size}");
    let stderr = second.stderr();
    assert!(stderr.contains(&report), "{stderr}");
    assert_eq!(fs::metadata(&log).unwrap().len(), size);
}

#[test]
fn a_full_disk_refuses_records_and_keeps_what_is_there() {
    // A limit on file sizes stands in for a full disk: writes beyond it fail with an error.
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let script = r#"trap '' XFSZ; ulimit -f 8; exec "$0" serve --listen 127.0.0.1:0 --data-dir "$1" --max-message-bytes 1000 2>&-"#;
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_logscope"), data]);
    let mut process = Process(command.stdout(std::process::Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    let mut stdout = process.stdout();
    stdout.read_line(&mut line).unwrap();
    let url = line.trim_end().trim_end_matches('/').rsplit_once(' ').unwrap().1.to_owned();

    let agent = crate::harness::agent();
    let mut acknowledged = 0;
    let refusal = loop {
        let body = json!({"topic": "t", "payload": format!("{acknowledged:0500}")});
        let answer = crate::harness::produce(&agent, &url, &body).unwrap();
        match answer["offset"].as_u64() {
            Some(offset) => assert_eq!(offset, acknowledged),
            None => break answer,
        }
        acknowledged += 1;
    };
    assert_eq!(refusal["error_code"], 50303, "{refusal}");
    let message = "the disk is full; it takes records again by itself once there is room";
    assert!(refusal["message"].as_str().unwrap().contains(message), "{refusal}");
    assert!(acknowledged > 2, "{acknowledged}");
    process.terminate();
    assert!(process.wait().success());
    assert_eq!(Broker::start(dir.path()).read_all("t").len() as u64, acknowledged);
}
