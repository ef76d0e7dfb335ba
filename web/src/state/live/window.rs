//! Which part of a broker's `.log` to ask for, to look at a position of it.
//!
//! A part has to begin with a batch, and the entries of the segment's index say where some do. The first batch that they
//! name in each MiB begins a part. Nobody has checked the index: where it is wrong shows in what comes.
//!
//! Invariant: the parts of a file follow each other without gaps as long as its index is the same, is right, and leads
//! somewhere in every [`MOST`] bytes.

use std::ops::Range;

use logscope::record::{Batch, BatchError, BatchHeader};

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

/// The part to ask for instead of `part`, of which these bytes came, out of `size` of the segment `base`: if the index was
/// wrong about where it begins, one that needs none; if about where it ends, one as long as can be. What is as long as can
/// be is cut behind its last whole batch.
pub(crate) fn better(part: &Range<u64>, base: u64, size: u64, bytes: &mut Vec<u8>) -> Option<Range<u64>> {
    let of_segment = |header: BatchHeader| header.base_offset.checked_sub(base).map(u32::try_from);
    if part.start > 0 && !matches!(BatchHeader::parse(bytes).map(of_segment), Ok(Some(Ok(_)))) {
        return Some(0..MOST);
    }
    let mut rest = bytes.as_slice();
    let problem = loop {
        match Batch::parse(rest) {
            Ok((_, next)) => rest = next,
            Err(problem) => break problem,
        }
    };
    let whole = bytes.len() - rest.len();
    let left = size.saturating_sub(part.start + whole as u64);
    match problem {
        // What would go on behind the file's end is damaged wherever the part ends.
        BatchError::Incomplete { needed, .. } if !rest.is_empty() && needed <= left => {
            if part.end - part.start < MOST {
                return Some(part.start..part.start + MOST);
            }
            // Of a batch that is larger than a part, what there is is shown.
            if whole > 0 {
                bytes.truncate(whole);
            }
            None
        }
        _ => None,
    }
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
    fn an_index_that_is_wrong_is_found_out_and_a_part_ends_with_a_whole_batch() {
        let (log, index) = a_log();
        let size = log.len() as u64;
        let of = |part: &Range<u64>| log[part.start as usize..part.end.min(size) as usize].to_vec();
        for at in (0..size).step_by(STEP as usize) {
            let part = around(at, &index);
            let mut bytes = of(&part);
            assert_eq!((better(&part, 0, size, &mut bytes), bytes), (None, of(&part)));
        }
        let right = around(2 * STEP, &index).start;
        let begins_wrong = right + 1..right + STEP;
        assert_eq!(better(&begins_wrong, 0, size, &mut of(&begins_wrong)), Some(0..MOST));
        assert_eq!(better(&begins_wrong, 0, right, &mut Vec::new()), Some(0..MOST), "cut meanwhile");
        let of_another = right..size;
        assert_eq!(better(&of_another, 1 << 40, size, &mut of(&of_another)), Some(0..MOST));
        let ends_wrong = right..right + STEP / 2 + 7;
        assert_eq!(better(&ends_wrong, 0, size, &mut of(&ends_wrong)), Some(right..right + MOST));

        // As if the file went on behind what can be asked for at once.
        let (cut, mut bytes) = (0..MOST, log[..log.len() - 7].to_vec());
        assert_eq!(better(&cut, 0, size, &mut bytes), None);
        let last = bytes.len();
        assert!((BatchHeader::parse(&log[last..]).unwrap().size as usize) == log.len() - last);
        // At the end of the file it is a damage, and shown.
        let mut torn = log[..log.len() - 7].to_vec();
        assert_eq!((better(&cut, 0, size - 7, &mut torn), torn.len()), (None, log.len() - 7));
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
