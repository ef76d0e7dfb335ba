//! The forms: produce, consume, storage. Each keeps what is typed into it; what comes out is a command.

use logscope::lab::Action as Command;
use yew::prelude::*;

use super::hooks::use_field;
use crate::state::command;
use crate::text;

/// The largest budget on the slider. The number field takes more.
const SLIDER_MAX: u32 = 2048;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    /// Whether commands can be run.
    pub(crate) ready: bool,
    pub(crate) on_run: Callback<Command>,
}

#[function_component]
pub(crate) fn Produce(props: &Props) -> Html {
    let (payload, on_payload) = use_field("hello");
    let (key, on_key) = use_field("");
    let (number, on_number) = use_field("1");
    let (mistake, on_submit) = use_submit(props, command::append(&payload, &key, &number));
    html! {
        <details class="panel" open=true>
            <summary>{text::PRODUCE}</summary>
            <form class="fields" onsubmit={on_submit}>
                <label><span>{text::PAYLOAD}</span>
                    <input type="text" name="payload" autocomplete="off" value={(*payload).clone()} oninput={on_payload} />
                </label>
                <label><span>{text::KEY}</span>
                    <input type="text" name="key" autocomplete="off" placeholder="no key" value={(*key).clone()} oninput={on_key} />
                </label>
                <div class="row">
                    <label class="short"><span>{text::COUNT}</span>
                        <input type="number" name="count" min="1" max="10000" value={(*number).clone()} oninput={on_number} />
                    </label>
                    <button type="submit" class="main" disabled={!props.ready}>{text::APPEND}</button>
                </div>
                {complaint(&mistake)}
            </form>
        </details>
    }
}

#[function_component]
pub(crate) fn Consume(props: &Props) -> Html {
    let (offset, on_offset) = use_field("0");
    let (max_bytes, on_max_bytes) = use_field("300");
    let (mistake, on_submit) = use_submit(props, command::fetch(&offset, &max_bytes));
    let slider_max = SLIDER_MAX.to_string();
    html! {
        <details class="panel" open=true>
            <summary>{text::CONSUME}</summary>
            <form class="fields" onsubmit={on_submit}>
                <div class="row">
                    <label><span>{text::OFFSET}</span>
                        <input type="number" name="offset" min="0" value={(*offset).clone()} oninput={on_offset} />
                    </label>
                    <label><span>{text::MAX_BYTES}</span>
                        <input type="number" name="max_bytes" min="0" value={(*max_bytes).clone()} oninput={on_max_bytes.clone()} />
                    </label>
                </div>
                <input
                    type="range" min="0" max={slider_max} step="1" aria-label={text::MAX_BYTES_SLIDER}
                    value={(*max_bytes).clone()} oninput={on_max_bytes}
                />
                <div class="row end">
                    <button type="submit" class="main" disabled={!props.ready}>{text::FETCH}</button>
                </div>
                {complaint(&mistake)}
            </form>
        </details>
    }
}

#[function_component]
pub(crate) fn Storage(props: &Props) -> Html {
    let (torn, on_torn) = use_field("0");
    let (mistake, on_crash) = use_submit(props, command::crash(&torn));
    let run = |command: Command| props.on_run.reform(move |_: MouseEvent| command.clone());
    let disabled = !props.ready;
    html! {
        <details class="panel" open=true>
            <summary>{text::STORAGE}</summary>
            <form class="fields" onsubmit={on_crash}>
                <div class="row tight">
                    <button type="button" {disabled} onclick={run(Command::Flush)}>{text::FLUSH}</button>
                    <button type="button" {disabled} onclick={run(Command::Reopen)}>{text::REOPEN}</button>
                    <button type="button" {disabled} onclick={run(Command::Reset)}>{text::RESET}</button>
                </div>
                <div class="row">
                    <label class="short"><span>{text::TORN_BYTES}</span>
                        <input type="number" name="torn" min="0" value={(*torn).clone()} oninput={on_torn} />
                    </label>
                    <button type="submit" class="grave" {disabled}>{text::CRASH}</button>
                </div>
                {complaint(&mistake)}
                <p class="hint">{text::STORAGE_HINT}</p>
            </form>
        </details>
    }
}

/// What a form complains about since it was last sent, and what to do when it is sent.
#[hook]
fn use_submit(
    props: &Props,
    command: Result<Command, String>,
) -> (UseStateHandle<Option<String>>, Callback<SubmitEvent>) {
    let mistake = use_state_eq(|| None);
    let (setter, on_run) = (mistake.setter(), props.on_run.clone());
    let submit = Callback::from(move |event: SubmitEvent| {
        event.prevent_default();
        setter.set(command.as_ref().err().cloned());
        if let Ok(command) = &command {
            on_run.emit(command.clone());
        }
    });
    (mistake, submit)
}

fn complaint(mistake: &Option<String>) -> Html {
    match mistake {
        Some(mistake) => html! { <p class="complaint" role="alert">{mistake.clone()}</p> },
        None => Html::default(),
    }
}
