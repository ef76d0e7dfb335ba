//! The fetch of the project that Logscope began as, run on a log as it is here, to show what it never returned.
//!
//! It looked for its segment the wrong way round: every segment whose base offset lies below the fetch offset was passed
//! over, unless it was the last. So a reader whose budget ended within a segment went on in the next one, and the rest
//! of the first was lost to it.

use crate::log::event::BatchInfo;

use super::LogPicture;

/// What a consumer gets that reads a log to its end with the original fetch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OriginalRead {
    /// How many fetches that took.
    pub fetches: u64,
    /// The offsets that it got: first and last of each run.
    pub returned: Vec<(u64, u64)>,
    /// The offsets that it never gets, though they can be fetched: first and last of each run.
    pub missed: Vec<(u64, u64)>,
}

impl OriginalRead {
    /// Lets a consumer read from an offset to the high watermark, with `max_bytes` for each fetch. A batch that is larger
    /// comes whole, so that it ends.
    pub fn of(log: &LogPicture, from: u64, max_bytes: u64) -> Self {
        let mut read = Self::default();
        let mut offset = from;
        loop {
            let batches = fetch(log, offset, max_bytes);
            let Some(last) = batches.last() else { break };
            read.fetches += 1;
            offset = last.last_offset + 1;
            for batch in batches {
                note(&mut read.returned, batch.base_offset.max(from), batch.last_offset);
            }
        }
        let mut got = read.returned.iter().copied().peekable();
        for batch in visible(log).filter(|batch| batch.last_offset >= from) {
            while got.next_if(|(_, last)| *last < batch.base_offset.max(from)).is_some() {}
            if got.peek().is_none_or(|(first, _)| *first > batch.last_offset) {
                note(&mut read.missed, batch.base_offset.max(from), batch.last_offset);
            }
        }
        read
    }

    /// How many offsets are in these runs.
    pub fn count(runs: &[(u64, u64)]) -> u64 {
        runs.iter().map(|(first, last)| last - first + 1).sum()
    }
}

/// Adds offsets to the last run, if they follow on it.
fn note(runs: &mut Vec<(u64, u64)>, first: u64, last: u64) {
    match runs.last_mut() {
        Some(run) if run.1 + 1 == first => run.1 = last,
        _ => runs.push((first, last)),
    }
}

fn visible(log: &LogPicture) -> impl Iterator<Item = &BatchInfo> {
    let batches = log.segments.iter().flat_map(|segment| segment.batches.iter());
    batches
        .filter(|batch| batch.last_offset < log.high_watermark && batch.last_offset >= log.log_start_offset)
}

fn fetch(log: &LogPicture, offset: u64, max_bytes: u64) -> Vec<&BatchInfo> {
    let (mut batches, mut used) = (Vec::new(), 0);
    // Here it is: those that begin below the offset are passed over, but for the last.
    let below = log.segments.partition_point(|segment| segment.base_offset < offset);
    let first = below.min(log.segments.len().saturating_sub(1));
    for segment in log.segments.iter().skip(first) {
        let from = offset.max(log.log_start_offset);
        let from = segment.batches.partition_point(|batch| batch.last_offset < from);
        for batch in segment.batches.range(from..segment.batches.len()) {
            used += u64::from(batch.size);
            if batch.last_offset >= log.high_watermark || used > max_bytes && !batches.is_empty() {
                return batches;
            }
            batches.push(batch);
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{Lab, Picture, parse_scenario};
    use crate::storage::MemoryStorage;

    fn log(scenario: &str) -> LogPicture {
        let (mut lab, mut picture) = (Lab::new(MemoryStorage::new()), Picture::default());
        for (_, action) in parse_scenario(scenario).expect("a scenario") {
            lab.run(&action).events.iter().for_each(|event| picture.apply(event));
        }
        picture.log
    }

    #[test]
    fn the_rest_of_a_segment_is_lost_to_it() {
        // Segments of seven batches of 69 bytes each, from offsets 0, 7, 14 on; one record is not flushed.
        let log = log("append a count=16\nflush\nappend b");
        assert_eq!(log.segments.iter().map(|segment| segment.base_offset).collect::<Vec<_>>(), [0, 7, 14]);
        let read = OriginalRead::of(&log, 0, 3 * 69);
        assert_eq!(read.returned, [(0, 2), (7, 9), (14, 15)]);
        assert_eq!(read.missed, [(3, 6), (10, 13)]);
        assert_eq!((read.fetches, OriginalRead::count(&read.missed)), (3, 8));
        // With room for a whole segment it happens to be right, and from within one it is not even then.
        assert_eq!(OriginalRead::of(&log, 0, 4096).missed, []);
        assert_eq!(OriginalRead::of(&log, 2, 4096).missed, [(2, 6)]);
        assert_eq!(
            OriginalRead::of(&log, 15, 1),
            OriginalRead { fetches: 1, returned: vec![(15, 15)], missed: vec![] }
        );
    }
}
