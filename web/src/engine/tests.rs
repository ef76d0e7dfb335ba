//! What the engine of the page keeps, runs anew, and takes up again.

use logscope::lab::TopicEvent;
use logscope::log::Event as LogEvent;

use super::*;

fn run(engine: &mut Engine, line: &str) -> Ran {
    engine.run(&parse_topic_line(line).unwrap().unwrap())
}

#[test]
fn what_was_saved_comes_back_with_its_settings() {
    let mut engine = Engine::new(Saved::default());
    for line in ["config segment.bytes=1000", "append kept", "flush"] {
        run(&mut engine, line);
    }
    let settings = engine.settings();
    let bytes = engine.storage(0).unwrap().contents("00000000000000000000.log").unwrap();
    let files = vec![("00000000000000000000.log".to_owned(), 7, bytes.into())];
    let mut engine = Engine::new(Saved { files, settings: Some(settings.clone()) });
    assert_eq!(engine.settings(), settings);
    let mut picture = TopicPicture::default();
    engine.run(&Action::Reopen.into()).events.iter().for_each(|event| picture.apply(event));
    let log = &picture.partition(0).log;
    assert_eq!((log.high_watermark, log.segment_bytes), (1, 1000));
}

/// The files as a new page would get them.
fn kept(engine: &Engine) -> Vec<medium::File> {
    let partitions = (0..engine.partitions()).map(|number| engine.files(number)).collect();
    Saved::of_partitions(partitions, engine.settings()).files
}

#[test]
fn a_page_that_is_loaded_again_shows_what_the_opening_does_not_tell() {
    for closing in ["reopen", "flush"] {
        let mut engine = Engine::new(Saved::default());
        for line in
            ["append hello key=k count=16", "partitions 2", "append b count=20", "delete-before 3", closing]
        {
            run(&mut engine, line);
        }
        let (files, settings) = (kept(&engine), Some(engine.settings()));
        let mut engine = Engine::new(Saved { files, settings });
        let mut picture = engine.picture_of_files();
        let ran = engine.run(&Action::Reopen.into());
        let trusted =
            |event: &&TopicEvent| matches!(event.of_log(), Some(Event::Log(LogEvent::SegmentTrusted { .. })));
        assert!(ran.events.iter().filter(trusted).count() >= 2, "{closing}: {:?}", ran.events);
        ran.events.iter().for_each(|event| picture.apply(event));
        for (lab, picture) in engine.lab.labs().iter().zip(picture.partitions()) {
            assert_eq!(lab.read_picture().unwrap().as_ref(), Some(&picture.log), "{closing}");
        }
    }
}

#[test]
fn what_is_run_anew_has_the_same_steps_and_files_and_goes_on_from_there() {
    let lines = [
        "reopen",
        "append a key=k count=9",
        "partitions 3",
        "append c count=4",
        "flush",
        "poll x",
        "crash",
        "reopen",
        "advance 1h",
        "append b",
        "commit x",
    ];
    let mut engine = Engine::new(Saved::default());
    run(&mut engine, "append before count=3");
    run(&mut engine, "flush");
    let saved = Saved { files: kept(&engine), settings: Some(engine.settings()) };
    let mut engine = Engine::new(saved);
    let commands: Vec<Rc<str>> = lines.iter().map(|line| run(&mut engine, line).command.into()).collect();
    let (files, settings) = (kept(&engine), engine.settings());
    let events = run(&mut engine, "append c").events;
    run(&mut engine, "reset");
    run(&mut engine, "partitions 2");
    engine.take_mutations();

    engine.run_anew(&commands).unwrap();
    assert_eq!((kept(&engine), engine.settings()), (files, settings));
    assert_eq!(run(&mut engine, "append c").events, events);

    // Whoever applies the mutations has the same as somebody who did from the beginning on.
    run(&mut engine, "flush");
    let mut medium = Medium::default();
    medium.apply(vec![Mutation::Write { file: 7, position: 0, bytes: vec![1] }]);
    medium.apply(engine.take_mutations());
    let live = kept(&engine).into_iter().map(|(name, _, bytes)| (name, bytes.to_vec())).collect();
    assert_eq!(logs(medium.contents()), logs(live));
    assert!(medium.holds_only_what_is_named(), "something of the other past is left");
}

#[test]
fn what_if_is_what_a_log_of_its_own_does_and_changes_nothing_here() {
    let lines = [
        "partitions 2",
        "config index.interval.bytes=400",
        "append a partition=1 count=9",
        "flush",
        "fetch 3 max_bytes=100 partition=1",
    ];
    let mut engine = Engine::new(Saved::default());
    let commands: Vec<Rc<str>> = lines.iter().map(|line| run(&mut engine, line).command.into()).collect();
    let (files, settings) = (kept(&engine), engine.settings());
    let configs = [("segment.bytes", "200"), ("index.interval.bytes", "0")];
    let configs = configs.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
    let side = engine.what_if(&commands, &Change { max_bytes: 300, configs }).unwrap();
    assert_eq!((kept(&engine), engine.settings()), (files, settings));

    let mut lab = Lab::new(JournalStorage::new());
    lab.run_line("config segment.bytes=200 index.interval.bytes=0").unwrap();
    lab.run_line("append a count=9").unwrap();
    lab.run_line("flush").unwrap();
    let expected = logscope::lab::FetchCost::of(&lab.run_line("fetch 3 max_bytes=300").unwrap().events);
    assert_eq!(Some(side.cost), expected);

    // Nothing fits into a segment any more, so there is nothing to fetch from.
    let configs = vec![("segment.bytes".to_owned(), "61".to_owned())];
    let refused = engine.what_if(&commands, &Change { max_bytes: 300, configs }).unwrap_err();
    assert!(
        refused.reason.starts_with("There the fetch is refused: offset 3 is out of range"),
        "{refused:?}"
    );
    assert!(engine.what_if(&[], &Change::default()).is_err());
}

#[test]
fn when_to_flush_is_kept_with_the_configs() {
    let mut engine = Engine::new(Saved::default());
    run(&mut engine, "config flush.messages=2 flush.ms=7000");
    let settings = engine.settings();
    let mut engine = Engine::new(Saved { files: Vec::new(), settings: Some(settings.clone()) });
    assert_eq!(engine.settings(), settings);
    let ran = run(&mut engine, "append a b");
    assert!(ran.events.iter().any(|event| matches!(event.of_log(), Some(Event::FlushDue { .. }))));
}

#[test]
fn too_much_is_not_run_anew() {
    let files = vec![("00000000000000000000.log".to_owned(), 1, vec![0; LARGEST_BASE + 1].into())];
    let mut engine = Engine::new(Saved { files, settings: None });
    assert!(engine.run_anew(&[]).is_err());
    assert!(Engine::new(Saved::default()).run_anew(&["banana".into()]).is_err());
}

#[test]
fn a_page_that_is_loaded_again_has_its_partitions_and_consumers() {
    let mut engine = Engine::new(Saved::default());
    let mut medium = Medium::default();
    for line in [
        "append before key=k",
        "partitions 3",
        "append a count=5",
        "flush",
        "poll x max_bytes=1",
        "poll x",
        "commit x",
        "poll y",
        "append lost count=2",
    ] {
        run(&mut engine, line);
        medium.apply(engine.take_mutations());
    }
    let settings = engine.settings();
    assert_eq!((settings.topic.partitions, settings.topic.turn), (3, 1));
    let text = settings.topic.to_text();
    let settings = Settings { topic: TopicSettings::of_text(&text), ..settings };
    assert_eq!(settings, engine.settings());
    let before: Vec<Vec<Named>> = (0..3).map(|number| engine.files(number)).collect();
    let mut engine = Engine::new(Saved { files: medium.saved(), settings: Some(settings.clone()) });
    assert_eq!((engine.settings(), engine.partitions()), (settings, 3));
    let mut topic = engine.picture_of_files();
    run(&mut engine, "reopen").events.iter().for_each(|event| topic.apply(event));
    assert_eq!(&*topic.consumers, engine.lab.consumers());
    let ends: Vec<u64> = topic.partitions().iter().map(|picture| picture.log.log_end_offset).collect();
    assert_eq!(ends, [3, 2, 1], "what was not flushed is lost");
    assert_ne!((0..3).map(|number| engine.files(number)).collect::<Vec<_>>(), before);
    assert!(matches!(run(&mut engine, "poll x").events.last(), Some(TopicEvent::Polled { .. })));
}

#[test]
fn what_comes_after_a_reset_has_nothing_of_what_was_there_before() {
    let mut engine = Engine::new(Saved::default());
    let mut medium = Medium::default();
    for line in ["partitions 3", "append a count=9", "flush", "reopen"] {
        run(&mut engine, line);
    }
    medium.apply(engine.take_mutations());
    // All in one commit: ids are given again.
    for line in ["reset", "partitions 2", "append b partition=0", "flush"] {
        run(&mut engine, line);
    }
    medium.apply(engine.take_mutations());
    let settings = Some(engine.settings());
    let again = Engine::new(Saved { files: medium.saved(), settings });
    for number in 0..2 {
        assert_eq!(logs(again.files(number)), logs(engine.files(number)), "partition {number}");
    }
    assert!(medium.holds_only_what_is_named());
}

#[test]
fn what_a_page_with_one_partition_kept_is_partition_0() {
    let mut engine = Engine::new(Saved::default());
    run(&mut engine, "append a count=3");
    run(&mut engine, "flush");
    let files: Vec<_> =
        engine.files(0).into_iter().zip(0..).map(|((name, bytes), id)| (name, id, bytes.into())).collect();
    let settings = Settings { topic: TopicSettings::default(), ..engine.settings() };
    let mut again = Engine::new(Saved { files, settings: Some(settings) });
    assert_eq!(again.files(0), engine.files(0));
    run(&mut again, "partitions 2");
    assert_eq!(again.partitions(), 2);
    let names: Vec<_> = again
        .take_mutations()
        .into_iter()
        .filter_map(|mutation| match mutation {
            Mutation::Names(names) => Some(names),
            Mutation::Write { .. } => None,
        })
        .collect();
    let names = names.last().expect("partition 1 has files");
    assert_eq!(names["00000000000000000000.log"], kept_log_id(&engine), "{names:?}");
    assert!(names["1/00000000000000000000.log"] >= 1 << 40, "{names:?}");
}

/// Which of the files, by name, is the log's.
fn kept_log_id(engine: &Engine) -> u64 {
    engine.files(0).iter().position(|(name, _)| name.ends_with(".log")).unwrap() as u64
}

/// Indexes are not synced with a flush: recovery makes them anew.
fn logs(files: Vec<Named>) -> Vec<Named> {
    files.into_iter().filter(|(name, _)| name.ends_with(".log")).collect()
}

/// What a database would hold.
#[derive(Default)]
struct Medium {
    files: BTreeMap<u64, Vec<u8>>,
    names: BTreeMap<String, u64>,
}

impl Medium {
    fn apply(&mut self, mutations: Vec<Mutation>) {
        for mutation in mutations {
            match mutation {
                Mutation::Write { file, position, bytes } => {
                    let content = self.files.entry(file).or_default();
                    content.truncate(position as usize);
                    content.extend(bytes);
                }
                Mutation::Names(names) => {
                    self.files.retain(|file, _| names.values().any(|named| named == file));
                    self.names = names;
                }
            }
        }
    }

    fn holds_only_what_is_named(&self) -> bool {
        self.files.keys().all(|file| self.names.values().any(|named| named == file))
    }

    fn saved(&self) -> Vec<medium::File> {
        let bytes = |id| self.files.get(id).cloned().unwrap_or_default();
        self.names.iter().map(|(name, id)| (name.clone(), *id, bytes(id).into())).collect()
    }

    fn contents(&self) -> Vec<(String, Vec<u8>)> {
        let bytes = |id| self.files.get(id).cloned().unwrap_or_default();
        self.names.iter().map(|(name, id)| (name.clone(), bytes(id))).collect()
    }
}

#[test]
fn a_hidden_page_flushes_only_what_is_open_and_unflushed() {
    let mut engine = Engine::new(Saved::default());
    run(&mut engine, "append a");
    assert!(!engine.flush_hidden(1).unwrap().follow);
    assert_eq!(engine.flush_hidden(0), None);
    run(&mut engine, "append b");
    run(&mut engine, "crash");
    assert_eq!(engine.flush_hidden(1), None);
}

#[test]
fn the_first_scenario_runs_and_shows_what_it_promises() {
    let actions = first_scenario();
    assert_eq!(actions.len(), text::FIRST_LINES.len());
    let (mut engine, mut topic) = (Engine::new(Saved::default()), TopicPicture::default());
    for (action, line) in actions.iter().zip(text::FIRST_LINES) {
        let ran = engine.run(action);
        assert_eq!(ran.command, line, "it is written as the engine writes it");
        assert!(!ran.events.iter().any(|event| matches!(event.of_log(), Some(Event::Refused { .. }))));
        ran.events.iter().for_each(|event| topic.apply(event));
    }
    let picture = topic.partition(0);
    assert!(picture.log.segments.len() >= 3 && picture.log.high_watermark == 14);
    assert_eq!(picture.log.log_end_offset, 16);
    let fetch = picture.fetch.as_ref().unwrap();
    assert!(!fetch.skipped.is_empty() && !fetch.taken.is_empty() && fetch.stopped.is_some());
}
