//! Reading JSON without coercing anything.
//!
//! A body is parsed into [`Value`]s that borrow from it, and taken apart by [`Fields`], whose errors name the
//! field, what stands there and what may stand there. Fields that nobody asks for are ignored, so that a client
//! may send more than this broker knows.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::error::ApiError;

/// The usual alphabet; `=` at the end may be left out.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

type Result<T> = std::result::Result<T, ApiError>;

/// A JSON value, with its text borrowed where that needs no unescaping.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Whole(i128),
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
            Self::Float(value) => write!(f, "the number {value}"),
            Self::Text(value) if value.len() <= 40 => write!(f, "the string {value:?}"),
            Self::Text(_) => f.write_str("a long string"),
            Self::List(_) => f.write_str("a list"),
            Self::Object(_) => f.write_str("an object"),
        }
    }
}

/// The fields of a JSON object. `path` names the object in errors: empty for the body itself.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    path: String,
    fields: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Fields<'a> {
    /// The fields of a body that must be one JSON object.
    pub(super) fn of_body(body: &'a [u8]) -> Result<Self> {
        if body.is_empty() {
            return Err(ApiError::malformed("the body is empty: send a JSON object"));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Self { path: String::new(), fields }),
            Ok(other) => Err(ApiError::malformed(format!("the body must be a JSON object, not {other}"))),
            Err(error) => Err(ApiError::malformed(format!("the body is not valid JSON: {error}"))),
        }
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
        match self.take(name)? {
            Some(Value::Text(text)) => Ok(text),
            Some(other) => Err(self.refuse(name, "takes a string", &other)),
            None => Err(ApiError::malformed(format!("{} is missing: it takes a string", self.name(name)))),
        }
    }

    /// A whole number in a range, if it is there.
    pub(super) fn whole(&mut self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>> {
        let rule = format!("takes a whole number from {} to {}", range.start(), range.end());
        match self.take(name)? {
            None => Ok(None),
            Some(Value::Whole(number)) => match i64::try_from(number) {
                Ok(number) if range.contains(&number) => Ok(Some(number)),
                _ => Err(self.refuse(name, &rule, &Value::Whole(number))),
            },
            Some(other) => Err(self.refuse(name, &rule, &other)),
        }
    }

    /// Bytes, given as text in the field `name` or as base64 in `name_base64`. The outer `None`: neither is
    /// there. The inner one: it is null.
    pub(super) fn bytes(&mut self, name: &str) -> Result<Option<Option<Cow<'a, [u8]>>>> {
        let name_base64 = format!("{name}_base64");
        let (text, base64) = (self.take(name)?, self.take(&name_base64)?);
        match (text, base64) {
            (Some(_), Some(_)) => {
                let (plain, base64) = (self.name(name), self.name(&name_base64));
                Err(ApiError::malformed(format!("{plain} and {base64} are both given: send one of them")))
            }
            (Some(Value::Text(Cow::Borrowed(text))), None) => Ok(Some(Some(text.as_bytes().into()))),
            (Some(Value::Text(Cow::Owned(text))), None) => Ok(Some(Some(text.into_bytes().into()))),
            (Some(Value::Null), None) | (None, Some(Value::Null)) => Ok(Some(None)),
            (None, Some(Value::Text(text))) => match BASE64.decode(text.as_bytes()) {
                Ok(bytes) => Ok(Some(Some(bytes.into()))),
                Err(error) => {
                    let name = self.name(&name_base64);
                    Err(ApiError::malformed(format!("{name} is not base64: {error}")))
                }
            },
            (Some(other), None) => {
                let rule = format!(
                    "takes a string or null; write anything else as a string, or send bytes as {name_base64:?}; it is"
                );
                Err(self.refuse_with(name, &rule, &other))
            }
            (None, Some(other)) => {
                Err(self.refuse(&name_base64, "takes base64 in a string, or null", &other))
            }
            (None, None) => Ok(None),
        }
    }

    /// Objects in a list, if it is there.
    pub(super) fn objects(&mut self, name: &str) -> Result<Vec<Fields<'a>>> {
        let rule = "takes a list of objects";
        let values = match self.take(name)? {
            None => return Ok(Vec::new()),
            Some(Value::List(values)) => values,
            Some(other) => return Err(self.refuse(name, rule, &other)),
        };
        let mut objects = Vec::with_capacity(values.len());
        for (i, value) in values.into_iter().enumerate() {
            let path = format!("{}{name}[{i}].", self.path);
            match value {
                Value::Object(fields) => objects.push(Fields { path, fields }),
                other => return Err(self.refuse(&format!("{name}[{i}]"), "takes an object", &other)),
            }
        }
        Ok(objects)
    }

    /// The field's name as errors give it.
    pub(super) fn name(&self, name: &str) -> String {
        format!("the field \"{}{name}\"", self.path)
    }

    pub(super) fn refuse(&self, name: &str, rule: &str, found: &Value<'_>) -> ApiError {
        self.refuse_with(name, &format!("{rule}, not"), found)
    }

    fn refuse_with(&self, name: &str, rule: &str, found: &Value<'_>) -> ApiError {
        ApiError::malformed(format!("{} {rule} {found}", self.name(name)))
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
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
        Ok(Value::Whole(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Value<'de>, E> {
        Ok(Value::Whole(value.into()))
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
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Value<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some((key, value)) = map.next_entry::<Value<'de>, Value<'de>>()? {
            // JSON's keys are strings.
            if let Value::Text(key) = key {
                fields.push((key, value));
            }
        }
        Ok(Value::Object(fields))
    }
}
