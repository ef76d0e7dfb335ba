//! What stands above and below the boxes: index entries, and the bounds of the log.

use std::ops::Range;

use logscope::lab::{Focus, List, LogPicture, Picture, SegmentPicture};
use logscope::log::BatchInfo;
use logscope::segment::{IndexEntry, TimeIndexEntry};

use super::{CHARACTER, EntryMark, Frame, Marker, MarkerKind, Says};
use crate::state::format::{day, offsets, time_of_day, timestamp};

/// How wide a character of an entry's label is.
const ENTRY_CHARACTER: f64 = 6.35;

/// The entries of the offset index, each below the position that it names.
pub(super) fn offset_entries(
    picture: &Picture,
    segment: &SegmentPicture,
    frame: &Frame,
    markers: &[Marker],
    x: &Range<f64>,
) -> Vec<EntryMark> {
    let base = segment.base_offset;
    let found = picture.fetch.as_ref().and_then(|fetch| fetch.looked_up);
    let found = found.filter(|found| found.0 == base).and_then(|found| found.1);
    let place = |entry: &IndexEntry| f64::from(entry.position) * frame.scale;
    let marks = in_view(&segment.index, place, x).map(|(at, entry)| {
        let (offset, position) = (base + u64::from(entry.relative_offset), entry.position);
        EntryMark {
            x: place(entry),
            label: Some(format!("{offset} → {position}")),
            says: Says::Position { offset, position },
            leftward: false,
            looked_up: found == Some(*entry),
            focused: picture.focus == Focus::IndexEntry(base, at),
        }
    });
    // The log end's line goes through the row.
    let log_end = log_end(markers).map(|marker| (marker.x, marker.x));
    with_room(frame, marks.collect(), log_end.collect())
}

/// The entries of the time index, each below the batch that it leads to.
pub(super) fn time_entries(
    picture: &Picture,
    segment: &SegmentPicture,
    frame: &Frame,
    markers: &[Marker],
    x: &Range<f64>,
) -> Vec<EntryMark> {
    let base = segment.base_offset;
    let first_day = first_day(&picture.log);
    let place = |entry: &TimeIndexEntry| {
        position_of(segment, base + u64::from(entry.relative_offset)) as f64 * frame.scale
    };
    let marks = in_view(&segment.time_index, place, x).map(|(at, entry)| {
        let offset = base + u64::from(entry.relative_offset);
        // The day that the log begins with goes without saying.
        let short = match Some(day(entry.timestamp)) == first_day {
            true => time_of_day(entry.timestamp),
            false => timestamp(entry.timestamp),
        };
        EntryMark {
            x: place(entry),
            label: Some(format!("{short} → {offset}")),
            says: Says::Offset { timestamp: entry.timestamp, offset },
            leftward: false,
            looked_up: false,
            focused: picture.focus == Focus::TimeIndexEntry(base, at),
        }
    });
    let log_end = log_end(markers).map(|marker| {
        let width = marker.label.chars().count() as f64 * CHARACTER;
        if marker.leftward { (marker.x - width, marker.x) } else { (marker.x, marker.x + width) }
    });
    with_room(frame, marks.collect(), log_end.collect())
}

fn log_end(markers: &[Marker]) -> impl Iterator<Item = &Marker> {
    markers.iter().filter(|marker| marker.kind == MarkerKind::LogEnd)
}

/// Where offsets are missing: before a batch, or behind the last one of a segment. Compaction leaves such holes.
pub(super) fn holes(
    log: &LogPicture,
    segment: &SegmentPicture,
    seen: Range<usize>,
    frame: &Frame,
) -> Vec<EntryMark> {
    if seen.is_empty() {
        return Vec::new();
    }
    let before = seen.start.checked_sub(1).map(|at| segment.batches[at].last_offset + 1);
    let mut from = before.unwrap_or(segment.base_offset);
    let mut gaps = Vec::new();
    for batch in segment.batches.range(seen) {
        gaps.push((batch.position, from..batch.base_offset));
        from = batch.last_offset + 1;
    }
    let next = log.segments.partition_point(|other| other.base_offset <= segment.base_offset);
    if let (Some(next), Some(last)) = (log.segments.get(next), segment.batches.last())
        && last.last_offset + 1 == from
    {
        gaps.push((last.end(), from..next.base_offset));
    }
    let hole = |(position, gap): (u64, Range<u64>)| {
        let (first, last) = (gap.start, gap.end - 1);
        EntryMark {
            x: position as f64 * frame.scale,
            says: Says::Nothing { first, last },
            label: Some(offsets(first, last)),
            leftward: false,
            looked_up: false,
            focused: false,
        }
    };
    with_room(frame, gaps.into_iter().filter(|(_, gap)| !gap.is_empty()).map(hole).collect(), Vec::new())
}

/// The entries, which rise in place, that stand in a range of pixels, with their places in the index.
fn in_view<'e, E>(
    entries: &'e List<E>,
    place: impl Fn(&E) -> f64,
    x: &Range<f64>,
) -> impl Iterator<Item = (usize, &'e E)> {
    let from = entries.partition_point(|entry| place(entry) < x.start);
    let to = entries.partition_point(|entry| place(entry) < x.end).max(from);
    (from..to).zip(entries.range(from..to))
}

/// Leaves a label to the marks that have room for it. Marks that the step is about come first; no other label
/// reaches into what is taken already, or into the next mark.
fn with_room(frame: &Frame, mut marks: Vec<EntryMark>, taken: Vec<(f64, f64)>) -> Vec<EntryMark> {
    let reach = |mark: &EntryMark| {
        8.0 + mark.label.as_ref().map_or(0, |label| label.chars().count()) as f64 * ENTRY_CHARACTER
    };
    for mark in &mut marks {
        mark.leftward = mark.x + reach(mark) > frame.width - frame.left;
    }
    let extent = |mark: &EntryMark| match mark.leftward {
        true => (mark.x - reach(mark), mark.x - 4.0),
        false => (mark.x + 4.0, mark.x + reach(mark)),
    };
    let special = |mark: &EntryMark| mark.focused || mark.looked_up;
    // What the step is about keeps its label, and gives way to a bound on the other side.
    for mark in marks.iter_mut().filter(|mark| special(mark) && mark.x > reach(mark)) {
        let (from, to) = extent(mark);
        mark.leftward |= taken.iter().any(|(taken_from, taken_to)| from < *taken_to && *taken_from < to);
    }
    let mut kept: Vec<(f64, f64)> = taken;
    kept.extend(marks.iter().filter(|mark| special(mark)).map(extent));
    let places: Vec<f64> = marks.iter().map(|mark| mark.x).collect();
    let mut free_from = f64::MIN;
    for (at, mark) in marks.iter_mut().enumerate().filter(|(_, mark)| !special(mark)) {
        let (from, to) = extent(mark);
        let covered = kept.iter().any(|(kept_from, kept_to)| from < kept_to + 4.0 && *kept_from < to + 4.0);
        // The mark that it would reach into has no label, perhaps, but stands there all the same.
        let reaches = match mark.leftward {
            true => at.checked_sub(1).is_some_and(|before| from < places[before] + 5.0),
            false => places.get(at + 1).is_some_and(|next| next - 3.0 < to),
        };
        if from < free_from || covered || reaches {
            mark.label = None;
        } else {
            free_from = to + 4.0;
        }
    }
    marks
}

/// The day of the log's first batch.
fn first_day(log: &LogPicture) -> Option<i64> {
    log.segments.iter().find_map(|segment| segment.batches.first()).map(|batch| day(batch.max_timestamp))
}

/// The bounds that stand in this lane. Before the first step of a log, there are none.
pub(super) fn markers(log: &LogPicture, base: u64, frame: &Frame) -> Vec<Marker> {
    use MarkerKind::{HighWatermark, LogEnd, LogStart, RecoveryPoint};
    let bounds = [
        (LogStart, "log start", log.log_start_offset),
        (RecoveryPoint, "recovery point", log.recovery_point),
        (HighWatermark, "high watermark", log.high_watermark),
        (LogEnd, "log end", log.log_end_offset),
    ];
    let mut markers: Vec<Marker> = Vec::new();
    for (kind, name, offset) in bounds {
        // A log of which nothing is known to be durable has no such point.
        if kind == RecoveryPoint && offset == 0 {
            continue;
        }
        let Some(position) =
            place_of(log, offset, kind).filter(|(segment, _)| *segment == base).map(|place| place.1)
        else {
            continue;
        };
        let x = position as f64 * frame.scale;
        // Bounds that coincide share a line; the first of them says how it looks, unless it is the least of them.
        if let Some(same) = markers.iter_mut().find(|marker| marker.x == x) {
            let before = same.label.rsplit_once(' ').map_or("", |(names, _)| names).to_owned();
            same.label = format!("{before} = {name} {offset}");
            if same.kind == RecoveryPoint {
                same.kind = kind;
            }
        } else {
            markers.push(Marker { kind, x, label: format!("{name} {offset}"), leftward: false });
        }
    }
    let width = |label: &str| label.chars().count() as f64 * CHARACTER + 8.0;
    let start =
        markers.first().filter(|first| first.kind == LogStart).map_or(0.0, |first| width(&first.label));
    for marker in &mut markers {
        // Three names that share a line fit on neither side of it where several partitions stand side by side.
        let room = (marker.x - start).max(frame.lane - marker.x);
        if width(&marker.label) > room {
            for (name, short) in
                [("recovery point", "recovery"), ("high watermark", "watermark"), ("log end", "end")]
            {
                marker.label = marker.label.replace(name, short);
            }
            // The recovery point is the one that can be done without.
            if let Some(others) =
                marker.label.strip_prefix("recovery = ").filter(|_| width(&marker.label) > room)
            {
                marker.label = others.to_owned();
            }
        }
        let width = width(&marker.label);
        // What fits on neither side goes where there is more room.
        marker.leftward = marker.x + width > frame.lane && marker.x > frame.lane / 2.0;
    }
    // The log start's name is written in the high watermark's row.
    if let [first, next, ..] = &mut markers[..]
        && first.kind == LogStart
        && next.kind == HighWatermark
        && first.x + width(&first.label) > next.x
    {
        first.label = first.label.replace("log start", "start");
    }
    markers
}

/// Segment and position of a bound: where the batch with its offset begins, or behind the last batch.
pub(super) fn place_of(log: &LogPicture, offset: u64, kind: MarkerKind) -> Option<(u64, u64)> {
    if kind == MarkerKind::LogEnd {
        return log.segments.last().map(|last| (last.base_offset, end_of(last)));
    }
    let after = log.segments.partition_point(|segment| segment.base_offset <= offset);
    let segment = log.segments.get(after.saturating_sub(1))?;
    Some((segment.base_offset, position_of(segment, offset)))
}

/// Where the batch that reaches an offset begins, or where the last batch ends.
pub(super) fn position_of(segment: &SegmentPicture, offset: u64) -> u64 {
    let batch = segment.batches.get(segment.batches.partition_point(|batch| batch.last_offset < offset));
    batch.map_or_else(|| end_of(segment), |batch| batch.position)
}

fn end_of(segment: &SegmentPicture) -> u64 {
    segment.batches.last().map_or(0, BatchInfo::end)
}
