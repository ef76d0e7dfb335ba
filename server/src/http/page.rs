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

use super::not_found;

const NO_PAGE: &str = "\
This is a Logscope broker, without the playground: its page was not built.

  cargo xtask play                  builds the page and serves it with a broker
  logscope serve --web-root DIR     serves a page that was built before

  POST /produce    {\"topic\": \"t\", \"payload\": \"hello\"}
  GET  /fetch?topic=t&offset=0
  GET  /healthz
";

/// Adds what is served beside the API.
pub(super) fn add(routes: Router, web_root: Option<PathBuf>) -> Router {
    match web_root {
        Some(dir) => {
            let files = ServeDir::new(dir)
                .precompressed_br()
                .precompressed_gzip()
                .call_fallback_on_method_not_allowed(true)
                .fallback(not_found.into_service());
            let files = Router::new().fallback_service(files).layer(from_fn(revalidate));
            routes.fallback_service(files)
        }
        None => {
            routes.route("/", get(async || NO_PAGE).fallback(super::method_not_allowed)).fallback(not_found)
        }
    }
}

/// Makes browsers ask whether a file has changed, so that a page never runs with parts of another build.
async fn revalidate(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    response
}
