//! From batch to batch by the keyboard.

use logscope::lab::LogPicture;
use logscope::log::BatchInfo;

use crate::state::BatchId;

/// The batch that is `by` batches further on than `from`; without `from` the first.
pub(crate) fn neighbour(log: &LogPicture, from: Option<BatchId>, by: Move) -> Option<BatchId> {
    let id = |batch: &BatchInfo| BatchId { segment: batch.segment, position: batch.position };
    let first = || log.segments.iter().flat_map(|segment| segment.batches.first()).next().map(id);
    let Some(from) = from else { return first() };
    let lane = log.segments.partition_point(|segment| segment.base_offset < from.segment);
    let Some(segment) = log.segments.get(lane).filter(|found| found.base_offset == from.segment) else {
        return first();
    };
    let at = segment.batches.partition_point(|batch| batch.position < from.position);
    let last = || log.segments.iter().rev().find_map(|segment| segment.batches.last());
    let near = |lane: usize| {
        let batches = &log.segments.get(lane)?.batches;
        let at = batches.partition_point(|batch| batch.position <= from.position);
        batches.get(at.saturating_sub(1)).map(id)
    };
    match by {
        Move::Next => {
            let later = log.segments[lane + 1..].iter().flat_map(|segment| segment.batches.first());
            segment.batches.get(at + 1).or_else(|| later.into_iter().next()).map(id)
        }
        Move::Previous => {
            let earlier = || log.segments[..lane].iter().rev().find_map(|segment| segment.batches.last());
            at.checked_sub(1).and_then(|at| segment.batches.get(at)).or_else(earlier).map(id)
        }
        Move::LaneDown => near(lane + 1),
        Move::LaneUp => near(lane.checked_sub(1)?),
        Move::First => first(),
        Move::Last => last().map(id),
    }
}

/// A way through the batches by the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    Next,
    Previous,
    LaneDown,
    LaneUp,
    First,
    Last,
}
