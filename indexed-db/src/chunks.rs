//! How files are cut into chunks in the browser's database, so that loading reads few and saving writes little.
//!
//! A write replaces a file's end. Where the chunk before it is no longer than what is written, and not full, the
//! two become one: sizes fall along a file as in a binary counter, so a file of n bytes has about
//! n / [`FULL`] + log n chunks, and a byte is written again log n times at most.

use std::collections::{BTreeMap, HashMap, HashSet};

use logscope::storage::Mutation;

/// A chunk of this size or more is not merged any further.
pub(crate) const FULL: u64 = 256 * 1024;

/// About so many bytes are read at a time.
const PART: u64 = 8 * 1024 * 1024;

/// A chunk's file, and its position in it.
pub(crate) type Key = (u64, u64);

/// The first and the last chunk of each part that the database is read in. The chunks of a file are in one part.
pub(crate) fn parts(keys: &[Key]) -> Vec<(Key, Key)> {
    let (mut parts, mut first, mut size) = (Vec::new(), None, 0);
    for file in keys.chunk_by(|(one, _), (next, _)| one == next) {
        let ([from, ..], [.., to]) = (file, file) else { continue };
        // How long the last one is, is not known yet.
        size += to.1 + FULL;
        let from = *first.get_or_insert(*from);
        if size >= PART {
            parts.push((from, *to));
            (first, size) = (None, 0);
        }
    }
    parts.extend(first.zip(keys.last().copied()));
    parts
}

/// Where the chunks of each file begin, and how long they are.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Chunks {
    files: HashMap<u64, BTreeMap<u64, u64>>,
}

/// One thing to do to the database.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Op {
    /// Take what the chunks from `start` hold up to `position`, put `bytes` behind it, and make that the file's
    /// last chunk. If `start` is `position`, nothing needs to be read.
    Replace { file: u64, start: u64, position: u64, bytes: Vec<u8> },
    /// These are all names; other files are gone.
    Names { names: Vec<(String, u64)>, gone: Vec<u64> },
}

impl Chunks {
    /// Notes a chunk that was found in the database.
    pub(crate) fn found(&mut self, file: u64, position: u64, len: u64) {
        self.files.entry(file).or_default().insert(position, len);
    }

    /// What to do for some mutations, in order. With `merge` off, as little as possible is read.
    pub(crate) fn plan(&mut self, mutations: Vec<Mutation>, merge: bool) -> Vec<Op> {
        mutations.into_iter().map(|mutation| self.plan_one(mutation, merge)).collect()
    }

    fn plan_one(&mut self, mutation: Mutation, merge: bool) -> Op {
        match mutation {
            Mutation::Write { file, position, bytes } => {
                let chunks = self.files.entry(file).or_default();
                let start = start(chunks, position, bytes.len() as u64, merge);
                chunks.split_off(&start);
                let len = position + bytes.len() as u64 - start;
                if len > 0 {
                    chunks.insert(start, len);
                }
                Op::Replace { file, start, position, bytes }
            }
            Mutation::Names(names) => {
                let named: HashSet<u64> = names.values().copied().collect();
                let gone: Vec<u64> = self.files.keys().copied().filter(|id| !named.contains(id)).collect();
                gone.iter().for_each(|id| drop(self.files.remove(id)));
                Op::Names { names: names.into_iter().collect(), gone }
            }
        }
    }
}

/// Where the chunk that holds `position` from now on begins.
fn start(chunks: &BTreeMap<u64, u64>, position: u64, len: u64, merge: bool) -> u64 {
    let mut start = position;
    for (&at, &chunk) in chunks.range(..position).rev() {
        let cut = at + chunk > position && start == position;
        let mergeable = merge && chunk < FULL && chunk <= position + len - start;
        if !cut && !mergeable {
            break;
        }
        start = at;
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database in memory that does what it is told.
    #[derive(Default)]
    struct Database {
        chunks: BTreeMap<(u64, u64), Vec<u8>>,
        written: usize,
    }

    impl Database {
        fn run(&mut self, ops: Vec<Op>) {
            for op in ops {
                match op {
                    Op::Replace { file, start, position, bytes } => {
                        let mut kept = Vec::new();
                        let old: Vec<_> = self
                            .chunks
                            .range((file, start)..=(file, u64::MAX))
                            .map(|(key, _)| *key)
                            .collect();
                        for key in old {
                            kept.extend(self.chunks.remove(&key).unwrap());
                        }
                        kept.truncate((position - start) as usize);
                        kept.extend(bytes);
                        self.written += kept.len();
                        self.chunks.insert((file, start), kept);
                    }
                    Op::Names { gone, .. } => self.chunks.retain(|(file, _), _| !gone.contains(file)),
                }
            }
        }

        fn file(&self, file: u64) -> Vec<u8> {
            let chunks = self.chunks.range((file, 0)..=(file, u64::MAX));
            chunks.flat_map(|(_, bytes)| bytes.clone()).collect()
        }
    }

    fn write(position: usize, bytes: &[u8]) -> Mutation {
        Mutation::Write { file: 1, position: position as u64, bytes: bytes.to_vec() }
    }

    #[test]
    fn a_file_that_grows_in_small_steps_has_few_chunks_and_is_rewritten_little() {
        let (mut chunks, mut database, mut expected) = (Chunks::default(), Database::default(), Vec::new());
        for step in 0..4000_usize {
            let bytes = vec![step as u8; 70 + step % 60];
            database.run(chunks.plan(vec![write(expected.len(), &bytes)], true));
            expected.extend(bytes);
        }
        assert_eq!(database.file(1), expected);
        assert!(database.chunks.len() < 14, "{} chunks", database.chunks.len());
        assert!(
            database.written < expected.len() * 14,
            "{} written for {}",
            database.written,
            expected.len()
        );
    }

    #[test]
    fn a_cut_in_the_middle_of_a_chunk_keeps_what_is_before_it() {
        for merge in [true, false] {
            let (mut chunks, mut database) = (Chunks::default(), Database::default());
            for mutation in [write(0, b"0123456789"), write(10, b"ab"), write(4, b"XY"), write(5, b"")] {
                database.run(chunks.plan(vec![mutation], merge));
            }
            assert_eq!(database.file(1), b"0123X");
        }
    }

    #[test]
    fn a_page_that_closes_reads_nothing_to_append() {
        let mut chunks = Chunks::default();
        chunks.found(1, 0, 10);
        let ops = chunks.plan(vec![write(10, b"a much longer end")], false);
        assert!(matches!(ops[0], Op::Replace { start: 10, position: 10, .. }));
    }

    #[test]
    fn parts_are_whole_files_and_together_all_chunks() {
        assert_eq!(parts(&[]), []);
        assert_eq!(parts(&[(1, 0), (1, 70), (3, 0)]), [((1, 0), (3, 0))]);
        let keys = [(1, 0), (2, 0), (2, PART), (2, 2 * PART), (4, 0), (5, 0), (5, PART)];
        assert_eq!(parts(&keys), [((1, 0), (2, 2 * PART)), ((4, 0), (5, PART))]);
        let small: Vec<Key> = (0..100).map(|file| (file, 0)).collect();
        let parts = parts(&small);
        assert_eq!(parts.len(), 4);
        assert_eq!((parts[0], parts[3].1), (((0, 0), (31, 0)), (99, 0)));
        assert!(parts.windows(2).all(|pair| pair[0].1.0 + 1 == pair[1].0.0));
    }

    #[test]
    fn files_without_a_name_are_gone() {
        let mut chunks = Chunks::default();
        chunks.found(1, 0, 10);
        chunks.found(2, 0, 10);
        let names = BTreeMap::from([("a.log".to_owned(), 2)]);
        let ops = chunks.plan(vec![Mutation::Names(names)], true);
        assert_eq!(ops, [Op::Names { names: vec![("a.log".to_owned(), 2)], gone: vec![1] }]);
    }
}
