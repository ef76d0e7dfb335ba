//! The panel of the log, or of several partitions side by side: bounds, lanes, the budget of a fetch, or an invitation
//! where there is nothing yet.

use std::rc::Rc;

use logscope::lab::{LogPicture, Picture, State as LogState, TopicAction as Command};
use yew::prelude::*;

use super::faults::faults;
use super::hooks::press;
use super::lanes::Lanes;
use super::lesson::LOG;
use crate::engine::first_scenario;
use crate::state::consumers::readers;
use crate::state::format::timestamp;
use crate::state::{Action, COLOURS, ColourBy, Hue, State, has_producers};
use crate::{parts, text};

/// More keys than this are not listed: there are no more colours.
const LISTED: usize = COLOURS;

/// The panel. Nobody is invited to fill the log of a running broker, which is `live`.
pub(super) fn log(
    state: &State,
    live: bool,
    on_do: &Callback<Action>,
    on_run: &Callback<Vec<Command>>,
) -> Html {
    let inviting = !live && state.ready() && state.nothing_yet();
    html! {
        <section id={LOG} class="log" aria-label="Log" tabindex="-1">
            if live && state.picture().log.segments.is_empty() {
                <p class="hint nothing">{text::live::NOTHING_WATCHED}</p>
            } else {
                {shown(state, inviting, live, on_do, on_run)}
            }
        </section>
    }
}

/// The log with all that is said about it.
fn shown(
    state: &State,
    inviting: bool,
    live: bool,
    on_do: &Callback<Action>,
    on_run: &Callback<Vec<Command>>,
) -> Html {
    let partition = |number: u32| one(state, number, on_do);
    html! {
        <>
            <div class="bounds">
                if !state.several() { {bounds(&state.picture().log, BOUNDS)} }
                {configs(state, on_do)}
            </div>
            if inviting { {invitation(on_run)} }
            if state.picture().state == LogState::Crashed { <p class="down">{text::DOWN}</p> }
            if state.several() {
                <div class="topic">{for (0..state.topic().partitions().len() as u32).map(partition)}</div>
            } else {
                {said(state, state.picture())}
                if !inviting { {drawing(state, 0, on_do)} }
            }
            {parts::commands().map(|part| (part.fetch)(state, live, on_do))}
        </>
    }
}

/// One of several partitions: its name, its bounds, its lanes.
fn one(state: &State, number: u32, on_do: &Callback<Action>) -> Html {
    let picture = state.topic().partition(number);
    let current = state.partition() == number;
    let look = press(on_do, Action::LookAt(number));
    let place = state.place(number).unwrap_or_default();
    html! {
        <section key={number} class={classes!("partition", current.then_some("current"))} aria-label={place.clone()}>
            <div class="bounds">
                <button type="button" class="link" aria-pressed={current.to_string()} title={text::LOOK_AT} onclick={look}>{place}</button>
                {bounds(&picture.log, BOUNDS_IN_SHORT)}
            </div>
            {said(state, picture)}
            {drawing(state, number, on_do)}
        </section>
    }
}

/// What is to be said of a log that cannot be drawn, or not only.
fn said(state: &State, picture: &Rc<Picture>) -> Html {
    let down = picture.state == LogState::Crashed;
    let empty = picture.log.segments.is_empty() && !down && !(state.ready() && state.nothing_yet());
    let stuck = state.stuck() && Rc::ptr_eq(picture, state.picture());
    html! {
        <>
            if empty { <p class="hint nothing">{text::NOTHING_AT_STEP}</p> }
            if stuck { <p class="down">{text::STUCK}</p> }
            {faults(picture)}
        </>
    }
}

fn drawing(state: &State, number: u32, on_do: &Callback<Action>) -> Html {
    let partition = state.several().then_some(number);
    let last = state.topic().partitions().len() as u32 - 1;
    let original = (state.partition() == number).then(|| state.original()).flatten();
    html! {
        <Lanes
            picture={state.topic().partition(number).clone()} palette={state.palette.clone()} zoom={state.zoom}
            selected={state.selected.filter(|_| state.open_in == number)} {partition}
            readers={readers(&state.topic().consumers, number)} zooms={number == last}
            missed={original.map(|original| original.missed).unwrap_or_default()} on_do={on_do.clone()}
        />
    }
}

/// What the bounds are called, and what they are called where there is less room.
const BOUNDS: [&str; 3] = ["log start offset", "high watermark", "log end offset"];
const BOUNDS_IN_SHORT: [&str; 3] = ["log start", "high watermark", "log end"];

fn bounds(log: &LogPicture, names: [&'static str; 3]) -> Html {
    let bound = |name: &'static str, value: u64| html! { <div><dt>{name}</dt><dd>{value}</dd></div> };
    html! {
        <dl>
            {bound(names[0], log.log_start_offset)}
            {bound(names[1], log.high_watermark)}
            {bound(names[2], log.log_end_offset)}
        </dl>
    }
}

/// What holds for all partitions: the configs that decide about the drawing, the clock, the colours of the keys.
fn configs(state: &State, on_do: &Callback<Action>) -> Html {
    let log = &state.picture().log;
    // The first step of a log says how it is configured. Before it the lines stand there all the same, so that
    // nothing below them jumps.
    let config = |name: &'static str, value: u32| {
        let value = if log.segment_bytes > 0 { value.to_string() } else { "–".to_owned() };
        html! { <div><dt><code>{name}</code></dt><dd>{value}</dd></div> }
    };
    html! {
        <>
            <dl class="config">
                {config("segment.bytes", log.segment_bytes)}
                {config("index.interval.bytes", log.index_interval_bytes)}
                <div><dt>{text::CLOCK}</dt><dd>{timestamp(state.timeline.clock())}</dd></div>
            </dl>
            {legend(state, on_do)}
        </>
    }
}

/// What the colours stand for, and where there are producers, the choice.
fn legend(state: &State, on_do: &Callback<Action>) -> Html {
    let logs = || state.topic().partitions().iter().map(|picture| &picture.log);
    let mut hues = Vec::new();
    logs().for_each(|log| state.palette.legend(log, LISTED, &mut hues));
    let chip = |hue: &Hue<'_>| {
        let name = hue.name();
        html! { <li title={name.clone()} class={format!("key-{}", state.palette.of(*hue))}>{name}</li> }
    };
    let producers = state.palette.by == ColourBy::Producers;
    let other = if producers { ColourBy::Keys } else { ColourBy::Producers };
    let switch = press(on_do, Action::ColourBy(other));
    html! {
        <div class="legend">
            if !hues.is_empty() { <ul aria-label={text::LEGEND}>{for hues.iter().map(chip)}</ul> }
            if producers || logs().any(has_producers) {
                <button type="button" class="link" aria-pressed={producers.to_string()} title={text::BY_PRODUCER_HELP} onclick={switch}>{text::BY_PRODUCER}</button>
            }
        </div>
    }
}

fn invitation(on_run: &Callback<Vec<Command>>) -> Html {
    let run = press(on_run, first_scenario());
    html! {
        <div class="invitation">
            <h2>{text::EMPTY_TITLE}</h2>
            <p>{text::EMPTY_TEXT}</p>
            <pre>{text::FIRST_LINES.join("\n")}</pre>
            <button type="button" class="main" onclick={run}>{text::FIRST_SCENARIO}</button>
        </div>
    }
}
