//! `GET /metrics`, and what is counted of the requests themselves.
//!
//! Counting a request takes two look-ups and no allocation. Routes are named by their template, so the number of series
//! is bounded whatever clients ask for.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Unit;

use super::error::ApiError;
use crate::broker::{Broker, Metrics};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The template of a request's path; none for the page's files and for what is not there.
#[derive(Clone)]
struct Route(Option<MatchedPath>);

impl Route {
    fn as_str(&self) -> &str {
        self.0.as_ref().map_or("other", MatchedPath::as_str)
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Route {}

impl Hash for Route {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl EncodeLabelValue for Route {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        self.as_str().encode(encoder)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: Route,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Routed {
    route: Route,
}

/// What is counted of requests.
#[derive(Debug, Clone)]
pub(super) struct HttpMetrics {
    requests: Family<Answered, Counter>,
    seconds: Family<Routed, Histogram>,
    pub(super) streams: Gauge,
}

impl HttpMetrics {
    pub(super) fn register(metrics: &Metrics) -> Self {
        // From 50 µs to about 50 s: a long poll may take 30.
        let histogram = || Histogram::new(exponential_buckets(0.000_05, 4.0, 11));
        let this = Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(histogram),
            streams: Gauge::default(),
        };
        let Self { requests, seconds, streams } = this.clone();
        metrics.register(|registry| {
            let registry = registry.sub_registry_with_prefix("http");
            registry.register("requests", "Requests answered", requests);
            let help = "Time from a request's head to the head of its answer; a long poll waits in it";
            registry.register_with_unit("request_duration", help, Unit::Seconds, seconds);
            registry.register("streams", "Clients that read server-sent events now", streams);
        });
        this
    }

    /// A request has come.
    pub(super) fn begin(&self, request: &Request) -> Counted {
        let started = Instant::now();
        let route = Route(request.extensions().get::<MatchedPath>().cloned());
        Counted { started, method: method(request.method()), route }
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Counted {
    started: Instant,
    method: &'static str,
    route: Route,
}

impl Counted {
    /// Its answer begins.
    pub(super) fn end(self, metrics: &HttpMetrics, status: StatusCode) {
        let Self { started, method, route } = self;
        let answered = Answered { method, route: route.clone(), status: status.as_u16() };
        metrics.requests.get_or_create(&answered).inc();
        metrics.seconds.get_or_create(&Routed { route }).observe(started.elapsed().as_secs_f64());
    }
}

/// Whoever invents methods gets no series of their own.
fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Gives the metrics, in the text format of OpenMetrics.
#[utoipa::path(
    get, path = "/metrics", tag = "operation",
    responses((status = 200, body = String, content_type = "application/openmetrics-text", description = "The metrics."))
)]
pub(super) async fn metrics(State(broker): State<Broker>) -> Result<Response, ApiError> {
    // Reading the logs' sizes takes a while where there are many.
    let text = tokio::task::spawn_blocking(move || broker.metrics().encode()).await;
    let text = text.map_err(|error| ApiError::internal(&error))?;
    let text = text.map_err(|error| ApiError::internal(&error))?;
    let headers = [(header::CONTENT_TYPE, OPENMETRICS), (header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::OK, headers, text).into_response())
}
