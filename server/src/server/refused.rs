//! What the HTTP library refuses by itself, for it is no request that the application could be asked: it answers with a
//! status and nothing else. Here the answer gets what every refusal has, an `error_code` and a message.
//!
//! Invariant: an answer of the application's is left alone. It has other headers than the three of the library's own.

use axum::http::StatusCode;

use crate::http::{ApiError, ErrorCode};

/// How large a request's head may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeadLimits {
    pub(super) headers: usize,
    pub(super) bytes: usize,
}

impl HeadLimits {
    /// The whole answer that is to be sent in the place of these bytes, if they are a refusal that says nothing.
    pub(super) fn told(self, answer: &[u8]) -> Option<Vec<u8>> {
        if !answer.starts_with(b"HTTP/1.1 4") {
            return None;
        }
        let mut lines = str::from_utf8(answer).ok()?.strip_suffix("\r\n\r\n")?.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let names: Vec<&str> = lines.filter_map(|line| line.split(':').next()).collect();
        let bare = names.len() == 3
            && ["connection", "content-length", "date"].iter().all(|name| names.contains(name));
        bare.then(|| self.answer(status))?
    }

    fn answer(self, status: u16) -> Option<Vec<u8>> {
        let Self { headers, bytes } = self;
        let status = StatusCode::from_u16(status).ok()?;
        let error = if status == StatusCode::BAD_REQUEST {
            let message = "this is no request in HTTP/1.1: its first line or one of its headers cannot be read, \
                           or its length is said twice or not at all";
            ApiError::new(ErrorCode::Malformed, message)
        } else {
            let message =
                format!("the request's head has more than {bytes} bytes, or more than {headers} headers");
            ApiError::new(ErrorCode::HeadTooLarge, message)
        };
        let body = serde_json::to_string(&error.body()).ok()?;
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        Some(answer.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: HeadLimits = HeadLimits { headers: 100, bytes: 8192 };

    #[test]
    fn a_refusal_that_says_nothing_is_told() {
        let refusal =
            b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\ndate: today\r\n\r\n";
        let told = String::from_utf8(LIMITS.told(refusal).unwrap()).unwrap();
        let (head, body) = told.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{head}");
        assert!(body.starts_with("{\"error_code\":400,\"message\":\"this is no request"), "{body}");
    }

    #[test]
    fn what_the_application_says_is_left_alone() {
        let lines = [
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\ndate: today\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 2\r\ndate: today\r\n\r\nno",
            "HTTP/1.1 400 Bad Request\r\nx: y\r\nconnection: close\r\ncontent-length: 0\r\ndate: today\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\n",
        ];
        for answer in lines {
            assert_eq!(LIMITS.told(answer.as_bytes()), None, "{answer}");
        }
    }
}
