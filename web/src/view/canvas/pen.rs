//! A canvas, in the few strokes that the drawing is made of.

use std::cell::Cell;

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CanvasPattern, CanvasRenderingContext2d, HtmlCanvasElement};

use super::inks::{INKS, Ink, Inks};
use crate::browser;
use crate::state::format::decimal;

/// The side of the hatching's tile, in pixels.
const TILE: u32 = 6;

/// Draws on one canvas, in CSS pixels.
#[derive(Debug)]
pub(super) struct Pen<'s> {
    pub(super) context: CanvasRenderingContext2d,
    inks: &'s Inks,
    /// Size and weight of the text, as they were set last: to set them costs more than to write with them.
    text: Cell<(f64, u32)>,
}

/// A rectangle: left, top, width, height.
pub(super) type Rect = (f64, f64, f64, f64);

/// How text stands to its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Start,
    Centre,
    End,
}

impl<'s> Pen<'s> {
    /// Gives a canvas this size, which empties it if it had another, and takes a pen to it. `None` if the browser has none.
    pub(super) fn new(
        canvas: &HtmlCanvasElement,
        inks: &'s Inks,
        (width, height): (f64, f64),
        ratio: f64,
    ) -> Option<Self> {
        let (wide, high) = ((width * ratio).round() as u32, (height * ratio).round() as u32);
        if (canvas.width(), canvas.height()) != (wide, high) {
            canvas.set_width(wide);
            canvas.set_height(high);
        }
        let context: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0).ok()?;
        context.set_line_join("round");
        Some(Self { context, inks, text: Cell::new((0.0, 0)) })
    }

    /// Empties a part of the canvas, and draws in it and nowhere else, with settings and an origin of its own.
    pub(super) fn within(&self, (x, y, width, height): Rect, draw: impl FnOnce()) {
        self.apart(|| {
            self.context.begin_path();
            self.context.rect(x, y, width, height);
            self.context.clip();
            self.context.clear_rect(x, y, width, height);
            draw();
        });
    }

    /// Draws something with settings and an origin of its own.
    pub(super) fn apart(&self, draw: impl FnOnce()) {
        self.context.save();
        let text = self.text.get();
        draw();
        self.text.set(text);
        self.context.restore();
    }

    pub(super) fn move_origin(&self, x: f64, y: f64) {
        // It fails for numbers that are none, and draws nothing then.
        let _ = self.context.translate(x, y);
    }

    /// What is filled from now on has this ink; lines have that of their style.
    pub(super) fn ink(&self, ink: Ink) {
        self.context.set_fill_style_str(self.inks.get(ink));
    }

    /// How much of what follows is seen, from 0 to 1.
    pub(super) fn opacity(&self, share: f64) {
        self.context.set_global_alpha(share.clamp(0.0, 1.0));
    }

    pub(super) fn fill_rect(&self, ink: Ink, (x, y, width, height): Rect) {
        self.ink(ink);
        self.context.fill_rect(x, y, width, height);
    }

    /// A frame of this thickness; with `dashes`, a broken one.
    pub(super) fn frame(&self, ink: Ink, (x, y, width, height): Rect, thickness: f64, dashes: &[f64]) {
        self.line_style(ink, thickness, dashes);
        self.context.stroke_rect(x, y, width, height);
        self.dashes(&[]);
    }

    pub(super) fn line_style(&self, ink: Ink, thickness: f64, dashes: &[f64]) {
        self.context.set_stroke_style_str(self.inks.get(ink));
        self.context.set_line_width(thickness);
        self.dashes(dashes);
    }

    fn dashes(&self, dashes: &[f64]) {
        let dashes: js_sys::Array = dashes.iter().map(|dash| JsValue::from_f64(*dash)).collect();
        // It fails for dashes that are not numbers.
        let _ = self.context.set_line_dash(&dashes);
    }

    /// Strokes through these points.
    pub(super) fn line(&self, points: &[(f64, f64)]) {
        self.trace(points);
        self.context.stroke();
    }

    /// Fills what these points enclose.
    pub(super) fn fill(&self, points: &[(f64, f64)]) {
        self.trace(points);
        self.context.fill();
    }

    fn trace(&self, points: &[(f64, f64)]) {
        self.context.begin_path();
        self.add(points);
    }

    /// Adds a line through these points to the path that was begun.
    pub(super) fn add(&self, points: &[(f64, f64)]) {
        for (at, (x, y)) in points.iter().enumerate() {
            if at == 0 { self.context.move_to(*x, *y) } else { self.context.line_to(*x, *y) }
        }
    }

    /// Adds a circle to the path that was begun.
    pub(super) fn add_circle(&self, x: f64, y: f64, radius: f64) {
        self.context.move_to(x + radius, y);
        // It fails for a radius below zero.
        let _ = self.context.arc(x, y, radius, 0.0, std::f64::consts::TAU);
    }

    /// Text of this size from now on.
    pub(super) fn font(&self, size: f64, weight: u32) {
        if self.text.replace((size, weight)) == (size, weight) {
            return;
        }
        self.context.set_font(&format!("{weight} {}px {}", decimal(size, 2), self.inks.font));
    }

    /// Text, and around it the ground that it stands on, if it covers something.
    pub(super) fn text(&self, text: &str, (x, y): (f64, f64), align: Align, ink: Ink, halo: Option<Ink>) {
        self.context.set_text_align(match align {
            Align::Start => "left",
            Align::Centre => "center",
            Align::End => "right",
        });
        if let Some(halo) = halo {
            self.line_style(halo, 4.0, &[]);
            let _ = self.context.stroke_text(text, x, y);
        }
        self.ink(ink);
        let _ = self.context.fill_text(text, x, y);
    }

    /// How wide a text would be.
    pub(super) fn width(&self, text: &str) -> f64 {
        self.context.measure_text(text).map_or(0.0, |metrics| metrics.width())
    }

    /// Fills rectangles with slanted lines.
    pub(super) fn hatch(&self, rects: &[Rect]) {
        if rects.is_empty() {
            return;
        }
        let pattern = self.inks.hatching.get_or_init(|| self.pattern(Ink::Text));
        let Some(pattern) = pattern else { return };
        self.context.set_fill_style_canvas_pattern(pattern);
        rects.iter().for_each(|(x, y, width, height)| self.context.fill_rect(*x, *y, *width, *height));
    }

    fn pattern(&self, ink: Ink) -> Option<CanvasPattern> {
        let tile: HtmlCanvasElement = browser::document()?.create_element("canvas").ok()?.dyn_into().ok()?;
        tile.set_width(TILE);
        tile.set_height(TILE);
        let pen: CanvasRenderingContext2d = tile.get_context("2d").ok()??.dyn_into().ok()?;
        pen.set_stroke_style_str(self.inks.get(ink));
        pen.set_line_width(1.1);
        pen.set_global_alpha(0.5);
        pen.begin_path();
        let side = f64::from(TILE);
        for from in [-side, 0.0, side] {
            pen.move_to(from - 1.0, side + 1.0);
            pen.line_to(from + side + 1.0, -1.0);
        }
        pen.stroke();
        self.context.create_pattern_with_html_canvas_element(&tile, "repeat").ok()?
    }
}

/// Rectangles to fill, sorted by their inks: changing the ink costs more than filling. Each is filled by itself: a path of
/// hundreds takes a browser without a GPU longer.
#[derive(Debug)]
pub(super) struct Fills {
    rects: [Vec<Rect>; INKS],
}

impl Fills {
    pub(super) fn new() -> Self {
        Self { rects: [const { Vec::new() }; INKS] }
    }

    pub(super) fn add(&mut self, ink: Ink, rect: Rect) {
        self.rects[ink.place()].push(rect);
    }

    pub(super) fn draw(&self, pen: &Pen<'_>) {
        for (place, rects) in self.rects.iter().enumerate().filter(|(_, rects)| !rects.is_empty()) {
            pen.context.set_fill_style_str(pen.inks.at(place));
            rects.iter().for_each(|(x, y, width, height)| pen.context.fill_rect(*x, *y, *width, *height));
        }
    }
}
