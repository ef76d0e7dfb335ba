//! Runs steps on a log and holds it against the model after each.
//!
//! The log is driven as an embedder would, through its public methods, and with their own results.

use std::collections::BTreeMap;

use logscope::lab::{Action, CLOCK_START_MS, CLOCK_TICK_MS, Lab};
use logscope::record::{BatchMeta, NewRecord, encode_batch_with};
use logscope::storage::{Crash, Faults, FaultyStorage, File, JournalStorage, MemoryStorage};
use logscope::{Error, Flush, LogConfig, PartitionLog};

use crate::allowed;
use crate::model::{Batch, Checked, Model, NOTHING_NEW, REOPENS, SILENT_CUT, Violation, batches, check};
use crate::recovered::{check_recovered, check_second_recovery, idle, open};
use crate::step::{Fault, Step};

/// A storage to run on.
pub(crate) trait Disk: Crash + Clone {
    /// Itself, if it can fail on command.
    fn faulty(&self) -> Option<&FaultyStorage> {
        None
    }

    /// All files, past every fault.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        if let Some(faulty) = self.faulty() {
            return faulty.contents();
        }
        let read = |name: &str| {
            let file = self.open(name)?;
            let mut bytes = vec![0; file.len()? as usize];
            file.read_at(0, &mut bytes)?;
            Ok::<_, std::io::Error>(bytes)
        };
        let names = self.list().expect("this storage does not fail");
        names.into_iter().map(|name| (name.clone(), read(&name).expect("nor do its files"))).collect()
    }
}

impl Disk for MemoryStorage {}
impl Disk for JournalStorage {}
impl Disk for FaultyStorage {
    fn faulty(&self) -> Option<&FaultyStorage> {
        Some(self)
    }
}

const REFUSALS: &str = "a log refuses for a reason only";
const TRACE: &str = "a refused append leaves no trace";
const CLOSED: &str = "a log that was closed needs no mending";

pub(crate) struct Run<D: Disk> {
    pub(crate) disk: D,
    pub(crate) model: Model,
    pub(crate) config: LogConfig,
    log: Option<PartitionLog<D>>,
    now_ms: i64,
    /// The power failed, and the log was not opened since.
    pub(crate) crashed: bool,
    /// The index entries on disk were added by another rule than the next opening goes by.
    other_interval: bool,
    /// Damage was found, as it should be: there is no log to go on with.
    pub(crate) over: bool,
    /// Flushes that were begun, and after how many more steps they are to be completed.
    late: Vec<(u64, Flush<D>)>,
}

impl<D: Disk> Run<D> {
    pub(crate) fn new(disk: D) -> Self {
        Self {
            disk,
            model: Model::default(),
            config: Lab::<MemoryStorage>::small_config(),
            log: None,
            now_ms: CLOCK_START_MS,
            crashed: false,
            other_interval: false,
            over: false,
            late: Vec::new(),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.log.is_some()
    }

    pub(crate) fn step(&mut self, step: &Step) -> Checked {
        if self.over && step.action != Action::Reset {
            return Ok(());
        }
        self.set_faults(step.fault);
        self.perform(step)?;
        if self.disk.faulty().is_some_and(FaultyStorage::is_down) {
            self.lose_power(|disk| disk.faulty().map(FaultyStorage::restart).unwrap_or_default());
        }
        self.set_faults(None);
        self.complete_late_flushes()?;
        self.check_log()
    }

    fn set_faults(&self, fault: Option<Fault>) {
        let none = Faults::default();
        let (faults, seed) = match fault {
            Some(Fault::PowerAt { call, seed }) => (Faults { power_fails_at: Some(call), ..none }, seed),
            Some(Fault::ErrorAt { call, seed }) => (Faults { error_at: Some(call), ..none }, seed),
            Some(Fault::Room { bytes }) => (Faults { room: Some(bytes), ..none }, 0),
            Some(Fault::ShortReads { seed }) => (Faults { short_reads: allowed::SHORT_READS, ..none }, seed),
            Some(Fault::Power { seed } | Fault::Everywhere { seed }) => (none, seed),
            Some(Fault::Late { .. } | Fault::Kill) | None => (none, 0),
        };
        if let Some(faulty) = self.disk.faulty() {
            faulty.set_faults(faults, seed);
        }
    }

    fn perform(&mut self, step: &Step) -> Checked {
        match &step.action {
            Action::Append { values, key, count, .. } => {
                (0..*count).try_for_each(|_| self.append(values, key.as_deref(), step.fault))
            }
            Action::Fetch { offset, max_bytes } => self.fetch(*offset, *max_bytes, step.fault),
            Action::Flush => self.flush(step.fault),
            Action::Crash { keep } => {
                let by_chance = matches!(step.fault, Some(Fault::Power { .. }));
                self.lose_power(|disk| match disk.faulty().filter(|_| by_chance) {
                    Some(faulty) => faulty.restart(),
                    None => disk.crash(*keep),
                });
                Ok(())
            }
            Action::Reopen => self.reopen(step.fault),
            Action::Config { entries } => self.configure(entries),
            Action::Flip { file, position } => {
                let unnoticed = !allowed::DAMAGED_INDEXES_ARE_NOTICED && file.ends_with("index");
                let once = !(self.model.damaged || unnoticed);
                self.model.damaged |= once && self.disk.flip(file, *position).is_ok();
                Ok(())
            }
            Action::Lose { file } => {
                let once = !self.model.damaged;
                self.model.damaged |= once && self.disk.lose(file).is_ok();
                Ok(())
            }
            Action::Reset => self.reset(),
            other => unreachable!("no scenario is made with {other}"),
        }
    }

    fn append(&mut self, values: &[String], key: Option<&str>, fault: Option<Fault>) -> Checked {
        let (Some(log), key) = (&mut self.log, key.map(str::as_bytes)) else { return Ok(()) };
        let values = values.iter().map(|value| Some(value.as_bytes()));
        let records: Vec<NewRecord<'_>> =
            values.map(|value| NewRecord { key, value, ..NewRecord::default() }).collect();
        let base = self.model.end();
        let mut batch = Batch { base, next: base + records.len() as u64, bytes: Vec::new() };
        let meta = BatchMeta { base_offset: base, ..BatchMeta::default() };
        encode_batch_with(&mut batch.bytes, &records, self.now_ms, meta).expect("it is not compressed");
        let size = batch.bytes.len() as u32;
        let too_large = size > self.config.segment_bytes.min(self.config.max_message_bytes);
        let result = log.append(&records, self.now_ms);
        // The log may have rolled, and so synced, before anything went wrong.
        self.model.promise(log.high_watermark())?;
        match result {
            Ok(appended) => {
                check(!too_large && !self.model.poisoned, REFUSALS, || format!("{batch:?} was taken"))?;
                let (given, due) = ((appended.base_offset, appended.last_offset + 1), (base, batch.next));
                check(given == due, NOTHING_NEW, || {
                    format!("an append got the offsets {given:?}, not {due:?}")
                })?;
                self.model.batches.push(batch);
                self.now_ms += CLOCK_TICK_MS;
                Ok(())
            }
            Err(Error::MessageTooLarge { .. }) if too_large => Ok(()),
            Err(error) => {
                if matches!(error, Error::Io(_)) {
                    self.model.failed.push(batch);
                }
                self.refused(&error, fault)
            }
        }
    }

    /// Whether there was a reason for an error.
    fn refused(&mut self, error: &Error, fault: Option<Fault>) -> Checked {
        let reason = match error {
            Error::Io(_) => {
                self.model.trouble = true;
                fault.is_some()
            }
            Error::Poisoned => self.model.trouble,
            Error::Corrupt { .. } => self.model.damaged,
            _ => false,
        };
        check(reason, REFUSALS, || error.to_string())
    }

    fn fetch(&mut self, offset: u64, max_bytes: u64, fault: Option<Fault>) -> Checked {
        let Some(log) = &self.log else { return Ok(()) };
        let range = self.model.start..=self.model.end();
        match log.fetch(offset, max_bytes) {
            Ok(fetched) => {
                let (found, due) = (batches(&fetched.batches), self.model.fetch(offset, max_bytes));
                let ends = ((fetched.next_offset, fetched.stopped_by), (due.1, due.2));
                let same = self.model.same(&found, due.0) && ends.0 == ends.1;
                check(same && range.contains(&offset), "a fetch returns what was appended", || {
                    format!("{found:?} and {:?} instead of {:?} and {:?}", ends.0, due.0, ends.1)
                })
            }
            Err(Error::OffsetOutOfRange { .. }) => {
                check(!range.contains(&offset), REFUSALS, || format!("{offset} is in {range:?}"))
            }
            Err(error) => {
                // A reader's trouble is not the writer's.
                let trouble = self.model.trouble;
                let refused = self.refused(&error, fault);
                self.model.trouble = trouble;
                refused
            }
        }
    }

    fn flush(&mut self, fault: Option<Fault>) -> Checked {
        let Some(log) = &mut self.log else { return Ok(()) };
        if let Some(Fault::Late { steps }) = fault {
            self.late.push((steps, log.begin_flush()));
            return Ok(());
        }
        match log.flush() {
            Ok(up_to) => {
                self.model.synced();
                check(!self.model.poisoned, REFUSALS, || "a flush after a failed sync worked".to_owned())?;
                check(up_to == self.model.end(), "a flush makes all durable", || {
                    format!("only up to {up_to}")
                })
            }
            Err(error) => {
                self.model.poisoned |= matches!(error, Error::Io(_));
                self.refused(&error, fault)
            }
        }
    }

    fn complete_late_flushes(&mut self) -> Checked {
        for (steps, flush) in std::mem::take(&mut self.late) {
            match steps.checked_sub(1) {
                Some(steps) => self.late.push((steps, flush)),
                None => match flush.complete() {
                    Ok(_) => {}
                    Err(error) => self.refused(&error, None)?,
                },
            }
        }
        Ok(())
    }

    fn lose_power(&mut self, lose: impl FnOnce(&D)) {
        self.log = None;
        self.late.clear();
        lose(&self.disk);
        self.crashed = true;
    }

    fn reopen(&mut self, fault: Option<Fault>) -> Checked {
        self.late.clear();
        let mut closed = false;
        if let Some(log) = self.log.take().filter(|_| fault != Some(Fault::Kill)) {
            match log.close() {
                Ok(()) => {
                    closed = !(self.model.damaged || self.model.trouble || self.other_interval);
                    self.model.promise(self.model.end())?;
                }
                Err(error) => self.refused(&error, fault)?,
            }
        }
        let faulty = self.disk.faulty().cloned();
        if let Some(faulty) = &faulty {
            if faulty.is_down() {
                return Ok(());
            }
            if !allowed::LEFTOVERS_OF_AN_EMPTY_LOG {
                let files = faulty.contents();
                let logs = files.keys().any(|name| name.ends_with(".log"));
                let leftovers = files.keys().filter(|name| !logs && name.ends_with("index"));
                leftovers.for_each(|name| faulty.lose(name).expect("it is there"));
            }
            if faulty.cache_lies() && !allowed::TRUSTS_CACHE_AFTER_FAILED_SYNC {
                faulty.restart();
                self.crashed = true;
            }
            if closed {
                let copy = faulty.fork();
                copy.restart();
                let (_, report) = open(&copy, &self.config)?;
                check(idle(&report), CLOSED, || format!("{report:?}, when the power fails"))?;
            }
            if let Some(Fault::Everywhere { seed }) = fault {
                self.open_copies(faulty, seed)?;
            }
        }
        let before = self.disk.files();
        let opened = PartitionLog::open(self.disk.clone(), self.config.clone());
        if opened.is_err() {
            // A cut may have been made, and only an observer was told.
            self.model.cut = self.model.damaged;
        }
        if self.disk.faulty().is_some_and(FaultyStorage::is_down) {
            return Ok(());
        }
        self.set_faults(None);
        match opened {
            Ok((log, report)) => {
                // An error on the way is a reason to look more closely.
                let untroubled = closed && !matches!(fault, Some(Fault::ErrorAt { .. } | Fault::Room { .. }));
                check(!untroubled || idle(&report), CLOSED, || format!("{report:?}"))?;
                self.over = !check_recovered(&log, &report, &mut self.model, self.crashed)?;
                if self.over {
                    return Ok(());
                }
                check_second_recovery(
                    &self.disk,
                    &self.config,
                    &self.model,
                    self.other_interval || self.model.damaged,
                )?;
                self.other_interval &= report.clean;
                self.crashed = false;
                self.log = Some(log);
                Ok(())
            }
            Err(error @ Error::Corrupt { .. }) => {
                check(self.model.damaged, REOPENS, || error.to_string())?;
                self.over = true;
                let logs = |files: &BTreeMap<String, Vec<u8>>| {
                    let mut logs = files.clone();
                    logs.retain(|name, _| name.ends_with(".log"));
                    logs
                };
                check(logs(&before) == logs(&self.disk.files()), SILENT_CUT, || {
                    format!("opening failed ({error}), and changed the log all the same")
                })
            }
            Err(error) => self.refused(&error, fault),
        }
    }

    /// Opens copies of the log that fail at every call, one after another, and opens them once more.
    fn open_copies(&self, faulty: &FaultyStorage, seed: u64) -> Checked {
        if self.model.damaged {
            return Ok(());
        }
        for call in 1.. {
            for power in [true, false] {
                let copy = faulty.fork();
                let at = Some(call);
                let (power_fails_at, error_at) = if power { (at, None) } else { (None, at) };
                let faults = Faults { power_fails_at, error_at, ..Faults::default() };
                copy.set_faults(faults, seed ^ call);
                let mut model = self.model.clone();
                let mut lost = self.crashed;
                // An error may go by unnoticed, where it does no harm. Then the log must keep its word.
                if let Ok((log, report)) = PartitionLog::open(copy.clone(), self.config.clone()) {
                    if copy.calls() < call {
                        return Ok(());
                    }
                    copy.set_faults(Faults::default(), seed ^ call);
                    check_recovered(&log, &report, &mut model, lost)?;
                }
                if copy.is_down() || copy.cache_lies() {
                    copy.restart();
                    lost = true;
                }
                copy.set_faults(Faults::default(), 0);
                let (log, report) = open(&copy, &self.config)?;
                check_recovered(&log, &report, &mut model, lost).map_err(|violation| Violation {
                    details: format!("{} (call {call} of the recovery failed)", violation.details),
                    ..violation
                })?;
            }
        }
        Ok(())
    }

    fn configure(&mut self, entries: &[(String, String)]) -> Checked {
        let mut config = self.config.clone();
        if entries.iter().all(|(key, value)| config.set(key, value).is_ok()) {
            self.other_interval |= config.index_interval_bytes != self.config.index_interval_bytes;
            self.config = config;
        }
        if let Some(log) = &mut self.log {
            log.set_config(self.config.clone())
                .map_err(|error| Violation { rule: REFUSALS, details: error.to_string() })?;
        }
        Ok(())
    }

    fn reset(&mut self) -> Checked {
        (self.log, self.crashed, self.over) = (None, false, false);
        self.late.clear();
        let removed = (|| {
            self.disk.list()?.iter().try_for_each(|name| self.disk.remove(name))?;
            self.disk.sync_dir()
        })();
        removed.map_err(|error: std::io::Error| Violation { rule: REFUSALS, details: error.to_string() })?;
        self.model = Model::default();
        self.config = Lab::<MemoryStorage>::small_config();
        self.now_ms = CLOCK_START_MS;
        self.reopen(None)
    }

    /// What must hold after every step.
    fn check_log(&mut self) -> Checked {
        let Some(log) = &self.log else { return Ok(()) };
        let (start, end) = (log.log_start_offset(), log.log_end_offset());
        check((start, end) == (self.model.start, self.model.end()), TRACE, || {
            format!(
                "the log goes from {start} to {end}, not from {} to {}",
                self.model.start,
                self.model.end()
            )
        })?;
        let bases: Vec<u64> = log.segments().iter().map(|segment| segment.base_offset).collect();
        let rise = bases.is_sorted_by(|a, b| a < b) && bases.last().is_some_and(|last| *last <= end);
        check(rise, "segments rise", || format!("{bases:?}, and the log ends at {end}"))?;
        self.model.promise(log.high_watermark())
    }
}
