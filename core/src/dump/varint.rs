//! A varint unfolded: its bytes, the bits in them, and how zigzag makes a signed number of them.

use super::Field;
use crate::record::VARLONG_MAX;

/// A zigzag varint, bit by bit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfolded {
    /// Its bytes, a field each.
    pub groups: Vec<Field>,
    /// What the groups of seven bits are, put together.
    pub unsigned: u64,
    /// The number that zigzag makes of it.
    pub value: i64,
    /// How it comes about, in a line.
    pub steps: String,
}

/// Unfolds the varint whose bytes these are; they stand at `position` of the file. Bytes that are too many for
/// 64 bits add nothing.
pub fn unfold(bytes: &[u8], position: u64) -> Unfolded {
    let mut unsigned = 0u64;
    let mut groups = Vec::new();
    let mut bits = String::new();
    for (number, byte) in bytes.iter().take(VARLONG_MAX).enumerate() {
        unsigned |= u64::from(byte & 0x7f) << (7 * number);
        let follows = byte & 0x80 != 0;
        let mut field = Field::new(format!("group {number}"), position + number as u64, 1);
        let next = if follows { "another follows" } else { "the last" };
        field.value = format!("{} {:07b} · {next}", u8::from(follows), byte & 0x7f);
        groups.push(field);
        // The lowest group comes first, and a number is written with its lowest digits last.
        bits = format!("{:07b} {bits}", byte & 0x7f);
    }
    let value = (unsigned >> 1) as i64 ^ -((unsigned & 1) as i64);
    let zigzag = match unsigned & 1 {
        0 => format!("even, so half of it: {value}"),
        _ => format!("odd, so minus half of one more: {value}"),
    };
    let steps = format!("{bits}= {unsigned}; zigzag: {zigzag}");
    Unfolded { groups, unsigned, value, steps }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::read_varlong;

    #[test]
    fn groups_and_zigzag_are_shown() {
        let unfolded = unfold(&[0x82, 0x01], 70);
        let values: Vec<_> = unfolded.groups.iter().map(|group| (group.position, &*group.value)).collect();
        assert_eq!(values, [(70, "1 0000010 · another follows"), (71, "0 0000001 · the last")]);
        assert_eq!(unfolded.steps, "0000001 0000010 = 130; zigzag: even, so half of it: 65");
        assert_eq!(unfold(&[1], 0).steps, "0000001 = 1; zigzag: odd, so minus half of one more: -1");
        assert!(!unfolded.groups[0].meaning.is_empty());
    }

    proptest::proptest! {
        #[test]
        fn it_is_the_number_that_the_log_reads(bytes: Vec<u8>) {
            let unfolded = unfold(&bytes, 0);
            if let Some((value, [])) = read_varlong(&bytes) {
                assert_eq!(unfolded.value, value);
                assert_eq!(unfolded.groups.len(), bytes.len());
            }
        }
    }
}
