//! The state itself, and the questions that views ask it.

use std::rc::Rc;

use logscope::lab::{Event, Picture, State as LogState};

use super::branches::Branch;
use super::{Group, Palette, Speed, Timeline, Zoom};

/// A batch of the log, wherever the timeline stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct BatchId {
    /// The segment's base offset.
    pub(crate) segment: u64,
    /// Where the batch begins in the segment's file.
    pub(crate) position: u64,
}

/// Whether the log outlives the page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// What was saved is being read; nothing can be run yet.
    #[default]
    Loading,
    /// All that was flushed is in the browser's database.
    Saved,
    /// A transaction is under way.
    Saving,
    /// Another tab writes the log, this one shows what that has committed; or that tab is closed, with `false`.
    Watching(bool),
    /// It need not: it stands beside the visitor's own log, which is kept.
    Beside,
    /// Nothing outlives the page, for this reason.
    OnlyInMemory(String),
}

/// What goes with the log and is in none of its files.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Settings {
    /// Kafka's config keys, with their values.
    pub(crate) config: Vec<(String, String)>,
    /// The clock, in milliseconds since the Unix epoch.
    pub(crate) now_ms: i64,
}

/// What the page knows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct State {
    /// Every step since the page was loaded.
    pub(crate) timeline: Timeline,
    /// Which colour a key has.
    pub(crate) palette: Rc<Palette>,
    /// The commands that people ran, oldest first.
    pub(crate) history: Rc<Vec<String>>,
    /// The batch whose detail is open.
    pub(crate) selected: Option<BatchId>,
    /// The file whose bytes are open; then no batch is.
    pub(crate) file: Option<Rc<str>>,
    /// Whether the player runs, and up to which step.
    pub(crate) playing_to: Option<usize>,
    /// How fast it runs.
    pub(crate) speed: Speed,
    /// How close the log is looked at.
    pub(crate) zoom: Zoom,
    /// The branches that are kept besides the timeline.
    pub(crate) branches: Rc<Vec<Branch>>,
    /// Which branch the timeline is, and the newest of all.
    pub(crate) branch: u32,
    pub(super) newest: u32,
    /// Why the last command was not run.
    pub(crate) notice: Option<String>,
    /// Whether the log outlives the page.
    pub(crate) keeping: Keeping,
    /// The configuration and the clock as they are now, wherever the timeline stands.
    pub(crate) settings: Rc<Settings>,
    /// Whether the log as it is now, wherever the timeline stands, has any bytes.
    pub(crate) filled: bool,
    /// How many records of the log as it is now, wherever the timeline stands, are not on disk.
    pub(crate) unflushed: u64,
}

impl State {
    /// A state for what is loaded instead: of this one, only how it is looked at stays.
    pub(crate) fn anew(&self, keeping: Keeping) -> Self {
        let Self { zoom, speed, selected, .. } = *self;
        let (file, history) = (self.file.clone(), Rc::clone(&self.history));
        Self { zoom, speed, selected, file, history, keeping, ..Self::default() }
    }

    /// The picture at the cursor.
    pub(crate) fn picture(&self) -> &Rc<Picture> {
        self.timeline.picture()
    }

    /// Whether commands can be run.
    pub(crate) fn ready(&self) -> bool {
        !matches!(self.keeping, Keeping::Loading | Keeping::Watching(_))
    }

    /// Whether there is nothing to see: neither now nor at the cursor.
    pub(crate) fn nothing_yet(&self) -> bool {
        !self.filled && !has_bytes(self.picture())
    }

    /// Whether the last step says that the log cannot be opened.
    pub(crate) fn stuck(&self) -> bool {
        let refused = matches!(self.timeline.event(), Some(Event::Refused { .. }));
        refused && matches!(self.picture().state, LogState::Closed | LogState::Recovering)
    }

    /// The batch whose detail is open has these bytes; `None` if the picture holds no such batch.
    pub(crate) fn selected_size(&self) -> Option<u32> {
        let id = self.selected?;
        let segment = self.picture().log.segment(id.segment)?;
        let at = segment.batches.binary_search_by_key(&id.position, |batch| batch.position).ok()?;
        Some(segment.batches[at].size)
    }

    /// The last fetch up to the cursor, and how many of its records it has returned so far.
    pub(crate) fn fetched(&self) -> Option<(&Group, usize)> {
        let group = self.timeline.last_fetch()?;
        let records = group.records.as_ref()?;
        let fetch = self.picture().fetch.as_ref().filter(|_| group.end() > self.timeline.cursor());
        let Some(fetch) = fetch else { return Some((group, records.len())) };
        let upto = fetch.taken.last().map(|taken| taken.batch.last_offset);
        Some((group, records.partition_point(|record| Some(record.offset) <= upto)))
    }
}

/// Whether there is anything in the log, be it only bytes that are no batch.
pub(super) fn has_bytes(picture: &Picture) -> bool {
    let log = &picture.log;
    log.log_end_offset > 0 || log.segments.iter().any(|segment| segment.size > 0)
}
