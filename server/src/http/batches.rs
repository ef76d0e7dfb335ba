//! `GET /topics/{t}/partitions/{p}/segments/{base}/batches`: which batches a segment holds, header by header.
//!
//! ```json
//! {"batches": [{"segment": 0, "position": 0, "size": 70, "base_offset": 0, "last_offset": 0, "records": 1,
//!               "max_timestamp": 1767225600000, "compression": "none", "first_key": null,
//!               "producer_id": -1}], "next_offset": null}
//! ```
//!
//! `?offset=` is where to begin (0: at the segment's first), `limit` how many batches to list (100). Where there are
//! more, `next_offset` is where they go on. A batch looks as it does in `/events`; a key that is not UTF-8 is
//! `{"base64": "…"}`. What is not durable yet is listed too.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use logscope::log::BatchInfo;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::{ApiError, Error};
use super::path::SegmentPath;
use super::query::{MAX_I64, Query};
use crate::broker::Broker;

const DEFAULT_LIMIT: u64 = 100;
const MAX_LIMIT: u64 = 10_000;

/// Batches of a segment.
#[derive(Serialize, ToSchema)]
struct Batches {
    #[schema(value_type = Vec<BatchSchema>)]
    batches: Vec<BatchInfo>,
    /// Where there are more; null where there are none.
    next_offset: Option<u64>,
}

/// A record batch.
#[derive(ToSchema)]
#[schema(as = Batch, example = json!({"segment": 0, "position": 0, "size": 70, "base_offset": 0, "last_offset": 0,
    "records": 1, "max_timestamp": 1767225600000i64, "compression": "none", "first_key": null,
    "producer_id": -1}))]
#[expect(dead_code, reason = "describes what the engine writes")]
struct BatchSchema {
    /// The first offset of the segment that holds it.
    segment: u64,
    /// Where it begins in the segment's file.
    position: u64,
    /// Its bytes.
    size: u32,
    base_offset: u64,
    last_offset: u64,
    /// How many records it holds.
    records: u32,
    /// Milliseconds since the Unix epoch.
    max_timestamp: i64,
    /// `none`, `gzip`, `snappy`, `lz4` or `zstd`.
    compression: String,
    /// The first record's key, if it has one and the batch is not compressed.
    first_key: Option<KeySchema>,
    /// The id of the idempotent producer that sent it; -1 if none did.
    producer_id: i64,
}

/// A key: text where it is UTF-8.
#[derive(ToSchema)]
#[schema(as = Key)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what the engine writes")]
enum KeySchema {
    Text(String),
    Bytes { base64: String },
}

/// Lists the batches of a segment, durable or not.
#[utoipa::path(
    get, path = "/topics/{topic}/partitions/{partition}/segments/{base_offset}/batches", operation_id = "list_batches", tag = "segments",
    params(
        ("topic" = String, Path), ("partition" = u32, Path),
        ("base_offset" = u64, Path, description = "The segment's first offset."),
        ("offset" = Option<u64>, Query, description = "Where to begin; the segment's first batch without it."),
        ("limit" = Option<u64>, Query, description = "How many to list: 100 without it, 10000 at most."),
    ),
    responses(
        (status = 200, body = Batches, description = "The batches."),
        (status = 404, body = Error, description = "There is no such topic, partition or segment."),
    )
)]
pub(super) async fn batches(
    State(broker): State<Broker>,
    SegmentPath { of, base_offset }: SegmentPath,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let query = Query::parse(query.as_deref(), &["offset", "limit"])?;
    let offset = query.whole("offset", 0..=MAX_I64)?.unwrap_or(0);
    let limit = query.whole("limit", 1..=MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT) as usize;
    // One more tells whether there is one.
    let mut batches = broker.batches(&of, base_offset, offset, limit + 1).await?;
    let more = batches.len() > limit;
    batches.truncate(limit);
    let next_offset = batches.last().filter(|_| more).map(|batch| batch.last_offset + 1);
    Ok(super::json(StatusCode::OK, &Batches { batches, next_offset }))
}
