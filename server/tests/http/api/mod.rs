//! A broker behind its routes, without a socket. Every answer is held against the OpenAPI document.

mod document;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use logscope_server::{Broker, BrokerConfig, HttpConfig, app};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

use document::Document;

pub(crate) struct Api {
    pub(crate) dir: TempDir,
    pub(crate) broker: Broker,
    app: Router,
    document: Document,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        let content_type = self.headers.get(header::CONTENT_TYPE);
        assert!(content_type.is_some_and(|it| it == "application/json"), "{self:?}");
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Api {
    pub(crate) async fn new() -> Self {
        Self::with(BrokerConfig::default(), HttpConfig::default()).await
    }

    pub(crate) async fn with(broker: BrokerConfig, http: HttpConfig) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let broker = Broker::open(dir.path().join("data"), broker).unwrap();
        Self::of(dir, broker, http).await
    }

    pub(crate) async fn of(dir: TempDir, broker: Broker, http: HttpConfig) -> Self {
        let app = app(broker.clone(), http);
        let request = Request::get("/openapi.json").body(Body::empty()).unwrap();
        let answer = app.clone().oneshot(request).await.unwrap();
        let document = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let document = Document::new(serde_json::from_slice(&document).unwrap());
        Self { dir, broker, app, document }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let answer = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{method} {path}");
        self.document.check(method.as_str(), &path, &answer);
        answer
    }

    pub(crate) async fn request(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        self.send(Request::builder().method(method).uri(path).body(body.into()).unwrap()).await
    }

    /// Sends a request whose answer is JSON.
    pub(crate) async fn json(&self, method: &str, path: &str, body: impl Into<Body>) -> (StatusCode, Value) {
        let answer = self.request(method, path, body).await;
        (answer.status, answer.json())
    }

    /// The JSON at a path, which must be there.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.json("GET", path, Body::empty()).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }

    /// Posts JSON, which must be taken.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.json("POST", path, body.to_string()).await;
        assert!(status.is_success(), "{path} {body}: {answer}");
        answer
    }

    pub(crate) async fn produce(&self, body: Value) -> Value {
        self.post("/produce", body).await
    }

    pub(crate) async fn fetch(&self, query: &str) -> Value {
        self.get(&format!("/fetch?{query}")).await
    }
}
