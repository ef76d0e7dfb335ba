//! A work queue that survives crashes: jobs in one log, how far each worker has come in another.
//!
//! ```text
//! cargo run -p logscope --example work_queue [DIRECTORY]
//! ```
//!
//! Jobs are appended by an idempotent producer, so that a job that is sent twice is queued once. A worker commits the
//! offset that it will read next as a record under its name; that log is compacted, so that it keeps the newest
//! commit of each worker and not their history. Run it several times with the same directory: it goes on where it
//! stopped.

use std::error::Error;
use std::path::Path;

use logscope::config::CleanupPolicy;
use logscope::record::Producer;
use logscope::{FsStorage, LogConfig, NewRecord, PartitionLog};

const NOW_MS: i64 = 1_767_225_600_000;

struct WorkQueue {
    jobs: PartitionLog<FsStorage>,
    commits: PartitionLog<FsStorage>,
}

impl WorkQueue {
    fn open(dir: &Path) -> logscope::Result<Self> {
        let (jobs, _) = PartitionLog::open(FsStorage::open(dir.join("jobs"))?, LogConfig::default())?;
        let config =
            LogConfig { cleanup_policy: CleanupPolicy::Compact, segment_bytes: 4096, ..LogConfig::default() };
        let (mut commits, _) = PartitionLog::open(FsStorage::open(dir.join("commits"))?, config)?;
        commits.compact(NOW_MS)?;
        Ok(Self { jobs, commits })
    }

    /// Queues a job, durably. The number makes it safe to try again: it is queued once.
    fn push(&mut self, number: i32, job: &str) -> logscope::Result<u64> {
        let client = Producer { id: 1, epoch: 0, base_sequence: number };
        let appended = self.jobs.append_as(client, &[NewRecord::value(job.as_bytes())], NOW_MS)?;
        self.jobs.flush()?;
        Ok(appended.base_offset)
    }

    /// Where a worker goes on: its newest commit.
    fn committed(&self, worker: &str) -> logscope::Result<u64> {
        let (mut next, mut committed) = (self.commits.log_start_offset(), 0);
        while next < self.commits.high_watermark() {
            let fetched = self.commits.fetch(next, 1 << 20)?;
            for record in fetched.records() {
                let record = record?;
                if record.key == Some(worker.as_bytes()) {
                    let value = record.value.and_then(|value| value.try_into().ok());
                    committed = value.map_or(committed, u64::from_be_bytes);
                }
            }
            next = fetched.next_offset;
        }
        Ok(committed)
    }

    /// Takes up to `count` jobs and commits them once they are done: each is done at least once.
    fn work(&mut self, worker: &str, count: usize) -> logscope::Result<usize> {
        let from = self.committed(worker)?;
        let fetched = self.jobs.fetch(from, 1 << 20)?;
        let (mut next, mut done) = (from, 0);
        for record in fetched.records().take(count) {
            let record = record?;
            println!("{worker} does {:?}", String::from_utf8_lossy(record.value.unwrap_or_default()));
            (next, done) = (record.offset + 1, done + 1);
        }
        let commit = next.to_be_bytes();
        self.commits.append(&[NewRecord::key_value(worker.as_bytes(), &commit)], NOW_MS)?;
        self.commits.flush()?;
        Ok(done)
    }

    fn close(self) -> logscope::Result<()> {
        self.jobs.close()?;
        self.commits.close()
    }
}

fn run(dir: &Path) -> Result<(), Box<dyn Error>> {
    let mut queue = WorkQueue::open(dir)?;
    for (number, job) in (0..).zip(["brew tea", "feed the cat", "water the plants"]) {
        let offset = queue.push(number, job)?;
        // The answer got lost, so the client sends it again, and gets the same offset.
        assert_eq!(queue.push(number, job)?, offset);
    }
    let done = queue.work("ann", 2)?;
    println!("ann has done {done} jobs, and the process dies without a word");
    drop(queue);

    let mut queue = WorkQueue::open(dir)?;
    let done = queue.work("ann", 10)?;
    println!("after the restart, ann has done {done} more");
    queue.close()?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args_os().nth(1) {
        Some(dir) => run(Path::new(&dir)),
        None => run(tempfile::tempdir()?.path()),
    }
}

#[test]
fn it_runs() {
    let dir = tempfile::tempdir().expect("a directory");
    run(dir.path()).expect("the example works");
    run(dir.path()).expect("it goes on where it stopped");
}
