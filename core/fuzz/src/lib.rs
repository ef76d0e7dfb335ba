//! What is tried on bytes by chance: batches, whole directories, scenarios.
//!
//! Each takes any bytes at all, and must neither panic, nor run without end, nor take memory without end. The fuzz
//! targets run them under libFuzzer, and `core/tests/fuzz_corpus.rs` on what is committed in `seeds`.

mod directory;

use logscope::config::CleanupPolicy;
use logscope::lab::{Action, parse_line, parse_scenario};
use logscope::record::{self, Batch, BatchHeader};
use logscope::verify::VerifyOptions;
use logscope::{LogConfig, MemoryStorage, NewRecord, PartitionLog, RecoveryReport, Storage, dump};

use directory::Directory;

/// The most that records may take decompressed, in bytes.
const MAX_DECOMPRESSED: u64 = 1 << 20;

/// Decodes, checks, decompresses and takes apart one batch after another.
pub fn batch(bytes: &[u8]) {
    let _ = BatchHeader::parse(bytes);
    let mut rest = bytes;
    while let Ok((batch, behind)) = Batch::parse(rest) {
        let _ = batch.verify();
        read_records(&batch);
        let mut plain = Vec::new();
        if batch.decompress(MAX_DECOMPRESSED, &mut plain).is_ok()
            && let Ok((plain, _)) = Batch::parse(&plain)
        {
            assert!(plain.compressed().is_none());
            read_records(&plain);
        }
        assert!(behind.len() + record::HEADER_SIZE <= rest.len(), "a batch has a header at least");
        rest = behind;
    }
    let field = dump::batch(bytes, 0, 100);
    assert!(field.end() <= bytes.len() as u64);
    for kind in ["0.log", "0.index", "0.timeindex", "0.snapshot", "checkpoint"] {
        let name = format!("{:0>20}{}", &kind[..1], &kind[1..]);
        if let Some(kind) = dump::FileKind::of(if kind == "checkpoint" { kind } else { &name }) {
            dump::file(kind, bytes, 100);
        }
    }
}

fn read_records(batch: &Batch<'_>) {
    let mut size = 0;
    for record in batch.records() {
        let Ok(record) = record else { break };
        size += record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
        size += record.headers.map(|header| header.key.len()).sum::<usize>();
    }
    assert!(size <= batch.bytes().len(), "records hold no more than their batch does");
}

/// Opens a directory of any files, and does all that can be done with a log.
pub fn recovery(bytes: &[u8]) {
    let Directory { storage, config, choices } = Directory::new(bytes);
    let _ = logscope::verify(&storage, &VerifyOptions::default(), &mut |_| {});
    let Some(mut log) = open(&storage, &config).map(|(log, _)| log) else { return };
    read_all(&log);
    let _ = log.append(&[NewRecord::value(b"x")], 1_000);
    let _ = log.flush();
    let (start, end) = (log.log_start_offset(), log.log_end_offset());
    let within = |choice: u8| start + u64::from(choice) * end.saturating_sub(start) / 255;
    let _ = match choices[0] % 5 {
        0 => log.apply_retention(i64::from(choices[1]) * 1_000).map(drop),
        1 => log.delete_records_before(within(choices[1])).map(drop),
        2 => log.truncate_to(within(choices[1])).map(drop),
        3 => compact(&mut log, i64::from(choices[1])),
        _ => log.append(&[NewRecord::key_value(b"k", b"v"); 3], 2_000).map(drop),
    };
    read_all(&log);
    if choices[2] % 2 == 0 {
        let _ = log.close();
    }
    // What an opening after a crash has mended needs no mending any more.
    if let Some((log, _)) = open(&storage, &config) {
        read_all(&log);
        drop(log);
        let Some((_, report)) = open(&storage, &config) else { return };
        assert!(report.clean || report.tail_cut.is_none(), "{report:?}");
    }
    let _ = logscope::verify(&storage, &VerifyOptions::default(), &mut |_| {});
}

fn compact(log: &mut PartitionLog<MemoryStorage>, now_ms: i64) -> logscope::Result<()> {
    let compacting = LogConfig {
        cleanup_policy: CleanupPolicy::Compact,
        delete_retention_ms: 100,
        ..log.config().clone()
    };
    log.set_config(compacting)?;
    log.compact(now_ms)?;
    log.compact(now_ms + 100).map(drop)
}

fn open(
    storage: &MemoryStorage,
    config: &LogConfig,
) -> Option<(PartitionLog<MemoryStorage>, RecoveryReport)> {
    PartitionLog::open(storage.clone(), config.clone()).ok()
}

fn read_all<S: Storage>(log: &PartitionLog<S>) {
    let (mut at, end) = (log.log_start_offset(), log.high_watermark());
    while at < end {
        let Ok(fetched) = log.fetch(at, 4096) else { break };
        assert!(fetched.next_offset > at, "a fetch gets on");
        at = fetched.next_offset;
        if let Ok(plain) = fetched.decompress(MAX_DECOMPRESSED) {
            plain.records().take_while(Result::is_ok).for_each(drop);
        }
    }
    for timestamp in [i64::MIN, -1, 0, 1_000, 1_767_225_600_000, i64::MAX] {
        let _ = log.offset_for_timestamp(timestamp);
    }
}

/// Parses a scenario. What it is printed as is the same scenario.
pub fn scenario(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(actions) = parse_scenario(&text) else {
        text.lines().for_each(|line| drop(parse_line(line)));
        return;
    };
    let printed: String = actions.iter().map(|(_, action)| format!("{action}\n")).collect();
    let read = parse_scenario(&printed).unwrap_or_else(|error| panic!("{error} in {printed:?}"));
    let only =
        |actions: Vec<(usize, Action)>| actions.into_iter().map(|(_, action)| action).collect::<Vec<_>>();
    assert_eq!(only(read), only(actions));
}
