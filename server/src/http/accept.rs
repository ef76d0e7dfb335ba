//! Which of two forms of an answer a client would rather have: `Accept` and `Accept-Encoding` (RFC 9110, section 12.5).
//!
//! Of the ranges in a header that take a form in, the closest one counts, with its weight: `text/html;q=0, */*` takes all
//! but HTML. A range whose weight is no number from 0 to 1 is passed over.

use std::cmp::Ordering;

use axum::http::{HeaderMap, HeaderName, header};

/// How closely a header names a form, from 0 for not at all, and its weight.
type Wanted = (u8, f32);

/// Whether raw bytes are wanted rather than JSON. Where both are as welcome, they are if they are asked for by name; and
/// who takes neither gets JSON.
pub(super) fn octets(headers: &HeaderMap) -> bool {
    let of = |name: &str| {
        wanted(headers, &header::ACCEPT, |range| match range {
            "*/*" => 1,
            range if range.eq_ignore_ascii_case("application/*") => 2,
            range if range.eq_ignore_ascii_case(name) => 3,
            _ => 0,
        })
    };
    let ((closeness, octets), (_, json)) = (of(super::records::OCTET_STREAM), of("application/json"));
    octets > json || (octets == json && octets > 0.0 && closeness == 3)
}

/// Whether gzip is wanted rather than the bytes as they are, which is what a client gets that says nothing.
pub(super) fn gzip(headers: &HeaderMap) -> bool {
    let of = |names: &[&str]| {
        wanted(headers, &header::ACCEPT_ENCODING, |range| match range {
            "*" => 1,
            range if names.iter().any(|name| range.eq_ignore_ascii_case(name)) => 2,
            _ => 0,
        })
    };
    let ((_, gzip), (closeness, identity)) = (of(&["gzip", "x-gzip"]), of(&["identity"]));
    gzip > 0.0 && (closeness < 2 || gzip >= identity)
}

fn wanted(headers: &HeaderMap, name: &HeaderName, closeness: impl Fn(&str) -> u8) -> Wanted {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let ranges = values.flat_map(|value| value.split(',')).filter_map(|range| {
        let (range, parameters) = range.split_once(';').unwrap_or((range, ""));
        match closeness(range.trim()) {
            0 => None,
            closeness => Some((closeness, weight(parameters)?)),
        }
    });
    ranges.max_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal)).unwrap_or((0, 0.0))
}

/// The weight among a range's parameters: 1 if it is not there.
fn weight(parameters: &str) -> Option<f32> {
    let mut parameters = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
    match parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("q")) {
        None => Some(1.0),
        Some((_, weight)) => weight.trim().parse().ok().filter(|weight| (0.0..=1.0).contains(weight)),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(name: HeaderName, values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn the_form_of_the_greater_weight_is_given() {
        for (accept, expected) in [
            (&["application/octet-stream"][..], true),
            (&["Application/Octet-Stream; Q=0.1"], true),
            (&["application/octet-stream;q=0, application/json"], false),
            (&["application/octet-stream;q=0"], false),
            (&["application/json;q=0.5, application/octet-stream"], true),
            (&["application/json", "application/octet-stream;q=0.999"], false),
            (&["application/json;q=0.001", "application/octet-stream;q=0.002"], true),
            (&["application/json, application/octet-stream"], true),
            (&["application/octet-stream, */*"], true),
            (&["application/octet-stream;q=0.5, */*"], false),
            (&["application/octet-stream;q=0, */*"], false),
            (&["application/json;q=0, */*;q=0.1"], true),
            (&["application/json;q=0.1, application/*;q=0.2, */*;q=0"], true),
            (&["application/json;q=0, application/octet-stream;q=0"], false),
            (&["application/octet-stream;q=2"], false),
            (&["application/octet-stream;q=x, text/html"], false),
            (&["application/octet-stream;charset=x;q=0.3, application/json;q=0.2"], true),
            (&["*/*"], false),
            (&["application/*"], false),
            (&["text/html"], false),
            (&["", ",;,=;q"], false),
            (&[], false),
        ] {
            assert_eq!(octets(&headers(header::ACCEPT, accept)), expected, "{accept:?}");
        }
    }

    #[test]
    fn gzip_is_for_those_who_ask_for_it() {
        for (accept, expected) in [
            (&["gzip"][..], true),
            (&["br, X-GZIP;q=0.5, *;q=0"], true),
            (&["*"], true),
            (&["identity;q=0.5, gzip"], true),
            (&["br", "gzip;q=0.1"], true),
            (&["gzip;q=0"], false),
            (&["gzip;q=0, *"], false),
            (&["*;q=0"], false),
            (&["identity, gzip;q=0.5"], false),
            (&["identity"], false),
            (&["br"], false),
            (&[""], false),
            (&[], false),
        ] {
            assert_eq!(gzip(&headers(header::ACCEPT_ENCODING, accept)), expected, "{accept:?}");
        }
    }
}
