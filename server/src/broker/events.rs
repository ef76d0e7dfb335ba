//! What a partition's log does, for those who watch: the engine's events, numbered, in a buffer of bounded size.
//!
//! Invariants:
//! - While nobody watches, an event costs one load and is not even built.
//! - Whoever watches gets every event from a number on, in order and without a gap, or is told that there is one: they
//!   were too slow, and the buffer has gone on without them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use logscope::log::{Event, Observer};
use tokio::sync::watch;

/// How many events are kept for those who have not read them yet.
const BUFFERED_EVENTS: usize = 4096;

/// The observer of one partition's log. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub(super) struct Events {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    watchers: AtomicUsize,
    /// Something happened while nobody watched.
    unseen: AtomicBool,
    buffer: Mutex<Buffer>,
    news: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Buffer {
    /// The number of the event that comes next.
    next: u64,
    events: VecDeque<Arc<Event>>,
}

impl Buffer {
    fn first(&self) -> u64 {
        self.next - self.events.len() as u64
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
#[error("more than {BUFFERED_EVENTS} events happened before this client read them: it is too slow")]
pub struct TooSlow;

impl Observer for Events {
    fn observe(&self, event: impl FnOnce() -> Event) {
        if self.inner.watchers.load(Ordering::Acquire) == 0 {
            if !self.inner.unseen.load(Ordering::Relaxed) {
                self.inner.unseen.store(true, Ordering::Release);
            }
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
    pub(super) fn watch(&self, after: Option<u64>) -> (EventStream, bool) {
        let inner = Arc::clone(&self.inner);
        let news = inner.news.subscribe();
        let mut buffer = inner.buffer();
        inner.watchers.fetch_add(1, Ordering::AcqRel);
        if inner.unseen.swap(false, Ordering::AcqRel) {
            // A number is left out, so that nobody takes what comes for what follows.
            buffer.events.clear();
            buffer.next += 1;
        }
        let resumed = after.and_then(|after| after.checked_add(1));
        let resumed = resumed.filter(|next| (buffer.first()..=buffer.next).contains(next));
        let next = resumed.unwrap_or(buffer.next);
        drop(buffer);
        (EventStream { inner, next, news }, resumed.is_some())
    }
}

impl Inner {
    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventStream {
    /// The number of the event before the next one.
    pub fn last(&self) -> Option<u64> {
        self.next.checked_sub(1)
    }

    /// The next event with its number, as soon as there is one. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`TooSlow`]; then the stream is over.
    pub async fn next(&mut self) -> Result<(u64, Arc<Event>), TooSlow> {
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
    pub fn try_next(&mut self) -> Result<Option<(u64, Arc<Event>)>, TooSlow> {
        let buffer = self.inner.buffer();
        let at = self.next.checked_sub(buffer.first()).ok_or(TooSlow)?;
        let Some(event) = buffer.events.get(at as usize) else { return Ok(None) };
        self.next += 1;
        Ok(Some((self.next - 1, Arc::clone(event))))
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
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
        let (mut late, whole) = events.watch(Some(number + 1));
        assert!(!whole, "event 3 was seen by nobody");
        assert_eq!(late.try_next(), Ok(None));
    }

    #[tokio::test]
    async fn who_is_too_slow_is_told() {
        let events = Events::default();
        let (mut slow, _) = events.watch(None);
        for segment in 0..=BUFFERED_EVENTS as u64 {
            happen(&events, segment);
        }
        assert_eq!(slow.next().await, Err(TooSlow));
    }
}
