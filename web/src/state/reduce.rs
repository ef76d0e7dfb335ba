//! How the state changes.

use std::rc::Rc;

use logscope::lab::{Picture, State as LogState, TopicEvent, TopicPicture};

use super::state::has_bytes;
use super::{Action, Ran, Settings, Speed, State, Timeline, Zoom};

impl State {
    /// Folds one action in.
    pub(crate) fn reduce(&mut self, action: Action) {
        match action {
            Action::Loaded(picture, settings) => self.load(picture, settings),
            Action::Named(name) => self.name = name,
            Action::Ran(ran) => self.ran(ran),
            Action::Seek(step) => self.go_to(step),
            Action::Back => self.go_to(self.timeline.cursor().saturating_sub(1)),
            Action::Forward => self.go_to(self.timeline.cursor() + 1),
            Action::Previous => self.go_to(self.timeline.end_of_previous()),
            Action::Next => self.go_to(self.timeline.end_of_next()),
            Action::Play => {
                // From the last step it begins anew.
                if self.timeline.cursor() == self.timeline.len() {
                    self.seek(1);
                }
                self.play(self.timeline.len());
            }
            Action::Watch => {
                let (first, end) = self.timeline.group().map_or((0, 0), |group| (group.first, group.end()));
                self.seek(first + 1);
                self.play(end);
            }
            Action::Pause => self.playing_to = None,
            Action::Tick => self.tick(),
            Action::LookAt(partition) => self.looked_at = Some(partition),
            Action::Select(batch) => {
                (self.selected, self.file, self.open_in) = (batch, None, self.partition());
                if batch.is_some() {
                    self.playing_to = None;
                }
            }
            Action::OpenFile(name) => {
                (self.selected, self.file, self.open_in) = (None, Some(name), self.partition());
                self.playing_to = None;
            }
            Action::Speed(speed) => self.speed = speed,
            Action::Zoom(levels) => self.zoom = self.zoom.closer(levels),
            Action::ZoomToFit => self.zoom = Zoom::default(),
            Action::Fork => {
                self.playing_to = None;
                self.fork();
                self.stand_at_the_end();
            }
            Action::SwitchTo(id) => {
                (self.playing_to, self.notice) = (None, None);
                self.switch_to(id);
                self.stand_at_the_end();
                self.close_lost_detail();
            }
            Action::Dismiss(id) => self.dismiss(id),
            Action::Notice(why) => self.notice = Some(why),
            Action::ColourBy(by) => Rc::make_mut(&mut self.palette).by = by,
            Action::WhatIf(ask) => self.ask_what_if(ask),
            Action::ShowOriginal(shown) => self.shows_original = shown,
            Action::Keeping(keeping) => self.keeping = keeping,
        }
    }

    fn load(&mut self, topic: Rc<TopicPicture>, settings: Settings) {
        topic.partitions().iter().for_each(|picture| self.meet_keys_of(picture));
        self.filled = has_bytes(&topic);
        self.timeline = Timeline::beginning_at(topic, settings.now_ms);
        self.settings = Rc::new(settings);
    }

    /// The keys of a picture that did not come step by step.
    pub(super) fn meet_keys_of(&mut self, picture: &Picture) {
        let batches = picture.log.segments.iter().flat_map(|segment| &segment.batches);
        self.meet(batches.filter_map(|batch| batch.first_key.as_deref()));
    }

    /// The first keys get colours of their own.
    fn meet<'k>(&mut self, keys: impl Iterator<Item = &'k [u8]>) {
        if !self.palette.is_full() {
            let palette = Rc::make_mut(&mut self.palette);
            keys.take_while(|key| {
                palette.meet(key);
                !palette.is_full()
            })
            .for_each(drop);
        }
    }

    fn ran(&mut self, ran: Ran) {
        self.meet(ran.events.iter().filter_map(TopicEvent::of_log).filter_map(super::step::key_of));
        self.settings = Rc::new(ran.settings.clone());
        let follow = ran.follow;
        if follow {
            Rc::make_mut(&mut self.history).push(ran.command.clone());
            (self.playing_to, self.notice) = (None, None);
        }
        self.timeline.push(ran);
        if follow {
            self.stand_at_the_end();
        } else {
            // The only thing that the page runs by itself, and doesn't follow, is a flush.
            self.unflushed = 0;
        }
        self.close_lost_detail();
    }

    /// The cursor is at the last step: what it shows is how the log is now.
    fn stand_at_the_end(&mut self) {
        self.looked_at = None;
        let topic = self.timeline.topic();
        let pending =
            |picture: &Picture| picture.log.log_end_offset.saturating_sub(picture.log.high_watermark);
        let open = topic.partitions().iter().filter(|picture| picture.state == LogState::Open);
        self.unflushed = open.map(|picture| pending(picture)).sum();
        self.filled = has_bytes(topic);
    }

    fn go_to(&mut self, step: usize) {
        self.playing_to = None;
        self.seek(step);
    }

    /// Moves the cursor; the partition that the step is about is looked at.
    fn seek(&mut self, step: usize) {
        self.looked_at = None;
        self.timeline.seek(step);
    }

    /// Plays up to a step.
    fn play(&mut self, to: usize) {
        self.playing_to = Some(to);
        if self.speed == Speed::INSTANT {
            self.go_to(to);
        }
    }

    fn tick(&mut self) {
        let Some(end) = self.playing_to else { return };
        self.seek((self.timeline.cursor() + self.speed.beat().1).min(end));
        if self.timeline.cursor() >= end {
            self.playing_to = None;
        }
    }

    /// A batch that a crash or a reset took has no detail any more.
    fn close_lost_detail(&mut self) {
        if self.selected.is_some() && self.selected_size().is_none() {
            self.selected = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use logscope::lab::{TopicAction, TopicLab, parse_topic_line};
    use logscope::storage::JournalStorage;

    use super::super::BatchId;
    use super::*;

    fn new_lab() -> TopicLab<JournalStorage> {
        TopicLab::new(1, |_| JournalStorage::new())
    }

    /// A state in which the real engine ran these lines.
    fn after(lines: &[&str]) -> State {
        let mut lab = new_lab();
        let mut state = State::default();
        for line in lines {
            run(&mut lab, &mut state, line, true);
        }
        state
    }

    fn run(lab: &mut TopicLab<JournalStorage>, state: &mut State, line: &str, follow: bool) {
        let action = parse_topic_line(line).unwrap().unwrap();
        let outcome = lab.run(&action);
        let fetch = match &action {
            TopicAction::Log { action, .. } => matches!(action, logscope::lab::Action::Fetch { .. }),
            action => matches!(action, TopicAction::Poll { .. }),
        };
        let records = outcome.records.into_iter().map(|(_, record)| record).collect();
        let records = fetch.then_some(records);
        state.reduce(Action::Ran(Ran {
            command: line.into(),
            events: outcome.events,
            records,
            follow,
            ..Ran::default()
        }));
    }

    #[test]
    fn an_action_lands_on_its_last_step_and_can_be_stepped_back() {
        let mut state = after(&["append one", "flush"]);
        assert_eq!(state.timeline.cursor(), state.timeline.len());
        assert_eq!(state.picture().log.high_watermark, 1);
        state.reduce(Action::Back);
        assert_eq!(state.picture().log.high_watermark, 0);
        state.reduce(Action::Forward);
        state.reduce(Action::Forward);
        assert_eq!(state.timeline.cursor(), state.timeline.len());
    }

    /// As the page does it: a command in the past forks first.
    fn fork_and_run(lab: &mut TopicLab<JournalStorage>, state: &mut State, line: &str) {
        state.reduce(Action::Fork);
        *lab = new_lab();
        for command in state.timeline.commands(usize::MAX) {
            lab.run(&parse_topic_line(&command).unwrap().unwrap());
        }
        run(lab, state, line, true);
    }

    #[test]
    fn a_command_in_the_past_forks_and_the_other_branch_is_kept() {
        let (mut lab, mut state) = (new_lab(), State::default());
        for line in ["append one", "append two", "flush"] {
            run(&mut lab, &mut state, line, true);
        }
        let first = state.timeline.groups()[0].end();
        let whole = state.picture().clone();
        state.reduce(Action::Seek(first));
        fork_and_run(&mut lab, &mut state, "append other key=k");
        assert_eq!((state.picture().log.log_end_offset, state.unflushed), (2, 2));
        let [other] = &state.others()[..] else { panic!("{:?}", state.others()) };
        assert_eq!((other.shared, other.beyond), (1, 2));
        assert_eq!(other.first_beyond.as_deref(), Some("append two"));
        assert_eq!(&state.commands_of(other.id).unwrap()[1..], ["append two".into(), "flush".into()]);

        let (old, new) = (other.id, state.branch);
        assert_ne!(old, new);
        state.reduce(Action::SwitchTo(old));
        assert_eq!((state.picture(), state.branch, state.unflushed), (&whole, old, 0));
        assert_eq!(state.others()[0].id, new);
        state.reduce(Action::Dismiss(new));
        assert!(state.others().is_empty());
        state.reduce(Action::SwitchTo(new));
        assert_eq!(state.branch, old, "what was dismissed is gone");
    }

    #[test]
    fn within_its_last_action_nothing_forks() {
        let mut state = after(&["append one", "fetch 0"]);
        state.reduce(Action::Back);
        state.reduce(Action::Fork);
        assert!(state.others().is_empty());
        state.reduce(Action::Seek(0));
        state.reduce(Action::Fork);
        assert_eq!((state.others()[0].shared, state.timeline.len()), (0, 0));
    }

    #[test]
    fn branches_of_branches_are_told_apart() {
        let (mut lab, mut state) = (new_lab(), State::default());
        ["append a", "append b", "append c"].iter().for_each(|line| run(&mut lab, &mut state, line, true));
        for (actions, line) in [(2, "append d"), (1, "append e")] {
            state.reduce(Action::Seek(state.timeline.groups()[actions - 1].end()));
            fork_and_run(&mut lab, &mut state, line);
        }
        let others: Vec<_> =
            state.others().iter().map(|other| (other.id, other.shared, other.beyond)).collect();
        assert_eq!((others, state.branch), (vec![(0, 1, 2), (1, 1, 2)], 2));
    }

    #[test]
    fn at_once_is_a_speed_too() {
        let mut state = after(&["append one", "append two", "fetch 0"]);
        state.reduce(Action::Speed(Speed::INSTANT));
        state.reduce(Action::Seek(1));
        state.reduce(Action::Play);
        assert_eq!((state.timeline.cursor(), state.playing_to), (state.timeline.len(), None));
        state.reduce(Action::Speed(Speed::new(9)));
        state.reduce(Action::Play);
        state.reduce(Action::Tick);
        assert_eq!(state.timeline.cursor(), 1 + Speed::new(9).beat().1);
    }

    #[test]
    fn without_a_fork_a_command_jumps_to_the_end_first() {
        let (mut lab, mut state) = (new_lab(), State::default());
        for line in ["append one", "append two"] {
            run(&mut lab, &mut state, line, true);
        }
        state.reduce(Action::Seek(1));
        run(&mut lab, &mut state, "append three", true);
        assert_eq!(state.picture().log.log_end_offset, 3);
        assert_eq!(state.timeline.cursor(), state.timeline.len());
    }

    #[test]
    fn what_the_page_runs_by_itself_leaves_the_cursor_and_the_history_alone() {
        let (mut lab, mut state) = (new_lab(), State::default());
        run(&mut lab, &mut state, "append one", true);
        state.reduce(Action::Seek(1));
        assert_eq!(state.unflushed, 1);
        run(&mut lab, &mut state, "flush", false);
        assert_eq!((state.timeline.cursor(), state.history.len(), state.unflushed), (1, 1, 0));
    }

    #[test]
    fn a_log_that_is_down_has_nothing_to_flush() {
        let damage = ["flip 00000000000000000000.log 100", "lose checkpoint"];
        let broken = ["append a count=9", "flush", damage[0], damage[1], "crash", "reopen"];
        let state = after(&broken);
        assert!(state.picture().log.log_end_offset > state.picture().log.high_watermark);
        assert_eq!(state.unflushed, 0);
        assert!(state.stuck());
        assert!(!after(&broken[..4]).stuck());
        assert_eq!(after(&["append a", "crash"]).unflushed, 0);
    }

    #[test]
    fn playing_ends_at_the_last_step_and_begins_anew_from_there() {
        let mut state = after(&["append one", "append two"]);
        state.reduce(Action::Play);
        assert_eq!(state.timeline.cursor(), 1);
        let mut ticks = 0;
        while state.playing_to.is_some() {
            state.reduce(Action::Tick);
            ticks += 1;
        }
        assert_eq!(ticks, state.timeline.len() - 1);
        state.reduce(Action::Tick);
        assert_eq!(state.timeline.cursor(), state.timeline.len());
    }

    #[test]
    fn an_early_step_of_a_log_is_not_an_empty_log() {
        assert!(State::default().nothing_yet() && after(&["reopen"]).nothing_yet());
        let mut state = after(&["reopen", "append one"]);
        state.reduce(Action::Seek(0));
        assert!(!state.nothing_yet());
        let mut state = after(&["append one", "reset"]);
        assert!(state.nothing_yet());
        let appended = state.timeline.groups()[0].end();
        state.reduce(Action::Seek(appended));
        assert!(!state.nothing_yet());
    }

    #[test]
    fn watching_plays_the_steps_of_one_action() {
        let mut state = after(&["append one", "flush", "fetch 0"]);
        let group = state.timeline.group().unwrap().clone();
        state.reduce(Action::Watch);
        assert_eq!(state.timeline.cursor(), group.first + 1);
        assert_eq!(state.playing_to, Some(group.end()));
    }

    #[test]
    fn opening_a_detail_pauses_and_a_crash_closes_it() {
        let (mut lab, mut state) = (new_lab(), State::default());
        run(&mut lab, &mut state, "append one", true);
        state.reduce(Action::Play);
        state.reduce(Action::Select(Some(BatchId { segment: 0, position: 0 })));
        assert_eq!(state.playing_to, None);
        state.reduce(Action::Seek(state.timeline.len()));
        assert!(state.selected_size().is_some());
        run(&mut lab, &mut state, "crash", true);
        assert_eq!(state.selected, None);
        state.reduce(Action::OpenFile("checkpoint".into()));
        assert_eq!(state.file.as_deref(), Some("checkpoint"));
        state.reduce(Action::Select(Some(BatchId { segment: 0, position: 0 })));
        assert_eq!(state.file, None, "one detail at a time");
    }

    #[test]
    fn the_table_of_records_fills_as_the_fetch_goes_on() {
        let mut state = after(&["append one", "append two", "flush", "fetch 0"]);
        let all = |state: &State| state.fetched().map(|(_, records)| records);
        assert_eq!(all(&state), Some(2));
        let group = state.timeline.group().unwrap().clone();
        let mut seen = Vec::new();
        for step in group.first + 1..=group.end() {
            state.reduce(Action::Seek(step));
            seen.extend(all(&state));
        }
        assert!(seen.is_sorted() && seen[0] == 0 && seen.contains(&1), "{seen:?}");
        state.reduce(Action::Seek(group.first));
        assert_eq!(all(&state), None);
    }

    #[test]
    fn the_records_of_a_fetch_stay_when_the_log_goes_on() {
        let state = after(&["append one", "flush", "fetch 0", "append two"]);
        assert_eq!(state.fetched().map(|(_, records)| records), Some(1));
    }

    #[test]
    fn the_partition_of_the_step_is_looked_at_until_another_is_chosen() {
        let mut state = after(&["partitions 3", "append a", "append b", "append c", "flush"]);
        assert_eq!((state.partition(), state.unflushed), (2, 0));
        state.reduce(Action::LookAt(1));
        assert_eq!((state.partition(), state.picture().log.log_end_offset), (1, 1));
        state.reduce(Action::Select(Some(BatchId { segment: 0, position: 0 })));
        state.reduce(Action::Back);
        assert_eq!((state.partition(), state.open_in), (1, 1), "the flush of partition 1");
        state.reduce(Action::LookAt(7));
        assert_eq!(state.partition(), 2);
        state.reduce(Action::Seek(0));
        assert_eq!((state.partition(), state.selected_size(), state.several()), (0, None, false));
    }

    #[test]
    fn the_records_of_a_poll_are_those_of_its_partition() {
        let mut state = after(&["partitions 2", "append a", "append b", "flush", "poll c", "poll c"]);
        let (group, records) = state.fetched().unwrap();
        assert_eq!((group.fetched_from(), records), (Some(1), 1));
        let first = group.first;
        state.reduce(Action::Seek(first + 1));
        assert_eq!(state.fetched().unwrap().1, 0, "the fetch has only begun");
        let state = after(&["partitions 2", "append a", "poll c"]);
        assert_eq!(state.fetched().map(|(group, records)| (group.fetched_from(), records)), Some((None, 0)));
        assert_eq!(state.unflushed, 1);
    }

    #[test]
    fn keys_keep_their_colour() {
        let mut state = after(&["append a key=cy", "append b key=user-2", "append c key=cy", "append d"]);
        let colour = |state: &State, key: &[u8]| state.palette.of_key(Some(key));
        let (first, second) = (colour(&state, b"cy"), colour(&state, b"user-2"));
        assert_ne!(first, second, "they ask for the same");
        state.reduce(Action::Seek(1));
        assert_eq!((colour(&state, b"cy"), colour(&state, b"user-2")), (first, second));
        let mut anew = state.anew(state.keeping.clone());
        anew.reduce(Action::Loaded(Rc::clone(state.topic()), Settings::default()));
        assert_eq!(colour(&anew, b"cy"), first);
    }
}
