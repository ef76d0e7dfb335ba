//! Fetches that wait for records: how long, and how many of them at once.

use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::Result;
use super::error::BrokerError;

/// How long a fetch waits: to its deadline, or until the broker begins to close; and how many may.
#[derive(Debug)]
pub(super) struct Patience<'a> {
    wait: Duration,
    /// Known once something is waited for: most fetches wait for nothing.
    deadline: Option<Instant>,
    closing: &'a watch::Sender<bool>,
    places: &'a Waiting,
    place: Option<Place<'a>>,
}

/// The fetches that wait.
#[derive(Debug)]
pub(super) struct Waiting {
    limit: usize,
    gauge: Gauge,
}

#[derive(Debug)]
struct Place<'a>(&'a Waiting);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.gauge.dec();
    }
}

impl Waiting {
    pub(super) fn new(limit: usize, gauge: Gauge) -> Self {
        Self { limit, gauge }
    }

    fn enter(&self) -> Result<Place<'_>> {
        let place = Place(self);
        if self.gauge.inc() >= i64::try_from(self.limit).unwrap_or(i64::MAX) {
            return Err(BrokerError::TooManyWaiting(self.limit));
        }
        Ok(place)
    }
}

impl<'a> Patience<'a> {
    pub(super) fn new(wait: Duration, closing: &'a watch::Sender<bool>, places: &'a Waiting) -> Self {
        Self { wait, deadline: None, closing, places, place: None }
    }

    /// Waits for `event`. False if it is time to give up.
    ///
    /// # Errors
    /// [`BrokerError::TooManyWaiting`].
    pub(super) async fn wait_for<E>(
        &mut self,
        event: impl Future<Output = std::result::Result<(), E>>,
    ) -> Result<bool> {
        if self.place.is_none() {
            self.place = Some(self.places.enter()?);
        }
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + self.wait);
        let mut closing = self.closing.subscribe();
        Ok(tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing) => false,
            happened = timeout_at(deadline, event) => matches!(happened, Ok(Ok(()))),
        })
    }
}
