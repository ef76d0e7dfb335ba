//! The state itself, and the questions that views ask it.

use std::rc::Rc;

use logscope::lab::{Event, Picture, State as LogState, TopicEvent, TopicPicture};

use super::archive::TOPIC;
use super::branches::Branch;
use super::what_if::WhatIf;
use super::{Group, Palette, Speed, Timeline, TopicSettings, Zoom};

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
    /// All that was flushed is in the browser's database, or on its way.
    Saved,
    /// A transaction is under way. A state never says so: `App::keeping` does.
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
    /// What a topic has besides its logs.
    pub(crate) topic: TopicSettings,
}

/// What the page knows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct State {
    /// The topic's name; empty for the page's own.
    pub(super) name: Rc<str>,
    /// Every step since the page was loaded.
    pub(crate) timeline: Timeline,
    /// The colours of batches, and what they stand for.
    pub(crate) palette: Rc<Palette>,
    /// The commands that people ran, oldest first.
    pub(crate) history: Rc<Vec<String>>,
    /// The partition that a visitor chose to look at; otherwise it is the one that the step is about.
    pub(super) looked_at: Option<u32>,
    /// The batch whose detail is open.
    pub(crate) selected: Option<BatchId>,
    /// The file whose bytes are open; then no batch is.
    pub(crate) file: Option<Rc<str>>,
    /// The partition that the open batch or file is of.
    pub(crate) open_in: u32,
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
    /// The panel that asks what if, while it is open.
    pub(crate) what_if: Option<WhatIf>,
    /// Whether what the original fetch would miss is shown.
    pub(crate) shows_original: bool,
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
        let palette = Rc::new(Palette::new(self.palette.by));
        let (file, history) = (self.file.clone(), Rc::clone(&self.history));
        Self { zoom, speed, selected, palette, file, history, keeping, ..Self::default() }
    }

    /// The partition that is looked at.
    pub(crate) fn partition(&self) -> u32 {
        let last = self.topic().partitions().len() as u32 - 1;
        self.looked_at.unwrap_or(self.topic().focus()).min(last)
    }

    /// The picture of that partition at the cursor.
    pub(crate) fn picture(&self) -> &Rc<Picture> {
        self.topic().partition(self.partition())
    }

    /// The picture of the whole topic at the cursor.
    pub(crate) fn topic(&self) -> &Rc<TopicPicture> {
        self.timeline.topic()
    }

    /// The name of a partition, as its directory has it, if there are several.
    pub(crate) fn place(&self, partition: u32) -> Option<String> {
        let name = if self.name.is_empty() { TOPIC } else { &*self.name };
        self.several().then(|| format!("{name}-{partition}"))
    }

    /// Whether the topic has more than one partition at the cursor.
    pub(crate) fn several(&self) -> bool {
        self.topic().partitions().len() > 1
    }

    /// Whether commands can be run.
    pub(crate) fn ready(&self) -> bool {
        !matches!(self.keeping, Keeping::Loading | Keeping::Watching(_))
    }

    /// Whether there is nothing to see: neither now nor at the cursor.
    pub(crate) fn nothing_yet(&self) -> bool {
        !self.filled && !self.several() && !has_bytes(self.topic())
    }

    /// Whether the last step says that the log cannot be opened, for damage and not because of its disk.
    pub(crate) fn stuck(&self) -> bool {
        let faults = |event: &TopicEvent| {
            matches!(event.of_log(), Some(Event::DiskFull { .. } | Event::SyncFailed { .. }))
        };
        if self.timeline.group().is_some_and(|group| group.events.iter().any(faults)) {
            return false;
        }
        let event = self.timeline.event().and_then(TopicEvent::of_log);
        let refused = matches!(event, Some(Event::Refused { .. }));
        refused && matches!(self.picture().state, LogState::Closed | LogState::Recovering)
    }

    /// The batch whose detail is open has these bytes; `None` if the picture holds no such batch.
    pub(crate) fn selected_size(&self) -> Option<u32> {
        let id = self.selected?;
        let segment = self.topic().partitions().get(self.open_in as usize)?.log.segment(id.segment)?;
        let at = segment.batches.binary_search_by_key(&id.position, |batch| batch.position).ok()?;
        Some(segment.batches[at].size)
    }

    /// The last fetch up to the cursor, and how many of its records it has returned so far.
    pub(crate) fn fetched(&self) -> Option<(&Group, usize)> {
        let group = self.timeline.last_fetch()?;
        let records = group.records.as_ref()?;
        let picture = self.topic().partition(group.fetched_from().unwrap_or(0));
        let fetch = picture.fetch.as_ref().filter(|_| group.end() > self.timeline.cursor());
        let Some(fetch) = fetch else { return Some((group, records.len())) };
        let upto = fetch.taken.last().map(|taken| taken.batch.last_offset);
        Some((group, records.partition_point(|record| Some(record.offset) <= upto)))
    }
}

/// Whether there is anything in a log, be it only bytes that are no batch.
pub(super) fn has_bytes(topic: &TopicPicture) -> bool {
    topic
        .partitions()
        .iter()
        .map(|picture| &picture.log)
        .any(|log| log.log_end_offset > 0 || log.segments.iter().any(|segment| segment.size > 0))
}
