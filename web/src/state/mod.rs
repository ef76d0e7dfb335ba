//! What the page knows, and how it changes: plain values, no DOM, tested natively.
//!
//! [`State`] folds [`Action`]s in [`State::reduce`]. The engine runs outside of here and hands in what it did
//! as [`Action::Ran`]; everything drawn comes from the events in it. [`layout`] turns a picture into shapes.
//!
//! Invariants:
//! - The pictures that are shown are the fold of the first `cursor` steps of the timeline, always.
//! - Nothing here asks the browser, the clock or the engine for anything.

mod action;
pub(crate) mod archive;
pub(crate) mod beside;
mod branches;
pub(crate) mod budget;
pub(crate) mod bytes;
pub(crate) mod command;
pub(crate) mod consumers;
pub(crate) mod files;
pub(crate) mod format;
pub(crate) mod layout;
pub(crate) mod lessons;
pub(crate) mod live;
pub(crate) mod original;
mod palette;
mod reduce;
pub(crate) mod share;
mod speed;
#[expect(clippy::module_inception, reason = "the state is what the folder is named for")]
mod state;
mod step;
pub(crate) mod terms;
mod timeline;
mod topic_settings;
pub(crate) mod what_if;
mod zoom;

pub(crate) use action::{Action, Ran};
pub(crate) use branches::Other;
pub(crate) use palette::{COLOURS, ColourBy, Hue, Palette, has_producers};
pub(crate) use speed::Speed;
pub(crate) use state::{BatchId, Keeping, Settings, State};
pub(crate) use step::{Gravity, gravity, title};
pub(crate) use timeline::{Group, Timeline};
pub(crate) use topic_settings::TopicSettings;
pub(crate) use zoom::Zoom;
