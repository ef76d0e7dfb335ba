//! The bearer token: who does not have it gets nothing but the page's files, the API's description, and whether the broker
//! is well.

use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use super::error::{ApiError, ErrorCode};

/// A secret that requests must carry as `Authorization: Bearer …`. It is shown nowhere.
#[derive(Clone)]
pub struct Token(Arc<str>);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// A text that cannot be a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token is at least one character long, and of visible ASCII characters only")]
pub struct BadToken;

impl Token {
    /// A token; space around it is left out.
    ///
    /// # Errors
    /// [`BadToken`].
    pub fn new(text: &str) -> Result<Self, BadToken> {
        let text = text.trim();
        let valid = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        if valid { Ok(Self(text.into())) } else { Err(BadToken) }
    }

    /// What is answered to a request that does not carry it.
    pub(super) fn refuses(&self, headers: &HeaderMap) -> Option<Response> {
        let message = match given(headers) {
            Some(given) if self.is(given) => return None,
            Some(_) => "the token is not this broker's",
            None => "this broker needs a token: send the header Authorization: Bearer TOKEN",
        };
        let mut response = ApiError::new(ErrorCode::Unauthorized, message).into_response();
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        Some(response)
    }

    /// How long the comparison takes tells how long the token is, and nothing else.
    fn is(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }
}

/// The middleware of the routes that need the token.
pub(super) async fn check(State(token): State<Token>, request: Request, next: Next) -> Response {
    match token.refuses(request.headers()) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    }
}

/// The token of a request that carries one.
fn given(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.as_bytes();
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    let whole = scheme.eq_ignore_ascii_case(b"Bearer ") && values.next().is_none();
    whole.then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_visible_ascii_and_never_shown() {
        for bad in ["", " ", "a b", "ü", "a\n b", "\u{0}"] {
            assert_eq!(Token::new(bad).err(), Some(BadToken), "{bad:?}");
        }
        let token = Token::new(" s3cret\n").unwrap();
        assert!(token.is(b"s3cret") && !token.is(b"s3cre") && !token.is(b"s3cret ") && !token.is(b""));
        assert!(!format!("{token:?}").contains("s3cret"));
    }

    #[test]
    fn what_a_request_carries() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            given(&headers).map(<[u8]>::to_vec)
        };
        assert_eq!(of(&["Bearer abc"]), Some(b"abc".to_vec()));
        assert_eq!(of(&["bearer  abc"]), Some(b"abc".to_vec()));
        for none in [&[][..], &["abc"], &["Basic abc"], &["Bearer"], &["Bearer a", "Bearer a"]] {
            assert_eq!(of(none), None, "{none:?}");
        }
    }
}
