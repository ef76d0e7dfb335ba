//! A timeline to which steps come by themselves: it is followed, or stood still in, and never grows without end.
//!
//! Following is playing to a step that is never reached.

use std::rc::Rc;

use logscope::lab::Picture;

use super::loaded;
use crate::state::State;

/// So many steps are kept; of older ones only what they add up to.
pub(crate) const KEPT: usize = 20_000;
/// So many more may come before the oldest are folded into the start, and while somebody looks at the past.
pub(crate) const UNSEEN: usize = 10_000;

impl State {
    /// Whether new steps are shown as they come.
    pub(crate) fn is_following(&self) -> bool {
        self.playing_to == Some(usize::MAX)
    }

    /// Goes to the last step, and along with those that come.
    pub(crate) fn follow(&mut self) {
        self.playing_to = Some(usize::MAX);
        self.keep_up();
    }

    /// Shows the steps that have come, if they are followed, and folds the oldest into the start.
    pub(crate) fn keep_up(&mut self) {
        if !self.is_following() {
            return;
        }
        self.timeline.seek(usize::MAX);
        let len = self.timeline.len();
        if len > KEPT + UNSEEN {
            let oldest = self.timeline.groups().partition_point(|group| group.end() <= len - KEPT);
            let mut start = self.timeline.clone();
            start.seek(start.end_of(oldest));
            self.timeline = self.timeline.over(Rc::clone(start.topic()), oldest);
        }
    }

    /// The same steps over a start of which more has been read.
    pub(crate) fn begin_at(&mut self, start: Picture) {
        self.meet_keys_of(&start);
        self.timeline = self.timeline.over(Rc::new(Rc::new(start).into()), 0);
    }

    /// The picture at the last step, wherever the cursor stands.
    pub(crate) fn newest_picture(&self) -> Rc<Picture> {
        let mut timeline = self.timeline.clone();
        timeline.seek(usize::MAX);
        Rc::clone(timeline.topic().partition(0))
    }

    /// What of the log was not read when the timeline began.
    pub(crate) fn unread(&self) -> loaded::Unread {
        loaded::unread(self.timeline.start().partition(0))
    }
}

#[cfg(test)]
mod tests {
    use logscope::lab::{Lab, parse_line};
    use logscope::storage::MemoryStorage;

    use super::*;
    use crate::state::{Action, Ran, Settings};

    fn state() -> (Lab<MemoryStorage>, State) {
        let (mut lab, mut state) = (Lab::new(MemoryStorage::new()), State::default());
        let mut picture = Picture::default();
        lab.run(&parse_line("reopen").unwrap().unwrap()).events.iter().for_each(|event| picture.apply(event));
        state.reduce(Action::Loaded(Rc::new(Rc::new(picture).into()), Settings::default()));
        (lab, state)
    }

    fn come(lab: &mut Lab<MemoryStorage>, state: &mut State, line: &str) {
        let events = lab.run(&parse_line(line).unwrap().unwrap()).events;
        state.reduce(Action::Ran(Ran {
            command: line.to_owned(),
            events: events.into_iter().map(Into::into).collect(),
            ..Ran::default()
        }));
        state.keep_up();
    }

    #[test]
    fn who_follows_sees_what_comes_and_who_stands_still_does_not() {
        let (mut lab, mut state) = state();
        state.follow();
        come(&mut lab, &mut state, "append a");
        assert_eq!((state.picture().log.log_end_offset, state.is_following()), (1, true));
        state.reduce(Action::Pause);
        come(&mut lab, &mut state, "append b");
        assert_eq!((state.picture().log.log_end_offset, state.is_following()), (1, false));
        assert!(state.timeline.cursor() < state.timeline.len());
        state.follow();
        assert_eq!(state.picture().log.log_end_offset, 2);
        state.reduce(Action::Back);
        assert!(!state.is_following());
    }

    #[test]
    fn the_oldest_steps_are_folded_into_the_start() {
        let (mut lab, mut state) = state();
        let mut whole = state.clone();
        state.follow();
        whole.follow();
        for _ in 0..4 {
            let action = parse_line("append a key=k count=5000").unwrap().unwrap();
            let events = lab.run(&action).events;
            for group in events.chunks(10) {
                let ran = Ran {
                    command: "append".into(),
                    events: group.iter().cloned().map(Into::into).collect(),
                    ..Ran::default()
                };
                state.reduce(Action::Ran(ran.clone()));
                state.keep_up();
                whole.reduce(Action::Ran(ran));
            }
        }
        let (len, all) = (state.timeline.len(), whole.timeline.len());
        assert!((KEPT..=KEPT + UNSEEN).contains(&len) && all > len, "{len} of {all} steps");
        whole.timeline.seek(usize::MAX);
        assert_eq!(state.picture(), whole.picture());
        for back in [1, 255, 300, len / 2, len] {
            state.reduce(Action::Seek(len - back));
            whole.timeline.seek(all - back);
            assert_eq!(state.picture(), whole.picture(), "{back} steps before the last");
        }
    }

    #[test]
    fn what_is_read_later_was_there_from_the_start() {
        let (mut lab, mut state) = state();
        come(&mut lab, &mut state, "append a key=new count=20");
        let start = state.newest_picture();
        let mut empty = Picture::clone(&start);
        empty.log.segments.iter_mut().for_each(|segment| {
            let shell = logscope::lab::SegmentPicture { batches: Default::default(), ..(**segment).clone() };
            *segment = std::sync::Arc::new(shell);
        });
        let mut state = State::default();
        state.reduce(Action::Loaded(Rc::new(Rc::new(empty).into()), Settings::default()));
        assert!(state.unread().segments > 0);
        come(&mut lab, &mut state, "append b");
        come(&mut lab, &mut state, "append c");
        state.reduce(Action::Back);
        let cursor = state.timeline.cursor();
        state.begin_at(Picture::clone(&start));
        assert_eq!((state.timeline.cursor(), state.unread().segments), (cursor, 0));
        state.reduce(Action::Seek(usize::MAX));
        let ends: Vec<_> = state.picture().log.segments.iter().map(|s| s.batches.len()).collect();
        assert_eq!(ends.iter().sum::<usize>(), 22, "{ends:?}");
    }
}
