//! A running broker: the switch to it, the bar that says how the page stands with it, and what can be asked of it.

use logscope::lab::{Action as Command, TopicAction};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::forms::{Configs, Consume, Produce};
use super::hooks::press;
use crate::state::State;
use crate::state::beside::Wish as AnyWish;
use crate::state::live::{Connection, Live, Place, Wish, loaded};
use crate::text::live as text;

/// The switch between the visitor's own log and a broker's.
pub(super) fn switch(live: bool, on_wish: &Callback<AnyWish>) -> Html {
    let side = |name: &'static str, shown: bool, wish: AnyWish| {
        let onclick = press(on_wish, wish);
        html! { <button type="button" aria-pressed={shown.to_string()} disabled={shown} {onclick}>{name}</button> }
    };
    html! {
        <div class="switch" role="group" aria-label={text::WHOSE_LOG}>
            {side(text::BROWSER, !live, AnyWish::Leave)}
            {side(text::LIVE, live, AnyWish::Live(Wish::Enter))}
        </div>
    }
}

/// What is watched, how the page stands with the broker, and what there is to do about it.
pub(crate) fn bar(live: &Live, state: &State, on_wish: &Callback<AnyWish>) -> Html {
    let wish = on_wish.reform(AnyWish::Live);
    let button = |name: &'static str, asked: Wish| {
        let onclick = press(&wish, asked);
        html! { <button type="button" {onclick}>{name}</button> }
    };
    let new = live.stopped_at.map(|at| state.timeline.len().saturating_sub(at));
    html! {
        <section class="live-bar" aria-label={text::REGION}>
            <div class="line">
                {partitions(live, &wish)}
                <p class={classes!("connection", class(live))}>
                    <span class="dot" aria-hidden="true"></span><span>{words(live)}</span>
                </p>
                if let Some(new) = new {
                    if new > 0 { <span class="new-steps">{text::new_steps(new)}</span> }
                    {button(text::FOLLOW, Wish::Follow)}
                }
                {again(live, &button)}
                {said(live)}
                {other_broker(live, &wish)}
            </div>
            {token(live, &wish)}
            {notes(live, state, &button)}
            // Not a status: the one of the page says the step that is looked at.
            <p class="unseen" aria-live="polite">{live.announced.clone()}</p>
        </section>
    }
}

/// The partitions to choose from.
fn partitions(live: &Live, wish: &Callback<Wish>) -> Html {
    let chosen = live.address.place.as_ref();
    let topics = live.topics.as_ref().map_or(&[][..], |topics| topics.as_slice());
    let offered = topics.iter().flat_map(|topic| {
        (0..topic.partitions).map(|partition| Place { topic: topic.name.clone(), partition })
    });
    // What a link names stands in the list even if the broker has no such topic, or has not answered yet.
    let absent = chosen.filter(|place| !topics.iter().any(|topic| topic.name == place.topic)).cloned();
    let option = |place: Place| {
        let name = format!("{}/{}", place.topic, place.partition);
        html! { <option value={name.clone()} selected={Some(&place) == chosen}>{name}</option> }
    };
    let onchange = wish.reform(|event: Event| {
        let value = event.target_unchecked_into::<HtmlSelectElement>().value();
        let (topic, partition) = value.rsplit_once('/').unwrap_or_default();
        Wish::Watch(Place { topic: topic.to_owned(), partition: partition.parse().unwrap_or(0) })
    });
    html! {
        <select aria-label={text::TOPIC} {onchange}>
            if chosen.is_none() { <option value="" selected=true disabled=true>{text::CHOOSE}</option> }
            {for absent.into_iter().chain(offered).map(option)}
        </select>
    }
}

fn class(live: &Live) -> &'static str {
    match live.connection {
        Connection::Live => "on",
        Connection::Connecting | Connection::Loading | Connection::Waiting { .. } => "busy",
        Connection::Idle => "",
        _ => "off",
    }
}

fn words(live: &Live) -> String {
    match &live.connection {
        Connection::Idle => text::IDLE.to_owned(),
        Connection::Connecting => text::CONNECTING.to_owned(),
        Connection::Loading => text::LOADING.to_owned(),
        Connection::Live if live.stopped_at.is_some() => text::PAUSED.to_owned(),
        Connection::Live => text::CONNECTED.to_owned(),
        Connection::Waiting { seconds, .. } => text::waiting(*seconds),
        Connection::NeedsToken { .. } => text::ASKS.to_owned(),
        Connection::Stopped { .. } => text::GONE.to_owned(),
        Connection::Resting { .. } => text::RESTS.to_owned(),
    }
}

/// To ask for the topics again, or not to wait any longer.
fn again(live: &Live, button: &impl Fn(&'static str, Wish) -> Html) -> Html {
    match live.connection {
        Connection::Idle | Connection::Live | Connection::Stopped { .. } => {
            button(text::LOOK_AGAIN, Wish::Refresh)
        }
        Connection::Waiting { .. } => button(text::TRY_NOW, Wish::Refresh),
        _ => Html::default(),
    }
}

/// A field for the address of another broker.
fn other_broker(live: &Live, wish: &Callback<Wish>) -> Html {
    let name = if live.broker().is_own() { text::BROKER_HINT } else { live.broker().base() };
    let stopped = matches!(live.connection, Connection::Stopped { .. });
    let field = html! {
        <input
            type="text" aria-label={text::BROKER} placeholder="http://127.0.0.1:8080" autocomplete="off" spellcheck="false"
            autocapitalize="off" value={live.broker().base().to_owned()}
        />
    };
    html! {
        <details class="broker" open={stopped && live.topics.is_none()}>
            <summary>{format!("{}: {name}", text::BROKER)}</summary>
            {one_field(field, text::CALL, wish.reform(Wish::Call))}
        </details>
    }
}

fn token(live: &Live, wish: &Callback<Wish>) -> Html {
    let Connection::NeedsToken { wrong } = live.connection else { return Html::default() };
    let field =
        html! { <input type="password" aria-label={text::TOKEN} autocomplete="off" spellcheck="false" /> };
    html! {
        <div class="ask">
            if wrong {
                <p class="complaint" role="alert">{text::WRONG_TOKEN}</p>
            } else {
                <p>{text::NEEDS_TOKEN}</p>
            }
            {one_field(field, text::GIVE, wish.reform(Wish::Give))}
        </div>
    }
}

/// A form with one field, whose text is sent.
fn one_field(field: Html, send: &'static str, on_send: Callback<String>) -> Html {
    let onsubmit = on_send.reform(|event: SubmitEvent| {
        event.prevent_default();
        let field = event.target_unchecked_into::<Element>().query_selector("input").ok().flatten();
        field
            .and_then(|field| field.dyn_into::<HtmlInputElement>().ok())
            .map(|field| field.value())
            .unwrap_or_default()
    });
    html! { <form class="one" novalidate=true {onsubmit}>{field}<button type="submit">{send}</button></form> }
}

/// What a person must know: why there is no connection, what was not read, what a command came to.
fn notes(live: &Live, state: &State, button: &impl Fn(&'static str, Wish) -> Html) -> Html {
    let note = |words: String| html! { <p class="note">{words}</p> };
    let why = match &live.connection {
        Connection::Waiting { why, .. } => note(why.clone()),
        Connection::Stopped { why } => html! { <p class="complaint" role="alert">{why.clone()}</p> },
        Connection::Resting { why } => note((*why).to_owned()),
        Connection::Idle if live.topics.as_ref().is_some_and(|topics| topics.is_empty()) => {
            note(text::NO_TOPICS.to_owned())
        }
        _ => Html::default(),
    };
    let unread = state.unread();
    let full = loaded::batches(state.timeline.start().partition(0)) > loaded::MOST;
    html! {
        <>
            {why}
            if unread.bytes > 0 {
                <div class="note">
                    {text::unread(unread)}{" "}
                    if full {
                        {text::TOO_MANY}
                    } else if live.reading {
                        {text::READING}
                    } else if live.connection == Connection::Live {
                        {button(text::READ_MORE, Wish::ReadMore)}
                    }
                </div>
            }
            if live.in_memory > 0 { {note(text::in_memory(live.in_memory))} }
            if live.unknown > 0 { {note(text::unknown(live.unknown))} }
        </>
    }
}

/// What the last command came to.
fn said(live: &Live) -> Html {
    match &live.said {
        Some(Ok(said)) => html! { <p class="note said" aria-live="polite">{said.clone()}</p> },
        Some(Err(why)) => html! { <p class="complaint said" role="alert">{why.clone()}</p> },
        None => Html::default(),
    }
}

/// What can be asked of a broker: of what the laboratory takes, what is no fault and no change of the past.
pub(crate) fn controls(live: &Live, state: &State, on_run: &Callback<TopicAction>) -> Html {
    let ready = live.is_ready();
    let button = |name: &'static str, title: &'static str, command: Command| {
        let onclick = press(on_run, command.clone().into());
        html! { <button type="button" {title} disabled={!ready} {onclick}>{name}</button> }
    };
    html! {
        <>
            <Produce {ready} partitions=1 on_run={on_run.clone()} />
            <Consume {ready} on_run={on_run.clone()} />
            <details class="panel" open=true>
                <summary>{crate::text::STORAGE}</summary>
                <div class="fields">
                    <div class="row tight">
                        {button(crate::text::FLUSH, text::FLUSH_HINT, Command::Flush)}
                        {button(crate::text::RETAIN, text::RETAIN_HINT, Command::Retain)}
                        {button(crate::text::COMPACT, text::COMPACT_HINT, Command::Compact)}
                    </div>
                    <p class="hint">{text::STORAGE_HINT}{" "}{text::ONLY_IN_THE_LAB}</p>
                </div>
            </details>
            <Configs {ready} settings={state.settings.clone()} hint={text::CONFIGS_HINT} on_run={on_run.clone()} />
        </>
    }
}
