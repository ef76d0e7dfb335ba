//! The indexes of a segment, checked entry by entry while its batches go by.
//!
//! What every index must be, whoever wrote it: its entries rise in both fields, and each leads to a batch from
//! which a scan finds what is looked for. Of an index that Logscope wrote and no compaction touched, more is known:
//! its entries follow the rule for adding them exactly.

use std::io;

use super::{Findings, Severity};
use crate::dump::{Entries, entry_size};
use crate::log::IndexKind;
use crate::record::BatchHeader;
use crate::segment::{IndexEntry, TimeIndexEntry};
use crate::storage::File;

/// What is known of an index before it is looked at.
#[derive(Debug)]
pub(super) struct IndexContext {
    pub(super) file: String,
    pub(super) base: u64,
    /// How bad a fault in it is: the next opening may mend it anyway.
    pub(super) severity: Severity,
    /// Whether Logscope wrote it.
    pub(super) ours: bool,
    /// Whether no compaction has touched it either.
    pub(super) exact: bool,
    /// Whether the segment was closed in good order.
    pub(super) closed: bool,
    /// Whether it is the log's last.
    pub(super) last: bool,
}

impl IndexContext {
    fn fault(&self, findings: &mut Findings, position: u64, message: impl Into<String>) {
        findings.add(self.severity, &self.file, Some(position), message);
    }

    /// Looks at the file as a whole, and gives its entries.
    fn entries<'f, F: File>(
        &self,
        kind: IndexKind,
        file: Option<&'f (F, u64)>,
        findings: &mut Findings,
    ) -> Option<Entries<'f, F>> {
        let (file, len) = file?;
        let rest = len % entry_size(kind);
        if rest > 0 {
            self.fault(findings, len - rest, format!("the file ends {rest} bytes into an entry"));
        }
        Some(Entries::new(file, kind, *len))
    }

    /// An entry of zeros, whose position this is, can only be what Kafka allocates in advance.
    fn padding<F: File>(
        &self,
        position: u64,
        entries: &mut Entries<'_, F>,
        findings: &mut Findings,
    ) -> io::Result<()> {
        while let Some(bytes) = entries.next_bytes()? {
            if bytes.iter().any(|byte| *byte != 0) {
                self.fault(findings, position, "zeros stand in the place of entries");
                return Ok(());
            }
        }
        let zeros = entries.position() - position;
        let message = format!("the last {zeros} bytes are zeros");
        match self.ours {
            true => self.fault(findings, position, message),
            false => findings.note(
                &self.file,
                Some(position),
                format!("{message}: Kafka allocates an index in advance, and cuts it when it is closed"),
            ),
        }
        Ok(())
    }
}

/// What the entries of both indexes have in common.
trait Entry: Copy + PartialEq {
    /// An entry of zeros.
    const ZERO: Self;
    /// Whether an entry of zeros may be one, if it is the only one of its index.
    const ZERO_COUNTS_ALONE: bool;

    fn read<F: File>(entries: &mut Entries<'_, F>) -> io::Result<Option<Self>>;

    /// Whether this one may follow another: entries rise in both fields.
    fn follows(self, last: Self) -> bool;
}

impl Entry for IndexEntry {
    const ZERO: Self = Self { relative_offset: 0, position: 0 };
    const ZERO_COUNTS_ALONE: bool = false;

    fn read<F: File>(entries: &mut Entries<'_, F>) -> io::Result<Option<Self>> {
        entries.next_offset()
    }

    fn follows(self, last: Self) -> bool {
        self.relative_offset > last.relative_offset && self.position > last.position
    }
}

impl Entry for TimeIndexEntry {
    const ZERO: Self = Self { timestamp: 0, relative_offset: 0 };
    const ZERO_COUNTS_ALONE: bool = true;

    fn read<F: File>(entries: &mut Entries<'_, F>) -> io::Result<Option<Self>> {
        entries.next_time()
    }

    fn follows(self, last: Self) -> bool {
        self.timestamp > last.timestamp && self.relative_offset > last.relative_offset
    }
}

/// The entries of an index, one after another.
#[derive(Debug)]
struct InOrder<'f, F, E> {
    entries: Option<Entries<'f, F>>,
    /// The next entry, and where it stands.
    pending: Option<(u64, E)>,
    /// The last entry that was in order.
    last: Option<E>,
}

impl<'f, F: File, E: Entry> InOrder<'f, F, E> {
    fn new(entries: Option<Entries<'f, F>>) -> Self {
        Self { entries, pending: None, last: None }
    }

    /// Reads on to the next entry that is in order.
    fn advance(&mut self, context: &IndexContext, findings: &mut Findings) -> io::Result<()> {
        self.pending = None;
        let Some(entries) = &mut self.entries else { return Ok(()) };
        loop {
            let position = entries.position();
            let Some(entry) = E::read(entries)? else { return Ok(()) };
            let alone = E::ZERO_COUNTS_ALONE && position == 0 && entries.left() == 0;
            if entry == E::ZERO && !alone {
                return context.padding(position, entries, findings);
            }
            if self.last.is_none_or(|last| entry.follows(last)) {
                (self.last, self.pending) = (Some(entry), Some((position, entry)));
                return Ok(());
            }
            context.fault(findings, position, "the entry does not rise above the one before");
        }
    }

    /// Where the next entry stands, or would.
    fn position(&self) -> u64 {
        match (self.pending, &self.entries) {
            (Some((position, _)), _) => position,
            (None, entries) => entries.as_ref().map_or(0, Entries::position),
        }
    }
}

/// Which values of `index.interval.bytes` explain the offset indexes so far: from `at_least`, and below `below`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Intervals {
    at_least: u64,
    below: u64,
}

impl Default for Intervals {
    fn default() -> Self {
        Self { at_least: 0, below: u64::MAX }
    }
}

/// Checks an offset index.
#[derive(Debug)]
pub(super) struct OffsetCheck<'f, F> {
    context: IndexContext,
    index: InOrder<'f, F, IndexEntry>,
    /// Where the batch of the last entry begins that was met, or 0.
    last_batch: u64,
    interval: Option<u64>,
    /// What this index alone says about the interval.
    intervals: Intervals,
    begun: bool,
}

impl<'f, F: File> OffsetCheck<'f, F> {
    pub(super) fn new(
        context: IndexContext,
        file: Option<&'f (F, u64)>,
        interval: Option<u32>,
        findings: &mut Findings,
    ) -> Self {
        if file.is_none() {
            findings.add(context.severity, &context.file, None, "the offset index is missing");
        }
        let index = InOrder::new(context.entries(IndexKind::Offset, file, findings));
        let (interval, intervals) = (interval.map(u64::from), Intervals::default());
        Self { context, index, last_batch: 0, interval, intervals, begun: false }
    }

    /// Takes the batch at `position` of the log, whose header is `None` if it is damaged, and says whether the
    /// index has an entry for it.
    pub(super) fn batch(
        &mut self,
        header: Option<&BatchHeader>,
        position: u64,
        findings: &mut Findings,
    ) -> io::Result<bool> {
        if !self.begun {
            self.begun = true;
            self.index.advance(&self.context, findings)?;
        }
        while let Some((at, entry)) =
            self.index.pending.filter(|(_, entry)| u64::from(entry.position) < position)
        {
            let message = format!("the entry points at position {}, where no batch begins", entry.position);
            self.context.fault(findings, at, message);
            self.index.advance(&self.context, findings)?;
        }
        let here = self.index.pending.filter(|(_, entry)| u64::from(entry.position) == position);
        if let Some((at, entry)) = here {
            if let Some(header) = header {
                self.compare(at, entry, header, findings);
            }
            self.index.advance(&self.context, findings)?;
        }
        self.spacing(position, here.is_some(), findings);
        Ok(here.is_some())
    }

    fn compare(&self, at: u64, entry: IndexEntry, header: &BatchHeader, findings: &mut Findings) {
        let (offset, first, last) =
            (self.context.base + u64::from(entry.relative_offset), header.base_offset, header.last_offset());
        if self.context.exact && offset != last {
            let wrong = format!("the entry says offset {offset} for the batch that ends at offset {last}");
            self.context.fault(findings, at, wrong);
        } else if offset < first {
            let wrong = format!("the entry says offset {offset} for the batch that begins at offset {first}");
            self.context.fault(findings, at, wrong);
        }
    }

    /// The rule that adds entries, read backwards.
    fn spacing(&mut self, position: u64, indexed: bool, findings: &mut Findings) {
        let since = position - self.last_batch;
        match indexed {
            true => self.intervals.below = self.intervals.below.min(since),
            false => self.intervals.at_least = self.intervals.at_least.max(since),
        }
        if let Some(interval) = self.interval.filter(|_| self.context.exact && self.index.entries.is_some())
            && indexed != (since > interval)
        {
            let at = self.index.position();
            let has = if indexed { "has an entry" } else { "has no entry" };
            let message = format!(
                "the batch at position {position} {has}, {since} bytes after the one before; \
                 index.interval.bytes is {interval}"
            );
            self.context.fault(findings, at, message);
            // The rule counts from the entry that should be there.
            self.last_batch = position;
        }
        if indexed {
            self.last_batch = position;
        }
    }

    /// The log's batches end at `log_end`; `None` if nobody knows what stands there.
    pub(super) fn finish(
        mut self,
        log_end: Option<u64>,
        known: &mut Intervals,
        findings: &mut Findings,
    ) -> io::Result<()> {
        if !self.begun {
            self.index.advance(&self.context, findings)?;
        }
        if let Some(((at, entry), log_end)) = self.index.pending.zip(log_end) {
            let message =
                format!("the entry points at position {}, and the log ends at {log_end}", entry.position);
            self.context.fault(findings, at, message);
        }
        let Intervals { at_least, below } = self.intervals;
        let comparable = self.context.exact && self.context.closed && self.index.entries.is_some();
        if !comparable || self.interval.is_some() {
            return Ok(());
        }
        let both = Intervals { at_least: known.at_least.max(at_least), below: known.below.min(below) };
        if both.at_least < both.below {
            *known = both;
        } else {
            let message = "no single index.interval.bytes explains these entries: \
                           some are missing, or it was changed";
            findings.note(&self.context.file, None, message);
            *known = if at_least < below { self.intervals } else { *known };
        }
        Ok(())
    }
}

/// Checks a time index.
#[derive(Debug)]
pub(super) struct TimeCheck<'f, F> {
    context: IndexContext,
    index: InOrder<'f, F, TimeIndexEntry>,
    /// The largest timestamp of the batches so far.
    largest: Option<i64>,
    /// The largest timestamp that the entries so far account for.
    accounted: i64,
}

impl<'f, F: File> TimeCheck<'f, F> {
    pub(super) fn new(context: IndexContext, file: Option<&'f (F, u64)>, findings: &mut Findings) -> Self {
        if file.is_none() {
            findings.note(&context.file, None, "there is no time index");
        }
        let index = InOrder::new(context.entries(IndexKind::Time, file, findings));
        // Kafka takes −1 for no timestamp, and never indexes it.
        Self { context, index, largest: None, accounted: -1 }
    }

    /// Takes the next batch, whose header is `None` if it is damaged, and whether the offset index has an entry
    /// for it.
    pub(super) fn batch(
        &mut self,
        header: Option<&BatchHeader>,
        indexed: bool,
        findings: &mut Findings,
    ) -> io::Result<()> {
        let Some(header) = header else {
            // Its timestamp is unknown, so nothing can be said of any entry behind it.
            (self.index.entries, self.index.pending) = (None, None);
            return Ok(());
        };
        if self.largest.is_none() {
            self.index.advance(&self.context, findings)?;
        }
        let first_to_reach = self.largest.is_none_or(|largest| header.max_timestamp > largest);
        let largest = self.largest.map_or(header.max_timestamp, |largest| largest.max(header.max_timestamp));
        self.largest = Some(largest);
        while let Some((at, entry)) = self.index.pending {
            let offset = self.context.base + u64::from(entry.relative_offset);
            if offset > header.last_offset() {
                break;
            }
            let here = !self.context.exact || first_to_reach && offset == header.last_offset();
            if entry.timestamp != largest || !here {
                let message = format!(
                    "the entry says timestamp {} at offset {offset}, and the batches up to offset {} \
                     have {largest} as their largest",
                    entry.timestamp,
                    header.last_offset(),
                );
                self.context.fault(findings, at, message);
            }
            self.accounted = self.accounted.max(entry.timestamp);
            self.index.advance(&self.context, findings)?;
        }
        if indexed {
            let why = format!("the offset index has offset {}", header.last_offset());
            self.due(largest, &why, self.context.severity, findings);
        }
        Ok(())
    }

    /// Says so if an entry was due, because of `why`, and is not there.
    fn due(&mut self, largest: i64, why: &str, severity: Severity, findings: &mut Findings) {
        if self.context.exact && self.index.entries.is_some() && largest > self.accounted {
            let at = self.index.position();
            let message = format!("no entry for timestamp {largest}, the largest so far, though {why}");
            findings.add(severity, &self.context.file, Some(at), message);
            self.accounted = largest;
        }
    }

    /// The log's batches end here; `whole` is false if nobody knows what follows.
    pub(super) fn finish(mut self, whole: bool, findings: &mut Findings) -> io::Result<()> {
        if !whole {
            return Ok(());
        }
        match self.largest {
            None => self.index.advance(&self.context, findings)?,
            Some(largest) if self.context.closed => {
                // An opening takes it off before the checkpoint says that the log is open, and may get no further.
                let severity = if self.context.last { Severity::Note } else { self.context.severity };
                self.due(largest, "the segment is closed", severity, findings);
            }
            Some(_) => {}
        }
        if let Some((at, entry)) = self.index.pending {
            let offset = self.context.base + u64::from(entry.relative_offset);
            self.context.fault(
                findings,
                at,
                format!("the entry says offset {offset}, beyond the log's batches"),
            );
        }
        Ok(())
    }
}
