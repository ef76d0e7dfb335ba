//! What the events of a topic add up to: the picture of each partition, and how far the consumers have come.

use std::rc::Rc;

use super::super::{Event, LogPicture, Picture};
use super::{ConsumersPicture, TopicEvent};

/// A topic's picture. A clone is cheap: it shares the pictures of its partitions, and a step copies no other partition
/// than its own.
///
/// Invariants:
/// - There is always a partition.
/// - Only one partition, if any, shows what a step is about: a step in one ends what is shown in the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPicture {
    partitions: Vec<Rc<Picture>>,
    /// How far each consumer has come.
    pub consumers: Rc<ConsumersPicture>,
    focus: u32,
}

impl Default for TopicPicture {
    fn default() -> Self {
        Self { partitions: vec![Rc::default()], consumers: Rc::default(), focus: 0 }
    }
}

impl From<Rc<Picture>> for TopicPicture {
    fn from(picture: Rc<Picture>) -> Self {
        Self { partitions: vec![picture], ..Self::default() }
    }
}

impl TopicPicture {
    /// A topic whose logs are closed, with what their files hold; see [`Picture::closed`].
    pub fn closed(logs: impl IntoIterator<Item = LogPicture>, consumers: ConsumersPicture) -> Self {
        let partitions: Vec<_> = logs.into_iter().map(|log| Rc::new(Picture::closed(log))).collect();
        let consumers = Rc::new(consumers);
        if partitions.is_empty() {
            return Self { consumers, ..Self::default() };
        }
        Self { partitions, consumers, focus: 0 }
    }

    /// The picture of each partition; at least one.
    pub fn partitions(&self) -> &[Rc<Picture>] {
        &self.partitions
    }

    /// The picture of a partition; of the last if there is none of this number.
    pub fn partition(&self, number: u32) -> &Rc<Picture> {
        &self.partitions[(number as usize).min(self.partitions.len() - 1)]
    }

    /// The partition that the last step was about, or else the last one that a step was about.
    pub fn focus(&self) -> u32 {
        self.focus
    }

    /// Folds one event in.
    pub fn apply(&mut self, event: &TopicEvent) {
        let about = event.partition();
        self.rest(about.filter(|_| !event.routes()));
        self.focus = about.unwrap_or(self.focus);
        match event {
            TopicEvent::Log { event, .. } if event.is_for_all() => {
                self.partitions.iter_mut().for_each(|picture| Rc::make_mut(picture).apply(event));
            }
            TopicEvent::Log { partition, event } => {
                if *event == Event::Reset {
                    self.partitions.truncate(1);
                }
                let number = *partition as usize;
                self.add_up_to(number + 1);
                Rc::make_mut(&mut self.partitions[number]).apply(event);
            }
            TopicEvent::PartitionsAdded { to, .. } => self.add_up_to(*to as usize),
            _ => {}
        }
        self.focus = self.focus.min(self.partitions.len() as u32 - 1);
        if ConsumersPicture::is_changed_by(event) {
            Rc::make_mut(&mut self.consumers).apply(event);
        }
    }

    fn add_up_to(&mut self, count: usize) {
        while self.partitions.len() < count {
            self.partitions.push(Rc::default());
        }
    }

    /// Ends what a step before was about, save in one partition.
    fn rest(&mut self, but: Option<u32>) {
        for (number, picture) in (0..).zip(&mut self.partitions) {
            if Some(number) != but && !picture.is_at_rest() {
                Rc::make_mut(picture).rest();
            }
        }
    }
}
