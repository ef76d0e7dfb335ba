//! The engine's events out of their JSON, as a broker sends them.
//!
//! It is the other way round of what the engine's feature `serde` writes, and a test holds the two together.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use logscope::config::CleanupPolicy;
use logscope::log::{
    BatchFate, BatchInfo, CheckpointFound, DeleteReason, Event, FlushCause, IndexFault, IndexKind, Removal,
    RollReason, StoppedBy, TimeEntryCause,
};
use logscope::record::{Compression, Producer};
use logscope::segment::{IndexEntry, TimeIndexEntry};

use super::json::{Json, Wrong};

/// Something that can be read out of a value.
pub(super) trait Read: Sized {
    /// `None` if the value is something else.
    fn read(json: &Json) -> Option<Self>;
}

/// A field of an object.
///
/// # Errors
/// Its name, if it is missing or something else.
pub(super) fn field<T: Read>(json: &Json, name: &'static str) -> Result<T, Wrong> {
    T::read(json.field(name)).ok_or(name)
}

macro_rules! numbers {
    ($($type:ty: $read:ident),*) => {
        $(impl Read for $type {
            fn read(json: &Json) -> Option<Self> {
                json.$read()?.try_into().ok()
            }
        })*
    };
}

numbers!(u64: number, u32: number, usize: number, i64: signed, i32: signed, i16: signed);

impl Read for bool {
    fn read(json: &Json) -> Option<Self> {
        if let Json::Bool(value) = json { Some(*value) } else { None }
    }
}

impl Read for String {
    fn read(json: &Json) -> Option<Self> {
        json.text().map(str::to_owned)
    }
}

impl<T: Read> Read for Option<T> {
    fn read(json: &Json) -> Option<Self> {
        if *json == Json::Null { Some(None) } else { T::read(json).map(Some) }
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(json: &Json) -> Option<Self> {
        if let Json::List(list) = json { list.iter().map(T::read).collect() } else { None }
    }
}

impl<A: Read, B: Read> Read for (A, B) {
    fn read(json: &Json) -> Option<Self> {
        if let [a, b] = json.list() { Some((A::read(a)?, B::read(b)?)) } else { None }
    }
}

/// A key: text, or marked as base64.
struct Key(Vec<u8>);

impl Read for Key {
    fn read(json: &Json) -> Option<Self> {
        match json {
            Json::Text(text) => Some(Self(text.clone().into_bytes())),
            _ => BASE64_STANDARD.decode(json.field("base64").text()?).ok().map(Self),
        }
    }
}

/// Objects with these fields.
macro_rules! objects {
    ($($type:ident { $($field:ident),* })*) => {
        $(impl Read for $type {
            fn read(json: &Json) -> Option<Self> {
                Some(Self { $($field: Read::read(json.field(stringify!($field)))?),* })
            }
        })*
    };
}

objects! {
    IndexEntry { relative_offset, position }
    TimeIndexEntry { timestamp, relative_offset }
    Producer { id, epoch, base_sequence }
}

impl Read for BatchInfo {
    fn read(json: &Json) -> Option<Self> {
        Some(Self {
            segment: Read::read(json.field("segment"))?,
            position: Read::read(json.field("position"))?,
            size: Read::read(json.field("size"))?,
            base_offset: Read::read(json.field("base_offset"))?,
            last_offset: Read::read(json.field("last_offset"))?,
            records: Read::read(json.field("records"))?,
            max_timestamp: Read::read(json.field("max_timestamp"))?,
            compression: Read::read(json.field("compression"))?,
            first_key: Option::<Key>::read(json.field("first_key"))?.map(|key| key.0),
            producer_id: Read::read(json.field("producer_id"))?,
        })
    }
}

/// Words that stand for a variant without fields, or objects whose `kind` is that word.
macro_rules! kinds {
    ($($type:ident { $($word:literal => $variant:ident $({ $($field:ident),* })?),* })*) => {
        $(impl Read for $type {
            fn read(json: &Json) -> Option<Self> {
                Some(match json.text().or_else(|| json.field("kind").text())? {
                    $($word => Self::$variant $({ $($field: Read::read(json.field(stringify!($field)))?),* })?,)*
                    _ => return None,
                })
            }
        })*
    };
}

kinds! {
    Compression { "none" => None, "gzip" => Gzip, "snappy" => Snappy, "lz4" => Lz4, "zstd" => Zstd }
    CleanupPolicy { "delete" => Delete, "compact" => Compact, "compact,delete" => CompactDelete }
    FlushCause { "requested" => Requested, "roll" => Roll, "truncate" => Truncate, "close" => Close }
    TimeEntryCause { "interval" => Interval, "roll" => Roll, "close" => Close }
    IndexKind { "offset" => Offset, "time" => Time }
    StoppedBy { "max_bytes" => MaxBytes, "high_watermark" => HighWatermark, "log_end" => LogEnd }
    RollReason {
        "size" => Size, "time" => Time { waited_ms, segment_ms }, "index_full" => IndexFull,
        "offset_overflow" => OffsetOverflow
    }
    IndexFault { "missing" => Missing, "short" => Short { entries }, "differs" => Differs }
    DeleteReason {
        "time" => Time { age_ms, retention_ms }, "size" => Size { log_bytes, retention_bytes }, "log_start" => LogStart,
        "truncated" => Truncated
    }
    Removal {
        "superseded" => Superseded { by }, "tombstone_expired" => TombstoneExpired { delete_horizon_ms }, "no_key" => NoKey
    }
    BatchFate {
        "verbatim" => Verbatim, "rewritten" => Rewritten { kept, removed, delete_horizon_ms },
        "emptied" => Emptied { removed }, "dropped" => Dropped { removed }
    }
}

impl Read for CheckpointFound {
    fn read(json: &Json) -> Option<Self> {
        let number = |name| u64::read(json.field(name));
        Some(match json.field("kind").text()? {
            "missing" => Self::Missing,
            "damaged" => Self::Damaged { reason: String::read(json.field("reason"))?.into() },
            "valid" => Self::Valid {
                log_start_offset: number("log_start_offset")?,
                recovery_point: number("recovery_point")?,
                clean: bool::read(json.field("clean"))?,
            },
            _ => return None,
        })
    }
}

/// Events with these fields, by name.
macro_rules! events {
    ($json:ident; $($name:ident { $($field:ident),* })*) => {
        match $json.field("event").text().unwrap_or_default() {
            $(stringify!($name) => Event::$name { $($field: field($json, stringify!($field))?),* },)*
            "RecordRemoved" => Event::RecordRemoved {
                segment: field($json, "segment")?,
                offset: field($json, "offset")?,
                key: field::<Option<Key>>($json, "key")?.map(|key| key.0),
                why: field($json, "why")?,
            },
            _ => return Err("event"),
        }
    };
}

/// Reads an event.
///
/// # Errors
/// The field that is missing or not as expected; `event` if there is no such event.
pub(crate) fn event(json: &Json) -> Result<Event, Wrong> {
    Ok(events! { json;
        RecoveryStarted { segments, files, segment_bytes, index_interval_bytes, checkpoint }
        SegmentFound { segment, log_bytes }
        BatchRecovered { batch }
        TailCut { segment, position, bytes, log_end_offset, reason }
        IndexVerified { segment, index, entries }
        IndexRebuilt { segment, index, entries, fault }
        SegmentTrusted { segment, log_bytes, index_bytes, time_index_bytes }
        OrphanRemoved { name }
        RecoveryFinished { log_start_offset, log_end_offset }
        SegmentCreated { segment }
        SegmentRolled { segment, size, batch_size, segment_bytes, index_entries, last_offset, reason, next }
        DuplicateFound { producer, base_offset, last_offset }
        BatchAppended { batch }
        IndexEntryAdded { segment, entry, bytes_since, interval }
        TimeIndexEntryAdded { segment, entry, cause }
        TimeIndexEntryRemoved { segment, entry }
        Flushed { segment, bytes, from, high_watermark, cause }
        SnapshotWritten { offset, producers, bytes }
        CheckpointWritten { log_start_offset, recovery_point, clean, bytes }
        RetentionStarted { segments, log_bytes, now_ms, policy }
        LogStartMoved { from, to }
        SegmentDeleted { segment, bytes, reason }
        Truncated { segment, position, from, to, high_watermark }
        CompactionStarted { segments, bytes, first_dirty_offset, end, now_ms, tombstones_due }
        KeysMapped { keys, first_dirty_offset, up_to, end, key_budget }
        BatchRewritten { segment, position, base_offset, last_offset, fate, delete_retention_ms }
        SegmentsCompacted { sources, segment, bytes_before, bytes_after, batches, index, time_index }
        CompactionFinished { first_dirty_offset, end, records_removed, segments, bytes_before, bytes_after, delete_horizon_ms }
        CompactionSkipped { policy, segments, first_dirty_offset, end, delete_horizon_ms }
        CompactionAbandoned { segments }
        SwapsCompleted { swaps, files }
        TimeLookUpStarted { timestamp }
        SegmentTooOld { segment, timestamp, largest }
        TimeIndexLookedUp { segment, timestamp, entries, found }
        TimeLookUpFinished { timestamp, found, batches }
        IndexRejected { segment, entry }
        FetchStarted { offset, max_bytes, high_watermark, log_end_offset }
        FloorSegmentFound { segment, offset, segments }
        IndexLookedUp { segment, offset, entries, found, position, probes }
        BatchSkipped { segment, position, size, last_offset, offset }
        ScanFinished { segment, position, batches, bytes, offset, found }
        BatchFetched { batch, used, max_bytes }
        FirstBatchWhole { batch, used, max_bytes }
        NextSegmentEntered { segment, used, max_bytes }
        FetchStopped { by, used, max_bytes, next_offset, next_batch_size }
    })
}
