//! Offset indexes and time indexes taken apart, whole or an entry at a time.

use std::io;

use super::Field;
use super::batch::timestamp;
use super::reader::Reader;
use crate::log::IndexKind;
use crate::segment::{IndexEntry, TimeIndexEntry};
use crate::storage::File;

/// Bytes of one entry.
pub fn entry_size(kind: IndexKind) -> u64 {
    match kind {
        IndexKind::Offset => 8,
        IndexKind::Time => 12,
    }
}

/// Takes entries of an index apart. `bytes` stand at `position` of the file, where an entry begins, and
/// `base_offset` is the segment's.
pub fn index(kind: IndexKind, base_offset: u64, bytes: &[u8], position: u64) -> Vec<Field> {
    let size = entry_size(kind) as usize;
    let first = position / entry_size(kind);
    let mut fields: Vec<Field> = Vec::new();
    let mut rest = bytes;
    let mut at = position;
    while !rest.is_empty() {
        let padding = at > 0 && rest.len().is_multiple_of(size) && rest.iter().all(|byte| *byte == 0);
        if padding || rest.len() < size {
            let mut tail = Field::new(if padding { "padding" } else { "cut off" }, at, rest.len() as u64);
            if !padding {
                tail.blame(format!("{} of an entry's {size} bytes are there", rest.len()));
            }
            fields.push(tail);
            break;
        }
        let (entry, more) = rest.split_at(size);
        fields.push(entry_field(kind, base_offset, first + fields.len() as u64, entry, at));
        (rest, at) = (more, at + entry_size(kind));
    }
    fields
}

fn entry_field(kind: IndexKind, base_offset: u64, number: u64, bytes: &[u8], position: u64) -> Field {
    let name = match kind {
        IndexKind::Offset => format!("index entry {number}"),
        IndexKind::Time => format!("time index entry {number}"),
    };
    let mut reader = Reader::new(bytes, position);
    let value = match kind {
        IndexKind::Offset => {
            let offset = relative_offset(&mut reader, base_offset);
            let at = unsigned(&mut reader, "position");
            offset.zip(at).map(|(offset, at)| format!("offset {offset} → position {at}"))
        }
        IndexKind::Time => {
            let ms = timestamp::<8>(&mut reader, "timestamp");
            let offset = relative_offset(&mut reader, base_offset);
            ms.zip(offset).map(|(ms, offset)| format!("timestamp {ms} → offset {offset}"))
        }
    };
    let mut field = Field::new(name, position, bytes.len() as u64);
    field.value = value.unwrap_or_default();
    field.children = reader.into_fields();
    field
}

fn relative_offset(reader: &mut Reader<'_>, base_offset: u64) -> Option<u64> {
    let relative = unsigned(reader, "relativeOffset")?;
    let offset = base_offset.saturating_add(u64::from(relative));
    reader.explain(&format!("offset {offset}"));
    Some(offset)
}

fn unsigned(reader: &mut Reader<'_>, name: &'static str) -> Option<u32> {
    let value = reader.int::<4>(name)? as u32;
    reader.say(value.to_string());
    Some(value)
}

/// Reads the entries of an index file from front to back, a chunk at a time.
#[derive(Debug)]
pub struct Entries<'f, F> {
    file: &'f F,
    kind: IndexKind,
    position: u64,
    end: u64,
    chunk: Vec<u8>,
    chunk_position: u64,
}

/// Entries that are read at once.
const CHUNK_ENTRIES: u64 = 4096;

impl<'f, F: File> Entries<'f, F> {
    /// The whole entries of the file's first `end` bytes.
    pub fn new(file: &'f F, kind: IndexKind, end: u64) -> Self {
        let end = end - end % entry_size(kind);
        Self { file, kind, position: 0, end, chunk: Vec::new(), chunk_position: 0 }
    }

    /// Where in the file the next entry stands.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Bytes of the entries that were not read yet.
    pub fn left(&self) -> u64 {
        self.end - self.position
    }

    /// The bytes of the next entry; `None` at the end.
    pub fn next_bytes(&mut self) -> io::Result<Option<&[u8]>> {
        let size = entry_size(self.kind);
        if self.position >= self.end {
            return Ok(None);
        }
        let mut at = (self.position - self.chunk_position) as usize;
        if at >= self.chunk.len() {
            let len = (self.end - self.position).min(CHUNK_ENTRIES * size) as usize;
            self.chunk.resize(len, 0);
            let read = self.file.read_at(self.position, &mut self.chunk)?;
            // The file has been cut meanwhile.
            self.chunk.truncate(read - read % size as usize);
            (self.chunk_position, at) = (self.position, 0);
        }
        let entry = self.chunk.get(at..at + size as usize);
        self.position = if entry.is_some() { self.position + size } else { self.end };
        Ok(entry)
    }

    /// The next entry of an offset index.
    pub fn next_offset(&mut self) -> io::Result<Option<IndexEntry>> {
        let bytes = self.next_bytes()?.and_then(|bytes| bytes.first_chunk());
        Ok(bytes.copied().map(IndexEntry::decode))
    }

    /// The next entry of a time index.
    pub fn next_time(&mut self) -> io::Result<Option<TimeIndexEntry>> {
        let bytes = self.next_bytes()?.and_then(|bytes| bytes.first_chunk());
        Ok(bytes.copied().map(TimeIndexEntry::decode))
    }
}
