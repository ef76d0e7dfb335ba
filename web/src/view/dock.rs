//! The dock: the timeline with its controls, the current step's sentence, the command line.

use std::rc::Rc;

use logscope::lab::{TopicAction as Command, TopicEvent, topic_sentence};
use web_sys::{Element, HtmlInputElement};
use yew::prelude::*;

use super::branches::branches;
use super::command::CommandLine;
use super::hooks::press;
use super::icon::{Icon, icon};
use super::prose::explained;
use crate::state::beside::Wish;
use crate::state::format::decimal;
use crate::state::{Action, Gravity, Group, Speed, State, Timeline, gravity, title};
use crate::text;

/// So many of an action's steps are listed around the current one.
const LISTED: usize = 40;
/// More actions than this get no ticks of their own.
const TICKS: usize = 150;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) state: Rc<State>,
    pub(crate) on_run: Callback<Command>,
    pub(crate) on_do: Callback<Action>,
    /// A running broker's log: there is nothing to type, and what goes by is not read out step by step.
    pub(crate) live: bool,
    pub(crate) on_wish: Callback<Wish>,
}

#[function_component]
pub(crate) fn Dock(props: &Props) -> Html {
    let Props { state, on_run, on_do, live, on_wish } = props;
    let event = state.timeline.event();
    let said = match event {
        Some(event) => topic_sentence(event),
        None if *live => text::live::NOTHING_YET.to_owned(),
        None if state.ready() => text::BEFORE_FIRST_STEP.to_owned(),
        None => text::LOADING.to_owned(),
    };
    let place = event.and_then(TopicEvent::partition).and_then(|partition| state.place(partition));
    let on_term = {
        let (playing, on_do) = (state.playing_to.is_some(), on_do.clone());
        on_wish.reform(move |term: String| {
            // What is being read about is to stay.
            if playing {
                on_do.emit(Action::Pause);
            }
            Wish::ShowGlossary(term)
        })
    };
    let grave = event.is_some_and(|event| gravity(event) == Gravity::Grave);
    html! {
        <section class="dock" aria-label="Timeline">
            {branches(state, on_do)}
            {controls(state, on_do)}
            <Steps state={state.clone()} on_do={on_do.clone()} />
            <p class={classes!("sentence", grave.then_some("grave"))} role="status" aria-live={if state.is_following() { "off" } else { "polite" }}>
                if let Some(place) = place { <span class="place">{place}</span> }
                {explained(&said, &on_term)}
            </p>
            if !live {
                <CommandLine
                    ready={state.ready()} forks={state.timeline.is_past()} history={state.history.clone()} on_run={on_run.clone()}
                />
            }
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct PartProps {
    state: Rc<State>,
    on_do: Callback<Action>,
}

fn controls(state: &State, on_do: &Callback<Action>) -> Html {
    let timeline = &state.timeline;
    let (cursor, len) = (timeline.cursor(), timeline.len());
    let playing = state.playing_to.is_some();
    let button = |name: &'static str, key: &'static str, picture: Icon, action: Action, disabled: bool| {
        let onclick = press(on_do, action);
        let title = format!("{name} ({key})");
        html! { <button type="button" class="quiet" aria-label={name} {title} {disabled} {onclick}>{icon(picture)}</button> }
    };
    let seek = on_do.reform(|event: InputEvent| {
        let value = event.target_unchecked_into::<HtmlInputElement>().value();
        Action::Seek(value.parse().unwrap_or(0))
    });
    let speed = state.speed;
    let set_speed = on_do.reform(|event: InputEvent| {
        let value = event.target_unchecked_into::<HtmlInputElement>().value();
        Action::Speed(Speed::new(value.parse().unwrap_or(0)))
    });
    let done = format!("--done:{}", decimal(cursor as f64 / len.max(1) as f64, 5));
    let (at_start, at_end) = (cursor == 0, cursor == len);
    html! {
        <div class="transport">
            <div class="buttons">
                {button(text::TO_START, "Home", Icon::First, Action::Seek(0), at_start)}
                {button(text::PREVIOUS_ACTION, "[", Icon::Previous, Action::Previous, at_start)}
                {button(text::BACK, "←", Icon::Back, Action::Back, at_start)}
                if playing {
                    {button(text::PAUSE, "Space", Icon::Pause, Action::Pause, false)}
                } else {
                    {button(text::PLAY, "Space", Icon::Play, Action::Play, len == 0)}
                }
                {button(text::FORWARD, "→", Icon::Forward, Action::Forward, at_end)}
                {button(text::NEXT_ACTION, "]", Icon::Next, Action::Next, at_end)}
                {button(text::TO_END, "End", Icon::Last, Action::Seek(usize::MAX), at_end)}
            </div>
            <div class="scrub">
                {ticks(timeline)}
                <input
                    type="range" aria-label={text::STEP} min="0" max={len.to_string()} value={cursor.to_string()}
                    aria-valuetext={format!("{cursor} of {len}")} style={done} oninput={seek}
                />
            </div>
            <span class="count">{format!("step {cursor} / {len}")}</span>
            <label class="speed">{text::SPEED}
                <input
                    type="range" aria-label={text::SPEED} min="0" max={Speed::INSTANT.mark().to_string()}
                    value={speed.mark().to_string()} aria-valuetext={speed.text()} oninput={set_speed}
                />
                <span>{speed.text()}</span>
            </label>
        </div>
    }
}

/// A tick for the last step of each action, as long as they can be told apart.
fn ticks(timeline: &Timeline) -> Html {
    let groups = timeline.groups();
    if groups.len() > TICKS {
        return Html::default();
    }
    let tick = |group: &Group| format!("M{} 0v16", group.end());
    let path: String = groups.iter().map(tick).collect();
    html! {
        <svg class="ticks" viewBox={format!("0 0 {} 16", timeline.len().max(1))} preserveAspectRatio="none" aria-hidden="true">
            <path d={path} />
        </svg>
    }
}

/// The command that the cursor stands in, and its steps in short.
#[function_component]
fn Steps(props: &PartProps) -> Html {
    let timeline = &props.state.timeline;
    let current = use_node_ref();
    let list = use_node_ref();
    use_effect_with(timeline.cursor(), {
        let (current, list) = (current.clone(), list.clone());
        move |_| show_current(&list, &current)
    });
    let Some(group) = timeline.group() else {
        return html! { <div class="action"></div> };
    };
    let here = timeline.cursor() - 1 - group.first;
    let from = here.saturating_sub(LISTED / 2);
    let step = |(at, event): (usize, &TopicEvent)| {
        let seek = Action::Seek(group.first + at + 1);
        let onclick = press(&props.on_do, seek);
        let grave = (gravity(event) == Gravity::Grave).then_some("grave");
        let is_current = at == here;
        let node = if is_current { current.clone() } else { NodeRef::default() };
        html! {
            <li key={at} ref={node} class={classes!(grave, (at > here).then_some("ahead"))}
                aria-current={is_current.then_some("step")}>
                // Not a button: there may be hundreds, and the scrubber does the same for a keyboard.
                <span {onclick}>{title(event)}</span>
            </li>
        }
    };
    let watch = press(&props.on_do, Action::Watch);
    html! {
        <div class="action">
            <code class="ran" title={group.command.to_string()}>{&*group.command}</code>
            if group.events.len() > 1 {
                <button type="button" class="link" onclick={watch}>{text::WATCH}</button>
            }
            <ol class="steps" ref={list} aria-label={text::STEPS_OF_ACTION}>
                {for group.events.iter().enumerate().skip(from).take(LISTED).map(step)}
            </ol>
        </div>
    }
}

/// Scrolls the row of steps, and nothing else, so that the current one is seen.
fn show_current(list: &NodeRef, current: &NodeRef) {
    let (Some(list), Some(current)) = (list.cast::<Element>(), current.cast::<Element>()) else { return };
    let (outer, inner) = (list.get_bounding_client_rect(), current.get_bounding_client_rect());
    let off = if inner.right() > outer.right() {
        inner.right() - outer.right() + outer.width() / 3.0
    } else if inner.left() < outer.left() {
        inner.left() - outer.left() - outer.width() / 3.0
    } else {
        return;
    };
    list.set_scroll_left(list.scroll_left() + off as i32);
}
