//! Numbers, times and bytes as text.

/// `1 record`, `2 records`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// The offsets of a batch: `7`, or `7–9`.
pub(crate) fn offsets(first: u64, last: u64) -> String {
    if first == last { first.to_string() } else { format!("{first}–{last}") }
}

const DAY_MS: i64 = 86_400_000;

/// A timestamp in UTC, to the second, with milliseconds only where there are any.
pub(crate) fn timestamp(ms: i64) -> String {
    let (year, month, day) = date(day(ms));
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

/// Year, month and day of a count of days since 1 January 1970, in the Gregorian calendar.
fn date(days: i64) -> (i64, i64, i64) {
    // Years begin in March here, so that the leap day is a year's last; 146097 days are 400 years.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
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
    fn times_are_utc() {
        assert_eq!(timestamp(1_767_225_600_000), "2026-01-01 00:00:00");
        assert_eq!(timestamp(951_782_400_001), "2000-02-29 00:00:00.001");
        assert_eq!(timestamp(-1), "1969-12-31 23:59:59.999");
        assert_eq!(timestamp(4_107_542_399_000), "2100-02-28 23:59:59");
        assert_eq!(timestamp(4_107_542_400_000), "2100-03-01 00:00:00");
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
