//! How what is known of idempotent producers survives a restart.
//!
//! A snapshot `<offset>.snapshot` holds the state as of that offset. One is written when a segment is closed, as
//! of the next one's base offset, and one when the log is closed, as of its end. An opening begins with the newest
//! one that it can use and reads the headers of the batches behind it. Without any, it reads them all: snapshots
//! save time and hold nothing that is not in the log.
//!
//! Source: Kafka's `ProducerStateManager`.

use std::io;

use crate::error::Result;
use crate::record::BatchHeader;
use crate::segment::{SNAPSHOT_SUFFIX, Segment, file_name, parse_file_name};
use crate::storage::{File, Storage, read_up_to};

use super::PartitionLog;
use super::event::{Event, Observer};
use super::producers::ProducerState;
use super::recovery::{TEMPORARY, walk};

impl<S: Storage, O: Observer> PartitionLog<S, O> {
    /// Writes the state as of the log end offset, durably but for the name.
    pub(super) fn write_snapshot(&mut self) -> Result<()> {
        let offset = self.log_end_offset();
        write_snapshot(&*self.storage, &self.shared.observer, offset, &self.producers)?;
        Ok(())
    }

    /// After the log was cut: removes the snapshots of what is gone, and begins with what is left. As an opening
    /// does, it counts what lies below the log start and is there still.
    pub(super) fn rebuild_producers(&mut self) -> Result<()> {
        let end = self.log_end_offset();
        let mut snapshots = Vec::new();
        for name in self.storage.list()? {
            let Some(offset) = parse_file_name(&name, SNAPSHOT_SUFFIX) else { continue };
            if offset <= end {
                snapshots.push(offset);
            } else {
                self.storage.remove(&name)?;
                self.shared.observer.observe(|| Event::OrphanRemoved { name: name.clone() });
            }
        }
        let (mut state, from) = latest_snapshot(&*self.storage, &snapshots, end)?.unwrap_or_default();
        let segments = self.shared.segments();
        replay(&mut state, segments.iter().map(|segment| &**segment), from, end)?;
        self.producers = state;
        Ok(())
    }
}

/// Writes the state as of an offset, durably but for the name.
///
/// There may be one already, as of the base offset of an active segment that is empty still. Segments that came before
/// may be gone, and half a snapshot knows nothing of them: so the new one is written beside it.
pub(super) fn write_snapshot<S: Storage, O: Observer>(
    storage: &S,
    observer: &O,
    offset: u64,
    state: &ProducerState,
) -> io::Result<()> {
    let (name, snapshot) = (file_name(offset, SNAPSHOT_SUFFIX), state.encode());
    let beside = format!("{name}{TEMPORARY}");
    let file = storage.open(&beside)?;
    file.truncate(0)?;
    let written = file.write_at(0, &snapshot).and_then(|()| file.sync());
    written.and_then(|()| storage.rename(&beside, &name)).inspect_err(|_| {
        // It may stand in the way of those who need the room.
        let _ = storage.remove(&beside);
    })?;
    let (producers, bytes) = (state.len(), snapshot.len() as u64);
    observer.observe(|| Event::SnapshotWritten { offset, producers, bytes });
    Ok(())
}

/// The newest snapshot at or below `offset` that can be read, and its offset. `offsets` are those there are.
pub(super) fn latest_snapshot<S: Storage>(
    storage: &S,
    offsets: &[u64],
    offset: u64,
) -> Result<Option<(ProducerState, u64)>> {
    let mut end = offset.saturating_add(1);
    // Mostly the first can be read.
    while let Some(at) = offsets.iter().copied().filter(|at| *at < end).max() {
        end = at;
        let file = storage.open(&file_name(at, SNAPSHOT_SUFFIX))?;
        let mut bytes = Vec::new();
        read_up_to(&file, 0, usize::try_from(file.len()?).unwrap_or(usize::MAX), &mut bytes)?;
        if let Ok(state) = ProducerState::decode(&bytes) {
            return Ok(Some((state, at)));
        }
    }
    Ok(None)
}

/// Takes in the batches from offset `from` up to `to`.
pub(super) fn replay<'s, F: File + 's>(
    state: &mut ProducerState,
    segments: impl Iterator<Item = &'s Segment<F>>,
    from: u64,
    to: u64,
) -> Result<()> {
    // A log that was closed in good order has a snapshot as of its end, and nothing behind it.
    if from >= to {
        return Ok(());
    }
    let segments: Vec<_> = segments.collect();
    for (at, segment) in segments.iter().enumerate() {
        let ends_before = segments.get(at + 1).is_some_and(|next| next.base_offset() <= from);
        if ends_before || segment.base_offset() >= to {
            continue;
        }
        walk(segment, 0, |_, header: &BatchHeader| {
            if header.base_offset >= from && header.base_offset < to {
                state.update(header, header.base_offset);
            }
            true
        })?;
    }
    Ok(())
}
