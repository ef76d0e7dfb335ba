//! Numbers, times and bytes as text.

use logscope::dump::date as date_of;

/// `1 record`, `2 records`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Bytes in their largest unit.
pub(crate) fn size(bytes: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => {
            let tenths = bytes / (unit / 10);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
        None => count(bytes, "byte", "bytes"),
    }
}

/// A number that is not negative, with so many decimals at most. The language's own way to write a fraction would be three
/// kilobytes of the page.
pub(crate) fn decimal(number: f64, places: u32) -> String {
    let unit = 10_u64.pow(places);
    let parts = (number * unit as f64).round() as u64;
    let text = format!("{}.{:0width$}", parts / unit, parts % unit, width = places as usize);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The offsets of a batch: `7`, or `7–9`.
pub(crate) fn offsets(first: u64, last: u64) -> String {
    if first == last { first.to_string() } else { format!("{first}–{last}") }
}

const DAY_MS: i64 = 86_400_000;

/// A timestamp in UTC, to the second, with milliseconds only where there are any.
pub(crate) fn timestamp(ms: i64) -> String {
    let (year, month, day) = date_of(day(ms));
    format!("{year:04}-{month:02}-{day:02} {}", time_of_day(ms))
}

/// A timestamp's time of day in UTC, as in [`timestamp`].
pub(crate) fn time_of_day(ms: i64) -> String {
    let (s, ms) = (ms.rem_euclid(DAY_MS) / 1000, ms.rem_euclid(1000));
    let (hours, minutes, seconds) = (s / 3600, s / 60 % 60, s % 60);
    let fraction = if ms == 0 { String::new() } else { format!(".{ms:03}") };
    format!("{hours:02}:{minutes:02}:{seconds:02}{fraction}")
}

/// A timestamp's day, counted from 1 January 1970, in UTC.
pub(crate) fn day(ms: i64) -> i64 {
    ms.div_euclid(DAY_MS)
}

/// A timestamp of a date in UTC, as [`timestamp`] writes it; the time of day, or its seconds, may be left out.
pub(crate) fn parse_timestamp(text: &str) -> Option<i64> {
    let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, "0:0"));
    let (clock, fraction) =
        time.trim_end_matches('Z').split_once('.').unwrap_or((time.trim_end_matches('Z'), "0"));
    let numbers =
        |text: &str, separator| text.split(separator).map(|part| part.parse::<u32>().ok()).collect();
    let (date, clock): (Option<Vec<u32>>, Option<Vec<u32>>) = (numbers(date, '-'), numbers(clock, ':'));
    let (&[year, month, dom], clock) = (&date?[..], clock?) else { return None };
    let (hour, minute, second) = match clock[..] {
        [hour, minute] => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    let digits: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let valid = (1970..=9999).contains(&year) && (1..=12).contains(&month) && dom >= 1;
    if !valid || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days(i64::from(year), i64::from(month), i64::from(dom));
    // A day that the month does not have would be one of the next month.
    let same = date_of(days) == (i64::from(year), i64::from(month), i64::from(dom));
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    same.then_some(days * DAY_MS + seconds * 1000 + digits)
}

/// Milliseconds in the largest unit that leaves no rest: `7d`, `90s`, `1500ms`.
pub(crate) fn duration(ms: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    match UNITS.iter().find(|(unit, _)| ms > 0 && ms.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", ms / unit),
        None => format!("{ms}ms"),
    }
}

/// The count of days from 1 January 1970 to a date; the other way round of [`date_of`].
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// Bytes of a key or a payload: as text where they are UTF-8 without control characters, else in hex.
pub(crate) fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "),
    }
}

/// A byte as the text column of a hex view shows it.
pub(crate) fn visible(byte: u8) -> char {
    if byte.is_ascii_graphic() { byte as char } else { '·' }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_those_that_count() {
        let numbers =
            [(0.0, 0), (7.0, 2), (10.0, 1), (1234.5678, 2), (0.06, 1), (0.04, 1), (-1.0, 1), (f64::NAN, 1)];
        let texts = numbers.map(|(number, places)| decimal(number, places));
        assert_eq!(texts, ["0", "7", "10", "1234.57", "0.1", "0", "0", "0"]);
    }

    #[test]
    fn sizes_are_in_their_largest_unit() {
        let sizes = [0, 1, 999, 1000, 1949, 5_250_000, 10_737_418_240].map(size);
        assert_eq!(sizes, ["0 bytes", "1 byte", "999 bytes", "1.0 kB", "1.9 kB", "5.2 MB", "10.7 GB"]);
    }

    #[test]
    fn times_are_utc() {
        assert_eq!(timestamp(1_767_225_600_000), "2026-01-01 00:00:00");
        assert_eq!(timestamp(951_782_400_001), "2000-02-29 00:00:00.001");
        assert_eq!(timestamp(-1), "1969-12-31 23:59:59.999");
        assert_eq!(timestamp(4_107_542_399_000), "2100-02-28 23:59:59");
        assert_eq!(timestamp(4_107_542_400_000), "2100-03-01 00:00:00");
    }

    #[test]
    fn what_is_written_of_a_time_is_read_again() {
        for ms in
            [0, 1_767_225_600_000, 951_782_400_001, 4_107_542_399_999, 4_107_542_400_000, 68_169_600_250]
        {
            assert_eq!(parse_timestamp(&timestamp(ms)), Some(ms));
        }
        assert_eq!(parse_timestamp("2026-01-01"), Some(1_767_225_600_000));
        assert_eq!(parse_timestamp("2026-01-01T00:01:00.5Z"), Some(1_767_225_660_500));
        for wrong in [
            "",
            "2026",
            "2026-02-29",
            "2026-13-01",
            "2026-01-01 24:00",
            "2026-01-01 1:2:3:4",
            "a-b-c",
            "2026-01-01 1:2.é",
        ] {
            assert_eq!(parse_timestamp(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn durations_take_the_largest_unit() {
        let all = [604_800_000, 90_000, 7_200_000, 1_500, 0].map(duration);
        assert_eq!(all, ["7d", "90s", "2h", "1500ms", "0ms"]);
    }

    #[test]
    fn bytes_that_are_no_text_are_hex() {
        assert_eq!(text("grüß".as_bytes()), "grüß");
        assert_eq!(text(&[0xff, 0x00]), "ff 00");
        assert_eq!(text(b"a\nb"), "61 0a 62");
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!(count(1, "record", "records"), "1 record");
        assert_eq!(count(0, "record", "records"), "0 records");
        assert_eq!((offsets(3, 3), offsets(3, 5)), ("3".to_owned(), "3–5".to_owned()));
    }
}
