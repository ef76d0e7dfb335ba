//! One lane: the boxes of its batches and what lies between them.

use std::ops::Range;

use logscope::lab::{FetchPicture, Focus, List, LogPicture, Picture, SegmentPicture, State};
use logscope::log::BatchInfo;

use super::marks::{holes, markers, offset_entries, time_entries};
use super::rows::Rows;
use super::{BatchBox, CHARACTER, Fate, Frame, Ghost, Lane, Outline, Rest, focus};
use crate::state::format::{count, offsets};
use crate::state::{BatchId, Palette};

/// Boxes that are lower than this have no room for a label.
const LABELLED: f64 = 13.0;

/// Lays out the lane in a row, as far as it reaches into a range of pixels.
pub(super) fn lane(
    picture: &Picture,
    palette: &Palette,
    frame: &Frame,
    rows: &Rows<'_>,
    row: usize,
    x: &Range<f64>,
) -> Option<Lane> {
    let (segment, gone) = rows.get(row)?;
    let (log, base) = (&picture.log, segment.base_offset);
    let active = !gone && log.segments.last().is_some_and(|last| last.base_offset == base);
    let fetch = picture.fetch.as_ref();
    let floor = fetch.is_some_and(|fetch| fetch.floor_segment == Some(base));
    let looked_up = fetch.and_then(|fetch| fetch.looked_up).filter(|found| found.0 == base);
    // From afar nothing but boxes can be seen, and a segment that is gone has nothing else.
    let plain = gone || frame.far;
    let markers = if gone { Vec::new() } else { markers(log, base, frame) };
    let batches = if gone { 0..0 } else { seen(&segment.batches, frame, x) };
    let lost = picture.gone.iter().find(|lost| lost.base_offset == base);
    let ghosts = lost.map_or_else(Vec::new, |lost| ghosts(log, frame, lost, segment, x));
    let outline = |about| {
        let (_, x, width) = focus(picture, about, frame).filter(|(focused, ..)| *focused == base)?;
        Some(Outline { x, width })
    };
    let (entries, times) = match plain {
        true => (Vec::new(), Vec::new()),
        false => (
            offset_entries(picture, segment, frame, &markers, x),
            time_entries(picture, segment, frame, &markers, x),
        ),
    };
    Some(Lane {
        base_offset: base,
        top: row as f64 * frame.pitch,
        frame: *frame,
        width: frame.lane,
        broken: frame.broken,
        size: format!("{} / {} B", segment.size, log.segment_bytes),
        note: match (gone, floor, active) {
            (true, ..) if picture.state == State::Crashed => "lost",
            // Retention takes the first segments, and a cut the last ones.
            (true, ..)
                if log.segments.first().is_some_and(|first| first.base_offset < base)
                    && !beyond(log, base) =>
            {
                "merged"
            }
            (true, ..) => "deleted",
            (_, true, _) => "floor segment",
            (.., true) => "active",
            _ => "",
        },
        floor,
        gone,
        boxes: boxes(picture, palette, frame, segment, batches.clone()),
        ghosts,
        rest: if gone { None } else { rest(picture, segment, frame) },
        entries,
        times,
        holes: if plain { Vec::new() } else { holes(log, segment, batches, frame) },
        markers,
        readers: Vec::new(),
        scan_from: looked_up.map(|(_, _, position)| position as f64 * frame.scale),
        outline: outline(picture.focus),
        cause: outline(picture.cause),
    })
}

/// The places of the batches that reach into a range of pixels.
fn seen(batches: &List<BatchInfo>, frame: &Frame, x: &Range<f64>) -> Range<usize> {
    let from = batches.partition_point(|batch| (batch.end() as f64 * frame.scale) < x.start);
    let to = batches.partition_point(|batch| (batch.position as f64 * frame.scale) < x.end);
    from..to.max(from)
}

/// Goes through batches, and takes those together that are too narrow to be told apart: the first of them, and how
/// many there are.
fn together<'b>(
    batches: &'b List<BatchInfo>,
    frame: &Frame,
    seen: Range<usize>,
) -> impl Iterator<Item = (&'b BatchInfo, Range<usize>)> {
    let (mut at, least) = (seen.start, (if frame.far { 3.0 } else { 2.0 }) / frame.scale);
    std::iter::from_fn(move || {
        let first = batches.get(at).filter(|_| at < seen.end)?;
        let next = match f64::from(first.size) < least {
            true => batches.partition_point(|batch| {
                ((batch.position - first.position.min(batch.position)) as f64) < least
            }),
            false => at + 1,
        };
        let places = at..next.clamp(at + 1, batches.len());
        at = places.end;
        Some((first, places))
    })
}

fn boxes(
    picture: &Picture,
    palette: &Palette,
    frame: &Frame,
    segment: &SegmentPicture,
    seen: Range<usize>,
) -> Vec<BatchBox> {
    let shape = |(first, places): (&BatchInfo, Range<usize>)| {
        let shape = batch_box(picture, palette, frame, first);
        match segment.batches.get(places.end - 1).filter(|_| places.len() > 1) {
            None => shape,
            Some(last) => {
                let size = last.end() - first.position;
                let (width, batches) = (size as f64 * frame.scale, places.len());
                BatchBox { width, batches, size, last: last.last_offset, label: None, ..shape }
            }
        }
    };
    together(&segment.batches, frame, seen).map(shape).collect()
}

pub(super) fn batch_box(picture: &Picture, palette: &Palette, frame: &Frame, batch: &BatchInfo) -> BatchBox {
    let width = f64::from(batch.size) * frame.scale;
    let place = (batch.segment, batch.position);
    let focused = picture.focus == Focus::Batch(batch.segment, batch.position);
    let fetch = picture.fetch.as_ref();
    BatchBox {
        id: BatchId { segment: batch.segment, position: batch.position },
        batches: 1,
        x: batch.position as f64 * frame.scale,
        width,
        first: batch.base_offset,
        last: batch.last_offset,
        size: u64::from(batch.size),
        label: label(batch, width, frame),
        missing: missing(batch),
        going: going(picture, batch, width),
        empty: batch.records == 0,
        colour: palette.colour(batch),
        unflushed: picture.state == State::Open && batch.last_offset >= picture.log.high_watermark,
        below_start: batch.last_offset < picture.log.log_start_offset,
        skipped: fetch.is_some_and(|fetch| has_skipped(fetch, place)),
        taken: fetch.is_some_and(|fetch| has_taken(fetch, place)),
        missed: false,
        arrives: focused && fetch.is_none() && picture.state == State::Open,
    }
}

/// What a segment has lost: batches, or, if it is written anew, bytes.
fn ghosts(
    log: &LogPicture,
    frame: &Frame,
    lost: &SegmentPicture,
    segment: &SegmentPicture,
    x: &Range<f64>,
) -> Vec<Ghost> {
    if lost.batches.is_empty() {
        return shrunk(frame, lost.size, segment).into_iter().collect();
    }
    let ghost = |(batch, places): (&BatchInfo, Range<usize>)| {
        let fate = if moved(log, batch) { Fate::Moved } else { Fate::Gone };
        let end = lost.batches.get(places.end - 1).map_or(batch.end(), BatchInfo::end);
        let width = (end - batch.position) as f64 * frame.scale;
        let label = if places.len() > 1 { None } else { label(batch, width, frame) };
        Ghost { x: batch.position as f64 * frame.scale, width, label, fate }
    };
    together(&lost.batches, frame, seen(&lost.batches, frame, x)).map(ghost).collect()
}

/// Whether the log has a batch elsewhere: compaction merges segments.
fn moved(log: &LogPicture, batch: &BatchInfo) -> bool {
    let after = log.segments.partition_point(|segment| segment.base_offset <= batch.base_offset);
    let found = after.checked_sub(1).map(|at| {
        log.segments[at].batches.binary_search_by_key(&batch.last_offset, |other| other.last_offset)
    });
    matches!(found, Some(Ok(_)))
}

/// Whether a segment lies behind all that the log has.
fn beyond(log: &LogPicture, base: u64) -> bool {
    log.segments.last().is_some_and(|last| last.base_offset < base)
}

/// The bytes that a segment has become smaller by.
fn shrunk(frame: &Frame, was: u64, segment: &SegmentPicture) -> Option<Ghost> {
    let less = was.checked_sub(segment.size).filter(|less| *less > 0)?;
    let width = less as f64 * frame.scale;
    let label = format!("{} less", count(less, "byte", "bytes"));
    let label = (label.chars().count() as f64 * CHARACTER + 6.0 < width).then_some(label);
    Some(Ghost { x: segment.size as f64 * frame.scale, width, label, fate: Fate::Saved })
}

/// The parts of a batch that the compaction under way lets go. Nothing says how many bytes each of its records has:
/// they get equal shares.
fn going(picture: &Picture, batch: &BatchInfo, width: f64) -> Vec<(f64, f64)> {
    let share = width / (batch.last_offset - batch.base_offset + 1) as f64;
    let removed = &picture.removed;
    let from = removed.partition_point(|record| *record < (batch.segment, batch.base_offset));
    let to = removed.partition_point(|record| *record <= (batch.segment, batch.last_offset)).max(from);
    let left = batch.position as f64 * (width / f64::from(batch.size));
    let mut parts: Vec<(f64, f64)> = Vec::new();
    for (_, offset) in removed.range(from..to) {
        let x = left + (offset - batch.base_offset) as f64 * share;
        match parts.last_mut() {
            Some((start, width)) if (*start + *width - x).abs() < 0.01 => *width += share,
            _ => parts.push((x, share)),
        }
    }
    parts
}

/// A batch's offsets, and how many records are left of them, as far as there is room.
fn label(batch: &BatchInfo, width: f64, frame: &Frame) -> Option<String> {
    // What has no room for two characters is not even put into words.
    if width < 2.0 * CHARACTER || frame.box_height < LABELLED {
        return None;
    }
    let fits = |label: &String| label.chars().count() as f64 * CHARACTER + 6.0 < width;
    let offsets = offsets(batch.base_offset, batch.last_offset);
    let left = (missing(batch) > 0).then(|| format!("{offsets} · {} left", batch.records));
    left.filter(fits).or(Some(offsets).filter(fits))
}

/// How many of a batch's offsets have no record any more.
fn missing(batch: &BatchInfo) -> u64 {
    (batch.last_offset - batch.base_offset + 1).saturating_sub(u64::from(batch.records))
}

// A fetch goes through the log from front to back, so both lists are in order.
fn has_skipped(fetch: &FetchPicture, place: (u64, u64)) -> bool {
    fetch.skipped.binary_search_by_key(&place, |(segment, position, _)| (*segment, *position)).is_ok()
}

fn has_taken(fetch: &FetchPicture, place: (u64, u64)) -> bool {
    fetch.taken.binary_search_by_key(&place, |taken| (taken.batch.segment, taken.batch.position)).is_ok()
}

fn rest(picture: &Picture, segment: &SegmentPicture, frame: &Frame) -> Option<Rest> {
    let first = segment.batches.first().map_or(0, |batch| batch.position);
    let end = segment.batches.last().map_or(0, BatchInfo::end);
    // Of a broker's log, the newest batches are read first.
    let (end, bytes) = if first > 0 { (0, first) } else { (end, segment.size.checked_sub(end)?) };
    if bytes == 0 {
        return None;
    }
    let what = match picture.state {
        State::Recovering => "not checked yet",
        State::Open => "not read yet",
        _ => "no whole batch",
    };
    let label = format!("{what}: {}", count(bytes, "byte", "bytes"));
    let unread = picture.state == State::Open;
    Some(Rest { unread, x: end as f64 * frame.scale, width: bytes as f64 * frame.scale, label })
}
