//! Events as lessons name them: each by its name, with its numbers and words by theirs.
//!
//! Invariant: [`EVENTS`] and [`facts`] come from one list, so a name that a lesson may use is a name that an event has.

use logscope::config::CleanupPolicy;
use logscope::lab::{BatchInfo, Event, FlushCause, RollReason, StoppedBy, TopicEvent};
use logscope::log::Event as LogEvent;
use logscope::log::{DeleteReason, IndexKind, Removal, TimeEntryCause};
use logscope::record::{Compression, Producer};
use logscope::segment::{IndexEntry, TimeIndexEntry};

/// An event that a lesson may ask for.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) fields: &'static [&'static str],
    /// It happens to a log, so it can be asked for its partition.
    pub(super) of_log: bool,
}

/// What a field says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Number(i128),
    Word(String),
    Batch(BatchInfo),
}

/// The fields of a batch; a lesson names them as the event's own.
pub(super) const BATCH_FIELDS: [&str; 7] =
    ["size", "records", "base_offset", "last_offset", "position", "key", "compression"];

/// The words that some fields take; those of [`ANY_WORD`] take any, and all others numbers.
pub(super) const WORDS: [(&str, &[&str]); 8] = [
    ("by", &["max_bytes", "high_watermark", "log_end"]),
    ("reason", &["size", "time", "index_full", "offset_overflow", "log_start", "truncated"]),
    ("cause", &["requested", "roll", "truncate", "close", "interval"]),
    ("compression", &["none", "gzip", "snappy", "lz4", "zstd"]),
    ("index", &["offset", "time"]),
    ("policy", &["delete", "compact", "compact,delete"]),
    ("why", &["superseded", "tombstone", "no_key"]),
    ("clean", &["true", "false"]),
];
/// The fields that take any word.
pub(super) const ANY_WORD: [&str; 6] = ["key", "value", "was", "file", "message", "consumer"];

macro_rules! events {
    ($($path:ident :: $event:ident { $($field:ident),* })*) => {
        /// All events that a lesson may ask for.
        pub(super) const EVENTS: &[Known] =
            &[$(Known {
                name: stringify!($event),
                fields: &[$(stringify!($field)),*],
                of_log: events!(@of_log $path),
            }),*];

        /// An event's name and what its fields say; `None` for an event that no lesson asks for.
        fn told(event: &TopicEvent) -> Option<Facts> {
            events!(@log event, $($path :: $event { $($field),* })*);
        }
    };
    (@of_log Topic) => { false };
    (@of_log $path:ident) => { true };
    (@log $given:ident, $($path:ident :: $event:ident { $($field:ident),* })*) => {
        $(events!(@one $path, $given, $event { $($field),* });)*
        return None
    };
    (@one Topic, $given:ident, $event:ident { $($field:ident),* }) => {
        if let TopicEvent::$event { $($field,)* .. } = $given {
            return Some((stringify!($event), vec![$((stringify!($field), $field.value())),*]));
        }
    };
    (@one Log, $given:ident, $event:ident { $($field:ident),* }) => {
        if let TopicEvent::Log { event: Event::Log(LogEvent::$event { $($field,)* .. }), .. } = $given {
            return Some((stringify!($event), vec![$((stringify!($field), $field.value())),*]));
        }
    };
    (@one Lab, $given:ident, $event:ident { $($field:ident),* }) => {
        if let TopicEvent::Log { event: Event::$event { $($field,)* .. }, .. } = $given {
            return Some((stringify!($event), vec![$((stringify!($field), $field.value())),*]));
        }
    };
}

events! {
    Log::SegmentCreated { segment }
    Log::SegmentRolled { segment, size, batch_size, segment_bytes, index_entries, reason, next }
    Log::BatchAppended { batch }
    Log::DuplicateFound { producer, base_offset, last_offset }
    Log::IndexEntryAdded { segment, entry, bytes_since, interval }
    Log::TimeIndexEntryAdded { segment, entry, cause }
    Log::Flushed { segment, bytes, from, high_watermark, cause }
    Log::SnapshotWritten { offset, producers }
    Log::CheckpointWritten { log_start_offset, recovery_point, clean }
    Log::RecoveryStarted { segments }
    Log::SegmentTrusted { segment, log_bytes }
    Log::SegmentFound { segment, log_bytes }
    Log::BatchRecovered { batch }
    Log::TailCut { segment, position, bytes, log_end_offset }
    Log::IndexVerified { segment, index, entries }
    Log::IndexRebuilt { segment, index, entries }
    Log::RecoveryFinished { log_start_offset, log_end_offset }
    Log::RetentionStarted { segments, log_bytes, policy }
    Log::LogStartMoved { from, to }
    Log::SegmentDeleted { segment, bytes, reason }
    Log::Truncated { segment, position, from, to, high_watermark }
    Log::CompactionStarted { segments, bytes, first_dirty_offset, end }
    Log::KeysMapped { keys, up_to }
    Log::RecordRemoved { segment, offset, key, why }
    Log::SegmentsCompacted { segment, bytes_before, bytes_after }
    Log::CompactionFinished { records_removed, segments, bytes_before, bytes_after }
    Log::CompactionSkipped { policy, segments }
    Log::TimeLookUpStarted { timestamp }
    Log::TimeLookUpFinished { timestamp, found, batches }
    Log::IndexRejected { segment }
    Log::FetchStarted { offset, max_bytes, high_watermark, log_end_offset }
    Log::FloorSegmentFound { segment, offset, segments }
    Log::IndexLookedUp { segment, offset, entries, position }
    Log::BatchSkipped { segment, position, size, last_offset }
    Log::ScanFinished { segment, position, batches, bytes, offset }
    Log::BatchFetched { batch, used, max_bytes }
    Log::FirstBatchWhole { batch, used, max_bytes }
    Log::NextSegmentEntered { segment, used, max_bytes }
    Log::FetchStopped { by, used, max_bytes, next_offset, next_batch_size }
    Lab::Crashed { lost, kept, index_lost }
    Lab::ClockMoved { ms }
    Lab::ConfigChanged { key, value, was }
    Lab::ByteFlipped { file, position }
    Lab::FileLost { file }
    Lab::DiskFull { limit }
    Lab::SyncFailed { lost }
    Lab::FlushDue { key, reached, limit }
    Lab::Refused { message }
    Topic::PartitionsAdded { from, to }
    Topic::KeyRouted { key, hash, partitions, partition }
    Topic::TurnTaken { partition, partitions }
    Topic::Polled { consumer, partition, position, records, next, lag }
    Topic::NothingToPoll { consumer }
    Topic::PositionReset { consumer, partition, from, to }
    Topic::OffsetCommitted { consumer, partition, offset }
}

/// An event's name, and what its fields say.
type Facts = (&'static str, Vec<(&'static str, Value)>);

/// What an event says; `None` for one that no lesson asks for.
pub(super) fn facts(event: &TopicEvent) -> Option<Facts> {
    if let TopicEvent::Refused { message } = event {
        return Some(("Refused", vec![("message", message.value())]));
    }
    let (name, mut facts) = told(event)?;
    if let TopicEvent::Log { partition, .. } = event {
        facts.push(("partition", partition.value()));
    }
    Some((name, facts))
}

/// What `facts` can make a [`Value`] of.
trait Fact {
    fn value(&self) -> Value;
}

macro_rules! numbers {
    ($($kind:ty),*) => {
        $(impl Fact for $kind {
            fn value(&self) -> Value {
                Value::Number(*self as i128)
            }
        })*
    };
}
numbers!(u32, u64, i64, usize);

fn word(word: &str) -> Value {
    Value::Word(word.to_owned())
}

impl Fact for bool {
    fn value(&self) -> Value {
        word(if *self { "true" } else { "false" })
    }
}

impl Fact for String {
    fn value(&self) -> Value {
        word(self)
    }
}

impl Fact for Vec<u8> {
    fn value(&self) -> Value {
        Value::Word(String::from_utf8_lossy(self).into_owned())
    }
}

/// A key. One that is null is no word that could be written.
impl Fact for Option<Vec<u8>> {
    fn value(&self) -> Value {
        Value::Word(self.as_ref().map_or_else(String::new, |key| String::from_utf8_lossy(key).into_owned()))
    }
}

/// What was found: its offset, or the word `none`.
impl Fact for Option<(u64, i64)> {
    fn value(&self) -> Value {
        self.map_or(word("none"), |(offset, _)| offset.value())
    }
}

impl Fact for Option<u32> {
    fn value(&self) -> Value {
        self.map_or(word("none"), |number| number.value())
    }
}

impl Fact for BatchInfo {
    fn value(&self) -> Value {
        Value::Batch(self.clone())
    }
}

/// A producer, by its id.
impl Fact for Producer {
    fn value(&self) -> Value {
        self.id.value()
    }
}

/// An index entry, by where it points.
impl Fact for IndexEntry {
    fn value(&self) -> Value {
        self.position.value()
    }
}

/// A time index entry, by its timestamp.
impl Fact for TimeIndexEntry {
    fn value(&self) -> Value {
        self.timestamp.value()
    }
}

impl Fact for StoppedBy {
    fn value(&self) -> Value {
        word(self.as_str())
    }
}

impl Fact for RollReason {
    fn value(&self) -> Value {
        word(match self {
            Self::Size => "size",
            Self::Time { .. } => "time",
            Self::IndexFull => "index_full",
            Self::OffsetOverflow => "offset_overflow",
        })
    }
}

impl Fact for DeleteReason {
    fn value(&self) -> Value {
        word(match self {
            Self::Time { .. } => "time",
            Self::Size { .. } => "size",
            Self::LogStart => "log_start",
            Self::Truncated => "truncated",
        })
    }
}

impl Fact for FlushCause {
    fn value(&self) -> Value {
        word(match self {
            Self::Requested => "requested",
            Self::Roll => "roll",
            Self::Truncate => "truncate",
            Self::Close => "close",
        })
    }
}

impl Fact for TimeEntryCause {
    fn value(&self) -> Value {
        word(match self {
            Self::Interval => "interval",
            Self::Roll => "roll",
            Self::Close => "close",
        })
    }
}

impl Fact for IndexKind {
    fn value(&self) -> Value {
        word(match self {
            Self::Offset => "offset",
            Self::Time => "time",
        })
    }
}

impl Fact for CleanupPolicy {
    fn value(&self) -> Value {
        self.to_string().value()
    }
}

impl Fact for Compression {
    fn value(&self) -> Value {
        self.to_string().value()
    }
}

impl Fact for Removal {
    fn value(&self) -> Value {
        word(match self {
            Self::Superseded { .. } => "superseded",
            Self::TombstoneExpired { .. } => "tombstone",
            Self::NoKey => "no_key",
        })
    }
}

/// A field of a batch.
pub(super) fn of_batch(batch: &BatchInfo, field: &str) -> Option<Value> {
    Some(match field {
        "size" => batch.size.value(),
        "records" => batch.records.value(),
        "base_offset" => batch.base_offset.value(),
        "last_offset" => batch.last_offset.value(),
        "position" => batch.position.value(),
        "key" => batch.first_key.value(),
        "producer" => batch.producer_id.value(),
        "compression" => batch.compression.value(),
        _ => return None,
    })
}
