//! Events grouped under what caused them.
//!
//! A broker tells what its log does, and not what made it do so; but the events of one cause come together, and what they
//! begin with tells what it is. Several readers, and compaction, work beside the writer: their events may stand in
//! between, and are sorted apart as well as they can be told apart.
//!
//! Invariants:
//! - No event is lost, and none comes twice.
//! - What the writer does stays in its order. A fetch changes nothing in the log, so its steps may stand together.
//! - Groups come out in the order in which they began.

use std::collections::VecDeque;

use logscope::log::{Event, FlushCause, TimeEntryCause};

use crate::state::format::offsets;

/// More events than this are not held back, whatever may still belong to them.
const HELD: usize = 2_000;

/// The events of one cause.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Caused {
    /// What caused them, as a command is written.
    pub(crate) name: String,
    pub(crate) events: Vec<Event>,
}

/// Who does it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Who {
    #[default]
    Writer,
    /// A flush goes beside the writer: between a batch and its index entry, say.
    Flush,
    Reader,
    Compaction,
}

/// A group to which events may still come.
#[derive(Debug)]
struct Open {
    who: Who,
    name: String,
    events: Vec<Event>,
    /// All of it has come.
    whole: bool,
    /// Events came since the last time that groups were taken.
    fresh: bool,
    /// Part of it has been given out already.
    goes_on: bool,
    /// Of a reader: what it looks for, and how much it has found.
    offset: u64,
    used: u64,
}

/// Sorts events; see the [module](self).
#[derive(Debug, Default)]
pub(crate) struct Grouper {
    open: VecDeque<Open>,
    held: usize,
    /// Who changed the log last. A checkpoint is theirs.
    last: Who,
}

impl Grouper {
    /// Takes the next event.
    pub(crate) fn push(&mut self, event: Event) {
        self.held += 1;
        if let Some((who, name)) = self.begins(&event) {
            self.begin(who, name);
        }
        let who = if matches!(event, Event::CheckpointWritten { .. }) { self.last } else { who(&event) };
        if matches!(who, Who::Writer | Who::Compaction) {
            self.last = who;
        }
        let place = self.place(who, &event).unwrap_or_else(|| {
            self.begin(who, unnamed(who).to_owned());
            self.open.len() - 1
        });
        let Some(group) = self.open.get_mut(place) else { return };
        group.take(&event);
        group.events.push(event);
    }

    /// The groups that are whole, or to which nothing has come since the last time.
    pub(crate) fn take(&mut self) -> Vec<Caused> {
        let mut taken = Vec::new();
        let in_a_hurry = self.held > HELD;
        for group in &mut self.open {
            if !in_a_hurry && !group.whole && group.fresh {
                break;
            }
            if !group.events.is_empty() {
                let name = if group.goes_on { format!("{} …", group.name) } else { group.name.clone() };
                self.held -= group.events.len();
                taken.push(Caused { name, events: std::mem::take(&mut group.events) });
                group.goes_on = true;
            }
        }
        // Of those that are not whole, the newest may go on.
        let newest = |who| self.open.iter().rposition(|group| group.who == who && !group.whole);
        let keep = [Who::Writer, Who::Reader, Who::Compaction].map(newest);
        let mut at = 0;
        self.open.retain(|group| {
            at += 1;
            !group.events.is_empty() || keep.contains(&Some(at - 1))
        });
        self.open.iter_mut().for_each(|group| group.fresh = false);
        taken
    }

    /// Whether there is anything to be taken, now or later.
    pub(crate) fn is_empty(&self) -> bool {
        self.held == 0
    }

    fn begin(&mut self, who: Who, name: String) {
        // Readers and compaction say when they are done; the writer begins something else.
        if who == Who::Writer {
            self.open.iter_mut().filter(|group| group.who == who).for_each(|group| group.whole = true);
        }
        let events = Vec::new();
        let (whole, fresh, goes_on, offset, used) = (false, true, false, 0, 0);
        self.open.push_back(Open { who, name, events, whole, fresh, goes_on, offset, used });
    }

    /// The group that an event belongs to, if it has begun.
    fn place(&self, who: Who, event: &Event) -> Option<usize> {
        let last = |fits: &dyn Fn(&Open) -> bool| {
            self.open.iter().rposition(|group| group.who == who && !group.whole && fits(group))
        };
        let exact = match event {
            Event::IndexLookedUp { offset, .. }
            | Event::FloorSegmentFound { offset, .. }
            | Event::BatchSkipped { offset, .. }
            | Event::ScanFinished { offset, .. } => last(&|group| group.offset == *offset),
            Event::BatchFetched { batch, used, .. } | Event::FirstBatchWhole { batch, used, .. } => {
                last(&|group| group.used + u64::from(batch.size) == *used)
            }
            Event::NextSegmentEntered { used, .. } | Event::FetchStopped { used, .. } => {
                last(&|group| group.used == *used)
            }
            _ => None,
        };
        exact.or_else(|| last(&|_| true))
    }

    /// What begins with an event, if something does.
    fn begins(&self, event: &Event) -> Option<(Who, String)> {
        let writing = self.open.iter().rfind(|group| group.who == Who::Writer && !group.whole);
        let begun = |name: &str| writing.is_some_and(|group| group.name.starts_with(name));
        let appending = writing.is_some_and(|group| {
            !group.goes_on
                && matches!(group.events.first(), Some(Event::SegmentRolled { .. }))
                && !group.has_batch()
        });
        let name = match event {
            Event::SegmentRolled { .. } => "append".to_owned(),
            Event::BatchAppended { .. } | Event::DuplicateFound { .. } if !appending => "append".to_owned(),
            Event::RetentionStarted { .. } => "retain".to_owned(),
            Event::LogStartMoved { to, .. } if !begun("retain") => format!("delete-before {to}"),
            Event::Truncated { to, .. } if !begun("truncate") => format!("truncate {to}"),
            Event::RecoveryStarted { .. } => "open".to_owned(),
            Event::Flushed { cause: FlushCause::Close, .. }
            | Event::TimeIndexEntryAdded { cause: TimeEntryCause::Close, .. }
                if !begun("close") =>
            {
                "close".to_owned()
            }
            Event::Flushed { cause: FlushCause::Requested, .. } => {
                return Some((Who::Flush, "flush".to_owned()));
            }
            Event::CompactionStarted { .. } | Event::CompactionSkipped { .. } => {
                return Some((Who::Compaction, "compact".to_owned()));
            }
            Event::FetchStarted { offset, max_bytes, .. } => {
                return Some((Who::Reader, format!("fetch {offset} max_bytes={max_bytes}")));
            }
            Event::TimeLookUpStarted { timestamp } => {
                return Some((Who::Reader, format!("find {timestamp}")));
            }
            _ => return None,
        };
        Some((Who::Writer, name))
    }
}

impl Open {
    fn has_batch(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::BatchAppended { .. }))
    }

    /// Takes note of what an event says of the group.
    fn take(&mut self, event: &Event) {
        self.fresh = true;
        match event {
            Event::BatchAppended { batch } => {
                self.name = format!("append → {}", offsets(batch.base_offset, batch.last_offset));
            }
            Event::DuplicateFound { base_offset, last_offset, .. } => {
                self.name = format!("append → {} again", offsets(*base_offset, *last_offset));
            }
            Event::FetchStarted { offset, .. } => self.offset = *offset,
            Event::BatchFetched { used, .. } | Event::FirstBatchWhole { used, .. } => self.used = *used,
            // The index told an offset from which on it goes by: that is what is looked for then.
            Event::IndexLookedUp { offset, .. } => self.offset = *offset,
            Event::FetchStopped { .. }
            | Event::TimeLookUpFinished { .. }
            | Event::CompactionFinished { .. }
            | Event::CompactionAbandoned { .. }
            | Event::CompactionSkipped { .. }
            | Event::RecoveryFinished { .. }
            | Event::Flushed { cause: FlushCause::Requested, .. } => self.whole = true,
            _ => {}
        }
    }
}

/// Who does what an event tells.
fn who(event: &Event) -> Who {
    match event {
        Event::Flushed { cause: FlushCause::Requested, .. } => Who::Flush,
        Event::CompactionStarted { .. }
        | Event::KeysMapped { .. }
        | Event::RecordRemoved { .. }
        | Event::BatchRewritten { .. }
        | Event::SegmentsCompacted { .. }
        | Event::CompactionFinished { .. }
        | Event::CompactionSkipped { .. }
        | Event::CompactionAbandoned { .. } => Who::Compaction,
        Event::TimeLookUpStarted { .. }
        | Event::SegmentTooOld { .. }
        | Event::TimeIndexLookedUp { .. }
        | Event::TimeLookUpFinished { .. }
        | Event::IndexRejected { .. }
        | Event::FetchStarted { .. }
        | Event::FloorSegmentFound { .. }
        | Event::IndexLookedUp { .. }
        | Event::BatchSkipped { .. }
        | Event::ScanFinished { .. }
        | Event::BatchFetched { .. }
        | Event::FirstBatchWhole { .. }
        | Event::NextSegmentEntered { .. }
        | Event::FetchStopped { .. } => Who::Reader,
        _ => Who::Writer,
    }
}

/// What a group is called whose beginning was not seen: it lies before the snapshot.
fn unnamed(who: Who) -> &'static str {
    match who {
        Who::Writer => "…",
        Who::Flush => "flush",
        Who::Reader => "fetch …",
        Who::Compaction => "compact …",
    }
}

#[cfg(test)]
mod tests {
    use logscope::lab::{self, Lab, parse_line};
    use logscope::storage::MemoryStorage;

    use super::*;

    /// What the real engine does for these lines.
    fn told(lab: &mut Lab<MemoryStorage>, line: &str) -> Vec<Event> {
        let outcome = lab.run(&parse_line(line).unwrap().unwrap());
        let log = |event| if let lab::Event::Log(event) = event { Some(event) } else { None };
        outcome.events.into_iter().filter_map(log).collect()
    }

    fn lab(lines: &[&str]) -> Lab<MemoryStorage> {
        let mut lab = Lab::new(MemoryStorage::new());
        lines.iter().for_each(|line| drop(told(&mut lab, line)));
        lab
    }

    fn names(groups: &[Caused]) -> Vec<&str> {
        groups.iter().map(|group| group.name.as_str()).collect()
    }

    fn all(grouper: &mut Grouper) -> Vec<Caused> {
        let mut groups = grouper.take();
        groups.extend(grouper.take());
        assert!(grouper.is_empty(), "{grouper:?}");
        groups
    }

    #[test]
    fn each_cause_has_its_group() {
        let mut lab =
            lab(&["reopen", "config segment.bytes=220 retention.bytes=300 cleanup.policy=compact,delete"]);
        let (mut grouper, mut expected) = (Grouper::default(), Vec::new());
        for (line, name) in [
            ("append a key=k", "append → 0"),
            ("append b c key=k", "append → 1–2"),
            ("flush", "flush"),
            ("append roll key=k", "append → 3"),
            ("fetch 1 max_bytes=100", "fetch 1 max_bytes=100"),
            ("find 1767225602000", "find 1767225602000"),
            ("append d key=k", "append → 4"),
            ("append e key=k", "append → 5"),
            ("delete-before 2", "delete-before 2"),
            ("compact", "compact"),
            ("retain", "retain"),
            ("append p key=k producer=7 seq=0", "append → 6"),
            ("append p key=k producer=7 seq=0", "append → 6 again"),
        ] {
            let events = told(&mut lab, line);
            assert!(!events.is_empty(), "{line}");
            events.iter().cloned().for_each(|event| grouper.push(event));
            // The cause of a checkpoint is told by what comes before it.
            expected.push(Caused { name: name.to_owned(), events });
        }
        let groups = all(&mut grouper);
        assert_eq!(names(&groups), expected.iter().map(|group| group.name.as_str()).collect::<Vec<_>>());
        let events = |groups: Vec<Caused>| groups.into_iter().map(|group| group.events).collect::<Vec<_>>();
        assert_eq!(events(groups), events(expected));
    }

    #[test]
    fn what_goes_on_side_by_side_is_told_apart() {
        let mut lab = lab(&["append a count=12", "flush"]);
        let one = told(&mut lab, "fetch 1 max_bytes=250");
        let two = told(&mut lab, "fetch 7 max_bytes=300");
        let append = told(&mut lab, "append x count=2");
        let mut grouper = Grouper::default();
        let longest = one.len().max(two.len()).max(append.len());
        for at in 0..longest {
            for events in [&one, &append, &two] {
                events.get(at).cloned().into_iter().for_each(|event| grouper.push(event));
            }
        }
        let groups = all(&mut grouper);
        assert_eq!(
            names(&groups),
            ["fetch 1 max_bytes=250", "append → 12", "fetch 7 max_bytes=300", "append → 13"]
        );
        assert_eq!((&groups[0].events, &groups[2].events), (&one, &two));
    }

    #[test]
    fn a_flush_between_a_batch_and_its_index_entry_leaves_them_together() {
        let mut lab = lab(&["append a count=2"]);
        let append = told(&mut lab, "append b");
        assert!(append.len() >= 2, "{append:?}");
        let mut events = append.clone();
        events.splice(1..1, told(&mut lab, "flush"));
        let mut grouper = Grouper::default();
        events.into_iter().for_each(|event| grouper.push(event));
        let groups = all(&mut grouper);
        assert_eq!(names(&groups), ["append → 2", "flush"]);
        assert_eq!(groups[0].events, append);
    }

    #[test]
    fn what_is_not_whole_waits_once_and_then_goes_on() {
        let mut lab = lab(&["append a count=9", "flush"]);
        let fetch = told(&mut lab, "fetch 0");
        let (first, second) = fetch.split_at(3);
        let mut grouper = Grouper::default();
        first.iter().cloned().for_each(|event| grouper.push(event));
        assert_eq!(grouper.take(), []);
        assert!(!grouper.is_empty());
        assert_eq!(names(&grouper.take()), ["fetch 0 max_bytes=4096"]);
        second.iter().cloned().for_each(|event| grouper.push(event));
        let rest = grouper.take();
        assert_eq!((names(&rest), &rest[0].events[..]), (vec!["fetch 0 max_bytes=4096 …"], second));
        assert_eq!(grouper.open.len(), 0);
    }

    #[test]
    fn too_much_is_not_held_back() {
        let mut grouper = Grouper::default();
        let event = Event::KeysMapped { keys: 1, first_dirty_offset: 0, up_to: 1, end: 1, key_budget: 1 };
        (0..=HELD).for_each(|_| grouper.push(event.clone()));
        assert_eq!(grouper.take().iter().map(|group| group.events.len()).sum::<usize>(), HELD + 1);
        assert!(grouper.is_empty() && grouper.open.len() <= 1);
    }
}
