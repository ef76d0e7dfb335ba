//! What the original project's fetch would have returned of the log that is shown, beside the fetch that was.

use std::rc::Rc;

use logscope::lab::OriginalRead;

use super::State;
use super::format::{count, offsets};

/// At most so many runs of offsets are listed.
const LISTED: usize = 12;

/// What a reader gets who uses the original fetch from the same offset on, with the same budget.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Original {
    /// How many of how many records never come.
    pub(crate) text: String,
    /// Those records, in runs of offsets.
    pub(crate) missed: Rc<[(u64, u64)]>,
}

impl Original {
    /// The runs in words.
    pub(crate) fn runs(&self) -> String {
        let runs: Vec<String> =
            self.missed.iter().take(LISTED).map(|(first, last)| offsets(*first, *last)).collect();
        let more = self.missed.len().saturating_sub(LISTED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        runs.join(", ") + &more
    }
}

impl State {
    /// The original fetch's way through the log; `None` unless it is asked for and there is a fetch.
    pub(crate) fn original(&self) -> Option<Original> {
        let picture = self.picture();
        let fetch = picture.fetch.as_ref().filter(|_| self.shows_original)?;
        let read = OriginalRead::of(&picture.log, fetch.offset, fetch.max_bytes);
        let (got, missed) = (OriginalRead::count(&read.returned), OriginalRead::count(&read.missed));
        let fetches = count(read.fetches, "fetch", "fetches");
        let text = match missed {
            0 => format!("{fetches}, and all of the {} from offset {} on come.", records(got), fetch.offset),
            missed => format!(
                "{fetches}, and {missed} of the {} from offset {} on never come.",
                records(got + missed),
                fetch.offset
            ),
        };
        Some(Original { text, missed: read.missed.into() })
    }
}

fn records(number: u64) -> String {
    count(number, "record", "records")
}

#[cfg(test)]
mod tests {
    use logscope::lab::{TopicLab, parse_topic_scenario};
    use logscope::storage::MemoryStorage;

    use super::*;
    use crate::state::{Action, Ran};

    fn after(scenario: &str) -> State {
        let (mut lab, mut state) = (TopicLab::new(1, |_| MemoryStorage::new()), State::default());
        for (_, action) in parse_topic_scenario(scenario).unwrap() {
            let events = lab.run(&action).events;
            state.reduce(Action::Ran(Ran { events, follow: true, ..Ran::default() }));
        }
        state
    }

    #[test]
    fn what_the_original_never_returns_is_listed_while_it_is_asked_for() {
        // Segments of seven batches each.
        let mut state = after("append a count=16\nflush\nappend b\nfetch 0 max_bytes=207");
        assert_eq!(state.original(), None);
        state.reduce(Action::ShowOriginal(true));
        let original = state.original().unwrap();
        assert_eq!(original.text, "3 fetches, and 8 of the 16 records from offset 0 on never come.");
        assert_eq!((&*original.missed, original.runs()), (&[(3, 6), (10, 13)][..], "3–6, 10–13".to_owned()));
        state.reduce(Action::Seek(1));
        assert_eq!(state.original(), None);
        let mut state = after("append a count=9\nflush\nfetch 0 max_bytes=4096");
        state.reduce(Action::ShowOriginal(true));
        assert_eq!(
            state.original().unwrap().text,
            "1 fetch, and all of the 9 records from offset 0 on come."
        );
    }

    #[test]
    fn a_long_list_ends() {
        let missed: Vec<_> = (0..20).map(|at| (at * 10, at * 10 + 2)).collect();
        let original = Original { text: String::new(), missed: missed.into() };
        assert!(original.runs().ends_with("110–112 and 8 more"), "{}", original.runs());
    }
}
