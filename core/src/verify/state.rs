//! What is said about the log beside it: the checkpoint, the snapshots, and what else lies in the directory.

use std::io;

use super::{Check, Severity};
use crate::dump::{FileKind, read_checkpoint, read_snapshot};
use crate::log::{CHECKPOINT_FILE, Checkpoint};
use crate::segment::{LOG_SUFFIX, SNAPSHOT_SUFFIX, file_name};
use crate::storage::Storage;

/// A checkpoint is some hundred bytes; nobody reads more of a file that is no checkpoint.
const CHECKPOINT_MAX: u64 = 4096;

/// Room for millions of producers; what is larger is no snapshot.
const SNAPSHOT_MAX: u64 = 256 << 20;

/// Kafka's files that Logscope has no use for.
const KAFKAS: [&str; 3] = ["leader-epoch-checkpoint", "partition.metadata", ".kafka_cleanshutdown"];

impl<S: Storage> Check<'_, S> {
    pub(super) fn checkpoint(&mut self) -> io::Result<()> {
        let Some(bytes) = self.read(CHECKPOINT_FILE, CHECKPOINT_MAX)? else {
            let message =
                "there is no checkpoint: holes in the offsets cannot be told from what compaction left";
            self.findings.note("", None, message);
            return Ok(());
        };
        match read_checkpoint(&bytes) {
            Ok(checkpoint) => self.report.checkpoint = Some(checkpoint),
            Err(damage) => self.findings.problem(CHECKPOINT_FILE, Some(damage.position), damage.reason),
        }
        Ok(())
    }

    /// Compares what the checkpoint says with the segments that were found.
    pub(super) fn state(&mut self, bases: &[u64]) {
        if let Some((count, from, to)) = self.holes {
            let message = format!(
                "the offsets have {count} holes, the first from {from} up to {to}, as compaction leaves them"
            );
            self.findings.note("", None, message);
        }
        if bases.is_empty() {
            self.findings.note("", None, "there are no segments");
        }
        let Some(checkpoint) = self.report.checkpoint else { return };
        let Checkpoint { log_start_offset, recovery_point, active_segment, clean, .. } = checkpoint;
        let (first, last) = (bases.first().copied(), bases.last().copied());
        let log_end = self.report.log_end_offset;
        let mut wrong = Vec::new();
        if first.is_none_or(|first| first > log_start_offset) && !self.options.in_use {
            wrong.push(match first {
                Some(first) => format!(
                    "the log start offset is {log_start_offset}, and the first segment begins at {first}"
                ),
                None => format!("the log start offset is {log_start_offset}, and there are no segments"),
            });
        }
        if log_start_offset > log_end {
            let message =
                format!("the log start offset {log_start_offset} is beyond the log's end {log_end}");
            // A truncation that took a batch as a whole in which the log starts lowers this last.
            match clean || recovery_point > log_end {
                true => wrong.push(message),
                false => self.findings.note(CHECKPOINT_FILE, None, message),
            }
        }
        if recovery_point > log_end {
            wrong.push(format!(
                "offsets up to the recovery point {recovery_point} were durable, and the log ends at {log_end}"
            ));
        }
        if clean && recovery_point < log_end {
            wrong.push(format!(
                "the log was closed in good order at offset {recovery_point}, and it ends at {log_end}"
            ));
        }
        if bases.binary_search(&active_segment).is_err() {
            wrong.push(format!(
                "the active segment was {}, which is not there",
                file_name(active_segment, LOG_SUFFIX)
            ));
        } else if clean && last != Some(active_segment) {
            wrong.push(format!("the active segment was {active_segment}, and another follows it"));
        }
        if clean && !self.has(&file_name(recovery_point, SNAPSHOT_SUFFIX)) {
            let message =
                "the log was closed in good order, and there is no snapshot of producers at its end";
            self.findings.note(CHECKPOINT_FILE, None, message);
        }
        for message in wrong {
            self.findings.problem(CHECKPOINT_FILE, None, message);
        }
        self.report.log_start_offset = self.report.log_start_offset.max(log_start_offset).min(log_end);
    }

    pub(super) fn snapshots(&mut self, bases: &[u64]) -> io::Result<()> {
        for name in self.names.clone() {
            let Some(FileKind::Snapshot(offset)) = FileKind::of(&name) else { continue };
            let Some(bytes) = self.read(&name, SNAPSHOT_MAX)? else { continue };
            let log_end = self.report.log_end_offset;
            // One that is newer than the recovery point was perhaps never synced.
            let recoverable = offset >= self.durable_up_to;
            let severity = if recoverable { Severity::Note } else { Severity::Problem };
            match read_snapshot(&bytes) {
                Err(damage) => self.findings.add(severity, &name, Some(damage.position), damage.reason),
                Ok(entries) => {
                    let late = entries
                        .iter()
                        .find(|entry| entry.last_offset >= 0 && entry.last_offset as u64 >= offset);
                    if let Some(late) = late {
                        let message = format!(
                            "producer {} has offset {}, which the snapshot's own offset {offset} is not above",
                            late.producer_id, late.last_offset
                        );
                        self.findings.problem(&name, None, message);
                    }
                }
            }
            if offset > log_end {
                let message = format!("it was taken at offset {offset}, and the log ends at {log_end}");
                self.findings.add(severity, &name, None, message);
            } else if self.report.checkpoint.is_some()
                && offset < log_end
                && bases.binary_search(&offset).is_err()
            {
                self.findings.note(&name, None, "left over: no segment begins there, nor does the log end");
            }
        }
        Ok(())
    }

    /// Notes what lies around.
    pub(super) fn other_files(&mut self, bases: &[u64]) {
        for name in self.names.clone() {
            let message = match FileKind::of(&name) {
                Some(FileKind::OffsetIndex(base) | FileKind::TimeIndex(base))
                    if bases.binary_search(&base).is_err() =>
                {
                    "there is no .log file of this segment"
                }
                Some(_) => continue,
                None => other_file(&name),
            };
            self.findings.note(&name, None, message);
        }
    }
}

fn other_file(name: &str) -> &'static str {
    let ends = |suffix: &str| name.ends_with(suffix);
    if name == "checkpoint.tmp" {
        "left over from a crash: a checkpoint that was being written"
    } else if ends(".tmp") {
        "left over from a crash: an index or snapshot that was being written"
    } else if ends(".deleted") {
        "left over: its segment was deleted, and the file was to follow"
    } else if ends(".cleaned") {
        "left over from a crash: compaction was writing it"
    } else if ends(".swap") {
        "compaction was interrupted: the next opening puts it in the place of what it replaces"
    } else if KAFKAS.contains(&name) || ends(".txnindex") {
        "Kafka's; Logscope does not use it"
    } else {
        "nothing that belongs in a partition's directory"
    }
}
