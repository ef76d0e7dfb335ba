//! Every event there is, through the engine's own JSON and back.

use std::collections::BTreeSet;

use logscope::lab::{self, Lab, parse_line};
use logscope::log::{Event, RollReason};
use logscope::segment::IndexEntry;
use logscope::storage::MemoryStorage;

use super::events::event;
use super::json::Json;

/// Scenarios in which the engine does all that it can tell of.
const SCENARIOS: [&str; 6] = [
    "reopen\nappend a key=k count=20\nappend b c\nflush\nfetch 3 max_bytes=300\nfetch 0 max_bytes=1\ncrash keep=32\nreopen\n\
     find 1767225602000\nfind 1\nfind 9767225602000\nretain\ndelete-before 9\ntruncate 12\nreopen",
    "config retention.bytes=200 segment.ms=500 compression.type=gzip\nappend a count=9\nadvance 1s\nappend b\nretain\n\
     config retention.ms=1000 retention.bytes=-1\nadvance 1h\nretain\nappend late",
    "append p producer=7 seq=0\nappend p producer=7 seq=0\nflush\nlose 00000000000000000000.index\ncrash\nreopen",
    "config cleanup.policy=compact,delete segment.bytes=300 delete.retention.ms=1000\nappend a key=k count=12\n\
     append b key=j\ntombstone j\nappend c key=k count=9\nflush\nretain\ncompact\nadvance 1h\nappend d key=k count=9\nflush\ncompact\ncompact",
    "append a count=20\nflush\nflip 00000000000000000000.index 7\nfetch 5\nfetch 7 max_bytes=900",
    "append a count=5\ncrash keep=40\nlose 00000000000000000000.timeindex\nlose checkpoint\nreopen\nappend z count=9\nflush\nreopen",
];

fn told() -> Vec<Event> {
    let mut told = Vec::new();
    for scenario in SCENARIOS {
        let mut lab = Lab::new(MemoryStorage::new());
        for line in scenario.lines() {
            let outcome = lab.run(&parse_line(line.trim()).unwrap().unwrap());
            told.extend(outcome.events.into_iter().filter_map(|event| match event {
                lab::Event::Log(event) => Some(event),
                _ => None,
            }));
        }
    }
    // What a scenario does not come to.
    let rolled = |reason| Event::SegmentRolled {
        segment: 0,
        size: 1,
        batch_size: 2,
        segment_bytes: 3,
        index_entries: 4,
        last_offset: u64::MAX,
        reason,
        next: 5,
    };
    told.extend([
        rolled(RollReason::IndexFull),
        rolled(RollReason::OffsetOverflow),
        Event::OrphanRemoved { name: "x\n\"ü".to_owned() },
        Event::IndexRejected { segment: 0, entry: IndexEntry { relative_offset: 1, position: 2 } },
        Event::CompactionAbandoned { segments: 2 },
        Event::SwapsCompleted { swaps: vec![(0, 9)], files: vec![("f".to_owned(), 3)] },
        Event::RecordRemoved {
            segment: 0,
            offset: 1,
            key: Some(vec![0xff]),
            why: logscope::log::Removal::NoKey,
        },
        Event::RecordRemoved { segment: 0, offset: 1, key: None, why: logscope::log::Removal::NoKey },
    ]);
    told
}

#[test]
fn every_event_reads_back() {
    for told in told() {
        let json = serde_json::to_string(&told).unwrap();
        assert_eq!(event(&Json::parse(&json).unwrap()), Ok(told), "{json}");
    }
}

/// The names in `events.rs` are all that there are: this does not compile once there is another one.
fn name(event: &Event) -> String {
    macro_rules! names {
        ($($name:ident)*) => { match event { $(Event::$name { .. } => stringify!($name),)* } };
    }
    names! {
        RecoveryStarted SegmentFound BatchRecovered TailCut IndexVerified IndexRebuilt SegmentTrusted OrphanRemoved
        RecoveryFinished SegmentCreated SegmentRolled DuplicateFound BatchAppended IndexEntryAdded TimeIndexEntryAdded
        TimeIndexEntryRemoved Flushed SnapshotWritten CheckpointWritten RetentionStarted LogStartMoved SegmentDeleted
        Truncated CompactionStarted KeysMapped RecordRemoved BatchRewritten SegmentsCompacted CompactionFinished
        CompactionSkipped CompactionAbandoned SwapsCompleted TimeLookUpStarted SegmentTooOld TimeIndexLookedUp
        TimeLookUpFinished IndexRejected FetchStarted FloorSegmentFound IndexLookedUp BatchSkipped ScanFinished
        BatchFetched FirstBatchWhole NextSegmentEntered FetchStopped
    }
    .to_owned()
}

#[test]
fn no_event_is_left_out() {
    let names: BTreeSet<_> = told().iter().map(name).collect();
    assert_eq!(names.len(), 46, "{names:?}");
}

#[test]
fn an_event_of_another_version_is_refused_by_name() {
    let json = |text: &str| Json::parse(text).unwrap();
    assert_eq!(event(&json(r#"{"event":"Danced","segment":0}"#)), Err("event"));
    assert_eq!(event(&json(r#"{"event":"SegmentCreated"}"#)), Err("segment"));
    assert_eq!(event(&json(r#"{"event":"SegmentCreated","segment":-1}"#)), Err("segment"));
    assert_eq!(
        event(&json(r#"{"event":"SegmentCreated","segment":3,"more":1}"#)),
        Ok(Event::SegmentCreated { segment: 3 })
    );
}
