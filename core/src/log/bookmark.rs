//! Where a fetch ended, so that the next one, which goes on there, need not look the place up.
//!
//! Invariants:
//! - A bookmark holds for the segment that it was made in, as long as the log was not cut: compaction puts another segment
//!   in its place, and only a cut changes what was there. A batch begins there, or the segment ends.
//! - It keeps no file open.

use std::sync::{Arc, Weak};

use crate::segment::Segment;

/// Where a fetch ended; see [`LogReader::fetch_on`](super::LogReader::fetch_on).
#[derive(Debug)]
pub struct Bookmark<F>(Option<Mark<F>>);

#[derive(Debug)]
struct Mark<F> {
    segment: Weak<Segment<F>>,
    offset: u64,
    position: u64,
    /// How often the log had been cut.
    truncations: u64,
}

impl<F> Default for Bookmark<F> {
    fn default() -> Self {
        Self(None)
    }
}

impl<F> Bookmark<F> {
    pub(super) fn put(&mut self, segment: &Arc<Segment<F>>, offset: u64, position: u64, truncations: u64) {
        self.0 = Some(Mark { segment: Arc::downgrade(segment), offset, position, truncations });
    }

    /// The position in a segment at which an offset is to be looked for, if that is known.
    pub(super) fn take(&mut self, segment: &Arc<Segment<F>>, offset: u64, truncations: u64) -> Option<u64> {
        let mark = self.0.take()?;
        let holds = mark.segment.as_ptr() == Arc::as_ptr(segment) && mark.truncations == truncations;
        (holds && mark.offset == offset).then_some(mark.position)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::config::CleanupPolicy;
    use crate::log::{Event, Observer};
    use crate::{LogConfig, MemoryStorage, NewRecord, PartitionLog, Storage};

    type Mark = Bookmark<<MemoryStorage as Storage>::File>;

    /// Counts look-ups in an index.
    #[derive(Debug, Default)]
    struct LookUps(Mutex<usize>);

    impl Observer for &LookUps {
        fn observe(&self, event: impl FnOnce() -> Event) {
            *self.0.lock().unwrap() += usize::from(matches!(event(), Event::IndexLookedUp { .. }));
        }
    }

    impl LookUps {
        fn take(&self) -> usize {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    fn filled(look_ups: &LookUps) -> PartitionLog<MemoryStorage, &LookUps> {
        let cleanup_policy = CleanupPolicy::Compact;
        let config = LogConfig {
            segment_bytes: 2000,
            index_interval_bytes: 300,
            cleanup_policy,
            ..LogConfig::default()
        };
        let (mut log, _) = PartitionLog::open_observed(MemoryStorage::new(), config, look_ups).unwrap();
        append(&mut log, 60);
        log
    }

    fn append(log: &mut PartitionLog<MemoryStorage, &LookUps>, batches: usize) {
        for at in 0..batches {
            let (key, value) = ([at as u8 % 7], vec![b'x'; at * 37 % 200]);
            let record = NewRecord { key: Some(&key), value: Some(&value), ..NewRecord::default() };
            log.append(&vec![record; 1 + at % 3], 0).unwrap();
        }
        log.flush().unwrap();
    }

    #[test]
    fn who_goes_on_reads_the_same_and_looks_nothing_up() {
        let look_ups = LookUps::default();
        let log = filled(&look_ups);
        for max_bytes in [1, 200, 700, 5000] {
            let (mut offset, mut bookmark, mut fetches) = (0, Mark::default(), 0);
            while offset < log.log_end_offset() {
                let expected = log.fetch(offset, max_bytes).unwrap();
                look_ups.take();
                let room = Vec::with_capacity(fetches % 3 * 1000);
                assert_eq!(log.fetch_on(offset, max_bytes, room, &mut bookmark).unwrap(), expected);
                assert_eq!(look_ups.take(), usize::from(offset == 0), "{offset}, {max_bytes} bytes");
                (offset, fetches) = (expected.next_offset, fetches + 1);
            }
        }
    }

    #[test]
    fn a_bookmark_of_elsewhere_or_of_what_was_changed_is_not_used() {
        let look_ups = LookUps::default();
        let mut log = filled(&look_ups);
        let marked = |log: &PartitionLog<_, &LookUps>, from| {
            let mut bookmark = Mark::default();
            let offset = log.fetch_on(from, 400, Vec::new(), &mut bookmark).unwrap().next_offset;
            look_ups.take();
            (bookmark, offset)
        };
        let goes_on = |log: &PartitionLog<_, &LookUps>, offset, mut bookmark| {
            let fetched = log.fetch_on(offset, 400, Vec::new(), &mut bookmark).unwrap();
            let looked_up = look_ups.take();
            assert_eq!(fetched, log.fetch(offset, 400).unwrap());
            looked_up
        };
        let (bookmark, offset) = marked(&log, 3);
        assert_eq!(goes_on(&log, offset, bookmark), 0, "it is used where nothing has changed");
        let (bookmark, offset) = marked(&log, 3);
        assert_eq!(goes_on(&log, offset + 1, bookmark), 1, "another offset");
        let (bookmark, offset) = marked(&log, 3);
        log.compact(0).unwrap().unwrap();
        assert_eq!(goes_on(&log, offset, bookmark), 1, "compacted");
        let active = log.segments().last().unwrap().base_offset;
        let (bookmark, offset) = marked(&log, active);
        log.truncate_to(active + 1).unwrap();
        append(&mut log, 9);
        assert_eq!(goes_on(&log, offset, bookmark), 1, "cut, and something else came");
    }
}
