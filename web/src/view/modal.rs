//! The dialogs over the page: one is open while it is asked for, and closed by its button or Escape.

use std::mem;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlDialogElement, HtmlElement};
use yew::prelude::*;

use super::help::help;
use super::hooks::press;
use super::icon::{Icon, icon};
use super::kept::kept;
use super::lesson::{ASKED, TITLE, glossary, lessons, truth};
use super::sharing::share;
use crate::browser;
use crate::state::beside::{Beside, Dialog, Fetched, Wish};
use crate::text;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) beside: Rc<Beside>,
    pub(crate) on_wish: Callback<Wish>,
}

/// The dialogs.
pub(crate) fn dialogs(beside: &Rc<Beside>, on_wish: &Callback<Wish>) -> Html {
    html! { <Dialogs beside={beside.clone()} on_wish={on_wish.clone()} /> }
}

#[function_component]
fn Dialogs(props: &Props) -> Html {
    let Props { beside, on_wish } = props;
    let dialog = use_node_ref();
    use_effect_with((dialog.clone(), beside.dialog.is_some()), |(dialog, open)| {
        let Some(dialog) = dialog.cast::<HtmlDialogElement>() else { return };
        if *open && !dialog.open() {
            // It fails only for a dialog that is not in the page.
            let _ = dialog.show_modal();
        } else if !*open && dialog.open() {
            dialog.close();
        }
    });
    // What had the focus goes when one dialog takes the place of another.
    let shown = beside.dialog.as_ref().map(mem::discriminant);
    use_effect_with((dialog.clone(), shown), |(dialog, shown)| {
        let close = || dialog.cast::<Element>()?.query_selector(".close").ok()?;
        if let Some(close) = shown.and_then(|_| close()?.dyn_into::<HtmlElement>().ok()) {
            // It fails for no element of a page.
            let _ = close.focus();
        }
    });
    // A lesson begins at its text, and the glossary at its term: once the dialog has given the focus back, or has it.
    let term = match (&beside.dialog, &beside.glossary) {
        (Some(Dialog::Glossary(term)), Fetched::Here(_)) => Some(term.clone()),
        _ => None,
    };
    use_effect_with(beside.course().map(|course| course.name.clone()), |lesson| {
        if lesson.is_some() {
            browser::focus_on(TITLE);
        }
    });
    use_effect_with(term, |term| {
        if term.is_some() {
            browser::focus_on(ASKED);
        }
    });
    let (class, label, inside) = match &beside.dialog {
        None => ("", "", Html::default()),
        Some(Dialog::Help) => ("help", text::HELP, help()),
        Some(Dialog::Lessons(wrong)) => {
            ("lessons", text::LESSONS, lessons(beside, wrong.as_deref(), on_wish))
        }
        Some(Dialog::Truth) => ("truth", text::TRUTH, truth(beside)),
        Some(Dialog::Glossary(term)) => ("truth", text::GLOSSARY, glossary(beside, term)),
        Some(Dialog::Share(sharing)) => ("share", text::SHARE_TITLE, share(sharing, on_wish)),
        Some(Dialog::Kept(about)) => ("keeping", text::STORAGE_OF_BROWSER, kept(about, on_wish)),
    };
    let close = press(on_wish, Wish::CloseDialog);
    let onclose = on_wish.reform(|_: Event| Wish::CloseDialog);
    html! {
        <dialog ref={dialog} {class} aria-label={label} {onclose}>
            if beside.dialog.is_some() {
                <button type="button" class="quiet close" aria-label={text::CLOSE} onclick={close}>{icon(Icon::Close)}</button>
                {inside}
            }
        </dialog>
    }
}
