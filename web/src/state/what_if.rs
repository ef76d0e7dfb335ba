//! What if: the last fetch once more, after the same commands under another `max_bytes`, `segment.bytes` or
//! `index.interval.bytes`, laid beside the one that was.

use std::rc::Rc;

use logscope::LogConfig;
use logscope::lab::{Event, FetchCost, FetchPicture, Picture, TopicEvent};
use logscope::log::Event as LogEvent;

use super::State;
use super::command::Refused;
use super::format::count;
use crate::text;

/// What can be another: the fetch's budget, and two configs.
pub(crate) const FIELDS: [&str; 3] = ["max_bytes", "segment.bytes", "index.interval.bytes"];

/// The panel, while it is open.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct WhatIf {
    /// What is typed into the fields.
    pub(crate) typed: [String; 3],
    /// What is wrong with it.
    pub(crate) refused: Option<Refused>,
    /// What came of it.
    pub(crate) compared: Option<Rc<Compared>>,
}

/// What is said to the panel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ask {
    /// Open it, with what the fetch has now in its fields, or close it.
    Toggle,
    /// A field holds something else.
    Type(usize, String),
    /// Run the commands anew. The engine has to do that; it answers.
    Compare,
    /// What came of it.
    Answer(Result<Side, Refused>),
}

/// What is to be another.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Change {
    pub(crate) max_bytes: u64,
    pub(crate) configs: Vec<(String, String)>,
}

/// Two fetches after the same commands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Compared {
    /// The steps of the command whose fetch it is about.
    steps: Rc<[TopicEvent]>,
    pub(crate) as_it_is: Side,
    pub(crate) other: Side,
}

/// A fetch: how it went, and what it cost.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Side {
    pub(crate) fetch: FetchPicture,
    pub(crate) cost: FetchCost,
}

/// A line of the comparison: what is compared, and both values.
pub(crate) type Row = (&'static str, [String; 2]);

impl Side {
    /// The last fetch among these events; `None` if there is none, or if it did not come to its end.
    pub(crate) fn of(events: &[TopicEvent]) -> Option<Self> {
        let begins =
            |event: &TopicEvent| matches!(event.of_log(), Some(Event::Log(LogEvent::FetchStarted { .. })));
        let from = events.iter().rposition(begins)?;
        let of_log = || events[from..].iter().filter_map(TopicEvent::of_log);
        let mut picture = Picture::default();
        of_log().for_each(|event| picture.apply(event));
        let fetch = picture.fetch.filter(|fetch| fetch.stopped.is_some())?;
        Some(Self { fetch, cost: FetchCost::of(of_log())? })
    }
}

impl Compared {
    /// The comparison, line by line.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let both = |say: &dyn Fn(&Side) -> String| [say(&self.as_it_is), say(&self.other)];
        let batches = |number: u64, bytes: u64| {
            format!("{}, {}", count(number, "batch", "batches"), count(bytes, "byte", "bytes"))
        };
        vec![
            (text::SEGMENTS_READ, both(&|side| side.cost.segments.to_string())),
            (
                text::ENTRIES_COMPARED,
                both(&|side| format!("{} of {}", side.cost.comparisons, side.cost.index_entries)),
            ),
            (text::SCANNED, both(&|side| batches(side.cost.batches_skipped, side.cost.bytes_skipped))),
            (text::TAKEN, both(&|side| batches(side.cost.batches, side.cost.bytes))),
            (text::AMPLIFICATION, both(&|side| amplification(&side.cost))),
            (text::STOPPED_BY, both(&|side| stopped(&side.fetch))),
            (text::NEXT_OFFSET, both(&|side| side.fetch.next_offset.to_string())),
        ]
    }
}

/// How many bytes were looked at for each byte of the answer, with two digits behind the point.
fn amplification(cost: &FetchCost) -> String {
    if cost.bytes == 0 {
        return "–".to_owned();
    }
    let hundredths = ((cost.bytes_skipped + cost.bytes) * 100 + cost.bytes / 2) / cost.bytes;
    format!("{}.{:02} ×", hundredths / 100, hundredths % 100)
}

fn stopped(fetch: &FetchPicture) -> String {
    let whole = fetch.taken.iter().any(|taken| taken.first_whole);
    match fetch.stopped {
        Some((by, Some(next))) if !whole => format!("{}, for the next needs {next}", by.as_str()),
        Some((by, _)) if whole => format!("{}, with a first batch whole", by.as_str()),
        Some((by, _)) => by.as_str().to_owned(),
        None => String::new(),
    }
}

impl WhatIf {
    /// What is to be another.
    ///
    /// # Errors
    /// The field that holds what cannot be.
    pub(crate) fn change(&self) -> Result<Change, Refused> {
        let [max_bytes, configs @ ..] = &self.typed;
        let limit = i32::MAX;
        let reason = || format!("max_bytes takes a whole number from 0 to {limit}, not {max_bytes:?}.");
        let number = max_bytes.trim().parse().ok().filter(|number| *number <= limit as u64);
        let max_bytes = number.ok_or_else(|| Refused { field: FIELDS[0], reason: reason() })?;
        let mut entries = Vec::new();
        for (key, value) in FIELDS[1..].iter().copied().zip(configs) {
            let refused = |error: logscope::ConfigError| Refused { field: key, reason: format!("{error}.") };
            let (_, value) = LogConfig::default().set(key, value.trim()).map_err(refused)?;
            entries.push((key.to_owned(), value));
        }
        Ok(Change { max_bytes, configs: entries })
    }
}

impl State {
    /// The commands up to the fetch that is shown, with it.
    pub(crate) fn commands_to_fetch(&self) -> Vec<Rc<str>> {
        let fetch = self.timeline.last_fetch().map_or(0, |group| group.first);
        self.timeline.commands(self.timeline.groups().partition_point(|group| group.first <= fetch))
    }

    /// What came of the panel's question, if it was about the fetch that is shown.
    pub(crate) fn compared(&self) -> Option<&Rc<Compared>> {
        let compared = self.what_if.as_ref()?.compared.as_ref()?;
        self.timeline.last_fetch().filter(|group| Rc::ptr_eq(&group.events, &compared.steps))?;
        Some(compared)
    }

    /// Folds in what is said to the panel.
    pub(super) fn ask_what_if(&mut self, ask: Ask) {
        match (ask, &mut self.what_if) {
            (Ask::Toggle, Some(_)) => self.what_if = None,
            (Ask::Toggle, None) => {
                let picture = self.picture();
                let max_bytes = picture.fetch.as_ref().map_or(0, |fetch| fetch.max_bytes);
                let (segment, interval) = (picture.log.segment_bytes, picture.log.index_interval_bytes);
                let typed = [max_bytes.to_string(), segment.to_string(), interval.to_string()];
                self.what_if = Some(WhatIf { typed, ..WhatIf::default() });
            }
            (Ask::Type(field, value), Some(panel)) => {
                panel.typed[field] = value;
                panel.refused = None;
            }
            (Ask::Answer(answer), Some(_)) => {
                let steps = self.timeline.last_fetch().map(|group| Rc::clone(&group.events));
                let as_it_is = steps.and_then(|steps| Some((Side::of(&steps)?, steps)));
                let Some(panel) = &mut self.what_if else { return };
                match (answer, as_it_is) {
                    (Ok(other), Some((as_it_is, steps))) => {
                        panel.compared = Some(Rc::new(Compared { steps, as_it_is, other }));
                    }
                    (Err(refused), _) => (panel.refused, panel.compared) = (Some(refused), None),
                    _ => {}
                }
            }
            (Ask::Type(..) | Ask::Compare | Ask::Answer(_), _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use logscope::lab::{TopicLab, parse_topic_scenario};
    use logscope::storage::MemoryStorage;

    use super::*;

    fn side(scenario: &str) -> Side {
        let mut lab = TopicLab::new(1, |_| MemoryStorage::new());
        let actions = parse_topic_scenario(scenario).unwrap();
        let events: Vec<_> = actions.iter().flat_map(|(_, action)| lab.run(action).events).collect();
        Side::of(&events).unwrap()
    }

    #[test]
    fn a_comparison_has_the_numbers_of_both_fetches() {
        let before = "append r count=12\nflush\n";
        let as_it_is = side(&format!("config index.interval.bytes=300\n{before}fetch 4 max_bytes=150"));
        let other = side(&format!("config index.interval.bytes=0\n{before}fetch 4 max_bytes=300"));
        let rows = Compared { steps: Rc::new([]), as_it_is, other }.rows();
        let line = |name: &str| rows.iter().find(|row| row.0 == name).unwrap().1.clone();
        assert_eq!(line(text::SCANNED), ["4 batches, 276 bytes", "0 batches, 0 bytes"]);
        assert_eq!(line(text::TAKEN), ["2 batches, 138 bytes", "4 batches, 276 bytes"]);
        assert_eq!(line(text::AMPLIFICATION), ["3.00 ×", "1.00 ×"]);
        assert_eq!(line(text::STOPPED_BY), ["max_bytes, for the next needs 69"; 2]);
        assert_eq!(line(text::NEXT_OFFSET), ["6", "8"]);
        assert_eq!(line(text::SEGMENTS_READ), ["1", "2"]);
        // A fetch that was refused costs nothing that could be compared.
        let mut lab = TopicLab::new(1, |_| MemoryStorage::new());
        let refused = parse_topic_scenario("fetch 9").unwrap();
        assert_eq!(Side::of(&lab.run(&refused[0].1).events), None);
    }

    #[test]
    fn a_field_that_cannot_be_is_named() {
        let panel = |typed: [&str; 3]| WhatIf { typed: typed.map(str::to_owned), ..WhatIf::default() };
        let change = panel(["300", " 512", "0"]).change().unwrap();
        assert_eq!((change.max_bytes, change.configs.len()), (300, 2));
        assert_eq!(change.configs[0], ("segment.bytes".to_owned(), "512".to_owned()));
        for (typed, field, reason) in [
            (
                ["x", "512", "0"],
                "max_bytes",
                "max_bytes takes a whole number from 0 to 2147483647, not \"x\".",
            ),
            (["1", "60", "0"], "segment.bytes", "segment.bytes takes a whole number from 61 to"),
            (["1", "61", "-1"], "index.interval.bytes", "index.interval.bytes takes"),
        ] {
            let refused = panel(typed).change().unwrap_err();
            assert_eq!(refused.field, field);
            assert!(refused.reason.starts_with(reason), "{}", refused.reason);
        }
    }
}
