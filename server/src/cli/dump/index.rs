//! `.index` and `.timeindex` files: a line an entry, compared with the `.log` file beside them.

use std::fmt;
use std::path::{Path, PathBuf};

use logscope::File as _;
use logscope::dump::{self, BatchWalker, Entries, entry_size};
use logscope::log::IndexKind;
use logscope::record::{BatchHeader, HEADER_SIZE};
use logscope::segment::{LOG_SUFFIX, file_name};
use logscope::storage::FsFile;
use serde::Serialize;

use super::out::Out;
use super::{Detail, Failed, Input};

const NOT_RISING: &str = "Entries that do not rise in";
const CUT_OFF: &str = "An entry is cut off in";

#[derive(Serialize)]
struct OffsetLine {
    offset: u64,
    position: u32,
}

impl fmt::Display for OffsetLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offset: {} position: {}", self.offset, self.position)
    }
}

pub(super) fn offsets(input: &Input<'_>, base: u64, detail: Detail, out: &mut Out) -> Result<(), Failed> {
    let path = log_path(input, base);
    let log = open_log(&path, out)?;
    let mut entries = begin(input, IndexKind::Offset, out)?;
    let mut last = None;
    loop {
        let at = entries.position();
        let Some(entry) = entries.next_offset().map_err(Failed::input)? else { break };
        if (entry.relative_offset, entry.position) == (0, 0) && at > 0 {
            break; // Kafka allocates an index in advance.
        }
        let offset = base + u64::from(entry.relative_offset);
        if let Some(log) = &log {
            let mut bytes = [0; HEADER_SIZE];
            let read = log.file.read_at(entry.position.into(), &mut bytes).map_err(Failed::input)?;
            let found = BatchHeader::parse(&bytes[..read]).map_or(-1, |header| header.last_offset() as i64);
            if found != offset as i64 {
                out.fault("Mismatches in :", format!("Index offset: {offset}, log offset: {found}"));
            }
        }
        if last
            .is_some_and(|(offset, position)| entry.relative_offset <= offset || entry.position <= position)
        {
            out.fault(NOT_RISING, format!("Index offset: {offset}, position: {}", entry.position));
        }
        last = Some((entry.relative_offset, entry.position));
        match detail {
            Detail::Hex => {
                let bytes = entry_bytes(input, IndexKind::Offset, at)?;
                print_hex(IndexKind::Offset, base, &bytes, at, out)?;
            }
            _ => out.print(&OffsetLine { offset, position: entry.position })?,
        }
    }
    end(input, IndexKind::Offset, base, detail, out)
}

#[derive(Serialize)]
struct TimeLine {
    timestamp: i64,
    offset: u64,
}

impl fmt::Display for TimeLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "timestamp: {} offset: {}", self.timestamp, self.offset)
    }
}

pub(super) fn times(input: &Input<'_>, base: u64, detail: Detail, out: &mut Out) -> Result<(), Failed> {
    let path = log_path(input, base);
    let log = open_log(&path, out)?;
    let mut batches = log.as_ref().map(Batches::new);
    let mut entries = begin(input, IndexKind::Time, out)?;
    let mut last: Option<i64> = None;
    loop {
        let at = entries.position();
        let Some(entry) = entries.next_time().map_err(Failed::input)? else { break };
        if (entry.relative_offset, entry.timestamp) == (0, 0) && at > 0 {
            break;
        }
        let (offset, timestamp) = (base + u64::from(entry.relative_offset), entry.timestamp);
        if let Some(batches) = &mut batches {
            match batches.holding(offset)? {
                Some(batch) if batch.last_offset() == offset => {
                    let found = batch.max_timestamp;
                    if found != timestamp {
                        let line = format!("Index timestamp: {timestamp}, log timestamp: {found}");
                        out.fault("Found timestamp mismatch in :", line);
                    }
                }
                other => {
                    let found = other.map_or(-1, |batch| batch.last_offset() as i64);
                    let line = format!("Indexed offset: {offset}, found log offset: {found}");
                    out.fault("The following indexed offsets are not found in the log, in", line);
                }
            }
        }
        if let Some(last) = last.filter(|last| *last >= timestamp) {
            let line = format!("Index timestamp: {timestamp}, Previously indexed timestamp: {last}");
            out.fault("Found out of order timestamp in :", line);
        }
        last = Some(timestamp);
        match detail {
            Detail::Hex => {
                let bytes = entry_bytes(input, IndexKind::Time, at)?;
                print_hex(IndexKind::Time, base, &bytes, at, out)?;
            }
            _ => out.print(&TimeLine { timestamp, offset })?,
        }
    }
    end(input, IndexKind::Time, base, detail, out)
}

/// The batches of a log, met one after another by the offsets that are asked for.
struct Batches<'a> {
    walker: BatchWalker<'a, FsFile>,
    current: Option<BatchHeader>,
}

impl<'a> Batches<'a> {
    fn new(log: &'a Input<'a>) -> Self {
        Self { walker: BatchWalker::new(&log.file, 0, log.len), current: None }
    }

    /// The first batch that ends at the offset or beyond, from the one that was met last on.
    fn holding(&mut self, offset: u64) -> Result<Option<BatchHeader>, Failed> {
        while self.current.is_none_or(|batch| batch.last_offset() < offset) {
            match self.walker.advance().map_err(Failed::input)? {
                Some(Ok(header)) => self.current = Some(header),
                Some(Err(_)) | None => return Ok(None),
            }
        }
        Ok(self.current)
    }
}

fn log_path(input: &Input<'_>, base: u64) -> PathBuf {
    input.path.with_file_name(file_name(base, LOG_SUFFIX))
}

/// The `.log` file beside an index. Without it the entries are printed all the same.
fn open_log<'a>(path: &'a Path, out: &mut Out) -> Result<Option<Input<'a>>, Failed> {
    if path.exists() {
        return Input::open(path).map(Some);
    }
    let line = format!("there is no {}", path.display());
    out.unusual("Nothing to compare with beside", line);
    Ok(None)
}

fn begin<'a>(input: &'a Input<'_>, kind: IndexKind, out: &mut Out) -> Result<Entries<'a, FsFile>, Failed> {
    if input.len == 0 {
        out.remark(format_args!("{} is empty.", input.path.display()))?;
    }
    Ok(Entries::new(&input.file, kind, input.len))
}

fn entry_bytes(input: &Input<'_>, kind: IndexKind, at: u64) -> Result<Vec<u8>, Failed> {
    let mut bytes = vec![0; entry_size(kind) as usize];
    let read = input.file.read_at(at, &mut bytes).map_err(Failed::input)?;
    bytes.truncate(read);
    Ok(bytes)
}

fn print_hex(kind: IndexKind, base: u64, bytes: &[u8], at: u64, out: &mut Out) -> Result<(), Failed> {
    for field in dump::index(kind, base, bytes, at) {
        out.field(&field, bytes, at)?;
    }
    Ok(())
}

/// What remains when the whole entries are done.
fn end(input: &Input<'_>, kind: IndexKind, base: u64, detail: Detail, out: &mut Out) -> Result<(), Failed> {
    let rest = input.len % entry_size(kind);
    if rest > 0 {
        let at = input.len - rest;
        out.fault(CUT_OFF, format!("position {at}: {rest} of an entry's {} bytes", entry_size(kind)));
        if detail == Detail::Hex {
            let bytes = entry_bytes(input, kind, at)?;
            print_hex(kind, base, &bytes, at, out)?;
        }
    }
    Ok(())
}
