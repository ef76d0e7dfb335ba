//! The engine of this page: the only file that calls it.
//!
//! Everything here is synchronous and serves from memory; [`Engine::take_mutations`] hands out what has become
//! durable, for somebody to commit.
//!
//! The past is made anew: [`Engine::run_anew`] runs commands on what the page began with, as the same commands give
//! the same files.

mod medium;

use std::collections::BTreeMap;
use std::rc::Rc;

use logscope::LogConfig;
use logscope::lab::{
    Action, CLOCK_START_MS, ConsumersPicture, Event, FlushPolicy, Lab, LogPicture, TopicAction, TopicLab,
    TopicPicture, fingerprint, parse_topic_line, with_configs, with_max_bytes,
};
use logscope::storage::{File, JournalStorage, Mutation, Storage};

use crate::state::archive::Named;
use crate::state::batch_detail::{self, BatchDetail};
use crate::state::command::Refused;
use crate::state::file_detail::{self, FileDetail};
use crate::state::what_if::{Change, Side};
use crate::state::{BatchId, Ran, Settings, TopicSettings};
use crate::text;
use medium::Medium;

/// What an earlier page has kept: name, file id and bytes of each file, and its settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Saved {
    pub(crate) files: Vec<(String, u64, Vec<u8>)>,
    pub(crate) settings: Option<Settings>,
}

impl Saved {
    /// The files of partitions, from 0 on, that come from elsewhere.
    pub(crate) fn of_partitions(partitions: Vec<Vec<Named>>, settings: Settings) -> Self {
        let topic = TopicSettings { partitions: partitions.len() as u32, ..settings.topic };
        let files = (0..).zip(partitions).flat_map(|(number, files)| {
            (0..).zip(files).map(move |(id, (name, bytes))| {
                (medium::kept_name(number, &name), medium::kept_id(number, id), bytes)
            })
        });
        Self { files: files.collect(), settings: Some(Settings { topic, ..settings }) }
    }
}

/// A log that had more bytes than this when the page was loaded is not kept twice, and so can't be run anew.
const LARGEST_BASE: usize = 64 << 20;

/// The log of this page.
#[derive(Debug)]
pub(crate) struct Engine {
    lab: TopicLab<JournalStorage>,
    medium: Medium,
    /// What the page began with, unless that is too large.
    base: Option<Rc<Saved>>,
    /// What has to be written before what the storages hand out: the files are others than before.
    due: Vec<Mutation>,
}

impl Engine {
    /// The log as it was saved. Nothing is opened yet: [`Action::Reopen`] runs the recovery.
    pub(crate) fn new(saved: Saved) -> Self {
        let bytes: usize = saved.files.iter().map(|(.., bytes)| bytes.len()).sum();
        let base = (bytes <= LARGEST_BASE).then(|| Rc::new(saved.clone()));
        let (medium, lab) = restore(saved);
        Self { lab, medium, base, due: Vec::new() }
    }

    /// Begins again with what the page began with, and runs these commands: the files are theirs from then on.
    ///
    /// # Errors
    /// If that is not kept; then nothing has changed.
    pub(crate) fn run_anew(&mut self, commands: &[Rc<str>]) -> Result<(), String> {
        let base = self.base.as_ref().ok_or(text::NO_FORK)?;
        let parsed =
            commands.iter().map(|command| parse_topic_line(command).map_err(|error| error.to_string()));
        let actions = parsed.collect::<Result<Vec<_>, _>>()?;
        let write = |(_, file, bytes): &(String, u64, Vec<u8>)| Mutation::Write {
            file: *file,
            position: 0,
            bytes: bytes.clone(),
        };
        let names = base.files.iter().map(|(name, id, _)| (name.clone(), *id)).collect();
        self.due = vec![Mutation::Names(BTreeMap::new())];
        self.due.extend(base.files.iter().map(write));
        self.due.push(Mutation::Names(names));
        (self.medium, self.lab) = restore(Saved::clone(base));
        actions.iter().flatten().for_each(|action| drop(self.run(action)));
        Ok(())
    }

    /// The last fetch of these commands, if they are run on what the page began with, aside, and with a change from the
    /// beginning on.
    ///
    /// # Errors
    /// Why there is none to compare, without a field.
    pub(crate) fn what_if(&self, commands: &[Rc<str>], change: &Change) -> Result<Side, Refused> {
        let refused = |reason: String| Refused { field: "", reason };
        let base = self.base.as_ref().ok_or_else(|| refused(text::NO_WHAT_IF.to_owned()))?;
        let parsed = commands
            .iter()
            .map(|command| parse_topic_line(command).map_err(|error| refused(error.to_string())));
        let actions: Vec<_> = parsed.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        let actions = with_max_bytes(&with_configs(&actions, &change.configs), change.max_bytes);
        let (_, mut lab) = restore(Saved::clone(base));
        let last = actions.iter().map(|action| lab.run(action).events).last().unwrap_or_default();
        Side::of(&last).ok_or_else(|| {
            let why = last.iter().rev().find_map(|event| match event.of_log() {
                Some(Event::Refused { message }) => Some(format!("{}: {message}.", text::FETCH_REFUSED)),
                _ => None,
            });
            refused(why.unwrap_or_else(|| text::NO_FETCH_THERE.to_owned()))
        })
    }

    /// What the files hold before anything is opened. Files that can't be read are left to the opening, which
    /// says why.
    pub(crate) fn picture_of_files(&self) -> TopicPicture {
        let labs = self.lab.labs().iter();
        let logs = labs.map(|lab| LogPicture::read(lab.storage(), lab.config()).unwrap_or_default());
        TopicPicture::closed(logs, self.lab.consumers().clone())
    }

    /// Runs one action.
    pub(crate) fn run(&mut self, action: &TopicAction) -> Ran {
        let outcome = self.lab.run(action);
        let (fetches, resets) = match action {
            TopicAction::Log { action, .. } => {
                (matches!(action, Action::Fetch { .. }), *action == Action::Reset)
            }
            action => (matches!(action, TopicAction::Poll { .. }), false),
        };
        if resets {
            // Partitions that come later begin with the ids of those that are gone.
            self.due = self.take_mutations();
        }
        let records = outcome.records.into_iter().map(|(_, record)| record);
        Ran {
            command: action.to_string(),
            events: outcome.events,
            records: fetches.then(|| records.collect()),
            settings: self.settings(),
            follow: true,
        }
    }

    /// Flushes for a page that may not come back; `None` if the log is down or all is on disk.
    pub(crate) fn flush_hidden(&mut self, unflushed: u64) -> Option<Ran> {
        if unflushed == 0 || !self.lab.labs().iter().any(Lab::is_open) {
            return None;
        }
        let ran = self.run(&Action::Flush.into());
        Some(Ran { command: text::PAGE_HIDDEN.to_owned(), follow: false, ..ran })
    }

    /// What has become durable since the last call.
    pub(crate) fn take_mutations(&mut self) -> Vec<Mutation> {
        let mut mutations = std::mem::take(&mut self.due);
        mutations.extend(self.medium.take(self.lab.labs().iter().map(Lab::storage)));
        mutations
    }

    /// What to keep besides the files.
    pub(crate) fn settings(&self) -> Settings {
        let [first, ..] = self.lab.labs() else { return Settings::default() };
        let config: &LogConfig = first.config();
        let entries = config.entries().chain(first.flush_policy().entries());
        let config = entries.map(|(key, value)| (key.to_owned(), value)).collect();
        let topic = TopicSettings {
            partitions: self.lab.labs().len() as u32,
            turn: self.lab.turn(),
            consumers: Rc::new(self.lab.consumers().clone()),
        };
        Settings { config, now_ms: first.now_ms(), topic }
    }

    /// Whether these commands, run on an empty log, lead to these very files, byte for byte, and leave the consumers
    /// where they are; and in how many steps.
    pub(crate) fn told_by(&self, commands: &[TopicAction]) -> Option<usize> {
        let mut told = Self::new(Saved::default());
        let steps = commands.iter().map(|command| told.run(command).events.len()).sum();
        let hashes = |lab: &TopicLab<JournalStorage>| -> Option<Vec<u64>> {
            lab.labs().iter().map(|lab| fingerprint(lab.storage()).ok()).collect()
        };
        let same = hashes(&told.lab)? == hashes(&self.lab)? && told.settings() == self.settings();
        same.then_some(steps)
    }

    /// All files of a partition, as they are now: names and bytes, by name.
    pub(crate) fn files(&self, partition: u32) -> Vec<Named> {
        let Some(storage) = self.storage(partition) else { return Vec::new() };
        let mut names = storage.list().unwrap_or_default();
        names.sort_unstable();
        names.into_iter().filter_map(|name| Some((name.clone(), storage.contents(&name)?))).collect()
    }

    /// How many partitions there are now.
    pub(crate) fn partitions(&self) -> u32 {
        self.lab.labs().len() as u32
    }

    /// A batch, taken apart from the bytes that are in its file now.
    pub(crate) fn batch(&self, partition: u32, id: BatchId, size: u32) -> Result<BatchDetail, String> {
        let name = logscope::segment::file_name(id.segment, logscope::segment::LOG_SUFFIX);
        let lab = self.lab.labs().get(partition as usize).ok_or(text::BATCH_GONE)?;
        let bytes = lab.read_file(&name, id.position, size as usize);
        batch_detail::read(bytes.map_err(|error| error.to_string())?)
    }

    /// A file, taken apart from the bytes that are in it now; `None` if there is no such file.
    pub(crate) fn file(&self, partition: u32, name: &str) -> Option<FileDetail> {
        let lab = self.lab.labs().get(partition as usize)?;
        let bytes = lab.read_file(name, 0, file_detail::SHOWN).ok()?;
        let size = lab.storage().open(name).and_then(|file| file.len()).ok()?;
        Some(file_detail::read(name, bytes, size))
    }

    fn storage(&self, partition: u32) -> Option<&JournalStorage> {
        self.lab.labs().get(partition as usize).map(Lab::storage)
    }
}

/// A lab over what was saved.
fn restore(saved: Saved) -> (Medium, TopicLab<JournalStorage>) {
    let settings = saved.settings.unwrap_or_default();
    let (medium, storages) = Medium::restore(settings.topic.partitions, saved.files);
    let partitions = storages.len() as u32;
    let storage = move |number: u32| storages.get(number as usize).cloned().unwrap_or_default();
    let mut lab = TopicLab::new(partitions, storage);
    lab.restore(ConsumersPicture::clone(&settings.topic.consumers), settings.topic.turn);
    let (mut config, mut policy) = (Lab::<JournalStorage>::small_config(), FlushPolicy::default());
    for (key, value) in &settings.config {
        // A key that this engine does not know any more is left at its default.
        if policy.set(key, value).is_none() {
            let _ = config.set(key, value);
        }
    }
    let now_ms = if settings.config.is_empty() { CLOCK_START_MS } else { settings.now_ms };
    for number in 0..partitions {
        if let Some(lab) = lab.lab_mut(number) {
            lab.restore(config.clone(), now_ms);
            lab.set_flush_policy(policy);
        }
    }
    (medium, lab)
}

/// The commands of the first scenario. They are checked by a test.
pub(crate) fn first_scenario() -> Vec<TopicAction> {
    text::FIRST_LINES.iter().filter_map(|line| parse_topic_line(line).ok().flatten()).collect()
}

#[cfg(test)]
mod tests {
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
        let files = vec![("00000000000000000000.log".to_owned(), 7, bytes)];
        let mut engine = Engine::new(Saved { files, settings: Some(settings.clone()) });
        assert_eq!(engine.settings(), settings);
        let mut picture = TopicPicture::default();
        engine.run(&Action::Reopen.into()).events.iter().for_each(|event| picture.apply(event));
        let log = &picture.partition(0).log;
        assert_eq!((log.high_watermark, log.segment_bytes), (1, 1000));
    }

    /// The files as a new page would get them.
    fn kept(engine: &Engine) -> Vec<(String, u64, Vec<u8>)> {
        let partitions = (0..engine.partitions()).map(|number| engine.files(number)).collect();
        Saved::of_partitions(partitions, engine.settings()).files
    }

    #[test]
    fn a_page_that_is_loaded_again_shows_what_the_opening_does_not_tell() {
        for closing in ["reopen", "flush"] {
            let mut engine = Engine::new(Saved::default());
            for line in [
                "append hello key=k count=16",
                "partitions 2",
                "append b count=20",
                "delete-before 3",
                closing,
            ] {
                run(&mut engine, line);
            }
            let (files, settings) = (kept(&engine), Some(engine.settings()));
            let mut engine = Engine::new(Saved { files, settings });
            let mut picture = engine.picture_of_files();
            let ran = engine.run(&Action::Reopen.into());
            let trusted = |event: &&TopicEvent| {
                matches!(event.of_log(), Some(Event::Log(LogEvent::SegmentTrusted { .. })))
            };
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
        let live = kept(&engine).into_iter().map(|(name, _, bytes)| (name, bytes)).collect();
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
        let files = vec![("00000000000000000000.log".to_owned(), 1, vec![0; LARGEST_BASE + 1])];
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
            engine.files(0).into_iter().zip(0..).map(|((name, bytes), id)| (name, id, bytes)).collect();
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

        fn saved(&self) -> Vec<(String, u64, Vec<u8>)> {
            let bytes = |id| self.files.get(id).cloned().unwrap_or_default();
            self.names.iter().map(|(name, id)| (name.clone(), *id, bytes(id))).collect()
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
}
