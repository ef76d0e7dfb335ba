//! Fetches from an offset, and finds the offset of a time.

use yew::prelude::*;

use super::{Field, Props, use_sending};
use crate::state::command;
use crate::text;
use crate::view::hooks::use_field;

/// The largest budget on the slider. The number field takes more.
const SLIDER_MAX: u32 = 2048;

#[function_component]
pub(crate) fn Consume(props: &Props) -> Html {
    html! {
        <details class="panel" open=true>
            {props.heading(text::CONSUME)}
            <FetchForm ready={props.ready} on_run={&props.on_run} />
            <FindForm ready={props.ready} on_run={&props.on_run} />
        </details>
    }
}

#[function_component]
fn FetchForm(props: &Props) -> Html {
    let (offset, on_offset) = use_field("0");
    let (max_bytes, on_max_bytes) = use_field("300");
    let sending = use_sending("consume-complaint", &props.on_run);
    let on_submit = sending.on_submit(command::fetch(&offset, &max_bytes));
    let slider_max = SLIDER_MAX.to_string();
    html! {
        <form class="fields" novalidate=true onsubmit={on_submit} oninput={&sending.on_edit}>
            <div class="row">
                <Field
                    label={text::OFFSET} name="offset" min="0"
                    value={(*offset).clone()} oninput={on_offset} sending={sending.clone()}
                />
                <Field
                    label={text::MAX_BYTES} name="max_bytes" min="0"
                    value={(*max_bytes).clone()} oninput={on_max_bytes.clone()} sending={sending.clone()}
                />
            </div>
            <div class="row centred">
                <input
                    type="range" min="0" max={slider_max} step="1" aria-label={text::MAX_BYTES_SLIDER}
                    value={(*max_bytes).clone()} oninput={on_max_bytes}
                />
                <button type="submit" class="main" disabled={!props.ready}>{text::FETCH}</button>
            </div>
            {sending.complaint()}
        </form>
    }
}

#[function_component]
fn FindForm(props: &Props) -> Html {
    let (time, on_time) = use_field(text::FIRST_TIME);
    let sending = use_sending("find-complaint", &props.on_run);
    let on_submit = sending.on_submit(command::find(&time));
    html! {
        <details class="more">
        <summary>{text::FIND_BY_TIME}</summary>
        <form class="fields times" novalidate=true onsubmit={on_submit} oninput={&sending.on_edit}>
            <div class="row">
                <Field label={text::TIMESTAMP} name="timestamp" value={(*time).clone()} oninput={on_time} sending={sending.clone()} />
                <button type="submit" class="narrow" title={text::FIND_HINT} disabled={!props.ready}>{text::FIND}</button>
            </div>
            {sending.complaint()}
        </form>
        </details>
    }
}
