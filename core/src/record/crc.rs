//! CRC-32C, Castagnoli's polynomial: by the processor's own instruction where there is one. WebAssembly has none; there
//! it goes by tables, sixteen bytes at a time.

#[cfg(target_family = "wasm")]
pub(crate) use by_tables::{crc32c, crc32c_append};
#[cfg(not(target_family = "wasm"))]
pub(crate) use crc32c::{crc32c, crc32c_append};

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
        fn tables_and_processor_agree(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0..200usize) {
            let (front, behind) = bytes.split_at(at.min(bytes.len()));
            prop_assert_eq!(by_tables::crc32c(&bytes), crc32c(&bytes));
            prop_assert_eq!(crc32c_append(crc32c(front), behind), crc32c(&bytes));
            prop_assert_eq!(by_tables::crc32c_append(crc32c(front), behind), crc32c(&bytes));
        }
    }
}
