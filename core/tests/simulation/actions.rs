//! What each action must bring, by the model.

use crc::{CRC_32_ISCSI, Crc};
use logscope::log::TimestampOffset;
use logscope::record::{
    BatchMeta, Compression, NO_PRODUCER, NewRecord, Producer, TimestampType, encode_batch_with,
};
use logscope::{Error, PartitionLog, SegmentInfo};

use logscope::lab::CLOCK_TICK_MS;

use crate::model::{Batch, Checked, NOTHING_NEW, START, batches, check};
use crate::producers::Fate;
use crate::run::{Disk, REFUSALS, Run};
use crate::step::Fault;

const CRC_32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

const ROLLS: &str = "a log rolls when it has to, and only then";
const SEQUENCES: &str = "a producer's batches are appended once, and without a gap";
const RETENTION: &str = "retention takes what is due, oldest first";

impl<D: Disk> Run<D> {
    /// Whether the next batch of the same action may come.
    pub(crate) fn append(
        &mut self,
        records: &[NewRecord<'_>],
        producer: Option<Producer>,
        fault: Option<Fault>,
    ) -> Checked<bool> {
        if self.log.is_none() {
            return Ok(false);
        }
        let producer = producer.unwrap_or(NO_PRODUCER);
        let batch = self.encode(records, producer);
        let fates = match producer.id {
            0.. => self.model.fates(producer, records.len() as u32),
            _ => vec![Fate::Fresh],
        };
        let segment = self.segment_for(&batch);
        let Some(log) = &mut self.log else { return Ok(false) };
        let result = log.append_as(producer, records, self.now_ms);
        // The log may have rolled, and so synced, before anything went wrong.
        self.model.promise(log.high_watermark())?;

        let size = batch.bytes.len() as u32;
        let too_large = size > self.config.segment_bytes.min(self.config.max_message_bytes);
        let keyless =
            self.config.cleanup_policy.compacts() && records.iter().any(|record| record.key.is_none());
        let refusable = too_large || keyless || self.model.poisoned;
        match result {
            Ok(appended) => {
                check(!refusable, REFUSALS, || format!("{batch:?} was taken"))?;
                let given = (appended.base_offset, appended.last_offset);
                let fate = if appended.duplicate { Fate::Duplicate(given.0, given.1) } else { Fate::Fresh };
                check(fates.contains(&fate), SEQUENCES, || {
                    format!("{producer:?}: {fate:?} instead of {fates:?}")
                })?;
                self.now_ms = self.now_ms.saturating_add(CLOCK_TICK_MS);
                if appended.duplicate {
                    return Ok(true);
                }
                let due = (batch.base, batch.next - 1);
                check(given == due, NOTHING_NEW, || {
                    format!("an append got the offsets {given:?}, not {due:?}")
                })?;
                let as_due = segment.is_none_or(|segment| segment == appended.segment);
                check(as_due, ROLLS, || format!("{batch:?} is in {}, not in {segment:?}", appended.segment))?;
                self.model.end = batch.next;
                self.model.batches.push(batch);
                return Ok(true);
            }
            Err(Error::InvalidRecord(_)) if keyless => {}
            Err(Error::MessageTooLarge { .. }) if too_large => {}
            Err(Error::OutOfOrderSequence { .. }) if fates.contains(&Fate::OutOfOrder) => {}
            Err(Error::InvalidProducerEpoch { .. }) if fates.contains(&Fate::OldEpoch) => {}
            Err(error) => {
                if matches!(error, Error::Io(_)) {
                    self.model.failed.push(batch);
                }
                self.refused(&error, fault)?;
            }
        }
        Ok(false)
    }

    /// The batch as it must stand in the log.
    fn encode(&self, records: &[NewRecord<'_>], producer: Producer) -> Batch {
        let base = self.model.end;
        let compression = self.config.compression_type.unwrap_or(Compression::None);
        let meta = BatchMeta { base_offset: base, compression, producer, ..BatchMeta::default() };
        let mut bytes = Vec::new();
        encode_batch_with(&mut bytes, records, self.now_ms, meta).expect("this build has all codecs");
        if self.config.message_timestamp_type == TimestampType::LogAppendTime {
            // The bit that says so, the largest timestamp, and the checksum from the attributes on.
            bytes[22] |= 1 << 3;
            bytes[35..43].copy_from_slice(&self.now_ms.to_be_bytes());
            let crc = CRC_32C.checksum(&bytes[21..]);
            bytes[17..21].copy_from_slice(&crc.to_be_bytes());
        }
        Batch { base, next: base + records.len() as u64, bytes }
    }

    /// Which segment a batch has to go to; `None` if that depends on what failed before.
    fn segment_for(&self, batch: &Batch) -> Option<u64> {
        let (config, segments) = (&self.config, self.log.as_ref()?.segments());
        let active = segments.last().filter(|_| !(self.model.trouble || self.model.damaged))?;
        let first = self.model.segment(active.base_offset, u64::MAX).next();
        let waited_ms = first.map_or(0, |first| {
            i128::from(batch.header().max_timestamp) - i128::from(first.header().max_timestamp)
        });
        let limit = config.segment_index_bytes as usize;
        let room_for_times = (limit / 12).saturating_sub(1).max(1);
        let rolls = active.size > 0
            && (active.size + batch.bytes.len() as u64 > u64::from(config.segment_bytes)
                || waited_ms > i128::from(config.segment_ms)
                || active.index_entries >= limit / 8
                || active.time_index_entries >= room_for_times);
        Some(if rolls { batch.base } else { active.base_offset })
    }

    pub(crate) fn fetch(&mut self, offset: u64, max_bytes: u64, fault: Option<Fault>) -> Checked {
        let Some(log) = &self.log else { return Ok(()) };
        let range = self.model.start..=self.model.end;
        match log.fetch(offset, max_bytes) {
            Ok(fetched) => {
                let (found, due) = (batches(&fetched.batches), self.model.fetch(offset, max_bytes));
                let ends = ((fetched.next_offset, fetched.stopped_by), (due.1, due.2));
                let same = self.model.same(&found, due.0) && ends.0 == ends.1;
                check(same && range.contains(&offset), "a fetch returns what was appended", || {
                    format!("{found:?} and {:?} instead of {:?} and {:?}", ends.0, due.0, ends.1)
                })
            }
            Err(Error::OffsetOutOfRange { .. }) => {
                check(!range.contains(&offset), REFUSALS, || format!("{offset} is in {range:?}"))
            }
            Err(error) => self.reader_refused(&error, fault),
        }
    }

    pub(crate) fn find(&mut self, timestamp: i64, fault: Option<Fault>) -> Checked {
        let Some(log) = &self.log else { return Ok(()) };
        let due = self.model.find(timestamp);
        match log.offset_for_timestamp(timestamp) {
            Ok(found) => {
                let say = |found: Option<TimestampOffset>| found.map(|at| (at.offset, at.timestamp));
                check(found == due || self.model.damaged, "a timestamp is found where it first is", || {
                    format!("{timestamp} is at {:?}, not at {:?}", say(due), say(found))
                })
            }
            Err(error) => self.reader_refused(&error, fault),
        }
    }

    /// A reader's trouble is not the writer's.
    fn reader_refused(&mut self, error: &Error, fault: Option<Fault>) -> Checked {
        let trouble = self.model.trouble;
        let refused = self.refused(error, fault);
        self.model.trouble = trouble;
        refused
    }

    pub(crate) fn flush(&mut self, fault: Option<Fault>) -> Checked {
        let Some(log) = &mut self.log else { return Ok(()) };
        if let Some(Fault::Late { steps }) = fault {
            self.late.push((steps, log.begin_flush()));
            return Ok(());
        }
        match log.flush() {
            Ok(up_to) => {
                self.model.synced();
                check(!self.model.poisoned, REFUSALS, || "a flush after a failed sync worked".to_owned())?;
                check(up_to == self.model.end, "a flush makes all durable", || format!("only up to {up_to}"))
            }
            Err(error) => {
                self.model.poisoned |= matches!(error, Error::Io(_));
                self.refused(&error, fault)
            }
        }
    }

    pub(crate) fn retain(&mut self, fault: Option<Fault>) -> Checked {
        let Some(log) = &mut self.log else { return Ok(()) };
        let before = log.segments();
        let due = self.model.due(&before, &self.config, self.now_ms);
        let result = log.apply_retention(self.now_ms);
        if !matches!(result, Err(Error::Poisoned)) {
            self.model.expire(self.now_ms, self.config.producer_id_expiration_ms);
        }
        let after = before.get(due.len()).map_or(0, |segment| segment.base_offset);
        let start = if due.is_empty() { self.model.start } else { self.model.start.max(after) };
        let taken = |taken: &Vec<SegmentInfo>| bases(taken) == due;
        let as_due = result.as_ref().is_ok_and(taken) || result.is_err() || self.model.damaged;
        check(as_due, RETENTION, || format!("{result:?} instead of {due:?}"))?;
        self.deleted(result.map(drop), start, &due, fault)
    }

    pub(crate) fn delete_before(&mut self, offset: u64, fault: Option<Fault>) -> Checked {
        let Some(log) = &mut self.log else { return Ok(()) };
        let segments = log.segments();
        let below = segments.windows(2).filter(|pair| pair[1].base_offset <= offset);
        let due: Vec<u64> = below.map(|pair| pair[0].base_offset).collect();
        let result = log.delete_records_before(offset);
        if matches!(result, Err(Error::OffsetOutOfRange { .. })) {
            return check(offset > self.model.durable, REFUSALS, || format!("{offset} is visible"));
        }
        check(result.is_err() || offset <= self.model.durable, REFUSALS, || {
            format!("{offset} is not durable")
        })?;
        let start = offset.max(self.model.start);
        let as_due = result.as_ref().is_ok_and(|given| *given == start) || result.is_err();
        check(as_due, START, || format!("{result:?} instead of {start}"))?;
        self.deleted(result.map(drop), start, &due, fault)
    }

    /// After an action that should have moved the log start up to `start`, and deleted these segments.
    fn deleted(
        &mut self,
        result: Result<(), Error>,
        start: u64,
        due: &[u64],
        fault: Option<Fault>,
    ) -> Checked {
        let Some(log) = &self.log else { return Ok(()) };
        let (found, left) = (log.log_start_offset(), bases(&log.segments()));
        let Err(error) = result else {
            check(found == start || self.model.damaged, START, || format!("it is {found}, not {start}"))?;
            let gone = due.iter().all(|base| !left.contains(base)) || self.model.damaged;
            check(gone, RETENTION, || format!("{left:?} are left, and {due:?} should be gone"))?;
            self.model.delete_before(found);
            self.model.other_starts.clear();
            return Ok(());
        };
        let before = self.model.start;
        let either = found == before || found == start || self.model.damaged;
        check(either, START, || format!("it is {found}, neither {before} nor {start}"))?;
        self.model.delete_before(found);
        self.model.other_starts.extend([before, start]);
        self.refused(&error, fault)
    }

    pub(crate) fn truncate(&mut self, offset: u64, fault: Option<Fault>) -> Checked {
        let Some(log) = &mut self.log else { return Ok(()) };
        let (start, end) = (self.model.start, self.model.end);
        let base = bases(&log.segments()).into_iter().rfind(|base| *base <= offset).unwrap_or(start);
        let to = self.model.cut_point(offset, base);
        let result = log.truncate_to(offset);
        let found = log.log_end_offset();
        match result {
            Ok(given) => {
                let fits = (start..=end).contains(&offset) && !self.model.poisoned;
                let as_due = given == to || self.model.damaged && given < to;
                check(fits && as_due, "a truncation cuts off all that reaches an offset", || {
                    format!("at {offset} it cut {start}..{end} to {given}, not to {to}")
                })?;
                if offset < end {
                    self.truncations += 1;
                    self.model.cut(given);
                    self.model.durable = given;
                    self.model.cleaned_up_to = self.model.cleaned_up_to.min(given);
                    self.model.other_starts.clear();
                    self.model.synced();
                }
                Ok(())
            }
            Err(Error::OffsetOutOfRange { .. }) => check(!(start..=end).contains(&offset), REFUSALS, || {
                format!("{offset} is in {start}..={end}")
            }),
            Err(error) => {
                if found != end {
                    self.truncations += 1;
                    self.model.doubt_producers();
                    let cut = self.model.cut(found);
                    self.model.failed.extend(cut);
                    self.model.other_starts.extend([start, self.model.start]);
                }
                self.refused(&error, fault)
            }
        }
    }

    /// Whether there was a reason for an error.
    pub(crate) fn refused(&mut self, error: &Error, fault: Option<Fault>) -> Checked {
        let reason = match error {
            Error::Io(_) => {
                self.model.trouble = true;
                fault.is_some()
            }
            Error::Poisoned => self.model.trouble,
            Error::Corrupt { .. } => self.model.damaged,
            _ => false,
        };
        check(reason, REFUSALS, || error.to_string())
    }

    /// What must hold after every step.
    pub(crate) fn check_log(&mut self) -> Checked {
        let Some(log) = &self.log else { return Ok(()) };
        let (found, due) = (range(log), (self.model.start, self.model.end));
        check(found == due, "a refused action leaves no trace", || {
            format!("the log goes from {} to {}, not from {} to {}", found.0, found.1, due.0, due.1)
        })?;
        let bases = bases(&log.segments());
        // A truncation that failed may have left segments that no reader gets to.
        let last = bases.last().is_some_and(|last| *last <= found.1 || self.model.trouble);
        let rise = bases.is_sorted_by(|a, b| a < b) && last;
        check(rise, "segments rise", || format!("{bases:?}, and the log ends at {}", found.1))?;
        self.model.promise(log.high_watermark())
    }
}

fn range<D: Disk>(log: &PartitionLog<D>) -> (u64, u64) {
    (log.log_start_offset(), log.log_end_offset())
}

pub(crate) fn bases(segments: &[SegmentInfo]) -> Vec<u64> {
    segments.iter().map(|segment| segment.base_offset).collect()
}
