//! The branches that are kept: what happened otherwise, to go back to or to forget.

use std::iter;

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::hooks::press;
use crate::state::format::count;
use crate::state::{Action, Other, State};
use crate::text;

/// The list; nothing as long as there is one branch only.
pub(super) fn branches(state: &State, on_do: &Callback<Action>) -> Html {
    let others = state.others();
    let notice =
        state.notice.as_ref().map(|why| html! { <p class="complaint" role="alert">{why.clone()}</p> });
    if others.is_empty() {
        return notice.unwrap_or_default();
    }
    let button = |name: String, action: Action, same: &'static str| {
        let onclick = press(on_do, action).reform(move |event: MouseEvent| {
            pass_focus_on(&event, same);
            event
        });
        // Held down, Enter would go on with the button that the focus comes to.
        let onkeydown = |event: KeyboardEvent| {
            if event.repeat() && event.key() == "Enter" {
                event.prevent_default();
            }
        };
        html! { <button type="button" class="link" {onclick} {onkeydown}>{name}</button> }
    };
    let other = |other: &Other| {
        let number = other.id + 1;
        html! {
            <li key={number}>
                <span>{format!("Branch {number}: ")}{said(other)}</span>
                {button(format!("Switch to branch {number}"), Action::SwitchTo(other.id), "button")}
                {button(format!("Dismiss branch {number}"), Action::Dismiss(other.id), "button:last-child")}
            </li>
        }
    };
    // One list, whose rows stay what they are when others go: a list of one row would be drawn as another thing.
    let current = html! { <li key=0 class="current">{format!("Forked: this is branch {}, and the files are its.", state.branch + 1)}</li> };
    html! {
        <>
            <ul class="branches" aria-label={text::BRANCHES}>
                {for iter::once(current).chain(others.iter().map(other))}
            </ul>
            {notice}
        </>
    }
}

/// Gives the focus to the same button of the branch beside this one, or to the timeline if there is no other: the one that
/// was pressed goes with its branch.
fn pass_focus_on(pressed: &MouseEvent, same: &str) {
    let Some(button) = pressed.target_dyn_into::<Element>() else { return };
    let within = |place: Element, wanted: &str| place.query_selector(wanted).ok()?;
    let row = button.closest("li").ok().flatten();
    let beside = row.and_then(|row| {
        let next = row.next_element_sibling().and_then(|row| within(row, same));
        next.or_else(|| within(row.previous_element_sibling()?, same))
    });
    let timeline = || within(button.closest(".dock").ok()??, ".scrub input");
    if let Some(Ok(heir)) = beside.or_else(timeline).map(JsCast::dyn_into::<HtmlElement>) {
        // It fails for no element of a page.
        let _ = heir.focus();
    }
}

fn said(other: &Other) -> Html {
    let from = match &other.first_beyond {
        Some(command) => html! { <span class="from">{", from "}<code>{&**command}</code></span> },
        None => Html::default(),
    };
    let after = match &other.last_shared {
        Some(command) => {
            html! { <>{format!(" after action {}, ", other.shared)}<code>{&**command}</code></> }
        }
        None => html! { {format!(" {}", text::BEFORE_ALL)} },
    };
    html! { <>{count(other.beyond as u64, "action", "actions")}{after}{from}</> }
}
