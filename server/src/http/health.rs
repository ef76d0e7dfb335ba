//! `GET /healthz`: whether the broker answers, and which partitions do not take records.
//!
//! The status is 200 as long as the broker serves anything: a supervisor that restarts it mends no disk.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use crate::broker::Broker;

#[derive(Serialize)]
struct Health {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    partitions: Vec<Unhealthy>,
}

#[derive(Serialize)]
struct Unhealthy {
    topic: String,
    partition: u32,
    reason: String,
}

pub(super) async fn healthz(State(broker): State<Broker>) -> Response {
    let unhealthy = broker.unhealthy().into_iter();
    let partitions: Vec<_> = unhealthy
        .map(|(name, reason)| Unhealthy { topic: name.topic.to_string(), partition: name.partition, reason })
        .collect();
    let status = if partitions.is_empty() { "ok" } else { "degraded" };
    super::json(StatusCode::OK, &Health { status, partitions })
}
