//! What an open log of 1 GiB with 10 million records holds on the heap, in bytes, on standard output.

use anyhow::{Result, ensure};
use logscope::PartitionLog;
use logscope::storage::FsStorage;
use logscope_benches::ours::{Ours, config};
use logscope_benches::{RecordSet, random_below};
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const RECORDS: u64 = 10_000_000;

fn main() -> Result<()> {
    let records = RecordSet::new(100, 100);
    let mut ours = Ours::filled(&records, RECORDS as usize / records.len())?;
    ours.gate(&records)?;
    let folder = ours.close()?;

    let before = HEAP.current_usage();
    let (log, _) = PartitionLog::open(FsStorage::open(folder.path())?, config())?;
    ensure!(log.log_end_offset() == RECORDS, "the log has {} records", log.log_end_offset());
    // What is read when it is first needed has been read then.
    for offset in random_below(RECORDS, 1000) {
        log.fetch(offset, 4096)?;
    }
    println!("{}", HEAP.current_usage() - before);
    Ok(())
}
