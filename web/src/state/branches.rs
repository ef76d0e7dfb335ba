//! Branches: what happened otherwise. An action in the past forks the timeline, and the other branch is kept.
//!
//! Invariant: a kept branch shares its first actions with the timeline that goes on, and has its own from there. The
//! engine's files are those of the timeline that goes on; of the others there is what was run, and what it did.

use std::rc::Rc;

use super::{Settings, State, Timeline};

/// A branch that is not the one that goes on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Branch {
    /// Which it is, counted from 1 on.
    pub(crate) id: u32,
    pub(crate) timeline: Timeline,
    pub(crate) settings: Rc<Settings>,
}

/// How a kept branch stands to the one that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Other {
    pub(crate) id: u32,
    /// How many actions the two have in common, and the last of them.
    pub(crate) shared: usize,
    pub(crate) last_shared: Option<Rc<str>>,
    /// How many the branch has beyond, and the first of them.
    pub(crate) beyond: usize,
    pub(crate) first_beyond: Option<Rc<str>>,
}

impl State {
    /// The kept branches, as they stand to the one that goes on.
    pub(crate) fn others(&self) -> Vec<Other> {
        let other = |branch: &Branch| {
            let (shared, groups) = (self.timeline.shared(&branch.timeline), branch.timeline.groups());
            let command = |at: usize| groups.get(at).map(|group| Rc::clone(&group.command));
            Other {
                id: branch.id,
                shared,
                last_shared: shared.checked_sub(1).and_then(command),
                beyond: groups.len() - shared,
                first_beyond: command(shared),
            }
        };
        self.branches.iter().map(other).collect()
    }

    /// The commands of a branch.
    pub(crate) fn commands_of(&self, id: u32) -> Option<Vec<Rc<str>>> {
        let branch = self.branches.iter().find(|branch| branch.id == id)?;
        Some(branch.timeline.commands(branch.timeline.groups().len()))
    }

    /// Keeps what comes after the action at the cursor as a branch, and goes on without it.
    pub(super) fn fork(&mut self) {
        let done = self.timeline.done();
        if done == self.timeline.groups().len() {
            return;
        }
        let kept =
            Branch { id: self.branch, timeline: self.timeline.clone(), settings: self.settings.clone() };
        Rc::make_mut(&mut self.branches).push(kept);
        self.timeline.truncate(done);
        self.branch = self.newest + 1;
        self.newest = self.branch;
    }

    /// Makes a kept branch the one that goes on, and keeps the other in its place.
    pub(super) fn switch_to(&mut self, id: u32) {
        let branches = Rc::make_mut(&mut self.branches);
        let Some(branch) = branches.iter_mut().find(|branch| branch.id == id) else { return };
        std::mem::swap(&mut branch.timeline, &mut self.timeline);
        std::mem::swap(&mut branch.settings, &mut self.settings);
        std::mem::swap(&mut branch.id, &mut self.branch);
        self.timeline.seek(usize::MAX);
    }

    /// Forgets a kept branch.
    pub(super) fn dismiss(&mut self, id: u32) {
        Rc::make_mut(&mut self.branches).retain(|branch| branch.id != id);
    }
}
