//! Words and pairs: how a line is taken apart, and how a word is written so that it is read again.

use super::ScenarioError;

/// A word of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    Plain(String),
    Pair(String, String),
}

/// A word as it can stand in a scenario: in quotes if it must.
pub fn quote(word: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '"' | '\\' | '=' | '#');
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let mut quoted = String::from('"');
    for c in word.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Enough of a word to know it again.
pub(super) fn shorten(word: &str) -> String {
    match word.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &word[..at]),
        None => word.to_owned(),
    }
}

pub(super) fn split(line: &str) -> Result<Vec<Word>, ScenarioError> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        let (text, quoted, after) = read_word(rest, true)?;
        rest = after;
        if let Some(value) = rest.strip_prefix('=').filter(|_| !quoted) {
            let (value, _, after) = read_word(value, false)?;
            words.push(Word::Pair(text, value));
            rest = after;
        } else {
            words.push(Word::Plain(text));
        }
        if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
            return Err(ScenarioError::Quoting(format!(
                "a space is missing before {}",
                quote(&shorten(rest))
            )));
        }
        rest = rest.trim_start();
    }
    Ok(words)
}

/// Reads a word off the front: its text, whether it stood in quotes, and what follows. An unquoted word ends at
/// white space, and, before a pair's value, at `=`.
fn read_word(text: &str, ends_at_equals: bool) -> Result<(String, bool, &str), ScenarioError> {
    if let Some(inside) = text.strip_prefix('"') {
        let (word, rest) = read_quoted(inside)?;
        return Ok((word, true, rest));
    }
    let ends = |c: char| c.is_whitespace() || c == '"' || (ends_at_equals && c == '=');
    let end = text.find(ends).unwrap_or(text.len());
    Ok((text[..end].to_owned(), false, &text[end..]))
}

fn read_quoted(text: &str) -> Result<(String, &str), ScenarioError> {
    let unknown = |escape: &str| {
        let escape = shorten(escape);
        ScenarioError::Quoting(format!(r#"there is no escape \{escape}; there are \" \\ \n \t and \u{{…}}"#))
    };
    let mut word = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((word, &text[at + 1..])),
            '\\' => match chars.next() {
                Some((_, c @ ('"' | '\\'))) => word.push(c),
                Some((_, 'n')) => word.push('\n'),
                Some((_, 't')) => word.push('\t'),
                Some((_, 'u')) => {
                    let escape = &text[at + 1..];
                    let digits = escape[1..].strip_prefix('{').and_then(|rest| rest.split_once('}'));
                    let code = digits.and_then(|(digits, _)| u32::from_str_radix(digits, 16).ok());
                    let c = code.and_then(char::from_u32).ok_or_else(|| unknown(escape))?;
                    word.push(c);
                    chars.find(|(_, c)| *c == '}');
                }
                Some((_, c)) => return Err(unknown(&c.to_string())),
                None => break,
            },
            c => word.push(c),
        }
    }
    Err(ScenarioError::Quoting("a quoted word does not end: a \" is missing".to_owned()))
}
