//! Large answers of batches as they stand in the log, read piece by piece while they are sent: what is sent was just read,
//! and is in the processor's cache still.
//!
//! Invariants:
//! - Each piece is a fetch: its batches are checked as those of any other, and the offsets go on without a gap.
//! - A stream gives as many bytes as it said, up to the offset that it said, or fails. It fails where retention or
//!   compaction overtook it, or where a batch turns out to be damaged.

use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use logscope::log::{Bookmark, Extent};
use logscope::record::HEADER_SIZE;
use logscope::{Fetched, FsStorage, Storage};

use super::data_dir::TopicPartition;
use super::error::BrokerError;
use super::partition::{FetchRequest, Partition, Reader};
use super::rooms::Shelf;
use super::{Broker, FETCH_MAX_BYTES, Offsets, Result, blocking};

/// How much is read at a time: as little as that its reading costs little beside its bytes.
const PIECE: u64 = 128 << 10;
/// The memory of a piece, with the header that is read behind it.
pub(super) const PIECE_ROOM: usize = PIECE as usize + HEADER_SIZE;
/// A piece that took longer was not in memory: the next one is read where waiting for a disk holds nobody up.
const FROM_DISK: Duration = Duration::from_millis(1);

/// Batches on their way out.
#[derive(Debug)]
pub struct Pieces {
    broker: Broker,
    partition: Arc<Partition>,
    extent: Extent,
    offset: u64,
    left: u64,
    bookmark: Bookmark<<FsStorage as Storage>::File>,
    pub(super) from_disk: bool,
}

impl Broker {
    /// A large fetch that need not wait, piece by piece. `None` for all others: those are one read.
    pub fn pieces(&self, of: &TopicPartition, request: &FetchRequest) -> Option<Pieces> {
        let max_bytes = request.max_bytes.min(FETCH_MAX_BYTES);
        if max_bytes <= PIECE {
            return None;
        }
        let partition = self.partition(of).ok()?;
        let extent = partition.reader().extent(request.offset, max_bytes)?;
        let least = request.min_bytes.min(max_bytes / 2).max(PIECE);
        let (offset, left) = (request.offset, extent.size);
        let (broker, bookmark) = (self.clone(), Bookmark::default());
        (left > least).then_some(Pieces {
            broker,
            partition,
            extent,
            offset,
            left,
            bookmark,
            from_disk: false,
        })
    }
}

impl Pieces {
    /// What they are together.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// How far their log goes.
    pub fn offsets(&self) -> Offsets {
        self.partition.offsets()
    }

    /// Where the next one begins.
    pub fn next_offset(&self) -> u64 {
        self.offset
    }

    /// Whether all were given.
    pub fn is_over(&self) -> bool {
        self.left == 0
    }

    /// The next piece; `None` once all were given.
    ///
    /// # Errors
    /// As those of a fetch, and if the log was cut so that these bytes are not there any more.
    pub async fn next(&mut self) -> Result<Option<Fetched>> {
        if self.left == 0 {
            return Ok(None);
        }
        let (offset, max_bytes) = (self.offset, self.left.min(PIECE));
        let reader = self.partition.reader();
        let mut room = self.broker.inner.rooms.take(Shelf::Pieces);
        room.reserve_exact(PIECE_ROOM);
        let mut bookmark = mem::take(&mut self.bookmark);
        let read = move |reader: &Reader| {
            let begin = Instant::now();
            let fetched = reader.fetch_on(offset, max_bytes, room, &mut bookmark)?;
            Ok((fetched, bookmark, begin.elapsed() > FROM_DISK))
        };
        let (fetched, bookmark, from_disk) = if self.from_disk {
            let reader = reader.clone();
            blocking(move || read(&reader)).await?
        } else {
            read(reader)?
        };
        let size = fetched.batches.len() as u64;
        // A log that was compacted in between may have as many bytes, of other records.
        let amiss = size == self.left && fetched.next_offset != self.extent.next_offset;
        if size == 0 || size > self.left || amiss {
            return Err(BrokerError::internal(format_args!(
                "{} changed under a fetch",
                self.partition.name()
            )));
        }
        self.partition.sent(size);
        self.offset = fetched.next_offset;
        self.left -= size;
        (self.bookmark, self.from_disk) = (bookmark, from_disk);
        Ok(Some(fetched))
    }
}
