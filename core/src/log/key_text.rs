//! A record's key as serde writes it: text where it is UTF-8, which most keys are, and otherwise base64, marked as such.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Key<'a> {
    Text(Cow<'a, str>),
    Bytes { base64: Cow<'a, str> },
}

pub(super) fn serialize<S: Serializer>(key: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    let key = key.as_deref().map(|bytes| match std::str::from_utf8(bytes) {
        Ok(text) => Key::Text(text.into()),
        Err(_) => Key::Bytes { base64: STANDARD.encode(bytes).into() },
    });
    key.serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
    match Option::deserialize(deserializer)? {
        None => Ok(None),
        Some(Key::Text(text)) => Ok(Some(text.into_owned().into_bytes())),
        Some(Key::Bytes { base64 }) => STANDARD.decode(&*base64).map(Some).map_err(de::Error::custom),
    }
}
