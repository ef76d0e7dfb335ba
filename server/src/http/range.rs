//! `Range: bytes=…`: a part of a file (RFC 9110, section 14).
//!
//! One range is answered as such. What asks for several, or in another unit, gets the whole file, as the RFC allows; so
//! does `If-Range`, for files have no validators.

use std::ops::Range;

use axum::http::{HeaderMap, HeaderValue, header};

/// What a request asks for of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    Whole,
    Part(Range<u64>),
    /// A part that the file has not.
    Beyond,
}

/// What the headers ask for of a file of this size.
pub(super) fn asked(headers: &HeaderMap, size: u64) -> Asked {
    let mut ranges = headers.get_all(header::RANGE).iter().map(HeaderValue::to_str);
    let (Some(Ok(range)), None) = (ranges.next(), ranges.next()) else { return Asked::Whole };
    if headers.contains_key(header::IF_RANGE) {
        return Asked::Whole;
    }
    part(range, size).unwrap_or(Asked::Whole)
}

fn part(range: &str, size: u64) -> Option<Asked> {
    let (unit, range) = range.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    // Plain digits only: a sign, or a second range, is none of it.
    let number = |text: &str| match text {
        "" => Some(None),
        text if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(Some(text.parse().unwrap_or(u64::MAX)))
        }
        _ => None,
    };
    let part = match (unit.trim().eq_ignore_ascii_case("bytes"), number(first)?, number(last)?) {
        (true, Some(first), last) if last.is_none_or(|last| first <= last) => {
            first..last.map_or(size, |last| size.min(last.saturating_add(1)))
        }
        (true, None, Some(last)) => size.saturating_sub(last)..size,
        _ => return None,
    };
    Some(if part.is_empty() { Asked::Beyond } else { Asked::Part(part) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(range: &'static str, size: u64) -> Asked {
        asked(&HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static(range))]), size)
    }

    #[test]
    fn one_range_is_a_part() {
        for (range, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=3-7", 3..8),
            ("Bytes = 3-7 ", 3..8),
            ("bytes=3-", 3..10),
            ("bytes=9-9", 9..10),
            ("bytes=3-99999999999999999999", 3..10),
            ("bytes=-4", 6..10),
            ("bytes=-99", 0..10),
        ] {
            assert_eq!(asks(range, 10), Asked::Part(part), "{range}");
        }
        for range in ["bytes=10-", "bytes=10-12", "bytes=99999999999999999999-", "bytes=-0"] {
            assert_eq!(asks(range, 10), Asked::Beyond, "{range}");
        }
        assert_eq!((asks("bytes=0-", 0), asks("bytes=-5", 0)), (Asked::Beyond, Asked::Beyond));
    }

    #[test]
    fn everything_else_is_the_whole_file() {
        for range in [
            "bytes=0-1,3-4",
            "lines=0-1",
            "bytes=7-3",
            "bytes=-",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes",
            "",
            "bytes=1--2",
        ] {
            assert_eq!(asks(range, 10), Asked::Whole, "{range}");
        }
        let mut headers = HeaderMap::new();
        assert_eq!(asked(&headers, 10), Asked::Whole);
        headers.append(header::RANGE, HeaderValue::from_static("bytes=0-1"));
        headers.append(header::RANGE, HeaderValue::from_static("bytes=3-4"));
        assert_eq!(asked(&headers, 10), Asked::Whole, "two of them");
        headers.remove(header::RANGE);
        headers.insert(header::RANGE, HeaderValue::from_static("bytes=0-1"));
        headers.insert(header::IF_RANGE, HeaderValue::from_static("\"tag\""));
        assert_eq!(asked(&headers, 10), Asked::Whole, "nothing says whether the file is the same");
    }
}
