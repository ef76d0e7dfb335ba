//! `/topics/{topic}/partitions/{partition}/segments`: what is on disk, and its bytes.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use logscope::SegmentInfo;
use serde::Serialize;
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;
use utoipa::ToSchema;

use super::error::{ApiError, Error};
use super::path::{PartitionPath, SegmentFilePath};
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
    ),
    responses(
        (
            status = 200, body = Vec<u8>, content_type = "application/octet-stream", description = "The file.",
            headers(("content-disposition" = String, description = "The file's name on disk")),
        ),
        (status = 404, body = Error, description = "There is no such topic, partition, segment or file."),
    )
)]
pub(super) async fn file(
    State(broker): State<Broker>,
    SegmentFilePath { of, base_offset, kind }: SegmentFilePath,
) -> Result<Response, ApiError> {
    let SegmentFile { file, size, name } = broker.segment_file(&of, base_offset, kind).await?;
    let name = HeaderValue::try_from(format!("attachment; filename=\"{name}\""));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_LENGTH, size.into()),
        (header::CONTENT_DISPOSITION, name.map_err(|error| ApiError::internal(&error))?),
    ];
    // The active segment grows meanwhile: what came after is for the next request.
    let bytes = ReaderStream::with_capacity(tokio::fs::File::from_std(file).take(size), CHUNK);
    Ok((headers, Body::from_stream(bytes)).into_response())
}
