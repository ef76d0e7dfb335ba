//! A dialog over the page: open while it is asked for, closed by its button or Escape.

use web_sys::HtmlDialogElement;
use yew::prelude::*;

use super::icon::{Icon, icon};
use crate::text;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) open: bool,
    pub(crate) label: &'static str,
    pub(crate) class: &'static str,
    pub(crate) on_close: Callback<()>,
    pub(crate) children: Html,
}

#[function_component]
pub(crate) fn Modal(props: &Props) -> Html {
    let dialog = use_node_ref();
    use_effect_with((dialog.clone(), props.open), |(dialog, open)| {
        let Some(dialog) = dialog.cast::<HtmlDialogElement>() else { return };
        if *open && !dialog.open() {
            // It fails only for a dialog that is not in the page.
            let _ = dialog.show_modal();
        } else if !*open && dialog.open() {
            dialog.close();
        }
    });
    let close = props.on_close.reform(|_: MouseEvent| ());
    // A dialog that is closed because another one opens says so too late: that would close the other one.
    let onclose = match props.open {
        true => props.on_close.reform(|_: Event| ()),
        false => Callback::noop(),
    };
    html! {
        <dialog ref={dialog} class={props.class} aria-label={props.label} {onclose}>
            if props.open {
                <button type="button" class="quiet close" aria-label={text::CLOSE} onclick={close}>{icon(Icon::Close)}</button>
                {props.children.clone()}
            }
        </dialog>
    }
}
