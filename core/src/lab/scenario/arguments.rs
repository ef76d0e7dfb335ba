//! What follows a command's name, made into an action. Nothing is dropped: what is left over is an error.

use super::topic::{MAX_PARTITIONS, TopicAction};
use super::words::{Word, quote, shorten};
use super::{Action, CommandHelp, ScenarioError};
use crate::record::Producer;

/// The most batches that one `append` makes.
const MAX_COUNT: u64 = 10_000;
/// The farthest that one `advance` moves the clock: a hundred years.
const MAX_ADVANCE_MS: u64 = 36_500 * 86_400_000;
/// `max_bytes` of a fetch that does not say.
const DEFAULT_MAX_BYTES: u64 = 4096;

/// What follows a command's name.
pub(super) struct Arguments {
    help: &'static CommandHelp,
    values: std::collections::VecDeque<String>,
    pairs: Vec<(String, String)>,
}

impl Arguments {
    pub(super) fn new(help: &'static CommandHelp, words: impl Iterator<Item = Word>) -> Self {
        let mut arguments = Self { help, values: Default::default(), pairs: Vec::new() };
        for word in words {
            match word {
                Word::Plain(value) => arguments.values.push_back(value),
                Word::Pair(key, value) => arguments.pairs.push((key, value)),
            }
        }
        arguments
    }

    pub(super) fn action(mut self) -> Result<Action, ScenarioError> {
        let action = match self.help.name {
            "append" => {
                let values: Vec<String> = self.values.drain(..).collect();
                if values.is_empty() {
                    return Err(self.usage("append needs a value; \"\" is an empty one"));
                }
                let key = self.pair("key");
                let count = self.number_pair("count", 1, 1..=MAX_COUNT)? as u32;
                let at = self.optional("at", 0..=i64::MAX as u64)?.map(|at| at as i64);
                Action::Append { values, key, count, at, producer: self.producer()? }
            }
            "tombstone" => Action::Tombstone { key: self.value("a key")? },
            "find" => Action::Find { timestamp: self.timestamp()? },
            "advance" => Action::Advance { ms: self.duration()? },
            "retain" => Action::Retain,
            "compact" => Action::Compact,
            "delete-before" => Action::DeleteBefore { offset: self.number("an offset")? },
            "truncate" => Action::Truncate { offset: self.number("an offset")? },
            "fetch" => {
                let offset = self.number("an offset")?;
                let max_bytes = self.number_pair("max_bytes", DEFAULT_MAX_BYTES, 0..=u64::MAX)?;
                Action::Fetch { offset, max_bytes }
            }
            "flush" => Action::Flush,
            "crash" => Action::Crash { keep: self.number_pair("keep", 0, 0..=u64::MAX)? },
            "reopen" => Action::Reopen,
            "config" => {
                let entries = std::mem::take(&mut self.pairs);
                if entries.is_empty() {
                    return Err(self.usage("config needs a KEY=VALUE"));
                }
                Action::Config { entries }
            }
            "flip" => Action::Flip { file: self.value("a file")?, position: self.number("a position")? },
            "lose" => Action::Lose { file: self.value("a file")? },
            "disk" if self.values.front().is_some_and(|word| word == "free") => {
                self.values.pop_front();
                Action::Disk { limit: None }
            }
            "disk" => Action::Disk { limit: Some(self.number("a number of bytes")?) },
            "fail" => {
                let what = self.value("what is to fail")?;
                if what != "sync" {
                    let what = quote(&shorten(&what));
                    return Err(self.usage(&format!("only a sync can be made to fail, not {what}")));
                }
                Action::FailSync
            }
            _ => Action::Reset,
        };
        self.done(action)
    }

    pub(super) fn topic_action(mut self) -> Result<TopicAction, ScenarioError> {
        let action = match self.help.name {
            "partitions" => {
                let count = self.number("a number of partitions")?;
                let fits = u32::try_from(count).ok().filter(|count| (1..=MAX_PARTITIONS).contains(count));
                let count = fits.ok_or_else(|| {
                    self.usage(&format!("a topic has 1 to {MAX_PARTITIONS} partitions here, not {count}"))
                })?;
                TopicAction::Partitions { count }
            }
            "poll" => {
                let consumer = self.value("a consumer's name")?;
                let max_bytes = self.number_pair("max_bytes", DEFAULT_MAX_BYTES, 0..=u64::MAX)?;
                TopicAction::Poll { consumer, max_bytes }
            }
            _ => TopicAction::Commit { consumer: self.value("a consumer's name")? },
        };
        self.done(action)
    }

    /// The pair `partition`, if it is there.
    pub(super) fn partition(mut self) -> Result<Option<u32>, ScenarioError> {
        let partition = self.optional("partition", 0..=u64::from(MAX_PARTITIONS) - 1)?;
        Ok(partition.map(|partition| partition as u32))
    }

    /// Nothing may be left over: what is not understood is not dropped either.
    fn done<A>(self, action: A) -> Result<A, ScenarioError> {
        if let Some(value) = self.values.front() {
            return Err(self.usage(&format!("{} does not take {}", self.help.name, quote(&shorten(value)))));
        }
        if let Some((key, _)) = self.pairs.first() {
            return Err(self.usage(&format!("{} does not take {}=", self.help.name, quote(&shorten(key)))));
        }
        Ok(action)
    }

    fn usage(&self, message: &str) -> ScenarioError {
        ScenarioError::Usage { message: message.to_owned(), usage: self.help.usage }
    }

    fn value(&mut self, what: &str) -> Result<String, ScenarioError> {
        self.values.pop_front().ok_or_else(|| self.usage(&format!("{} needs {what}", self.help.name)))
    }

    fn number(&mut self, what: &str) -> Result<u64, ScenarioError> {
        let word = self.value(what)?;
        word.parse().map_err(|_| {
            self.usage(&format!("{what} is a whole number from 0 on, not {}", quote(&shorten(&word))))
        })
    }

    fn timestamp(&mut self) -> Result<i64, ScenarioError> {
        let word = self.value("a timestamp")?;
        word.parse().map_err(|_| {
            let word = quote(&shorten(&word));
            self.usage(&format!("a timestamp is a whole number of milliseconds since 1970, not {word}"))
        })
    }

    fn duration(&mut self) -> Result<u64, ScenarioError> {
        let word = self.value("a duration")?;
        let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match &word[digits.len()..] {
            "" | "ms" => Some(1),
            "s" => Some(1_000),
            "m" => Some(60_000),
            "h" => Some(3_600_000),
            "d" => Some(86_400_000),
            _ => None,
        };
        let number = digits.parse::<u64>().ok();
        let ms = number.zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
        ms.filter(|ms| *ms <= MAX_ADVANCE_MS).ok_or_else(|| {
            let word = quote(&shorten(&word));
            self.usage(&format!("a duration is a number with ms, s, m, h or d, up to 36500d, not {word}"))
        })
    }

    /// The pairs `producer`, `epoch` and `seq`; the last two are 0 unless given.
    fn producer(&mut self) -> Result<Option<Producer>, ScenarioError> {
        let id = self.optional("producer", 0..=i64::MAX as u64)?;
        let epoch = self.optional("epoch", 0..=i16::MAX as u64)?;
        let sequence = self.optional("seq", 0..=i32::MAX as u64)?;
        match id {
            Some(id) => Ok(Some(Producer {
                id: id as i64,
                epoch: epoch.unwrap_or(0) as i16,
                base_sequence: sequence.unwrap_or(0) as i32,
            })),
            None if epoch.or(sequence).is_some() => Err(self.usage("epoch= and seq= need a producer=")),
            None => Ok(None),
        }
    }

    fn pair(&mut self, key: &str) -> Option<String> {
        let at = self.pairs.iter().position(|(k, _)| k == key)?;
        Some(self.pairs.remove(at).1)
    }

    fn number_pair(
        &mut self,
        key: &str,
        default: u64,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, ScenarioError> {
        Ok(self.optional(key, range)?.unwrap_or(default))
    }

    fn optional(
        &mut self,
        key: &str,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<Option<u64>, ScenarioError> {
        let Some(word) = self.pair(key) else { return Ok(None) };
        let parsed = word.parse().ok().filter(|n| range.contains(n));
        parsed.map(Some).ok_or_else(|| {
            let (min, max) = (range.start(), range.end());
            let word = quote(&shorten(&word));
            match *max {
                u64::MAX => self.usage(&format!("{key} takes a whole number from {min} on, not {word}")),
                max => self.usage(&format!("{key} takes a whole number from {min} to {max}, not {word}")),
            }
        })
    }
}
