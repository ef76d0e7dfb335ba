//! Compressed batches: what other implementations wrote is read, what we write comes back, and bytes that are
//! damaged, or made to fill the memory, are errors.

use logscope::record::{
    Batch, BatchError, BatchMeta, Compression, HEADER_SIZE, NewRecord, batch_size, encode_batch,
    encode_batch_with,
};
use logscope::{Error, Fetched, StoppedBy};
use proptest::prelude::*;
use serde::Deserialize;

const CODECS: [Compression; 4] =
    [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];
/// More than any batch here needs.
const ENOUGH: u64 = 16 << 20;
const MIB: usize = 1 << 20;

fn encode(records: &[NewRecord<'_>], compression: Compression) -> Vec<u8> {
    let mut bytes = Vec::new();
    let meta = BatchMeta { base_offset: 42, compression, ..BatchMeta::default() };
    encode_batch_with(&mut bytes, records, 1_000, meta).expect("the codecs are compiled in");
    bytes
}

fn decompress(bytes: &[u8], limit: u64) -> Result<Vec<u8>, BatchError> {
    let mut out = Vec::new();
    Batch::parse(bytes)?.0.decompress(limit, &mut out)?;
    Ok(out)
}

/// A batch of one record whose records part is `payload`, said to be compressed with `codec`.
fn batch_around(codec: Compression, payload: &[u8]) -> Vec<u8> {
    let mut bytes = encode(&[NewRecord::value(b"v")], codec);
    bytes.truncate(HEADER_SIZE);
    bytes.extend_from_slice(payload);
    let length = (bytes.len() - 12) as i32;
    bytes[8..12].copy_from_slice(&length.to_be_bytes());
    bytes
}

fn too_large(codec: Compression, limit: u64) -> BatchError {
    BatchError::DecompressedTooLarge { codec, limit }
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    codec: String,
    batch: String,
}

/// `data/compressed_batches.py` says how they were made.
#[test]
fn batches_of_another_implementation_are_read() {
    let vectors: Vec<Vector> =
        serde_json::from_str(include_str!("data/compressed_batches.json")).expect("valid JSON");
    assert_eq!(vectors.len(), 14);
    for Vector { name, codec, batch } in vectors {
        let digit = |at: usize| u8::from_str_radix(&batch[at..at + 2], 16).expect("hex");
        let bytes: Vec<u8> = (0..batch.len()).step_by(2).map(digit).collect();
        let (compressed, _) = Batch::parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(compressed.verify(), Ok(()), "{name}");
        assert_eq!(compressed.compressed(), codec.parse().ok(), "{name}");

        let plain = decompress(&bytes, ENOUGH).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (plain, _) = Batch::parse(&plain).expect("a batch");
        assert_eq!(plain.verify(), Ok(()), "{name}");
        assert_eq!(plain.header().producer, compressed.header().producer, "{name}");
        let mut count = 0;
        for (i, record) in plain.records().enumerate() {
            let record = record.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!((record.offset, record.timestamp), (i as u64, 1_700_000_000_000 + i as i64 * 7 % 50));
            assert_eq!(record.key, Some(format!("key-{}", i % 10).as_bytes()), "{name}");
            assert_eq!(record.value, Some(format!("record {i}, ").repeat(i % 80).as_bytes()), "{name}");
            count += 1;
        }
        assert_eq!(count, 300, "{name}");
    }
}

/// Values from all alike to all different, some larger than a codec's block.
fn any_value() -> impl Strategy<Value = Option<Vec<u8>>> {
    let repeated =
        (prop::collection::vec(any::<u8>(), 1..40), 0..3000usize).prop_map(|(part, n)| part.repeat(n));
    prop::option::of(prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..60),
        4 => "(user|click|view| ){0,40}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..5000),
        1 => repeated,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Compressed and decompressed, a batch is byte for byte the one that was never compressed, the limit being
    /// what its records take and not a byte more.
    #[test]
    fn round_trip(values in prop::collection::vec(any_value(), 1..12)) {
        let records: Vec<_> = values.iter().map(|value| NewRecord { value: value.as_deref(), ..NewRecord::default() }).collect();
        let plain = encode(&records, Compression::None);
        let size = (plain.len() - HEADER_SIZE) as u64;
        for codec in CODECS {
            let bytes = encode(&records, codec);
            let (batch, _) = Batch::parse(&bytes)?;
            prop_assert_eq!(batch.verify(), Ok(()));
            prop_assert_eq!(batch.compressed(), Some(codec));
            prop_assert_eq!(batch.records().next(), Some(Err(BatchError::Compressed(codec))));

            let mut out = b"before".to_vec();
            prop_assert_eq!(batch.decompress(size - 1, &mut out), Err(too_large(codec, size - 1)));
            prop_assert_eq!(&out, b"before", "an error leaves nothing behind");
            batch.decompress(size, &mut out)?;
            prop_assert_eq!(out.strip_prefix(b"before"), Some(&plain[..]), "{}", codec);
        }
    }

    /// Whatever stands in the place of the compressed records.
    #[test]
    fn garbage_is_no_panic(mut payload in prop::collection::vec(any::<u8>(), 0..200), real_start: bool) {
        for codec in CODECS {
            let start = &encode(&[NewRecord::value(b"v")], codec)[HEADER_SIZE..];
            if real_start {
                payload.splice(..payload.len().min(8), start[..8].iter().copied());
            }
            let _ = decompress(&batch_around(codec, &payload), ENOUGH);
        }
    }
}

#[test]
fn an_uncompressed_batch_is_copied_whatever_the_limit() {
    let plain = encode(&[NewRecord::value(b"v")], Compression::None);
    assert_eq!(decompress(&plain, 0), Ok(plain));
}

/// Changed or cut anywhere, a compressed batch is an error or decompresses to something; nothing panics, and what
/// is cut off never passes for whole.
#[test]
fn damage_is_an_error_or_other_records() {
    let value = b"click view click view click 0123456789 view click view view";
    let records = [NewRecord::key_value(b"user-1", value), NewRecord::value(b"view view view")];
    for codec in CODECS {
        let good = encode(&records, codec);
        // From the codec on: what stands before it is not the decompressor's.
        for at in 22..good.len() {
            for flip in 1..=255 {
                let mut bad = good.clone();
                bad[at] ^= flip;
                let Ok(plain) = decompress(&bad, ENOUGH) else { continue };
                let (batch, _) = Batch::parse(&plain).expect("what was decompressed is a batch");
                batch.records().for_each(|record| drop(record.map(|r| r.headers.count())));
            }
        }
        for end in HEADER_SIZE..good.len() {
            let cut = batch_around(codec, &good[HEADER_SIZE..end]);
            let whole = decompress(&cut, ENOUGH).is_ok_and(|plain| {
                let (batch, _) = Batch::parse(&plain).expect("what was decompressed is a batch");
                batch.records().all(|record| record.is_ok())
            });
            assert!(!whole, "{codec} cut at {end} of {}", good.len());
        }
    }
}

/// What an LZ4 frame's end means is for us to see: the library would let these pass.
#[test]
fn an_lz4_frame_ends_where_the_records_end() {
    let good = encode(&[NewRecord::value(b"v")], Compression::Lz4);
    let payload = &good[HEADER_SIZE..];
    for bad in [&payload[..payload.len() - 4], &[payload, b"x"].concat()] {
        let error =
            decompress(&batch_around(Compression::Lz4, bad), ENOUGH).expect_err("not one whole frame");
        assert!(matches!(error, BatchError::Codec { codec: Compression::Lz4, .. }), "{error}");
    }
}

#[test]
fn errors_name_codec_and_limit() {
    assert_eq!(
        too_large(Compression::Zstd, 512).to_string(),
        "the records, compressed with zstd, take more than 512 bytes decompressed"
    );
    let error = decompress(&batch_around(Compression::Gzip, b"no gzip at all"), ENOUGH);
    let message = error.map_err(|error| error.to_string());
    assert_eq!(message, Err("the codec gzip fails on the records: invalid gzip header".to_owned()));
}

/// Few bytes that stand for many: 64 times over what a codec makes of a mebibyte of zeros. At their end is
/// something that no codec takes, which shows whether anybody got there.
fn bomb(codec: Compression) -> Vec<u8> {
    let mut encoded = encode(&[NewRecord::value(&vec![0; MIB])], codec);
    let payload = encoded.split_off(HEADER_SIZE);
    // What comes before the part that can be repeated, and after it.
    let (front, back) = match codec {
        Compression::Snappy => (16, 0), // The magic bytes and the versions, before the chunks.
        Compression::Lz4 => (7, 4),     // The frame's header and its end mark, around the blocks.
        _ => (0, 0),                    // Members and frames stand one after another.
    };
    let (front, repeated) = payload.split_at(front);
    let repeated = &repeated[..repeated.len() - back];
    batch_around(codec, &[front, &repeated.repeat(64), &[0xff; 64]].concat())
}

#[test]
fn a_bomb_stops_at_the_limit() {
    for codec in CODECS {
        let bomb = bomb(codec);
        let error = decompress(&bomb, ENOUGH * 100).expect_err("the end is no good");
        assert!(matches!(error, BatchError::Codec { .. }), "{error}");
        // One limit within the first of the repeated parts, and one beyond it.
        for limit in [1000, 3 * MIB as u64] {
            let mut out = Vec::new();
            let (batch, _) = Batch::parse(&bomb).expect("a batch");
            assert_eq!(batch.decompress(limit, &mut out), Err(too_large(codec, limit)), "{codec}");
            assert!(out.is_empty());
            let room = out.capacity() as u64;
            assert!(
                room <= 2 * limit + 4096,
                "{codec}: room for {room} bytes was made, the limit being {limit}"
            );
        }
    }
}

/// A zstd frame whose blocks, of four bytes each, stand for 128 KiB each; the last one is of no known type.
#[test]
fn a_bomb_of_repeated_bytes_stops_at_the_limit() {
    // No content size, and a window of 128 MiB: nothing has to come out before that much has gone in.
    let header = [0x28, 0xb5, 0x2f, 0xfd, 0, 17 << 3];
    let block = (128 << 10) << 3 | 1u32 << 1;
    let blocks = [&block.to_le_bytes()[..3], &[0]].concat().repeat(8192);
    let bomb = batch_around(Compression::Zstd, &[&header[..], &blocks, &[0xff; 64]].concat());
    assert_eq!(decompress(&bomb, 100_000), Err(too_large(Compression::Zstd, 100_000)));
}

/// A raw Snappy block begins with its size, which calls for as much memory at once.
#[test]
fn a_snappy_block_that_claims_too_much_is_given_no_room() {
    let lying = batch_around(Compression::Snappy, b"\xff\xff\xff\xff\x0f\x00v");
    let mut out = Vec::new();
    let error = Batch::parse(&lying).and_then(|(batch, _)| batch.decompress(u64::MAX, &mut out));
    let error = error.expect_err("seven bytes are not four gigabytes");
    assert!(matches!(error, BatchError::Codec { codec: Compression::Snappy, .. }), "{error}");
    assert!(out.capacity() < 4096);

    // The most that can be true is believed: a literal of 64 bytes, then copies of them.
    let mut dense = vec![0x80, 0x80, 0x04, 60 << 2, 63]; // The size, 64 KiB, and the literal's tag and length.
    dense.extend_from_slice(&[b'x'; 64]);
    dense.extend_from_slice(&[63 << 2 | 2, 64, 0].repeat(1023));
    let plain = decompress(&batch_around(Compression::Snappy, &dense), ENOUGH).expect("valid Snappy");
    assert_eq!(plain[HEADER_SIZE..], [b'x'; 64 << 10]);
}

fn fetched(batches: Vec<u8>) -> Fetched {
    Fetched { batches, next_offset: 50, stopped_by: StoppedBy::LogEnd, fetch_offset: 43 }
}

#[test]
fn a_fetch_is_decompressed_where_it_is_compressed() -> Result<(), Error> {
    let records = [NewRecord::value(b"first"), NewRecord::value(b"second")];
    let mixed =
        [Compression::None, Compression::Gzip, Compression::None, Compression::Zstd, Compression::None];
    let mixed: Vec<u8> = mixed.map(|codec| encode(&records, codec)).concat();
    let plain = encode(&records, Compression::None);
    // Twice the records of a compressed batch; the others need no limit.
    let limit = 2 * (plain.len() - HEADER_SIZE) as u64;

    let result = fetched(mixed.clone()).decompress(limit)?;
    assert_eq!(result, fetched(plain.repeat(5)));
    assert_eq!(result.records().count(), 5, "the fetch offset is that of the second record");

    let error = fetched(mixed.clone()).decompress(limit - 1).expect_err("a byte too many");
    assert!(
        matches!(error, Error::InvalidBatch(BatchError::DecompressedTooLarge { codec, limit: named })
            if codec == Compression::Zstd && named == limit - 1),
        "the limit is that of the whole fetch: {error}"
    );

    let cut = mixed[..mixed.len() - 1].to_vec();
    assert!(matches!(fetched(cut).decompress(limit), Err(Error::InvalidBatch(_))));
    Ok(())
}

#[test]
fn a_fetch_without_compressed_batches_is_not_copied() -> Result<(), Error> {
    let mut batches = Vec::with_capacity(1000);
    encode_batch(&mut batches, &[NewRecord::value(b"v")], 1_000);
    let (bytes, at) = (batches.clone(), batches.as_ptr());
    let result = fetched(batches).decompress(0)?;
    assert_eq!((result.batches.as_ptr(), result.batches.capacity()), (at, 1000));
    assert_eq!(result, fetched(bytes));
    assert_eq!(fetched(Vec::new()).decompress(0)?, fetched(Vec::new()));
    Ok(())
}

/// The size that is known before encoding is that of the uncompressed batch, as a limit on batches wants it.
#[test]
fn compression_makes_a_batch_smaller() {
    let value = b"click view click view click view".repeat(100);
    let records = [NewRecord::value(&value)];
    for codec in CODECS {
        let (before, after) = (batch_size(&records, 1_000), encode(&records, codec).len() as u64);
        assert!(after * 10 < before, "{codec}: {after} bytes of {before}");
    }
}
