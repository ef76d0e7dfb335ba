//! `POST /produce`: one record in, its offset out.
//!
//! ```json
//! {"topic": "t", "payload": "hello", "key": "user-1", "headers": [{"name": "h", "value": "v"}], "acks": "all"}
//! {"offset": 42}
//! ```
//!
//! `topic` and `payload` must be there; `partition, key, headers, timestamp, acks` may be. Payload, key and a
//! header's value are strings, or null, or bytes under the same name with `_base64` behind it.

use std::borrow::Cow;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use logscope::topic::TopicName;
use logscope::{Header, NewRecord};
use serde::Serialize;

use super::body;
use super::error::{ApiError, ErrorCode};
use super::json::{Fields, Value};
use crate::broker::{Acks, Broker, RoutedRecord};

/// What a record takes besides its payload, at most: field names, escapes and topic.
const BODY_OVERHEAD: u64 = 64 << 10;
/// A byte takes at most six in JSON: `\u0000`.
const BODY_PER_BYTE: u64 = 6;

#[derive(Serialize)]
struct Produced {
    offset: u64,
}

type Bytes<'a> = Option<Cow<'a, [u8]>>;

/// What a body asks for.
struct Produce<'a> {
    topic: TopicName,
    partition: Option<u32>,
    key: Bytes<'a>,
    value: Bytes<'a>,
    headers: Vec<(Cow<'a, [u8]>, Bytes<'a>)>,
    timestamp: Option<i64>,
    acks: Acks,
}

pub(super) async fn produce(State(broker): State<Broker>, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let limit = u64::from(broker.config().log.max_message_bytes) * BODY_PER_BYTE + BODY_OVERHEAD;
    let body = body::read(&parts.headers, body, limit).await?;
    let Produce { topic, partition, key, value, headers, timestamp, acks } = parse(&body)?;

    let headers: Vec<_> =
        headers.iter().map(|(key, value)| Header { key: key.as_ref(), value: value.as_deref() }).collect();
    let record = NewRecord { timestamp, key: key.as_deref(), value: value.as_deref(), headers: &headers };
    let (_, offset) = broker.produce(&topic, RoutedRecord { partition, record }, acks).await?;
    Ok(super::json(StatusCode::OK, &Produced { offset }))
}

fn parse(body: &[u8]) -> Result<Produce<'_>, ApiError> {
    let mut fields = Fields::of_body(body)?;
    let topic = topic(&fields.text("topic")?)?;
    let partition = fields.whole("partition", 0..=i64::from(i32::MAX))?.map(|number| number as u32);
    let Some(value) = fields.bytes("payload")? else {
        let message =
            "the field \"payload\" is missing: it takes a string or null, or send \"payload_base64\"";
        return Err(ApiError::malformed(message));
    };
    let key = fields.bytes("key")?.flatten();
    let timestamp = fields.whole("timestamp", 0..=i64::MAX)?;
    let acks = acks(&mut fields)?;
    let mut headers = Vec::new();
    for mut header in fields.objects("headers")? {
        let name = match header.text("name")? {
            Cow::Borrowed(name) => name.as_bytes().into(),
            Cow::Owned(name) => name.into_bytes().into(),
        };
        let Some(value) = header.bytes("value")? else {
            let message = format!("{} is missing: it takes a string or null", header.name("value"));
            return Err(ApiError::malformed(message));
        };
        headers.push((name, value));
    }
    Ok(Produce { topic, partition, key, value, headers, timestamp, acks })
}

/// A topic's name, or the part of the rule that it breaks.
pub(super) fn topic(name: &str) -> Result<TopicName, ApiError> {
    TopicName::new(name).map_err(|error| ApiError::new(ErrorCode::KafkaBadRequest, error.to_string()))
}

fn acks(fields: &mut Fields<'_>) -> Result<Acks, ApiError> {
    match fields.take("acks")? {
        None | Some(Value::Whole(-1)) => Ok(Acks::All),
        Some(Value::Text(text)) if text == "all" => Ok(Acks::All),
        Some(Value::Whole(1)) => Ok(Acks::Leader),
        Some(Value::Whole(0)) => Ok(Acks::None),
        Some(other) => Err(fields.refuse("acks", "takes \"all\", -1, 1 or 0", &other)),
    }
}
