//! JSON written by hand, for answers that are large: numbers and texts. A text is looked at eight bytes at a time. The
//! tests hold both against another library.

/// The digits of all numbers below a hundred.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut at = 0;
    while at < pairs.len() {
        pairs[at] = [b'0' + (at / 10) as u8, b'0' + (at % 10) as u8];
        at += 1;
    }
    pairs
};

pub(super) fn write_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    while number >= 10 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(&PAIRS[(number % 100) as usize]);
        number /= 100;
    }
    if number > 0 || at == digits.len() {
        at -= 1;
        digits[at] = b'0' + number as u8;
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

/// Whether bytes are ASCII, and a JSON string has them as they are. Nearly all payloads are, so many bytes are looked at
/// before anything is decided; the last ones together with some that were looked at already.
pub(super) fn is_plain_ascii(bytes: &[u8]) -> bool {
    let special = |byte: u8| {
        u8::from(byte.wrapping_sub(0x20) >= 0x60) | u8::from(byte == b'"') | u8::from(byte == b'\\')
    };
    let any = |run: &[u8]| run.iter().fold(0, |any, byte| any | special(*byte)) != 0;
    let Some(last) = bytes.last_chunk::<32>() else { return !any(bytes) };
    let (runs, _) = bytes.as_chunks::<32>();
    let are_plain = |runs: &[[u8; 32]]| {
        let mut any = [0; 32];
        for run in runs {
            any.iter_mut().zip(run).for_each(|(any, byte)| *any |= special(*byte));
        }
        any == [0; 32]
    };
    runs.chunks(8).all(are_plain) && !any(last)
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
            for (before, after) in
                [(0, 0), (31, 0), (31, 40), (40, 0), (70, 3), (300, 0), (300, 31), (9, 300)]
            {
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
        for number in [0, 9, 10, 99, 100, 101, 999, 1000, 12_345, 100_000, u64::MAX / 10, u64::MAX] {
            let mut out = Vec::new();
            write_number(&mut out, number);
            assert_eq!(out, number.to_string().as_bytes());
        }
    }
}
