//! What compaction does, in sentences: which record of which key goes and why, and that offsets stay.

use crate::log::event::{BatchFate, Event as LogEvent, Removal};

use super::quantity::{bytes, count, duration, moment, offsets};

pub(super) fn compaction_sentence(event: &LogEvent) -> Option<String> {
    Some(match event {
        LogEvent::CompactionStarted {
            segments,
            bytes: size,
            first_dirty_offset,
            end,
            tombstones_due,
            ..
        } => started(*segments, *size, *first_dirty_offset, *end, *tombstones_due),
        LogEvent::KeysMapped { keys, first_dirty_offset, up_to, end, key_budget } => {
            mapped(*keys, *first_dirty_offset, *up_to, *end, *key_budget)
        }
        LogEvent::RecordRemoved { offset, key, why, .. } => {
            let key = key.as_deref().map(|key| format!("{:?}", String::from_utf8_lossy(key)));
            let key = key.unwrap_or_else(|| "null".to_owned());
            match why {
                Removal::Superseded { by } => {
                    format!("Offset {offset} goes: its key, {key}, has a newer record at offset {by}.")
                }
                Removal::TombstoneExpired { delete_horizon_ms } => format!(
                    "Offset {offset} goes: it is the tombstone of key {key}, and its delete horizon, \
                     {}, has come. Nothing of the key is left.",
                    moment(*delete_horizon_ms)
                ),
                Removal::NoKey => format!("Offset {offset} goes: without a key, it has no place here."),
            }
        }
        LogEvent::BatchRewritten {
            position, base_offset, last_offset, fate, delete_retention_ms, ..
        } => {
            let batch = format!("The batch at position {position} ({})", offsets(*base_offset, *last_offset));
            let its_offsets =
                if base_offset == last_offset { "Its offset stays" } else { "Its offsets stay" };
            match fate {
                BatchFate::Dropped { removed: 0 } => {
                    format!("{batch} had been kept without records, and is not needed any more: it goes.")
                }
                BatchFate::Dropped { .. } => {
                    format!("{batch} has no record left and goes as a whole. {its_offsets} unused.")
                }
                fate => format!("{batch} {}", what_becomes(*fate, *delete_retention_ms)),
            }
        }
        LogEvent::SegmentsCompacted { sources, segment, bytes_before, bytes_after, .. } => {
            let what = match sources.len() {
                1 => format!("Segment {segment} is rewritten"),
                _ => format!("Segments {} fit into one, segment {segment}", list(sources)),
            };
            format!(
                "{what}: {bytes_after} bytes instead of {bytes_before}. Its files were written as .cleaned, became \
                 .swap, and then took the old names, so that a crash at any point loses nothing."
            )
        }
        LogEvent::CompactionFinished {
            first_dirty_offset,
            end,
            records_removed,
            segments,
            bytes_before,
            bytes_after,
            delete_horizon_ms,
        } => {
            let done = match records_removed {
                0 => "Compaction is done: no record had to go".to_owned(),
                removed => format!("Compaction is done: {} went", count(*removed, "record", "records")),
            };
            let left = format!(
                "{done}, and the closed part of the log has {} in {}, instead of {bytes_before}.",
                bytes(*bytes_after),
                count(*segments as u64, "segment", "segments"),
            );
            let rest = match first_dirty_offset < end {
                true => format!(" From offset {first_dirty_offset} on there is more to do."),
                false => String::new(),
            };
            let horizon = delete_horizon_ms
                .map(|horizon| format!(" The next tombstone is due at {}.", moment(horizon)));
            left + &rest + &horizon.unwrap_or_default()
        }
        LogEvent::CompactionSkipped { policy, segments, end, delete_horizon_ms, .. } => {
            if !policy.compacts() {
                format!("Nothing is compacted: `cleanup.policy` is {policy}.")
            } else if *segments == 0 {
                "There is nothing to compact: the active segment is left alone, and there is no other."
                    .to_owned()
            } else {
                let due = delete_horizon_ms.map_or_else(
                    || "there are no tombstones to wait for".to_owned(),
                    |horizon| format!("the next tombstone is due at {}", moment(horizon)),
                );
                format!("There is nothing to compact: all below offset {end} has been, and {due}.")
            }
        }
        LogEvent::CompactionAbandoned { segments } => format!(
            "The compaction of {} comes to nothing: meanwhile the log has lost some of that. Nothing is changed.",
            count(*segments as u64, "segment", "segments")
        ),
        LogEvent::SwapsCompleted { swaps, .. } => {
            let swaps: Vec<u64> = swaps.iter().map(|(base, _)| *base).collect();
            let segments = if swaps.len() == 1 { "segment" } else { "segments" };
            format!(
                "A compaction had been interrupted after its new files were complete: they take the place of the old \
                 ones now ({segments} {}).",
                list(&swaps)
            )
        }
        _ => return None,
    })
}

fn started(segments: usize, size: u64, first_dirty_offset: u64, end: u64, tombstones_due: bool) -> String {
    let what = format!(
        "Compaction looks at {} of {}; the active segment, from offset {end} on, is left alone.",
        count(segments as u64, "closed segment", "closed segments"),
        bytes(size)
    );
    let due = if tombstones_due { " The time of some tombstones has come." } else { "" };
    match first_dirty_offset < end {
        true => format!(
            "{what} From offset {first_dirty_offset} on it is dirty: no compaction has seen that yet.{due}"
        ),
        false => format!("{what} None of it is dirty: a compaction has seen it all.{due}"),
    }
}

fn mapped(keys: usize, first_dirty_offset: u64, up_to: u64, end: u64, key_budget: usize) -> String {
    let keys = count(keys as u64, "key", "keys");
    if first_dirty_offset >= end {
        return format!("It notes the tombstones whose time has come: {keys}.");
    }
    let noted = format!(
        "It reads {} and notes the newest offset of each key: {keys}. Records at other offsets may go.",
        offsets(first_dirty_offset, up_to.saturating_sub(1).max(first_dirty_offset))
    );
    match up_to < end {
        true => {
            format!(
                "{noted} Then its {} of memory for keys are used up: what follows has to wait.",
                bytes(key_budget as u64)
            )
        }
        false => noted,
    }
}

fn what_becomes(fate: BatchFate, delete_retention_ms: u64) -> String {
    let horizon = |at: i64| {
        format!(
            "a tombstone in it stays until its delete horizon, {}: for {} from now on (`delete.retention.ms`), so that \
             whoever reads the log learns that the key is gone",
            moment(at),
            duration(delete_retention_ms)
        )
    };
    match fate {
        BatchFate::Rewritten { removed: 0, delete_horizon_ms, .. } => {
            let at = delete_horizon_ms.unwrap_or_default();
            format!("keeps all it has; {}.", horizon(at))
        }
        BatchFate::Rewritten { kept, removed, delete_horizon_ms } => {
            let horizon = delete_horizon_ms.map(|at| format!("; {}", horizon(at))).unwrap_or_default();
            format!(
                "is written anew with {kept} of its {}, at the offsets that they had{horizon}.",
                count(u64::from(kept + removed), "record", "records")
            )
        }
        BatchFate::Emptied { .. } => {
            "has no record left. Its header stays, because it holds the last sequence of its \
                                      producer, or the last offset of all."
                .to_owned()
        }
        BatchFate::Verbatim | BatchFate::Dropped { .. } => "stays as it is.".to_owned(),
    }
}

fn list(segments: &[u64]) -> String {
    let mut words: Vec<String> = segments.iter().map(u64::to_string).collect();
    let Some(last) = words.pop() else { return String::new() };
    if words.is_empty() { last } else { format!("{} and {last}", words.join(", ")) }
}
