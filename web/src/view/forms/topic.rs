//! Adds partitions, and lets consumers read and commit.

use yew::prelude::*;

use super::{Field, Props, not_sent, use_sending};
use crate::state::command;
use crate::text;
use crate::view::hooks::use_field;

/// The panel. It is open for a topic that has something to be done there.
#[function_component]
pub(crate) fn Topic(props: &Props) -> Html {
    let count = use_field("3");
    let adding = use_sending("partitions-complaint", &props.on_run);
    let consumer = use_field("billing");
    let max_bytes = use_field("300");
    let sending = use_sending("consumer-complaint", &props.on_run);
    let disabled = !props.ready;
    html! {
        <details class="panel" open={props.place.is_some()}>
            <summary>{text::TOPIC}</summary>
            <form class="fields" novalidate=true onsubmit={not_sent} oninput={&adding.on_edit}>
                <div class="row">
                    {adding.field(Field { max: Some("12"), ..Field::number(text::PARTITIONS, "partitions", "1").short() }, &count)}
                    <button type="submit" {disabled} onclick={adding.on_click(command::partitions(&count))}>{text::SET_PARTITIONS}</button>
                </div>
                {adding.complaint()}
            </form>
            <form class="fields second" novalidate=true onsubmit={not_sent} oninput={&sending.on_edit}>
                <div class="row">
                    {sending.field(Field::text(text::CONSUMER, "consumer"), &consumer)}
                    {sending.field(Field::number(text::POLL_BYTES, "poll_bytes", "0").short(), &max_bytes)}
                </div>
                <div class="row">
                    <button type="submit" class="main" title={text::POLL_HINT} {disabled} onclick={sending.on_click(command::poll(&consumer, &max_bytes))}>{text::POLL}</button>
                    <button type="button" title={text::COMMIT_HINT} {disabled} onclick={sending.on_click(command::commit(&consumer))}>{text::COMMIT}</button>
                </div>
                {sending.complaint()}
                <p class="hint">{text::TOPIC_HINT}</p>
            </form>
        </details>
    }
}
