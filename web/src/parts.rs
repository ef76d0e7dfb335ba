//! The parts of the page that are not there at first: they are loaded when somebody wants what they do, and, as soon
//! as the page stands, kept by its service worker.
//!
//! A part is a table of functions. All that is reached through its table and by no other way goes into a file of its
//! own when the page is bundled (`cargo xtask` cuts the linked wasm in pieces, which share one memory); what several
//! parts need goes into files beside them. So whoever calls a function past the table brings it back into the first
//! load, and a table is asked for where it is used, never kept.
//!
//! Invariants:
//! - A table is to be had only once its part is there, so nothing of it can be called before.
//! - Without the feature `apart`, natively and while developing, every part is there from the beginning.
//! - The attribute `wasm_split` stands in this file only.

use std::rc::Rc;
#[cfg(feature = "apart")]
use std::sync::OnceLock;

use logscope::lab::TopicAction as Command;
use yew::prelude::*;

use crate::app::{self, App, Msg};
use crate::state::beside::{Beside as Shown, Wish};
use crate::state::bytes::Part as Bytes;
use crate::state::live::{Live as Watched, returned::Shown as Returned};
use crate::state::{Action, State};
use crate::view::DetailProps;

/// A part by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Running commands, with the codecs and all of the engine that opening a log does not need; bytes taken apart.
    Commands,
    /// Lessons, links, files from elsewhere, and the dialogs.
    Beside,
    /// A running broker's log.
    Live,
}

/// See [`Part::Commands`].
pub(crate) struct Commands {
    /// Runs what a message asks for.
    pub(crate) update: fn(&mut App, &Context<App>, Msg),
    /// Flushes the own log, if there is anything to flush.
    pub(crate) flush_hidden: fn(&mut App) -> bool,
    /// What a fetch would take, and what came of it.
    pub(crate) fetch: fn(&State, bool, &Callback<Action>) -> Html,
    /// What files a scenario leaves, as a hash.
    pub(crate) fingerprint: fn(&str) -> Result<String, String>,
    /// Reads what is open, a batch or a file, if it may have changed.
    pub(crate) look: fn(&mut App, bool),
    /// Shows what is open.
    pub(crate) bytes: fn(&DetailProps, &Rc<Bytes>, bool) -> Html,
}

/// See [`Part::Beside`].
pub(crate) struct Beside {
    pub(crate) update: fn(&mut App, &Context<App>, app::BesideEvent),
    pub(crate) dialogs: fn(&Rc<Shown>, &Callback<Wish>) -> Html,
    pub(crate) lesson_text: fn(&Shown) -> Html,
    pub(crate) tasks: fn(&Shown, &Callback<Wish>) -> Html,
}

/// See [`Part::Live`].
pub(crate) struct Live {
    pub(crate) update: fn(&mut App, &Context<App>, Msg),
    pub(crate) bar: fn(&Watched, &State, &Callback<Wish>) -> Html,
    pub(crate) controls: fn(&Watched, &State, &Callback<Command>) -> Html,
    /// The records that the table shows.
    pub(crate) returned: fn(&Watched, &State) -> Option<Returned>,
}

/// Loads a part, unless it is there. A part that could not be loaded can be asked for again.
pub(crate) async fn load(part: Part) -> bool {
    match part {
        Part::Commands => load_commands().await,
        Part::Beside => load_beside().await,
        Part::Live => load_live().await,
    }
}

/// Whether a part is there.
pub(crate) fn has(part: Part) -> bool {
    match part {
        Part::Commands => commands().is_some(),
        Part::Beside => beside().is_some(),
        Part::Live => live().is_some(),
    }
}

/// The function that hands out a part's table, and the one that loads it.
macro_rules! part {
    ($name:ident, $load:ident, $table:ty, $tables:expr) => {
        #[cfg(feature = "apart")]
        mod $name {
            use super::*;

            pub(super) static HERE: OnceLock<&'static $table> = OnceLock::new();

            #[wasm_split_helpers::wasm_split($name, fallible)]
            pub(super) fn load() -> Result<&'static $table, wasm_split_helpers::SplitLoaderError> {
                Ok(&$tables)
            }
        }

        /// The part, if it is there.
        #[cfg(feature = "apart")]
        pub(crate) fn $name() -> Option<&'static $table> {
            $name::HERE.get().copied()
        }

        #[cfg(feature = "apart")]
        async fn $load() -> bool {
            let loaded = $name::load().await;
            loaded.map(|table| $name::HERE.get_or_init(|| table)).is_ok()
        }

        /// The part, which is always there.
        #[cfg(not(feature = "apart"))]
        pub(crate) fn $name() -> Option<&'static $table> {
            Some(&$tables)
        }

        #[cfg(not(feature = "apart"))]
        async fn $load() -> bool {
            true
        }
    };
}

part!(commands, load_commands, Commands, app::COMMANDS);
part!(beside, load_beside, Beside, app::BESIDE);
part!(live, load_live, Live, app::LIVE);
