//! What waits for a part of the page that is not here yet.
//!
//! Invariants:
//! - A message that needs a part waits until the part is here, and is then sent once more, in its turn.
//! - What waits is not lost if a part cannot be loaded: it is asked for again when somebody says so.

use std::mem;

use gloo_timers::callback::Timeout;
use yew::prelude::*;

use super::{App, Msg, beside, commands, promise, tabs};
use crate::parts::{self, Part};
use crate::state::beside::Wish;

/// How long a page stands before it loads what the first command will need, in milliseconds.
const SOON_MS: u32 = 1_000;

/// How the page stands with its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// A part is being loaded.
    Loading,
    /// A part could not be loaded.
    Failed,
}

/// The messages that wait.
#[derive(Debug, Default)]
pub(super) struct Awaited {
    messages: Vec<Msg>,
    failed: bool,
    /// Until commands are loaded, which nobody has asked for yet.
    soon: Option<Timeout>,
}

impl Awaited {
    /// What to show of it.
    pub(super) fn state(&self) -> Option<Waiting> {
        let waiting = if self.failed { Waiting::Failed } else { Waiting::Loading };
        (!self.messages.is_empty()).then_some(waiting)
    }
}

impl App {
    /// Hands the message back if all parts that it needs are here, and keeps it until they are otherwise.
    pub(super) fn admit(&mut self, ctx: &Context<Self>, message: Msg) -> Option<Msg> {
        if let Msg::Beside(beside::Event::Wish(Wish::LoadAgain)) = message {
            self.send_again(ctx);
            return None;
        }
        let needed = self.needed_for(&message);
        if needed.iter().all(|part| parts::has(*part)) {
            return Some(message);
        }
        self.awaited.messages.push(message);
        self.awaited.failed = false;
        load(ctx, needed);
        None
    }

    fn needed_for(&self, message: &Msg) -> &'static [Part] {
        match message {
            message if self.is_for_live(message) => &[Part::Live],
            Msg::Beside(beside::Event::Wish(Wish::Live(_))) => &[Part::Commands, Part::Beside, Part::Live],
            Msg::Beside(_) => &[Part::Commands, Part::Beside],
            Msg::Do(action) if !commands::are_run_by(action) => &[],
            Msg::Run(_) | Msg::Do(_) | Msg::Asked(_) | Msg::Look | Msg::Tabs(tabs::Event::Read(_)) => {
                &[Part::Commands]
            }
            Msg::Live(_) | Msg::Committed(..) | Msg::Due | Msg::Hidden | Msg::Tabs(_) | Msg::Loaded(_) => &[],
        }
    }

    /// Loads what runs commands once the page has been drawn, so that the first command need not wait.
    pub(super) fn load_commands_soon(&mut self, ctx: &Context<Self>) {
        let link = ctx.link().clone();
        let load = move || link.send_future(async { Msg::Loaded(parts::load(Part::Commands).await) });
        self.awaited.soon = Some(Timeout::new(SOON_MS, load));
    }

    /// Parts are here, or could not be loaded.
    pub(super) fn loaded(&mut self, ctx: &Context<Self>, all: bool) {
        self.awaited.failed = !all;
        if all {
            self.send_again(ctx);
        }
    }

    /// Sends what waits once more: what still lacks a part asks for it again.
    fn send_again(&mut self, ctx: &Context<Self>) {
        mem::take(&mut self.awaited.messages)
            .into_iter()
            .for_each(|message| ctx.link().send_message(message));
    }

    /// Reads what is open, as soon as there is what takes it apart.
    pub(super) fn look_at_open(&mut self, ctx: &Context<Self>, changed: bool) {
        if self.nothing_is_open() {
            self.bytes = super::bytes::Bytes::default();
        } else if let Some(part) = parts::commands() {
            (part.look)(self, changed);
        } else if !self.awaited.messages.iter().any(|message| matches!(message, Msg::Look)) {
            ctx.link().send_message(Msg::Look);
        }
    }
}

/// Loads parts, all at once.
fn load(ctx: &Context<App>, needed: &'static [Part]) {
    for part in needed {
        wasm_bindgen_futures::spawn_local(async {
            parts::load(*part).await;
        });
    }
    promise(ctx, async move {
        for part in needed {
            if !parts::load(*part).await {
                return Msg::Loaded(false);
            }
        }
        Msg::Loaded(true)
    });
}
