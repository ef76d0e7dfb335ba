//! The log in several tabs: one writes it, the others watch, and any of them can take over.
//!
//! Invariants:
//! - A tab that watches has no store. It shows what was committed, read as a whole, and runs nothing on it. Where the
//!   commands are known that lead to those very files, it shows them with all their steps.
//! - Who is asked for the log flushes it, waits until all is committed, and lets go of it. Who does not answer loses
//!   it, with what was not committed, and finds out at the latest when its next commit is refused.
//! - Who watches reads once more when nobody has the log any more: then it has seen the last that was committed.
//! - What is looked at stays: while a person stands in the past, nothing new is read.

use std::mem;
use std::rc::Rc;

use gloo_events::EventListener;
use logscope::lab::Action as LogAction;
use yew::prelude::*;

use super::{App, Msg, promise};
use crate::browser;
use crate::engine::{Engine, Saved};
use crate::indexed_db::{self, Claim, Error, Store};
use crate::state::beside::{Dialog, Kept, Room};
use crate::state::{Action, Keeping, Ran};
use crate::tabs::{Tabs, Word};
use crate::text;

/// Where it is kept which of several partitions is looked at.
const LOOKED_AT: &str = "logscope-partition";
/// A larger log is not run again for every commit of the tab that writes it.
const LARGEST_RETOLD: usize = 4 << 20;

/// What the page needs to share the log with other tabs.
#[derive(Debug)]
pub(super) struct Sharing {
    tabs: Tabs,
    /// How many stores were opened: what is said of an older one counts no more.
    pub(super) opened: u32,
    /// A store was asked for, and it is not known yet whether it can be had.
    opening: bool,
    /// It is to be taken from whoever has it.
    wanted: bool,
    /// A tab has said that it writes, since the store was asked for.
    answered: bool,
    /// Another tab is to have the log as soon as everything is committed.
    pub(super) leaving: bool,
    /// What was committed is being read.
    reading: bool,
    /// Something was committed since it was read.
    behind: bool,
    /// It will be heard when nobody has the store any more.
    awaiting: bool,
}

/// What happens between tabs, and to what the browser keeps.
#[derive(Debug)]
pub(crate) enum Event {
    /// The log has been opened, or can't be.
    Opened(Result<(Store, Saved), Error>),
    /// Another tab says this.
    Heard(Word),
    /// What the other tab has committed.
    Read(Result<Saved, Error>),
    /// Another tab has taken the store of this number.
    Taken(u32),
    /// Nobody has the store any more, or that cannot be known.
    Free(Result<(), Error>),
    /// The page goes.
    Leaving,
    /// How much the browser keeps, and whether it agreed to keep it, if it was asked.
    Room(Option<Room>, Option<bool>),
}

impl Sharing {
    pub(super) fn new(ctx: &Context<App>) -> Self {
        let link = ctx.link().clone();
        let tabs = Tabs::new(move |word| link.send_message(Msg::Tabs(Event::Heard(word))));
        let (wanted, answered, leaving) = (false, false, false);
        let (reading, behind, awaiting) = (false, false, false);
        Self { tabs, opened: 0, opening: true, wanted, answered, leaving, reading, behind, awaiting }
    }
}

/// Asks for the log.
pub(super) fn open(ctx: &Context<App>, claim: Claim, fresh: bool) {
    promise(ctx, async move { Msg::Tabs(Event::Opened(indexed_db::open(claim, fresh).await)) });
}

/// Hears that the page goes.
pub(super) fn leaving_listener(ctx: &Context<App>) -> Option<EventListener> {
    let (link, window) = (ctx.link().clone(), browser::window()?);
    Some(EventListener::new(&window, "pagehide", move |_| link.send_message(Msg::Tabs(Event::Leaving))))
}

impl App {
    pub(super) fn tabs(&mut self, ctx: &Context<Self>, event: Event) {
        match event {
            Event::Opened(opened) => self.with_own(|app| app.opened(ctx, opened)),
            Event::Heard(word) => self.with_own(|app| app.heard_tab(ctx, word)),
            Event::Taken(store) if store == self.sharing.opened => self.with_own(|app| app.watch(ctx)),
            Event::Taken(_) | Event::Read(_) => {}
            Event::Free(known) => {
                self.sharing.awaiting = false;
                // Whoever had it may have said so before its last commit was done, or may have died.
                if known.is_ok() {
                    self.with_own(|app| app.heard_tab(ctx, Word::Gone));
                }
            }
            Event::Leaving => self.with_own(|app| {
                if app.store.is_some() {
                    app.sharing.tabs.say(Word::Gone);
                }
            }),
            Event::Room(room, agreed) => self.show(|shown| {
                if let Some(Dialog::Kept(kept)) = &mut shown.dialog {
                    (kept.room, kept.agreed) = (room, agreed.or(kept.agreed));
                }
            }),
        }
        // The log is there for the first time: only now can the address be met.
        if !self.met && !self.state.timeline.groups().is_empty() {
            self.met = true;
            self.load_commands_soon(ctx);
            // Most pages are opened without a wish.
            if !browser::hash().is_empty() {
                ctx.link().send_message(Msg::Beside(super::beside::Event::Address));
            }
        }
    }

    /// Reads on if something new waits, and nobody is looking at the past.
    pub(super) fn catch_up(&mut self, ctx: &Context<Self>) {
        if !self.sharing.behind {
            return;
        }
        self.with_own(|app| {
            let (state, timeline) = (&app.state, &app.state.timeline);
            let in_the_past = timeline.cursor() < timeline.len() || state.playing_to.is_some();
            if matches!(state.keeping, Keeping::Watching(_)) && !in_the_past {
                app.read(ctx);
            }
        });
    }

    fn opened(&mut self, ctx: &Context<Self>, opened: Result<(Store, Saved), Error>) {
        self.sharing.opening = false;
        match opened {
            // Whoever wrote a moment ago is being loaded again, and is to have the log back.
            Ok(_) if self.sharing.answered && !self.sharing.wanted => {}
            Ok((store, saved)) => self.write(ctx, store, saved),
            Err(Error::Failed(reason)) => {
                self.sharing.wanted = false;
                if self.state.timeline.groups().is_empty() {
                    self.begin(Saved::default(), Keeping::Loading);
                }
                self.reduce(Action::Keeping(Keeping::OnlyInMemory(reason)));
            }
            Err(Error::Taken) if self.sharing.wanted => self.claim(ctx, Claim::Take),
            Err(Error::Taken) if matches!(self.state.keeping, Keeping::Watching(_)) => {
                // Nobody says that it writes. Who has the log only hears that it is free, and lets go of it soon.
                if !self.sharing.answered {
                    self.wait(ctx);
                }
            }
            Err(Error::Taken) => {
                self.watch(ctx);
                // It may be the page's former self, which is about to go.
                self.wait(ctx);
            }
        }
    }

    /// Asks who writes, and waits for the log.
    fn wait(&mut self, ctx: &Context<Self>) {
        self.sharing.tabs.say(Word::Asked);
        self.claim(ctx, Claim::Wait);
    }

    fn claim(&mut self, ctx: &Context<Self>, claim: Claim) {
        (self.sharing.opening, self.sharing.answered) = (true, false);
        open(ctx, claim, self.fresh);
    }

    /// Becomes the tab that writes.
    fn write(&mut self, ctx: &Context<Self>, store: Store, saved: Saved) {
        let sharing = &mut self.sharing;
        (sharing.opened, sharing.wanted, sharing.behind) = (sharing.opened + 1, false, false);
        let (taken, link, opened) = (store.taken(), ctx.link().clone(), sharing.opened);
        wasm_bindgen_futures::spawn_local(async move {
            if taken.await {
                link.send_message(Msg::Tabs(Event::Taken(opened)));
            }
        });
        (self.store, self.committing, self.fresh) = (Some(store), 0, false);
        self.begin(saved, Keeping::Saved);
        self.keep_commands_soon();
        self.commit(ctx, false);
    }

    /// Takes up what was saved, and lets the engine recover it. Of what was seen before only the view stays.
    fn begin(&mut self, saved: Saved, keeping: Keeping) {
        self.remember(!saved.files.is_empty());
        let looked_at = self.looked_at();
        self.engine = Engine::new(saved);
        self.state = Rc::new(self.state.anew(keeping));
        self.reduce(Action::Loaded(Rc::new(self.engine.picture_of_files()), self.engine.settings()));
        let ran = self.engine.reopen();
        self.ran(Ran { follow: true, ..ran });
        self.look_again(looked_at);
    }

    /// The partition that is looked at, or was when the page was left.
    fn looked_at(&self) -> Option<u32> {
        match self.state.several() {
            true => Some(self.state.partition()),
            false => browser::kept(LOOKED_AT)?.parse().ok(),
        }
    }

    /// An opening goes through all partitions; it is not what somebody looks at.
    fn look_again(&mut self, partition: Option<u32>) {
        if let Some(partition) = partition.filter(|_| self.state.several()) {
            self.reduce(Action::LookAt(partition));
        }
    }

    /// Keeps which partition is looked at, for the page that comes next.
    pub(super) fn keep_looked_at(&self) {
        let partition = self.state.several().then(|| self.state.partition().to_string());
        browser::keep(LOOKED_AT, partition.as_deref());
    }

    /// Becomes a tab that watches.
    pub(super) fn watch(&mut self, ctx: &Context<Self>) {
        (self.store, self.sharing.leaving) = (None, false);
        self.settle(Err(text::WATCHING_A_TAB));
        self.reduce(Action::Keeping(Keeping::Watching(true)));
        self.await_free(ctx);
        self.read(ctx);
    }

    /// Hears when nobody writes any more.
    fn await_free(&mut self, ctx: &Context<Self>) {
        if !mem::replace(&mut self.sharing.awaiting, true) {
            promise(ctx, async { Msg::Tabs(Event::Free(indexed_db::free().await)) });
        }
    }

    fn read(&mut self, ctx: &Context<Self>) {
        if !self.sharing.reading {
            (self.sharing.reading, self.sharing.behind) = (true, false);
            promise(ctx, async { Msg::Tabs(Event::Read(indexed_db::read().await)) });
        }
    }

    /// Takes up what another tab has committed. It may have to be told anew: this is of the part that runs commands.
    pub(super) fn has_read(&mut self, read: Result<Saved, Error>) {
        self.sharing.reading = false;
        let Keeping::Watching(written) = self.state.keeping else { return };
        match read {
            Ok(saved) => {
                self.remember(!saved.files.is_empty());
                if !self.retell(&saved, Keeping::Watching(written)) {
                    self.begin(saved, Keeping::Watching(written));
                }
                // What the recovery mends is for the tab that writes to commit.
                drop(self.engine.take_mutations());
            }
            Err(error) => self.reduce(Action::Notice(error.to_string())),
        }
    }

    /// Shows what led to these files, if the commands that are kept do so: byte for byte, and with these settings.
    fn retell(&mut self, saved: &Saved, keeping: Keeping) -> bool {
        let bytes: usize = saved.files.iter().map(|(.., bytes)| bytes.len()).sum();
        let commands = self.kept_commands();
        if bytes > LARGEST_RETOLD || commands.is_empty() {
            return false;
        }
        let mut engine = Engine::new(Saved::default());
        let (start, settings) = (Rc::new(engine.picture_of_files()), engine.settings());
        let opened = engine.run(&LogAction::Reopen.into());
        let mut told: Vec<Ran> = commands.iter().map(|command| engine.run(command)).collect();
        if engine.all_files() != Engine::new(saved.clone()).all_files()
            || saved.settings != Some(engine.settings())
        {
            return false;
        }
        if let Some(last) = told.last_mut() {
            last.command.push_str(text::NOT_FLUSHED_NOT_SEEN);
        }
        told.push(engine.run(&LogAction::Reopen.into()));
        self.forget_before();
        let looked_at = self.looked_at();
        self.engine = engine;
        self.state = Rc::new(self.state.anew(keeping));
        Rc::make_mut(&mut self.state).history = Rc::default();
        self.reduce(Action::Loaded(start, settings));
        std::iter::once(opened).chain(told).for_each(|ran| self.ran(ran));
        self.look_again(looked_at);
        true
    }

    fn heard_tab(&mut self, ctx: &Context<Self>, word: Word) {
        let watching = matches!(self.state.keeping, Keeping::Watching(_));
        match word {
            Word::Asked if self.store.is_some() => self.say_kept(),
            Word::Kept | Word::Gone if watching => {
                if word == Word::Kept {
                    self.sharing.answered = true;
                    self.await_free(ctx);
                }
                self.reduce(Action::Keeping(Keeping::Watching(word == Word::Kept)));
                self.sharing.behind = true;
            }
            // Where there are no locks, somebody else writes too. The older of the two will be refused.
            Word::Kept if self.store.is_some() => self.commit(ctx, false),
            Word::Wanted if self.store.is_some() && !self.sharing.leaving => {
                self.flush_unflushed();
                self.sharing.leaving = true;
                self.commit(ctx, false);
                self.reduce(Action::Keeping(Keeping::Watching(true)));
            }
            _ => {}
        }
    }

    /// Tells the other tabs that something has been committed.
    pub(super) fn say_kept(&self) {
        self.sharing.tabs.say(Word::Kept);
    }

    /// Asks for the log, and takes it.
    pub(super) fn take_over(&mut self, ctx: &Context<Self>) {
        self.with_own(|app| {
            if !matches!(app.state.keeping, Keeping::Watching(_)) || app.sharing.leaving {
                return;
            }
            app.sharing.tabs.say(Word::Wanted);
            app.sharing.wanted = true;
            app.reduce(Action::Keeping(Keeping::Loading));
            if !app.sharing.opening {
                app.claim(ctx, Claim::Take);
            }
        });
    }

    /// Shows how the log is kept.
    pub(super) fn show_kept(&mut self, ctx: &Context<Self>) {
        let bytes = self.engine.bytes();
        let keeping = self.keeping();
        self.show(|shown| {
            shown.dialog = Some(Dialog::Kept(Kept { bytes, keeping, room: None, agreed: None }))
        });
        promise(ctx, async { Msg::Tabs(Event::Room(browser::room().await, None)) });
    }

    /// Asks the browser not to delete the log when space is short.
    pub(super) fn ask_to_persist(&self, ctx: &Context<Self>) {
        promise(ctx, async {
            let agreed = browser::persist().await;
            Msg::Tabs(Event::Room(browser::room().await, Some(agreed)))
        });
    }
}
