//! What the page asks of the browser outside of its own elements: theme, address, the screen for a panic.

use gloo_events::EventListener;
use js_sys::Function;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Document, Element, HtmlElement, StorageEstimate, StorageManager, Window};

use crate::state::beside::Room;

/// Where the chosen theme is kept; `boot.js` reads it before anything is drawn.
const THEME: &str = "logscope-theme";
const PREFERS_DARK: &str = "(prefers-color-scheme: dark)";
const PREFERS_LESS_MOTION: &str = "(prefers-reduced-motion: reduce)";
/// What the window hears when another theme has been chosen.
const THEME_CHOSEN: &str = "logscope-theme";
/// An address that ends in this asks for an empty log.
const FRESH: &str = "#fresh";

/// The two themes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    Light,
    Dark,
}

impl Theme {
    /// What was chosen before, or else what the system prefers.
    pub(crate) fn current() -> Self {
        match chosen().as_deref() {
            Some("dark") => Self::Dark,
            Some("light") => Self::Light,
            _ if prefers(PREFERS_DARK) => Self::Dark,
            _ => Self::Light,
        }
    }

    /// The other one.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Light => Self::Dark,
            Self::Dark => Self::Light,
        }
    }

    /// Shows the page in this theme, and remembers it.
    pub(crate) fn choose(self) {
        let name = if self == Self::Dark { "dark" } else { "light" };
        if let Some(storage) = storage() {
            // A browser that keeps nothing forgets the theme, and that is all.
            let _ = storage.set_item(THEME, name);
        }
        if let Some(root) = document().and_then(|document| document.document_element()) {
            let _ = root.set_attribute("data-theme", name);
        }
        if let (Some(window), Ok(event)) = (window(), web_sys::Event::new(THEME_CHOSEN)) {
            let _ = window.dispatch_event(&event);
        }
    }
}

fn chosen() -> Option<String> {
    storage()?.get_item(THEME).ok().flatten()
}

fn storage() -> Option<web_sys::Storage> {
    window()?.local_storage().ok().flatten()
}

fn prefers(query: &str) -> bool {
    window().and_then(|window| window.match_media(query).ok().flatten()).is_some_and(|list| list.matches())
}

pub(crate) fn window() -> Option<Window> {
    web_sys::window()
}

pub(crate) fn document() -> Option<Document> {
    window()?.document()
}

/// Calls back when the system prefers another theme than before.
pub(crate) fn on_preference(changed: impl Fn() + 'static) -> Option<EventListener> {
    let query = window()?.match_media(PREFERS_DARK).ok()??;
    Some(EventListener::new(&query, "change", move |_| changed()))
}

/// Calls back when the page's colours are others than before, by choice or by preference.
pub(crate) fn on_theme(changed: impl Fn() + Clone + 'static) -> Vec<EventListener> {
    let preference = on_preference(changed.clone());
    let chosen = window().map(|window| EventListener::new(&window, THEME_CHOSEN, move |_| changed()));
    preference.into_iter().chain(chosen).collect()
}

/// Whether motion is to be left out.
pub(crate) fn prefers_less_motion() -> bool {
    prefers(PREFERS_LESS_MOTION)
}

/// How many pixels of the screen make one of the page.
pub(crate) fn pixel_ratio() -> f64 {
    window().map_or(1.0, |window| window.device_pixel_ratio())
}

/// What an element's property comes to, all rules taken together.
pub(crate) fn computed(element: &HtmlElement, property: &str) -> String {
    let style = window().and_then(|window| window.get_computed_style(element).ok().flatten());
    style.and_then(|style| style.get_property_value(property).ok()).unwrap_or_default()
}

/// Gives the focus to what has this id, and shows it from its top on; nothing happens if it is not in the page.
pub(crate) fn focus_on(id: &str) {
    let element = document().and_then(|document| document.get_element_by_id(id));
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        element.scroll_into_view();
        // It fails for no element of a page.
        let _ = element.focus();
    }
}

/// Whether a dialog is open over the page.
pub(crate) fn has_dialog() -> bool {
    document()
        .is_some_and(|document| document.query_selector("dialog[open]").is_ok_and(|open| open.is_some()))
}

/// Asks to be called with the next frame; the answer is what [`forget_frame`] takes.
pub(crate) fn ask_for_frame(callback: &Function) -> Option<i32> {
    window()?.request_animation_frame(callback).ok()
}

/// Asks no longer.
pub(crate) fn forget_frame(frame: i32) {
    if let Some(window) = window() {
        // It fails for no frame that was asked for.
        let _ = window.cancel_animation_frame(frame);
    }
}

/// Whether the page cannot be seen, and so may never be seen again.
pub(crate) fn hidden() -> bool {
    document().is_some_and(|document| document.visibility_state() == web_sys::VisibilityState::Hidden)
}

/// Whether the address asks for an empty log. It does so once.
pub(crate) fn asks_for_fresh() -> bool {
    let Some(location) = window().map(|window| window.location()) else { return false };
    let asked = location.hash().is_ok_and(|hash| hash == FRESH);
    if asked {
        let _ = location.set_hash("");
    }
    asked
}

/// What the address says from `#` on.
pub(crate) fn hash() -> String {
    window().and_then(|window| window.location().hash().ok()).unwrap_or_default()
}

/// Changes the address from `#` on. Nothing hears of it, and the way back stays as it was.
pub(crate) fn set_hash(hash: &str) {
    let replace = |window: Window| {
        let address = format!("{}{hash}", address(&window)?);
        window.history().ok()?.replace_state_with_url(&JsValue::NULL, "", Some(&address)).ok()
    };
    // A page that may not change its address shows an older one.
    let _ = window().and_then(replace);
}

/// The address with another end from `#` on.
pub(crate) fn address_with(hash: &str) -> String {
    window()
        .and_then(|window| Some(format!("{}{hash}", address(&window)?)))
        .unwrap_or_else(|| hash.to_owned())
}

/// The address without what stands from `#` on.
fn address(window: &Window) -> Option<String> {
    let href = window.location().href().ok()?;
    Some(href.split('#').next().unwrap_or_default().to_owned())
}

/// What was kept under a key, beside the log.
pub(crate) fn kept(key: &str) -> Option<String> {
    storage()?.get_item(key).ok().flatten()
}

/// Keeps a small text beside the log, or forgets it. A browser that keeps nothing forgets it when the page goes.
pub(crate) fn keep(key: &str, text: Option<&str>) {
    let Some(storage) = storage() else { return };
    let _ = match text {
        Some(text) => storage.set_item(key, text),
        None => storage.remove_item(key),
    };
}

/// What the browser keeps of this site; `None` if it does not say.
pub(crate) async fn room() -> Option<Room> {
    let manager = storage_manager()?;
    let estimate: StorageEstimate = JsFuture::from(manager.estimate().ok()?).await.ok()?.into();
    let (used, quota) = (estimate.get_usage()? as u64, estimate.get_quota()? as u64);
    let persisted = JsFuture::from(manager.persisted().ok()?).await.ok()?.is_truthy();
    Some(Room { used, quota, persisted })
}

/// Asks the browser not to delete by itself what it keeps of this site, and answers whether it agrees.
pub(crate) async fn persist() -> bool {
    let Some(Ok(asked)) = storage_manager().map(|manager| manager.persist()) else { return false };
    JsFuture::from(asked).await.is_ok_and(|agreed| agreed.is_truthy())
}

/// Pages that did not come by a secure way have none.
fn storage_manager() -> Option<StorageManager> {
    let manager = window()?.navigator().storage();
    (!manager.is_undefined()).then_some(manager)
}

/// Puts a screen with the reason and a way out over a page that cannot go on.
pub(crate) fn show_failure(message: &str) {
    let Some(document) = document() else { return };
    let find = |id: &str| -> Option<Element> { document.get_element_by_id(id) };
    if let Some(reason) = find("failure-reason") {
        reason.set_text_content(Some(message));
    }
    if let Some(failure) = find("failure") {
        let _ = failure.remove_attribute("hidden");
    }
}
