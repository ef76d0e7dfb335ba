//! `/topics/{topic}/partitions/{partition}/…`: how far a log goes, and what it can be told to do.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use logscope::log::{CompactionReport, TimestampOffset};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::{ApiError, Error};
use super::path::PartitionPath;
use super::query::{MAX_I64, Query};
use super::segments::Segment;
use crate::broker::{Broker, Offsets};

/// How far a log goes.
#[derive(Serialize, ToSchema)]
#[schema(as = Offsets)]
struct OffsetsAnswer {
    /// The first offset in the log.
    log_start_offset: u64,
    /// The offset below which records are durable and can be fetched.
    high_watermark: u64,
    /// The next offset to be assigned.
    log_end_offset: u64,
    /// Only there if a timestamp was asked for: the first record at or after it, null if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    offset: Option<Option<u64>>,
    /// Only there if a timestamp was asked for: that record's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    timestamp: Option<Option<i64>>,
}

/// Tells how far a log goes, and looks an offset up by its time.
#[utoipa::path(
    get, path = "/topics/{topic}/partitions/{partition}/offsets", operation_id = "list_offsets", tag = "partitions",
    params(
        ("topic" = String, Path), ("partition" = u32, Path),
        ("timestamp" = Option<i64>, Query, description = "Milliseconds since the Unix epoch: asks for the first record at or after it."),
    ),
    responses(
        (status = 200, body = OffsetsAnswer, description = "The offsets."),
        (status = 404, body = Error, description = "There is no such topic or partition."),
    )
)]
pub(super) async fn offsets(
    State(broker): State<Broker>,
    PartitionPath(of): PartitionPath,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let timestamp = Query::parse(query.as_deref(), &["timestamp"])?.whole("timestamp", 0..=MAX_I64)?;
    let (offset, timestamp) = match timestamp {
        None => (None, None),
        Some(timestamp) => {
            let found = broker.offset_for_timestamp(&of, timestamp as i64).await?;
            let found = found.map(|TimestampOffset { offset, timestamp }| (offset, timestamp)).unzip();
            (Some(found.0), Some(found.1))
        }
    };
    let Offsets { log_start_offset, high_watermark, log_end_offset } = broker.offsets(&of)?;
    let answer = OffsetsAnswer { log_start_offset, high_watermark, log_end_offset, offset, timestamp };
    Ok(super::json(StatusCode::OK, &answer))
}

/// Up to where records are durable.
#[derive(Serialize, ToSchema)]
struct Flushed {
    high_watermark: u64,
}

/// Makes all records of a partition durable.
#[utoipa::path(
    post, path = "/topics/{topic}/partitions/{partition}/flush", operation_id = "flush_partition", tag = "partitions",
    params(("topic" = String, Path), ("partition" = u32, Path)),
    responses(
        (status = 200, body = Flushed, description = "They are."),
        (status = 404, body = Error, description = "There is no such topic or partition."),
    )
)]
pub(super) async fn flush(
    State(broker): State<Broker>,
    PartitionPath(of): PartitionPath,
) -> Result<Response, ApiError> {
    let high_watermark = broker.flush(&of).await?;
    Ok(super::json(StatusCode::OK, &Flushed { high_watermark }))
}

/// What retention did.
#[derive(Serialize, ToSchema)]
struct Retained {
    deleted_segments: Vec<Segment>,
}

/// Applies retention to a partition now, instead of when its time comes.
#[utoipa::path(
    post, path = "/topics/{topic}/partitions/{partition}/retention", operation_id = "apply_retention", tag = "partitions",
    params(("topic" = String, Path), ("partition" = u32, Path)),
    responses(
        (status = 200, body = Retained, description = "What `retention.ms` and `retention.bytes` do not keep is gone."),
        (status = 404, body = Error, description = "There is no such topic or partition."),
    )
)]
pub(super) async fn retention(
    State(broker): State<Broker>,
    PartitionPath(of): PartitionPath,
) -> Result<Response, ApiError> {
    let deleted = broker.apply_retention(&of).await?;
    let deleted_segments = deleted.iter().map(|segment| Segment::of(segment, false)).collect();
    Ok(super::json(StatusCode::OK, &Retained { deleted_segments }))
}

/// What compaction did.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Compacted {
    /// Closed segments before and after.
    Done {
        /// True.
        compacted: bool,
        /// Records that went.
        records_removed: u64,
        segments_before: usize,
        segments_after: usize,
        bytes_before: u64,
        bytes_after: u64,
        /// Below this offset, each key has one record.
        first_dirty_offset: u64,
    },
    /// There was nothing to do, or the topic is not compacted.
    Nothing {
        /// False.
        compacted: bool,
    },
}

/// Compacts a partition now, instead of when its time comes.
#[utoipa::path(
    post, path = "/topics/{topic}/partitions/{partition}/compaction", operation_id = "compact_partition", tag = "partitions",
    params(("topic" = String, Path), ("partition" = u32, Path)),
    responses(
        (status = 200, body = Compacted, description = "What was done."),
        (status = 404, body = Error, description = "There is no such topic or partition."),
    )
)]
pub(super) async fn compaction(
    State(broker): State<Broker>,
    PartitionPath(of): PartitionPath,
) -> Result<Response, ApiError> {
    // What was abandoned, because segments were deleted meanwhile, changed nothing.
    let report = broker.compact(&of).await?.filter(|report| !report.abandoned);
    let answer = match report {
        None => Compacted::Nothing { compacted: false },
        Some(CompactionReport { records_removed, segments, bytes, first_dirty_offset, .. }) => {
            Compacted::Done {
                compacted: true,
                records_removed,
                segments_before: segments.0,
                segments_after: segments.1,
                bytes_before: bytes.0,
                bytes_after: bytes.1,
                first_dirty_offset,
            }
        }
    };
    Ok(super::json(StatusCode::OK, &answer))
}
