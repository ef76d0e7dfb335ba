//! What must hold of a log that was opened, whatever happened before.

use logscope::log::{CHECKPOINT_FILE, Checkpoint};
use logscope::storage::{Faults, MemoryStorage, Storage};
use logscope::verify::{Finding, Severity, VerifyOptions};
use logscope::{Error, LogConfig, PartitionLog, RecoveryReport};

use crate::compact::{Segments, segments_in};
use crate::model::{Batch, Checked, Found, Model, REOPENS, Violation, batches, check};
use crate::run::{Disk, files};

pub(crate) const VERIFIED: &str = "the check of a directory finds nothing";
const IDEMPOTENT: &str = "a second recovery finds nothing to do";

/// Opens a log that has no reason to refuse.
pub(crate) fn open<S: Storage + Clone>(
    storage: &S,
    config: &LogConfig,
) -> Checked<(PartitionLog<S>, RecoveryReport)> {
    let opened = PartitionLog::open(storage.clone(), config.clone());
    opened.map_err(|error| Violation { rule: REOPENS, details: error.to_string() })
}

/// Whether an opening found nothing to mend. The snapshot at the end of a log that was closed is not needed any more,
/// and a segment below the log start was only waiting for its end: that these go is no mending.
pub(crate) fn idle<S: Storage>(log: &PartitionLog<S>, report: &RecoveryReport) -> bool {
    let snapshot = |name: &str| report.clean && name.ends_with(".snapshot");
    let mended =
        report.removed_files.iter().any(|name| !(snapshot(name) || below(name, log.log_start_offset())));
    report.tail_cut.is_none() && report.rebuilt_indexes.is_empty() && !mended
}

/// Whether a file belongs to a segment from below the log start.
fn below(name: &str, log_start_offset: u64) -> bool {
    let base = name.get(..20).and_then(|digits| digits.parse::<u64>().ok());
    base.is_some_and(|base| base < log_start_offset)
}

/// Holds what a log has against the model, which takes it over. `power_lost` says whether the power failed since the
/// log was opened before. False if what it has cannot be read, and was damaged.
pub(crate) fn check_recovered<S: Storage>(
    storage: &S,
    log: &PartitionLog<S>,
    report: &RecoveryReport,
    model: &mut Model,
    power_lost: bool,
) -> Checked<bool> {
    let (start, end, cut) = (log.log_start_offset(), log.log_end_offset(), report.tail_cut.is_some());
    check(log.high_watermark() == end, "what is found is durable and visible", || {
        format!("the high watermark is {}, and the log ends at {end}", log.high_watermark())
    })?;
    check_directory(storage, log.config(), model, Severity::Note)?;
    let Some(batches) = fetch_all(log, model.damaged)? else { return Ok(false) };
    let disk = if model.cleaning.is_some() { segments_in(&files(storage)) } else { Segments::new() };
    model.recover(Found { start, end, batches, cut, disk }, power_lost)?;
    Ok(true)
}

/// All that is visible, fetched bit by bit; `None` if it cannot be read, and was damaged.
pub(crate) fn fetch_all<S: Storage>(log: &PartitionLog<S>, damaged: bool) -> Checked<Option<Vec<Batch>>> {
    let (mut found, mut at) = (Vec::new(), log.log_start_offset());
    while at < log.high_watermark() {
        let fetched = match log.fetch(at, 700) {
            Ok(fetched) => fetched,
            Err(Error::Corrupt { .. }) if damaged => return Ok(None),
            Err(error) => {
                let details = format!("{error}, at offset {at} of {}", log.log_end_offset());
                return Err(Violation { rule: "what recovery let pass can be fetched", details });
            }
        };
        found.extend(batches(&fetched.batches));
        check(fetched.next_offset > at, "a fetch gets on", || format!("it stays at {at}"))?;
        at = fetched.next_offset;
    }
    Ok(Some(found))
}

/// The check of a directory finds nothing of this severity, or worse, unless something was damaged.
pub(crate) fn check_directory<S: Storage>(
    storage: &S,
    config: &LogConfig,
    model: &Model,
    least: Severity,
) -> Checked {
    if model.damaged {
        return Ok(());
    }
    let index_interval_bytes = (!model.mixed_intervals).then_some(config.index_interval_bytes);
    let options = VerifyOptions { index_interval_bytes, ..VerifyOptions::default() };
    let report = logscope::verify(storage, &options, &mut |_| {});
    let report = report.map_err(|error| Violation { rule: VERIFIED, details: error.to_string() })?;
    let explained = |finding: &Finding| {
        // Nobody knows which index entries are due where the rule has changed. And the log may have rolled since its
        // start moved into what was active then.
        let says = |words| finding.message.contains(words);
        model.mixed_intervals && says("index.interval.bytes") || says("below the log start offset")
    };
    let found = report.findings.iter().find(|finding| finding.severity >= least && !explained(finding));
    check(found.is_none(), VERIFIED, || format!("{found:?}"))
}

/// Whether a checkpoint is the other one, but for a lower recovery point: an opening without room for a new one leaves
/// the old one.
fn knows_less(before: Option<&Vec<u8>>, after: Option<&Vec<u8>>) -> bool {
    let decode = |bytes: Option<&Vec<u8>>| bytes.and_then(|bytes| Checkpoint::decode(bytes).ok());
    let (Some(before), Some(after)) = (decode(before), decode(after)) else { return false };
    let recovery_point = before.recovery_point.max(after.recovery_point);
    before.recovery_point < after.recovery_point && Checkpoint { recovery_point, ..before } == after
}

/// Opening once more changes nothing and finds nothing; and if the power fails at once, nothing is lost.
/// Indexes may be mended that were damaged or `added_otherwise`.
pub(crate) fn check_second_recovery<D: Disk>(
    disk: &D,
    config: &LogConfig,
    model: &Model,
    added_otherwise: bool,
) -> Checked {
    let copy = MemoryStorage::new();
    let before = disk.files();
    before.iter().for_each(|(name, bytes)| copy.insert(name, bytes.clone()));
    let (log, report) = match PartitionLog::open(copy.clone(), config.clone()) {
        // What lies below the log start was not fetched before, and may be what was damaged.
        Err(Error::Corrupt { .. }) if model.damaged => return Ok(()),
        opened => opened.map_err(|error| Violation { rule: REOPENS, details: error.to_string() })?,
    };
    let gone = |name: &String| below(name, log.log_start_offset());
    let (mut after, mut stay) = (copy.files(), before.clone());
    if knows_less(stay.get(CHECKPOINT_FILE), after.get(CHECKPOINT_FILE)) {
        after.remove(CHECKPOINT_FILE);
        stay.remove(CHECKPOINT_FILE);
    }
    stay.retain(|name, _| after.contains_key(name) || !gone(name));
    let same = after == stay;
    check((idle(&log, &report) && same) || added_otherwise, IDEMPOTENT, || {
        format!("{report:?}, the same files: {same}")
    })?;
    check_recovered(&copy, &log, &report, &mut model.clone(), false)?;

    let has_log = |base: &str| before.contains_key(&format!("{base}.log"));
    let alone = before.keys().find(|name| name.strip_suffix(".index").is_some_and(|base| !has_log(base)));
    check(alone.is_none(), IDEMPOTENT, || format!("{alone:?} belongs to nothing"))?;

    let Some(faulty) = disk.faulty() else { return Ok(()) };
    let copy = faulty.fork();
    copy.set_faults(Faults::default(), model.end);
    copy.restart();
    let (log, report) = open(&copy, config)?;
    check_recovered(&copy, &log, &report, &mut model.clone(), true).map(drop)
}
