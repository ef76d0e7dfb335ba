//! The bytes of a file, taken apart: of a `.log` one batch or a page of whole batches, of an index a page of entries.
//!
//! What each byte is says `logscope::dump`, as for `logscope dump`; here is which part of a file is taken. Only that
//! part is read, whatever the file's size; a `.log` is walked header by header to find where its pages begin.
//!
//! Invariant: the pages of a file follow each other without gaps, from its first byte to its last.

mod tree;

use std::io;
use std::ops::Range;
use std::rc::Rc;

use logscope::dump::{self, BatchWalker, Field, FileKind, Form, Hex};
use logscope::log::IndexKind;
use logscope::record::{BATCH_LENGTH_AT, Batch, LOG_OVERHEAD};
use logscope::segment::{CLEANED_SUFFIX, DELETED_SUFFIX, SWAP_SUFFIX};
use logscope::storage::File;

use crate::text;

pub(crate) use tree::{Folds, Kind, Look, Place, Row, row_of};

/// How many bytes of a file are taken at once, about: batches and entries are whole.
const PAGE: u64 = 16 << 10;
/// The most bytes that are taken of what is no whole batch, whatever it claims to be.
const MAX_DAMAGED: u64 = 1 << 20;
/// The most records of a batch that are taken apart.
const MAX_RECORDS: usize = 2000;
/// The most that a batch's records may take decompressed, in bytes.
const MAX_DECOMPRESSED: u64 = 16 << 20;

/// A part of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The file's name and size.
    pub(crate) file: String,
    pub(crate) file_size: u64,
    pub(crate) taken: Rc<Taken>,
    /// The records of a compressed batch, decompressed, or why they can't be. They stand in no file.
    pub(crate) unpacked: Option<Result<Rc<Taken>, String>>,
    /// Where the pages before and after this one begin; none for a batch.
    pub(crate) before: Option<u64>,
    pub(crate) after: Option<u64>,
    /// The position that was asked for, and the end of the bytes that there are, if it does not lie before that.
    pub(crate) beyond: Option<(u64, u64)>,
}

/// Bytes, and what they are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Where the first byte stands.
    pub(crate) at: u64,
    pub(crate) bytes: Vec<u8>,
    /// Together they cover the bytes; none for a file of no kind that is known.
    pub(crate) fields: Vec<Field>,
}

/// Takes the batch apart that stands at `at` of a segment, or what is there now. It had `size` bytes; if it claims
/// to have more now, whoever reads it takes more.
pub(crate) fn batch(file: &impl File, name: &str, at: u64, size: u32) -> io::Result<Part> {
    let file_size = file.len()?;
    let rest = file_size.saturating_sub(at);
    let head = read(file, at..at + rest.min(LOG_OVERHEAD as u64))?;
    let claimed =
        head.get(BATCH_LENGTH_AT..).and_then(|length| length.try_into().ok()).map(i32::from_be_bytes);
    let claimed =
        claimed.and_then(|length| u64::try_from(length).ok()).map(|length| length + LOG_OVERHEAD as u64);
    let claimed = claimed.filter(|claimed| *claimed <= rest.min(MAX_DAMAGED)).unwrap_or(0);
    let bytes = read(file, at..at + claimed.max(u64::from(size)).min(rest))?;
    Ok(batch_of(name, file_size, at, bytes))
}

/// Takes a batch apart whose bytes are known.
pub(crate) fn batch_of(name: &str, file_size: u64, at: u64, bytes: Vec<u8>) -> Part {
    let fields = dump::batches(&bytes, at, MAX_RECORDS);
    let part = part(name, file_size, Taken { at, bytes, fields });
    Part { beyond: (at >= file_size).then_some((at, file_size)), ..part }
}

/// Takes the page apart that holds the byte at `at`, or the last one, which then says that `at` lies beyond it.
pub(crate) fn page(file: &impl File, name: &str, at: u64) -> io::Result<Part> {
    page_of(file, 0, file.len()?, name, at)
}

/// The same of a file of `file_size` bytes of which there is a part only, as `file`, which begins at the file's position
/// `front`. In a `.log` a batch begins there, and its pages end where the part does. Of any other file `front` is 0: only
/// its end may be missing, and there are pages up to that.
pub(crate) fn page_of(file: &impl File, front: u64, file_size: u64, name: &str, at: u64) -> io::Result<Part> {
    let size = file.len()?;
    let end = front + size;
    let beyond = (at > 0 && at >= end).then_some((at, end));
    let kind = kind_of(name);
    let mut last = end;
    let (range, before) = match kind {
        Some(FileKind::Log(_)) => {
            last = file_size;
            let (range, before) = page_of_log(file, size, at.saturating_sub(front))?;
            let before = before.map(|before| front + before).or(front.checked_sub(1));
            (front + range.start..front + range.end, before)
        }
        Some(FileKind::OffsetIndex(_)) => even_page(0, dump::entry_size(IndexKind::Offset), end, at),
        Some(FileKind::TimeIndex(_)) => even_page(0, dump::entry_size(IndexKind::Time), end, at),
        Some(FileKind::Snapshot(_)) => {
            even_page(dump::SNAPSHOT_HEADER_SIZE as u64, dump::SNAPSHOT_ENTRY_SIZE as u64, end, at)
        }
        Some(FileKind::Checkpoint) | None => even_page(0, 1, end, at),
    };
    let bytes = read(file, range.start.saturating_sub(front)..range.end.saturating_sub(front))?;
    let at = range.start;
    let fields = match kind {
        // Far behind a damage nobody knows where a batch begins.
        Some(FileKind::Log(_)) if before.is_some_and(|before| at - before == MAX_DAMAGED) => Vec::new(),
        Some(FileKind::Log(_)) => dump::batches(&bytes, at, MAX_RECORDS),
        Some(FileKind::OffsetIndex(base)) => dump::index(IndexKind::Offset, base, &bytes, at),
        Some(FileKind::TimeIndex(base)) => dump::index(IndexKind::Time, base, &bytes, at),
        Some(FileKind::Snapshot(_)) => snapshot(&read(file, 0..end)?, &range),
        Some(FileKind::Checkpoint) => dump::checkpoint(&bytes).0,
        None => Vec::new(),
    };
    let mut part = part(name, file_size, Taken { at, bytes, fields });
    part.beyond = beyond;
    (part.before, part.after) = (before, Some(range.end).filter(|end| *end < last));
    Ok(part)
}

fn part(name: &str, file_size: u64, taken: Taken) -> Part {
    let unpacked = unpacked(&taken);
    let (file, taken) = (name.to_owned(), Rc::new(taken));
    Part { file, file_size, taken, unpacked, before: None, after: None, beyond: None }
}

/// What a file holds, be it one that is being deleted or compacted.
fn kind_of(name: &str) -> Option<FileKind> {
    let ending =
        [CLEANED_SUFFIX, SWAP_SUFFIX, DELETED_SUFFIX].iter().find_map(|suffix| name.strip_suffix(suffix));
    FileKind::of(ending.unwrap_or(name))
}

/// What a file is for: in two words, and in a sentence.
pub(crate) fn purpose(name: &str) -> (&'static str, &'static str) {
    text::purpose(kind_of(name))
}

fn read(file: &impl File, range: Range<u64>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let len = range.end.saturating_sub(range.start) as usize;
    while bytes.len() < len
        && file.read_to(range.start + bytes.len() as u64, len - bytes.len(), &mut bytes)? > 0
    {}
    Ok(bytes)
}

/// A page of entries that all have one size, after a head that belongs to the first page; and where the page before
/// it begins.
fn even_page(head: u64, entry: u64, file_size: u64, at: u64) -> (Range<u64>, Option<u64>) {
    let step = PAGE / entry * entry;
    let last = file_size.saturating_sub(1).saturating_sub(head) / step;
    let page = (at.saturating_sub(head) / step).min(last);
    let start = |page: u64| if page == 0 { 0 } else { head + page * step };
    (start(page)..start(page + 1).max(head + step).min(file_size), page.checked_sub(1).map(start))
}

/// A page of whole batches. From the first bytes on that are no batch, a page has a fixed size.
fn page_of_log(file: &impl File, file_size: u64, at: u64) -> io::Result<(Range<u64>, Option<u64>)> {
    let mut walker = BatchWalker::new(file, 0, file_size);
    let (mut start, mut before) = (0, None);
    while let Some(Ok(header)) = walker.advance()? {
        let position = walker.position();
        if position > start && position + u64::from(header.size) > start + PAGE {
            if at < position {
                return Ok((start..position, before));
            }
            (start, before) = (position, Some(start));
        }
    }
    let damaged = walker.position();
    if damaged > start && (at < damaged || damaged >= file_size) {
        return Ok((start..damaged, before));
    }
    let before = if damaged > start { Some(start) } else { before };
    let last = file_size.saturating_sub(1).saturating_sub(damaged) / MAX_DAMAGED;
    let page = (at.saturating_sub(damaged) / MAX_DAMAGED).min(last);
    let begin = damaged + page * MAX_DAMAGED;
    let before = if page == 0 { before } else { Some(begin - MAX_DAMAGED) };
    Ok((begin..(begin + MAX_DAMAGED).min(file_size), before))
}

/// The fields of a snapshot that stand in `range`. Its checksum is over the whole.
fn snapshot(whole: &[u8], range: &Range<u64>) -> Vec<Field> {
    let head = dump::SNAPSHOT_HEADER_SIZE as u64;
    let mut fields = if range.start == 0 { dump::snapshot_header(whole) } else { Vec::new() };
    let first = range.start.max(head);
    let entries = whole.get(first as usize..range.end as usize).unwrap_or_default();
    let numbers = (first - head) / dump::SNAPSHOT_ENTRY_SIZE as u64..;
    let entries = entries.chunks(dump::SNAPSHOT_ENTRY_SIZE);
    fields.extend(numbers.zip(entries).map(|(number, entry)| dump::snapshot_entry(number, entry)));
    fields
}

/// The records of the batch without its compression, if it is one batch and has any.
fn unpacked(taken: &Taken) -> Option<Result<Rc<Taken>, String>> {
    if taken.fields.len() != 1 {
        return None;
    }
    let (batch, _) = Batch::parse(&taken.bytes).ok()?;
    if batch.header().compression() == Some(logscope::record::Compression::None) {
        return None;
    }
    let mut plain = Vec::new();
    Some(match batch.plain(MAX_DECOMPRESSED, &mut plain) {
        Err(error) => Err(error.to_string()),
        Ok(_) => {
            let front = logscope::record::HEADER_SIZE;
            let fields: Vec<_> = dump::records(&plain, 0).take(MAX_RECORDS).collect();
            let end = fields.last().map_or(front, |field| field.end() as usize);
            let bytes = plain.get(front..end).unwrap_or_default().to_vec();
            Ok(Rc::new(Taken { at: front as u64, bytes, fields }))
        }
    })
}

/// What the checksums say about the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// There is none.
    Nothing,
    Fits(String),
    Broken(String),
}

impl Taken {
    /// What the checksums say, and else what is wrong first.
    pub(crate) fn verdict(&self) -> Verdict {
        let (mut sums, mut wrong) = (Vec::new(), None);
        self.fields.iter().for_each(|field| judge(field, &mut sums, &mut wrong));
        let broken = sums.iter().find_map(|field| Some((*field, field.problem.as_deref()?)));
        match (sums.as_slice(), broken.or(wrong)) {
            (_, Some((field, problem))) => Verdict::Broken(text::broken(field, problem)),
            ([], None) => Verdict::Nothing,
            ([one], None) => Verdict::Fits(text::fits(one)),
            (many, None) => Verdict::Fits(text::all_fit(many.len())),
        }
    }

    /// The bytes in hexadecimal, two digits each and nothing between them.
    pub(crate) fn hex(&self) -> String {
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
        self.bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }

    /// Every field with its bytes, as `logscope dump` prints them.
    pub(crate) fn text(&self) -> String {
        self.fields.iter().map(|field| Hex::new(field, &self.bytes, self.at).to_string()).collect()
    }

    /// The end of the bytes.
    pub(crate) fn end(&self) -> u64 {
        self.at + self.bytes.len() as u64
    }
}

/// Collects the checksums, and the first field that is wrong.
fn judge<'a>(field: &'a Field, sums: &mut Vec<&'a Field>, wrong: &mut Option<(&'a Field, &'a str)>) {
    if matches!(field.form, Form::Checksum { .. }) {
        sums.push(field);
    }
    if let (None, Some(problem)) = (&wrong, &field.problem) {
        *wrong = Some((field, problem));
    }
    field.children.iter().for_each(|child| judge(child, sums, wrong));
}

#[cfg(test)]
mod tests;
