//! LZ4 in its frame format. Kafka takes frames of independent blocks only, and writes 64 KiB to a block.

use std::io::{self, Read, Write};

use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};

use super::corrupt;

pub(super) fn compress(bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let info = FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(BlockMode::Independent);
    let mut encoder = FrameEncoder::with_frame_info(info, out);
    encoder.write_all(bytes)?;
    encoder.finish()?;
    Ok(())
}

pub(super) fn decompress(bytes: &[u8], limit: u64, out: &mut Vec<u8>) -> io::Result<()> {
    // The library takes the end of its input for the end of the frame. With these bytes behind it there is no such
    // end: they are the size of a block that is too large. A whole frame is not read beyond its end mark.
    let mut decoder = FrameDecoder::new(bytes.chain(io::repeat(0xff)));
    super::read_to_limit(&mut decoder, limit, out)?;
    let (left, _) = decoder.get_ref().get_ref();
    if left.is_empty() { Ok(()) } else { Err(corrupt("bytes follow the end of the frame")) }
}
