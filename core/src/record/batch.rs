//! The record batch as a view of its bytes: the 61-byte header, the checksum, the records.
//!
//! ```text
//! at  size  field                    at  size  field
//!  0     8  base offset              27     8  base timestamp
//!  8     4  batch length             35     8  max timestamp
//! 12     4  partition leader epoch   43     8  producer id
//! 16     1  magic = 2                51     2  producer epoch
//! 17     4  CRC-32C of 21 to end     53     4  base sequence
//! 21     2  attributes               57     4  records count
//! 23     4  last offset delta        61        records
//! ```
//!
//! All big-endian. The batch length counts the bytes after itself. The base offset and the leader epoch stand
//! outside the checksum, so that a log can assign offsets without touching the rest.

use super::BatchError;
use super::record::{Record, read_record};

/// Bytes of a batch before its first record.
pub const HEADER_SIZE: usize = 61;
/// Bytes of the base offset and the batch length, which the batch length does not count.
pub const LOG_OVERHEAD: usize = 12;
/// Where the batch length field stands.
pub const BATCH_LENGTH_AT: usize = 8;
/// Where the checksum stands.
pub const CRC_AT: usize = 17;
/// The first byte that the checksum covers.
pub const CRC_FROM: usize = 21;
/// The only format version that Logscope writes and reads.
pub const MAGIC: i8 = 2;

/// How a batch's records are compressed (bits 0 to 2 of its attributes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// Snappy.
    Snappy,
    /// LZ4.
    Lz4,
    /// Zstandard.
    Zstd,
}

impl std::fmt::Display for Compression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        })
    }
}

/// The producer's identity and place in its sequence. A plain producer has [`NO_PRODUCER`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Producer {
    /// The producer id, −1 for none.
    pub id: i64,
    /// Its epoch, −1 for none.
    pub epoch: i16,
    /// The sequence number of the batch's first record, −1 for none.
    pub base_sequence: i32,
}

impl Producer {
    /// The sequence number so many records further on. Sequences go back to 0 after the largest.
    pub fn sequence_after(&self, records: u32) -> i32 {
        ((self.base_sequence as u32).wrapping_add(records) & i32::MAX as u32) as i32
    }
}

/// What a batch of a producer without an id carries.
pub const NO_PRODUCER: Producer = Producer { id: -1, epoch: -1, base_sequence: -1 };

/// The fixed front of a batch, decoded. [`BatchHeader::parse`] checks each field by itself; only
/// [`Batch::verify`] looks at the checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchHeader {
    /// The offset of the first record.
    pub base_offset: u64,
    /// Bytes of the whole batch, header included.
    pub size: u32,
    /// The epoch of the leader that appended the batch.
    pub partition_leader_epoch: i32,
    /// The stored CRC-32C.
    pub crc: u32,
    /// The attributes, bit by bit as they stand.
    pub attributes: i16,
    /// The last record's offset, counted from the base offset.
    pub last_offset_delta: u32,
    /// Milliseconds since the Unix epoch, from which the records' timestamps count.
    pub base_timestamp: i64,
    /// The largest timestamp in the batch.
    pub max_timestamp: i64,
    /// Who produced it.
    pub producer: Producer,
    /// How many records it says to hold.
    pub records_count: u32,
}

impl BatchHeader {
    /// Decodes the header at the front of `bytes`, which may hold less than the whole batch.
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        let Some(header) = bytes.first_chunk::<HEADER_SIZE>() else {
            return Err(BatchError::Incomplete { needed: HEADER_SIZE as u64, available: bytes.len() as u64 });
        };
        let length = i32_at(header, BATCH_LENGTH_AT);
        if length < (HEADER_SIZE - LOG_OVERHEAD) as i32 {
            return Err(BatchError::LengthTooSmall(length));
        }
        let magic = header[16] as i8;
        if magic != MAGIC {
            return Err(BatchError::Magic(magic));
        }
        let parsed = Self {
            base_offset: non_negative("baseOffset", i64_at(header, 0))?,
            size: length as u32 + LOG_OVERHEAD as u32,
            partition_leader_epoch: i32_at(header, 12),
            crc: i32_at(header, CRC_AT) as u32,
            attributes: i16_at(header, 21),
            last_offset_delta: non_negative("lastOffsetDelta", i64::from(i32_at(header, 23)))? as u32,
            base_timestamp: i64_at(header, 27),
            max_timestamp: i64_at(header, 35),
            producer: Producer {
                id: i64_at(header, 43),
                epoch: i16_at(header, 51),
                base_sequence: i32_at(header, 53),
            },
            records_count: non_negative("recordsCount", i64::from(i32_at(header, 57)))? as u32,
        };
        if parsed.compression().is_none() {
            return Err(BatchError::Field { field: "attributes", value: i64::from(parsed.attributes) });
        }
        if i64::try_from(parsed.base_offset + u64::from(parsed.last_offset_delta) + 1).is_err() {
            return Err(BatchError::Field { field: "baseOffset", value: parsed.base_offset as i64 });
        }
        Ok(parsed)
    }

    /// The offset of the last record.
    pub fn last_offset(&self) -> u64 {
        self.base_offset + u64::from(self.last_offset_delta)
    }

    /// How the records are compressed; `None` for a codec number that Kafka has not given out.
    pub fn compression(&self) -> Option<Compression> {
        Some(match self.attributes & 0b111 {
            0 => Compression::None,
            1 => Compression::Gzip,
            2 => Compression::Snappy,
            3 => Compression::Lz4,
            4 => Compression::Zstd,
            _ => return None,
        })
    }
}

/// A whole record batch: exactly the bytes that its length field claims.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Batch<'a> {
    header: BatchHeader,
    bytes: &'a [u8],
}

impl std::fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("header", &self.header).finish_non_exhaustive()
    }
}

impl<'a> Batch<'a> {
    /// Takes the batch at the front of `bytes`, and what follows it. The checksum is not looked at.
    pub fn parse(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), BatchError> {
        let header = BatchHeader::parse(bytes)?;
        let Some((bytes, rest)) = bytes.split_at_checked(header.size as usize) else {
            let (needed, available) = (u64::from(header.size), bytes.len() as u64);
            return Err(BatchError::Incomplete { needed, available });
        };
        Ok((Self { header, bytes }, rest))
    }

    /// Checks the CRC-32C over everything from the attributes on.
    pub fn verify(&self) -> Result<(), BatchError> {
        let computed = crc32c::crc32c(&self.bytes[CRC_FROM..]);
        let stored = self.header.crc;
        if stored == computed { Ok(()) } else { Err(BatchError::Crc { stored, computed }) }
    }

    /// The decoded header.
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The batch as it stands in the file.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The records, one after another. A batch whose records do not parse, or are not as many as the header
    /// says, yields an error and ends.
    pub fn records(&self) -> Records<'a> {
        let compressed = self.header.compression().filter(|codec| *codec != Compression::None);
        Records { header: self.header, bytes: &self.bytes[HEADER_SIZE..], index: 0, compressed, ended: false }
    }
}

/// Iterates the records of one batch; see [`Batch::records`].
#[derive(Debug, Clone)]
pub struct Records<'a> {
    header: BatchHeader,
    bytes: &'a [u8],
    index: u32,
    compressed: Option<Compression>,
    ended: bool,
}

impl<'a> Records<'a> {
    fn read_next(&mut self) -> Result<Option<Record<'a>>, BatchError> {
        if let Some(codec) = self.compressed {
            return Err(BatchError::Compressed(codec));
        }
        let fail = |reason| BatchError::Record { index: self.index, reason };
        if self.index == self.header.records_count {
            let rest = self.bytes.is_empty();
            return if rest { Ok(None) } else { Err(fail("bytes follow the last record")) };
        }
        let (record, rest) =
            read_record(self.bytes, self.header.base_offset, self.header.base_timestamp).map_err(fail)?;
        if record.offset > self.header.last_offset() {
            return Err(fail("its offset is beyond the batch's last offset"));
        }
        self.bytes = rest;
        self.index += 1;
        Ok(Some(record))
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.read_next().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

/// Writes the base offset into an encoded batch. The checksum does not cover it.
pub(crate) fn assign_base_offset(batch: &mut [u8], base_offset: u64) {
    batch[..8].copy_from_slice(&(base_offset as i64).to_be_bytes());
}

fn non_negative(field: &'static str, value: i64) -> Result<u64, BatchError> {
    u64::try_from(value).map_err(|_| BatchError::Field { field, value })
}

fn i16_at(bytes: &[u8; HEADER_SIZE], at: usize) -> i16 {
    i16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn i32_at(bytes: &[u8; HEADER_SIZE], at: usize) -> i32 {
    i32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn i64_at(bytes: &[u8; HEADER_SIZE], at: usize) -> i64 {
    i64::from(i32_at(bytes, at)) << 32 | i64::from(i32_at(bytes, at + 4) as u32)
}
