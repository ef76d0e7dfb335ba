//! The list of keys and commands.

use logscope::lab::{COMMANDS, TOPIC_COMMANDS};
use web_sys::HtmlDialogElement;
use yew::prelude::*;

use super::hooks::press;
use super::icon::{Icon, icon};
use crate::text;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) open: bool,
    pub(crate) on_help: Callback<bool>,
}

#[function_component]
pub(crate) fn Help(props: &Props) -> Html {
    let dialog = use_node_ref();
    use_effect_with((dialog.clone(), props.open), |(dialog, open)| {
        let Some(dialog) = dialog.cast::<HtmlDialogElement>() else { return };
        if *open && !dialog.open() {
            // It fails only for a dialog that is not in the page.
            let _ = dialog.show_modal();
        } else if !*open {
            dialog.close();
        }
    });
    let close = press(&props.on_help, false);
    let onclose = props.on_help.reform(|_: Event| false);
    html! {
        <dialog ref={dialog} class="help" aria-label={text::HELP} {onclose}>
            <button type="button" class="quiet close" aria-label={text::CLOSE} onclick={close}>{icon(Icon::Close)}</button>
            <h2>{"Keys"}</h2>
            <dl>{for text::KEYS.iter().map(|(key, what)| html! { <><dt><kbd>{*key}</kbd></dt><dd>{*what}</dd></> })}</dl>
            <h2>{"Commands"}</h2>
            <dl class="commands">
                {for COMMANDS.iter().chain(&TOPIC_COMMANDS).map(|command| html! { <><dt><code>{command.usage}</code></dt><dd>{command.what}</dd></> })}
            </dl>
            <p class="hint">{"A word with spaces stands in double quotes, and # begins a comment. Every click shows the command that it ran."}</p>
        </dialog>
    }
}
