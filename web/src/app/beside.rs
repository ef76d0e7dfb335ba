//! What the page shows in place of the visitor's own log, and how it comes and goes: links, lessons, opened files.
//!
//! | file | holds |
//! | --- | --- |
//! | `learning` | how a lesson begins, and is learned |
//! | `kept` | the commands that are kept, apart from the log |
//! | `sharing` | links, files to save, files to open |
//!
//! Invariants:
//! - The own log is set aside with its store, and put back as it was. A guest has no store: nothing of it is saved but
//!   the commands of a lesson, and those apart from the log.
//! - What comes from elsewhere has been checked before it is run, and what is wrong with it is shown.
//! - A link is offered only if its commands lead to the very files that are seen.

use std::mem;
use std::rc::Rc;

use gloo_events::EventListener;
use logscope::lab::TopicAction as Command;
use yew::prelude::*;

use super::{App, Msg, promise};
use crate::engine::{Engine, Saved};
use crate::indexed_db::Store;
use crate::state::beside::{Beside, Dialog, Fetched, Guest, Sharing, Wish};
use crate::state::lessons::{self, Block};
use crate::state::share::{Link, Mistake, Opened, check};
use crate::state::{Action, Keeping, State};
use crate::{browser, exchange, parts, text, view};

mod kept;
mod learning;
mod sharing;

pub(crate) static PART: parts::Beside = parts::Beside {
    update: App::beside,
    dialogs: view::dialogs,
    lesson_text: view::lesson_text,
    tasks: view::tasks,
};

const INDEX: &str = "lessons/index.txt";
const TRUTH: &str = "lessons/how-true.md";
const GLOSSARY: &str = "lessons/glossary.md";
/// The visitor's own log, while something else is shown.
pub(super) struct Own {
    state: Rc<State>,
    engine: Engine,
    store: Option<Store>,
}

/// What the page needs to show guests.
#[derive(Default)]
pub(super) struct Aside {
    own: Option<Own>,
    /// What the views see of it.
    pub(super) shown: Rc<Beside>,
    /// The own log's commands before this page was loaded.
    before: Vec<String>,
    /// How many commands of a lesson are its own.
    given: usize,
    /// Commands of the own log are to be kept as soon as what they wrote is: to keep them takes as long as a step.
    unkept: bool,
    /// Whether the learner's commands are kept: not those that came with a link.
    keeping: bool,
}

/// What happens beside the log.
#[derive(Debug)]
pub(crate) enum Event {
    Wish(Wish),
    /// The address has changed.
    Address,
    IndexRead(Result<String, String>),
    /// One of the texts beside the lessons has come.
    TextRead(&'static str, Result<String, String>),
    /// The link is in the clipboard, or could not be put there.
    Copied(bool),
    /// The bytes that are open are in the clipboard, or could not be put there.
    BytesCopied(bool),
    /// A lesson's text has come; with what the link to it said.
    LessonRead(String, Option<Link>, Result<String, String>),
}

/// Hears of a link that is opened in this very page.
pub(super) fn address_listener(ctx: &Context<App>) -> Option<EventListener> {
    let link = ctx.link().clone();
    let window = browser::window()?;
    Some(EventListener::new(&window, "hashchange", move |_| link.send_message(Msg::Beside(Event::Address))))
}

impl App {
    fn beside(&mut self, ctx: &Context<Self>, event: Event) {
        match event {
            Event::Wish(wish) => self.wish(ctx, wish),
            Event::Address if self.met => self.meet_address(ctx),
            Event::Address => {}
            Event::IndexRead(read) => {
                let index = fetched(read.map(|text| lessons::parse_index(INDEX, &text)));
                self.show(|shown| shown.index = index);
            }
            Event::TextRead(file, read) => {
                let line = |(line, reason)| format!("{file}, line {line}: {reason}");
                let parse = |text: String| lessons::blocks(&text, 1).map_err(line);
                let text = fetched(read.and_then(parse));
                self.show(|shown| *place_of(shown, file) = text);
            }
            Event::Copied(copied) => self.show(|shown| {
                if let Some(Dialog::Share(sharing)) = &mut shown.dialog {
                    sharing.copied = Some(copied);
                }
            }),
            Event::BytesCopied(copied) => self.copied(Some(copied)),
            Event::LessonRead(name, link, read) => self.begin_lesson(name, link, read),
        }
    }

    fn wish(&mut self, ctx: &Context<Self>, wish: Wish) {
        match wish {
            Wish::ShowHelp => self.show(|shown| shown.dialog = Some(Dialog::Help)),
            Wish::ShowLessons => {
                self.read_index(ctx);
                self.show(|shown| shown.dialog = Some(Dialog::Lessons(None)));
            }
            Wish::ShowTruth => {
                self.read_text(ctx, TRUTH);
                self.show(|shown| shown.dialog = Some(Dialog::Truth));
            }
            Wish::ShowGlossary(term) => {
                self.read_text(ctx, GLOSSARY);
                self.show(|shown| shown.dialog = Some(Dialog::Glossary(term)));
            }
            wish if self.is_wish_for_live(&wish) => self.tell_live(ctx, Msg::Beside(Event::Wish(wish))),
            Wish::ShowSharing => {
                let sharing = self.live_sharing().unwrap_or_else(|| self.sharing());
                self.show(|shown| shown.dialog = Some(Dialog::Share(sharing)));
            }
            Wish::ShowKept => self.show_kept(ctx),
            Wish::AskToPersist => self.ask_to_persist(ctx),
            Wish::TakeOver => self.take_over(ctx),
            Wish::CloseDialog => self.show(|shown| shown.dialog = None),
            Wish::Learn(name) => self.read_lesson(ctx, name, None),
            Wish::LearnAgain => self.learn_again(),
            Wish::Leave => {
                self.put_own_back();
                browser::set_hash("");
            }
            Wish::Try(text) => self.run_beside(&Link { scenario: text, ..Link::default() }, true),
            Wish::Open(files) => self.open_files(files),
            Wish::Choose(at) => {
                let Some(Dialog::Share(sharing)) = &self.aside.shown.dialog else { return };
                let topic = sharing.choice.get(at).cloned();
                topic.into_iter().for_each(|topic| self.show_files(topic, Vec::new()));
            }
            Wish::SaveAll => self.save_all(),
            Wish::SaveFile(name) => {
                let bytes = self.engine.contents(self.state.open_in, &name);
                bytes.into_iter().for_each(|bytes| exchange::save(&name, &bytes));
            }
            Wish::Live(_) | Wish::LoadAgain => {}
            Wish::Page(_) | Wish::CopyHex | Wish::CopyText | Wish::SaveBytes => self.on_bytes(ctx, &wish),
            Wish::CopyLink => {
                let Some(Dialog::Share(Sharing { link: Ok(link), .. })) = &self.aside.shown.dialog else {
                    return;
                };
                let link = link.clone();
                promise(ctx, async { Msg::Beside(Event::Copied(exchange::copy(link).await)) });
            }
            Wish::SaveCommands => {
                let Some(Dialog::Share(Sharing { commands: Some(commands), .. })) = &self.aside.shown.dialog
                else {
                    return;
                };
                exchange::save("scenario.txt", commands.as_bytes());
            }
        }
    }

    /// Changes what the views see.
    pub(super) fn show(&mut self, change: impl FnOnce(&mut Beside)) {
        change(Rc::make_mut(&mut self.aside.shown));
    }

    /// Says whether the bytes that are open have been copied.
    pub(super) fn copied(&mut self, copied: Option<bool>) {
        self.show(|shown| shown.copied = copied);
    }

    /// Runs something with the visitor's own log in its place, whatever is shown.
    pub(super) fn with_own(&mut self, run: impl FnOnce(&mut Self)) {
        let guest = self.aside.own.take().map(|own| self.swap(own));
        run(self);
        if let Some(guest) = guest {
            self.aside.own = Some(self.swap(guest));
        }
    }

    fn swap(&mut self, other: Own) -> Own {
        Own {
            state: mem::replace(&mut self.state, other.state),
            engine: mem::replace(&mut self.engine, other.engine),
            store: mem::replace(&mut self.store, other.store),
        }
    }

    fn put_own_back(&mut self) {
        // A connection to a broker goes with what was shown of it.
        self.link = None;
        if let Some(own) = self.aside.own.take() {
            self.swap(own);
        }
        self.show(|shown| (shown.guest, shown.dialog) = (None, None));
    }

    /// Sets the own log aside and shows another: these files, and then what the commands make of them.
    pub(super) fn show_guest(&mut self, guest: Guest, saved: Saved, commands: &[Command]) {
        self.put_own_back();
        let empty = saved.files.is_empty();
        let other = Own { state: Rc::default(), engine: Engine::new(saved), store: None };
        self.aside.own = Some(self.swap(other));
        self.show(|shown| shown.guest = Some(guest));
        self.reduce(Action::Keeping(Keeping::Beside));
        self.reduce(Action::Loaded(Rc::new(self.engine.picture_of_files()), self.engine.settings()));
        if !empty {
            let ran = self.engine.reopen();
            self.ran(ran);
        }
        self.run_all(commands);
    }

    fn run_all(&mut self, commands: &[Command]) {
        for command in commands {
            let ran = self.engine.run(command);
            self.ran(ran);
        }
        // Nobody commits what a guest has flushed.
        drop(self.engine.take_mutations());
    }

    /// Goes where a link wants to be, and says if there is no such place.
    fn go_to(&mut self, link: &Link) {
        if let Some(step) = link.step {
            self.reduce(Action::Seek(step));
        }
        link.colours.into_iter().for_each(|colours| self.reduce(Action::ColourBy(colours)));
        link.partition.into_iter().for_each(|partition| self.reduce(Action::LookAt(partition)));
        match &link.open {
            Some(Opened::Batch(id)) => self.reduce(Action::Select(Some(*id))),
            Some(Opened::File(name)) => {
                self.reduce(Action::OpenFile(name.as_str().into()));
                link.at.into_iter().for_each(|at| self.turn_to(name, at));
            }
            None => {}
        }
        if let Some(reason) = link.beyond(self.state.timeline.len(), self.engine.partitions()) {
            self.tell_of(Mistake::of(reason), true);
        }
    }

    /// Shows what the address asks for.
    pub(super) fn meet_address(&mut self, ctx: &Context<Self>) {
        if self.meet_live(ctx) {
            return;
        }
        match Link::parse(&browser::hash()) {
            Ok(None) => {}
            Ok(Some(link)) => match link.lesson.clone() {
                Some(name) => self.read_lesson(ctx, name, Some(link)),
                None if link.scenario.is_empty() => self.go_to(&link),
                None => self.run_beside(&link, false),
            },
            Err(mistake) => self.refuse(mistake),
        }
    }

    pub(super) fn refuse(&mut self, mistake: Mistake) {
        self.tell_of(mistake, false);
    }

    /// Says what is wrong with what came from elsewhere, and whether all else of it is shown.
    fn tell_of(&mut self, mistake: Mistake, shown: bool) {
        let draft = mistake.text.clone();
        let sharing = Sharing { draft, mistake: Some(mistake), shown, ..self.sharing() };
        self.show(|shown| shown.dialog = Some(Dialog::Share(sharing)));
    }

    /// Runs commands from elsewhere on a log of their own.
    fn run_beside(&mut self, link: &Link, name_it: bool) {
        match check(&link.scenario) {
            Ok(commands) if commands.is_empty() => {
                let reason = text::NO_COMMANDS.to_owned();
                self.refuse(Mistake { text: link.scenario.clone(), line: None, reason });
            }
            Ok(commands) => {
                self.show_guest(Guest::Shared { commands: commands.len() }, Saved::default(), &commands);
                self.go_to(link);
                if name_it {
                    browser::set_hash(&link.hash().unwrap_or_default());
                }
            }
            Err(mistake) => self.refuse(mistake),
        }
    }
}

/// Where one of the texts beside the lessons is kept.
fn place_of<'s>(shown: &'s mut Beside, file: &str) -> &'s mut Fetched<Rc<Vec<Block>>> {
    if file == GLOSSARY { &mut shown.glossary } else { &mut shown.truth }
}

fn fetched<T>(result: Result<T, String>) -> Fetched<Rc<T>> {
    match result {
        Ok(value) => Fetched::Here(Rc::new(value)),
        Err(reason) => Fetched::Failed(reason),
    }
}
