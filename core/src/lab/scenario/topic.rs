//! The language of a topic: what is done with one log, with the partition it is meant for, and what needs a topic.
//!
//! ```text
//! partitions 3
//! append hello key=user-1           # goes where Kafka's clients would send the key
//! append hello partition=2
//! fetch 0 partition=2
//! poll billing max_bytes=300        # a consumer, from its position on
//! commit billing
//! ```

use std::fmt;

use super::arguments::Arguments;
use super::words::{Word, quote, split};
use super::{Action, COMMANDS, CommandHelp, ScenarioError, command, parse_words, unknown};

/// One thing to do with a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopicAction {
    /// Something that is done with a log.
    Log {
        /// What.
        action: Action,
        /// With which partition's. Without one, a record's key decides; what keeps house goes for all partitions, and
        /// what reads or damages is for the first.
        partition: Option<u32>,
    },
    /// Add partitions, until there are so many.
    Partitions {
        /// How many.
        count: u32,
    },
    /// Let a consumer fetch from its position on.
    Poll {
        /// Its name, which is its group's as well.
        consumer: String,
        /// The budget in bytes.
        max_bytes: u64,
    },
    /// Let a consumer commit its positions.
    Commit {
        /// Its name.
        consumer: String,
    },
}

/// The most partitions that a topic of the laboratory has.
pub const MAX_PARTITIONS: u32 = 12;

/// The commands that need a topic.
pub const TOPIC_COMMANDS: [CommandHelp; 3] = [
    command(
        "partitions",
        "partitions N",
        "Adds partitions until the topic has N. Records that are there stay where they are.",
    ),
    command(
        "poll",
        "poll CONSUMER [max_bytes=N]",
        "Lets a consumer fetch from its position in the next partition that has something for it.",
    ),
    command("commit", "commit CONSUMER", "Commits a consumer's positions: that is where it goes on."),
];

impl From<Action> for TopicAction {
    fn from(action: Action) -> Self {
        Self::Log { action, partition: None }
    }
}

/// Parses one line; `None` if there is nothing on it.
///
/// # Errors
/// What is wrong, and how it should be.
pub fn parse_topic_line(line: &str) -> Result<Option<TopicAction>, ScenarioError> {
    let mut words = split(line)?;
    let own = match words.first() {
        Some(Word::Plain(name)) => TOPIC_COMMANDS.iter().find(|command| command.name == name),
        _ => None,
    };
    if let Some(help) = own {
        return Arguments::new(help, words.into_iter().skip(1)).topic_action().map(Some);
    }
    let partition = take_partition(&mut words)?;
    let parsed = parse_words(words).map_err(|error| match error {
        ScenarioError::UnknownCommand { name, .. } => unknown(&name, COMMANDS.iter().chain(&TOPIC_COMMANDS)),
        error => error,
    });
    Ok(parsed?.map(|action| TopicAction::Log { action, partition }))
}

/// Parses a scenario: the actions with their line numbers, from 1. Empty lines and comments are passed over.
///
/// # Errors
/// The first line that is no action, as [`ScenarioError::Line`].
pub fn parse_topic_scenario(text: &str) -> Result<Vec<(usize, TopicAction)>, ScenarioError> {
    super::parse_lines(text, parse_topic_line)
}

/// Takes the pair `partition=` out of a line. A `config` has none: its pairs are its own.
fn take_partition(words: &mut Vec<Word>) -> Result<Option<u32>, ScenarioError> {
    let help = match words.first() {
        Some(Word::Plain(name)) if name != "config" => COMMANDS.iter().find(|command| command.name == name),
        _ => None,
    };
    let (Some(help), Some(at)) =
        (help, words.iter().position(|word| matches!(word, Word::Pair(key, _) if key == "partition")))
    else {
        return Ok(None);
    };
    Arguments::new(help, std::iter::once(words.remove(at))).partition()
}

impl fmt::Display for TopicAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log { action, partition: None } => action.fmt(f),
            Self::Log { action, partition: Some(partition) } => write!(f, "{action} partition={partition}"),
            Self::Partitions { count } => write!(f, "partitions {count}"),
            Self::Poll { consumer, max_bytes } => {
                write!(f, "poll {} max_bytes={max_bytes}", quote(consumer))
            }
            Self::Commit { consumer } => write!(f, "commit {}", quote(consumer)),
        }
    }
}
