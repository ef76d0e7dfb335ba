//! What the streams of server-sent events have in common: how many there may be, how they stay alive, how they end.
//!
//! Invariants:
//! - A stream makes its next event when the connection has room for it: nothing piles up for a client that does not
//!   read.
//! - Whatever ends a stream but the client itself is told as the last event: `end`, with what would be an error's body.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use prometheus_client::metrics::gauge::Gauge;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::{ApiError, ErrorCode};
use crate::broker::{Broker, TopicPartition};

/// How often something is written to a client although nothing happens: proxies and clients take silence for death,
/// and a client that is gone is noticed by writing.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The streams that there are.
#[derive(Debug, Clone)]
pub(super) struct Streams {
    limit: usize,
    places: Arc<Semaphore>,
    gauge: Gauge,
}

/// One stream's place among them.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    gauge: Gauge,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

impl Streams {
    pub(super) fn new(limit: usize, gauge: Gauge) -> Self {
        let limit = limit.min(Semaphore::MAX_PERMITS);
        Self { limit, places: Arc::new(Semaphore::new(limit)), gauge }
    }

    pub(super) fn enter(&self) -> Result<Place, ApiError> {
        let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() else {
            let message = format!("{} clients read streams already, and that is the limit", self.limit);
            return Err(ApiError::new(ErrorCode::TooManyRequests, message));
        };
        self.gauge.inc();
        Ok(Place { _permit: permit, gauge: self.gauge.clone() })
    }
}

/// What the client has seen last, if it comes back.
pub(super) fn last_event_id(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let id = headers.get(LAST_EVENT_ID).map(HeaderValue::to_str).transpose();
    id.map_err(|_| ApiError::malformed("the header Last-Event-ID is not plain text"))
}

/// An event whose data is JSON.
pub(super) fn event(name: &str, data: &impl Serialize) -> Event {
    let data = serde_json::to_string(data).unwrap_or_else(|error| {
        tracing::error!("an event could not be written as JSON: {error}");
        "null".to_owned()
    });
    Event::default().event(name).data(data)
}

/// The last event of a stream.
pub(super) fn end(why: &ApiError) -> Event {
    event("end", &why.body())
}

/// Why a stream ends whose log is closed.
pub(super) fn closed(broker: &Broker, of: &TopicPartition) -> ApiError {
    match broker.is_closing() {
        true => crate::BrokerError::Closed.into(),
        false => crate::BrokerError::UnknownTopic(of.topic.clone()).into(),
    }
}

/// The answer that goes on as long as the stream does.
pub(super) fn respond(stream: impl Stream<Item = Event> + Send + 'static) -> Response {
    use futures_util::StreamExt;
    let sse = Sse::new(stream.map(Ok::<_, Infallible>));
    let mut response = sse.keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would keep events to itself until it has a buffer full of them.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}
