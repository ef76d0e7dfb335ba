//! A snapshot of the [producer state](super::ProducerState): what a `.snapshot` file holds.
//!
//! ```text
//! at  size  field                         an entry: at  size  field
//!  0     2  version = 1                              0     8  producer id
//!  2     4  CRC-32C of 6 to the end                  8     2  producer epoch
//!  6     4  count of entries                        10     4  last sequence of a batch, −1 for none
//! 10    46  each entry                              14     8  last offset of it, −1 for none
//!                                                   22     4  its last offset less its base offset
//!                                                   26     8  the producer's last timestamp
//!                                                   34     4  coordinator epoch, −1: Logscope has no transactions
//!                                                   38     8  first offset of an open transaction, −1
//! ```
//!
//! Kafka writes one entry a producer, for its last batch. Logscope writes one for each batch that it remembers, the
//! oldest first; Kafka, which keeps the last it reads, gets what it would have written itself.
//!
//! Invariants:
//! - Equal states have equal snapshots, and a snapshot gives the state that it was taken of.
//! - Reading allocates by the bytes that are there, not by what they claim, and takes no value that the state could
//!   not hold.
//!
//! Source: Kafka's `ProducerStateManager` and its `ProducerSnapshot.json`.

use crate::error::Result;

use super::{Entry, ProducerState, Sequenced};

/// The only version that Kafka's schema has.
const VERSION: i16 = 1;
/// Bytes of a snapshot before its first entry.
const HEADER_SIZE: usize = 10;
/// The first byte that the snapshot's checksum covers.
const CRC_FROM: usize = 6;
/// Bytes of one entry.
const ENTRY_SIZE: usize = 46;

impl ProducerState {
    /// The state as a snapshot file holds it.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![0; HEADER_SIZE];
        let mut count = 0i32;
        for (id, entry) in &self.producers {
            // A producer without a batch is remembered for its epoch.
            let none = entry.batches.is_empty().then_some(None);
            for batch in entry.batches.iter().copied().map(Some).chain(none) {
                encode_entry(&mut out, *id, entry, batch);
                count += 1;
            }
        }
        out[..2].copy_from_slice(&VERSION.to_be_bytes());
        out[CRC_FROM..HEADER_SIZE].copy_from_slice(&count.to_be_bytes());
        let crc = crate::record::crc32c(&out[CRC_FROM..]);
        out[2..CRC_FROM].copy_from_slice(&crc.to_be_bytes());
        out
    }

    /// Reads a snapshot, one of Logscope's or one of Kafka's.
    ///
    /// # Errors
    /// Damage of any kind. A state that is lost can be had from the log again.
    pub fn decode(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let Some((header, entries)) = bytes.split_first_chunk::<HEADER_SIZE>() else {
            let (expected, found) = (HEADER_SIZE as u64, bytes.len() as u64);
            return Err(SnapshotError::Size { expected, found });
        };
        let [v0, v1, c0, c1, c2, c3, n0, n1, n2, n3] = *header;
        let version = i16::from_be_bytes([v0, v1]);
        if version != VERSION {
            return Err(SnapshotError::Version(version));
        }
        let (stored, computed) =
            (u32::from_be_bytes([c0, c1, c2, c3]), crate::record::crc32c(&bytes[CRC_FROM..]));
        if stored != computed {
            return Err(SnapshotError::Crc { stored, computed });
        }
        let count = i32::from_be_bytes([n0, n1, n2, n3]);
        let count = u32::try_from(count).map_err(|_| SnapshotError::Count(count))?;
        let expected = u64::from(count) * ENTRY_SIZE as u64;
        if entries.len() as u64 != expected {
            let (expected, found) = (expected + HEADER_SIZE as u64, bytes.len() as u64);
            return Err(SnapshotError::Size { expected, found });
        }
        let mut state = Self::default();
        let (entries, _) = entries.as_chunks::<ENTRY_SIZE>();
        for (index, bytes) in entries.iter().enumerate() {
            let fail = |(field, value)| SnapshotError::Field { index, field, value };
            let (id, epoch, timestamp, batch) = decode_entry(bytes).map_err(fail)?;
            state.record(id, epoch, timestamp, batch);
        }
        Ok(state)
    }
}

/// Why a snapshot could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// The file is shorter or longer than its entries.
    #[error("the snapshot has {found} bytes where {expected} are due")]
    Size {
        /// Bytes that it should have.
        expected: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// A version that is not known.
    #[error("the snapshot has version {0}, and only version 1 is known")]
    Version(i16),
    /// The stored CRC-32C is not that of the bytes.
    #[error("the snapshot's CRC is {stored:08x} in the file and {computed:08x} over the bytes")]
    Crc {
        /// What the file says.
        stored: u32,
        /// What the bytes give.
        computed: u32,
    },
    /// The count of entries is negative.
    #[error("the snapshot claims to have {0} entries")]
    Count(i32),
    /// A field holds a value that no producer can have.
    #[error("entry {index} of the snapshot: the field {field} holds {value}")]
    Field {
        /// The entry's place, from 0.
        index: usize,
        /// The field's name in Kafka's format.
        field: &'static str,
        /// Its value.
        value: i64,
    },
}

fn encode_entry(out: &mut Vec<u8>, id: i64, entry: &Entry, batch: Option<Sequenced>) {
    out.extend(id.to_be_bytes());
    out.extend(entry.epoch.to_be_bytes());
    out.extend(batch.map_or(-1, |b| b.last_sequence).to_be_bytes());
    out.extend(batch.map_or(-1, |b| b.last_offset as i64).to_be_bytes());
    out.extend(batch.map_or(0, |b| b.offset_delta).to_be_bytes());
    out.extend(entry.last_timestamp.to_be_bytes());
    out.extend((-1i32).to_be_bytes());
    out.extend((-1i64).to_be_bytes());
}

type DecodedEntry = (i64, i16, i64, Option<Sequenced>);

/// The entry, or the field that holds what it cannot hold.
fn decode_entry(bytes: &[u8; ENTRY_SIZE]) -> Result<DecodedEntry, (&'static str, i64)> {
    let mut at = 0;
    // The fields follow one another without gaps; each is read as a big-endian number of its own size.
    let mut next = |size: usize| {
        let field = &bytes[at..at + size];
        at += size;
        let negative = field[0] & 0x80 != 0;
        field.iter().fold(if negative { -1 } else { 0 }, |value: i64, byte| value << 8 | i64::from(*byte))
    };
    let (id, epoch, last_sequence, last_offset) = (next(8), next(2), next(4), next(8));
    let (offset_delta, last_timestamp) = (next(4), next(8));
    // What follows is about transactions, which Logscope does not have.
    if id < 0 {
        return Err(("producerId", id));
    }
    let epoch = i16::try_from(epoch).ok().filter(|epoch| *epoch >= 0).ok_or(("epoch", epoch))?;
    // Kafka writes −1 for both where a producer has sent nothing but markers, and for the sequence alone where a
    // coordinator has written on a producer's behalf.
    if last_sequence == -1 || last_offset == -1 {
        return Ok((id, epoch, last_timestamp, None));
    }
    let batch = Sequenced {
        last_sequence: non_negative(last_sequence).ok_or(("lastSequence", last_sequence))? as i32,
        last_offset: non_negative(last_offset).ok_or(("lastOffset", last_offset))?,
        offset_delta: non_negative(offset_delta).ok_or(("offsetDelta", offset_delta))? as u32,
    };
    if offset_delta > last_offset {
        return Err(("offsetDelta", offset_delta));
    }
    Ok((id, epoch, last_timestamp, Some(batch)))
}

fn non_negative(value: i64) -> Option<u64> {
    u64::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::super::Check;
    use super::super::tests::{NOW, batch, error, state};
    use super::*;
    use proptest::prelude::*;

    /// The two producers that Kafka would write as two entries.
    fn two_producers() -> ProducerState {
        state(&[batch(1, 0, 5, 3), batch(2, 1, 0, 1), batch(1, 0, 8, 1)])
    }

    #[test]
    fn the_snapshot_byte_by_byte() {
        let bytes = two_producers().encode();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let timestamp = format!("{NOW:016x}");
        let rest = format!("{timestamp}ffffffffffffffffffffffff");
        let entry = |id, epoch, sequence, offset, delta| {
            format!("{id:016x}{epoch:04x}{sequence:08x}{offset:016x}{delta:08x}{rest}")
        };
        let entries = [entry(1, 0, 7, 2, 2), entry(1, 0, 8, 4, 0), entry(2, 1, 0, 3, 0)].concat();
        let crc = crate::record::crc32c(&bytes[6..]);
        assert_eq!(hex, format!("0001{crc:08x}00000003{entries}"));
        assert_eq!(crate::record::crc32c(b"123456789"), 0xe306_9283, "the polynomial is Castagnoli's");
    }

    #[test]
    fn a_snapshot_of_kafkas_is_read() {
        // One entry a producer, the first with a transaction open; the second has sent markers only.
        let mut entries = Vec::new();
        let entry = Entry { epoch: 4, last_timestamp: NOW, batches: Vec::new() };
        let last = Sequenced { last_sequence: 11, last_offset: 30, offset_delta: 1 };
        encode_entry(&mut entries, 40, &entry, Some(last));
        encode_entry(&mut entries, 7, &entry, None);
        entries[ENTRY_SIZE - 12..ENTRY_SIZE].copy_from_slice(&[0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 29]);
        let state = ProducerState::decode(&sealed(2, &entries)).unwrap();
        assert_eq!(
            state.check(&batch(40, 4, 10, 2)).unwrap(),
            Check::Duplicate { base_offset: 29, last_offset: 30 }
        );
        assert_eq!(state.check(&batch(40, 4, 12, 1)).unwrap(), Check::Fresh);
        assert!(error(&state, batch(7, 3, 0, 1)).contains("at epoch 4"));
    }

    /// A snapshot with a right checksum.
    fn sealed(count: i32, entries: &[u8]) -> Vec<u8> {
        let covered = [&count.to_be_bytes(), entries].concat();
        [&[0, 1][..], &crate::record::crc32c(&covered).to_be_bytes(), &covered].concat()
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_an_error() {
        let bytes = two_producers().encode();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                ProducerState::decode(&damaged).expect_err("a bit was flipped");
            }
            ProducerState::decode(&bytes[..at]).expect_err("the end was cut off");
        }
        ProducerState::decode(&[&bytes[..], &[0]].concat()).expect_err("something follows");
    }

    #[test]
    fn a_snapshot_with_a_right_checksum_and_wrong_values_is_an_error() {
        let bytes = two_producers().encode();
        let error = |count: i32, at: usize, value: &[u8]| {
            let mut entries = bytes[HEADER_SIZE..].to_vec();
            entries[at..at + value.len()].copy_from_slice(value);
            ProducerState::decode(&sealed(count, &entries)).expect_err("a value is wrong").to_string()
        };
        for (at, value, message) in [
            (0, &[0xff; 8][..], "entry 0 of the snapshot: the field producerId holds -1"),
            (46 + 8, &[0x80, 0], "entry 1 of the snapshot: the field epoch holds -32768"),
            (10, &[0xff, 0xff, 0xff, 0xfe], "entry 0 of the snapshot: the field lastSequence holds -2"),
            (
                14,
                &[0x80, 0, 0, 0, 0, 0, 0, 0],
                "entry 0 of the snapshot: the field lastOffset holds -9223372036854775808",
            ),
            (22, &[0xff; 4], "entry 0 of the snapshot: the field offsetDelta holds -1"),
            (22, &[0, 0, 0, 3], "entry 0 of the snapshot: the field offsetDelta holds 3"),
        ] {
            assert_eq!(error(3, at, value), message);
        }
        assert_eq!(error(-1, 0, &[]), "the snapshot claims to have -1 entries");
        assert_eq!(error(2, 0, &[]), "the snapshot has 148 bytes where 102 are due");
        assert_eq!(error(i32::MAX, 0, &[]), "the snapshot has 148 bytes where 98784247772 are due");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(count: i32, bytes: Vec<u8>) {
            let _ = ProducerState::decode(&bytes);
            if let Ok(state) = ProducerState::decode(&sealed(count, &bytes)) {
                prop_assert_eq!(ProducerState::decode(&state.encode()), Ok(state));
            }
        }

        #[test]
        fn any_entries_are_read_or_refused(mut entries: Vec<[u8; ENTRY_SIZE]>) {
            // Few producers, and no negative numbers: most of it is read.
            for entry in &mut entries {
                entry[..7].fill(0);
                [8, 10, 14, 22].iter().for_each(|&at| entry[at] &= 0x7f);
            }
            let bytes = sealed(entries.len() as i32, entries.as_flattened());
            if let Ok(state) = ProducerState::decode(&bytes) {
                prop_assert_eq!(ProducerState::decode(&state.encode()), Ok(state));
            }
        }
    }
}
