//! The drawing in words, for those who do not see it, and for the keyboard.
//!
//! Batches are found with a roving tabindex: one of them can be reached by Tab, the arrows lead to the others. Only those
//! around it are in the page. Nobody sees them; the canvas shows which of them has the focus.
//!
//! Words come a moment after the drawing, as nobody reads along while it moves, and they are more work than to paint it.

use std::rc::Rc;

use gloo_timers::callback::Timeout;
use logscope::lab::Picture;
use wasm_bindgen::JsCast;
use web_sys::{Element, FocusOptions, HtmlElement};
use yew::prelude::*;

use super::lanes::ByAddress;
use crate::browser;
use crate::state::consumers::Reader;
use crate::state::layout::{
    Frame, LaneDescription, Move, OptionText, View, described_lanes, lanes, neighbour, options, put_readers,
};
use crate::state::{Action, BatchId, Palette};
use crate::text;

/// How long the drawing has to be as it is before it is put into words, in milliseconds.
const PAUSE_MS: u32 = 120;
/// No more segments than this are told at once.
const TOLD: usize = 24;

/// What is put into words.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Telling {
    pub(super) picture: Rc<Picture>,
    pub(super) palette: Rc<Palette>,
    pub(super) readers: Rc<Vec<Reader>>,
    /// Which of several partitions it is.
    pub(super) partition: Option<u32>,
    pub(super) frame: Frame,
    pub(super) seen: View,
    pub(super) selected: Option<BatchId>,
}

#[derive(Properties, PartialEq)]
pub(super) struct Props {
    pub(super) telling: Telling,
    pub(super) stage: ByAddress,
    /// The batch that has the focus.
    pub(super) focused: Option<BatchId>,
    pub(super) on_focus: UseStateSetter<Option<BatchId>>,
    pub(super) on_do: Callback<Action>,
}

/// The words, a moment later; at once for somebody who walks through the batches.
#[function_component]
pub(super) fn Words(props: &Props) -> Html {
    let Props { telling, stage, focused, on_focus, on_do } = props;
    let settled = use_state_eq(|| telling.clone());
    use_effect_with(telling.clone(), {
        let settled = settled.setter();
        move |telling| {
            let telling = telling.clone();
            let timer = Timeout::new(PAUSE_MS, move || settled.set(telling));
            move || drop(timer)
        }
    });
    let busy = focused.is_none() && *settled != *telling;
    let telling = if busy { (*settled).clone() } else { telling.clone() };
    html! {
        <div id={in_partition("drawing-in-words".to_owned(), telling.partition)} class="unseen" aria-busy={busy.to_string()}>
            <Told {telling} focused={*focused} stage={stage.clone()} on_focus={on_focus.clone()} on_do={on_do.clone()} />
        </div>
    }
}

/// The words themselves.
#[function_component]
fn Told(props: &Props) -> Html {
    let Props { telling, focused, .. } = props;
    let mut seen = telling.seen.clone();
    seen.lanes.end = seen.lanes.end.min(seen.lanes.start + TOLD);
    let mut shapes = lanes(&telling.picture, &telling.palette, &telling.frame, &seen);
    put_readers(&telling.picture, &telling.frame, &telling.readers, &mut shapes);
    let first = || shapes.iter().flat_map(|lane| &lane.boxes).map(|shape| shape.id).next();
    let reachable = focused.or(telling.selected).or_else(first);
    let batches = use_batches(props, reachable);
    html! {
        <>
            {batches}
            {segments(&described_lanes(&shapes), telling.partition)}
        </>
    }
}

/// The batches around the one that Tab reaches, in words.
#[hook]
fn use_batches(props: &Props, reachable: Option<BatchId>) -> Html {
    let ByAddress(stage) = &props.stage;
    // The batch that is to have the focus as soon as it is in the page.
    let wanted = use_mut_ref(|| None::<BatchId>);
    let partition = props.telling.partition;
    use_effect({
        let wanted = wanted.clone();
        move || {
            let id = *wanted.borrow();
            if id.is_some_and(|id| focus(id, partition)) {
                *wanted.borrow_mut() = None;
            }
        }
    });
    let onkeydown = {
        let (picture, on_do, stage) = (props.telling.picture.clone(), props.on_do.clone(), stage.clone());
        let (on_focus, wanted) = (props.on_focus.clone(), wanted.clone());
        Callback::from(move |event: KeyboardEvent| {
            let Some(here) = event.target().and_then(batch_of) else { return };
            let way = match event.key().as_str() {
                "Enter" | " " => {
                    event.prevent_default();
                    return on_do.emit(Action::Select(Some(here)));
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
                stage.reveal_batch(next);
                if !focus(next, partition) {
                    *wanted.borrow_mut() = Some(next);
                    on_focus.set(Some(next));
                }
            }
        })
    };
    let onfocusin = {
        let (on_focus, stage) = (props.on_focus.clone(), stage.clone());
        Callback::from(move |event: FocusEvent| {
            let here = event.target().and_then(batch_of);
            here.into_iter().for_each(|here| stage.reveal_batch(here));
            on_focus.set(here);
        })
    };
    let onfocusout = {
        let (on_focus, wanted) = (props.on_focus.clone(), wanted.clone());
        Callback::from(move |_: FocusEvent| {
            if wanted.borrow().is_none() {
                on_focus.set(None);
            }
        })
    };
    let Telling { picture, palette, frame, selected, .. } = &props.telling;
    let (listed, all) = options(picture, palette, frame, reachable);
    let option = |option: &OptionText| {
        let reached = reachable == Some(option.id);
        html! {
            <li
                key={option.number} id={element_id(option.id, partition)} role="option" aria-label={option.text.clone()}
                aria-posinset={option.number.to_string()} aria-setsize={all.to_string()}
                aria-selected={(*selected == Some(option.id)).to_string()} tabindex={if reached { "0" } else { "-1" }}
            ></li>
        }
    };
    let name = partition.map_or(text::LOG.to_owned(), |number| format!("{} {number}", text::BATCHES_OF));
    html! {
        <ul role="listbox" aria-label={name} {onkeydown} {onfocusin} {onfocusout}>{for listed.iter().map(option)}</ul>
    }
}

/// The segments in view, in words.
fn segments(lanes: &[LaneDescription], partition: Option<u32>) -> Html {
    let lane = |lane: &LaneDescription| {
        html! {
            <li key={lane.base_offset} id={in_partition(format!("segment-{}", lane.base_offset), partition)}>
                <span data-mark="name">{lane.name.clone()}</span>{": "}{lane.text.clone()}
                <ul>{for lane.marks.iter().map(|mark| html! { <li data-mark="">{mark.clone()}</li> })}</ul>
            </li>
        }
    };
    let name = match partition {
        None => text::SEGMENTS_IN_VIEW.to_owned(),
        Some(number) => format!("{} {number}", text::SEGMENTS_OF),
    };
    html! { <ul aria-label={name}>{for lanes.iter().map(lane)}</ul> }
}

/// Gives a batch the focus; `false` if it is not in the page.
fn focus(id: BatchId, partition: Option<u32>) -> bool {
    let element =
        browser::document().and_then(|document| document.get_element_by_id(&element_id(id, partition)));
    let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) else {
        return false;
    };
    // It stands where nobody sees it: nothing is to scroll there.
    let options = FocusOptions::new();
    options.set_prevent_scroll(true);
    element.focus_with_options(&options).is_ok()
}

/// An id that other partitions have too.
fn in_partition(id: String, partition: Option<u32>) -> String {
    partition.map_or(id.clone(), |number| format!("{id}-of-{number}"))
}

/// The id of a batch's element.
fn element_id(id: BatchId, partition: Option<u32>) -> String {
    in_partition(format!("batch-{}-{}", id.segment, id.position), partition)
}

/// The batch that an element stands for.
fn batch_of(target: web_sys::EventTarget) -> Option<BatchId> {
    let element = target.dyn_into::<Element>().ok()?;
    let id = element.id();
    let (segment, position) = id.strip_prefix("batch-")?.split_once('-')?;
    let position = position.split_once('-').map_or(position, |(position, _)| position);
    Some(BatchId { segment: segment.parse().ok()?, position: position.parse().ok()? })
}
