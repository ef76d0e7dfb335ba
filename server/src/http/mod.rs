//! The HTTP API, as one axum router: [`app`].
//!
//! | file | holds |
//! | --- | --- |
//! | `produce`, `fetch`, `health`, `page` | one resource each |
//! | `body`, `json`, `query` | what a request carries, taken apart without coercion |
//! | `guard` | who may ask at all, and the headers of every answer |
//! | `error` | the one error type, and the table of all codes |
//!
//! Invariants:
//! - Every refusal is JSON, `{"error_code", "message"}`, with a message that names the fault.
//! - A user's mistake is not logged as an error; a fault of the broker's own is, and its inside is not shown.
//! - Handlers reach the log through [`Broker`]'s few methods only.

mod body;
mod error;
mod fetch;
mod guard;
mod health;
mod json;
mod page;
mod produce;
mod query;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::http::{Method, StatusCode, Uri, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;

use crate::broker::Broker;
pub use error::{ApiError, ErrorCode};

/// What the HTTP side goes by.
#[derive(Debug, Clone, Default)]
pub struct HttpConfig {
    /// The playground's files, served at `/`.
    pub web_root: Option<PathBuf>,
    /// Host names, without a port, by which the broker may be called besides the loopback ones.
    pub hosts: Vec<String>,
}

/// The broker's routes. To mount them beside others, nest or merge the router; what is not found is answered
/// here only if this router is the outermost.
pub fn app(broker: Broker, config: HttpConfig) -> Router {
    let routes = Router::new()
        .route("/produce", post(produce::produce))
        .route("/fetch", get(fetch::fetch))
        .route("/healthz", get(health::healthz))
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(broker);
    let hosts: Arc<[String]> = config.hosts.into();
    page::add(routes, config.web_root).layer(from_fn_with_state(hosts, guard::guard))
}

async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    let message = format!("{} does not take {method}; see the Allow header", uri.path());
    ApiError::new(ErrorCode::MethodNotAllowed, message)
}

async fn not_found(uri: Uri) -> ApiError {
    let mut path: String = uri.path().chars().take(100).collect();
    if path.len() < uri.path().len() {
        path.push('…');
    }
    ApiError::new(ErrorCode::NotFound, format!("there is nothing at {path}"))
}

/// An answer in JSON, which no cache may keep.
fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => {
            let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
            (status, headers, bytes).into_response()
        }
        Err(error) => {
            tracing::error!("an answer could not be written as JSON: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
