//! What the page's own fetches returned, and at which steps of the timeline it is shown.
//!
//! The broker answers a fetch with records, and tells of it, as of anybody's fetch, in events without any. So an answer
//! is given to the group of events that it must belong to, whichever of the two comes first.
//!
//! Invariant: at a step of the past stands what was returned up to that step; whatever else is shown is called newer.

use std::rc::Rc;

use logscope::lab::{Event as LabEvent, FetchedRecord, TopicEvent};
use logscope::log::Event;

use super::Live;
use crate::state::{Group, State};

/// The group of an answer is among so many of the newest, or it is not found.
const RECENT: usize = 1_000;
/// So many answers wait for their events.
const WAITING: usize = 8;

/// An answer to a fetch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Returned {
    pub(crate) command: Rc<str>,
    pub(crate) records: Rc<[FetchedRecord]>,
    /// Where the reader goes on.
    pub(crate) next: u64,
    /// The step that was looked at when it came, if that was one of the past.
    pub(crate) came_at: Option<usize>,
}

/// What the table of records shows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shown {
    pub(crate) command: Rc<str>,
    pub(crate) records: Rc<[FetchedRecord]>,
    /// How many of the records were returned up to the step.
    pub(crate) so_far: usize,
    /// It is not of the step that is looked at, but what was answered last.
    pub(crate) newer: bool,
}

impl State {
    /// Gives answers to the groups that they belong to. Those whose events have not come stay.
    pub(crate) fn settle(&mut self, waiting: &mut Vec<Returned>) {
        waiting.retain(|returned| {
            !self.timeline.give_records(&returned.records, RECENT, |group| returned.is_of(group))
        });
        waiting.drain(..waiting.len().saturating_sub(WAITING));
    }
}

impl Returned {
    /// Whether a group of events tells of the fetch that returned this: it is called the same, and stops at the same
    /// offset. A fetch that was told in two parts ends in the second.
    fn is_of(&self, group: &Group) -> bool {
        let stops = |event: &TopicEvent| match event {
            TopicEvent::Log { event: LabEvent::Log(Event::FetchStopped { next_offset, .. }), .. } => {
                *next_offset == self.next
            }
            _ => false,
        };
        group.command.trim_end_matches(" …") == &*self.command && group.events.iter().any(stops)
    }
}

impl Live {
    /// The records to be shown: of the last fetch up to the step that is looked at, or, with the word for it, the last
    /// answer if it has just come, or if no step tells of it.
    pub(crate) fn shown(&self, state: &State) -> Option<Shown> {
        let following = state.is_following();
        let newest = self.answer.as_ref().filter(|answer| {
            let of_it = |group: &Group| {
                group.records.as_ref().is_some_and(|records| Rc::ptr_eq(records, &answer.records))
            };
            following
                || answer.came_at == Some(state.timeline.cursor())
                || !state.timeline.groups().iter().any(of_it)
        });
        match newest {
            Some(Returned { command, records, .. }) => {
                let (command, records) = (Rc::clone(command), Rc::clone(records));
                Some(Shown { command, so_far: records.len(), records, newer: !following })
            }
            None => {
                let (group, so_far) = state.fetched()?;
                let records = group.records.clone()?;
                Some(Shown { command: Rc::clone(&group.command), records, so_far, newer: false })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use logscope::lab::{Lab, parse_line};
    use logscope::storage::MemoryStorage;

    use super::*;
    use crate::state::{Action, Ran};

    /// A log that is watched, and the answers that have not been placed.
    #[derive(Default)]
    struct Watched {
        state: State,
        live: Live,
        waiting: Vec<Returned>,
    }

    /// What a fetch would be answered, and the events that would be told of it.
    fn fetch(lab: &mut Lab<MemoryStorage>, line: &str) -> (Returned, Ran) {
        let ran = run(lab, line);
        let records: Rc<[_]> = ran.1.into();
        let next = records.last().map_or(0, |record| record.offset + 1);
        (Returned { command: line.into(), records, next, came_at: None }, ran.0)
    }

    fn run(lab: &mut Lab<MemoryStorage>, line: &str) -> (Ran, Vec<FetchedRecord>) {
        let outcome = lab.run(&parse_line(line).unwrap().unwrap());
        let events = outcome.events.into_iter().map(Into::into).collect();
        (Ran { command: line.to_owned(), events, ..Ran::default() }, outcome.records)
    }

    impl Watched {
        fn happens(&mut self, ran: Ran) {
            self.state.reduce(Action::Ran(ran));
            self.state.keep_up();
            self.state.settle(&mut self.waiting);
        }

        fn answers(&mut self, mut returned: Returned) {
            returned.came_at = (!self.state.is_following()).then(|| self.state.timeline.cursor());
            self.waiting.push(returned.clone());
            self.live.answer = Some(returned);
            self.state.settle(&mut self.waiting);
        }

        /// The offsets in the table, and whether they are called newer than the step.
        fn table(&self) -> Option<(Vec<u64>, bool)> {
            let shown = self.live.shown(&self.state)?;
            Some((shown.records[..shown.so_far].iter().map(|record| record.offset).collect(), shown.newer))
        }

        fn seek(&mut self, step: usize) {
            self.state.reduce(Action::Seek(step));
        }
    }

    fn watched() -> (Lab<MemoryStorage>, Watched) {
        let (mut lab, mut watched) = (Lab::new(MemoryStorage::new()), Watched::default());
        watched.state.follow();
        for line in ["append a count=6", "flush"] {
            watched.happens(run(&mut lab, line).0);
        }
        (lab, watched)
    }

    const SMALL: &str = "fetch 1 max_bytes=100";
    const LARGE: &str = "fetch 3 max_bytes=4096";

    #[test]
    fn the_table_steps_with_the_timeline_whatever_came_first() {
        let (mut lab, mut watched) = watched();
        let (first, told) = fetch(&mut lab, SMALL);
        watched.answers(first);
        assert_eq!(watched.table(), Some((vec![1], false)), "the events may come later");
        watched.happens(told);
        let between = watched.state.timeline.len();
        let (second, told) = fetch(&mut lab, LARGE);
        watched.happens(told);
        assert_eq!(watched.table(), Some((vec![1], false)));
        watched.answers(second);
        assert_eq!((watched.table(), watched.waiting.len()), (Some((vec![3, 4, 5], false)), 0));

        let mut filled = Vec::new();
        for step in between + 1..=watched.state.timeline.len() {
            watched.seek(step);
            filled.push(watched.table().unwrap().0.len());
        }
        assert!(filled.is_sorted() && filled[0] == 0 && filled.last() == Some(&3), "{filled:?}");
        watched.seek(between);
        assert_eq!(watched.table(), Some((vec![1], false)));
        watched.seek(2);
        assert_eq!(watched.table(), None);
        watched.state.follow();
        assert_eq!(watched.table(), Some((vec![3, 4, 5], false)));
    }

    #[test]
    fn what_is_fetched_while_one_looks_at_the_past_is_called_newer_until_one_steps() {
        let (mut lab, mut watched) = watched();
        let (first, told) = fetch(&mut lab, SMALL);
        watched.happens(told);
        watched.answers(first);
        let cursor = watched.state.timeline.cursor();
        watched.seek(cursor - 1);
        let (second, told) = fetch(&mut lab, LARGE);
        watched.answers(second);
        watched.happens(told);
        assert_eq!(watched.table(), Some((vec![3, 4, 5], true)));
        watched.seek(cursor);
        assert_eq!(watched.table(), Some((vec![1], false)));
    }

    #[test]
    fn the_fetches_of_others_have_no_records_and_an_answer_without_its_events_is_called_newer() {
        let (mut lab, mut watched) = watched();
        let (answer, _) = fetch(&mut lab, SMALL);
        watched.happens(fetch(&mut lab, LARGE).1);
        // Called the same, and gone further: another reader's, later.
        watched.happens(Ran { command: SMALL.to_owned(), ..fetch(&mut lab, LARGE).1 });
        watched.answers(answer);
        assert_eq!((watched.table(), watched.waiting.len()), (Some((vec![1], false)), 1));
        watched.seek(watched.state.timeline.len() - 1);
        assert_eq!(watched.table(), Some((vec![1], true)));
        for _ in 0..20 {
            watched.answers(fetch(&mut lab, SMALL).0);
        }
        assert_eq!(watched.waiting.len(), WAITING, "what waits is bounded");
    }

    #[test]
    fn a_fetch_that_is_told_in_two_parts_has_its_records_at_its_end() {
        let (mut lab, mut watched) = watched();
        let (answer, told) = fetch(&mut lab, LARGE);
        let (first, second) = told.events.split_at(4);
        let part = |command: &str, events: &[TopicEvent]| Ran {
            command: command.to_owned(),
            events: events.to_vec(),
            ..Ran::default()
        };
        watched.answers(answer);
        watched.happens(part(LARGE, first));
        assert_eq!(watched.waiting.len(), 1);
        watched.happens(part(&format!("{LARGE} …"), second));
        assert_eq!(watched.waiting.len(), 0);
        watched.seek(watched.state.timeline.len());
        assert_eq!(watched.table(), Some((vec![3, 4, 5], false)));
    }
}
