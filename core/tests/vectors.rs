//! Record batches that another implementation wrote: they decode to the records that it says, and the
//! uncompressed ones are encoded to the same bytes again.

use logscope::record::{Batch, BatchError, BatchMeta, Header, NewRecord, Producer, encode_batch_with};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    name: String,
    base_offset: u64,
    partition_leader_epoch: i32,
    codec: String,
    producer_id: i64,
    producer_epoch: i16,
    base_sequence: i32,
    records: Vec<VectorRecord>,
    batch: String,
}

#[derive(Deserialize)]
struct VectorRecord {
    timestamp: i64,
    key: Option<String>,
    value: Option<String>,
    headers: Vec<(String, Option<String>)>,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("data/record_batches.json")).expect("the vectors are valid JSON")
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().map(|c| c.to_digit(16).expect("a hex digit") as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn unhex_field(field: &Option<String>) -> Option<Vec<u8>> {
    field.as_deref().map(unhex)
}

#[test]
fn every_batch_decodes() {
    let vectors = vectors();
    assert!(vectors.len() >= 24);
    let mut compressed = 0;
    for vector in &vectors {
        let name = &vector.name;
        let bytes = unhex(&vector.batch);
        let (batch, rest) = Batch::parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(rest.is_empty(), "{name}");
        assert_eq!(batch.verify(), Ok(()), "{name}");

        let header = batch.header();
        assert_eq!(header.base_offset, vector.base_offset, "{name}");
        assert_eq!(header.partition_leader_epoch, vector.partition_leader_epoch, "{name}");
        assert_eq!(header.records_count as usize, vector.records.len(), "{name}");
        let producer = Producer {
            id: vector.producer_id,
            epoch: vector.producer_epoch,
            base_sequence: vector.base_sequence,
        };
        assert_eq!(header.producer, producer, "{name}");
        // A batch that compression would have made larger was left as it is.
        if let Some(codec) = batch.compressed() {
            let first = batch.records().next();
            assert_eq!(first, Some(Err(BatchError::Compressed(codec))), "{name}");
            assert_eq!(codec.to_string(), vector.codec, "{name}");
            compressed += 1;
        }
        let mut plain = Vec::new();
        batch.decompress(1 << 20, &mut plain).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (plain, rest) = Batch::parse(&plain).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(rest.is_empty(), "{name}");
        assert_eq!((plain.verify(), plain.compressed()), (Ok(()), None), "{name}");
        check_records(name, &plain, vector);
    }
    assert!(compressed >= 4, "only {compressed} of the vectors are compressed");
}

fn check_records(name: &str, batch: &Batch<'_>, vector: &Vector) {
    let records: Vec<_> = batch.records().collect::<Result<_, _>>().unwrap_or_else(|e| panic!("{name}: {e}"));
    assert_eq!(records.len(), vector.records.len(), "{name}");
    for (i, (found, expected)) in records.iter().zip(&vector.records).enumerate() {
        assert_eq!(found.offset, vector.base_offset + i as u64, "{name}");
        assert_eq!(found.timestamp, expected.timestamp, "{name}");
        assert_eq!(found.key.map(<[u8]>::to_vec), unhex_field(&expected.key), "{name}");
        assert_eq!(found.value.map(<[u8]>::to_vec), unhex_field(&expected.value), "{name}");
        let headers: Vec<_> = found.headers.map(|h| (h.key.to_vec(), h.value.map(<[u8]>::to_vec))).collect();
        let expected: Vec<_> = expected
            .headers
            .iter()
            .map(|(key, value)| (key.clone().into_bytes(), unhex_field(value)))
            .collect();
        assert_eq!(headers, expected, "{name}");
    }
}

#[test]
fn uncompressed_batches_are_encoded_to_the_same_bytes() {
    let mut encoded = 0;
    for vector in vectors().iter().filter(|vector| vector.codec == "none") {
        let fields: Vec<_> = vector
            .records
            .iter()
            .map(|r| {
                let headers: Vec<_> = r.headers.iter().map(|(k, v)| (k.clone(), unhex_field(v))).collect();
                (r.timestamp, unhex_field(&r.key), unhex_field(&r.value), headers)
            })
            .collect();
        let headers: Vec<Vec<Header<'_>>> = fields
            .iter()
            .map(|(.., headers)| {
                headers.iter().map(|(k, v)| Header { key: k.as_bytes(), value: v.as_deref() }).collect()
            })
            .collect();
        let records: Vec<_> = fields
            .iter()
            .zip(&headers)
            .map(|((timestamp, key, value, _), headers)| NewRecord {
                timestamp: Some(*timestamp),
                key: key.as_deref(),
                value: value.as_deref(),
                headers,
            })
            .collect();
        let meta = BatchMeta {
            base_offset: vector.base_offset,
            partition_leader_epoch: vector.partition_leader_epoch,
            producer: Producer {
                id: vector.producer_id,
                epoch: vector.producer_epoch,
                base_sequence: vector.base_sequence,
            },
            ..BatchMeta::default()
        };
        let mut bytes = Vec::new();
        encode_batch_with(&mut bytes, &records, 0, meta).expect("nothing is compressed");
        assert_eq!(bytes, unhex(&vector.batch), "{}", vector.name);
        encoded += 1;
    }
    assert!(encoded >= 17, "only {encoded} of the vectors are uncompressed");
}

/// Whatever byte is wrong, and wherever the batch is cut, decoding says so or yields something; it never
/// panics, and the checksum notices every changed byte that it covers.
#[test]
fn damaged_batches_are_noticed() {
    for vector in vectors() {
        let good = unhex(&vector.batch);
        for cut in 0..good.len().min(400) {
            assert!(Batch::parse(&good[..cut]).is_err(), "{} cut at {cut}", vector.name);
        }
        for at in 0..good.len().min(400) {
            let mut bad = good.clone();
            bad[at] ^= 0x55;
            let Ok((batch, _)) = Batch::parse(&bad) else { continue };
            for record in batch.records() {
                let _ = record.map(|record| record.headers.count());
            }
            let outside_crc = at < 8 || (12..16).contains(&at);
            assert!(outside_crc || batch.verify().is_err(), "{} changed at {at}", vector.name);
        }
    }
}
