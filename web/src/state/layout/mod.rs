//! From a picture to shapes: where everything in the drawing of the log stands, in pixels.
//!
//! A lane a segment, to scale in bytes; all lanes have the same height, so that only what is in view needs to be
//! laid out. Whoever paints the shapes decides nothing but colours and fonts. From afar, lanes are only as high as
//! their boxes, and nothing but boxes is laid out.
//!
//! Invariants:
//! - A batch is as wide as its bytes times the scale, and the scale is the same in all lanes. Batches too narrow to
//!   be told apart share a box.
//! - What is out of view costs nothing but a binary search.

mod described;
mod hit;
mod lane;
mod marks;
mod minimap;
mod missed;
mod readers;
mod rows;
mod shapes;
mod sheet;
mod walk;

use std::ops::Range;

use logscope::lab::{Focus, Picture};

use super::{BatchId, Palette, Zoom};
use rows::Rows;

pub(crate) use described::{LaneDescription, OptionText, described_lanes, options};
pub(crate) use hit::{Hit, hit};
pub(crate) use minimap::{Minimap, minimap, scroll_to};
pub(crate) use missed::mark_missed;
pub(crate) use readers::{ReaderMark, put_readers};
pub(crate) use shapes::{BatchBox, EntryMark, Fate, Ghost, Lane, Marker, MarkerKind, Outline, Rest, Says};
pub(crate) use sheet::{Band, Look, Marked, Motion, Sheet};
pub(crate) use walk::{Move, neighbour};

/// Above the boxes: a row for markers, and one for holes and the hops of a scan.
pub(crate) const ABOVE: f64 = 25.0;
/// The boxes.
pub(crate) const BOX: f64 = 32.0;
/// Below the boxes: a row for the offset index, and one for the time index and the log end.
pub(crate) const BELOW: f64 = 30.0;
const GAP: f64 = 6.0;
/// Room beside everything.
pub(crate) const MARGIN: f64 = 18.0;
/// The column of file names on the left, where there is room for it.
const NAMES: f64 = 174.0;
/// The row of file names above a lane, where there is none.
const NAME_ROW: f64 = 18.0;
const ROOMY: f64 = 560.0;
/// Lanes don't get narrower than this; they scroll sideways instead. A small phone has just this room, and so have two
/// partitions side by side.
const NARROWEST_LANE: f64 = 320.0;
/// An average batch doesn't get narrower than this.
const NARROWEST_BATCH: f64 = 9.0;
/// So many pixels beyond the window are laid out, for labels that begin there.
const SPARE: f64 = 200.0;
/// No drawing gets wider than this: browsers have limits.
const WIDEST: f64 = 8_000_000.0;
/// From afar: boxes don't get lower than this.
const LOWEST_BOX: f64 = 3.0;
/// From afar, and where lanes have this pitch, there is room for their names.
const NAMED_PITCH: f64 = 13.0;
/// How wide a character of a label is, about.
const CHARACTER: f64 = 6.7;

/// Sizes that depend on the room there is and on what is to be shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Frame {
    /// The whole drawing.
    pub(crate) width: f64,
    /// The whole drawing.
    pub(crate) height: f64,
    /// How many lanes there are.
    rows: usize,
    /// From one lane to the next.
    pub(crate) pitch: f64,
    /// Pixels a byte.
    pub(crate) scale: f64,
    /// Where byte 0 stands.
    pub(crate) left: f64,
    /// Where the boxes stand in a lane, and how high they are.
    pub(crate) box_top: f64,
    pub(crate) box_height: f64,
    /// Seen from afar: nothing but boxes.
    pub(crate) far: bool,
    /// How wide a lane is drawn.
    lane: f64,
    /// Whether the drawing ends before `segment.bytes`.
    broken: bool,
}

impl Frame {
    /// Whether there is room for the names of the segments beside the lanes, or above them.
    pub(crate) fn named(&self) -> bool {
        !self.far || (self.left > MARGIN && self.pitch >= NAMED_PITCH)
    }
}

/// Measures the drawing for a place that is `room` pixels wide.
pub(crate) fn frame(picture: &Picture, room: f64, zoom: Zoom) -> Frame {
    let (log, rows) = (&picture.log, Rows::of(picture).count());
    let (left, name_row) = if room < ROOMY { (MARGIN, NAME_ROW) } else { (MARGIN + NAMES, 0.0) };
    let room = (room - left - MARGIN).max(NARROWEST_LANE);
    let drawn = log.segments.iter().chain(&picture.gone);
    let largest = drawn.map(|segment| segment.size).max().unwrap_or(0);
    let full = u64::from(log.segment_bytes).max(1);
    let (factor, far) = (zoom.factor(), zoom < Zoom::default());
    let scale = scale(picture, room, full.max(largest), factor);
    let needed = largest as f64 * scale + 120.0;
    let lane = (full as f64 * scale).min((room * factor.max(1.0)).max(needed));
    let (pitch, box_top, box_height) = match far {
        true => {
            let box_height = (BOX * factor).max(LOWEST_BOX).round();
            (box_height + (box_height / 6.0).clamp(1.0, 3.0).round(), 0.0, box_height)
        }
        false => (name_row + ABOVE + BOX + BELOW + GAP, name_row + ABOVE, BOX),
    };
    Frame {
        width: left + lane.max(largest as f64 * scale) + MARGIN,
        height: pitch * rows as f64,
        rows,
        pitch,
        scale,
        left,
        box_top,
        box_height,
        far,
        lane,
        broken: lane < full as f64 * scale - 0.5,
    }
}

/// Pixels a byte. Whole segments fit the room, unless their batches would be too narrow to be seen.
fn scale(picture: &Picture, room: f64, longest: u64, factor: f64) -> f64 {
    let fitting = room / longest as f64;
    let newest =
        || picture.log.segments.iter().rev().flat_map(|segment| segment.batches.iter().rev()).take(64);
    let sampled = newest().map(|batch| u64::from(batch.size)).sum::<u64>();
    let average = sampled / newest().count().max(1) as u64;
    let legible = if average > 0 { NARROWEST_BATCH / steady(average) as f64 } else { fitting };
    let scale = (fitting.max(legible) * factor).min(WIDEST / longest as f64);
    scale.max(fitting)
}

/// A number's first four binary digits: an append changes the average a little, and is not to move all of the drawing by
/// a hair.
fn steady(number: u64) -> u64 {
    let rest = (u64::BITS - number.leading_zeros()).saturating_sub(4);
    number >> rest << rest
}

/// The part of the drawing that is seen: lanes, and pixels from byte 0 on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct View {
    pub(crate) lanes: Range<usize>,
    pub(crate) x: Range<f64>,
}

/// What a window of this place and size shows, and a little more at every end.
pub(crate) fn view(frame: &Frame, (left, top): (f64, f64), (width, height): (f64, f64)) -> View {
    let count = frame.rows;
    let first = (top / frame.pitch).floor().max(1.0) as usize - 1;
    let last = ((top + height) / frame.pitch).ceil().max(0.0) as usize + 1;
    View { lanes: first.min(count)..last.min(count), x: left - frame.left - SPARE..left + width + SPARE }
}

/// Lays out what is seen.
pub(crate) fn lanes(picture: &Picture, palette: &Palette, frame: &Frame, view: &View) -> Vec<Lane> {
    let rows = Rows::of(picture);
    view.lanes.clone().filter_map(|row| lane::lane(picture, palette, frame, &rows, row, &view.x)).collect()
}

/// Where the current step's object stands in the whole drawing: left, top, width, height. When a fetch has
/// stopped, that is the last batch that it took.
pub(crate) fn focus_area(picture: &Picture, frame: &Frame) -> Option<(f64, f64, f64, f64)> {
    let taken = || picture.fetch.as_ref()?.taken.last();
    let last_taken = || {
        let batch = &taken()?.batch;
        Some((batch.segment, batch.position as f64 * frame.scale, f64::from(batch.size) * frame.scale))
    };
    let (base, x, width) = focus(picture, picture.focus, frame).or_else(last_taken)?;
    let row = Rows::of(picture).find(base)?;
    Some((frame.left + x, row as f64 * frame.pitch, width, frame.pitch))
}

/// Where a batch stands in the whole drawing, as [`focus_area`].
pub(crate) fn batch_area(picture: &Picture, frame: &Frame, id: BatchId) -> Option<(f64, f64, f64, f64)> {
    let row = Rows::of(picture).find(id.segment)?;
    let (_, x, width) = focus(picture, Focus::Batch(id.segment, id.position), frame)?;
    Some((frame.left + x, row as f64 * frame.pitch, width.max(40.0), frame.pitch))
}

/// Segment, left edge and width of what the current step is about.
fn focus(picture: &Picture, focus: Focus, frame: &Frame) -> Option<(u64, f64, f64)> {
    let scale = frame.scale;
    match focus {
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
        Focus::TimeIndexEntry(base, at) => {
            let segment = picture.log.segment(base)?;
            let offset = base + u64::from(segment.time_index.get(at)?.relative_offset);
            Some((base, marks::position_of(segment, offset) as f64 * scale, 0.0))
        }
        Focus::Position(base, position) => Some((base, position as f64 * scale, 0.0)),
    }
}

#[cfg(test)]
mod tests;
