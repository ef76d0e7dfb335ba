//! Links to what is seen, files to save, and files to open.

use std::rc::Rc;

use logscope::lab::TopicAction as Command;

use crate::app::App;
use crate::engine::Saved;
use crate::state::Action;
use crate::state::archive::{self, TOPIC, Topic};
use crate::state::beside::{Dialog, Guest, Sharing, lines};
use crate::state::share::{Link, MAX_LINK, Mistake, Opened, check};
use crate::{browser, exchange, text};

impl App {
    pub(super) fn sharing(&self) -> Sharing {
        let told = self.told_exactly();
        let commands = told.as_ref().map(|(commands, _)| lines(commands));
        Sharing { commands, ..Sharing::new(self.link(told)) }
    }

    /// The commands that lead to the files that are seen, and their steps; `None` if none are known that do.
    fn told_exactly(&self) -> Option<(Vec<Command>, usize)> {
        let commands = check(&self.told().join("\n")).ok()?;
        let steps = self.engine.told_by(&commands)?;
        Some((commands, steps))
    }

    /// The link to what is seen.
    ///
    /// # Errors
    /// Why there is none.
    fn link(&self, told: Option<(Vec<Command>, usize)>) -> Result<String, String> {
        let nothing = self.aside.shown.guest.is_none() && self.state.nothing_yet();
        let (commands, steps) = told.ok_or(if nothing { text::NOTHING_TO_LINK } else { text::NO_LINK })?;
        let timeline = &self.state.timeline;
        let after = timeline.len() - timeline.cursor();
        let course = self.aside.shown.course();
        let given = course.map_or(0, |_| self.aside.given.min(commands.len()));
        let link = Link {
            lesson: course.map(|course| course.name.clone()),
            scenario: lines(&commands[given..]).trim_end().to_owned(),
            step: (after > 0).then(|| steps.saturating_sub(after)),
            partition: self.partition_to_link(),
            colours: Some(self.state.palette.by)
                .filter(|colours| *colours != course.map(|course| course.lesson.colours).unwrap_or_default()),
            open: match (self.state.selected, &self.state.file) {
                (Some(id), _) => Some(Opened::Batch(id)),
                (_, Some(name)) => Some(Opened::File(name.to_string())),
                _ => None,
            },
            at: self.position_to_link(),
        };
        let hash = link.hash().map_err(|size| {
            format!("A link would have {size} characters, and {MAX_LINK} are the most. {}", text::AS_FILE)
        })?;
        Ok(browser::address_with(&hash))
    }

    /// The partition that a link has to name: the step, or what is open, would not lead to it by itself.
    fn partition_to_link(&self) -> Option<u32> {
        let state = &self.state;
        let open = state.selected.is_some() || state.file.is_some();
        let partition = if open { state.open_in } else { state.partition() };
        (partition != state.topic().focus()).then_some(partition)
    }

    pub(super) fn save_all(&mut self) {
        let name = match &self.aside.shown.guest {
            Some(Guest::Files { name, .. }) if !name.is_empty() => Some(name.as_str()),
            _ => None,
        };
        let topic = name.map_or(TOPIC, |name| archive::numbered(name).map_or(name, |(topic, _)| topic));
        let count = self.engine.partitions();
        let directory = |number: u32| match name.filter(|_| count == 1) {
            Some(name) => name.to_owned(),
            None => format!("{topic}-{number}"),
        };
        let all: Vec<_> = (0..count).map(|number| (directory(number), self.engine.files(number))).collect();
        let zip = if count == 1 { directory(0) } else { topic.to_owned() };
        // It fails only for names that no zip takes, and no file of a log has such a name.
        if let Ok(bytes) = archive::zip(&all, &self.engine.settings()) {
            exchange::save(&format!("{zip}.zip"), &bytes);
        }
    }

    pub(super) fn open_files(&mut self, files: Result<Vec<archive::Named>, String>) {
        let files = match files {
            Ok(files) => files,
            Err(reason) => return self.refuse(Mistake::of(reason)),
        };
        if let [(name, bytes)] = files.as_slice()
            && name.ends_with(".txt")
        {
            return match std::str::from_utf8(bytes) {
                Ok(text) => self.run_beside(&Link { scenario: text.to_owned(), ..Link::default() }, true),
                Err(_) => self.refuse(Mistake::of(format!("{name} is no text (UTF-8), and so no scenario"))),
            };
        }
        match archive::open(files) {
            Err(reason) => self.refuse(Mistake::of(reason)),
            Ok(mut found) if found.topics.len() == 1 => {
                let topic = found.topics.remove(0);
                self.show_files(topic, found.remarks);
            }
            Ok(found) => {
                let choice = Rc::new(found.topics);
                let sharing = Sharing { choice, ..self.sharing() };
                self.show(|shown| shown.dialog = Some(Dialog::Share(sharing)));
            }
        }
    }

    pub(super) fn show_files(&mut self, topic: Topic, mut remarks: Vec<String>) {
        let settings = topic.settings();
        remarks.push(text::clock_begins(settings.now_ms));
        let files = topic.partitions.into_iter().map(|partition| partition.files).collect();
        let saved = Saved::of_partitions(files, settings);
        let name: Rc<str> = archive::numbered(&topic.name).map_or(&*topic.name, |(topic, _)| topic).into();
        self.show_guest(Guest::Files { name: topic.name, remarks }, saved, &[]);
        self.reduce(Action::Named(name));
        browser::set_hash("");
    }
}
