//! A batch taken apart: the fields of its header, where each stands, what it says and what it means, and the
//! records. It is read from the bytes alone.

use std::borrow::Cow;
use std::ops::Range;

use logscope::record::{
    BATCH_LENGTH_AT, Batch, BatchHeader, CRC_AT, CRC_FROM, Compression, HEADER_SIZE, NO_PRODUCER,
};

use super::format::timestamp;
use crate::text::meaning;

/// The most that a batch's records may take decompressed, in bytes.
const MAX_DECOMPRESSED: u64 = 16 << 20;

/// A batch taken apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BatchDetail {
    /// The bytes as they stand in the file.
    pub(crate) bytes: Vec<u8>,
    /// The fields of the header, in order; together they cover it.
    pub(crate) fields: Vec<Field>,
    /// The records, or why they can't be read.
    pub(crate) records: Result<Vec<RecordDetail>, String>,
    /// What the checksum says about the bytes.
    pub(crate) crc: Result<(), String>,
}

/// A stretch of bytes that says one thing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    /// Kafka's name for it.
    pub(crate) name: Cow<'static, str>,
    /// Its bytes, counted from the first that is shown.
    pub(crate) at: Range<usize>,
    /// What it holds.
    pub(crate) value: String,
    /// What that means.
    pub(crate) meaning: &'static str,
}

/// A record of the batch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RecordDetail {
    pub(crate) offset: u64,
    pub(crate) timestamp: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
}

/// Takes a batch apart.
///
/// # Errors
/// Why the bytes are no batch, in words for a person.
pub(crate) fn read(bytes: Vec<u8>) -> Result<BatchDetail, String> {
    let (batch, _) = Batch::parse(&bytes).map_err(|error| error.to_string())?;
    let crc = batch.verify().map_err(|error| error.to_string());
    let fields = fields(batch.header());
    let records = records(&batch);
    Ok(BatchDetail { fields, records, crc, bytes })
}

/// The records, decompressed if they must be.
fn records(batch: &Batch<'_>) -> Result<Vec<RecordDetail>, String> {
    let mut plain = Vec::new();
    let batch = batch.plain(MAX_DECOMPRESSED, &mut plain).map_err(|error| error.to_string())?;
    let records = batch.records().map(|record| {
        let record = record.map_err(|error| error.to_string())?;
        let own = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
        let (key, value) = (own(record.key), own(record.value));
        Ok(RecordDetail { offset: record.offset, timestamp: record.timestamp, key, value })
    });
    records.collect()
}

/// The field that a byte of the batch belongs to; `None` for the records' bytes.
pub(crate) fn field_at(fields: &[Field], byte: usize) -> Option<usize> {
    fields.iter().position(|field| field.at.contains(&byte))
}

fn fields(header: &BatchHeader) -> Vec<Field> {
    let codec = header.compression().unwrap_or(Compression::None);
    let time = |ms: i64| format!("{ms} · {}", timestamp(ms));
    let producer = header.producer;
    let no_producer = if producer == NO_PRODUCER { " · none" } else { "" };
    let rows = [
        ("baseOffset", 0, header.base_offset.to_string()),
        ("batchLength", BATCH_LENGTH_AT, format!("{} · {} in all", header.size - 12, header.size)),
        ("partitionLeaderEpoch", 12, header.partition_leader_epoch.to_string()),
        ("magic", 16, logscope::record::MAGIC.to_string()),
        ("crc", CRC_AT, format!("{:08x}", header.crc)),
        ("attributes", CRC_FROM, format!("{} · codec {codec}", header.attributes)),
        (
            "lastOffsetDelta",
            23,
            format!("{} · last offset {}", header.last_offset_delta, header.last_offset()),
        ),
        ("baseTimestamp", 27, time(header.base_timestamp)),
        ("maxTimestamp", 35, time(header.max_timestamp)),
        ("producerId", 43, format!("{}{no_producer}", producer.id)),
        ("producerEpoch", 51, producer.epoch.to_string()),
        ("baseSequence", 53, producer.base_sequence.to_string()),
        ("recordsCount", 57, header.records_count.to_string()),
    ];
    let ends: Vec<usize> = rows.iter().skip(1).map(|row| row.1).chain([HEADER_SIZE]).collect();
    rows.into_iter()
        .zip(ends)
        .map(|((name, from, value), end)| Field {
            name: name.into(),
            at: from..end,
            value,
            meaning: meaning(name),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes() -> Vec<u8> {
        let mut lab = logscope::lab::Lab::new(logscope::storage::MemoryStorage::new());
        lab.run_line("append one two key=k").unwrap();
        lab.read_file("00000000000000000000.log", 0, 4096).unwrap()
    }

    #[test]
    fn the_fields_cover_the_header_without_gaps() {
        let detail = read(bytes()).unwrap();
        let mut end = 0;
        for field in &detail.fields {
            assert_eq!(field.at.start, end, "{}", field.name);
            assert!(!field.meaning.is_empty(), "{} has no meaning", field.name);
            end = field.at.end;
        }
        assert_eq!(end, HEADER_SIZE);
        assert_eq!(field_at(&detail.fields, 18), Some(4));
        assert_eq!(field_at(&detail.fields, HEADER_SIZE), None);
    }

    #[test]
    fn values_and_records_come_from_the_bytes() {
        let detail = read(bytes()).unwrap();
        let value = |name| &detail.fields.iter().find(|field| field.name == name).unwrap().value;
        assert_eq!(value("lastOffsetDelta"), "1 · last offset 1");
        assert_eq!(value("producerId"), "-1 · none");
        assert_eq!(
            value("batchLength"),
            &format!("{} · {} in all", detail.bytes.len() - 12, detail.bytes.len())
        );
        assert_eq!(detail.crc, Ok(()));
        let records = detail.records.unwrap();
        assert_eq!(records.len(), 2);
        assert_eq!((records[1].offset, records[1].value.as_deref()), (1, Some(&b"two"[..])));
    }

    #[test]
    fn a_flipped_byte_shows_in_the_checksum() {
        let mut bytes = bytes();
        let last = bytes.len() - 2;
        bytes[last] ^= 0xff;
        assert!(read(bytes).unwrap().crc.unwrap_err().contains("CRC"));
        assert!(read(vec![0; 10]).unwrap_err().contains("bytes"));
    }
}
