//! The log's panel: its bounds, the lanes, the budget of a fetch, or an invitation where there is nothing yet.

use std::rc::Rc;

use logscope::lab::{Picture, State as LogState, TopicAction as Command};
use yew::prelude::*;

use super::budget::BudgetBar;
use super::lanes::Lanes;
use crate::engine::first_scenario;
use crate::state::format::{text as bytes_text, timestamp};
use crate::state::layout::keys;
use crate::state::{Action, BatchId, Palette, Zoom};
use crate::text;

/// More keys than this are not listed: their colours come round again.
const LISTED_KEYS: usize = 7;

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
    pub(crate) zoom: Zoom,
    pub(crate) on_do: Callback<Action>,
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
            if !props.inviting {
                <Lanes
                    picture={props.picture.clone()} palette={props.palette.clone()} selected={props.selected}
                    zoom={props.zoom} on_do={props.on_do.clone()}
                />
            }
            if props.picture.fetch.is_some() {
                <BudgetBar picture={props.picture.clone()} palette={props.palette.clone()} />
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
