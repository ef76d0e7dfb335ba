//! Whatever a log goes through, rolls, closings, crashes and deletions, its directory has nothing wrong with it at
//! any time, and a check neither changes it nor is in the way of what comes next.

use logscope::storage::Crash;
use logscope::verify::{VerifyOptions, VerifyReport};
use logscope::{LogConfig, MemoryStorage, NewRecord, PartitionLog, verify};
use proptest::prelude::*;

const INTERVAL: u32 = 150;

#[derive(Debug, Clone)]
enum Step {
    Append { records: usize, size: usize, timestamp: i64 },
    Flush,
    DeleteBefore { back: u64 },
    TruncateTo { back: u64 },
    Retain { bytes: u64 },
    Reopen,
    Crash { keep: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (1..4usize, 0..80usize, 0..1000i64)
            .prop_map(|(records, size, timestamp)| Step::Append { records, size, timestamp }),
        4 => Just(Step::Flush),
        1 => (0..20u64).prop_map(|back| Step::DeleteBefore { back }),
        1 => (0..20u64).prop_map(|back| Step::TruncateTo { back }),
        1 => (500..3000u64).prop_map(|bytes| Step::Retain { bytes }),
        1 => Just(Step::Reopen),
        2 => (0..200u64).prop_map(|keep| Step::Crash { keep }),
    ]
}

fn config() -> LogConfig {
    LogConfig {
        segment_bytes: 1000,
        index_interval_bytes: INTERVAL,
        retention_ms: None,
        ..LogConfig::default()
    }
}

fn open(storage: &MemoryStorage) -> PartitionLog<MemoryStorage> {
    PartitionLog::open(storage.clone(), config()).expect("it opens").0
}

fn check(storage: &MemoryStorage, in_use: bool) -> VerifyReport {
    let options = VerifyOptions { index_interval_bytes: Some(INTERVAL), in_use, ..VerifyOptions::default() };
    let mut bytes = 0;
    let report = verify(storage, &options, &mut |more| bytes += more).expect("it can be read");
    assert_eq!(report.bytes, bytes);
    report
}

/// Does one step, and gives back the log and what a check said while it was closed or lost, if it was.
fn run(
    mut log: PartitionLog<MemoryStorage>,
    storage: &MemoryStorage,
    step: &Step,
) -> (PartitionLog<MemoryStorage>, Option<VerifyReport>) {
    let (start, end) = (log.log_start_offset(), log.log_end_offset());
    match *step {
        Step::Append { records, size, timestamp } => {
            let value = vec![b'v'; size];
            let records = vec![NewRecord { timestamp: Some(timestamp), ..NewRecord::value(&value) }; records];
            log.append(&records, 0).expect("it is taken");
        }
        Step::Flush => drop(log.flush().expect("it is flushed")),
        Step::DeleteBefore { back } => {
            let to = log.high_watermark().saturating_sub(back);
            log.delete_records_before(to.max(start)).expect("they are deleted");
        }
        Step::TruncateTo { back } => {
            log.truncate_to(end.saturating_sub(back).max(start)).expect("it is cut");
        }
        Step::Retain { bytes } => {
            log.set_config(LogConfig { retention_bytes: Some(bytes), ..config() }).expect("it is valid");
            log.apply_retention(0).expect("they are deleted");
        }
        Step::Reopen => {
            log.close().expect("it is closed");
            let report = check(storage, false);
            // The active segment is kept whatever the log start; with the next roll it becomes due.
            let due =
                report.findings.iter().filter(|finding| finding.message.contains("below the log start"));
            assert_eq!((report.problems, report.notes), (0, due.count() as u64), "{:#?}", report.findings);
            assert_eq!(report.log_end_offset, end);
            return (open(storage), Some(report));
        }
        Step::Crash { keep } => {
            drop(log);
            storage.crash(keep);
            let report = check(storage, false);
            let log = open(storage);
            assert_eq!(report.log_end_offset, log.log_end_offset(), "what is good is what recovery leaves");
            return (log, Some(report));
        }
    }
    (log, None)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_log_of_our_own_has_nothing_wrong_with_it(steps in prop::collection::vec(step(), 1..60)) {
        let storage = MemoryStorage::new();
        let mut log = open(&storage);
        for step in &steps {
            let (next, report) = run(log, &storage, step);
            log = next;
            let report = report.unwrap_or_else(|| check(&storage, true));
            prop_assert!(report.is_clean(), "after {step:?}: {:#?}", report.findings);
        }
    }
}
