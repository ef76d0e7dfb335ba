//! The codecs of compressed record batches: what stands between a batch's header and its end is compressed as a
//! whole, and the header says with what.
//!
//! A codec is there if its feature is (`gzip`, `snappy`, `lz4`, `zstd`, or `compression` for all); a build
//! without it knows the codec by name and carries its batches along, but cannot look inside.
//!
//! Invariants:
//! - Decompressing stops at a limit. It takes memory by what has been decompressed, a few times the limit at the
//!   most and a constant, never by the sizes that the compressed bytes claim.
//! - What a codec compressed it decompresses to the same bytes, and so do Kafka's clients.
//!
//! Source: Kafka's `CompressionType` and its input and output streams, one a codec.

#[cfg(feature = "gzip")]
mod gzip;
#[cfg(feature = "lz4")]
mod lz4;
#[cfg(feature = "snappy")]
mod snappy;
#[cfg(feature = "zstd")]
mod zstd;

use std::fmt;
use std::io;
use std::str::FromStr;

use super::{BatchError, UnknownName};

/// How a batch's records are compressed (bits 0 to 2 of its attributes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Compression {
    /// Not at all.
    #[default]
    None = 0,
    /// gzip.
    Gzip = 1,
    /// Snappy, in the framing of xerial's library for Java.
    Snappy = 2,
    /// LZ4, in its frame format.
    Lz4 = 3,
    /// Zstandard.
    Zstd = 4,
}

/// Appends the compressed bytes. An error is the library's own trouble: any bytes can be compressed.
type Compress = fn(&[u8], &mut Vec<u8>) -> io::Result<()>;
/// Appends at most so many decompressed bytes. If there are more, the error's kind is `FileTooLarge`.
type Decompress = fn(&[u8], u64, &mut Vec<u8>) -> io::Result<()>;

impl Compression {
    /// All of them, in the order of their numbers in a batch's attributes.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// Kafka's name for it, as in `compression.type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// Whether this build can compress and decompress with it. It is asked wherever a config is read, so it must not
    /// lead to the codecs themselves: a page may load them later than that.
    pub fn is_available(self) -> bool {
        match self {
            Self::None => true,
            Self::Gzip => cfg!(feature = "gzip"),
            Self::Snappy => cfg!(feature = "snappy"),
            Self::Lz4 => cfg!(feature = "lz4"),
            Self::Zstd => cfg!(feature = "zstd"),
        }
    }

    fn codec(self) -> Option<(Compress, Decompress)> {
        match self {
            #[cfg(feature = "gzip")]
            Self::Gzip => Some((gzip::compress, gzip::decompress)),
            #[cfg(feature = "snappy")]
            Self::Snappy => Some((snappy::compress, snappy::decompress)),
            #[cfg(feature = "lz4")]
            Self::Lz4 => Some((lz4::compress, lz4::decompress)),
            #[cfg(feature = "zstd")]
            Self::Zstd => Some((zstd::compress, zstd::decompress)),
            _ => None,
        }
    }

    /// Appends `bytes`, compressed, to `out`. [`Compression::None`] has no codec, and is an error.
    pub(super) fn compress(self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), BatchError> {
        let (compress, _) = self.codec().ok_or(BatchError::Compressed(self))?;
        compress(bytes, out).map_err(|error| self.failed(&error))
    }

    /// Appends what `bytes` decompress to. After an error, `out` holds some of it.
    pub(super) fn decompress(self, bytes: &[u8], limit: u64, out: &mut Vec<u8>) -> Result<(), BatchError> {
        let (_, decompress) = self.codec().ok_or(BatchError::Compressed(self))?;
        decompress(bytes, limit, out).map_err(|error| match error.kind() {
            io::ErrorKind::FileTooLarge => BatchError::DecompressedTooLarge { codec: self, limit },
            _ => self.failed(&error),
        })
    }

    fn failed(self, error: &io::Error) -> BatchError {
        BatchError::Codec { codec: self, reason: error.to_string() }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Compression {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|codec| codec.name() == name);
        found.ok_or_else(|| UnknownName { name: name.to_owned(), known: "none, gzip, snappy, lz4, zstd" })
    }
}

/// Reads `source` to its end, if that is within the limit.
#[cfg(any(feature = "gzip", feature = "lz4"))]
fn read_to_limit(source: impl io::Read, limit: u64, out: &mut Vec<u8>) -> io::Result<()> {
    let read = io::Read::read_to_end(&mut source.take(limit.saturating_add(1)), out)?;
    if read as u64 > limit { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(()) }
}

/// The error for compressed bytes that are wrong in a way that the codec's library does not look at.
#[cfg(any(feature = "snappy", feature = "lz4"))]
fn corrupt(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
