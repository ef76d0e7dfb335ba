//! A log in memory that may be kept in IndexedDB.
//!
//! The engine is served from memory, so it takes a sync for done at once; the database takes its time. Here the high
//! watermark waits for it.
//!
//! Invariants:
//! - Nothing is fetched that the database has not committed: a reload takes nothing that anybody saw.
//! - After a commit that failed, the log takes nothing any more. What the database has is then all that was reported as
//!   kept, and perhaps some of what was not, and the next opening begins with that.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use logscope::log::{CompactionReport, TimestampOffset};
use logscope::record::{Batch, Producer};
use logscope::storage::{File, JournalStorage, Storage};
use logscope::{
    Appended, Fetched, LogConfig, NewRecord, PartitionLog, RecoveryReport, SegmentInfo, StoppedBy,
};
use logscope_indexed_db::{self as indexed_db, Claim, Database};
use wasm_bindgen_futures::spawn_local;

use crate::engine::{Bounds, Engine, Keeping, Result};
use crate::error::Failure;

/// Where a log lives.
#[derive(Debug)]
pub(crate) enum Home {
    /// In memory, with these files to begin with.
    Memory(Vec<(String, Vec<u8>)>),
    /// In the database of this name.
    IndexedDb(String),
}

#[derive(Debug)]
pub(crate) struct Kept {
    log: PartitionLog<JournalStorage>,
    storage: JournalStorage,
    database: Option<Database>,
    committed: Rc<RefCell<Committed>>,
}

/// How far the database has come.
#[derive(Debug, Default)]
struct Committed {
    /// The high watermark that the last commit brought.
    high_watermark: u64,
    /// Those that the commits under way will bring, in order.
    underway: VecDeque<u64>,
    failed: Option<String>,
}

impl Committed {
    /// What is below this, and stays so whatever commit is the last to succeed.
    fn high_watermark(&self) -> u64 {
        self.underway.iter().copied().fold(self.high_watermark, u64::min)
    }

    fn check(&self) -> Result<()> {
        self.failed.clone().map_or(Ok(()), |reason| Err(Failure::NotKept(reason)))
    }

    /// Takes note of how the oldest commit under way ended. They end in order, but that one may fail before it has its
    /// turn; those before it are then not counted, although the browser may take them.
    fn ended(&mut self, result: Result<(), String>) -> Result<()> {
        // What came after one that failed does not count, whatever became of it.
        self.check()?;
        match result {
            Ok(()) => self.high_watermark = self.underway.pop_front().unwrap_or(self.high_watermark),
            Err(reason) => self.failed = Some(reason),
        }
        self.check()
    }
}

impl Kept {
    pub(crate) async fn open(home: Home, config: LogConfig) -> Result<(Self, RecoveryReport)> {
        // So that a wrong one changes nothing.
        config.validate()?;
        let (database, files) = match home {
            Home::Memory(files) => {
                (None, (0..).zip(files).map(|(id, (name, bytes))| (name, id, bytes.into())).collect())
            }
            Home::IndexedDb(name) => {
                let opened = indexed_db::open(&name, Claim::Wait, false).await;
                let (database, stored) = opened.map_err(|error| match error {
                    indexed_db::Error::Taken => Failure::Locked(name),
                    indexed_db::Error::Failed(reason) => Failure::NotKept(reason),
                })?;
                (Some(database), stored.files)
            }
        };
        let storage = JournalStorage::restore(files);
        let (log, report) = PartitionLog::open(storage.clone(), config)?;
        let mut kept = Self { log, storage, database, committed: Rc::default() };
        kept.keep().await?;
        Ok((kept, report))
    }

    /// Commits what is queued, in one transaction, also if that is nothing: it ends after those before it.
    fn commit(&mut self) -> Keeping {
        // Without a database the queue is emptied all the same.
        let mutations = self.storage.take_mutations();
        let Some(database) = &mut self.database else { return Box::pin(async { Ok(()) }) };
        if let Err(failure) = self.committed.borrow().check() {
            return Box::pin(async { Err(failure) });
        }
        self.committed.borrow_mut().underway.push_back(self.log.high_watermark());
        let done = database.commit(mutations, None, false);
        let committed = Rc::clone(&self.committed);
        Box::pin(async move {
            let result = done.await.map_err(|error| error.to_string());
            committed.borrow_mut().ended(result)
        })
    }

    /// A roll has synced a segment that nobody waits for: it need not stay in the queue until the next flush.
    fn after_append(&mut self, appended: &Appended) {
        if appended.position == 0 && !appended.duplicate {
            let keeping = self.commit();
            spawn_local(async { drop(keeping.await) });
        }
    }

    fn high_watermark(&self) -> u64 {
        let engines = self.log.high_watermark();
        match &self.database {
            None => engines,
            // The log start may be ahead for a moment: what is below it is gone, and so nobody sees it either.
            Some(_) => self.committed.borrow().high_watermark().min(engines).max(self.log.log_start_offset()),
        }
    }
}

impl Engine for Kept {
    fn append(&mut self, producer: Producer, records: &[NewRecord<'_>], now_ms: i64) -> Result<Appended> {
        self.committed.borrow().check()?;
        let appended = self.log.append_as(producer, records, now_ms)?;
        self.after_append(&appended);
        Ok(appended)
    }

    fn append_batch(&mut self, batch: &mut [u8], now_ms: i64) -> Result<Appended> {
        self.committed.borrow().check()?;
        let appended = self.log.append_batch(batch, now_ms)?;
        self.after_append(&appended);
        Ok(appended)
    }

    fn fetch(&self, offset: u64, max_bytes: u64) -> Result<Fetched> {
        Ok(cut(self.log.fetch(offset, max_bytes)?, self.high_watermark()))
    }

    fn flush(&mut self) -> Result<u64> {
        self.committed.borrow().check()?;
        Ok(self.log.flush()?)
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            log_start_offset: self.log.log_start_offset(),
            high_watermark: self.high_watermark(),
            log_end_offset: self.log.log_end_offset(),
        }
    }

    fn segments(&self) -> Vec<SegmentInfo> {
        self.log.segments()
    }

    fn offset_for_timestamp(&self, timestamp: i64) -> Result<Option<TimestampOffset>> {
        let found = self.log.offset_for_timestamp(timestamp)?;
        Ok(found.filter(|found| found.offset < self.high_watermark()))
    }

    fn truncate_to(&mut self, offset: u64) -> Result<u64> {
        self.committed.borrow().check()?;
        Ok(self.log.truncate_to(offset)?)
    }

    fn delete_records_before(&mut self, offset: u64) -> Result<u64> {
        self.committed.borrow().check()?;
        Ok(self.log.delete_records_before(offset)?)
    }

    fn apply_retention(&mut self, now_ms: i64) -> Result<Vec<SegmentInfo>> {
        self.committed.borrow().check()?;
        Ok(self.log.apply_retention(now_ms)?)
    }

    fn compact(&mut self, now_ms: i64) -> Result<Option<CompactionReport>> {
        self.committed.borrow().check()?;
        Ok(self.log.compact(now_ms)?)
    }

    fn config(&self) -> LogConfig {
        self.log.config().clone()
    }

    fn set_config(&mut self, config: LogConfig) -> Result<()> {
        Ok(self.log.set_config(config)?)
    }

    fn files(&self) -> Result<Vec<(String, u64)>> {
        let mut names = self.storage.list()?;
        names.sort_unstable();
        let sized = names.into_iter().map(|name| {
            let size = self.storage.open(&name)?.len()?;
            Ok((name, size))
        });
        sized.collect()
    }

    fn read_file(&self, name: &str) -> Option<Vec<u8>> {
        self.storage.contents(name)
    }

    fn keep(&mut self) -> Keeping {
        self.commit()
    }

    fn close(self: Box<Self>) -> Keeping {
        let failed = self.committed.borrow().check();
        Box::pin(async move {
            failed?;
            let Self { log, storage, database, .. } = *self;
            log.close()?;
            let Some(mut database) = database else { return Ok(()) };
            let done = database.commit(storage.take_mutations(), None, false);
            done.await.map_err(|error| Failure::NotKept(error.to_string()))
        })
    }
}

/// Takes from an answer what is not committed yet. Batches never reach over a high watermark.
fn cut(mut fetched: Fetched, high_watermark: u64) -> Fetched {
    if fetched.next_offset <= high_watermark {
        return fetched;
    }
    let mut rest = &fetched.batches[..];
    while let Ok((batch, behind)) = Batch::parse(rest)
        && batch.header().last_offset() < high_watermark
    {
        rest = behind;
    }
    fetched.batches.truncate(fetched.batches.len() - rest.len());
    fetched.next_offset = high_watermark.max(fetched.fetch_offset);
    fetched.stopped_by = StoppedBy::HighWatermark;
    fetched
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_committed_is_not_in_the_answer() {
        let (mut log, _) = PartitionLog::open(JournalStorage::new(), LogConfig::default()).unwrap();
        for value in ["a", "b", "c"] {
            log.append(&[NewRecord::value(value.as_bytes())], 1).unwrap();
        }
        log.flush().unwrap();
        let all = log.fetch(0, 1000).unwrap();
        let shorter = cut(all.clone(), 2);
        assert_eq!(shorter.records().count(), 2);
        assert_eq!((shorter.next_offset, shorter.stopped_by), (2, StoppedBy::HighWatermark));
        assert_eq!(cut(all.clone(), 3), all);
        let nothing = cut(log.fetch(2, 1000).unwrap(), 1);
        assert_eq!((nothing.batches.len(), nothing.next_offset), (0, 2));
    }

    #[test]
    fn a_commit_under_way_that_brings_less_holds_the_high_watermark_down() {
        let mut committed = Committed { high_watermark: 10, ..Committed::default() };
        // A truncation to 5, and a flush of other records up to 10 behind it.
        committed.underway.extend([5, 10]);
        assert_eq!(committed.high_watermark(), 5);
        committed.ended(Ok(())).unwrap();
        assert_eq!(committed.high_watermark(), 5);
        committed.ended(Ok(())).unwrap();
        assert_eq!(committed.high_watermark(), 10);
    }

    #[test]
    fn nothing_counts_after_a_commit_that_failed() {
        let mut committed = Committed::default();
        committed.underway.extend([3, 6]);
        assert!(committed.ended(Err("the disk is full".to_owned())).is_err());
        assert!(committed.ended(Ok(())).is_err());
        assert_eq!(committed.high_watermark(), 0);
    }
}
