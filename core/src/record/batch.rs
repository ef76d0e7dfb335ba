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

use super::compression::Compression;
use super::crc::crc32c;
use super::record::{Record, read_record};
use super::{BatchError, UnknownName};

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
/// Where the attributes stand.
const ATTRIBUTES_AT: usize = 21;
/// The most bytes of records in a batch whose size is to fit 31 bits, as sizes do in Kafka.
pub(super) const RECORDS_MAX: u64 = i32::MAX as u64 - HEADER_SIZE as u64;
/// The only format version that Logscope writes and reads.
pub const MAGIC: i8 = 2;

/// The attributes' bits.
pub(super) const CODEC: i16 = 0b111;
const LOG_APPEND_TIME: i16 = 1 << 3;
const TRANSACTIONAL: i16 = 1 << 4;
const CONTROL: i16 = 1 << 5;
pub(super) const DELETE_HORIZON: i16 = 1 << 6;

/// What a batch's timestamps say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimestampType {
    /// When the producer made each record.
    #[default]
    CreateTime,
    /// When the log appended the batch. All its records have this one time, the header's max timestamp.
    LogAppendTime,
}

impl std::fmt::Display for TimestampType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::CreateTime => "CreateTime",
            Self::LogAppendTime => "LogAppendTime",
        })
    }
}

impl std::str::FromStr for TimestampType {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "CreateTime" => Ok(Self::CreateTime),
            "LogAppendTime" => Ok(Self::LogAppendTime),
            _ => Err(UnknownName { name: name.to_owned(), known: "CreateTime, LogAppendTime" }),
        }
    }
}

/// The producer's identity and place in its sequence. A plain producer has [`NO_PRODUCER`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
    // In line, so that who asks for three fields of a header does not have all of them carried over.
    #[inline(always)]
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
    #[inline]
    pub fn last_offset(&self) -> u64 {
        self.base_offset + u64::from(self.last_offset_delta)
    }

    /// How the records are compressed; `None` for a codec number that Kafka has not given out.
    pub fn compression(&self) -> Option<Compression> {
        Compression::ALL.get((self.attributes & CODEC) as usize).copied()
    }

    /// What the timestamps say.
    pub fn timestamp_type(&self) -> TimestampType {
        match self.has(LOG_APPEND_TIME) {
            true => TimestampType::LogAppendTime,
            false => TimestampType::CreateTime,
        }
    }

    /// Whether the batch belongs to a transaction.
    pub fn is_transactional(&self) -> bool {
        self.has(TRANSACTIONAL)
    }

    /// Whether the batch holds a control record, such as the end of a transaction, in the place of data.
    pub fn is_control(&self) -> bool {
        self.has(CONTROL)
    }

    /// When compaction may drop the batch's tombstones, in milliseconds since the Unix epoch, if it has set a
    /// time. The base timestamp's field holds it; the records' timestamps count from it all the same.
    pub fn delete_horizon_ms(&self) -> Option<i64> {
        self.has(DELETE_HORIZON).then_some(self.base_timestamp)
    }

    fn has(&self, attribute: i16) -> bool {
        self.attributes & attribute != 0
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
        Self::of(BatchHeader::parse(bytes)?, bytes)
    }

    /// Like [`parse`](Self::parse), where the header at the front of `bytes` has been decoded already.
    #[inline]
    pub(crate) fn of(header: BatchHeader, bytes: &'a [u8]) -> Result<(Self, &'a [u8]), BatchError> {
        let Some((bytes, rest)) = bytes.split_at_checked(header.size as usize) else {
            let (needed, available) = (u64::from(header.size), bytes.len() as u64);
            return Err(BatchError::Incomplete { needed, available });
        };
        Ok((Self { header, bytes }, rest))
    }

    /// Checks the CRC-32C over everything from the attributes on.
    #[inline]
    pub fn verify(&self) -> Result<(), BatchError> {
        let computed = crc32c(&self.bytes[CRC_FROM..]);
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

    /// The codec, if the records are compressed.
    pub fn compressed(&self) -> Option<Compression> {
        self.header.compression().filter(|codec| *codec != Compression::None)
    }

    /// The records, one after another. A batch whose records do not parse, are not as many as the header says,
    /// or are compressed, yields an error and ends; see [`decompress`](Self::decompress).
    pub fn records(&self) -> Records<'a> {
        let header = &self.header;
        let append_time = match header.timestamp_type() {
            TimestampType::CreateTime => None,
            TimestampType::LogAppendTime => Some(header.max_timestamp),
        };
        Records {
            bytes: &self.bytes[HEADER_SIZE..],
            count: header.records_count,
            left: if self.compressed().is_some() { 0 } else { header.records_count },
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
            // What a record says of its time counts for nothing if the log gave one, and must not overflow either.
            base_timestamp: append_time.map_or(header.base_timestamp, |_| 0),
            append_time,
            wrong: self.compressed().map(BatchError::Compressed),
        }
    }

    /// Checks that the records parse, and says whether each of them has a key.
    ///
    /// # Errors
    /// What iterating [`records`](Self::records) would come upon.
    pub(crate) fn check_records(&self) -> Result<bool, BatchError> {
        // Records that are right are gone through here, in registers alone. Whatever is wrong is found once more below.
        let Records { mut bytes, left, base_offset, last_offset, base_timestamp, .. } = self.records();
        let mut keyed = true;
        let right = (0..left).all(|_| match read_record(bytes, base_offset, base_timestamp) {
            Ok((record, rest)) => {
                bytes = rest;
                keyed &= record.key.is_some();
                record.offset <= last_offset
            }
            Err(_) => false,
        });
        if right && bytes.is_empty() {
            return Ok(keyed);
        }
        self.records().try_fold(true, |keyed, record| Ok(keyed & record?.key.is_some()))
    }

    /// Appends the same batch, uncompressed, to `out`: only its length, its codec, its checksum and the bytes
    /// of its records are others. A batch that is not compressed is appended as it is.
    ///
    /// The checksum is made anew and that of the compressed batch not looked at: [`verify`](Self::verify) first.
    ///
    /// # Errors
    /// [`BatchError::DecompressedTooLarge`] if the records would take more than `limit` bytes,
    /// [`BatchError::Codec`] if they do not decompress, [`BatchError::Compressed`] if this build lacks the codec.
    /// `out` is then as it was.
    pub fn decompress(&self, limit: u64, out: &mut Vec<u8>) -> Result<(), BatchError> {
        let Some(codec) = self.compressed() else {
            out.extend_from_slice(self.bytes);
            return Ok(());
        };
        let start = out.len();
        let (header, records) = self.bytes.split_at(HEADER_SIZE);
        out.extend_from_slice(header);
        codec.decompress(records, limit.min(RECORDS_MAX), out).inspect_err(|_| out.truncate(start))?;

        seal(&mut out[start..], self.header.attributes & !CODEC);
        Ok(())
    }

    /// The batch with its records to be read: itself, or, if it is compressed, what it decompresses to in `buffer`.
    ///
    /// # Errors
    /// As [`decompress`](Self::decompress).
    pub fn plain<'b>(&self, limit: u64, buffer: &'b mut Vec<u8>) -> Result<Batch<'b>, BatchError>
    where
        'a: 'b,
    {
        if self.compressed().is_none() {
            return Ok(*self);
        }
        buffer.clear();
        self.decompress(limit, buffer)?;
        Ok(Batch::parse(buffer)?.0)
    }
}

/// Iterates the records of one batch; see [`Batch::records`].
#[derive(Debug, Clone)]
pub struct Records<'a> {
    bytes: &'a [u8],
    count: u32,
    /// Records that are still to come; none once something is wrong.
    left: u32,
    base_offset: u64,
    last_offset: u64,
    base_timestamp: i64,
    /// The timestamp of all of them, if the log gave it.
    append_time: Option<i64>,
    /// What is wrong, unless it shows only behind the last record.
    wrong: Option<BatchError>,
}

impl<'a> Records<'a> {
    /// No records.
    pub(crate) fn none() -> Self {
        Self {
            bytes: &[],
            count: 0,
            left: 0,
            base_offset: 0,
            last_offset: 0,
            base_timestamp: 0,
            append_time: None,
            wrong: None,
        }
    }

    /// The next record. Without one, [`end`](Self::end) says why.
    // Out of line, it would hand the record over in memory, which takes longer than to read it.
    #[inline(always)]
    pub(crate) fn read(&mut self) -> Option<Record<'a>> {
        if self.left == 0 {
            return None;
        }
        match read_record(self.bytes, self.base_offset, self.base_timestamp) {
            Ok((mut record, rest)) if record.offset <= self.last_offset => {
                if let Some(timestamp) = self.append_time {
                    record.timestamp = timestamp;
                }
                self.bytes = rest;
                self.left -= 1;
                Some(record)
            }
            Ok(_) => self.fail("its offset is beyond the batch's last offset"),
            Err(reason) => self.fail(reason),
        }
    }

    #[cold]
    fn fail(&mut self, reason: &'static str) -> Option<Record<'a>> {
        self.wrong = Some(BatchError::Record { index: self.count - self.left, reason });
        self.left = 0;
        None
    }

    /// What is wrong with the batch, if anything is; said once.
    #[cold]
    pub(crate) fn end(&mut self) -> Option<BatchError> {
        if self.wrong.is_none() && !self.bytes.is_empty() {
            self.fail("bytes follow the last record");
        }
        self.bytes = &[];
        self.wrong.take()
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, BatchError>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        match self.read() {
            Some(record) => Some(Ok(record)),
            None => self.end().map(Err),
        }
    }
}

/// Writes the base offset into an encoded batch. The checksum does not cover it.
pub(crate) fn assign_base_offset(batch: &mut [u8], base_offset: u64) {
    batch[..8].copy_from_slice(&(base_offset as i64).to_be_bytes());
}

/// Makes the log's time that of all records in an encoded batch.
pub(crate) fn set_log_append_time(batch: &mut [u8], now_ms: i64) {
    let attributes = i16::from_be_bytes([batch[ATTRIBUTES_AT], batch[ATTRIBUTES_AT + 1]]);
    batch[35..43].copy_from_slice(&now_ms.to_be_bytes());
    seal(batch, attributes | LOG_APPEND_TIME);
}

/// Writes what changes whenever an encoded batch is changed, beside the change itself: the length, the
/// attributes, the checksum. The batch must not be longer than its length field can say.
pub(super) fn seal(batch: &mut [u8], attributes: i16) {
    let length = (batch.len() - LOG_OVERHEAD) as i32;
    batch[BATCH_LENGTH_AT..][..4].copy_from_slice(&length.to_be_bytes());
    batch[ATTRIBUTES_AT..][..2].copy_from_slice(&attributes.to_be_bytes());
    let crc = crc32c(&batch[CRC_FROM..]);
    batch[CRC_AT..CRC_FROM].copy_from_slice(&crc.to_be_bytes());
}

#[inline]
fn non_negative(field: &'static str, value: i64) -> Result<u64, BatchError> {
    u64::try_from(value).map_err(|_| BatchError::Field { field, value })
}

#[inline]
fn i16_at(bytes: &[u8; HEADER_SIZE], at: usize) -> i16 {
    i16::from_be_bytes([bytes[at], bytes[at + 1]])
}

#[inline]
fn i32_at(bytes: &[u8; HEADER_SIZE], at: usize) -> i32 {
    i32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[inline]
fn i64_at(bytes: &[u8; HEADER_SIZE], at: usize) -> i64 {
    i64::from(i32_at(bytes, at)) << 32 | i64::from(i32_at(bytes, at + 4) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BatchMeta, NewRecord, encode_batch_with};

    /// Records with times of their own, in a batch that the log then gives a time; with every codec.
    #[test]
    fn log_append_time_is_that_of_all_records() -> Result<(), BatchError> {
        for compression in Compression::ALL {
            let mut bytes = Vec::new();
            let records =
                [7, 1_000].map(|time| NewRecord { timestamp: Some(time), ..NewRecord::value(b"v") });
            encode_batch_with(&mut bytes, &records, 0, BatchMeta { compression, ..BatchMeta::default() })?;
            let header = BatchHeader::parse(&bytes)?;
            assert_eq!((header.timestamp_type(), header.max_timestamp), (TimestampType::CreateTime, 1_000));

            set_log_append_time(&mut bytes, 500);
            let (batch, _) = Batch::parse(&bytes)?;
            batch.verify()?;
            let header = batch.header();
            assert_eq!((header.timestamp_type(), header.max_timestamp), (TimestampType::LogAppendTime, 500));
            assert_eq!(header.compression(), Some(compression), "the other bits stay");

            let mut plain = Vec::new();
            batch.decompress(1_000, &mut plain)?;
            let (batch, _) = Batch::parse(&plain)?;
            batch.verify()?;
            let times = batch.records().map(|r| r.map(|r| r.timestamp)).collect::<Result<Vec<_>, _>>()?;
            assert_eq!(times, [500, 500]);
        }
        Ok(())
    }

    /// The log's time holds even if the time that the producer gave cannot be reckoned.
    #[test]
    fn log_append_time_makes_no_sum_that_overflows() -> Result<(), BatchError> {
        let mut bytes = Vec::new();
        let records = [0, i64::MAX].map(|time| NewRecord { timestamp: Some(time), ..NewRecord::value(b"v") });
        encode_batch_with(&mut bytes, &records, 0, BatchMeta::default())?;
        bytes[27..35].copy_from_slice(&1i64.to_be_bytes());
        let second = |bytes: &[u8]| {
            let (batch, _) = Batch::parse(bytes)?;
            batch.records().nth(1).transpose().map(|record| record.map(|record| record.timestamp))
        };
        assert!(second(&bytes).is_err());
        set_log_append_time(&mut bytes, 500);
        assert_eq!(second(&bytes), Ok(Some(500)));
        Ok(())
    }

    #[test]
    fn attributes_bit_by_bit() -> Result<(), BatchError> {
        let mut bytes = Vec::new();
        encode_batch_with(&mut bytes, &[NewRecord::value(b"v")], 9, BatchMeta::default())?;
        let read = |attributes: i16, bytes: &mut [u8]| {
            seal(bytes, attributes);
            let header = BatchHeader::parse(bytes)?;
            Ok::<_, BatchError>((header.is_transactional(), header.is_control(), header.delete_horizon_ms()))
        };
        assert_eq!(read(0, &mut bytes), Ok((false, false, None)));
        assert_eq!(read(0x0f & !0b111, &mut bytes), Ok((false, false, None)));
        assert_eq!(read(0x10, &mut bytes), Ok((true, false, None)));
        assert_eq!(read(0x20, &mut bytes), Ok((false, true, None)));
        assert_eq!(read(0x40, &mut bytes), Ok((false, false, Some(9))));
        for unknown in 5..8 {
            assert!(read(unknown, &mut bytes).is_err(), "codec {unknown}");
        }
        Ok(())
    }

    #[test]
    fn names_are_kafkas() {
        for codec in Compression::ALL {
            assert_eq!(codec.to_string().parse(), Ok(codec));
        }
        for kind in [TimestampType::CreateTime, TimestampType::LogAppendTime] {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        let error = "brotli".parse::<Compression>().map_err(|error| error.to_string());
        assert_eq!(error, Err("\"brotli\" is none of none, gzip, snappy, lz4, zstd".to_owned()));
        assert!("createtime".parse::<TimestampType>().is_err());
    }
}
