//! One timer a connection, for all the heads that it waits for.
//!
//! The HTTP library asks for a timer at every request: how long the next head may take. To set one and to take it back
//! means to lock what all threads share. Here it stays set, and where it fires before its time it is set once more.
//!
//! Invariant: a sleep ends at its deadline or later, never before; whoever was the last to poll one is woken.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt;
use tokio::time::{self, sleep_until};

/// Makes the sleeps of one connection, of which one at a time is waited for.
#[derive(Debug, Clone, Default)]
pub(super) struct OneTimer(Arc<Mutex<Option<Pin<Box<time::Sleep>>>>>);

impl rt::Timer for OneTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Sleep { deadline: deadline.into(), timer: self.clone() })
    }

    fn now(&self) -> Instant {
        time::Instant::now().into()
    }
}

#[derive(Debug)]
struct Sleep {
    deadline: time::Instant,
    timer: OneTimer,
}

impl rt::Sleep for Sleep {}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut timer = self.timer.0.lock().unwrap_or_else(PoisonError::into_inner);
        let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(self.deadline)));
        if timer.deadline() > self.deadline {
            timer.as_mut().reset(self.deadline);
        }
        while timer.as_mut().poll(context).is_ready() {
            if timer.deadline() >= self.deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(self.deadline);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use hyper::rt::Timer;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_sleep_ends_at_its_own_deadline() {
        let (timer, begun) = (OneTimer::default(), time::Instant::now());
        let until = |seconds| timer.sleep_until((begun + Duration::from_secs(seconds)).into());
        // Each of the first two sets the timer to a time that is not the next one's, and is let go of.
        for (before, seconds) in [(5, 60), (300, 250)] {
            let mut nobody = Context::from_waker(Waker::noop());
            assert!(until(before).as_mut().poll(&mut nobody).is_pending());
            until(seconds).await;
            assert_eq!(begun.elapsed(), Duration::from_secs(seconds), "after one until {before} s");
        }
        until(100).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(250), "it is over already");
    }
}
