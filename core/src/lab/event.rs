//! The events of the laboratory: those of the log, and what happens around it.

use crate::log::event::Event as LogEvent;

/// One step of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The log did something.
    Log(LogEvent),
    /// The power failed: this is what every file holds now.
    Crashed {
        /// File names and sizes after the crash.
        files: Vec<(String, u64)>,
        /// Bytes of record batches that were not synced and are gone.
        lost: u64,
        /// Bytes of record batches that were not synced and had reached the disk all the same.
        kept: u64,
        /// Bytes of indexes that were not synced and are gone. Recovery writes them anew.
        index_lost: u64,
    },
    /// The clock was moved.
    ClockMoved {
        /// By how much, in milliseconds.
        ms: u64,
        /// What it shows now, in milliseconds since the Unix epoch.
        now_ms: i64,
    },
    /// The log was closed in good order.
    Closed,
    /// The log was deleted with all its files; the configuration and the clock are back at the start.
    Reset,
    /// A configuration took a new value.
    ConfigChanged {
        /// Kafka's key.
        key: String,
        /// The new value.
        value: String,
        /// The old value.
        was: String,
    },
    /// A byte of a file was changed behind the log's back.
    ByteFlipped {
        /// The file.
        file: String,
        /// Which byte.
        position: u64,
    },
    /// A file disappeared behind the log's back.
    FileLost {
        /// The file.
        file: String,
    },
    /// The log, or the laboratory, refused the action. Nothing was changed, unless events before this one say so.
    Refused {
        /// Why, in words for a person.
        message: String,
    },
}

impl Event {
    /// Whether it holds for all partitions of a topic, though it is told of one.
    pub(super) fn is_for_all(&self) -> bool {
        matches!(self, Self::ConfigChanged { .. } | Self::ClockMoved { .. })
    }
}

impl From<LogEvent> for Event {
    fn from(event: LogEvent) -> Self {
        Self::Log(event)
    }
}
