//! Going on with a segment that was whole when it was last written to, without reading it all.
//!
//! Closing a log adds a last entry to the time index, which the rule for entries would not have added yet. It is
//! taken off again, so that the index goes on as if the log had never been closed.

use crate::error::Result;
use crate::record::BatchHeader;
use crate::segment::{IndexEntry, Indexer, Segment, TimeIndexEntry};
use crate::storage::File;

use super::super::fetch::next_header;

/// How much a walk over headers reads at a time, in bytes.
const CHUNK: usize = 8 << 10;

/// Where a segment stands.
#[derive(Debug)]
pub(in crate::log) struct Resumed {
    pub(in crate::log) indexer: Indexer,
    /// The largest timestamp of the first batch.
    pub(in crate::log) first_timestamp: Option<i64>,
    /// The offset after the last batch.
    pub(in crate::log) end: u64,
    /// How many entries of the offset index and of the time index count. What follows is to be cut off.
    pub(in crate::log) entries: usize,
    pub(in crate::log) time_entries: usize,
}

/// Reads where a segment stands that is taken to end at `size`: the indexes up to there, and the batches behind
/// their last entries. `None` if they do not fit together.
pub(in crate::log) fn resume<F: File>(segment: &Segment<F>, size: u64) -> Result<Option<Resumed>> {
    let base = segment.base_offset();
    let (entries, last) = segment.index().with_entries(|all| {
        let entries = all.partition_point(|entry| u64::from(entry.position) < size);
        (entries, entries.checked_sub(1).map(|at| all[at]))
    })?;
    let (time_entries, last_time) = time_entries_up_to(segment, last)?;
    let start = last.map_or(0, |entry| u64::from(entry.position));

    let mut indexer = Indexer::resume(base, (entries, last), (time_entries, last_time), last_time);
    let (mut end, mut fits) = (base, last.is_none());
    let mut reached = start;
    walk(segment, start, |position, header| {
        if position >= size {
            return false;
        }
        // The first batch of the walk is the one that the last entry points at.
        fits |= position == start && last.is_some_and(|last| names(base, last, header));
        indexer.batch(position, header.last_offset(), header.max_timestamp, u32::MAX);
        (end, reached) = (header.last_offset() + 1, position + u64::from(header.size));
        fits
    })?;
    let mut first_timestamp = None;
    walk(segment, 0, |position, header| {
        first_timestamp = (position < size).then_some(header.max_timestamp);
        false
    })?;
    let resumed = Resumed { indexer, first_timestamp, end, entries, time_entries };
    Ok((fits && reached == size).then_some(resumed))
}

fn names(base: u64, entry: IndexEntry, header: &BatchHeader) -> bool {
    base + u64::from(entry.relative_offset) == header.last_offset()
}

/// The time entries that came with offset entries up to `last`, and the last one of them.
fn time_entries_up_to<F: File>(
    segment: &Segment<F>,
    last: Option<IndexEntry>,
) -> Result<(usize, Option<TimeIndexEntry>)> {
    let index = segment.time_index();
    let Some(last) = last else { return Ok((0, None)) };
    let mut count = index.len();
    while let Some(at) = count.checked_sub(1) {
        match index.entry(at)? {
            Some(entry) if entry.relative_offset <= last.relative_offset => return Ok((count, Some(entry))),
            _ => count = at,
        }
    }
    Ok((0, None))
}

/// Walks the headers of a segment from `position` on, until `each` has seen enough. Those that it sees are in order
/// and within the segment.
pub(in crate::log) fn walk<F: File>(
    segment: &Segment<F>,
    position: u64,
    mut each: impl FnMut(u64, &BatchHeader) -> bool,
) -> Result<()> {
    let mut scan = segment.scan(position, CHUNK);
    let mut least = segment.base_offset();
    while let Some(header) = next_header(&mut scan, segment.base_offset(), least)? {
        if !each(scan.position(), &header) {
            break;
        }
        least = header.last_offset() + 1;
        scan.skip(header.size);
    }
    Ok(())
}
