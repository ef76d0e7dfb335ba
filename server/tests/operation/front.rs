//! What is answered before the router is answered as the router would.

use std::collections::BTreeMap;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use logscope_server::{App, Broker, BrokerConfig, HttpConfig, Token, app, front};
use tempfile::TempDir;

/// Carries the token, where there is one.
const RIGHT: (&str, &str) = ("authorization", "Bearer s3cret");

type Answer = (StatusCode, HeaderMap, String);

async fn ask(app: &impl App, request: Request<Body>) -> Answer {
    let of_a_page = request.headers().contains_key(header::ORIGIN);
    let (mut parts, body) = app.answer(request).await.into_parts();
    // Where the router does not say the length, the HTTP library does.
    parts.headers.remove(header::CONTENT_LENGTH);
    if !of_a_page {
        // With other origins allowed, the router says these to everybody. They mean something to browsers and caches only.
        parts.headers.remove(header::ACCESS_CONTROL_EXPOSE_HEADERS);
        parts.headers.remove(header::VARY);
    }
    let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    (parts.status, parts.headers, String::from_utf8(body).unwrap())
}

fn broker() -> (TempDir, Broker) {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::open(dir.path(), BrokerConfig::default()).unwrap();
    (dir, broker)
}

/// How many answers were counted, by series; and how many times were measured.
async fn counted(app: &impl App) -> BTreeMap<String, String> {
    let (status, _, text) = ask(app, request("GET", "/metrics", &[RIGHT], "")).await;
    assert_eq!(status, 200, "{text}");
    let names = ["logscope_http_requests_total", "logscope_http_request_duration_seconds_count"];
    let series = text.lines().filter(|line| names.iter().any(|name| line.starts_with(name)));
    let series = series.filter_map(|line| line.rsplit_once(' ')).filter(|(_, count)| *count != "0");
    series.map(|(name, count)| (name.to_owned(), count.to_owned())).collect()
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Body::from(body.to_owned())).unwrap()
}

/// Sends requests of all kinds to the front and to the router, each with a broker of its own, and these headers.
async fn are_alike(config: HttpConfig, headers: &[(&str, &str)]) {
    let ((_front_dir, front_broker), (_app_dir, app_broker)) = (broker(), broker());
    let (front, app) = (front(front_broker, config.clone()), app(app_broker, config));
    let record = r#"{"topic":"t","payload":"hello"}"#;
    let requests = [
        ("POST", "/produce", record),
        ("POST", "/produce?x=y", record),
        ("POST", "/produce", r#"{"topic":"t","payload":"at once","acks":1}"#),
        ("POST", "/produce", r#"{"topic":"t"}"#),
        ("POST", "/produce", r#"{"topic":"..","payload":""}"#),
        ("POST", "/produce", ""),
        ("POST", "/produce", &*" ".repeat(8 << 20)),
        ("POST", "/produce/", record),
        ("POST", "/topics/t/records?acks=1", r#"{"records":[{"payload":"a"},{"payload":"b"}]}"#),
        ("POST", "/topics/%74/records", r#"{"records":[{"payload":"c"}]}"#),
        ("POST", "/topics/new/records?acks=all", r#"{"records":[{"payload":"d"}]}"#),
        ("POST", "/topics/t/records?acks=2", r#"{"records":[{"payload":"e"}]}"#),
        ("POST", "/topics/t/records", "{}"),
        ("POST", "/topics/../records", r#"{"records":[{"payload":"f"}]}"#),
        ("POST", "/topics/a%2Fb/records", r#"{"records":[{"payload":"g"}]}"#),
        ("POST", "/topics//records", ""),
        ("POST", "/topics/records", ""),
        ("POST", "/topics/t/partitions/0/records", ""),
        ("GET", "/topics/t/records", ""),
        ("POST", "/topics/t/partitions/0/flush", ""),
        ("GET", "/fetch?topic=t&offset=0", ""),
        ("GET", "/fetch?topic=t&offset=1&max_bytes=1", ""),
        ("GET", "/fetch?topic=none&offset=0", ""),
        ("GET", "/fetch?topic=t&offset=9", ""),
        ("GET", "/fetch?topic=t", ""),
        ("GET", "/fetch", ""),
        ("GET", "http://127.0.0.1/fetch?topic=t&offset=0", ""),
        ("GET", "http://elsewhere.example/fetch?topic=t&offset=0", ""),
        ("HEAD", "/fetch?topic=t&offset=0", ""),
        ("GET", "/produce", ""),
        ("POST", "/fetch", record),
        ("OPTIONS", "/produce", ""),
        ("GET", "/nothing", ""),
    ];
    for (method, path, body) in requests {
        let ours = ask(&front, request(method, path, headers, body)).await;
        let theirs = ask(&app, request(method, path, headers, body)).await;
        assert_eq!(ours, theirs, "{method} {path} with {headers:?}");
    }
    assert_eq!(counted(&front).await, counted(&app).await);
}

#[tokio::test]
async fn nobody_can_tell_that_the_router_was_not_asked() {
    let plain = HttpConfig::default();
    are_alike(plain.clone(), &[]).await;
    are_alike(plain.clone(), &[("host", "localhost:8080"), ("origin", "http://localhost:8080")]).await;
    are_alike(plain.clone(), &[("host", "evil.example")]).await;
    are_alike(plain.clone(), &[("origin", "http://evil.example")]).await;
    are_alike(plain.clone(), &[("host", "localhost"), ("host", "localhost")]).await;
    are_alike(plain.clone(), &[("content-type", "application/x-ndjson")]).await;
    are_alike(plain.clone(), &[("content-type", "application/octet-stream")]).await;
    are_alike(plain, &[("content-encoding", "gzip")]).await;
}

#[tokio::test]
async fn nobody_can_tell_where_there_is_a_token_and_other_origins() {
    let (token, origin) = (Some(Token::new("s3cret").unwrap()), "https://tool.example");
    let config = HttpConfig { token, cors_origins: vec![origin.parse().unwrap()], ..HttpConfig::default() };
    are_alike(config.clone(), &[]).await;
    are_alike(config.clone(), &[("authorization", "Bearer wrong")]).await;
    are_alike(config.clone(), &[RIGHT, RIGHT]).await;
    are_alike(config.clone(), &[RIGHT]).await;
    are_alike(config.clone(), &[RIGHT, ("host", "127.0.0.1"), ("origin", origin)]).await;
    are_alike(config, &[RIGHT, ("host", "evil.example")]).await;
}
