//! A file taken apart: what each stretch of its bytes is. It is read from the bytes alone.

use std::ops::Range;

use logscope::log::CHECKPOINT_FILE;
use logscope::record::Batch;
use logscope::segment::{INDEX_SUFFIX, LOG_SUFFIX, SNAPSHOT_SUFFIX, TIME_INDEX_SUFFIX, parse_file_name};

use super::batch_detail::Field;
use super::format::{count, offsets, text, timestamp};
use crate::text::file_field_meaning as meaning;

/// So many bytes of a file are taken apart.
pub(crate) const SHOWN: usize = 2048;

/// A file taken apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FileDetail {
    /// Its first bytes.
    pub(crate) bytes: Vec<u8>,
    /// What they are, in order; together they cover them.
    pub(crate) fields: Vec<Field>,
    /// Bytes in the whole file.
    pub(crate) size: u64,
}

/// Takes a file apart of which these are the first bytes.
pub(crate) fn read(name: &str, bytes: Vec<u8>, size: u64) -> FileDetail {
    let base = |suffix| parse_file_name(name, suffix);
    let mut fields = if let Some(segment) = base(INDEX_SUFFIX) {
        entries(&bytes, 8, |entry| {
            format!("{} → position {}", segment + number(&entry[..4]), number(&entry[4..]))
        })
    } else if let Some(segment) = base(TIME_INDEX_SUFFIX) {
        entries(&bytes, 12, |entry| {
            let time = number(&entry[..8]) as i64;
            format!("{time} · {} → offset {}", timestamp(time), segment + number(&entry[8..]))
        })
    } else if base(SNAPSHOT_SUFFIX).is_some() {
        snapshot(&bytes)
    } else if name == CHECKPOINT_FILE {
        lines(&bytes)
    } else if base(LOG_SUFFIX).is_some() {
        batches(&bytes)
    } else {
        Vec::new()
    };
    let known = fields.last().map_or(0, |field| field.at.end);
    if known < bytes.len() {
        let more = size > bytes.len() as u64;
        fields.push(field(if more { "…" } else { "rest" }, known..bytes.len(), String::new()));
    }
    FileDetail { bytes, fields, size }
}

fn field(name: &str, at: Range<usize>, value: String) -> Field {
    Field { name: name.to_owned().into(), at, value, meaning: meaning(name) }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn entries(bytes: &[u8], size: usize, value: impl Fn(&[u8]) -> String) -> Vec<Field> {
    let entry = |(at, entry): (usize, &[u8])| field("entry", at * size..(at + 1) * size, value(entry));
    bytes.chunks_exact(size).enumerate().map(entry).collect()
}

/// A snapshot of what is known of producers: a head, and entries of fields of a fixed size.
fn snapshot(bytes: &[u8]) -> Vec<Field> {
    const HEAD: [(&str, usize); 3] = [("version", 2), ("crc", 4), ("count", 4)];
    const ENTRY: [(&str, usize); 8] = [
        ("producerId", 8),
        ("producerEpoch", 2),
        ("lastSequence", 4),
        ("lastOffset", 8),
        ("offsetDelta", 4),
        ("timestamp", 8),
        ("coordinatorEpoch", 4),
        ("currentTxnFirstOffset", 8),
    ];
    let mut fields = Vec::new();
    let mut at = 0;
    for (name, size) in HEAD.into_iter().chain(ENTRY.into_iter().cycle()) {
        let Some(value) = bytes.get(at..at + size) else { break };
        let value = match (name, number(value)) {
            ("crc", crc) => format!("{crc:08x}"),
            ("timestamp", ms) => format!("{} · {}", ms as i64, timestamp(ms as i64)),
            // All numbers are signed, and −1 is none.
            (_, value) => (((value << (64 - 8 * size)) as i64) >> (64 - 8 * size)).to_string(),
        };
        fields.push(field(name, at..at + size, value));
        at += size;
    }
    fields
}

/// The lines of a text, each a key and a value.
fn lines(bytes: &[u8]) -> Vec<Field> {
    let mut at = 0;
    let line = |line: &[u8]| {
        let space = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
        let (key, value) = line.split_at(space);
        at += line.len();
        field(&text(key.trim_ascii()), at - line.len()..at, text(value.trim_ascii()))
    };
    bytes.split_inclusive(|byte| *byte == b'\n').map(line).collect()
}

fn batches(bytes: &[u8]) -> Vec<Field> {
    let (mut fields, mut rest) = (Vec::new(), bytes);
    while let Ok((batch, after)) = Batch::parse(rest) {
        let header = batch.header();
        let range = bytes.len() - rest.len()..bytes.len() - after.len();
        let records = count(u64::from(header.records_count), "record", "records");
        let value = format!("offset {} · {records}", offsets(header.base_offset, header.last_offset()));
        fields.push(field("batch", range, value));
        rest = after;
    }
    fields
}

#[cfg(test)]
mod tests {
    use logscope::lab::Lab;
    use logscope::storage::MemoryStorage;

    use super::*;

    fn detail(name: &str) -> FileDetail {
        let mut lab = Lab::new(MemoryStorage::new());
        lab.run_line("append hello key=k count=9 producer=7").unwrap();
        lab.run_line("reopen").unwrap();
        let bytes = lab.read_file(name, 0, SHOWN).unwrap();
        let size = bytes.len() as u64;
        read(name, bytes, size)
    }

    fn values(detail: &FileDetail) -> Vec<String> {
        let mut end = 0;
        for field in &detail.fields {
            assert!(field.at.start == end && field.name != "rest", "{field:?}");
            assert!(!field.meaning.is_empty(), "{} has no meaning", field.name);
            end = field.at.end;
        }
        assert_eq!(end, detail.bytes.len());
        detail.fields.iter().map(|field| format!("{} {}", field.name, field.value)).collect()
    }

    #[test]
    fn every_file_of_a_log_is_known_to_its_last_byte() {
        let index = values(&detail("00000000000000000006.index"));
        assert_eq!(index, ["entry 8 → position 148"]);
        let time_index = values(&detail("00000000000000000006.timeindex"));
        assert_eq!(time_index, ["entry 1767225608000 · 2026-01-01 00:00:08 → offset 8"]);
        let snapshot = values(&detail("00000000000000000006.snapshot"));
        assert_eq!(snapshot[0], "version 1");
        assert_eq!(snapshot[2..5], ["count 5", "producerId 7", "producerEpoch 0"]);
        assert_eq!(snapshot[10], "currentTxnFirstOffset -1");
        let checkpoint = values(&detail("checkpoint"));
        assert!(checkpoint.contains(&"recovery-point 9".to_owned()), "{checkpoint:?}");
        let log = values(&detail("00000000000000000006.log"));
        assert_eq!(
            log,
            ["batch offset 6 · 1 record", "batch offset 7 · 1 record", "batch offset 8 · 1 record"]
        );
    }

    #[test]
    fn bytes_that_are_nothing_are_the_rest() {
        for (name, bytes) in
            [("00000000000000000006.index", 11), ("00000000000000000000.log", 70), ("stray", 5)]
        {
            let detail = read(name, vec![0; bytes], bytes as u64);
            let last = detail.fields.last().unwrap();
            assert_eq!((&*last.name, last.at.end), ("rest", bytes), "{name}");
        }
        assert!(read("checkpoint", Vec::new(), 0).fields.is_empty());
    }
}
