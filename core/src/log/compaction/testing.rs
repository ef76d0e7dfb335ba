//! Batches for the tests of compaction, and what is in them.

use crate::record::{
    Batch, BatchHeader, BatchMeta, CRC_AT, CRC_FROM, Compression, Header, NewRecord, Producer,
    encode_batch_with,
};

pub(super) const NOW: i64 = 1_767_225_600_000;

/// A record to be: key, value, and its timestamp, counted from [`NOW`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sketch {
    pub(super) key: Option<&'static str>,
    pub(super) value: Option<String>,
    pub(super) age: i64,
}

pub(super) fn set(key: &'static str, value: &str) -> Sketch {
    Sketch { key: Some(key), value: Some(value.to_owned()), age: 0 }
}

pub(super) fn delete(key: &'static str) -> Sketch {
    Sketch { key: Some(key), value: None, age: 0 }
}

/// What a test's batch has beside its records.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cover {
    pub(super) base_offset: u64,
    pub(super) compression: Compression,
    pub(super) producer: Producer,
    /// Attribute bits beside the codec's.
    pub(super) attributes: i16,
}

impl Cover {
    pub(super) fn at(base_offset: u64) -> Self {
        let BatchMeta { compression, producer, .. } = BatchMeta::default();
        Self { base_offset, compression, producer, attributes: 0 }
    }
}

pub(super) const TRANSACTIONAL: i16 = 1 << 4;
pub(super) const CONTROL: i16 = 1 << 5;

pub(super) fn batch(cover: Cover, records: &[Sketch]) -> Vec<u8> {
    let header = [Header { key: b"h", value: Some(b"1") }, Header { key: b"", value: None }];
    let records: Vec<_> = records
        .iter()
        .map(|Sketch { key, value, age }| NewRecord {
            timestamp: Some(NOW - age),
            key: key.map(str::as_bytes),
            value: value.as_deref().map(str::as_bytes),
            headers: &header,
        })
        .collect();
    let Cover { base_offset, compression, producer, attributes } = cover;
    let meta = BatchMeta { base_offset, partition_leader_epoch: 7, compression, producer };
    let mut bytes = Vec::new();
    encode_batch_with(&mut bytes, &records, NOW, meta).expect("the batch is encoded");
    bytes[CRC_FROM + 1] |= attributes as u8;
    seal(&mut bytes);
    bytes
}

/// Makes the checksum right after bytes were changed.
pub(super) fn seal(batch: &mut [u8]) {
    let crc = crate::record::crc32c(&batch[CRC_FROM..]);
    batch[CRC_AT..CRC_FROM].copy_from_slice(&crc.to_be_bytes());
}

/// A record with its offset.
pub(super) type Found = (u64, Sketch);

/// The one batch in `bytes`, checked in every way.
pub(super) fn decoded(bytes: &[u8]) -> (BatchHeader, Vec<Found>) {
    let (batch, rest) = Batch::parse(bytes).expect("there is a batch");
    assert!(rest.is_empty(), "it is alone");
    batch.verify().expect("its checksum is right");
    let mut plain = Vec::new();
    batch.decompress(1 << 20, &mut plain).expect("it is decompressed");
    let (plain, _) = Batch::parse(&plain).expect("what is decompressed is a batch");
    let records: Vec<Found> = plain
        .records()
        .map(|record| {
            let record = record.expect("a record");
            assert_eq!(record.headers.len(), 2);
            let key =
                record.key.map(|key| KEYS[KEYS.iter().position(|k| k.as_bytes() == key).expect("a key")]);
            let value = record.value.map(|value| String::from_utf8(value.to_vec()).expect("UTF-8"));
            (record.offset, Sketch { key, value, age: NOW - record.timestamp })
        })
        .collect();
    let largest = records.iter().map(|(_, sketch)| NOW - sketch.age).max();
    assert!(largest.is_none_or(|largest| largest == batch.header().max_timestamp));
    (*batch.header(), records)
}

/// The keys that tests use.
pub(super) const KEYS: [&str; 5] = ["a", "b", "c", "d", ""];
