//! A record batch taken apart: the fields of its header, and its records field by field.

use super::reader::Reader;
use super::text::{preview, utc};
use super::{Field, Form};
use crate::record::{BatchHeader, CRC_FROM, Compression, HEADER_SIZE, LOG_OVERHEAD, MAGIC, TimestampType};

/// Takes the batch at the front of `bytes` apart, which stand at `position` of the file: its header's fields, and
/// `records` with at most `max_records` of them.
///
/// The field's size is the batch's, or that of all the bytes where they are too few or its length makes no sense.
pub fn batch(bytes: &[u8], position: u64, max_records: usize) -> Field {
    let bytes = &bytes[..claimed_size(bytes).unwrap_or(bytes.len()).min(bytes.len())];
    let mut batch = Field::new("batch", position, bytes.len() as u64);
    batch.children = header(bytes, position);
    let header = BatchHeader::parse(bytes);
    if let Ok(header) = &header {
        batch.value = match (header.base_offset, header.last_offset()) {
            (first, last) if first == last => format!("offset {first}"),
            (first, last) => format!("offsets {first} up to {last}"),
        };
    }
    if let Some(rest) = bytes.get(HEADER_SIZE..).filter(|rest| !rest.is_empty()) {
        let at = position + HEADER_SIZE as u64;
        batch.children.push(match &header {
            Ok(header) => records_field(header, bytes, position, max_records),
            Err(_) => Field::new("unreadable", at, rest.len() as u64),
        });
    }
    batch
}

/// The bytes that the batch at the front claims to have, if that can be.
fn claimed_size(bytes: &[u8]) -> Option<usize> {
    let length = i32::from_be_bytes(*bytes.get(8..12)?.first_chunk()?);
    let size = usize::try_from(length).ok()? + LOG_OVERHEAD;
    (size >= HEADER_SIZE).then_some(size)
}

/// The fields of the header at the front of `bytes`, which stand at `position` of the file. The checksum is
/// looked at if the whole batch is there.
pub fn header(bytes: &[u8], position: u64) -> Vec<Field> {
    let mut reader = Reader::new(&bytes[..bytes.len().min(HEADER_SIZE)], position);
    // What cannot be read ends it: the reader has laid the blame.
    let _ = read_header(&mut reader, bytes);
    reader.into_fields()
}

fn read_header(reader: &mut Reader<'_>, bytes: &[u8]) -> Option<()> {
    let base_offset = non_negative::<8>(reader, "baseOffset")?;
    batch_length(reader, bytes.len())?;
    reader.int::<4>("partitionLeaderEpoch")?;
    let magic = reader.int::<1>("magic")?;
    if magic != i64::from(MAGIC) {
        reader.blame(format!("it is not {MAGIC}, so what follows may be of another format"));
    }
    crc(reader, bytes)?;
    attributes(reader)?;
    let delta = non_negative::<4>(reader, "lastOffsetDelta")?;
    if let Some(last) = base_offset.checked_add(delta) {
        reader.explain(&format!("last offset {last}"));
    }
    timestamp::<8>(reader, "baseTimestamp")?;
    timestamp::<8>(reader, "maxTimestamp")?;
    if reader.int::<8>("producerId")? == -1 {
        reader.explain("none");
    }
    reader.int::<2>("producerEpoch")?;
    reader.int::<4>("baseSequence")?;
    non_negative::<4>(reader, "recordsCount").map(drop)
}

fn batch_length(reader: &mut Reader<'_>, available: usize) -> Option<()> {
    let length = reader.int::<4>("batchLength")?;
    let size = length + LOG_OVERHEAD as i64;
    if size < HEADER_SIZE as i64 {
        reader.blame(format!("a batch header alone makes it {}", HEADER_SIZE - LOG_OVERHEAD));
        return Some(());
    }
    reader.explain(&format!("{size} in all"));
    if size > available as i64 {
        reader.blame(format!("{available} of the batch's {size} bytes are there"));
    }
    Some(())
}

fn crc(reader: &mut Reader<'_>, bytes: &[u8]) -> Option<()> {
    let stored = reader.int::<4>("crc")? as u32;
    reader.say(format!("{stored:08x}"));
    let claimed = claimed_size(bytes);
    let whole = claimed.and_then(|size| bytes.get(..size)).and_then(|batch| batch.get(CRC_FROM..));
    let computed = whole.map(crate::record::crc32c);
    let over = (claimed.unwrap_or(bytes.len()) - CRC_FROM) as u64;
    reader.shape(Form::Checksum { over: reader.position()..reader.position() + over, computed });
    if let Some(computed) = computed.filter(|computed| *computed != stored) {
        reader.blame(format!("the bytes give {computed:08x}"));
    }
    Some(())
}

fn attributes(reader: &mut Reader<'_>) -> Option<()> {
    let bits = reader.int::<2>("attributes")?;
    match Compression::ALL.get((bits & 0b111) as usize) {
        Some(codec) => reader.explain(&format!("codec {codec}")),
        None => reader.blame(format!("no codec has the number {}", bits & 0b111)),
    }
    for (bit, name) in [(3, "LogAppendTime"), (4, "transactional"), (5, "control"), (6, "delete horizon")] {
        if bits >> bit & 1 == 1 {
            reader.explain(name);
        }
    }
    Some(())
}

pub(super) fn non_negative<const SIZE: usize>(reader: &mut Reader<'_>, name: &'static str) -> Option<i64> {
    let value = reader.int::<SIZE>(name)?;
    if value < 0 {
        reader.blame("it is negative");
    }
    Some(value)
}

pub(super) fn timestamp<const SIZE: usize>(reader: &mut Reader<'_>, name: &'static str) -> Option<i64> {
    let ms = reader.int::<SIZE>(name)?;
    if let Some(utc) = utc(ms) {
        reader.explain(&utc);
    }
    Some(ms)
}

/// The records of a compressed batch: one field without parts, for these would have no position in the file. Who
/// wants them decompresses the batch ([`Batch::decompress`](crate::record::Batch::decompress)) and takes that apart.
fn compressed(header: &BatchHeader, size: u64, position: u64) -> Option<Field> {
    let codec = header.compression().filter(|codec| *codec != Compression::None)?;
    let mut field = Field::new("records", position, size);
    field.value = format!("{} records, compressed with {codec}", header.records_count);
    Some(field)
}

/// All the records as one field.
fn records_field(header: &BatchHeader, bytes: &[u8], position: u64, max_records: usize) -> Field {
    let at = position + HEADER_SIZE as u64;
    let size = bytes.len() as u64 - HEADER_SIZE as u64;
    if let Some(field) = compressed(header, size, at) {
        return field;
    }
    let mut field = Field::new("records", at, size);
    field.value = header.records_count.to_string();
    let mut fields = records(bytes, position);
    field.children.extend(fields.by_ref().take(max_records));
    let left = field.end() - fields.position();
    if left > 0 {
        field.children.push(Field::new("more records", fields.position(), left));
    }
    field
}

/// The records of the batch at the front of `bytes`, which stand at `position` of the file, one at a
/// time. After a record that cannot be read comes what is left, and the end. Those of a compressed batch come as
/// one field: take the [decompressed](crate::record::Batch::decompress) batch apart. Those of a batch whose header
/// does not parse do not come at all.
pub fn records(bytes: &[u8], position: u64) -> RecordFields<'_> {
    let bytes = &bytes[..claimed_size(bytes).unwrap_or(bytes.len()).min(bytes.len())];
    let header = BatchHeader::parse(bytes).ok();
    let bytes = bytes.get(HEADER_SIZE..).filter(|_| header.is_some()).unwrap_or_default();
    RecordFields { header, bytes, position: position + HEADER_SIZE as u64, index: 0, broken: false }
}

/// Takes the records of one batch apart; see [`records`].
#[derive(Debug, Clone)]
pub struct RecordFields<'a> {
    /// `None` once it has ended.
    header: Option<BatchHeader>,
    bytes: &'a [u8],
    position: u64,
    index: u32,
    /// Whether the last record could not be read.
    broken: bool,
}

impl RecordFields<'_> {
    /// What follows the records, if anything does.
    fn rest(&self) -> Option<Field> {
        if self.bytes.is_empty() {
            return None;
        }
        let name = if self.broken { "unreadable" } else { "trailing" };
        let mut rest = Field::new(name, self.position, self.bytes.len() as u64);
        if !self.broken {
            rest.blame("bytes follow the last record");
        }
        Some(rest)
    }

    /// Where in the file the next record begins.
    pub fn position(&self) -> u64 {
        self.position
    }
}

impl Iterator for RecordFields<'_> {
    type Item = Field;

    fn next(&mut self) -> Option<Field> {
        let header = self.header?;
        if let Some(field) = compressed(&header, self.bytes.len() as u64, self.position) {
            (self.header, self.position) = (None, field.end());
            return Some(field);
        }
        let field = if self.broken || self.index == header.records_count {
            self.header = None;
            self.rest()?
        } else {
            record(&header, self.index, self.bytes, self.position)
        };
        self.bytes = self.bytes.get(field.size as usize..).unwrap_or_default();
        self.position = field.end();
        self.index += 1;
        // Without a length that fits, nobody knows where the next record begins.
        self.broken = field.children.last().is_none_or(|last| last.name == "length");
        Some(field)
    }
}

/// Takes the record at the front of `bytes` apart.
fn record(header: &BatchHeader, index: u32, bytes: &[u8], position: u64) -> Field {
    let mut reader = Reader::new(bytes, position);
    let name = format!("record {index}");
    if bytes.is_empty() {
        let mut field = Field::new(name, position, 0);
        field.blame(format!("the batch ends here, and its header says {} records", header.records_count));
        return field;
    }
    let length = reader.varint("length");
    let body = length.and_then(|length| usize::try_from(length).ok());
    let body = body.and_then(|length| reader.rest().get(..length));
    let Some(body) = body else {
        if let Some(length) = length {
            let wrong = if length < 0 { "it is negative" } else { "it goes beyond the batch" };
            reader.blame(wrong);
        }
        let mut field = Field::new(name, position, reader.position() - position);
        field.children = reader.into_fields();
        return field;
    };
    let mut parts = Reader::new(body, reader.position());
    let value = read_record(header, &mut parts);
    if let Some(rest) = Some(parts.rest()).filter(|rest| !rest.is_empty()) {
        let whole = value.is_some();
        parts.bytes(if whole { "trailing" } else { "unreadable" }, rest.len() as u64);
        if whole {
            parts.blame("bytes follow the last header of the record");
        }
    }
    parts.into_fields().into_iter().for_each(|field| reader.push(field));
    let mut field = Field::new(name, position, reader.position() - position);
    field.value = value.unwrap_or_default();
    field.children = reader.into_fields();
    field
}

/// Reads what follows a record's length, and sums it up.
fn read_record(header: &BatchHeader, reader: &mut Reader<'_>) -> Option<String> {
    reader.int::<1>("recordAttributes")?;
    let delta = reader.varlong("timestampDelta")?;
    let create_time = || header.base_timestamp.checked_add(delta).and_then(utc);
    match header.timestamp_type() {
        TimestampType::CreateTime => create_time().iter().for_each(|time| reader.explain(time)),
        TimestampType::LogAppendTime => reader.explain("the log's time counts, the maxTimestamp"),
    }
    let delta = reader.varint("offsetDelta")?;
    let offset = header.base_offset.checked_add_signed(i64::from(delta));
    match offset.filter(|offset| (header.base_offset..=header.last_offset()).contains(offset)) {
        Some(offset) => reader.explain(&format!("offset {offset}")),
        None => reader.blame("no offset of the batch"),
    }
    let key = nullable(reader, "keyLength", "key")?;
    let value = nullable(reader, "valueLength", "value")?;
    headers(reader)?;
    Some(format!("offset {}: key {}, value {}", offset.unwrap_or_default(), show(key), show(value)))
}

fn headers(reader: &mut Reader<'_>) -> Option<()> {
    let count = reader.varint("headersCount")?;
    if count < 0 {
        reader.blame("it is negative");
        return None;
    }
    for index in 0..count {
        let mut parts = Reader::new(reader.rest(), reader.position());
        let read = read_one_header(&mut parts);
        let mut field =
            Field::new(format!("header {index}"), reader.position(), parts.position() - reader.position());
        field.value = read.clone().unwrap_or_default();
        field.children = parts.into_fields();
        if field.size == 0 {
            field.blame("the record ends here, and it says to have more headers");
        }
        reader.push(field);
        read?;
    }
    Some(())
}

fn read_one_header(reader: &mut Reader<'_>) -> Option<String> {
    let key = nullable(reader, "headerKeyLength", "headerKey")?;
    if key.is_none() {
        reader.blame("the name of a header cannot be null");
    }
    let value = nullable(reader, "headerValueLength", "headerValue")?;
    Some(format!("{}: {}", show(key), show(value)))
}

fn show(bytes: Option<&[u8]>) -> String {
    bytes.map_or("null".to_owned(), preview)
}

/// A length and that many bytes; −1 is null and has no bytes. The outer `None` says that it could not be read.
fn nullable<'a>(
    reader: &mut Reader<'a>,
    length_name: &'static str,
    name: &'static str,
) -> Option<Option<&'a [u8]>> {
    let length = reader.varint(length_name)?;
    if length == -1 {
        reader.explain("null");
        return Some(None);
    }
    let Ok(size) = u64::try_from(length) else {
        reader.blame("it is negative, and not −1");
        return None;
    };
    if size > reader.rest().len() as u64 {
        reader.blame(format!("{} bytes of the record are left", reader.rest().len()));
        return None;
    }
    let bytes = reader.bytes(name, size)?;
    reader.say(preview(bytes));
    Some(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::super::meaning;

    #[test]
    fn every_field_of_a_batch_has_a_meaning() {
        let names = ["baseOffset", "crc", "record 12", "headerValue", "recordsCount"];
        for name in names {
            assert_ne!(meaning::of(name), "", "{name}");
        }
        assert_eq!(meaning::of("nonsense"), "");
    }
}
