//! The table of consumers: where each goes on, what it has committed, and how many records it lags behind.

use yew::prelude::*;

use crate::state::State;
use crate::state::consumers::{Place, places};
use crate::text;

/// The panel; nothing as long as there is no consumer.
pub(super) fn consumers(state: &State) -> Html {
    let all = places(state.topic());
    if all.is_empty() {
        return Html::default();
    }
    let several = state.several();
    let offset = |offset: Option<u64>| offset.map_or(text::NEVER.to_owned(), |offset| offset.to_string());
    let row = |name: Html, place: &Place| {
        html! {
            <tr>
                {name}
                if several { <td class="number">{place.partition}</td> }
                <td class="number">{offset(place.position)}</td>
                <td class="number">{offset(place.committed)}</td>
                <td class="number">{place.lag}</td>
            </tr>
        }
    };
    let rows = |(name, places): &(&str, Vec<Place>)| {
        let total: u64 = places.iter().map(|place| place.lag).sum();
        let rows = places.len() + usize::from(several);
        // It stands beside all rows of its consumer.
        let name_at = |at: usize| match at {
            0 => html! { <th scope="rowgroup" rowspan={rows.to_string()}>{name.to_owned()}</th> },
            _ => Html::default(),
        };
        html! {
            <tbody key={name.to_string()}>
                {for places.iter().enumerate().map(|(at, place)| row(name_at(at), place))}
                if several {
                    <tr class="total">
                        <td class="number">{text::ALL}</td><td></td><td></td>
                        <td class="number">{total}</td>
                    </tr>
                }
            </tbody>
        }
    };
    html! {
        <details class="panel consumers" open=true>
            <summary>{text::CONSUMERS}</summary>
            <div class="scroll">
                <table aria-label={text::CONSUMERS}>
                    <thead><tr>
                        <th scope="col">{"name"}</th>
                        if several { <th class="number" scope="col">{"partition"}</th> }
                        <th class="number" scope="col">{"position"}</th><th class="number" scope="col">{"committed"}</th>
                        <th class="number" scope="col">{"lag"}</th>
                    </tr></thead>
                    {for all.iter().map(rows)}
                </table>
            </div>
        </details>
    }
}
