//! Checks the directory of one partition, and changes nothing in it.
//!
//! ```
//! use logscope::verify::VerifyOptions;
//! use logscope::{LogConfig, MemoryStorage, NewRecord, PartitionLog};
//!
//! let storage = MemoryStorage::new();
//! let (mut log, _) = PartitionLog::open(storage.clone(), LogConfig::default())?;
//! log.append(&[NewRecord::value(b"hello")], 1_767_225_600_000)?;
//! log.close()?;
//!
//! let report = logscope::verify(&storage, &VerifyOptions::default(), &mut |_bytes| {})?;
//! assert_eq!((report.problems, report.batches), (0, 1));
//! # Ok::<(), logscope::Error>(())
//! ```
//!
//! What is checked: every batch of every segment (length, magic, CRC, offsets, and the records of those that are
//! not compressed), the offset and time indexes against the log, the snapshots of producer state, the checkpoint
//! against all of it, and what else lies in the directory.
//!
//! What a crash may leave, and the next opening mends, is a note. All else that is wrong is a problem. The line
//! between them is the recovery point: what lies below it was durable. A directory without a checkpoint, Kafka's for
//! instance, may have holes in its offsets, and everything in its last segment may be a crash's doing.
//!
//! Invariants:
//! - Only files that were listed are opened, and they are only read: `Storage::open` would create others.
//! - Memory is bounded, whatever the files claim: by the largest batch whose checksum is right, and the largest
//!   snapshot.
//! - Nothing here shares code with recovery, whose work it judges.

mod indexes;
mod segment;
mod state;

use std::io;

use crate::dump::FileKind;
use crate::log::Checkpoint;
use crate::storage::{File, Storage};

/// How to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyOptions {
    /// The `index.interval.bytes` that the log was written with. With it, each entry of an offset index must be
    /// exactly where the rule puts it; without it, there need only be some interval that explains all entries.
    pub index_interval_bytes: Option<u32>,
    /// How many findings a report holds; the others are counted.
    pub max_findings: usize,
    /// Whether a log is open on the directory: then files may go, and a tail that is not whole yet is normal.
    pub in_use: bool,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self { index_interval_bytes: None, max_findings: 1000, in_use: false }
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing. The next opening deals with it, or need not.
    Note,
    /// Bytes are not what was written, or are not there.
    Problem,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file's name; empty for the directory as a whole.
    pub file: String,
    /// Where in the file, in bytes, if it has a place.
    pub position: Option<u64>,
    /// How bad it is.
    pub severity: Severity,
    /// What was found, in words for a person.
    pub message: String,
}

/// What a check gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// What was found, in the order of the files.
    pub findings: Vec<Finding>,
    /// Findings that the list has no room for.
    pub omitted: u64,
    /// How many findings are problems, omitted ones included.
    pub problems: u64,
    /// How many findings are notes, omitted ones included.
    pub notes: u64,
    /// Segments found.
    pub segments: u64,
    /// Batches that are good.
    pub batches: u64,
    /// The records that these say to hold.
    pub records: u64,
    /// Bytes of `.log` files that were looked at.
    pub bytes: u64,
    /// The first offset in the log.
    pub log_start_offset: u64,
    /// The offset after the last good batch.
    pub log_end_offset: u64,
    /// The checkpoint, if there is one that can be read.
    pub checkpoint: Option<Checkpoint>,
}

impl VerifyReport {
    /// Whether there is no problem.
    pub fn is_clean(&self) -> bool {
        self.problems == 0
    }
}

/// Checks the partition in `storage`; see the [module](mod@crate::verify). `progress` is told the bytes of `.log`
/// files as they are done; their sum comes to these files' sizes.
///
/// # Errors
/// A directory or file that cannot be read; the message names it.
pub fn verify<S: Storage>(
    storage: &S,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(u64),
) -> io::Result<VerifyReport> {
    let mut names = storage.list()?;
    names.sort_unstable();
    let mut check = Check {
        storage,
        options,
        progress,
        findings: Findings { max: options.max_findings, ..Findings::default() },
        names,
        report: VerifyReport::default(),
        durable_up_to: 0,
        next_offset: None,
        unsure: false,
        holes: None,
        intervals: indexes::Intervals::default(),
    };
    check.run()?;
    let Check { findings, report, .. } = check;
    let Findings { list, problems, notes, omitted, .. } = findings;
    Ok(VerifyReport { findings: list, problems, notes, omitted, ..report })
}

/// A check under way.
struct Check<'a, S: Storage> {
    storage: &'a S,
    options: &'a VerifyOptions,
    progress: &'a mut dyn FnMut(u64),
    findings: Findings,
    /// Sorted.
    names: Vec<String>,
    report: VerifyReport,
    /// What lies below this offset no crash could harm.
    durable_up_to: u64,
    /// The smallest offset that may come next; `None` before the first segment.
    next_offset: Option<u64>,
    /// Whether damage has swallowed nobody knows which offsets before the next one.
    unsure: bool,
    /// How many holes the offsets have in a directory where that is normal, and the first of them.
    holes: Option<(u64, u64, u64)>,
    /// What is known of `index.interval.bytes` by the segments so far.
    intervals: indexes::Intervals,
}

impl<S: Storage> Check<'_, S> {
    fn run(&mut self) -> io::Result<()> {
        let kinds = self.names.iter().filter_map(|name| FileKind::of(name));
        let bases: Vec<u64> =
            kinds.filter_map(|kind| if let FileKind::Log(base) = kind { Some(base) } else { None }).collect();
        self.checkpoint()?;
        self.durable_up_to = match self.report.checkpoint {
            Some(checkpoint) if checkpoint.clean => u64::MAX,
            Some(checkpoint) => checkpoint.recovery_point,
            // The log syncs a segment before it begins the next one.
            None => bases.last().copied().unwrap_or(0),
        };
        self.report.segments = bases.len() as u64;
        for (at, &base) in bases.iter().enumerate() {
            self.segment(base, bases.get(at + 1).copied())?;
        }
        self.state(&bases);
        self.snapshots(&bases)?;
        self.other_files(&bases);
        Ok(())
    }

    /// Whether a file was listed.
    fn has(&self, name: &str) -> bool {
        self.names.binary_search_by(|known| known.as_str().cmp(name)).is_ok()
    }

    /// Opens a file for reading, if it was listed and is still there.
    fn open(&mut self, name: &str) -> io::Result<Option<S::File>> {
        if !self.has(name) {
            return Ok(None);
        }
        match self.storage.open(name) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.findings.note(name, None, "it went away while the directory was checked");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Reads a whole file of at most `max` bytes; a longer one is cut short.
    fn read(&mut self, name: &str, max: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(file) = self.open(name)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let len = file.len()?.min(max);
        crate::storage::read_up_to(&file, 0, usize::try_from(len).unwrap_or(usize::MAX), &mut bytes)?;
        Ok(Some(bytes))
    }
}

/// The findings so far; a bounded list, and counts.
#[derive(Debug, Default)]
struct Findings {
    list: Vec<Finding>,
    max: usize,
    problems: u64,
    notes: u64,
    omitted: u64,
    /// How many were listed for the file that came last.
    of_file: usize,
}

/// A file that is damaged all over has more to say than anyone reads.
const MAX_PER_FILE: usize = 20;

impl Findings {
    fn note(&mut self, file: &str, position: Option<u64>, message: impl Into<String>) {
        self.add(Severity::Note, file, position, message);
    }

    fn problem(&mut self, file: &str, position: Option<u64>, message: impl Into<String>) {
        self.add(Severity::Problem, file, position, message);
    }

    fn add(&mut self, severity: Severity, file: &str, position: Option<u64>, message: impl Into<String>) {
        match severity {
            Severity::Note => self.notes += 1,
            Severity::Problem => self.problems += 1,
        }
        if self.list.last().is_none_or(|last| last.file != file) {
            self.of_file = 0;
        }
        if self.list.len() >= self.max || self.of_file >= MAX_PER_FILE {
            self.omitted += 1;
            return;
        }
        self.of_file += 1;
        let (file, message) = (file.to_owned(), message.into());
        self.list.push(Finding { file, position, severity, message });
    }
}

#[cfg(test)]
mod tests;
