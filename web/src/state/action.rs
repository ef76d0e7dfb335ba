//! What can happen to the page's state.

use logscope::lab::{Event, FetchedRecord};

use super::{BatchId, Keeping};

/// Something happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// The engine ran a command.
    Ran(Ran),
    /// Show the picture after so many steps.
    Seek(usize),
    /// One step back; playing stops.
    Back,
    /// One step on; playing stops.
    Forward,
    /// Play from here, or from the first step if this is the last.
    Play,
    /// Play the steps of the action that the cursor stands in, from its first.
    Watch,
    /// Stop playing.
    Pause,
    /// The player is due for the next step.
    Tick,
    /// Open the detail of a batch, or close it. Opening stops playing.
    Select(Option<BatchId>),
    /// How the log is kept has changed.
    Keeping(Keeping),
}

/// What the engine did for one command.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ran {
    /// The command as it would be typed.
    pub(crate) command: String,
    /// Its steps.
    pub(crate) events: Vec<Event>,
    /// The records of a fetch; `None` for every other command.
    pub(crate) records: Option<Vec<FetchedRecord>>,
    /// Whether the cursor goes along to the last step. Without it the page stays where it stands.
    pub(crate) follow: bool,
}
