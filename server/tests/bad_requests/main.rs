//! A table of requests that must be refused: each with its status, its code and a part of the message that names
//! the fault. None may leave a trace in the log.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../http/api/mod.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod api;
mod table;

use axum::body::Body;
use axum::http::{Request, header};
use logscope_server::{BrokerConfig, HttpConfig};
use serde_json::Value;

use table::{
    BAD_COMMITS, BAD_FETCHES, BAD_LINES, BAD_LISTS, BAD_METHODS, BAD_PATHS, BAD_PRODUCES, BAD_TOPICS,
};

struct Api(api::Api);

impl Api {
    /// A broker with one record in the topic `t`.
    async fn new() -> Self {
        let api = Self(api::Api::new().await);
        let first = api.answer(produce(r#"{"topic":"t","payload":"first"}"#)).await;
        assert_eq!((first.0, first.1), (200, serde_json::json!({"offset": 0})));
        api
    }

    async fn answer(&self, request: Request<Body>) -> (u16, Value) {
        let answer = self.0.send(request).await;
        (answer.status.as_u16(), answer.json())
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
        // Some tests have another topic, for what is not refused.
        let topics = self.0.get("/topics").await["topics"].clone();
        let expected =
            topics.as_array().unwrap().iter().all(|topic| topic["name"] == "t" || topic["name"] == "u");
        assert!(expected, "a refused request created a topic: {topics}");
        assert_eq!(self.0.get("/groups").await["groups"], serde_json::json!([]));
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
async fn bad_paths() {
    let api = Api::new().await;
    for &(method, path, status, code, fragment) in BAD_PATHS {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let what = format!("{method} {path}");
        api.assert_refused(request, (status, code, fragment), &what).await;
    }
    api.assert_untouched().await;
}

#[tokio::test]
async fn bad_bodies() {
    let api = Api::new().await;
    for (method, path, content_type, rows) in [
        ("POST", "/topics", "application/json", BAD_TOPICS),
        ("POST", "/topics/t/records", "application/json", BAD_LISTS),
        ("POST", "/topics/t/records", "application/x-ndjson", BAD_LINES),
        ("PUT", "/groups/g/offsets", "application/json", BAD_COMMITS),
    ] {
        for &(body, status, code, fragment) in rows {
            let request =
                Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, content_type);
            let what = format!("{method} {path} {content_type}: {}", String::from_utf8_lossy(body));
            api.assert_refused(request.body(Body::from(body)).unwrap(), (status, code, fragment), &what)
                .await;
        }
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
        assert_eq!(api.0.send(request()).await.header("allow"), Some(allow), "{what}");
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
async fn too_many_and_too_much() {
    let api = Api::new().await;
    let send = |content_type: &str, body: String| {
        let request = Request::post("/topics/t/records").header(header::CONTENT_TYPE, content_type);
        request.body(Body::from(body)).unwrap()
    };
    let (list, lines, raw) = ("application/json", "application/x-ndjson", "application/octet-stream");
    let records = |count: usize| vec![r#"{"payload":""}"#; count];
    let expected = (400, 400, "more than 10000 records, which is the limit of one request");
    let body = format!(r#"{{"records":[{}]}}"#, records(10_001).join(","));
    api.assert_refused(send(list, body), expected, "a list").await;
    api.assert_refused(send(lines, records(10_001).join("\n")), expected, "lines").await;
    let body = format!(r#"{{"records":[{{"payload":"","other":[{}]}}]}}"#, vec!["0"; 500_000].join(","));
    let expected = (400, 400, "it holds more than 500000 values");
    api.assert_refused(send(list, body), expected, "values").await;
    let large = "x".repeat(1_048_588);
    let expected = (413, 41301, "max.message.bytes allows 1048588");
    for (content_type, body) in [
        (raw, large.clone()),
        (lines, format!(r#"{{"payload":"{large}"}}"#)),
        (list, format!(r#"{{"records":[{{"payload":"{large}"}}]}}"#)),
    ] {
        api.assert_refused(send(content_type, body), expected, content_type).await;
    }
    let larger = large.repeat(7);
    api.assert_refused(send(raw, larger), (413, 413, "larger than 6357064 bytes"), "a body").await;
    let topic = format!(r#"{{"name":"u","other":"{large}"}}"#);
    let request = Request::post("/topics").body(Body::from(topic)).unwrap();
    api.assert_refused(request, (413, 413, "larger than 65536 bytes"), "a topic").await;
    let metadata = format!(
        r#"{{"offsets":[{{"topic":"t","partition":0,"offset":0,"metadata":"{}"}}]}}"#,
        "x".repeat(4097)
    );
    let request = Request::put("/groups/g/offsets").body(Body::from(metadata)).unwrap();
    let expected = (400, 40002, "the metadata of t-0 has 4097 bytes, and at most 4096 are allowed");
    api.assert_refused(request, expected, "metadata").await;
    let offset = r#"{"topic":"t","partition":0,"offset":0}"#;
    let body = format!(r#"{{"offsets":[{}]}}"#, vec![offset; 4001].join(","));
    let request = Request::put("/groups/g/offsets").body(Body::from(body)).unwrap();
    api.assert_refused(request, (400, 400, "4001 offsets, and a group can have at most 4000"), "offsets")
        .await;
    api.assert_untouched().await;
}

#[tokio::test]
async fn too_many_fetches_wait() {
    let mut config = BrokerConfig::default();
    config.limits.waiting_fetches = 0;
    let api = Api(api::Api::with(config, HttpConfig::default()).await);
    let paths = ["/fetch?topic=t&offset=0", "/topics/t/partitions/0/records?offset=0"];
    for path in paths.map(|path| format!("{path}&max_wait_ms=1000")) {
        let request = Request::get(&path).body(Body::empty()).unwrap();
        api.assert_refused(request, (429, 429, "0 fetches wait for records already"), &path).await;
    }
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
        for (method, path) in [
            ("POST", "/produce"),
            ("POST", "/topics"),
            ("POST", "/topics/t/records"),
            ("PUT", "/groups/g/offsets"),
        ] {
            let request = Request::builder().method(method).uri(path).header(name, value);
            api.assert_refused(request.body(Body::from(body)).unwrap(), expected, value).await;
        }
    }
    let twice = Request::post("/produce").header("host", "localhost").header("host", "evil.example");
    api.assert_refused(twice.body(Body::from(body)).unwrap(), (400, 400, "host"), "two hosts").await;
    api.assert_untouched().await;
}

#[test]
fn the_table_is_long_enough() {
    let bodies = [BAD_PRODUCES, BAD_TOPICS, BAD_LISTS, BAD_LINES, BAD_COMMITS];
    let bodies: usize = bodies.iter().map(|rows| rows.len()).sum();
    assert!(bodies + BAD_FETCHES.len() + BAD_PATHS.len() + BAD_METHODS.len() >= 200);
}
