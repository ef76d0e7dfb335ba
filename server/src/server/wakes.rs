//! A connection that wakes itself is polled again at once.
//!
//! Each request with a body makes its connection wake itself twice: the HTTP library hands the body to its reader, who runs
//! in the same task, through a channel. The runtime takes a task that wakes itself for one that gives way to others: it
//! goes to the end of the queue, and another thread is woken to look whether there is something to steal. With few
//! connections that thread's waking costs more than the request.
//!
//! Invariant: no wake is lost, and after [`TURNS`] polls in a row the others get their turn all the same.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// A request needs two; a connection that has many in a row is to hold nobody up.
const TURNS: usize = 4;

/// Nobody polls: a wake is the task's.
const IDLE: u8 = 0;
/// Somebody polls: a wake is noted.
const POLLED: u8 = 1;
/// A wake was noted.
const WOKEN: u8 = 2;

/// A future whose wakes of itself go past the runtime.
#[derive(Debug)]
pub(super) struct AtOnce<F> {
    future: F,
    own: Arc<Own>,
    waker: Waker,
}

#[derive(Debug)]
struct Own {
    state: AtomicU8,
    task: Waker,
}

impl<F> AtOnce<F> {
    pub(super) fn new(future: F) -> Self {
        let own = Own::of(Waker::noop());
        Self { future, waker: Waker::from(Arc::clone(&own)), own }
    }

    pub(super) fn get_mut(&mut self) -> &mut F {
        &mut self.future
    }
}

impl Own {
    fn of(task: &Waker) -> Arc<Self> {
        Arc::new(Self { state: AtomicU8::new(IDLE), task: task.clone() })
    }
}

impl Wake for Own {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let noted = self
            .state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| (state != IDLE).then_some(WOKEN));
        if noted.is_err() {
            self.task.wake_by_ref();
        }
    }
}

impl<F: Future + Unpin> Future for AtOnce<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { future, own, waker } = &mut *self;
        // As a rule the task stays the same, so that nothing is written here. After a change, what the future waits for
        // hears of the new waker, as it does with any future, and none but that one has to be woken.
        if !own.task.will_wake(context.waker()) {
            *own = Own::of(context.waker());
            *waker = Waker::from(Arc::clone(own));
        }
        let mut inner = Context::from_waker(waker);
        for _ in 0..TURNS {
            own.state.store(POLLED, Ordering::Release);
            if let Poll::Ready(output) = Pin::new(&mut *future).poll(&mut inner) {
                return Poll::Ready(output);
            }
            if own.state.swap(IDLE, Ordering::AcqRel) == POLLED {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::AtomicUsize;

    use futures_util::task::AtomicWaker;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Polls once a future that wakes itself `wakes` times. How often it was polled, and its task woken.
    fn polled(wakes: usize) -> (usize, usize) {
        let (count, polls, seen) = (Arc::new(Count::default()), AtomicUsize::new(0), AtomicWaker::new());
        let mut future = AtOnce::new(poll_fn(|context: &mut Context<'_>| {
            seen.register(context.waker());
            if polls.fetch_add(1, Ordering::Relaxed) < wakes {
                context.waker().wake_by_ref();
            }
            Poll::<()>::Pending
        }));
        let task = Waker::from(Arc::clone(&count));
        assert!(Pin::new(&mut future).poll(&mut Context::from_waker(&task)).is_pending());
        let woken = count.0.load(Ordering::Relaxed);
        seen.wake();
        assert_eq!(count.0.load(Ordering::Relaxed), woken + 1, "a wake from outside is the task's");
        (polls.load(Ordering::Relaxed), woken)
    }

    #[test]
    fn who_wakes_itself_is_polled_at_once_and_the_task_is_not_woken() {
        for wakes in 0..TURNS {
            assert_eq!(polled(wakes), (wakes + 1, 0));
        }
    }

    #[test]
    fn a_wake_is_that_of_the_task_that_polled_last() {
        let seen = AtomicWaker::new();
        let mut future = AtOnce::new(poll_fn(|context: &mut Context<'_>| {
            seen.register(context.waker());
            Poll::<()>::Pending
        }));
        let tasks = [Arc::new(Count::default()), Arc::new(Count::default())];
        for task in &tasks {
            let waker = Waker::from(Arc::clone(task));
            assert!(Pin::new(&mut future).poll(&mut Context::from_waker(&waker)).is_pending());
        }
        seen.wake();
        assert_eq!(tasks.map(|task| task.0.load(Ordering::Relaxed)), [0, 1]);
    }

    #[test]
    fn who_wakes_itself_for_ever_gives_way() {
        assert_eq!(polled(usize::MAX), (TURNS, 1));
    }
}
