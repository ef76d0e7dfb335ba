//! Records and record batches in Kafka's format, magic 2.
//!
//! A [`Batch`] is a view of bytes as they stand in a `.log` file; [`BatchHeader`] is its fixed 61-byte front;
//! [`Record`] is a view of one record inside it. [`encode_batch`] goes the other way. Nothing here copies
//! keys, values or headers, and nothing knows of files.
//!
//! Invariants:
//! - Decoding never panics and never allocates by a length that the bytes claim: every length is checked
//!   against the bytes that are there.
//! - What [`encode_batch`] writes, [`Batch::parse`] reads back to the same records.
//!
//! Source: Kafka's "Record Batch" and "Record" in the documentation of the message format.

mod batch;
mod builder;
#[expect(clippy::module_inception, reason = "the record is what the folder is named for")]
mod record;
mod varint;

pub(crate) use batch::assign_base_offset;
pub use batch::{
    BATCH_LENGTH_AT, Batch, BatchHeader, CRC_AT, CRC_FROM, Compression, HEADER_SIZE, LOG_OVERHEAD, MAGIC,
    NO_PRODUCER, Producer, Records,
};
pub use builder::{BatchMeta, NewRecord, batch_size, encode_batch, encode_batch_with};
pub use record::{Header, Headers, Record};
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
    /// The batch is compressed, and this build cannot decompress it.
    #[error("the records are compressed with {0}, which this build cannot read")]
    Compressed(Compression),
    /// A record inside the batch does not parse.
    #[error("record {index} of the batch: {reason}")]
    Record {
        /// The record's place in the batch, from 0.
        index: u32,
        /// What is wrong.
        reason: &'static str,
    },
}

fn incomplete(needed: u64, available: u64) -> String {
    match needed == HEADER_SIZE as u64 {
        true => format!("{available} bytes are there, fewer than the {needed} of a batch header"),
        false => format!("{available} of the batch's {needed} bytes are there"),
    }
}
