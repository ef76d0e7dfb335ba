//! What becomes of old records, on a clock that goes when it is told to: retention, compaction, and cuts at both
//! ends.

use logscope::lab::Action as Command;
use yew::prelude::*;

use super::{Field, Props, not_sent, use_sending};
use crate::state::command;
use crate::text;
use crate::view::hooks::use_field;

#[function_component]
pub(crate) fn Housekeeping(props: &Props) -> Html {
    html! {
        <details class="panel">
            <summary>{text::HOUSEKEEPING}</summary>
            <ClockForm ready={props.ready} on_run={&props.on_run} />
            <CutForm ready={props.ready} place={props.place.clone()} on_run={&props.on_run} />
        </details>
    }
}

#[function_component]
fn ClockForm(props: &Props) -> Html {
    let (time, on_time) = use_field("8d");
    let sending = use_sending("clock-complaint", &props.on_run);
    let disabled = !props.ready;
    html! {
        <form class="fields" novalidate=true onsubmit={sending.on_submit(command::advance(&time))} oninput={&sending.on_edit}>
            <div class="row">
                <Field label={text::DURATION} name="duration" short=true value={(*time).clone()} oninput={on_time} sending={sending.clone()} />
                <button type="submit" title={text::ADVANCE_HINT} {disabled}>{text::ADVANCE}</button>
            </div>
            <div class="row">
                <button type="button" title={text::RETAIN_HINT} {disabled} onclick={sending.on_click(Ok(Command::Retain))}>{text::RETAIN}</button>
                <button type="button" title={text::COMPACT_HINT} {disabled} onclick={sending.on_click(Ok(Command::Compact))}>{text::COMPACT}</button>
            </div>
            {sending.complaint()}
            <p class="hint">{text::HOUSEKEEPING_HINT}</p>
        </form>
    }
}

#[function_component]
fn CutForm(props: &Props) -> Html {
    let (at, on_at) = use_field("3");
    let sending = use_sending("cut-complaint", &props.on_run);
    let disabled = !props.ready;
    let on_delete = sending.on_click(command::delete_before(&at));
    let on_truncate = sending.on_click(command::truncate(&at));
    html! {
        <form class="fields second" novalidate=true onsubmit={not_sent} oninput={&sending.on_edit}>
            <div class="row">
                <Field label={text::CUT_AT} name="cut" min="0" value={(*at).clone()} oninput={on_at} sending={sending.clone()} />
                if let Some(place) = &props.place { <span class="hint">{place.clone()}</span> }
            </div>
            <div class="row tight">
                <button type="button" class="grave" title={text::DELETE_BEFORE_HINT} {disabled} onclick={on_delete}>{text::DELETE_BEFORE}</button>
                <button type="button" class="grave" title={text::TRUNCATE_HINT} {disabled} onclick={on_truncate}>{text::TRUNCATE}</button>
            </div>
            {sending.complaint()}
        </form>
    }
}
