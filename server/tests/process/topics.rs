//! `logscope topics`, and producing to and consuming from several partitions.

use serde_json::json;

use std::io::BufRead;

use crate::harness::{Broker, Process, objects, text, without_time};

#[test]
fn topics_come_are_described_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let create = ["topics", "create", "views", "--partitions", "3", "--config", "retention.ms=60000"];
    assert_eq!(broker.ok(&create), "created views with 3 partitions\n");
    let refused = broker.run(&create);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).starts_with("logscope: ") && refused.stdout.is_empty(), "{refused:?}");
    let wrong = broker.run(&["topics", "create", "other", "--config", "retention.sm=1"]);
    assert!(text(&wrong.stderr).contains("retention.sm"), "{wrong:?}");
    let twice = broker.run(&["topics", "create", "other", "--config", "a=1", "--config", "a=2"]);
    assert_eq!(text(&twice.stderr), "logscope: the config \"a\" is given twice\n");

    let created = broker.ok(&["topics", "create", "one", "--format", "json"]);
    assert_eq!(objects(created.as_bytes())[0]["name"], "one");
    let list = broker.ok(&["topics", "list"]);
    let rows: Vec<Vec<_>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        rows,
        [vec!["TOPIC", "PARTITIONS", "CONFIGS"], vec!["one", "1"], vec!["views", "3", "retention.ms=60000"]]
    );
    let list = objects(broker.ok(&["topics", "list", "--format", "json"]).as_bytes());
    assert_eq!(list[0]["topics"][1]["configs"], json!({"retention.ms": "60000"}));

    broker.ok(&["produce", "--topic", "views", "--partition", "2", "--value", "x"]);
    let described = broker.ok(&["topics", "describe", "views"]);
    let last: Vec<_> = described.lines().last().unwrap().split_whitespace().collect();
    assert_eq!((last[0], last[1], last[2], last[5]), ("2", "0", "1", "online"), "{described}");
    let described = objects(broker.ok(&["topics", "describe", "views", "--format", "json"]).as_bytes());
    assert_eq!(described[0]["partitions"][2]["high_watermark"], 1);

    let alter = ["topics", "alter", "views", "--partitions", "4", "--config", "segment.bytes=1000"];
    let altered = broker.ok(&[&alter[..], &["--delete-config", "retention.ms"]].concat());
    assert_eq!(altered, "altered views: 4 partitions, configs segment.bytes=1000\n");
    let refused = broker.run(&["topics", "alter", "views", "--config", "a=1", "--delete-config", "a"]);
    assert_eq!(text(&refused.stderr), "logscope: the config \"a\" is given twice\n");
    let nothing = broker.run(&["topics", "alter", "views"]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(
        text(&nothing.stderr).contains("<--partitions <N>|--config <KEY=VALUE>|--delete-config <KEY>>"),
        "{nothing:?}"
    );

    assert_eq!(broker.ok(&["topics", "delete", "views", "one"]), "deleted views\ndeleted one\n");
    let gone = broker.run(&["topics", "describe", "views"]);
    assert_eq!(gone.status.code(), Some(1));
}

#[test]
fn keys_decide_about_the_partition_and_all_partitions_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    broker.ok(&["topics", "create", "t", "--partitions", "3"]);
    let lines = b"a:1\nb:2\nnone\nc:NULL\nc:with:colon\n";
    let produce =
        ["produce", "--topic", "t", "--key-separator", ":", "--null-marker", "NULL", "--header", "h=v"];
    let one_by_one = broker.feed(&produce, lines);
    // Where Kafka's clients send them: murmur2 of a, b and c.
    assert_eq!(text(&one_by_one.stdout), "1:0\n2:0\n1:1\n1:2\n");
    assert_eq!(text(&one_by_one.stderr), "logscope: line 3: the key separator is not in it\n");
    assert_eq!(one_by_one.status.code(), Some(1));

    let all = broker.ok(&["consume", "--topic", "t", "--key-separator", "="]);
    let mut all: Vec<_> = all.lines().collect();
    all.sort_unstable();
    assert_eq!(all, ["1:0\ta=1", "1:1\tc=", "1:2\tc=with:colon", "2:0\tb=2"]);
    let one = broker.ok(&["consume", "--topic", "t", "--partition", "2", "--format", "json"]);
    let header = json!([{"name": "h", "value": "v"}]);
    assert_eq!(
        without_time(&objects(one.as_bytes())[0]),
        json!({"partition": 2, "offset": 0, "key": "b", "payload": "2", "headers": header})
    );
    assert_eq!(broker.ok(&["consume", "--topic", "t", "--partition", "2"]), "0\t2\n");
    let beyond = broker.run(&["consume", "--topic", "t", "--partition", "3"]);
    assert_eq!(text(&beyond.stderr), "logscope: t has no partition 3: it has 3\n");
}

#[test]
fn who_follows_a_topic_finds_its_new_partitions() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    broker.ok(&["topics", "create", "t"]);
    broker.ok(&["produce", "--topic", "t", "--value", "first"]);
    let follow =
        ["consume", "--follow", "--topic", "t", "--metadata-max-age-ms", "20", "--server", &broker.url];
    let mut follow = Process::start(&follow);
    let mut lines = follow.stdout().lines();
    assert_eq!(lines.next().unwrap().unwrap(), "0\tfirst");
    broker.ok(&["topics", "alter", "t", "--partitions", "3"]);
    broker.ok(&["produce", "--topic", "t", "--partition", "2", "--value", "second"]);
    assert_eq!(lines.next().unwrap().unwrap(), "2:0\tsecond");
    broker.ok(&["produce", "--topic", "t", "--partition", "0", "--value", "third"]);
    assert_eq!(lines.next().unwrap().unwrap(), "0:1\tthird");
    follow.terminate();
    follow.wait();
}

#[test]
fn a_batch_of_lines_is_a_batch_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let lines: String = (0..250).map(|i| format!("{i}\n")).collect();
    let batch = ["produce", "--topic", "t", "--batch", "100", "--acks", "1", "--format", "json"];
    let produced = broker.feed(&batch, lines.as_bytes());
    let expected: Vec<_> = (0..250).map(|i| json!({"partition": 0, "offset": i})).collect();
    assert_eq!(objects(&produced.stdout), expected);
    broker.ok(&["produce", "--topic", "t", "--null-value", "--key", "k"]);
    assert_eq!(broker.ok(&["consume", "--topic", "t", "--from", "249"]), "249\t249\n250\t\n");
    broker.stop();
    let log = std::fs::read(dir.path().join("t-0/00000000000000000000.log")).unwrap();
    let (mut batches, mut rest) = (0, &log[..]);
    while let [_, _, _, _, _, _, _, _, a, b, c, d, ..] = *rest {
        rest = &rest[12 + u32::from_be_bytes([a, b, c, d]) as usize..];
        batches += 1;
    }
    assert_eq!(batches, 4, "three of lines, and the tombstone");
}

#[test]
fn a_request_that_is_refused_names_its_lines() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start_with(dir.path(), "127.0.0.1:0", &["--max-message-bytes", "200"]);
    let lines = format!("a\nb\n{}\nc\nd\n", "x".repeat(200));
    let produced = broker.feed(&["produce", "--topic", "t", "--batch", "2"], lines.as_bytes());
    assert_eq!(text(&produced.stdout), "0\n1\n2\n", "the third line took the fourth with it");
    let stderr = text(&produced.stderr);
    assert!(
        stderr.contains("3") && stderr.contains("4") && stderr.contains("the record batch takes"),
        "{stderr}"
    );
    assert_eq!(produced.status.code(), Some(1));
}

#[test]
fn consume_begins_where_it_is_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    for (i, time) in [1_000, 2_000, 3_000].into_iter().enumerate() {
        broker.produce(json!({"topic": "t", "payload": format!("{i}"), "timestamp": time}));
    }
    for (from, expected) in [
        ("earliest", "0\t0\n1\t1\n2\t2\n"),
        ("1", "1\t1\n2\t2\n"),
        ("@1500", "1\t1\n2\t2\n"),
        ("1970-01-01T00:00:03Z", "2\t2\n"),
        ("2030-01-01", ""),
        ("latest", ""),
    ] {
        assert_eq!(broker.ok(&["consume", "--topic", "t", "--from", from]), expected, "{from}");
    }
    assert_eq!(broker.ok(&["consume", "--topic", "t", "--max-records", "2"]), "0\t0\n1\t1\n");
    assert_eq!(broker.run(&["consume", "--topic", "t", "--from", "soon"]).status.code(), Some(2));
}
