//! One partition, fetched from an offset on by a thread of its own.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

use logscope::topic::TopicName;
use logscope_server::broker::MAX_WAIT;

use crate::cli::client::{Client, ClientError, Fetched};

/// Pauses between attempts to reach a broker that is gone: the first, and the longest.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(100);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The broker's code for a fetch from where the log is not.
const OFFSET_OUT_OF_RANGE: u32 = 41601;
/// What a reader needs: there may be as many of them as a topic has partitions.
pub(super) const STACK_SIZE: usize = 512 << 10;

/// What came of a partition, or why nothing more comes.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) partition: u32,
    pub(super) fetched: Result<Fetched, ClientError>,
}

/// Where a reader begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Earliest,
    Latest,
    Offset(u64),
}

/// Whether the broker is gone; all readers tell of it together.
#[derive(Debug, Default)]
pub(super) struct Outage(AtomicBool);

#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub(super) client: Arc<Client>,
    pub(super) outage: Arc<Outage>,
    pub(super) topic: TopicName,
    pub(super) partition: u32,
    pub(super) from: From,
    pub(super) max_bytes: u64,
    pub(super) follow: bool,
}

impl Outage {
    fn begins(&self, message: &str) {
        if !self.0.swap(true, Ordering::Relaxed) {
            eprintln!("logscope: {message}; trying again until it is back");
        }
    }

    fn ends(&self) {
        if self.0.swap(false, Ordering::Relaxed) {
            eprintln!("logscope: the broker is back");
        }
    }

    /// Asks until there is an answer, if the broker is worth waiting for.
    pub(super) fn outlast<T>(
        &self,
        patient: bool,
        mut ask: impl FnMut() -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let mut pause = FIRST_PAUSE;
        loop {
            match ask() {
                Err(ClientError::Unavailable(message)) if patient => {
                    self.begins(&message);
                    thread::sleep(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                answered => {
                    self.ends();
                    return answered;
                }
            }
        }
    }
}

impl Reader {
    /// Reads in the background until the end, an error, or the receiver's own end.
    pub(super) fn start(self, chunks: SyncSender<Chunk>) -> io::Result<()> {
        let thread = thread::Builder::new().stack_size(STACK_SIZE);
        thread.spawn(move || self.run(&chunks)).map(drop)
    }

    fn run(mut self, chunks: &SyncSender<Chunk>) {
        let partition = self.partition;
        let mut end = None;
        loop {
            let fetched = self.outage.outlast(self.follow, || self.fetch());
            if let Err(ClientError::Refused { code: OFFSET_OUT_OF_RANGE, .. }) = &fetched
                && self.catch_up()
            {
                continue;
            }
            let going_on = match &fetched {
                Err(_) => None,
                Ok(fetched) => {
                    self.from = From::Offset(fetched.next_offset);
                    let end = *end.get_or_insert(fetched.high_watermark);
                    Some(self.follow || fetched.next_offset < end)
                }
            };
            if chunks.send(Chunk { partition, fetched }).is_err() || going_on != Some(true) {
                return;
            }
        }
    }

    /// Goes on at the log start, if retention has overtaken a reader that follows; what it has missed, it says.
    fn catch_up(&mut self) -> bool {
        let From::Offset(offset) = self.from else { return false };
        let partition = self.partition;
        let topic = self.outage.outlast(self.follow, || self.client.topic(&self.topic));
        let found = topic.ok().and_then(|topic| topic.partitions.get(partition as usize)?.log_start_offset);
        let Some(start) = found.filter(|start| self.follow && *start > offset) else { return false };
        eprintln!(
            "logscope: partition {partition}: the records from offset {offset} up to {start} are not in the log any \
             more; going on at {start}"
        );
        self.from = From::Offset(start);
        true
    }

    fn fetch(&self) -> Result<Fetched, ClientError> {
        // A place that is no number yet becomes one without waiting: what comes meanwhile is not passed over then.
        let (from, may_wait) = match self.from {
            From::Earliest => ("earliest".to_owned(), false),
            From::Latest => ("latest".to_owned(), false),
            From::Offset(offset) => (offset.to_string(), self.follow),
        };
        let max_wait = if may_wait { MAX_WAIT } else { Duration::ZERO };
        self.client.fetch(&self.topic, self.partition, &from, self.max_bytes, max_wait)
    }
}
