//! The scenario language: one action a line, words and `key=value` pairs, as a person would type them.
//!
//! ```text
//! config segment.bytes=512 index.interval.bytes=128   # a comment
//! append hello key=user-1 count=3
//! append "two words" another at=1767225700000
//! tombstone user-1
//! append paid producer=7 seq=0
//! flush
//! fetch 2 max_bytes=300
//! crash keep=32
//! reopen
//! disk 2048                                         # it takes so many bytes in all; `disk free` is any number
//! fail sync
//! advance 8d
//! retain
//! compact
//! delete-before 4
//! truncate 6
//! find 1767225603000
//! ```
//!
//! A word may stand in double quotes; then `\"`, `\\`, `\n`, `\t` and `\u{…}` mean what they do in Rust, and
//! the word is a value even if it holds `=`. An unquoted word with a `=` in it is a pair. [`Action`]'s `Display`
//! writes the canonical line, and parsing that gives the same action.

mod arguments;
mod topic;
mod words;

use std::fmt;

use crate::record::Producer;

use arguments::Arguments;
use words::{Word, shorten, split};

pub use topic::{MAX_PARTITIONS, TOPIC_COMMANDS, TopicAction, parse_topic_line, parse_topic_scenario};
pub use words::quote;

/// One thing to do with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Append a batch with a record for each value, all with the same key, `count` times over.
    Append {
        /// The payloads of one batch.
        values: Vec<String>,
        /// The key of every record.
        key: Option<String>,
        /// How many batches.
        count: u32,
        /// The timestamp of every record, in milliseconds since the Unix epoch; otherwise the clock's.
        at: Option<i64>,
        /// The idempotent producer that sends the first batch; the sequence goes on with each further one.
        producer: Option<Producer>,
    },
    /// Append a batch with one record whose value is null: in a compacted log, the key is to be forgotten.
    Tombstone {
        /// The key.
        key: String,
    },
    /// Fetch from an offset on.
    Fetch {
        /// The offset.
        offset: u64,
        /// The budget in bytes.
        max_bytes: u64,
    },
    /// Look for the first record at or after a timestamp.
    Find {
        /// Milliseconds since the Unix epoch.
        timestamp: i64,
    },
    /// Sync, and raise the high watermark.
    Flush,
    /// Move the clock forward.
    Advance {
        /// Milliseconds.
        ms: u64,
    },
    /// Delete the segments that retention lets go.
    Retain,
    /// Keep only the newest record of each key in the closed segments.
    Compact,
    /// Make an offset the first of the log.
    DeleteBefore {
        /// The offset.
        offset: u64,
    },
    /// Cut off the end of the log.
    Truncate {
        /// No batch reaches this offset afterwards.
        offset: u64,
    },
    /// Lose the power.
    Crash {
        /// How many unsynced bytes of each file had reached the disk.
        keep: u64,
    },
    /// Close in good order if the log is open; then open it, with recovery.
    Reopen,
    /// Set configs, by Kafka's keys.
    Config {
        /// Keys and values, in order.
        entries: Vec<(String, String)>,
    },
    /// Change a byte of a file, as a bad disk would.
    Flip {
        /// The file.
        file: String,
        /// Which byte.
        position: u64,
    },
    /// Lose a file, as a bad disk would.
    Lose {
        /// The file.
        file: String,
    },
    /// Limit what the disk takes.
    Disk {
        /// How many bytes, in all files together; `None` is any number.
        limit: Option<u64>,
    },
    /// Let the next sync fail.
    FailSync,
    /// Delete everything and begin anew.
    Reset,
}

/// What a command does, for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandHelp {
    /// The command's name.
    pub name: &'static str,
    /// How it is written.
    pub usage: &'static str,
    /// What it does, in a sentence.
    pub what: &'static str,
}

const fn command(name: &'static str, usage: &'static str, what: &'static str) -> CommandHelp {
    CommandHelp { name, usage, what }
}

/// All commands.
pub const COMMANDS: [CommandHelp; 18] = [
    command(
        "append",
        "append VALUE… [key=KEY] [count=N] [at=MS] [producer=ID epoch=N seq=N]",
        "Appends a batch with one record for each value; with count, so many batches.",
    ),
    command("tombstone", "tombstone KEY", "Appends a record with the key and no value: forget what it had."),
    command(
        "fetch",
        "fetch OFFSET [max_bytes=N]",
        "Reads whole batches from an offset on, up to max_bytes (4096) and the high watermark.",
    ),
    command("find", "find TIMESTAMP", "Looks for the first record at or after a time, in milliseconds."),
    command("flush", "flush", "Syncs the log and raises the high watermark to the log end offset."),
    command(
        "crash",
        "crash [keep=N]",
        "Loses the power, and with it what was not synced; the first N unsynced bytes of each file survive.",
    ),
    command("reopen", "reopen", "Closes the log if it is open, and opens it again with recovery."),
    command(
        "config",
        "config KEY=VALUE…",
        "Sets configs, such as segment.bytes=512 index.interval.bytes=128.",
    ),
    command(
        "advance",
        "advance DURATION",
        "Moves the clock: 500ms, 10s, 5m, 2h, 7d, or a number of milliseconds.",
    ),
    command("retain", "retain", "Deletes old segments by retention.ms and retention.bytes, as of the clock."),
    command(
        "compact",
        "compact",
        "Keeps only the newest record of each key in the closed segments, if cleanup.policy=compact.",
    ),
    command(
        "delete-before",
        "delete-before OFFSET",
        "Makes an offset the log start; what lies below is gone.",
    ),
    command("truncate", "truncate OFFSET", "Cuts off the end: no batch reaches the offset any more."),
    command("flip", "flip FILE POSITION", "Inverts one byte of a file, as a bad disk would."),
    command("lose", "lose FILE", "Loses a file, as a bad disk would."),
    command(
        "disk",
        "disk BYTES|free",
        "Lets the disk take so many bytes in all, so that it gets full; free lifts the limit.",
    ),
    command("fail", "fail sync", "Lets the next sync fail, as a bad disk would."),
    command("reset", "reset", "Deletes the log and begins anew."),
];

/// A line that is no action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// A line of a scenario; lines count from 1.
    #[error("line {line}: {error}")]
    Line {
        /// The line's number.
        line: usize,
        /// What is wrong with it.
        error: Box<ScenarioError>,
    },
    /// There is no such command.
    #[error("there is no command {name:?}; there are {known}")]
    UnknownCommand {
        /// What was written.
        name: String,
        /// The commands that there are.
        known: String,
    },
    /// The command is there, but not what it needs.
    #[error("{message}; it is written: {usage}")]
    Usage {
        /// What is wrong.
        message: String,
        /// How the command is written.
        usage: &'static str,
    },
    /// A quoted word that does not end, or that holds an unknown escape.
    #[error("{0}")]
    Quoting(String),
}

/// There is no command of this name among these.
fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a CommandHelp>) -> ScenarioError {
    let known: Vec<&str> = known.map(|command| command.name).collect();
    ScenarioError::UnknownCommand { name: shorten(name), known: known.join(", ") }
}

/// Parses a scenario: the actions with their line numbers, from 1. Empty lines and comments are passed over.
///
/// # Errors
/// The first line that is no action, as [`ScenarioError::Line`].
pub fn parse_scenario(text: &str) -> Result<Vec<(usize, Action)>, ScenarioError> {
    parse_lines(text, parse_line)
}

fn parse_lines<A>(
    text: &str,
    parse_line: impl Fn(&str) -> Result<Option<A>, ScenarioError>,
) -> Result<Vec<(usize, A)>, ScenarioError> {
    let mut actions = Vec::new();
    for (line, text) in text.lines().enumerate().map(|(at, text)| (at + 1, text)) {
        match parse_line(text) {
            Ok(Some(action)) => actions.push((line, action)),
            Ok(None) => {}
            Err(error) => return Err(ScenarioError::Line { line, error: Box::new(error) }),
        }
    }
    Ok(actions)
}

/// Parses one line; `None` if there is nothing on it.
///
/// # Errors
/// What is wrong, and how it should be.
pub fn parse_line(line: &str) -> Result<Option<Action>, ScenarioError> {
    parse_words(split(line)?)
}

fn parse_words(words: Vec<Word>) -> Result<Option<Action>, ScenarioError> {
    let mut words = words.into_iter();
    let name = match words.next() {
        None => return Ok(None),
        Some(Word::Plain(name)) => name,
        Some(Word::Pair(key, _)) => {
            return Err(unknown(&format!("{key}="), COMMANDS.iter()));
        }
    };
    let Some(help) = COMMANDS.iter().find(|command| command.name == name) else {
        return Err(unknown(&name, COMMANDS.iter()));
    };
    Arguments::new(help, words).action().map(Some)
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Append { values, key, count, at, producer } => {
                f.write_str("append")?;
                values.iter().try_for_each(|value| write!(f, " {}", quote(value)))?;
                if let Some(key) = key {
                    write!(f, " key={}", quote(key))?;
                }
                if *count != 1 {
                    write!(f, " count={count}")?;
                }
                if let Some(at) = at {
                    write!(f, " at={at}")?;
                }
                let Some(Producer { id, epoch, base_sequence }) = producer else { return Ok(()) };
                write!(f, " producer={id} epoch={epoch} seq={base_sequence}")
            }
            Self::Tombstone { key } => write!(f, "tombstone {}", quote(key)),
            Self::Find { timestamp } => write!(f, "find {timestamp}"),
            Self::Advance { ms } => write!(f, "advance {ms}"),
            Self::Retain => f.write_str("retain"),
            Self::Compact => f.write_str("compact"),
            Self::DeleteBefore { offset } => write!(f, "delete-before {offset}"),
            Self::Truncate { offset } => write!(f, "truncate {offset}"),
            Self::Fetch { offset, max_bytes } => write!(f, "fetch {offset} max_bytes={max_bytes}"),
            Self::Flush => f.write_str("flush"),
            Self::Crash { keep: 0 } => f.write_str("crash"),
            Self::Crash { keep } => write!(f, "crash keep={keep}"),
            Self::Reopen => f.write_str("reopen"),
            Self::Config { entries } => {
                f.write_str("config")?;
                entries.iter().try_for_each(|(key, value)| write!(f, " {key}={}", quote(value)))
            }
            Self::Flip { file, position } => write!(f, "flip {} {position}", quote(file)),
            Self::Lose { file } => write!(f, "lose {}", quote(file)),
            Self::Disk { limit: Some(limit) } => write!(f, "disk {limit}"),
            Self::Disk { limit: None } => f.write_str("disk free"),
            Self::FailSync => f.write_str("fail sync"),
            Self::Reset => f.write_str("reset"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_action() -> impl Strategy<Value = Action> {
        let word = any::<String>;
        prop_oneof![
            (
                prop::collection::vec(word(), 1..4),
                prop::option::of(word()),
                1..100u32,
                prop::option::of(0..i64::MAX),
                prop::option::of((0..i64::MAX, 0..i16::MAX, 0..i32::MAX)),
            )
                .prop_map(|(values, key, count, at, producer)| {
                    let producer =
                        producer.map(|(id, epoch, base_sequence)| Producer { id, epoch, base_sequence });
                    Action::Append { values, key, count, at, producer }
                }),
            word().prop_map(|key| Action::Tombstone { key }),
            any::<i64>().prop_map(|timestamp| Action::Find { timestamp }),
            (0..1u64 << 40).prop_map(|ms| Action::Advance { ms }),
            Just(Action::Retain),
            Just(Action::Compact),
            any::<u64>().prop_map(|offset| Action::DeleteBefore { offset }),
            any::<u64>().prop_map(|offset| Action::Truncate { offset }),
            (any::<u64>(), any::<u64>()).prop_map(|(offset, max_bytes)| Action::Fetch { offset, max_bytes }),
            Just(Action::Flush),
            any::<u64>().prop_map(|keep| Action::Crash { keep }),
            Just(Action::Reopen),
            prop::collection::vec(("[a-z.]{1,20}", word()), 1..4)
                .prop_map(|entries| Action::Config { entries }),
            (word(), any::<u64>()).prop_map(|(file, position)| Action::Flip { file, position }),
            word().prop_map(|file| Action::Lose { file }),
            prop::option::of(any::<u64>()).prop_map(|limit| Action::Disk { limit }),
            Just(Action::FailSync),
            Just(Action::Reset),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_parsed_again(action in any_action()) {
            prop_assert_eq!(parse_line(&action.to_string()), Ok(Some(action)));
        }

        #[test]
        fn anything_parses_or_is_an_error(line: String) {
            let blank = line.trim_start().is_empty() || line.trim_start().starts_with('#');
            prop_assert_eq!(parse_line(&line) == Ok(None), blank);
            prop_assert_ne!(parse_line(&format!("append {line}")), Ok(None));
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (line, message) in [
            ("fetsch 0", "there is no command \"fetsch\"; there are append, tombstone, fetch,"),
            ("\"flush\" now", "flush does not take now"),
            ("fetch", "fetch needs an offset; it is written: fetch OFFSET [max_bytes=N]"),
            ("fetch -1", "an offset is a whole number from 0 on, not -1"),
            ("fetch 1 2", "fetch does not take 2"),
            ("fetch 1 max_byte=2", "fetch does not take max_byte="),
            ("append", "append needs a value"),
            ("append x count=0", "count takes a whole number from 1 to 10000, not 0"),
            ("append x seq=3", "epoch= and seq= need a producer="),
            ("advance 3w", "a duration is a number with ms, s, m, h or d, up to 36500d, not 3w"),
            ("advance -1s", "not -1s"),
            ("find soon", "a timestamp is a whole number of milliseconds since 1970, not soon"),
            ("disk", "disk needs a number of bytes; it is written: disk BYTES|free"),
            ("disk full", "a number of bytes is a whole number from 0 on, not full"),
            ("fail", "fail needs what is to fail"),
            ("fail fetch", "only a sync can be made to fail, not fetch"),
            ("append \"x", "a quoted word does not end"),
            ("append \"x\"y", "a space is missing before y"),
            ("append \"\\x\"", "there is no escape \\x"),
            ("config segment.bytes", "config needs a KEY=VALUE"),
            ("segment.bytes=512", "there is no command \"segment.bytes=\""),
        ] {
            let error = parse_line(line).expect_err(line).to_string();
            assert!(error.contains(message), "{line}: {error}");
        }
        let error = parse_scenario("flush\n\n# fine\nfetch x").expect_err("line 4").to_string();
        assert!(error.starts_with("line 4: an offset is"), "{error}");
    }
}
