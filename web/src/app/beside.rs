//! What the page shows in place of the visitor's own log, and how it comes and goes: links, lessons, opened files.
//!
//! Invariants:
//! - The own log is set aside with its store, and put back as it was. A guest has no store: nothing of it is saved but
//!   the commands of a lesson, and those apart from the log.
//! - What comes from elsewhere has been checked before it is run, and what is wrong with it is shown.
//! - A link is offered only if its commands lead to the very files that are seen.

use std::mem;
use std::rc::Rc;

use gloo_events::EventListener;
use logscope::lab::{Action as LogAction, TopicAction as Command, TopicEvent};
use yew::prelude::*;

use super::{App, Msg, promise};
use crate::engine::{Engine, Saved};
use crate::indexed_db::Store;
use crate::state::archive::{self, TOPIC, Topic};
use crate::state::beside::{Beside, Dialog, Fetched, Guest, Sharing, Wish, lines};
use crate::state::lessons::{self, Block, Course};
use crate::state::share::{Link, MAX_LINK, Mistake, Opened, check};
use crate::state::{Action, Keeping, State};
use crate::{browser, exchange, parts, text, view};

pub(crate) static PART: parts::Beside = parts::Beside {
    update: App::beside,
    dialogs: view::dialogs,
    lesson_text: view::lesson_text,
    tasks: view::tasks,
};

const INDEX: &str = "lessons/index.txt";
const TRUTH: &str = "lessons/how-true.md";
const GLOSSARY: &str = "lessons/glossary.md";
/// Where the own log's commands are kept, so that a page that is loaded again can still tell it as a link.
const COMMANDS: &str = "logscope-commands";
/// More than this is not kept: no link would hold it.
const MAX_KEPT: usize = 128 * 1024;
/// Where the names of finished lessons are kept.
const FINISHED: &str = "logscope-lessons";

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
                let parse =
                    |text: String| lessons::parse_index(INDEX, &text).map_err(|mistake| mistake.to_string());
                self.show(|shown| shown.index = fetched(read.and_then(parse)));
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
                self.show(|shown| shown.dialog = Some(Dialog::Lessons));
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

    /// Goes where a link wants to be.
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
        let draft = mistake.text.clone();
        let sharing = Sharing { draft, mistake: Some(mistake), ..self.sharing() };
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

/// Lessons.
impl App {
    fn read_index(&mut self, ctx: &Context<Self>) {
        if !matches!(self.aside.shown.index, Fetched::Here(_)) {
            promise(ctx, async { Msg::Beside(Event::IndexRead(exchange::text_at(INDEX).await)) });
        }
    }

    /// Reads one of the texts beside the lessons, unless it is here.
    fn read_text(&mut self, ctx: &Context<Self>, file: &'static str) {
        if !matches!(place_of(Rc::make_mut(&mut self.aside.shown), file), Fetched::Here(_)) {
            promise(ctx, async move { Msg::Beside(Event::TextRead(file, exchange::text_at(file).await)) });
        }
    }

    fn read_lesson(&mut self, ctx: &Context<Self>, name: String, link: Option<Link>) {
        self.read_index(ctx);
        // The name may come from a link; it must not lead out of the folder.
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            let reason = format!("the link's lesson {name:?} is no lesson's name");
            return self.refuse(Mistake { text: String::new(), line: None, reason });
        }
        promise(ctx, async move {
            let text = exchange::text_at(&lessons::file_of(&name)).await;
            Msg::Beside(Event::LessonRead(name, link, text))
        });
    }

    /// Begins a lesson, or goes on with it: what the learner has run before is run again, and ticks again.
    fn begin_lesson(&mut self, name: String, link: Option<Link>, read: Result<String, String>) {
        let file = lessons::file_of(&name);
        let parsed =
            read.and_then(|text| lessons::parse(&file, &text).map_err(|mistake| mistake.to_string()));
        let lesson = match parsed {
            Ok(lesson) => Rc::new(lesson),
            Err(reason) => return self.refuse(Mistake { text: String::new(), line: None, reason }),
        };
        let from_link = link.as_ref().is_some_and(|link| !link.scenario.is_empty());
        let commands = match &link {
            Some(link) if from_link => link.scenario.clone(),
            _ => browser::kept(&commands_of(&name)).unwrap_or_default(),
        };
        // What was kept by another version may be no command any more: then the lesson begins anew.
        let commands = check(&commands).unwrap_or_default();
        let course = Course::new(name.clone(), Rc::clone(&lesson));
        self.show_guest(Guest::Lesson(course), Saved::default(), &lesson.scenario);
        self.reduce(Action::ColourBy(lesson.colours));
        self.aside.given = self.state.timeline.groups().len();
        self.aside.keeping = false;
        for command in &commands {
            let ran = self.engine.run(command);
            self.learned(&ran.events);
            self.ran(ran);
        }
        drop(self.engine.take_mutations());
        self.aside.keeping = !from_link;
        let done = self.aside.shown.course().is_some_and(Course::is_done);
        // Whoever chooses a lesson that is done wants to do it again; a page that is loaded again shows it as it was.
        if done && link.is_none() {
            return self.learn_again();
        }
        match link {
            Some(link) => self.go_to(&link),
            None => browser::set_hash(&lesson_hash(&name)),
        }
    }

    fn learn_again(&mut self) {
        let Some(course) = self.aside.shown.course() else { return };
        let (name, lesson) = (course.name.clone(), Rc::clone(&course.lesson));
        browser::keep(&commands_of(&name), None);
        browser::set_hash(&lesson_hash(&name));
        let course = Course::new(name, Rc::clone(&lesson));
        self.show_guest(Guest::Lesson(course), Saved::default(), &lesson.scenario);
        self.aside.given = self.state.timeline.groups().len();
        self.aside.keeping = true;
    }

    /// Ticks off what a command of the learner has done.
    pub(super) fn learned(&mut self, events: &[TopicEvent]) {
        let Some(Guest::Lesson(course)) = &mut Rc::make_mut(&mut self.aside.shown).guest else { return };
        if !course.observe(events) || !course.is_done() {
            return;
        }
        let name = course.name.clone();
        let finished = &self.aside.shown.finished;
        if !finished.contains(&name) {
            let finished: Vec<_> = finished.iter().cloned().chain([name]).collect();
            browser::keep(FINISHED, Some(&finished.join("\n")));
            self.show(|shown| shown.finished = Rc::new(finished));
        }
    }

    /// Reads which lessons were finished, and what the own log was told by.
    pub(super) fn remember(&mut self, files: bool) {
        let kept =
            |key| browser::kept(key).unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>();
        let finished = kept(FINISHED);
        self.show(|shown| shown.finished = Rc::new(finished));
        if !files {
            return;
        }
        let mut before = kept(COMMANDS);
        // To load a page again is to lose the power and to open the log; twice over is no different.
        let lost = [LogAction::Crash { keep: 0 }, LogAction::Reopen].map(|command| command.to_string());
        if before.ends_with(&lost) {
            before.truncate(before.len() - lost.len());
        }
        if !before.is_empty() {
            before.push(lost[0].clone());
        }
        self.aside.before = before;
    }

    /// The commands that the own log was told by before it was read, the loss of the power last.
    pub(super) fn kept_commands(&self) -> Vec<Command> {
        check(&self.aside.before.join("\n")).unwrap_or_default()
    }

    /// What was run before is in the timeline now.
    pub(super) fn forget_before(&mut self) {
        self.aside.before.clear();
    }

    /// Keeps what was run: of a lesson the learner's commands, of the own log all, together with what they wrote.
    pub(super) fn keep_commands(&mut self) {
        match &self.aside.shown.guest {
            Some(Guest::Lesson(course)) if self.aside.keeping => {
                keep(&commands_of(&course.name), &self.commands_from(self.aside.given));
            }
            Some(_) => {}
            None => self.aside.unkept = true,
        }
    }

    /// Keeps what the own log, which must be in its place, was told by since the last time.
    pub(super) fn keep_new_commands(&mut self) {
        if mem::take(&mut self.aside.unkept) {
            self.keep_own_commands();
        }
    }

    /// Keeps what the own log was told by, which must be in its place.
    pub(super) fn keep_own_commands(&self) {
        keep(COMMANDS, &self.told_own());
    }

    /// How many of the first actions are not the visitor's: of a lesson its own, of the own log its opening.
    pub(super) fn given_actions(&self) -> usize {
        match &self.aside.shown.guest {
            Some(Guest::Lesson(_)) => self.aside.given,
            Some(_) => 0,
            None => 1,
        }
    }

    fn commands_from(&self, group: usize) -> Vec<String> {
        self.state.timeline.groups().iter().skip(group).map(|group| group.command.to_string()).collect()
    }

    /// All commands that the log which is shown was told by.
    fn told(&self) -> Vec<String> {
        match self.aside.shown.guest {
            Some(_) => self.commands_from(0),
            None => self.told_own(),
        }
    }

    fn told_own(&self) -> Vec<String> {
        // The opening of an empty log is nothing that somebody ran.
        let opened = usize::from(self.aside.before.is_empty());
        self.aside.before.iter().cloned().chain(self.commands_from(opened)).collect()
    }
}

/// Sharing, saving and opening.
impl App {
    fn sharing(&self) -> Sharing {
        let told = self.told_exactly();
        let commands = told.as_ref().map(|(commands, _)| lines(commands));
        Sharing { commands, ..Sharing::new(self.link(told)) }
    }

    /// The commands that lead to the files that are seen, and their steps; `None` if none are known that do.
    fn told_exactly(&self) -> Option<(Vec<Command>, usize)> {
        let commands = check(&self.told().join("\n")).ok()?;
        let steps = self.engine.told_by(&commands)?;
        Some((commands, steps))
    }

    /// The link to what is seen.
    ///
    /// # Errors
    /// Why there is none.
    fn link(&self, told: Option<(Vec<Command>, usize)>) -> Result<String, String> {
        let (commands, steps) = told.ok_or(text::NO_LINK)?;
        let timeline = &self.state.timeline;
        let after = timeline.len() - timeline.cursor();
        let course = self.aside.shown.course();
        let given = course.map_or(0, |_| self.aside.given.min(commands.len()));
        let link = Link {
            lesson: course.map(|course| course.name.clone()),
            scenario: lines(&commands[given..]).trim_end().to_owned(),
            step: (after > 0).then(|| steps.saturating_sub(after)),
            partition: self.partition_to_link(),
            colours: Some(self.state.palette)
                .filter(|colours| *colours != course.map(|course| course.lesson.colours).unwrap_or_default()),
            open: match (self.state.selected, &self.state.file) {
                (Some(id), _) => Some(Opened::Batch(id)),
                (_, Some(name)) => Some(Opened::File(name.to_string())),
                _ => None,
            },
            at: self.position_to_link(),
        };
        let hash = link.hash().map_err(|size| {
            format!("A link would have {size} characters, and {MAX_LINK} are the most. {}", text::AS_FILE)
        })?;
        Ok(browser::address_with(&hash))
    }

    /// The partition that a link has to name: the step, or what is open, would not lead to it by itself.
    fn partition_to_link(&self) -> Option<u32> {
        let state = &self.state;
        let open = state.selected.is_some() || state.file.is_some();
        let partition = if open { state.open_in } else { state.partition() };
        (partition != state.topic().focus()).then_some(partition)
    }

    fn save_all(&mut self) {
        let name = match &self.aside.shown.guest {
            Some(Guest::Files { name, .. }) if !name.is_empty() => Some(name.as_str()),
            _ => None,
        };
        let topic = name.map_or(TOPIC, |name| archive::numbered(name).map_or(name, |(topic, _)| topic));
        let count = self.engine.partitions();
        let directory = |number: u32| match name.filter(|_| count == 1) {
            Some(name) => name.to_owned(),
            None => format!("{topic}-{number}"),
        };
        let all: Vec<_> = (0..count).map(|number| (directory(number), self.engine.files(number))).collect();
        let zip = if count == 1 { directory(0) } else { topic.to_owned() };
        // It fails only for names that no zip takes, and no file of a log has such a name.
        if let Ok(bytes) = archive::zip(&all, &self.engine.settings()) {
            exchange::save(&format!("{zip}.zip"), &bytes);
        }
    }

    fn open_files(&mut self, files: Result<Vec<archive::Named>, String>) {
        let refuse = |reason| Mistake { text: String::new(), line: None, reason };
        let files = match files {
            Ok(files) => files,
            Err(reason) => return self.refuse(refuse(reason)),
        };
        if let [(name, bytes)] = files.as_slice()
            && name.ends_with(".txt")
        {
            return match std::str::from_utf8(bytes) {
                Ok(text) => self.run_beside(&Link { scenario: text.to_owned(), ..Link::default() }, true),
                Err(_) => self.refuse(refuse(format!("{name} is no text (UTF-8), and so no scenario"))),
            };
        }
        match archive::open(files) {
            Err(reason) => self.refuse(refuse(reason)),
            Ok(mut found) if found.topics.len() == 1 => {
                let topic = found.topics.remove(0);
                self.show_files(topic, found.remarks);
            }
            Ok(found) => {
                let choice = Rc::new(found.topics);
                let sharing = Sharing { choice, ..self.sharing() };
                self.show(|shown| shown.dialog = Some(Dialog::Share(sharing)));
            }
        }
    }

    fn show_files(&mut self, topic: Topic, remarks: Vec<String>) {
        let settings = topic.settings();
        let files = topic.partitions.into_iter().map(|partition| partition.files).collect();
        let saved = Saved::of_partitions(files, settings);
        let name: Rc<str> = archive::numbered(&topic.name).map_or(&*topic.name, |(topic, _)| topic).into();
        self.show_guest(Guest::Files { name: topic.name, remarks }, saved, &[]);
        self.reduce(Action::Named(name));
        browser::set_hash("");
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

/// Keeps commands as text, unless they are too many.
fn keep(key: &str, commands: &[String]) {
    let text = commands.join("\n");
    browser::keep(key, (text.len() <= MAX_KEPT).then_some(&text));
}

fn commands_of(lesson: &str) -> String {
    format!("logscope-lesson-{lesson}")
}

fn lesson_hash(name: &str) -> String {
    let link = Link { lesson: Some(name.to_owned()), ..Link::default() };
    link.hash().unwrap_or_default()
}
