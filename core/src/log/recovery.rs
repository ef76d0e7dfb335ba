//! Opening a log, and mending what a crash may have left.
//!
//! Every batch of every segment is checked: length, magic, CRC, offsets rising. In the last segment the first
//! bad byte ends the log, and the rest is cut off and reported: a write was under way when the power failed. A
//! crash cannot damage an older segment, because the log syncs it before it begins the next one; so damage
//! there is an error, and nothing is cut.
//!
//! Indexes are compared with what the log gives, and written anew where they differ. What was found is synced
//! before anyone may read it, since the process before may have died before its own sync.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Mutex, RwLock};

use crate::config::LogConfig;
use crate::error::{CorruptReason, Result};
use crate::record::Batch;
use crate::segment::{
    INDEX_ENTRY_SIZE, INDEX_SUFFIX, IndexEntry, LOG_SUFFIX, OffsetIndex, ScanError, Scanner, Segment,
    entry_due, file_name, parse_file_name,
};
use crate::storage::{File, Storage, read_up_to};

use super::event::{BatchInfo, Event, IndexFault, Observer};
use super::{PartitionLog, Shared, corrupt};

/// How much recovery reads at a time, in bytes.
const CHUNK: usize = 1 << 20;

/// What opening a log found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Segments found.
    pub segments: usize,
    /// Batches checked and found good.
    pub batches: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The torn tail, if there was one.
    pub tail_cut: Option<TailCut>,
    /// The segments, by base offset, whose index was written anew, and why.
    pub rebuilt_indexes: Vec<(u64, IndexFault)>,
    /// Files that belonged to nothing and were removed.
    pub removed_files: Vec<String>,
}

/// A tail that was cut off because it held no whole batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailCut {
    /// The `.log` file.
    pub file: String,
    /// Where it was cut, in bytes.
    pub position: u64,
    /// How many bytes were cut off.
    pub bytes: u64,
    /// What was wrong with them.
    pub reason: CorruptReason,
}

/// An opening under way.
struct Recovery<'a, S: Storage, O> {
    storage: &'a S,
    config: &'a LogConfig,
    observer: &'a O,
    names: Vec<String>,
    report: RecoveryReport,
    /// The smallest offset that may come next.
    next_offset: u64,
}

/// What the scan of a `.log` file gave.
struct Scanned {
    size: u64,
    index: Vec<IndexEntry>,
    bad: Option<CorruptReason>,
}

pub(super) fn open<S: Storage, O: Observer>(
    storage: S,
    config: LogConfig,
    observer: O,
) -> Result<(PartitionLog<S, O>, RecoveryReport)> {
    config.validate()?;
    let mut names = storage.list()?;
    names.sort_unstable();
    let bases: Vec<u64> = names.iter().filter_map(|name| parse_file_name(name, LOG_SUFFIX)).collect();
    let LogConfig { segment_bytes, index_interval_bytes, .. } = config;
    let found = bases.len();
    observer.observe(|| {
        let size = |name: &String| storage.open(name).and_then(|file| file.len()).unwrap_or(0);
        let files = names.iter().map(|name| (name.clone(), size(name))).collect();
        Event::RecoveryStarted { segments: found, files, segment_bytes, index_interval_bytes }
    });

    let report = RecoveryReport { segments: found, ..RecoveryReport::default() };
    let next_offset = bases.first().copied().unwrap_or(0);
    let mut recovery =
        Recovery { storage: &storage, config: &config, observer: &observer, names, report, next_offset };
    let mut segments = Vec::new();
    for (at, &base) in bases.iter().enumerate() {
        segments.push(Arc::new(recovery.segment(base, at + 1 == found)?));
    }
    recovery.remove_orphans(&bases)?;
    let Recovery { report, next_offset: log_end_offset, .. } = recovery;

    let active = match segments.last() {
        Some(active) => Arc::clone(active),
        None => {
            segments.push(Arc::new(Segment::create(&storage, 0)?));
            observer.observe(|| Event::SegmentCreated { segment: 0 });
            Arc::clone(&segments[0])
        }
    };
    active.sync()?;
    storage.sync_dir()?;
    let log_start_offset = segments[0].base_offset();
    observer.observe(|| Event::RecoveryFinished { log_start_offset, log_end_offset });
    let shared = Arc::new(Shared {
        observer,
        segments: RwLock::new(segments),
        log_start_offset: AtomicU64::new(log_start_offset),
        high_watermark: AtomicU64::new(log_end_offset),
        log_end_offset: AtomicU64::new(log_end_offset),
        syncing: Mutex::new(()),
        poisoned: AtomicBool::new(false),
    });
    let (storage, scratch) = (Arc::new(storage), Vec::new());
    let log = PartitionLog { storage, config, shared, active, pending_roll: None, scratch };
    Ok((log, report))
}

impl<S: Storage, O: Observer> Recovery<'_, S, O> {
    fn segment(&mut self, base: u64, last: bool) -> Result<Segment<S::File>> {
        let log = self.storage.open(&file_name(base, LOG_SUFFIX))?;
        let len = log.len()?;
        self.observer.observe(|| Event::SegmentFound { segment: base, log_bytes: len });
        if base < self.next_offset {
            let reason = CorruptReason::OffsetOrder { found: base, expected: self.next_offset };
            return Err(corrupt(base, 0, reason));
        }
        self.next_offset = base;
        let Scanned { size, index, bad } = self.scan(base, &log, len)?;
        if let Some(reason) = bad {
            if !last {
                return Err(corrupt(base, size, reason));
            }
            self.cut_tail(base, &log, size, len, reason)?;
        }
        let index = self.index(base, index)?;
        Ok(Segment::new(base, log, size, index))
    }

    /// Checks batch after batch, and makes the index that they give.
    fn scan(&mut self, base: u64, log: &S::File, len: u64) -> Result<Scanned> {
        let mut scanned = Scanned { size: 0, index: Vec::new(), bad: None };
        let mut scan = Scanner::new(log, 0, len, CHUNK);
        loop {
            let position = scan.position();
            let batch = match scan.batch() {
                Ok(Some(batch)) => batch,
                Ok(None) => return Ok(scanned),
                Err(ScanError::Io(error)) => return Err(error.into()),
                Err(ScanError::Bad(reason)) => {
                    scanned.bad = Some(reason.into());
                    return Ok(scanned);
                }
            };
            match self.check(base, position, &batch) {
                Ok(()) => {}
                // No crash makes a whole batch stand where it cannot: nothing is cut for that.
                Err(reason @ (CorruptReason::OffsetRange { .. } | CorruptReason::TooLarge)) => {
                    return Err(corrupt(base, position, reason));
                }
                Err(reason) => {
                    scanned.bad = Some(reason);
                    return Ok(scanned);
                }
            }
            self.admit(base, position, &batch, &mut scanned);
            let size = batch.header().size;
            scan.skip(size);
            scanned.size = scan.position();
        }
    }

    fn check(&self, base: u64, position: u64, batch: &Batch<'_>) -> Result<(), CorruptReason> {
        batch.verify()?;
        let (found, last_offset) = (batch.header().base_offset, batch.header().last_offset());
        if found < self.next_offset {
            return Err(CorruptReason::OffsetOrder { found, expected: self.next_offset });
        }
        if last_offset - base > i32::MAX as u64 {
            return Err(CorruptReason::OffsetRange { last_offset });
        }
        if position > i32::MAX as u64 {
            return Err(CorruptReason::TooLarge);
        }
        Ok(())
    }

    fn admit(&mut self, base: u64, position: u64, batch: &Batch<'_>, scanned: &mut Scanned) {
        let header = *batch.header();
        self.report.batches += 1;
        self.report.bytes += u64::from(header.size);
        self.next_offset = header.last_offset() + 1;
        self.observer.observe(|| Event::BatchRecovered { batch: BatchInfo::new(base, position, batch) });

        let interval = u64::from(self.config.index_interval_bytes);
        let Some(bytes_since) = entry_due(position, scanned.index.last().copied(), interval) else { return };
        // `check` has seen to it that both fit.
        let relative_offset = (header.last_offset() - base) as u32;
        let entry = IndexEntry { relative_offset, position: position as u32 };
        scanned.index.push(entry);
        self.observer.observe(|| Event::IndexEntryAdded { segment: base, entry, bytes_since, interval });
    }

    fn cut_tail(
        &mut self,
        base: u64,
        log: &S::File,
        position: u64,
        len: u64,
        reason: CorruptReason,
    ) -> Result<()> {
        log.truncate(position)?;
        let (bytes, log_end_offset) = (len - position, self.next_offset);
        self.observer.observe(|| Event::TailCut {
            segment: base,
            position,
            bytes,
            log_end_offset,
            reason: reason.to_string(),
        });
        let file = file_name(base, LOG_SUFFIX);
        self.report.tail_cut = Some(TailCut { file, position, bytes, reason });
        Ok(())
    }

    /// Compares the index on disk with `entries`, and writes it anew if it differs.
    fn index(&mut self, base: u64, entries: Vec<IndexEntry>) -> Result<OffsetIndex<S::File>> {
        let name = file_name(base, INDEX_SUFFIX);
        let missing = self.names.binary_search(&name).is_err();
        let file = self.storage.open(&name)?;
        let expected: Vec<u8> = entries.iter().flat_map(|entry| entry.encode()).collect();
        let mut found = Vec::new();
        // One byte more than expected is enough to see that there is too much.
        read_up_to(&file, 0, expected.len() + 1, &mut found)?;
        let count = entries.len();
        if found == expected && !missing {
            self.observer.observe(|| Event::IndexVerified { segment: base, entries: count });
            return Ok(OffsetIndex::new(file, entries));
        }
        let fault = match missing {
            true => IndexFault::Missing,
            false if expected.starts_with(&found) => {
                IndexFault::Short { entries: found.len() / INDEX_ENTRY_SIZE }
            }
            false => IndexFault::Differs,
        };
        file.truncate(0)?;
        file.write_at(0, &expected)?;
        file.sync()?;
        self.report.rebuilt_indexes.push((base, fault));
        self.observer.observe(|| Event::IndexRebuilt { segment: base, entries: count, fault });
        Ok(OffsetIndex::new(file, entries))
    }

    /// Removes index files whose `.log` file is gone.
    fn remove_orphans(&mut self, bases: &[u64]) -> Result<()> {
        for name in &self.names {
            let Some(base) = parse_file_name(name, INDEX_SUFFIX) else { continue };
            if bases.binary_search(&base).is_err() {
                self.storage.remove(name)?;
                self.report.removed_files.push(name.clone());
                self.observer.observe(|| Event::OrphanRemoved { name: name.clone() });
            }
        }
        Ok(())
    }
}
