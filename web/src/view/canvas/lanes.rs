//! What is in view, painted from the ground up: beds, batches, what lies between, marks, names.

use logscope::segment::{LOG_SUFFIX, file_name};

use super::inks::Ink;
use super::pen::{Align, Pen, Rect};
use super::{boxes, marks};
use crate::state::layout::{BOX, Band, Frame, Lane, Look, MARGIN, Motion, Outline, Sheet};

/// Empties a band of the sheet, and paints it.
pub(super) fn paint(pen: &Pen<'_>, sheet: &Sheet, band: Band) {
    let Sheet { frame, scrolled, size, .. } = sheet;
    let looks = sheet.looks.get(band.looks).unwrap_or_default();
    pen.within((0.0, band.y.start, size.0, band.y.end - band.y.start), || {
        pen.move_origin(-scrolled.0, -scrolled.1);
        paint_looks(pen, frame, looks);
        if frame.named() {
            if frame.left > MARGIN {
                // The lanes slide beneath their names.
                pen.fill_rect(Ink::Ground, (scrolled.0, scrolled.1, frame.left - 8.0, size.1));
            }
            pen.font(11.0, 400);
            looks.iter().for_each(|look| name(pen, &look.lane, scrolled.0));
        }
    });
}

fn paint_looks(pen: &Pen<'_>, frame: &Frame, looks: &[Look]) {
    looks.iter().for_each(|look| bed(pen, &look.lane));
    pen.font(11.0, 400);
    boxes::paint(pen, frame, looks);
    if !frame.far {
        pen.font(10.5, 400);
        looks.iter().for_each(|look| marks::paint(pen, look));
    }
    looks.iter().for_each(|look| outlines(pen, look));
}

/// Where the boxes of a lane begin.
pub(super) fn origin(lane: &Lane) -> (f64, f64) {
    (lane.frame.left, lane.top + lane.frame.box_top)
}

/// How far a lane that is gone has moved aside.
pub(super) fn aside(lane: &Lane, motion: Motion) -> f64 {
    if lane.gone { 14.0 * motion.moves } else { 0.0 }
}

/// The room that the segment has, up to `segment.bytes`.
fn bed(pen: &Pen<'_>, lane: &Lane) {
    let ((x, y), (width, height)) = (origin(lane), (lane.width, lane.frame.box_height));
    if lane.frame.far && height < 8.0 {
        return pen.fill_rect(Ink::Bed, (x, y, width, height));
    }
    if lane.gone {
        return pen.frame(Ink::Line, (x + 0.5, y + 0.5, width - 1.0, height - 1.0), 1.0, &[3.0, 3.0]);
    }
    pen.fill_rect(Ink::Bed, (x, y, width, height));
    pen.line_style(if lane.floor { Ink::Field } else { Ink::Line }, 1.0, &[]);
    if !lane.broken {
        return pen.context.stroke_rect(x + 0.5, y + 0.5, width - 1.0, height - 1.0);
    }
    let (right, quarter) = (x + width - 0.5, height / 4.0);
    let notch = |at: usize| (right - if at % 2 == 1 { 5.0 } else { 0.0 }, y + height - quarter * at as f64);
    let mut edge =
        vec![(right, y + 0.5), (x + 0.5, y + 0.5), (x + 0.5, y + height - 0.5), (right, y + height - 0.5)];
    edge.extend((1..=4).map(notch));
    pen.line(&edge);
}

/// What the step is about, and what because of.
fn outlines(pen: &Pen<'_>, Look { lane, motion, .. }: &Look) {
    let ((x, y), height) = (origin(lane), lane.frame.box_height);
    let rect = |outline: &Outline, out: f64| -> Rect {
        (x + outline.x - out, y - out, (outline.width - 1.0).max(2.0) + 2.0 * out, height + 2.0 * out)
    };
    if let Some(cause) = &lane.cause {
        pen.frame(Ink::Accent, rect(cause, -0.5), 2.0, &[5.0, 3.0]);
    }
    let Some(outline) = &lane.outline else { return };
    pen.opacity(motion.outline);
    if outline.width > 0.0 {
        pen.frame(Ink::Accent, rect(outline, 1.0), 2.5, &[]);
    } else {
        pen.line_style(Ink::Accent, 2.5, &[]);
        pen.line(&[(x + outline.x, y - 4.0), (x + outline.x, y + height + 4.0)]);
    }
    pen.opacity(1.0);
}

/// File name and size: left of the lane where there is room, above it where there is none. They stay in view.
fn name(pen: &Pen<'_>, lane: &Lane, scrolled: f64) {
    let (beside, x) = (lane.frame.left > MARGIN, MARGIN + scrolled);
    // A line above the lane has no room for many zeros.
    let name = match beside || lane.frame.far {
        true => file_name(lane.base_offset, LOG_SUFFIX),
        false => format!("0000…{:04}{LOG_SUFFIX}", lane.base_offset),
    };
    let ink = match (lane.gone, lane.floor) {
        (true, _) => Ink::Grave,
        (_, true) => Ink::Text,
        _ => Ink::Soft,
    };
    let write_name = |y: f64| {
        let weight = if lane.floor { 600 } else { 400 };
        pen.font(11.0, weight);
        pen.text(&name, (x, y), Align::Start, ink, None);
        if lane.gone {
            pen.line_style(ink, 1.0, &[]);
            pen.line(&[(x, y - 4.0), (x + pen.width(&name), y - 4.0)]);
        }
        pen.font(11.0, 400);
    };
    if lane.frame.far {
        return write_name(lane.top + lane.frame.box_height / 2.0 + 4.0);
    }
    let note = |x: f64, y: f64| pen.text(lane.note, (x, y), Align::Start, Ink::Accent, None);
    if beside {
        let y = lane.top + lane.frame.box_top + BOX / 2.0 - 3.0;
        write_name(y);
        pen.text(&lane.size, (x, y + 15.0), Align::Start, Ink::Soft, None);
        note(x + pen.width(&lane.size) + 8.0, y + 15.0);
    } else {
        let y = lane.top + 12.0;
        write_name(y);
        let x = x + pen.width(&name) + 10.0;
        pen.text(&lane.size, (x, y), Align::Start, Ink::Soft, None);
        note(x + pen.width(&lane.size) + 8.0, y);
    }
}
