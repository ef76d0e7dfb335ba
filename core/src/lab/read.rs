//! The picture read off the files: the other side of the comparison with the folded one.
//!
//! It goes by file names and the batch format alone, and shares no code with the log's own way of opening,
//! indexing or appending.

use crate::config::LogConfig;
use crate::error::Result;
use crate::log::event::BatchInfo;
use crate::record::Batch;
use crate::segment::{INDEX_SUFFIX, IndexEntry, LOG_SUFFIX, file_name, parse_file_name};
use crate::storage::{File, Storage};

use super::{LogPicture, SegmentPicture};

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
            let log = read_all(storage, &file_name(base_offset, LOG_SUFFIX))?;
            let index_name = file_name(base_offset, INDEX_SUFFIX);
            let index = match names.contains(&index_name) {
                true => Some(read_all(storage, &index_name)?),
                false => None,
            };
            segments.push(SegmentPicture {
                base_offset,
                size: log.len() as u64,
                batches: read_batches(base_offset, &log),
                index_size: index.as_ref().map(|bytes| bytes.len() as u64),
                index: read_entries(&index.unwrap_or_default()),
            });
        }
        let end = |segment: &SegmentPicture| {
            segment.batches.last().map_or(segment.base_offset, |batch| batch.last_offset + 1)
        };
        let log_end_offset = segments.last().map_or(0, end);
        Ok(Self {
            log_start_offset: segments.first().map_or(0, |segment| segment.base_offset),
            high_watermark: log_end_offset,
            log_end_offset,
            segment_bytes: config.segment_bytes,
            index_interval_bytes: config.index_interval_bytes,
            other_files: other_files(storage, &names, &segments)?,
            segments,
        })
    }
}

fn other_files<S: Storage>(
    storage: &S,
    names: &[String],
    segments: &[SegmentPicture],
) -> Result<Vec<(String, u64)>> {
    let mut others = Vec::new();
    for name in names {
        let base = parse_file_name(name, LOG_SUFFIX).or_else(|| parse_file_name(name, INDEX_SUFFIX));
        if !segments.iter().any(|segment| Some(segment.base_offset) == base) {
            others.push((name.clone(), storage.open(name)?.len()?));
        }
    }
    Ok(others)
}

fn read_all<S: Storage>(storage: &S, name: &str) -> Result<Vec<u8>> {
    let file = storage.open(name)?;
    let mut bytes = vec![0; file.len()? as usize];
    file.read_at(0, &mut bytes)?;
    Ok(bytes)
}

fn read_batches(segment: u64, bytes: &[u8]) -> Vec<BatchInfo> {
    let mut batches = Vec::new();
    let mut rest = bytes;
    while let Ok((batch, after)) = Batch::parse(rest) {
        batches.push(BatchInfo::new(segment, (bytes.len() - rest.len()) as u64, &batch));
        rest = after;
    }
    batches
}

fn read_entries(bytes: &[u8]) -> Vec<IndexEntry> {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |n, byte| n << 8 | u32::from(*byte));
    let entry =
        |bytes: &[u8]| IndexEntry { relative_offset: number(&bytes[..4]), position: number(&bytes[4..]) };
    bytes.chunks_exact(8).map(entry).collect()
}
