//! Flushes, opens anew, resets, and loses the power.

use logscope::lab::Action as Command;
use yew::prelude::*;

use super::{Field, Props, use_sending};
use crate::state::command;
use crate::text;
use crate::view::hooks::use_field;

#[function_component]
pub(crate) fn Storage(props: &Props) -> Html {
    let (torn, on_torn) = use_field("0");
    let sending = use_sending("storage-complaint", &props.on_run);
    let run = |command: Command| sending.on_click(Ok(command));
    let disabled = !props.ready;
    html! {
        <details class="panel" open=true>
            <summary>{text::STORAGE}</summary>
            <form class="fields" novalidate=true onsubmit={sending.on_submit(command::crash(&torn))} oninput={&sending.on_edit}>
                <div class="row tight">
                    <button type="button" {disabled} onclick={run(Command::Flush)}>{text::FLUSH}</button>
                    <button type="button" {disabled} onclick={run(Command::Reopen)}>{text::REOPEN}</button>
                    <button type="button" {disabled} onclick={run(Command::Reset)}>{text::RESET}</button>
                </div>
                <div class="row">
                    <Field
                        label={text::TORN_BYTES} name="torn" min="0" short=true
                        value={(*torn).clone()} oninput={on_torn} sending={sending.clone()}
                    />
                    <button type="submit" class="grave" {disabled}>{text::CRASH}</button>
                </div>
                {sending.complaint()}
                <p class="hint">{text::STORAGE_HINT}</p>
            </form>
        </details>
    }
}
