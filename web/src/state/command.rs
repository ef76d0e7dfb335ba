//! Commands: what the forms would type, and what is typed.

use std::collections::HashMap;

use logscope::lab::{Action, FlushPolicy, MAX_PARTITIONS, TopicAction, parse_topic_line, quote};
use logscope::{LogConfig, Takes};

use super::format::{duration, parse_timestamp};
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

/// The command of the tombstone button.
pub(crate) fn tombstone(key: &str) -> Result<Action, Refused> {
    match key.is_empty() {
        true => Err(Refused { field: text::KEY, reason: text::TOMBSTONE_WITHOUT_KEY.to_owned() }),
        false => Ok(Action::Tombstone { key: key.to_owned() }),
    }
}

/// The command of the form that looks for a time: a date in UTC, or milliseconds.
pub(crate) fn find(time: &str) -> Result<Action, Refused> {
    let timestamp = time.trim().parse().ok().or_else(|| parse_timestamp(time.trim()));
    let refused = || Refused { field: text::TIMESTAMP, reason: text::NO_TIMESTAMP.to_owned() };
    Ok(Action::Find { timestamp: timestamp.ok_or_else(refused)? })
}

/// The command that moves the clock.
pub(crate) fn advance(time: &str) -> Result<Action, Refused> {
    let refused = || Refused { field: text::DURATION, reason: text::NO_DURATION.to_owned() };
    Ok(Action::Advance { ms: milliseconds(time).ok_or_else(refused)? })
}

/// The command that cuts the front of the log off.
pub(crate) fn delete_before(at: &str) -> Result<Action, Refused> {
    Ok(Action::DeleteBefore { offset: whole(text::CUT_AT, at, 0, i64::MAX as u64)? })
}

/// The command that cuts the end of the log off.
pub(crate) fn truncate(at: &str) -> Result<Action, Refused> {
    Ok(Action::Truncate { offset: whole(text::CUT_AT, at, 0, i64::MAX as u64)? })
}

/// The command of the form of configs: what has been edited and is another value than now; `None` if nothing is.
pub(crate) fn config(
    current: &[(String, String)],
    edited: &HashMap<&'static str, String>,
) -> Result<Option<Action>, Refused> {
    let mut entries = Vec::new();
    for (key, _) in config_keys() {
        let Some(text) = edited.get(key) else { continue };
        let value = config_value(key, text.trim());
        let set = FlushPolicy::default()
            .set(key, &value)
            .unwrap_or_else(|| LogConfig::default().set(key, &value).map_err(|error| error.to_string()));
        set.map_err(|reason| Refused { field: key, reason: format!("{reason}.") })?;
        if !current.iter().any(|(name, now)| name == key && *now == value) {
            entries.push((key.to_owned(), value));
        }
    }
    Ok((!entries.is_empty()).then_some(Action::Config { entries }))
}

/// The configs of the log, and those of whoever flushes it.
pub(crate) fn config_keys() -> impl Iterator<Item = (&'static str, Takes)> {
    LogConfig::KEYS.into_iter().map(|key| (key.name, key.takes)).chain(FlushPolicy::KEYS)
}

/// A config's value as the form shows it: times in their largest unit, and Kafka's largest number as the word that
/// it stands for.
pub(crate) fn config_text(key: &str, value: &str) -> String {
    match value.parse() {
        Ok(NEVER) => text::UNLIMITED.to_owned(),
        Ok(ms) if key.ends_with(".ms") => duration(ms),
        _ => value.to_owned(),
    }
}

const NEVER: u64 = i64::MAX as u64;

fn config_value(key: &str, text: &str) -> String {
    if text == text::UNLIMITED {
        return NEVER.to_string();
    }
    let ms = if key.ends_with(".ms") { milliseconds(text) } else { None };
    ms.map_or_else(|| text.to_owned(), |ms| ms.to_string())
}

/// A duration as the command `advance` takes it.
fn milliseconds(text: &str) -> Option<u64> {
    match typed(&format!("advance {}", quote(text.trim()))) {
        Ok(Some(TopicAction::Log { action: Action::Advance { ms }, .. })) => Some(ms),
        _ => None,
    }
}

/// What a form says that was sent with nothing new in it.
pub(crate) fn no_change() -> Refused {
    Refused { field: "", reason: text::NO_CHANGE.to_owned() }
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

/// The command of the form's button that lets a consumer read on.
pub(crate) fn poll(consumer: &str, max_bytes: &str) -> Result<TopicAction, Refused> {
    let max_bytes = whole(text::POLL_BYTES, max_bytes, 0, i32::MAX as u64)?;
    Ok(TopicAction::Poll { consumer: named(consumer)?, max_bytes })
}

/// The command of the button that keeps a consumer's positions.
pub(crate) fn commit(consumer: &str) -> Result<TopicAction, Refused> {
    Ok(TopicAction::Commit { consumer: named(consumer)? })
}

fn named(consumer: &str) -> Result<String, Refused> {
    match consumer.is_empty() {
        true => Err(Refused { field: text::CONSUMER, reason: text::CONSUMER_WITHOUT_NAME.to_owned() }),
        false => Ok(consumer.to_owned()),
    }
}

/// The command of the form that adds partitions.
pub(crate) fn partitions(count: &str) -> Result<TopicAction, Refused> {
    let count = whole(text::PARTITIONS, count, 1, u64::from(MAX_PARTITIONS))? as u32;
    Ok(TopicAction::Partitions { count })
}

/// What a form means that stands beside the partition which is looked at, if there are several: what reads or damages
/// a log, and would otherwise be for the first, is for that one.
pub(crate) fn meant_for(command: TopicAction, partition: Option<u32>) -> TopicAction {
    match command {
        TopicAction::Log { action, partition: None } => {
            let one = matches!(
                action,
                Action::Fetch { .. }
                    | Action::Find { .. }
                    | Action::DeleteBefore { .. }
                    | Action::Truncate { .. }
                    | Action::Flip { .. }
                    | Action::Lose { .. }
            );
            TopicAction::Log { action, partition: partition.filter(|_| one) }
        }
        command => command,
    }
}

/// The command of the button that limits the disk.
pub(crate) fn disk(bytes: &str) -> Result<Action, Refused> {
    Ok(Action::Disk { limit: Some(whole(text::DISK_BYTES, bytes, 0, i32::MAX as u64)?) })
}

/// The command that loses the offset index of a segment.
pub(crate) fn lose_index(segment: &str) -> Result<Action, Refused> {
    Ok(Action::Lose { file: index_of(segment)? })
}

/// The command that damages it: the last byte of its first entry.
pub(crate) fn damage_index(segment: &str) -> Result<Action, Refused> {
    Ok(Action::Flip { file: index_of(segment)?, position: 7 })
}

fn index_of(segment: &str) -> Result<String, Refused> {
    let base_offset = whole(text::SEGMENT, segment, 0, i64::MAX as u64)?;
    Ok(logscope::segment::file_name(base_offset, logscope::segment::INDEX_SUFFIX))
}

/// What was typed; `None` if there is nothing to run.
///
/// # Errors
/// Why it is no command, in words for a person.
pub(crate) fn typed(line: &str) -> Result<Option<TopicAction>, String> {
    parse_topic_line(line).map_err(|error| error.to_string())
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
            assert_eq!(typed(&line(action.clone())).unwrap(), Some(action.unwrap().into()));
        }
    }

    #[test]
    fn times_are_dates_or_milliseconds() {
        assert_eq!(line(find("2026-01-01 00:00:05")), "find 1767225605000");
        assert_eq!(line(find(" 1767225605000 ")), "find 1767225605000");
        assert_eq!(line(advance("8d")), "advance 691200000");
        assert_eq!(
            (line(delete_before("3")), line(truncate("0"))),
            ("delete-before 3".into(), "truncate 0".into())
        );
        assert_eq!(find("tomorrow").unwrap_err().field, "Timestamp");
        assert!(advance("3 weeks").unwrap_err().reason.contains("500ms"));
        assert_eq!(line(tombstone("user-1")), "tombstone user-1");
        assert_eq!(tombstone("").unwrap_err().field, "Key");
    }

    #[test]
    fn the_disk_fails_by_commands() {
        assert_eq!(line(disk("2048")), "disk 2048");
        assert_eq!(line(lose_index("7")), "lose 00000000000000000007.index");
        assert_eq!(line(damage_index("0")), "flip 00000000000000000000.index 7");
        assert_eq!(disk("x").unwrap_err().field, text::DISK_BYTES);
        assert_eq!(lose_index("").unwrap_err().reason, "Segment takes a whole number from 0 on.");
    }

    #[test]
    fn never_is_kafkas_largest_number() {
        let edits = [("flush.messages", "never".to_owned()), ("flush.ms", "5s".to_owned())];
        let current = [("flush.messages".to_owned(), "3".to_owned())];
        let action = config(&current, &edits.into_iter().collect()).unwrap().unwrap();
        assert_eq!(action.to_string(), "config flush.messages=9223372036854775807 flush.ms=5000");
        assert_eq!(config_text("flush.ms", "9223372036854775807"), "never");
        let refused = config(&[], &[("flush.messages", "0".to_owned())].into_iter().collect()).unwrap_err();
        assert!(refused.field == "flush.messages" && refused.reason.contains("from 1 to"), "{refused:?}");
    }

    #[test]
    fn only_what_was_changed_is_configured() {
        let current: Vec<_> =
            LogConfig::default().entries().map(|(key, value)| (key.to_owned(), value)).collect();
        let config = |edits: &[(&'static str, &str)]| {
            config(&current, &edits.iter().map(|(key, value)| (*key, (*value).to_owned())).collect())
        };
        assert_eq!(config_text("retention.ms", "604800000"), "7d");
        assert_eq!(config_text("retention.ms", "-1"), "-1");
        assert_eq!(config(&[("retention.ms", "7d"), ("segment.bytes", "1073741824")]), Ok(None));
        let changed =
            config(&[("segment.bytes", " 300 "), ("retention.ms", "2h"), ("cleanup.policy", "compact")]);
        let changed = changed.unwrap().unwrap().to_string();
        assert_eq!(changed, "config segment.bytes=300 cleanup.policy=compact retention.ms=7200000");
        let refused = config(&[("retention.ms", "soon")]).unwrap_err();
        assert!(refused.field == "retention.ms" && refused.reason.contains("-1 for no limit"), "{refused:?}");
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
    fn consumers_and_partitions_have_their_forms() {
        let line = |action: Result<TopicAction, Refused>| action.unwrap().to_string();
        assert_eq!(line(poll("billing", "300")), "poll billing max_bytes=300");
        assert_eq!(
            (line(commit("two words")), line(partitions("3"))),
            ("commit \"two words\"".into(), "partitions 3".into())
        );
        let field = |action: Result<TopicAction, Refused>| action.unwrap_err().field;
        assert_eq!((field(commit("")), field(poll("", "1"))), ("Consumer", "Consumer"));
        assert_eq!(field(poll("c", "-1")), "Bytes a poll");
        assert_eq!(partitions("13").unwrap_err().reason, "Partitions takes a whole number from 1 to 12.");
    }

    #[test]
    fn what_is_for_one_log_is_for_the_partition_that_is_looked_at() {
        let meant = |line: &str, partition| meant_for(typed(line).unwrap().unwrap(), partition).to_string();
        assert_eq!(meant("fetch 3", Some(2)), "fetch 3 max_bytes=4096 partition=2");
        assert_eq!(meant("lose checkpoint", Some(0)), "lose checkpoint partition=0");
        for line in [
            "fetch 3 max_bytes=1 partition=1",
            "append a",
            "flush",
            "crash",
            "advance 1000",
            "commit c",
            "partitions 3",
        ] {
            assert_eq!(meant(line, Some(2)), line);
        }
        assert_eq!(meant("truncate 3", None), "truncate 3");
    }

    #[test]
    fn nothing_typed_is_no_mistake() {
        assert_eq!(typed("  # a comment"), Ok(None));
        assert!(typed("fetch banana").unwrap_err().contains("whole number"));
    }
}
