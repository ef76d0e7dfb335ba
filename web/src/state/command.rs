//! Commands: what the forms would type, and what is typed.

use logscope::lab::{Action, parse_line};

use crate::text;

/// A form's fields do not make a command.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refused {
    /// The field that is wrong, by its label.
    pub(crate) field: &'static str,
    /// Why, in words for a person.
    pub(crate) reason: String,
}

/// The command of the produce form. An empty key is no key.
pub(crate) fn append(payload: &str, key: &str, count: &str) -> Result<Action, Refused> {
    let count = whole(text::COUNT, count, 1, 10_000)? as u32;
    let key = (!key.is_empty()).then(|| key.to_owned());
    Ok(Action::Append { values: vec![payload.to_owned()], key, count, at: None, producer: None })
}

/// The command of the fetch form.
pub(crate) fn fetch(offset: &str, max_bytes: &str) -> Result<Action, Refused> {
    let limit = i32::MAX as u64;
    let offset = whole(text::OFFSET, offset, 0, i64::MAX as u64)?;
    Ok(Action::Fetch { offset, max_bytes: whole(text::MAX_BYTES, max_bytes, 0, limit)? })
}

/// The command of the crash button.
pub(crate) fn crash(torn: &str) -> Result<Action, Refused> {
    let torn = if torn.trim().is_empty() { "0" } else { torn };
    Ok(Action::Crash { keep: whole(text::TORN_BYTES, torn, 0, i32::MAX as u64)? })
}

/// What was typed; `None` if there is nothing to run.
///
/// # Errors
/// Why it is no command, in words for a person.
pub(crate) fn typed(line: &str) -> Result<Option<Action>, String> {
    parse_line(line).map_err(|error| error.to_string())
}

fn whole(field: &'static str, text: &str, min: u64, max: u64) -> Result<u64, Refused> {
    let number = text.trim().parse().ok().filter(|number| (min..=max).contains(number));
    // The largest offset is a limit of the format that nobody comes near; its 19 digits would only confuse.
    let end = if max == i64::MAX as u64 { "on".to_owned() } else { format!("to {max}") };
    number.ok_or_else(|| Refused { field, reason: format!("{field} takes a whole number from {min} {end}.") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(action: Result<Action, Refused>) -> String {
        action.unwrap().to_string()
    }

    #[test]
    fn a_click_is_a_line_that_could_be_typed() {
        assert_eq!(line(append("hello", "user-1", "1")), "append hello key=user-1");
        assert_eq!(line(append("two words", "", " 3 ")), "append \"two words\" count=3");
        assert_eq!(line(append("", "", "1")), "append \"\"");
        assert_eq!(line(fetch("7", "300")), "fetch 7 max_bytes=300");
        assert_eq!((line(crash("")), line(crash("32"))), ("crash".to_owned(), "crash keep=32".to_owned()));
        for action in [append("a=b #c", "k\"", "2"), fetch("0", "0"), crash("5")] {
            assert_eq!(typed(&line(action.clone())).unwrap(), Some(action.unwrap()));
        }
    }

    #[test]
    fn a_field_that_is_no_number_is_named() {
        let refused = |action: Result<Action, Refused>| action.unwrap_err();
        let count = refused(append("x", "", "0"));
        assert_eq!((count.field, &*count.reason), ("Count", "Count takes a whole number from 1 to 10000."));
        assert_eq!(refused(fetch("", "300")).reason, "Offset takes a whole number from 0 on.");
        assert!(refused(fetch("0", "-1")).reason.starts_with("Max bytes takes"));
        assert_eq!(refused(crash("x")).field, "Torn bytes");
    }

    #[test]
    fn nothing_typed_is_no_mistake() {
        assert_eq!(typed("  # a comment"), Ok(None));
        assert!(typed("fetch banana").unwrap_err().contains("whole number"));
    }
}
