//! What README.md shows of the command line is what a broker and the command line say.

use crate::harness::{Broker, text};

const README: &str = include_str!("../../../README.md");

/// The README has this command, and under it what it printed.
fn shows(command: &str, printed: &str) {
    assert!(README.contains(&format!("$ {command}\n{printed}")), "README.md has not: {command}\n{printed}");
}

#[test]
fn its_session_on_three_partitions_is_true() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let tell = |command: &str| {
        let words: Vec<_> = command.split(' ').skip(1).collect();
        shows(command, &broker.ok(&words));
    };
    tell("logscope topics create views --partitions 3 --config retention.ms=3600000");

    let produce = "logscope produce --topic views --key-separator : --batch 100";
    let words: Vec<_> = produce.split(' ').skip(1).collect();
    let produced = broker.feed(&words, b"user-1:/home\nuser-4:/cart\n");
    shows(&format!("printf 'user-1:/home\\nuser-4:/cart\\n' | {produce}"), text(&produced.stdout));

    broker.ok(&["consume", "--topic", "views", "--group", "billing"]);
    tell("logscope groups describe billing");
}
