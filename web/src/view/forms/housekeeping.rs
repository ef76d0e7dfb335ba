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
    let (clock, cut) = (use_clock_form(props), use_cut_form(props));
    html! {
        <details class="panel">
            <summary>{text::HOUSEKEEPING}</summary>
            {clock}
            {cut}
        </details>
    }
}

#[hook]
fn use_clock_form(props: &Props) -> Html {
    let time = use_field("8d");
    let sending = use_sending("clock-complaint", &props.on_run);
    let disabled = !props.ready;
    html! {
        <form class="fields" novalidate=true onsubmit={not_sent} oninput={&sending.on_edit}>
            <div class="row">
                {sending.field(Field::text(text::DURATION, "duration").short(), &time)}
                <button type="submit" title={text::ADVANCE_HINT} {disabled} onclick={sending.on_click(command::advance(&time))}>{text::ADVANCE}</button>
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

#[hook]
fn use_cut_form(props: &Props) -> Html {
    let at = use_field("3");
    let sending = use_sending("cut-complaint", &props.on_run);
    let disabled = !props.ready;
    let on_delete = sending.on_click(command::delete_before(&at));
    let on_truncate = sending.on_click(command::truncate(&at));
    html! {
        <form class="fields second" novalidate=true onsubmit={not_sent} oninput={&sending.on_edit}>
            <div class="row">
                {sending.field(Field::number(text::CUT_AT, "cut", "0"), &at)}
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
