//! The routes, without a socket: what they answer, and what they refuse.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use logscope_server::{Broker, BrokerConfig, HttpConfig, app};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

struct Api {
    _dir: TempDir,
    app: Router,
}

impl Api {
    fn new() -> Self {
        Self::with(HttpConfig::default())
    }

    fn with(config: HttpConfig) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let broker = Broker::open(dir.path().join("data"), BrokerConfig::default()).unwrap();
        Self { _dir: dir, app: app(broker, config) }
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
        let answer = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        (parts.status, parts.headers, to_bytes(body, usize::MAX).await.unwrap().to_vec())
    }

    async fn json(&self, method: &str, path: &str, body: impl Into<Body>) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path).body(body.into()).unwrap();
        let (status, headers, body) = self.send(request).await;
        let content_type = headers.get(header::CONTENT_TYPE);
        assert!(
            content_type.is_some_and(|it| it == "application/json"),
            "{method} {path}: {status} {body:?}"
        );
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn produce(&self, body: Value) -> Value {
        let (status, answer) = self.json("POST", "/produce", body.to_string()).await;
        assert_eq!(status, StatusCode::OK, "{body}: {answer}");
        answer
    }

    async fn fetch(&self, query: &str) -> Value {
        let (status, answer) = self.json("GET", &format!("/fetch?{query}"), Body::empty()).await;
        assert_eq!(status, StatusCode::OK, "{query}: {answer}");
        answer
    }
}

#[tokio::test]
async fn produce_and_fetch_have_their_exact_shapes() {
    let api = Api::new();
    assert_eq!(api.produce(json!({"topic": "t", "payload": "hello"})).await, json!({"offset": 0}));
    assert_eq!(api.produce(json!({"topic": "t", "payload": "wörld"})).await, json!({"offset": 1}));
    assert_eq!(
        api.fetch("topic=t&offset=0&max_bytes=4096").await,
        json!({
            "records": [{"offset": 0, "payload": "hello"}, {"offset": 1, "payload": "wörld"}],
            "next_offset": 2, "log_start_offset": 0, "high_watermark": 2, "stopped_by": "log_end"
        })
    );
    let end = json!({
        "records": [], "next_offset": 2, "log_start_offset": 0, "high_watermark": 2, "stopped_by": "log_end"
    });
    assert_eq!(api.fetch("topic=t&offset=2").await, end);
}

#[tokio::test]
async fn a_fetch_stops_at_max_bytes_and_brings_one_batch_at_least() {
    let api = Api::new();
    for i in 0..3 {
        api.produce(json!({"topic": "t", "payload": format!("{i:030}")})).await;
    }
    for max_bytes in [0, 1, 150] {
        let answer = api.fetch(&format!("topic=t&offset=1&max_bytes={max_bytes}")).await;
        assert_eq!(answer["records"], json!([{"offset": 1, "payload": format!("{:030}", 1)}]));
        assert_eq!((&answer["next_offset"], &answer["stopped_by"]), (&json!(2), &json!("max_bytes")));
    }
    // Without max_bytes it is 4096, and each of these batches takes 98 bytes.
    for _ in 0..60 {
        api.produce(json!({"topic": "u", "payload": "x".repeat(30)})).await;
    }
    let answer = api.fetch("topic=u&offset=0").await;
    assert_eq!(
        (answer["records"].as_array().unwrap().len(), &answer["stopped_by"]),
        (41, &json!("max_bytes"))
    );
}

#[tokio::test]
async fn payloads_come_back_as_they_went_in() {
    let api = Api::new();
    for (sent, expected) in [
        (json!({"payload": ""}), json!({"offset": 0, "payload": ""})),
        (json!({"payload": null}), json!({"offset": 1, "payload": null})),
        (json!({"payload_base64": null}), json!({"offset": 2, "payload": null})),
        (json!({"payload_base64": "/w=="}), json!({"offset": 3, "payload_base64": "/w=="})),
        (json!({"payload_base64": "/w"}), json!({"offset": 4, "payload_base64": "/w=="})),
        (json!({"payload_base64": "aGk="}), json!({"offset": 5, "payload": "hi"})),
        (json!({"payload": "\u{0}\n\"\\\u{1f980}"}), json!({"offset": 6, "payload": "\u{0}\n\"\\\u{1f980}"})),
        (json!({"payload": "{\"a\":1}"}), json!({"offset": 7, "payload": "{\"a\":1}"})),
    ] {
        let mut body = sent.clone();
        body["topic"] = json!("t");
        let offset = api.produce(body).await["offset"].clone();
        let answer = api.fetch(&format!("topic=t&offset={offset}")).await;
        assert_eq!(answer["records"], json!([expected]), "{sent}");
    }
}

#[tokio::test]
async fn every_optional_field_is_taken() {
    let api = Api::new();
    for acks in [json!("all"), json!(-1), json!(1), json!(0)] {
        api.produce(json!({
            "topic": "t", "payload": "x", "partition": 0, "key": "k", "timestamp": 0, "acks": acks,
            "headers": [{"name": "a", "value": "1"}, {"name": "", "value": null}, {"name": "b", "value_base64": "/w=="}],
            "something_else": {"that": ["is", "ignored", 1.5, true]}
        }))
        .await;
    }
    for key in [json!({"key": null}), json!({"key": ""}), json!({"key_base64": "AA=="})] {
        let mut body = json!({"topic": "t", "payload": "x", "headers": []});
        body.as_object_mut().unwrap().extend(key.as_object().unwrap().clone());
        api.produce(body).await;
    }
    let answer = api.fetch("topic=t&offset=6&partition=0&min_bytes=0&max_wait_ms=2147483647&_=1").await;
    assert_eq!(answer["next_offset"], 7);
}

#[tokio::test]
async fn keys_headers_and_timestamps_are_stored() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::open(dir.path(), BrokerConfig::default()).unwrap();
    let body = json!({
        "topic": "t", "payload": "v", "key_base64": "/w==", "timestamp": 1234,
        "headers": [{"name": "n", "value": "ü"}, {"name": "null", "value": null}]
    });
    let api = app(broker.clone(), HttpConfig::default());
    let request = Request::post("/produce").body(Body::from(body.to_string())).unwrap();
    assert_eq!(api.oneshot(request).await.unwrap().status(), StatusCode::OK);

    let t = logscope_server::TopicPartition { topic: "t".parse().unwrap(), partition: 0 };
    let request = logscope_server::FetchRequest {
        offset: 0,
        max_bytes: 4096,
        min_bytes: 0,
        max_wait: std::time::Duration::ZERO,
    };
    let answer = broker.fetch(&t, &request).await.unwrap();
    let record = answer.fetched.records().next().unwrap().unwrap();
    assert_eq!((record.timestamp, record.key, record.value), (1234, Some(&[0xff][..]), Some(&b"v"[..])));
    let headers: Vec<_> = record.headers.map(|header| (header.key, header.value)).collect();
    assert_eq!(headers, [(&b"n"[..], Some("ü".as_bytes())), (&b"null"[..], None)]);
}

#[tokio::test]
async fn any_content_type_is_taken() {
    let api = Api::new();
    for content_type in
        ["application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf-8", "x"]
    {
        let request = Request::post("/produce").header(header::CONTENT_TYPE, content_type);
        let request = request.body(Body::from(r#"{"topic":"t","payload":"x"}"#)).unwrap();
        assert_eq!(api.send(request).await.0, StatusCode::OK, "{content_type}");
    }
}

#[tokio::test]
async fn a_consumer_may_start_before_its_producer() {
    let api = Api::new();
    let empty = json!({
        "records": [], "next_offset": 0, "log_start_offset": 0, "high_watermark": 0, "stopped_by": "log_end"
    });
    assert_eq!(api.fetch("topic=t&offset=0").await, empty);
    let consumer = api.fetch("topic=t&offset=0&max_wait_ms=20000");
    let producer = api.produce(json!({"topic": "t", "payload": "x"}));
    let (fetched, _) = tokio::join!(consumer, producer);
    assert_eq!(fetched["records"], json!([{"offset": 0, "payload": "x"}]));
}

#[tokio::test]
async fn health_is_ok() {
    let (status, answer) = Api::new().json("GET", "/healthz", Body::empty()).await;
    assert_eq!((status, answer), (StatusCode::OK, json!({"status": "ok"})));
}

#[tokio::test]
async fn a_page_of_another_site_is_refused() {
    let api = Api::new();
    for (host, origin, expected) in [
        ("localhost:8080", None, StatusCode::OK),
        ("localhost:8080", Some("http://localhost:8080"), StatusCode::OK),
        ("localhost:8080", Some("https://evil.example"), StatusCode::FORBIDDEN),
        ("localhost:8080", Some("null"), StatusCode::FORBIDDEN),
        ("rebound.example", None, StatusCode::FORBIDDEN),
        ("rebound.example", Some("http://rebound.example"), StatusCode::FORBIDDEN),
    ] {
        for path in ["/produce", "/fetch?topic=t&offset=0", "/", "/nothing"] {
            let method = if path == "/produce" { "POST" } else { "GET" };
            let mut request = Request::builder().method(method).uri(path).header(header::HOST, host);
            if let Some(origin) = origin {
                request = request.header(header::ORIGIN, origin);
            }
            let body = Body::from(r#"{"topic":"t","payload":"x"}"#);
            let (status, _, _) = api.send(request.body(body).unwrap()).await;
            let expected = match (expected, path) {
                (StatusCode::OK, "/nothing") => StatusCode::NOT_FOUND,
                (expected, _) => expected,
            };
            assert_eq!(status, expected, "{path} {host} {origin:?}");
        }
    }
}

fn web_root(dir: &Path) -> HttpConfig {
    for (name, content) in [
        ("index.html", &b"<!doctype html>"[..]),
        ("app.js", b"plain"),
        ("app.js.br", b"brotli"),
        ("app_bg.wasm", b"\0asm"),
        ("app_bg.wasm.gz", b"gzip"),
    ] {
        std::fs::write(dir.join(name), content).unwrap();
    }
    HttpConfig { web_root: Some(dir.to_owned()), hosts: Vec::new() }
}

#[tokio::test]
async fn the_page_is_served_with_types_compression_and_a_policy() {
    let dir = tempfile::tempdir().unwrap();
    let api = Api::with(web_root(dir.path()));
    for (path, accept, content_type, encoding, content) in [
        ("/", "", "text/html", None, &b"<!doctype html>"[..]),
        ("/index.html", "br", "text/html", None, b"<!doctype html>"),
        ("/app.js", "", "text/javascript", None, b"plain"),
        ("/app.js", "gzip, br", "text/javascript", Some("br"), b"brotli"),
        ("/app_bg.wasm", "gzip, br", "application/wasm", Some("gzip"), b"gzip"),
    ] {
        let request = Request::get(path).header(header::ACCEPT_ENCODING, accept).body(Body::empty()).unwrap();
        let (status, headers, body) = api.send(request).await;
        assert_eq!((status, &body[..]), (StatusCode::OK, content), "{path}");
        assert_eq!(headers[header::CONTENT_TYPE].to_str().unwrap().split(';').next(), Some(content_type));
        assert_eq!(headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap()), encoding);
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; "), "{policy}");
    }
    // The API is still there, and what is missing is refused in JSON.
    api.produce(json!({"topic": "t", "payload": "x"})).await;
    let outside = dir.path().parent().unwrap().join("outside.txt");
    for (method, path) in [
        ("GET", "/nothing.js".to_owned()),
        ("POST", "/nothing".to_owned()),
        ("GET", "/../outside.txt".to_owned()),
        ("GET", "/%2e%2e/outside.txt".to_owned()),
        ("GET", format!("/{}", outside.display())),
        ("GET", format!("/{}", "long".repeat(2000))),
        ("GET", "/nul%00l".to_owned()),
        ("GET", "/app.js/".to_owned()),
        ("GET", "/app.js/below".to_owned()),
    ] {
        let (status, answer) = api.json(method, &path, Body::empty()).await;
        assert_eq!((status, &answer["error_code"]), (StatusCode::NOT_FOUND, &json!(404)), "{path}");
    }
}

#[tokio::test]
async fn without_a_page_the_root_says_how_to_get_one() {
    let (status, headers, body) = Api::new().send(Request::get("/").body(Body::empty()).unwrap()).await;
    assert_eq!(
        (status, &headers[header::CONTENT_TYPE]),
        (StatusCode::OK, &"text/plain; charset=utf-8".parse().unwrap())
    );
    assert!(String::from_utf8(body).unwrap().contains("cargo xtask play"));
}
