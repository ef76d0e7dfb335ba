//! Numbers as a person says them.

use crate::dump::utc;
use crate::log::event::BatchInfo;
use crate::record::Compression;

/// Milliseconds as a person says them: `8 days 5 seconds`.
pub(super) fn duration(ms: u64) -> String {
    const UNITS: [(u64, &str, &str); 5] = [
        (86_400_000, "day", "days"),
        (3_600_000, "hour", "hours"),
        (60_000, "minute", "minutes"),
        (1_000, "second", "seconds"),
        (1, "ms", "ms"),
    ];
    let mut rest = ms;
    let parts = UNITS.map(|(unit, one, many)| {
        let number = rest / unit;
        rest %= unit;
        (number > 0).then(|| count(number, one, many))
    });
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "0 ms".to_owned() } else { parts.join(" ") }
}

pub(super) fn offsets(base_offset: u64, last_offset: u64) -> String {
    match base_offset == last_offset {
        true => format!("offset {base_offset}"),
        false => format!("offsets {base_offset} to {last_offset}"),
    }
}

pub(super) fn batch_words(batch: &BatchInfo) -> String {
    let records = count(u64::from(batch.records), "record", "records");
    let size = bytes(u64::from(batch.size));
    let codec = match batch.compression {
        Compression::None => String::new(),
        codec => format!(", compressed with {codec}"),
    };
    format!("{}, {records}, {size}{codec}", offsets(batch.base_offset, batch.last_offset))
}

pub(super) fn bytes(count_: u64) -> String {
    count(count_, "byte", "bytes")
}

pub(super) fn count(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A timestamp as the files have it, and as a person reads it.
pub(super) fn moment(timestamp: i64) -> String {
    match utc(timestamp) {
        Some(utc) => format!("{timestamp} ({utc})"),
        None => timestamp.to_string(),
    }
}
