//! From a picture to shapes: where everything in the drawing of the log stands, in pixels.
//!
//! A lane a segment, to scale in bytes; all lanes have the same height, so that only what is in view needs to be
//! laid out. Whoever paints the shapes decides nothing but colours and fonts.
//!
//! Invariants:
//! - A batch is as wide as its bytes times the scale, and the scale is the same in all lanes.
//! - What is out of view costs nothing but a binary search.

use std::ops::Range;

use logscope::lab::{FetchPicture, Focus, LogPicture, Picture, SegmentPicture, State};
use logscope::log::BatchInfo;

use super::format::{count, offsets};
use super::{BatchId, Palette};

/// Above the boxes: markers and the hops of a scan.
pub(crate) const ABOVE: f64 = 20.0;
/// The boxes.
pub(crate) const BOX: f64 = 32.0;
/// Below the boxes: index entries and the log end.
pub(crate) const BELOW: f64 = 22.0;
const GAP: f64 = 6.0;
/// Room beside everything.
pub(crate) const MARGIN: f64 = 18.0;
/// The column of file names on the left, where there is room for it.
const NAMES: f64 = 174.0;
/// The row of file names above a lane, where there is none.
const NAME_ROW: f64 = 18.0;
const ROOMY: f64 = 560.0;
/// Lanes don't get narrower than this; they scroll sideways instead. A phone has just this room.
const NARROWEST_LANE: f64 = 350.0;
/// An average batch doesn't get narrower than this.
const NARROWEST_BATCH: f64 = 9.0;
/// So many pixels beyond the window are laid out, for scrolling.
const SPARE: f64 = 400.0;
/// How wide a character of a label is, about.
const CHARACTER: f64 = 6.7;

/// Sizes that depend on the room there is and on what is to be shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Frame {
    /// The whole drawing.
    pub(crate) width: f64,
    /// The whole drawing.
    pub(crate) height: f64,
    /// From one lane to the next.
    pub(crate) pitch: f64,
    /// Pixels a byte.
    pub(crate) scale: f64,
    /// Where byte 0 stands.
    pub(crate) left: f64,
    /// Where the boxes stand in a lane.
    pub(crate) box_top: f64,
    /// How wide a lane is drawn.
    lane: f64,
    /// Whether the drawing ends before `segment.bytes`.
    broken: bool,
}

/// One segment's lane. Everything in it counts from the lane's own top.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lane {
    pub(crate) base_offset: u64,
    pub(crate) top: f64,
    pub(crate) frame: Frame,
    /// How wide the lane is drawn, and whether it goes on beyond.
    pub(crate) width: f64,
    pub(crate) broken: bool,
    /// `216 / 512 B`, and what is special about it.
    pub(crate) size: String,
    pub(crate) note: &'static str,
    pub(crate) floor: bool,
    pub(crate) boxes: Vec<BatchBox>,
    pub(crate) rest: Option<Rest>,
    pub(crate) entries: Vec<EntryMark>,
    pub(crate) markers: Vec<Marker>,
    /// Where a scan began.
    pub(crate) scan_from: Option<f64>,
    pub(crate) outline: Option<Outline>,
}

/// A batch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BatchBox {
    pub(crate) id: BatchId,
    pub(crate) x: f64,
    pub(crate) width: f64,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) size: u32,
    /// Its offsets, if there is room for them.
    pub(crate) label: Option<String>,
    pub(crate) colour: Option<usize>,
    pub(crate) unflushed: bool,
    pub(crate) skipped: bool,
    pub(crate) taken: bool,
    /// It just came to its place.
    pub(crate) arrives: bool,
}

/// Bytes in a `.log` file that are no batch, or not known to be one yet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rest {
    pub(crate) x: f64,
    pub(crate) width: f64,
    pub(crate) label: String,
}

/// An index entry, pointing at its position.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EntryMark {
    pub(crate) x: f64,
    pub(crate) label: Option<String>,
    pub(crate) looked_up: bool,
    pub(crate) focused: bool,
}

/// One of the log's bounds, or several that coincide.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Marker {
    pub(crate) kind: MarkerKind,
    pub(crate) x: f64,
    pub(crate) label: String,
    /// The label stands to the left of the line.
    pub(crate) leftward: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MarkerKind {
    LogStart,
    HighWatermark,
    LogEnd,
}

/// What the current step is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Outline {
    pub(crate) x: f64,
    pub(crate) width: f64,
}

/// Measures the drawing for a place that is `room` pixels wide.
pub(crate) fn frame(log: &LogPicture, room: f64) -> Frame {
    let (left, name_row) = if room < ROOMY { (MARGIN, NAME_ROW) } else { (MARGIN + NAMES, 0.0) };
    let room = (room - left - MARGIN).max(NARROWEST_LANE);
    let largest = log.segments.iter().map(|segment| segment.size).max().unwrap_or(0);
    let full = u64::from(log.segment_bytes).max(1);
    let fitting = room / full.max(largest) as f64;
    let sample = || log.segments.iter().rev().flat_map(|segment| &segment.batches).take(64);
    let sampled = sample().map(|batch| u64::from(batch.size)).sum::<u64>();
    let average = sampled as f64 / sample().count().max(1) as f64;
    let legible = if average > 0.0 { NARROWEST_BATCH / average } else { fitting };
    let scale = fitting.max(legible);
    let needed = largest as f64 * scale + 120.0;
    let lane = (full as f64 * scale).min(room.max(needed));
    let pitch = name_row + ABOVE + BOX + BELOW + GAP;
    Frame {
        width: left + lane.max(largest as f64 * scale) + MARGIN,
        height: pitch * log.segments.len() as f64,
        pitch,
        scale,
        left,
        box_top: name_row + ABOVE,
        lane,
        broken: lane < full as f64 * scale - 0.5,
    }
}

/// The part of the drawing that is seen: lanes, and pixels from byte 0 on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct View {
    pub(crate) lanes: Range<usize>,
    pub(crate) x: Range<f64>,
}

/// What a window of this place and size shows, and a little more at every end.
pub(crate) fn view(
    frame: &Frame,
    log: &LogPicture,
    (left, top): (f64, f64),
    (width, height): (f64, f64),
) -> View {
    let count = log.segments.len();
    let first = (top / frame.pitch).floor().max(1.0) as usize - 1;
    let last = ((top + height) / frame.pitch).ceil().max(0.0) as usize + 1;
    View { lanes: first.min(count)..last.min(count), x: left - frame.left - SPARE..left + width + SPARE }
}

/// Lays out what is seen.
pub(crate) fn lanes(picture: &Picture, palette: &Palette, frame: &Frame, view: &View) -> Vec<Lane> {
    view.lanes.clone().filter_map(|at| lane(picture, palette, frame, at, &view.x)).collect()
}

/// The keys whose colours the log shows, in the order of their colours.
pub(crate) fn keys<'p>(log: &LogPicture, palette: &'p Palette) -> Vec<&'p [u8]> {
    let mut missing: std::collections::HashSet<&[u8]> = palette.keys().iter().map(Vec::as_slice).collect();
    for batch in log.segments.iter().rev().flat_map(|segment| &segment.batches) {
        // Mostly all keys are found in the first few batches.
        if missing.is_empty() {
            break;
        }
        if let Some(key) = &batch.first_key {
            missing.remove(key.as_slice());
        }
    }
    palette.keys().iter().map(Vec::as_slice).filter(|key| !missing.contains(key)).collect()
}

/// Where the current step's object stands in the whole drawing: left, top, width, height. When a fetch has
/// stopped, that is the last batch that it took.
pub(crate) fn focus_area(picture: &Picture, frame: &Frame) -> Option<(f64, f64, f64, f64)> {
    let taken = || picture.fetch.as_ref()?.taken.last();
    let last_taken = || {
        let batch = &taken()?.batch;
        Some((batch.segment, batch.position as f64 * frame.scale, f64::from(batch.size) * frame.scale))
    };
    let (base, x, width) = focus(picture, frame).or_else(last_taken)?;
    let at = picture.log.segments.binary_search_by_key(&base, |segment| segment.base_offset).ok()?;
    Some((frame.left + x, at as f64 * frame.pitch, width, frame.pitch))
}

/// Where a batch stands in the whole drawing, as [`focus_area`].
pub(crate) fn batch_area(log: &LogPicture, frame: &Frame, id: BatchId) -> Option<(f64, f64, f64, f64)> {
    let at = log.segments.binary_search_by_key(&id.segment, |segment| segment.base_offset).ok()?;
    let x = frame.left + id.position as f64 * frame.scale;
    Some((x, at as f64 * frame.pitch, 40.0, frame.pitch))
}

/// The batch that is `by` batches further on than `from`; without `from` the first.
pub(crate) fn neighbour(log: &LogPicture, from: Option<BatchId>, by: Move) -> Option<BatchId> {
    let id = |batch: &BatchInfo| BatchId { segment: batch.segment, position: batch.position };
    let first = || log.segments.iter().flat_map(|segment| segment.batches.first()).next().map(id);
    let Some(from) = from else { return first() };
    let lane = log.segments.partition_point(|segment| segment.base_offset < from.segment);
    let Some(segment) = log.segments.get(lane).filter(|found| found.base_offset == from.segment) else {
        return first();
    };
    let at = segment.batches.partition_point(|batch| batch.position < from.position);
    let last = || log.segments.iter().rev().find_map(|segment| segment.batches.last());
    let near = |lane: usize| {
        let batches = &log.segments.get(lane)?.batches;
        let at = batches.partition_point(|batch| batch.position <= from.position);
        batches.get(at.saturating_sub(1)).map(id)
    };
    match by {
        Move::Next => {
            let later = log.segments[lane + 1..].iter().flat_map(|segment| segment.batches.first());
            segment.batches.get(at + 1).or_else(|| later.into_iter().next()).map(id)
        }
        Move::Previous => {
            let earlier = || log.segments[..lane].iter().rev().find_map(|segment| segment.batches.last());
            at.checked_sub(1).and_then(|at| segment.batches.get(at)).or_else(earlier).map(id)
        }
        Move::LaneDown => near(lane + 1),
        Move::LaneUp => near(lane.checked_sub(1)?),
        Move::First => first(),
        Move::Last => last().map(id),
    }
}

/// A way through the batches by the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    Next,
    Previous,
    LaneDown,
    LaneUp,
    First,
    Last,
}

fn lane(picture: &Picture, palette: &Palette, frame: &Frame, at: usize, x: &Range<f64>) -> Option<Lane> {
    let log = &picture.log;
    let segment = log.segments.get(at)?;
    let active = at + 1 == log.segments.len();
    let fetch = picture.fetch.as_ref();
    let floor = fetch.is_some_and(|fetch| fetch.floor_segment == Some(segment.base_offset));
    let looked_up = fetch.and_then(|fetch| fetch.looked_up).filter(|found| found.0 == segment.base_offset);
    let markers = markers(log, at, frame);
    Some(Lane {
        base_offset: segment.base_offset,
        top: at as f64 * frame.pitch,
        frame: *frame,
        width: frame.lane,
        broken: frame.broken,
        size: format!("{} / {} B", segment.size, log.segment_bytes),
        note: if floor {
            "floor segment"
        } else if active {
            "active"
        } else {
            ""
        },
        floor,
        boxes: seen(&segment.batches, frame, x)
            .iter()
            .map(|batch| batch_box(picture, palette, frame, batch))
            .collect(),
        rest: rest(picture, segment, frame),
        entries: entries(picture, segment, frame, &markers, x),
        markers,
        scan_from: looked_up.map(|(_, _, position)| position as f64 * frame.scale),
        outline: focus(picture, frame)
            .filter(|(base, ..)| *base == segment.base_offset)
            .map(|(_, x, width)| Outline { x, width }),
    })
}

/// The batches that reach into a range of pixels.
fn seen<'b>(batches: &'b [BatchInfo], frame: &Frame, x: &Range<f64>) -> &'b [BatchInfo] {
    let from = batches.partition_point(|batch| (batch.end() as f64 * frame.scale) < x.start);
    let to = batches.partition_point(|batch| (batch.position as f64 * frame.scale) < x.end);
    &batches[from..to.max(from)]
}

fn batch_box(picture: &Picture, palette: &Palette, frame: &Frame, batch: &BatchInfo) -> BatchBox {
    let width = f64::from(batch.size) * frame.scale;
    let label = offsets(batch.base_offset, batch.last_offset);
    let place = (batch.segment, batch.position);
    let focused = picture.focus == Focus::Batch(batch.segment, batch.position);
    let fetch = picture.fetch.as_ref();
    BatchBox {
        id: BatchId { segment: batch.segment, position: batch.position },
        x: batch.position as f64 * frame.scale,
        width,
        first: batch.base_offset,
        last: batch.last_offset,
        size: batch.size,
        label: (label.chars().count() as f64 * CHARACTER + 6.0 < width).then_some(label),
        colour: palette.colour(batch.first_key.as_deref()),
        unflushed: picture.state == State::Open && batch.last_offset >= picture.log.high_watermark,
        skipped: fetch.is_some_and(|fetch| has_skipped(fetch, place)),
        taken: fetch.is_some_and(|fetch| has_taken(fetch, place)),
        arrives: focused && fetch.is_none() && picture.state == State::Open,
    }
}

// A fetch goes through the log from front to back, so both lists are in order.
fn has_skipped(fetch: &FetchPicture, place: (u64, u64)) -> bool {
    fetch.skipped.binary_search_by_key(&place, |(segment, position, _)| (*segment, *position)).is_ok()
}

fn has_taken(fetch: &FetchPicture, place: (u64, u64)) -> bool {
    fetch.taken.binary_search_by_key(&place, |taken| (taken.batch.segment, taken.batch.position)).is_ok()
}

fn rest(picture: &Picture, segment: &SegmentPicture, frame: &Frame) -> Option<Rest> {
    let end = segment.batches.last().map_or(0, BatchInfo::end);
    let bytes = segment.size.checked_sub(end).filter(|bytes| *bytes > 0)?;
    let what = match picture.state {
        State::Recovering => "not checked yet",
        _ => "no whole batch",
    };
    let label = format!("{what}: {}", count(bytes, "byte", "bytes"));
    Some(Rest { x: end as f64 * frame.scale, width: bytes as f64 * frame.scale, label })
}

fn entries(
    picture: &Picture,
    segment: &SegmentPicture,
    frame: &Frame,
    markers: &[Marker],
    x: &Range<f64>,
) -> Vec<EntryMark> {
    let found = picture.fetch.as_ref().and_then(|fetch| fetch.looked_up);
    let found = found.filter(|found| found.0 == segment.base_offset).and_then(|found| found.1);
    let log_end = markers.iter().find(|marker| marker.kind == MarkerKind::LogEnd).map(|marker| {
        let width = marker.label.chars().count() as f64 * CHARACTER;
        if marker.leftward { (marker.x - width, marker.x) } else { (marker.x, marker.x + width) }
    });
    let mut free_from = f64::MIN;
    let entry = |(at, entry): (usize, &logscope::segment::IndexEntry)| {
        let x = f64::from(entry.position) * frame.scale;
        let offset = segment.base_offset + u64::from(entry.relative_offset);
        let label = format!("{offset} → {}", entry.position);
        let end = x + 8.0 + label.chars().count() as f64 * CHARACTER;
        let covered = log_end.is_some_and(|(from, to)| x < to + 4.0 && from < end + 4.0);
        let room = x >= free_from && !covered;
        if room {
            free_from = end + 8.0;
        }
        EntryMark {
            x,
            label: room.then_some(label),
            looked_up: found == Some(*entry),
            focused: picture.focus == Focus::IndexEntry(segment.base_offset, at),
        }
    };
    let place = |entry: &logscope::segment::IndexEntry| f64::from(entry.position) * frame.scale;
    let from = segment.index.partition_point(|entry| place(entry) < x.start);
    let to = segment.index.partition_point(|entry| place(entry) < x.end).max(from);
    segment.index.iter().enumerate().take(to).skip(from).map(entry).collect()
}

/// The bounds that stand in this lane. Before the first step of a log, there are none.
fn markers(log: &LogPicture, at: usize, frame: &Frame) -> Vec<Marker> {
    use MarkerKind::{HighWatermark, LogEnd, LogStart};
    let bounds = [
        (LogStart, "log start", log.log_start_offset),
        (HighWatermark, "high watermark", log.high_watermark),
        (LogEnd, "log end", log.log_end_offset),
    ];
    let mut markers: Vec<Marker> = Vec::new();
    for (kind, name, offset) in bounds {
        let Some(position) = place_of(log, offset, kind).filter(|(lane, _)| *lane == at).map(|place| place.1)
        else {
            continue;
        };
        let x = position as f64 * frame.scale;
        // Bounds that coincide share a line; the first of them says how it looks.
        if let Some(same) = markers.iter_mut().find(|marker| marker.x == x) {
            let before = same.label.rsplit_once(' ').map_or("", |(names, _)| names).to_owned();
            same.label = format!("{before} = {name} {offset}");
        } else {
            markers.push(Marker { kind, x, label: format!("{name} {offset}"), leftward: false });
        }
    }
    for marker in &mut markers {
        let width = marker.label.chars().count() as f64 * CHARACTER + 8.0;
        // What fits on neither side goes where there is more room.
        marker.leftward = marker.x + width > frame.lane && marker.x > frame.lane / 2.0;
    }
    markers
}

/// Lane and position of an offset: where its batch begins, or behind the last batch.
fn place_of(log: &LogPicture, offset: u64, kind: MarkerKind) -> Option<(usize, u64)> {
    if kind == MarkerKind::LogEnd {
        return log.segments.len().checked_sub(1).map(|last| (last, end_of(&log.segments[last])));
    }
    let after = log.segments.partition_point(|segment| segment.base_offset <= offset);
    let at = after.saturating_sub(1);
    let segment = log.segments.get(at)?;
    let batch = segment.batches.get(segment.batches.partition_point(|batch| batch.last_offset < offset));
    Some((at, batch.map_or_else(|| end_of(segment), |batch| batch.position)))
}

fn end_of(segment: &SegmentPicture) -> u64 {
    segment.batches.last().map_or(0, BatchInfo::end)
}

/// Segment, left edge and width of what the current step is about.
fn focus(picture: &Picture, frame: &Frame) -> Option<(u64, f64, f64)> {
    let scale = frame.scale;
    match picture.focus {
        Focus::None => None,
        Focus::Segment(base) => Some((base, 0.0, frame.lane)),
        Focus::Batch(base, position) => {
            let batches = &picture.log.segment(base)?.batches;
            let batch = &batches[batches.binary_search_by_key(&position, |batch| batch.position).ok()?];
            Some((base, position as f64 * scale, f64::from(batch.size) * scale))
        }
        Focus::IndexEntry(base, at) => {
            let entry = picture.log.segment(base)?.index.get(at)?;
            Some((base, f64::from(entry.position) * scale, 0.0))
        }
        Focus::TimeIndexEntry(base, _) => Some((base, 0.0, frame.lane)),
        Focus::Position(base, position) => Some((base, position as f64 * scale, 0.0)),
    }
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
