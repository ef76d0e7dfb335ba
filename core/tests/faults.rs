//! Random scenarios on a disk that gets full and whose syncs fail: whatever happens, the picture that folded the events
//! is the one read off the files, and what was flushed stays.

use logscope::lab::{Action, Event, Lab, LogPicture, Picture, SegmentPicture};
use logscope::log::Event as LogEvent;
use logscope::storage::{Crash, JournalStorage, MemoryStorage};
use proptest::prelude::*;

fn any_action() -> impl Strategy<Value = Action> {
    let config = |key: &'static str, range: std::ops::Range<u32>| {
        range.prop_map(move |value| Action::Config { entries: vec![(key.to_owned(), value.to_string())] })
    };
    prop_oneof![
        12 => (prop::collection::vec("[a-z]{0,60}", 1..3), "[a-c]", 1..6u32).prop_map(|(values, key, count)| {
            Action::Append { values, key: Some(key), count, at: None, producer: None }
        }),
        3 => Just(Action::Flush),
        4 => prop::option::weighted(0.7, 0..3000u64).prop_map(|limit| Action::Disk { limit }),
        3 => Just(Action::FailSync),
        2 => (0..300u64).prop_map(|keep| Action::Crash { keep }),
        4 => Just(Action::Reopen),
        1 => (0..20u64).prop_map(|offset| Action::DeleteBefore { offset }),
        1 => Just(Action::Compact),
        1 => Just(Action::Retain),
        1 => (0..60u64, 0..1500u64).prop_map(|(offset, max_bytes)| Action::Fetch { offset, max_bytes }),
        1 => (0..9_000u64).prop_map(|ms| Action::Advance { ms }),
        1 => config("segment.bytes", 100..600),
        1 => config("index.interval.bytes", 0..200),
        1 => config("retention.bytes", 0..2000),
        1 => config("flush.messages", 1..9),
        1 => config("flush.ms", 0..9000),
        1 => Just(Action::Config { entries: vec![("cleanup.policy".to_owned(), "compact,delete".to_owned())] }),
    ]
}

fn check<S: Crash + Clone>(storage: S, actions: &[Action]) {
    let (mut lab, mut picture, mut durable) = (Lab::new(storage), Picture::default(), 0);
    for action in actions {
        let outcome = lab.run(action);
        for event in &outcome.events {
            picture.apply(event);
            match event {
                Event::Log(LogEvent::Flushed { high_watermark, .. }) => durable = *high_watermark,
                Event::Log(LogEvent::RecoveryFinished { log_end_offset, .. }) => {
                    assert!(*log_end_offset >= durable, "{action} lost what was flushed");
                }
                _ => {}
            }
        }
        if let Some(read) = lab.read_picture().expect("memory does not fail") {
            assert_same(&picture.log, &read, action);
        }
    }
    // With a disk that does what it should, the log can always be opened, and goes on.
    for line in ["disk free", "reopen", "reopen", "append last key=k", "flush"] {
        let events = lab.run_line(line).expect("a line").events;
        events.iter().for_each(|event| picture.apply(event));
        let refused = events.iter().any(|event| matches!(event, Event::Refused { .. }));
        // A sync that is still to fail does so in the first opening, or in its closing.
        assert!(!refused || line == "reopen", "{line}: {events:?}");
    }
    let read = lab.read_picture().expect("memory does not fail").expect("it is open");
    assert_same(&picture.log, &read, &Action::Flush);
}

/// What differs is found more easily in a summary.
fn assert_same(folded: &LogPicture, read: &LogPicture, after: &Action) {
    let brief = |log: &LogPicture| {
        let segments: Vec<String> = log
            .segments
            .iter()
            .map(|segment| {
                let SegmentPicture {
                    base_offset,
                    size,
                    batches,
                    index_size,
                    index,
                    time_index_size,
                    time_index,
                } = &**segment;
                let (batches, index, time_index) = (batches.len(), index.len(), time_index.len());
                format!(
                    "{base_offset}: {size} {batches} {index_size:?} {index} {time_index_size:?} {time_index}"
                )
            })
            .collect();
        let bounds = (log.log_start_offset, log.recovery_point, log.high_watermark, log.log_end_offset);
        (bounds, segments, log.other_files.clone())
    };
    assert_eq!(brief(folded), brief(read), "after {after}");
    assert_eq!(folded, read, "after {after}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_disk_that_fails_takes_nothing_that_was_flushed(actions in prop::collection::vec(any_action(), 1..40)) {
        check(MemoryStorage::new(), &actions);
        check(JournalStorage::new(), &actions);
    }
}
