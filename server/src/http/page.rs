//! `GET /`: the playground's files, or a few lines on how to get them.

use std::path::PathBuf;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::services::ServeDir;

use super::{method_not_allowed, not_found};

const NO_PAGE: &str = "\
This is a Logscope broker, without the playground: its page was not built.

  cargo xtask play                  builds the page and serves it with a broker
  logscope serve --web-root DIR     serves a page that was built before

  POST /produce    {\"topic\": \"t\", \"payload\": \"hello\"}
  GET  /fetch?topic=t&offset=0
  GET  /healthz
";

/// The page loads nothing from elsewhere, but may ask another broker, which decides itself whom it answers; WebAssembly
/// needs `wasm-unsafe-eval`, Yew sets style attributes.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src http: https:; \
    style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src 'self'; object-src 'none'; \
    base-uri 'none'; frame-ancestors 'none'";

/// Adds what is served beside the API.
pub(super) fn add(routes: Router, web_root: Option<PathBuf>) -> Router {
    let page = match web_root {
        Some(dir) => {
            let files = ServeDir::new(dir).precompressed_br().precompressed_gzip();
            Router::new().fallback(file).with_state(files)
        }
        None => {
            Router::new().route("/", get(async || NO_PAGE).fallback(method_not_allowed)).fallback(not_found)
        }
    };
    routes.fallback_service(page.layer(from_fn(page_headers)))
}

/// A file of the page; whatever is none is not found, and said so in JSON as everywhere else.
async fn file(State(mut files): State<ServeDir>, uri: Uri, request: Request) -> Response {
    match files.try_call(request).await {
        Ok(answer) if matches!(answer.status(), StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) => {
            not_found(uri).await.into_response()
        }
        Ok(answer) => answer.into_response(),
        Err(error) => {
            tracing::debug!("the page's file {uri} cannot be read: {error}");
            not_found(uri).await.into_response()
        }
    }
}

async fn page_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    // Browsers ask whether a file has changed, so that a page never runs with parts of another build.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    response
}
