//! The picture read off the files: the other side of the comparison with the folded one.
//!
//! It goes by file names and the batch format alone, and shares no code with the log's own way of opening,
//! indexing or appending.

use std::sync::Arc;

use crate::config::LogConfig;
use crate::error::Result;
use crate::log::event::BatchInfo;
use crate::record::{Batch, BatchError};
use crate::segment::{
    INDEX_SUFFIX, IndexEntry, LOG_SUFFIX, TIME_INDEX_SUFFIX, TimeIndexEntry, file_name, parse_file_name,
};
use crate::storage::{File, Storage, read_up_to};

use super::{List, LogPicture, SegmentPicture};

/// So many bytes of a log are read at a time, or as many as a batch has.
const PIECE: usize = 128 * 1024;

impl LogPicture {
    /// Reads the files of a log. The high watermark is not in the files: it is set to the log end offset.
    ///
    /// # Errors
    /// If the storage fails. Bytes that are no batch end a segment's batches.
    pub fn read<S: Storage>(storage: &S, config: &LogConfig) -> Result<Self> {
        let mut names = storage.list()?;
        names.sort_unstable();
        let mut segments = Vec::new();
        for base_offset in names.iter().filter_map(|name| parse_file_name(name, LOG_SUFFIX)) {
            let log = storage.open(&file_name(base_offset, LOG_SUFFIX))?;
            let [index, time_index] = [INDEX_SUFFIX, TIME_INDEX_SUFFIX].map(|suffix| {
                let name = file_name(base_offset, suffix);
                names.contains(&name).then(|| read_all(storage, &name)).transpose()
            });
            let (index, time_index) = (index?, time_index?);
            segments.push(Arc::new(SegmentPicture {
                base_offset,
                size: log.len()?,
                batches: read_batches(base_offset, &log)?,
                index_size: index.as_ref().map(|bytes| bytes.len() as u64),
                index: read_entries(&index.unwrap_or_default()),
                time_index_size: time_index.as_ref().map(|bytes| bytes.len() as u64),
                time_index: read_time_entries(&time_index.unwrap_or_default()),
            }));
        }
        let end = |segment: &Arc<SegmentPicture>| {
            segment.batches.last().map_or(segment.base_offset, |batch| batch.last_offset + 1)
        };
        let log_end_offset = segments.last().map_or(0, end);
        let first = segments.first().map_or(0, |segment| segment.base_offset);
        Ok(Self {
            log_start_offset: read_checkpoint(storage, &names, "log-start-offset ")?.unwrap_or(first),
            recovery_point: read_checkpoint(storage, &names, "recovery-point ")?.unwrap_or(0),
            high_watermark: log_end_offset,
            log_end_offset,
            segment_bytes: config.segment_bytes,
            index_interval_bytes: config.index_interval_bytes,
            other_files: Arc::new(other_files(storage, &names, &segments)?),
            segments,
        })
    }
}

fn other_files<S: Storage>(
    storage: &S,
    names: &[String],
    segments: &[Arc<SegmentPicture>],
) -> Result<Vec<(String, u64)>> {
    let mut others = Vec::new();
    for name in names {
        let suffixes = [LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX];
        let base = suffixes.into_iter().find_map(|suffix| parse_file_name(name, suffix));
        if !segments.iter().any(|segment| Some(segment.base_offset) == base) {
            others.push((name.clone(), storage.open(name)?.len()?));
        }
    }
    Ok(others)
}

/// An offset, as the checkpoint has it.
fn read_checkpoint<S: Storage>(storage: &S, names: &[String], field: &str) -> Result<Option<u64>> {
    if !names.iter().any(|name| name == "checkpoint") {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&read_all(storage, "checkpoint")?).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    Ok(line.and_then(|offset| offset.parse().ok()))
}

fn read_all<S: Storage>(storage: &S, name: &str) -> Result<Vec<u8>> {
    let file = storage.open(name)?;
    let mut bytes = Vec::new();
    read_up_to(&file, 0, file.len()? as usize, &mut bytes)?;
    Ok(bytes)
}

/// The batches of a `.log` file, which is read in pieces: a large log need not be in memory once more. All pieces come
/// into one room, for to clear it each time would take as long as to read.
fn read_batches<F: File>(segment: u64, log: &F) -> Result<List<BatchInfo>> {
    let (mut batches, mut position, mut room) = (List::default(), 0, Vec::new());
    let (end, mut wanted) = (log.len()?, PIECE);
    loop {
        let len = wanted.min(usize::try_from(end - position).unwrap_or(usize::MAX));
        room.resize(room.len().max(len), 0);
        let piece = read_piece(log, position, &mut room[..len])?;
        let mut rest = piece;
        let ended = loop {
            match Batch::parse(rest) {
                Ok((batch, after)) => {
                    batches.push(BatchInfo::new(segment, position, &batch));
                    position += (rest.len() - after.len()) as u64;
                    rest = after;
                }
                Err(error) => break error,
            }
        };
        // A batch that the piece does not hold may be in the file as a whole.
        match ended {
            BatchError::Incomplete { needed, .. } if piece.len() == len && needed <= end - position => {
                wanted = PIECE.max(needed as usize);
            }
            _ => return Ok(batches),
        }
    }
}

/// Fills a room, as far as the file has bytes for it, and returns them.
fn read_piece<'r, F: File>(file: &F, position: u64, room: &'r mut [u8]) -> Result<&'r [u8]> {
    let mut filled = 0;
    loop {
        match file.read_at(position + filled as u64, &mut room[filled..])? {
            0 => return Ok(&room[..filled]),
            read => filled += read,
        }
    }
}

fn read_entries(bytes: &[u8]) -> List<IndexEntry> {
    let entry = |bytes: &[u8]| IndexEntry {
        relative_offset: number(&bytes[..4]) as u32,
        position: number(&bytes[4..]) as u32,
    };
    bytes.chunks_exact(8).map(entry).collect()
}

fn read_time_entries(bytes: &[u8]) -> List<TimeIndexEntry> {
    let entry = |bytes: &[u8]| TimeIndexEntry {
        timestamp: number(&bytes[..8]) as i64,
        relative_offset: number(&bytes[8..]) as u32,
    };
    bytes.chunks_exact(12).map(entry).collect()
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Lab;
    use crate::storage::MemoryStorage;

    #[test]
    fn batches_longer_and_shorter_than_a_piece_are_read_and_a_torn_one_ends_them() {
        let mut lab = Lab::new(MemoryStorage::new());
        lab.run_line("config segment.bytes=16777216 max.message.bytes=1048576").unwrap();
        for (len, count) in [(10_000, 30), (3 * PIECE, 2), (100, 3_000)] {
            lab.run_line(&format!("append {} count={count}", "x".repeat(len))).unwrap();
        }
        let name = file_name(0, LOG_SUFFIX);
        let log = lab.storage().open(&name).unwrap();
        let batches = read_batches(0, &log).unwrap();
        let all: Vec<BatchInfo> = batches.iter().cloned().collect();
        assert_eq!(all.len(), 3_032);
        assert!(all.windows(2).all(|pair| pair[0].end() == pair[1].position));
        assert_eq!(all.last().unwrap().end(), log.len().unwrap());

        log.truncate(all[31].end() - 1).unwrap();
        assert_eq!(read_batches(0, &log).unwrap().len(), 31);
    }
}
