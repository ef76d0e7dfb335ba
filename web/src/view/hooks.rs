//! What components share: reading a field, and knowing how large an element is.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, HtmlInputElement, ResizeObserver};
use yew::prelude::*;

/// A field's text, and what to do when it is typed into.
#[hook]
pub(crate) fn use_field(initial: &'static str) -> (UseStateHandle<String>, Callback<InputEvent>) {
    let text = use_state(|| initial.to_owned());
    let setter = text.setter();
    let on_input = use_callback((), move |event: InputEvent, ()| {
        setter.set(event.target_unchecked_into::<HtmlInputElement>().value());
    });
    (text, on_input)
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
