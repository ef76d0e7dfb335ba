//! Which batches a segment holds: for those who draw or list a log. Nothing of it is observed.

use crate::error::Result;
use crate::segment::Segment;
use crate::storage::{File, Storage};

use super::event::{BatchInfo, Observer};
use super::fetch::{begins_up_to, next_header};
use super::{LogReader, Shared, scan_error};

/// How much of a file is read at a time.
const CHUNK: usize = 64 << 10;

impl<S: Storage, O: Observer> LogReader<S, O> {
    /// The batches of the segment with this base offset, from the one that holds `offset` on (or else the first one
    /// behind it), at most `limit` of them, whether durable or not; `None` if there is no such segment. Checksums are
    /// not checked.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) if a batch on the way is damaged.
    pub fn batches(&self, segment: u64, offset: u64, limit: usize) -> Result<Option<Vec<BatchInfo>>> {
        self.shared.retry_after_truncation(|| self.shared.batches(segment, offset, limit))
    }
}

impl<F: File, O: Observer> Shared<F, O> {
    fn batches(&self, base: u64, offset: u64, limit: usize) -> Result<Option<Vec<BatchInfo>>> {
        let segments = self.segments();
        let Ok(at) = segments.binary_search_by_key(&base, |segment| segment.base_offset()) else {
            return Ok(None);
        };
        batches_of(&segments[at], offset.max(base), limit).map(Some)
    }
}

fn batches_of<F: File>(segment: &Segment<F>, offset: u64, limit: usize) -> Result<Vec<BatchInfo>> {
    let base = segment.base_offset();
    let mut scan = segment.scan(0, CHUNK);
    let relative = u32::try_from(offset - base).unwrap_or(u32::MAX);
    if let Some(entry) = segment.index().look_up(relative)? {
        let mut there = segment.scan(entry.position.into(), CHUNK);
        if begins_up_to(&mut there, base + u64::from(entry.relative_offset))? {
            scan = there;
        }
    }
    let mut batches = Vec::new();
    let mut least = base;
    while batches.len() < limit
        && let Some(header) = next_header(&mut scan, base, least)?
    {
        least = header.last_offset() + 1;
        if header.last_offset() >= offset {
            let position = scan.position();
            let batch = scan.batch_of(header).map_err(|error| scan_error(error, base, position))?;
            batches.push(BatchInfo::new(base, position, &batch));
        }
        scan.skip(header.size);
    }
    Ok(batches)
}

#[cfg(test)]
mod tests {
    use crate::{LogConfig, MemoryStorage, NewRecord, PartitionLog};

    #[test]
    fn the_batches_of_a_segment_from_any_offset_on() {
        let config = LogConfig { segment_bytes: 800, index_interval_bytes: 100, ..LogConfig::default() };
        let (mut log, _) = PartitionLog::open(MemoryStorage::new(), config).unwrap();
        let record = NewRecord::key_value(b"k", b"v");
        while log.segments().len() < 3 {
            log.append(&[record, record], 0).unwrap();
        }
        let segments: Vec<_> = log.segments().iter().map(|segment| segment.base_offset).collect();
        let first = log.batches(0, 0, usize::MAX).unwrap().unwrap();
        assert_eq!(first.last().unwrap().last_offset + 1, segments[1]);
        let mut position = 0;
        for (i, batch) in first.iter().enumerate() {
            assert_eq!((batch.position, batch.base_offset, batch.records), (position, 2 * i as u64, 2));
            assert_eq!(batch.first_key.as_deref(), Some(&b"k"[..]));
            position = batch.end();
            for offset in [batch.base_offset, batch.last_offset] {
                assert_eq!(log.batches(0, offset, 1).unwrap().unwrap(), std::slice::from_ref(batch));
                assert_eq!(log.batches(0, offset, usize::MAX).unwrap().unwrap(), first[i..]);
            }
        }
        // What is not synced is listed; what is before or behind the segment is not.
        assert_eq!(log.high_watermark(), segments[2]);
        assert_eq!(log.batches(segments[2], 0, 9).unwrap().unwrap().len(), 1);
        assert_eq!(log.batches(0, segments[1], 9).unwrap().unwrap(), []);
        assert_eq!(log.batches(0, u64::MAX, 9).unwrap().unwrap(), []);
        assert_eq!(log.batches(1, 0, 9).unwrap(), None);
    }
}
