//! Lines of NDJSON. Most have one shape, `{"payload":"…","key":"…"}` without escapes, and are read in one pass that
//! allocates nothing; every other line is left to [`Fields`].
//!
//! Invariant: a line that is read here gives what [`Fields`] would give. One that is wrong is never read here, so there is
//! one place that says what is wrong with a line.

use super::error::ApiError;
use super::json::Fields;
use super::record::ParsedRecord;
use super::records::check_count;
use super::written::plain_size;

/// Reads a record a line. Lines that are empty do not count as records, and count as lines.
pub(super) fn parse(body: &[u8]) -> Result<Vec<ParsedRecord<'_>>, ApiError> {
    // What stands between two quotes is then UTF-8 as well.
    let is_utf8 = std::str::from_utf8(body).is_ok();
    let mut records = Vec::new();
    let (mut rest, mut number) = (body, 0);
    while !rest.is_empty() {
        number += 1;
        if let Some((record, behind)) = plain_line(rest).filter(|_| is_utf8) {
            check_count(records.len() + 1)?;
            records.push(record);
            rest = behind;
            continue;
        }
        let end = memchr::memchr(b'\n', rest);
        let line = &rest[..end.unwrap_or(rest.len())];
        if !line.trim_ascii().is_empty() {
            check_count(records.len() + 1)?;
            records.push(ParsedRecord::read(&mut Fields::of_line(line, number)?)?);
        }
        rest = end.map_or(&[], |end| &rest[end + 1..]);
    }
    if records.is_empty() {
        return Err(ApiError::malformed("the body is empty: send a JSON object on each line"));
    }
    Ok(records)
}

/// The number of the line that each record stands on, for errors; lines count from 1.
pub(super) fn numbers(body: &[u8]) -> Vec<usize> {
    let lines = (1..).zip(body.split(|byte| *byte == b'\n'));
    lines.filter(|(_, line)| !line.trim_ascii().is_empty()).map(|(number, _)| number).collect()
}

/// The record on a line of the usual shape, and what follows the line. Whether its strings are UTF-8 is not looked at.
fn plain_line(text: &[u8]) -> Option<(ParsedRecord<'_>, &[u8])> {
    let (mut payload, mut key) = (None, None);
    let mut rest = after(b'{', text)?;
    loop {
        let (name, value) = plain_string(rest)?;
        let (value, behind) = plain_string(after(b':', value)?)?;
        let field = match name {
            b"payload" => &mut payload,
            b"key" => &mut key,
            _ => return None,
        };
        if field.replace(value).is_some() {
            return None;
        }
        match after(b',', behind) {
            Some(behind) => rest = behind,
            None => {
                rest = after(b'}', behind)?;
                break;
            }
        }
    }
    let rest = match rest.strip_prefix(b"\n") {
        Some(rest) => rest,
        None if rest.is_empty() => rest,
        None => return None,
    };
    let value = Some(payload?.into());
    let key = key.map(Into::into);
    Some((ParsedRecord { partition: None, key, value, headers: Vec::new(), timestamp: None }, rest))
}

/// What follows a sign, which may have spaces before it.
fn after(sign: u8, text: &[u8]) -> Option<&[u8]> {
    let spaces = text.iter().take_while(|byte| **byte == b' ').count();
    text[spaces..].strip_prefix(&[sign])
}

/// A string without escapes, and what follows it.
fn plain_string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = after(b'"', text)?;
    let (string, rest) = text.split_at(plain_size(text));
    Some((string, rest.strip_prefix(b"\"")?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slowly(line: &[u8]) -> Result<ParsedRecord<'_>, ApiError> {
        ParsedRecord::read(&mut Fields::of_line(line, 1)?)
    }

    /// What stands in lines, whole and in pieces.
    fn piece() -> impl Strategy<Value = String> {
        let some = [
            "{",
            "}",
            ":",
            ",",
            " ",
            "\t",
            "\r",
            "\"",
            "\\",
            "null",
            "1",
            "[]",
            "\u{1}",
            "\u{7f}",
            "ü",
            "\"payload\"",
            "\"key\"",
            "\"payload\":\"x\"",
            "\"key\":\"y\"",
            "\"pay\\u006coad\"",
            "\"headers\"",
            "\"key\":null",
            "\"partition\":1",
            "\"payload_base64\":\"eA==\"",
            "\"topic\":\"ü\"",
            "\"\\n\"",
        ];
        prop_oneof![3 => prop::sample::select(some.to_vec()).prop_map(str::to_owned), 1 => "[ -~ü]{0,20}"]
    }

    /// Lines that are nearly right.
    fn line() -> impl Strategy<Value = Vec<u8>> {
        let field = ("(payload|key|payload|key|x)", " ?: ?", "[ -~ü]{0,20}")
            .prop_map(|(name, colon, text)| format!("\"{name}\"{colon}\"{text}\""));
        let object =
            prop::collection::vec(field, 0..4).prop_map(|fields| format!("{{{}}}", fields.join(", ")));
        let pieces = prop::collection::vec(piece(), 0..8).prop_map(|pieces| pieces.concat());
        let edit = prop::option::of((any::<prop::sample::Index>(), any::<u8>()));
        (prop_oneof![object, pieces], edit).prop_map(|(text, edit)| {
            let mut line = text.into_bytes();
            if let (Some((at, byte)), false) = (edit, line.is_empty()) {
                let at = at.index(line.len());
                line[at] = byte;
            }
            line.retain(|byte| *byte != b'\n');
            line
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn a_line_gives_the_same_in_both_ways(line in line()) {
            if let (Some((record, rest)), Ok(_)) = (plain_line(&line), std::str::from_utf8(&line)) {
                prop_assert_eq!(rest, b"");
                prop_assert_eq!(record, slowly(&line).unwrap());
            }
        }

        #[test]
        fn a_body_gives_what_its_lines_give(lines in prop::collection::vec(line(), 0..5), end in any::<bool>()) {
            let mut body = lines.join(&b'\n');
            body.extend(end.then_some(b'\n'));
            let one_by_one: Result<Vec<_>, _> = (1..)
                .zip(&lines)
                .filter(|(_, line)| !line.trim_ascii().is_empty())
                .map(|(number, line)| ParsedRecord::read(&mut Fields::of_line(line, number)?))
                .collect();
            match (parse(&body), one_by_one) {
                (Ok(records), Ok(expected)) => prop_assert_eq!(records, expected),
                (Err(error), Ok(expected)) => prop_assert!(expected.is_empty(), "{}", error.message()),
                (Err(error), Err(expected)) => prop_assert_eq!(error.message(), expected.message()),
                (Ok(_), Err(expected)) => prop_assert!(false, "not refused: {}", expected.message()),
            }
        }
    }

    #[test]
    fn the_usual_lines_are_read_here() {
        for line in [
            r#"{"payload":"hello","key":"user-1"}"#,
            r#"{"key": "ü", "payload": ""}"#,
            r#" { "payload" : "x" } "#.trim_end(),
        ] {
            assert!(plain_line(line.as_bytes()).is_some(), "{line}");
        }
        let (record, rest) = plain_line(b"{\"payload\":\"a\"}\n{").unwrap();
        assert_eq!((record.value.as_deref(), record.key, rest), (Some(&b"a"[..]), None, &b"{"[..]));
    }
}
