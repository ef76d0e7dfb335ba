//! The hex view of each kind of file, whole and damaged, as text that is kept.

use logscope::dump::{FileKind, Hex, file};
use logscope::record::{BatchMeta, Header, NewRecord, encode_batch_with};

const NOW: i64 = 1_767_225_600_000;

fn one_batch() -> Vec<u8> {
    let headers = [Header { key: b"h", value: None }];
    let with_headers = NewRecord { headers: &headers, ..NewRecord::key_value(b"k", b"\xff") };
    let mut bytes = Vec::new();
    let meta = BatchMeta { base_offset: 7, ..BatchMeta::default() };
    encode_batch_with(&mut bytes, &[NewRecord::value(b"hello"), with_headers], NOW, meta)
        .expect("it is encoded");
    bytes
}

fn a_snapshot() -> Vec<u8> {
    let mut body = 1i32.to_be_bytes().to_vec();
    for part in [&4000i64.to_be_bytes()[..], &[0, 2], &9i32.to_be_bytes(), &41i64.to_be_bytes()] {
        body.extend(part);
    }
    for part in [&3i32.to_be_bytes()[..], &NOW.to_be_bytes(), &[0; 4], &(-1i64).to_be_bytes()] {
        body.extend(part);
    }
    [&[0, 1][..], &crc32c::crc32c(&body).to_be_bytes(), &body].concat()
}

fn a_checkpoint() -> Vec<u8> {
    let text = "logscope-checkpoint 1\nlog-start-offset 0\nrecovery-point 16\nactive-segment 13\n\
                cleaned-up-to 0\nfirst-dirty-offset 0\ndelete-horizon -1\nclean true\n";
    format!("{text}crc32c {:08x}\n", crc32c::crc32c(text.as_bytes())).into_bytes()
}

fn hex(kind: FileKind, bytes: &[u8]) -> String {
    file(kind, bytes, usize::MAX).iter().map(|field| Hex::new(field, bytes, 0).to_string()).collect()
}

/// Everything that there is, whole and damaged, as the hex view shows it.
fn golden() -> String {
    let batch = one_batch();
    let mut damaged = batch.clone();
    damaged[17] ^= 0xff;
    damaged[22] = 7;
    let mut damaged_record = batch.clone();
    damaged_record[65] = 0x30;
    let mut damaged_snapshot = a_snapshot();
    damaged_snapshot[12] ^= 1;
    let mut damaged_checkpoint = a_checkpoint();
    damaged_checkpoint.truncate(60);
    let files = [
        ("a batch", FileKind::Log(0), batch.clone()),
        ("a batch that is cut off in a record", FileKind::Log(0), batch[..75].to_vec()),
        ("a header that is cut off", FileKind::Log(0), batch[..30].to_vec()),
        ("a wrong checksum and an unknown codec", FileKind::Log(0), damaged),
        ("a key that is too long", FileKind::Log(0), damaged_record),
        ("an offset index", FileKind::OffsetIndex(7), vec![0, 0, 0, 4, 0, 0, 0, 162, 0, 0]),
        (
            "a time index with zeros",
            FileKind::TimeIndex(7),
            [&NOW.to_be_bytes()[..], &[0, 0, 0, 4], &[0; 24]].concat(),
        ),
        ("a snapshot", FileKind::Snapshot(42), a_snapshot()),
        ("a damaged snapshot", FileKind::Snapshot(42), damaged_snapshot),
        ("a checkpoint", FileKind::Checkpoint, a_checkpoint()),
        ("a damaged checkpoint", FileKind::Checkpoint, damaged_checkpoint),
    ];
    files.iter().map(|(name, kind, bytes)| format!("# {name}\n{}\n", hex(*kind, bytes))).collect()
}

/// After a wanted change, run it with `UPDATE_GOLDENFILES=1` and review the difference.
#[test]
fn the_hex_view_is_as_it_was() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/hex.txt");
    let hex = golden();
    if std::env::var_os("UPDATE_GOLDENFILES").is_some() {
        std::fs::write(path, &hex).expect("the golden file is written");
    }
    assert_eq!(hex, include_str!("data/hex.txt"));
}
