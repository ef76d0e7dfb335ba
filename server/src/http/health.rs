//! `GET /healthz`: whether the broker answers, and which partitions do not take records.
//!
//! The status is 200 as long as the broker serves anything: a supervisor that restarts it mends no disk. `GET /readyz`
//! is whether to send it requests: not any more once it is closing.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiError;
use crate::broker::{Broker, BrokerError};

/// How the broker is.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`, or `degraded` while some partitions do not take records; `ready`.
    status: &'static str,
    /// Those that do not; not there if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    partitions: Vec<Unhealthy>,
}

/// A partition that does not take records.
#[derive(Serialize, ToSchema)]
struct Unhealthy {
    topic: String,
    partition: u32,
    reason: String,
}

/// Tells whether the broker answers, and which partitions do not take records.
#[utoipa::path(
    get, path = "/healthz", tag = "operation",
    responses((status = 200, body = Health, description = "The broker serves what it can."))
)]
pub(super) async fn healthz(State(broker): State<Broker>) -> Response {
    let unhealthy = broker.unhealthy().into_iter();
    let partitions: Vec<_> = unhealthy
        .map(|(name, reason)| Unhealthy { topic: name.topic.to_string(), partition: name.partition, reason })
        .collect();
    let status = if partitions.is_empty() { "ok" } else { "degraded" };
    super::json(StatusCode::OK, &Health { status, partitions })
}

/// Tells whether to send the broker requests.
#[utoipa::path(
    get, path = "/readyz", tag = "operation",
    responses((status = 200, body = Health, description = "It takes requests."))
)]
pub(super) async fn readyz(State(broker): State<Broker>) -> Result<Response, ApiError> {
    match broker.is_closing() {
        true => Err(BrokerError::Closed.into()),
        false => Ok(super::json(StatusCode::OK, &Health { status: "ready", partitions: Vec::new() })),
    }
}
