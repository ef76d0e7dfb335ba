//! What a partition's log does, for those who watch: the engine's events, numbered, in a buffer of bounded size.
//!
//! Invariants:
//! - A log that nobody watches does not even build its events. It begins with that once the buffer is full of what came
//!   after the last one left: until then, whoever lost the connection can come back and has missed nothing.
//! - Whoever watches gets every event from a number on, in order and without a gap, or is told that there is one: they
//!   were too slow, and the buffer has gone on without them.
//! - No two partitions, nor the same one opened twice, give the same number to different events.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use logscope::log::{Event, Observer};
use tokio::sync::watch;

/// How many events are kept for those who have not read them yet.
const BUFFERED_EVENTS: usize = 4096;

/// The observer of one partition's log. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub(super) struct Events {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// When the log was opened, in microseconds since the Unix epoch.
    start: u64,
    watchers: AtomicUsize,
    /// How many more events are kept although nobody watches.
    lingering: AtomicUsize,
    /// Something happened that was not kept.
    unseen: AtomicBool,
    buffer: Mutex<Buffer>,
    news: watch::Sender<()>,
}

#[derive(Debug)]
struct Buffer {
    /// The number of the event that comes next.
    next: u64,
    events: VecDeque<Arc<Event>>,
    /// The number that was left out when the log's configs changed last; 0 if they never did.
    altered: u64,
    /// The log is closed: no event comes any more.
    over: bool,
}

impl Default for Inner {
    fn default() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            start: u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX),
            watchers: AtomicUsize::new(0),
            lingering: AtomicUsize::new(0),
            unseen: AtomicBool::new(false),
            // So that there is a number before the first.
            buffer: Mutex::new(Buffer { next: 1, events: VecDeque::new(), altered: 0, over: false }),
            news: watch::Sender::new(()),
        }
    }
}

impl Buffer {
    fn first(&self) -> u64 {
        self.next - self.events.len() as u64
    }
}

/// An event's number, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventId {
    start: u64,
    number: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.number)
    }
}

/// A text that is no event's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event's id is two numbers with a hyphen between them")]
pub struct BadEventId;

impl FromStr for EventId {
    type Err = BadEventId;

    fn from_str(text: &str) -> Result<Self, BadEventId> {
        let (start, number) = text.split_once('-').ok_or(BadEventId)?;
        let parse = |digits: &str| digits.parse().map_err(|_| BadEventId);
        Ok(Self { start: parse(start)?, number: parse(number)? })
    }
}

/// Reads a partition's events, one after the other.
#[derive(Debug)]
pub struct EventStream {
    inner: Arc<Inner>,
    next: u64,
    news: watch::Receiver<()>,
}

/// Why a stream of events is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EventsOver {
    /// The buffer has gone on without this reader.
    #[error("more than {BUFFERED_EVENTS} events happened before this client read them: it is too slow")]
    TooSlow,
    /// The log goes by other configs from here on: it is to be looked at anew.
    #[error("the topic's configs were altered")]
    Altered,
    /// The log is closed, because the broker is or the topic was deleted.
    #[error("the log is closed")]
    Closed,
}

impl Observer for Events {
    fn observe(&self, event: impl FnOnce() -> Event) {
        if self.inner.watchers.load(Ordering::Acquire) == 0 && !self.inner.lingers() {
            return;
        }
        let event = Arc::new(event());
        let mut buffer = self.inner.buffer();
        if buffer.events.len() == BUFFERED_EVENTS {
            buffer.events.pop_front();
        }
        buffer.events.push_back(event);
        buffer.next += 1;
        drop(buffer);
        self.inner.news.send_replace(());
    }
}

impl Events {
    /// Begins to watch: after the event of that number if it is known what came since, and otherwise from now on. The
    /// flag tells whether nothing was missed.
    pub(super) fn watch(&self, after: Option<EventId>) -> (EventStream, bool) {
        let inner = Arc::clone(&self.inner);
        let news = inner.news.subscribe();
        let mut buffer = inner.buffer();
        inner.watchers.fetch_add(1, Ordering::AcqRel);
        if inner.unseen.swap(false, Ordering::AcqRel) {
            // A number is left out, so that nobody takes what comes for what follows.
            buffer.events.clear();
            buffer.next += 1;
        }
        let resumed = after.filter(|after| after.start == inner.start);
        let resumed = resumed.and_then(|after| after.number.checked_add(1));
        let resumed = resumed.filter(|next| (buffer.first()..=buffer.next).contains(next));
        let next = resumed.unwrap_or(buffer.next);
        drop(buffer);
        (EventStream { inner, next, news }, resumed.is_some())
    }

    /// Tells those who watch that the log goes by other configs from now on. A number is left out, so that nobody
    /// resumes without having seen them.
    pub(super) fn alter(&self) {
        let mut buffer = self.inner.buffer();
        buffer.events.clear();
        (buffer.altered, buffer.next) = (buffer.next, buffer.next + 1);
        drop(buffer);
        self.inner.news.send_replace(());
    }

    /// Tells those who watch that the log is closed.
    pub(super) fn end(&self) {
        self.inner.buffer().over = true;
        self.inner.news.send_replace(());
    }
}

impl Inner {
    /// Nobody watches: whether the next event is kept all the same.
    fn lingers(&self) -> bool {
        if self.unseen.load(Ordering::Relaxed) {
            return false;
        }
        let one_less = |left: usize| left.checked_sub(1);
        if self.lingering.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
            return true;
        }
        self.unseen.store(true, Ordering::Release);
        self.buffer().events = VecDeque::new();
        false
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventStream {
    /// The number of the event before the next one.
    pub fn last(&self) -> EventId {
        EventId { start: self.inner.start, number: self.next - 1 }
    }

    /// The next event with its number, as soon as there is one. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`EventsOver`].
    pub async fn next(&mut self) -> Result<(EventId, Arc<Event>), EventsOver> {
        loop {
            self.news.mark_unchanged();
            if let Some(event) = self.try_next()? {
                return Ok(event);
            }
            // The sender lives as long as `self`, so this does not fail.
            let _ = self.news.changed().await;
        }
    }

    /// The next event, if it is there already.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn try_next(&mut self) -> Result<Option<(EventId, Arc<Event>)>, EventsOver> {
        let buffer = self.inner.buffer();
        let Some(at) = self.next.checked_sub(buffer.first()) else {
            return Err(if self.next <= buffer.altered { EventsOver::Altered } else { EventsOver::TooSlow });
        };
        match buffer.events.get(at as usize) {
            Some(event) => {
                let event = Arc::clone(event);
                drop(buffer);
                self.next += 1;
                Ok(Some((self.last(), event)))
            }
            None if buffer.over => Err(EventsOver::Closed),
            None => Ok(None),
        }
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        // Before it is known that nobody watches. While somebody does, it means nothing.
        self.inner.lingering.store(BUFFERED_EVENTS, Ordering::Release);
        self.inner.watchers.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn happen(events: &Events, segment: u64) {
        events.observe(|| Event::SegmentCreated { segment });
    }

    #[tokio::test]
    async fn a_watcher_resumes_where_it_stopped_if_nothing_was_missed() {
        let events = Events::default();
        happen(&events, 0);
        let (mut first, whole) = events.watch(None);
        assert!(!whole);
        happen(&events, 1);
        happen(&events, 2);
        let (number, event) = first.next().await.unwrap();
        assert_eq!(*event, Event::SegmentCreated { segment: 1 });
        let (mut second, whole) = events.watch(Some(number));
        assert!(whole);
        assert_eq!(*second.next().await.unwrap().1, Event::SegmentCreated { segment: 2 });
        assert_eq!(second.try_next(), Ok(None));
        drop((first, second));

        let (third, whole) = events.watch(Some(number));
        assert!(whole, "nothing happened since");
        drop(third);
        happen(&events, 3);
        let seen = EventId { number: number.number + 1, ..number };
        let (mut back, whole) = events.watch(Some(seen));
        assert!(whole, "event 3 was kept for who comes back");
        assert_eq!(*back.next().await.unwrap().1, Event::SegmentCreated { segment: 3 });
        drop(back);
        (0..=BUFFERED_EVENTS as u64).for_each(|segment| happen(&events, segment));
        let (mut late, whole) = events.watch(Some(seen));
        assert!(!whole, "the last event was kept for nobody");
        assert_eq!(late.try_next(), Ok(None));
        assert!(!events.watch(Some(EventId { start: 0, ..late.last() })).1, "the log was opened anew");
        assert!(events.watch(Some(late.last())).1);
    }

    #[tokio::test]
    async fn who_is_too_slow_is_told() {
        let events = Events::default();
        let (mut slow, _) = events.watch(None);
        for segment in 0..=BUFFERED_EVENTS as u64 {
            happen(&events, segment);
        }
        assert_eq!(slow.next().await, Err(EventsOver::TooSlow));
    }

    #[tokio::test]
    async fn who_watches_a_log_that_is_closed_gets_the_last_event_and_the_end() {
        let events = Events::default();
        let (mut stream, _) = events.watch(None);
        happen(&events, 7);
        events.end();
        assert_eq!(*stream.next().await.unwrap().1, Event::SegmentCreated { segment: 7 });
        assert_eq!(stream.next().await, Err(EventsOver::Closed));
    }

    #[tokio::test]
    async fn who_watches_a_log_that_is_altered_is_told_and_cannot_resume_across() {
        let events = Events::default();
        let (mut stream, _) = events.watch(None);
        happen(&events, 1);
        let (before, _) = stream.next().await.unwrap();
        events.alter();
        happen(&events, 2);
        assert_eq!(stream.next().await, Err(EventsOver::Altered));
        assert!(!events.watch(Some(before)).1, "the configs came between");
        let (mut anew, _) = events.watch(None);
        happen(&events, 3);
        assert_eq!(*anew.next().await.unwrap().1, Event::SegmentCreated { segment: 3 });
    }

    #[test]
    fn ids_read_back() {
        let id = EventId { start: 17, number: u64::MAX };
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in ["", "1", "1-", "-1", "1-2-3", "a-1", "1 -2", "99999999999999999999-1"] {
            assert_eq!(bad.parse::<EventId>(), Err(BadEventId), "{bad}");
        }
    }
}
