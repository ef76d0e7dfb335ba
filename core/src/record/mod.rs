//! Records and record batches in Kafka's format, magic 2.
//!
//! A [`Batch`] is a view of bytes as they stand in a `.log` file; [`BatchHeader`] is its fixed 61-byte front;
//! [`Record`] is a view of one record inside it. [`encode_batch`] goes the other way. Nothing here copies
//! keys, values or headers, and nothing knows of files. Compressed records are the exception: [`Batch::decompress`]
//! makes an uncompressed batch of theirs, under a limit, if the codec's feature is on.
//!
//! Invariants:
//! - Decoding never panics and never allocates by a length that the bytes claim: every length is checked
//!   against the bytes that are there.
//! - What [`encode_batch`] writes, [`Batch::parse`] reads back to the same records.
//!
//! Source: Kafka's "Record Batch" and "Record" in the documentation of the message format.

mod batch;
mod builder;
mod compression;
mod crc;
#[expect(clippy::module_inception, reason = "the record is what the folder is named for")]
mod record;
mod rewrite;
mod varint;

pub use batch::{
    BATCH_LENGTH_AT, Batch, BatchHeader, CRC_AT, CRC_FROM, HEADER_SIZE, LOG_OVERHEAD, MAGIC, NO_PRODUCER,
    Producer, Records, TimestampType,
};
pub(crate) use batch::{assign_base_offset, set_log_append_time};
pub(crate) use builder::batch_size_bound;
pub use builder::{BatchMeta, NewRecord, batch_size, encode_batch, encode_batch_with};
pub use compression::Compression;
pub(crate) use crc::{crc32c, crc32c_append};
pub use record::{Header, Headers, Record};
pub(crate) use rewrite::{empty_batch, rewrite_batch};
pub use varint::{VARINT_MAX, VARLONG_MAX, read_varint, read_varlong, varint_size, varlong_size};

/// What is wrong with bytes that should have been a record batch, in words for a person.
///
/// The storage layer adds the file and the position; see [`Error::Corrupt`](crate::Error::Corrupt).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Fewer bytes than the batch needs, or than its header needs.
    #[error("{}", incomplete(*needed, *available))]
    Incomplete {
        /// Bytes that the batch, or its header, takes.
        needed: u64,
        /// Bytes that are there.
        available: u64,
    },
    /// The batch length field is smaller than a batch without records.
    #[error("the batch length field is {0}, and a batch header alone makes it 49")]
    LengthTooSmall(i32),
    /// The magic byte is not 2.
    #[error("the magic byte is {0}, not 2")]
    Magic(i8),
    /// The stored CRC-32C is not that of the bytes.
    #[error("the CRC is {stored:08x} in the header and {computed:08x} over the bytes")]
    Crc {
        /// What the header says.
        stored: u32,
        /// What the bytes give.
        computed: u32,
    },
    /// A header field holds a value that no batch can have.
    #[error("the field {field} holds {value}")]
    Field {
        /// The field's name in Kafka's documentation.
        field: &'static str,
        /// Its value.
        value: i64,
    },
    /// The records are compressed and have not been decompressed, or this build lacks the codec.
    #[error("{}", compressed(*.0))]
    Compressed(Compression),
    /// The records do not decompress, or, for a reason of the codec's library, do not compress.
    #[error("the codec {codec} fails on the records: {reason}")]
    Codec {
        /// How they are compressed.
        codec: Compression,
        /// What the codec's library says.
        reason: String,
    },
    /// The records decompress to more bytes than the reader allows.
    #[error("the records, compressed with {codec}, take more than {limit} bytes decompressed")]
    DecompressedTooLarge {
        /// How they are compressed.
        codec: Compression,
        /// The limit in bytes.
        limit: u64,
    },
    /// The records compress to more bytes than a batch can hold.
    #[error("the records take {size} bytes compressed with {codec}, more than a batch can hold")]
    CompressedTooLarge {
        /// How they were compressed.
        codec: Compression,
        /// Their size in bytes, compressed.
        size: u64,
    },
    /// A record inside the batch does not parse.
    #[error("record {index} of the batch: {reason}")]
    Record {
        /// The record's place in the batch, from 0.
        index: u32,
        /// What is wrong.
        reason: &'static str,
    },
}

/// A name that is none of Kafka's for a thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is none of {known}")]
pub struct UnknownName {
    /// The name that was given.
    pub name: String,
    /// The names that there are.
    pub known: &'static str,
}

fn compressed(codec: Compression) -> String {
    match codec.is_available() {
        true => format!("the records are compressed with {codec}, and have to be decompressed first"),
        false => format!("the records are compressed with {codec}, which this build cannot read or write"),
    }
}

fn incomplete(needed: u64, available: u64) -> String {
    match needed == HEADER_SIZE as u64 {
        true => format!("{available} bytes are there, fewer than the {needed} of a batch header"),
        false => format!("{available} of the batch's {needed} bytes are there"),
    }
}
