//! The files of a log, row by row: only the rows that are seen are put into words.

use std::ops::Range;

use logscope::lab::{LogPicture, SegmentPicture};

/// How many files there are, and how many bytes in all.
pub(crate) fn totals(log: &LogPicture) -> (usize, u64) {
    let of_segment = |segment: &SegmentPicture| {
        let sizes = [Some(segment.size), segment.index_size, segment.time_index_size];
        (sizes.iter().flatten().count(), sizes.iter().flatten().sum::<u64>())
    };
    let others = (log.other_files.len(), log.other_files.iter().map(|(_, size)| size).sum());
    let add = |(files, bytes): (usize, u64), (more, larger): (usize, u64)| (files + more, bytes + larger);
    log.segments.iter().map(|segment| of_segment(segment)).fold(others, add)
}

/// Whether there is a file of this name.
pub(crate) fn has(log: &LogPicture, name: &str) -> bool {
    let segment = base(name).and_then(|base| log.segment(base));
    segment.is_some_and(|segment| segment.files().any(|(file, _)| file == name))
        || log.other_files.iter().any(|(file, _)| file == name)
}

/// The names and sizes of some of the files: segment by segment, with what else begins with the same offset.
pub(crate) fn files(log: &LogPicture, rows: Range<usize>) -> Vec<(String, u64)> {
    let mut others = log.other_files.iter().peekable();
    let mut found = Vec::new();
    let mut row = 0;
    for segment in &log.segments {
        while let Some(other) =
            others.next_if(|(name, _)| base(name).is_some_and(|base| base < segment.base_offset))
        {
            put(&rows, &mut row, &mut found, || other.clone());
        }
        let count =
            1 + usize::from(segment.index_size.is_some()) + usize::from(segment.time_index_size.is_some());
        if row + count <= rows.start {
            row += count;
        } else {
            segment.files().for_each(|file| put(&rows, &mut row, &mut found, || file));
        }
        if row >= rows.end {
            return found;
        }
    }
    others.for_each(|other| put(&rows, &mut row, &mut found, || other.clone()));
    found
}

fn put(
    rows: &Range<usize>,
    row: &mut usize,
    found: &mut Vec<(String, u64)>,
    file: impl FnOnce() -> (String, u64),
) {
    if rows.contains(row) {
        found.push(file());
    }
    *row += 1;
}

/// The offset that a file's name begins with.
fn base(name: &str) -> Option<u64> {
    name.get(..20)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use logscope::lab::{Lab, Picture, parse_scenario};
    use logscope::storage::MemoryStorage;

    use super::*;

    #[test]
    fn every_file_has_its_row_once_and_rows_can_be_asked_for_alone() {
        let scenario =
            "append hello key=k count=60 producer=7\nflush\nlose 00000000000000000013.index\nreopen";
        let scenario = scenario.replace(" producer=7", "");
        let (mut lab, mut picture) = (Lab::new(MemoryStorage::new()), Picture::default());
        for (_, action) in parse_scenario(&scenario).unwrap() {
            lab.run(&action).events.iter().for_each(|event| picture.apply(event));
        }
        let log = &picture.log;
        let mut all = files(log, 0..usize::MAX);
        let (count, bytes) = totals(log);
        assert_eq!((all.len(), all.iter().map(|(_, size)| size).sum()), (count, bytes));
        for rows in [0..0, 0..5, 3..4, 7..20, count - 2..count + 9] {
            let clamped = rows.start..rows.end.min(count);
            assert_eq!(files(log, rows), all[clamped]);
        }
        assert_eq!(all.last().unwrap().0, "checkpoint");
        assert!(all.iter().all(|(name, _)| has(log, name)));
        for absent in ["nope.log", "00000000000000000001.log", "00000000000000000000.logs", ""] {
            assert!(!has(log, absent), "{absent}");
        }
        all.sort();
        assert_eq!(all, log.files());
    }
}
