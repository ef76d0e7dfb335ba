//! How a lesson begins, and is learned.

use std::rc::Rc;

use logscope::lab::TopicEvent;
use yew::prelude::*;

use super::kept::commands_of;
use super::{Event, INDEX, place_of};
use crate::app::{App, Msg, promise};
use crate::engine::Saved;
use crate::state::Action;
use crate::state::beside::{Dialog, Fetched, Guest};
use crate::state::lessons::{self, Course};
use crate::state::share::{Link, check};
use crate::{browser, exchange};

/// Where the names of finished lessons are kept.
pub(super) const FINISHED: &str = "logscope-lessons";

impl App {
    pub(super) fn read_index(&mut self, ctx: &Context<Self>) {
        if !matches!(self.aside.shown.index, Fetched::Here(_)) {
            promise(ctx, async { Msg::Beside(Event::IndexRead(exchange::text_at(INDEX).await)) });
        }
    }

    /// Reads one of the texts beside the lessons, unless it is here.
    pub(super) fn read_text(&mut self, ctx: &Context<Self>, file: &'static str) {
        if !matches!(place_of(Rc::make_mut(&mut self.aside.shown), file), Fetched::Here(_)) {
            promise(ctx, async move { Msg::Beside(Event::TextRead(file, exchange::text_at(file).await)) });
        }
    }

    pub(super) fn read_lesson(&mut self, ctx: &Context<Self>, name: String, link: Option<Link>) {
        self.read_index(ctx);
        // The name may come from a link; it must not lead out of the folder.
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            let reason = format!("the link's lesson {name:?} is no lesson's name");
            return self.refuse_lesson(reason);
        }
        promise(ctx, async move {
            let text = exchange::text_at(&lessons::file_of(&name)).await;
            Msg::Beside(Event::LessonRead(name, link, text))
        });
    }

    /// Begins a lesson, or goes on with it: what the learner has run before is run again, and ticks again.
    pub(super) fn begin_lesson(&mut self, name: String, link: Option<Link>, read: Result<String, String>) {
        let file = lessons::file_of(&name);
        let parsed =
            read.and_then(|text| lessons::parse(&file, &text).map_err(|mistake| mistake.to_string()));
        let lesson = match parsed {
            Ok(lesson) => Rc::new(lesson),
            Err(reason) => return self.refuse_lesson(reason),
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

    /// Says what is wrong with a lesson where another one can be chosen.
    fn refuse_lesson(&mut self, reason: String) {
        self.show(|shown| shown.dialog = Some(Dialog::Lessons(Some(reason))));
    }

    pub(super) fn learn_again(&mut self) {
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
    pub(in crate::app) fn learned(&mut self, events: &[TopicEvent]) {
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
}

fn lesson_hash(name: &str) -> String {
    let link = Link { lesson: Some(name.to_owned()), ..Link::default() };
    link.hash().unwrap_or_default()
}
