//! `/topics` and `/topics/{topic}`.

use std::collections::BTreeMap;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use logscope::topic::TopicName;
use serde::Serialize;
use utoipa::ToSchema;

use super::body;
use super::error::{ApiError, Error};
use super::json::{Fields, Value};
use super::path::{TopicPath, topic_name};
use crate::broker::{Broker, Offsets, PartitionInfo, PartitionState, TopicInfo};

/// No description of a topic needs more.
const MAX_BODY: u64 = 64 << 10;

/// Configs by Kafka's keys.
type Configs = BTreeMap<String, String>;

/// All topics.
#[derive(Serialize, ToSchema)]
struct Topics {
    /// By name.
    topics: Vec<TopicSummary>,
}

/// A topic, in short.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"name": "orders", "partitions": 3, "internal": false, "configs": {"retention.ms": "86400000"}}))]
struct TopicSummary {
    name: String,
    /// How many partitions it has.
    partitions: u32,
    /// Whether it is the broker's own: it can be read, and nothing else.
    internal: bool,
    /// What the topic says itself.
    #[schema(inline)]
    configs: Configs,
}

/// A topic.
#[derive(Serialize, ToSchema)]
struct Topic {
    name: String,
    /// Whether it is the broker's own: it can be read, and nothing else.
    internal: bool,
    /// What the topic says itself.
    #[schema(inline)]
    configs: Configs,
    /// All that its logs go by.
    #[schema(inline)]
    effective_configs: Configs,
    /// By number.
    partitions: Vec<Partition>,
}

/// A partition. Of one that is offline, nobody knows the numbers.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "partition": 0, "log_start_offset": 0, "high_watermark": 42, "log_end_offset": 42, "size": 4200, "segments": 1,
    "state": "online"
}))]
struct Partition {
    partition: u32,
    /// The first offset in the log.
    #[schema(required)]
    log_start_offset: Option<u64>,
    /// The offset below which records are durable and can be fetched.
    #[schema(required)]
    high_watermark: Option<u64>,
    /// The next offset to be assigned.
    #[schema(required)]
    log_end_offset: Option<u64>,
    /// Bytes of record batches.
    #[schema(required)]
    size: Option<u64>,
    /// How many segments it has.
    #[schema(required)]
    segments: Option<usize>,
    /// Whether it takes records, can only be read, or neither.
    state: Condition,
    /// Why it is not online.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PartitionState)]
enum Condition {
    Online,
    ReadOnly,
    Offline,
}

impl Partition {
    fn of(PartitionInfo { partition, state, offsets, segments }: PartitionInfo) -> Self {
        let (state, reason) = match state {
            PartitionState::Online => (Condition::Online, None),
            PartitionState::ReadOnly(reason) => (Condition::ReadOnly, Some(reason.to_owned())),
            PartitionState::Offline(reason) => (Condition::Offline, Some(reason)),
        };
        let number = |number: fn(Offsets) -> u64| offsets.map(number);
        Self {
            partition,
            log_start_offset: number(|offsets| offsets.log_start_offset),
            high_watermark: number(|offsets| offsets.high_watermark),
            log_end_offset: number(|offsets| offsets.log_end_offset),
            size: offsets.map(|_| segments.iter().map(|segment| segment.size).sum()),
            segments: offsets.map(|_| segments.len()),
            state,
            reason,
        }
    }
}

/// Lists the topics.
#[utoipa::path(
    get, path = "/topics", operation_id = "list_topics", tag = "topics",
    responses((status = 200, body = Topics, description = "The topics."))
)]
pub(super) async fn list(State(broker): State<Broker>) -> Response {
    let summary = |info: TopicInfo| TopicSummary {
        internal: info.is_internal(),
        name: info.name.to_string(),
        partitions: info.partitions,
        configs: info.configs,
    };
    let topics = broker.topics().into_iter().map(summary).collect();
    super::json(StatusCode::OK, &Topics { topics })
}

/// A topic to create.
#[derive(ToSchema)]
#[schema(as = NewTopic, example = json!({"name": "orders", "partitions": 3, "configs": {"retention.ms": 86400000}}))]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct NewTopicSchema {
    name: String,
    /// As many as the broker's `num.partitions`, unless said otherwise.
    #[schema(nullable = false, minimum = 1)]
    partitions: Option<u32>,
    /// By Kafka's keys, each a string or a number. What is not here is as the broker has it.
    #[schema(nullable = false, value_type = Option<Object>)]
    configs: Option<Configs>,
}

/// Creates a topic.
#[utoipa::path(
    post, path = "/topics", operation_id = "create_topic", tag = "topics", request_body = NewTopicSchema,
    responses(
        (status = 201, body = Topic, description = "It is there, and survives a crash.", headers(("location" = String, description = "Its path"))),
        (status = 409, body = Error, description = "A topic of that name is there."),
        (status = 413, body = Error, description = "The body is too large."),
        (status = 415, body = Error, description = "The body is compressed."),
    )
)]
pub(super) async fn create(
    State(broker): State<Broker>,
    // Where an application has mounted the broker is in it, too.
    route: MatchedPath,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let body = body::read(&parts.headers, body, MAX_BODY).await?;
    let mut fields = Fields::of_body(&body)?.only(&["name", "partitions", "configs"])?;
    let name = topic_name(&fields.text("name")?)?;
    let partitions = partitions(&mut fields)?;
    let configs = configs(&mut fields, "takes a string or a number", config)?;
    let info = broker.create_topic(name, partitions, configs).await?;
    let location = HeaderValue::try_from(format!("{}/{}", route.as_str(), info.name));
    let location = location.map_err(|error| ApiError::internal(&error))?;
    let answer = topic(&broker, info)?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], super::json(StatusCode::CREATED, &answer))
        .into_response())
}

fn partitions(fields: &mut Fields<'_>) -> Result<Option<u32>, ApiError> {
    Ok(fields.whole("partitions", 1..=i64::from(i32::MAX))?.map(|number| number as u32))
}

/// The object `configs`, each of its values as `read` takes it, or refused by this rule.
fn configs<T>(
    fields: &mut Fields<'_>,
    rule: &str,
    read: fn(&Value<'_>) -> Option<T>,
) -> Result<BTreeMap<String, T>, ApiError> {
    let mut configs = BTreeMap::new();
    for (key, value) in fields.object("configs")?.into_iter().flat_map(Fields::into_all) {
        let Some(value) = read(&value) else {
            return Err(fields.refuse(&format!("configs.{key}"), rule, &value));
        };
        if configs.insert(key.to_string(), value).is_some() {
            let name = fields.name(&format!("configs.{key}"));
            return Err(ApiError::malformed(format!("{name} is given twice")));
        }
    }
    Ok(configs)
}

fn config(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.to_string()),
        Value::Whole(number) => Some(number.to_string()),
        Value::Huge(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Describes a topic and its partitions.
#[utoipa::path(
    get, path = "/topics/{topic}", operation_id = "describe_topic", tag = "topics",
    params(("topic" = String, Path)),
    responses(
        (status = 200, body = Topic, description = "The topic."),
        (status = 404, body = Error, description = "There is no such topic."),
    )
)]
pub(super) async fn describe(
    State(broker): State<Broker>,
    TopicPath(name): TopicPath,
) -> Result<Response, ApiError> {
    let info = broker.describe_topic(&name)?;
    Ok(super::json(StatusCode::OK, &topic(&broker, info)?))
}

fn topic(broker: &Broker, info: TopicInfo) -> Result<Topic, ApiError> {
    let name: &TopicName = &info.name;
    Ok(Topic {
        partitions: broker.describe_partitions(name)?.into_iter().map(Partition::of).collect(),
        internal: info.is_internal(),
        name: name.to_string(),
        effective_configs: info.log.entries().map(|(key, value)| (key.to_owned(), value)).collect(),
        configs: info.configs,
    })
}

/// What is to change about a topic.
#[derive(ToSchema)]
#[schema(as = TopicChanges, example = json!({"partitions": 4, "configs": {"retention.ms": 3600000, "segment.bytes": null}}))]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes what is read by hand")]
struct TopicChangesSchema {
    /// How many it is to have; their number only grows. From then on, a key may belong to another partition.
    #[schema(nullable = false, minimum = 1)]
    partitions: Option<u32>,
    /// By Kafka's keys, each a string or a number, or null to go by what the broker has. Others stay.
    #[schema(nullable = false, value_type = Option<Object>)]
    configs: Option<Configs>,
}

/// Alters a topic that is in use.
#[utoipa::path(
    patch, path = "/topics/{topic}", operation_id = "alter_topic", tag = "topics", request_body = TopicChangesSchema,
    params(("topic" = String, Path)),
    responses(
        (status = 200, body = Topic, description = "It is as described, and survives a crash."),
        (status = 404, body = Error, description = "There is no such topic."),
        (status = 413, body = Error, description = "The body is too large."),
        (status = 415, body = Error, description = "The body is compressed."),
    )
)]
pub(super) async fn alter(
    State(broker): State<Broker>,
    TopicPath(name): TopicPath,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let body = body::read(&parts.headers, body, MAX_BODY).await?;
    let mut fields = Fields::of_body(&body)?.only(&["partitions", "configs"])?;
    let partitions = partitions(&mut fields)?;
    let configs = configs(&mut fields, "takes a string, a number or null", |value| match value {
        Value::Null => Some(None),
        value => config(value).map(Some),
    })?;
    if partitions.is_none() && configs.is_empty() {
        return Err(ApiError::malformed("there is nothing to alter: give \"partitions\" or \"configs\""));
    }
    let info = broker.alter_topic(&name, partitions, configs).await?;
    Ok(super::json(StatusCode::OK, &topic(&broker, info)?))
}

/// Deletes a topic with all its records, and what groups have committed for it.
#[utoipa::path(
    delete, path = "/topics/{topic}", operation_id = "delete_topic", tag = "topics",
    params(("topic" = String, Path)),
    responses(
        (status = 204, description = "It is gone."),
        (status = 404, body = Error, description = "There is no such topic."),
    )
)]
pub(super) async fn delete(
    State(broker): State<Broker>,
    TopicPath(name): TopicPath,
) -> Result<StatusCode, ApiError> {
    broker.delete_topic(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}
