//! Zigzag varints, as Kafka (and Protocol Buffers) write signed integers in records.
//!
//! Seven bits a byte, the lowest first; the top bit says that another byte follows. Zigzag maps 0, −1, 1, −2 …
//! to 0, 1, 2, 3 …, so that small negative numbers stay small. A varint carries 32 bits in at most five bytes,
//! a varlong 64 bits in at most ten; anything longer is refused rather than wrapped.

/// The most bytes a varint takes.
pub const VARINT_MAX: usize = 5;
/// The most bytes a varlong takes.
pub const VARLONG_MAX: usize = 10;

/// Reads a varlong from the front of `bytes`: the value and what follows it. `None` if it is cut off or does
/// not fit 64 bits.
#[inline]
pub fn read_varlong(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (value, rest) = match read_short(bytes) {
        Some((value, rest)) => (u64::from(value), rest),
        None => read_long(bytes, VARLONG_MAX)?,
    };
    Some(((value >> 1) as i64 ^ -((value & 1) as i64), rest))
}

/// Reads a varint from the front of `bytes`: the value and what follows it. `None` if it is cut off or does not
/// fit 32 bits.
#[inline]
pub fn read_varint(bytes: &[u8]) -> Option<(i32, &[u8])> {
    let (value, rest) = read_zigzag(bytes)?;
    Some(((value >> 1) as i32 ^ -((value & 1) as i32), rest))
}

/// Reads a varint as zigzag left it: the value doubled, or one less than twice its amount if it is negative.
#[inline]
pub(super) fn read_zigzag(bytes: &[u8]) -> Option<(u32, &[u8])> {
    if let Some(short) = read_short(bytes) {
        return Some(short);
    }
    let (value, rest) = read_long(bytes, VARINT_MAX)?;
    Some((u32::try_from(value).ok()?, rest))
}

/// One or two bytes, as nearly all are: the numbers up to 8191.
#[inline]
fn read_short(bytes: &[u8]) -> Option<(u32, &[u8])> {
    match bytes {
        [low @ 0..0x80, rest @ ..] => Some((u32::from(*low), rest)),
        [low, high @ 0..0x80, rest @ ..] => Some((u32::from(low & 0x7f) | u32::from(*high) << 7, rest)),
        _ => None,
    }
}

#[cold]
fn read_long(bytes: &[u8], max: usize) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (i, &byte) in bytes.iter().take(max).enumerate() {
        let bits = u64::from(byte & 0x7f);
        let shift = 7 * i as u32;
        // The tenth byte has room for one bit only.
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some((value, &bytes[i + 1..]));
        }
    }
    None
}

/// Appends `value` as a varlong; a varint is written the same way.
pub(super) fn write_varlong(out: &mut Vec<u8>, value: i64) {
    let mut rest = zigzag(value);
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Bytes that `value` takes as a varlong.
pub fn varlong_size(value: i64) -> usize {
    (64 - (zigzag(value) | 1).leading_zeros() as usize).div_ceil(7)
}

/// Bytes that `value` takes as a varint.
pub fn varint_size(value: i32) -> usize {
    varlong_size(i64::from(value))
}

/// What a varint or varlong carries: 0, −1, 1, −2 … as 0, 1, 2, 3 …
#[inline]
pub(super) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_bytes() {
        for (value, bytes) in [
            (0i64, &[0x00][..]),
            (-1, &[0x01]),
            (1, &[0x02]),
            (63, &[0x7e]),
            (-64, &[0x7f]),
            (64, &[0x80, 0x01]),
            (i64::from(i32::MIN), &[0xff, 0xff, 0xff, 0xff, 0x0f]),
            (i64::MIN, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ] {
            let mut out = Vec::new();
            write_varlong(&mut out, value);
            assert_eq!(out, bytes, "{value}");
            assert_eq!(read_varlong(bytes), Some((value, &[][..])));
        }
    }

    #[test]
    fn too_long_or_cut_off_is_refused() {
        assert_eq!(read_varint(&[0x80]), None);
        assert_eq!(read_varint(&[0xff, 0xff, 0xff, 0xff, 0x1f]), None, "33 bits");
        assert_eq!(read_varint(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x00]), None, "six bytes");
        assert_eq!(read_varlong(&[0xff; 10]), None);
        assert_eq!(read_varlong(&[]), None);
    }

    proptest! {
        #[test]
        fn round_trip(value: i64, rest: Vec<u8>) {
            let mut out = Vec::new();
            write_varlong(&mut out, value);
            prop_assert_eq!(out.len(), varlong_size(value));
            out.extend(&rest);
            prop_assert_eq!(read_varlong(&out), Some((value, &rest[..])));
            if let Ok(small) = i32::try_from(value) {
                prop_assert_eq!(read_varint(&out), Some((small, &rest[..])));
            }
        }
    }
}
