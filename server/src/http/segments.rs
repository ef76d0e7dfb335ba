//! `/topics/{topic}/partitions/{partition}/segments`: what is on disk, and its bytes.

use std::io::SeekFrom;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use logscope::SegmentInfo;
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;
use utoipa::ToSchema;

use super::error::{ApiError, Error, ErrorCode};
use super::path::{PartitionPath, SegmentFilePath};
use super::range::{self, Asked};
use crate::broker::{Broker, SegmentFile};

/// How much of a file is read at a time.
const CHUNK: usize = 64 << 10;

/// The segments of a partition.
#[derive(Serialize, ToSchema)]
struct Segments {
    /// Oldest first.
    segments: Vec<Segment>,
}

/// A segment.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"base_offset": 0, "size": 8192, "index_entries": 1, "time_index_entries": 1, "active": true}))]
pub(super) struct Segment {
    /// Its first offset, after which its files are named.
    base_offset: u64,
    /// Bytes of record batches.
    size: u64,
    index_entries: usize,
    time_index_entries: usize,
    /// Whether records are appended to it: the last one.
    active: bool,
}

impl Segment {
    pub(super) fn of(info: &SegmentInfo, active: bool) -> Self {
        let SegmentInfo { base_offset, size, index_entries, time_index_entries, .. } = *info;
        Self { base_offset, size, index_entries, time_index_entries, active }
    }
}

/// Lists the segments of a partition.
#[utoipa::path(
    get, path = "/topics/{topic}/partitions/{partition}/segments", operation_id = "list_segments", tag = "segments",
    params(("topic" = String, Path), ("partition" = u32, Path)),
    responses(
        (status = 200, body = Segments, description = "The segments."),
        (status = 404, body = Error, description = "There is no such topic or partition."),
    )
)]
pub(super) async fn list(
    State(broker): State<Broker>,
    PartitionPath(of): PartitionPath,
) -> Result<Response, ApiError> {
    let segments = broker.segments(&of)?;
    let count = segments.len();
    let segments = (1..).zip(&segments).map(|(number, info)| Segment::of(info, number == count)).collect();
    Ok(super::json(StatusCode::OK, &Segments { segments }))
}

/// Gives a file of a segment, in the bytes that are on disk and in Kafka's format.
#[utoipa::path(
    get, path = "/topics/{topic}/partitions/{partition}/segments/{base_offset}/{file}", operation_id = "segment_file", tag = "segments",
    params(
        ("topic" = String, Path), ("partition" = u32, Path),
        ("base_offset" = u64, Path, description = "The segment's first offset, with or without zeros before it."),
        ("file" = String, Path, description = "`log`, `index` or `timeindex`.", example = "log"),
        ("range" = Option<String>, Header, description = "One range of bytes; what asks for several gets the whole file.", example = "bytes=0-99"),
    ),
    responses(
        (
            status = 200, body = Vec<u8>, content_type = "application/octet-stream", description = "The file.",
            headers(("content-disposition" = String, description = "The file's name on disk")),
        ),
        (
            status = 206, body = Vec<u8>, content_type = "application/octet-stream", description = "The part that was asked for.",
            headers(("content-range" = String, description = "Which part, and the size of the whole")),
        ),
        (status = 404, body = Error, description = "There is no such topic, partition, segment or file."),
        (status = 416, body = Error, description = "The file does not reach that far."),
    )
)]
pub(super) async fn file(
    State(broker): State<Broker>,
    SegmentFilePath { of, base_offset, kind }: SegmentFilePath,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let SegmentFile { file, size, name } = broker.segment_file(&of, base_offset, kind).await?;
    let (status, part) = match range::asked(&headers, size) {
        Asked::Whole => (StatusCode::OK, 0..size),
        Asked::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        Asked::Beyond => return Ok(beyond(&name, size)),
    };
    let mut file = tokio::fs::File::from_std(file);
    file.seek(SeekFrom::Start(part.start))
        .await
        .map_err(|error| ApiError::from(logscope::Error::from(error)))?;
    let length = part.end - part.start;
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{name}\""));
    let answer = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (header::CONTENT_LENGTH, length.into()),
        (header::CONTENT_DISPOSITION, disposition.map_err(|error| ApiError::internal(&error))?),
    ];
    // The active segment grows meanwhile: what came after is for the next request.
    let bytes = ReaderStream::with_capacity(file.take(length), CHUNK);
    let mut response = (status, answer, Body::from_stream(bytes)).into_response();
    if status == StatusCode::PARTIAL_CONTENT {
        let part = format!("bytes {}-{}/{size}", part.start, part.end - 1);
        insert(&mut response, &part);
    }
    Ok(response)
}

/// The answer to a range that begins behind the end.
fn beyond(name: &str, size: u64) -> Response {
    let message = format!("{name} has {size} bytes, and the range has none of them");
    let mut response = ApiError::new(ErrorCode::RangeNotSatisfiable, message).into_response();
    insert(&mut response, &format!("bytes */{size}"));
    response
}

fn insert(response: &mut Response, content_range: &str) {
    // Digits and a few signs make a header always.
    if let Ok(value) = HeaderValue::try_from(content_range) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
}
