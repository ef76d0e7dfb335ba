//! The log's panel: its bounds, the lanes, the budget of a fetch, or an invitation where there is nothing yet.
//!
//! Only what is in view is laid out and in the page. Batches are found by the keyboard with a roving tabindex:
//! one of them can be reached by Tab, the arrows lead to the others. Where they lead is laid out before the focus
//! goes there, for the focus would be lost with an element that goes out of view.

use std::rc::Rc;

use logscope::lab::{Action as Command, Picture, State as LogState};
use wasm_bindgen::JsCast;
use web_sys::Element;
use yew::prelude::*;

use super::budget::BudgetBar;
use super::hooks::use_size;
use super::lane::{LaneView, batch_of, element_id};
use crate::browser;
use crate::engine::first_scenario;
use crate::state::format::{text as bytes_text, timestamp};
use crate::state::layout::{Frame, Move, batch_area, focus_area, frame, keys, lanes, neighbour, view};
use crate::state::{BatchId, Palette};
use crate::text;

/// More keys than this are not listed: their colours come round again.
const LISTED_KEYS: usize = 7;
/// How far lanes scroll sideways before what is in view is laid out again.
const SIDEWAYS: f64 = 200.0;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) picture: Rc<Picture>,
    /// The clock, in milliseconds since the Unix epoch.
    pub(crate) clock: i64,
    pub(crate) palette: Rc<Palette>,
    pub(crate) selected: Option<BatchId>,
    /// There is nothing to see yet, so the page says what could be done.
    pub(crate) inviting: bool,
    /// The log cannot be opened.
    pub(crate) stuck: bool,
    pub(crate) on_select: Callback<Option<BatchId>>,
    pub(crate) on_run: Callback<Vec<Command>>,
}

#[function_component]
pub(crate) fn Log(props: &Props) -> Html {
    let log = &props.picture.log;
    let empty = log.segments.is_empty() && !props.inviting && props.picture.state != LogState::Crashed;
    html! {
        <section class="log" aria-label="Log">
            <Bounds picture={props.picture.clone()} clock={props.clock} palette={props.palette.clone()} />
            if props.inviting { <Invitation on_run={props.on_run.clone()} /> }
            if props.picture.state == LogState::Crashed { <p class="down">{text::DOWN}</p> }
            if empty { <p class="hint nothing">{text::NOTHING_AT_STEP}</p> }
            if props.stuck { <p class="down">{text::STUCK}</p> }
            <Lanes
                picture={props.picture.clone()} palette={props.palette.clone()} selected={props.selected}
                on_select={props.on_select.clone()}
            />
            if let Some(fetch) = &props.picture.fetch {
                <BudgetBar fetch={fetch.clone()} palette={props.palette.clone()} />
            }
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct BoundsProps {
    picture: Rc<Picture>,
    clock: i64,
    palette: Rc<Palette>,
}

#[function_component]
fn Bounds(props: &BoundsProps) -> Html {
    let log = &props.picture.log;
    let bound = |name: &'static str, value: u64| html! { <div><dt>{name}</dt><dd>{value}</dd></div> };
    // The first step of a log says how it is configured. Before it the lines stand there all the same, so that
    // nothing below them jumps.
    let config = |name: &'static str, value: u32| {
        let value = if log.segment_bytes > 0 { value.to_string() } else { "–".to_owned() };
        html! { <div><dt><code>{name}</code></dt><dd>{value}</dd></div> }
    };
    let keys = keys(log, &props.palette);
    let chip = |key: &&[u8]| {
        let colour = props.palette.colour(Some(key));
        html! { <li title={bytes_text(key)} class={colour.map(|colour| format!("key-{colour}"))}>{bytes_text(key)}</li> }
    };
    html! {
        <div class="bounds">
            <dl>
                {bound("log start offset", log.log_start_offset)}
                {bound("high watermark", log.high_watermark)}
                {bound("log end offset", log.log_end_offset)}
            </dl>
            <dl class="config">
                {config("segment.bytes", log.segment_bytes)}
                {config("index.interval.bytes", log.index_interval_bytes)}
                <div><dt>{text::CLOCK}</dt><dd>{timestamp(props.clock)}</dd></div>
            </dl>
            if !keys.is_empty() {
                <ul class="legend" aria-label="Legend">{for keys.iter().take(LISTED_KEYS).map(chip)}</ul>
            }
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct InvitationProps {
    on_run: Callback<Vec<Command>>,
}

#[function_component]
fn Invitation(props: &InvitationProps) -> Html {
    let run = props.on_run.reform(|_: MouseEvent| first_scenario());
    html! {
        <div class="invitation">
            <h2>{text::EMPTY_TITLE}</h2>
            <p>{text::EMPTY_TEXT}</p>
            <pre>{text::FIRST_LINES.join("\n")}</pre>
            <button type="button" class="main" onclick={run}>{text::FIRST_SCENARIO}</button>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct LanesProps {
    picture: Rc<Picture>,
    palette: Rc<Palette>,
    selected: Option<BatchId>,
    on_select: Callback<Option<BatchId>>,
}

#[function_component]
fn Lanes(props: &LanesProps) -> Html {
    let window = use_node_ref();
    let (width, height) = use_size(window.clone());
    let scrolled = use_state_eq(|| (0.0_f64, 0.0_f64));
    // Where the keyboard has gone. It may go to the same batch again, from one that was clicked.
    let roving = use_state(|| None::<BatchId>);
    // The batch that is to have the focus as soon as it is in the page.
    let wanted = use_mut_ref(|| None::<BatchId>);
    let LanesProps { picture, palette, .. } = props;
    let frame = frame(picture, width);
    let seen = view(&frame, *scrolled, (width, height));
    let shapes = lanes(picture, palette, &frame, &seen);

    use_effect_with((picture.clone(), width), {
        let window = window.clone();
        move |(picture, _)| reveal(&window, &frame, focus_area(picture, &frame))
    });
    use_effect({
        let wanted = wanted.clone();
        move || {
            let id = *wanted.borrow();
            if id.is_some_and(focus) {
                *wanted.borrow_mut() = None;
            }
        }
    });

    let onscroll = {
        let scrolled = scrolled.setter();
        Callback::from(move |event: Event| {
            scrolled.set(place(&event.target_unchecked_into::<Element>(), &frame));
        })
    };
    let onclick = {
        let (on_select, selected) = (props.on_select.clone(), props.selected);
        Callback::from(move |event: MouseEvent| {
            let clicked = event.target().and_then(batch_of);
            if clicked.is_some() {
                on_select.emit(clicked.filter(|clicked| Some(*clicked) != selected));
            }
        })
    };
    let onkeydown = {
        let (picture, on_select, window) = (picture.clone(), props.on_select.clone(), window.clone());
        let (roving, scrolled) = (roving.setter(), scrolled.setter());
        Callback::from(move |event: KeyboardEvent| {
            let Some(here) = event.target().and_then(batch_of) else { return };
            let way = match event.key().as_str() {
                "Enter" | " " => {
                    event.prevent_default();
                    return on_select.emit(Some(here));
                }
                "ArrowRight" => Move::Next,
                "ArrowLeft" => Move::Previous,
                "ArrowDown" => Move::LaneDown,
                "ArrowUp" => Move::LaneUp,
                "Home" => Move::First,
                "End" => Move::Last,
                _ => return,
            };
            event.prevent_default();
            if let Some(next) = neighbour(&picture.log, Some(here), way) {
                reveal(&window, &frame, batch_area(&picture, &frame, next));
                // The scroll event comes too late: by then the batch that has the focus may be gone.
                if let Some(window) = window.cast::<Element>() {
                    scrolled.set(place(&window, &frame));
                }
                *wanted.borrow_mut() = Some(next);
                roving.set(Some(next));
            }
        })
    };
    // The batch that Tab reaches: where the arrows have been, or the first in view.
    let shown = |id: &BatchId| shapes.iter().any(|lane| lane.boxes.iter().any(|shape| shape.id == *id));
    let first = || shapes.iter().flat_map(|lane| &lane.boxes).map(|shape| shape.id).next();
    let reachable = roving.or(props.selected).filter(shown).or_else(first);
    let within = |id: Option<BatchId>, base: u64| id.filter(|id| id.segment == base);
    html! {
        <div class="lanes" ref={window} {onscroll}>
            <svg
                role="listbox" aria-label={text::LOG} width={frame.width.to_string()} height={frame.height.to_string()}
                {onclick} {onkeydown}
            >
                <defs>
                    <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                        <path d="M0 0v6" />
                    </pattern>
                </defs>
                {for shapes.into_iter().map(|lane| {
                    let base = lane.base_offset;
                    html! {
                        <LaneView
                            key={base} selected={within(props.selected, base)} reachable={within(reachable, base)}
                            lane={Rc::new(lane)}
                        />
                    }
                })}
            </svg>
        </div>
    }
}

/// How far the lanes are scrolled. A new layout is due once something comes into view, not at every pixel.
fn place(window: &Element, frame: &Frame) -> (f64, f64) {
    let whole = |pixels: i32, unit: f64| (f64::from(pixels) / unit).floor() * unit;
    (whole(window.scroll_left(), SIDEWAYS), whole(window.scroll_top(), frame.pitch))
}

/// Gives a batch the focus; `false` if it is not in the page.
fn focus(id: BatchId) -> bool {
    let element = browser::document().and_then(|document| document.get_element_by_id(&element_id(id)));
    let element = element.and_then(|element| element.dyn_into::<web_sys::SvgElement>().ok());
    element.is_some_and(|element| element.focus().is_ok())
}

/// Scrolls the lanes, and nothing else, so that an area is seen.
fn reveal(window: &NodeRef, frame: &Frame, area: Option<(f64, f64, f64, f64)>) {
    let (Some(window), Some((x, y, width, height))) = (window.cast::<Element>(), area) else { return };
    let nearest = |from: f64, size: f64, seen_from: f64, seen: f64| {
        if from < seen_from {
            from
        } else if from + size > seen_from + seen {
            from + size - seen
        } else {
            seen_from
        }
    };
    let (seen_width, seen_height) = (f64::from(window.client_width()), f64::from(window.client_height()));
    let (left, top) = (f64::from(window.scroll_left()), f64::from(window.scroll_top()));
    window.set_scroll_top(nearest(y, height, top, seen_height) as i32);
    if frame.width > seen_width && width < seen_width {
        window.set_scroll_left(nearest(x - 12.0, width + 24.0, left, seen_width).max(0.0) as i32);
    }
}
