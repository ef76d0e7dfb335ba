//! Batches, what a step has taken away of them, and bytes that are none.

use super::inks::Ink;
use super::lanes::{aside, origin};
use super::pen::{Align, Fills, Pen, Rect};
use crate::state::layout::{BatchBox, Fate, Frame, Ghost, Lane, Look, Marked, Motion};

/// How far a batch that has just come slides in.
const SLIDE: f64 = 28.0;

/// Paints the boxes of all lanes.
pub(super) fn paint(pen: &Pen<'_>, frame: &Frame, looks: &[Look]) {
    let mut resting = Vec::new();
    for look in looks {
        let rests = |shape: &&BatchBox| !arriving(shape, look.motion);
        resting.extend(look.lane.boxes.iter().filter(rests).map(|shape| (look, shape)));
    }
    fill(pen, &resting);
    for look in looks {
        let Look { lane, motion, .. } = look;
        for shape in &lane.boxes {
            if arriving(shape, *motion) {
                arrive(pen, look, shape);
            } else {
                details(pen, lane, shape, look.marked);
            }
        }
        lane.ghosts.iter().for_each(|shape| ghost(pen, lane, shape, *motion));
        if !frame.far {
            rest(pen, lane);
        }
    }
}

/// Fills boxes: all of one colour at once.
fn fill(pen: &Pen<'_>, shapes: &[(&Look, &BatchBox)]) {
    let (mut bodies, mut feet, mut hatched) = (Fills::new(), Fills::new(), Vec::new());
    for (look, shape) in shapes {
        add(&look.lane, shape, look.marked, &mut bodies, &mut feet, &mut hatched);
    }
    bodies.draw(pen);
    pen.hatch(&hatched);
    feet.draw(pen);
}

fn arriving(shape: &BatchBox, motion: Motion) -> bool {
    shape.arrives && motion.moves < 1.0
}

/// A batch on its way to its place.
fn arrive(pen: &Pen<'_>, look: &Look, shape: &BatchBox) {
    let moves = look.motion.moves;
    pen.apart(|| {
        pen.opacity(moves);
        pen.move_origin(-SLIDE * (1.0 - moves), 0.0);
        fill(pen, &[(look, shape)]);
        details(pen, &look.lane, shape, look.marked);
    });
}

fn place(lane: &Lane, shape: &BatchBox) -> Rect {
    let (x, y) = origin(lane);
    // A hairline between batches that can be told apart.
    let between = if shape.batches > 1 { 0.0 } else { 1.0 };
    (x + shape.x, y, (shape.width - between).max(0.8), lane.frame.box_height)
}

fn add(
    lane: &Lane,
    shape: &BatchBox,
    marked: Marked,
    bodies: &mut Fills,
    feet: &mut Fills,
    hatched: &mut Vec<Rect>,
) {
    let (rect, key) = (place(lane, shape), shape.colour);
    let (x, y, width, height) = rect;
    let low = height < 8.0;
    bodies.add(
        match shape {
            _ if shape.below_start => Ink::Bed,
            _ if marked.hovered == Some(shape.id) || shape.taken => Ink::Strong(key),
            _ if shape.skipped || shape.empty => Ink::Faint(key),
            _ if low && !shape.unflushed => Ink::Shown(key),
            _ => Ink::Body(key),
        },
        rect,
    );
    if shape.unflushed && !low {
        hatched.push(rect);
    }
    let foot = if height < 16.0 { 2.0 } else { 4.0 };
    if !low {
        let ink = if shape.below_start { Ink::Line } else { Ink::Shown(key) };
        feet.add(ink, (x, y + height - foot, width, foot));
    }
}

/// What only some boxes have: a label, frames, records that go.
fn details(pen: &Pen<'_>, lane: &Lane, shape: &BatchBox, marked: Marked) {
    let rect @ (x, y, width, height) = place(lane, shape);
    if shape.below_start && shape.batches == 1 {
        pen.frame(Ink::Line, (x + 0.5, y + 0.5, (width - 1.0).max(0.5), height - 1.0), 1.0, &[]);
    }
    if shape.missed {
        let inset = (x + 1.0, y + 1.0, (width - 2.0).max(0.5), (height - 2.0).max(1.0));
        pen.frame(Ink::Grave, inset, 2.0, &[4.0, 3.0]);
    }
    for (from, part) in &shape.going {
        let part = (lane.frame.left + from, y, (part - 1.0).max(0.8), height);
        pen.opacity(0.85);
        pen.fill_rect(Ink::GraveTint, part);
        pen.opacity(1.0);
        pen.frame(Ink::Grave, part, 1.0, &[3.0, 3.0]);
    }
    if let Some(label) = &shape.label {
        let goes = matches!(shape.going[..], [(_, part)] if part > shape.width - 0.5);
        let ink = if goes {
            Ink::Grave
        } else if shape.below_start {
            Ink::Soft
        } else {
            Ink::Text
        };
        let halo = (shape.unflushed && height > 16.0).then_some(Ink::Body(shape.colour));
        let (middle, base) = (x + width / 2.0, y + height / 2.0 + if height < 24.0 { 3.5 } else { 2.5 });
        if shape.taken {
            pen.font(11.0, 700);
        }
        pen.text(label, (middle, base), Align::Centre, ink, halo);
        if shape.taken {
            pen.font(11.0, 400);
        }
        if goes || shape.below_start {
            strike(pen, label, (middle, base), ink);
        }
    }
    if marked.focused == Some(shape.id) {
        pen.frame(Ink::Accent, (x - 1.0, y - 1.0, width + 2.0, height + 2.0), 3.0, &[]);
    } else if marked.selected == Some(shape.id) {
        pen.frame(Ink::Text, rect, 2.0, &[]);
    }
}

/// A line through text that stands in the middle of its place.
fn strike(pen: &Pen<'_>, text: &str, (middle, base): (f64, f64), ink: Ink) {
    let half = pen.width(text) / 2.0;
    pen.line_style(ink, 1.0, &[]);
    pen.line(&[(middle - half, base - 3.5), (middle + half, base - 3.5)]);
}

/// What the step has taken away: it moves aside and fades.
fn ghost(pen: &Pen<'_>, lane: &Lane, shape: &Ghost, motion: Motion) {
    let ((x, y), height) = (origin(lane), lane.frame.box_height);
    let x = x + shape.x + aside(lane, motion);
    let rect = (x + 0.5, y + 0.5, (shape.width - 2.0).max(0.8), height - 1.0);
    let ink = if shape.fate == Fate::Moved { Ink::Field } else { Ink::Grave };
    pen.opacity(1.0 - 0.3 * motion.moves);
    pen.frame(ink, rect, 1.0, &[3.0, 3.0]);
    if let Some(label) = &shape.label {
        let at = (x + shape.width / 2.0, y + height / 2.0 + 3.5);
        let ink = if shape.fate == Fate::Moved { Ink::Soft } else { Ink::Grave };
        pen.text(label, at, Align::Centre, ink, None);
        if shape.fate == Fate::Gone {
            strike(pen, label, at, ink);
        }
    }
    pen.opacity(1.0);
}

/// Bytes that are no batch, or not known to be one yet.
fn rest(pen: &Pen<'_>, lane: &Lane) {
    let Some(rest) = &lane.rest else { return };
    let ((x, y), height) = (origin(lane), lane.frame.box_height);
    let rect = (x + rest.x, y + 0.5, rest.width.max(2.0), height - 1.0);
    let ink = if rest.unread { Ink::Soft } else { Ink::Grave };
    pen.hatch(&[rect]);
    pen.frame(ink, rect, 1.0, &[3.0, 3.0]);
    pen.text(&rest.label, (x + rest.x + 6.0, y + height / 2.0 + 3.5), Align::Start, ink, Some(Ink::Raised));
}
