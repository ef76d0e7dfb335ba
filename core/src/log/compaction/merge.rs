//! Which segments become one, and how it is written.
//!
//! What is left of consecutive segments goes into one as long as it fits, or a log of which little stays would end
//! as a long row of small files. A segment that stays as it is, and alone, is not written.
//!
//! Source: Kafka's `Cleaner.groupSegmentsBySize`.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::error::Result;
use crate::record::HEADER_SIZE;
use crate::segment::{
    INDEX_ENTRY_SIZE, INDEX_SUFFIX, Indexer, LOG_SUFFIX, OffsetIndex, Scanner, Segment,
    TIME_INDEX_ENTRY_SIZE, TIME_INDEX_SUFFIX, TimeIndex,
};
use crate::storage::{File, Storage};

use super::super::event::Observer;
use super::super::scan_error;
use super::swap::{Swap, cleaned};
use super::{CHUNK, Compaction};

/// What a segment may grow to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) segment_bytes: u64,
    pub(super) segment_index_bytes: u64,
    pub(super) index_interval_bytes: u32,
}

/// What is left of a segment.
#[derive(Debug)]
pub(super) struct Piece<F> {
    pub(super) base: u64,
    /// Where the next segment begins.
    pub(super) end: u64,
    pub(super) size: u64,
    /// The file that it was written to, unless nothing has changed.
    pub(super) log: Option<F>,
}

/// A segment to be.
#[derive(Debug)]
pub(super) struct Output<F> {
    /// The places of the segments that it stands for.
    pub(super) sources: Range<usize>,
    pub(super) swap: Swap,
    pub(super) segment: Arc<Segment<F>>,
}

impl<S: Storage, O: Observer> Compaction<S, O> {
    /// Writes the segments to be, with their indexes, durably but for their names.
    pub(super) fn merge(&self, mut pieces: Vec<Piece<S::File>>) -> Result<Vec<Output<S::File>>> {
        let mut outputs = Vec::new();
        for sources in group(&pieces, &self.limits) {
            let pieces = &mut pieces[sources.clone()];
            let (base, end, first) = (pieces[0].base, pieces[pieces.len() - 1].end, pieces[0].log.take());
            let (log, size) = match first {
                None if pieces.len() == 1 => continue,
                Some(log) if pieces.len() == 1 => (log, pieces[0].size),
                first => self.join(sources.clone(), pieces, first)?,
            };
            log.sync()?;
            let segment = Arc::new(self.index(base, log, size)?);
            outputs.push(Output { sources, swap: Swap { base, end }, segment });
        }
        Ok(outputs)
    }

    /// Writes the pieces of several segments behind the first one, of which there may be a file already.
    fn join(
        &self,
        sources: Range<usize>,
        pieces: &[Piece<S::File>],
        first: Option<S::File>,
    ) -> Result<(S::File, u64)> {
        let storage = &*self.storage;
        let mut sources = self.sources[sources].iter().zip(pieces);
        let mut writer = match first {
            Some(log) => {
                sources.next();
                LogWriter::resume(log, pieces[0].size)
            }
            None => LogWriter::create(storage, pieces[0].base)?,
        };
        for (source, piece) in sources {
            match &piece.log {
                None => writer.copy(source.scan(0, CHUNK), piece.base, piece.size)?,
                Some(log) => {
                    writer.copy(Scanner::new(log, 0, piece.size, CHUNK), piece.base, piece.size)?;
                    storage.remove(&cleaned(piece.base, LOG_SUFFIX))?;
                }
            }
        }
        writer.finish()
    }

    /// Writes the indexes of a `.log` file.
    fn index(&self, base: u64, log: S::File, size: u64) -> Result<Segment<S::File>> {
        let (mut index, mut time_index) = (Vec::new(), Vec::new());
        let mut indexer = Indexer::new(base);
        let mut scan = Scanner::new(&log, 0, size, CHUNK);
        loop {
            let position = scan.position();
            let header = scan.header().map_err(|error| scan_error(error, base, position))?;
            let Some(header) = header else { break };
            let interval = self.limits.index_interval_bytes;
            // Grouping has seen to it that offset and position fit.
            if let Some(due) = indexer.batch(position, header.last_offset(), header.max_timestamp, interval) {
                index.extend(due.entry.encode());
                time_index.extend(due.time_entry.into_iter().flat_map(|entry| entry.encode()));
            }
            scan.skip(header.size);
        }
        time_index.extend(indexer.last_time_entry().into_iter().flat_map(|entry| entry.encode()));
        let (entries, time_entries) =
            (index.len() / INDEX_ENTRY_SIZE, time_index.len() / TIME_INDEX_ENTRY_SIZE);
        let index = self.write(&cleaned(base, INDEX_SUFFIX), &index)?;
        let time_index = self.write(&cleaned(base, TIME_INDEX_SUFFIX), &time_index)?;
        let (index, time_index) =
            (OffsetIndex::unread(index, entries), TimeIndex::new(time_index, time_entries));
        Ok(Segment::new(base, log, size, index, time_index))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<S::File> {
        let file = self.storage.open(name)?;
        file.truncate(0)?;
        file.write_at(0, bytes)?;
        file.sync()?;
        Ok(file)
    }
}

/// The places of pieces that become one segment.
fn group<F>(pieces: &[Piece<F>], limits: &Limits) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    let mut size = 0;
    for (at, piece) in pieces.iter().enumerate() {
        match groups.last_mut().filter(|group| fits(pieces[group.start].base, size, piece, limits)) {
            Some(group) => (group.end, size) = (at + 1, size + piece.size),
            None => {
                groups.push(at..at + 1);
                size = piece.size;
            }
        }
    }
    groups
}

/// Whether a piece may stand behind `before` bytes in the segment that begins at `base`.
fn fits<F>(base: u64, before: u64, piece: &Piece<F>, limits: &Limits) -> bool {
    let size = before + piece.size;
    // Two entries are at least this far apart. A time index has no more entries but one, and they are larger.
    let spacing = (u64::from(limits.index_interval_bytes) + 1).max(HEADER_SIZE as u64);
    let indexed = (size / spacing + 1) * TIME_INDEX_ENTRY_SIZE as u64 <= limits.segment_index_bytes;
    let alone = before == 0 || piece.size == 0;
    piece.end - 1 - base <= i32::MAX as u64 && (alone || (size <= limits.segment_bytes && indexed))
}

/// Writes a `.log` file from front to back.
#[derive(Debug)]
pub(super) struct LogWriter<F> {
    file: F,
    /// Bytes in the file.
    written: u64,
    pending: Vec<u8>,
}

impl<F: File> LogWriter<F> {
    /// Begins the new `.log` file of a segment.
    pub(super) fn create<S: Storage<File = F>>(storage: &S, base: u64) -> Result<Self> {
        let file = storage.open(&cleaned(base, LOG_SUFFIX))?;
        // One that was given up may have left something.
        file.truncate(0)?;
        Ok(Self::resume(file, 0))
    }

    fn resume(file: F, written: u64) -> Self {
        Self { file, written, pending: Vec::new() }
    }

    /// Bytes so far.
    pub(super) fn size(&self) -> u64 {
        self.written + self.pending.len() as u64
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= CHUNK { self.write() } else { Ok(()) }
    }

    /// Copies the batches of a segment that stand before `end`.
    pub(super) fn copy(&mut self, mut from: Scanner<'_, F>, segment: u64, end: u64) -> Result<()> {
        while from.position() < end {
            let position = from.position();
            let batch = from.batch().map_err(|error| scan_error(error, segment, position))?;
            let Some(batch) = batch else { break };
            self.push(batch.bytes())?;
            let size = batch.header().size;
            from.skip(size);
        }
        Ok(())
    }

    /// The file and its size. It is not durable yet.
    pub(super) fn finish(mut self) -> Result<(F, u64)> {
        self.write()?;
        Ok((self.file, self.written))
    }

    fn write(&mut self) -> Result<()> {
        self.file.write_at(self.written, &self.pending)?;
        self.written += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(sizes: &[u64], far: u64, limits: &Limits) -> Vec<Range<usize>> {
        let piece = |(at, size): (usize, &u64)| {
            let base = at as u64 * far;
            Piece::<()> { base, end: base + far, size: *size, log: None }
        };
        let pieces: Vec<_> = sizes.iter().enumerate().map(piece).collect();
        group(&pieces, limits)
    }

    #[test]
    fn segments_become_one_while_they_fit() {
        let limits = Limits { segment_bytes: 1000, segment_index_bytes: 1 << 20, index_interval_bytes: 100 };
        assert_eq!(groups(&[], 1, &limits), []);
        assert_eq!(groups(&[400, 600, 1], 1, &limits), [0..2, 2..3]);
        assert_eq!(groups(&[1000, 400, 500, 1000, 0, 1000], 1, &limits), [0..1, 1..3, 3..5, 5..6]);
        // A segment of before, when they might be larger. What is empty goes with anything.
        assert_eq!(groups(&[0, 2000, 0, 500, 600], 1, &limits), [0..3, 3..4, 4..5]);
        let far = 1 << 30;
        assert_eq!(groups(&[0; 6], far, &limits), [0..2, 2..4, 4..6]);
        assert_eq!(groups(&[0, 0], far + 1, &limits), [0..1, 1..2]);
        // 600 bytes of batches may take 5 entries of 101 bytes and more, and a last one.
        let indexed = |segment_index_bytes| Limits { segment_index_bytes, ..limits };
        assert_eq!(groups(&[300, 300], 1, &indexed(72)).len(), 1);
        assert_eq!(groups(&[300, 300], 1, &indexed(71)).len(), 2);
    }
}
