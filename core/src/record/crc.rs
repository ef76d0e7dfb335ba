//! CRC-32C, Castagnoli's polynomial: by what the processor has for it. WebAssembly has nothing; there it goes by tables,
//! sixteen bytes at a time.

#[cfg(not(target_family = "wasm"))]
pub(crate) use by_processor::{crc32c, crc32c_append};
#[cfg(target_family = "wasm")]
pub(crate) use by_tables::{crc32c, crc32c_append};

#[cfg(not(target_family = "wasm"))]
mod by_processor {
    use crc_fast::{CrcAlgorithm::Crc32Iscsi, Digest, checksum};

    /// The checksum of `bytes`.
    pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
        checksum(Crc32Iscsi, bytes) as u32
    }

    /// The checksum of what has the checksum `before`, and of `bytes` behind it.
    pub(crate) fn crc32c_append(before: u32, bytes: &[u8]) -> u32 {
        let mut digest = Digest::new_with_init_state(Crc32Iscsi, u64::from(!before));
        digest.update(bytes);
        digest.finalize() as u32
    }
}

#[cfg(any(target_family = "wasm", test))]
mod by_tables {
    use std::sync::LazyLock;

    use crc::{CRC_32_ISCSI, Crc, Table};

    /// Computed when they are first needed: they are 16 KB that nothing compresses, and a page would wait for them.
    static TABLES: LazyLock<Crc<u32, Table<16>>> =
        LazyLock::new(|| Crc::<u32, Table<16>>::new(&CRC_32_ISCSI));

    /// The checksum of `bytes`.
    pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
        TABLES.checksum(bytes)
    }

    /// The checksum of what has the checksum `before`, and of `bytes` behind it.
    pub(crate) fn crc32c_append(before: u32, bytes: &[u8]) -> u32 {
        // A checksum is what the algorithm has come to, inverted; and where it begins is given in the bits' other order.
        let mut digest = TABLES.digest_with_initial((!before).reverse_bits());
        digest.update(bytes);
        digest.finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::{by_tables, crc32c, crc32c_append};
    use proptest::prelude::*;

    #[test]
    fn the_polynomial_is_castagnolis() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(by_tables::crc32c(b"123456789"), 0xe306_9283);
    }

    proptest! {
        #[test]
        fn tables_and_processor_agree(
            // Other ways begin at some hundreds of bytes, and have an end of their own.
            bytes in prop::collection::vec(any::<u8>(), 0..5000),
            (from, at) in (0..64usize, 0..5000usize),
        ) {
            let bytes = &bytes[from.min(bytes.len())..];
            let (front, behind) = bytes.split_at(at.min(bytes.len()));
            prop_assert_eq!(by_tables::crc32c(bytes), crc32c(bytes));
            prop_assert_eq!(crc32c_append(crc32c(front), behind), crc32c(bytes));
            prop_assert_eq!(by_tables::crc32c_append(crc32c(front), behind), crc32c(bytes));
        }
    }
}
