//! What a task waits for: events, with what they must say.
//!
//! ```text
//! SegmentRolled
//! FetchStopped by=max_bytes used<=300
//! FirstBatchWhole then FetchStopped next_offset=4
//! ```
//!
//! A pattern is an event's name and any number of comparisons, all of which must hold; `key=ana|ben` is one or the
//! other. Patterns with `then` between them must be met one after the other by the events of one command, with any
//! others in between. What happens to a log can be asked for its `partition` too.

use logscope::lab::TopicEvent;

use super::facts::{ANY_WORD, BATCH_FIELDS, EVENTS, Known, Value, WORDS, facts, of_batch};

/// What a task waits for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone, PartialEq)]
struct Pattern {
    event: &'static str,
    comparisons: Vec<Comparison>,
}

#[derive(Debug, Clone, PartialEq)]
struct Comparison {
    field: String,
    how: How,
    with: String,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum How {
    Equal,
    NotEqual,
    AtMost,
    AtLeast,
    Less,
    More,
}

/// The longer ones first, so that `<=` is not read as `<`.
const OPERATORS: [(&str, How); 6] = [
    ("!=", How::NotEqual),
    ("<=", How::AtMost),
    (">=", How::AtLeast),
    ("=", How::Equal),
    ("<", How::Less),
    (">", How::More),
];

impl Condition {
    /// Whether the events of one command are what the task waits for.
    pub(crate) fn is_met(&self, events: &[TopicEvent]) -> bool {
        let mut waiting = self.patterns.iter().peekable();
        for event in events {
            if waiting.peek().is_some_and(|pattern| pattern.fits(event)) {
                waiting.next();
            }
        }
        waiting.peek().is_none()
    }

    /// Parses what a lesson says.
    ///
    /// # Errors
    /// What is not known, and what there is.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let patterns = text.split(" then ").map(Pattern::parse).collect::<Result<_, _>>()?;
        Ok(Self { patterns })
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let name = words.next().ok_or("a pattern begins with an event's name, such as SegmentRolled")?;
        let known = EVENTS.iter().find(|known| known.name == name).ok_or_else(|| {
            let names: Vec<_> = EVENTS.iter().map(|known| known.name).collect();
            format!("there is no event {name:?}; there are {}", names.join(", "))
        })?;
        let comparisons = words.map(|word| Comparison::parse(known, word)).collect::<Result<_, _>>()?;
        Ok(Self { event: known.name, comparisons })
    }

    fn fits(&self, event: &TopicEvent) -> bool {
        let Some((_, facts)) = facts(event).filter(|(name, _)| *name == self.event) else { return false };
        self.comparisons.iter().all(|comparison| {
            let value = facts.iter().find_map(|(field, value)| match value {
                Value::Batch(batch) => of_batch(batch, &comparison.field),
                value => (*field == comparison.field).then(|| value.clone()),
            });
            value.is_some_and(|value| comparison.holds(&value))
        })
    }
}

impl Comparison {
    fn parse(event: &Known, word: &str) -> Result<Self, String> {
        let found = OPERATORS.iter().filter_map(|(sign, how)| Some((word.find(sign)?, *sign, *how)));
        // Of those that begin at the same place, the first in the list is the longest.
        let (at, sign, how) = found.min_by_key(|(at, ..)| *at).ok_or_else(|| {
            format!("{word:?} compares nothing; it is written FIELD=VALUE, with =, !=, <, <=, > or >=")
        })?;
        let (field, with) = (&word[..at], &word[at + sign.len()..]);
        check_field(event, field)?;
        check_value(field, how, with)?;
        Ok(Self { field: field.to_owned(), how, with: with.to_owned() })
    }

    fn holds(&self, value: &Value) -> bool {
        let order = match value {
            Value::Number(number) => self.with.parse().ok().map(|with| number.cmp(&with)),
            Value::Word(word) => match (word.parse::<i128>(), self.with.parse::<i128>()) {
                (Ok(number), Ok(with)) => Some(number.cmp(&with)),
                _ => self.with.split('|').any(|with| with == word).then_some(std::cmp::Ordering::Equal),
            },
            Value::Batch(_) => None,
        };
        match self.how {
            How::Equal => order.is_some_and(|order| order.is_eq()),
            How::NotEqual => order.is_none_or(|order| order.is_ne()),
            How::AtMost => order.is_some_and(|order| order.is_le()),
            How::AtLeast => order.is_some_and(|order| order.is_ge()),
            How::Less => order.is_some_and(|order| order.is_lt()),
            How::More => order.is_some_and(|order| order.is_gt()),
        }
    }
}

fn check_field(event: &Known, field: &str) -> Result<(), String> {
    let mut fields: Vec<_> = event.fields.iter().copied().filter(|field| *field != "batch").collect();
    if event.fields.contains(&"batch") {
        fields.extend(BATCH_FIELDS);
    }
    if event.of_log {
        fields.push("partition");
    }
    if fields.contains(&field) {
        return Ok(());
    }
    Err(format!("{} has no field {field:?}; it has {}", event.name, fields.join(", ")))
}

fn check_value(field: &str, how: How, with: &str) -> Result<(), String> {
    if ANY_WORD.contains(&field) {
        return Ok(());
    }
    match WORDS.iter().find(|(known, _)| *known == field) {
        Some((_, words))
            if with.split('|').all(|with| words.contains(&with))
                && matches!(how, How::Equal | How::NotEqual) =>
        {
            Ok(())
        }
        Some((_, words)) => Err(format!("{field} is one of {}, by = or !=, not {with:?}", words.join(", "))),
        None if with == "none" || with.parse::<i64>().is_ok() => Ok(()),
        None => Err(format!("{field} is a whole number, not {with:?}")),
    }
}

#[cfg(test)]
mod tests {
    use logscope::MemoryStorage;
    use logscope::lab::{TopicLab, parse_topic_line};

    use super::*;

    /// Whether a condition is met by what the engine does for the last of these lines.
    fn met(lines: &[&str], condition: &str) -> bool {
        let mut lab = TopicLab::new(1, |_| MemoryStorage::new());
        let run = |line: &&str| lab.run(&parse_topic_line(line).unwrap().unwrap());
        let outcomes: Vec<_> = lines.iter().map(run).collect();
        Condition::parse(condition).unwrap().is_met(&outcomes.last().unwrap().events)
    }

    #[test]
    fn events_are_told_apart_by_what_they_say() {
        let fetched = ["append hello key=ana count=4", "flush", "fetch 1 max_bytes=160"];
        for condition in [
            "FetchStopped",
            "FetchStopped by=max_bytes used=152 next_offset=3 next_batch_size=76",
            "FetchStopped used<=152 used>=152 used<153 used>151 used!=0",
            "BatchFetched key=ana records=1 base_offset=2",
            "FetchStarted offset=1 then BatchSkipped then FetchStopped by!=log_end",
        ] {
            assert!(met(&fetched, condition), "{condition}");
        }
        for condition in [
            "SegmentRolled",
            "FetchStopped by=log_end",
            "FetchStopped used<152",
            "FetchStopped then FetchStarted",
            "BatchFetched key=ben",
            "BatchFetched then BatchFetched then BatchFetched",
        ] {
            assert!(!met(&fetched, condition), "{condition}");
        }
    }

    #[test]
    fn events_of_the_laboratory_count_too() {
        assert!(met(&["config segment.bytes=300"], "ConfigChanged key=segment.bytes value<=300"));
        assert!(
            met(&["append x key=ben"], "BatchAppended key=ana|ben")
                && !met(&["append x"], "BatchAppended key=ana|ben")
        );
        assert!(met(&["append x", "crash"], "Crashed lost=69 kept=0"));
        assert!(met(&["append x", "flush", "find 99999999999999"], "TimeLookUpFinished found=none"));
        assert!(met(&["fetch 9"], "Refused") && !met(&["fetch 0"], "Refused"));
        assert!(met(&["commit c"], "Refused"));
    }

    #[test]
    fn events_of_a_topic_count_too() {
        let several = ["partitions 3", "append x key=ana", "flush", "poll c"];
        assert!(met(&several[..1], "PartitionsAdded from=1 to=3"));
        assert!(met(
            &several[..2],
            "KeyRouted key=ana partition=1 partitions=3 then BatchAppended key=ana partition=1"
        ));
        assert!(!met(&several[..2], "BatchAppended partition=0"));
        assert!(met(&several, "FetchStarted partition=1 then Polled consumer=c records=1 next=1 lag=0"));
        let then = [&several[..], &["commit c"]].concat();
        assert!(met(&then, "OffsetCommitted consumer=c partition=1 offset=1"));
        let then = [&several[..], &["poll c"]].concat();
        assert!(met(&then, "NothingToPoll consumer=c") && !met(&then, "NothingToPoll consumer=d"));
    }

    #[test]
    fn what_is_not_known_is_named_with_what_there_is() {
        for (text, message) in [
            ("SegmentRoled", "there is no event \"SegmentRoled\"; there are SegmentCreated, SegmentRolled,"),
            ("", "begins with an event's name"),
            ("FetchStopped then then Crashed", "there is no event"),
            ("FetchStopped then", "\"then\" compares nothing"),
            ("FetchStopped bi=log_end", "FetchStopped has no field \"bi\"; it has by, used, max_bytes,"),
            (
                "Polled logg=3",
                "Polled has no field \"logg\"; it has consumer, partition, position, records, next, lag",
            ),
            ("Crashed partition=x", "partition is a whole number, not \"x\""),
            ("BatchAppended batch=3", "has no field \"batch\"; it has size, records,"),
            (
                "FetchStopped by=maxbytes",
                "by is one of max_bytes, high_watermark, log_end, by = or !=, not \"maxbytes\"",
            ),
            ("FetchStopped by<log_end", "by is one of"),
            ("FetchStopped used=many", "used is a whole number, not \"many\""),
            ("FetchStopped used", "\"used\" compares nothing"),
        ] {
            let error = Condition::parse(text).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
