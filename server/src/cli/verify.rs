//! `logscope verify`: checks all partitions of a data directory, or one.
//!
//! Invariant: nothing is written. Files are opened for reading only, whatever the engine would do with them. The
//! broker's lock is tried for a moment, shared, to see whether somebody holds it.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use indicatif::ProgressBar;
use logscope::dump::FileKind;
use logscope::storage::FsFile;
use logscope::verify::{Finding, Severity, VerifyOptions, VerifyReport};
use logscope::{Storage, verify};
use logscope_server::TopicPartition;
use serde::Serialize;

use super::Outcome;
use super::output::{Format, json_line, progress_bar};

const LOCK: &str = ".lock";

/// Check a data directory, and change nothing in it
///
/// Checks every batch, index, snapshot and checkpoint of all partitions, or of the one whose directory is given.
/// The exit code is 0 if nothing is wrong, 1 if something is, and 2 if something could not be looked at. What a
/// crash may have left, and the next start of a broker mends, is a note and nothing wrong.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  logscope verify broker_data
  logscope verify broker_data/page-views-0 --format json")]
pub(super) struct Verify {
    /// The data directory, or a partition's
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The index.interval.bytes that the log was written with: index entries must then be exactly where it puts them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=i64::from(i32::MAX)))]
    index_interval_bytes: Option<u32>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// A directory that is read, and nothing else.
struct ReadOnlyDir<'a>(&'a Path);

impl Storage for ReadOnlyDir<'_> {
    type File = FsFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.0)? {
            let entry = entry?;
            if entry.file_type()?.is_file()
                && let Ok(name) = entry.file_name().into_string()
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<FsFile> {
        FsFile::open_read_only(self.0.join(name))
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_dir(&self) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}

/// What there is to check.
struct Plan {
    /// Names and directories, by name.
    partitions: Vec<(String, PathBuf)>,
    /// Directories that are no partitions.
    left_alone: Vec<String>,
    /// Whether a broker runs on it.
    in_use: bool,
    /// Bytes of `.log` files.
    bytes: u64,
}

impl Verify {
    pub(super) fn run(&self) -> Outcome {
        let plan = match self.plan() {
            Ok(plan) => plan,
            Err(message) => {
                eprintln!("logscope: {message}");
                return Ok(ExitCode::from(2));
            }
        };
        let bar = progress_bar(plan.bytes, "{bar:40} {binary_bytes} of {binary_total_bytes}, {eta} left");
        let mut out = Printer { out: io::stdout().lock(), format: self.format, bar: &bar };
        if plan.in_use {
            eprintln!(
                "a broker is running on {}: what it is writing may look like a torn tail",
                self.dir.display()
            );
        }
        for name in &plan.left_alone {
            eprintln!("the directory {name:?} is left alone: it is no partition");
        }
        let options = VerifyOptions {
            index_interval_bytes: self.index_interval_bytes,
            in_use: plan.in_use,
            ..VerifyOptions::default()
        };
        let mut total = Total { partitions: plan.partitions.len(), in_use: plan.in_use, ..Total::default() };
        for (name, dir) in &plan.partitions {
            match verify(&ReadOnlyDir(dir), &options, &mut |bytes| bar.inc(bytes)) {
                Ok(report) => {
                    total.add(&report);
                    out.partition(name, &report)?;
                }
                Err(error) => {
                    total.unread += 1;
                    bar.suspend(|| eprintln!("logscope: {error}"));
                }
            }
        }
        bar.finish_and_clear();
        out.total(&total)?;
        Ok(match total {
            Total { unread: 1.., .. } => ExitCode::from(2),
            Total { problems: 1.., .. } => ExitCode::FAILURE,
            _ => ExitCode::SUCCESS,
        })
    }

    fn plan(&self) -> Result<Plan, String> {
        let dir = &self.dir;
        let cannot = |error: io::Error| format!("cannot read {}: {error}", dir.display());
        let names = ReadOnlyDir(dir).list().map_err(cannot)?;
        // A path like `.` has no name of its own.
        let path = fs::canonicalize(dir).map_err(cannot)?;
        let own_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut plan = Plan { partitions: Vec::new(), left_alone: Vec::new(), in_use: false, bytes: 0 };
        let is_partition = names.iter().any(|name| FileKind::of(name).is_some())
            || TopicPartition::parse(&own_name).is_some() && !names.iter().any(|name| name == LOCK);
        if is_partition {
            plan.partitions.push((own_name, dir.clone()));
            plan.in_use = path.parent().is_some_and(|parent| is_locked(&parent.join(LOCK)));
        } else {
            plan.in_use = is_locked(&dir.join(LOCK));
            for entry in fs::read_dir(dir).map_err(cannot)? {
                let entry = entry.map_err(cannot)?;
                if !entry.file_type().map_err(cannot)?.is_dir() {
                    continue;
                }
                let name = entry.file_name().to_string_lossy().into_owned();
                match TopicPartition::parse(&name) {
                    Some(_) => plan.partitions.push((name, entry.path())),
                    None => plan.left_alone.push(name),
                }
            }
            plan.partitions.sort();
            plan.left_alone.sort();
            if plan.partitions.is_empty() && !names.iter().any(|name| name == "meta.properties") {
                return Err(format!("{} is no data directory, and no partition's", dir.display()));
            }
        }
        plan.bytes = plan.partitions.iter().map(|(_, dir)| log_bytes(dir)).sum();
        Ok(plan)
    }
}

/// Whether somebody holds the lock. It is let go of at once.
fn is_locked(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Bytes of a partition's `.log` files, for the progress bar only: an error shows when the files are read.
fn log_bytes(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let is_log = |name: &str| matches!(FileKind::of(name), Some(FileKind::Log(_)));
    let logs = entries.filter(|entry| entry.file_name().to_str().is_some_and(is_log));
    logs.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

#[derive(Debug, Default)]
struct Total {
    partitions: usize,
    unread: usize,
    in_use: bool,
    problems: u64,
    notes: u64,
    bytes: u64,
}

impl Total {
    fn add(&mut self, report: &VerifyReport) {
        self.problems += report.problems;
        self.notes += report.notes;
        self.bytes += report.bytes;
    }
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "type")]
enum Line<'a> {
    Finding {
        partition: &'a str,
        file: &'a str,
        position: Option<u64>,
        severity: &'a str,
        message: &'a str,
    },
    Partition {
        partition: &'a str,
        problems: u64,
        notes: u64,
        omitted: u64,
        segments: u64,
        batches: u64,
        records: u64,
        bytes: u64,
        log_start_offset: u64,
        log_end_offset: u64,
    },
    Summary {
        partitions: usize,
        unread: usize,
        problems: u64,
        notes: u64,
        bytes: u64,
        in_use: bool,
    },
}

/// Prints to stdout, and keeps the bar out of it.
struct Printer<'a> {
    out: io::StdoutLock<'static>,
    format: Format,
    bar: &'a ProgressBar,
}

impl Printer<'_> {
    fn partition(&mut self, name: &str, report: &VerifyReport) -> io::Result<()> {
        let (out, format) = (&mut self.out, self.format);
        self.bar.suspend(|| match format {
            Format::Text => partition_text(out, name, report),
            Format::Json => partition_json(out, name, report),
        })
    }

    fn total(&mut self, total: &Total) -> io::Result<()> {
        let Total { partitions, unread, in_use, problems, notes, bytes } = *total;
        if self.format == Format::Json {
            let summary = Line::Summary { partitions, unread, problems, notes, bytes, in_use };
            return json_line(&mut self.out, &summary);
        }
        let unread = if unread == 0 { String::new() } else { format!(", {unread} of them not readable") };
        writeln!(
            self.out,
            "{}{unread}, {}: {}, {}",
            count(partitions as u64, "partition"),
            count(bytes, "byte"),
            count(problems, "problem"),
            count(notes, "note")
        )
    }
}

fn partition_text(out: &mut impl Write, name: &str, report: &VerifyReport) -> io::Result<()> {
    writeln!(
        out,
        "{name}: offsets {} up to {}, {} with {} in {}",
        report.log_start_offset,
        report.log_end_offset,
        count(report.batches, "batch"),
        count(report.records, "record"),
        count(report.segments, "segment"),
    )?;
    for Finding { file, position, severity, message } in &report.findings {
        let severity = severity_name(*severity);
        let place = match (file.as_str(), position) {
            ("", _) => String::new(),
            (file, None) => format!("{file}: "),
            (file, Some(position)) => format!("{file} at {position}: "),
        };
        writeln!(out, "  {severity:7}  {place}{message}")?;
    }
    if report.omitted > 0 {
        writeln!(out, "  and {} more", report.omitted)?;
    }
    Ok(())
}

fn partition_json(out: &mut impl Write, name: &str, report: &VerifyReport) -> io::Result<()> {
    for Finding { file, position, severity, message } in &report.findings {
        let (severity, position) = (severity_name(*severity), *position);
        json_line(out, &Line::Finding { partition: name, file, position, severity, message })?;
    }
    json_line(
        out,
        &Line::Partition {
            partition: name,
            problems: report.problems,
            notes: report.notes,
            omitted: report.omitted,
            segments: report.segments,
            batches: report.batches,
            records: report.records,
            bytes: report.bytes,
            log_start_offset: report.log_start_offset,
            log_end_offset: report.log_end_offset,
        },
    )
}

fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Problem => "problem",
    }
}

fn count(number: u64, one: &str) -> String {
    let many = if one.ends_with("ch") { "es" } else { "s" };
    format!("{number} {one}{}", if number == 1 { "" } else { many })
}
