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
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine;
use logscope::Record;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::error::ApiError;
use super::json::BASE64;
use super::produce::topic;
use super::query::Query;
use crate::broker::{Broker, FetchRequest, TopicPartition};

/// As much as Kafka's defaults put between two index entries.
const DEFAULT_MAX_BYTES: u64 = 4096;
/// Kafka's protocol has 32 bits for sizes and times, and 64 for offsets; both are signed.
const MAX_I32: u64 = i32::MAX as u64;
const MAX_I64: u64 = i64::MAX as u64;

#[derive(Serialize)]
struct Fetched<'a> {
    records: Vec<FetchedRecord<'a>>,
    next_offset: u64,
    log_start_offset: u64,
    high_watermark: u64,
    stopped_by: &'static str,
}

struct FetchedRecord<'a> {
    offset: u64,
    payload: Option<&'a [u8]>,
}

impl Serialize for FetchedRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut record = serializer.serialize_struct("Record", 2)?;
        record.serialize_field("offset", &self.offset)?;
        match self.payload.map(std::str::from_utf8) {
            None => record.serialize_field("payload", &None::<&str>)?,
            Some(Ok(text)) => record.serialize_field("payload", text)?,
            Some(Err(_)) => {
                let encoded = BASE64.encode(self.payload.unwrap_or_default());
                record.serialize_field("payload_base64", &encoded)?;
            }
        }
        record.end()
    }
}

pub(super) async fn fetch(
    State(broker): State<Broker>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let (from, request) = parse(&Query::parse(query.as_deref()))?;
    let answer = broker.fetch(&from, &request).await?;
    let records = answer
        .fetched
        .records()
        .map(|record| record.map(|Record { offset, value: payload, .. }| FetchedRecord { offset, payload }));
    let body = Fetched {
        records: records.collect::<Result<_, _>>().map_err(logscope::Error::from)?,
        next_offset: answer.fetched.next_offset,
        log_start_offset: answer.log_start_offset,
        high_watermark: answer.high_watermark,
        stopped_by: answer.fetched.stopped_by.as_str(),
    };
    Ok(super::json(StatusCode::OK, &body))
}

fn parse(query: &Query<'_>) -> Result<(TopicPartition, FetchRequest), ApiError> {
    let topic = topic(query.required("topic")?)?;
    query.required("offset")?;
    let whole = |name, max, default| query.whole(name, 0..=max).map(|number| number.unwrap_or(default));
    let request = FetchRequest {
        offset: whole("offset", MAX_I64, 0)?,
        max_bytes: whole("max_bytes", MAX_I32, DEFAULT_MAX_BYTES)?,
        min_bytes: whole("min_bytes", MAX_I32, 1)?,
        max_wait: Duration::from_millis(whole("max_wait_ms", MAX_I32, 0)?),
    };
    let partition = whole("partition", MAX_I32, 0)? as u32;
    Ok((TopicPartition { topic, partition }, request))
}
