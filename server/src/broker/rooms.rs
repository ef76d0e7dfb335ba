//! Memory for large answers, used again: the page faults of fresh memory cost a large fetch as much as its read.
//!
//! Invariant: what is kept here is bounded, in number and in size, whatever is given back.

use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Rooms of up to this many bytes lie by themselves: in one much larger than it needs, a read has to clear it first.
const SMALL: usize = 128 << 10;
/// How many small ones are kept, and how many large ones: as many pieces, and answers, are sent at the same time without
/// fresh memory.
const KEPT: [usize; 2] = [128, 32];
/// How many bytes of memory are worth keeping, and not too many.
const WORTH_KEEPING: RangeInclusive<usize> = 64 << 10..=2 << 20;

/// Memory that waits to be used again.
#[derive(Debug, Default)]
pub(super) struct Rooms([Mutex<Vec<Vec<u8>>>; 2]);

impl Rooms {
    /// Memory whose bytes mean nothing, about as large as `size`; fresh, if there is none.
    pub(super) fn take(&self, size: u64) -> Vec<u8> {
        self.shelf(usize::from(size > SMALL as u64)).pop().unwrap_or_default()
    }

    fn shelf(&self, number: usize) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0[number].lock().unwrap_or_else(PoisonError::into_inner)
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
            let number = usize::from(room.capacity() > SMALL);
            let mut rooms = self.shelf(number);
            if rooms.len() < KEPT[number] {
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
        assert_eq!(rooms.take(1).capacity() + rooms.take(1 << 20).capacity(), 0, "neither is worth keeping");
        for (size, kept) in [(least, KEPT[0]), (most, KEPT[1])] {
            (0..=kept).for_each(|_| rooms.give_back(Vec::with_capacity(size)));
            let capacities: Vec<_> = (0..=kept).map(|_| rooms.take(size as u64).capacity()).collect();
            assert_eq!(capacities.iter().filter(|capacity| **capacity >= size).count(), kept);
            assert_eq!(capacities.last(), Some(&0), "no other size comes in its place");
        }
    }

    #[test]
    fn few_bytes_sit_on_no_large_room() {
        let rooms = Rooms::default();
        let mut room = Vec::with_capacity(1 << 20);
        room.extend_from_slice(b"few");
        let few = rooms.leave_if_few(room);
        assert_eq!(few, b"few");
        assert!(few.capacity() < *WORTH_KEEPING.start());
        assert!(rooms.take(1 << 20).capacity() >= 1 << 20, "the room is free");
        let many = vec![7; *WORTH_KEEPING.start()];
        assert_eq!(rooms.leave_if_few(many.clone()), many);
        assert_eq!(rooms.take(1).capacity(), 0);
    }
}
