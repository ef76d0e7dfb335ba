//! `logscope groups`, and consuming as a group.

use std::io::BufRead;

use serde_json::json;

use crate::harness::{Broker, Process, objects, text};

#[test]
fn a_group_goes_on_where_it_stopped_over_restarts_of_both_sides() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let lines: String = (0..10).map(|i| format!("{i}\n")).collect();
    broker.feed(&["produce", "--topic", "t"], lines.as_bytes());
    let consume = ["consume", "--topic", "t", "--group", "g"];
    let some = |more: &[&str]| broker.ok(&[&consume[..], more].concat());
    assert_eq!(some(&["--max-records", "4"]), "0\t0\n1\t1\n2\t2\n3\t3\n");
    // Where to begin is for groups that have not begun.
    assert_eq!(some(&["--max-records", "2", "--from", "latest"]), "4\t4\n5\t5\n");
    broker.stop();

    let broker = Broker::start(dir.path());
    assert_eq!(broker.ok(&consume), "6\t6\n7\t7\n8\t8\n9\t9\n");
    assert_eq!(broker.ok(&consume), "");
    assert_eq!(broker.ok(&["consume", "--topic", "t", "--group", "other", "--from", "9"]), "9\t9\n");
    assert_eq!(broker.ok(&["groups", "list"]), "g\nother\n");
}

#[test]
fn a_group_is_described_reset_and_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    broker.ok(&["topics", "create", "t", "--partitions", "2"]);
    for partition in ["0", "1", "1"] {
        broker.ok(&["produce", "--topic", "t", "--partition", partition, "--value", "x"]);
    }
    broker.ok(&["consume", "--topic", "t", "--group", "a/b c"]);
    let offsets = |output: &str| -> Vec<_> {
        let described = &objects(output.as_bytes())[0]["offsets"];
        described.as_array().unwrap().iter().map(|it| (it["offset"].clone(), it["lag"].clone())).collect()
    };
    let describe = ["groups", "describe", "a/b c", "--format", "json"];
    assert_eq!(offsets(&broker.ok(&describe)), [(json!(1), json!(0)), (json!(2), json!(0))]);
    let reset = ["groups", "reset", "a/b c", "--topic", "t", "--to", "earliest"];
    let table = broker.ok(&[&reset[..], &["--partition", "1"]].concat());
    let rows: Vec<Vec<_>> = table.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows, [["t", "0", "1", "0"], ["t", "1", "0", "2"]]);
    let both = broker.ok(&[&reset[..], &["--format", "json"]].concat());
    assert_eq!(offsets(&both), [(json!(0), json!(1)), (json!(0), json!(2))]);
    let beyond = broker.run(&[&reset[..], &["--partition", "7"]].concat());
    assert_eq!(text(&beyond.stderr), "logscope: t has no partition 7: it has 2\n");

    assert_eq!(broker.ok(&["groups", "delete", "a/b c"]), "deleted a/b c\n");
    assert_eq!(broker.ok(&["groups", "list", "--format", "json"]), "{\"groups\":[]}\n");
    assert_eq!(broker.run(&["groups", "delete", "a/b c"]).status.code(), Some(1));
    let none = broker.run(&["groups", "describe", "a/b c"]);
    assert_eq!(text(&none.stderr), "logscope: the group \"a/b c\" has committed nothing\n");
}

#[test]
fn what_was_printed_is_committed_while_following() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let address = broker.address().to_owned();
    let follow = ["consume", "--follow", "--topic", "t", "--group", "g", "--server", &address];
    let mut first = Process::start(&follow);
    let mut lines = first.stdout().lines();
    broker.produce(json!({"topic": "t", "payload": "one"}));
    assert_eq!(lines.next().unwrap().unwrap(), "0\tone");
    // It commits when it has nothing to print; that is not said, so it is asked for.
    while broker.ok(&["groups", "list"]) != "g\n" {}
    broker.stop();
    let broker = Broker::start_with(dir.path(), &address, &[]);
    broker.produce(json!({"topic": "t", "payload": "two"}));
    assert_eq!(lines.next().unwrap().unwrap(), "1\ttwo", "it outlasts a restart, and tells nothing twice");
    let committed =
        || objects(broker.ok(&["groups", "describe", "g", "--format", "json"]).as_bytes())[0].clone();
    while committed()["offsets"][0]["offset"] != 2 {}
    // Death without a word loses no more than what was not committed.
    first.0.kill().unwrap();
    broker.produce(json!({"topic": "t", "payload": "three"}));
    let mut second = Process::start(&follow);
    assert_eq!(second.stdout().lines().next().unwrap().unwrap(), "2\tthree");
}
