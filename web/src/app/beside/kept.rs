//! The commands that are kept, apart from the log: of a lesson the learner's, of the own log all that it was told by.

use std::mem;
use std::rc::Rc;

use logscope::lab::{Action as LogAction, TopicAction as Command};

use super::learning::FINISHED;
use crate::app::App;
use crate::browser;
use crate::state::beside::Guest;
use crate::state::share::check;

/// Where the own log's commands are kept, so that a page that is loaded again can still tell it as a link.
const COMMANDS: &str = "logscope-commands";
/// More than this is not kept: no link would hold it.
const MAX_KEPT: usize = 128 * 1024;

impl App {
    /// Reads which lessons were finished, and what the own log was told by.
    pub(in crate::app) fn remember(&mut self, files: bool) {
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
    pub(in crate::app) fn kept_commands(&self) -> Vec<Command> {
        check(&self.aside.before.join("\n")).unwrap_or_default()
    }

    /// What was run before is in the timeline now.
    pub(in crate::app) fn forget_before(&mut self) {
        self.aside.before.clear();
    }

    /// Keeps what was run: of a lesson the learner's commands, of the own log all, together with what they wrote.
    pub(in crate::app) fn keep_commands(&mut self) {
        match &self.aside.shown.guest {
            Some(Guest::Lesson(course)) if self.aside.keeping => {
                keep(&commands_of(&course.name), &self.commands_from(self.aside.given));
            }
            Some(_) => {}
            None => self.aside.unkept = true,
        }
    }

    /// With the next commit, not before the log is shown: kept commands may be long.
    pub(in crate::app) fn keep_commands_soon(&mut self) {
        self.aside.unkept = true;
    }

    /// Keeps what the own log, which must be in its place, was told by since the last time.
    pub(in crate::app) fn keep_new_commands(&mut self) {
        if mem::take(&mut self.aside.unkept) {
            self.keep_own_commands();
        }
    }

    /// Keeps what the own log was told by, which must be in its place.
    pub(in crate::app) fn keep_own_commands(&self) {
        keep(COMMANDS, &self.told_own());
    }

    /// How many of the first actions are not the visitor's: of a lesson its own, of the own log its opening.
    pub(in crate::app) fn given_actions(&self) -> usize {
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
    pub(super) fn told(&self) -> Vec<String> {
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

/// Keeps commands as text, unless they are too many.
fn keep(key: &str, commands: &[String]) {
    let text = commands.join("\n");
    browser::keep(key, (text.len() <= MAX_KEPT).then_some(&text));
}

pub(super) fn commands_of(lesson: &str) -> String {
    format!("logscope-lesson-{lesson}")
}
