//! Memory for large answers, used again: the page faults of fresh memory cost a large fetch as much as its read.
//!
//! Invariant: what is kept here is bounded, in number and in size, whatever is given back.

use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};

/// As many answers are sent at the same time without fresh memory.
const KEPT: usize = 32;
/// How many bytes of memory are worth keeping, and not too many.
const WORTH_KEEPING: RangeInclusive<usize> = 64 << 10..=2 << 20;

/// Memory that waits to be used again.
#[derive(Debug, Default)]
pub(super) struct Rooms(Mutex<Vec<Vec<u8>>>);

impl Rooms {
    /// Memory whose bytes mean nothing; fresh, if there is none.
    pub(super) fn take(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// The same bytes, in memory of their own if they are few: a fetch may wait for more for long, and is not to sit on a
    /// large room meanwhile.
    pub(super) fn leave_if_few(&self, bytes: Vec<u8>) -> Vec<u8> {
        if bytes.len() >= *WORTH_KEEPING.start() {
            return bytes;
        }
        let few = bytes.clone();
        self.give_back(bytes);
        few
    }

    /// Takes memory back.
    pub(super) fn give_back(&self, room: Vec<u8>) {
        if WORTH_KEEPING.contains(&room.capacity()) {
            let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if rooms.len() < KEPT {
                rooms.push(room);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_is_used_again_up_to_a_bound() {
        let rooms = Rooms::default();
        let (least, most) = (*WORTH_KEEPING.start(), *WORTH_KEEPING.end());
        rooms.give_back(Vec::with_capacity(least - 1));
        rooms.give_back(Vec::with_capacity(most + 1));
        assert_eq!(rooms.take().capacity(), 0, "neither is worth keeping");
        (0..=KEPT).for_each(|_| rooms.give_back(Vec::with_capacity(least)));
        let capacities: Vec<_> = (0..=KEPT).map(|_| rooms.take().capacity()).collect();
        assert_eq!(capacities.iter().filter(|capacity| **capacity >= least).count(), KEPT);
        assert_eq!(capacities.last(), Some(&0));
    }

    #[test]
    fn few_bytes_sit_on_no_large_room() {
        let rooms = Rooms::default();
        let mut room = Vec::with_capacity(1 << 20);
        room.extend_from_slice(b"few");
        let few = rooms.leave_if_few(room);
        assert_eq!(few, b"few");
        assert!(few.capacity() < *WORTH_KEEPING.start());
        assert!(rooms.take().capacity() >= 1 << 20, "the room is free");
        let many = vec![7; *WORTH_KEEPING.start()];
        assert_eq!(rooms.leave_if_few(many.clone()), many);
        assert_eq!(rooms.take().capacity(), 0);
    }
}
