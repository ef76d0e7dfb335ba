//! Snappy. It has no stream format of its own that Kafka uses: clients in Java write the chunks of xerial's
//! library, and others one raw block. Both are read; chunks are written.
//!
//! ```text
//! 82 'S' 'N' 'A' 'P' 'P' 'Y' 00 · version i32 = 1 · lowest compatible version i32 = 1
//! then, again and again: size i32 · a raw block of that size
//! ```
//!
//! Source: `SnappyOutputStream` and `SnappyInputStream` of snappy-java.

use std::io;

use snap::raw::{Decoder, Encoder, decompress_len, max_compress_len};

use super::corrupt;

const MAGIC: &[u8; 8] = b"\x82SNAPPY\0";
const VERSION: i32 = 1;
/// Uncompressed bytes of a chunk.
const CHUNK: usize = 32 << 10;

pub(super) fn compress(bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_be_bytes());
    out.extend_from_slice(&VERSION.to_be_bytes());
    let mut encoder = Encoder::new();
    for chunk in bytes.chunks(CHUNK) {
        let start = out.len() + 4;
        out.resize(start + max_compress_len(chunk.len()), 0);
        let size = encoder.compress(chunk, &mut out[start..])?;
        out[start - 4..start].copy_from_slice(&(size as i32).to_be_bytes());
        out.truncate(start + size);
    }
    Ok(())
}

pub(super) fn decompress(bytes: &[u8], limit: u64, out: &mut Vec<u8>) -> io::Result<()> {
    let Some(chunks) = bytes.strip_prefix(MAGIC) else {
        return decompress_block(bytes, limit, out).map(drop);
    };
    // Whatever the versions say, there has only been this one.
    let (_versions, mut chunks) = chunks.split_at_checked(8).ok_or(io::ErrorKind::UnexpectedEof)?;
    let mut left = limit;
    while let Some((size, rest)) = chunks.split_first_chunk() {
        let size =
            usize::try_from(i32::from_be_bytes(*size)).map_err(|_| corrupt("a chunk's size is negative"))?;
        let (block, rest) = rest.split_at_checked(size).ok_or(io::ErrorKind::UnexpectedEof)?;
        left -= decompress_block(block, left, out)?;
        chunks = rest;
    }
    if chunks.is_empty() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Appends what one raw block decompresses to, and returns its size.
fn decompress_block(block: &[u8], limit: u64, out: &mut Vec<u8>) -> io::Result<u64> {
    // Snappy wants all the room at once. Its densest element is three bytes that stand for 64, so a block that
    // claims more is lying, and is given no room.
    let claimed = decompress_len(block)?;
    if claimed.div_ceil(64) > block.len().div_ceil(3) {
        return Err(corrupt("a block claims more bytes than it can hold"));
    }
    if claimed as u64 > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let start = out.len();
    out.resize(start + claimed, 0);
    Decoder::new().decompress(block, &mut out[start..])?;
    Ok(claimed as u64)
}
