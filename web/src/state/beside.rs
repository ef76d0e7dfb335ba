//! What stands beside the visitor's own log: a lesson, a shared scenario, files that were opened; and the dialogs.
//!
//! Invariant: the own log is set aside while something else is shown, and is never changed by it.

use std::rc::Rc;

use logscope::lab::TopicAction;

use super::Keeping;
use super::archive::Topic;
use super::lessons::{Block, Course, Entry, Index};
use super::live::{self, Live};
use super::share::Mistake;

/// What the page knows besides the log that it shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Beside {
    /// What is shown in place of the visitor's own log.
    pub(crate) guest: Option<Guest>,
    /// The dialog that is open.
    pub(crate) dialog: Option<Dialog>,
    /// The lessons, once they were asked for.
    pub(crate) index: Fetched<Rc<Index>>,
    /// The page that says what is true, once it was asked for.
    pub(crate) truth: Fetched<Rc<Vec<Block>>>,
    /// What the terms mean, once it was asked for.
    pub(crate) glossary: Fetched<Rc<Vec<Block>>>,
    /// Whether the bytes that are open could be copied, once that was asked for.
    pub(crate) copied: Option<bool>,
    /// The names of the lessons that were played to their end.
    pub(crate) finished: Rc<Vec<String>>,
}

/// A text beside the page.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Fetched<T> {
    #[default]
    NotYet,
    /// Why it is not there, or cannot be read.
    Failed(String),
    Here(T),
}

/// What is shown in place of the visitor's own log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Guest {
    /// Commands from a link, a file or a text field.
    Shared { commands: usize },
    /// Files of a log, with what a person must know about them.
    Files { name: String, remarks: Vec<String> },
    /// A lesson.
    Lesson(Course),
    /// A running broker's log.
    Live(Box<Live>),
}

/// A dialog.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Dialog {
    /// Keys and commands.
    Help,
    /// The lessons, to choose from; with what is wrong with the one that was chosen.
    Lessons(Option<String>),
    /// How true it is.
    Truth,
    /// The glossary, at a term; at its beginning if there is none.
    Glossary(String),
    /// Sharing, saving and opening.
    Share(Sharing),
    /// How the log is kept.
    Kept(Kept),
}

/// What the dialog about keeping shows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kept {
    /// Bytes of the log's files.
    pub(crate) bytes: u64,
    pub(crate) keeping: Keeping,
    /// What the browser says, once it has answered.
    pub(crate) room: Option<Room>,
    /// Whether the browser agreed to keep the log, if it was asked.
    pub(crate) agreed: Option<bool>,
}

/// What the browser keeps of this site.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Room {
    /// Bytes that are used.
    pub(crate) used: u64,
    /// Bytes that may be used.
    pub(crate) quota: u64,
    /// The browser deletes nothing by itself.
    pub(crate) persisted: bool,
}

/// What the dialog for sharing shows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sharing {
    /// The link to what is seen, or why there is none.
    pub(crate) link: Result<String, String>,
    /// Whether the link could be copied, once that was asked for.
    pub(crate) copied: Option<bool>,
    /// The commands, if the log can be told by commands.
    pub(crate) commands: Option<String>,
    /// Commands that came from elsewhere and have a mistake in them.
    pub(crate) draft: String,
    /// What is wrong with what came from elsewhere.
    pub(crate) mistake: Option<Mistake>,
    /// It is shown all the same, as far as that goes.
    pub(crate) shown: bool,
    /// Several topics came in, or partitions that do not go together: one is to be chosen.
    pub(crate) choice: Rc<Vec<Topic>>,
}

impl Sharing {
    /// Nothing but the link to what is seen, or why there is none.
    pub(crate) fn new(link: Result<String, String>) -> Self {
        Self {
            link,
            copied: None,
            commands: None,
            draft: String::new(),
            mistake: None,
            shown: false,
            choice: Rc::default(),
        }
    }
}

/// What a visitor wants besides running commands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Wish {
    /// Show the keys and the commands.
    ShowHelp,
    ShowLessons,
    ShowTruth,
    /// Show the glossary at a term; at its beginning if there is none.
    ShowGlossary(String),
    ShowSharing,
    /// Show how the log is kept.
    ShowKept,
    /// Ask the browser not to delete the log by itself.
    AskToPersist,
    /// Write the log that another tab writes.
    TakeOver,
    CloseDialog,
    /// Begin a lesson, or go on with it.
    Learn(String),
    /// The lesson from its beginning.
    LearnAgain,
    /// Back to the visitor's own log.
    Leave,
    /// Run commands beside the own log.
    Try(String),
    /// Open files beside the own log; or why they could not be read.
    Open(Result<Vec<(String, Vec<u8>)>, String>),
    /// Open this one of those that came in.
    Choose(usize),
    SaveAll,
    SaveFile(String),
    /// Of the bytes that are open: those around this position of the file.
    Page(u64),
    CopyHex,
    CopyText,
    SaveBytes,
    SaveCommands,
    CopyLink,
    /// Load the parts of the page again that could not be loaded.
    LoadAgain,
    /// Something about a running broker.
    Live(live::Wish),
}

impl Beside {
    /// The lesson that is on.
    pub(crate) fn course(&self) -> Option<&Course> {
        match &self.guest {
            Some(Guest::Lesson(course)) => Some(course),
            _ => None,
        }
    }

    /// The running broker that is looked into.
    pub(crate) fn live(&self) -> Option<&Live> {
        match &self.guest {
            Some(Guest::Live(live)) => Some(live),
            _ => None,
        }
    }

    /// A lesson's place in the order, and the next one.
    pub(crate) fn place(&self, name: &str) -> Option<(usize, usize, Option<&Entry>)> {
        let Fetched::Here(index) = &self.index else { return None };
        let entries = &index.entries;
        let at = entries.iter().position(|entry| entry.name == name)?;
        Some((at + 1, entries.len(), entries.get(at + 1)))
    }
}

/// Commands as text, a line each.
pub(crate) fn lines(commands: &[TopicAction]) -> String {
    commands.iter().map(|command| format!("{command}\n")).collect()
}
