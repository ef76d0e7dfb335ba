//! `.snapshot` files, an entry a line, and the `checkpoint` file.

use std::fmt;

use logscope::File as _;
use logscope::dump::{self, ProducerEntry};
use logscope::log::Checkpoint;
use serde::Serialize;

use super::out::Out;
use super::{Detail, Failed, Input};

const DAMAGED: &str = "Damaged bytes in";

/// Room for millions of producers; what is larger is no snapshot.
const MAX_SIZE: u64 = 256 << 20;

fn read(input: &Input<'_>) -> Result<Vec<u8>, Failed> {
    if input.len > MAX_SIZE {
        let message = format!("{} has {} bytes, too many for what it is", input.path.display(), input.len);
        return Err(Failed::Input(message));
    }
    let mut bytes = vec![0; input.len as usize];
    let read = input.file.read_at(0, &mut bytes).map_err(Failed::input)?;
    bytes.truncate(read);
    Ok(bytes)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProducerLine {
    producer_id: i64,
    producer_epoch: i16,
    coordinator_epoch: i32,
    current_txn_first_offset: Option<i64>,
    last_timestamp: i64,
    first_sequence: i32,
    last_sequence: i32,
    last_offset: i64,
    offset_delta: i32,
    timestamp: i64,
}

impl From<ProducerEntry> for ProducerLine {
    fn from(entry: ProducerEntry) -> Self {
        // Sequence numbers go round behind the largest; there are 2³¹ of them.
        let first = (i64::from(entry.last_sequence) - i64::from(entry.offset_delta)).rem_euclid(1 << 31);
        Self {
            producer_id: entry.producer_id,
            producer_epoch: entry.producer_epoch,
            coordinator_epoch: entry.coordinator_epoch,
            current_txn_first_offset: Some(entry.current_txn_first_offset).filter(|offset| *offset >= 0),
            last_timestamp: entry.timestamp,
            first_sequence: if entry.last_sequence < 0 { -1 } else { first as i32 },
            last_sequence: entry.last_sequence,
            last_offset: entry.last_offset,
            offset_delta: entry.offset_delta,
            timestamp: entry.timestamp,
        }
    }
}

impl fmt::Display for ProducerLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transaction = match self.current_txn_first_offset {
            Some(offset) => format!("OptionalLong[{offset}]"),
            None => "OptionalLong.empty".to_owned(),
        };
        write!(
            f,
            "producerId: {} producerEpoch: {} coordinatorEpoch: {} currentTxnFirstOffset: {transaction} \
             lastTimestamp: {}",
            self.producer_id, self.producer_epoch, self.coordinator_epoch, self.last_timestamp
        )?;
        // Kafka knows a producer without a batch by this.
        if self.last_offset < 0 {
            return Ok(());
        }
        write!(
            f,
            " firstSequence: {} lastSequence: {} lastOffset: {} offsetDelta: {} timestamp: {}",
            self.first_sequence, self.last_sequence, self.last_offset, self.offset_delta, self.timestamp
        )
    }
}

pub(super) fn snapshot(input: &Input<'_>, detail: Detail, out: &mut Out) -> Result<(), Failed> {
    let bytes = read(input)?;
    let entries = dump::read_snapshot(&bytes);
    if detail == Detail::Hex {
        for field in dump::snapshot_header(&bytes) {
            out.field(&field, &bytes, 0)?;
        }
        let entries = bytes.get(dump::SNAPSHOT_HEADER_SIZE..).unwrap_or_default();
        for (number, entry) in (0u64..).zip(entries.chunks(dump::SNAPSHOT_ENTRY_SIZE)) {
            out.field(&dump::snapshot_entry(number, entry), &bytes, 0)?;
        }
    }
    match entries {
        Ok(entries) if detail != Detail::Hex => {
            entries.into_iter().try_for_each(|entry| out.print(&ProducerLine::from(entry)))?;
        }
        Ok(_) => {}
        Err(damage) => out.fault(DAMAGED, format!("position {}: {}", damage.position, damage.reason)),
    }
    Ok(())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CheckpointLine {
    log_start_offset: u64,
    recovery_point: u64,
    active_segment: u64,
    cleaned_up_to: u64,
    first_dirty_offset: u64,
    delete_horizon_ms: Option<i64>,
    clean: bool,
}

impl From<Checkpoint> for CheckpointLine {
    fn from(checkpoint: Checkpoint) -> Self {
        let Checkpoint { log_start_offset, recovery_point, active_segment, .. } = checkpoint;
        let Checkpoint { cleaned_up_to, first_dirty_offset, delete_horizon_ms, clean, .. } = checkpoint;
        Self {
            log_start_offset,
            recovery_point,
            active_segment,
            cleaned_up_to,
            first_dirty_offset,
            delete_horizon_ms,
            clean,
        }
    }
}

impl fmt::Display for CheckpointLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { log_start_offset, recovery_point, active_segment, .. } = self;
        let Self { cleaned_up_to, first_dirty_offset, clean, .. } = self;
        let delete_horizon_ms = self.delete_horizon_ms.unwrap_or(-1);
        write!(
            f,
            "logStartOffset: {log_start_offset} recoveryPoint: {recovery_point} activeSegment: {active_segment} \
             cleanedUpTo: {cleaned_up_to} firstDirtyOffset: {first_dirty_offset} deleteHorizonMs: {delete_horizon_ms} \
             clean: {clean}"
        )
    }
}

pub(super) fn checkpoint(input: &Input<'_>, detail: Detail, out: &mut Out) -> Result<(), Failed> {
    let bytes = read(input)?;
    let (fields, checkpoint) = dump::checkpoint(&bytes);
    match (detail, checkpoint) {
        (Detail::Hex, _) => fields.iter().try_for_each(|field| out.field(field, &bytes, 0))?,
        (_, Some(checkpoint)) => out.print(&CheckpointLine::from(checkpoint))?,
        (_, None) => {}
    }
    for (position, problem) in fields.iter().filter_map(dump::Field::first_problem) {
        out.fault(DAMAGED, format!("position {position}: {problem}"));
    }
    Ok(())
}
