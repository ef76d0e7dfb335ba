//! The panel that asks what if: fields for another budget and other configs, and both fetches side by side.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::budget::bar;
use crate::state::what_if::{Ask, Compared, FIELDS, Row, WhatIf};
use crate::state::{Action, Palette, State};
use crate::text;

/// The id of what is wrong, in the page.
const COMPLAINT: &str = "what-if-complaint";

pub(super) fn compare(state: &State, panel: &WhatIf, on_do: &Callback<Action>) -> Html {
    let field = |(at, name): (usize, &'static str)| {
        let wrong = panel.refused.as_ref().filter(|refused| refused.field == name);
        let oninput = on_do.reform(move |event: InputEvent| {
            let value = event.target_unchecked_into::<HtmlInputElement>().value();
            Action::WhatIf(Ask::Type(at, value))
        });
        html! {
            <label><code>{name}</code>
                <input
                    type="text" inputmode="numeric" autocomplete="off" aria-label={format!("What if {name}")}
                    value={panel.typed[at].clone()} {oninput}
                    aria-invalid={wrong.map(|_| "true")} aria-describedby={wrong.map(|_| COMPLAINT)}
                />
            </label>
        }
    };
    let onsubmit = on_do.reform(|event: SubmitEvent| {
        event.prevent_default();
        Action::WhatIf(Ask::Compare)
    });
    html! {
        <section class="what-if" aria-label={text::WHAT_IF_TITLE}>
            <form class="row" novalidate=true {onsubmit}>
                {for FIELDS.into_iter().enumerate().map(field)}
                <button type="submit" class="main">{text::COMPARE}</button>
            </form>
            if let Some(refused) = &panel.refused {
                <p id={COMPLAINT} class="complaint" role="alert">{refused.reason.clone()}</p>
            }
            {match state.compared() {
                Some(compared) => both(compared, &state.palette),
                None => html! { <p class="hint">{text::WHAT_IF_HINT}</p> },
            }}
        </section>
    }
}

fn both(compared: &Compared, palette: &Palette) -> Html {
    let row = |(name, values): &Row| {
        let other = classes!((values[0] != values[1]).then_some("other"));
        html! { <tr><th scope="row">{*name}</th><td>{values[0].clone()}</td><td class={other}>{values[1].clone()}</td></tr> }
    };
    html! {
        <table aria-label={text::BOTH_FETCHES}>
            <thead>
                <tr><td></td><th scope="col">{text::AS_IT_IS}</th><th scope="col">{text::WHAT_IF_TITLE}</th></tr>
            </thead>
            <tbody>
                {for compared.rows().iter().map(row)}
                <tr class="bars"><th scope="row">{text::BUDGET}</th>
                    <td>{bar(&compared.as_it_is.fetch, palette)}</td><td>{bar(&compared.other.fetch, palette)}</td>
                </tr>
            </tbody>
        </table>
    }
}
