//! JSON as a broker writes it: a reader small enough for the page, where serde would be a tenth of all that is loaded.
//!
//! Whole numbers are exact up to 64 bits, as offsets and timestamps are; JavaScript's own reader rounds them.
//!
//! Invariant: no text makes it panic, or go deeper than [`DEPTH`].

use std::fmt::Write;

/// How deeply values may stand in each other.
const DEPTH: u32 = 24;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// A whole number: whether it is below zero, and how far from it.
    Whole(bool, u64),
    /// A number with a fraction, or too large. No answer that the page reads has one.
    Other,
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// A text is no JSON, or not what was expected: what is missing or wrong.
pub(crate) type Wrong = &'static str;

impl Json {
    /// Reads a text that holds one value.
    ///
    /// # Errors
    /// If it is no JSON.
    pub(crate) fn parse(text: &str) -> Result<Self, Wrong> {
        let mut reader = Reader { text, at: 0 };
        let value = reader.value(DEPTH)?;
        reader.space();
        if reader.at == text.len() { Ok(value) } else { Err("the end") }
    }

    /// A field of an object; null where there is none.
    pub(crate) fn field(&self, name: &str) -> &Self {
        let fields = if let Self::Object(fields) = self { fields.as_slice() } else { &[] };
        fields.iter().find(|(field, _)| field == name).map_or(&Self::Null, |(_, value)| value)
    }

    /// A text.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// A whole number that is not below zero.
    pub(crate) fn number(&self) -> Option<u64> {
        if let Self::Whole(false, number) = self { Some(*number) } else { None }
    }

    /// A whole number.
    pub(crate) fn signed(&self) -> Option<i64> {
        let Self::Whole(negative, number) = *self else { return None };
        if negative { 0_i64.checked_sub_unsigned(number) } else { number.try_into().ok() }
    }

    /// The elements of a list; none if it is no list.
    pub(crate) fn list(&self) -> &[Self] {
        if let Self::List(list) = self { list } else { &[] }
    }
}

struct Reader<'t> {
    text: &'t str,
    /// Always between two characters.
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn take(&mut self, expected: &'static str) -> Result<(), Wrong> {
        match self.text[self.at..].starts_with(expected) {
            true => self.at += expected.len(),
            false => return Err(expected),
        }
        Ok(())
    }

    fn value(&mut self, depth: u32) -> Result<Json, Wrong> {
        let depth = depth.checked_sub(1).ok_or("less depth")?;
        self.space();
        match self.peek() {
            Some(b'n') => self.take("null").map(|()| Json::Null),
            Some(b't') => self.take("true").map(|()| Json::Bool(true)),
            Some(b'f') => self.take("false").map(|()| Json::Bool(false)),
            Some(b'"') => self.string().map(Json::Text),
            Some(b'[') => {
                let mut list = Vec::new();
                self.elements("]", |reader| {
                    list.push(reader.value(depth)?);
                    Ok(())
                })?;
                Ok(Json::List(list))
            }
            Some(b'{') => {
                let mut fields = Vec::new();
                self.elements("}", |reader| {
                    reader.space();
                    let name = reader.string()?;
                    reader.space();
                    reader.take(":")?;
                    fields.push((name, reader.value(depth)?));
                    Ok(())
                })?;
                Ok(Json::Object(fields))
            }
            _ => self.number(),
        }
    }

    /// What stands between commas up to the bracket that closes.
    fn elements(
        &mut self,
        end: &'static str,
        mut element: impl FnMut(&mut Self) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        self.at += 1;
        self.space();
        if self.take(end).is_ok() {
            return Ok(());
        }
        loop {
            element(self)?;
            self.space();
            if self.take(end).is_ok() {
                return Ok(());
            }
            self.take(",")?;
        }
    }

    fn number(&mut self) -> Result<Json, Wrong> {
        let number = |c: &u8| c.is_ascii_digit() || b"+-.eE".contains(c);
        let length = self.text.as_bytes()[self.at..].iter().take_while(|c| number(c)).count();
        let text = &self.text[self.at..self.at + length];
        self.at += length;
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        if !digits.starts_with(|c: char| c.is_ascii_digit()) {
            return Err("a value");
        }
        let whole = if digits.starts_with('+') { None } else { digits.parse().ok() };
        Ok(whole.map_or(Json::Other, |number| Json::Whole(negative, number)))
    }

    fn string(&mut self) -> Result<String, Wrong> {
        self.take("\"")?;
        let mut text = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.find(['"', '\\']).ok_or("a closing quote")?;
            text.push_str(&rest[..plain]);
            self.at += plain + 1;
            if rest.as_bytes()[plain] == b'"' {
                return Ok(text);
            }
            let escape = self.peek().ok_or("an escape")?;
            let plain = match escape {
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'"' | b'\\' | b'/' => char::from(escape),
                b'u' => {
                    self.at += 1;
                    text.push(self.unicode()?);
                    continue;
                }
                _ => return Err("an escape"),
            };
            self.at += 1;
            text.push(plain);
        }
    }

    /// The character after `\u`; one half of a pair alone is none.
    fn unicode(&mut self) -> Result<char, Wrong> {
        let first = self.hex()?;
        if !(0xd800..0xdc00).contains(&first) {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        if self.take("\\u").is_err() {
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let second = self.hex()?;
        let code = (0xdc00..0xe000)
            .contains(&second)
            .then(|| 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
        Ok(code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self) -> Result<u32, Wrong> {
        let digits = self.text.get(self.at..self.at + 4).ok_or("four digits")?;
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| "four digits")
    }
}

/// Appends a text as JSON, with its quotes.
pub(crate) fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            // Writing into a string does not fail.
            c if c < ' ' => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn of(value: &Value) -> Json {
        match value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => Json::Whole(false, number),
                (_, Some(number)) => Json::Whole(true, number.unsigned_abs()),
                _ => Json::Other,
            },
            Value::String(text) => Json::Text(text.clone()),
            Value::Array(list) => Json::List(list.iter().map(of).collect()),
            Value::Object(fields) => {
                Json::Object(fields.iter().map(|(name, value)| (name.clone(), of(value))).collect())
            }
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(|number| Value::from(if number.fract() == 0.0 { 0.5 } else { number })),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_reads_what_another_library_writes(value in value()) {
            let expected = of(&value);
            prop_assert_eq!(Json::parse(&value.to_string()), Ok(expected.clone()));
            prop_assert_eq!(Json::parse(&serde_json::to_string_pretty(&value).unwrap()), Ok(expected));
        }

        #[test]
        fn no_text_is_too_strange(text in r#"[\[\]{}:,"\\u0-9a-fnrt. +-eüß ]{0,60}"#) {
            let _ = Json::parse(&text);
        }

        #[test]
        fn what_is_quoted_reads_back(text: String) {
            let mut json = String::new();
            quote(&mut json, &text);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text.clone());
            prop_assert_eq!(Json::parse(&json), Ok(Json::Text(text)));
        }
    }

    #[test]
    fn numbers_are_exact_and_pairs_are_one_character() {
        let json = Json::parse(
            r#"[18446744073709551615, -9223372036854775808, -0, 1e3, "\ud83d\ude00\u00fc\ud83d"]"#,
        );
        let Ok(Json::List(list)) = json else { panic!("{json:?}") };
        assert_eq!(
            (list[0].number(), list[1].signed(), list[2].signed()),
            (Some(u64::MAX), Some(i64::MIN), Some(0))
        );
        assert_eq!((&list[3], list[4].text()), (&Json::Other, Some("\u{1F600}ü\u{fffd}")));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        let deep = "[".repeat(1_000_000);
        for bad in [
            "",
            "[1",
            "{\"a\" 1}",
            "[1 2]",
            "\"a",
            "\"\\x\"",
            "\"\\u12\"",
            "nul",
            "1 2",
            "-",
            "{a:1}",
            "\\",
            "\"\\uü00\"",
            &deep,
        ] {
            assert!(Json::parse(bad).is_err(), "{bad:.40}");
        }
    }
}
