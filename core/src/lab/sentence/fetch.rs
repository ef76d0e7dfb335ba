//! What a fetch does, in sentences: each comparison, each hop of the scan, each byte of the budget.

use crate::log::event::{Event as LogEvent, StoppedBy};
use crate::segment::IndexEntry;

use super::quantity::{batch_words, bytes, count};

pub(super) fn fetch_sentence(event: &LogEvent) -> Option<String> {
    Some(match event {
        LogEvent::FetchStarted { offset, max_bytes, high_watermark, log_end_offset } => {
            fetch_started(*offset, *max_bytes, *high_watermark, *log_end_offset)
        }
        LogEvent::IndexRejected { segment, entry } => format!(
            "The index of segment {segment} is damaged: at position {} begins no batch that starts at or below \
             offset {}. The scan starts at position 0 instead.",
            entry.position,
            segment + u64::from(entry.relative_offset)
        ),
        LogEvent::FloorSegmentFound { segment, segments: 1, .. } => {
            format!("Segment {segment} is the only one, and so the floor segment.")
        }
        LogEvent::FloorSegmentFound { segment, offset, segments } => format!(
            "Of {}, segment {segment} is the one with the largest base offset at or below {offset}: the floor \
             segment.",
            count(*segments as u64, "segment", "segments")
        ),
        LogEvent::IndexLookedUp { segment, offset, entries, found, position: _, probes } => {
            looked_up(*segment, *offset, *entries, *found) + &compared(*segment, *offset, probes)
        }
        LogEvent::BatchSkipped { last_offset, size, offset, .. } => format!(
            "The batch ends at offset {last_offset}, before {offset}: the scan reads its header and hops over \
             its {size} bytes."
        ),
        LogEvent::ScanFinished { segment, found: false, offset, .. } => {
            format!("The scan came to the end of segment {segment}: no batch in it reaches offset {offset}.")
        }
        LogEvent::ScanFinished { position, batches, bytes: scanned, offset, .. } => match batches {
            0 => format!(
                "The scan is there at once: the batch at position {position} reaches offset {offset}."
            ),
            batches => format!(
                "The scan is there: it hopped over {} ({}) before the batch at position {position}, the first \
                 that reaches offset {offset}.",
                count(*batches, "batch", "batches"),
                bytes(*scanned)
            ),
        },
        LogEvent::BatchFetched { batch, used, max_bytes } => format!(
            "The batch ({}) fits: {used} of {} are used. Its CRC is right.",
            batch_words(batch),
            bytes(*max_bytes)
        ),
        LogEvent::FirstBatchWhole { batch, max_bytes, .. } => format!(
            "The first batch ({}) is larger than `max_bytes` = {max_bytes} and comes whole all the same; \
             otherwise this reader would never get on (KIP-74).",
            bytes(u64::from(batch.size))
        ),
        LogEvent::NextSegmentEntered { segment, used, max_bytes } => format!(
            "The segment ends, and {used} of {} are used: the fetch goes on in segment {segment}.",
            bytes(*max_bytes)
        ),
        LogEvent::FetchStopped { by, used, max_bytes, next_offset, next_batch_size } => {
            fetch_stopped(*by, *used, *max_bytes, *next_offset, *next_batch_size)
        }
        _ => return None,
    })
}

fn fetch_started(offset: u64, max_bytes: u64, high_watermark: u64, log_end_offset: u64) -> String {
    let wish = format!("A reader asks for {} from offset {offset} on", bytes(max_bytes));
    if offset == log_end_offset {
        format!("{wish}. That is the log end offset: nothing is there yet.")
    } else if offset >= high_watermark {
        format!(
            "{wish}. The high watermark is {high_watermark}: what lies above is not synced, and a crash could \
             still take it back."
        )
    } else {
        format!("{wish}; it may see what lies below the high watermark, {high_watermark}.")
    }
}

fn looked_up(segment: u64, offset: u64, entries: usize, found: Option<IndexEntry>) -> String {
    let among = count(entries as u64, "entry", "entries");
    match found {
        Some(entry) if segment + u64::from(entry.relative_offset) > offset => format!(
            "Of {among} in the index of segment {segment}, {} → {} is the first above {offset}. Its batch begins no \
             later, so the scan starts with it, at position {1}.",
            segment + u64::from(entry.relative_offset),
            entry.position
        ),
        Some(entry) if entries == 1 => format!(
            "The one entry in the index of segment {segment}, {} → {}, is at or below {offset}, so the scan starts \
             at position {1}.",
            segment + u64::from(entry.relative_offset),
            entry.position
        ),
        Some(entry) => {
            let (entry_offset, position) = (segment + u64::from(entry.relative_offset), entry.position);
            format!(
                "Of {among} in the index of segment {segment}, {entry_offset} → {position} is the largest at or \
                 below {offset}, so the scan starts at position {position}."
            )
        }
        None if entries == 0 => {
            format!("The index of segment {segment} is empty, so the scan starts at position 0.")
        }
        None if entries == 1 => format!(
            "The one entry in the index of segment {segment} lies above {offset}, so the scan starts at position 0."
        ),
        None => format!(
            "All of the {among} in the index of segment {segment} lie above {offset}, so the scan starts at \
             position 0."
        ),
    }
}

/// The comparisons of a search, if there is more to it than looking at the one entry.
fn compared(segment: u64, offset: u64, probes: &[IndexEntry]) -> String {
    let [_, _, ..] = probes else { return String::new() };
    let comparisons: Vec<String> = probes
        .iter()
        .map(|probe| {
            let entry = segment + u64::from(probe.relative_offset);
            format!("{entry} {} {offset}", if entry <= offset { "≤" } else { ">" })
        })
        .collect();
    format!(" It compared {}.", comparisons.join(", "))
}

fn fetch_stopped(
    by: StoppedBy,
    used: u64,
    max_bytes: u64,
    next_offset: u64,
    next_batch_size: Option<u32>,
) -> String {
    let on = format!("The reader goes on at offset {next_offset}.");
    let used = match used > max_bytes {
        true => format!("{} are in the answer, more than `max_bytes` = {max_bytes}", bytes(used)),
        false => format!("{used} of {} {} used", bytes(max_bytes), if max_bytes == 1 { "is" } else { "are" }),
    };
    match (by, next_batch_size) {
        (StoppedBy::MaxBytes, Some(next)) => {
            format!("{used}, and the next batch needs {next}: the fetch stops (`max_bytes`). {on}")
        }
        (StoppedBy::MaxBytes, None) => format!("{used}: the fetch stops (`max_bytes`). {on}"),
        (StoppedBy::HighWatermark, _) => {
            format!("{used}, and what follows is not synced yet: the fetch stops at the high watermark. {on}")
        }
        (StoppedBy::LogEnd, _) => format!("{used}, and there is nothing more: the log ends here. {on}"),
    }
}
