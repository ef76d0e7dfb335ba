//! A running broker's log in place of the visitor's own.
//!
//! Invariants:
//! - It stands beside the own log as a guest does. When it goes, its connection goes with it.
//! - Nothing forks and nothing is run on the page's engine: commands go to the broker, and what they do comes back as
//!   events, as what others do does.
//! - What has come and is not shown yet is bounded, and so is the timeline.

mod bytes;
mod commands;

use std::rc::Rc;

use gloo_timers::callback::Timeout;
use logscope::lab::Event as LabEvent;
use yew::prelude::*;

use bytes::{Asked, Detail, Read};
use commands::Answer;

use super::{App, Msg, beside, promise};
use crate::engine::Saved;
use crate::live::{Client, Heard, Watching};
use crate::state::beside::{Guest, Sharing, Wish as AnyWish};
use crate::state::live::answers::{self, Topic};
use crate::state::live::connection::{Attempts, Failure};
use crate::state::live::following::UNSEEN;
use crate::state::live::grouping::Grouper;
use crate::state::live::loaded::{self, Part};
use crate::state::live::returned::Returned;
use crate::state::live::{Address, Connection, Live, Wish, address::Broker};
use crate::state::share::Mistake;
use crate::state::{Action, BatchId, Ran, Settings};
use crate::text::live as text;
use crate::{browser, parts, view};

pub(crate) static PART: parts::Live =
    parts::Live { update: App::update_live, bar: view::bar, controls: view::controls, returned: Live::shown };

/// How long events wait for others of the same cause.
const TOGETHER_MS: u32 = 50;
/// How often it is said how many steps went by.
const ANNOUNCE_MS: f64 = 4_000.0;

/// The connection to a broker.
#[derive(Default)]
pub(super) struct Link {
    client: Client,
    watching: Option<Watching>,
    /// What is heard of a connection before this one does not count.
    turn: u32,
    attempts: Attempts,
    /// The last event that was heard.
    last: Option<String>,
    grouper: Grouper,
    settings: Settings,
    /// How far the broker's clock is before this one, in milliseconds.
    clock: i64,
    delivery: Option<Timeout>,
    retry: Option<Timeout>,
    /// How many steps there were when it was last said, and when that was.
    announced: (usize, f64),
    detail: Detail,
    /// What fetches returned whose steps have not come yet.
    returned: Vec<Returned>,
    /// The player goes on with what comes once it is through.
    plays_on: bool,
}

impl Link {
    /// The settings of the log that is shown, with the broker's clock as it stands.
    fn settings_now(&self) -> Settings {
        Settings { now_ms: now_ms() + self.clock, ..self.settings.clone() }
    }
}

/// What happens with a broker.
#[derive(Debug)]
pub(crate) enum Event {
    /// This broker's log is to be shown.
    Asked(Address),
    Topics(u32, Result<Vec<Topic>, Failure>),
    Heard(u32, Heard),
    /// Events have waited for long enough.
    Deliver,
    /// A second has passed.
    Second,
    More(u32, Result<Vec<Part>, Failure>),
    Answered(Result<Answer, Failure>),
    Saved(Result<(), Failure>),
    Batch(Asked, BatchId, Result<(Vec<u8>, u64), Failure>),
    /// Of a file, around a position.
    File(Asked, Rc<str>, u64, Result<Read, Failure>),
}

/// Coming and going.
impl App {
    /// Whether a message is about a broker's log: because it says so, or because such a log is shown.
    pub(super) fn is_for_live(&self, message: &Msg) -> bool {
        match message {
            Msg::Live(_) => true,
            Msg::Run(_) | Msg::Do(_) => self.link.is_some(),
            _ => false,
        }
    }

    /// Whether a wish is about a broker's log.
    pub(super) fn is_wish_for_live(&self, wish: &AnyWish) -> bool {
        match wish {
            AnyWish::Live(_) => true,
            AnyWish::SaveAll | AnyWish::SaveFile(_) | AnyWish::Page(_) => self.link.is_some(),
            _ => false,
        }
    }

    /// Does what a message asks for, if the part that does it is here.
    pub(super) fn tell_live(&mut self, ctx: &Context<Self>, message: Msg) {
        if let Some(part) = parts::live() {
            (part.update)(self, ctx, message);
        }
    }

    fn update_live(&mut self, ctx: &Context<Self>, message: Msg) {
        match message {
            Msg::Run(commands) => self.run_live(ctx, commands),
            Msg::Do(action) => self.do_live(ctx, action),
            Msg::Live(event) => self.live(ctx, event),
            Msg::Beside(beside::Event::Wish(AnyWish::Live(wish))) => self.wish_live(ctx, wish),
            Msg::Beside(beside::Event::Wish(AnyWish::Page(at))) => self.turn_live(ctx, at),
            Msg::Beside(beside::Event::Wish(wish)) => self.save_live(ctx, wish),
            _ => {}
        }
    }

    /// Shows what the address asks for, if it asks for a broker's log.
    pub(super) fn meet_live(&mut self, ctx: &Context<Self>) -> bool {
        match Address::parse(&browser::hash()) {
            Ok(None) => return false,
            Ok(Some(address)) => ctx.link().send_message(Msg::Live(Event::Asked(address))),
            Err(reason) => self.refuse(Mistake::of(reason)),
        }
        true
    }

    /// What the dialog for sharing shows: where the log is. No commands lead to it.
    pub(super) fn live_sharing(&self) -> Option<Sharing> {
        self.shown_live().map(|live| Sharing::new(Ok(browser::address_with(&live.address.hash()))))
    }

    fn enter(&mut self, ctx: &Context<Self>, address: Address) {
        // The token is for the broker that it was given for.
        let token = self.link.take().map(|link| link.client).filter(|client| client.broker == address.broker);
        let token = token.and_then(|client| client.token);
        let client = Client { broker: address.broker.clone(), token };
        self.show_guest(Guest::Live(Box::new(Live { address, ..Live::default() })), Saved::default(), &[]);
        self.link = Some(Link { client, ..Link::default() });
        self.connect(ctx);
    }

    fn live(&mut self, ctx: &Context<Self>, event: Event) {
        match event {
            Event::Asked(address) => self.enter(ctx, address),
            Event::Topics(turn, topics) if self.is_turn(turn) => match topics {
                Ok(topics) => self.show_live(|live| {
                    live.topics = Some(Rc::new(topics));
                    if live.address.place.is_none() {
                        live.connection = Connection::Idle;
                    }
                }),
                Err(failure) if self.shown_live().is_some_and(|live| live.address.place.is_none()) => {
                    self.lost(ctx, &failure);
                }
                // The stream says the same.
                Err(_) => {}
            },
            Event::Heard(turn, heard) if self.is_turn(turn) => self.heard(ctx, heard),
            Event::More(turn, parts) if self.is_turn(turn) => self.read_more(parts),
            Event::Topics(..) | Event::Heard(..) | Event::More(..) => {}
            Event::Deliver => self.deliver(ctx),
            Event::Second => self.second(ctx),
            Event::Answered(answer) => self.answered(answer),
            Event::Saved(Ok(())) => {}
            Event::Saved(Err(failure)) => self.answered(Err(failure)),
            Event::Batch(asked, ..) | Event::File(asked, ..) if !self.is_latest(&asked) => {}
            // What the broker began anew may have closed what was open.
            Event::File(_, name, ..) if self.state.file.as_ref() != Some(&name) => {}
            Event::Batch(_, id, _) if self.state.selected != Some(id) => {}
            Event::Batch(_, id, Ok((bytes, size))) => {
                self.link.iter_mut().for_each(|link| link.detail.batch = Some((id, bytes.clone(), size)));
                ctx.link().send_message(Msg::Look);
            }
            Event::File(_, name, at, Ok(read)) => self.keep_page(ctx, name, at, read),
            Event::Batch(_, _, Err(failure)) | Event::File(_, _, _, Err(failure)) => {
                let why = self.words_of(&failure);
                self.give_no_bytes(why);
            }
        }
    }

    fn wish_live(&mut self, ctx: &Context<Self>, wish: Wish) {
        let address = self.shown_live().map(|live| live.address.clone()).unwrap_or_default();
        match wish {
            Wish::Enter => {
                self.enter(ctx, address);
                self.name_live();
            }
            Wish::Call(typed) => match Broker::parse(&typed) {
                Ok(broker) => {
                    self.enter(ctx, Address { broker, place: None });
                    self.name_live();
                }
                Err(why) => self.show_live(|live| live.connection = Connection::Stopped { why }),
            },
            Wish::Watch(place) => {
                self.enter(ctx, Address { place: Some(place), ..address });
                self.name_live();
            }
            Wish::Give(token) => {
                let token = Some(token.trim().to_owned()).filter(|token| !token.is_empty());
                self.link.iter_mut().for_each(|link| link.client.token = token.clone());
                self.connect(ctx);
            }
            Wish::Refresh => self.connect(ctx),
            Wish::ReadMore => self.ask_for_more(ctx),
            Wish::Follow => self.follow(ctx),
        }
    }

    /// Puts what is watched into the address.
    fn name_live(&self) {
        browser::set_hash(&self.shown_live().map(|live| live.address.hash()).unwrap_or_default());
    }

    pub(super) fn shown_live(&self) -> Option<&Live> {
        self.aside.shown.live()
    }

    fn show_live(&mut self, change: impl FnOnce(&mut Live)) {
        self.show(|shown| {
            if let Some(Guest::Live(live)) = &mut shown.guest {
                change(live);
            }
        });
    }

    fn is_turn(&self, turn: u32) -> bool {
        self.link.as_ref().is_some_and(|link| link.turn == turn)
    }

    fn words_of(&self, failure: &Failure) -> String {
        failure.words(self.shown_live().map_or(&Broker::default(), Live::broker))
    }
}

/// The connection.
impl App {
    /// Asks for the topics, and begins to hear what happens in the partition that is chosen.
    fn connect(&mut self, ctx: &Context<Self>) {
        let place = self.shown_live().and_then(|live| live.address.place.clone());
        let Some(link) = &mut self.link else { return };
        (link.retry, link.watching, link.turn) = (None, None, link.turn + 1);
        let (turn, scope, client) = (link.turn, ctx.link().clone(), link.client.clone());
        promise(ctx, async move {
            let topics = client.get("/topics").await;
            let topics = topics.and_then(|json| answers::topics(&json).map_err(|_| Failure::NotABroker));
            Msg::Live(Event::Topics(turn, topics))
        });
        if let Some(place) = place {
            let heard = move |heard| scope.send_message(Msg::Live(Event::Heard(turn, heard)));
            link.watching = Some(link.client.watch(&place, link.last.clone(), heard));
        }
        self.show_live(|live| live.connection = Connection::Connecting);
    }

    fn heard(&mut self, ctx: &Context<Self>, heard: Heard) {
        match heard {
            Heard::Loading => self.show_live(|live| live.connection = Connection::Loading),
            Heard::Resumed => self.connected(),
            Heard::Began(..) if self.is_in_the_past() => self.rest(text::RESTS_MISSED),
            Heard::Began(snapshot, parts) => {
                let picture = loaded::picture(&snapshot, &parts);
                let in_memory = loaded::in_memory(&snapshot, &parts);
                self.show_live(|live| live.in_memory = in_memory);
                let Some(link) = &mut self.link else { return };
                (link.clock, link.grouper) = (snapshot.settings.now_ms - now_ms(), Grouper::default());
                link.settings = snapshot.settings;
                link.announced.0 = 0;
                let settings = link.settings.clone();
                if self.state.timeline.len() > 0 {
                    self.show_live(|live| live.said = Some(Ok(text::BEGAN_ANEW.to_owned())));
                }
                self.reduce(Action::Loaded(Rc::new(Rc::new(picture).into()), settings));
                self.connected();
                self.follow_live();
            }
            Heard::Happened { events, id, unknown } => {
                let Some(link) = &mut self.link else { return };
                link.last = id.or_else(|| link.last.take());
                events.into_iter().for_each(|event| link.grouper.push(event));
                if unknown > 0 {
                    self.show_live(|live| live.unknown += unknown);
                }
                self.wait_for_more(ctx);
            }
            Heard::Over(failure) => self.lost(ctx, &failure),
        }
    }

    fn connected(&mut self) {
        self.link.iter_mut().for_each(|link| link.attempts.succeeded());
        self.show_live(|live| live.connection = Connection::Live);
    }

    fn lost(&mut self, ctx: &Context<Self>, failure: &Failure) {
        let Some(link) = &mut self.link else { return };
        link.watching = None;
        let next = link.attempts.after(failure, &link.client.broker, link.client.token.is_some());
        if matches!(next, Connection::Waiting { .. }) {
            link.retry = Some(a_second(ctx));
        }
        self.show_live(|live| live.connection = next);
    }

    /// Counts the seconds to the next attempt.
    fn second(&mut self, ctx: &Context<Self>) {
        match self.shown_live().and_then(|live| live.connection.a_second_later()) {
            Some(Connection::Connecting) => self.connect(ctx),
            Some(next) => {
                self.link.iter_mut().for_each(|link| link.retry = Some(a_second(ctx)));
                self.show_live(|live| live.connection = next);
            }
            None => {}
        }
    }

    /// Stops to listen: what came now could not be shown behind what is seen.
    fn rest(&mut self, why: &'static str) {
        let Some(link) = &mut self.link else { return };
        (link.watching, link.last, link.turn) = (None, None, link.turn + 1);
        self.show_live(|live| live.connection = Connection::Resting { why });
    }

    fn wait_for_more(&mut self, ctx: &Context<Self>) {
        let Some(link) = self.link.as_mut().filter(|link| link.delivery.is_none()) else { return };
        let scope = ctx.link().clone();
        link.delivery =
            Some(Timeout::new(TOGETHER_MS, move || scope.send_message(Msg::Live(Event::Deliver))));
    }

    /// Puts what has come into the timeline.
    fn deliver(&mut self, ctx: &Context<Self>) {
        let Some(link) = &mut self.link else { return };
        link.delivery = None;
        let settings = link.settings_now();
        let groups = link.grouper.take();
        let more = !link.grouper.is_empty();
        for group in groups {
            let events = group.events.into_iter().map(|event| LabEvent::Log(event).into()).collect();
            let (command, settings) = (group.name, settings.clone());
            self.reduce(Action::Ran(Ran { command, events, settings, ..Ran::default() }));
        }
        Rc::make_mut(&mut self.state).keep_up();
        self.settle_answers();
        self.announce();
        if self.new_steps() > UNSEEN {
            self.rest(text::RESTS_FULL);
        }
        if more {
            self.wait_for_more(ctx);
        }
    }

    /// Says now and then how many steps went by, as long as they are not told one by one.
    fn announce(&mut self) {
        let (len, following) = (self.state.timeline.len(), self.state.is_following());
        let Some(link) = &mut self.link else { return };
        let (before, at) = link.announced;
        let now = js_sys::Date::now();
        if !following || len == before || now - at < ANNOUNCE_MS {
            return;
        }
        link.announced = (len, now);
        // Of a timeline that was cut at its front, the count is not known.
        let Some(steps) = len.checked_sub(before).filter(|steps| *steps > 0) else { return };
        self.show_live(|live| live.announced = text::went_by(steps));
    }
}

/// The timeline.
impl App {
    fn is_in_the_past(&self) -> bool {
        !self.state.is_following() && self.shown_live().is_some_and(|live| live.stopped_at.is_some())
    }

    /// How many steps have come since somebody stopped to look at one.
    fn new_steps(&self) -> usize {
        let stopped = self.shown_live().and_then(|live| live.stopped_at);
        stopped.map_or(0, |at| self.state.timeline.len().saturating_sub(at))
    }

    fn follow_live(&mut self) {
        Rc::make_mut(&mut self.state).follow();
        self.show_live(|live| live.stopped_at = None);
    }

    fn follow(&mut self, ctx: &Context<Self>) {
        self.follow_live();
        if self.shown_live().is_some_and(|live| matches!(live.connection, Connection::Resting { .. })) {
            self.connect(ctx);
        }
    }

    /// What a visitor does with the timeline. The last step leads back to what happens now.
    pub(super) fn do_live(&mut self, ctx: &Context<Self>, action: Action) {
        let timeline = &self.state.timeline;
        match action {
            Action::Seek(step) if step >= timeline.len() => return self.follow(ctx),
            Action::Play if timeline.cursor() == timeline.len() => return self.follow(ctx),
            _ => {}
        }
        let (was, len) = (self.state.is_following(), timeline.len());
        let open = (self.state.selected, self.state.file.clone());
        if let Some(link) = self.link.as_mut().filter(|_| action != Action::Tick) {
            link.plays_on = action == Action::Play;
        }
        self.reduce(action);
        // Who has played up to the last step goes on with what comes.
        if self.state.playing_to.is_none() && self.link.as_ref().is_some_and(|link| link.plays_on) {
            match self.state.timeline.cursor() == len {
                true => return self.follow(ctx),
                false => self.reduce(Action::Play),
            }
        }
        if was && !self.state.is_following() {
            self.show_live(|live| live.stopped_at = Some(len));
        }
        if open != (self.state.selected, self.state.file.clone()) {
            self.ask_for_bytes(ctx);
        }
    }

    fn ask_for_more(&mut self, ctx: &Context<Self>) {
        let Some(place) = self.shown_live().and_then(|live| live.address.place.clone()) else { return };
        let segments =
            loaded::readable(self.state.timeline.start().partition(0), &self.state.newest_picture());
        let Some(link) = &self.link else { return };
        let (client, turn) = (link.client.clone(), link.turn);
        self.show_live(|live| live.reading = true);
        promise(ctx, async move {
            Msg::Live(Event::More(turn, client.read(&place, &segments, loaded::MORE).await))
        });
    }

    fn read_more(&mut self, parts: Result<Vec<Part>, Failure>) {
        let parts = parts.map_err(|failure| self.words_of(&failure));
        if let Ok(parts) = &parts {
            let start = loaded::with(self.state.timeline.start().partition(0), parts);
            Rc::make_mut(&mut self.state).begin_at(start);
        }
        self.show_live(|live| {
            live.reading = false;
            if let Err(why) = parts {
                live.said = Some(Err(why));
            }
        });
    }
}

fn now_ms() -> i64 {
    js_sys::Date::now() as i64
}

fn a_second(ctx: &Context<App>) -> Timeout {
    let scope = ctx.link().clone();
    Timeout::new(1_000, move || scope.send_message(Msg::Live(Event::Second)))
}
