//! How much a fetch would return, without reading it: for those who send it in pieces, and must say first how much it is.
//!
//! The index tells where the budget ends, and a few headers tell exactly. Nothing of it is observed.
//!
//! Invariant: where index or headers are not as they should be there is no extent, and a fetch tells what is wrong.

use std::sync::Arc;

use crate::segment::{Scanner, Segment};
use crate::storage::{File, Storage};

use super::event::{Observer, StoppedBy};
use super::fetch::{begins_up_to, next_header};
use super::{LogReader, Shared};

/// How much of a file is read at a time: more than lies between two index entries, as a rule.
const CHUNK: usize = 8 << 10;

/// What a fetch would return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Bytes of batches.
    pub size: u64,
    /// Where a reader goes on.
    pub next_offset: u64,
    /// Why there is no more.
    pub stopped_by: StoppedBy,
}

impl<S: Storage, O: Observer> LogReader<S, O> {
    /// How much a [`fetch`](Self::fetch) of all this would return now. Fetches of less, one after the other, come to the
    /// same `size`, unless the log was cut in between, at its start or its end.
    ///
    /// `None` if there is nothing to fetch, or one batch that alone is more, or something wrong: a fetch tells.
    pub fn extent(&self, offset: u64, max_bytes: u64) -> Option<Extent> {
        self.shared.extent(offset, max_bytes)
    }
}

impl<F: File, O: Observer> Shared<F, O> {
    fn extent(&self, offset: u64, max_bytes: u64) -> Option<Extent> {
        let (high_watermark, log_end_offset) = (self.high_watermark(), self.log_end_offset());
        if !(self.log_start_offset()..high_watermark).contains(&offset) {
            return None;
        }
        let segments = self.segments();
        let floor = segments.partition_point(|segment| segment.base_offset() <= offset).checked_sub(1)?;
        let mut size = 0;
        for (at, segment) in segments.iter().enumerate().skip(floor) {
            let from = if at == floor { seek(segment, offset)?.position() } else { 0 };
            // Below the next segment, if all of this one is visible.
            let next =
                segments.get(at + 1).map(|next| next.base_offset()).filter(|next| *next < high_watermark);
            let end = match next {
                Some(_) => segment.size(),
                None => seek(segment, high_watermark)?.position(),
            };
            let visible = end.checked_sub(from)?;
            if size + visible > max_bytes {
                return cut(segment, from, size, max_bytes);
            }
            size += visible;
            if next.is_none() {
                break;
            }
        }
        let stopped_by = match high_watermark == log_end_offset {
            true => StoppedBy::LogEnd,
            false => StoppedBy::HighWatermark,
        };
        Some(Extent { size, next_offset: high_watermark, stopped_by })
    }
}

/// The place before the first batch of a segment whose last offset is at or above `offset`; or else its end.
fn seek<F: File>(segment: &Arc<Segment<F>>, offset: u64) -> Option<Scanner<'_, F>> {
    let base = segment.base_offset();
    let relative = u32::try_from(offset - base).unwrap_or(u32::MAX);
    let entry = segment.index().look_up(relative).ok()?;
    let mut scan = segment.scan(entry.map_or(0, |entry| entry.position.into()), CHUNK);
    if let Some(entry) = entry
        && !begins_up_to(&mut scan, base + u64::from(entry.relative_offset)).ok()?
    {
        return None;
    }
    while let Some(header) = next_header(&mut scan, base, base).ok()?
        && header.last_offset() < offset
    {
        scan.skip(header.size);
    }
    Some(scan)
}

/// How far the budget lasts in a segment that has more, from a batch at `from` on, with `before` bytes taken already.
fn cut<F: File>(segment: &Arc<Segment<F>>, from: u64, before: u64, max_bytes: u64) -> Option<Extent> {
    let base = segment.base_offset();
    let limit = from + (max_bytes - before);
    let entry = segment.index().before(limit).ok()?.filter(|entry| u64::from(entry.position) > from);
    let mut scan = segment.scan(entry.map_or(from, |entry| entry.position.into()), CHUNK);
    if let Some(entry) = entry
        && next_header(&mut scan, base, base).ok()??.last_offset() != base + u64::from(entry.relative_offset)
    {
        return None;
    }
    loop {
        let header = next_header(&mut scan, base, base).ok()??;
        if scan.position() + u64::from(header.size) > limit {
            let size = before + (scan.position() - from);
            let extent = Extent { size, next_offset: header.base_offset, stopped_by: StoppedBy::MaxBytes };
            return Some(extent).filter(|_| size > 0);
        }
        scan.skip(header.size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LogConfig, MemoryStorage, NewRecord, PartitionLog};

    #[test]
    fn an_extent_is_what_a_fetch_returns() {
        let config = LogConfig { segment_bytes: 2000, index_interval_bytes: 300, ..LogConfig::default() };
        let (mut log, _) = PartitionLog::open(MemoryStorage::new(), config).unwrap();
        for at in 0..60 {
            let value = vec![b'x'; at * 37 % 200];
            log.append(&vec![NewRecord::value(&value); 1 + at % 3], 0).unwrap();
            if at == 50 {
                log.flush().unwrap();
            }
        }
        let rolled = log.high_watermark();
        assert!(log.segments().len() > 4);
        for flushed in [rolled, log.log_end_offset()] {
            assert_eq!(log.high_watermark(), flushed);
            for offset in 0..flushed {
                for max_bytes in (0..3000).step_by(61).chain([10_000, u64::MAX >> 1]) {
                    let fetched = log.fetch(offset, max_bytes).unwrap();
                    let extent = log.extent(offset, max_bytes);
                    let size = fetched.batches.len() as u64;
                    let (next_offset, stopped_by) = (fetched.next_offset, fetched.stopped_by);
                    match extent {
                        Some(extent) => assert_eq!(extent, Extent { size, next_offset, stopped_by }),
                        None => assert!(size > max_bytes, "from {offset} on, {max_bytes} bytes"),
                    }
                }
            }
            assert_eq!(log.extent(flushed, 100), None);
            log.flush().unwrap();
        }
    }

    #[test]
    fn a_wrong_index_gives_no_extent_and_no_wrong_one() {
        let storage = MemoryStorage::new();
        let config = LogConfig { index_interval_bytes: 300, ..LogConfig::default() };
        let (mut log, _) = PartitionLog::open(storage.clone(), config.clone()).unwrap();
        for _ in 0..40 {
            log.append(&[NewRecord::value(&[b'x'; 50])], 0).unwrap();
        }
        log.close().unwrap();
        let mut index = storage.contents("00000000000000000000.index").unwrap();
        // Each points at the batch before its own.
        for entry in index.chunks_exact_mut(8) {
            let offset = u32::from_be_bytes([entry[0], entry[1], entry[2], entry[3]]) + 1;
            entry[..4].copy_from_slice(&offset.to_be_bytes());
        }
        storage.insert("00000000000000000000.index", index);
        let (log, _) = PartitionLog::open(storage, config).unwrap();
        for max_bytes in (0..5000).step_by(113) {
            let fetched = log.fetch(0, max_bytes).unwrap();
            if let Some(extent) = log.extent(0, max_bytes) {
                assert_eq!(
                    (extent.size, extent.next_offset),
                    (fetched.batches.len() as u64, fetched.next_offset)
                );
            }
        }
    }
}
