//! `GET /openapi.json` and `GET /docs`: what all routes take and answer, and a page to try them.
//!
//! The document is made from the handlers themselves, by the same call that mounts them, so neither has a route that the
//! other has not. The page is Swagger UI, out of the binary; it loads nothing from elsewhere.

use std::io::Read;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use flate2::read::GzDecoder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder, Server};
use utoipa::{OpenApi, openapi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerFile};

use super::accept;
use super::error::{ApiError, Error};
use super::nothing_at;
use crate::broker::Broker;

/// The page runs its own scripts, talks to this broker, and sets styles on its elements; nothing else.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; \
    style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// What a fault that has nothing to do with the route answers.
const ANY_ROUTE: [(&str, &str); 6] = [
    ("400", "The request cannot be understood, or asks for what cannot be; the message names the fault."),
    ("401", "The broker has a token, and the request has none or another."),
    ("403", "A page of another site asks, or the broker was called by a name that is not its own."),
    ("408", "The request's body did not come in time."),
    ("500", "The storage failed, or what is stored is damaged."),
    ("503", "The partition is offline or read-only, or the broker is shutting down."),
];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Logscope",
        description = "A commit log with Kafka's formats and terms. Nothing is coerced; null stays null. Bytes that are not \
            UTF-8 go by their field's name with `_base64` behind it. \
            Parameters and fields that a route does not have are refused, but for `/produce`, `/fetch` and what stands \
            beside a record: their clients may send more."
    ),
    components(schemas(Error)),
    tags(
        (name = "simple", description = "Two routes are enough to begin with"),
        (name = "topics", description = "Topics with their partitions and configs"),
        (name = "records", description = "Records in and out, many at once"),
        (name = "partitions", description = "How far a log goes, and what it can be told to do"),
        (name = "segments", description = "What is on disk"),
        (name = "groups", description = "What groups of consumers have committed"),
        (name = "operation", description = "How the broker is"),
    )
)]
struct Document;

/// A router that writes the document along the way.
pub(super) fn new_router() -> OpenApiRouter<Broker> {
    OpenApiRouter::with_openapi(Document::openapi())
}

/// The document and the page.
pub(super) fn routes(mut document: openapi::OpenApi) -> Router<Broker> {
    // Wherever the document is, the routes are beside it.
    document.servers = Some(vec![Server::new(".")]);
    document.components.get_or_insert_default().add_security_scheme("token", bearer());
    // None of the two is needed where the broker has no token.
    let token = SecurityRequirement::new::<_, _, String>("token", []);
    document.security = Some(vec![SecurityRequirement::default(), token]);
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.patch, &mut item.post, &mut item.delete];
        operations.into_iter().flatten().for_each(add_common_answers);
    }
    let json = document.to_json().map(Bytes::from);
    if let Err(error) = &json {
        tracing::error!("the OpenAPI document could not be written: {error}");
    }
    let json = json.unwrap_or_default();
    let config = Config::from("../openapi.json").validator_url("none").use_base_layout();
    let config = Arc::new(config.default_models_expand_depth(0).display_request_duration(true));
    let file = move |uri: Uri, headers: HeaderMap| {
        std::future::ready(page_file(&uri, accept::gzip(&headers), Arc::clone(&config)))
    };
    let page = Router::new()
        .route("/docs", get(async || Redirect::permanent("docs/")))
        .route("/docs/", get(file.clone()))
        .route("/docs/{file}", get(file))
        .layer(from_fn(page_headers));
    Router::new()
        .route("/openapi.json", get(async move || super::json_bytes(StatusCode::OK, json)))
        .merge(page)
}

fn bearer() -> SecurityScheme {
    SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer))
}

fn add_common_answers(operation: &mut Operation) {
    for (status, description) in ANY_ROUTE {
        let schema = Ref::from_schema_name("Error");
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new().description(description).content("application/json", content);
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| response.build().into());
    }
}

/// A file of the page. In the binary they are compressed, and who does not take that gets them unpacked.
fn page_file(uri: &Uri, gzip: bool, config: Arc<Config<'static>>) -> Response {
    let name = uri.path().rsplit('/').next().unwrap_or_default();
    let SwaggerFile { bytes, content_type, gzpipped, .. } = match utoipa_swagger_ui::serve(name, config) {
        Ok(Some(file)) => file,
        Ok(None) => return nothing_at(uri).into_response(),
        Err(error) => return ApiError::internal(&error).into_response(),
    };
    let headers = [(header::CONTENT_TYPE, content_type), (header::VARY, "accept-encoding".to_owned())];
    if !gzpipped || gzip {
        let encoding = gzpipped.then_some([(header::CONTENT_ENCODING, "gzip")]);
        return (headers, encoding, bytes.into_owned()).into_response();
    }
    let mut unpacked = Vec::new();
    match GzDecoder::new(&*bytes).read_to_end(&mut unpacked) {
        Ok(_) => (headers, unpacked).into_response(),
        Err(error) => ApiError::internal(&error).into_response(),
    }
}

async fn page_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    response
}
