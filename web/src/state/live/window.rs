//! Which part of a broker's `.log` to ask for, to look at a position of it.
//!
//! A part has to begin with a batch, and the entries of the segment's index say where some do. The first batch that they
//! name in each MiB begins a part.
//!
//! Invariant: the parts of a file follow each other without gaps as long as its index is the same, and leads somewhere in
//! every [`MOST`] bytes.

use std::ops::Range;

/// A part begins at most once in so many bytes.
const STEP: u64 = 1 << 20;
/// The most bytes of a part, and of a file that is asked for as a whole.
pub(crate) const MOST: u64 = 16 << 20;

/// The part that holds the byte at `at`, by the bytes of the index. It may end behind the file.
pub(crate) fn around(at: u64, index: &[u8]) -> Range<u64> {
    let (mut start, mut end) = (0, u64::MAX);
    for entry in index.chunks_exact(8) {
        let position = entry[4..].iter().fold(0, |position, byte| position << 8 | u64::from(*byte));
        if position / STEP <= start / STEP {
            continue;
        }
        if position > at {
            end = position;
            break;
        }
        start = position;
    }
    start..end.min(start + MOST)
}

#[cfg(test)]
mod tests {
    use logscope::lab::Lab;
    use logscope::storage::{File, MemoryStorage, Storage};

    use super::*;
    use crate::state::bytes::page_of;

    const LOG: &str = "00000000000000000000.log";

    /// A `.log` of more than three MiB, and its index.
    fn a_log() -> (Vec<u8>, Vec<u8>) {
        let storage = MemoryStorage::new();
        let mut lab = Lab::new(storage.clone());
        let append = format!("append {} count=4000", "x".repeat(900));
        for line in ["config segment.bytes=10000000 index.interval.bytes=4096", &append, "flush"] {
            lab.run_line(line).unwrap();
        }
        let file = |name: &str| storage.contents(name).unwrap();
        (file(LOG), file("00000000000000000000.index"))
    }

    #[test]
    fn a_log_is_paged_through_part_by_part_to_its_last_byte_and_back() {
        let (log, index) = a_log();
        let size = log.len() as u64;
        let page = |at: u64| {
            let part = around(at, &index);
            assert!(part.contains(&at) && part.end - part.start < 2 * STEP || part.end > size, "{part:?}");
            let file = MemoryStorage::new().open(LOG).unwrap();
            file.write_at(0, &log[part.start as usize..part.end.min(size) as usize]).unwrap();
            page_of(&file, part.start, size, LOG, at).unwrap()
        };
        let (mut bytes, mut starts, mut next) = (Vec::new(), Vec::new(), Some(0));
        while let Some(at) = next {
            let page = page(at);
            assert_eq!((page.taken.at, page.beyond), (at, None));
            assert!(page.taken.fields.iter().all(|field| field.first_problem().is_none()), "{at}");
            bytes.extend_from_slice(&page.taken.bytes);
            starts.push(at);
            next = page.after;
        }
        assert!(bytes == log && starts.len() > 200, "{} pages", starts.len());
        let last = starts.pop().unwrap();
        assert_eq!(page(size - 1).taken.at, last);
        let mut before = page(last).before;
        while let Some(at) = before {
            let page = page(at);
            assert_eq!(Some(page.taken.at), starts.pop());
            before = page.before;
        }
        assert!(starts.is_empty(), "{starts:?}");
        assert_eq!(page(size + 5).beyond, Some((size + 5, size)));
    }

    #[test]
    fn an_index_that_leads_nowhere_gives_a_part_that_is_not_too_large() {
        assert_eq!((around(0, &[]), around(u64::MAX, &[])), (0..MOST, 0..MOST));
        let entry = |position: u32| [[0; 4], position.to_be_bytes()].concat();
        let index =
            [entry(3 << 20), entry(0), entry(5), entry(u32::MAX), vec![0; 24], vec![1, 2, 3]].concat();
        assert_eq!(around(7, &index), 0..3 << 20);
        assert_eq!(around(3 << 20, &index), 3 << 20..(3 << 20) + MOST);
        let far = u64::from(u32::MAX);
        assert_eq!(around(far + 9, &index), far..far + MOST);
    }
}
