//! Who may ask.
//!
//! The broker listens on the loopback interface and asks for no password, so every page that a browser on this
//! machine shows could try to talk to it. Two checks keep those of other sites out:
//! - **Host** must be a loopback name or address, or one that was configured. A page that has its own name
//!   resolve to 127.0.0.1 (DNS rebinding) sends that name.
//! - **Origin**, which browsers add to whatever one site sends to another, must be the Host itself, or one that was
//!   configured; to the page of such a one the answers may be shown (CORS).
//!
//! Invariant: a request without these headers comes from no browser, and passes; one with an Origin and no Host
//! does not.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::error::{ApiError, ErrorCode};

/// How long a browser may rely on what a preflight told it.
const PREFLIGHT_AGE: Duration = Duration::from_secs(600);

/// What is allowed besides the loopback names and the broker's own page.
#[derive(Debug, Clone)]
pub(super) struct Allowed {
    pub(super) hosts: Arc<[String]>,
    pub(super) origins: Arc<[Origin]>,
}

/// Where a page comes from: scheme, name and port, as a browser writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// A text that no browser would send as an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an origin looks like http://localhost:3000 or https://example.com, without a path; {0:?} does not")]
pub struct BadOrigin(String);

impl FromStr for Origin {
    type Err = BadOrigin;

    fn from_str(text: &str) -> Result<Self, BadOrigin> {
        let bad = || BadOrigin(text.to_owned());
        let authority = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        let authority = authority.ok_or_else(bad)?;
        let plain = |b: u8| b.is_ascii_digit() || b.is_ascii_lowercase() || b"-._:[]".contains(&b);
        if authority.is_empty() || !authority.bytes().all(plain) {
            return Err(bad());
        }
        HeaderValue::from_str(text).map(Self).map_err(|_| bad())
    }
}

/// Answers browsers who ask whether a page of another origin may ask, and lets that page read what is answered.
pub(super) fn cors(origins: &[Origin]) -> CorsLayer {
    let origins = origins.iter().map(|origin| origin.0.clone());
    let exposed = [
        header::LOCATION,
        header::CONTENT_RANGE,
        HeaderName::from_static("logscope-next-offset"),
        HeaderName::from_static("logscope-log-start-offset"),
        HeaderName::from_static("logscope-high-watermark"),
        HeaderName::from_static("logscope-stopped-by"),
    ];
    let sent = [
        header::ACCEPT,
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::RANGE,
        HeaderName::from_static("last-event-id"),
    ];
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(sent)
        .expose_headers(exposed)
        .max_age(PREFLIGHT_AGE)
}

impl Allowed {
    /// Whether a request may be answered.
    pub(super) fn check(&self, request: &Request) -> Result<(), ApiError> {
        let forbidden = |message: String| Err(ApiError::new(ErrorCode::Forbidden, message));
        let host = text(request.headers(), &header::HOST)?;
        let target = request.uri().authority().map(|authority| authority.as_str());
        for called in host.iter().copied().chain(target) {
            if !is_own(host_name(called), &self.hosts) {
                return forbidden(format!(
                    "this broker is not called {called:?}; try 127.0.0.1 or localhost"
                ));
            }
        }
        match text(request.headers(), &header::ORIGIN)? {
            Some(origin) if !is_same(origin, host) && !self.origins.iter().any(|it| it.0 == origin) => {
                forbidden(format!(
                    "a page of {origin:?} may not use this broker: it is not among its CORS origins"
                ))
            }
            _ => Ok(()),
        }
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
        let allowed = Allowed {
            hosts: ["broker.lan".to_owned()].into(),
            origins: ["https://tool.example".parse().unwrap()].into(),
        };
        allowed.check(&request.body(axum::body::Body::empty()).unwrap()).is_ok()
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
            "http://tool.example",
            "https://tool.example:1",
        ] {
            assert!(!verdict(Some("localhost:8080"), Some(origin)), "{origin}");
        }
        assert!(!verdict(None, Some("http://localhost:8080")));
        assert!(verdict(Some("localhost:8080"), Some("https://tool.example")), "it is allowed by name");
        assert!(!verdict(Some("evil.example"), Some("https://tool.example")));
    }

    #[test]
    fn origins_are_exact() {
        for good in ["http://localhost:3000", "https://a-b.example", "http://[::1]:80"] {
            assert!(good.parse::<Origin>().is_ok(), "{good}");
        }
        for bad in
            ["", "*", "null", "localhost", "http://", "http://a/", "http://A", "http://a b", "file://x"]
        {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
    }
}
