//! The list of keys and commands: what its dialog holds.

use logscope::lab::{COMMANDS, TOPIC_COMMANDS};
use yew::prelude::*;

use crate::text;

pub(super) fn help() -> Html {
    html! {
        <>
            <h2>{"Keys"}</h2>
            <dl>{for text::KEYS.iter().map(|(key, what)| html! { <><dt><kbd>{*key}</kbd></dt><dd>{*what}</dd></> })}</dl>
            <h2>{"Commands"}</h2>
            <dl class="commands">
                {for COMMANDS.iter().chain(&TOPIC_COMMANDS).map(|command| html! { <><dt><code>{command.usage}</code></dt><dd>{command.what}</dd></> })}
            </dl>
            <p class="hint">{"A word with spaces stands in double quotes, and # begins a comment. Every click shows the command that it ran."}</p>
        </>
    }
}
