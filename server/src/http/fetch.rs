//! `GET /fetch`: records from an offset on.
//!
//! ```text
//! /fetch?topic=t&offset=0&max_bytes=4096&min_bytes=1&max_wait_ms=0&partition=0
//! ```
//! ```json
//! {"records": [{"offset": 0, "payload": "hello"}], "next_offset": 1, "log_start_offset": 0,
//!  "high_watermark": 1, "stopped_by": "log_end"}
//! ```
//!
//! `topic` and `offset` must be there; the others have the values above if they are not. `max_bytes` counts
//! bytes of batches as they stand in the log. A payload that is not UTF-8 comes as `payload_base64`.

use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use utoipa::IntoParams;

use super::error::{ApiError, Error};
use super::fetched::{self, FetchedSchema, Shape, SimpleRecordSchema};
use super::path::topic_name;
use super::query::{MAX_I32, MAX_I64, Query};
use crate::broker::{Broker, FetchRequest, TopicPartition};

/// As much as Kafka's defaults put between two index entries.
const DEFAULT_MAX_BYTES: u64 = 4096;

/// How much to fetch, and how long to wait for it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read by hand")]
pub(super) struct HowMuch {
    /// The most bytes of record batches, as they stand in the log. The first batch comes whole, even if it alone has more.
    #[param(nullable = false, maximum = 2_147_483_647)]
    max_bytes: Option<u64>,
    /// How many bytes are worth an answer before `max_wait_ms` are over: 1, unless said otherwise.
    #[param(nullable = false, maximum = 2_147_483_647)]
    min_bytes: Option<u64>,
    /// How long to wait for that: 0, unless said otherwise, and 30 seconds at most.
    #[param(nullable = false, maximum = 2_147_483_647)]
    max_wait_ms: Option<u64>,
}

/// Fetches records, in the simplest form.
///
/// A topic that is not there yet is empty, so that a consumer may start before its producer.
#[utoipa::path(
    get, path = "/fetch", tag = "simple",
    params(
        ("topic" = String, Query),
        ("offset" = u64, Query, description = "The first offset that is wanted; go on at `next_offset`."),
        ("partition" = Option<u32>, Query, description = "0, unless said otherwise."),
        HowMuch,
    ),
    responses(
        (status = 200, body = FetchedSchema<SimpleRecordSchema>, description = "Whole record batches, at least one if there is any."),
        (status = 404, body = Error, description = "There is no such partition, or no such topic and none may be created."),
        (status = 406, body = Error, description = "A compressed batch is too large for JSON."),
        (status = 416, body = Error, description = "There is no such offset; the message tells which there are."),
        (status = 429, body = Error, description = "Too many fetches wait."),
    )
)]
pub(super) async fn fetch(
    State(broker): State<Broker>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    answer(&broker, query.as_deref()).await
}

/// Answers a request with this query.
pub(super) async fn answer(broker: &Broker, query: Option<&str>) -> Result<Response, ApiError> {
    let query = Query::parse_any(query);
    let topic = topic_name(query.required("topic")?)?;
    query.required("offset")?;
    let offset = query.whole("offset", 0..=MAX_I64)?.unwrap_or(0);
    let partition = query.whole("partition", 0..=MAX_I32)?.unwrap_or(0) as u32;
    let request = how_much(&query, offset, DEFAULT_MAX_BYTES)?;
    fetched::answer(broker, &TopicPartition { topic, partition }, request, Shape::Simple).await
}

/// The parameters that all fetches have.
pub(super) fn how_much(
    query: &Query<'_>,
    offset: u64,
    default_max_bytes: u64,
) -> Result<FetchRequest, ApiError> {
    let whole = |name, default| query.whole(name, 0..=MAX_I32).map(|number| number.unwrap_or(default));
    Ok(FetchRequest {
        offset,
        max_bytes: whole("max_bytes", default_max_bytes)?,
        min_bytes: whole("min_bytes", 1)?,
        max_wait: Duration::from_millis(whole("max_wait_ms", 0)?),
    })
}
