//! Encoding records into a batch.

use super::BatchError;
use super::batch::{
    CRC_AT, CRC_FROM, HEADER_SIZE, LOG_OVERHEAD, MAGIC, NO_PRODUCER, Producer, RECORDS_MAX, seal,
};
use super::compression::Compression;
use super::crc::crc32c;
use super::record::Header;
use super::varint::{VARINT_MAX, VARLONG_MAX, varint_size, varlong_size, write_varlong, zigzag};

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

/// At least as many bytes as [`batch_size`], in less time.
pub(crate) fn batch_size_bound(records: &[NewRecord<'_>]) -> u64 {
    // Of a record: its length, attributes, deltas, key's, value's and headers' length; of a header, two lengths.
    const RECORD: usize = 5 + 1 + VARLONG_MAX + 4 * VARINT_MAX;
    const HEADER: usize = 2 * VARINT_MAX;
    let size = |field: Option<&[u8]>| field.map_or(0, <[u8]>::len);
    let bounds = records.iter().map(|record| {
        let headers = record.headers.iter().map(|header| HEADER + header.key.len() + size(header.value));
        (RECORD + size(record.key) + size(record.value) + headers.sum::<usize>()) as u64
    });
    HEADER_SIZE as u64 + bounds.sum::<u64>()
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
    let batch = &mut out[start..];
    let Some(header) = batch.first_chunk_mut::<HEADER_SIZE>() else { panic!("a batch has a header") };
    header[0..8].copy_from_slice(&(meta.base_offset as i64).to_be_bytes());
    header[8..12].copy_from_slice(&((size - LOG_OVERHEAD) as i32).to_be_bytes());
    header[12..16].copy_from_slice(&meta.partition_leader_epoch.to_be_bytes());
    header[16] = MAGIC as u8;
    // The attributes at 21 stay 0: no compression, create time, neither transactional nor control.
    header[23..27].copy_from_slice(&last_offset_delta.to_be_bytes());
    header[27..35].copy_from_slice(&base_timestamp.to_be_bytes());
    header[35..43].copy_from_slice(&max_timestamp.to_be_bytes());
    header[43..51].copy_from_slice(&meta.producer.id.to_be_bytes());
    header[51..53].copy_from_slice(&meta.producer.epoch.to_be_bytes());
    header[53..57].copy_from_slice(&meta.producer.base_sequence.to_be_bytes());
    header[57..61].copy_from_slice(&(records.len() as i32).to_be_bytes());
    let crc = crc32c(&batch[CRC_FROM..]);
    batch[CRC_AT..CRC_FROM].copy_from_slice(&crc.to_be_bytes());
}

#[inline]
fn write_record(out: &mut Vec<u8>, record: &NewRecord<'_>, timestamp_delta: i64, offset_delta: i64) {
    if record.headers.is_empty() && write_short(out, record, timestamp_delta, offset_delta).is_some() {
        return;
    }
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

/// Writes a record without headers in few pieces, if each of its numbers takes no more than two bytes: most do.
/// Otherwise nothing is written.
#[inline]
fn write_short(
    out: &mut Vec<u8>,
    record: &NewRecord<'_>,
    timestamp_delta: i64,
    offset_delta: i64,
) -> Option<()> {
    let size = |field: Option<&[u8]>| field.map_or(-1, |bytes| bytes.len() as i64);
    let (key, value) = (record.key.unwrap_or_default(), record.value.unwrap_or_default());
    // The attributes are the zero in front of the timestamp's delta.
    let deltas = Packed::ZERO.varint(timestamp_delta)?.varint(offset_delta)?;
    let (before_key, before_value) =
        (deltas.varint(size(record.key))?, Packed::NONE.varint(size(record.value))?);
    let body = before_key.len() + key.len() + before_value.len() + value.len() + 1;
    let front = Packed::NONE.varint(body as i64)?.then(before_key);
    if key.is_empty() {
        front.then(before_value).write(out);
    } else {
        front.write(out);
        out.extend_from_slice(key);
        before_value.write(out);
    }
    out.extend_from_slice(value);
    out.push(0); // There are no headers.
    Some(())
}

/// Up to sixteen bytes that are put together in a register.
#[derive(Clone, Copy)]
struct Packed {
    bytes: u128,
    bits: u32,
}

impl Packed {
    const NONE: Self = Self { bytes: 0, bits: 0 };
    const ZERO: Self = Self { bytes: 0, bits: 8 };

    fn len(self) -> usize {
        self.bits as usize / 8
    }

    /// With a varint behind, unless it takes more than two bytes.
    #[inline]
    fn varint(self, value: i64) -> Option<Self> {
        let (low, high) = match zigzag(value) {
            short @ 0..0x80 => return Some(self.then(Self { bytes: short.into(), bits: 8 })),
            value @ 0x80..0x4000 => (value & 0x7f | 0x80, value >> 7),
            _ => return None,
        };
        Some(self.then(Self { bytes: (low | high << 8).into(), bits: 16 }))
    }

    fn then(self, behind: Self) -> Self {
        Self { bytes: self.bytes | behind.bytes << self.bits, bits: self.bits + behind.bits }
    }

    #[inline]
    fn write(self, out: &mut Vec<u8>) {
        // All sixteen, because that is one store, and cut to those that count.
        let len = out.len() + self.len();
        out.extend_from_slice(&self.bytes.to_le_bytes());
        out.truncate(len);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Batch;
    use proptest::prelude::*;

    /// Sizes where a length goes from one byte to two and from two to three, and those between.
    fn field() -> impl Strategy<Value = Option<Vec<u8>>> {
        let size = prop_oneof![0usize..3, 50usize..70, 8100usize..8200, Just(20_000usize)];
        prop::option::of(size.prop_map(|size| vec![7; size]))
    }

    fn timestamp() -> impl Strategy<Value = Option<i64>> {
        prop_oneof![
            Just(None),
            (0i64..200).prop_map(Some),
            (0i64..20_000).prop_map(Some),
            Just(Some(i64::MAX))
        ]
    }

    proptest! {
        #[test]
        fn a_batch_reads_back_and_has_the_size_that_was_foretold(
            fields in prop::collection::vec((timestamp(), field(), field(), 0usize..3), 1..100),
        ) {
            let headers = [Header { key: b"a", value: None }, Header { key: b"bc", value: Some(b"d") }];
            let records: Vec<NewRecord<'_>> = fields
                .iter()
                .map(|(timestamp, key, value, count)| NewRecord {
                    timestamp: *timestamp,
                    key: key.as_deref(),
                    value: value.as_deref(),
                    headers: &headers[..*count],
                })
                .collect();
            let mut bytes = Vec::new();
            encode_batch(&mut bytes, &records, 100);
            prop_assert_eq!(bytes.len() as u64, batch_size(&records, 100));
            prop_assert!(batch_size_bound(&records) >= bytes.len() as u64);

            let (batch, rest) = Batch::parse(&bytes)?;
            prop_assert!(rest.is_empty());
            batch.verify()?;
            let read = batch.records().collect::<Result<Vec<_>, _>>()?;
            prop_assert_eq!(read.len(), records.len());
            for (i, (read, record)) in read.iter().zip(&records).enumerate() {
                prop_assert_eq!(read.offset, i as u64);
                prop_assert_eq!(read.timestamp, record.timestamp.unwrap_or(100));
                prop_assert_eq!((read.key, read.value), (record.key, record.value));
                prop_assert!(read.headers.eq(record.headers.iter().copied()));
            }
        }
    }
}
