//! The forms: produce, consume, storage. Each keeps what is typed into it; what comes out is a command.
//!
//! They are `novalidate`: the page says itself what is wrong, in the same words for every fault.

use logscope::lab::Action as Command;
use yew::prelude::*;

use super::hooks::use_field;
use crate::state::command::{self, Refused};
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
    let sending = use_sending("produce-complaint", props, command::append(&payload, &key, &number));
    html! {
        <details class="panel" open=true>
            <summary>{text::PRODUCE}</summary>
            <form class="fields" novalidate=true onsubmit={&sending.on_submit} oninput={&sending.on_edit}>
                <label><span>{text::PAYLOAD}</span>
                    <input type="text" name="payload" autocomplete="off" value={(*payload).clone()} oninput={on_payload} />
                </label>
                <label><span>{text::KEY}</span>
                    <input type="text" name="key" autocomplete="off" placeholder="no key" value={(*key).clone()} oninput={on_key} />
                </label>
                <div class="row">
                    <Number
                        label={text::COUNT} name="count" min="1" max="10000" short=true
                        value={(*number).clone()} oninput={on_number} sending={sending.clone()}
                    />
                    <button type="submit" class="main" disabled={!props.ready}>{text::APPEND}</button>
                </div>
                {sending.complaint()}
            </form>
        </details>
    }
}

#[function_component]
pub(crate) fn Consume(props: &Props) -> Html {
    let (offset, on_offset) = use_field("0");
    let (max_bytes, on_max_bytes) = use_field("300");
    let sending = use_sending("consume-complaint", props, command::fetch(&offset, &max_bytes));
    let slider_max = SLIDER_MAX.to_string();
    html! {
        <details class="panel" open=true>
            <summary>{text::CONSUME}</summary>
            <form class="fields" novalidate=true onsubmit={&sending.on_submit} oninput={&sending.on_edit}>
                <div class="row">
                    <Number
                        label={text::OFFSET} name="offset" min="0"
                        value={(*offset).clone()} oninput={on_offset} sending={sending.clone()}
                    />
                    <Number
                        label={text::MAX_BYTES} name="max_bytes" min="0"
                        value={(*max_bytes).clone()} oninput={on_max_bytes.clone()} sending={sending.clone()}
                    />
                </div>
                <input
                    type="range" min="0" max={slider_max} step="1" aria-label={text::MAX_BYTES_SLIDER}
                    value={(*max_bytes).clone()} oninput={on_max_bytes}
                />
                <div class="row end">
                    <button type="submit" class="main" disabled={!props.ready}>{text::FETCH}</button>
                </div>
                {sending.complaint()}
            </form>
        </details>
    }
}

#[function_component]
pub(crate) fn Storage(props: &Props) -> Html {
    let (torn, on_torn) = use_field("0");
    let sending = use_sending("storage-complaint", props, command::crash(&torn));
    let run = |command: Command| props.on_run.reform(move |_: MouseEvent| command.clone());
    let disabled = !props.ready;
    html! {
        <details class="panel" open=true>
            <summary>{text::STORAGE}</summary>
            <form class="fields" novalidate=true onsubmit={&sending.on_submit} oninput={&sending.on_edit}>
                <div class="row tight">
                    <button type="button" {disabled} onclick={run(Command::Flush)}>{text::FLUSH}</button>
                    <button type="button" {disabled} onclick={run(Command::Reopen)}>{text::REOPEN}</button>
                    <button type="button" {disabled} onclick={run(Command::Reset)}>{text::RESET}</button>
                </div>
                <div class="row">
                    <Number
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

#[derive(Properties, PartialEq)]
struct NumberProps {
    label: &'static str,
    name: &'static str,
    min: &'static str,
    #[prop_or_default]
    max: Option<&'static str>,
    #[prop_or_default]
    short: bool,
    value: String,
    oninput: Callback<InputEvent>,
    sending: Sending,
}

/// A number with its label. While the form complains about it, it says so and where.
#[function_component]
fn Number(props: &NumberProps) -> Html {
    let NumberProps { label, name, min, max, value, oninput, sending, .. } = props;
    let wrong = sending.complaint.as_ref().filter(|refused| refused.field == *label);
    html! {
        <label class={classes!(props.short.then_some("short"))}><span>{*label}</span>
            <input
                type="number" name={*name} min={*min} max={*max} value={value.clone()} {oninput}
                aria-invalid={wrong.map(|_| "true")} aria-describedby={wrong.map(|_| sending.id)}
            />
        </label>
    }
}

/// What a form does when it is sent, and what it has complained about since.
#[derive(Clone, PartialEq)]
struct Sending {
    /// The complaint's id in the page.
    id: &'static str,
    complaint: Option<Refused>,
    on_submit: Callback<SubmitEvent>,
    /// A complaint is about what was sent; it goes once a field is edited.
    on_edit: Callback<InputEvent>,
}

impl Sending {
    fn complaint(&self) -> Html {
        match &self.complaint {
            Some(refused) => {
                html! { <p id={self.id} class="complaint" role="alert">{refused.reason.clone()}</p> }
            }
            None => Html::default(),
        }
    }
}

#[hook]
fn use_sending(id: &'static str, props: &Props, command: Result<Command, Refused>) -> Sending {
    let complaint = use_state_eq(|| None);
    let (setter, on_run) = (complaint.setter(), props.on_run.clone());
    let on_submit = Callback::from(move |event: SubmitEvent| {
        event.prevent_default();
        setter.set(command.as_ref().err().cloned());
        if let Ok(command) = &command {
            on_run.emit(command.clone());
        }
    });
    let setter = complaint.setter();
    let on_edit = use_callback((), move |_: InputEvent, ()| setter.set(None));
    Sending { id, complaint: (*complaint).clone(), on_submit, on_edit }
}
