//! Running commands: the part of the page without which a log is shown, but does nothing.
//!
//! Invariant: what is in here is reached through [`PART`] only, or from other parts; [`crate::parts`] says why.

use std::rc::Rc;

use gloo_timers::callback::Timeout;
use logscope::lab::TopicAction as Command;
use wasm_bindgen::JsValue;
use yew::prelude::*;

use super::{App, Msg, tabs};
use crate::state::what_if::Ask;
use crate::state::{Action, command};
use crate::{browser, engine, parts, script, text, view};

/// How long a commit waits, in milliseconds: the frame that shows what was done is painted by then. It is a time, and no
/// frame's callback, because a page that is not in view is given no frames.
const DUE_MS: u32 = 30;

pub(crate) static PART: parts::Commands = parts::Commands {
    update: App::update_commands,
    flush_hidden: App::flush_own,
    fetch: view::fetch,
    fingerprint: engine::fingerprint_of,
    look: App::look,
    bytes: view::bytes,
};

/// Whether an action of the page is more than looking: the engine has to run commands for it.
pub(super) fn are_run_by(action: &Action) -> bool {
    matches!(action, Action::SwitchTo(_) | Action::WhatIf(Ask::Compare))
}

impl App {
    fn update_commands(&mut self, ctx: &Context<Self>, message: Msg) {
        match message {
            Msg::Run(commands) => self.run_and_show(ctx, commands),
            Msg::Asked(asked) => match self.run_line(ctx, &asked.line) {
                Ok(outcome) if self.committing > 0 => self.asked.push((asked, outcome)),
                outcome => asked.answer(outcome),
            },
            Msg::Do(Action::SwitchTo(branch)) => {
                let commands = self.state.commands_of(branch).unwrap_or_default();
                if self.run_anew(&commands, Action::SwitchTo(branch)) {
                    self.keep_commands();
                    self.commit(ctx, false);
                }
            }
            Msg::Do(_) => self.compare(),
            Msg::Tabs(tabs::Event::Read(read)) => self.with_own(|app| app.has_read(read)),
            _ => {}
        }
    }

    /// Runs commands, and says whether it did. What they have made durable is to be committed.
    fn run(&mut self, commands: Vec<Command>) -> bool {
        if !self.state.ready() || self.link.is_some() || !self.fork() {
            return false;
        }
        for command in commands {
            let ran = self.engine.run(&command);
            self.learned(&ran.events);
            self.ran(ran);
        }
        self.keep_commands();
        true
    }

    /// Runs what somebody has pressed for.
    fn run_and_show(&mut self, ctx: &Context<Self>, commands: Vec<Command>) {
        if self.run(commands) {
            self.commit_soon(ctx);
        }
    }

    /// Commits once the frame that comes next is painted, so that nobody waits for more than what is to be seen.
    fn commit_soon(&mut self, ctx: &Context<Self>) {
        if self.store.is_none() || browser::hidden() {
            self.commit(ctx, false);
        } else if self.due.is_none() {
            let link = ctx.link().clone();
            self.due = Some(Timeout::new(DUE_MS, move || link.send_message(Msg::Due)));
        }
    }

    /// Runs what a script asks for.
    fn run_line(&mut self, ctx: &Context<Self>, line: &str) -> Result<JsValue, String> {
        let command = command::typed(line)?.ok_or(text::NO_COMMANDS)?;
        if !self.run(vec![command]) {
            let why = if self.link.is_some() { text::live::ASK_THE_BROKER } else { text::WATCHING_A_TAB };
            return Err(self.state.notice.clone().unwrap_or_else(|| why.to_owned()));
        }
        // A script waits for the commit, and for no frame.
        self.commit(ctx, false);
        self.state.timeline.groups().last().map_or(Ok(JsValue::UNDEFINED), script::outcome)
    }

    /// Makes the past that is shown the present, if it is the past: what came after it is kept as a branch.
    fn fork(&mut self) -> bool {
        if !self.state.timeline.is_past() {
            return true;
        }
        // What was given is not undone: a lesson begins where it begins, and a page with its opening.
        let given = self.given_actions();
        if self.state.timeline.done() < given {
            self.reduce(Action::Seek(self.state.timeline.end_of(given)));
        }
        let timeline = &self.state.timeline;
        if !timeline.is_past() {
            return true;
        }
        let commands = timeline.commands(timeline.done());
        self.run_anew(&commands, Action::Fork)
    }

    /// Gives the engine another past, and the state what goes with it; or says why that can't be.
    fn run_anew(&mut self, commands: &[Rc<str>], action: Action) -> bool {
        let result = self.engine.run_anew(commands);
        let done = result.is_ok();
        self.reduce(result.map_or_else(Action::Notice, |()| action));
        done
    }

    /// Runs the commands up to the fetch that is shown once more, with what the panel has in its fields.
    fn compare(&mut self) {
        let Some(panel) = &self.state.what_if else { return };
        let commands = self.state.commands_to_fetch();
        let answer = panel.change().and_then(|change| self.engine.what_if(&commands, &change));
        self.reduce(Action::WhatIf(Ask::Answer(answer)));
    }

    /// Flushes what the own log, which must be in its place, has left unflushed.
    fn flush_own(&mut self) -> bool {
        let Some(ran) = self.engine.flush_hidden(self.state.unflushed) else { return false };
        self.ran(ran);
        self.keep_own_commands();
        true
    }
}
