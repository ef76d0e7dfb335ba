//! Zstandard frames.

use std::io::{self, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use ruzstd::encoding::{CompressionLevel, compress as compress_frame};

pub(super) fn compress(bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    compress_frame(bytes, out, CompressionLevel::Fastest);
    Ok(())
}

pub(super) fn decompress(mut bytes: &[u8], limit: u64, out: &mut Vec<u8>) -> io::Result<()> {
    let mut left = limit;
    while !bytes.is_empty() {
        left -= decompress_frame(&mut bytes, left, out)?;
    }
    Ok(())
}

/// Takes one frame off the front of `bytes`, and returns how many bytes it added to `out`.
fn decompress_frame(bytes: &mut &[u8], limit: u64, out: &mut Vec<u8>) -> io::Result<u64> {
    // A decoder that is used again would allocate the window that the next frame claims.
    let mut decoder = FrameDecoder::new();
    match decoder.init(&mut *bytes) {
        Ok(()) => {}
        Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
            *bytes = bytes.get(length as usize..).ok_or(io::ErrorKind::UnexpectedEof)?;
            return Ok(0);
        }
        Err(error) => return Err(io::Error::other(error)),
    }
    // The decoder keeps what it decoded for as long as the window reaches, which may be far longer than the limit.
    // So it is asked to decode until it holds one byte too many: if it ends before that, the frame is whole.
    let too_many = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1);
    let whole = decoder.decode_blocks(&mut *bytes, BlockDecodingStrategy::UptoBytes(too_many));
    if !whole.map_err(io::Error::other)? || decoder.can_collect() as u64 > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(decoder.read_to_end(out)? as u64)
}
