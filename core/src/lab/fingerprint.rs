//! One number for all files, to compare what two engines left without carrying the files about.

use std::io;

use crate::storage::{File, Storage, read_up_to};

/// The FNV-1a hash of names, sizes and bytes of all files, by name, as Fowler, Noll and Vo define it for 64 bits.
///
/// # Errors
/// If the storage fails.
pub fn fingerprint<S: Storage>(storage: &S) -> io::Result<u64> {
    let mut names = storage.list()?;
    names.sort_unstable();
    let mut hash = OFFSET_BASIS;
    for name in names {
        let file = storage.open(&name)?;
        let mut bytes = Vec::new();
        read_up_to(&file, 0, usize::try_from(file.len()?).unwrap_or(usize::MAX), &mut bytes)?;
        for part in [name.as_bytes(), b"\0", &(bytes.len() as u64).to_be_bytes(), &bytes] {
            hash = fnv(hash, part);
        }
    }
    Ok(hash)
}

const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::MemoryStorage;

    /// Numbers from the authors' page of test vectors.
    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(fnv(OFFSET_BASIS, b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv(OFFSET_BASIS, b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn names_sizes_and_bytes_count() {
        let of = |files: &[(&str, &str)]| {
            let storage = MemoryStorage::new();
            files.iter().for_each(|(name, bytes)| storage.insert(*name, bytes.as_bytes().to_vec()));
            fingerprint(&storage).unwrap()
        };
        let all = [
            of(&[]),
            of(&[("a", "")]),
            of(&[("a", "x")]),
            of(&[("b", "x")]),
            of(&[("a", "xy")]),
            of(&[("a", "x"), ("b", "y")]),
            of(&[("a", "y"), ("b", "x")]),
        ];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }
}
