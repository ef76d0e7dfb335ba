//! Pulling the plug: what a flush promises, and what an opening does about the rest.
//!
//! ```text
//! cargo run -p logscope --example crash_and_recovery
//! ```

use logscope::storage::Crash;
use logscope::{Error, LogConfig, MemoryStorage, NewRecord, PartitionLog};

const NOW_MS: i64 = 1_767_225_600_000;

fn main() -> Result<(), Error> {
    // Memory that tells what is written from what is synced, as a disk behind a page cache does.
    let storage = MemoryStorage::new();
    let (mut log, _) = PartitionLog::open(storage.clone(), LogConfig::default())?;

    log.append(&[NewRecord::value(b"paid")], NOW_MS)?;
    let high_watermark = log.flush()?;
    println!("one record is flushed, and readers see up to offset {high_watermark}");
    log.append(&[NewRecord::value(b"shipped")], NOW_MS)?;
    println!("another is appended; the log ends at {}, readers see no more", log.log_end_offset());

    // The power fails while the second record is on its way to the disk: 30 of its bytes arrive.
    drop(log);
    storage.crash(30);

    let (mut log, report) = PartitionLog::open(storage.clone(), LogConfig::default())?;
    if let Some(cut) = &report.tail_cut {
        println!("recovery cut {} bytes off {} at {}: {}", cut.bytes, cut.file, cut.position, cut.reason);
    }
    assert_eq!(log.log_end_offset(), 1, "what was flushed is there, and nothing that was not");

    log.append(&[NewRecord::value(b"shipped")], NOW_MS)?;
    log.close()?;
    let (log, report) = PartitionLog::open(storage, LogConfig::default())?;
    assert!(report.clean && report.scanned_segments.is_empty());
    println!("closed in good order, it opens without a scan: offsets 0 to {}", log.log_end_offset() - 1);
    Ok(())
}

#[test]
fn it_runs() {
    main().expect("the example works");
}
