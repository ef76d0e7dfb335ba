//! What is at a place of the drawing.

use logscope::lab::Picture;

use super::described::{batch_text, rest_text};
use super::rows::Rows;
use super::{BOX, Frame, lane};
use crate::state::{BatchId, Palette};

/// How far a mark may be from the pointer, in pixels.
const NEAR: f64 = 6.0;

/// What the pointer is over.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hit {
    /// The batch, if it is one.
    pub(crate) batch: Option<BatchId>,
    /// What it is, in words.
    pub(crate) title: String,
}

/// What is at a place of the whole drawing.
pub(crate) fn hit(picture: &Picture, palette: &Palette, frame: &Frame, x: f64, y: f64) -> Option<Hit> {
    if x < 0.0 || y < 0.0 {
        return None;
    }
    let (row, x) = ((y / frame.pitch) as usize, x - frame.left);
    let lane = lane::lane(picture, palette, frame, &Rows::of(picture), row, &(x - NEAR..x + NEAR))?;
    let y = y - lane.top - frame.box_top;
    let within = |from: f64, width: f64| from <= x && x < from + width;
    if (0.0..frame.box_height).contains(&y) {
        if let Some(shape) = lane.boxes.iter().find(|shape| within(shape.x, shape.width)) {
            return Some(Hit { batch: Some(shape.id), title: batch_text(shape, "") });
        }
        let rest = lane.rest.as_ref().filter(|rest| within(rest.x, rest.width))?;
        return Some(Hit { batch: None, title: rest_text(rest) });
    }
    let marks = match y {
        y if y < 0.0 => &lane.holes,
        y if y < BOX + 13.0 => &lane.entries,
        _ => &lane.times,
    };
    let nearest = marks.iter().min_by(|a, b| (a.x - x).abs().total_cmp(&(b.x - x).abs()));
    let mark = nearest.filter(|mark| (mark.x - x).abs() <= NEAR)?;
    Some(Hit { batch: None, title: mark.title() })
}
