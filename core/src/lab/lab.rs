//! The lab: runs actions on a real log, on a clock and a storage of its own.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{ConfigError, LogConfig};
use crate::error::Result;
use crate::log::event::{Event as LogEvent, Observer};
use crate::log::{Fetched, PartitionLog, RecoveryReport};
use crate::record::{NO_PRODUCER, NewRecord, Producer};
use crate::segment::{INDEX_SUFFIX, LOG_SUFFIX, SEGMENT_SUFFIXES, parse_file_name};
use crate::storage::{Crash, File, Storage};

use super::disk::{Disk, Fault};
use super::scenario::{Action, ScenarioError, parse_line};
use super::{AfterFault, Event, FlushPolicy, LogPicture};

/// When the clock starts: 1 January 2026, midnight UTC, in milliseconds since the Unix epoch.
pub const CLOCK_START_MS: i64 = 1_767_225_600_000;
/// The most that the records of a fetch may take decompressed, in bytes.
const MAX_DECOMPRESSED: u64 = 64 << 20;
/// How far the clock moves with every append, in milliseconds.
pub const CLOCK_TICK_MS: i64 = 1_000;

/// A laboratory with one log in it; see the [module](super).
#[derive(Debug)]
pub struct Lab<S: Storage> {
    disk: Disk<S>,
    config: LogConfig,
    flush_policy: FlushPolicy,
    /// What the disk takes in all.
    disk_limit: Option<u64>,
    now_ms: i64,
    /// When the oldest record was appended that is not flushed.
    unflushed_since: Option<i64>,
    recorder: Recorder,
    log: Option<PartitionLog<Disk<S>, Recorder>>,
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
            disk: Disk::new(storage),
            config: Self::small_config(),
            flush_policy: FlushPolicy::default(),
            disk_limit: None,
            now_ms: CLOCK_START_MS,
            unflushed_since: None,
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

    /// When the log flushes by itself.
    pub fn flush_policy(&self) -> FlushPolicy {
        self.flush_policy
    }

    /// Takes up a policy from before.
    pub fn set_flush_policy(&mut self, policy: FlushPolicy) {
        self.flush_policy = policy;
    }

    /// Moves the clock to where another laboratory's stands, and does what is due by then.
    pub(super) fn set_clock(&mut self, now_ms: i64) -> Vec<Event> {
        if self.now_ms == now_ms {
            return Vec::new();
        }
        self.now_ms = now_ms;
        let mut outcome = Outcome::default();
        let result = self.flush_if_due(&mut outcome);
        self.conclude(result, outcome).events
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
        self.disk.storage()
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
        self.run_as(|lab, outcome| lab.perform(action, outcome))
    }

    /// Runs [`Action::Reopen`], as a page does to show the log that it kept. What other actions need it does not lead
    /// to, so that a page may load it later.
    pub fn open(&mut self) -> Outcome {
        self.run_as(Self::reopen)
    }

    fn run_as(&mut self, run: impl FnOnce(&mut Self, &mut Outcome) -> Result<(), String>) -> Outcome {
        let mut outcome = Outcome::default();
        let counted = self.disk.count().map_err(say);
        let result = counted.and_then(|()| run(self, &mut outcome));
        self.conclude(result, outcome)
    }

    /// What the log and the disk have told, and how it came out.
    fn conclude(&mut self, result: Result<(), String>, mut outcome: Outcome) -> Outcome {
        let result = result.and(self.write_indexes());
        outcome.events.extend(self.recorder.take());
        outcome.events.extend(self.fault());
        if let Err(message) = result {
            outcome.events.push(Event::Refused { message });
        }
        outcome
    }

    /// What the disk has done wrong, and what became of the files.
    fn fault(&mut self) -> Option<Event> {
        let fault = self.disk.take_fault()?;
        let files = self.file_sizes();
        let after = match &self.log {
            None => AfterFault::Closed,
            Some(log) if log.is_poisoned() => AfterFault::Poisoned,
            Some(_) => AfterFault::GoesOn,
        };
        match fault {
            Fault::Full => Some(Event::DiskFull { files, limit: self.disk_limit?, after }),
            Fault::Sync { file, size } => {
                let left = files.iter().find(|(name, _)| *name == file).map_or(0, |(_, size)| *size);
                let lost = if file.ends_with(LOG_SUFFIX) { size.saturating_sub(left) } else { 0 };
                Some(Event::SyncFailed { files, lost, after })
            }
        }
    }

    /// The log as its files have it: read with nothing but the format, past the engine's own memory. `None`
    /// while the log is not open, or if there is damage that it has not looked at, or if a roll has failed half-way.
    pub fn read_picture(&self) -> Result<Option<LogPicture>> {
        let whole = |log: &&PartitionLog<Disk<S>, Recorder>| {
            self.damaged.is_empty() && !log.is_poisoned() && !log.roll_is_pending()
        };
        let Some(log) = self.log.as_ref().filter(whole) else { return Ok(None) };
        let mut picture = LogPicture::read(self.storage(), &self.config)?;
        picture.high_watermark = log.high_watermark();
        Ok(Some(picture))
    }

    /// Bytes of a file as they are now: at most `len` from `position` on.
    pub fn read_file(&self, name: &str, position: u64, len: usize) -> std::io::Result<Vec<u8>> {
        if !self.storage().list()?.iter().any(|file| file == name) {
            return Err(std::io::ErrorKind::NotFound.into());
        }
        let file = self.storage().open(name)?;
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
                self.append(&records, *count, *producer, outcome)
            }
            Action::Tombstone { key } => self.append(
                &[NewRecord { key: Some(key.as_bytes()), ..NewRecord::default() }],
                1,
                None,
                outcome,
            ),
            Action::Find { timestamp } => {
                self.open_log()?.offset_for_timestamp(*timestamp).map(drop).map_err(say)
            }
            Action::Advance { ms } => {
                self.now_ms = self.now_ms.saturating_add_unsigned(*ms);
                outcome.events.push(Event::ClockMoved { ms: *ms, now_ms: self.now_ms });
                self.flush_if_due(outcome)
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
            Action::Config { entries } => {
                self.configure(entries, outcome)?;
                self.flush_if_due(outcome)
            }
            Action::Flip { file, position } => {
                self.storage().flip(file, *position).map_err(say)?;
                self.damaged.insert(file.clone());
                outcome.events.push(Event::ByteFlipped { file: file.clone(), position: *position });
                Ok(())
            }
            Action::Lose { file } => {
                self.storage().lose(file).map_err(say)?;
                self.damaged.insert(file.clone());
                outcome.events.push(Event::FileLost { file: file.clone() });
                Ok(())
            }
            Action::Disk { limit } => {
                let used = self.disk.set_limit(*limit).map_err(say)?;
                self.disk_limit = *limit;
                outcome.events.push(Event::DiskLimited { limit: *limit, used });
                Ok(())
            }
            Action::FailSync => {
                self.disk.fail_next_sync();
                outcome.events.push(Event::SyncWillFail);
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
        outcome: &mut Outcome,
    ) -> Result<(), String> {
        for _ in 0..count {
            let now_ms = self.now_ms;
            let log = self.open_log()?;
            let appended = log.append_as(producer.unwrap_or(NO_PRODUCER), records, now_ms).map_err(say)?;
            if log.high_watermark() == appended.base_offset {
                self.unflushed_since = Some(now_ms);
            }
            if let Some(producer) = &mut producer {
                producer.base_sequence = producer.sequence_after(records.len() as u32);
            }
            self.now_ms = self.now_ms.saturating_add(CLOCK_TICK_MS);
            if self.disk_limit.is_some() {
                // The disk has kept room for them behind this batch, and keeps none behind the next one.
                self.write_indexes()?;
            }
            self.flush_if_due(outcome)?;
        }
        Ok(())
    }

    /// Flushes if `flush.messages` or `flush.ms` asks for it.
    fn flush_if_due(&mut self, outcome: &mut Outcome) -> Result<(), String> {
        let Some(log) = self.log.as_mut().filter(|log| !log.is_poisoned()) else { return Ok(()) };
        let unflushed = log.log_end_offset() - log.high_watermark();
        let waited = self.unflushed_since.map_or(0, |since| self.now_ms.saturating_sub(since).max(0) as u64);
        let Some((key, reached, limit)) = self.flush_policy.due(unflushed, waited) else { return Ok(()) };
        outcome.events.extend(self.recorder.take());
        outcome.events.push(Event::FlushDue { key: key.to_owned(), reached, limit });
        log.flush().map(drop).map_err(say)
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
        let durable = self.storage().durable_sizes();
        self.storage().crash(keep);
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
        let size = |name: &str| self.storage().open(name).and_then(|file| file.len()).unwrap_or(0);
        let mut names = self.storage().list().unwrap_or_default();
        names.sort_unstable();
        names.into_iter().map(|name| (name.clone(), size(&name))).collect()
    }

    fn reopen(&mut self, outcome: &mut Outcome) -> Result<(), String> {
        // A log that a failed sync has poisoned cannot be closed in good order.
        if let Some(log) = self.log.take().filter(|log| !log.is_poisoned()) {
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
        let (mut config, mut policy) = (self.config.clone(), self.flush_policy);
        let mut changes = Vec::new();
        for (key, value) in entries {
            let set = policy.set(key, value);
            let (was, value) = set.unwrap_or_else(|| config.set(key, value).map_err(unknown_config))?;
            changes.push(Event::ConfigChanged { key: key.clone(), value, was });
        }
        if let Some(log) = &mut self.log {
            log.set_config(config.clone()).map_err(say)?;
        }
        (self.config, self.flush_policy) = (config, policy);
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
        (self.disk_limit, self.flush_policy, self.unflushed_since) = (None, FlushPolicy::default(), None);
        self.disk.mend();
        for name in self.storage().list().map_err(say)? {
            self.storage().remove(&name).map_err(say)?;
        }
        self.storage().sync_dir().map_err(say)
    }

    fn open_log(&mut self) -> Result<&mut PartitionLog<Disk<S>, Recorder>, String> {
        let log = match self.log.take() {
            Some(log) => log,
            None if self.crashed => return Err("the log is down after the crash: run `reopen`".to_owned()),
            None => {
                let (storage, config) = (self.disk.clone(), self.config.clone());
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

/// The laboratory knows a few keys more than the log does.
fn unknown_config(error: ConfigError) -> String {
    match error {
        ConfigError::UnknownKey { .. } => {
            format!("{error}, {}", FlushPolicy::KEYS.map(|(key, _)| key).join(", "))
        }
        error => error.to_string(),
    }
}

fn say(error: impl std::fmt::Display) -> String {
    error.to_string()
}
