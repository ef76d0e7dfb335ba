//! The Logscope playground: the engine in a page that draws what it does.
//!
//! [`engine`] runs the log, [`state`] holds what the page knows, [`view`] draws it, [`app`] ties them together,
//! [`indexed_db`] keeps the log, [`tabs`] tells other tabs of it, [`live`] talks to a running broker, [`parts`] says
//! what is loaded later, and [`script`] is for others. Natively this builds for its tests only.

mod app;
mod browser;
mod engine;
mod exchange;
mod indexed_db;
mod live;
mod parts;
mod script;
mod state;
mod tabs;
mod text;
mod view;

fn main() {
    std::panic::set_hook(Box::new(|panic| browser::show_failure(&panic.to_string())));
    let page = browser::document().and_then(|document| document.get_element_by_id("app"));
    match page {
        Some(page) => drop(yew::Renderer::<app::App>::with_root(page).render()),
        None => browser::show_failure("index.html has no element with the id `app`."),
    }
}
