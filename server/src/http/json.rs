//! Reading JSON without coercing anything.
//!
//! A body is parsed into [`Value`]s that borrow from it, and taken apart by [`Fields`], whose errors name the
//! field, what stands there and what may stand there. Beside a record, fields that nobody asks for are ignored: clients
//! of the simple routes send what they like. Elsewhere [`Fields::only`] refuses them, for a misspelt field would
//! silently leave undone what it asks for.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::ops::RangeInclusive;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::error::ApiError;
use super::query::{shown, unknown};

/// The usual alphabet; `=` at the end may be left out.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How many values there may be in a body, so that a small body cannot become large in memory.
const MAX_VALUES: usize = 500_000;

type Result<T> = std::result::Result<T, ApiError>;

/// A JSON value, with its text borrowed where that needs no unescaping.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Whole(i64),
    /// A whole number that is beyond every range asked for.
    Huge(u64),
    Float(f64),
    Text(Cow<'a, str>),
    List(Vec<Value<'a>>),
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

/// Describes a value to the person who sent it; long text is left out.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Whole(value) => write!(f, "the number {value}"),
            Self::Huge(value) => write!(f, "the number {value}"),
            Self::Float(value) => write!(f, "the number {value}"),
            Self::Text(value) if value.len() <= 40 => write!(f, "the string {value:?}"),
            Self::Text(_) => f.write_str("a long string"),
            Self::List(_) => f.write_str("a list"),
            Self::Object(_) => f.write_str("an object"),
        }
    }
}

/// Where an object stands, for errors.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    /// The line of a body that has a value a line.
    line: Option<usize>,
    /// The lists that it is in, with its place there.
    lists: [Option<(&'static str, usize)>; 2],
}

impl Place {
    fn in_list(mut self, name: &'static str, index: usize) -> Self {
        if let Some(free) = self.lists.iter_mut().find(|list| list.is_none()) {
            *free = Some((name, index));
        }
        self
    }
}

/// The fields of a JSON object.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    place: Place,
    fields: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Fields<'a> {
    /// The fields of a body that must be one JSON object.
    pub(super) fn of_body(body: &'a [u8]) -> Result<Self> {
        if body.is_empty() {
            return Err(ApiError::malformed("the body is empty: send a JSON object"));
        }
        match parse(body) {
            Ok(Value::Object(fields)) => Ok(Self { place: Place::default(), fields }),
            Ok(other) => Err(ApiError::malformed(format!("the body must be a JSON object, not {other}"))),
            Err(error) => Err(ApiError::malformed(format!("the body is not valid JSON: {error}"))),
        }
    }

    /// The fields of a line that must be one JSON object.
    pub(super) fn of_line(text: &'a [u8], line: usize) -> Result<Self> {
        match parse(text) {
            Ok(Value::Object(fields)) => {
                Ok(Self { place: Place { line: Some(line), ..Place::default() }, fields })
            }
            Ok(other) => Err(ApiError::malformed(format!("line {line} must be a JSON object, not {other}"))),
            Err(error) => {
                let error = error.to_string().replace(" at line 1 column", " at column");
                Err(ApiError::malformed(format!("line {line} is not valid JSON: {error}")))
            }
        }
    }

    /// The same, if it has none but these.
    pub(super) fn only(self, known: &[&str]) -> Result<Self> {
        match self.fields.iter().find(|(name, _)| !known.contains(&&**name)) {
            Some((name, _)) => Err(unknown(&self.name(&shown(name)), known)),
            None => Ok(self),
        }
    }

    /// All fields, in the order in which they came.
    pub(super) fn into_all(self) -> impl Iterator<Item = (Cow<'a, str>, Value<'a>)> {
        self.fields.into_iter()
    }

    /// A field's value, taken out; `None` if it is not there.
    pub(super) fn take(&mut self, name: &str) -> Result<Option<Value<'a>>> {
        let Some(at) = self.fields.iter().position(|(key, _)| key == name) else { return Ok(None) };
        let (_, value) = self.fields.swap_remove(at);
        if self.fields.iter().any(|(key, _)| key == name) {
            return Err(ApiError::malformed(format!("{} is given twice", self.name(name))));
        }
        Ok(Some(value))
    }

    /// A string that must be there.
    pub(super) fn text(&mut self, name: &str) -> Result<Cow<'a, str>> {
        let missing = |fields: &Self| format!("{} is missing: it takes a string", fields.name(name));
        self.optional_text(name)?.ok_or_else(|| ApiError::malformed(missing(self)))
    }

    /// A string, if it is there.
    pub(super) fn optional_text(&mut self, name: &str) -> Result<Option<Cow<'a, str>>> {
        match self.take(name)? {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(other) => Err(self.refuse(name, "takes a string", &other)),
        }
    }

    /// A whole number in a range, if it is there.
    pub(super) fn whole(&mut self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>> {
        let found = self.take(name)?;
        match found {
            None => return Ok(None),
            Some(Value::Whole(number)) if range.contains(&number) => return Ok(Some(number)),
            _ => {}
        }
        let rule = format!("takes a whole number from {} to {}", range.start(), range.end());
        Err(self.refuse(name, &rule, &found.unwrap_or(Value::Null)))
    }

    /// A whole number in a range that must be there.
    pub(super) fn required_whole(&mut self, name: &str, range: RangeInclusive<i64>) -> Result<i64> {
        let missing = |fields: &Self| format!("{} is missing: it takes a whole number", fields.name(name));
        self.whole(name, range)?.ok_or_else(|| ApiError::malformed(missing(self)))
    }

    /// Bytes, given as text in one field or as base64 in another. The outer `None`: neither is there. The inner one:
    /// it is null.
    pub(super) fn bytes(&mut self, name: &str, name_base64: &str) -> Result<Option<Option<Cow<'a, [u8]>>>> {
        let (text, base64) = (self.take(name)?, self.take(name_base64)?);
        match (text, base64) {
            (Some(_), Some(_)) => {
                let (plain, base64) = (self.name(name), self.name(name_base64));
                Err(ApiError::malformed(format!("{plain} and {base64} are both given: send one of them")))
            }
            (Some(Value::Text(Cow::Borrowed(text))), None) => Ok(Some(Some(text.as_bytes().into()))),
            (Some(Value::Text(Cow::Owned(text))), None) => Ok(Some(Some(text.into_bytes().into()))),
            (Some(Value::Null), None) | (None, Some(Value::Null)) => Ok(Some(None)),
            (None, Some(Value::Text(text))) => match BASE64.decode(text.as_bytes()) {
                Ok(bytes) => Ok(Some(Some(bytes.into()))),
                Err(error) => {
                    let name = self.name(name_base64);
                    Err(ApiError::malformed(format!("{name} is not base64: {error}")))
                }
            },
            (Some(other), None) => {
                let rule = format!(
                    "takes a string or null; write anything else as a string, or send bytes as {name_base64:?}; it is"
                );
                Err(self.refuse_with(name, &rule, &other))
            }
            (None, Some(other)) => Err(self.refuse(name_base64, "takes base64 in a string, or null", &other)),
            (None, None) => Ok(None),
        }
    }

    /// The fields of an object, if it is there.
    pub(super) fn object(&mut self, name: &str) -> Result<Option<Fields<'a>>> {
        match self.take(name)? {
            None => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(Fields { place: self.place, fields })),
            Some(other) => Err(self.refuse(name, "takes an object", &other)),
        }
    }

    /// Objects in a list, if it is there.
    pub(super) fn objects(&mut self, name: &'static str) -> Result<Vec<Fields<'a>>> {
        let rule = "takes a list of objects";
        let values = match self.take(name)? {
            None => return Ok(Vec::new()),
            Some(Value::List(values)) => values,
            Some(other) => return Err(self.refuse(name, rule, &other)),
        };
        let mut objects = Vec::with_capacity(values.len());
        for (i, value) in values.into_iter().enumerate() {
            match value {
                Value::Object(fields) => objects.push(Fields { place: self.place.in_list(name, i), fields }),
                other => return Err(self.refuse(&format!("{name}[{i}]"), "takes an object", &other)),
            }
        }
        Ok(objects)
    }

    /// The field's name as errors give it.
    pub(super) fn name(&self, name: &str) -> String {
        let line = self.place.line.map_or(String::new(), |line| format!("line {line}: "));
        let lists: String =
            self.place.lists.iter().flatten().map(|(list, index)| format!("{list}[{index}].")).collect();
        format!("{line}the field \"{lists}{name}\"")
    }

    pub(super) fn refuse(&self, name: &str, rule: &str, found: &Value<'_>) -> ApiError {
        self.refuse_with(name, &format!("{rule}, not"), found)
    }

    fn refuse_with(&self, name: &str, rule: &str, found: &Value<'_>) -> ApiError {
        ApiError::malformed(format!("{} {rule} {found}", self.name(name)))
    }
}

/// Parses a JSON text, all of it.
fn parse(text: &[u8]) -> serde_json::Result<Value<'_>> {
    let left = Cell::new(MAX_VALUES);
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = ValueSeed { left: &left }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads a value, and counts what is in lists and objects.
#[derive(Clone, Copy)]
struct ValueSeed<'l> {
    left: &'l Cell<usize>,
}

impl ValueSeed<'_> {
    fn count<E: serde::de::Error>(self) -> std::result::Result<(), E> {
        let too_many = || E::custom(format_args!("it holds more than {MAX_VALUES} values"));
        self.left.set(self.left.get().checked_sub(1).ok_or_else(too_many)?);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Value<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Value<'de>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Value<'de>, E> {
        Ok(Value::Whole(value))
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Value<'de>, E> {
        Ok(i64::try_from(value).map_or(Value::Huge(value), Value::Whole))
    }

    fn visit_f64<E>(self, value: f64) -> std::result::Result<Value<'de>, E> {
        Ok(Value::Float(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> std::result::Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Value<'de>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(self)? {
            self.count()?;
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Value<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some((key, value)) = map.next_entry_seed(self, self)? {
            self.count()?;
            // JSON's keys are strings.
            if let Value::Text(key) = key {
                fields.push((key, value));
            }
        }
        Ok(Value::Object(fields))
    }
}
