//! Events in JSON: what is written reads back as what it was, for all that the engine can say.

use std::collections::BTreeSet;

use logscope::lab;
use logscope::lab::Lab;
use logscope::log::{BatchInfo, Event};
use logscope::record::Compression;
use logscope::storage::MemoryStorage;
use serde_json::{Value, json};

fn round_trip(event: &Event) -> Value {
    let text = serde_json::to_string(event).expect("it is written");
    assert_eq!(&serde_json::from_str::<Event>(&text).expect("it is read"), event, "{text}");
    serde_json::from_str(&text).expect("it is JSON")
}

/// What stands before a script's answers: lines of the scenario language, or of the script's own.
fn commands(script: &str) -> impl Iterator<Item = &str> {
    let mut answer = false;
    script.lines().filter_map(move |line| {
        let is_answer = answer;
        answer = (answer || line == "---") && !line.is_empty();
        let line = line.trim_start_matches(['!', '>']).trim();
        (!is_answer && line != "---" && !line.is_empty()).then_some(line)
    })
}

#[test]
fn every_event_reads_back_as_it_was() {
    // These take a crash or a truncation in the middle of a compaction, which no script can time.
    let untimely = [
        Event::CompactionAbandoned { segments: 2 },
        Event::SwapsCompleted { swaps: vec![(0, 9)], files: vec![("checkpoint".to_owned(), 250)] },
    ];
    let name = |event: &Event| round_trip(event)["event"].as_str().expect("a name").to_owned();
    let mut names: BTreeSet<_> = untimely.iter().map(name).collect();
    for script in std::fs::read_dir("tests/golden").expect("the scripts are there") {
        let script = std::fs::read_to_string(script.expect("a file").path()).expect("a script");
        let mut lab = Lab::new(MemoryStorage::new());
        // A line that is refused, as some are meant to be, says nothing.
        for outcome in commands(&script).filter_map(|line| lab.run_line(line).ok()) {
            for event in &outcome.events {
                let lab::Event::Log(event) = event else { continue };
                names.insert(name(event));
            }
        }
    }
    let events = include_str!("../src/log/event.rs").split_once("pub enum Event {").expect("it is there").1;
    let variants = events.lines().filter_map(|line| line.strip_prefix("    "));
    let variants = variants.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    let variants: BTreeSet<_> =
        variants.filter_map(|line| line.split_once(" {")).map(|(name, _)| name.to_owned()).collect();
    let missing: Vec<_> = variants.difference(&names).collect();
    assert_eq!((variants.len(), missing), (names.len(), Vec::<&String>::new()));
}

#[test]
fn the_shape_is_the_documented_one() {
    let batch = BatchInfo {
        segment: 0,
        position: 61,
        size: 70,
        base_offset: 3,
        last_offset: 3,
        records: 1,
        max_timestamp: -1,
        compression: Compression::None,
        first_key: Some(b"k".to_vec()),
        producer_id: 7,
    };
    let mut expected = json!({"event": "BatchAppended", "batch": {
        "segment": 0, "position": 61, "size": 70, "base_offset": 3, "last_offset": 3, "records": 1,
        "max_timestamp": -1, "compression": "none", "first_key": "k", "producer_id": 7
    }});
    assert_eq!(round_trip(&Event::BatchAppended { batch: batch.clone() }), expected);
    for (key, written) in
        [(None, Value::Null), (Some(vec![]), json!("")), (Some(vec![0xff]), json!({"base64": "/w=="}))]
    {
        expected["batch"]["first_key"] = written;
        let batch = BatchInfo { first_key: key, ..batch.clone() };
        assert_eq!(round_trip(&Event::BatchAppended { batch }), expected);
    }
    let deleted = json!({"event": "SegmentDeleted", "segment": 0, "bytes": 70,
        "reason": {"kind": "time", "age_ms": 2, "retention_ms": 1}});
    let event: Event = serde_json::from_value(deleted.clone()).expect("it is read");
    assert_eq!(round_trip(&event), deleted);
    let bad = json!({"event": "RecordRemoved", "segment": 0, "offset": 0, "key": {"base64": "!"}, "why": {"kind": "no_key"}});
    assert!(serde_json::from_value::<Event>(bad).is_err());
}
