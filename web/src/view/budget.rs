//! The budget of a fetch: `max_bytes` as a bar that fills batch by batch.

use std::rc::Rc;

use logscope::lab::Picture;
use yew::prelude::*;

use crate::state::Palette;
use crate::state::budget::{Part, budget};

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    /// With a fetch.
    pub(crate) picture: Rc<Picture>,
    pub(crate) palette: Rc<Palette>,
}

#[function_component]
pub(crate) fn BudgetBar(props: &Props) -> Html {
    let Some(fetch) = &props.picture.fetch else { return Html::default() };
    let bar = budget(fetch, &props.palette);
    let percent = |share: f64| format!("{:.3}%", share * 100.0);
    let part = |part: &Part, next: bool| {
        let style = format!("left:{};width:{}", percent(part.start), percent(part.width));
        let class =
            classes!("part", part.colour.map(|colour| format!("key-{colour}")), next.then_some("next"));
        html! { <span {class} {style}>{part.label.clone()}</span> }
    };
    html! {
        <div class="budget">
            <p><code>{"max_bytes"}</code><b>{bar.text.clone()}</b>
                if let Some(reason) = &bar.reason { <span>{reason.clone()}</span> }
            </p>
            <div class="bar" aria-hidden="true">
                <span class="room" style={format!("width:{}", percent(bar.limit))}></span>
                {for bar.parts.iter().map(|taken| part(taken, false))}
                {for bar.next.iter().map(|next| part(next, true))}
                <span class="limit" style={format!("left:{}", percent(bar.limit))}></span>
            </div>
        </div>
    }
}
