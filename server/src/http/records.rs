//! `/topics/{topic}/records` takes records, many at once; `/topics/{topic}/partitions/{partition}/records` gives them,
//! and deletes those before an offset.

use std::sync::LazyLock;

use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use logscope::topic::TopicName;
use logscope::{Header, NewRecord};
use serde::Serialize;
use utoipa::ToSchema;

use super::accept;
use super::body;
use super::error::{ApiError, Error, ErrorCode};
use super::fetch::{HowMuch, how_much};
use super::fetched::{self, FetchedSchema, RecordSchema, Shape};
use super::json::Fields;
use super::lines;
use super::path::{PartitionPath, TopicPath};
use super::query::{MAX_I32, MAX_I64, Query};
use super::record::{NewRecordSchema, ParsedRecord};
use super::streamed;
use super::written::{write_number, write_text};
use crate::broker::{Acks, Appended, Broker, BrokerError, RoutedRecord, TopicPartition};

/// How many records a request may bring.
const MAX_RECORDS: usize = 10_000;
/// What a fetch takes without `max_bytes`: Kafka's `max.partition.fetch.bytes` and its default.
const DEFAULT_MAX_BYTES: u64 = 1 << 20;

pub(super) const OCTET_STREAM: &str = "application/octet-stream";
const NDJSON: &str = "application/x-ndjson";

/// Records to append.
#[derive(ToSchema)]
#[schema(as = NewRecords, example = json!({"records": [{"payload": "hello", "key": "user-1"}, {"payload": null, "key": "user-2"}]}))]
#[expect(dead_code, reason = "describes what is read by hand")]
struct NewRecordsSchema {
    /// At most 10000 of them.
    #[schema(max_items = 10_000, min_items = 1)]
    records: Vec<NewRecordSchema>,
}

/// What became of the records, in their order.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"offsets": [{"partition": 0, "offset": 42}]}))]
struct Placed {
    offsets: Vec<Place>,
}

/// Where a record is, or why it is not there.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Place {
    /// It is in the log, and as safe as `acks` asks for.
    Taken { partition: u32, offset: u64 },
    /// It is not. Others of the same request are.
    #[expect(dead_code, reason = "describes what is written by hand")]
    Refused { partition: u32, error_code: u32, message: String },
}

/// Appends records: those for one partition as one batch.
///
/// A record goes to the `partition` that it names; or where Kafka's clients would send its key; or, without a key, where
/// the broker likes. If none is taken, the first one's error is the answer.
#[utoipa::path(
    post, path = "/topics/{topic}/records", operation_id = "append_records", tag = "records",
    params(
        ("topic" = String, Path),
        ("acks" = Option<String>, Query, description = "When to answer: once the records are on disk (`all` or -1, which is the default), or once they are in the log (1, 0).", example = "all"),
        ("key" = Option<String>, Query, description = "For one record as `application/octet-stream`."),
        ("partition" = Option<u32>, Query, description = "For one record as `application/octet-stream`."),
        ("timestamp" = Option<i64>, Query, description = "For one record as `application/octet-stream`."),
    ),
    request_body(
        description = "A list of records; or, as `application/x-ndjson`, a record a line; or, as `application/octet-stream`, one record's payload.",
        content(
            (NewRecordsSchema = "application/json"),
            (NewRecordSchema = "application/x-ndjson"),
            (Vec<u8> = "application/octet-stream"),
        ),
    ),
    responses(
        (status = 200, body = Placed, description = "At least one record was taken."),
        (status = 404, body = Error, description = "There is no such partition, or no such topic and none may be created."),
        (status = 413, body = Error, description = "A batch, or the body, is too large."),
        (status = 415, body = Error, description = "The body is compressed."),
    )
)]
pub(super) async fn append(
    State(broker): State<Broker>,
    TopicPath(topic): TopicPath,
    request: Request,
) -> Result<Response, ApiError> {
    append_to(&broker, &topic, request).await
}

/// Answers a request for this topic.
pub(super) async fn append_to(
    broker: &Broker,
    topic: &TopicName,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let media_type = media_type(&parts.headers);
    // Of several records, each names its own.
    let known: &[_] = match media_type.as_deref() {
        Some(OCTET_STREAM) => &["acks", "key", "partition", "timestamp"],
        _ => &["acks"],
    };
    let query = Query::parse(parts.uri.query(), known)?;
    let acks = query.acks()?.unwrap_or_default();
    let body = body::read(&parts.headers, body, body::limit(broker.max_message_bytes(topic))).await?;
    match media_type.as_deref() {
        Some(OCTET_STREAM) => append_payload(broker, topic, &query, &body, acks).await,
        Some(NDJSON) => {
            let numbers = LazyLock::new(|| lines::numbers(&body));
            let key = |record: usize| {
                let line = numbers.get(record).copied().unwrap_or_default();
                format!("line {line}: the field \"key\"")
            };
            append_parsed(broker, topic, &lines::parse(&body)?, key, acks).await
        }
        _ => {
            let key = |record| format!("the field \"records[{record}].key\"");
            append_parsed(broker, topic, &parse_list(&body)?, key, acks).await
        }
    }
}

/// The Content-Type, without its parameters.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(|it| it.trim().to_ascii_lowercase())
}

async fn append_payload(
    broker: &Broker,
    topic: &TopicName,
    query: &Query<'_>,
    payload: &[u8],
    acks: Acks,
) -> Result<Response, ApiError> {
    let partition = query.whole("partition", 0..=MAX_I32)?.map(|number| number as u32);
    let timestamp = query.whole("timestamp", 0..=MAX_I64)?.map(|number| number as i64);
    let key = query.get("key")?.map(str::as_bytes);
    let record = NewRecord { timestamp, key, value: Some(payload), headers: &[] };
    let (partition, offset) = broker.produce(topic, RoutedRecord { partition, record }, acks).await?;
    Ok(super::json(StatusCode::OK, &Placed { offsets: vec![Place::Taken { partition, offset }] }))
}

fn parse_list(body: &[u8]) -> Result<Vec<ParsedRecord<'_>>, ApiError> {
    let mut fields = Fields::of_body(body)?;
    let objects = fields.objects("records")?;
    if objects.is_empty() {
        let message = "the field \"records\" is missing or empty: it takes a list of records";
        return Err(ApiError::malformed(message));
    }
    check_count(objects.len())?;
    objects.into_iter().map(|mut fields| ParsedRecord::read(&mut fields)).collect()
}

pub(super) fn check_count(records: usize) -> Result<(), ApiError> {
    if records <= MAX_RECORDS {
        return Ok(());
    }
    let message = format!(
        "more than {MAX_RECORDS} records, which is the limit of one request: send the rest in the next"
    );
    Err(ApiError::malformed(message))
}

/// `key` names a record's key for errors.
async fn append_parsed(
    broker: &Broker,
    topic: &TopicName,
    records: &[ParsedRecord<'_>],
    key: impl Fn(usize) -> String,
    acks: Acks,
) -> Result<Response, ApiError> {
    let headers: Vec<Vec<Header<'_>>> = records.iter().map(ParsedRecord::headers).collect();
    let routed: Vec<_> =
        records.iter().zip(&headers).map(|(record, headers)| record.routed(headers)).collect();
    let batches = broker.produce_all(topic, &routed, acks).await?;
    Ok(super::json_bytes(StatusCode::OK, places(batches, records.len(), key)?))
}

/// What became of each record, as [`Placed`]. The error of the first one, if none was taken.
fn places(
    batches: Vec<Appended>,
    records: usize,
    key: impl Fn(usize) -> String,
) -> Result<Vec<u8>, ApiError> {
    let refusal = |error| match error {
        BrokerError::NoKey { record, policy } => {
            let message =
                format!("{} is missing or null: `cleanup.policy` = {policy} needs one", key(record));
            ApiError::new(ErrorCode::KafkaBadRequest, message)
        }
        error => error.into(),
    };
    let none_taken = batches.iter().all(|batch| batch.base_offset.is_err());
    let mut refusals = Vec::new();
    let mut places = vec![(0, Ok(0)); records];
    for Appended { partition, records, base_offset } in batches {
        match base_offset.map_err(refusal) {
            Ok(base_offset) => {
                for (offset, at) in (base_offset..).zip(records) {
                    places[at] = (partition, Ok(offset));
                }
            }
            Err(error) if none_taken && records.first() == Some(&0) => return Err(error),
            Err(error) => {
                for at in records {
                    places[at] = (partition, Err(refusals.len()));
                }
                refusals.push(error);
            }
        }
    }
    Ok(write_places(&places, &refusals))
}

/// Each place is a partition with an offset, or with the number of a refusal.
fn write_places(places: &[(u32, Result<u64, usize>)], refusals: &[ApiError]) -> Vec<u8> {
    let mut out = Vec::with_capacity(32 * (places.len() + 1));
    out.extend_from_slice(b"{\"offsets\":[");
    for (at, (partition, place)) in places.iter().enumerate() {
        out.extend_from_slice(if at == 0 { b"{\"partition\":" } else { b",{\"partition\":" });
        write_number(&mut out, u64::from(*partition));
        match place {
            Ok(offset) => {
                out.extend_from_slice(b",\"offset\":");
                write_number(&mut out, *offset);
            }
            Err(refusal) => {
                out.extend_from_slice(b",\"error_code\":");
                write_number(&mut out, u64::from(refusals[*refusal].error_code()));
                out.extend_from_slice(b",\"message\":");
                write_text(&mut out, refusals[*refusal].message());
            }
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    out
}

/// Fetches records.
///
/// In JSON; or, with `Accept: application/octet-stream`, the record batches as they stand in the log: the first may begin
/// before the offset that was asked for.
#[utoipa::path(
    get, path = "/topics/{topic}/partitions/{partition}/records", operation_id = "fetch_records", tag = "records",
    params(
        ("topic" = String, Path), ("partition" = u32, Path),
        ("offset" = String, Query, description = "The first offset that is wanted, or `earliest`, or `latest`; go on at `next_offset`.", example = "earliest"),
        HowMuch,
    ),
    responses(
        (
            status = 200, description = "Whole record batches, at least one if there is any.",
            headers(
                ("logscope-next-offset" = u64, description = "`next_offset`, of raw batches"),
                ("logscope-log-start-offset" = u64, description = "`log_start_offset`, of raw batches"),
                ("logscope-high-watermark" = u64, description = "`high_watermark`, of raw batches"),
                ("logscope-stopped-by" = String, description = "`stopped_by`, of raw batches"),
            ),
            content((FetchedSchema<RecordSchema> = "application/json"), (Vec<u8> = "application/octet-stream")),
        ),
        (status = 404, body = Error, description = "There is no such topic or partition."),
        (status = 406, body = Error, description = "A compressed batch is too large for JSON."),
        (status = 416, body = Error, description = "There is no such offset; the message tells which there are."),
        (status = 429, body = Error, description = "Too many fetches wait."),
    )
)]
pub(super) async fn fetch(
    State(broker): State<Broker>,
    PartitionPath(of): PartitionPath,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let query = Query::parse(query.as_deref(), &["offset", "max_bytes", "min_bytes", "max_wait_ms"])?;
    query.required("offset")?;
    let offset = match offset(&query)? {
        Some(offset) => named_offset(&broker, &of, offset)?,
        None => 0,
    };
    let request = how_much(&query, offset, DEFAULT_MAX_BYTES)?;
    if accept::octets(&headers) {
        match broker.pieces(&of, &request) {
            Some(pieces) => streamed::raw_pieces(&broker, pieces).await,
            None => Ok(streamed::raw(&broker, broker.fetch(&of, &request).await?)),
        }
    } else {
        fetched::answer(&broker, &of, request, Shape::Full).await
    }
}

/// An offset, or a name for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offset {
    At(u64),
    Earliest,
    Latest,
}

/// The parameter `offset`, if it is there.
pub(super) fn offset(query: &Query<'_>) -> Result<Option<Offset>, ApiError> {
    match query.get("offset")? {
        Some("earliest") => Ok(Some(Offset::Earliest)),
        Some("latest") => Ok(Some(Offset::Latest)),
        _ => Ok(query.whole_or("offset", 0..=MAX_I64, ", or earliest or latest")?.map(Offset::At)),
    }
}

/// The number of an offset. A partition that is not there yet is empty, as it is for a fetch.
pub(super) fn named_offset(broker: &Broker, of: &TopicPartition, offset: Offset) -> Result<u64, ApiError> {
    let offsets = match offset {
        Offset::At(offset) => return Ok(offset),
        Offset::Earliest | Offset::Latest => broker.offsets(of),
    };
    match (offset, offsets) {
        (_, Err(BrokerError::UnknownTopic(_))) => Ok(0),
        (Offset::Latest, offsets) => Ok(offsets?.high_watermark),
        (_, offsets) => Ok(offsets?.log_start_offset),
    }
}

/// Where a log begins now.
#[derive(Serialize, ToSchema)]
struct LogStart {
    log_start_offset: u64,
}

/// Deletes the records before an offset, as Kafka's `DeleteRecords` does.
#[utoipa::path(
    delete, path = "/topics/{topic}/partitions/{partition}/records", operation_id = "delete_records", tag = "records",
    params(
        ("topic" = String, Path), ("partition" = u32, Path),
        ("before" = u64, Query, description = "The offset to begin at from now on."),
    ),
    responses(
        (status = 200, body = LogStart, description = "They are gone."),
        (status = 404, body = Error, description = "There is no such topic or partition."),
        (status = 416, body = Error, description = "The offset is beyond the high watermark."),
    )
)]
pub(super) async fn delete(
    State(broker): State<Broker>,
    PartitionPath(of): PartitionPath,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let query = Query::parse(query.as_deref(), &["before"])?;
    query.required("before")?;
    let before = query.whole("before", 0..=MAX_I64)?.unwrap_or(0);
    let log_start_offset = broker.delete_records_before(&of, before).await?;
    Ok(super::json(StatusCode::OK, &LogStart { log_start_offset }))
}
