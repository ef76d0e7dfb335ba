//! The HTTP API, as one axum router: [`app`].
//!
//! | file | holds |
//! | --- | --- |
//! | `produce`, `fetch`, `topics`, `records`, `partitions`, `segments`, `batches`, `groups`, `health`, `page` | one resource each |
//! | `tail`, `events` | server-sent events; `streams` is what they have in common |
//! | `metrics` | what is counted, and the page for Prometheus |
//! | `accept`, `body`, `json`, `lines`, `query`, `path`, `record` | what a request carries, taken apart without coercion |
//! | `fetched`, `written` | records on their way out, in JSON written by hand |
//! | `streamed` | batches as they are; large answers, which are sent piece by piece |
//! | `openapi` | the document of all routes, made from them, and the page to try them |
//! | `gate`, `guard`, `token` | what every request passes: who may ask at all, and the headers of every answer |
//! | `front` | the same for a server of the broker's own, where the busiest routes need no router |
//! | `error` | the one error type, and the table of all codes |
//!
//! Invariants:
//! - Every refusal is JSON, `{"error_code", "message"}`, with a message that names the fault.
//! - A user's mistake is not logged as an error; a fault of the broker's own is, and its inside is not shown.
//! - Handlers reach the log through [`Broker`]'s few methods only.

mod accept;
mod batches;
mod body;
mod error;
mod events;
mod fetch;
mod fetched;
mod front;
mod gate;
mod groups;
mod guard;
mod health;
mod json;
mod lines;
mod metrics;
mod openapi;
mod page;
mod partitions;
mod path;
mod produce;
mod query;
mod range;
mod record;
mod records;
mod segments;
mod streamed;
mod streams;
mod tail;
mod token;
mod topics;
mod written;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::broker::Broker;
pub use error::{ApiError, ErrorCode};
pub use front::{App, Front, front};
pub use guard::{BadOrigin, Origin};
pub use token::{BadToken, Token};

use gate::{GateLayer, Rules};
use guard::Allowed;
use metrics::HttpMetrics;
use streams::Streams;

/// What an answer in JSON says of itself. As constants, they cost no memory a request.
const JSON_HEADERS: [(HeaderName, HeaderValue); 2] = [
    (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// What the HTTP side goes by.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// The playground's files, served at `/`.
    pub web_root: Option<PathBuf>,
    /// Host names, without a port, by which the broker may be called besides the loopback ones.
    pub hosts: Vec<String>,
    /// Pages of other origins that may use the broker from a browser.
    pub cors_origins: Vec<Origin>,
    /// What requests must carry, but for the page's files, `/docs`, `/openapi.json`, `/healthz` and `/readyz`.
    pub token: Option<Token>,
    /// Clients that may read server-sent events at the same time.
    pub streams: usize,
}

impl Default for HttpConfig {
    fn default() -> Self {
        let (hosts, cors_origins) = (Vec::new(), Vec::new());
        Self { web_root: None, hosts, cors_origins, token: None, streams: 4096 }
    }
}

/// The broker's routes. To mount them beside others, nest or merge the router; what is not found is answered
/// here only if this router is the outermost. It registers its metrics with the broker's, so call it once a broker, and
/// clone what it returns.
pub fn app(broker: Broker, config: HttpConfig) -> Router {
    let rules = rules(&broker, &config);
    routes(broker, config, rules)
}

/// Who may ask, and where it is counted; registers the metrics.
fn rules(broker: &Broker, config: &HttpConfig) -> Arc<Rules> {
    let metrics = HttpMetrics::register(broker.metrics());
    let (hosts, origins) = (config.hosts.as_slice().into(), config.cors_origins.as_slice().into());
    Arc::new(Rules { allowed: Allowed { hosts, origins }, metrics })
}

fn routes(broker: Broker, config: HttpConfig, rules: Arc<Rules>) -> Router {
    let streams = Streams::new(config.streams, rules.metrics.streams.clone());
    let mut api = api().merge(streaming(broker.clone(), streams));
    if let Some(token) = config.token {
        api = api.route_layer(from_fn_with_state(token, token::check));
    }
    let open = OpenApiRouter::new().routes(routes!(health::healthz)).routes(routes!(health::readyz));
    let (routes, document) = api.merge(open).split_for_parts();
    let routes = routes
        .merge(openapi::routes(document))
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(broker);
    let mut app = page::add(routes, config.web_root);
    if !config.cors_origins.is_empty() {
        app = app.layer(guard::cors(&config.cors_origins));
    }
    app.layer(GateLayer::new(rules))
}

/// The routes that need the token, if there is one.
fn api() -> OpenApiRouter<Broker> {
    openapi::new_router()
        .routes(routes!(produce::produce))
        .routes(routes!(fetch::fetch))
        .routes(routes!(records::append))
        .routes(routes!(records::fetch, records::delete))
        .routes(routes!(partitions::offsets))
        .routes(routes!(batches::batches))
        .merge(without_parameters())
}

/// Those of them that have no parameters in the query.
fn without_parameters() -> OpenApiRouter<Broker> {
    OpenApiRouter::new()
        .routes(routes!(topics::list, topics::create))
        .routes(routes!(topics::describe, topics::alter, topics::delete))
        .routes(routes!(partitions::flush))
        .routes(routes!(partitions::retention))
        .routes(routes!(partitions::compaction))
        .routes(routes!(segments::list))
        .routes(routes!(segments::file))
        .routes(routes!(groups::list))
        .routes(routes!(groups::offsets, groups::commit))
        .routes(routes!(groups::delete))
        .routes(routes!(metrics::metrics))
        .route_layer(from_fn(query::none))
}

/// The routes of server-sent events.
fn streaming(broker: Broker, streams: Streams) -> OpenApiRouter<Broker> {
    OpenApiRouter::new()
        .routes(routes!(events::events))
        .route_layer(from_fn(query::none))
        .routes(routes!(tail::tail))
        .with_state((broker, streams))
}

async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    let message = format!("{} does not take {method}; see the Allow header", uri.path());
    ApiError::new(ErrorCode::MethodNotAllowed, message)
}

async fn not_found(uri: Uri) -> ApiError {
    nothing_at(&uri)
}

fn nothing_at(uri: &Uri) -> ApiError {
    let mut path: String = uri.path().chars().take(100).collect();
    if path.len() < uri.path().len() {
        path.push('…');
    }
    ApiError::new(ErrorCode::NotFound, format!("there is nothing at {path}"))
}

/// An answer in JSON, which no cache may keep.
fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => json_bytes(status, bytes),
        Err(error) => {
            tracing::error!("an answer could not be written as JSON: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// An answer that is JSON already.
fn json_bytes(status: StatusCode, bytes: impl Into<Body>) -> Response {
    let mut answer = Response::new(bytes.into());
    *answer.status_mut() = status;
    for (name, value) in JSON_HEADERS {
        answer.headers_mut().insert(name, value);
    }
    answer
}
