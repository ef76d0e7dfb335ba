//! Every step since the page was loaded, grouped under the commands that caused them, and a cursor.
//!
//! Invariants:
//! - `topic` is the fold of the first `cursor` events, from `start` on.
//! - A group has at least one step, and the groups together are all steps in order.
//! - Checkpoints stand at multiples of `interval`, and never are more than [`CHECKPOINTS`]: going anywhere
//!   folds fewer than `interval` events, and memory stays bounded by thinning them out.

use std::rc::Rc;

use logscope::lab::{Event, FetchedRecord, TopicEvent, TopicPicture};
use logscope::log::Event as LogEvent;

use super::Ran;

/// The most checkpoints that are kept. They share what is the same in them.
const CHECKPOINTS: usize = 256;
/// How many steps lie between checkpoints at first.
const INTERVAL: usize = 256;

/// The steps of one command.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    /// The command as it would be typed.
    pub(crate) command: Rc<str>,
    /// How many steps came before it.
    pub(crate) first: usize,
    /// Its steps.
    pub(crate) events: Rc<[TopicEvent]>,
    /// The records of a fetch or a poll.
    pub(crate) records: Option<Rc<[FetchedRecord]>>,
    /// The clock after it.
    pub(crate) now_ms: i64,
}

impl Group {
    /// The cursor at its last step.
    pub(crate) fn end(&self) -> usize {
        self.first + self.events.len()
    }

    /// The partition that it fetched from.
    pub(crate) fn fetched_from(&self) -> Option<u32> {
        self.events.iter().find_map(|event| match event {
            TopicEvent::Log { partition, event: Event::Log(LogEvent::FetchStarted { .. }) } => {
                Some(*partition)
            }
            _ => None,
        })
    }
}

/// The steps and the cursor; see the [module](self). A clone shares the steps.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    /// What was there before the first step.
    start: Rc<TopicPicture>,
    /// The clock before the first step.
    start_ms: i64,
    groups: Vec<Group>,
    cursor: usize,
    topic: Rc<TopicPicture>,
    checkpoints: Vec<Rc<TopicPicture>>,
    interval: usize,
}

impl Default for Timeline {
    fn default() -> Self {
        Self::beginning_at(Rc::default(), 0)
    }
}

/// Views ask at every change whether theirs has changed. Steps are only ever added, so their number tells.
impl PartialEq for Timeline {
    fn eq(&self, other: &Self) -> bool {
        self.cursor == other.cursor
            && self.groups.len() == other.groups.len()
            && self.len() == other.len()
            && Rc::ptr_eq(&self.topic, &other.topic)
    }
}

impl Timeline {
    /// No steps yet, over what was there before.
    pub(crate) fn beginning_at(start: Rc<TopicPicture>, start_ms: i64) -> Self {
        let (groups, checkpoints) = (Vec::new(), Vec::new());
        Self { topic: Rc::clone(&start), start, start_ms, groups, cursor: 0, checkpoints, interval: INTERVAL }
    }

    /// The clock at the cursor: after the command that it stands in.
    pub(crate) fn clock(&self) -> i64 {
        self.group().map_or(self.start_ms, |group| group.now_ms)
    }

    /// How many steps there are.
    pub(crate) fn len(&self) -> usize {
        self.groups.last().map_or(0, Group::end)
    }

    /// How many steps the pictures hold.
    pub(crate) fn cursor(&self) -> usize {
        self.cursor
    }

    /// The picture of the topic at the cursor.
    pub(crate) fn topic(&self) -> &Rc<TopicPicture> {
        &self.topic
    }

    /// The step at the cursor: the last one that the pictures hold.
    pub(crate) fn event(&self) -> Option<&TopicEvent> {
        self.step(self.cursor.checked_sub(1)?)
    }

    fn step(&self, at: usize) -> Option<&TopicEvent> {
        let group = self.group_of(at)?;
        group.events.get(at - group.first)
    }

    fn group_of(&self, step: usize) -> Option<&Group> {
        self.groups.get(self.groups.partition_point(|group| group.end() <= step))
    }

    /// The group of the step at the cursor.
    pub(crate) fn group(&self) -> Option<&Group> {
        self.group_of(self.cursor.checked_sub(1)?)
    }

    /// All groups, in order.
    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The last fetch that has begun at the cursor.
    pub(crate) fn last_fetch(&self) -> Option<&Group> {
        let begun = self.groups.partition_point(|group| group.first < self.cursor);
        self.groups[..begun].iter().rev().find(|group| group.records.is_some())
    }

    /// Gives a fetch its records, which came beside its steps: the newest of so many groups that has none and fits.
    /// Tells whether there is one.
    pub(crate) fn give_records(
        &mut self,
        records: &Rc<[FetchedRecord]>,
        among: usize,
        fits: impl Fn(&Group) -> bool,
    ) -> bool {
        let newest = self.groups.iter_mut().rev().take(among);
        let group = newest.into_iter().find(|group| group.records.is_none() && fits(group));
        group.map(|group| group.records = Some(Rc::clone(records))).is_some()
    }

    /// How many actions have begun at the cursor. An action is done as a whole, or not at all.
    pub(crate) fn done(&self) -> usize {
        self.groups.partition_point(|group| group.first < self.cursor)
    }

    /// Whether actions come after the one at the cursor.
    pub(crate) fn is_past(&self) -> bool {
        self.done() < self.groups.len()
    }

    /// The last step of the action before the one at the cursor.
    pub(crate) fn end_of_previous(&self) -> usize {
        let before = self.groups.partition_point(|group| group.end() < self.cursor);
        before.checked_sub(1).map_or(0, |at| self.groups[at].end())
    }

    /// The last step of the action at the cursor, or, if that is where it stands, of the next one.
    pub(crate) fn end_of_next(&self) -> usize {
        self.group_of(self.cursor).map_or(self.len(), Group::end)
    }

    /// The last step of the first so many actions.
    pub(crate) fn end_of(&self, actions: usize) -> usize {
        actions.checked_sub(1).and_then(|at| self.groups.get(at)).map_or(0, Group::end)
    }

    /// The first so many commands.
    pub(crate) fn commands(&self, count: usize) -> Vec<Rc<str>> {
        self.groups.iter().take(count).map(|group| Rc::clone(&group.command)).collect()
    }

    /// How many actions two timelines have in common: the very same, not only such that look alike.
    pub(crate) fn shared(&self, other: &Self) -> usize {
        let same = |(a, b): &(&Group, &Group)| Rc::ptr_eq(&a.events, &b.events);
        self.groups.iter().zip(&other.groups).take_while(same).count()
    }

    /// Leaves the first so many actions, and goes to the last step of them.
    pub(crate) fn truncate(&mut self, actions: usize) {
        self.seek(self.groups.get(actions).map_or(self.len(), |next| next.first));
        self.groups.truncate(actions);
        self.checkpoints.truncate(self.len() / self.interval);
    }

    /// What was there before the first step.
    pub(crate) fn start(&self) -> &Rc<TopicPicture> {
        &self.start
    }

    /// The same steps over another start, without those of the first so many actions. The cursor stays at its step.
    pub(crate) fn over(&self, start: Rc<TopicPicture>, forgotten: usize) -> Self {
        let (cut, clock) =
            (self.end_of(forgotten), forgotten.checked_sub(1).and_then(|at| self.groups.get(at)));
        let mut other = Self::beginning_at(start, clock.map_or(self.start_ms, |group| group.now_ms));
        let kept = self.groups.iter().skip(forgotten);
        other.groups = kept.map(|group| Group { first: group.first - cut, ..group.clone() }).collect();
        other.seek(self.cursor.saturating_sub(cut));
        other
    }

    /// Adds what a command did. The cursor follows to the last step if it is asked to.
    pub(crate) fn push(&mut self, ran: Ran) {
        if ran.events.is_empty() {
            return;
        }
        let (first, records) = (self.len(), ran.records.map(Into::into));
        let (command, events, now_ms) = (ran.command.into(), ran.events.into(), ran.settings.now_ms);
        self.groups.push(Group { command, first, events, records, now_ms });
        if ran.follow {
            self.seek(self.len());
        }
    }

    /// Goes to the picture after `step` steps, or to the last.
    pub(crate) fn seek(&mut self, step: usize) {
        let step = step.min(self.len());
        let checkpoint = step / self.interval;
        let nearest = checkpoint.min(self.checkpoints.len());
        let from = nearest * self.interval;
        if step < self.cursor || from > self.cursor {
            self.topic = match nearest.checked_sub(1) {
                Some(at) => Rc::clone(&self.checkpoints[at]),
                None => Rc::clone(&self.start),
            };
            self.cursor = from;
        }
        while self.cursor < step {
            self.fold_group(step);
        }
    }

    /// Folds the steps of the group at the cursor, but none beyond `step`.
    fn fold_group(&mut self, step: usize) {
        let Some(group) = self.group_of(self.cursor) else { return };
        let (events, from) = (Rc::clone(&group.events), self.cursor - group.first);
        for event in events.iter().skip(from).take(step - self.cursor) {
            Rc::make_mut(&mut self.topic).apply(event);
            self.cursor += 1;
            if self.cursor == (self.checkpoints.len() + 1) * self.interval {
                self.checkpoints.push(Rc::clone(&self.topic));
                self.thin_out();
            }
        }
    }

    /// Keeps every other checkpoint once there are too many.
    fn thin_out(&mut self) {
        while self.checkpoints.len() > CHECKPOINTS {
            let mut at = 0;
            self.checkpoints.retain(|_| {
                at += 1;
                at % 2 == 0
            });
            self.interval *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use logscope::lab::{TopicLab, parse_topic_scenario};
    use logscope::storage::MemoryStorage;

    use super::*;

    fn timeline(scenario: &str) -> Timeline {
        let mut lab = TopicLab::new(1, |_| MemoryStorage::new());
        let mut timeline = Timeline::default();
        for (_, action) in parse_topic_scenario(scenario).unwrap() {
            let events = lab.run(&action).events;
            timeline.push(Ran { command: action.to_string(), events, follow: true, ..Ran::default() });
        }
        timeline
    }

    fn fold(timeline: &Timeline, steps: usize) -> TopicPicture {
        let mut picture = TopicPicture::default();
        (0..steps).filter_map(|at| timeline.step(at)).for_each(|event| picture.apply(event));
        picture
    }

    #[test]
    fn wherever_it_goes_the_picture_is_the_fold() {
        let scenario = "append a key=k count=200\npartitions 3\nappend b count=90\nflush\nfetch 7 max_bytes=900\npoll c\ncommit c\n\
             crash\nreopen\npoll c\nappend b count=40\nreset\nappend c\npartitions 2";
        let mut timeline = timeline(scenario);
        let len = timeline.len();
        assert!(len > 2 * INTERVAL, "{len} steps use no checkpoint");
        for step in
            [0, 1, len, len - 1, INTERVAL, INTERVAL - 1, INTERVAL + 1, 2 * INTERVAL, 5, len / 2, 0, len]
        {
            timeline.seek(step);
            assert_eq!(timeline.cursor(), step);
            assert_eq!(**timeline.topic(), fold(&timeline, step), "at step {step}");
        }
    }

    #[test]
    fn many_steps_keep_few_checkpoints() {
        let mut timeline = timeline("append a count=10000\nappend a count=10000\nappend a count=10000");
        assert!(timeline.checkpoints.len() <= CHECKPOINTS);
        assert!(timeline.interval > INTERVAL);
        for step in [9_999, 3, timeline.interval, timeline.interval * 3 + 1] {
            timeline.seek(step);
            assert_eq!(**timeline.topic(), fold(&timeline, step), "at step {step}");
        }
    }

    #[test]
    fn steps_stand_under_their_command() {
        let mut timeline = timeline("append a\nflush\nfetch 0");
        let commands: Vec<_> = (1..=timeline.len())
            .map(|step| {
                timeline.seek(step);
                timeline.group().unwrap().command.to_string()
            })
            .collect();
        assert_eq!(commands[0], "append a");
        assert_eq!(commands.last().unwrap(), "fetch 0 max_bytes=4096");
        assert!(commands.contains(&"flush".to_owned()));
        timeline.seek(0);
        assert_eq!(timeline.group(), None);
        assert_eq!(timeline.event(), None);
    }

    #[test]
    fn the_cursor_goes_from_action_to_action() {
        let mut timeline = timeline("append a\nflush\nfetch 0");
        let ends: Vec<_> = timeline.groups.iter().map(Group::end).collect();
        timeline.seek(0);
        let mut there = Vec::new();
        while timeline.cursor() < timeline.len() {
            timeline.seek(timeline.end_of_next());
            there.push(timeline.cursor());
        }
        assert_eq!((&there, timeline.end_of_next()), (&ends, timeline.len()));
        timeline.seek(ends[2] - 1);
        assert_eq!((timeline.end_of_previous(), timeline.done(), timeline.is_past()), (ends[1], 3, false));
        timeline.seek(ends[1]);
        assert_eq!((timeline.end_of_previous(), timeline.done(), timeline.is_past()), (ends[0], 2, true));
        timeline.seek(ends[0]);
        assert_eq!(timeline.end_of_previous(), 0);
    }

    #[test]
    fn what_is_cut_off_a_timeline_is_gone_and_the_rest_folds_as_before() {
        let whole = timeline("append a key=k count=300\nflush\nappend b count=300\nflush");
        for actions in 0..=4 {
            let mut cut = whole.clone();
            cut.seek(7);
            cut.truncate(actions);
            assert_eq!((cut.groups.len(), cut.cursor(), cut.shared(&whole)), (actions, cut.len(), actions));
            for step in [cut.len(), cut.len() / 2, 0, cut.len()] {
                cut.seek(step);
                assert_eq!(**cut.topic(), fold(&whole, step), "{actions} actions, step {step}");
            }
        }
        let again = timeline("append a key=k count=300\nflush");
        assert_eq!(again.shared(&whole), 0, "it only looks alike");
    }

    #[test]
    fn a_command_without_steps_leaves_no_group() {
        let mut timeline = timeline("append a");
        let before = timeline.groups.len();
        timeline.push(Ran { command: "# nothing".into(), follow: true, ..Ran::default() });
        assert_eq!(timeline.groups.len(), before);
    }
}
