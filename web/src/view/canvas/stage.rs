//! What stands between the page and the canvases: scrolling, the pointer, and when to paint.
//!
//! Invariants:
//! - Nothing is painted but in an animation frame, and once in each.
//! - Of the lanes, only what differs from what stands on the canvas is painted: [`Sheet`] says what that is.
//! - The strip follows the lanes a frame later: of a long log it is as much work, and what was pressed shows at once.
//! - What is under the pointer, or else the step's object, or else what is in the middle, stays where it is when the
//!   zoom changes.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use logscope::lab::Picture;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, HtmlCanvasElement, HtmlElement};
use yew::NodeRef;

use super::inks::Inks;
use super::lanes;
use super::minimap;
use super::pen::Pen;
use crate::browser;
use crate::state::consumers::Reader;
use crate::state::layout::{
    Frame, Hit, Look, Marked, Minimap, Motion, Sheet, batch_area, focus_area, hit, lanes as lay_out,
    mark_missed, minimap as lay_out_minimap, put_readers, scroll_to, view,
};
use crate::state::{BatchId, Palette};

/// How long a change takes, and how long its outline, in milliseconds.
const MOVES_MS: f64 = 220.0;
const OUTLINE_MS: f64 = 150.0;

/// What there is to see.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::view) struct Scene {
    pub(in crate::view) picture: Rc<Picture>,
    pub(in crate::view) palette: Rc<Palette>,
    pub(in crate::view) readers: Rc<Vec<Reader>>,
    /// The offsets that the original fetch never returns, in runs.
    pub(in crate::view) missed: Rc<[(u64, u64)]>,
    pub(in crate::view) frame: Frame,
    /// How large the window is.
    pub(in crate::view) size: (f64, f64),
    pub(in crate::view) selected: Option<BatchId>,
    pub(in crate::view) focused: Option<BatchId>,
}

/// The canvases, and what is on them.
#[derive(Debug)]
pub(in crate::view) struct Stage {
    pub(in crate::view) window: NodeRef,
    pub(in crate::view) sheet: NodeRef,
    pub(in crate::view) map: NodeRef,
    pub(in crate::view) probe: NodeRef,
    inner: RefCell<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    scene: Option<Scene>,
    inks: Option<Inks>,
    /// What stands on the canvas of the lanes, in these inks.
    painted: Option<Sheet>,
    hovered: Option<BatchId>,
    /// Where the pointer was when it asked for another zoom, within the window.
    anchor: Option<(f64, f64)>,
    /// The strip as it was painted last, and whether it has to be painted again.
    minimap: Option<Minimap>,
    strip: Strip,
    /// When the picture changed: the first frame after it says so.
    changed: Change,
    /// The frame that is asked for.
    pending: Option<i32>,
    on_frame: Option<Closure<dyn FnMut(f64)>>,
}

/// Whether the strip shows what it should.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Strip {
    #[default]
    Painted,
    /// The frame after the next has to paint it.
    Later,
    /// The next one has to.
    Due,
}

#[derive(Debug, Clone, Copy, Default)]
enum Change {
    #[default]
    Over,
    Now,
    Since(f64),
}

impl Stage {
    pub(in crate::view) fn new() -> Rc<Self> {
        Rc::new_cyclic(|stage: &Weak<Self>| {
            let stage = Weak::clone(stage);
            let on_frame = move |now| {
                if let Some(stage) = stage.upgrade() {
                    stage.paint(now);
                }
            };
            let inner = Inner { on_frame: Some(Closure::new(on_frame)), ..Inner::default() };
            let node = NodeRef::default;
            Self { window: node(), sheet: node(), map: node(), probe: node(), inner: RefCell::new(inner) }
        })
    }

    /// Shows another scene, and brings what its step is about into view.
    pub(in crate::view) fn show(&self, scene: Scene) {
        let mut inner = self.inner.borrow_mut();
        let before = inner.scene.replace(scene.clone());
        let anchor = inner.anchor.take();
        let changed = before.as_ref().is_none_or(|before| !Rc::ptr_eq(&before.picture, &scene.picture));
        if changed {
            inner.changed = if browser::prefers_less_motion() { Change::Over } else { Change::Now };
        }
        drop(inner);
        if let Some(before) = &before
            && (before.frame.scale, before.frame.pitch) != (scene.frame.scale, scene.frame.pitch)
            && !changed
        {
            let anchor = anchor.unwrap_or_else(|| self.middle(before));
            self.hold(&before.frame, &scene.frame, anchor);
        }
        if changed || before.is_some_and(|before| before.size.0 != scene.size.0) {
            self.reveal(&scene.frame, focus_area(&scene.picture, &scene.frame));
        }
        self.refresh();
    }

    /// What a zoom is about that nobody pointed at: the step's object if it is in view, or else the middle of the window.
    fn middle(&self, scene: &Scene) -> (f64, f64) {
        let ((left, top), (width, height)) = (self.scrolled(), scene.size);
        let step = focus_area(&scene.picture, &scene.frame)
            .map(|(x, y, wide, high)| (x + wide.min(width / 2.0) / 2.0 - left, y + high / 2.0 - top));
        let seen = |(x, y): &(f64, f64)| (scene.frame.left..width).contains(x) && (0.0..height).contains(y);
        step.filter(seen).unwrap_or(((scene.frame.left + width) / 2.0, height / 2.0))
    }

    /// Scrolls so that what stood at a place of the window stands there in another frame too.
    fn hold(&self, before: &Frame, after: &Frame, (x, y): (f64, f64)) {
        let (left, top) = self.scrolled();
        let byte = (left + x - before.left) / before.scale;
        self.scroll(byte * after.scale + after.left - x, (top + y) / before.pitch * after.pitch - y);
    }

    /// How far the window is scrolled.
    pub(in crate::view) fn scrolled(&self) -> (f64, f64) {
        let window = self.window.cast::<Element>();
        window.map_or((0.0, 0.0), |window| (f64::from(window.scroll_left()), f64::from(window.scroll_top())))
    }

    /// Scrolls the window, and nothing else.
    pub(in crate::view) fn scroll(&self, left: f64, top: f64) {
        if let Some(window) = self.window.cast::<Element>() {
            window.set_scroll_left(left.round() as i32);
            window.set_scroll_top(top.round() as i32);
        }
    }

    /// Brings a batch into view.
    pub(in crate::view) fn reveal_batch(&self, id: BatchId) {
        let scene = self.inner.borrow().scene.clone();
        if let Some(Scene { picture, frame, .. }) = scene {
            self.reveal(&frame, batch_area(&picture, &frame, id));
        }
    }

    fn reveal(&self, frame: &Frame, area: Option<(f64, f64, f64, f64)>) {
        let (Some(window), Some((x, y, width, height))) = (self.window.cast::<Element>(), area) else {
            return;
        };
        // What was out of view comes into it with so much room around it, so that the next step need not scroll again.
        let nearest = |from: f64, size: f64, seen_from: f64, seen: f64, room: f64| {
            let room = room.min(seen - size).max(0.0);
            if from < seen_from {
                from - room
            } else if from + size > seen_from + seen {
                from + size + room - seen
            } else {
                seen_from
            }
        };
        let (seen_width, seen_height) = (f64::from(window.client_width()), f64::from(window.client_height()));
        let (left, top) = self.scrolled();
        // The names cover what is left of the lanes.
        let (beside, room) = (frame.left, seen_width / 3.0);
        let across = match frame.width > seen_width && width < seen_width - beside {
            true => nearest(x - 12.0, width + 24.0, left + beside, seen_width - beside, room) - beside,
            false => left,
        };
        self.scroll(across.max(0.0), nearest(y, height, top, seen_height, 0.0));
    }

    /// The colours are others now, or the browser has lost what was painted.
    pub(in crate::view) fn forget_painted(&self) {
        let mut inner = self.inner.borrow_mut();
        (inner.inks, inner.painted) = (None, None);
        drop(inner);
        self.refresh();
    }

    /// Paints all again: something else is to be seen.
    pub(in crate::view) fn refresh(&self) {
        let mut inner = self.inner.borrow_mut();
        // What is due stays so: while all is scrolled, the strip has every other frame.
        if inner.strip == Strip::Painted {
            inner.strip = Strip::Later;
        }
        drop(inner);
        self.ask_for_frame();
    }

    /// Asks for a frame, unless one is asked for.
    fn ask_for_frame(&self) {
        let mut inner = self.inner.borrow_mut();
        if inner.pending.is_none() {
            let on_frame = inner.on_frame.as_ref().map(|on_frame| on_frame.as_ref().unchecked_ref());
            inner.pending = on_frame.and_then(browser::ask_for_frame);
        }
    }

    /// What is at a place of the window; the pointer is there from now on.
    pub(in crate::view) fn point(&self, (x, y): (f64, f64)) -> Option<Hit> {
        let (left, top) = self.scrolled();
        let mut inner = self.inner.borrow_mut();
        let scene = inner.scene.as_ref()?;
        let on_names = scene.frame.named() && scene.frame.left > x;
        let found =
            hit(&scene.picture, &scene.palette, &scene.frame, x + left, y + top).filter(|_| !on_names);
        let hovered = found.as_ref().and_then(|hit| hit.batch);
        let changed = std::mem::replace(&mut inner.hovered, hovered) != hovered;
        drop(inner);
        if changed {
            self.ask_for_frame();
        }
        found
    }

    /// The pointer is elsewhere.
    pub(in crate::view) fn leave(&self) {
        if self.inner.borrow_mut().hovered.take().is_some() {
            self.ask_for_frame();
        }
    }

    /// The next zoom is about this place of the window.
    pub(in crate::view) fn anchor(&self, at: (f64, f64)) {
        self.inner.borrow_mut().anchor = Some(at);
    }

    /// Goes where a place of the strip points.
    pub(in crate::view) fn go_to_map(&self, at: (f64, f64)) {
        let inner = self.inner.borrow();
        let place = inner.minimap.as_ref().zip(inner.scene.as_ref());
        let place = place.map(|(map, scene)| scroll_to(map, &scene.frame, at, scene.size));
        drop(inner);
        if let Some((left, top)) = place {
            self.scroll(left, top);
        }
    }

    fn paint(&self, now: f64) {
        let mut inner = self.inner.borrow_mut();
        inner.pending = None;
        let since = match inner.changed {
            Change::Now => now,
            Change::Since(since) => since,
            Change::Over => f64::MIN,
        };
        let motion = motion(now - since);
        let over = motion.moves >= 1.0 && motion.outline >= 1.0;
        inner.changed = if over { Change::Over } else { Change::Since(since) };
        if inner.inks.is_none() {
            inner.inks = self.probe.cast::<HtmlElement>().map(|probe| Inks::read(&probe));
        }
        if let Some(painted) = inner.scene.as_ref().and_then(|scene| self.draw(scene, &inner, motion)) {
            inner.painted = Some(painted);
        }
        // A change that is under way is not seen on the strip.
        if inner.strip == Strip::Due {
            let map = inner.scene.as_ref().and_then(|scene| self.draw_map(scene, &inner));
            inner.minimap = map;
        }
        inner.strip = if inner.strip == Strip::Later { Strip::Due } else { Strip::Painted };
        let painted = over && inner.strip == Strip::Painted;
        drop(inner);
        if !painted {
            self.ask_for_frame();
        }
    }

    /// Paints what is out of date, and says what stands on the canvas then.
    fn draw(&self, scene: &Scene, inner: &Inner, motion: Motion) -> Option<Sheet> {
        let (canvas, inks) = (self.sheet.cast::<HtmlCanvasElement>()?, inner.inks.as_ref()?);
        let Scene { picture, palette, readers, missed, frame, size, selected, focused } = scene;
        let scrolled = self.scrolled();
        let mut lanes = lay_out(picture, palette, frame, &view(frame, scrolled, *size));
        put_readers(picture, frame, readers, &mut lanes);
        mark_missed(missed, &mut lanes);
        let marked = Marked { selected: *selected, focused: *focused, hovered: inner.hovered };
        let looks = lanes.into_iter().map(|lane| Look::new(lane, marked, motion)).collect();
        let ratio = browser::pixel_ratio();
        let sheet = Sheet { frame: *frame, scrolled, size: *size, ratio, looks };
        if let Some(band) = sheet.stale(inner.painted.as_ref()) {
            lanes::paint(&Pen::new(&canvas, inks, *size, ratio)?, &sheet, band);
        }
        Some(sheet)
    }

    fn draw_map(&self, scene: &Scene, inner: &Inner) -> Option<Minimap> {
        let (strip, inks) = (self.map.cast::<HtmlCanvasElement>()?, inner.inks.as_ref()?);
        let Scene { picture, palette, frame, size, .. } = scene;
        let map = lay_out_minimap(picture, palette, frame, self.scrolled(), *size)?;
        let room = (f64::from(strip.client_width()), f64::from(strip.client_height()));
        minimap::paint(&Pen::new(&strip, inks, room, browser::pixel_ratio())?, &map, room);
        Some(map)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(pending) = self.inner.borrow().pending {
            browser::forget_frame(pending);
        }
    }
}

/// How far a change has come after so many milliseconds: fast at first.
fn motion(elapsed: f64) -> Motion {
    let ease = |duration: f64| {
        let left = 1.0 - (elapsed / duration).clamp(0.0, 1.0);
        1.0 - left * left * left
    };
    Motion { moves: ease(MOVES_MS), outline: ease(OUTLINE_MS) }
}
