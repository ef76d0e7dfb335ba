//! Marks of the batches that the original project's fetch never returns.

use super::Lane;

/// Marks the batches that hold any of these offsets, which come in runs, in order.
pub(crate) fn mark_missed(missed: &[(u64, u64)], lanes: &mut [Lane]) {
    if missed.is_empty() {
        return;
    }
    for shape in lanes.iter_mut().flat_map(|lane| &mut lane.boxes) {
        let run = missed.get(missed.partition_point(|(_, last)| *last < shape.first));
        shape.missed = run.is_some_and(|(first, _)| *first <= shape.last);
    }
}
