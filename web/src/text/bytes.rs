//! What the page says of bytes and files. What the fields are is said by `logscope::dump`.

use logscope::dump::{Field, FileKind, Form};

use crate::state::format::count;

pub(crate) const FIELDS_OF_BATCH: &str = "Fields of the batch";
pub(crate) const CONTENTS: &str = "Contents of the file";
pub(crate) const UNPACKED: &str = "Records, decompressed";
pub(crate) const UNPACKED_HINT: &str = "The same records, decompressed. These bytes are not in the file: positions count as if the batch had no compression.";
pub(crate) const HEX: &str = "Bytes in hexadecimal";
pub(crate) const NOW: &str = "The bytes that are on disk now, whatever step is shown.";
pub(crate) const BATCH_LOST: &str = "The file ends before this batch now.";
pub(crate) const POINT: &str = "Point at a field or a byte, or go from one to the next with the arrow keys.";
pub(crate) const FLIP_HINT: &str = "Inverts the eight bits of this byte in the file, as a bad disk might";
pub(crate) const COPY_HEX: &str = "Copy hex";
pub(crate) const COPY_TEXT: &str = "Copy text";
pub(crate) const COPY_TEXT_HINT: &str = "Fields and bytes, as logscope dump prints them";
pub(crate) const SAVE_BYTES: &str = "Save these bytes";
pub(crate) const NO_COPY: &str = "The browser does not let the page copy: save the bytes instead.";
pub(crate) const WIDER: &str = "Bytes beside fields";
pub(crate) const PAGE_BEFORE: &str = "Bytes before";
pub(crate) const PAGE_AFTER: &str = "Bytes after";
pub(crate) const POSITION: &str = "Position";

/// What a file is for: in two words, and in a sentence.
pub(crate) fn purpose(kind: Option<FileKind>) -> (&'static str, &'static str) {
    match kind {
        Some(FileKind::Log(_)) => ("batches", "The record batches of a segment, one after another."),
        Some(FileKind::OffsetIndex(_)) => {
            ("offsets", "Leads from some offsets of the segment to their positions in its .log.")
        }
        Some(FileKind::TimeIndex(_)) => {
            ("times", "Leads from some timestamps of the segment to their offsets.")
        }
        Some(FileKind::Snapshot(_)) => {
            ("producers", "What was known of idempotent producers at the offset in its name.")
        }
        Some(FileKind::Checkpoint) => {
            ("bounds", "Where the log starts, and up to where it is known to be durable.")
        }
        None => ("other", "No file that this log reads; it is left as it is."),
    }
}

/// What a checksum says that fits.
pub(crate) fn fits(field: &Field) -> String {
    format!("The CRC {} fits{}.", field.value, over(field))
}

/// What many checksums say that fit.
pub(crate) fn all_fit(count: usize) -> String {
    format!("All {count} CRCs fit.")
}

/// What is wrong.
pub(crate) fn broken(field: &Field, problem: &str) -> String {
    match field.form {
        Form::Checksum { computed: Some(computed), .. } => {
            format!("The CRC does not fit: it says {}, and{} give {computed:08x}.", field.value, over(field))
        }
        _ => format!("{} at position {}: {problem}.", field.name, field.position),
    }
}

/// What a checksum covers, and whether it fits; empty for what is none.
pub(crate) fn covers(field: &Field) -> String {
    match (&field.form, &field.problem) {
        (Form::Checksum { .. }, Some(problem)) => broken(field, problem),
        (Form::Checksum { computed: Some(_), .. }, None) => fits(field),
        (Form::Checksum { .. }, None) => format!("It covers{}, and not all of them are there.", over(field)),
        _ => String::new(),
    }
}

/// The bytes that a checksum covers.
fn over(field: &Field) -> String {
    match &field.form {
        Form::Checksum { over, .. } => format!(" the bytes {}–{}", over.start, over.end.saturating_sub(1)),
        _ => String::new(),
    }
}

/// A position that is none of a file's, which has `end` bytes, or whose part that ends at `end` is the nearest to be had.
pub(crate) fn beyond(at: u64, end: u64, size: u64) -> String {
    if end < size {
        return format!(
            "Position {at} of this file's {size} bytes can't be shown: the part that was read ends at {end}, and no sound index entry leads nearer."
        );
    }
    format!("Position {at} lies beyond the end of the file, which has {}.", count(end, "byte", "bytes"))
}

/// A part of a file, by its positions.
pub(crate) fn part_of(start: u64, end: u64, size: u64) -> String {
    format!("{start}–{} of {size} bytes", end.saturating_sub(1))
}

/// Where a field stands.
pub(crate) fn place(field: &Field) -> String {
    match field.size {
        0 => format!("position {}", field.position),
        1 => format!("position {} · 1 byte", field.position),
        size => format!("positions {}–{} · {size} bytes", field.position, field.end() - 1),
    }
}

/// A byte, digit by digit.
pub(crate) fn byte(at: u64, byte: u8) -> String {
    format!("byte {at}: {byte:02x} = {byte:08b} = {byte}")
}

/// The button that flips a byte.
pub(crate) fn flip(at: u64) -> String {
    format!("Flip byte {at}")
}
