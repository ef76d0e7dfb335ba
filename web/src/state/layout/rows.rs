//! The lanes from top to bottom: the log's segments, and among them those that the current step has taken away.

use logscope::lab::{LogPicture, Picture, SegmentPicture};

/// The lanes in order. Few segments are gone at a step, so that looking through them costs nothing.
pub(super) struct Rows<'p> {
    log: &'p LogPicture,
    /// The segments that are gone as a whole, with their rows.
    gone: Vec<(usize, &'p SegmentPicture)>,
}

impl<'p> Rows<'p> {
    pub(super) fn of(picture: &'p Picture) -> Self {
        let log = &picture.log;
        let whole =
            picture.gone.iter().filter(|gone| log.segment(gone.base_offset).is_none()).map(|gone| &**gone);
        let row = |(before, gone): (usize, &'p SegmentPicture)| {
            let after = log.segments.partition_point(|segment| segment.base_offset < gone.base_offset);
            (before + after, gone)
        };
        Self { log, gone: whole.enumerate().map(row).collect() }
    }

    pub(super) fn count(&self) -> usize {
        self.log.segments.len() + self.gone.len()
    }

    /// The segment in a row, and whether it is gone.
    pub(super) fn get(&self, row: usize) -> Option<(&'p SegmentPicture, bool)> {
        let above = self.gone.partition_point(|gone| gone.0 < row);
        match self.gone.get(above) {
            Some((at, gone)) if *at == row => Some((*gone, true)),
            _ => self.log.segments.get(row - above).map(|segment| (&**segment, false)),
        }
    }

    /// The row of a segment.
    pub(super) fn find(&self, base_offset: u64) -> Option<usize> {
        if let Some((row, _)) = self.gone.iter().find(|(_, gone)| gone.base_offset == base_offset) {
            return Some(*row);
        }
        let segments = &self.log.segments;
        let at = segments.binary_search_by_key(&base_offset, |segment| segment.base_offset).ok()?;
        Some(at + self.gone.iter().filter(|(_, gone)| gone.base_offset < base_offset).count())
    }
}
