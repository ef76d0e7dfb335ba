//! The lab: runs actions on a real log, on a clock and a storage of its own.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::LogConfig;
use crate::error::Result;
use crate::log::event::{Event as LogEvent, Observer};
use crate::log::{Fetched, PartitionLog, RecoveryReport};
use crate::record::{NO_PRODUCER, NewRecord, Producer};
use crate::segment::{INDEX_SUFFIX, LOG_SUFFIX, SEGMENT_SUFFIXES, parse_file_name};
use crate::storage::{Crash, File, Storage};

use super::scenario::{Action, ScenarioError, parse_line};
use super::{Event, LogPicture};

/// When the clock starts: 1 January 2026, midnight UTC, in milliseconds since the Unix epoch.
pub const CLOCK_START_MS: i64 = 1_767_225_600_000;
/// The most that the records of a fetch may take decompressed, in bytes.
const MAX_DECOMPRESSED: u64 = 64 << 20;
/// How far the clock moves with every append, in milliseconds.
pub const CLOCK_TICK_MS: i64 = 1_000;

/// A laboratory with one log in it; see the [module](super).
#[derive(Debug)]
pub struct Lab<S: Storage> {
    storage: S,
    config: LogConfig,
    now_ms: i64,
    recorder: Recorder,
    log: Option<PartitionLog<S, Recorder>>,
    /// Set by a crash; then only `reopen` opens the log.
    crashed: bool,
    /// Files that were damaged behind the log's back, and that no opening has looked at since: they may not be what
    /// the log takes them to be.
    damaged: BTreeSet<String>,
}

/// What running an action brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The steps, in order.
    pub events: Vec<Event>,
    /// The records of a fetch, those below the fetch offset dropped.
    pub records: Vec<FetchedRecord>,
}

/// A record that a fetch returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedRecord {
    /// The offset.
    pub offset: u64,
    /// Milliseconds since the Unix epoch.
    pub timestamp: i64,
    /// The key; `None` is null.
    pub key: Option<Vec<u8>>,
    /// The payload; `None` is null.
    pub value: Option<Vec<u8>>,
}

/// Collects the log's events.
#[derive(Debug, Clone, Default)]
struct Recorder {
    events: Arc<Mutex<Vec<LogEvent>>>,
}

impl Observer for Recorder {
    fn observe(&self, event: impl FnOnce() -> LogEvent) {
        let event = event();
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }
}

impl Recorder {
    fn take(&self) -> Vec<Event> {
        let events = std::mem::take(&mut *self.events.lock().unwrap_or_else(PoisonError::into_inner));
        events.into_iter().map(Event::Log).collect()
    }
}

impl<S: Crash + Clone> Lab<S> {
    /// A lab over what the storage holds. The log is not open yet: the first action is mostly
    /// [`Action::Reopen`]; others open it by themselves.
    pub fn new(storage: S) -> Self {
        let recorder = Recorder::default();
        Self {
            storage,
            config: Self::small_config(),
            now_ms: CLOCK_START_MS,
            recorder,
            log: None,
            crashed: false,
            damaged: BTreeSet::new(),
        }
    }

    /// The configuration that a lab starts with: small, so that a handful of appends rolls a segment.
    pub fn small_config() -> LogConfig {
        LogConfig { segment_bytes: 512, index_interval_bytes: 128, ..LogConfig::default() }
    }

    /// Takes up a configuration and a clock from before, as a page does that is loaded again.
    pub fn restore(&mut self, config: LogConfig, now_ms: i64) {
        (self.config, self.now_ms) = (config, now_ms);
    }

    /// Moves the clock to where another laboratory's stands.
    pub(super) fn set_clock(&mut self, now_ms: i64) {
        self.now_ms = now_ms;
    }

    /// The configuration.
    pub fn config(&self) -> &LogConfig {
        &self.config
    }

    /// The clock, in milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// The storage that the log stands on.
    pub fn storage(&self) -> &S {
        &self.storage
    }

    /// Whether the log is open.
    pub fn is_open(&self) -> bool {
        self.log.is_some()
    }

    /// The log start offset and the high watermark; `None` while the log is not open.
    pub fn bounds(&self) -> Option<(u64, u64)> {
        self.log.as_ref().map(|log| (log.log_start_offset(), log.high_watermark()))
    }

    /// Parses and runs one line. An empty line or a comment does nothing.
    pub fn run_line(&mut self, line: &str) -> Result<Outcome, ScenarioError> {
        Ok(parse_line(line)?.map(|action| self.run(&action)).unwrap_or_default())
    }

    /// Runs one action. What the log refuses is an event too.
    pub fn run(&mut self, action: &Action) -> Outcome {
        let mut outcome = Outcome::default();
        let result = self.perform(action, &mut outcome);
        let result = result.and(self.write_indexes());
        outcome.events.extend(self.recorder.take());
        if let Err(message) = result {
            outcome.events.push(Event::Refused { message });
        }
        outcome
    }

    /// The log as its files have it: read with nothing but the format, past the engine's own memory. `None`
    /// while the log is not open, or if there is damage that it has not looked at.
    pub fn read_picture(&self) -> Result<Option<LogPicture>> {
        let Some(log) = self.log.as_ref().filter(|_| self.damaged.is_empty()) else { return Ok(None) };
        let mut picture = LogPicture::read(&self.storage, &self.config)?;
        picture.high_watermark = log.high_watermark();
        Ok(Some(picture))
    }

    /// Bytes of a file as they are now: at most `len` from `position` on.
    pub fn read_file(&self, name: &str, position: u64, len: usize) -> std::io::Result<Vec<u8>> {
        if !self.storage.list()?.iter().any(|file| file == name) {
            return Err(std::io::ErrorKind::NotFound.into());
        }
        let file = self.storage.open(name)?;
        let left = file.len()?.saturating_sub(position);
        let mut bytes = vec![0; len.min(usize::try_from(left).unwrap_or(usize::MAX))];
        let read = file.read_at(position, &mut bytes)?;
        bytes.truncate(read);
        Ok(bytes)
    }

    fn perform(&mut self, action: &Action, outcome: &mut Outcome) -> Result<(), String> {
        match action {
            Action::Append { values, key, count, at, producer } => {
                let key = key.as_deref().map(str::as_bytes);
                let records: Vec<_> = values
                    .iter()
                    .map(|value| NewRecord {
                        timestamp: *at,
                        key,
                        value: Some(value.as_bytes()),
                        headers: &[],
                    })
                    .collect();
                self.append(&records, *count, *producer)
            }
            Action::Tombstone { key } => {
                self.append(&[NewRecord { key: Some(key.as_bytes()), ..NewRecord::default() }], 1, None)
            }
            Action::Find { timestamp } => {
                self.open_log()?.offset_for_timestamp(*timestamp).map(drop).map_err(say)
            }
            Action::Advance { ms } => {
                self.now_ms = self.now_ms.saturating_add_unsigned(*ms);
                outcome.events.push(Event::ClockMoved { ms: *ms, now_ms: self.now_ms });
                Ok(())
            }
            Action::Retain => {
                let now_ms = self.now_ms;
                self.open_log()?.apply_retention(now_ms).map(drop).map_err(say)
            }
            Action::Compact => {
                let now_ms = self.now_ms;
                self.open_log()?.compact(now_ms).map(drop).map_err(say)
            }
            Action::DeleteBefore { offset } => {
                self.open_log()?.delete_records_before(*offset).map(drop).map_err(say)
            }
            Action::Truncate { offset } => self.open_log()?.truncate_to(*offset).map(drop).map_err(say),
            Action::Fetch { offset, max_bytes } => self.fetch(*offset, *max_bytes, outcome),
            Action::Flush => self.open_log()?.flush().map(drop).map_err(say),
            Action::Crash { keep } => {
                self.crash(*keep, outcome);
                Ok(())
            }
            Action::Reopen => self.reopen(outcome),
            Action::Config { entries } => self.configure(entries, outcome),
            Action::Flip { file, position } => {
                self.storage.flip(file, *position).map_err(say)?;
                self.damaged.insert(file.clone());
                outcome.events.push(Event::ByteFlipped { file: file.clone(), position: *position });
                Ok(())
            }
            Action::Lose { file } => {
                self.storage.lose(file).map_err(say)?;
                self.damaged.insert(file.clone());
                outcome.events.push(Event::FileLost { file: file.clone() });
                Ok(())
            }
            Action::Reset => self.reset(outcome),
        }
    }

    /// Between two actions the files are looked at: then every index entry is in its file.
    fn write_indexes(&self) -> Result<(), String> {
        self.log.as_ref().map_or(Ok(()), |log| log.write_indexes().map_err(say))
    }

    fn append(
        &mut self,
        records: &[NewRecord<'_>],
        count: u32,
        mut producer: Option<Producer>,
    ) -> Result<(), String> {
        for _ in 0..count {
            let now_ms = self.now_ms;
            self.open_log()?.append_as(producer.unwrap_or(NO_PRODUCER), records, now_ms).map_err(say)?;
            if let Some(producer) = &mut producer {
                producer.base_sequence = producer.sequence_after(records.len() as u32);
            }
            self.now_ms = self.now_ms.saturating_add(CLOCK_TICK_MS);
        }
        Ok(())
    }

    fn fetch(&mut self, offset: u64, max_bytes: u64, outcome: &mut Outcome) -> Result<(), String> {
        let fetched = self.open_log()?.fetch(offset, max_bytes).map_err(say)?;
        let fetched = fetched.decompress(MAX_DECOMPRESSED).map_err(say)?;
        outcome.records = owned_records(&fetched).map_err(say)?;
        Ok(())
    }

    fn crash(&mut self, keep: u64, outcome: &mut Outcome) {
        self.log = None;
        self.crashed = true;
        let before = self.file_sizes();
        let durable = self.storage.durable_sizes();
        self.storage.crash(keep);
        let files = self.file_sizes();
        let total = |files: &[(String, u64)], suffix: &str| -> u64 {
            files.iter().filter(|(name, _)| name.ends_with(suffix)).map(|(_, size)| size).sum()
        };
        let lost = |suffix| total(&before, suffix).saturating_sub(total(&files, suffix));
        let kept = total(&files, LOG_SUFFIX).saturating_sub(total(&durable, LOG_SUFFIX));
        let (lost, index_lost) = (lost(LOG_SUFFIX), lost(INDEX_SUFFIX));
        outcome.events.push(Event::Crashed { files, lost, kept, index_lost });
    }

    /// All files with their sizes, by name.
    fn file_sizes(&self) -> Vec<(String, u64)> {
        let size = |name: &str| self.storage.open(name).and_then(|file| file.len()).unwrap_or(0);
        let mut names = self.storage.list().unwrap_or_default();
        names.sort_unstable();
        names.into_iter().map(|name| (name.clone(), size(&name))).collect()
    }

    fn reopen(&mut self, outcome: &mut Outcome) -> Result<(), String> {
        if let Some(log) = self.log.take() {
            let closed = log.close();
            outcome.events.extend(self.recorder.take());
            closed.map_err(say)?;
            outcome.events.push(Event::Closed);
        }
        self.crashed = false;
        self.open_log().map(drop)
    }

    /// Every value is checked before any is taken.
    fn configure(&mut self, entries: &[(String, String)], outcome: &mut Outcome) -> Result<(), String> {
        let mut config = self.config.clone();
        let mut changes = Vec::new();
        for (key, value) in entries {
            let (was, value) = config.set(key, value).map_err(say)?;
            changes.push(Event::ConfigChanged { key: key.clone(), value, was });
        }
        if let Some(log) = &mut self.log {
            log.set_config(config.clone()).map_err(say)?;
        }
        self.config = config;
        outcome.events.extend(changes);
        Ok(())
    }

    fn reset(&mut self, outcome: &mut Outcome) -> Result<(), String> {
        self.remove_files()?;
        self.restore(Self::small_config(), CLOCK_START_MS);
        outcome.events.push(Event::Reset);
        self.open_log().map(drop)
    }

    /// Closes the log as it is, and removes all its files.
    pub(super) fn remove_files(&mut self) -> Result<(), String> {
        (self.log, self.crashed) = (None, false);
        self.damaged.clear();
        for name in self.storage.list().map_err(say)? {
            self.storage.remove(&name).map_err(say)?;
        }
        self.storage.sync_dir().map_err(say)
    }

    fn open_log(&mut self) -> Result<&mut PartitionLog<S, Recorder>, String> {
        let log = match self.log.take() {
            Some(log) => log,
            None if self.crashed => return Err("the log is down after the crash: run `reopen`".to_owned()),
            None => {
                let (storage, config) = (self.storage.clone(), self.config.clone());
                let opened = PartitionLog::open_observed(storage, config, self.recorder.clone());
                let (log, report) = opened.map_err(say)?;
                self.damaged.retain(|file| !looked_at(file, &report));
                log
            }
        };
        Ok(self.log.insert(log))
    }
}

/// Whether an opening has mended a file, or seen that there is nothing to mend.
fn looked_at(file: &str, report: &RecoveryReport) -> bool {
    let base = SEGMENT_SUFFIXES.iter().find_map(|suffix| parse_file_name(file, suffix));
    base.is_none_or(|base| report.scanned_segments.contains(&base))
}

fn owned_records(fetched: &Fetched) -> Result<Vec<FetchedRecord>> {
    let own = |record: crate::record::Record<'_>| FetchedRecord {
        offset: record.offset,
        timestamp: record.timestamp,
        key: record.key.map(<[u8]>::to_vec),
        value: record.value.map(<[u8]>::to_vec),
    };
    fetched.records().map(|record| Ok(own(record?))).collect()
}

fn say(error: impl std::fmt::Display) -> String {
    error.to_string()
}
