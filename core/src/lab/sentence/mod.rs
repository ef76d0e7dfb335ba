//! Each event in a sentence or two, in plain English: the real numbers, the reason, Kafka's name for it.
//!
//! Config keys stand in backquotes, so that a page can set them apart.

mod compaction;
mod fault;
mod fetch;
mod quantity;

use crate::log::event::{
    CheckpointFound, DeleteReason, Event as LogEvent, FlushCause, IndexFault, IndexKind, RollReason,
    TimeEntryCause,
};
use crate::segment::{CLEANED_SUFFIX, SNAPSHOT_SUFFIX, SWAP_SUFFIX};

use super::Event;
use compaction::compaction_sentence;
use fault::fault_sentence;
use fetch::fetch_sentence;
use quantity::{batch_words, bytes, count, duration, moment, offsets};

/// Says an event to a person.
pub fn sentence(event: &Event) -> String {
    match event {
        Event::Log(event) => log_sentence(event),
        Event::Crashed { lost, kept, index_lost, .. } => crashed(*lost, *kept, *index_lost),
        Event::ClockMoved { ms, .. } => {
            format!(
                "The clock goes forward by {}. Retention and compaction do not run by themselves.",
                duration(*ms)
            )
        }
        Event::Closed => {
            "The log is closed in good order: all is synced, and the checkpoint says so.".to_owned()
        }
        Event::Reset => "Everything is deleted, and the configuration is back at the start.".to_owned(),
        Event::ConfigChanged { key, value, was } if value == was => {
            format!("`{key}` stays at {value}.")
        }
        Event::ConfigChanged { key, value, was } => {
            let old = match key.as_str() {
                "flush.messages" | "flush.ms" => "It counts from the next append or move of the clock on.",
                "retention.ms" | "retention.bytes" | "cleanup.policy" => {
                    "It counts when retention or compaction runs next."
                }
                "index.interval.bytes" => {
                    "Indexes that are there already stay until the log is opened again."
                }
                _ => "What is on disk stays as it is.",
            };
            format!("`{key}` is {value} from now on; it was {was}. {old}")
        }
        Event::ByteFlipped { file, position } => {
            let who = match file.rsplit('.').next() {
                Some("log") => {
                    "a fetch checks the CRC of the batches that it returns, and recovery that of those that it scans"
                }
                Some("index" | "timeindex") => {
                    "an index has no CRC, but who uses an entry holds it against the batch that it points at"
                }
                _ => "the next opening will, for the file holds a checksum",
            };
            format!(
                "The byte at position {position} of {file} is inverted on disk. Nobody has noticed yet: {who}."
            )
        }
        Event::FileLost { file } => {
            format!(
                "The file {file} is gone from the disk. Who has it open goes on with it; the next opening will not find it."
            )
        }
        Event::DiskLimited { .. }
        | Event::SyncWillFail
        | Event::DiskFull { .. }
        | Event::SyncFailed { .. }
        | Event::FlushDue { .. } => fault_sentence(event),
        Event::Refused { message } => format!("Refused: {message}."),
    }
}

fn crashed(lost: u64, kept: u64, index_lost: u64) -> String {
    let is = |count| if count == 1 { "is" } else { "are" };
    let records = match (lost, kept) {
        (0, 0) => "No record is lost: everything had been synced.".to_owned(),
        (lost, 0) => {
            format!("{} of record batches that had not been synced {} gone.", bytes(lost), is(lost))
        }
        (0, kept) => format!(
            "No record is lost: the {} that had not been synced had reached the disk all the same.",
            bytes(kept)
        ),
        (lost, kept) => format!(
            "Of the record batches that had not been synced, {} {} gone; {kept} had reached the disk all the same.",
            bytes(lost),
            is(lost)
        ),
    };
    let index = match index_lost {
        0 => String::new(),
        lost => format!(
            " Of index entries, {} had not been synced and {} gone; recovery writes them anew.",
            bytes(lost),
            is(lost)
        ),
    };
    format!("The power fails. {records}{index}")
}

fn log_sentence(event: &LogEvent) -> String {
    match event {
        LogEvent::SegmentCreated { segment } => {
            format!("Segment {segment} begins, empty: a .log file, its .index and its .timeindex.")
        }
        LogEvent::SegmentRolled {
            segment,
            size,
            batch_size,
            segment_bytes,
            index_entries,
            last_offset,
            reason,
            next,
        } => {
            let why = match reason {
                RollReason::Size => format!(
                    "It would not fit: segment {segment} holds {size} of {segment_bytes} bytes and the batch \
                     needs {batch_size}."
                ),
                RollReason::Time { waited_ms, segment_ms } => format!(
                    "The batch is {} later than the first of segment {segment}, and a segment takes {}.",
                    duration(*waited_ms as u64),
                    duration(*segment_ms)
                ),
                RollReason::IndexFull => format!(
                    "The index of segment {segment} is full, with {}.",
                    count(*index_entries as u64, "entry", "entries")
                ),
                RollReason::OffsetOverflow => format!(
                    "Offset {last_offset} is too far from base offset {segment} for an index entry, which holds 31 \
                     bits of it."
                ),
            };
            let key = match reason {
                RollReason::Size => " (`segment.bytes`)",
                RollReason::Time { .. } => " (`segment.ms`)",
                RollReason::IndexFull => " (`segment.index.bytes`)",
                RollReason::OffsetOverflow => "",
            };
            format!("{why} The log rolls: a new segment begins at base offset {next}{key}.")
        }
        LogEvent::BatchAppended { batch } => format!(
            "The batch ({}) goes to the end of segment {}, position {}. It is in the page cache, not yet on \
             disk.",
            batch_words(batch),
            batch.segment,
            batch.position
        ),
        LogEvent::IndexEntryAdded { entry, bytes_since, interval, segment } => format!(
            "{} have come since {}, more than {interval}: offset {} → position {} is noted \
             (`index.interval.bytes`).",
            bytes(*bytes_since),
            // Before the first entry, all bytes up to the position count.
            if *bytes_since == u64::from(entry.position) {
                "the segment began"
            } else {
                "the last index entry"
            },
            segment + u64::from(entry.relative_offset),
            entry.position
        ),
        LogEvent::TimeIndexEntryAdded { entry, segment, cause } => {
            let offset = segment + u64::from(entry.relative_offset);
            let timestamp = moment(entry.timestamp);
            match cause {
                TimeEntryCause::Interval => format!(
                    "The time index gets an entry as well, since time has gone on: timestamp {timestamp} → offset \
                     {offset}."
                ),
                TimeEntryCause::Roll | TimeEntryCause::Close => format!(
                    "The time index gets a last entry, so that the segment's largest timestamp is known without \
                     reading it: {timestamp} → offset {offset}."
                ),
            }
        }
        LogEvent::TimeIndexEntryRemoved { entry, .. } => format!(
            "The last time index entry, {}, came from the closing; it is taken off, and the index goes on as if \
             the log had never been closed.",
            moment(entry.timestamp)
        ),
        LogEvent::DuplicateFound { producer, base_offset, last_offset } => format!(
            "Producer {} has sent sequence {} before: it is in the log as {}. Nothing is appended, and the producer \
             gets the same answer as then.",
            producer.id,
            producer.base_sequence,
            offsets(*base_offset, *last_offset)
        ),
        LogEvent::SnapshotWritten { offset, producers: 0, .. } => format!(
            "The snapshot of offset {offset} says that no idempotent producer is known, so that no opening has to read \
             the log for that."
        ),
        LogEvent::SnapshotWritten { offset, producers, .. } => format!(
            "What is known of {} is written to the snapshot of offset {offset}, so that no opening has to read the \
             log for it.",
            count(*producers as u64, "idempotent producer", "idempotent producers")
        ),
        LogEvent::CheckpointWritten { log_start_offset, recovery_point, clean, .. } => format!(
            "The checkpoint says: the log starts at offset {log_start_offset}, and all below {recovery_point} is \
             durable{}.",
            if *clean { "; it was closed in good order" } else { "" }
        ),
        LogEvent::Flushed { segment, from, high_watermark, cause, .. } => {
            flushed(*segment, *from, *high_watermark, *cause)
        }
        event => recovery_sentence(event)
            .or_else(|| cleanup_sentence(event))
            .or_else(|| compaction_sentence(event))
            .or_else(|| time_sentence(event))
            .or_else(|| fetch_sentence(event))
            .unwrap_or_default(),
    }
}

fn cleanup_sentence(event: &LogEvent) -> Option<String> {
    Some(match event {
        LogEvent::RetentionStarted { segments, log_bytes, policy, .. } => {
            let looked = format!(
                "Retention looks at {} of {} in all, oldest first, and never at the active one",
                count(*segments as u64, "segment", "segments"),
                bytes(*log_bytes)
            );
            match policy.deletes() {
                true => format!("{looked}."),
                false => format!(
                    "{looked}. Neither time nor size counts (`cleanup.policy` = {policy}), only the log start offset."
                ),
            }
        }
        LogEvent::LogStartMoved { from, to } if from == to => {
            format!("The log start offset is {to} already.")
        }
        LogEvent::LogStartMoved { from, to } if to < from => format!(
            "The log start offset goes back from {from} to {to}: it lay inside a batch that is cut off as a whole."
        ),
        LogEvent::LogStartMoved { from, to } => {
            format!("The log start offset goes from {from} to {to}: nobody can fetch what lies below.")
        }
        LogEvent::SegmentDeleted { segment, bytes: size, reason } => {
            let why = match reason {
                DeleteReason::Time { age_ms, retention_ms } => format!(
                    "its newest record is {} old, more than {} (`retention.ms`)",
                    duration(*age_ms as u64),
                    duration(*retention_ms)
                ),
                DeleteReason::Size { log_bytes, retention_bytes } => format!(
                    "the log holds {log_bytes} bytes, and without it still at least {retention_bytes} \
                     (`retention.bytes`)"
                ),
                DeleteReason::LogStart => "all of it lies below the log start offset".to_owned(),
                DeleteReason::Truncated => "all of it lies beyond the cut".to_owned(),
            };
            format!("Segment {segment} ({}) is deleted with its indexes: {why}.", bytes(*size))
        }
        LogEvent::Truncated { from, to, .. } if from == to => {
            format!("The log ends at offset {to} already: there is nothing to cut.")
        }
        LogEvent::Truncated { segment, position, from, to, high_watermark } => format!(
            "The log is cut: segment {segment} ends at position {position}. The log end offset goes from {from} to \
             {to}, and the high watermark is {high_watermark}."
        ),
        _ => return None,
    })
}

fn time_sentence(event: &LogEvent) -> Option<String> {
    Some(match event {
        LogEvent::TimeLookUpStarted { timestamp } => {
            format!("Somebody looks for the first record at or after timestamp {}.", moment(*timestamp))
        }
        LogEvent::SegmentTooOld { segment, largest: Some(largest), .. } => format!(
            "Segment {segment} cannot hold it: the last entry of its time index, its largest timestamp, is {}.",
            moment(largest.timestamp)
        ),
        LogEvent::SegmentTooOld { segment, largest: None, .. } => {
            format!("Segment {segment} cannot hold it: no record in it has a timestamp.")
        }
        LogEvent::TimeIndexLookedUp { segment, timestamp, entries, found } => match found {
            Some(found) => format!(
                "Of {} in the time index of segment {segment}, {} → offset {} is the last at or below {timestamp}: \
                 no batch before that offset is late enough.",
                count(*entries as u64, "entry", "entries"),
                moment(found.timestamp),
                segment + u64::from(found.relative_offset)
            ),
            None => format!(
                "The time index of segment {segment} has nothing at or below {timestamp}, so the search starts at its \
                 front."
            ),
        },
        LogEvent::TimeLookUpFinished { found: Some((offset, timestamp)), batches, .. } => format!(
            "It is offset {offset}, of timestamp {}; {} had to be looked at.",
            moment(*timestamp),
            count(*batches, "batch", "batches")
        ),
        LogEvent::TimeLookUpFinished { found: None, timestamp, .. } => {
            format!("There is none: no visible record has timestamp {timestamp} or a later one.")
        }
        _ => return None,
    })
}

fn flushed(segment: u64, from: u64, high_watermark: u64, cause: FlushCause) -> String {
    let before = match cause {
        FlushCause::Requested => "",
        FlushCause::Roll => "A segment is made durable, with its index, before the next one begins. ",
        FlushCause::Truncate => "The cut is made durable. ",
        FlushCause::Close => "Closing syncs the log. ",
    };
    match high_watermark - from {
        0 => format!("{before}There was nothing new to sync: the high watermark stays at {from}."),
        records => format!(
            "{before}Segment {segment} is synced: {} now on disk. The high watermark goes from {from} to \
             {high_watermark}, and fetches see up to there.",
            match records {
                1 => "1 more offset is".to_owned(),
                records => format!("{records} more offsets are"),
            }
        ),
    }
}

fn recovery_sentence(event: &LogEvent) -> Option<String> {
    Some(match event {
        LogEvent::RecoveryStarted { segments: 0, checkpoint: CheckpointFound::Missing, .. } => {
            "The log is opened. There is nothing on disk yet.".to_owned()
        }
        LogEvent::RecoveryStarted { segments, checkpoint, .. } => {
            let found = count(*segments as u64, "segment", "segments");
            match checkpoint {
                CheckpointFound::Valid { clean: true, recovery_point, .. } => format!(
                    "The log is opened: {found}. The checkpoint says that it was closed in good order, and that all \
                     below offset {recovery_point} is durable: there is nothing to recover."
                ),
                CheckpointFound::Valid { clean: false, recovery_point, .. } => format!(
                    "The log is opened: {found}. The checkpoint says that all below offset {recovery_point} is \
                     durable, and nothing of a closing in good order: the last segment has to be checked."
                ),
                CheckpointFound::Missing => format!(
                    "The log is opened: {found}, and no checkpoint. Nothing is trusted that has not been checked."
                ),
                CheckpointFound::Damaged { reason } => format!(
                    "The log is opened: {found}. The checkpoint is useless: {reason}. Nothing is trusted that has \
                     not been checked."
                ),
            }
        }
        LogEvent::SegmentTrusted { segment, log_bytes, .. } => format!(
            "Segment {segment} ({}) is taken as it is: it was synced as a whole. Its batches are checked when they \
             are fetched.",
            bytes(*log_bytes)
        ),
        LogEvent::SegmentFound { segment, log_bytes } => {
            format!("Recovery scans segment {segment}, batch by batch: {}.", bytes(*log_bytes))
        }
        LogEvent::BatchRecovered { batch } => format!(
            "The batch at position {} is whole ({}): length, magic, CRC and offsets are right.",
            batch.position,
            batch_words(batch)
        ),
        LogEvent::TailCut { segment, position, bytes: cut, log_end_offset, reason } => format!(
            "Bytes {position} to {} of segment {segment} are no whole batch: {reason}. Recovery cuts the file \
             at {position}; the log goes on at offset {log_end_offset}. What was cut was never synced, unless \
             the disk is bad.",
            position + cut - 1
        ),
        LogEvent::IndexVerified { segment, index, entries } => format!(
            "The {} of segment {segment} is right: {}.",
            index_name(*index),
            count(*entries as u64, "entry", "entries")
        ),
        LogEvent::IndexRebuilt { segment, index, entries, fault } => {
            let index = index_name(*index);
            let fault = match fault {
                IndexFault::Missing => "is missing".to_owned(),
                IndexFault::Short { entries: 0 } => "is empty".to_owned(),
                IndexFault::Short { entries: found } => {
                    format!("ends early, after {}", count(*found as u64, "entry", "entries"))
                }
                IndexFault::Differs => "does not match the log".to_owned(),
            };
            let entries = count(*entries as u64, "entry", "entries");
            format!("The {index} of segment {segment} {fault}: it is written anew from the log, {entries}.")
        }
        LogEvent::OrphanRemoved { name } if name.ends_with(SNAPSHOT_SUFFIX) => {
            format!(
                "{name} is not as of the beginning of a segment, and has served its purpose: it is removed."
            )
        }
        LogEvent::OrphanRemoved { name }
            if [CLEANED_SUFFIX, SWAP_SUFFIX].iter().any(|end| name.ends_with(end)) =>
        {
            format!(
                "{name} was written by a compaction that was interrupted before anything depended on it: it is removed."
            )
        }
        LogEvent::OrphanRemoved { name } => format!("{name} belongs to no segment any more, and is removed."),
        LogEvent::RecoveryFinished { log_start_offset, log_end_offset }
            if log_start_offset == log_end_offset =>
        {
            format!("The log is open, and empty: the first record will get offset {log_end_offset}.")
        }
        LogEvent::RecoveryFinished { log_start_offset, log_end_offset } => format!(
            "The log is open, from offset {log_start_offset} up to {log_end_offset}. What was found is synced \
             first, so the high watermark is {log_end_offset} too."
        ),
        _ => return None,
    })
}

fn index_name(index: IndexKind) -> &'static str {
    match index {
        IndexKind::Offset => "index",
        IndexKind::Time => "time index",
    }
}
