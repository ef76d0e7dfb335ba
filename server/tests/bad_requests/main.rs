//! A table of requests that must be refused: each with its status, its code and a part of the message that names
//! the fault. None may leave a trace in the log.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod table;

use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use logscope_server::{Broker, BrokerConfig, HttpConfig, app};
use serde_json::Value;
use tower::ServiceExt;

use table::{BAD_FETCHES, BAD_METHODS, BAD_PRODUCES};

struct Api {
    _dir: tempfile::TempDir,
    app: axum::Router,
}

impl Api {
    /// A broker with one record in the topic `t`.
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let broker = Broker::open(dir.path(), BrokerConfig::default()).unwrap();
        let api = Self { _dir: dir, app: app(broker, HttpConfig::default()) };
        let first = api.answer(produce(r#"{"topic":"t","payload":"first"}"#)).await;
        assert_eq!((first.0, first.1), (200, serde_json::json!({"offset": 0})));
        api
    }

    async fn answer(&self, request: Request<Body>) -> (u16, Value) {
        let answer = self.app.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{error}: {body:?}")))
    }

    async fn assert_refused(&self, request: Request<Body>, expected: (u16, u32, &str), what: &str) {
        let (status, answer) = self.answer(request).await;
        let (expected_status, code, fragment) = expected;
        let message = answer["message"].as_str().unwrap_or_else(|| panic!("{what}: no message in {answer}"));
        assert_eq!((status, &answer["error_code"]), (expected_status, &code.into()), "{what}: {message}");
        assert!(message.contains(fragment), "{what}: {fragment:?} is not in {message:?}");
        assert!(message.len() < 400, "{what}: a message of {} bytes", message.len());
        assert_eq!(answer.as_object().unwrap().len(), 2, "{what}: {answer}");
    }

    async fn assert_untouched(&self) {
        let fetch = Request::get("/fetch?topic=t&offset=0").body(Body::empty()).unwrap();
        assert_eq!(self.answer(fetch).await.1["next_offset"], 1, "a refused record is in the log");
    }
}

fn produce(body: impl Into<Body>) -> Request<Body> {
    Request::post("/produce").body(body.into()).unwrap()
}

#[tokio::test]
async fn bad_fetches() {
    let api = Api::new().await;
    for &(path, status, code, fragment) in BAD_FETCHES {
        let request = Request::get(path).body(Body::empty()).unwrap();
        api.assert_refused(request, (status, code, fragment), path).await;
    }
}

#[tokio::test]
async fn bad_produces() {
    let api = Api::new().await;
    for &(body, status, code, fragment) in BAD_PRODUCES {
        let what = String::from_utf8_lossy(body);
        api.assert_refused(produce(body), (status, code, fragment), &what).await;
    }
    api.assert_untouched().await;
}

#[tokio::test]
async fn bad_methods() {
    let api = Api::new().await;
    for &(method, path, allow) in BAD_METHODS {
        let request = || Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let what = format!("{method} {path}");
        api.assert_refused(request(), (405, 405, &format!("does not take {method}")), &what).await;
        let answer = api.app.clone().oneshot(request()).await.unwrap();
        assert_eq!(answer.headers()[header::ALLOW], allow, "{what}");
    }
}

#[tokio::test]
async fn long_names_and_deep_nesting() {
    let api = Api::new().await;
    let long = "x".repeat(250);
    let fetch = Request::get(format!("/fetch?topic={long}&offset=0")).body(Body::empty()).unwrap();
    let expected = (400, 40002, "has 250 characters, and at most 249 are allowed");
    api.assert_refused(fetch, expected, "fetch").await;
    let body = format!(r#"{{"topic":"{long}","payload":"x"}}"#);
    api.assert_refused(produce(body), expected, "produce").await;
    let body = format!(r#"{{"topic":"{}","payload":"x"}}"#, "é".repeat(100_000));
    api.assert_refused(produce(body), (400, 40002, "contains 'é'"), "a huge name").await;
    let body =
        format!(r#"{{"topic":"t","payload":"x","other":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    api.assert_refused(produce(body), (400, 400, "recursion limit"), "nesting").await;
    let path = format!("/{}", "y".repeat(5000));
    let request = Request::get(path).body(Body::empty()).unwrap();
    api.assert_refused(request, (404, 404, "there is nothing at /yyy"), "a long path").await;
    api.assert_untouched().await;
}

#[tokio::test]
async fn too_large_records_and_bodies() {
    let api = Api::new().await;
    // The limit is on the batch: a header of 61 bytes, the record's own fields, and the payload.
    let body = |size: usize| format!(r#"{{"topic":"u","payload":"{}"}}"#, "x".repeat(size));
    let largest = 1_048_588 - 61 - 11;
    assert_eq!(api.answer(produce(body(largest))).await.0, 200);
    let expected = (413, 41301, "takes 1048589 bytes, and max.message.bytes allows 1048588");
    api.assert_refused(produce(body(largest + 1)), expected, "one byte too many").await;
    // The largest payload gets in however it is written.
    let escaped = format!(r#"{{"topic":"u","payload":"{}"}}"#, "\\u0000".repeat(largest));
    assert_eq!(api.answer(produce(escaped)).await.0, 200);

    let limit = 6 * 1_048_588 + (64 << 10);
    let expected = (413, 413, "larger than 6357064 bytes");
    api.assert_refused(produce(body(limit)), expected, "a body over the limit").await;
    api.assert_refused(produce(body(limit + (17 << 20))), expected, "a body far over the limit").await;
    api.assert_untouched().await;
}

#[tokio::test]
async fn encodings_and_headers() {
    let api = Api::new().await;
    let body = r#"{"topic":"t","payload":"x"}"#;
    for (name, value, expected) in [
        ("content-encoding", "gzip", (415, 415, "the body is compressed")),
        ("host", "evil.example", (403, 403, "not called \"evil.example\"")),
        ("host", "192.168.0.1:8080", (403, 403, "not called \"192.168.0.1:8080\"")),
        ("origin", "http://evil.example", (403, 403, "a page of \"http://evil.example\" may not")),
        ("origin", "null", (403, 403, "a page of \"null\" may not")),
    ] {
        let request = Request::post("/produce").header(name, value).body(Body::from(body)).unwrap();
        api.assert_refused(request, expected, value).await;
    }
    let twice = Request::post("/produce").header("host", "localhost").header("host", "evil.example");
    api.assert_refused(twice.body(Body::from(body)).unwrap(), (400, 400, "host"), "two hosts").await;
    api.assert_untouched().await;
}

#[test]
fn the_table_is_long_enough() {
    assert!(BAD_FETCHES.len() + BAD_PRODUCES.len() + BAD_METHODS.len() >= 100);
}
