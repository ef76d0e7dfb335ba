//! What can happen to the page's state.

use std::rc::Rc;

use logscope::lab::{FetchedRecord, TopicEvent, TopicPicture};

use super::what_if::Ask;
use super::{BatchId, ColourBy, Keeping, Settings, Speed};

/// Something happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// The log has been loaded, and not opened yet: its files hold this.
    Loaded(Rc<TopicPicture>, Settings),
    /// The log is of a topic of this name.
    Named(Rc<str>),
    /// The engine ran a command.
    Ran(Ran),
    /// Show the picture after so many steps.
    Seek(usize),
    /// One step back; playing stops.
    Back,
    /// One step on; playing stops.
    Forward,
    /// To the last step of the action before this one; playing stops.
    Previous,
    /// To the last step of this action, or of the next one; playing stops.
    Next,
    /// Play from here, or from the first step if this is the last.
    Play,
    /// Play the steps of the action that the cursor stands in, from its first.
    Watch,
    /// Stop playing.
    Pause,
    /// The player is due for the next step.
    Tick,
    /// Look at a partition, until the cursor moves.
    LookAt(u32),
    /// Open the detail of a batch of the partition that is looked at, or close it. Opening stops playing.
    Select(Option<BatchId>),
    /// Open the bytes of a file of the partition that is looked at. It stops playing.
    OpenFile(Rc<str>),
    /// How fast to play.
    Speed(Speed),
    /// Look closer by so many levels, or from further away.
    Zoom(i8),
    /// Look at the log from where the room suggests.
    ZoomToFit,
    /// What comes after the action at the cursor becomes a branch that is kept.
    Fork,
    /// A kept branch goes on instead of this one, which is kept.
    SwitchTo(u32),
    /// Forget a kept branch.
    Dismiss(u32),
    /// Say why something was not done, until the next command.
    Notice(String),
    /// What the colours of batches stand for.
    ColourBy(ColourBy),
    /// Something about the question what another budget or other configs would bring.
    WhatIf(Ask),
    /// Show what the original project's fetch would miss, or no longer.
    ShowOriginal(bool),
    /// How the log is kept has changed.
    Keeping(Keeping),
}

/// What the engine did for one command.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Ran {
    /// The command as it would be typed.
    pub(crate) command: String,
    /// Its steps.
    pub(crate) events: Vec<TopicEvent>,
    /// The records of a fetch or a poll, which come from one partition; `None` for every other command.
    pub(crate) records: Option<Vec<FetchedRecord>>,
    /// The configuration and the clock afterwards.
    pub(crate) settings: Settings,
    /// Whether the cursor goes along to the last step. Without it the page stays where it stands.
    pub(crate) follow: bool,
}
