//! The same scenarios on memory, filesystem and journal: the same files, byte for byte, and the same promises.

use std::collections::BTreeMap;
use std::io;

use logscope::PartitionLog;
use logscope::lab::{Action, Lab, fingerprint};
use logscope::storage::{
    Crash, File, FsStorage, JournalStorage, MemoryFile, MemoryStorage, Mutation, Storage,
};
use logscope::testing::{Random, golden_scenarios, long_scenario};

use crate::generate::Diet;
use crate::model::Model;
use crate::recovered::check_recovered;
use crate::run::{Disk, Run};
use crate::{run_seed, run_steps, step};

/// A directory of the filesystem, with memory beside it that must always say the same. No power fails here, so the
/// memory also says what a crash would leave in the directory; and real syncs would take time and change nothing.
#[derive(Debug, Clone)]
struct Mirrored {
    fs: FsStorage,
    memory: MemoryStorage,
}

#[derive(Debug)]
struct MirroredFile {
    fs: <FsStorage as Storage>::File,
    memory: MemoryFile,
}

/// Both sides agree on success and on what they return.
fn same<T: PartialEq + std::fmt::Debug>(fs: io::Result<T>, memory: io::Result<T>) -> io::Result<T> {
    let kind = |result: &io::Result<T>| result.as_ref().map_err(io::Error::kind).err();
    assert_eq!(kind(&fs), kind(&memory));
    let (fs, memory) = (fs?, memory?);
    assert_eq!(fs, memory);
    Ok(fs)
}

impl Storage for Mirrored {
    type File = MirroredFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let sorted = |mut names: Vec<String>| {
            names.sort_unstable();
            names
        };
        same(self.fs.list().map(sorted), self.memory.list().map(sorted))
    }

    fn open(&self, name: &str) -> io::Result<MirroredFile> {
        Ok(MirroredFile { fs: self.fs.open(name)?, memory: self.memory.open(name)? })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        same(self.fs.rename(from, to), self.memory.rename(from, to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        same(self.fs.remove(name), self.memory.remove(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.memory.sync_dir()
    }
}

impl File for MirroredFile {
    fn len(&self) -> io::Result<u64> {
        same(self.fs.len(), self.memory.len())
    }

    fn read_at(&self, position: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut other = buf.to_vec();
        let read = same(File::read_at(&self.fs, position, buf), self.memory.read_at(position, &mut other));
        assert_eq!(buf, other);
        read
    }

    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        same(File::write_at(&self.fs, position, bytes), self.memory.write_at(position, bytes))
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        same(self.fs.truncate(len), self.memory.truncate(len))
    }

    fn sync(&self) -> io::Result<()> {
        self.memory.sync()
    }
}

impl Mirrored {
    /// Makes the directory hold what the memory does.
    fn copy_memory(&self) -> io::Result<()> {
        for name in self.fs.list()? {
            self.fs.remove(&name)?;
        }
        for name in self.memory.list()? {
            File::write_at(&self.fs.open(&name)?, 0, &self.memory.contents(&name).unwrap_or_default())?;
        }
        Ok(())
    }
}

impl Crash for Mirrored {
    fn crash(&self, keep: u64) {
        self.memory.crash(keep);
        self.copy_memory().expect("the directory can be written");
    }

    fn flip(&self, name: &str, position: u64) -> io::Result<()> {
        self.memory.flip(name, position)?;
        let file = self.fs.open(name)?;
        let mut byte = [0];
        File::read_at(&file, position, &mut byte)?;
        File::write_at(&file, position, &[byte[0] ^ 0xff])
    }

    fn lose(&self, name: &str) -> io::Result<()> {
        self.memory.lose(name)?;
        self.fs.remove(name)
    }

    fn durable_sizes(&self) -> Vec<(String, u64)> {
        self.memory.durable_sizes()
    }
}

impl Disk for Mirrored {}

/// An empty directory, which is removed with the first value.
fn directory() -> (tempfile::TempDir, Mirrored) {
    let dir = tempfile::tempdir().expect("a directory");
    let fs = FsStorage::open(dir.path().join("t-0")).expect("it is created");
    (dir, Mirrored { fs, memory: MemoryStorage::new() })
}

#[test]
fn random_scenarios_leave_the_same_files_everywhere() {
    for seed in 0..60 {
        let diet = if seed % 3 == 0 { Diet::Calm } else { Diet::Crashes };
        let memory = MemoryStorage::new();
        let (steps, checked) = run_seed(memory.clone(), diet, seed);
        let (_dir, fs) = directory();
        let journal = JournalStorage::new();
        let all = checked
            .and_then(|()| run_steps(journal.clone(), &steps))
            .and_then(|()| run_steps(fs.clone(), &steps));
        all.unwrap_or_else(|violation| panic!("seed {seed}: {violation}\n\n{}", step::text(&steps)));
        assert_eq!(memory.files(), journal.files(), "seed {seed}");
        assert_eq!(memory.files(), fs.files(), "seed {seed}");
    }
}

/// What the page's engine has to come to as well.
#[test]
fn the_scenarios_of_the_browser_leave_the_same_files_everywhere() {
    let long = [(1, 300), (2, 300), (3, 1000)].map(|(seed, lines)| ("long", long_scenario(seed, lines)));
    for (name, scenario) in golden_scenarios().into_iter().chain(long) {
        fn run<S: Crash + Clone>(storage: S, scenario: &str) -> u64 {
            let mut lab = Lab::new(storage);
            // A line that is no action is refused, here as there.
            scenario.lines().for_each(|line| drop(lab.run_line(line)));
            fingerprint(lab.storage()).expect("the storage does not fail")
        }
        let (_dir, fs) = directory();
        let memory = run(MemoryStorage::new(), &scenario);
        assert_eq!(memory, run(JournalStorage::new(), &scenario), "{name}");
        assert_eq!(memory, run(fs, &scenario), "{name}");
    }
}

/// What commits a journal's mutations, one by one.
#[derive(Default)]
struct Medium {
    files: BTreeMap<u64, Vec<u8>>,
    names: BTreeMap<String, u64>,
}

impl Medium {
    fn commit(&mut self, mutation: &Mutation) {
        match mutation {
            Mutation::Write { file, position, bytes } => {
                let contents = self.files.entry(*file).or_default();
                assert!(contents.len() >= *position as usize, "a hole");
                contents.truncate(*position as usize);
                contents.extend(bytes);
            }
            Mutation::Names(names) => {
                self.files.retain(|id, _| names.values().any(|named| named == id));
                self.names = names.clone();
            }
        }
    }

    fn restore(&self) -> JournalStorage {
        let bytes = |id| self.files.get(id).cloned().unwrap_or_default();
        JournalStorage::restore(self.names.iter().map(|(name, id)| (name.clone(), *id, bytes(id))))
    }
}

/// A database commits a queue of mutations as a whole; here it stops anywhere in between. What was promised when
/// the queue before was committed is there, and beyond that a prefix of what was appended since.
#[test]
fn any_prefix_of_a_journal_is_a_prefix_of_the_log() {
    for seed in 0..60 {
        let steps = run_seed(MemoryStorage::new(), Diet::Crashes, seed).0;
        let mut run = Run::new(JournalStorage::new());
        let (mut medium, mut random) = (Medium::default(), Random::new(seed));
        for at in 0..steps.len() {
            let before = run.model.clone();
            run.step(&steps[at]).unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
            let what = || format!("seed {seed}:\n{}", step::text(&steps[..=at]));
            // A queue names the files at its end, in one for all: of a truncation there is no half.
            let halves = !matches!(steps[at].action, Action::Truncate { .. });
            for (done, mutation) in run.disk.take_mutations().into_iter().enumerate() {
                if random.one_in(4) && (halves || done == 0) {
                    check_cut(&medium, &run, &before, &what);
                }
                medium.commit(&mutation);
            }
        }
    }
}

fn check_cut(medium: &Medium, run: &Run<JournalStorage>, before: &Model, what: &dyn Fn() -> String) {
    let storage = medium.restore();
    let (log, report) = PartitionLog::open(storage.clone(), run.config.clone())
        .unwrap_or_else(|error| panic!("{error}\n{}", what()));
    let mut between = before.clone();
    between.failed.extend(run.model.history().cloned());
    between.durable = before.durable.min(run.model.durable);
    between.other_starts.push(run.model.start);
    let checked = check_recovered(&storage, &log, &report, &mut between, true);
    // A reset takes everything back.
    let checked = checked.or_else(|violation| match run.model.batches.is_empty() {
        true => check_recovered(&storage, &log, &report, &mut run.model.clone(), true),
        false => Err(violation),
    });
    checked.unwrap_or_else(|violation| panic!("{violation}\n{}", what()));
}
