//! How bytes become durable, and with that visible.
//!
//! A flush comes in two halves, so that nobody has to hold the writer while a disk works:
//! [`PartitionLog::begin_flush`] notes how far the log goes, and [`Flush::complete`] syncs that far and raises
//! the high watermark. Appends may go on in between. Flushes may be completed in any order, from any thread; the
//! syncs themselves go one after another.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::error::{Error, Result};
use crate::segment::Segment;
use crate::storage::Storage;

use super::event::{Event, FlushCause, Observer};
use super::{PartitionLog, Shared};

/// A flush that has begun. Dropping it does nothing.
#[derive(Debug)]
#[must_use = "nothing is durable before `complete`"]
pub struct Flush<S: Storage, O: Observer = ()> {
    shared: Arc<Shared<S::File, O>>,
    segment: Arc<Segment<S::File>>,
    up_to: u64,
    cause: FlushCause,
    size: u64,
    /// How often the log had been truncated when the flush began.
    truncations: u64,
}

impl<S: Storage, O: Observer> PartitionLog<S, O> {
    /// Begins to make everything appended so far durable. Cheap: it touches no file.
    pub fn begin_flush(&self) -> Flush<S, O> {
        self.begin_flush_because(FlushCause::Requested)
    }

    /// Makes everything appended so far durable and visible, and returns the new high watermark.
    ///
    /// # Errors
    /// [`Error::Io`] if a sync fails. From then on the log is poisoned: what is on disk is
    /// unknown, and appends are refused until it is opened again.
    pub fn flush(&mut self) -> Result<u64> {
        self.flush_because(FlushCause::Requested)
    }

    pub(super) fn flush_because(&mut self, cause: FlushCause) -> Result<u64> {
        self.begin_flush_because(cause).complete()
    }

    fn begin_flush_because(&self, cause: FlushCause) -> Flush<S, O> {
        Flush {
            shared: Arc::clone(&self.shared),
            segment: Arc::clone(&self.active),
            up_to: self.log_end_offset(),
            cause,
            size: self.active.size(),
            truncations: self.shared.truncations.load(Ordering::Acquire),
        }
    }
}

impl<S: Storage, O: Observer> Flush<S, O> {
    /// The high watermark that completing will bring about.
    pub fn up_to(&self) -> u64 {
        self.up_to
    }

    /// Syncs, raises the high watermark, and returns it. Blocks as long as the storage takes.
    ///
    /// # Errors
    /// As [`PartitionLog::flush`].
    pub fn complete(self) -> Result<u64> {
        let shared = &self.shared;
        // A holder that panicked has told nobody how its sync went.
        let _serial = shared.syncing.lock().map_err(|_| Error::Poisoned)?;
        shared.check_poison()?;
        // Older segments were synced when the log rolled, so this one is all there is to do.
        self.segment.sync(self.size).map_err(|error| shared.poison(error))?;
        if shared.truncations.load(Ordering::Acquire) != self.truncations {
            // What this flush was for may have been cut off, and other batches be at its offsets.
            return Ok(shared.high_watermark());
        }
        let from = shared.high_watermark.fetch_max(self.up_to, Ordering::AcqRel);
        let high_watermark = from.max(self.up_to);
        let (segment, bytes, cause) = (self.segment.base_offset(), self.size, self.cause);
        shared.observer.observe(|| Event::Flushed { segment, bytes, from, high_watermark, cause });
        Ok(high_watermark)
    }
}
