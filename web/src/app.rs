//! The page as a whole: runs commands, keeps the log, hands the state to the views.
//!
//! Invariants:
//! - A command runs on the engine at once; its events are the only way into the state.
//! - What the engine has made durable is committed after every command, in order. What a visitor's press has made so
//!   waits until the frame that shows it is painted; every commit takes all that waits, and a page that hides begins
//!   it at once.
//! - Nothing is flushed or saved before what was saved has been read.
//! - Of all tabs, one has the store and commits; `tabs` has the rest about that.
//! - The engine's files are those of the timeline at its last step. A command in the past runs the past anew first.

mod awaited;
mod beside;
mod bytes;
mod commands;
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
use crate::state::{Action, Keeping, Ran, Settings, State};
use crate::{parts, view};

pub(crate) use awaited::Waiting;
pub(crate) use beside::{Event as BesideEvent, PART as BESIDE};
pub(crate) use commands::PART as COMMANDS;
pub(crate) use live::PART as LIVE;

/// The page.
pub(crate) struct App {
    state: Rc<State>,
    engine: Engine,
    store: Option<Store>,
    /// Commits that are not durable yet.
    committing: usize,
    /// Until a commit into the own store begins, if one is to.
    due: Option<Timeout>,
    timer: Option<Timeout>,
    /// Scripts that wait until what they ran is kept.
    asked: Vec<(Asked, JsValue)>,
    aside: beside::Aside,
    bytes: bytes::Bytes,
    awaited: awaited::Awaited,
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
    /// A commit that has waited is to begin.
    Due,
    /// The page may be about to go.
    Hidden,
    /// Something about links, lessons, files.
    Beside(beside::Event),
    /// Something about a running broker.
    Live(live::Event),
    /// Something about other tabs, or what the browser keeps.
    Tabs(tabs::Event),
    /// What is open is to be read.
    Look,
    /// Parts of the page are here, or could not be loaded.
    Loaded(bool),
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
            due: None,
            timer: None,
            asked: Vec::new(),
            aside: beside::Aside::default(),
            bytes: bytes::Bytes::default(),
            awaited: awaited::Awaited::default(),
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
        let Some(message) = self.admit(ctx, message) else { return true };
        let only_looks = match &message {
            Msg::Do(action) => !commands::are_run_by(action),
            // What a broker does comes as events; its bytes are asked for.
            Msg::Committed(..) | Msg::Due | Msg::Live(_) => true,
            _ => false,
        };
        match message {
            message if self.is_for_live(&message) => self.tell_live(ctx, message),
            Msg::Do(action) if !commands::are_run_by(&action) => self.reduce(action),
            Msg::Run(_) | Msg::Do(_) | Msg::Asked(_) | Msg::Tabs(tabs::Event::Read(_)) => {
                if let Some(part) = parts::commands() {
                    (part.update)(self, ctx, message);
                }
            }
            Msg::Committed(store, result) => self.with_own(|app| app.committed(ctx, store, result)),
            Msg::Due => self.with_own(|app| {
                app.due = None;
                app.commit(ctx, false);
            }),
            Msg::Hidden => self.with_own(|app| app.flush_hidden(ctx)),
            Msg::Beside(event) => {
                if let Some(part) = parts::beside() {
                    (part.update)(self, ctx, event);
                }
            }
            Msg::Tabs(event) => self.tabs(ctx, event),
            Msg::Loaded(all) => self.loaded(ctx, all),
            Msg::Live(_) | Msg::Look => {}
        }
        self.catch_up(ctx);
        self.look_at_open(ctx, !only_looks);
        self.keep_time(ctx);
        true
    }

    fn view(&self, _: &Context<Self>) -> Html {
        let part = self.bytes.part.clone();
        let (on_run, on_do, on_wish) = (self.on_run.clone(), self.on_do.clone(), self.on_wish.clone());
        let (state, beside) = (view::Shown(self.state.clone()), self.aside.shown.clone());
        let awaited = self.awaited.state();
        let of_body = view::BodyProps { state, beside, part, awaited, on_run, on_do, on_wish };
        html! { <view::Page keeping={self.keeping()} {of_body} /> }
    }
}

impl App {
    fn reduce(&mut self, action: Action) {
        Rc::make_mut(&mut self.state).reduce(action);
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
        // The flush comes first: what it makes durable is of the same commit.
        if self.state.ready() && (self.flush_unflushed() || self.due.is_some()) {
            self.commit(ctx, true);
        }
    }

    /// Flushes what a command has left unflushed, and says whether there was anything. If the part that runs commands
    /// is not here, there was not.
    fn flush_unflushed(&mut self) -> bool {
        parts::commands().is_some_and(|part| (part.flush_hidden)(self))
    }

    /// How the log that is shown is kept at this moment. A commit under way is not in the state: it changes nothing
    /// else that is to be seen, and begins and ends with nearly every command.
    fn keeping(&self) -> Keeping {
        match &self.state.keeping {
            Keeping::Saved if self.committing > 0 || self.due.is_some() => Keeping::Saving,
            keeping => keeping.clone(),
        }
    }

    /// Begins to commit what has become durable since the last time.
    fn commit(&mut self, ctx: &Context<Self>, closing: bool) {
        let mutations = self.engine.take_mutations();
        let Some(store) = &mut self.store else { return };
        self.due = None;
        let commit = store.commit(mutations, &self.engine.settings(), closing);
        self.committing += 1;
        let opened = self.sharing.opened;
        promise(ctx, async move { Msg::Committed(opened, commit.await) });
    }

    fn committed(&mut self, ctx: &Context<Self>, store: u32, result: Result<(), Error>) {
        if store != self.sharing.opened || self.store.is_none() {
            return;
        }
        self.committing -= 1;
        if result.is_ok() && self.committing == 0 && self.due.is_none() {
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
