//! A fetch under the drawing: its budget as a bar that fills batch by batch, and what it is asked about: what it would
//! cost under other configs, and what the original project's fetch would have missed.

use logscope::lab::FetchPicture;
use yew::prelude::*;

use super::compare::compare;
use super::hooks::press;
use crate::state::budget::{Part, budget};
use crate::state::original::Original;
use crate::state::what_if::Ask;
use crate::state::{Action, Palette, State};
use crate::text;

/// The fetch that is shown, if there is one.
///
/// A running broker's log cannot be run once more: there, nobody is asked what would be if.
pub(crate) fn fetch(state: &State, live: bool, on_do: &Callback<Action>) -> Html {
    let Some(fetch) = &state.picture().fetch else { return Html::default() };
    let toggle = press(on_do, Action::WhatIf(Ask::Toggle));
    let shown = state.shows_original;
    let show = on_do.reform(move |_: Event| Action::ShowOriginal(!shown));
    let panel = state.what_if.as_ref().filter(|_| !live).map(|panel| compare(state, panel, on_do));
    html! {
        <div class="budget">
            {bar(fetch, &state.palette)}
            <div class="asked">
                if !live {
                    <button type="button" class="link" aria-expanded={panel.is_some().to_string()} onclick={toggle}>{text::WHAT_IF}</button>
                }
                <label title={text::ORIGINAL_HINT}>
                    <input type="checkbox" checked={shown} onchange={show} />{text::ORIGINAL}
                </label>
            </div>
            {state.original().as_ref().map(original).unwrap_or_default()}
            {panel.unwrap_or_default()}
        </div>
    }
}

/// The bar, with how it stands in words.
pub(super) fn bar(fetch: &FetchPicture, palette: &Palette) -> Html {
    let bar = budget(fetch, palette);
    let percent = |share: f64| format!("{:.3}%", share * 100.0);
    let part = |part: &Part, next: bool| {
        let style = format!("left:{};width:{}", percent(part.start), percent(part.width));
        let class =
            classes!("part", part.colour.map(|colour| format!("key-{colour}")), next.then_some("next"));
        html! { <span {class} {style}>{part.label.clone()}</span> }
    };
    html! {
        <>
            <p><code>{"max_bytes"}</code><b>{bar.text.clone()}</b>
                if let Some(reason) = &bar.reason { <span>{reason.clone()}</span> }
                if let Some(dropped) = &bar.dropped { <span>{dropped.clone()}</span> }
            </p>
            <div class="bar" aria-hidden="true">
                <span class="room" style={format!("width:{}", percent(bar.limit))}></span>
                {for bar.parts.iter().map(|taken| part(taken, false))}
                {for bar.next.iter().map(|next| part(next, true))}
                <span class="limit" style={format!("left:{}", percent(bar.limit))}></span>
            </div>
        </>
    }
}

fn original(original: &Original) -> Html {
    html! {
        <section class="original" aria-label={text::ORIGINAL}>
            <b>{original.text.clone()}</b>
            if !original.missed.is_empty() {
                <span class="missed">{text::MISSED}{" "}<code>{original.runs()}</code></span>
            }
            <span class="why">{text::ORIGINAL_WHY}</span>
        </section>
    }
}
