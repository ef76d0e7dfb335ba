//! Fetches from an offset, and finds the offset of a time.

use yew::prelude::*;

use super::{Field, Props, not_sent, use_sending};
use crate::state::command;
use crate::text;
use crate::view::hooks::use_field;

/// The largest budget on the slider. The number field takes more.
const SLIDER_MAX: u32 = 2048;

#[function_component]
pub(crate) fn Consume(props: &Props) -> Html {
    let (fetch, find) = (use_fetch_form(props), use_find_form(props));
    html! {
        <details class="panel" open=true>
            {props.heading(text::CONSUME)}
            {fetch}
            {find}
        </details>
    }
}

#[hook]
fn use_fetch_form(props: &Props) -> Html {
    let offset = use_field("0");
    let max_bytes = use_field("300");
    let sending = use_sending("consume-complaint", &props.on_run);
    let on_fetch = sending.on_click(command::fetch(&offset, &max_bytes));
    let slider_max = SLIDER_MAX.to_string();
    html! {
        <form class="fields" novalidate=true onsubmit={not_sent} oninput={&sending.on_edit}>
            <div class="row">
                {sending.field(Field::number(text::OFFSET, "offset", "0"), &offset)}
                {sending.field(Field::number(text::MAX_BYTES, "max_bytes", "0"), &max_bytes)}
            </div>
            <div class="row centred">
                <input
                    type="range" min="0" max={slider_max} step="1" aria-label={text::MAX_BYTES_SLIDER}
                    value={max_bytes.to_string()} oninput={&max_bytes.on_input}
                />
                <button type="submit" class="main" disabled={!props.ready} onclick={on_fetch}>{text::FETCH}</button>
            </div>
            {sending.complaint()}
        </form>
    }
}

#[hook]
fn use_find_form(props: &Props) -> Html {
    let time = use_field(text::FIRST_TIME);
    let sending = use_sending("find-complaint", &props.on_run);
    let on_find = sending.on_click(command::find(&time));
    html! {
        <details class="more">
        <summary>{text::FIND_BY_TIME}</summary>
        <form class="fields times" novalidate=true onsubmit={not_sent} oninput={&sending.on_edit}>
            <div class="row">
                {sending.field(Field::text(text::TIMESTAMP, "timestamp"), &time)}
                <button type="submit" class="narrow" title={text::FIND_HINT} disabled={!props.ready} onclick={on_find}>{text::FIND}</button>
            </div>
            {sending.complaint()}
        </form>
        </details>
    }
}
