//! `GET /`: the playground's files, or a few lines on how to get them.

use std::path::PathBuf;

use axum::Router;
use axum::extract::Request;
use axum::handler::HandlerWithoutStateExt;
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
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

/// The page loads nothing from elsewhere; WebAssembly needs `wasm-unsafe-eval`, Yew sets style attributes.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; \
    style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
    frame-ancestors 'none'";

/// Adds what is served beside the API.
pub(super) fn add(routes: Router, web_root: Option<PathBuf>) -> Router {
    let page = match web_root {
        Some(dir) => {
            let files = ServeDir::new(dir)
                .precompressed_br()
                .precompressed_gzip()
                .call_fallback_on_method_not_allowed(true)
                .fallback(not_found.into_service());
            Router::new().fallback_service(files)
        }
        None => {
            Router::new().route("/", get(async || NO_PAGE).fallback(method_not_allowed)).fallback(not_found)
        }
    };
    routes.fallback_service(page.layer(from_fn(page_headers)))
}

async fn page_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    // Browsers ask whether a file has changed, so that a page never runs with parts of another build.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    response
}
