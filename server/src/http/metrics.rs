//! `GET /metrics`, and what is counted of the requests themselves.
//!
//! Counting a request takes two look-ups and no allocation; where the route is known beforehand, as a rule none. Routes
//! are named by their template, so the number of series is bounded whatever clients ask for.

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

/// The template of a request's path.
#[derive(Clone)]
enum Route {
    /// Found by the router.
    Matched(MatchedPath),
    Known(&'static str),
}

impl Route {
    /// The page's files, and what is not there.
    const OTHER: Self = Self::Known("other");

    fn as_str(&self) -> &str {
        match self {
            Self::Matched(path) => path.as_str(),
            Self::Known(path) => path,
        }
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
        let matched = request.extensions().get::<MatchedPath>().cloned();
        let route = matched.map_or(Route::OTHER, Route::Matched);
        Counted { started, method: method(request.method()), route }
    }

    /// The series of a route that is known beforehand.
    pub(super) fn of(&self, method: &'static str, path: &'static str) -> RouteMetrics {
        let route = Route::Known(path);
        let answered = Answered { method, route: route.clone(), status: StatusCode::OK.as_u16() };
        let ok = self.requests.get_or_create_owned(&answered);
        let seconds = self.seconds.get_or_create_owned(&Routed { route });
        RouteMetrics { all: self.requests.clone(), answered, ok, seconds }
    }
}

/// What is counted of one route: what nearly all answers need is at hand.
#[derive(Debug)]
pub(super) struct RouteMetrics {
    all: Family<Answered, Counter>,
    /// As an answer that is no mistake is counted.
    answered: Answered,
    ok: Counter,
    seconds: Histogram,
}

impl RouteMetrics {
    /// The answer to a request that came at that moment begins.
    pub(super) fn end(&self, started: Instant, status: StatusCode) {
        if status.as_u16() == self.answered.status {
            self.ok.inc();
        } else {
            let answered = Answered { status: status.as_u16(), ..self.answered.clone() };
            self.all.get_or_create(&answered).inc();
        }
        self.seconds.observe(started.elapsed().as_secs_f64());
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
