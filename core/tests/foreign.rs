//! Files that begin with bytes of somebody else's are files like any other: whatever is done to them, they hold what
//! files with bytes of their own do, and tell the medium the same. And opening a log copies little of them.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use logscope::lab::Lab;
use logscope::storage::{Bytes, Crash, File, Foreign, JournalStorage, Mutation, Storage};
use logscope::testing::{Random, long_scenario};
use logscope::{LogConfig, PartitionLog};
use proptest::prelude::*;

/// Bytes that are lent, and how many of them were copied.
#[derive(Default)]
struct Lent {
    bytes: Vec<u8>,
    copied: Arc<AtomicUsize>,
}

impl Foreign for Lent {
    fn size(&self) -> usize {
        self.bytes.len()
    }

    fn copy(&self, position: usize, buf: &mut [u8]) {
        assert!(!buf.is_empty(), "nothing is asked for");
        buf.copy_from_slice(&self.bytes[position..position + buf.len()]);
        self.copied.fetch_add(buf.len(), Ordering::Relaxed);
    }
}

fn lent(bytes: Vec<u8>) -> Bytes {
    let lent: Arc<dyn Foreign> = Arc::new(Lent { bytes, ..Lent::default() });
    lent.into()
}

type Files = Vec<(String, u64, Vec<u8>)>;

/// The same files, once with bytes of their own and once with somebody else's.
fn both(files: Files) -> [JournalStorage; 2] {
    let foreign = files.clone().into_iter().map(|(name, id, bytes)| (name, id, lent(bytes)));
    [JournalStorage::restore(files), JournalStorage::restore(foreign)]
}

#[derive(Debug, Clone)]
enum Op {
    /// Positions that a file does not have are those of its end.
    Write(&'static str, u64, Vec<u8>),
    Truncate(&'static str, u64),
    Read(&'static str, u64, usize),
    Sync(&'static str),
    SyncDir,
    Rename(&'static str, &'static str),
    Remove(&'static str),
    Flip(&'static str, u64),
    Lose(&'static str),
    Crash(u64),
}

fn any_op() -> impl Strategy<Value = Op> {
    let name = || prop::sample::select(vec!["a", "b", "c"]);
    let bytes = prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        6 => (name(), 0..90u64, bytes).prop_map(|(name, at, bytes)| Op::Write(name, at, bytes)),
        3 => (name(), 0..90u64).prop_map(|(name, len)| Op::Truncate(name, len)),
        4 => (name(), 0..90u64, 0..90usize).prop_map(|(name, at, len)| Op::Read(name, at, len)),
        4 => name().prop_map(Op::Sync),
        2 => Just(Op::SyncDir),
        1 => (name(), name()).prop_map(|(from, to)| Op::Rename(from, to)),
        1 => name().prop_map(Op::Remove),
        1 => (name(), 0..90u64).prop_map(|(name, at)| Op::Flip(name, at)),
        1 => name().prop_map(Op::Lose),
        1 => (0..50u64).prop_map(Op::Crash),
    ]
}

/// Does it, and returns what was read.
fn run(storage: &JournalStorage, op: &Op) -> io::Result<Vec<u8>> {
    match op {
        Op::Write(name, at, bytes) => {
            let file = storage.open(name)?;
            file.write_at(file.len()?.min(*at), bytes)?;
        }
        Op::Truncate(name, len) => {
            let file = storage.open(name)?;
            file.truncate(file.len()?.min(*len))?;
        }
        Op::Read(name, at, len) => {
            let (file, mut read, mut again) = (storage.open(name)?, vec![7], vec![0; *len]);
            let count = file.read_to(*at, *len, &mut read)?;
            assert_eq!(file.read_at(*at, &mut again)?, count);
            assert_eq!((read[0], &read[1..]), (7, &again[..count]));
            return Ok(read);
        }
        Op::Sync(name) => storage.open(name)?.sync()?,
        Op::SyncDir => storage.sync_dir()?,
        Op::Rename(from, to) => storage.rename(from, to)?,
        Op::Remove(name) => storage.remove(name)?,
        Op::Flip(name, at) => storage.flip(name, *at)?,
        Op::Lose(name) => storage.lose(name)?,
        Op::Crash(keep) => storage.crash(*keep),
    }
    Ok(Vec::new())
}

/// Everything that can be seen of a storage.
#[derive(Debug, PartialEq)]
struct Seen {
    contents: BTreeMap<String, Option<Vec<u8>>>,
    durable: Vec<(String, u64)>,
    told: Vec<Mutation>,
}

fn seen(storage: &JournalStorage) -> Seen {
    let names = storage.list().expect("memory does not fail").into_iter();
    Seen {
        contents: names.map(|name| (name.clone(), storage.contents(&name))).collect(),
        durable: storage.durable_sizes(),
        told: storage.take_mutations(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_file_holds_the_same_whoever_holds_its_bytes(
        a in prop::collection::vec(any::<u8>(), 0..80),
        b in prop::collection::vec(any::<u8>(), 0..80),
        ops in prop::collection::vec(any_op(), 1..40),
    ) {
        let [own, foreign] = both(vec![("a".to_owned(), 4, a), ("b".to_owned(), 2, b)]);
        for op in ops {
            let kind = |result: io::Result<Vec<u8>>| result.map_err(|error| error.kind());
            prop_assert_eq!(kind(run(&own, &op)), kind(run(&foreign, &op)), "{:?}", op);
            prop_assert_eq!(seen(&own), seen(&foreign), "{:?}", op);
        }
    }
}

#[test]
fn a_log_goes_on_the_same_whoever_holds_what_it_begins_with() {
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let mut before = Lab::new(JournalStorage::new());
        long_scenario(seed, 60).lines().for_each(|line| drop(before.run_line(line)));
        let storage = before.storage();
        let files = (0..).zip(storage.list().expect("memory does not fail"));
        let files: Files = files
            .map(|(id, name)| (name.clone(), id, storage.contents(&name).expect("it is listed")))
            .collect();

        let [mut own, mut foreign] = both(files).map(Lab::new);
        let mut run = |line: &str| {
            let told = [&mut own, &mut foreign].map(|lab| lab.run_line(line).map(|outcome| outcome.events));
            assert_eq!(told[0], told[1], "seed {seed}: {line}");
            assert_eq!(seen(own.storage()), seen(foreign.storage()), "seed {seed}: {line}");
        };
        run("reopen");
        for line in long_scenario(seed + 1000, 60).lines() {
            run(line);
            match random.below(40) {
                0 => run(&format!("truncate {}", random.below(150))),
                1 => run(&format!("delete-before {}", random.below(60))),
                2 => ["config cleanup.policy=compact,delete", "compact"].into_iter().for_each(&mut run),
                3 => run(&format!("flip 00000000000000000000.log {}", random.below(900))),
                _ => {}
            }
        }
    }
}

#[test]
fn opening_a_log_copies_little_of_it() {
    for closed in [true, false] {
        let storage = JournalStorage::new();
        let config = LogConfig { segment_bytes: 1 << 20, ..LogConfig::default() };
        let (mut log, _) = PartitionLog::open(storage.clone(), config.clone()).expect("memory does not fail");
        for _ in 0..830 {
            log.append(&[logscope::NewRecord::value(&[7; 10_000])], 0).expect("there is room");
        }
        match closed {
            true => log.close().expect("memory does not fail"),
            false => drop(log.flush().expect("memory does not fail")),
        }
        let copied = Arc::new(AtomicUsize::new(0));
        let (mut size, mut last) = (0, 0);
        let mut names = storage.list().expect("memory does not fail");
        names.sort_unstable();
        let files = (0..).zip(names).map(|(id, name)| {
            let bytes = storage.contents(&name).expect("it is listed");
            size += bytes.len();
            if name.ends_with(".log") {
                last = bytes.len();
            }
            let lent: Arc<dyn Foreign> = Arc::new(Lent { bytes, copied: Arc::clone(&copied) });
            (name, id, Bytes::from(lent))
        });
        let storage = JournalStorage::restore(files.collect::<Vec<_>>());
        let (log, report) = PartitionLog::open(storage, config).expect("memory does not fail");
        assert_eq!((log.log_end_offset(), report.clean), (830, closed));
        let copied = copied.load(Ordering::Relaxed);
        let most = if closed { 80_000 } else { last + 80_000 };
        assert!(
            copied < most && size > 8 * last,
            "{copied} of {size} bytes are copied; the last segment has {last}"
        );
    }
}
