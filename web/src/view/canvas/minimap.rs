//! The strip with the whole log.

use super::inks::Ink;
use super::pen::{Fills, Pen};
use crate::state::layout::Minimap;

/// Paints the strip, in so much room.
pub(super) fn paint(pen: &Pen<'_>, map: &Minimap, (width, height): (f64, f64)) {
    pen.within((0.0, 0.0, width, height), || bars_and_window(pen, map, width));
}

fn bars_and_window(pen: &Pen<'_>, map: &Minimap, width: f64) {
    let mut fills = Fills::new();
    let height = if map.pitch >= 3.0 { map.pitch - 1.0 } else { map.pitch };
    for bar in &map.bars {
        let ink = match bar {
            _ if bar.gone => Ink::Grave,
            _ if bar.taken => Ink::Accent,
            _ if bar.unflushed => Ink::Body(bar.colour),
            _ => Ink::Shown(bar.colour),
        };
        fills.add(ink, (bar.x, bar.y, bar.width.max(1.0), height));
    }
    fills.draw(pen);
    let (x, y, seen_width, seen_height) = map.window;
    let high = seen_height.max(4.0);
    let rect =
        (x.min(width - 3.0) + 0.5, y.min(map.height - high) + 0.5, seen_width.max(3.0) - 1.0, high - 1.0);
    pen.opacity(0.25);
    pen.fill_rect(Ink::Accent, rect);
    pen.opacity(1.0);
    pen.frame(Ink::Accent, rect, 1.0, &[]);
    if let Some(step) = map.step {
        pen.ink(Ink::Accent);
        pen.fill(&[(0.0, step - 3.0), (5.0, step), (0.0, step + 3.0)]);
    }
}
