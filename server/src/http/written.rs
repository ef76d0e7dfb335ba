//! JSON written by hand, for answers that are large: numbers and texts. A text is looked at eight bytes at a time. The
//! tests hold both against another library.

pub(super) fn write_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a JSON string, with its quotes.
pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    out.push(b'"');
    loop {
        let (plain, behind) = rest.split_at(plain_size(rest));
        out.extend_from_slice(plain);
        let Some((&special, behind)) = behind.split_first() else { break };
        write_escape(out, special);
        rest = behind;
    }
    out.push(b'"');
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Whether bytes are ASCII, and a JSON string has them as they are. Nearly all payloads are, and a run of a fixed length in
/// which nothing ends early is looked at many bytes at a time.
pub(super) fn is_plain_ascii(bytes: &[u8]) -> bool {
    let is_plain = |byte: u8| (byte.wrapping_sub(0x20) < 0x60) & (byte != b'"') & (byte != b'\\');
    let are_plain = |run: &[u8]| run.iter().fold(true, |plain, byte| plain & is_plain(*byte));
    let (runs, rest) = bytes.as_chunks::<32>();
    runs.iter().all(|run| are_plain(run)) && are_plain(rest)
}

/// How many bytes from the front on a JSON string takes as they are, and has as they are.
pub(super) fn plain_size(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks::<8>();
    let plain = words.iter().take_while(|word| !has_special(u64::from_le_bytes(**word))).count() * 8;
    let is_special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
    plain + bytes[plain..].iter().position(is_special).unwrap_or(bytes.len() - plain)
}

/// Whether one of eight bytes is a control character, a quote or a backslash: for each, a subtraction borrows from its
/// byte's highest bit if, and only if, there is one (and that bit was not set to begin with).
fn has_special(word: u64) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGHEST: u64 = 0x80 * EACH;
    let below = |word: u64, limit: u64| word.wrapping_sub(EACH * limit) & !word;
    let equal = |byte: u8| below(word ^ (EACH * u64::from(byte)), 1);
    (below(word, 0x20) | equal(b'"') | equal(b'\\')) & HIGHEST != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        let mut out = Vec::new();
        write_text(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn texts_are_written_as_another_library_writes_them() {
        for character in (0..0x180).chain([0x2028, 0xffff, 0x1f980]).filter_map(char::from_u32) {
            for before in 0..17 {
                let sample = format!("{}{character}{}", "x".repeat(before), "ü".repeat(before % 5));
                assert_eq!(text(&sample), serde_json::to_string(&sample).unwrap());
            }
        }
        assert_eq!(text("\u{0}\u{1f}\"\\"), r#""\u0000\u001f\"\\""#);
    }

    #[test]
    fn plain_ascii_is_what_another_library_writes_as_it_is() {
        for byte in 0..=u8::MAX {
            for (before, after) in [(0, 0), (31, 0), (31, 40), (40, 0), (70, 3)] {
                let sample = [vec![b'x'; before], vec![byte], vec![b'~'; after]].concat();
                let written = str::from_utf8(&sample).map(|text| serde_json::to_string(text).unwrap());
                let is_plain = written.is_ok_and(|it| it.is_ascii() && it.len() == sample.len() + 2);
                assert_eq!(is_plain_ascii(&sample), is_plain, "{byte} after {before}");
            }
        }
        assert!(is_plain_ascii(b""));
    }

    #[test]
    fn numbers_are_written_as_another_library_writes_them() {
        for number in [0, 9, 10, 12_345, u64::MAX] {
            let mut out = Vec::new();
            write_number(&mut out, number);
            assert_eq!(out, number.to_string().as_bytes());
        }
    }
}
