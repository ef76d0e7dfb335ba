//! `.log` files: a line a batch, and a line a record.

use std::fmt;
use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use logscope::File as _;
use logscope::dump::{self, BatchWalker};
use logscope::record::{Batch, BatchError, BatchHeader, Compression, Producer, Record};
use serde::{Serialize, Serializer};

use super::out::Out;
use super::{Detail, Failed, Input};

const DAMAGED: &str = "Damaged bytes in";
const NOT_CONSECUTIVE: &str = "Non-consecutive offsets in";

/// The most bytes that are shown of what is no batch, or of a batch whose checksum is wrong.
const MAX_DAMAGED: u64 = 1 << 20;
/// The most bytes that a batch's records may decompress to, to be shown.
const MAX_DECOMPRESSED: u64 = 256 << 20;

pub(super) fn dump(input: &Input<'_>, base: u64, detail: Detail, out: &mut Out) -> Result<(), Failed> {
    out.remark(format_args!("Log starting offset: {base}"))?;
    let mut walker = BatchWalker::new(&input.file, 0, input.len);
    let mut last_offset = None;
    while let Some(header) = walker.advance().map_err(Failed::input)? {
        let position = walker.position();
        let header = match header {
            Ok(header) => header,
            Err(reason) => return trailing(input, position, &reason, detail, out),
        };
        let valid = walker.verify().map_err(Failed::input)?;
        out.print(&BatchLine { header: &header, position, valid: valid.is_ok() })?;
        if let Err(reason) = &valid {
            out.fault(DAMAGED, format!("position {position}: {reason}"));
        }
        let shown = detail != Detail::Summary && (valid.is_ok() || u64::from(header.size) <= MAX_DAMAGED);
        if !shown {
            follow(&mut last_offset, header.base_offset, out);
            last_offset = last_offset.max(Some(header.last_offset()));
            continue;
        }
        let bytes = walker.bytes().map_err(Failed::input)?;
        match detail {
            Detail::Hex => {
                follow(&mut last_offset, header.base_offset, out);
                last_offset = last_offset.max(Some(header.last_offset()));
                hex(bytes, position, out)?;
            }
            _ => records(bytes, position, &mut last_offset, out)?,
        }
    }
    Ok(())
}

/// Compares an offset with the one before. Holes are as normal as compaction is; steps back are not.
fn follow(last_offset: &mut Option<u64>, offset: u64, out: &mut Out) {
    if let Some(last) = last_offset.replace(offset)
        && last.checked_add(1) != Some(offset)
    {
        let line = format!("{last} is followed by {offset}");
        match offset > last {
            true => out.unusual(NOT_CONSECUTIVE, line),
            false => out.fault(NOT_CONSECUTIVE, line),
        }
    }
}

/// The file's end is no batch.
fn trailing(
    input: &Input<'_>,
    position: u64,
    reason: &BatchError,
    detail: Detail,
    out: &mut Out,
) -> Result<(), Failed> {
    let left = input.len - position;
    out.remark(format_args!("Found {left} invalid bytes at the end of {}", input.name()))?;
    out.fault(DAMAGED, format!("position {position}: {reason}"));
    if detail == Detail::Hex {
        let mut bytes = vec![0; left.min(MAX_DAMAGED) as usize];
        let read = input.file.read_at(position, &mut bytes).map_err(Failed::input)?;
        bytes.truncate(read);
        out.field(&dump::batch(&bytes, position, usize::MAX), &bytes, position)?;
    }
    Ok(())
}

fn hex(bytes: &[u8], position: u64, out: &mut Out) -> io::Result<()> {
    for field in dump::header(bytes, position) {
        out.field(&field, bytes, position)?;
    }
    // The records one at a time: a batch of small ones, taken apart, is many times its size.
    for field in dump::records(bytes, position) {
        out.field(&field, bytes, position)?;
    }
    let Some(decompressed) = decompress(bytes, position, out) else { return Ok(()) };
    out.remark(
        "The same records, decompressed: positions count from the front of a batch that is not compressed",
    )?;
    for mut field in dump::records(&decompressed, 0) {
        field.name = format!("decompressed {}", field.name).into();
        out.field(&field, &decompressed, 0)?;
    }
    Ok(())
}

/// The batch without its compression, if it has any that can be undone.
fn decompress(bytes: &[u8], position: u64, out: &mut Out) -> Option<Vec<u8>> {
    let (batch, _) = Batch::parse(bytes).ok()?;
    batch.compressed()?;
    let mut decompressed = Vec::new();
    match batch.decompress(MAX_DECOMPRESSED, &mut decompressed) {
        Ok(()) => return Some(decompressed),
        Err(reason @ BatchError::Codec { .. }) => {
            out.fault(DAMAGED, format!("position {position}: {reason}"))
        }
        Err(reason) => out.unusual("Records that are not shown of", format!("position {position}: {reason}")),
    }
    None
}

fn records(bytes: &[u8], position: u64, last_offset: &mut Option<u64>, out: &mut Out) -> Result<(), Failed> {
    let decompressed = decompress(bytes, position, out);
    let Ok((batch, _)) = Batch::parse(decompressed.as_deref().unwrap_or(bytes)) else { return Ok(()) };
    let header = *batch.header();
    for record in batch.records() {
        match record {
            Ok(record) => {
                follow(last_offset, record.offset, out);
                out.print(&RecordLine { header: &header, record: &record })?;
            }
            // Why, was said.
            Err(BatchError::Compressed(_)) => {
                follow(last_offset, header.base_offset, out);
                *last_offset = (*last_offset).max(Some(header.last_offset()));
            }
            Err(reason) => out.fault(DAMAGED, format!("position {position}: {reason}")),
        }
    }
    Ok(())
}

/// The sequence number so many records on; a producer without an id has none.
fn sequence(producer: Producer, delta: u32) -> i32 {
    if producer.base_sequence < 0 { -1 } else { producer.sequence_after(delta) }
}

/// A batch, as Kafka prints it.
struct BatchLine<'a> {
    header: &'a BatchHeader,
    position: u64,
    valid: bool,
}

impl BatchLine<'_> {
    fn codec(&self) -> Compression {
        self.header.compression().unwrap_or(Compression::None)
    }
}

impl fmt::Display for BatchLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = self.header;
        let producer = header.producer;
        write!(
            f,
            "baseOffset: {} lastOffset: {} count: {} baseSequence: {} lastSequence: {} producerId: {} \
             producerEpoch: {} partitionLeaderEpoch: {} isTransactional: {} isControl: {} deleteHorizonMs: ",
            header.base_offset,
            header.last_offset(),
            header.records_count,
            producer.base_sequence,
            sequence(producer, header.last_offset_delta),
            producer.id,
            producer.epoch,
            header.partition_leader_epoch,
            header.is_transactional(),
            header.is_control(),
        )?;
        match header.delete_horizon_ms() {
            Some(horizon) => write!(f, "OptionalLong[{horizon}]")?,
            None => write!(f, "OptionalLong.empty")?,
        }
        write!(
            f,
            " position: {} {}: {} size: {} magic: 2 compresscodec: {} crc: {} isvalid: {}",
            self.position,
            header.timestamp_type(),
            header.max_timestamp,
            header.size,
            self.codec(),
            header.crc,
            self.valid,
        )
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchObject {
    base_offset: u64,
    last_offset: u64,
    count: u32,
    base_sequence: i32,
    last_sequence: i32,
    producer_id: i64,
    producer_epoch: i16,
    partition_leader_epoch: i32,
    is_transactional: bool,
    is_control: bool,
    delete_horizon_ms: Option<i64>,
    position: u64,
    timestamp_type: String,
    max_timestamp: i64,
    size: u32,
    magic: i8,
    #[serde(rename = "compresscodec")]
    codec: String,
    crc: u32,
    #[serde(rename = "isvalid")]
    valid: bool,
}

impl Serialize for BatchLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let header = self.header;
        let object = BatchObject {
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
            count: header.records_count,
            base_sequence: header.producer.base_sequence,
            last_sequence: sequence(header.producer, header.last_offset_delta),
            producer_id: header.producer.id,
            producer_epoch: header.producer.epoch,
            partition_leader_epoch: header.partition_leader_epoch,
            is_transactional: header.is_transactional(),
            is_control: header.is_control(),
            delete_horizon_ms: header.delete_horizon_ms(),
            position: self.position,
            timestamp_type: header.timestamp_type().to_string(),
            max_timestamp: header.max_timestamp,
            size: header.size,
            magic: logscope::record::MAGIC,
            codec: self.codec().to_string(),
            crc: header.crc,
            valid: self.valid,
        };
        object.serialize(serializer)
    }
}

/// A record, as Kafka prints it.
struct RecordLine<'a> {
    header: &'a BatchHeader,
    record: &'a Record<'a>,
}

impl RecordLine<'_> {
    fn sequence(&self) -> i32 {
        let delta = self.record.offset - self.header.base_offset;
        sequence(self.header.producer, delta as u32)
    }
}

/// The size as Kafka has it, where null has −1.
fn size(bytes: Option<&[u8]>) -> i64 {
    bytes.map_or(-1, |bytes| bytes.len() as i64)
}

impl fmt::Display for RecordLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { offset, key, value, headers, .. } = *self.record;
        let header_keys: Vec<_> = headers.map(|header| String::from_utf8_lossy(header.key)).collect();
        write!(
            f,
            "| offset: {offset} {}: {} keySize: {} valueSize: {} sequence: {} headerKeys: [{}]",
            self.header.timestamp_type(),
            self.record.timestamp,
            size(key),
            size(value),
            self.sequence(),
            header_keys.join(","),
        )?;
        if self.header.is_control() {
            return control(f, key, value);
        }
        if let Some(key) = key {
            write!(f, " key: {}", String::from_utf8_lossy(key))?;
        }
        if let Some(value) = value {
            write!(f, " payload: {}", String::from_utf8_lossy(value))?;
        }
        Ok(())
    }
}

/// The marker at the end of a transaction: its key is a version and a type, its value a version and the
/// coordinator's epoch.
fn control(f: &mut fmt::Formatter<'_>, key: Option<&[u8]>, value: Option<&[u8]>) -> fmt::Result {
    let number = |bytes: Option<&[u8]>| Some(i16::from_be_bytes(*bytes?.get(2..)?.first_chunk()?));
    let epoch = value.and_then(|value| value.get(2..)?.first_chunk()).map(|bytes| i32::from_be_bytes(*bytes));
    match (number(key), epoch) {
        (Some(0), Some(epoch)) => write!(f, " endTxnMarker: ABORT coordinatorEpoch: {epoch}"),
        (Some(1), Some(epoch)) => write!(f, " endTxnMarker: COMMIT coordinatorEpoch: {epoch}"),
        (Some(kind), _) => write!(f, " controlType: UNKNOWN({kind})"),
        (None, _) => Ok(()),
    }
}

/// Bytes as text where they are UTF-8, else in base64 under another name; null stays null.
#[derive(Serialize)]
struct RecordObject<'a> {
    offset: u64,
    #[serde(rename = "timestampType")]
    timestamp_type: String,
    timestamp: i64,
    sequence: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_base64: Option<String>,
    headers: Vec<HeaderObject<'a>>,
}

#[derive(Serialize)]
struct HeaderObject<'a> {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
}

/// As text, or else in base64; one of them is there.
fn text_or_base64(bytes: Option<&[u8]>) -> (Option<Option<&str>>, Option<String>) {
    match bytes.map(std::str::from_utf8) {
        None => (Some(None), None),
        Some(Ok(text)) => (Some(Some(text)), None),
        Some(Err(_)) => (None, bytes.map(|bytes| STANDARD.encode(bytes))),
    }
}

impl Serialize for RecordLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (key, key_base64) = text_or_base64(self.record.key);
        let (payload, payload_base64) = text_or_base64(self.record.value);
        let headers = self.record.headers.map(|header| {
            let (value, value_base64) = text_or_base64(header.value);
            HeaderObject { name: String::from_utf8_lossy(header.key).into_owned(), value, value_base64 }
        });
        let object = RecordObject {
            offset: self.record.offset,
            timestamp_type: self.header.timestamp_type().to_string(),
            timestamp: self.record.timestamp,
            sequence: self.sequence(),
            key,
            key_base64,
            payload,
            payload_base64,
            headers: headers.collect(),
        };
        object.serialize(serializer)
    }
}
