//! `logscope bench`: what it does and says; not how fast anything is.

use serde_json::Value;

use crate::harness::{Broker, objects, text};

#[test]
fn each_kind_reads_back_what_it_produced_and_cleans_up() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let figures = |what: &[&str]| {
        let common = ["--connections", "4", "--records", "1000", "--partitions", "2", "--format", "json"];
        objects(broker.ok(&[&["bench"], what, &common].concat()).as_bytes())
    };
    let whats = |figures: &[Value]| -> Vec<_> {
        figures
            .iter()
            .map(|it| (it["what"].as_str().unwrap().to_owned(), it["records"].as_u64().unwrap()))
            .collect()
    };
    let produced = figures(&["produce", "--batch", "10", "--acks", "1"]);
    assert_eq!(whats(&produced), [("produce".to_owned(), 1000)]);
    assert_eq!((&produced[0]["requests"], &produced[0]["connections"]), (&100.into(), &4.into()));
    assert!(produced[0]["latency_ms"]["p99"].as_f64().unwrap() > 0.0);
    for raw in [&["fetch"][..], &["fetch", "--raw"]] {
        let fetched = figures(raw);
        let (what, records) = &whats(&fetched)[0];
        assert!(fetched.len() == 1 && what == "fetch" && *records >= 1000, "{fetched:?}");
    }
    let mixed = figures(&["mixed", "--batch", "5"]);
    assert_eq!(whats(&mixed)[0], ("produce".to_owned(), 1000));
    assert_eq!((&mixed[1]["what"], &mixed[1]["connections"]), (&"fetch".into(), &2.into()));
    assert_eq!(broker.ok(&["topics", "list", "--format", "json"]), "{\"topics\":[]}\n");

    let kept = broker.ok(&[
        "bench",
        "produce",
        "--records",
        "100",
        "--topic",
        "mine",
        "--keep",
        "--connections",
        "1",
    ]);
    assert!(kept.starts_with("produce: 100 records in 100 requests over 1 connection in "), "{kept}");
    assert!(kept.contains("every record was read back once"), "{kept}");
    assert_eq!(broker.read_all("mine").len(), 100);
    let taken = broker.run(&["bench", "--topic", "mine"]);
    assert_eq!(taken.status.code(), Some(1), "a topic that is there is left alone: {taken:?}");
    assert_eq!(broker.read_all("mine").len(), 100);
}

#[test]
fn a_broker_that_is_not_there_is_said() {
    let nobody = crate::harness::run(&["bench", "--server", "127.0.0.1:1"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(text(&nobody.stderr).starts_with("logscope: no answer from http://127.0.0.1:1"));
}
