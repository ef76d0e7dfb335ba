//! What a step is called in short, how grave it is, and whose key it carries.

use logscope::lab::{Event, TopicEvent};
use logscope::log::Event as LogEvent;

/// How much attention a step asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gravity {
    /// The log does what it is there for.
    Plain,
    /// Something was lost, damaged or refused.
    Grave,
}

/// A step in two or three words, for the row of an action's steps.
pub(crate) fn title(event: &TopicEvent) -> &'static str {
    match event {
        TopicEvent::Log { event, .. } => title_of(event),
        TopicEvent::PartitionsAdded { .. } => "partitions",
        TopicEvent::KeyRouted { .. } => "key's partition",
        TopicEvent::TurnTaken { .. } => "turn",
        TopicEvent::Polled { .. } => "polled",
        TopicEvent::NothingToPoll { .. } => "nothing to poll",
        TopicEvent::PositionReset { .. } => "position reset",
        TopicEvent::OffsetCommitted { .. } => "commit",
        TopicEvent::Refused { .. } => "refused",
    }
}

fn title_of(event: &Event) -> &'static str {
    match event {
        Event::Log(event) => log_title(event),
        Event::Crashed { .. } => "crash",
        Event::ClockMoved { .. } => "clock",
        Event::Closed => "close",
        Event::Reset => "reset",
        Event::ConfigChanged { .. } => "config",
        Event::ByteFlipped { .. } => "byte flipped",
        Event::FileLost { .. } => "file lost",
        Event::DiskLimited { .. } => "disk",
        Event::SyncWillFail => "sync to fail",
        Event::DiskFull { .. } => "disk full",
        Event::SyncFailed { .. } => "sync fails",
        Event::FlushDue { .. } => "flush due",
        Event::Refused { .. } => "refused",
    }
}

fn log_title(event: &LogEvent) -> &'static str {
    match event {
        LogEvent::RecoveryStarted { .. } => "recovery",
        LogEvent::SegmentFound { .. } => "segment",
        LogEvent::SegmentTrusted { .. } => "trusted",
        LogEvent::BatchRecovered { .. } => "check",
        LogEvent::TailCut { .. } => "cut",
        LogEvent::IndexVerified { .. } => "index fits",
        LogEvent::IndexRebuilt { .. } => "index rebuilt",
        LogEvent::OrphanRemoved { .. } => "orphan",
        LogEvent::RecoveryFinished { .. } => "open",
        LogEvent::SegmentCreated { .. } => "new segment",
        LogEvent::SegmentRolled { .. } => "roll",
        LogEvent::BatchAppended { .. } => "append",
        LogEvent::DuplicateFound { .. } => "duplicate",
        LogEvent::IndexEntryAdded { .. } => "index entry",
        LogEvent::TimeIndexEntryAdded { .. } => "time entry",
        LogEvent::TimeIndexEntryRemoved { .. } => "time entry off",
        LogEvent::Flushed { .. } => "flush",
        LogEvent::SnapshotWritten { .. } => "snapshot",
        LogEvent::CheckpointWritten { .. } => "checkpoint",
        LogEvent::RetentionStarted { .. } => "retention",
        LogEvent::LogStartMoved { .. } => "log start",
        LogEvent::SegmentDeleted { .. } => "delete",
        LogEvent::Truncated { .. } => "truncate",
        LogEvent::CompactionStarted { .. } => "compaction",
        LogEvent::KeysMapped { .. } => "keys",
        LogEvent::RecordRemoved { .. } => "record goes",
        LogEvent::BatchRewritten { .. } => "rewrite",
        LogEvent::SegmentsCompacted { .. } => "swap",
        LogEvent::CompactionFinished { .. } => "done",
        LogEvent::CompactionSkipped { .. } => "nothing to do",
        LogEvent::CompactionAbandoned { .. } => "given up",
        LogEvent::SwapsCompleted { .. } => "swap finished",
        LogEvent::TimeLookUpStarted { .. } => "find",
        LogEvent::SegmentTooOld { .. } => "too old",
        LogEvent::TimeIndexLookedUp { .. } => "time look-up",
        LogEvent::TimeLookUpFinished { found: None, .. } => "none",
        LogEvent::TimeLookUpFinished { .. } => "answer",
        LogEvent::IndexRejected { .. } => "index rejected",
        LogEvent::FetchStarted { .. } => "fetch",
        LogEvent::FloorSegmentFound { .. } => "floor segment",
        LogEvent::IndexLookedUp { .. } => "index look-up",
        LogEvent::BatchSkipped { .. } => "skip",
        LogEvent::ScanFinished { .. } => "found",
        LogEvent::BatchFetched { .. } => "take",
        LogEvent::FirstBatchWhole { .. } => "take whole",
        LogEvent::NextSegmentEntered { .. } => "next segment",
        LogEvent::FetchStopped { .. } => "stop",
    }
}

/// How grave a step is.
pub(crate) fn gravity(event: &TopicEvent) -> Gravity {
    let event = match event {
        TopicEvent::Log { event, .. } => event,
        TopicEvent::Refused { .. } => return Gravity::Grave,
        _ => return Gravity::Plain,
    };
    match event {
        Event::Crashed { .. }
        | Event::ByteFlipped { .. }
        | Event::FileLost { .. }
        | Event::DiskFull { .. }
        | Event::SyncFailed { .. }
        | Event::Refused { .. } => Gravity::Grave,
        // An index that has to be rebuilt is nothing lost: it only says again what the log says.
        Event::Log(LogEvent::TailCut { .. } | LogEvent::IndexRejected { .. }) => Gravity::Grave,
        _ => Gravity::Plain,
    }
}

/// The key of the batch that a step put into the log.
pub(super) fn key_of(event: &Event) -> Option<&[u8]> {
    match event {
        Event::Log(LogEvent::BatchAppended { batch } | LogEvent::BatchRecovered { batch }) => {
            batch.first_key.as_deref()
        }
        _ => None,
    }
}
