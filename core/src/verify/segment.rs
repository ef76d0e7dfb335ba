//! One segment: its batches and records, and beside them its indexes.
//!
//! The log and both indexes are read from front to back at the same time, so that the memory that this takes does
//! not depend on their sizes.

use std::io;

use super::indexes::{IndexContext, OffsetCheck, TimeCheck};
use super::{Check, Severity};
use crate::dump::BatchWalker;
use crate::error::CorruptReason;
use crate::record::{Batch, BatchHeader, Compression};
use crate::segment::{INDEX_SUFFIX, LOG_SUFFIX, TIME_INDEX_SUFFIX, file_name};
use crate::storage::{File, Storage};

/// A `.log` file that is being checked.
struct LogFile<'a, F> {
    base: u64,
    name: &'a str,
    last: bool,
    walker: BatchWalker<'a, F>,
    /// Whether there is something in it behind which nothing can be told apart.
    bad_tail: bool,
}

/// A batch that was met. Where it is not good, the header is only the best guess that there is.
struct Met {
    header: BatchHeader,
    position: u64,
    good: bool,
}

impl<S: Storage> Check<'_, S> {
    /// Checks the segment at `base`, which the one at `next` follows.
    pub(super) fn segment(&mut self, base: u64, next: Option<u64>) -> io::Result<()> {
        let name = file_name(base, LOG_SUFFIX);
        // The indexes first: what is added while this runs then stands in the log at least.
        let index = self.index_file(&file_name(base, INDEX_SUFFIX))?;
        let time_index = self.index_file(&file_name(base, TIME_INDEX_SUFFIX))?;
        let Some(log) = self.open(&name)? else { return Ok(()) };
        let len = log.len()?;
        let checkpoint = self.report.checkpoint;
        if let (Some(checkpoint), Some(next)) = (checkpoint, next)
            && next <= checkpoint.log_start_offset
        {
            self.findings.note(&name, None, "it lies below the log start offset, and is due to be deleted");
            self.advance(len);
            return Ok(());
        }
        self.begin(base, &name);

        let torn = next.is_none_or(|next| next > self.durable_up_to) && self.durable_up_to != u64::MAX;
        let recoverable = torn || self.is_swapped(base);
        let context = |suffix| IndexContext {
            file: file_name(base, suffix),
            base,
            severity: if recoverable { Severity::Note } else { Severity::Problem },
            ours: checkpoint.is_some(),
            // What is being appended to changes under our eyes.
            exact: checkpoint.is_some_and(|checkpoint| base >= checkpoint.cleaned_up_to)
                && !(self.options.in_use && next.is_none()),
            closed: next.is_some() || checkpoint.is_some_and(|checkpoint| checkpoint.clean),
            last: next.is_none(),
        };
        let interval = self.options.index_interval_bytes;
        let mut index = OffsetCheck::new(context(INDEX_SUFFIX), index.as_ref(), interval, &mut self.findings);
        let mut time = TimeCheck::new(context(TIME_INDEX_SUFFIX), time_index.as_ref(), &mut self.findings);
        let walker = BatchWalker::new(&log, 0, len);
        let mut file = LogFile { base, name: &name, last: next.is_none(), walker, bad_tail: false };
        while let Some(met) = self.batch(&mut file)? {
            let indexed = index.batch(met.good.then_some(&met.header), met.position, &mut self.findings)?;
            time.batch(met.good.then_some(&met.header), indexed, &mut self.findings)?;
        }
        let end = Some(file.walker.position()).filter(|_| !file.bad_tail);
        index.finish(end, &mut self.intervals, &mut self.findings)?;
        time.finish(!file.bad_tail, &mut self.findings)
    }

    /// Whether a compaction was interrupted that lets another segment take the place of this one: it may have its
    /// indexes already.
    fn is_swapped(&self, base: u64) -> bool {
        self.names.iter().any(|name| {
            let offsets = name.strip_suffix(".log.swap").and_then(|offsets| offsets.split_once('-'));
            let number = |digits: &str| digits.parse::<u64>().ok();
            let swap = offsets.and_then(|(base, end)| Some(number(base)?..number(end)?));
            swap.is_some_and(|swap| swap.contains(&base))
        })
    }

    fn index_file(&mut self, name: &str) -> io::Result<Option<(S::File, u64)>> {
        let Some(file) = self.open(name)? else { return Ok(None) };
        let len = file.len()?;
        Ok(Some((file, len)))
    }

    /// Compares where a segment begins with where the one before ended.
    fn begin(&mut self, base: u64, name: &str) {
        match self.next_offset {
            None => self.report.log_start_offset = base,
            Some(expected) if base < expected => {
                let reason = CorruptReason::OffsetOrder { found: base, expected };
                self.findings.problem(
                    name,
                    Some(0),
                    format!("the segment overlaps the one before: {reason}"),
                );
            }
            Some(expected) if base > expected && !self.unsure => self.hole(name, 0, expected, base),
            Some(_) => {}
        }
        self.next_offset = Some(base);
        self.unsure = false;
        self.report.log_end_offset = base;
    }

    /// Checks the next batch. `None` at the end, and where the rest cannot be told apart.
    fn batch(&mut self, file: &mut LogFile<'_, S::File>) -> io::Result<Option<Met>> {
        let header = file.walker.advance()?;
        let position = file.walker.position();
        let header = match header {
            None => return Ok(None),
            Some(Ok(header)) => header,
            Some(Err(reason)) => {
                let left = file.walker.left();
                self.bad_tail(file, position, &reason.into(), left, 0);
                return Ok(None);
            }
        };
        let checked = match file.walker.verify()? {
            Ok(()) => self.offsets(file, &header, position),
            Err(reason) => Err(reason.into()),
        };
        let good = checked.is_ok();
        match checked {
            Ok(()) => {
                self.records(file, &header, position)?;
                self.next_offset = Some(header.last_offset() + 1);
                self.report.log_end_offset = header.last_offset() + 1;
            }
            // No crash makes a whole batch stand where it cannot: recovery cuts nothing for that.
            Err(reason @ (CorruptReason::OffsetRange { .. } | CorruptReason::TooLarge)) => {
                self.findings.problem(file.name, Some(position), reason.to_string());
            }
            Err(reason) if file.last => {
                let left = file.walker.left();
                let behind = self.whole_batches_behind(file)?;
                self.bad_tail(file, position, &reason, left, behind);
                return Ok(None);
            }
            Err(reason) => self.findings.problem(file.name, Some(position), reason.to_string()),
        }
        // Which offsets a damaged batch had nobody knows, so none are missed behind it.
        self.unsure = !good;
        self.advance(u64::from(header.size));
        Ok(Some(Met { header, position, good }))
    }

    fn advance(&mut self, bytes: u64) {
        self.report.bytes += bytes;
        (self.progress)(bytes);
    }

    fn offsets(
        &mut self,
        file: &LogFile<'_, S::File>,
        header: &BatchHeader,
        position: u64,
    ) -> Result<(), CorruptReason> {
        let (found, last_offset) = (header.base_offset, header.last_offset());
        let expected = self.next_offset.unwrap_or(0);
        if found < expected {
            return Err(CorruptReason::OffsetOrder { found, expected });
        }
        if last_offset - file.base > i32::MAX as u64 {
            return Err(CorruptReason::OffsetRange { last_offset });
        }
        if position > i32::MAX as u64 {
            return Err(CorruptReason::TooLarge);
        }
        if found > expected && !self.unsure {
            self.hole(file.name, position, expected, found);
        }
        Ok(())
    }

    /// Offsets from `from` up to `to` are in no batch. Compaction and transactions may leave such holes.
    fn hole(&mut self, name: &str, position: u64, from: u64, to: u64) {
        match self.report.checkpoint {
            Some(checkpoint) if to <= checkpoint.cleaned_up_to => {}
            Some(_) => {
                let reason = CorruptReason::OffsetsMissing { from, to };
                self.findings.problem(name, Some(position), reason.to_string());
            }
            None => {
                let (count, from, to) = self.holes.unwrap_or((0, from, to));
                self.holes = Some((count + 1, from, to));
            }
        }
    }

    /// Checks the records of a batch whose checksum is right.
    fn records(
        &mut self,
        file: &mut LogFile<'_, S::File>,
        header: &BatchHeader,
        position: u64,
    ) -> io::Result<()> {
        self.report.batches += 1;
        self.report.records += u64::from(header.records_count);
        let checkpoint = self.report.checkpoint;
        let whole = checkpoint.is_some_and(|checkpoint| header.base_offset >= checkpoint.cleaned_up_to);
        if whole && u64::from(header.records_count) != u64::from(header.last_offset_delta) + 1 {
            let BatchHeader { records_count, last_offset_delta, .. } = header;
            let wrong =
                format!("the batch says {records_count} records, and its last is number {last_offset_delta}");
            self.findings.problem(file.name, Some(position), wrong);
        }
        if header.compression() != Some(Compression::None) {
            return Ok(());
        }
        if let Err(wrong) = check_records(file.walker.bytes()?, whole) {
            self.findings.problem(file.name, Some(position), wrong);
        }
        Ok(())
    }

    /// How many batches that are good follow the current one, by its length.
    fn whole_batches_behind(&mut self, file: &mut LogFile<'_, S::File>) -> io::Result<u64> {
        let (mut count, mut next) = (0, self.next_offset.unwrap_or(0));
        while let Some(Ok(header)) = file.walker.advance()? {
            if header.base_offset < next || file.walker.verify()?.is_err() {
                break;
            }
            next = header.last_offset() + 1;
            count += 1;
        }
        Ok(count)
    }

    /// The file's last `left` bytes, from `position` on, begin with something that is no good batch.
    fn bad_tail(
        &mut self,
        file: &mut LogFile<'_, S::File>,
        position: u64,
        reason: &CorruptReason,
        left: u64,
        behind: u64,
    ) {
        file.bad_tail = true;
        self.advance(left);
        let log_end = self.next_offset.unwrap_or(0);
        let bytes = format!("{left} bytes from here on");
        self.unsure = true;
        if !file.last {
            let message = format!("{reason}; the {bytes} cannot be told apart");
            return self.findings.problem(file.name, Some(position), message);
        }
        if self.options.in_use && behind == 0 {
            let message = format!("{reason}; the {bytes} may be a batch that is being written");
            return self.findings.note(file.name, Some(position), message);
        }
        let cut = match behind {
            0 => format!("recovery will cut off the {bytes}"),
            1 => format!("recovery will cut off the {bytes}, one whole batch among them"),
            _ => format!("recovery will cut off the {bytes}, {behind} whole batches among them"),
        };
        let torn = match self.report.checkpoint {
            Some(_) => log_end >= self.durable_up_to,
            // Nobody knows what was durable. A write that was cut short has nothing behind it.
            None => behind == 0,
        };
        let severity = if torn { Severity::Note } else { Severity::Problem };
        let message = match self.durable_up_to {
            _ if torn => format!("{reason}; {cut}"),
            u64::MAX => format!("{reason}, though the log was closed in good order"),
            durable if self.report.checkpoint.is_some() => {
                format!("{reason}, though offsets up to the recovery point {durable} were durable")
            }
            _ => format!("{reason}; {cut}"),
        };
        self.findings.add(severity, file.name, Some(position), message);
    }
}

/// Checks that the records parse, that their offsets rise, and that none is left out where none can be.
fn check_records(bytes: &[u8], whole: bool) -> Result<(), String> {
    let (batch, _) = Batch::parse(bytes).map_err(|error| error.to_string())?;
    let mut next = batch.header().base_offset;
    for record in batch.records() {
        let offset = record.map_err(|error| error.to_string())?.offset;
        if offset < next || whole && offset > next {
            return Err(format!("a record of the batch has offset {offset}, and {next} is due"));
        }
        next = offset + 1;
    }
    Ok(())
}
