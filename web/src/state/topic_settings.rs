//! What goes with a topic and is in none of its files, and how it is written to be kept beside them.
//!
//! ```text
//! partitions 3
//! turn 1
//! consumer billing
//! last 2 billing
//! position 2 7 billing
//! committed 2 5 billing
//! ```
//!
//! The names of consumers are percent-encoded. A line that is not understood is passed over.

use std::fmt::Write;
use std::rc::Rc;

use logscope::lab::{ConsumersPicture, MAX_PARTITIONS};

use super::share::{decode, encode};

/// What goes with a topic and is in none of its files.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TopicSettings {
    /// How many partitions it has; 0 if that is not known, as of a page that had but one.
    pub(crate) partitions: u32,
    /// Which of them takes the next batch without a key.
    pub(crate) turn: u32,
    /// How far the consumers have come.
    pub(crate) consumers: Rc<ConsumersPicture>,
}

impl TopicSettings {
    /// Writes them down.
    pub(crate) fn to_text(&self) -> String {
        let mut text = format!("partitions {}\nturn {}\n", self.partitions, self.turn);
        for (name, consumer) in &self.consumers.consumers {
            let name = encode(name);
            let mut line = |words: std::fmt::Arguments<'_>| {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{words} {name}");
            };
            line(format_args!("consumer"));
            consumer.last.into_iter().for_each(|last| line(format_args!("last {last}")));
            for (word, offsets) in [("position", &consumer.positions), ("committed", &consumer.committed)] {
                offsets.iter().for_each(|(at, offset)| line(format_args!("{word} {at} {offset}")));
            }
        }
        text
    }

    /// Reads what was written.
    pub(crate) fn of_text(text: &str) -> Self {
        let mut settings = Self::default();
        let mut consumers = ConsumersPicture::default();
        for line in text.lines() {
            let _ = settings.take(line, &mut consumers);
        }
        settings.consumers = Rc::new(consumers);
        settings
    }

    /// Takes up a line; `None` if it is not understood.
    fn take(&mut self, line: &str, consumers: &mut ConsumersPicture) -> Option<()> {
        let mut words = line.split(' ');
        let word = words.next()?;
        let mut number = || words.next()?.parse::<u64>().ok();
        let partition = |number: u64| u32::try_from(number).ok().filter(|number| *number <= MAX_PARTITIONS);
        match word {
            "partitions" => self.partitions = partition(number()?)?,
            "turn" => self.turn = partition(number()?)?,
            "consumer" => drop(consumers.consumers.entry(decode(words.next()?).ok()?).or_default()),
            "last" => {
                let last = partition(number()?)?;
                consumers.consumers.get_mut(&decode(words.next()?).ok()?)?.last = Some(last);
            }
            _ => {
                let (partition, offset) = (partition(number()?)?, number()?);
                let consumer = consumers.consumers.get_mut(&decode(words.next()?).ok()?)?;
                let offsets = match word {
                    "position" => &mut consumer.positions,
                    "committed" => &mut consumer.committed,
                    _ => return None,
                };
                offsets.insert(partition, offset);
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use logscope::lab::{TopicLab, parse_topic_scenario};
    use logscope::storage::MemoryStorage;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_kept_comes_back() {
        let mut lab = TopicLab::new(1, |_| MemoryStorage::new());
        let scenario = "partitions 3\nappend a count=7\nflush\npoll \"two words\\n+%\"\npoll c max_bytes=1\ncommit c\npoll c";
        parse_topic_scenario(scenario).unwrap().iter().for_each(|(_, action)| drop(lab.run(action)));
        let consumers = Rc::new(lab.consumers().clone());
        assert_eq!((consumers.consumers.len(), lab.turn()), (2, 1));
        let settings = TopicSettings { partitions: 3, turn: lab.turn(), consumers };
        assert_eq!(TopicSettings::of_text(&settings.to_text()), settings);
        assert_eq!(TopicSettings::of_text(""), TopicSettings::default());
    }

    #[test]
    fn a_line_that_is_not_understood_is_passed_over() {
        let text = "partitions 99\nturn 2\nposition 0 3 nobody\nconsumer c\nposition 0 x c\nposition 1 4 c\nnonsense 1 2 c";
        let settings = TopicSettings::of_text(text);
        assert_eq!((settings.partitions, settings.turn), (0, 2));
        assert_eq!(settings.consumers.consumers["c"].positions, [(1, 4)].into());
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "((partitions|turn|consumer|last|position|committed)[ 0-9a-z%+]{0,20}\n){0,9}") {
            let _ = TopicSettings::of_text(&text);
        }
    }
}
