//! The configuration, by Kafka's keys. What is edited and not applied yet stays in the form.

use std::collections::HashMap;
use std::rc::Rc;

use logscope::Takes;
use logscope::lab::TopicAction as Command;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::{Sending, not_sent, use_sending};
use crate::state::Settings;
use crate::state::command::{self, config_keys, config_text};
use crate::text;

#[derive(Properties)]
pub(crate) struct ConfigsProps {
    pub(crate) ready: bool,
    /// Its configs are those that can be changed.
    pub(crate) settings: Rc<Settings>,
    pub(crate) hint: &'static str,
    pub(crate) on_run: Callback<Command>,
}

/// The clock, which is among the settings and moves with nearly every command, is not in the form.
impl PartialEq for ConfigsProps {
    fn eq(&self, other: &Self) -> bool {
        let same_form = self.ready == other.ready && self.hint == other.hint && self.on_run == other.on_run;
        same_form && self.settings.config == other.settings.config
    }
}

#[function_component]
pub(crate) fn Configs(props: &ConfigsProps) -> Html {
    let edited = use_state_eq(HashMap::<&'static str, String>::new);
    let sending = use_sending("config-complaint", &props.on_run);
    // What has been applied, here or by a command, is not an edit any more.
    use_effect_with(props.settings.config.clone(), {
        let edited = edited.setter();
        move |_| edited.set(HashMap::new())
    });
    let changes = command::config(&props.settings.config, &edited);
    let nothing = matches!(changes, Ok(None));
    let on_apply = sending.on_click(changes.and_then(|change| change.ok_or_else(command::no_change)));
    let row = |(name, takes): (&'static str, Takes)| {
        let (_, current) = props.settings.config.iter().find(|(key, _)| key == name)?;
        let value = edited.get(name).cloned().unwrap_or_else(|| config_text(name, current));
        let edit = {
            let edited = edited.clone();
            Callback::from(move |value: String| {
                let mut all = (*edited).clone();
                all.insert(name, value);
                edited.set(all);
            })
        };
        Some(config_field(name, takes, value, edit, &sending))
    };
    html! {
        <details class="panel">
            <summary>{text::CONFIGS}</summary>
            <form class="fields configs" novalidate=true onsubmit={not_sent} oninput={&sending.on_edit}>
                {for config_keys().filter_map(row)}
                <div class="row end">
                    <button type="submit" class="main" disabled={!props.ready || nothing} onclick={on_apply}>{text::APPLY}</button>
                </div>
                {sending.complaint()}
                <p class="hint">{props.hint}</p>
            </form>
        </details>
    }
}

/// A line of the form: the key, and a field for what it takes.
fn config_field(
    key: &'static str,
    takes: Takes,
    value: String,
    edit: Callback<String>,
    sending: &Sending,
) -> Html {
    let wrong = sending.complaint.as_ref().filter(|refused| refused.field == key);
    let (invalid, described) = (wrong.map(|_| "true"), wrong.map(|_| sending.id));
    let title = text::config_meaning(key);
    let field = match takes {
        Takes::Word(words) => {
            let onchange =
                edit.reform(|event: Event| event.target_unchecked_into::<HtmlSelectElement>().value());
            let option = |word: &&'static str| html! { <option value={*word} selected={**word == value}>{*word}</option> };
            html! { <select name={key} aria-label={key} {onchange}>{for words.iter().map(option)}</select> }
        }
        Takes::Number { .. } | Takes::Limit | Takes::Ratio => {
            let oninput =
                edit.reform(|event: InputEvent| event.target_unchecked_into::<HtmlInputElement>().value());
            html! {
                <input
                    type="text" name={key} aria-label={key} autocomplete="off" spellcheck="false" {value} {oninput}
                    aria-invalid={invalid} aria-describedby={described}
                />
            }
        }
    };
    // A line may end after a dot.
    let parts = key.split_inclusive('.').map(|part| html! { <>{part}<wbr /></> });
    html! { <label {key} {title}><code>{for parts}</code>{field}</label> }
}
