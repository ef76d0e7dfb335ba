//! Who may use a broker: tokens, hosts, origins; and the headers of every answer.

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use logscope_server::{HttpConfig, Token};

use crate::Api;

const PATHS: [&str; 7] = [
    "/fetch?topic=t&offset=0",
    "/metrics",
    "/topics/t/partitions/0/tail",
    "/topics/t/partitions/0/events",
    "/topics/t/partitions/0/segments/0/batches",
    "/healthz",
    "/",
];

async fn ask(api: &Api, method: &str, path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap) {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let request = request.body(Body::empty()).unwrap();
    let answer = tower::ServiceExt::oneshot(api.app.clone(), request).await.unwrap();
    (answer.status(), answer.headers().clone())
}

#[tokio::test]
async fn without_the_token_only_health_and_the_page() {
    let token = Some(Token::new("s3cret").unwrap());
    let api = Api::with(HttpConfig { token, ..HttpConfig::default() }, |_| {});
    let request = |auth: &'static str| [("authorization", auth)];
    for path in PATHS {
        let open = ["/", "/healthz"].contains(&path);
        for auth in
            ["Bearer wrong", "Bearer s3cre", "Bearer s3cret2", "Basic s3cret", "s3cret", "Bearer ", ""]
        {
            let (status, headers) = ask(&api, "GET", path, &request(auth)).await;
            assert_eq!(status == 401, !open, "{path} {auth:?}: {status}");
            assert_eq!(headers.contains_key("www-authenticate"), !open, "{path}");
        }
        assert_eq!(ask(&api, "GET", path, &[]).await.0 == 401, !open, "{path}");
        assert_ne!(ask(&api, "GET", path, &request("Bearer s3cret")).await.0, 401, "{path}");
    }
    // Nothing is done for whom it is not for.
    assert_eq!(ask(&api, "POST", "/produce", &[]).await.0, 401);
    assert_eq!(ask(&api, "GET", "/readyz", &[]).await.0, 200);
    assert_eq!(ask(&api, "GET", "/metrics?access_token=s3cret", &[]).await.0, 401, "URLs end up in logs");
}

#[tokio::test]
async fn every_answer_has_the_headers_that_keep_browsers_from_guessing() {
    let api = Api::new();
    let paths = PATHS.iter().chain(&["/nothing", "/topics/t/partitions/x/tail"]);
    for path in paths {
        let (status, headers) = ask(&api, "GET", path, &[]).await;
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["cross-origin-resource-policy"], "same-origin", "{path}");
        let page = *path == "/" || *path == "/nothing";
        assert!(headers["cache-control"] == "no-store" || page, "{path} {status}: {headers:?}");
        assert_eq!(headers.contains_key("content-security-policy"), page, "{path}");
        assert!(!headers.contains_key("access-control-allow-origin"), "CORS is off");
    }
    assert_eq!(ask(&api, "GET", "/fetch", &[("host", "evil.example")]).await.0, 403);
    let (status, headers) =
        ask(&api, "GET", "/fetch", &[("host", "a.localhost"), ("origin", "http://x")]).await;
    assert_eq!(
        (status, &headers["x-content-type-options"]),
        (StatusCode::FORBIDDEN, &"nosniff".parse().unwrap())
    );
}

#[tokio::test]
async fn pages_of_allowed_origins_may_ask_and_no_others() {
    let tool = "https://tool.example";
    let config = HttpConfig {
        cors_origins: vec![tool.parse().unwrap()],
        hosts: vec!["broker.lan".to_owned()],
        token: Some(Token::new("s3cret").unwrap()),
        ..HttpConfig::default()
    };
    let api = Api::with(config, |_| {});
    let host = ("host", "broker.lan:8080");
    let preflight = [host, ("origin", tool), ("access-control-request-method", "PUT")];
    let (status, headers) = ask(&api, "OPTIONS", "/produce", &preflight).await;
    assert_eq!(status, 200, "a preflight carries no token");
    assert_eq!(headers["access-control-allow-origin"], tool);
    let allowed = |name: &str| headers[name].to_str().unwrap().to_ascii_lowercase();
    for method in ["get", "post", "put", "delete"] {
        assert!(allowed("access-control-allow-methods").contains(method));
    }
    for header in ["authorization", "content-type", "last-event-id"] {
        assert!(allowed("access-control-allow-headers").contains(header));
    }

    let (status, headers) =
        ask(&api, "GET", "/metrics", &[host, ("origin", tool), ("authorization", "Bearer s3cret")]).await;
    assert_eq!((status.as_u16(), headers["access-control-allow-origin"].to_str().unwrap()), (200, tool));
    // Who may ask is not who may do.
    let (status, headers) = ask(&api, "GET", "/metrics", &[host, ("origin", tool)]).await;
    assert_eq!((status.as_u16(), headers["access-control-allow-origin"].to_str().unwrap()), (401, tool));
    for origin in ["http://tool.example", "https://tool.example:444", "https://tool.example.evil", "null"] {
        for method in ["GET", "OPTIONS"] {
            let request = [host, ("origin", origin), ("access-control-request-method", "PUT")];
            let (status, headers) = ask(&api, method, "/healthz", &request).await;
            assert_eq!(status, 403, "{origin}");
            assert!(!headers.contains_key("access-control-allow-origin"), "{origin}");
        }
    }
    // An allowed origin does not make up for a name that is not the broker's.
    assert_eq!(ask(&api, "GET", "/healthz", &[("host", "evil.example"), ("origin", tool)]).await.0, 403);
}
