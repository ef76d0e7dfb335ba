//! Every byte has its field, whatever was done to it; and the hex view of each kind of file as text that is kept.

use proptest::prelude::*;

use super::*;
use crate::log::Checkpoint;
use crate::record::{BatchMeta, Header, NewRecord, encode_batch_with};

const NOW: i64 = 1_767_225_600_000;

fn one_batch() -> Vec<u8> {
    let headers = [Header { key: b"h", value: None }];
    let with_headers = NewRecord { headers: &headers, ..NewRecord::key_value(b"k", b"\xff") };
    let mut bytes = Vec::new();
    let meta = BatchMeta { base_offset: 7, ..BatchMeta::default() };
    encode_batch_with(&mut bytes, &[NewRecord::value(b"hello"), with_headers], NOW, meta).unwrap();
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
    [&[0, 1][..], &crate::record::crc32c(&body).to_be_bytes(), &body].concat()
}

fn a_checkpoint() -> Vec<u8> {
    let text = "logscope-checkpoint 1\nlog-start-offset 0\nrecovery-point 16\nactive-segment 13\n\
                cleaned-up-to 9\nfirst-dirty-offset 8\ndelete-horizon 1767225600000\nclean true\n";
    format!("{text}crc32c {:08x}\n", crate::record::crc32c(text.as_bytes())).into_bytes()
}

/// The children cover their parent without gaps, and what has none has a name with a meaning.
fn check_cover(field: &Field) {
    let mut end = field.position;
    for child in &field.children {
        assert_eq!(child.position, end, "{} in {}", child.name, field.name);
        end = child.end();
        check_cover(child);
    }
    assert!(field.children.is_empty() || end == field.end(), "{}", field.name);
    assert!(!field.meaning.is_empty(), "{} has no meaning", field.name);
}

fn check_file(kind: FileKind, bytes: &[u8]) {
    let mut end = 0;
    for field in file(kind, bytes, usize::MAX) {
        assert_eq!(field.position, end, "{}", field.name);
        end = field.end();
        check_cover(&field);
    }
    assert_eq!(end, bytes.len() as u64);
}

const KINDS: [FileKind; 5] = [
    FileKind::Log(0),
    FileKind::OffsetIndex(i64::MAX as u64),
    FileKind::TimeIndex(0),
    FileKind::Snapshot(0),
    FileKind::Checkpoint,
];

fn whole(kind: FileKind) -> Vec<u8> {
    match kind {
        FileKind::Log(_) => [one_batch(), one_batch()].concat(),
        FileKind::OffsetIndex(_) | FileKind::TimeIndex(_) => (0..48).collect(),
        FileKind::Snapshot(_) => a_snapshot(),
        FileKind::Checkpoint => a_checkpoint(),
    }
}

#[test]
fn the_fields_cover_every_byte_and_nothing_is_wrong_with_what_is_whole() {
    for kind in KINDS {
        let bytes = whole(kind);
        check_file(kind, &bytes);
        let problem = file(kind, &bytes, usize::MAX)
            .iter()
            .find_map(|field| field.first_problem().map(|p| p.1.to_owned()));
        assert_eq!(problem, None);
    }
}

proptest! {
    #[test]
    fn the_fields_cover_every_byte_of_what_is_damaged(
        kind in 0..KINDS.len(),
        cut: prop::sample::Index,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let mut bytes = whole(KINDS[kind]);
        bytes.truncate(cut.index(bytes.len() + 1));
        for (at, byte) in edits {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        check_file(KINDS[kind], &bytes);
    }

    #[test]
    fn the_fields_cover_every_byte_of_nonsense(kind in 0..KINDS.len(), bytes: Vec<u8>) {
        check_file(KINDS[kind], &bytes);
    }
}

#[test]
fn a_byte_leads_to_its_field() {
    let bytes = [one_batch(), one_batch()].concat();
    let fields = file(FileKind::Log(0), &bytes, usize::MAX);
    let at = |position| fields.iter().find_map(|field| field.at(position)).map(|field| &*field.name);
    assert_eq!(at(18), Some("crc"));
    assert_eq!(at(0x44), Some("value"));
    assert_eq!(at(85 + 0x53), Some("headerKey"));
    assert_eq!(at(170), None);
}

#[test]
fn a_checksum_says_what_it_covers_and_a_varint_that_it_is_one() {
    let batch_bytes = [one_batch(), one_batch()].concat();
    for (kind, bytes, name) in [
        (FileKind::Log(0), batch_bytes, "crc"),
        (FileKind::Snapshot(0), a_snapshot(), "crc"),
        (FileKind::Checkpoint, a_checkpoint(), "crc32c"),
    ] {
        for field in file(kind, &bytes, usize::MAX).iter().filter_map(|field| field.find(name)) {
            let Form::Checksum { over, computed: Some(computed) } = &field.form else { panic!("{field:?}") };
            let covered = &bytes[over.start as usize..over.end as usize];
            assert_eq!(crate::record::crc32c(covered), *computed);
            assert_eq!(field.value, format!("{computed:08x}"));
        }
    }
    let cut = batch(&one_batch()[..80], 100, usize::MAX);
    let form = &cut.find("crc").unwrap().form;
    assert_eq!(*form, Form::Checksum { over: 121..185, computed: None });
    let varints = |name| cut.find(name).map(|field| &field.form) == Some(&Form::Varint);
    assert!(varints("keyLength") && varints("timestampDelta") && !varints("recordsCount"));
}

#[test]
fn only_so_many_records_are_shown() {
    let field = batch(&one_batch(), 0, 1);
    let records = field.find("records").unwrap();
    let names: Vec<_> =
        records.children.iter().map(|child| (&*child.name, child.position, child.size)).collect();
    assert_eq!(names, [("record 0", 61, 12), ("more records", 73, 12)]);
    check_cover(&field);
}

#[test]
fn compressed_records_are_one_field() {
    let mut bytes = one_batch();
    bytes[22] = 1;
    let field = batch(&bytes, 100, usize::MAX);
    let records = field.find("records").unwrap();
    assert_eq!((records.position, records.size, records.children.len()), (161, 24, 0));
    assert_eq!(records.value, "2 records, compressed with gzip");
    assert_eq!(super::records(&bytes, 100).next().as_ref(), Some(records));
    assert_eq!(super::records(&bytes, 100).count(), 1);
}

#[test]
fn a_record_with_a_negative_length_ends_it() {
    let mut bytes = one_batch();
    bytes[61] = 1;
    let field = batch(&bytes, 0, usize::MAX);
    assert_eq!(field.first_problem(), Some((17, "the bytes give ced2e17c")));
    let record = field.find("record 0").unwrap();
    assert_eq!(record.first_problem(), Some((61, "it is negative")));
    assert_eq!(field.find("record 1"), None);
    check_cover(&field);
}

#[test]
fn snapshots_and_checkpoints_are_read() {
    let entry = ProducerEntry {
        producer_id: 4000,
        producer_epoch: 2,
        last_sequence: 9,
        last_offset: 41,
        offset_delta: 3,
        timestamp: NOW,
        coordinator_epoch: 0,
        current_txn_first_offset: -1,
    };
    assert_eq!(read_snapshot(&a_snapshot()), Ok(vec![entry]));
    let cut = read_snapshot(&a_snapshot()[..50]).unwrap_err();
    assert_eq!(cut.position, 2, "{cut}");
    let checkpoint = Checkpoint {
        log_start_offset: 0,
        recovery_point: 16,
        active_segment: 13,
        cleaned_up_to: 9,
        first_dirty_offset: 8,
        delete_horizon_ms: Some(1_767_225_600_000),
        clean: true,
    };
    assert_eq!(read_checkpoint(&a_checkpoint()), Ok(checkpoint));
    for at in 0..a_checkpoint().len() {
        let mut damaged = a_checkpoint();
        damaged[at] ^= 1;
        assert!(read_checkpoint(&damaged).is_err(), "byte {at}");
        assert!(read_checkpoint(&a_checkpoint()[..at]).is_err(), "cut at {at}");
    }
    assert!(read_checkpoint(&[a_checkpoint(), b"more\n".to_vec()].concat()).is_err());
}

#[test]
fn a_name_tells_what_a_file_holds() {
    for (name, kind) in [
        ("00000000000000000013.log", Some(FileKind::Log(13))),
        ("00000000000000000013.index", Some(FileKind::OffsetIndex(13))),
        ("00000000000000000013.timeindex", Some(FileKind::TimeIndex(13))),
        ("00000000000000000013.snapshot", Some(FileKind::Snapshot(13))),
        ("checkpoint", Some(FileKind::Checkpoint)),
        ("checkpoint.tmp", None),
        ("13.log", None),
        ("00000000000000000013.log.deleted", None),
    ] {
        assert_eq!(FileKind::of(name), kind, "{name}");
    }
}

#[test]
fn a_walker_meets_every_batch_once_however_large() {
    use crate::storage::{File as _, MemoryStorage, Storage};
    let sizes = [10usize, 300_000, 1, 200_000, 60_000, 1_000_000, 10];
    let mut bytes = Vec::new();
    for (offset, size) in (0u64..).zip(sizes) {
        let value = vec![b'v'; size];
        let meta = BatchMeta { base_offset: offset, ..BatchMeta::default() };
        encode_batch_with(&mut bytes, &[NewRecord::value(&value)], NOW, meta).unwrap();
    }
    let file = MemoryStorage::new().open("f").unwrap();
    file.write_at(0, &bytes).unwrap();
    let mut walker = BatchWalker::new(&file, 0, bytes.len() as u64);
    for size in sizes {
        let header = walker.advance().unwrap().unwrap().unwrap();
        assert_eq!(walker.verify().unwrap(), Ok(()));
        let batch = walker.bytes().unwrap();
        assert_eq!(batch.len(), header.size as usize);
        let record = crate::record::Batch::parse(batch).unwrap().0.records().next().unwrap().unwrap();
        assert_eq!(record.value.map(<[u8]>::len), Some(size));
    }
    assert!(walker.held() < 300_000, "a large batch is let go: {}", walker.held());
    assert!(walker.advance().unwrap().is_none());
    assert_eq!((walker.position(), walker.left()), (bytes.len() as u64, 0));
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

#[test]
fn the_hex_view_is_as_it_was() {
    assert_eq!(golden(), include_str!("../../tests/data/hex.txt"));
}
