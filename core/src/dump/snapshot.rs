//! Snapshots of producer state: Kafka's `<offset>.snapshot` files.
//!
//! ```text
//! at  size  field           an entry: at  size  field
//!  0     2  version = 1                0     8  producer id
//!  2     4  CRC-32C of 6 to end        8     2  producer epoch
//!  6     4  count                     10     4  last sequence
//! 10        entries                   14     8  last offset
//!                                     22     4  offset delta
//!                                     26     8  timestamp
//!                                     34     4  coordinator epoch
//!                                     38     8  current transaction's first offset
//! ```
//!
//! Kafka writes one entry a producer. Logscope writes up to five, the last batches of the producer, oldest first.
//!
//! Source: Kafka's `ProducerStateManager`.

use super::batch::timestamp;
use super::reader::Reader;
use super::{Damage, Field, Form};

/// Bytes before the first entry.
pub const SNAPSHOT_HEADER_SIZE: usize = 10;
/// Bytes of an entry.
pub const SNAPSHOT_ENTRY_SIZE: usize = 46;

const VERSION: i64 = 1;
const CRC_FROM: usize = 6;

/// One entry of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProducerEntry {
    /// The producer's id.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// The sequence number of the batch's last record, −1 for none.
    pub last_sequence: i32,
    /// The offset of the batch's last record, −1 for none.
    pub last_offset: i64,
    /// The last record's offset, counted from the batch's base offset.
    pub offset_delta: i32,
    /// The batch's largest timestamp.
    pub timestamp: i64,
    /// The epoch of the transaction coordinator, −1 for none.
    pub coordinator_epoch: i32,
    /// Where the producer's open transaction begins, −1 for none.
    pub current_txn_first_offset: i64,
}

impl ProducerEntry {
    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes, 0);
        Self::read(&mut reader)
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            producer_id: reader.int::<8>("producerId")?,
            producer_epoch: reader.int::<2>("producerEpoch")? as i16,
            last_sequence: reader.int::<4>("lastSequence")? as i32,
            last_offset: reader.int::<8>("lastOffset")?,
            offset_delta: reader.int::<4>("offsetDelta")? as i32,
            timestamp: timestamp::<8>(reader, "timestamp")?,
            coordinator_epoch: reader.int::<4>("coordinatorEpoch")? as i32,
            current_txn_first_offset: reader.int::<8>("currentTxnFirstOffset")?,
        })
    }
}

/// Reads a snapshot.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn read_snapshot(bytes: &[u8]) -> Result<Vec<ProducerEntry>, Damage> {
    for field in snapshot_header(bytes) {
        if let Some((position, reason)) = field.first_problem() {
            return Err(Damage { position, reason: reason.to_owned() });
        }
    }
    let entries = bytes.get(SNAPSHOT_HEADER_SIZE..).unwrap_or_default();
    Ok(entries.chunks_exact(SNAPSHOT_ENTRY_SIZE).filter_map(ProducerEntry::decode).collect())
}

/// Takes a whole snapshot apart.
pub fn snapshot(bytes: &[u8]) -> Vec<Field> {
    let mut fields = snapshot_header(bytes);
    let entries = bytes.get(SNAPSHOT_HEADER_SIZE..).unwrap_or_default();
    fields
        .extend((0u64..).zip(entries.chunks(SNAPSHOT_ENTRY_SIZE)).map(|(i, entry)| snapshot_entry(i, entry)));
    fields
}

/// The fields before the first entry. Version, checksum and count are checked against all of `bytes`.
pub fn snapshot_header(bytes: &[u8]) -> Vec<Field> {
    let mut reader = Reader::new(&bytes[..bytes.len().min(SNAPSHOT_HEADER_SIZE)], 0);
    // What cannot be read ends it: the reader has laid the blame.
    let _ = read_header(&mut reader, bytes);
    reader.into_fields()
}

fn read_header(reader: &mut Reader<'_>, bytes: &[u8]) -> Option<()> {
    if reader.int::<2>("version")? != VERSION {
        reader.blame(format!("the only version known is {VERSION}"));
    }
    let stored = reader.int::<4>("crc")? as u32;
    reader.say(format!("{stored:08x}"));
    let computed = crate::record::crc32c(bytes.get(CRC_FROM..)?);
    reader.shape(Form::Checksum { over: CRC_FROM as u64..bytes.len() as u64, computed: Some(computed) });
    if stored != computed {
        reader.blame(format!("the bytes give {computed:08x}"));
    }
    let count = reader.int::<4>("count")?;
    let there = bytes.len().checked_sub(SNAPSHOT_HEADER_SIZE)?;
    if u64::try_from(count).ok().and_then(|count| count.checked_mul(SNAPSHOT_ENTRY_SIZE as u64))
        != Some(there as u64)
    {
        reader.blame(format!("{there} bytes follow, and an entry takes {SNAPSHOT_ENTRY_SIZE}"));
    }
    Some(())
}

/// Takes an entry apart, the one of this number from 0.
pub fn snapshot_entry(number: u64, bytes: &[u8]) -> Field {
    let position = SNAPSHOT_HEADER_SIZE as u64 + number * SNAPSHOT_ENTRY_SIZE as u64;
    let mut reader = Reader::new(&bytes[..bytes.len().min(SNAPSHOT_ENTRY_SIZE)], position);
    let entry = ProducerEntry::read(&mut reader);
    let mut field = Field::new(format!("producer {number}"), position, reader.position() - position);
    field.value = entry.map_or_else(String::new, |entry| {
        let ProducerEntry { producer_id, producer_epoch, last_sequence, last_offset, .. } = entry;
        format!(
            "id {producer_id}, epoch {producer_epoch}: sequence up to {last_sequence} at offset {last_offset}"
        )
    });
    field.children = reader.into_fields();
    field
}
