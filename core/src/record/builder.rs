//! Encoding records into a batch.

use super::BatchError;
use super::batch::{
    CRC_AT, CRC_FROM, HEADER_SIZE, LOG_OVERHEAD, MAGIC, NO_PRODUCER, Producer, RECORDS_MAX, seal,
};
use super::compression::Compression;
use super::record::Header;
use super::varint::{varint_size, varlong_size, write_varlong};

/// A record to be appended. A null key or value is `None`; an empty one is `Some(b"")`.
#[derive(Debug, Clone, Copy, Default)]
pub struct NewRecord<'a> {
    /// Milliseconds since the Unix epoch; without one, the append's `now_ms` is taken.
    pub timestamp: Option<i64>,
    /// What the record is about.
    pub key: Option<&'a [u8]>,
    /// The payload.
    pub value: Option<&'a [u8]>,
    /// Headers, kept in order.
    pub headers: &'a [Header<'a>],
}

impl<'a> NewRecord<'a> {
    /// A record with a value and nothing else.
    pub fn value(value: &'a [u8]) -> Self {
        Self { value: Some(value), ..Self::default() }
    }

    /// A record with a key and a value.
    pub fn key_value(key: &'a [u8], value: &'a [u8]) -> Self {
        Self { key: Some(key), value: Some(value), ..Self::default() }
    }
}

/// What a batch's header holds beside what follows from its records.
#[derive(Debug, Clone, Copy)]
pub struct BatchMeta {
    /// The first record's offset; a log assigns its own on append.
    pub base_offset: u64,
    /// The leader's epoch; 0 in a log that has known one leader.
    pub partition_leader_epoch: i32,
    /// Who produces.
    pub producer: Producer,
    /// How the records are compressed.
    pub compression: Compression,
}

impl Default for BatchMeta {
    fn default() -> Self {
        let (base_offset, partition_leader_epoch) = (0, 0);
        Self { base_offset, partition_leader_epoch, producer: NO_PRODUCER, compression: Compression::None }
    }
}

/// Bytes that [`encode_batch`] will make of `records`, known before anything is encoded.
pub fn batch_size(records: &[NewRecord<'_>], now_ms: i64) -> u64 {
    let base = records.first().map_or(now_ms, |r| r.timestamp.unwrap_or(now_ms));
    let bodies = records.iter().enumerate().map(|(i, record)| {
        let body = body_size(record, record.timestamp.unwrap_or(now_ms).wrapping_sub(base), i as i64);
        (varlong_size(body as i64) + body) as u64
    });
    HEADER_SIZE as u64 + bodies.sum::<u64>()
}

/// Encodes `records` as one uncompressed batch with base offset 0, and appends it to `out`.
///
/// # Panics
/// If `records` is empty or does not fit the format's 31-bit sizes: check with [`batch_size`] first.
pub fn encode_batch(out: &mut Vec<u8>, records: &[NewRecord<'_>], now_ms: i64) {
    encode_plain(out, records, now_ms, BatchMeta::default());
}

/// Like [`encode_batch`], with the header's other fields given. The records are compressed even if that makes
/// them larger, as Kafka's producer does it.
///
/// # Errors
/// [`BatchError::Compressed`] if this build lacks the codec, [`BatchError::CompressedTooLarge`] if only the
/// compression makes the batch too large for the format. `out` is then as it was.
///
/// # Panics
/// As [`encode_batch`].
pub fn encode_batch_with(
    out: &mut Vec<u8>,
    records: &[NewRecord<'_>],
    now_ms: i64,
    meta: BatchMeta,
) -> Result<(), BatchError> {
    let codec = meta.compression;
    if !codec.is_available() {
        return Err(BatchError::Compressed(codec));
    }
    let start = out.len();
    encode_plain(out, records, now_ms, meta);
    if codec != Compression::None {
        compress_records(out, start, codec).inspect_err(|_| out.truncate(start))?;
    }
    Ok(())
}

/// Compresses the records of the batch that stands in `out` from `start` on.
pub(super) fn compress_records(
    out: &mut Vec<u8>,
    start: usize,
    codec: Compression,
) -> Result<(), BatchError> {
    let mut compressed = Vec::new();
    codec.compress(&out[start + HEADER_SIZE..], &mut compressed)?;
    let size = compressed.len() as u64;
    if size > RECORDS_MAX {
        return Err(BatchError::CompressedTooLarge { codec, size });
    }
    out.truncate(start + HEADER_SIZE);
    out.extend_from_slice(&compressed);
    seal(&mut out[start..], codec as i16);
    Ok(())
}

/// Encodes a batch that is not compressed, whatever `meta` says.
fn encode_plain(out: &mut Vec<u8>, records: &[NewRecord<'_>], now_ms: i64, meta: BatchMeta) {
    let Some(first) = records.first() else { panic!("a batch has at least one record") };
    let start = out.len();
    let base_timestamp = first.timestamp.unwrap_or(now_ms);
    let mut max_timestamp = base_timestamp;

    out.resize(start + HEADER_SIZE, 0);
    for (i, record) in records.iter().enumerate() {
        let timestamp = record.timestamp.unwrap_or(now_ms);
        max_timestamp = max_timestamp.max(timestamp);
        write_record(out, record, timestamp.wrapping_sub(base_timestamp), i as i64);
    }

    let size = out.len() - start;
    assert!(size <= i32::MAX as usize, "a batch of {size} bytes does not fit its length field");
    let last_offset_delta = records.len() as i32 - 1;
    let header = &mut out[start..start + HEADER_SIZE];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &(meta.base_offset as i64).to_be_bytes());
    put(8, &((size - LOG_OVERHEAD) as i32).to_be_bytes());
    put(12, &meta.partition_leader_epoch.to_be_bytes());
    put(16, &MAGIC.to_be_bytes());
    // The attributes at 21 stay 0: no compression, create time, neither transactional nor control.
    put(23, &last_offset_delta.to_be_bytes());
    put(27, &base_timestamp.to_be_bytes());
    put(35, &max_timestamp.to_be_bytes());
    put(43, &meta.producer.id.to_be_bytes());
    put(51, &meta.producer.epoch.to_be_bytes());
    put(53, &meta.producer.base_sequence.to_be_bytes());
    put(57, &(records.len() as i32).to_be_bytes());
    let crc = crc32c::crc32c(&out[start + CRC_FROM..]);
    out[start + CRC_AT..start + CRC_FROM].copy_from_slice(&crc.to_be_bytes());
}

fn write_record(out: &mut Vec<u8>, record: &NewRecord<'_>, timestamp_delta: i64, offset_delta: i64) {
    write_varlong(out, body_size(record, timestamp_delta, offset_delta) as i64);
    out.push(0); // A record's attributes: none are in use.
    write_varlong(out, timestamp_delta);
    write_varlong(out, offset_delta);
    write_nullable(out, record.key);
    write_nullable(out, record.value);
    write_varlong(out, record.headers.len() as i64);
    for header in record.headers {
        write_nullable(out, Some(header.key));
        write_nullable(out, header.value);
    }
}

fn write_nullable(out: &mut Vec<u8>, field: Option<&[u8]>) {
    write_varlong(out, field.map_or(-1, |bytes| bytes.len() as i64));
    out.extend_from_slice(field.unwrap_or_default());
}

/// Bytes of a record after its length field.
fn body_size(record: &NewRecord<'_>, timestamp_delta: i64, offset_delta: i64) -> usize {
    let headers: usize =
        record.headers.iter().map(|h| nullable_size(Some(h.key)) + nullable_size(h.value)).sum();
    1 + varlong_size(timestamp_delta)
        + varlong_size(offset_delta)
        + nullable_size(record.key)
        + nullable_size(record.value)
        + varint_size(record.headers.len() as i32)
        + headers
}

fn nullable_size(field: Option<&[u8]>) -> usize {
    field.map_or(1, |bytes| varlong_size(bytes.len() as i64) + bytes.len())
}
