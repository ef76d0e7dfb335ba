//! Lessons: files that a teacher writes, read and ticked off without a browser.
//!
//! `static/lessons/index.txt` names them in order; each is a file as [`parse`] describes it. A lesson begins with its
//! scenario, on a log of its own. A task is ticked off by the events of a command, and by nothing else; the tasks
//! come one after the other, and a command ticks at most one.
//!
//! Invariants:
//! - A lesson that is wrong is a [`Mistake`] with its file and line; nothing of it is shown.
//! - What is ticked off follows from the commands that were run: running them again ticks the same.

mod condition;
mod facts;
mod parse;
mod prose;
#[cfg(test)]
mod tests;

use std::fmt;
use std::rc::Rc;

use logscope::lab::{TopicAction, TopicEvent};

use super::ColourBy;
use condition::Condition;
pub(crate) use parse::parse;
pub(crate) use prose::{Block, Span, blocks};

/// A lesson.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Lesson {
    pub(crate) title: String,
    /// What has been run before the learner begins.
    pub(crate) scenario: Vec<TopicAction>,
    /// What the scenario makes the engine say.
    pub(crate) says: Vec<String>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) text: Vec<Block>,
    /// What the colours stand for at first.
    pub(crate) colours: ColourBy,
}

/// Something to do.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Task {
    /// A sentence that says it.
    pub(crate) what: Vec<Span>,
    /// What ticks it off. A lesson that has been parsed has it for every task.
    pub(crate) when: Option<Condition>,
    /// One way to do it.
    pub(crate) solution: Vec<TopicAction>,
    /// What the solution makes the engine say.
    pub(crate) says: Vec<String>,
}

/// A line of a lesson's file that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) file: String,
    /// From 1.
    pub(crate) line: usize,
    pub(crate) reason: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: {}", self.file, self.line, self.reason)
    }
}

/// A line of the index: a lesson's file and its title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The file without its ending, as it stands in links.
    pub(crate) name: String,
    pub(crate) title: String,
}

/// The file of a lesson, as the page asks for it.
pub(crate) fn file_of(name: &str) -> String {
    format!("lessons/{name}.md")
}

/// The lessons in their order, and the lines of the index that are wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Index {
    pub(crate) entries: Vec<Entry>,
    pub(crate) mistakes: Vec<Mistake>,
}

/// Parses the index: on each line the name of a lesson's file and its title. Empty lines and those that begin with
/// `#` are passed over; one that is wrong takes no other with it.
pub(crate) fn parse_index(file: &str, text: &str) -> Index {
    let mut index = Index::default();
    for (line, at) in text.lines().map(str::trim).zip(1..) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match parse_entry(line, &index.entries) {
            Ok(entry) => index.entries.push(entry),
            Err(reason) => index.mistakes.push(Mistake { file: file.to_owned(), line: at, reason }),
        }
    }
    index
}

fn parse_entry(line: &str, before: &[Entry]) -> Result<Entry, String> {
    let (file, title) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let plain = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let name = file.strip_suffix(".md").filter(plain).ok_or_else(|| {
        format!("{file:?} is no lesson's file; its name has letters, digits, - and _, and ends in .md")
    })?;
    if title.trim().is_empty() {
        return Err(format!("{file} has no title behind it"));
    }
    if before.iter().any(|entry| entry.name == name) {
        return Err(format!("{file} is there twice"));
    }
    Ok(Entry { name: name.to_owned(), title: title.trim().to_owned() })
}

/// A lesson that is on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Course {
    pub(crate) name: String,
    pub(crate) lesson: Rc<Lesson>,
    /// How many tasks are done: the first ones.
    pub(crate) done: usize,
}

impl Course {
    /// The lesson from its beginning.
    pub(crate) fn new(name: String, lesson: Rc<Lesson>) -> Self {
        Self { name, lesson, done: 0 }
    }

    /// Takes note of what a command of the learner did. Whether a task was ticked off by it.
    pub(crate) fn observe(&mut self, events: &[TopicEvent]) -> bool {
        let task = self.lesson.tasks.get(self.done);
        let met = task.and_then(|task| task.when.as_ref()).is_some_and(|when| when.is_met(events));
        self.done += usize::from(met);
        met
    }

    /// Whether every task is done.
    pub(crate) fn is_done(&self) -> bool {
        self.done == self.lesson.tasks.len()
    }
}
