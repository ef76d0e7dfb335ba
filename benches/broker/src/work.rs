//! Requests that were put together beforehand, as fast as they are answered.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use logscope_load::{Answer, Client, Target, Timing, drive_locally};

/// Sends its requests in turn until the time is over.
#[derive(Debug)]
struct Prepared {
    requests: Vec<Vec<u8>>,
    next: usize,
    time: Duration,
    end: Option<Instant>,
    /// How large an answer must be, at least.
    least_body: usize,
    answers: u64,
}

impl Client for Prepared {
    fn request(&mut self, request: &mut Vec<u8>) -> bool {
        let now = Instant::now();
        if now >= *self.end.get_or_insert(now + self.time) {
            return false;
        }
        request.extend_from_slice(&self.requests[self.next]);
        self.next = (self.next + 1) % self.requests.len();
        true
    }

    fn answer(&mut self, answer: Answer<'_>) -> Result<(), String> {
        self.answers += 1;
        match answer.body.len() {
            size if size < self.least_body => Err(format!("an answer has {size} bytes only")),
            _ => Ok(()),
        }
    }
}

/// What each connection sends, and how large the answers are at least.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) connections: usize,
    pub(crate) requests: Vec<Vec<u8>>,
    pub(crate) least_body: usize,
}

impl Work {
    /// One request, again and again.
    pub(crate) fn one(connections: u32, request: Vec<u8>) -> Self {
        Self { connections: connections as usize, requests: vec![request], least_body: 1 }
    }

    /// Requests a second.
    pub(crate) fn rate(&self, target: &Target, time: Duration) -> Result<f64> {
        Ok(self.timing(target, time)?.rate())
    }

    /// How long each request took, and all of them.
    pub(crate) fn timing(&self, target: &Target, time: Duration) -> Result<Timing> {
        let client = |number: usize| Prepared {
            requests: self.requests.clone(),
            // Each begins elsewhere.
            next: number * 7 % self.requests.len(),
            time,
            end: None,
            least_body: self.least_body,
            answers: 0,
        };
        let (clients, timing) = drive_locally(target, (0..self.connections).map(client).collect())?;
        ensure!(clients.iter().map(|client| client.answers).sum::<u64>() == timing.latency.count());
        Ok(timing)
    }
}
