//! Runs steps on a log and holds it against the model after each.
//!
//! The log is driven as an embedder would, through its public methods, and with their own results.

use std::collections::BTreeMap;

use logscope::lab::{Action, CLOCK_START_MS, Lab};
use logscope::record::{NewRecord, Producer};
use logscope::storage::{Crash, Faults, FaultyStorage, File, JournalStorage, MemoryStorage, Storage};
use logscope::verify::Severity;
use logscope::{Error, Flush, LogConfig, PartitionLog};

use crate::cleaning::Cleaning;
use crate::compact::LateCompaction;
use crate::model::{Checked, Model, REOPENS, SILENT_CUT, Violation, check};
use crate::recovered::{check_directory, check_recovered, check_second_recovery, idle, open};
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
        files(self)
    }
}

/// All files of a storage that does not fail now.
pub(crate) fn files<S: Storage>(storage: &S) -> BTreeMap<String, Vec<u8>> {
    let read = |name: &str| {
        let file = storage.open(name)?;
        let mut bytes = vec![0; file.len()? as usize];
        file.read_at(0, &mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    let names = storage.list().expect("this storage does not fail");
    names.into_iter().map(|name| (name.clone(), read(&name).expect("nor do its files"))).collect()
}

impl Disk for MemoryStorage {}
impl Disk for JournalStorage {}
impl Disk for FaultyStorage {
    fn faulty(&self) -> Option<&FaultyStorage> {
        Some(self)
    }
}

pub(crate) const REFUSALS: &str = "a log refuses for a reason only";
const CLOSED: &str = "a log that was closed needs no mending";

pub(crate) struct Run<D: Disk> {
    pub(crate) disk: D,
    pub(crate) model: Model,
    pub(crate) config: LogConfig,
    pub(crate) log: Option<PartitionLog<D>>,
    pub(crate) now_ms: i64,
    /// The power failed, and the log was not opened since.
    pub(crate) crashed: bool,
    /// Damage was found, as it should be: there is no log to go on with.
    pub(crate) over: bool,
    /// Flushes that were begun, and after how many more steps they are to be completed.
    pub(crate) late: Vec<(u64, Flush<D>)>,
    /// A compaction that was begun, and is to be finished later.
    pub(crate) late_compaction: Option<LateCompaction<D>>,
    /// How often the log was cut.
    pub(crate) truncations: u64,
    /// The compaction that was finished last.
    pub(crate) last_cleaning: Option<Cleaning>,
    /// What producers have sent, and how many records each time.
    pub(crate) sent: Vec<(Producer, u32)>,
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
            over: false,
            late: Vec::new(),
            late_compaction: None,
            truncations: 0,
            last_cleaning: None,
            sent: Vec::new(),
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
        self.complete_late_compaction()?;
        self.check_log()
    }

    pub(crate) fn set_faults(&self, fault: Option<Fault>) {
        let none = Faults::default();
        let (faults, seed) = match fault {
            Some(Fault::PowerAt { call, seed }) => (Faults { power_fails_at: Some(call), ..none }, seed),
            Some(Fault::ErrorAt { call, seed }) => (Faults { error_at: Some(call), ..none }, seed),
            Some(Fault::Room { bytes }) => (Faults { room: Some(bytes), ..none }, 0),
            Some(Fault::ShortReads { seed }) => (Faults { short_reads: true, ..none }, seed),
            Some(Fault::Power { seed } | Fault::Everywhere { seed }) => (none, seed),
            Some(Fault::Late { .. } | Fault::Kill) | None => (none, 0),
        };
        if let Some(faulty) = self.disk.faulty() {
            faulty.set_faults(faults, seed);
        }
    }

    fn perform(&mut self, step: &Step) -> Checked {
        match &step.action {
            Action::Append { .. } => self.append_all(&step.action, step.fault),
            Action::Tombstone { key } => {
                let tombstone = NewRecord { key: Some(key.as_bytes()), ..NewRecord::default() };
                self.append(&[tombstone], None, step.fault).map(drop)
            }
            Action::Find { timestamp } => self.find(*timestamp, step.fault),
            Action::Advance { ms } => {
                self.now_ms = self.now_ms.saturating_add_unsigned(*ms);
                Ok(())
            }
            Action::Retain => self.retain(step.fault),
            Action::DeleteBefore { offset } => self.delete_before(*offset, step.fault),
            Action::Truncate { offset } => self.truncate(*offset, step.fault),
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
                let once = !self.model.damaged;
                self.model.damaged |= once && self.disk.flip(file, *position).is_ok();
                Ok(())
            }
            Action::Lose { file } => {
                let once = !self.model.damaged;
                self.model.damaged |= once && self.disk.lose(file).is_ok();
                Ok(())
            }
            Action::Compact => self.compact(step.fault),
            // The simulation's own faults are finer than the laboratory's.
            Action::Disk { .. } | Action::FailSync => Ok(()),
            Action::Reset => self.reset(),
        }
    }

    /// A batch after the other, as the lab does it: up to the first that is refused.
    fn append_all(&mut self, action: &Action, fault: Option<Fault>) -> Checked {
        let Action::Append { values, key, count, at, producer } = action else { return Ok(()) };
        let key = key.as_deref().map(str::as_bytes);
        let values = values.iter().map(|value| Some(value.as_bytes()));
        let records: Vec<NewRecord<'_>> =
            values.map(|value| NewRecord { timestamp: *at, key, value, headers: &[] }).collect();
        let mut producer = *producer;
        for _ in 0..*count {
            let goes_on = self.append(&records, producer, fault)?;
            if let Some(producer) = &mut producer {
                self.sent.push((*producer, records.len() as u32));
                producer.base_sequence = producer.sequence_after(records.len() as u32);
            }
            if !goes_on {
                break;
            }
        }
        Ok(())
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
        self.leave();
        self.log = None;
        lose(&self.disk);
        self.crashed = true;
    }

    /// Gives up what was to be completed later.
    fn leave(&mut self) {
        self.late.clear();
        self.late_compaction = None;
    }

    fn reopen(&mut self, fault: Option<Fault>) -> Checked {
        // A compaction that is given up leaves files about.
        let leaves_files = self.late_compaction.is_some();
        self.leave();
        let mut closed = false;
        if let Some(log) = self.log.take().filter(|_| fault != Some(Fault::Kill)) {
            match log.close() {
                Ok(()) => {
                    let troubled = self.model.damaged || self.model.trouble;
                    closed = !(troubled || self.model.mixed_intervals || leaves_files);
                    self.model.promise(self.model.end)?;
                    self.model.other_starts.clear();
                }
                Err(error) => self.refused(&error, fault)?,
            }
        }
        let faulty = self.disk.faulty().cloned();
        if let Some(faulty) = &faulty {
            if faulty.is_down() {
                return Ok(());
            }
            if closed {
                let copy = faulty.fork();
                copy.restart();
                check_directory(&copy, &self.config, &self.model, Severity::Problem)?;
                let (log, report) = open(&copy, &self.config)?;
                check(idle(&log, &report), CLOSED, || format!("{report:?}, when the power fails"))?;
            }
            if let Some(Fault::Everywhere { seed }) = fault {
                self.open_copies(faulty, seed)?;
            }
        }
        // What a crash leaves and an opening mends is no problem; what a close leaves is as it should be.
        self.check_left(if closed { Severity::Note } else { Severity::Problem })?;
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
                check(!untroubled || idle(&log, &report), CLOSED, || format!("{report:?}"))?;
                self.over = !check_recovered(&self.disk, &log, &report, &mut self.model, self.crashed)?;
                if self.over {
                    return Ok(());
                }
                check_second_recovery(
                    &self.disk,
                    &self.config,
                    &self.model,
                    self.model.mixed_intervals || self.model.damaged,
                )?;
                if matches!(fault, Some(Fault::Room { .. })) {
                    // There may have been no room for a snapshot that a crash had taken.
                    self.model.doubt_producers();
                }
                self.crashed = false;
                self.log = Some(log);
                Ok(())
            }
            Err(error @ Error::Corrupt { .. }) => {
                check(self.model.damaged, REOPENS, || error.to_string())?;
                self.over = true;
                let cut = logs_changed(&before, &self.disk.files(), &self.model);
                check(cut.is_none(), SILENT_CUT, || {
                    format!("opening failed ({error}), and changed {cut:?} all the same")
                })
            }
            Err(error) => self.refused(&error, fault),
        }
    }

    fn check_left(&self, least: Severity) -> Checked {
        match self.disk.faulty().map(FaultyStorage::fork) {
            None => check_directory(&self.disk, &self.config, &self.model, least),
            Some(copy) => {
                copy.set_faults(Faults::default(), 0);
                check_directory(&copy, &self.config, &self.model, least)
            }
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
                    check_recovered(&copy, &log, &report, &mut model, lost)?;
                }
                if copy.is_down() || copy.cache_lies() {
                    copy.restart();
                    lost = true;
                }
                copy.set_faults(Faults::default(), 0);
                let (log, report) = open(&copy, &self.config)?;
                check_recovered(&copy, &log, &report, &mut model, lost).map_err(|violation| Violation {
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
            let other = config.index_interval_bytes != self.config.index_interval_bytes;
            self.model.mixed_intervals |= other && !self.disk.files().is_empty();
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
        self.leave();
        let removed = (|| {
            self.disk.list()?.iter().try_for_each(|name| self.disk.remove(name))?;
            self.disk.sync_dir()
        })();
        removed.map_err(|error: std::io::Error| Violation { rule: REFUSALS, details: error.to_string() })?;
        self.model = Model::default();
        self.sent.clear();
        self.config = Lab::<MemoryStorage>::small_config();
        self.now_ms = CLOCK_START_MS;
        self.reopen(None)
    }
}

/// A `.log` file that an opening changed or removed. A deletion or compaction that it brought to its end is no damage's
/// doing.
fn logs_changed(
    before: &BTreeMap<String, Vec<u8>>,
    after: &BTreeMap<String, Vec<u8>>,
    model: &Model,
) -> Option<String> {
    let start = model.other_starts.iter().copied().fold(model.start, u64::max);
    let compacted = model.cleaning.as_ref().map_or(0, |cleaning| cleaning.end);
    let below = |name: &str, bound| name[..20].parse().is_ok_and(|base: u64| base < bound);
    let changed = |(name, bytes): &(&String, &Vec<u8>)| match after.get(*name) {
        Some(after) => after != *bytes && !below(name, compacted),
        None => !below(name, start.max(compacted)),
    };
    let mut logs = before.iter().filter(|(name, _)| name.ends_with(".log"));
    logs.find(changed).map(|(name, _)| name.clone())
}
