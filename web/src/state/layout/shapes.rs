//! The shapes that a drawing of the log consists of.

use super::{Frame, ReaderMark};
use crate::state::BatchId;
use crate::state::format::{offsets, timestamp};

/// One segment's lane. Everything in it counts from the lane's own top.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lane {
    pub(crate) base_offset: u64,
    pub(crate) top: f64,
    pub(crate) frame: Frame,
    /// How wide the lane is drawn, and whether it goes on beyond.
    pub(crate) width: f64,
    pub(crate) broken: bool,
    /// `216 / 512 B`, and what is special about it.
    pub(crate) size: String,
    pub(crate) note: &'static str,
    pub(crate) floor: bool,
    /// The current step has taken it away.
    pub(crate) gone: bool,
    pub(crate) boxes: Vec<BatchBox>,
    /// The batches that the current step has taken away.
    pub(crate) ghosts: Vec<Ghost>,
    pub(crate) rest: Option<Rest>,
    /// The entries of the offset index.
    pub(crate) entries: Vec<EntryMark>,
    /// The entries of the time index.
    pub(crate) times: Vec<EntryMark>,
    /// Where offsets are missing, with those that are.
    pub(crate) holes: Vec<EntryMark>,
    pub(crate) markers: Vec<Marker>,
    /// Where consumers go on, once they were put there.
    pub(crate) readers: Vec<ReaderMark>,
    /// Where a scan began.
    pub(crate) scan_from: Option<f64>,
    pub(crate) outline: Option<Outline>,
    /// What the step is about because of.
    pub(crate) cause: Option<Outline>,
}

/// A batch, or several that are too narrow to be told apart; then it looks like the first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BatchBox {
    pub(crate) id: BatchId,
    /// How many batches share it.
    pub(crate) batches: usize,
    pub(crate) x: f64,
    pub(crate) width: f64,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) size: u64,
    /// Its offsets, if there is room for them, and how many records are left of them.
    pub(crate) label: Option<String>,
    /// How many of its offsets have no record any more.
    pub(crate) missing: u64,
    /// The parts of it that the compaction under way lets go: left edge and width.
    pub(crate) going: Vec<(f64, f64)>,
    /// It is only a header.
    pub(crate) empty: bool,
    pub(crate) colour: Option<usize>,
    pub(crate) unflushed: bool,
    /// It lies below the log start offset: on disk still, and gone for readers.
    pub(crate) below_start: bool,
    pub(crate) skipped: bool,
    pub(crate) taken: bool,
    /// The original fetch never returns it, or one of those that share the box.
    pub(crate) missed: bool,
    /// It just came to its place.
    pub(crate) arrives: bool,
}

/// A batch that is not there any more, or the bytes that a segment has become smaller by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ghost {
    pub(crate) x: f64,
    pub(crate) width: f64,
    pub(crate) label: Option<String>,
    pub(crate) fate: Fate,
}

/// What became of something that is not where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A batch that is lost.
    Gone,
    /// A batch that another segment has now.
    Moved,
    /// Bytes that are not needed any more.
    Saved,
}

/// Bytes in a `.log` file that are no batch, or not known to be one yet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rest {
    /// Nothing is wrong with them: nobody has read them yet.
    pub(crate) unread: bool,
    pub(crate) x: f64,
    pub(crate) width: f64,
    pub(crate) label: String,
}

/// An index entry, pointing at a batch; or a hole in the offsets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EntryMark {
    pub(crate) x: f64,
    /// What it says in short, if there is room.
    pub(crate) label: Option<String>,
    /// What it says in full, not yet in words: most marks are never asked.
    pub(crate) says: Says,
    /// The label stands to the left of the mark, for want of room on the right.
    pub(crate) leftward: bool,
    pub(crate) looked_up: bool,
    pub(crate) focused: bool,
}

/// What a mark says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// An entry of the offset index.
    Position { offset: u64, position: u32 },
    /// An entry of the time index.
    Offset { timestamp: i64, offset: u64 },
    /// Offsets without a record.
    Nothing { first: u64, last: u64 },
}

impl EntryMark {
    /// What it says in full.
    pub(crate) fn title(&self) -> String {
        match self.says {
            Says::Position { offset, position } => {
                format!("offset index: offset {offset} → position {position}")
            }
            Says::Offset { timestamp: ms, offset } => {
                format!("time index: timestamp {ms} ({}) → offset {offset}", timestamp(ms))
            }
            Says::Nothing { first, last } => format!("no record is left at offset {}", offsets(first, last)),
        }
    }
}

/// One of the log's bounds, or several that coincide.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Marker {
    pub(crate) kind: MarkerKind,
    pub(crate) x: f64,
    pub(crate) label: String,
    /// The label stands to the left of the line.
    pub(crate) leftward: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MarkerKind {
    LogStart,
    RecoveryPoint,
    HighWatermark,
    LogEnd,
}

/// What the current step is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Outline {
    pub(crate) x: f64,
    pub(crate) width: f64,
}
