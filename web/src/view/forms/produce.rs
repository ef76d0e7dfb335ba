//! Appends records.

use yew::prelude::*;

use logscope::lab::{Action, TopicAction as Command};
use web_sys::HtmlSelectElement;

use super::{Field, not_sent, use_sending};
use crate::state::command;
use crate::text;
use crate::view::hooks::use_field;

#[derive(Properties, PartialEq)]
pub(crate) struct ProduceProps {
    pub(crate) ready: bool,
    /// How many partitions there are to choose from.
    pub(crate) partitions: u32,
    pub(crate) on_run: Callback<Command>,
}

#[function_component]
pub(crate) fn Produce(props: &ProduceProps) -> Html {
    let payload = use_field("hello");
    let key = use_field("");
    let number = use_field("1");
    let sending = use_sending("produce-complaint", &props.on_run);
    let disabled = !props.ready;
    // The partition that was chosen may be gone with a reset.
    let chosen = use_state_eq(|| None::<u32>);
    let partition = chosen.filter(|chosen| *chosen < props.partitions);
    let to = |action: Action| Command::Log { action, partition };
    let on_append = sending.on_click(command::append(&payload, &key, &number).map(to));
    let on_tombstone = sending.on_click(command::tombstone(&key).map(to));
    html! {
        <details class="panel" open=true>
            <summary>{text::PRODUCE}</summary>
            <form class="fields" novalidate=true onsubmit={not_sent} oninput={&sending.on_edit}>
                {sending.field(Field::text(text::PAYLOAD, "payload"), &payload)}
                <div class="row">
                    {sending.field(Field { placeholder: Some(text::NO_KEY), ..Field::text(text::KEY, "key") }, &key)}
                    <button type="button" title={text::TOMBSTONE_HINT} {disabled} onclick={on_tombstone}>{text::TOMBSTONE}</button>
                </div>
                if props.partitions > 1 { {choice(props.partitions, partition, chosen.setter())} }
                <div class="row">
                    {sending.field(Field { max: Some("10000"), ..Field::number(text::COUNT, "count", "1").short() }, &number)}
                    <button type="submit" class="main" {disabled} onclick={on_append}>{text::APPEND}</button>
                </div>
                {sending.complaint()}
            </form>
        </details>
    }
}

/// Which partition the records go to.
fn choice(partitions: u32, chosen: Option<u32>, choose: UseStateSetter<Option<u32>>) -> Html {
    let onchange = Callback::from(move |event: Event| {
        choose.set(event.target_unchecked_into::<HtmlSelectElement>().value().parse().ok());
    });
    let option = |number: u32| html! { <option value={number.to_string()} selected={chosen == Some(number)}>{number}</option> };
    html! {
        <label title={text::AUTOMATIC_HINT}><span>{text::PARTITION}</span>
            <select name="partition" {onchange}>
                <option value="" selected={chosen.is_none()}>{text::AUTOMATIC}</option>
                {for (0..partitions).map(option)}
            </select>
        </label>
    }
}
