//! What components share: reading a field, and knowing how large an element is.

use std::ops::{Deref, Range};

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, HtmlInputElement, ResizeObserver};
use yew::prelude::*;

/// A field's text, and what to do when it is typed into.
#[derive(Clone)]
pub(crate) struct Typed {
    pub(crate) text: UseStateHandle<String>,
    pub(crate) on_input: Callback<InputEvent>,
}

impl Deref for Typed {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

#[hook]
pub(crate) fn use_field(initial: &'static str) -> Typed {
    let text = use_state(|| initial.to_owned());
    let setter = text.setter();
    let on_input = use_callback((), move |event: InputEvent, ()| {
        setter.set(event.target_unchecked_into::<HtmlInputElement>().value());
    });
    Typed { text, on_input }
}

/// Does something when it is pressed.
pub(crate) fn press<T: Clone + 'static>(on: &Callback<T>, what: T) -> Callback<MouseEvent> {
    on.reform(move |_: MouseEvent| what.clone())
}

/// An element's inner width and height in pixels; zero until it is measured.
#[hook]
pub(crate) fn use_size(node: NodeRef) -> (f64, f64) {
    let size = use_state_eq(|| (0.0, 0.0));
    let setter = size.setter();
    use_effect_with(node, move |node| {
        let element = node.cast::<Element>();
        let measured = element.clone();
        let measure = move || {
            if let Some(element) = &measured {
                setter.set((f64::from(element.client_width()), f64::from(element.client_height())));
            }
        };
        measure();
        let closure = Closure::<dyn FnMut()>::new(measure);
        let observer = ResizeObserver::new(closure.as_ref().unchecked_ref()).ok();
        if let (Some(observer), Some(element)) = (&observer, &element) {
            observer.observe(element);
        }
        move || {
            if let Some(observer) = observer {
                observer.disconnect();
            }
            drop(closure);
        }
    });
    *size
}

/// Lists that are no longer than this are in the page as a whole.
const WHOLE: usize = 30;
/// So many rows beyond what is seen are in the page, and so many rows are scrolled before others are.
const SPARE: usize = 8;

/// Which rows of a list, all of one height, are in the page: those that its window shows, and some more. The list has
/// to report its scrolling.
#[hook]
pub(crate) fn use_rows(window: NodeRef, count: usize, height: f64) -> (Range<usize>, Callback<Event>) {
    let (_, room) = use_size(window);
    let top = use_state_eq(|| 0_usize);
    let onscroll = use_callback(top.setter(), move |event: Event, top| {
        let scrolled = event.target_unchecked_into::<Element>().scroll_top();
        top.set((f64::from(scrolled) / height) as usize / SPARE * SPARE);
    });
    if count <= WHOLE {
        return (0..count, onscroll);
    }
    let seen = (room / height).ceil() as usize;
    let last = (*top + seen + 2 * SPARE).min(count);
    ((*top).saturating_sub(SPARE).min(last.saturating_sub(seen))..last, onscroll)
}
