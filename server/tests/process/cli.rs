//! `logscope produce` and `logscope consume`.

use std::io::{BufRead, Write};
use std::process::Stdio;

use serde_json::json;

use crate::harness::{Broker, Process, agent, logscope, objects, run, text, without_time};

#[test]
fn produce_and_consume_round_trip() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let server = ["--server", &broker.url, "--topic", "t"];
    let with = |command: &'static str, more: &[&'static str]| {
        let mut all = vec![command];
        all.extend(server);
        all.extend(more);
        run(&all)
    };
    let nothing = with("consume", &[]);
    assert!(nothing.status.success() && nothing.stdout.is_empty());
    assert_eq!(text(&nothing.stderr), "logscope: the topic \"t\" does not exist: nothing to read yet\n");

    let one = with("produce", &["--value", "one", "--key", "k"]);
    assert_eq!((text(&one.stdout), one.status.code()), ("0\n", Some(0)));
    let mut lines = logscope(&["produce", server[0], server[1], server[2], server[3]]);
    let mut lines = lines.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    lines.stdin.take().unwrap().write_all(b"two\n\nfour\r\n\xff\nno newline").unwrap();
    let lines = lines.wait_with_output().unwrap();
    assert_eq!((text(&lines.stdout), lines.status.code()), ("1\n2\n3\n4\n5\n", Some(0)));
    broker.produce(json!({"topic": "t", "payload": null}));

    let all = with("consume", &["--from", "0", "--max-bytes", "1"]);
    assert_eq!(all.stdout, b"0\tone\n1\ttwo\n2\t\n3\tfour\n4\t\xff\n5\tno newline\n6\t\n");
    let json = with("consume", &["--from", "4", "--format", "json"]);
    let records: Vec<_> = objects(&json.stdout).iter().map(without_time).collect();
    assert_eq!(
        records,
        [
            json!({"partition": 0, "offset": 4, "key": null, "payload_base64": "/w=="}),
            json!({"partition": 0, "offset": 5, "key": null, "payload": "no newline"}),
            json!({"partition": 0, "offset": 6, "key": null, "payload": null}),
        ]
    );
    let beyond = with("consume", &["--from", "8"]);
    assert_eq!(beyond.status.code(), Some(1));
    assert!(text(&beyond.stderr).starts_with("logscope: OFFSET_OUT_OF_RANGE"), "{beyond:?}");
}

#[test]
fn a_line_that_is_refused_is_named_and_the_others_get_in() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start_with(dir.path(), "127.0.0.1:0", &["--max-message-bytes", "100"]);
    let mut produce = Process::start(&["produce", "--server", &broker.url, "--topic", "t"]);
    let mut stdin = produce.0.stdin.take().unwrap();
    writeln!(stdin, "good\n{}\nbetter", "x".repeat(100)).unwrap();
    drop(stdin);
    let offsets: Vec<_> = produce.stdout().lines().map(Result::unwrap).collect();
    assert_eq!(offsets, ["0", "1"]);
    assert_eq!(produce.wait().code(), Some(1));
    let stderr = produce.stderr();
    assert!(stderr.starts_with("logscope: line 2: the record batch takes 170 bytes"), "{stderr}");
    assert_eq!(broker.read_all("t"), ["good", "better"]);

    // A line of a request is named as in the input.
    let topic = json!({"name": "compacted", "configs": {"cleanup.policy": "compact"}}).to_string();
    agent().post(format!("{}/topics", broker.url)).send(topic).unwrap();
    let mut produce =
        Process::start(&["produce", "--server", &broker.url, "--topic", "compacted", "--batch", "2"]);
    let mut stdin = produce.0.stdin.take().unwrap();
    writeln!(stdin, "one\ntwo\nthree").unwrap();
    drop(stdin);
    assert_eq!(produce.wait().code(), Some(1));
    let stderr = produce.stderr();
    let needs_one = "the field \"key\" is missing or null: `cleanup.policy` = compact needs one";
    let expected =
        [format!("logscope: lines 1 to 2: line 1: {needs_one}"), format!("logscope: line 3: {needs_one}")];
    assert!(stderr.lines().eq(expected), "{stderr}");
}

#[test]
fn a_broker_that_is_not_there_is_said_in_one_line() {
    // Port 1 is nobody's.
    for command in [&["produce", "--value", "x"][..], &["produce"], &["consume"]] {
        let mut all = command.to_vec();
        all.extend(["--topic", "t", "--server", "127.0.0.1:1"]);
        let mut process = Process::start(&all);
        // Whether the command reads its input or not.
        let _ = process.0.stdin.take().unwrap().write_all(b"line\n");
        assert_eq!(process.wait().code(), Some(1), "{command:?}");
        let stderr = process.stderr();
        assert!(
            stderr.contains("no answer from http://127.0.0.1:1") && stderr.lines().count() == 1,
            "{stderr}"
        );
    }
    let https = run(&["consume", "--topic", "t", "--server", "https://localhost"]);
    assert!(text(&https.stderr).contains("only http"));
    assert_eq!(run(&["produce", "--topic", "a/b", "--value", "x"]).status.code(), Some(2));
}

#[test]
fn follow_waits_for_the_topic_and_outlasts_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let address = broker.address().to_owned();
    let mut follow = Process::start(&["consume", "--follow", "--topic", "t", "--server", &address]);
    let mut lines = follow.stdout().lines();
    for i in 0..3 {
        broker.produce(json!({"topic": "t", "payload": format!("record {i}")}));
        assert_eq!(lines.next().unwrap().unwrap(), format!("{i}\trecord {i}"));
    }
    broker.stop();

    let broker = Broker::start_with(dir.path(), &address, &[]);
    broker.produce(json!({"topic": "t", "payload": "after"}));
    assert_eq!(lines.next().unwrap().unwrap(), "3\tafter");
    follow.terminate();
    follow.wait();
}

#[test]
fn a_follower_ends_where_the_log_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    for i in 0..3 {
        broker.produce(json!({"topic": "t", "payload": format!("record {i}")}));
    }
    let log = dir.path().join("t-0/00000000000000000000.log");
    let mut bytes = std::fs::read(&log).unwrap();
    let last = bytes.len() - 2;
    bytes[last] ^= 1;
    std::fs::write(&log, bytes).unwrap();
    let output = run(&["consume", "--topic", "t", "--from", "2", "--follow", "--server", &broker.url]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("the CRC is"), "{}", text(&output.stderr));
}

#[test]
fn a_follower_that_retention_overtakes_says_so_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    for i in 0..4 {
        broker.produce(json!({"topic": "t", "payload": format!("record {i}")}));
    }
    let delete = format!("{}/topics/t/partitions/0/records?before=3", broker.url);
    assert_eq!(agent().delete(delete).call().unwrap().status(), 200);
    let arguments = ["consume", "--topic", "t", "--from", "1", "--server", &broker.url];
    assert!(!run(&arguments).status.success(), "who does not follow is told by an error");
    let follow = [&arguments[..], &["--follow", "--max-records", "1"]].concat();
    let output = run(&follow);
    assert_eq!(text(&output.stdout), "3\trecord 3\n");
    assert!(
        text(&output.stderr).contains("from offset 1 up to 3 are not in the log any more; going on at 3")
    );
    // Beyond the end there is nothing to catch up with.
    assert!(
        !run(&["consume", "--topic", "t", "--from", "9", "--follow", "--server", &broker.url])
            .status
            .success()
    );
}

#[test]
fn a_reader_that_has_seen_enough_ends_consume_quietly() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    broker.produce(json!({"topic": "t", "payload": "x".repeat(200_000)}));
    let mut follow = Process::start(&["consume", "--follow", "--topic", "t", "--server", &broker.url]);
    drop(follow.stdout());
    // The second record is written to nobody, wherever the first one got to.
    broker.produce(json!({"topic": "t", "payload": "y"}));
    assert!(follow.wait().success());
    assert_eq!(follow.stderr(), "");
}

#[test]
fn every_command_has_help_with_examples() {
    for command in [
        "serve",
        "produce",
        "consume",
        "topics",
        "topics list",
        "topics create",
        "topics describe",
        "topics alter",
        "topics delete",
        "groups",
        "groups list",
        "groups describe",
        "groups reset",
        "groups delete",
        "dump",
        "verify",
        "replay",
        "bench",
        "completions",
    ] {
        let mut words: Vec<_> = command.split(' ').collect();
        words.push("--help");
        let help = run(&words);
        assert!(help.status.success());
        assert!(text(&help.stdout).contains(&format!("Examples:\n  logscope {command}")), "{command}");
    }
}

#[test]
fn every_shell_is_served() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = run(&["completions", shell]);
        assert!(script.status.success());
        let script = text(&script.stdout);
        assert!(script.contains("describe") && script.contains("max-records"), "{shell}");
    }
    assert_eq!(run(&["completions", "cmd"]).status.code(), Some(2));
}
