//! The branches that are kept: what happened otherwise, to go back to or to forget.

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
    let button = |name: String, action: Action| {
        let onclick = press(on_do, action);
        html! { <button type="button" class="link" {onclick}>{name}</button> }
    };
    let other = |other: &Other| {
        let number = other.id + 1;
        html! {
            <li key={number}>
                <span>{format!("Branch {number}: ")}{said(other)}</span>
                {button(format!("Switch to branch {number}"), Action::SwitchTo(other.id))}
                {button(format!("Dismiss branch {number}"), Action::Dismiss(other.id))}
            </li>
        }
    };
    html! {
        <>
            <ul class="branches" aria-label={text::BRANCHES}>
                <li class="current">{format!("Forked: this is branch {}, and the files are its.", state.branch + 1)}</li>
                {for others.iter().map(other)}
            </ul>
            {notice}
        </>
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
