//! Places in a log, as one types them.

use std::fmt;
use std::str::FromStr;

/// A place in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Position {
    /// The log start.
    Earliest,
    /// The end of what can be read.
    Latest,
    /// An offset.
    Offset(u64),
    /// The first record at or after a time, in milliseconds since the Unix epoch.
    Timestamp(i64),
}

impl Position {
    /// How one is written, for `--help`.
    pub(in crate::cli) const NAME: &'static str = "earliest|latest|OFFSET|TIME";
}

impl FromStr for Position {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "earliest" => return Ok(Self::Earliest),
            "latest" => return Ok(Self::Latest),
            _ => {}
        }
        if let Ok(offset) = text.parse() {
            return Ok(Self::Offset(offset));
        }
        let timestamp = match text.strip_prefix('@') {
            Some(ms) => ms.parse().ok().filter(|ms| *ms >= 0),
            None => parse_time(text),
        };
        timestamp.map(Self::Timestamp).ok_or_else(|| {
            "take earliest, latest, an offset, or a time: 2026-01-31, 2026-01-31T12:00:00Z, or @ and milliseconds \
             since 1970"
                .to_owned()
        })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Earliest => f.write_str("earliest"),
            Self::Latest => f.write_str("latest"),
            Self::Offset(offset) => write!(f, "{offset}"),
            Self::Timestamp(ms) => write!(f, "@{ms}"),
        }
    }
}

/// A day, or a time of it with a `Z`, as RFC 3339 writes them; in milliseconds since the Unix epoch.
fn parse_time(text: &str) -> Option<i64> {
    let (day, time) = match text.split_once(['T', ' ']) {
        Some((day, time)) => (day, time.strip_suffix('Z')?),
        None => (text, "00:00:00"),
    };
    let [year, month, day] = numbers(day, '-', [4, 2, 2])?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let month = usize::try_from(month).ok()?.checked_sub(1)?;
    let ok =
        year >= 1970 && (1..=*days.get(month)?).contains(&day) && hour < 24 && minute < 60 && second < 60;
    let ms = format!("{fraction:0<3}").get(..3)?.parse::<i64>().ok()?;
    if !ok || fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Leap days of the years before this one, counted from the year 0 and less those up to 1970.
    let leaps = |year: i64| year / 4 - year / 100 + year / 400;
    let days =
        (year - 1970) * 365 + leaps(year - 1) - leaps(1969) + days[..month].iter().sum::<i64>() + day - 1;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + ms)
}

/// Three numbers of so many digits.
fn numbers(text: &str, separator: char, digits: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; 3];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part =
            parts.next().filter(|it| it.len() == digits && it.bytes().all(|it| it.is_ascii_digit()))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use logscope::dump::date;

    use super::*;

    #[test]
    fn places_are_read_as_they_are_typed() {
        for (text, position) in [
            ("earliest", Position::Earliest),
            ("latest", Position::Latest),
            ("42", Position::Offset(42)),
            ("@1767225600000", Position::Timestamp(1_767_225_600_000)),
            ("2026-01-01", Position::Timestamp(1_767_225_600_000)),
            ("2026-01-01T00:00:01.5Z", Position::Timestamp(1_767_225_601_500)),
            ("2024-02-29 12:00:00Z", Position::Timestamp(1_709_208_000_000)),
        ] {
            assert_eq!(text.parse(), Ok(position), "{text}");
        }
        for text in [
            "",
            "-1",
            "@",
            "@-5",
            "soon",
            "2026-13-01",
            "2026-02-29",
            "2026-1-1",
            "1969-12-31",
            "2026-01-01T00:00:00",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.-1Z",
            "2026-01-01-01",
        ] {
            assert!(text.parse::<Position>().is_err(), "{text:?}");
        }
    }

    /// The engine writes dates by arithmetic of its own.
    #[test]
    fn every_day_is_the_day_that_the_engine_calls_so() {
        for days in 0..200_000 {
            let (year, month, day) = date(days);
            let text = format!("{year:04}-{month:02}-{day:02}");
            assert_eq!(parse_time(&text), Some(days * 86_400_000), "{text}");
        }
    }
}
