//! The picture of what was there before the first event: a snapshot, and as much of the segments as was read.
//!
//! Invariant: nothing in it came after the snapshot. Events follow it, and would tell it again.

use std::sync::Arc;

use logscope::lab::{Focus, LogPicture, Picture, SegmentPicture, State};
use logscope::log::BatchInfo;
use logscope::segment::{IndexEntry, TimeIndexEntry};

use super::answers::{Segment, Snapshot};

/// So many batches, of so many segments, are read at first; the rest when it is asked for.
pub(crate) const FIRST: Portion = Portion { batches: 4_000, segments: 40 };
/// So many are read when more are asked for.
pub(crate) const MORE: Portion = Portion { batches: 20_000, segments: 200 };
/// More batches than this are not drawn.
pub(crate) const MOST: usize = 200_000;

/// How much is read at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Portion {
    pub(crate) batches: usize,
    pub(crate) segments: usize,
}

/// What was read of a segment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Part {
    pub(crate) base_offset: u64,
    /// Batches without a gap in between; not always from the first one on.
    pub(crate) batches: Vec<BatchInfo>,
    /// The bytes of the index files.
    pub(crate) index: Vec<u8>,
    pub(crate) time_index: Vec<u8>,
}

/// What has not been read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Unread {
    pub(crate) segments: u64,
    pub(crate) bytes: u64,
}

/// The picture of a snapshot, with what was read of its segments.
pub(crate) fn picture(snapshot: &Snapshot, parts: &[Part]) -> Picture {
    let segment = |segment: &Segment| {
        let base = segment.base_offset;
        let mut picture = SegmentPicture {
            base_offset: base,
            size: segment.size,
            index_size: Some(segment.index_entries * 8),
            time_index_size: Some(segment.time_index_entries * 12),
            ..SegmentPicture::default()
        };
        if let Some(part) = parts.iter().find(|part| part.base_offset == base) {
            fill(&mut picture, part, snapshot.log_end_offset);
        }
        Arc::new(picture)
    };
    let log = LogPicture {
        segments: snapshot.segments.iter().map(segment).collect(),
        log_start_offset: snapshot.log_start_offset,
        high_watermark: snapshot.high_watermark,
        log_end_offset: snapshot.log_end_offset,
        recovery_point: snapshot.high_watermark,
        segment_bytes: snapshot.config("segment.bytes"),
        index_interval_bytes: snapshot.config("index.interval.bytes"),
        ..LogPicture::default()
    };
    let mut picture = Picture::closed(log);
    picture.state = State::Open;
    // What is looked at first is where something happens.
    picture.focus = picture.log.segments.last().map_or(Focus::None, |last| Focus::Segment(last.base_offset));
    picture
}

/// How many index entries a broker had in memory only, of the segments that were read: the snapshot counts them, and the
/// files that were read after it do not have them.
pub(crate) fn in_memory(snapshot: &Snapshot, parts: &[Part]) -> u64 {
    let missing = |segment: &Segment| {
        let part = parts.iter().find(|part| part.base_offset == segment.base_offset)?;
        let (entries, time_entries) = (part.index.len() as u64 / 8, part.time_index.len() as u64 / 12);
        let missing = segment.index_entries.saturating_sub(entries);
        Some(missing + segment.time_index_entries.saturating_sub(time_entries))
    };
    snapshot.segments.iter().filter_map(missing).sum()
}

/// Puts what was read into a segment, before what it has already; `end` is where the log ended then.
fn fill(segment: &mut SegmentPicture, part: &Part, end: u64) {
    let first = segment.batches.first().map_or(segment.size, |batch| batch.position);
    let known = |batch: &&BatchInfo| batch.end() <= first && batch.last_offset < end;
    let batches = part.batches.iter().filter(known);
    segment.batches = batches.chain(&segment.batches).cloned().collect();
    if segment.index.is_empty() {
        // The files are as large as what is drawn of them: the rest is in the broker's memory, or comes as events.
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let (size, base) = (segment.size, segment.base_offset);
        let entry = |bytes: &[u8]| IndexEntry {
            relative_offset: number(&bytes[..4]) as u32,
            position: number(&bytes[4..]) as u32,
        };
        let entries = part.index.chunks_exact(8).map(entry);
        segment.index = entries.filter(|entry| u64::from(entry.position) < size).collect();
        let entry = |bytes: &[u8]| TimeIndexEntry {
            timestamp: number(&bytes[..8]) as i64,
            relative_offset: number(&bytes[8..]) as u32,
        };
        let entries = part.time_index.chunks_exact(12).map(entry);
        segment.time_index = entries.filter(|entry| base + u64::from(entry.relative_offset) < end).collect();
        segment.index_size = Some(segment.index.len() as u64 * 8);
        segment.time_index_size = Some(segment.time_index.len() as u64 * 12);
    }
}

/// The same picture with more of its segments.
pub(crate) fn with(start: &Picture, parts: &[Part]) -> Picture {
    let mut picture = start.clone();
    let end = picture.log.log_end_offset;
    for part in parts {
        let segment = picture.log.segments.iter_mut().find(|segment| segment.base_offset == part.base_offset);
        segment.into_iter().for_each(|segment| fill(Arc::make_mut(segment), part, end));
    }
    picture
}

/// How many bytes at the front of a segment have not been read.
pub(crate) fn gap(segment: &SegmentPicture) -> u64 {
    segment.batches.first().map_or(segment.size, |batch| batch.position)
}

/// What has not been read of a log.
pub(crate) fn unread(picture: &Picture) -> Unread {
    let gaps = picture.log.segments.iter().map(|segment| gap(segment)).filter(|gap| *gap > 0);
    gaps.fold(Unread::default(), |unread, gap| Unread {
        segments: unread.segments + 1,
        bytes: unread.bytes + gap,
    })
}

/// The segments of which more can be read, newest first, each with the offset before which that is: those that are now
/// as they were at the start. What a broker has rewritten or deleted since cannot be had as it was.
pub(crate) fn readable(start: &Picture, now: &Picture) -> Vec<(u64, u64)> {
    let mut readable = Vec::new();
    let mut before = start.log.log_end_offset;
    for segment in start.log.segments.iter().rev() {
        let same = now.log.segment(segment.base_offset).is_some_and(|now| gap(now) == gap(segment));
        let upto = segment.batches.first().map_or(before, |batch| batch.base_offset);
        if gap(segment) > 0 && same {
            readable.push((segment.base_offset, upto));
        }
        before = segment.base_offset;
    }
    readable
}

/// How many batches a picture holds.
pub(crate) fn batches(picture: &Picture) -> usize {
    picture.log.segments.iter().map(|segment| segment.batches.len()).sum()
}

#[cfg(test)]
mod tests {
    use logscope::lab::{Lab, parse_line};
    use logscope::segment::{INDEX_SUFFIX, TIME_INDEX_SUFFIX, file_name};
    use logscope::storage::MemoryStorage;

    use super::*;
    use crate::state::Settings;

    /// What a broker would tell of a log, and the log as it is.
    fn told(lines: &[&str]) -> (Snapshot, Vec<Part>, Picture) {
        let (mut lab, mut picture) = (Lab::new(MemoryStorage::new()), Picture::default());
        for line in lines {
            lab.run(&parse_line(line).unwrap().unwrap()).events.iter().for_each(|event| picture.apply(event));
        }
        let config = lab.config().entries().map(|(key, value)| (key.to_owned(), value)).collect();
        let log = &picture.log;
        let segment = |segment: &Arc<SegmentPicture>| Segment {
            base_offset: segment.base_offset,
            size: segment.size,
            index_entries: segment.index.len() as u64,
            time_index_entries: segment.time_index.len() as u64,
        };
        let part = |segment: &Arc<SegmentPicture>| {
            let base_offset = segment.base_offset;
            let file = |suffix| lab.read_file(&file_name(base_offset, suffix), 0, 1 << 20).unwrap();
            let (index, time_index) = (file(INDEX_SUFFIX), file(TIME_INDEX_SUFFIX));
            Part { base_offset, batches: segment.batches.iter().cloned().collect(), index, time_index }
        };
        let snapshot = Snapshot {
            settings: Settings { config, now_ms: 7, ..Settings::default() },
            log_start_offset: log.log_start_offset,
            high_watermark: log.high_watermark,
            log_end_offset: log.log_end_offset,
            segments: log.segments.iter().map(segment).collect(),
        };
        let parts = log.segments.iter().map(part).collect();
        (snapshot, parts, picture)
    }

    const LINES: [&str; 4] = ["reopen", "append hello key=k count=20", "delete-before 3", "flush"];

    #[test]
    fn a_picture_that_is_read_is_the_one_that_was_watched() {
        let (snapshot, parts, watched) = told(&LINES);
        let read = picture(&snapshot, &parts);
        assert_eq!((read.log.segments, read.state), (watched.log.segments, watched.state));
        assert_eq!(
            (read.log.log_start_offset, read.log.high_watermark, read.log.log_end_offset),
            (3, 20, 20)
        );
        assert_eq!((read.log.segment_bytes, read.log.index_interval_bytes), (512, 128));
    }

    #[test]
    fn what_came_after_the_snapshot_is_left_to_the_events() {
        let (snapshot, ..) = told(&LINES);
        let (_, later, _) = told(&[
            "reopen",
            "append hello key=k count=20",
            "delete-before 3",
            "flush",
            "append more count=9",
        ]);
        let (_, parts, _) = told(&LINES);
        assert_ne!(later, parts);
        assert_eq!(picture(&snapshot, &later), picture(&snapshot, &parts));
    }

    #[test]
    fn entries_that_a_broker_has_not_written_are_counted() {
        let (snapshot, mut parts, _) = told(&["reopen", "append hello key=k count=24", "flush"]);
        assert_eq!(in_memory(&snapshot, &parts), 0);
        let last = parts.pop().unwrap();
        assert!(last.index.len() >= 16 && last.time_index.len() >= 12, "{last:?}");
        let index = last.index[..last.index.len() - 16].to_vec();
        let time_index = last.time_index[..last.time_index.len() - 12].to_vec();
        assert_eq!(in_memory(&snapshot, &parts), 0, "a segment that is not read is counted as that");
        parts.push(Part { index, time_index, ..last.clone() });
        assert_eq!(in_memory(&snapshot, &parts), 3);
        // More than the snapshot counts has been written since, and comes as events.
        parts[0].index.extend([0; 80]);
        assert_eq!(in_memory(&snapshot, &parts), 3);
        let drawn = picture(&snapshot, &parts).log.segments.last().unwrap().clone();
        assert_eq!(
            (drawn.index.len(), drawn.index_size),
            (last.index.len() / 8 - 2, Some(last.index.len() as u64 - 16))
        );
    }

    #[test]
    fn what_is_not_read_is_counted_and_can_be_read_later() {
        let (snapshot, parts, _) = told(&LINES);
        let last = parts.len() - 1;
        let half = |part: &Part| Part { batches: part.batches[2..].to_vec(), ..part.clone() };
        let some = [parts[last].clone(), half(&parts[last - 1])];
        let start = picture(&snapshot, &some);
        let before: u64 = snapshot.segments[..last - 1].iter().map(|segment| segment.size).sum();
        let gap = parts[last - 1].batches[2].position;
        assert_eq!(unread(&start), Unread { segments: last as u64, bytes: before + gap });
        let readable_now = readable(&start, &start);
        assert_eq!(readable_now[0], (parts[last - 1].base_offset, parts[last - 1].batches[2].base_offset));
        assert_eq!(readable_now[1], (parts[last - 2].base_offset, parts[last - 1].base_offset));

        let whole = with(&start, &parts);
        assert_eq!((whole.log.clone(), unread(&whole)), (picture(&snapshot, &parts).log, Unread::default()));
        assert_eq!(readable(&start, &whole), [], "what is otherwise now cannot be read as it was");
        assert!(batches(&whole) > batches(&start));
    }
}
