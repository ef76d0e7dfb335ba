//! What opening the partitions did: told to the operator, and counted.

use std::fmt;

use logscope::RecoveryReport;
use logscope::log::{IndexFault, TailCut};
use logscope::segment::file_name;

use super::data_dir::TopicPartition;
use super::metrics::RecoveryMetrics;
use super::partition::Offsets;

/// So many things, as the log says it: `1 partition`, `2 partitions`.
pub(super) fn count<N: Copy + fmt::Display + PartialEq + From<u8>>(number: N, thing: &str) -> String {
    format!("{number} {thing}{}", if number == N::from(1) { "" } else { "s" })
}

/// What opening a data directory found and did, in sum. One line of it goes to the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StartReport {
    /// Topics found.
    pub topics: usize,
    /// Partitions opened.
    pub partitions: usize,
    /// Partitions that could not be opened.
    pub offline: usize,
    /// Partitions that had been closed in good order, or were empty.
    pub clean: usize,
    /// Batches that were checked.
    pub batches: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Torn tails that were cut off.
    pub tails_cut: u64,
    /// The bytes of these tails.
    pub bytes_cut: u64,
    /// Index files that were written anew.
    pub indexes_rebuilt: u64,
}

impl StartReport {
    /// Adds what opening one partition did, and tells the operator about it.
    pub(super) fn add(&mut self, name: &TopicPartition, report: &RecoveryReport, offsets: Offsets) {
        self.partitions += 1;
        self.clean += usize::from(report.clean);
        self.batches += report.batches;
        self.bytes += report.bytes;
        self.indexes_rebuilt += report.rebuilt_indexes.len() as u64;
        if let Some(cut) = &report.tail_cut {
            self.tails_cut += 1;
            self.bytes_cut += cut.bytes;
        }
        tell(name, report, offsets);
    }

    pub(super) fn count(&self, metrics: &RecoveryMetrics, seconds: f64) {
        metrics.seconds.set(seconds);
        metrics.bytes.inc_by(self.bytes);
        metrics.tails_cut.inc_by(self.tails_cut);
        metrics.bytes_cut.inc_by(self.bytes_cut);
        metrics.indexes_rebuilt.inc_by(self.indexes_rebuilt);
    }
}

/// Tells the operator what recovery found and did. What is as it should be is worth a line only to who debugs.
fn tell(name: &TopicPartition, report: &RecoveryReport, offsets: Offsets) {
    let RecoveryReport { segments, scanned_segments, batches, bytes, clean, .. } = report;
    let Offsets { log_start_offset, log_end_offset, .. } = offsets;
    let scanned = scanned_segments.len();
    let closed = if *clean { "closed in good order" } else { "not closed in good order" };
    tracing::debug!(
        partition = %name,
        "offsets {log_start_offset} up to {log_end_offset}, {closed}: {scanned} of {segments} segments were checked, \
         {batches} batches in {bytes} bytes"
    );
    let RecoveryReport { damaged_checkpoint, tail_cut, rebuilt_indexes, removed_files, .. } = report;
    if let Some(reason) = damaged_checkpoint {
        tracing::warn!(partition = %name, "the checkpoint is useless, and everything was checked: {reason}");
    }
    if let Some(TailCut { file, position, bytes, reason }) = tail_cut {
        tracing::warn!(partition = %name, "cut {bytes} bytes off {file} at position {position}: {reason}");
    }
    for (segment, index, fault) in rebuilt_indexes {
        let file = file_name(*segment, index.suffix());
        match fault {
            // The last entries wait in memory, so a crash always takes some.
            IndexFault::Short { entries } => {
                tracing::debug!(partition = %name, "wrote {file} anew: it had its first {entries} entries only");
            }
            IndexFault::Missing => tracing::warn!(partition = %name, "wrote {file} anew: it was not there"),
            IndexFault::Differs => {
                tracing::warn!(partition = %name, "wrote {file} anew: it did not say what the log says");
            }
        }
    }
    for file in removed_files {
        tracing::debug!(partition = %name, "removed {file}, which was left over");
    }
}
