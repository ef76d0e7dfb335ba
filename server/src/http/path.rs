//! Reading what a path captures: each part is percent-decoded once, and then read by its own type's rule, so nothing
//! that could leave the data directory gets any further than here.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use logscope::topic::TopicName;

use super::error::{ApiError, ErrorCode};
use super::query::{MAX_I32, MAX_I64, whole};
use crate::broker::{SegmentFileKind, TopicPartition};

/// `{topic}`.
#[derive(Debug)]
pub(super) struct TopicPath(pub(super) TopicName);

/// `{topic}` and `{partition}`.
#[derive(Debug)]
pub(super) struct PartitionPath(pub(super) TopicPartition);

/// `{topic}`, `{partition}` and `{base_offset}`.
#[derive(Debug)]
pub(super) struct SegmentPath {
    pub(super) of: TopicPartition,
    pub(super) base_offset: u64,
}

/// `{topic}`, `{partition}`, `{base_offset}` and `{file}`.
#[derive(Debug)]
pub(super) struct SegmentFilePath {
    pub(super) of: TopicPartition,
    pub(super) base_offset: u64,
    pub(super) kind: SegmentFileKind,
}

/// `{group}`: whatever it is, the broker has the rule for it.
#[derive(Debug)]
pub(super) struct GroupPath(pub(super) String);

/// A topic's name, or the part of the rule that it breaks.
pub(super) fn topic_name(name: &str) -> Result<TopicName, ApiError> {
    TopicName::new(name).map_err(|error| ApiError::new(ErrorCode::KafkaBadRequest, error.to_string()))
}

struct Captures(RawPathParams);

impl Captures {
    async fn of<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let captures = RawPathParams::from_request_parts(parts, state).await;
        captures.map(Self).map_err(|_| ApiError::malformed("the path, once percent-decoded, is not UTF-8"))
    }

    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }

    fn topic(&self) -> Result<TopicName, ApiError> {
        topic_name(self.get("topic"))
    }

    fn partition(&self) -> Result<TopicPartition, ApiError> {
        let topic = self.topic()?;
        let partition = whole(&"the partition in the path", self.get("partition"), 0..=MAX_I32, "")? as u32;
        Ok(TopicPartition { topic, partition })
    }

    fn segment(&self) -> Result<SegmentPath, ApiError> {
        let base_offset = whole(&"the base offset in the path", self.get("base_offset"), 0..=MAX_I64, "")?;
        Ok(SegmentPath { of: self.partition()?, base_offset })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for TopicPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Captures::of(parts, state).await?.topic().map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PartitionPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Captures::of(parts, state).await?.partition().map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SegmentPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Captures::of(parts, state).await?.segment()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SegmentFilePath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let captures = Captures::of(parts, state).await?;
        let SegmentPath { of, base_offset } = captures.segment()?;
        let kind = match captures.get("file") {
            "log" => SegmentFileKind::Log,
            "index" => SegmentFileKind::Index,
            "timeindex" => SegmentFileKind::TimeIndex,
            other => {
                let other: String = other.chars().take(40).collect();
                let message = format!("a segment has the files log, index and timeindex, and no {other:?}");
                return Err(ApiError::new(ErrorCode::NotFound, message));
            }
        };
        Ok(Self { of, base_offset, kind })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for GroupPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Ok(Self(Captures::of(parts, state).await?.get("group").to_owned()))
    }
}
