//! The header: the name, whether the log is kept, theme and help.

use yew::prelude::*;

use super::hooks::press;
use super::icon::{Icon, icon};
use super::kept::in_short;
use super::live::switch;
use crate::browser::{self, Theme};
use crate::state::Keeping;
use crate::state::beside::Wish;
use crate::state::format::count;
use crate::text;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) keeping: Keeping,
    /// Records that are not on disk.
    pub(crate) unflushed: u64,
    /// A running broker's log is shown.
    pub(crate) live: bool,
    pub(crate) on_wish: Callback<Wish>,
}

#[function_component]
pub(crate) fn Header(props: &Props) -> Html {
    let theme = use_state(Theme::current);
    use_effect_with((), {
        let theme = theme.setter();
        move |()| {
            let listener = browser::on_preference(move || theme.set(Theme::current()));
            move || drop(listener)
        }
    });
    let toggle = {
        let theme = theme.clone();
        Callback::from(move |_: MouseEvent| {
            let other = Theme::current().other();
            other.choose();
            theme.set(other);
        })
    };
    let (name, picture) = match *theme {
        Theme::Light => (text::TO_DARK, Icon::Moon),
        Theme::Dark => (text::TO_LIGHT, Icon::Sun),
    };
    let on_help = press(&props.on_wish, Wish::ShowHelp);
    let wide = |name: &'static str, picture: Icon, wish: Wish| {
        let onclick = press(&props.on_wish, wish);
        html! {
            <button type="button" class="quiet named" aria-label={name} title={name} {onclick}>
                {icon(picture)}<span>{name}</span>
            </button>
        }
    };
    html! {
        <header class="top">
            <h1>{mark()}{"Logscope"}</h1>
            if !props.live {
                {kept(props)}
            }
            {switch(props.live, &props.on_wish)}
            {wide(text::LESSONS, Icon::Book, Wish::ShowLessons)}
            {wide(text::SHARE, Icon::Share, Wish::ShowSharing)}
            <button type="button" class="quiet" aria-label={name} title={name} onclick={toggle}>{icon(picture)}</button>
            <button type="button" class="quiet" aria-label={text::HELP} title="Keys and commands (?)" onclick={on_help}>
                {icon(Icon::Help)}
            </button>
        </header>
    }
}

fn mark() -> Html {
    html! {
        <svg class="mark" viewBox="0 0 20 16" aria-hidden="true">
            <path d="M0 2h13v3H0zM0 6.5h17v3H0zM0 11h7v3H0z" />
            <path class="end" d="M8.5 11h5v3h-5z" />
        </svg>
    }
}

/// Whether the log is kept.
fn kept(props: &Props) -> Html {
    let (class, words) = in_short(&props.keeping);
    let onclick = press(&props.on_wish, Wish::ShowKept);
    let waiting = (props.unflushed > 0)
        .then(|| format!("{} not flushed yet", count(props.unflushed, "record", "records")));
    html! {
        <p class={classes!("kept", class)}>
            <button type="button" class="sign" title={text::STORAGE_OF_BROWSER} {onclick}>
                <span class="dot" aria-hidden="true"></span>{words}
            </button>
            if let Some(waiting) = waiting { <span class="waiting">{waiting}</span> }
        </p>
    }
}
