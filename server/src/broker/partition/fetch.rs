//! Fetches, and waiting for records that are not there yet.

use std::sync::Arc;
use std::time::Duration;

use logscope::{Fetched, StoppedBy, Storage};

use super::Partition;
use crate::broker::Result;
use crate::broker::error::BrokerError;
use crate::broker::rooms::{Rooms, Shelf};
use crate::broker::waiting::Patience;

/// Up to this many bytes, a fetch reads where it is asked: that is quicker than asking another thread. Larger
/// ones, which may well meet a cold disk, go to the threads that may block.
const INLINE_FETCH_BYTES: u64 = 64 << 10;

/// Where to fetch from, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchRequest {
    /// The first offset that is wanted.
    pub offset: u64,
    /// The most bytes of batches; a first batch that is larger comes all the same.
    pub max_bytes: u64,
    /// How many bytes of batches are worth an answer before `max_wait` is over.
    pub min_bytes: u64,
    /// How long to wait for `min_bytes`.
    pub max_wait: Duration,
}

/// What a fetch found, and the log's limits just after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchAnswer {
    /// The batches, in the bytes that they are stored in.
    pub fetched: Fetched,
    /// The first offset in the log.
    pub log_start_offset: u64,
    /// The offset below which records can be fetched.
    pub high_watermark: u64,
}

impl<S: Storage + 'static> Partition<S> {
    /// Fetches, and waits for records as long as there are too few and `patience` lasts.
    pub(in crate::broker) async fn fetch(
        self: &Arc<Self>,
        request: &FetchRequest,
        mut patience: Patience<'_>,
        rooms: &Rooms,
    ) -> Result<FetchAnswer> {
        if request.max_wait.is_zero() {
            return self.read(request, rooms).await;
        }
        let mut progress = self.progress.subscribe();
        loop {
            progress.mark_unchanged();
            let answer = self.read(request, rooms).await?;
            let over = is_enough(&answer, request) || self.is_closed();
            if over || !patience.wait_for(progress.changed()).await? {
                return Ok(answer);
            }
        }
    }

    async fn read(&self, request: &FetchRequest, rooms: &Rooms) -> Result<FetchAnswer> {
        let (offset, max_bytes) = (request.offset, request.max_bytes);
        let fetched = if max_bytes <= INLINE_FETCH_BYTES {
            self.reader.fetch(offset, max_bytes)?
        } else {
            let (reader, room) = (self.reader.clone(), rooms.take(Shelf::of(max_bytes as usize)));
            let read = tokio::task::spawn_blocking(move || reader.fetch_into(offset, max_bytes, room));
            let fetched = read.await.map_err(BrokerError::internal)??;
            Fetched { batches: rooms.leave_if_few(fetched.batches), ..fetched }
        };
        self.sent(fetched.batches.len() as u64);
        let log_start_offset = self.reader.log_start_offset();
        Ok(FetchAnswer { fetched, log_start_offset, high_watermark: self.reader.high_watermark() })
    }

    /// Counts bytes of batches that a fetch returns.
    pub(in crate::broker) fn sent(&self, bytes: u64) {
        self.topic_metrics.bytes_out.inc_by(bytes);
    }
}

fn is_enough(answer: &FetchAnswer, request: &FetchRequest) -> bool {
    answer.fetched.batches.len() as u64 >= request.min_bytes
        || answer.fetched.stopped_by == StoppedBy::MaxBytes
}
