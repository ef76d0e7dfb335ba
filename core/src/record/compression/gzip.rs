//! gzip, as `java.util.zip` writes and reads it for Kafka.

use std::io::{self, Write};

use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

pub(super) fn compress(bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let mut encoder = GzEncoder::new(out, flate2::Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish().map(drop)
}

pub(super) fn decompress(bytes: &[u8], limit: u64, out: &mut Vec<u8>) -> io::Result<()> {
    super::read_to_limit(MultiGzDecoder::new(bytes), limit, out)
}
