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
    /// The disk takes so many bytes in all from now on, or any number again.
    DiskLimited {
        /// How many; `None` is any number.
        limit: Option<u64>,
        /// How many it holds.
        used: u64,
    },
    /// The next sync is going to fail.
    SyncWillFail,
    /// A write did not fit on the disk, which has a limit. What the log has done about it is in the files.
    DiskFull {
        /// File names and sizes now.
        files: Vec<(String, u64)>,
        /// How many bytes the disk takes.
        limit: u64,
        /// What becomes of the log.
        after: AfterFault,
    },
    /// A sync failed, as it was told to.
    SyncFailed {
        /// File names and sizes now.
        files: Vec<(String, u64)>,
        /// Bytes of record batches that were not synced and are cut off.
        lost: u64,
        /// What becomes of the log.
        after: AfterFault,
    },
    /// The log is about to flush by itself.
    FlushDue {
        /// Kafka's key for why: `flush.messages` or `flush.ms`.
        key: String,
        /// How many records are not flushed, or for how many milliseconds the oldest of them has been waiting.
        reached: u64,
        /// What the key allows.
        limit: u64,
    },
    /// The log, or the laboratory, refused the action. Nothing was changed, unless events before this one say so.
    Refused {
        /// Why, in words for a person.
        message: String,
    },
}

/// What becomes of a log whose disk has failed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFault {
    /// It is as before.
    GoesOn,
    /// It takes no appends until it is opened again.
    Poisoned,
    /// It could not be opened, or was to be closed, and is not open.
    Closed,
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
