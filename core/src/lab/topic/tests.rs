//! What a topic does, and what its consumers get.

use std::cell::RefCell;
use std::rc::Rc;

use proptest::prelude::*;

use super::*;
use crate::lab::{parse_topic_line, parse_topic_scenario};
use crate::storage::{MemoryStorage, Storage};

fn lab() -> TopicLab<MemoryStorage> {
    let storages: Rc<RefCell<BTreeMap<u32, MemoryStorage>>> = Rc::default();
    TopicLab::new(1, move |number| storages.borrow_mut().entry(number).or_default().clone())
}

fn events(lab: &mut TopicLab<MemoryStorage>, scenario: &str) -> Vec<TopicEvent> {
    let actions = parse_topic_scenario(scenario).expect("a scenario");
    actions.iter().flat_map(|(_, action)| lab.run(action).events).collect()
}

fn run(lab: &mut TopicLab<MemoryStorage>, scenario: &str, picture: &mut TopicPicture) {
    events(lab, scenario).iter().for_each(|event| picture.apply(event));
}

/// All that is not a log's own doing.
fn told(events: &[TopicEvent]) -> Vec<String> {
    events.iter().filter(|event| !matches!(event, TopicEvent::Log { .. })).map(topic_sentence).collect()
}

#[test]
fn one_partition_is_what_its_log_is() {
    let scenario = "append a key=k count=9\nappend b\nflush\nfetch 3\nadvance 5m\ncrash\nreopen\nretain";
    let (mut topic, mut single) = (lab(), Lab::new(MemoryStorage::new()));
    for (_, action) in parse_topic_scenario(scenario).expect("a scenario") {
        let TopicAction::Log { action: log_action, .. } = &action else { panic!("{action}") };
        let outcome = topic.run(&action);
        let expected = single.run(log_action);
        let events: Vec<_> = outcome
            .events
            .into_iter()
            .map(|event| match event {
                TopicEvent::Log { partition: 0, event } => event,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(events, expected.events);
        assert_eq!(
            outcome.records.into_iter().map(|(_, record)| record).collect::<Vec<_>>(),
            expected.records
        );
    }
}

#[test]
fn keys_stay_together_and_others_take_turns() {
    let mut topic = lab();
    let events =
        events(&mut topic, "partitions 3\nappend x key=21\nappend x key=21\nappend y count=4\ntombstone 21");
    let partitions: Vec<u32> = events
        .iter()
        .filter_map(|event| match event {
            TopicEvent::Log { partition, event: Event::Log(LogEvent::BatchAppended { .. }) } => {
                Some(*partition)
            }
            _ => None,
        })
        .collect();
    let keyed = partition_for_key(b"21", 3);
    assert_eq!(partitions, [keyed, keyed, 0, 1, 2, 0, keyed]);
    let clocks: Vec<i64> = topic.labs().iter().map(Lab::now_ms).collect();
    assert_eq!(clocks, [topic.labs()[0].now_ms(); 3]);
}

#[test]
fn a_consumer_reads_all_partitions_once_and_goes_on_where_it_committed() {
    let mut topic = lab();
    events(&mut topic, "partitions 2\nappend a count=6\npoll c");
    let hidden = events(&mut topic, "poll c");
    assert_eq!(hidden, [TopicEvent::NothingToPoll { consumer: "c".to_owned() }], "nothing is flushed");
    let mut seen = Vec::new();
    for line in
        ["flush", "poll c max_bytes=150", "poll c max_bytes=150", "commit c", "poll c", "poll c", "poll c"]
    {
        let action = parse_topic_line(line).expect("a line").expect("an action");
        seen.extend(
            topic.run(&action).records.into_iter().map(|(partition, record)| (partition, record.offset)),
        );
    }
    seen.sort_unstable();
    assert_eq!(seen, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
    let consumer = &topic.consumers().consumers["c"];
    assert_eq!((consumer.position(0), consumer.lag(0, 3)), (3, 0));
    let committed = consumer.committed.clone();
    assert!(committed.values().all(|offset| *offset < 3), "{committed:?}");

    // A consumer that starts anew knows only what was committed.
    let mut anew = ConsumersPicture::default();
    anew.consumers.insert("c".to_owned(), ConsumerPicture { committed, ..ConsumerPicture::default() });
    topic.restore(anew, 0);
    assert_eq!(told(&events(&mut topic, "poll c")).len(), 1);
    assert_eq!(
        told(&events(&mut topic, "commit nobody")),
        ["Refused: the consumer \"nobody\" has not polled yet: run `poll nobody`."]
    );
}

#[test]
fn a_position_that_is_gone_is_reset() {
    let mut topic = lab();
    events(&mut topic, "append a count=6\nflush\npoll c max_bytes=1\ndelete-before 4");
    let told = told(&events(&mut topic, "poll c"));
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("Offset 1 of partition 0 is not in the log any more"), "{told:?}");
    assert!(told[1].contains("gets 2 records of partition 0 from offset 4 on"), "{told:?}");
}

#[test]
fn mistakes_are_named() {
    let mut topic = lab();
    for (line, expected) in [
        ("append x partition=1", "Refused: there is no partition 1: the topic has 1."),
        ("partitions 3", "The topic goes from 1 to 3 partitions."),
        ("partitions 2", "Refused: the topic has 3 partitions, and none can be taken away"),
        ("commit c", "Refused: the consumer \"c\" has not polled yet"),
    ] {
        let told = told(&events(&mut topic, line));
        assert!(told[0].contains(expected), "{line}: {told:?}");
    }
    for (line, message) in [
        ("partitions 0", "a topic has 1 to 12 partitions here, not 0"),
        ("partitions", "partitions needs a number of partitions"),
        ("pol c", "there is no command \"pol\"; there are append,"),
        ("pol c", "reset, partitions, poll, commit"),
        ("poll", "poll needs a consumer's name; it is written: poll CONSUMER"),
        ("poll c partition=1", "poll does not take partition="),
        ("append x partition=12", "partition takes a whole number from 0 to 11, not 12"),
        ("append x partition=1 partition=2", "append does not take partition="),
        ("config partition=1 segment.bytes=100", ""),
    ] {
        match parse_topic_line(line) {
            Err(error) => assert!(error.to_string().contains(message), "{line}: {error}"),
            Ok(action) => assert!(message.is_empty(), "{line}: {action:?}"),
        }
    }
}

#[test]
fn the_pictures_of_all_partitions_are_what_their_files_hold() {
    let mut topic = lab();
    let scenario = "partitions 3\nconfig segment.bytes=300\nappend a key=k count=5\nappend b count=7\nflush\n\
                    poll c\nappend d count=3\ncrash keep=20\nreopen\nflush\ndelete-before 1\npoll c\ncommit c";
    let mut picture = TopicPicture::default();
    run(&mut topic, scenario, &mut picture);
    assert_eq!(&*picture.consumers, topic.consumers());
    assert_eq!(picture.partitions().len(), 3);
    for (lab, picture) in topic.labs().iter().zip(picture.partitions()) {
        assert_eq!(lab.read_picture().expect("readable").as_ref(), Some(&picture.log));
    }
}

#[test]
fn one_partition_at_a_time_shows_what_a_step_is_about() {
    let (mut topic, mut picture) = (lab(), TopicPicture::default());
    let scenario = "partitions 3\nappend a key=k count=2\nappend b count=6\nflush\nfetch 0 partition=1\npoll c\ncommit c\n\
                    append x key=k\nretain\ncrash\nreopen";
    for (_, action) in parse_topic_scenario(scenario).expect("a scenario") {
        for event in topic.run(&action).events {
            picture.apply(&event);
            let busy: Vec<u32> = (0..)
                .zip(picture.partitions())
                .filter(|(_, picture)| !picture.is_at_rest())
                .map(|(number, _)| number)
                .collect();
            assert!(busy.is_empty() || busy == [picture.focus()], "{event:?}: {busy:?}");
            if let Some(partition) = event.partition() {
                assert_eq!(picture.focus(), partition);
            }
            if matches!(event, TopicEvent::KeyRouted { .. } | TopicEvent::TurnTaken { .. }) {
                assert_eq!(busy, [], "{event:?}");
            }
        }
    }
}

#[test]
fn a_step_leaves_the_pictures_of_other_partitions_shared() {
    let (mut topic, mut picture) = (lab(), TopicPicture::default());
    run(&mut topic, "partitions 2\nappend a partition=0 count=9\nappend b partition=1", &mut picture);
    let before = picture.clone();
    run(&mut topic, "append c partition=1", &mut picture);
    let same = |number: u32| Rc::ptr_eq(before.partition(number), picture.partition(number));
    assert!(same(0) && !same(1) && Rc::ptr_eq(&before.consumers, &picture.consumers));
}

#[test]
fn a_reset_leaves_one_empty_partition() {
    let storages: Rc<RefCell<BTreeMap<u32, MemoryStorage>>> = Rc::default();
    let shared = Rc::clone(&storages);
    let mut topic = TopicLab::new(1, move |number| shared.borrow_mut().entry(number).or_default().clone());
    let mut picture = TopicPicture::default();
    run(&mut topic, "partitions 3\nappend a count=6\nflush\npoll c\nreset partition=1", &mut picture);
    assert_eq!((topic.labs().len(), picture.partitions().len(), topic.turn()), (3, 3, 0));
    run(&mut topic, "append a\nreset", &mut picture);
    assert_eq!((topic.labs().len(), picture.partitions().len(), topic.turn()), (1, 1, 0));
    assert!(topic.consumers().consumers.is_empty() && picture.consumers.consumers.is_empty());
    assert_eq!(storages.borrow()[&2].list().expect("a list"), [""; 0]);
    run(&mut topic, "partitions 2\nappend a partition=1", &mut picture);
    assert_eq!(picture.partition(1).log.log_end_offset, 1);
    assert_eq!(topic.labs()[1].read_picture().expect("readable"), Some(picture.partition(1).log.clone()));
}

proptest! {
    #[test]
    fn what_is_written_is_parsed_again(
        partition in prop::option::of(0..MAX_PARTITIONS),
        name: String,
        count in 1..=MAX_PARTITIONS,
        max_bytes: u64,
    ) {
        for action in [
            TopicAction::Log { action: Action::Tombstone { key: name.clone() }, partition },
            TopicAction::Log { action: Action::Fetch { offset: max_bytes, max_bytes }, partition },
            TopicAction::Partitions { count },
            TopicAction::Poll { consumer: name.clone(), max_bytes },
            TopicAction::Commit { consumer: name.clone() },
        ] {
            prop_assert_eq!(parse_topic_line(&action.to_string()), Ok(Some(action)));
        }
    }
}

#[test]
fn each_partition_flushes_by_itself_when_the_clock_says_so() {
    let mut lab = lab();
    events(&mut lab, "partitions 2\nconfig flush.ms=5000\nappend a partition=0\nappend b partition=1");
    let due = |events: &[TopicEvent]| -> Vec<u32> {
        let due = |event: &TopicEvent| match event {
            TopicEvent::Log { partition, event: Event::FlushDue { .. } } => Some(*partition),
            _ => None,
        };
        events.iter().filter_map(due).collect()
    };
    assert_eq!(due(&events(&mut lab, "advance 1s")), []);
    assert_eq!(due(&events(&mut lab, "advance 2s")), [0]);
    // An append elsewhere moves the clock as well.
    assert_eq!(due(&events(&mut lab, "append c partition=0")), [1]);
    assert_eq!(due(&events(&mut lab, "partitions 3\nappend d partition=2\nadvance 9s")), [0, 2]);
}

#[test]
fn opening_is_what_the_action_does() {
    let scenario =
        "partitions 3\nappend a key=k count=9\nappend b count=4\nflush\nappend c\npoll reader\ncrash keep=40";
    let (mut opened, mut ran) = (lab(), lab());
    // A log that was never open, one that is down after a crash, one that is open.
    for lines in ["", scenario, "append d"] {
        assert_eq!(events(&mut opened, lines), events(&mut ran, lines));
        assert_eq!(opened.open().events, ran.run(&Action::Reopen.into()).events, "after {lines:?}");
        assert_eq!(opened.consumers(), ran.consumers());
    }
}

#[test]
fn partitions_that_are_added_to_an_unused_topic_begin_alike() {
    let mut topic = lab();
    let mut picture = TopicPicture::default();
    run(&mut topic, "partitions 3", &mut picture);
    assert!(topic.labs().iter().all(Lab::is_open));
    assert!(picture.partitions().iter().all(|picture| picture.log.segments.len() == 1));
    // What is down stays down until somebody opens it.
    let mut topic = lab();
    run(&mut topic, "append a\ncrash\npartitions 2", &mut TopicPicture::default());
    assert_eq!(topic.labs().iter().map(Lab::is_open).collect::<Vec<_>>(), [false, true]);
}
