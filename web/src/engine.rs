//! The engine of this page: the only file that calls it.
//!
//! Everything here is synchronous and serves from memory; [`Engine::take_mutations`] hands out what has become
//! durable, for somebody to commit.
//!
//! The past is made anew: [`Engine::run_anew`] runs commands on what the page began with, as the same commands give
//! the same files.

mod medium;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::rc::Rc;

use logscope::LogConfig;
use logscope::lab::{
    Action, CLOCK_START_MS, ConsumersPicture, Event, FlushPolicy, Lab, LogPicture, TopicAction, TopicLab,
    TopicPicture, fingerprint, parse_topic_line, with_configs, with_max_bytes,
};
use logscope::storage::{File, JournalStorage, Mutation, Storage};

use crate::state::archive::Named;
use crate::state::bytes::{self, Part};
use crate::state::command::Refused;
use crate::state::what_if::{Change, Side};
use crate::state::{BatchId, Ran, Settings, TopicSettings};
use crate::text;
use medium::Medium;

/// What an earlier page has kept: name, file id and bytes of each file, and its settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Saved {
    pub(crate) files: Vec<medium::File>,
    pub(crate) settings: Option<Settings>,
}

impl Saved {
    /// The files of partitions, from 0 on, that come from elsewhere.
    pub(crate) fn of_partitions(partitions: Vec<Vec<Named>>, settings: Settings) -> Self {
        let topic = TopicSettings { partitions: partitions.len() as u32, ..settings.topic };
        let files = (0..).zip(partitions).flat_map(|(number, files)| {
            (0..).zip(files).map(move |(id, (name, bytes))| {
                (medium::kept_name(number, &name), medium::kept_id(number, id), bytes.into())
            })
        });
        Self { files: files.collect(), settings: Some(Settings { topic, ..settings }) }
    }
}

/// A log that had more bytes than this when the page was loaded is not kept beside what becomes of it, and so can't be
/// run anew.
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
        let write = |(_, file, bytes): &medium::File| Mutation::Write {
            file: *file,
            position: 0,
            bytes: bytes.to_vec(),
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

    /// Opens the log: [`Action::Reopen`], without what other actions need.
    pub(crate) fn reopen(&mut self) -> Ran {
        let events = self.lab.open().events;
        Ran {
            command: Action::Reopen.to_string(),
            events,
            settings: self.settings(),
            follow: true,
            ..Ran::default()
        }
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

    /// All files of every partition, as they are now.
    pub(crate) fn all_files(&self) -> Vec<Vec<Named>> {
        (0..self.partitions()).map(|partition| self.files(partition)).collect()
    }

    /// How many bytes all files have now.
    pub(crate) fn bytes(&self) -> u64 {
        let size = |storage: &JournalStorage, name: &String| storage.open(name).and_then(|file| file.len());
        let of = |storage: &JournalStorage| -> u64 {
            let names = storage.list().unwrap_or_default();
            names.iter().map(|name| size(storage, name).unwrap_or(0)).sum()
        };
        self.lab.labs().iter().map(|lab| of(lab.storage())).sum()
    }

    /// How many partitions there are now.
    pub(crate) fn partitions(&self) -> u32 {
        self.lab.labs().len() as u32
    }

    /// The bytes of a file; `None` if there is no such file.
    pub(crate) fn contents(&self, partition: u32, name: &str) -> Option<Vec<u8>> {
        self.storage(partition)?.contents(name)
    }

    /// A batch, taken apart from the bytes that are in its file now; `None` if there is no such file.
    pub(crate) fn batch(&self, partition: u32, id: BatchId, size: u32) -> Option<Part> {
        let name = logscope::segment::file_name(id.segment, logscope::segment::LOG_SUFFIX);
        bytes::batch(&self.open(partition, &name)?, &name, id.position, size).ok()
    }

    /// The page of a file that holds a position, taken apart from the bytes that are there now; `None` if there is no
    /// such file.
    pub(crate) fn page(&self, partition: u32, name: &str, at: u64) -> Option<Part> {
        bytes::page(&self.open(partition, name)?, name, at).ok()
    }

    /// A file that is there: to open one would else create it.
    fn open(&self, partition: u32, name: &str) -> Option<impl File> {
        let lab = self.lab.labs().get(partition as usize)?;
        lab.read_file(name, 0, 0).ok()?;
        lab.storage().open(name).ok()
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

/// Runs a scenario on a log of its own, past lines that are refused, and answers the hash of all files that it leaves,
/// in 16 hexadecimal digits.
pub(crate) fn fingerprint_of(scenario: &str) -> Result<String, String> {
    let mut lab = Lab::new(JournalStorage::new());
    scenario.lines().for_each(|line| drop(lab.run_line(line)));
    let hash = fingerprint(lab.storage()).map_err(|error| error.to_string())?;
    Ok(format!("{hash:016x}"))
}

/// The commands of the first scenario. They are checked by a test.
pub(crate) fn first_scenario() -> Vec<TopicAction> {
    text::FIRST_LINES.iter().filter_map(|line| parse_topic_line(line).ok().flatten()).collect()
}
