//! The drawing of the log as a part of the page: canvases in a window that scrolls, the ways to move in it, and beside
//! them the same in [words](super::words).

use std::rc::Rc;

use gloo_events::{EventListener, EventListenerOptions};
use logscope::lab::Picture;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, Touch, TouchEvent};
use yew::prelude::*;

use super::canvas::{Scene, Stage};
use super::hooks::{press, use_size};
use super::icon::{Icon, icon};
use super::words::{Telling, Words};
use crate::browser;
use crate::state::consumers::Reader;
use crate::state::format::decimal;
use crate::state::layout::{MARGIN, frame, view};
use crate::state::{Action, BatchId, Palette, Zoom};
use crate::text;

/// How far lanes scroll sideways before what is in view is told again.
const SIDEWAYS: f64 = 200.0;
/// A pointer that moves further than this drags, and does not click.
const DRAG: f64 = 4.0;
/// How much of the wheel is a level of zoom, in pixels.
const WHEEL: f64 = 40.0;
/// How high the buttons over the drawing are.
const BUTTONS: f64 = 36.0;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) picture: Rc<Picture>,
    pub(crate) palette: Rc<Palette>,
    pub(crate) selected: Option<BatchId>,
    pub(crate) zoom: Zoom,
    /// Where consumers go on in it.
    #[prop_or_default]
    pub(crate) readers: Rc<Vec<Reader>>,
    /// The offsets that the original fetch never returns, in runs.
    #[prop_or_default]
    pub(crate) missed: Rc<[(u64, u64)]>,
    /// Which of several partitions it is.
    #[prop_or_default]
    pub(crate) partition: Option<u32>,
    /// Whether it has the buttons that zoom: all partitions zoom together.
    #[prop_or(true)]
    pub(crate) zooms: bool,
    pub(crate) on_do: Callback<Action>,
}

#[function_component]
pub(crate) fn Lanes(props: &Props) -> Html {
    let stage = use_memo((), |()| Stage::new());
    let stage: Rc<Stage> = Rc::clone(&stage);
    let size = use_size(stage.window.clone());
    let scrolled = use_state_eq(|| (0.0_f64, 0.0_f64));
    let focused = use_state_eq(|| None::<BatchId>);
    let Props { picture, palette, selected, zoom, readers, missed, partition, zooms, on_do } = props;
    let on_do = &use_look_at(*partition, on_do);
    let frame = frame(picture, size.0, *zoom).with_readers(readers);

    let scene = Scene {
        picture: picture.clone(),
        palette: palette.clone(),
        readers: readers.clone(),
        missed: missed.clone(),
        frame,
        size,
        selected: *selected,
        focused: *focused,
    };
    use_effect_with(scene, {
        let stage = stage.clone();
        move |scene| stage.show(scene.clone())
    });
    use_painted(&stage);
    use_wheel(&stage, on_do);
    use_pinch(&stage, on_do);
    let drag = use_drag(&stage, *selected, on_do);
    let onscroll = {
        let (stage, scrolled) = (stage.clone(), scrolled.setter());
        Callback::from(move |_: Event| {
            stage.refresh();
            // What is in view is told anew once something comes into it, not at every pixel.
            let whole = |pixels: f64, unit: f64| (pixels / unit).floor() * unit;
            let (left, top) = stage.scrolled();
            scrolled.set((whole(left, SIDEWAYS), whole(top, frame.pitch)));
        })
    };

    let seen = view(&frame, *scrolled, size);
    let overflows = frame.height > size.1 + 1.0 || frame.width > size.0 + 1.0;
    // What is at the very end is not to lie beneath the buttons. On a narrow page the window is no higher than the lanes.
    let below = if overflows || frame.left <= MARGIN { BUTTONS } else { 0.0 };
    let extent = size_of(frame.width, frame.height + below);
    let sheet = size_of(size.0, size.1);
    html! {
        <div class="drawing">
            <div class="lanes" ref={stage.window.clone()} {onscroll}>
                // Within what scrolls: by the batches in words a keyboard gets about in it.
                <Words
                    telling={Telling {
                        picture: picture.clone(), palette: palette.clone(), readers: readers.clone(), partition: *partition, frame, seen,
                        selected: *selected,
                    }}
                    stage={ByAddress(stage.clone())} focused={*focused} on_focus={focused.setter()} on_do={on_do.clone()}
                />
                <div class="extent" style={extent}>
                    <canvas
                        ref={stage.sheet.clone()} style={sheet} aria-hidden="true" onpointerdown={drag.down}
                        onpointermove={drag.moved} onpointerup={drag.up} onpointerleave={drag.left}
                    ></canvas>
                </div>
            </div>
            {strip(&stage, overflows)}
            if *zooms { {zoom_buttons(*zoom, on_do)} }
            <i ref={stage.probe.clone()} class="ink" hidden=true></i>
        </div>
    }
}

fn size_of(width: f64, height: f64) -> String {
    format!("width:{}px;height:{}px", decimal(width, 2), decimal(height, 2))
}

/// Whoever chooses a batch looks at its partition from then on.
#[hook]
fn use_look_at(partition: Option<u32>, on_do: &Callback<Action>) -> Callback<Action> {
    let deps = (partition, on_do.clone());
    use_callback(deps, |action: Action, (partition, on_do): &(Option<u32>, Callback<Action>)| {
        if let (Some(partition), Action::Select(Some(_))) = (partition, &action) {
            on_do.emit(Action::LookAt(*partition));
        }
        on_do.emit(action);
    })
}

/// The stage as a property: it is the same one always.
#[derive(Debug, Clone)]
pub(super) struct ByAddress(pub(super) Rc<Stage>);

impl PartialEq for ByAddress {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// Other colours are painted as soon as the page has them, and what the browser has lost as soon as there is room again.
#[hook]
fn use_painted(stage: &Rc<Stage>) {
    use_effect_with((), {
        let stage = stage.clone();
        move |()| {
            let sheet = stage.sheet.cast::<Element>();
            let again = move || stage.forget_painted();
            let themes = browser::on_theme(again.clone());
            let restored = sheet.map(|sheet| EventListener::new(&sheet, "contextrestored", move |_| again()));
            move || drop((themes, restored))
        }
    });
}

/// The wheel zooms while Ctrl is held, as two fingers on a touchpad do. Without it, the window scrolls by itself.
#[hook]
fn use_wheel(stage: &Rc<Stage>, on_do: &Callback<Action>) {
    use_effect_with(on_do.clone(), {
        let stage = stage.clone();
        move |on_do| {
            let (on_do, window) = (on_do.clone(), stage.window.cast::<Element>());
            let turned = std::cell::Cell::new(0.0);
            let listener = window.map(|window| {
                let options = EventListenerOptions::enable_prevent_default();
                EventListener::new_with_options(&window.clone(), "wheel", options, move |event| {
                    let Some(event) = event.dyn_ref::<web_sys::WheelEvent>() else { return };
                    if !event.ctrl_key() && !event.meta_key() {
                        return;
                    }
                    event.prevent_default();
                    let lines = if event.delta_mode() == 0 { 1.0 } else { 30.0 };
                    turned.set(turned.get() - event.delta_y() * lines);
                    let levels = (turned.get() / WHEEL).trunc();
                    if levels != 0.0 {
                        turned.set(turned.get() - levels * WHEEL);
                        stage.anchor(within(&window, event));
                        on_do.emit(Action::Zoom(levels as i8));
                    }
                })
            });
            move || drop(listener)
        }
    });
}

/// Two fingers on the drawing: how far apart they were when it last zoomed, and what lay in their middle, in the window.
#[derive(Debug, Clone, Copy)]
struct Pinch {
    apart: f64,
    middle: (f64, f64),
}

/// Two fingers zoom the drawing, and move it. These are touch events, since one finger is to scroll the drawing, and the
/// page behind its end, as the browser does it: pointer events leave a page none of the fingers, or all.
#[hook]
fn use_pinch(stage: &Rc<Stage>, on_do: &Callback<Action>) {
    use_effect_with(on_do.clone(), {
        let stage = stage.clone();
        move |on_do| {
            let pinch = Rc::new(std::cell::Cell::new(None::<Pinch>));
            let (window, on_do) = (stage.window.cast::<Element>(), on_do.clone());
            let listener = |window: &Element, name: &'static str| {
                let (pinch, stage, on_do, place) =
                    (pinch.clone(), stage.clone(), on_do.clone(), window.clone());
                let options = EventListenerOptions::enable_prevent_default();
                EventListener::new_with_options(window, name, options, move |event| {
                    let Some(event) = event.dyn_ref::<TouchEvent>() else { return };
                    let fingers = pinched(&place, event);
                    if fingers.is_some() {
                        event.prevent_default();
                    }
                    pinch.set(match (pinch.get(), fingers) {
                        (Some(before), Some(now)) => Some(move_two(&stage, &on_do, before, now)),
                        (_, now) => now,
                    });
                })
            };
            let names = ["touchstart", "touchmove", "touchend", "touchcancel"];
            let listeners = window.map(|window| names.map(|name| listener(&window, name)));
            move || drop(listeners)
        }
    });
}

/// Moves the drawing with two fingers, and zooms it about their middle.
fn move_two(stage: &Stage, on_do: &Callback<Action>, before: Pinch, now: Pinch) -> Pinch {
    let (left, top) = stage.scrolled();
    stage.scroll(left + before.middle.0 - now.middle.0, top + before.middle.1 - now.middle.1);
    match Zoom::levels_between(before.apart, now.apart) {
        0 => Pinch { apart: before.apart, ..now },
        levels => {
            stage.anchor(now.middle);
            on_do.emit(Action::Zoom(levels));
            now
        }
    }
}

/// Where two fingers are within an element; `None` if there are not two.
fn pinched(element: &Element, event: &TouchEvent) -> Option<Pinch> {
    let (touches, place) = (event.touches(), element.get_bounding_client_rect());
    if touches.length() != 2 {
        return None;
    }
    let finger = |at| {
        let touch: Touch = touches.get(at)?;
        Some((f64::from(touch.client_x()) - place.left(), f64::from(touch.client_y()) - place.top()))
    };
    let ((ax, ay), (bx, by)) = (finger(0)?, finger(1)?);
    Some(Pinch { apart: (ax - bx).hypot(ay - by), middle: ((ax + bx) / 2.0, (ay + by) / 2.0) })
}

/// Where the pointer is, within an element.
fn within(element: &Element, event: &web_sys::MouseEvent) -> (f64, f64) {
    let place = element.get_bounding_client_rect();
    (f64::from(event.client_x()) - place.left(), f64::from(event.client_y()) - place.top())
}

/// What the pointer does on the drawing.
struct Drag {
    down: Callback<PointerEvent>,
    moved: Callback<PointerEvent>,
    up: Callback<PointerEvent>,
    left: Callback<PointerEvent>,
}

/// A drag: where it began, how far the window was scrolled then, and whether it has gone far enough to be one.
#[derive(Debug, Clone, Copy)]
struct Dragged {
    from: (f64, f64),
    scrolled: (f64, f64),
    far: bool,
}

/// A mouse drags the drawing and clicks batches. A finger drags by itself.
#[hook]
fn use_drag(stage: &Rc<Stage>, selected: Option<BatchId>, on_do: &Callback<Action>) -> Drag {
    let dragged = use_mut_ref(|| None::<Dragged>);
    let place = |event: &PointerEvent| within(&event.target_unchecked_into::<Element>(), event);
    let down = {
        let (dragged, stage) = (dragged.clone(), stage.clone());
        Callback::from(move |event: PointerEvent| {
            if event.button() == 0 {
                let from = (f64::from(event.client_x()), f64::from(event.client_y()));
                *dragged.borrow_mut() = Some(Dragged { from, scrolled: stage.scrolled(), far: false });
            }
        })
    };
    let moved = {
        let (dragged, stage) = (dragged.clone(), stage.clone());
        Callback::from(move |event: PointerEvent| {
            let sheet = event.target_unchecked_into::<HtmlElement>();
            if let Some(drag) = &mut *dragged.borrow_mut() {
                let mouse = event.pointer_type() == "mouse";
                let (dx, dy) =
                    (f64::from(event.client_x()) - drag.from.0, f64::from(event.client_y()) - drag.from.1);
                if !drag.far && dx.hypot(dy) > DRAG {
                    drag.far = true;
                    if mouse {
                        // A pointer that is gone already is not held.
                        let _ = sheet.set_pointer_capture(event.pointer_id());
                    }
                }
                if drag.far && mouse {
                    stage.scroll(drag.scrolled.0 - dx, drag.scrolled.1 - dy);
                    return;
                }
            }
            let hit = stage.point(place(&event));
            sheet.set_title(hit.as_ref().map_or("", |hit| &hit.title));
            sheet.set_class_name(if hit.is_some_and(|hit| hit.batch.is_some()) { "over" } else { "" });
        })
    };
    let up = {
        let (dragged, stage, on_do) = (dragged.clone(), stage.clone(), on_do.clone());
        Callback::from(move |event: PointerEvent| {
            let clicked = dragged.borrow_mut().take().is_some_and(|drag| !drag.far);
            if let Some(hit) = stage.point(place(&event)).filter(|hit| clicked && hit.batch.is_some()) {
                on_do.emit(Action::Select(hit.batch.filter(|batch| Some(*batch) != selected)));
            }
        })
    };
    let left = {
        let stage = stage.clone();
        Callback::from(move |_: PointerEvent| {
            *dragged.borrow_mut() = None;
            stage.leave();
        })
    };
    Drag { down, moved, up, left }
}

/// The strip with the whole log; whoever uses no pointer gets about by the batches.
fn strip(stage: &Rc<Stage>, shown: bool) -> Html {
    let go = {
        let stage = stage.clone();
        move |event: PointerEvent| {
            let strip = event.target_unchecked_into::<Element>();
            if event.buttons() & 1 == 1 {
                let _ = strip.set_pointer_capture(event.pointer_id());
                stage.go_to_map(within(&strip, &event));
            }
        }
    };
    html! {
        <canvas
            class="strip" ref={stage.map.clone()} hidden={!shown} aria-hidden="true" onpointerdown={go.clone()}
            onpointermove={go}
        ></canvas>
    }
}

fn zoom_buttons(zoom: Zoom, on_do: &Callback<Action>) -> Html {
    let button = |name: &'static str, key: &'static str, picture: Icon, action: Action, disabled: bool| {
        let onclick = press(on_do, action);
        let title = format!("{name} ({key})");
        html! { <button type="button" class="quiet" aria-label={name} {title} {disabled} {onclick}>{icon(picture)}</button> }
    };
    html! {
        <div class="zoom" role="group" aria-label={text::ZOOM}>
            {button(text::ZOOM_OUT, "−", Icon::Minus, Action::Zoom(-Zoom::STEP), zoom == Zoom::FARTHEST)}
            {button(text::ZOOM_TO_FIT, "0", Icon::Fit, Action::ZoomToFit, zoom == Zoom::default())}
            {button(text::ZOOM_IN, "+", Icon::Plus, Action::Zoom(Zoom::STEP), zoom == Zoom::CLOSEST)}
        </div>
    }
}
