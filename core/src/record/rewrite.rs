//! A batch that holds some of another's records: what compaction leaves of it.
//!
//! Invariants:
//! - Offsets, timestamps, keys, values and headers of the records that stay are what they were, and so are the
//!   batch's base offset, last offset, leader epoch and producer: a sequence that was in the log still is.
//! - A record's bytes are copied, not encoded again; only if the base timestamp changes, the record's distance to it
//!   is written anew.
//!
//! Source: Kafka's `MemoryRecords.filterTo`; KIP-534 for the delete horizon.

use super::batch::{CODEC, DELETE_HORIZON, RECORDS_MAX, seal};
use super::builder::compress_records;
use super::varint::{read_varint, read_varlong, varlong_size, write_varlong};
use super::{Batch, Compression, HEADER_SIZE, Record};

/// Appends to `out` a batch with those records of `plain`, which is not compressed, that `keep` says; they are
/// compressed with `codec`. With a delete horizon, that becomes the base timestamp, and an attribute says so. The
/// largest timestamp is that of the records that stay.
///
/// `None` if a record does not parse or its timestamp is too far from the delete horizon, if the codec fails, or if the
/// batch becomes too large for the format. `out` is then as it was.
pub(crate) fn rewrite_batch(
    out: &mut Vec<u8>,
    plain: &Batch<'_>,
    codec: Compression,
    delete_horizon_ms: Option<i64>,
    keep: impl FnMut(&Record<'_>) -> bool,
) -> Option<()> {
    let start = out.len();
    let written = write_batch(out, plain, codec, delete_horizon_ms, keep);
    if written.is_none() {
        out.truncate(start);
    }
    written
}

/// Appends to `out` the header of `batch` alone, which says that no records follow. Offsets and producer stay; the
/// largest timestamp too, since it is when the producer was last heard of.
pub(crate) fn empty_batch(out: &mut Vec<u8>, batch: &Batch<'_>) {
    let start = out.len();
    out.extend_from_slice(&batch.bytes()[..HEADER_SIZE]);
    let header = &mut out[start..];
    // No record counts from it; so does Kafka say that there is no timestamp.
    header[27..35].copy_from_slice(&(-1i64).to_be_bytes());
    header[57..61].fill(0);
    seal(header, batch.header().attributes & !(CODEC | DELETE_HORIZON));
}

fn write_batch(
    out: &mut Vec<u8>,
    plain: &Batch<'_>,
    codec: Compression,
    delete_horizon_ms: Option<i64>,
    mut keep: impl FnMut(&Record<'_>) -> bool,
) -> Option<()> {
    let start = out.len();
    let (header, mut rest) = plain.bytes().split_at(HEADER_SIZE);
    out.extend_from_slice(header);
    let (mut count, mut max_timestamp) = (0i32, i64::MIN);
    for record in plain.records() {
        let record = record.ok()?;
        let (raw, behind) = RawRecord::split(rest)?;
        rest = behind;
        if !keep(&record) {
            continue;
        }
        match delete_horizon_ms {
            None => out.extend_from_slice(raw.whole),
            Some(horizon) => raw.write(out, record.timestamp.checked_sub(horizon)?),
        }
        count += 1;
        max_timestamp = max_timestamp.max(record.timestamp);
    }
    if codec != Compression::None {
        compress_records(out, start, codec).ok()?;
    }
    if (out.len() - start - HEADER_SIZE) as u64 > RECORDS_MAX {
        return None;
    }

    let batch = &mut out[start..];
    let mut attributes = plain.header().attributes & !CODEC | codec as i16;
    if let Some(horizon) = delete_horizon_ms {
        attributes |= DELETE_HORIZON;
        batch[27..35].copy_from_slice(&horizon.to_be_bytes());
    }
    batch[35..43].copy_from_slice(&max_timestamp.to_be_bytes());
    batch[57..61].copy_from_slice(&count.to_be_bytes());
    seal(batch, attributes);
    Some(())
}

/// A record's bytes, taken apart around its timestamp.
struct RawRecord<'a> {
    whole: &'a [u8],
    attributes: u8,
    after_timestamp: &'a [u8],
}

impl<'a> RawRecord<'a> {
    /// The record at the front of `bytes`, and what follows it.
    fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (length, body) = read_varint(bytes)?;
        let (body, behind) = body.split_at_checked(usize::try_from(length).ok()?)?;
        let (attributes, body) = body.split_first()?;
        let (_timestamp_delta, after_timestamp) = read_varlong(body)?;
        let whole = &bytes[..bytes.len() - behind.len()];
        Some((Self { whole, attributes: *attributes, after_timestamp }, behind))
    }

    fn write(&self, out: &mut Vec<u8>, timestamp_delta: i64) {
        let length = 1 + varlong_size(timestamp_delta) + self.after_timestamp.len();
        write_varlong(out, length as i64);
        out.push(self.attributes);
        write_varlong(out, timestamp_delta);
        out.extend_from_slice(self.after_timestamp);
    }
}
