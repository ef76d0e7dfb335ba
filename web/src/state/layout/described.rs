//! The drawing in words, for those who do not see it: the segments in view, and the batches to walk through.

use logscope::lab::{LogPicture, Picture};
use logscope::log::BatchInfo;
use logscope::segment::{LOG_SUFFIX, file_name};

use super::{BatchBox, Frame, Lane, Rest, lane};
use crate::state::format::{count, offsets};
use crate::state::{BatchId, Palette};

/// So many batches are listed before and behind the one that can be reached.
const AROUND: usize = 32;
/// So many marks of a kind are told of a lane.
const TOLD: usize = 12;

/// A batch in words.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OptionText {
    pub(crate) id: BatchId,
    /// Which of all batches it is, from 1 on.
    pub(crate) number: usize,
    pub(crate) text: String,
}

/// The batches around one, and how many there are in all. They come in whole chunks, so that a step further on mostly
/// changes nothing.
pub(crate) fn options(
    picture: &Picture,
    palette: &Palette,
    frame: &Frame,
    around: Option<BatchId>,
) -> (Vec<OptionText>, usize) {
    let log = &picture.log;
    let all = log.segments.iter().map(|segment| segment.batches.len()).sum();
    let centre = around.and_then(|id| number(log, id)).unwrap_or(0);
    let from = (centre / AROUND * AROUND).saturating_sub(AROUND);
    let option = |(at, batch): (usize, &BatchInfo)| {
        let shape = lane::batch_box(picture, palette, frame, batch);
        let hue = palette.hue(batch).map(|hue| format!(", {}", hue.told())).unwrap_or_default();
        OptionText { id: shape.id, number: from + at + 1, text: batch_text(&shape, &hue) }
    };
    let options = batches_from(log, from).take(3 * AROUND).enumerate().map(option).collect();
    (options, all)
}

/// How many batches come before one.
fn number(log: &LogPicture, id: BatchId) -> Option<usize> {
    let lane = log.segments.binary_search_by_key(&id.segment, |segment| segment.base_offset).ok()?;
    let at = log.segments[lane].batches.binary_search_by_key(&id.position, |batch| batch.position).ok()?;
    Some(log.segments[..lane].iter().map(|segment| segment.batches.len()).sum::<usize>() + at)
}

/// The batches from one on, counted through all segments.
fn batches_from(log: &LogPicture, mut from: usize) -> impl Iterator<Item = &BatchInfo> {
    let mut lane = 0;
    while let Some(segment) = log.segments.get(lane).filter(|segment| segment.batches.len() <= from) {
        from -= segment.batches.len();
        lane += 1;
    }
    let first =
        log.segments.get(lane).into_iter().flat_map(move |segment| segment.batches.range(from..usize::MAX));
    first.chain(log.segments.iter().skip(lane + 1).flat_map(|segment| &segment.batches))
}

/// A batch's name: its offsets, its size, what its colour says, and what is special about it.
pub(super) fn batch_text(shape: &BatchBox, hue: &str) -> String {
    let (offsets, size) = (offsets(shape.first, shape.last), count(shape.size, "byte", "bytes"));
    let mut text = match shape.batches {
        1 => format!("Batch {offsets}, {size}{hue}"),
        batches => format!("{batches} batches, {offsets}, {size}"),
    };
    if shape.unflushed {
        text.push_str(", not on disk yet");
    }
    if shape.skipped {
        text.push_str(", looked at by the scan");
    }
    if shape.taken {
        text.push_str(", fetched");
    }
    if !shape.going.is_empty() {
        text.push_str(", compaction lets records go");
    }
    if shape.missing > 0 {
        text.push_str(&format!(", {} of its records gone", shape.missing));
    }
    if shape.below_start {
        text.push_str(", below the log start offset");
    }
    text
}

/// Bytes that are no batch, in words.
pub(super) fn rest_text(rest: &Rest) -> String {
    rest.label.clone()
}

/// A segment in words, and what stands at it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LaneDescription {
    pub(crate) base_offset: u64,
    /// The name of its `.log` file.
    pub(crate) name: String,
    /// How full it is, and what is special about it.
    pub(crate) text: String,
    /// Bounds of the log, positions of consumers, holes, and entries of the indexes.
    pub(crate) marks: Vec<String>,
}

/// Puts lanes into words.
pub(crate) fn described_lanes(lanes: &[Lane]) -> Vec<LaneDescription> {
    lanes.iter().map(described).collect()
}

fn described(lane: &Lane) -> LaneDescription {
    let mut marks: Vec<String> = lane.markers.iter().map(|marker| marker.label.clone()).collect();
    marks.extend(lane.readers.iter().map(|reader| reader.title()));
    marks.extend(lane.rest.as_ref().map(rest_text));
    for (kind, of_kind) in [("holes", &lane.holes), ("entries", &lane.entries), ("entries", &lane.times)] {
        marks.extend(of_kind.iter().take(TOLD).map(|mark| mark.title()));
        if of_kind.len() > TOLD {
            marks.push(format!("{} {kind} more", of_kind.len() - TOLD));
        }
    }
    let note = if lane.note.is_empty() { String::new() } else { format!(", {}", lane.note) };
    LaneDescription {
        base_offset: lane.base_offset,
        name: file_name(lane.base_offset, LOG_SUFFIX),
        text: format!("{}{note}", lane.size),
        marks,
    }
}
