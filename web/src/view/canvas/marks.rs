//! What stands above and below the boxes: hops of a scan, index entries, holes, the bounds of the log, consumers.

use super::inks::Ink;
use super::lanes::origin;
use super::pen::{Align, Pen};
use crate::state::layout::{
    ABOVE, BELOW, BOX, BatchBox, EntryMark, Lane, Look, Marker, MarkerKind, Motion, ReaderMark,
};

/// Paints the marks of a lane.
pub(super) fn paint(pen: &Pen<'_>, look: &Look) {
    let (x, y) = origin(&look.lane);
    pen.apart(|| {
        pen.move_origin(x, y);
        in_place(pen, &look.lane, look.motion);
    });
}

/// Paints them with the lane's boxes as the origin.
fn in_place(pen: &Pen<'_>, lane: &Lane, motion: Motion) {
    hops(pen, lane, motion);
    pen.font(10.5, 400);
    in_turn(&lane.entries, |marks, ink| wedges(pen, marks, ink));
    in_turn(&lane.times, |marks, ink| clocks(pen, marks, ink));
    in_turn(&lane.holes, |marks, _| marks.iter().for_each(|mark| hole(pen, mark)));
    if let Some(x) = lane.scan_from {
        pen.ink(Ink::Accent);
        pen.fill(&[(x - 4.0, -9.0), (x + 4.0, -9.0), (x, -2.0)]);
    }
    lane.markers.iter().for_each(|bound| marker(pen, bound));
    lane.readers.iter().for_each(|mark| reader(pen, mark));
}

/// Draws marks, all of one colour at once: there may be hundreds, and each stroke costs as much as its start.
fn in_turn(marks: &[EntryMark], draw: impl Fn(&[&EntryMark], Ink)) {
    // Those that the step is about come last: their labels may cover others.
    let (special, plain): (Vec<_>, Vec<_>) = marks.iter().partition(|mark| special(mark));
    for (marks, ink) in [(plain, Ink::Field), (special, Ink::Accent)] {
        if !marks.is_empty() {
            draw(&marks, ink);
        }
    }
}

fn special(mark: &EntryMark) -> bool {
    mark.focused || mark.looked_up
}

/// A scan hops over batches; the last hop is being made.
fn hops(pen: &Pen<'_>, lane: &Lane, motion: Motion) {
    let mut skipped = lane.boxes.iter().filter(|shape| shape.skipped).peekable();
    if skipped.peek().is_none() {
        return;
    }
    let on_its_way = |shape: &BatchBox| lane.outline.is_some_and(|outline| outline.x == shape.x);
    let arc = |shape: &BatchBox| {
        let (from, to) = (shape.x, shape.x + shape.width);
        let (rise, fall) = (from + shape.width / 4.0, to - shape.width / 4.0);
        pen.context.move_to(from, -1.0);
        pen.context.bezier_curve_to(rise, -15.0, fall, -15.0, to, -1.0);
    };
    pen.line_style(Ink::Accent, 1.5, &[]);
    pen.context.begin_path();
    let mut last = None;
    for shape in skipped {
        if on_its_way(shape) { last = Some(shape) } else { arc(shape) }
    }
    pen.context.stroke();
    if let Some(shape) = last {
        let length = shape.width + 14.0;
        pen.line_style(Ink::Accent, 1.5, &[length * motion.moves, length]);
        pen.context.begin_path();
        arc(shape);
        pen.context.stroke();
        pen.line_style(Ink::Accent, 1.5, &[]);
    }
}

/// Wedges: they point at positions.
fn wedges(pen: &Pen<'_>, marks: &[&EntryMark], ink: Ink) {
    pen.ink(ink);
    pen.context.begin_path();
    for mark in marks {
        let x = mark.x.max(1.0);
        pen.add(&[(x, BOX + 3.0), (x + 4.0, BOX + 9.0), (x - 4.0, BOX + 9.0)]);
    }
    pen.context.fill();
    marks.iter().for_each(|mark| label(pen, mark, BOX + 11.0));
}

/// Clocks' faces. Everything in them is filled: round lines are what takes a browser without a GPU longest.
fn clocks(pen: &Pen<'_>, marks: &[&EntryMark], ink: Ink) {
    let places = || marks.iter().map(|mark| (mark.x.max(1.0), BOX + 19.5));
    for (ink, radius) in [(ink, 4.1), (Ink::Raised, 2.9)] {
        pen.ink(ink);
        pen.context.begin_path();
        places().for_each(|(x, y)| pen.add_circle(x, y, radius));
        pen.context.fill();
    }
    pen.ink(ink);
    pen.context.begin_path();
    for (x, y) in places() {
        pen.context.rect(x - 0.6, y - 2.5, 1.2, 3.1);
        pen.context.rect(x + 0.6, y - 0.6, 1.6, 1.2);
    }
    pen.context.fill();
    marks.iter().for_each(|mark| label(pen, mark, BOX + 23.0));
}

/// A notch in the upper edge, and the offsets that nothing is left of.
fn hole(pen: &Pen<'_>, mark: &EntryMark) {
    let x = mark.x.max(1.0);
    let notch = [(x - 4.5, -1.0), (x + 4.5, -1.0), (x, 7.0), (x - 4.5, -1.0)];
    pen.ink(Ink::Ground);
    pen.fill(&notch);
    pen.line_style(Ink::Soft, 1.0, &[]);
    pen.line(&notch);
    label(pen, mark, -3.0);
    if let Some(text) = &mark.label {
        let (from, width) = (mark.x + 8.0, pen.width(text));
        let from = if mark.leftward { mark.x - 8.0 - width } else { from };
        pen.line(&[(from, -6.5), (from + width, -6.5)]);
    }
}

fn label(pen: &Pen<'_>, mark: &EntryMark, base: f64) {
    let Some(text) = &mark.label else { return };
    let (dx, align) = if mark.leftward { (-8.0, Align::End) } else { (8.0, Align::Start) };
    if special(mark) {
        pen.font(10.5, 600);
        clear(pen, text, (mark.x + dx, base), align);
        pen.text(text, (mark.x + dx, base), align, Ink::Accent, Some(Ink::Ground));
        pen.font(10.5, 400);
    } else {
        pen.text(text, (mark.x + dx, base), align, Ink::Soft, None);
    }
}

/// Takes away the marks that a text is to cover: between its letters they would be taken for some of them.
fn clear(pen: &Pen<'_>, text: &str, (x, base): (f64, f64), align: Align) {
    let width = pen.width(text);
    let from = if align == Align::End { x - width } else { x };
    pen.fill_rect(Ink::Ground, (from - 1.0, base - 9.0, width + 2.0, 12.0));
}

/// A triangle that points down at where consumers go on.
fn reader(pen: &Pen<'_>, mark: &ReaderMark) {
    let (x, tip) = (mark.x.max(1.0), -ABOVE - 1.0);
    pen.line_style(Ink::Soft, 1.0, &[1.0, 2.0]);
    pen.line(&[(x, tip), (x, 0.0)]);
    pen.ink(Ink::Text);
    pen.fill(&[(x - 4.5, tip - 8.0), (x + 4.5, tip - 8.0), (x, tip)]);
    let (dx, align) = if mark.leftward { (-8.0, Align::End) } else { (8.0, Align::Start) };
    pen.text(&mark.label, (x + dx, tip - 1.0), align, Ink::Text, Some(Ink::Ground));
}

fn marker(pen: &Pen<'_>, marker: &Marker) {
    let x = marker.x.max(0.5);
    let (ink, dashes, line, base): (_, &[f64], _, _) = match marker.kind {
        MarkerKind::LogStart => (Ink::Soft, &[], (3.0 - ABOVE, BOX), -15.0),
        MarkerKind::RecoveryPoint => (Ink::Soft, &[1.5, 2.5], (-10.0, BOX), -3.0),
        MarkerKind::HighWatermark => (Ink::Text, &[], (3.0 - ABOVE, BOX), -15.0),
        MarkerKind::LogEnd => (Ink::Text, &[3.0, 2.0], (0.0, BOX + BELOW - 4.0), BOX + 23.0),
    };
    pen.line_style(ink, 1.5, dashes);
    pen.line(&[(x, line.0), (x, line.1)]);
    let (dx, align) = if marker.leftward { (-5.0, Align::End) } else { (5.0, Align::Start) };
    let ink = if marker.kind == MarkerKind::RecoveryPoint { Ink::Soft } else { Ink::Text };
    if marker.kind == MarkerKind::LogEnd {
        clear(pen, &marker.label, (x + dx, base), align);
    }
    pen.text(&marker.label, (x + dx, base), align, ink, Some(Ink::Ground));
}
