//! The actions so far, each with its steps counted; only those in view are in the page.

use std::rc::Rc;

use web_sys::Element;
use yew::prelude::*;

use super::hooks::{press, use_rows};
use crate::state::format::{count, decimal};
use crate::state::{Action, Group, State};
use crate::text;

/// How high a row is; `style.css` knows it too.
const ROW: f64 = 24.0;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) state: Rc<State>,
    pub(crate) on_do: Callback<Action>,
}

#[function_component]
pub(crate) fn Actions(props: &Props) -> Html {
    let Props { state, on_do } = props;
    let (groups, window) = (state.timeline.groups(), use_node_ref());
    let (rows, onscroll) = use_rows(window.clone(), groups.len(), ROW);
    let current = state.timeline.done().checked_sub(1);
    use_effect_with((current, groups.len()), {
        let window = window.clone();
        move |(current, _)| {
            if let (Some(window), Some(current)) = (window.cast::<Element>(), current) {
                show(&window, *current as f64 * ROW);
            }
        }
    });
    let onkeydown = {
        let on_do = on_do.clone();
        move |event: KeyboardEvent| {
            let action = match event.key().as_str() {
                "ArrowUp" => Action::Previous,
                "ArrowDown" => Action::Next,
                _ => return,
            };
            event.prevent_default();
            on_do.emit(action);
        }
    };
    let row = |(at, group): (usize, &Group)| {
        let end = group.end();
        let onclick = press(on_do, Action::Seek(end));
        let is_current = current == Some(at);
        html! {
            <li key={at} id={format!("action-{at}")} role="option" {onclick} aria-selected={is_current.to_string()}
                class={classes!((current < Some(at)).then_some("ahead"))}>
                <span class="number">{at + 1}</span>
                <code>{&*group.command}</code>
                <span class="aside">{count(group.events.len() as u64, "step", "steps")}</span>
            </li>
        }
    };
    let (above, below) = (rows.start as f64 * ROW, (groups.len() - rows.end) as f64 * ROW);
    html! {
        <details class="panel" open=true>
            <summary>{text::ACTIONS}<span class="aside">{groups.len()}</span></summary>
            if groups.is_empty() {
                <p class="hint">{text::NO_ACTIONS}</p>
            }
            <div class="rows" ref={window} {onscroll}>
                <ul
                    class="actions" role="listbox" tabindex="0" aria-label={text::ACTIONS} hidden={groups.is_empty()} {onkeydown}
                    aria-activedescendant={current.map(|at| format!("action-{at}"))} style={format!("padding-block:{}px {}px", decimal(above, 0), decimal(below, 0))}
                >
                    {for rows.clone().zip(&groups[rows]).map(row)}
                </ul>
            </div>
        </details>
    }
}

/// Scrolls the list, and nothing else, so that a row is seen.
fn show(window: &Element, top: f64) {
    let (seen, room) = (f64::from(window.scroll_top()), f64::from(window.client_height()));
    if top < seen || top + ROW > seen + room {
        window.set_scroll_top((top - room / 2.0).max(0.0) as i32);
    }
}
