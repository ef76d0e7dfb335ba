//! What stands around the API: health, who may ask at all, the playground's files, and the document with its page.

use std::path::Path;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use logscope_server::{BrokerConfig, HttpConfig};
use serde_json::json;

use crate::api::{Answer, Api};

#[tokio::test]
async fn health_is_ok() {
    let (status, answer) = Api::new().await.json("GET", "/healthz", Body::empty()).await;
    assert_eq!((status, answer), (StatusCode::OK, json!({"status": "ok"})));
}

#[tokio::test]
async fn a_page_of_another_site_is_refused() {
    let api = Api::new().await;
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
            let status = api.send(request.body(body).unwrap()).await.status;
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
    HttpConfig { web_root: Some(dir.to_owned()), ..HttpConfig::default() }
}

#[tokio::test]
async fn the_page_is_served_with_types_compression_and_a_policy() {
    let dir = tempfile::tempdir().unwrap();
    let api = Api::with(BrokerConfig::default(), web_root(dir.path())).await;
    for (path, accept, content_type, encoding, content) in [
        ("/", "", "text/html", None, &b"<!doctype html>"[..]),
        ("/index.html", "br", "text/html", None, b"<!doctype html>"),
        ("/app.js", "", "text/javascript", None, b"plain"),
        ("/app.js", "gzip, br", "text/javascript", Some("br"), b"brotli"),
        ("/app_bg.wasm", "gzip, br", "application/wasm", Some("gzip"), b"gzip"),
    ] {
        let request = Request::get(path).header(header::ACCEPT_ENCODING, accept).body(Body::empty()).unwrap();
        let Answer { status, headers, body } = api.send(request).await;
        assert_eq!((status, &body[..]), (StatusCode::OK, content), "{path}");
        assert_eq!(headers[header::CONTENT_TYPE].to_str().unwrap().split(';').next(), Some(content_type));
        assert_eq!(headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap()), encoding);
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; "), "{policy}");
        assert!(policy.contains("; worker-src 'self'; "), "{policy}");
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
    let api = Api::new().await;
    let Answer { status, headers, body } = api.send(Request::get("/").body(Body::empty()).unwrap()).await;
    assert_eq!(
        (status, &headers[header::CONTENT_TYPE]),
        (StatusCode::OK, &"text/plain; charset=utf-8".parse().unwrap())
    );
    assert!(String::from_utf8(body).unwrap().contains("cargo xtask play"));
}

#[tokio::test]
async fn the_documents_page_is_served_under_a_strict_policy() {
    let api = Api::new().await;
    let answer = api.request("GET", "/docs", Body::empty()).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::PERMANENT_REDIRECT, Some("docs/")));
    for (path, content_type, fragment) in [
        ("/docs/", "text/html", "swagger-initializer.js"),
        ("/docs/index.html", "text/html", "swagger-initializer.js"),
        ("/docs/swagger-initializer.js", "text/javascript", "\"../openapi.json\""),
        ("/docs/swagger-ui-bundle.js", "text/javascript", "SwaggerUIBundle"),
        ("/docs/swagger-ui.css", "text/css", ".swagger-ui"),
    ] {
        let answer = api.request("GET", path, Body::empty()).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (StatusCode::OK, Some(content_type)),
            "{path}"
        );
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; "), "{policy}");
        assert_eq!(answer.header("content-encoding"), None, "nobody asked for one");
        let text = String::from_utf8(answer.body).unwrap();
        assert!(text.contains(fragment), "{path}: {text}");
        assert!(content_type != "text/html" || !text.contains("<script>"), "the policy forbids it: {text}");
    }
    for (accept, encoding) in [("br, gzip", Some("gzip")), ("gzip;q=0", None), ("identity", None)] {
        let request = Request::get("/docs/swagger-ui.css").header(header::ACCEPT_ENCODING, accept);
        let answer = api.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.header("content-encoding"), encoding, "{accept}");
        assert_eq!(answer.header("vary"), Some("accept-encoding"));
        assert_eq!(answer.body.starts_with(b"\x1f\x8b"), encoding.is_some(), "{accept}");
    }
    for path in ["/docs/nothing.js", "/docs/..", "/docs/%2e%2e", "/docs/a/b"] {
        let (status, answer) = api.json("GET", path, Body::empty()).await;
        assert_eq!((status, &answer["error_code"]), (StatusCode::NOT_FOUND, &json!(404)), "{path}");
    }
}

#[tokio::test]
async fn the_document_tells_of_every_route_and_its_errors() {
    let document = Api::new().await.get("/openapi.json").await;
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.values().flat_map(|item| item.as_object().unwrap().values());
    let mut ids: Vec<_> =
        operations.clone().map(|operation| operation["operationId"].as_str().unwrap()).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert!(count >= 20 && ids.len() == count, "each operation has a name of its own: {ids:?}");
    for operation in operations {
        assert!(operation["summary"].is_string() && operation["tags"].is_array(), "{operation}");
        for status in ["400", "403", "500", "503"] {
            let schema = &operation["responses"][status]["content"]["application/json"]["schema"]["$ref"];
            assert_eq!(schema, "#/components/schemas/Error", "{operation}");
        }
    }
}

#[tokio::test]
async fn what_the_document_does_not_know_is_refused_and_what_it_knows_is_named() {
    let api = Api::new().await;
    let document = api.get("/openapi.json").await;
    for (path, item) in document["paths"].as_object().unwrap() {
        // The first two are the original's, and their clients send what they like; the next two are asked by probes. What
        // the last one takes depends on the body.
        if ["/produce", "/fetch", "/healthz", "/readyz", "/topics/{topic}/records"].contains(&path.as_str()) {
            continue;
        }
        let filled = path.replace("{topic}", "t").replace("{group}", "g").replace("{file}", "log");
        let filled = filled.replace("{partition}", "0").replace("{base_offset}", "0");
        for (method, operation) in item.as_object().unwrap() {
            let what = format!("{method} {path}");
            let (status, answer) =
                api.json(&method.to_uppercase(), &format!("{filled}?nobody=1"), Body::empty()).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{what}: {answer}");
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let mut known: Vec<_> = parameters
                .filter(|parameter| parameter["in"] == "query")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            let message = answer["message"].as_str().unwrap();
            let said = message.strip_prefix("the parameter \"nobody\" is unknown: ").unwrap_or(message);
            let said = said.trim_start_matches("taken are ");
            let mut said: Vec<_> = said.split(", ").filter(|name| *name != "none is taken here").collect();
            known.sort_unstable();
            said.sort_unstable();
            assert_eq!(said, known, "{what}: {message}");
        }
    }
    let schemas = &document["components"]["schemas"];
    for (name, open) in
        [("NewTopic", false), ("TopicChanges", false), ("NewOffsets", false), ("NewOffset", false)]
            .into_iter()
            .chain([("NewRecord", true), ("NewRecords", true)])
    {
        let expected = if open { json!(null) } else { json!(false) };
        assert_eq!(schemas[name]["additionalProperties"], expected, "{name}: {}", schemas[name]);
    }
}
