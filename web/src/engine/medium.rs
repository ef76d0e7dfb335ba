//! One database for the storages of several partitions.
//!
//! A file of partition 2 is kept under the name `2/NAME`; those of partition 0 have no such prefix, so that what a page
//! kept that had but one partition is partition 0. Each storage counts its files by itself, so the partition goes into
//! the upper bits of a file's id.

use std::collections::BTreeMap;

use logscope::lab::MAX_PARTITIONS;
use logscope::storage::{Bytes, JournalStorage, Mutation};

/// Name, id and bytes.
pub(crate) type File = (String, u64, Bytes);

/// Ids stay below 2^53 with it, where a JavaScript number is exact.
const ID_BITS: u32 = 40;

/// What the database has been told of names.
#[derive(Debug, Default)]
pub(super) struct Medium {
    names: Vec<BTreeMap<String, u64>>,
}

/// The partition that a kept file is of, and its own name.
fn of_partition(name: &str) -> (u32, &str) {
    let split = name.split_once('/').and_then(|(number, name)| Some((number.parse().ok()?, name)));
    split.filter(|(number, _)| *number < MAX_PARTITIONS).unwrap_or((0, name))
}

/// The name that a file of a partition is kept under.
pub(super) fn kept_name(partition: u32, name: &str) -> String {
    if partition == 0 { name.to_owned() } else { format!("{partition}/{name}") }
}

/// The id that a file of a partition is kept under.
pub(super) fn kept_id(partition: u32, id: u64) -> u64 {
    u64::from(partition) << ID_BITS | id
}

impl Medium {
    /// The storages of so many partitions, or of more if there are files of more, as they were kept.
    pub(super) fn restore(partitions: u32, files: Vec<File>) -> (Self, Vec<JournalStorage>) {
        let mut split: Vec<Vec<File>> = Vec::new();
        split.resize_with(partitions.clamp(1, MAX_PARTITIONS) as usize, Vec::new);
        for (name, id, bytes) in files {
            let (partition, name) = of_partition(&name);
            if split.len() <= partition as usize {
                split.resize_with(partition as usize + 1, Vec::new);
            }
            split[partition as usize].push((name.to_owned(), id & ((1 << ID_BITS) - 1), bytes));
        }
        let names = |files: &Vec<File>| files.iter().map(|(name, id, _)| (name.clone(), *id)).collect();
        let medium = Self { names: split.iter().map(names).collect() };
        (medium, split.into_iter().map(JournalStorage::restore).collect())
    }

    /// What has become durable in any partition since the last call. A partition that is not there any more has no
    /// files.
    pub(super) fn take<'s>(&mut self, storages: impl Iterator<Item = &'s JournalStorage>) -> Vec<Mutation> {
        let (mut taken, mut renamed, mut count) = (Vec::new(), false, 0);
        for (number, storage) in (0..).zip(storages) {
            count += 1;
            if self.names.len() < count {
                self.names.push(BTreeMap::new());
            }
            for mutation in storage.take_mutations() {
                match mutation {
                    Mutation::Write { file, position, bytes } => {
                        taken.push(Mutation::Write { file: kept_id(number, file), position, bytes });
                    }
                    Mutation::Names(names) => {
                        self.names[count - 1] = names;
                        renamed = true;
                    }
                }
            }
        }
        if renamed || self.names.len() > count {
            self.names.truncate(count);
            taken.push(Mutation::Names(self.all_names()));
        }
        taken
    }

    fn all_names(&self) -> BTreeMap<String, u64> {
        let of = |(number, names): (u32, &BTreeMap<String, u64>)| -> Vec<_> {
            names.iter().map(|(name, id)| (kept_name(number, name), kept_id(number, *id))).collect()
        };
        let mut all = BTreeMap::new();
        all.extend((0..).zip(&self.names).flat_map(of));
        all
    }
}
