//! Times and bytes as text.

/// The most bytes of a key or a value that are shown.
const PREVIEW: usize = 64;

/// Milliseconds since the Unix epoch as a time in UTC; `None` beyond the years 0 to 9999.
pub fn utc(ms: i64) -> Option<String> {
    let (days, ms_of_day) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let (year, month, day) = date(days);
    let (s, ms) = (ms_of_day / 1000, ms_of_day % 1000);
    let (hours, minutes, seconds) = (s / 3600, s / 60 % 60, s % 60);
    let fraction = if ms == 0 { String::new() } else { format!(".{ms:03}") };
    let text = format!("{year:04}-{month:02}-{day:02} {hours:02}:{minutes:02}:{seconds:02}{fraction}");
    (0..=9999).contains(&year).then_some(text)
}

/// Year, month and day of a count of days since 1 January 1970, in the Gregorian calendar.
pub fn date(days: i64) -> (i64, i64, i64) {
    // Years begin in March here, so that the leap day is a year's last; 146097 days are 400 years.
    let days = days.saturating_add(719_468);
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// Bytes of a key or a value: quoted where they are UTF-8, else in hex after `0x`. What is too long ends with `…`.
pub fn preview(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.len() <= PREVIEW => format!("{text:?}"),
        Ok(text) => format!("{:?}…", &text[..text.floor_char_boundary(PREVIEW)]),
        Err(_) => {
            let shown = &bytes[..bytes.len().min(PREVIEW / 2)];
            let hex: String = shown.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("0x{hex}{}", if shown.len() < bytes.len() { "…" } else { "" })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc() {
        let utc = |ms| utc(ms).unwrap();
        assert_eq!(utc(1_767_225_600_000), "2026-01-01 00:00:00");
        assert_eq!(utc(951_782_400_001), "2000-02-29 00:00:00.001");
        assert_eq!(utc(-1), "1969-12-31 23:59:59.999");
        assert_eq!(utc(4_107_542_399_000), "2100-02-28 23:59:59");
        assert_eq!(super::utc(i64::MAX), None);
        assert_eq!(super::utc(i64::MIN), None);
    }

    #[test]
    fn bytes_are_text_where_they_can_be() {
        assert_eq!(preview(b"a\n\"b\""), r#""a\n\"b\"""#);
        assert_eq!(preview(b"\xff\x00"), "0xff00");
        assert_eq!(preview(&[0xff; 33]), format!("0x{}…", "ff".repeat(32)));
        assert_eq!(preview("é".repeat(40).as_bytes()), format!("\"{}\"…", "é".repeat(32)));
        assert_eq!(preview(b""), "\"\"");
    }
}
