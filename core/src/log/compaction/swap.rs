//! How new files take the place of old ones, and what a crash leaves of that.
//!
//! New files are written as `.cleaned`. Then, for the segments from base offset 0 up to 8:
//!
//! ```text
//! 1  the .index and .timeindex are renamed to .swap
//! 2  the checkpoint says that there may be holes; with it the names are durable
//! 3  the .log is renamed to `<0>-<8>.log.swap`, durably: from now on the swap is brought to an end
//! 4  the files of the segments between offsets 0 and 8 are deleted
//! 5  the new indexes take the plain names of segment 0, durably, as step 4 is by then
//! 6  and so does the new .log
//! ```
//!
//! Step 3 is done for one segment after another, from the oldest on, so that a crash leaves the swaps of the oldest
//! ones. What recovery finds tells it what to do: a `.log.swap` is brought to an end, from step 4 on; all else that
//! ends with `.cleaned` or `.swap` was not needed yet, and goes. The name of a `.log.swap` tells which segments it
//! stands for; its batches would not, since the last ones may have gone.

use std::io;

use crate::segment::{
    CLEANED_SUFFIX, INDEX_SUFFIX, LOG_SUFFIX, SWAP_SUFFIX, TIME_INDEX_SUFFIX, file_name, parse_file_name,
};
use crate::storage::Storage;

use super::super::recovery::base_of;
use super::super::retention::delete_files;

/// The offsets that a new segment stands for: from its base offset up to where the next segment begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::log) struct Swap {
    pub(in crate::log) base: u64,
    pub(in crate::log) end: u64,
}

/// The name of a segment's new file.
pub(super) fn cleaned(base: u64, suffix: &str) -> String {
    file_name(base, suffix) + CLEANED_SUFFIX
}

impl Swap {
    /// Step 1.
    pub(super) fn stage_indexes<S: Storage>(self, storage: &S) -> io::Result<()> {
        [INDEX_SUFFIX, TIME_INDEX_SUFFIX].iter().try_for_each(|suffix| {
            storage.rename(&cleaned(self.base, suffix), &(file_name(self.base, suffix) + SWAP_SUFFIX))
        })
    }

    /// Step 3.
    pub(super) fn commit<S: Storage>(self, storage: &S) -> io::Result<()> {
        storage.rename(&cleaned(self.base, LOG_SUFFIX), &self.name())?;
        storage.sync_dir()
    }

    /// Whether a file is one of the new indexes.
    pub(in crate::log) fn owns(self, name: &str) -> bool {
        let plain = name.strip_suffix(SWAP_SUFFIX);
        let indexes = [INDEX_SUFFIX, TIME_INDEX_SUFFIX].map(|suffix| file_name(self.base, suffix));
        plain.is_some_and(|plain| indexes.iter().any(|index| index == plain))
    }

    fn name(self) -> String {
        format!("{:020}-", self.base) + &file_name(self.end, LOG_SUFFIX) + SWAP_SUFFIX
    }

    /// The swap that a file's name tells of.
    pub(in crate::log) fn parse(name: &str) -> Option<Self> {
        let (base, end) = name.strip_suffix(SWAP_SUFFIX)?.split_once('-')?;
        let (base, end) = (parse_file_name(base, "")?, parse_file_name(end, LOG_SUFFIX)?);
        (base < end).then_some(Self { base, end })
    }
}

/// Whether a file is one that compaction writes, other than a `.log.swap`.
pub(in crate::log) fn is_staged(name: &str) -> bool {
    let plain = name.strip_suffix(CLEANED_SUFFIX).or_else(|| name.strip_suffix(SWAP_SUFFIX));
    plain.is_some_and(|plain| base_of(plain).is_some())
}

/// Steps 4 to 6, or what is left of them. `bases` are those of segments of which there may be files.
pub(in crate::log) fn complete<S: Storage>(storage: &S, swaps: &[Swap], bases: &[u64]) -> io::Result<()> {
    let goes = |base: &&u64| swaps.iter().any(|swap| (swap.base + 1..swap.end).contains(*base));
    bases.iter().filter(goes).try_for_each(|base| delete_files(storage, *base))?;
    for suffix in [INDEX_SUFFIX, TIME_INDEX_SUFFIX] {
        for name in swaps.iter().map(|swap| file_name(swap.base, suffix)) {
            match storage.rename(&format!("{name}{SWAP_SUFFIX}"), &name) {
                // Before the crash it had come so far.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                renamed => renamed?,
            }
        }
    }
    storage.sync_dir()?;
    for swap in swaps {
        storage.rename(&swap.name(), &file_name(swap.base, LOG_SUFFIX))?;
    }
    storage.sync_dir()
}

/// Removes a segment's new files, as far as they are there and can be removed.
pub(super) fn remove_cleaned<S: Storage>(storage: &S, base: u64) {
    for suffix in [LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX] {
        let _ = storage.remove(&cleaned(base, suffix));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_which_offsets_are_swapped() {
        let swap = Swap { base: 7, end: 42 };
        assert_eq!(swap.name(), "00000000000000000007-00000000000000000042.log.swap");
        assert_eq!(Swap::parse(&swap.name()), Some(swap));
        for name in [
            "00000000000000000007-00000000000000000042.log",
            "00000000000000000007-00000000000000000042.index.swap",
            "00000000000000000042-00000000000000000007.log.swap",
            "00000000000000000007-42.log.swap",
            "00000000000000000007.log.swap",
            "-.log.swap",
        ] {
            assert_eq!(Swap::parse(name), None, "{name}");
        }
        for name in ["00000000000000000007.log.cleaned", "00000000000000000007.index.swap"] {
            assert!(is_staged(name));
        }
        for name in
            [&swap.name()[..], "00000000000000000007.log", "x.cleaned", "00000000000000000007.log.deleted"]
        {
            assert!(!is_staged(name));
        }
        assert!(swap.owns("00000000000000000007.timeindex.swap"));
        assert!(!swap.owns("00000000000000000007.timeindex.cleaned"));
        assert!(!swap.owns("00000000000000000042.index.swap"));
    }
}
