//! The engine's sentences as prose: what stands in backquotes is a config key, and terms lead to the glossary.

use yew::prelude::*;

use crate::state::terms::{Piece, pieces};
use crate::text;

/// A sentence whose terms can be asked about.
pub(crate) fn explained(sentence: &str, on_term: &Callback<String>) -> Html {
    let asked = |term: &str, inside: Html| {
        let term = term.to_owned();
        let onclick = on_term.reform(move |_: MouseEvent| term.clone());
        html! { <button type="button" class="term" title={text::IN_GLOSSARY} {onclick}>{inside}</button> }
    };
    let piece = |piece: Piece<'_>| match piece {
        Piece::Text(text) => html! { {text.to_owned()} },
        Piece::Term(term) => asked(term, html! { {term.to_owned()} }),
        Piece::Name(name) => asked(name, html! { <code>{name.to_owned()}</code> }),
    };
    html! { <>{for pieces(sentence).into_iter().map(piece)}</> }
}
