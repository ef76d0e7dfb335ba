//! Icons, drawn inline so that they take the colour of their text.

use yew::prelude::*;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Icon {
    First,
    Back,
    Play,
    Pause,
    Forward,
    Last,
    Moon,
    Sun,
    Help,
    Close,
    Book,
    Share,
    Tick,
    Plus,
    Minus,
    Fit,
    Previous,
    Next,
    Wide,
}

/// An icon for the eye alone: what it is for stands in its button's name.
pub(crate) fn icon(icon: Icon) -> Html {
    let path = match icon {
        Icon::First => "M4 3v10M13 3.5v9L6.5 8z",
        Icon::Back => "M10.5 3.5v9L4 8z",
        Icon::Play => "M5 3v10l8-5z",
        Icon::Pause => "M5.5 3.5v9M10.5 3.5v9",
        Icon::Forward => "M5.5 3.5v9L12 8z",
        Icon::Last => "M12 3v10M3 3.5v9L9.5 8z",
        Icon::Moon => "M13 9.6A5.6 5.6 0 1 1 6.4 3 4.6 4.6 0 0 0 13 9.6z",
        Icon::Sun => {
            "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1"
        }
        Icon::Help => "M5.6 6a2.4 2.4 0 1 1 3.6 2.1c-.8.5-1.2.9-1.2 1.7M8 12.4v.2",
        Icon::Book => {
            "M8 4.2C6.6 3.2 4.6 2.9 2 3v9c2.6-.1 4.6.2 6 1.2 1.4-1 3.4-1.3 6-1.2V3c-2.6-.1-4.6.2-6 1.2zM8 4.2v9"
        }
        Icon::Share => "M8 10V2M5 4.5L8 1.5l3 3M4.5 7.5H3v6.5h10V7.5h-1.5",
        Icon::Tick => "M3 8.5l3.5 3.5L13 4.5",
        Icon::Plus => "M8 3.5v9M3.5 8h9",
        Icon::Minus => "M3.5 8h9",
        Icon::Fit => "M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3",
        Icon::Previous => "M13 3.5v9L8.2 8zM7.6 3.5v9L2.8 8z",
        Icon::Next => "M3 3.5v9L7.8 8zM8.4 3.5v9L13.2 8z",
        Icon::Close => "M4 4l8 8M12 4l-8 8",
        Icon::Wide => "M5 4L1.5 8 5 12M11 4l3.5 4L11 12M2 8h12",
    };
    let solid = matches!(
        icon,
        Icon::First | Icon::Back | Icon::Play | Icon::Forward | Icon::Last | Icon::Previous | Icon::Next
    );
    html! {
        <svg class={classes!("icon", solid.then_some("solid"))} viewBox="0 0 16 16" aria-hidden="true">
            <path d={path} />
        </svg>
    }
}
