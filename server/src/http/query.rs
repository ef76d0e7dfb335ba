//! Reading a query string without coercing anything. But for the simple routes and the probes, a parameter that the route does
//! not have is refused: misspelt, it would silently leave undone what it asks for.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

use axum::extract::{RawQuery, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;

use super::error::ApiError;
use crate::broker::Acks;

/// Kafka's protocol has 32 bits for sizes, times and partitions, and 64 for offsets and timestamps; all are signed.
pub(super) const MAX_I32: u64 = i32::MAX as u64;
pub(super) const MAX_I64: u64 = i64::MAX as u64;

/// How much of a bad value an error repeats.
const SHOWN_CHARS: usize = 40;

/// The parameters of a request.
#[derive(Debug)]
pub(super) struct Query<'a> {
    /// A value that is not UTF-8 once it is decoded is `None`.
    parameters: Vec<(Cow<'a, str>, Option<Cow<'a, str>>)>,
}

impl<'a> Query<'a> {
    /// The parameters, if there are none but these.
    pub(super) fn parse(query: Option<&'a str>, known: &[&str]) -> Result<Self, ApiError> {
        let query = Self::parse_any(query);
        match query.parameters.iter().find(|(name, _)| !known.contains(&&**name)) {
            Some((name, _)) => Err(unknown(&format_args!("the parameter {:?}", shown(name)), known)),
            None => Ok(query),
        }
    }

    /// The parameters, whatever there is beside those that somebody asks for: clients of the simple routes send what
    /// they like.
    pub(super) fn parse_any(query: Option<&'a str>) -> Self {
        let query = query.unwrap_or_default();
        // Nearly all have nothing to decode.
        let is_encoded = memchr::memchr2(b'%', b'+', query.as_bytes()).is_some();
        let decoded = |text: &'a str| if is_encoded { decoded(text) } else { Some(text.into()) };
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        // What is not UTF-8 is the name of no parameter either way.
        let name = |name| decoded(name).unwrap_or(Cow::Borrowed("\u{fffd}"));
        Self { parameters: pairs.map(|(key, value)| (name(key), decoded(value))).collect() }
    }

    /// A parameter, if it is there.
    pub(super) fn get(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let mut values = self.parameters.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        let malformed = |fault: &str| Err(ApiError::malformed(format!("the parameter {name:?}{fault}")));
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(_), Some(_)) => malformed(" is given twice"),
            (Some(None), None) => malformed(", once percent-decoded, is not UTF-8"),
            (Some(Some(value)), None) => Ok(Some(value)),
        }
    }

    /// A parameter that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name)?.ok_or_else(|| ApiError::malformed(format!("the parameter {name:?} is missing")))
    }

    /// A whole number in a range, in plain digits, if it is there.
    pub(super) fn whole(&self, name: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, ApiError> {
        self.whole_or(name, range, "")
    }

    /// The same; `also` says in an error what the parameter takes besides.
    pub(super) fn whole_or(
        &self,
        name: &str,
        range: RangeInclusive<u64>,
        also: &str,
    ) -> Result<Option<u64>, ApiError> {
        let text = self.get(name)?;
        text.map(|text| whole(&format_args!("the parameter {name:?}"), text, range, also)).transpose()
    }

    /// `acks`, if it is there.
    pub(super) fn acks(&self) -> Result<Option<Acks>, ApiError> {
        match self.get("acks")? {
            None => Ok(None),
            Some("all" | "-1") => Ok(Some(Acks::All)),
            Some("1") => Ok(Some(Acks::Leader)),
            Some("0") => Ok(Some(Acks::None)),
            Some(other) => {
                let message = format!("the parameter \"acks\" takes all, -1, 1 or 0, not {:?}", shown(other));
                Err(ApiError::malformed(message))
            }
        }
    }
}

/// A name or a value, with `+` for spaces and percent-decoded; `None` if it is then not UTF-8.
fn decoded(text: &str) -> Option<Cow<'_, str>> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(decoded.into_owned().into())
}

/// A whole number in a range, in plain digits; `what` names it in the error.
pub(super) fn whole(
    what: &impl fmt::Display,
    text: &str,
    range: RangeInclusive<u64>,
    also: &str,
) -> Result<u64, ApiError> {
    let digits = Some(text).filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    match digits.and_then(|digits| digits.parse().ok()).filter(|number| range.contains(number)) {
        Some(number) => Ok(number),
        None => {
            let (min, max) = range.into_inner();
            let message =
                format!("{what} takes a whole number from {min} to {max}{also}, not {:?}", shown(text));
            Err(ApiError::malformed(message))
        }
    }
}

/// The middleware of the routes that have no parameters.
pub(super) async fn none(RawQuery(query): RawQuery, request: Request, next: Next) -> Response {
    match Query::parse(query.as_deref(), &[]) {
        Ok(_) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Refuses what is not among the names that are `known`; `what` names it in the error.
pub(super) fn unknown(what: &impl fmt::Display, known: &[&str]) -> ApiError {
    let known = match known {
        [] => "none is taken here".to_owned(),
        known => format!("taken are {}", known.join(", ")),
    };
    ApiError::malformed(format!("{what} is unknown: {known}"))
}

/// As much of a bad name or value as an error repeats.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_as_by_another_library() {
        let plain = ["", "a", "a=1", "a=1&b=2", "&&a=1&&", "a==1", "=", "=1&a=", "ü=ä;b=1", "a=1&a=2"];
        let encoded =
            ["a+b=+&+", "%61=%3d%26%2B%25", "a=%&b=%4&c=%zz", "%C3%BC=%c3%bc%EF%BF%BD", "a%3Db=%00"];
        for query in plain.into_iter().chain(encoded) {
            let parsed = Query::parse_any(Some(query)).parameters;
            let expected = form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name, Some(value)));
            assert_eq!(parsed, expected.collect::<Vec<_>>(), "{query:?}");
        }
    }

    #[test]
    fn what_is_not_utf8_is_refused_and_not_replaced() {
        let query = Query::parse(Some("a=%ff&b=1"), &["a", "b", "c"]).unwrap();
        let refusal = query.get("a").unwrap_err();
        assert_eq!(refusal.message(), "the parameter \"a\", once percent-decoded, is not UTF-8");
        assert_eq!((query.get("b"), query.get("c")), (Ok(Some("1")), Ok(None)));
        let refusal = Query::parse(Some("a=1&%ff=2"), &["a", "b"]).unwrap_err();
        assert_eq!(refusal.message(), "the parameter \"\u{fffd}\" is unknown: taken are a, b");
    }
}
