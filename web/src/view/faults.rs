//! What is wrong with the disk, for as long as it is.

use logscope::lab::{Picture, State as LogState};
use yew::prelude::*;

use crate::state::files::totals;
use crate::state::format::decimal;
use crate::text;

/// A line for each: the disk's limit and what it holds, a sync that is going to fail, a log that a failed one has stopped.
pub(super) fn faults(picture: &Picture) -> Html {
    let disk = picture.disk;
    let limit = disk.limit.map(|limit| {
        let (_, used) = totals(&picture.log);
        let share = used as f64 / limit.max(1) as f64;
        let full = format!("width:{}%", decimal(share.min(1.0) * 100.0, 1));
        html! {
            <p class="fault">{text::disk_limit(limit, used)}
                <span class="gauge" aria-hidden="true"><i style={full}></i></span>
            </p>
        }
    });
    html! {
        <>
            {limit.unwrap_or_default()}
            if disk.sync_fails { <p class="fault">{text::SYNC_WILL_FAIL}</p> }
            if picture.state == LogState::Poisoned { <p class="down">{text::POISONED}</p> }
        </>
    }
}
