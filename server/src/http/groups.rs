//! `/groups`: what groups of consumers have committed, and how much they have still to read.

use std::collections::BTreeSet;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::body;
use super::error::{ApiError, Error};
use super::json::Fields;
use super::path::{GroupPath, topic_name};
use crate::broker::{Broker, Commit, Committed, TopicPartition};

/// A commit's metadata may have 4096 bytes; few have any.
const MAX_BODY: u64 = 4 << 20;

/// All groups.
#[derive(Serialize, ToSchema)]
struct Groups {
    /// By name.
    groups: Vec<String>,
}

/// What a group has committed.
#[derive(Serialize, ToSchema)]
struct GroupOffsets {
    group: String,
    /// By topic and partition.
    offsets: Vec<GroupOffset>,
}

/// What a group has committed for a partition.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"topic": "orders", "partition": 0, "offset": 42, "metadata": "", "timestamp": 1767225600000i64, "lag": 0}))]
struct GroupOffset {
    topic: String,
    partition: u32,
    /// The offset to go on from.
    offset: u64,
    /// Whatever the consumer wanted to remember.
    metadata: String,
    /// When it was committed, in milliseconds since the Unix epoch.
    timestamp: i64,
    /// How many records are still to be read; null if nobody knows, because the partition is offline.
    #[schema(required)]
    lag: Option<u64>,
}

/// Lists the groups that have committed offsets.
#[utoipa::path(
    get, path = "/groups", operation_id = "list_groups", tag = "groups",
    responses((status = 200, body = Groups, description = "The groups."))
)]
pub(super) async fn list(State(broker): State<Broker>) -> Response {
    super::json(StatusCode::OK, &Groups { groups: broker.groups() })
}

/// Tells what a group has committed, and how much it has still to read.
///
/// A group that has committed nothing is as good as any.
#[utoipa::path(
    get, path = "/groups/{group}/offsets", operation_id = "committed_offsets", tag = "groups",
    params(("group" = String, Path)),
    responses((status = 200, body = GroupOffsets, description = "The offsets."))
)]
pub(super) async fn offsets(
    State(broker): State<Broker>,
    GroupPath(group): GroupPath,
) -> Result<Response, ApiError> {
    answer(&broker, group)
}

fn answer(broker: &Broker, group: String) -> Result<Response, ApiError> {
    let committed = broker.committed(&group)?.into_iter();
    let offsets = committed.map(|(of, Committed { offset, metadata, timestamp })| {
        let lag = broker.lag(&of, offset);
        GroupOffset { topic: of.topic.to_string(), partition: of.partition, offset, metadata, timestamp, lag }
    });
    let offsets = offsets.collect();
    Ok(super::json(StatusCode::OK, &GroupOffsets { group, offsets }))
}

/// Offsets to commit.
#[derive(ToSchema)]
#[schema(as = NewOffsets)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct NewOffsetsSchema {
    offsets: Vec<NewOffsetSchema>,
}

/// An offset to commit.
#[derive(ToSchema)]
#[schema(as = NewOffset, example = json!({"topic": "orders", "partition": 0, "offset": 42}))]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct NewOffsetSchema {
    topic: String,
    partition: u32,
    /// The offset to go on from: that of the last record that was dealt with, plus one.
    offset: u64,
    /// Whatever the consumer wants to remember, in at most 4096 bytes.
    #[schema(nullable = false)]
    metadata: Option<String>,
}

/// Commits offsets of a group: all of them or, if the storage fails, none.
#[utoipa::path(
    put, path = "/groups/{group}/offsets", operation_id = "commit_offsets", tag = "groups", request_body = NewOffsetsSchema,
    params(("group" = String, Path)),
    responses(
        (status = 200, body = GroupOffsets, description = "They are committed, and survive a crash."),
        (status = 404, body = Error, description = "There is no such topic or partition."),
        (status = 413, body = Error, description = "The body is too large."),
        (status = 415, body = Error, description = "The body is compressed."),
    )
)]
pub(super) async fn commit(
    State(broker): State<Broker>,
    GroupPath(group): GroupPath,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let body = body::read(&parts.headers, body, MAX_BODY).await?;
    let limit = broker.config().limits.offsets_per_group;
    broker.commit(&group, &commits(&body, limit)?).await?;
    answer(&broker, group)
}

fn commits(body: &[u8], limit: usize) -> Result<Vec<Commit>, ApiError> {
    let mut fields = Fields::of_body(body)?.only(&["offsets"])?;
    let objects = fields.objects("offsets")?;
    if objects.is_empty() {
        let message = "the field \"offsets\" is missing or empty: it takes a list of objects";
        return Err(ApiError::malformed(message));
    }
    if objects.len() > limit {
        let message = format!("{} offsets, and a group can have at most {limit}", objects.len());
        return Err(ApiError::malformed(message));
    }
    let mut named = BTreeSet::new();
    let mut commits = Vec::with_capacity(objects.len());
    for fields in objects {
        let mut fields = fields.only(&["topic", "partition", "offset", "metadata"])?;
        let topic = topic_name(&fields.text("topic")?)?;
        let partition = fields.required_whole("partition", 0..=i64::from(i32::MAX))? as u32;
        let offset = fields.required_whole("offset", 0..=i64::MAX)? as u64;
        let metadata = fields.optional_text("metadata")?.map_or(String::new(), |text| text.into_owned());
        let partition = TopicPartition { topic, partition };
        if !named.insert(partition.clone()) {
            let name = fields.name("partition");
            return Err(ApiError::malformed(format!("{name} names {partition} a second time")));
        }
        commits.push(Commit { partition, offset, metadata });
    }
    Ok(commits)
}

/// Forgets all that a group has committed.
#[utoipa::path(
    delete, path = "/groups/{group}", operation_id = "delete_group", tag = "groups",
    params(("group" = String, Path)),
    responses(
        (status = 204, description = "It is forgotten."),
        (status = 404, body = Error, description = "The group has committed nothing."),
    )
)]
pub(super) async fn delete(
    State(broker): State<Broker>,
    GroupPath(group): GroupPath,
) -> Result<StatusCode, ApiError> {
    broker.delete_group(&group).await?;
    Ok(StatusCode::NO_CONTENT)
}
