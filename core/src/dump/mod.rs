//! Annotated bytes: what each byte of the log's files is, says and means. The page's hex view, `logscope dump`
//! and golden files are made from this.
//!
//! A [`Field`] names some bytes of a file and may have children, which cover its bytes from front to back without
//! gaps. [`file()`] takes a whole file apart; [`batch()`], [`records`] and [`Entries`] take parts of one, so that
//! a file of any size can be gone through with little memory, together with [`BatchWalker`].
//!
//! ```
//! use logscope::{LogConfig, MemoryStorage, NewRecord, PartitionLog, dump};
//! # use logscope::{File, Storage};
//!
//! # let storage = MemoryStorage::new();
//! # let (mut log, _) = PartitionLog::open(storage.clone(), LogConfig::default())?;
//! log.append(&[NewRecord::value(b"hello")], 1_767_225_600_000)?;
//! # let file = storage.open("00000000000000000000.log")?;
//! # let mut bytes = vec![0; file.len()? as usize];
//! # file.read_at(0, &mut bytes)?;
//! let batch = dump::batch(&bytes, 0, usize::MAX);
//! assert_eq!(batch.find("lastOffsetDelta").map(|field| field.position), Some(23));
//! assert_eq!(batch.find("value").map(|field| &*field.value), Some("\"hello\""));
//! assert_eq!(batch.first_problem(), None);
//! # Ok::<(), logscope::Error>(())
//! ```
//!
//! Invariants:
//! - Nothing here fails on damaged bytes, or allocates by what they claim: what is wrong is said at the field
//!   where it shows, and the rest is taken apart as far as it can be.
//! - The children of a field cover it without gaps; only bytes that a damage made unreadable are one field.

mod batch;
mod checkpoint;
mod hex;
mod index;
mod meaning;
mod reader;
mod snapshot;
mod text;
mod varint;
mod walk;

use std::borrow::Cow;
use std::ops::Range;

use crate::log::{CHECKPOINT_FILE, IndexKind};
use crate::segment::{INDEX_SUFFIX, LOG_SUFFIX, SNAPSHOT_SUFFIX, TIME_INDEX_SUFFIX, parse_file_name};

pub use batch::{RecordFields, batch, header, records};
pub use checkpoint::{checkpoint, read_checkpoint};
pub use hex::Hex;
pub use index::{Entries, entry_size, index};
pub use snapshot::{
    ProducerEntry, SNAPSHOT_ENTRY_SIZE, SNAPSHOT_HEADER_SIZE, read_snapshot, snapshot, snapshot_entry,
    snapshot_header,
};
pub use text::{date, preview, utc};
pub use varint::{Unfolded, unfold};
pub use walk::BatchWalker;

/// Some bytes of a file: what they are called, say and mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Kafka's name for it; counted ones have their number in it, as `record 3`.
    pub name: Cow<'static, str>,
    /// Where its first byte stands in the file.
    pub position: u64,
    /// How many bytes it has.
    pub size: u64,
    /// What the bytes say, as text. Long keys and values are shortened.
    pub value: String,
    /// What it is, in a sentence or two. Empty where the name says it all.
    pub meaning: &'static str,
    /// How the bytes say it.
    pub form: Form,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// Its parts, in order.
    pub children: Vec<Field>,
}

/// How the bytes of a field say what they say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Form {
    /// As they stand.
    #[default]
    Plain,
    /// As a zigzag varint; [`unfold`] shows it bit by bit.
    Varint,
    /// As a CRC-32C.
    Checksum {
        /// The bytes of the file that it covers.
        over: Range<u64>,
        /// What these bytes give; `None` if not all of them are there.
        computed: Option<u32>,
    },
}

impl Field {
    /// The position behind the last byte.
    pub fn end(&self) -> u64 {
        self.position + self.size
    }

    /// The first field of that name, this one and all below it.
    pub fn find(&self, name: &str) -> Option<&Field> {
        if self.name == name {
            return Some(self);
        }
        self.children.iter().find_map(|child| child.find(name))
    }

    /// The innermost field that the byte at `position` of the file belongs to.
    pub fn at(&self, position: u64) -> Option<&Field> {
        if !(self.position..self.end()).contains(&position) {
            return None;
        }
        // The children stand in order, so there is no need to ask all of them.
        let child = self.children.get(self.children.partition_point(|child| child.end() <= position));
        Some(child.and_then(|child| child.at(position)).unwrap_or(self))
    }

    /// The first thing that is wrong, with its position.
    pub fn first_problem(&self) -> Option<(u64, &str)> {
        let own = self.problem.as_deref().map(|problem| (self.position, problem));
        own.or_else(|| self.children.iter().find_map(Field::first_problem))
    }

    fn new(name: impl Into<Cow<'static, str>>, position: u64, size: u64) -> Self {
        let name = name.into();
        let meaning = meaning::of(&name);
        let (value, form, problem, children) = (String::new(), Form::Plain, None, Vec::new());
        Self { name, position, size, value, meaning, form, problem, children }
    }

    /// Says what is wrong; what was said first stays.
    fn blame(&mut self, problem: impl Into<String>) {
        self.problem.get_or_insert_with(|| problem.into());
    }
}

/// Bytes that are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}, at position {position}")]
pub struct Damage {
    /// Where, in bytes from the file's front.
    pub position: u64,
    /// What is wrong there.
    pub reason: String,
}

/// What a file of a partition's directory holds, going by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Record batches; with the segment's base offset.
    Log(u64),
    /// An offset index; with the segment's base offset.
    OffsetIndex(u64),
    /// A time index; with the segment's base offset.
    TimeIndex(u64),
    /// The state of producers; with the offset at which it was taken.
    Snapshot(u64),
    /// The partition's checkpoint.
    Checkpoint,
}

impl FileKind {
    /// The kind of file that has this name; `None` for any other file.
    pub fn of(name: &str) -> Option<Self> {
        let base = |suffix| parse_file_name(name, suffix);
        let log = || base(LOG_SUFFIX).map(Self::Log);
        let index = || base(INDEX_SUFFIX).map(Self::OffsetIndex);
        let time_index = || base(TIME_INDEX_SUFFIX).map(Self::TimeIndex);
        let snapshot = || base(SNAPSHOT_SUFFIX).map(Self::Snapshot);
        let checkpoint = || (name == CHECKPOINT_FILE).then_some(Self::Checkpoint);
        log().or_else(index).or_else(time_index).or_else(snapshot).or_else(checkpoint)
    }
}

/// Takes a whole file apart: its batches, entries or lines. Of each batch at most `max_records` records are shown.
pub fn file(kind: FileKind, bytes: &[u8], max_records: usize) -> Vec<Field> {
    match kind {
        FileKind::Log(_) => batches(bytes, 0, max_records),
        FileKind::OffsetIndex(base) => index(IndexKind::Offset, base, bytes, 0),
        FileKind::TimeIndex(base) => index(IndexKind::Time, base, bytes, 0),
        FileKind::Snapshot(_) => snapshot(bytes),
        FileKind::Checkpoint => checkpoint(bytes).0,
    }
}

/// Takes batches apart, one after another. `bytes` stand at `position` of the file, where a batch begins. Of each
/// batch at most `max_records` records are shown.
pub fn batches(bytes: &[u8], position: u64, max_records: usize) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut taken = 0;
    while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
        let field = batch(rest, position + taken as u64, max_records);
        // A batch is never empty; and one that claims less than its header takes all the rest.
        taken += field.size.max(1) as usize;
        fields.push(field);
    }
    fields
}

#[cfg(test)]
mod tests;
