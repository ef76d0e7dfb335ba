//! A record on its way in: read the same way whether it comes alone, in a list, or on a line of its own.

use std::borrow::Cow;

use logscope::{Header, NewRecord};
use utoipa::ToSchema;

use super::error::ApiError;
use super::json::Fields;
use crate::broker::RoutedRecord;

pub(super) type Bytes<'a> = Option<Cow<'a, [u8]>>;

/// A record to append. Payload, key and a header's value are each a string, or null, or bytes under the name with
/// `_base64` behind it; a payload must be there.
#[derive(ToSchema)]
#[schema(as = NewRecord, example = json!({"payload": "hello", "key": "user-1"}))]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct NewRecordSchema {
    /// What the record carries; null is a tombstone.
    payload: Option<String>,
    /// The same as base64, for what is not UTF-8.
    payload_base64: Option<String>,
    /// Decides about the partition, and about what compaction keeps.
    key: Option<String>,
    /// The same as base64.
    key_base64: Option<String>,
    /// The partition that it must go to, instead of where its key or the broker would send it.
    #[schema(nullable = false, maximum = 2_147_483_647)]
    partition: Option<u32>,
    #[schema(nullable = false)]
    headers: Option<Vec<HeaderSchema>>,
    /// Milliseconds since the Unix epoch. Without one it is the broker's time.
    #[schema(nullable = false, minimum = 0)]
    timestamp: Option<i64>,
}

/// A header of a record. Its value is there once, in one of the two forms.
#[derive(ToSchema)]
#[schema(as = Header)]
#[expect(dead_code, reason = "describes what is read and written by hand")]
pub(super) struct HeaderSchema {
    name: String,
    value: Option<String>,
    /// For a value that is not UTF-8.
    value_base64: Option<String>,
}

/// A record as it was read, borrowed from the body where it needs no unescaping.
#[derive(Debug)]
#[cfg_attr(test, derive(PartialEq))]
pub(super) struct ParsedRecord<'a> {
    pub(super) partition: Option<u32>,
    pub(super) key: Bytes<'a>,
    pub(super) value: Bytes<'a>,
    pub(super) headers: Vec<(Cow<'a, [u8]>, Bytes<'a>)>,
    pub(super) timestamp: Option<i64>,
}

impl<'a> ParsedRecord<'a> {
    pub(super) fn read(fields: &mut Fields<'a>) -> Result<Self, ApiError> {
        let partition = fields.whole("partition", 0..=i64::from(i32::MAX))?.map(|number| number as u32);
        let Some(value) = fields.bytes("payload", "payload_base64")? else {
            let name = fields.name("payload");
            let rule = "it takes a string or null, or send \"payload_base64\"";
            return Err(ApiError::malformed(format!("{name} is missing: {rule}")));
        };
        let key = fields.bytes("key", "key_base64")?.flatten();
        let timestamp = fields.whole("timestamp", 0..=i64::MAX)?;
        let mut headers = Vec::new();
        for mut header in fields.objects("headers")? {
            let name = match header.text("name")? {
                Cow::Borrowed(name) => name.as_bytes().into(),
                Cow::Owned(name) => name.into_bytes().into(),
            };
            let Some(value) = header.bytes("value", "value_base64")? else {
                let message = format!("{} is missing: it takes a string or null", header.name("value"));
                return Err(ApiError::malformed(message));
            };
            headers.push((name, value));
        }
        Ok(Self { partition, key, value, headers, timestamp })
    }

    /// The headers as the engine takes them.
    pub(super) fn headers(&self) -> Vec<Header<'_>> {
        self.headers.iter().map(|(key, value)| Header { key, value: value.as_deref() }).collect()
    }

    /// The record as the broker takes it; `headers` are its own.
    pub(super) fn routed<'r>(&'r self, headers: &'r [Header<'r>]) -> RoutedRecord<'r> {
        let Self { partition, key, value, timestamp, .. } = self;
        let record =
            NewRecord { timestamp: *timestamp, key: key.as_deref(), value: value.as_deref(), headers };
        RoutedRecord { partition: *partition, record }
    }
}
