//! The engine's sentences as prose: what stands in backquotes is a config key.

use yew::prelude::*;

/// A sentence with its backquoted parts as code.
pub(crate) fn prose(sentence: &str) -> Html {
    let parts = sentence.split('`').enumerate().map(|(at, part)| {
        if at % 2 == 1 {
            html! { <code>{part.to_owned()}</code> }
        } else {
            html! { {part.to_owned()} }
        }
    });
    html! { <>{for parts}</> }
}
