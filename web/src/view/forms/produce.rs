//! Appends records.

use yew::prelude::*;

use super::{Field, Props, use_sending};
use crate::state::command;
use crate::text;
use crate::view::hooks::use_field;

#[function_component]
pub(crate) fn Produce(props: &Props) -> Html {
    let (payload, on_payload) = use_field("hello");
    let (key, on_key) = use_field("");
    let (number, on_number) = use_field("1");
    let sending = use_sending("produce-complaint", &props.on_run);
    let disabled = !props.ready;
    let on_submit = sending.on_submit(command::append(&payload, &key, &number));
    let on_tombstone = sending.on_click(command::tombstone(&key));
    html! {
        <details class="panel" open=true>
            <summary>{text::PRODUCE}</summary>
            <form class="fields" novalidate=true onsubmit={on_submit} oninput={&sending.on_edit}>
                <Field label={text::PAYLOAD} name="payload" value={(*payload).clone()} oninput={on_payload} sending={sending.clone()} />
                <div class="row">
                    <Field
                        label={text::KEY} name="key" placeholder={text::NO_KEY}
                        value={(*key).clone()} oninput={on_key} sending={sending.clone()}
                    />
                    <button type="button" title={text::TOMBSTONE_HINT} {disabled} onclick={on_tombstone}>{text::TOMBSTONE}</button>
                </div>
                <div class="row">
                    <Field
                        label={text::COUNT} name="count" min="1" max="10000" short=true
                        value={(*number).clone()} oninput={on_number} sending={sending.clone()}
                    />
                    <button type="submit" class="main" {disabled}>{text::APPEND}</button>
                </div>
                {sending.complaint()}
            </form>
        </details>
    }
}
