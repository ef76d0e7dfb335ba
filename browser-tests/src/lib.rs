//! The playground as a visitor meets it: the real broker, the real page, a real browser.
//!
//! `cargo xtask browser` builds what is tested and says by environment variables where it is:
//! `LOGSCOPE_BROKER` (the binary), `LOGSCOPE_PAGE` (the folder), `LOGSCOPE_PACKAGE_TESTS` (the JavaScript package
//! beside its tests), `LOGSCOPE_AXE` (the script of axe-core, or nothing) and `LOGSCOPE_SCREENSHOTS`. A test is one call of [`visit`], or of [`Scripts::run`] if it is about
//! the package, with a broker, a browser and an origin of its own.
//!
//! Invariants:
//! - Things are found as a screen reader finds them, by role and accessible name. No class, no id, no structure.
//! - Nothing waits for a time to pass; [`eventually`] asks until something is so, and gives up loudly.
//! - An error in the browser's console fails the test, whatever else it looked at.
//! - Whatever was started is ended by its process id, also when a test fails.

mod axe;
mod browser;
mod host;
mod http;
mod keyboard;
mod measure;
mod offline;
mod page;
mod process;
mod scripts;
mod visit;
mod wait;

pub use host::Host;
pub use http::post;
pub use measure::Span;
pub use page::{Page, Scheme};
pub use scripts::Scripts;
pub use visit::{Broker, visit, visit_host, visit_timed};
pub use wait::eventually;
