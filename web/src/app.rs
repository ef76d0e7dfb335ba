//! The page as a whole: runs commands, keeps the log, hands the state to the views.
//!
//! Invariants:
//! - A command runs on the engine at once; its events are the only way into the state.
//! - What the engine has made durable is committed after every command, in order.
//! - Nothing is flushed or saved before what was saved has been read.
//! - Of all tabs, one has the store and commits; `tabs` has the rest about that.
//! - The engine's files are those of the timeline at its last step. A command in the past runs the past anew first.

mod beside;
mod bytes;
mod live;
mod tabs;

use std::pin::Pin;
use std::rc::Rc;

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use logscope::lab::{Picture, TopicAction as Command};
use wasm_bindgen::JsValue;
use yew::prelude::*;

use crate::browser;
use crate::engine::{Engine, Saved};
use crate::indexed_db::{Claim, Error, Store};
use crate::script::{self, Asked};
use crate::state::beside::Wish;
use crate::state::what_if::Ask;
use crate::state::{Action, Keeping, Ran, Settings, State, command};
use crate::{text, view};

/// The page.
pub(crate) struct App {
    state: Rc<State>,
    engine: Engine,
    store: Option<Store>,
    /// Commits that are not durable yet.
    committing: usize,
    timer: Option<Timeout>,
    /// Scripts that wait until what they ran is kept.
    asked: Vec<(Asked, JsValue)>,
    aside: beside::Aside,
    bytes: bytes::Bytes,
    /// The connection to a running broker, while its log is shown.
    link: Option<live::Link>,
    sharing: tabs::Sharing,
    /// The log is to be deleted before it is opened.
    fresh: bool,
    /// What the address asked for, when the page was loaded, has been met.
    met: bool,
    /// The same ones at every drawing, so that what has not changed is not drawn again.
    on_run: Callback<Vec<Command>>,
    on_do: Callback<Action>,
    on_wish: Callback<Wish>,
    /// Held for as long as the page lives.
    _listeners: Vec<EventListener>,
}

/// What happens to the page.
#[derive(Debug)]
pub(crate) enum Msg {
    /// Commands to run, one after another.
    Run(Vec<Command>),
    /// A script's command.
    Asked(Asked),
    /// Something about the timeline or a detail.
    Do(Action),
    /// A commit into the store of this number has come to its end.
    Committed(u32, Result<(), Error>),
    /// The page may be about to go.
    Hidden,
    /// Something about links, lessons, files.
    Beside(beside::Event),
    /// Something about a running broker.
    Live(live::Event),
    /// Something about other tabs, or what the browser keeps.
    Tabs(tabs::Event),
}

impl Component for App {
    type Message = Msg;
    type Properties = ();

    fn create(ctx: &Context<Self>) -> Self {
        let fresh = browser::asks_for_fresh();
        script::answer_for(ctx.link());
        tabs::open(ctx, Claim::IfFree, fresh);
        Self {
            state: Rc::default(),
            engine: Engine::new(Saved::default()),
            store: None,
            committing: 0,
            timer: None,
            asked: Vec::new(),
            aside: beside::Aside::default(),
            bytes: bytes::Bytes::default(),
            link: None,
            sharing: tabs::Sharing::new(ctx),
            fresh,
            met: false,
            on_run: ctx.link().callback(Msg::Run),
            on_do: ctx.link().callback(Msg::Do),
            on_wish: ctx.link().callback(|wish| Msg::Beside(beside::Event::Wish(wish))),
            _listeners: listeners(ctx),
        }
    }

    fn update(&mut self, ctx: &Context<Self>, message: Msg) -> bool {
        let only_looks = match &message {
            Msg::Do(action) => !matches!(action, Action::SwitchTo(_)),
            // What a broker does comes as events; its bytes are asked for.
            Msg::Committed(..) | Msg::Live(_) => true,
            _ => false,
        };
        match message {
            Msg::Run(commands) if self.link.is_some() => self.run_live(ctx, commands),
            Msg::Do(action) if self.link.is_some() => self.do_live(ctx, action),
            Msg::Live(event) => self.live(ctx, event),
            Msg::Run(commands) => drop(self.run(ctx, commands)),
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
            Msg::Do(Action::WhatIf(Ask::Compare)) => self.compare(),
            Msg::Do(action) => self.reduce(action),
            Msg::Committed(store, result) => self.with_own(|app| app.committed(ctx, store, result)),
            Msg::Hidden => self.with_own(|app| app.flush_hidden(ctx)),
            Msg::Beside(event) => self.beside(ctx, event),
            Msg::Tabs(event) => self.tabs(ctx, event),
        }
        self.catch_up(ctx);
        self.look(!only_looks);
        self.keep_time(ctx);
        true
    }

    fn view(&self, _: &Context<Self>) -> Html {
        let part = self.bytes.part.clone();
        let (on_run, on_do, on_wish) = (self.on_run.clone(), self.on_do.clone(), self.on_wish.clone());
        let beside = self.aside.shown.clone();
        html! { <view::Page state={self.state.clone()} {beside} {part} {on_run} {on_do} {on_wish} /> }
    }
}

impl App {
    fn reduce(&mut self, action: Action) {
        Rc::make_mut(&mut self.state).reduce(action);
    }

    /// Runs commands, and says whether it did.
    fn run(&mut self, ctx: &Context<Self>, commands: Vec<Command>) -> bool {
        if !self.state.ready() || self.link.is_some() || !self.fork() {
            return false;
        }
        for command in commands {
            let ran = self.engine.run(&command);
            self.learned(&ran.events);
            self.ran(ran);
        }
        self.keep_commands();
        self.commit(ctx, false);
        true
    }

    /// Runs what a script asks for.
    fn run_line(&mut self, ctx: &Context<Self>, line: &str) -> Result<JsValue, String> {
        let command = command::typed(line)?.ok_or(text::NO_COMMANDS)?;
        if !self.run(ctx, vec![command]) {
            let why = if self.link.is_some() { text::live::ASK_THE_BROKER } else { text::WATCHING_A_TAB };
            return Err(self.state.notice.clone().unwrap_or_else(|| why.to_owned()));
        }
        self.state.timeline.groups().last().map_or(Ok(JsValue::UNDEFINED), script::outcome)
    }

    /// Answers the scripts that wait until what they ran is kept.
    fn settle(&mut self, kept: Result<(), &str>) {
        for (asked, outcome) in self.asked.drain(..) {
            asked.answer(kept.map(|()| outcome).map_err(str::to_owned));
        }
    }

    /// What the page shows.
    pub(crate) fn picture(&self) -> &Picture {
        self.state.picture()
    }

    /// The files of the partition that is looked at, and the settings, as they are now.
    pub(crate) fn files_and_settings(&self) -> (Vec<(String, Vec<u8>)>, Settings) {
        (self.engine.files(self.state.partition()), self.engine.settings())
    }

    fn ran(&mut self, ran: Ran) {
        self.reduce(Action::Ran(ran));
    }

    /// Flushes before the page may go, if there is anything to flush.
    fn flush_hidden(&mut self, ctx: &Context<Self>) {
        self.keep_looked_at();
        self.keep_new_commands();
        let pending = if self.state.ready() { self.state.unflushed } else { 0 };
        let Some(ran) = self.engine.flush_hidden(pending) else { return };
        self.ran(ran);
        self.keep_own_commands();
        self.commit(ctx, true);
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

    /// Begins to commit what has become durable since the last time.
    fn commit(&mut self, ctx: &Context<Self>, closing: bool) {
        let mutations = self.engine.take_mutations();
        let Some(store) = &mut self.store else { return };
        let commit = store.commit(mutations, &self.engine.settings(), closing);
        self.committing += 1;
        self.reduce(Action::Keeping(Keeping::Saving));
        let opened = self.sharing.opened;
        promise(ctx, async move { Msg::Committed(opened, commit.await) });
    }

    fn committed(&mut self, ctx: &Context<Self>, store: u32, result: Result<(), Error>) {
        if store != self.sharing.opened || self.store.is_none() {
            return;
        }
        self.committing -= 1;
        if result.is_ok() && self.committing == 0 {
            self.keep_new_commands();
        }
        match result {
            Ok(()) if self.committing > 0 => {}
            Ok(()) if self.sharing.leaving => {
                self.settle(Ok(()));
                self.watch(ctx);
            }
            Ok(()) => {
                self.settle(Ok(()));
                self.reduce(Action::Keeping(Keeping::Saved));
                self.say_kept();
            }
            Err(Error::Taken) => self.watch(ctx),
            Err(Error::Failed(reason)) => {
                (self.store, self.sharing.leaving) = (None, false);
                self.settle(Err(&reason));
                self.reduce(Action::Keeping(Keeping::OnlyInMemory(reason)));
            }
        }
    }

    /// Sets the timer for the next step while playing, and drops it otherwise.
    fn keep_time(&mut self, ctx: &Context<Self>) {
        // What is followed comes by itself.
        if self.state.playing_to.is_none() || self.state.is_following() {
            self.timer = None;
            return;
        }
        let link = ctx.link().clone();
        let (wait, _) = self.state.speed.beat();
        self.timer = Some(Timeout::new(wait, move || link.send_message(Msg::Do(Action::Tick))));
    }
}

/// Sends the message that a future comes to. All futures are of one type, as the code to wait for one is not small.
fn promise(ctx: &Context<App>, message: impl Future<Output = Msg> + 'static) {
    let message: Pin<Box<dyn Future<Output = Msg>>> = Box::pin(message);
    ctx.link().send_future(message);
}

/// What may be the last that a page hears before it is gone.
fn listeners(ctx: &Context<App>) -> Vec<EventListener> {
    let (Some(window), Some(document)) = (browser::window(), browser::document()) else { return Vec::new() };
    // The earlier of the two leaves a commit time to begin before the page is taken down; the later one always comes.
    let hides = |event: &'static str| {
        let link = ctx.link().clone();
        EventListener::new(&window, event, move |_| link.send_message(Msg::Hidden))
    };
    let hiding = ctx.link().clone();
    let mut listeners = vec![
        hides("beforeunload"),
        hides("pagehide"),
        EventListener::new(&document, "visibilitychange", move |_| {
            if browser::hidden() {
                hiding.send_message(Msg::Hidden);
            }
        }),
    ];
    listeners.extend(beside::address_listener(ctx));
    listeners.extend(tabs::leaving_listener(ctx));
    listeners
}
