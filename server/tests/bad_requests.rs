//! A table of requests that must be refused: each with its status, its code and a part of the message that names
//! the fault. None may leave a trace in the log.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use logscope_server::{Broker, BrokerConfig, HttpConfig, app};
use serde_json::Value;
use tower::ServiceExt;

/// Path, status, `error_code`, a fragment of the message.
const BAD_FETCHES: &[(&str, u16, u32, &str)] = &[
    ("/fetch", 400, 400, r#""topic" is missing"#),
    ("/fetch?offset=0", 400, 400, r#""topic" is missing"#),
    ("/fetch?topic=t", 400, 400, r#""offset" is missing"#),
    ("/fetch?topic=&offset=0", 400, 40002, "a topic name is empty"),
    ("/fetch?topic=..&offset=0", 400, 40002, r#"".." is not allowed"#),
    ("/fetch?topic=..%2Fx&offset=0", 400, 40002, r#""../x" contains '/'"#),
    ("/fetch?topic=a+b&offset=0", 400, 40002, "contains ' '"),
    ("/fetch?topic=%00&offset=0", 400, 40002, r"contains '\0'"),
    ("/fetch?topic=%FF&offset=0", 400, 40002, "contains '\u{fffd}'"),
    ("/fetch?topic=%3Cscript%3E&offset=0", 400, 40002, "contains '<'"),
    ("/fetch?topic=t&topic=u&offset=0", 400, 400, r#""topic" is given twice"#),
    ("/fetch?topic=t&offset=0&offset=0", 400, 400, r#""offset" is given twice"#),
    (
        "/fetch?topic=t&offset=",
        400,
        400,
        r#""offset" takes a whole number from 0 to 9223372036854775807, not """#,
    ),
    ("/fetch?topic=t&offset=-1", 400, 400, r#"not "-1""#),
    ("/fetch?topic=t&offset=%2B1", 400, 400, r#"not "+1""#),
    ("/fetch?topic=t&offset=1.0", 400, 400, r#"not "1.0""#),
    ("/fetch?topic=t&offset=1e3", 400, 400, r#"not "1e3""#),
    ("/fetch?topic=t&offset=0x1", 400, 400, r#"not "0x1""#),
    ("/fetch?topic=t&offset=%201", 400, 400, r#"not " 1""#),
    ("/fetch?topic=t&offset=%D9%A3", 400, 400, "not \"٣\""),
    ("/fetch?topic=t&offset=abc", 400, 400, r#"not "abc""#),
    ("/fetch?topic=t&offset=9223372036854775808", 400, 400, r#"not "9223372036854775808""#),
    ("/fetch?topic=t&offset=99999999999999999999999999999999999999999999", 400, 400, "99…\""),
    (
        "/fetch?topic=t&offset=0&max_bytes=-1",
        400,
        400,
        r#""max_bytes" takes a whole number from 0 to 2147483647"#,
    ),
    ("/fetch?topic=t&offset=0&max_bytes=1.5", 400, 400, r#""max_bytes" takes"#),
    ("/fetch?topic=t&offset=0&max_bytes=2147483648", 400, 400, r#""max_bytes" takes"#),
    ("/fetch?topic=t&offset=0&max_bytes=", 400, 400, r#""max_bytes" takes"#),
    ("/fetch?topic=t&offset=0&min_bytes=x", 400, 400, r#""min_bytes" takes"#),
    ("/fetch?topic=t&offset=0&max_wait_ms=-5", 400, 400, r#""max_wait_ms" takes"#),
    ("/fetch?topic=t&offset=0&partition=x", 400, 400, r#""partition" takes"#),
    (
        "/fetch?topic=t&offset=0&partition=1",
        404,
        40402,
        r#"no partition 1: the topic "t" has one, partition 0"#,
    ),
    (
        "/fetch?topic=t&offset=2",
        416,
        41601,
        "OFFSET_OUT_OF_RANGE: offset 2 is out of range: the log holds 0 up to, not including, 1",
    ),
    ("/fetch?topic=t&offset=9223372036854775807", 416, 41601, "OFFSET_OUT_OF_RANGE"),
    ("/fetch?topic=none&offset=1", 416, 41601, r#"the topic "none" does not exist yet, so only offset 0"#),
    ("/nothing", 404, 404, "there is nothing at /nothing"),
    ("/fetch/", 404, 404, "there is nothing at /fetch/"),
    ("/produce/t", 404, 404, "there is nothing at /produce/t"),
    ("//fetch?topic=t&offset=0", 404, 404, "there is nothing at //fetch"),
    ("/%2e%2e/meta.properties", 404, 404, "there is nothing at /%2e%2e/meta.properties"),
    ("/t-0/00000000000000000000.log", 404, 404, "there is nothing at"),
];

/// Body of a produce, status, `error_code`, a fragment of the message.
const BAD_PRODUCES: &[(&[u8], u16, u32, &str)] = &[
    (b"", 400, 400, "the body is empty"),
    (b" ", 400, 400, "not valid JSON: EOF while parsing a value at line 1"),
    (b"{", 400, 400, "EOF while parsing an object at line 1 column 1"),
    (b"{\"topic\":\"t\",\n\"payload\":}", 400, 400, "expected value at line 2 column 11"),
    (br#"{"topic":"t","payload":"x",}"#, 400, 400, "trailing comma at line 1"),
    (br#"{"topic":"t","payload":"x"} {}"#, 400, 400, "trailing characters at line 1"),
    (br#"{'topic':'t','payload':'x'}"#, 400, 400, "key must be a string"),
    (b"topic=t&payload=x", 400, 400, "not valid JSON"),
    (b"\xef\xbb\xbf{}", 400, 400, "expected value at line 1 column 1"),
    (b"{\"topic\":\"t\",\"payload\":\"\xff\"}", 400, 400, "invalid unicode"),
    (b"{\"topic\":\"t\",\"payload\":\"a\nb\"}", 400, 400, "control character"),
    (br#"{"topic":"t","payload":"\ud800"}"#, 400, 400, "not valid JSON"),
    (br#"{"topic":"t","payload":"\x"}"#, 400, 400, "invalid escape"),
    (br#"{"topic":"t","payload":NaN}"#, 400, 400, "expected value"),
    (br#"{"topic":"t","payload":1e999}"#, 400, 400, "number out of range"),
    (b"[]", 400, 400, "must be a JSON object, not a list"),
    (b"null", 400, 400, "must be a JSON object, not null"),
    (b"\"t\"", 400, 400, "must be a JSON object, not the string \"t\""),
    (b"42", 400, 400, "must be a JSON object, not the number 42"),
    (b"{}", 400, 400, r#"the field "topic" is missing"#),
    (br#"{"payload":"x"}"#, 400, 400, r#"the field "topic" is missing"#),
    (br#"{"Topic":"t","payload":"x"}"#, 400, 400, r#"the field "topic" is missing"#),
    (br#"{"topic":"t"}"#, 400, 400, r#"the field "payload" is missing"#),
    (br#"{"topic":"t","value":"x"}"#, 400, 400, r#"the field "payload" is missing"#),
    (br#"{"topic":null,"payload":"x"}"#, 400, 400, r#""topic" takes a string, not null"#),
    (br#"{"topic":7,"payload":"x"}"#, 400, 400, r#""topic" takes a string, not the number 7"#),
    (br#"{"topic":"t","topic":"u","payload":"x"}"#, 400, 400, r#""topic" is given twice"#),
    (br#"{"topic":"t","payload":"x","payload":"y"}"#, 400, 400, r#""payload" is given twice"#),
    (br#"{"topic":"","payload":"x"}"#, 400, 40002, "a topic name is empty"),
    (br#"{"topic":".","payload":"x"}"#, 400, 40002, r#""." is not allowed"#),
    (br#"{"topic":"..","payload":"x"}"#, 400, 40002, r#"".." is not allowed"#),
    (br#"{"topic":"a/b","payload":"x"}"#, 400, 40002, "contains '/'"),
    (br#"{"topic":"..\\x","payload":"x"}"#, 400, 40002, r"contains '\\'"),
    (br#"{"topic":"a\u0000","payload":"x"}"#, 400, 40002, r"contains '\0'"),
    (br#"{"topic":"\u0442","payload":"x"}"#, 400, 40002, "contains 'т'"),
    (
        br#"{"topic":"t","payload":42}"#,
        400,
        400,
        r#""payload" takes a string or null; write anything else as a string"#,
    ),
    (br#"{"topic":"t","payload":true}"#, 400, 400, "it is true"),
    (br#"{"topic":"t","payload":{"a":1}}"#, 400, 400, "it is an object"),
    (br#"{"topic":"t","payload":["x"]}"#, 400, 400, "it is a list"),
    (br#"{"topic":"t","payload":"x","payload_base64":"eA=="}"#, 400, 400, "are both given: send one of them"),
    (br#"{"topic":"t","payload_base64":"!"}"#, 400, 400, r#""payload_base64" is not base64"#),
    (br#"{"topic":"t","payload_base64":"_w=="}"#, 400, 400, r#""payload_base64" is not base64"#),
    (
        br#"{"topic":"t","payload_base64":7}"#,
        400,
        400,
        r#""payload_base64" takes base64 in a string, or null, not the number 7"#,
    ),
    (br#"{"topic":"t","payload":"x","key":7}"#, 400, 400, r#""key" takes a string or null"#),
    (br#"{"topic":"t","payload":"x","key_base64":"x"}"#, 400, 400, r#""key_base64" is not base64"#),
    (br#"{"topic":"t","payload":"x","partition":1}"#, 404, 40402, "no partition 1"),
    (
        br#"{"topic":"t","payload":"x","partition":-1}"#,
        400,
        400,
        r#""partition" takes a whole number from 0 to 2147483647, not the number -1"#,
    ),
    (br#"{"topic":"t","payload":"x","partition":"0"}"#, 400, 400, r#"not the string "0""#),
    (br#"{"topic":"t","payload":"x","partition":0.0}"#, 400, 400, r#""partition" takes a whole number"#),
    (
        br#"{"topic":"t","payload":"x","timestamp":-1}"#,
        400,
        400,
        r#""timestamp" takes a whole number from 0"#,
    ),
    (br#"{"topic":"t","payload":"x","timestamp":1.5}"#, 400, 400, "not the number 1.5"),
    (
        br#"{"topic":"t","payload":"x","timestamp":9223372036854775808}"#,
        400,
        400,
        "not the number 9223372036854775808",
    ),
    (br#"{"topic":"t","payload":"x","timestamp":"now"}"#, 400, 400, r#"not the string "now""#),
    (
        br#"{"topic":"t","payload":"x","acks":2}"#,
        400,
        400,
        r#""acks" takes "all", -1, 1 or 0, not the number 2"#,
    ),
    (br#"{"topic":"t","payload":"x","acks":"ALL"}"#, 400, 400, r#"not the string "ALL""#),
    (br#"{"topic":"t","payload":"x","acks":"1"}"#, 400, 400, r#"not the string "1""#),
    (br#"{"topic":"t","payload":"x","acks":null}"#, 400, 400, "not null"),
    (
        br#"{"topic":"t","payload":"x","headers":{"a":"b"}}"#,
        400,
        400,
        r#""headers" takes a list of objects, not an object"#,
    ),
    (br#"{"topic":"t","payload":"x","headers":["a"]}"#, 400, 400, r#""headers[0]" takes an object"#),
    (
        br#"{"topic":"t","payload":"x","headers":[{"value":"v"}]}"#,
        400,
        400,
        r#""headers[0].name" is missing"#,
    ),
    (
        br#"{"topic":"t","payload":"x","headers":[{"name":null,"value":"v"}]}"#,
        400,
        400,
        r#""headers[0].name" takes a string"#,
    ),
    (
        br#"{"topic":"t","payload":"x","headers":[{"name":"a","value":"v"},{"name":"b"}]}"#,
        400,
        400,
        r#""headers[1].value" is missing"#,
    ),
    (
        br#"{"topic":"t","payload":"x","headers":[{"name":"a","value":1}]}"#,
        400,
        400,
        r#""headers[0].value" takes a string or null"#,
    ),
];

/// Method and path of requests that are refused for their method, and what is allowed there.
const BAD_METHODS: &[(&str, &str, &str)] = &[
    ("GET", "/produce", "POST"),
    ("PUT", "/produce", "POST"),
    ("DELETE", "/produce", "POST"),
    ("OPTIONS", "/produce", "POST"),
    ("BREW", "/produce", "POST"),
    ("POST", "/fetch?topic=t&offset=0", "GET,HEAD"),
    ("DELETE", "/fetch", "GET,HEAD"),
    ("POST", "/healthz", "GET,HEAD"),
    ("POST", "/", "GET,HEAD"),
];

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
