//! How the log is kept: the line that says that another tab writes it, and the dialog about the browser's storage.

use yew::prelude::*;

use super::hooks::press;
use crate::state::Keeping;
use crate::state::beside::{Kept, Wish};
use crate::state::format::size;
use crate::text;

/// How the log is kept, in short, and the sign's class.
pub(super) fn in_short(keeping: &Keeping) -> (&'static str, String) {
    match keeping {
        Keeping::Loading => ("busy", text::READING.to_owned()),
        Keeping::Saved => ("saved", text::SAVED.to_owned()),
        Keeping::Saving => ("busy", text::SAVING.to_owned()),
        Keeping::Watching(_) => ("beside", text::WATCHING.to_owned()),
        Keeping::Beside => ("beside", text::KEPT_BESIDE.to_owned()),
        Keeping::OnlyInMemory(reason) => ("memory", format!("{}{reason}", text::ONLY_IN_MEMORY)),
    }
}

/// Says that this tab watches, and offers to take over.
pub(super) fn watching(keeping: &Keeping, on_wish: &Callback<Wish>) -> Html {
    let words = match keeping {
        Keeping::Watching(true) => text::WATCHING_A_TAB,
        Keeping::Watching(false) => text::WATCHING_NOBODY,
        _ => return Html::default(),
    };
    html! {
        <div class="banner">
            <p>{words}</p>
            <button type="button" onclick={press(on_wish, Wish::TakeOver)}>{text::TAKE_OVER}</button>
        </div>
    }
}

/// What the dialog holds.
pub(super) fn kept(kept: &Kept, on_wish: &Callback<Wish>) -> Html {
    let explained = match &kept.keeping {
        Keeping::OnlyInMemory(_) => text::MEMORY_HINT,
        Keeping::Beside => text::BESIDE_HINT,
        _ => text::KEPT_HINT,
    };
    let fact = |name: &'static str, value: String| html! { <><dt>{name}</dt><dd>{value}</dd></> };
    // Who keeps nothing here need not know what would become of it.
    let in_memory = matches!(kept.keeping, Keeping::OnlyInMemory(_));
    let room = kept.room.filter(|_| !in_memory).map(|room| {
        let promise = if room.persisted { text::PERSISTED } else { text::NOT_PERSISTED };
        html! {
            <>
                {fact(text::USED, size(room.used))}
                {fact(text::QUOTA, size(room.quota))}
                {fact(text::DELETED_BY_ITSELF, promise.to_owned())}
            </>
        }
    });
    let asks = kept.room.is_some_and(|room| !room.persisted) && !in_memory;
    let refused = (kept.agreed == Some(false)).then_some(text::NOT_AGREED);
    html! {
        <>
            <h2>{in_short(&kept.keeping).1}</h2>
            <p class="hint">{explained}</p>
            <dl class="facts">{fact(text::LOG_FILES, size(kept.bytes))}{room}</dl>
            if asks {
                <button type="button" onclick={press(on_wish, Wish::AskToPersist)}>{text::ASK_TO_PERSIST}</button>
            }
            <p class="hint" aria-live="polite">{refused}</p>
        </>
    }
}
