//! Who may ask, and the headers of every answer.
//!
//! The broker listens on the loopback interface and asks for no password, so every page that a browser on this
//! machine shows could try to talk to it. Two checks keep those of other sites out:
//! - **Host** must be a loopback name or address, or one that was configured. A page that has its own name
//!   resolve to 127.0.0.1 (DNS rebinding) sends that name.
//! - **Origin**, which browsers add to whatever one site sends to another, must be the Host itself.
//!
//! Invariant: a request without these headers comes from no browser, and passes; one with an Origin and no Host
//! does not.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::{ApiError, ErrorCode};

/// Browsers neither guess at types nor let other sites embed what is answered.
const ANSWER_HEADERS: [(HeaderName, &str); 2] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The middleware. `hosts` are names that are allowed besides the loopback ones.
pub(super) async fn guard(State(hosts): State<Arc<[String]>>, request: Request, next: Next) -> Response {
    let mut response = match check(&request, &hosts) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    for (name, value) in ANSWER_HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn check(request: &Request, hosts: &[String]) -> Result<(), ApiError> {
    let forbidden = |message: String| Err(ApiError::new(ErrorCode::Forbidden, message));
    let host = text(request.headers(), &header::HOST)?;
    let target = request.uri().authority().map(|authority| authority.as_str());
    for called in host.iter().copied().chain(target) {
        if !is_own(host_name(called), hosts) {
            return forbidden(format!("this broker is not called {called:?}; try 127.0.0.1 or localhost"));
        }
    }
    match text(request.headers(), &header::ORIGIN)? {
        Some(origin) if !is_same(origin, host) => {
            forbidden(format!("a page of {origin:?} may not use this broker: CORS is off"))
        }
        _ => Ok(()),
    }
}

/// A header that may come once at most.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    match value.to_str() {
        Ok(value) if values.next().is_none() => Ok(Some(value)),
        _ => Err(ApiError::malformed(format!("the header {name} must be plain text, and come once"))),
    }
}

fn is_same(origin: &str, host: Option<&str>) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    matches!((authority, host), (Some(authority), Some(host)) if authority.eq_ignore_ascii_case(host))
}

/// The Host header without its port.
fn host_name(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _port)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _port)| name),
    }
}

fn is_own(name: &str, hosts: &[String]) -> bool {
    let loopback = match name.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => {
            let name = name.to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    };
    loopback || hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(host: Option<&str>, origin: Option<&str>) -> bool {
        let mut request = Request::builder().uri("/fetch");
        for (name, value) in [(header::HOST, host), (header::ORIGIN, origin)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        check(&request.body(axum::body::Body::empty()).unwrap(), &["broker.lan".to_owned()]).is_ok()
    }

    #[test]
    fn own_names_pass_with_any_port() {
        for host in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1:8080",
            "127.9.9.9",
            "[::1]:80",
            "[::1]",
            "a.localhost",
            "broker.lan:9",
        ] {
            assert!(verdict(Some(host), None), "{host}");
        }
        assert!(verdict(None, None), "no browser");
    }

    #[test]
    fn other_names_do_not() {
        for host in [
            "evil.example",
            "evil.example:8080",
            "10.0.0.1",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "",
            "[::2]",
            "xlocalhost",
        ] {
            assert!(!verdict(Some(host), None), "{host}");
        }
    }

    #[test]
    fn an_origin_must_be_the_host() {
        assert!(verdict(Some("localhost:8080"), Some("http://localhost:8080")));
        assert!(verdict(Some("localhost:8080"), Some("http://LocalHost:8080")));
        for origin in [
            "http://evil.example",
            "null",
            "http://localhost:8081",
            "http://localhost",
            "",
            "file://",
            "http://127.0.0.1:8080",
        ] {
            assert!(!verdict(Some("localhost:8080"), Some(origin)), "{origin}");
        }
        assert!(!verdict(None, Some("http://localhost:8080")));
    }
}
