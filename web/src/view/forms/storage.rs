//! Flushes, opens anew, resets, loses the power; and, in a panel that is folded, lets the disk fail.

use logscope::lab::Action as Command;
use yew::prelude::*;

use super::{Field, Props, not_sent, use_sending};
use crate::state::command;
use crate::text;
use crate::view::hooks::use_field;

#[function_component]
pub(crate) fn Storage(props: &Props) -> Html {
    let torn = use_field("0");
    let disk = use_field("2048");
    let segment = use_field("0");
    let sending = use_sending("storage-complaint", &props.on_run);
    let run = |command: Command| sending.on_click(Ok(command));
    let failing = use_sending("faults-complaint", &props.on_run);
    let fail = |command: Command| failing.on_click(Ok(command));
    let disabled = !props.ready;
    html! {
        <>
        <details class="panel" open=true>
            <summary>{text::STORAGE}</summary>
            <form class="fields" novalidate=true onsubmit={not_sent} oninput={&sending.on_edit}>
                <div class="row tight">
                    <button type="button" {disabled} onclick={run(Command::Flush)}>{text::FLUSH}</button>
                    <button type="button" {disabled} onclick={run(Command::Reopen)}>{text::REOPEN}</button>
                    <button type="button" {disabled} onclick={run(Command::Reset)}>{text::RESET}</button>
                </div>
                <div class="row">
                    {sending.field(Field::number(text::TORN_BYTES, "torn", "0").short(), &torn)}
                    <button type="submit" class="grave" {disabled} onclick={sending.on_click(command::crash(&torn))}>{text::CRASH}</button>
                </div>
                {sending.complaint()}
                <p class="hint">{text::STORAGE_HINT}</p>
            </form>
        </details>
        <details class="panel">
            <summary>{text::FAULTS}</summary>
            <form class="fields" novalidate=true onsubmit={not_sent} oninput={&failing.on_edit}>
                <div class="row">
                    {failing.field(Field::number(text::DISK_BYTES, "disk", "0").short(), &disk)}
                    <button type="button" class="grave" title={text::LIMIT_DISK_HINT} {disabled} onclick={failing.on_click(command::disk(&disk))}>{text::LIMIT_DISK}</button>
                </div>
                <div class="row tight">
                    <button type="button" title={text::FREE_DISK_HINT} {disabled} onclick={fail(Command::Disk { limit: None })}>{text::FREE_DISK}</button>
                    <button type="button" class="grave" title={text::FAIL_SYNC_HINT} {disabled} onclick={fail(Command::FailSync)}>{text::FAIL_SYNC}</button>
                </div>
                <div class="row">
                    {failing.field(Field::number(text::SEGMENT, "segment", "0").short(), &segment)}
                    <button type="button" class="grave" title={text::LOSE_INDEX_HINT} {disabled} onclick={failing.on_click(command::lose_index(&segment))}>{text::LOSE_INDEX}</button>
                    <button type="button" class="grave" title={text::DAMAGE_INDEX_HINT} {disabled} onclick={failing.on_click(command::damage_index(&segment))}>{text::DAMAGE_INDEX}</button>
                </div>
                {failing.complaint()}
            </form>
        </details>
        </>
    }
}
