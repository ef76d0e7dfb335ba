//! `POST /produce`: one record in, its offset out.
//!
//! ```json
//! {"topic": "t", "payload": "hello", "key": "user-1", "headers": [{"name": "h", "value": "v"}], "acks": "all"}
//! {"offset": 42}
//! ```
//!
//! `topic` and `payload` must be there; `partition, key, headers, timestamp, acks` may be. Payload, key and a
//! header's value are strings, or null, or bytes under the same name with `_base64` behind it.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::body;
use super::error::{ApiError, Error};
use super::json::{Fields, Value};
use super::path::topic_name;
use super::record::{NewRecordSchema, ParsedRecord};
use crate::broker::{Acks, Broker};

/// A record and where it is to go.
#[derive(ToSchema)]
#[schema(as = Produce, example = json!({"topic": "t", "payload": "hello", "key": "user-1"}))]
#[expect(dead_code, reason = "describes what is read by hand")]
struct ProduceSchema {
    /// Is created if it is not there, unless the broker was told otherwise.
    topic: String,
    /// When to answer: once the record is on disk (`"all"` or -1, which is the default), or once it is in the log (1, 0).
    #[schema(nullable = false)]
    acks: Option<AcksSchema>,
    #[schema(inline)]
    #[serde(flatten)]
    record: NewRecordSchema,
}

/// `"all"`, or a number as in Kafka's protocol.
#[derive(ToSchema)]
#[schema(as = Acks)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what is read by hand")]
enum AcksSchema {
    Word(String),
    Number(i32),
}

/// Where the record is.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"offset": 42}))]
struct Produced {
    offset: u64,
}

/// Appends one record.
#[utoipa::path(
    post, path = "/produce", tag = "simple", request_body = ProduceSchema,
    responses(
        (status = 200, body = Produced, description = "The record is in the log, and as safe as `acks` asks for."),
        (status = 404, body = Error, description = "There is no such partition, or no such topic and none may be created."),
        (status = 413, body = Error, description = "The record, or the body, is too large."),
        (status = 415, body = Error, description = "The body is compressed."),
    )
)]
pub(super) async fn produce(State(broker): State<Broker>, request: Request) -> Result<Response, ApiError> {
    answer(&broker, request).await
}

/// Answers a request.
pub(super) async fn answer(broker: &Broker, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let body = body::read(&parts.headers, body, body::limit(broker.config().log.max_message_bytes)).await?;
    let mut fields = Fields::of_body(&body)?;
    let topic = topic_name(&fields.text("topic")?)?;
    let record = ParsedRecord::read(&mut fields)?;
    let acks = acks(&mut fields)?;
    let headers = record.headers();
    let (_, offset) = broker.produce(&topic, record.routed(&headers), acks).await?;
    Ok(super::json(StatusCode::OK, &Produced { offset }))
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
