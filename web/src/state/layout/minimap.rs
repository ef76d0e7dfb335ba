//! The whole log on a strip: a line a segment, or a sample of them, and the window within.

use logscope::lab::Picture;

use super::Frame;
use super::rows::Rows;
use crate::state::Palette;

/// How wide a segment's line is, in pixels.
pub(crate) const MINIMAP: f64 = 44.0;
/// A line is not higher than this.
const HIGHEST: f64 = 7.0;
/// Keys are looked up at so many places in all.
const SAMPLES: usize = 3_000;

/// The strip.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Minimap {
    /// How high it is drawn.
    pub(crate) height: f64,
    /// From one line to the next.
    pub(crate) pitch: f64,
    pub(crate) bars: Vec<Bar>,
    /// What the window shows: left, top, width, height.
    pub(crate) window: (f64, f64, f64, f64),
    /// Where the current step's object is, from the top.
    pub(crate) step: Option<f64>,
}

/// A stretch of a segment's line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bar {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    /// The colour of its key, where keys can be told apart.
    pub(crate) colour: Option<usize>,
    /// It lies at or above the high watermark.
    pub(crate) unflushed: bool,
    /// The last fetch took it.
    pub(crate) taken: bool,
    pub(crate) gone: bool,
}

/// Draws the strip of a drawing for a window of this place and size; `None` if the window shows all.
pub(crate) fn minimap(
    picture: &Picture,
    palette: &Palette,
    frame: &Frame,
    (left, top): (f64, f64),
    (width, height): (f64, f64),
) -> Option<Minimap> {
    if frame.height <= height + 1.0 && frame.width <= width + 1.0 {
        return None;
    }
    let rows = Rows::of(picture);
    let lines = rows.count().min(height.max(1.0) as usize).max(1);
    let pitch = (height / lines as f64).min(HIGHEST);
    let strip = pitch * lines as f64;
    let longest = frame.width - frame.left;
    let samples = (SAMPLES / lines).min(MINIMAP as usize / 2);
    let mut bars = Vec::new();
    for line in 0..lines {
        line_bars(picture, palette, frame, &rows, line * rows.count() / lines, samples, |bar| {
            bars.push(Bar {
                x: bar.x / longest * MINIMAP,
                width: bar.width / longest * MINIMAP,
                y: line as f64 * pitch,
                ..bar
            });
        });
    }
    let seen_x = (left - frame.left).max(0.0) / longest * MINIMAP;
    let seen_width = ((left + width).min(frame.width) - frame.left.max(left)).max(0.0) / longest * MINIMAP;
    let down = strip / frame.height.max(1.0);
    let window = (seen_x, top * down, seen_width, height.min(frame.height) * down);
    let step = super::focus_area(picture, frame).map(|(_, y, ..)| y * down);
    Some(Minimap { height: strip, pitch, bars, window, step })
}

/// A segment's line, in pixels of the drawing.
fn line_bars(
    picture: &Picture,
    palette: &Palette,
    frame: &Frame,
    rows: &Rows<'_>,
    row: usize,
    samples: usize,
    mut push: impl FnMut(Bar),
) {
    let Some((segment, gone)) = rows.get(row) else { return };
    let (log, whole) = (&picture.log, segment.size as f64 * frame.scale);
    let bar =
        |x: f64, width: f64| Bar { x, y: 0.0, width, colour: None, unflushed: false, taken: false, gone };
    if gone || samples < 2 || segment.batches.is_empty() {
        return push(bar(0.0, whole));
    }
    let taken = picture.fetch.as_ref().map(|fetch| &fetch.taken).filter(|taken| !taken.is_empty());
    let bounds =
        taken.and_then(|taken| Some((taken.first()?.batch.base_offset, taken.last()?.batch.last_offset)));
    let share = segment.size.div_ceil(samples as u64).max(1);
    let mut last: Option<Bar> = None;
    for sample in 0..samples as u64 {
        let position = sample * share;
        if position >= segment.size {
            break;
        }
        let at = segment.batches.partition_point(|batch| batch.end() <= position);
        let Some(batch) = segment.batches.get(at) else { break };
        let width = share.min(segment.size - position) as f64 * frame.scale;
        let next = Bar {
            colour: palette.colour(batch),
            unflushed: batch.last_offset >= log.high_watermark,
            taken: bounds.is_some_and(|(from, to)| from <= batch.base_offset && batch.last_offset <= to),
            ..bar(position as f64 * frame.scale, width)
        };
        match &mut last {
            Some(last)
                if (last.colour, last.unflushed, last.taken) == (next.colour, next.unflushed, next.taken) =>
            {
                last.width += next.width;
            }
            _ => last.replace(next).into_iter().for_each(&mut push),
        }
    }
    last.into_iter().for_each(push);
}

/// How far to scroll so that a place of the strip comes to the middle of the window: left, top.
pub(crate) fn scroll_to(
    map: &Minimap,
    frame: &Frame,
    (x, y): (f64, f64),
    (width, height): (f64, f64),
) -> (f64, f64) {
    let top = y / map.height.max(1.0) * frame.height - height / 2.0;
    let left = frame.left + x / MINIMAP * (frame.width - frame.left) - width / 2.0;
    let least = |at: f64, most: f64| at.min(most).max(0.0);
    (least(left, frame.width - width), least(top, frame.height - height))
}
