//! The engine of this page: the only file that calls it.
//!
//! Everything here is synchronous and serves from memory; [`Engine::take_mutations`] hands out what has become
//! durable, for somebody to commit.
//!
//! The past is made anew: [`Engine::run_anew`] runs commands on what the page began with, as the same commands give
//! the same files.

use std::collections::BTreeMap;
use std::rc::Rc;

use logscope::LogConfig;
use logscope::lab::{Action, Lab, LogPicture, Picture, fingerprint, parse_line};
use logscope::storage::{File, JournalStorage, Mutation, Storage};

use crate::state::bytes::{self, Part};
use crate::state::{BatchId, Ran, Settings};
use crate::text;

/// What an earlier page has kept: name, file id and bytes of each file, and its settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Saved {
    pub(crate) files: Vec<(String, u64, Vec<u8>)>,
    pub(crate) settings: Option<Settings>,
}

/// A log that had more bytes than this when the page was loaded is not kept twice, and so can't be run anew.
const LARGEST_BASE: usize = 64 << 20;

/// The log of this page.
#[derive(Debug)]
pub(crate) struct Engine {
    lab: Lab<JournalStorage>,
    /// What the page began with, unless that is too large.
    base: Option<Rc<Saved>>,
    /// What has to be written before what the storage hands out: the files are others than before.
    due: Vec<Mutation>,
}

impl Engine {
    /// The log as it was saved. Nothing is opened yet: [`Action::Reopen`] runs the recovery.
    pub(crate) fn new(saved: Saved) -> Self {
        let bytes: usize = saved.files.iter().map(|(.., bytes)| bytes.len()).sum();
        let base = (bytes <= LARGEST_BASE).then(|| Rc::new(saved.clone()));
        Self { lab: lab(saved), base, due: Vec::new() }
    }

    /// Begins again with what the page began with, and runs these commands: the files are theirs from then on.
    ///
    /// # Errors
    /// If that is not kept; then nothing has changed.
    pub(crate) fn run_anew(&mut self, commands: &[Rc<str>]) -> Result<(), String> {
        let base = self.base.as_ref().ok_or(text::NO_FORK)?;
        let parsed = commands.iter().map(|command| parse_line(command).map_err(|error| error.to_string()));
        let actions = parsed.collect::<Result<Vec<_>, _>>()?;
        self.lab = lab(Saved::clone(base));
        let write = |(_, file, bytes): &(String, u64, Vec<u8>)| Mutation::Write {
            file: *file,
            position: 0,
            bytes: bytes.clone(),
        };
        let names = base.files.iter().map(|(name, id, _)| (name.clone(), *id)).collect();
        self.due = vec![Mutation::Names(BTreeMap::new())];
        self.due.extend(base.files.iter().map(write));
        self.due.push(Mutation::Names(names));
        actions.iter().flatten().for_each(|action| drop(self.lab.run(action)));
        Ok(())
    }

    /// What the files hold before anything is opened. Files that can't be read are left to the opening, which
    /// says why.
    pub(crate) fn picture_of_files(&self) -> Picture {
        Picture::closed(LogPicture::read(self.lab.storage(), self.lab.config()).unwrap_or_default())
    }

    /// Runs one action.
    pub(crate) fn run(&mut self, action: &Action) -> Ran {
        let outcome = self.lab.run(action);
        let records = matches!(action, Action::Fetch { .. }).then_some(outcome.records);
        let settings = self.settings();
        Ran { command: action.to_string(), events: outcome.events, records, settings, follow: true }
    }

    /// Flushes for a page that may not come back; `None` if the log is down or all is on disk.
    pub(crate) fn flush_hidden(&mut self, unflushed: u64) -> Option<Ran> {
        if unflushed == 0 || !self.lab.is_open() {
            return None;
        }
        Some(Ran { command: text::PAGE_HIDDEN.to_owned(), follow: false, ..self.run(&Action::Flush) })
    }

    /// What has become durable since the last call.
    pub(crate) fn take_mutations(&mut self) -> Vec<Mutation> {
        let mut mutations = std::mem::take(&mut self.due);
        mutations.extend(self.lab.storage().take_mutations());
        mutations
    }

    /// What to keep besides the files.
    pub(crate) fn settings(&self) -> Settings {
        let config: &LogConfig = self.lab.config();
        let config = config.entries().map(|(key, value)| (key.to_owned(), value)).collect();
        Settings { config, now_ms: self.lab.now_ms() }
    }

    /// Whether these commands, run on an empty log, lead to these very files, byte for byte; and in how many steps.
    pub(crate) fn told_by(&self, commands: &[Action]) -> Option<usize> {
        let mut lab = Lab::new(JournalStorage::new());
        let steps = commands.iter().map(|command| lab.run(command).events.len()).sum();
        let same = fingerprint(lab.storage()).ok()? == fingerprint(self.lab.storage()).ok()?;
        (same && lab.now_ms() == self.lab.now_ms() && lab.config() == self.lab.config()).then_some(steps)
    }

    /// All files, as they are now: names and bytes, by name.
    pub(crate) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut names = self.lab.storage().list().unwrap_or_default();
        names.sort_unstable();
        names
            .into_iter()
            .filter_map(|name| Some((name.clone(), self.lab.storage().contents(&name)?)))
            .collect()
    }

    /// The bytes of a file; `None` if there is no such file.
    pub(crate) fn contents(&self, name: &str) -> Option<Vec<u8>> {
        self.lab.storage().contents(name)
    }

    /// A batch, taken apart from the bytes that are in its file now; `None` if there is no such file.
    pub(crate) fn batch(&self, id: BatchId, size: u32) -> Option<Part> {
        let name = logscope::segment::file_name(id.segment, logscope::segment::LOG_SUFFIX);
        bytes::batch(&self.open(&name)?, &name, id.position, size).ok()
    }

    /// The page of a file that holds a position, taken apart from the bytes that are there now; `None` if there is no
    /// such file.
    pub(crate) fn page(&self, name: &str, at: u64) -> Option<Part> {
        bytes::page(&self.open(name)?, name, at).ok()
    }

    /// A file that is there: to open one would else create it.
    fn open(&self, name: &str) -> Option<impl File> {
        self.lab.read_file(name, 0, 0).ok()?;
        self.lab.storage().open(name).ok()
    }
}

/// A lab over what was saved.
fn lab(saved: Saved) -> Lab<JournalStorage> {
    let mut lab = Lab::new(JournalStorage::restore(saved.files));
    if let Some(settings) = saved.settings {
        let mut config = Lab::<JournalStorage>::small_config();
        for (key, value) in &settings.config {
            // A key that this engine does not know any more is left at its default.
            let _ = config.set(key, value);
        }
        lab.restore(config, settings.now_ms);
    }
    lab
}

/// The commands of the first scenario. They are checked by a test.
pub(crate) fn first_scenario() -> Vec<Action> {
    text::FIRST_LINES.iter().filter_map(|line| parse_line(line).ok().flatten()).collect()
}

#[cfg(test)]
mod tests {
    use logscope::lab::Event;
    use logscope::log::Event as LogEvent;

    use super::*;

    fn run(engine: &mut Engine, line: &str) -> Ran {
        engine.run(&parse_line(line).unwrap().unwrap())
    }

    #[test]
    fn what_was_saved_comes_back_with_its_settings() {
        let mut engine = Engine::new(Saved::default());
        for line in ["config segment.bytes=1000", "append kept", "flush"] {
            run(&mut engine, line);
        }
        let settings = engine.settings();
        let bytes = engine.lab.storage().contents("00000000000000000000.log").unwrap();
        let files = vec![("00000000000000000000.log".to_owned(), 7, bytes)];
        let mut engine = Engine::new(Saved { files, settings: Some(settings.clone()) });
        assert_eq!(engine.settings(), settings);
        let mut picture = Picture::default();
        engine.run(&Action::Reopen).events.iter().for_each(|event| picture.apply(event));
        assert_eq!((picture.log.high_watermark, picture.log.segment_bytes), (1, 1000));
    }

    /// The files as a new page would get them.
    fn kept(engine: &Engine) -> Vec<(String, u64, Vec<u8>)> {
        let storage = engine.lab.storage();
        let names = storage.list().unwrap().into_iter().enumerate();
        names.map(|(id, name)| (name.clone(), id as u64, storage.contents(&name).unwrap())).collect()
    }

    #[test]
    fn a_page_that_is_loaded_again_shows_what_the_opening_does_not_tell() {
        for closing in ["reopen", "flush"] {
            let mut engine = Engine::new(Saved::default());
            for line in ["append hello key=k count=16", "delete-before 3", closing] {
                run(&mut engine, line);
            }
            let (files, settings) = (kept(&engine), Some(engine.settings()));
            let mut engine = Engine::new(Saved { files, settings });
            let mut picture = engine.picture_of_files();
            let ran = engine.run(&Action::Reopen);
            let trusted = |event: &&Event| matches!(event, Event::Log(LogEvent::SegmentTrusted { .. }));
            assert!(ran.events.iter().filter(trusted).count() >= 2, "{closing}: {:?}", ran.events);
            ran.events.iter().for_each(|event| picture.apply(event));
            assert_eq!(Some(picture.log), engine.lab.read_picture().unwrap(), "{closing}");
        }
    }

    #[test]
    fn what_is_run_anew_has_the_same_steps_and_files_and_goes_on_from_there() {
        let lines =
            ["reopen", "append a key=k count=9", "flush", "crash", "reopen", "advance 1h", "append b"];
        let mut engine = Engine::new(Saved::default());
        run(&mut engine, "append before count=3");
        run(&mut engine, "flush");
        let saved = Saved { files: kept(&engine), settings: Some(engine.settings()) };
        let mut engine = Engine::new(saved.clone());
        let commands: Vec<Rc<str>> = lines.iter().map(|line| run(&mut engine, line).command.into()).collect();
        let (files, settings) = (kept(&engine), engine.settings());
        let events = run(&mut engine, "append c").events;
        run(&mut engine, "reset");
        engine.take_mutations();

        engine.run_anew(&commands).unwrap();
        assert_eq!((kept(&engine), engine.settings()), (files, settings));
        assert_eq!(run(&mut engine, "append c").events, events);

        // Whoever applies the mutations has the same as somebody who did from the beginning on.
        run(&mut engine, "flush");
        let mut medium = Medium::default();
        medium.apply(vec![Mutation::Write { file: 7, position: 0, bytes: vec![1] }]);
        medium.apply(engine.take_mutations());
        // Indexes are not synced with a flush: recovery makes them anew.
        let logs = |files: Vec<(String, Vec<u8>)>| -> Vec<_> {
            files.into_iter().filter(|(name, _)| name.ends_with(".log")).collect()
        };
        let live = kept(&engine).into_iter().map(|(name, _, bytes)| (name, bytes)).collect();
        assert_eq!(logs(medium.contents()), logs(live));
        assert_eq!(medium.files.len(), medium.names.len(), "nothing of the other past is left");
    }

    #[test]
    fn too_much_is_not_run_anew() {
        let files = vec![("00000000000000000000.log".to_owned(), 1, vec![0; LARGEST_BASE + 1])];
        let mut engine = Engine::new(Saved { files, settings: None });
        assert!(engine.run_anew(&[]).is_err());
        assert!(Engine::new(Saved::default()).run_anew(&["banana".into()]).is_err());
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
        let (mut engine, mut picture) = (Engine::new(Saved::default()), Picture::default());
        for (action, line) in actions.iter().zip(text::FIRST_LINES) {
            let ran = engine.run(action);
            assert_eq!(ran.command, line, "it is written as the engine writes it");
            assert!(!ran.events.iter().any(|event| matches!(event, Event::Refused { .. })));
            ran.events.iter().for_each(|event| picture.apply(event));
        }
        assert!(picture.log.segments.len() >= 3 && picture.log.high_watermark == 14);
        assert_eq!(picture.log.log_end_offset, 16);
        let fetch = picture.fetch.unwrap();
        assert!(!fetch.skipped.is_empty() && !fetch.taken.is_empty() && fetch.stopped.is_some());
    }
}
