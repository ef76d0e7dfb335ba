//! The forms. Each keeps what is typed into it; what comes out is a command.
//!
//! They are `novalidate`: the page says itself what is wrong, in the same words for every fault.

mod configs;
mod consume;
mod housekeeping;
mod produce;
mod storage;
mod topic;

use logscope::lab::TopicAction as Command;
use yew::prelude::*;

use super::hooks::Typed;
use crate::state::command::Refused;

pub(super) use configs::Configs;
pub(super) use consume::Consume;
pub(super) use housekeeping::Housekeeping;
pub(super) use produce::Produce;
pub(super) use storage::Storage;
pub(super) use topic::Topic;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    /// Whether commands can be run.
    pub(crate) ready: bool,
    /// The partition that is looked at, by its name, if there are several.
    #[prop_or_default]
    pub(crate) place: Option<String>,
    pub(crate) on_run: Callback<Command>,
}

impl Props {
    /// A panel's heading, with the partition that its commands are for.
    fn heading(&self, heading: &'static str) -> Html {
        let place = self.place.as_ref().map(|place| html! { <span class="aside">{place.clone()}</span> });
        html! { <summary>{heading}{place.unwrap_or_default()}</summary> }
    }
}

/// What a field takes.
#[derive(Clone, Copy, Default)]
struct Field {
    label: &'static str,
    name: &'static str,
    /// The least number; without it, the field takes text.
    min: Option<&'static str>,
    max: Option<&'static str>,
    placeholder: Option<&'static str>,
    short: bool,
}

impl Field {
    fn text(label: &'static str, name: &'static str) -> Self {
        Self { label, name, ..Self::default() }
    }

    fn number(label: &'static str, name: &'static str, min: &'static str) -> Self {
        Self { min: Some(min), ..Self::text(label, name) }
    }

    fn short(self) -> Self {
        Self { short: true, ..self }
    }
}

/// What a form does with a command, and what it has complained about since.
#[derive(Clone, PartialEq)]
struct Sending {
    /// The complaint's id in the page.
    id: &'static str,
    complaint: Option<Refused>,
    send: Callback<Result<Command, Refused>>,
    /// A complaint is about what was sent; it goes once a field is edited.
    on_edit: Callback<InputEvent>,
}

impl Sending {
    /// What a button does. Enter in a field presses the form's own button, so the form itself need not be sent: a
    /// browser that sends one looks through all its fields first, to complete them the next time.
    fn on_click(&self, command: Result<impl Into<Command>, Refused>) -> Callback<MouseEvent> {
        let command = command.map(Into::into);
        self.send.reform(move |event: MouseEvent| {
            event.prevent_default();
            command.clone()
        })
    }

    /// A field with its label. While the form complains about it, it says so and where.
    fn field(&self, field: Field, typed: &Typed) -> Html {
        let Field { label, name, min, max, placeholder, short } = field;
        let kind = if min.is_some() { "number" } else { "text" };
        let wrong = self.complaint.as_ref().filter(|refused| refused.field == label);
        html! {
            <label class={short.then_some("short")}><span>{label}</span>
                <input
                    type={kind} {name} {min} {max} {placeholder} autocomplete="off" spellcheck="false"
                    value={typed.to_string()} oninput={&typed.on_input}
                    aria-invalid={wrong.map(|_| "true")} aria-describedby={wrong.map(|_| self.id)}
                />
            </label>
        }
    }

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
fn use_sending(id: &'static str, on_run: &Callback<Command>) -> Sending {
    let complaint = use_state_eq(|| None);
    let setter = complaint.setter();
    let send = use_callback(on_run.clone(), move |command: Result<Command, Refused>, on_run| {
        setter.set(command.as_ref().err().cloned());
        if let Ok(command) = command {
            on_run.emit(command);
        }
    });
    let setter = complaint.setter();
    let on_edit = use_callback((), move |_: InputEvent, ()| setter.set(None));
    Sending { id, complaint: (*complaint).clone(), send, on_edit }
}

/// No form is sent. Enter in one whose buttons do different things does none of them.
fn not_sent(event: SubmitEvent) {
    event.prevent_default();
}
