//! Memory for large answers, used again: the page faults of fresh memory cost a large fetch as much as its read.
//!
//! Invariant: what is kept here is bounded, in number and in size, whatever is given back.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::pieces::PIECE_ROOM;

/// What memory is for. Each kind lies by itself: in a room much larger than it needs, a read has to clear it first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shelf {
    /// Batches, piece by piece.
    Pieces,
    /// All batches of an answer.
    Whole,
    /// What is written of a piece.
    Texts,
}

/// Less memory than this is not worth keeping.
const LEAST: usize = 64 << 10;

impl Shelf {
    /// That of batches of so many bytes.
    pub(super) fn of(size: usize) -> Self {
        if size > PIECE_ROOM { Self::Whole } else { Self::Pieces }
    }

    /// How many rooms are kept, and how large they are at most: as many pieces, or answers, are sent at the same time
    /// without fresh memory.
    fn limits(self) -> (usize, usize) {
        match self {
            Self::Pieces => (128, PIECE_ROOM),
            Self::Whole => (32, 2 << 20),
            Self::Texts => (128, 512 << 10),
        }
    }
}

/// Memory that waits to be used again.
#[derive(Debug, Default)]
pub(super) struct Rooms([Mutex<Vec<Vec<u8>>>; 3]);

impl Rooms {
    /// Empty memory; fresh, if there is none.
    pub(super) fn take(&self, shelf: Shelf) -> Vec<u8> {
        let mut room = self.shelf(shelf).pop().unwrap_or_default();
        room.clear();
        room
    }

    fn shelf(&self, shelf: Shelf) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0[shelf as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same bytes, in memory of their own if they are few: a fetch may wait for more for long, and is not to sit on a
    /// large room meanwhile.
    pub(super) fn leave_if_few(&self, bytes: Vec<u8>) -> Vec<u8> {
        if bytes.len() >= LEAST {
            return bytes;
        }
        let few = bytes.clone();
        self.give_back(bytes);
        few
    }

    /// Takes the memory of batches back.
    pub(super) fn give_back(&self, room: Vec<u8>) {
        self.put(Shelf::of(room.capacity()), room);
    }

    /// Takes memory back.
    pub(super) fn put(&self, shelf: Shelf, room: Vec<u8>) {
        let (kept, most) = shelf.limits();
        if (LEAST..=most).contains(&room.capacity()) {
            let mut rooms = self.shelf(shelf);
            if rooms.len() < kept {
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
        for shelf in [Shelf::Pieces, Shelf::Whole, Shelf::Texts] {
            let rooms = Rooms::default();
            let give =
                |room| if shelf == Shelf::Texts { rooms.put(shelf, room) } else { rooms.give_back(room) };
            let (kept, most) = shelf.limits();
            give(Vec::with_capacity(LEAST - 1));
            if shelf != Shelf::Pieces {
                give(Vec::with_capacity(most + 1));
            }
            assert_eq!(rooms.take(shelf).capacity(), 0, "neither is worth keeping");
            (0..=kept).for_each(|_| give(Vec::with_capacity(most)));
            let capacities: Vec<_> = (0..=kept).map(|_| rooms.take(shelf).capacity()).collect();
            assert_eq!(capacities.iter().filter(|capacity| **capacity >= most).count(), kept);
            assert_eq!(capacities.last(), Some(&0), "no other kind comes in its place");
        }
    }

    #[test]
    fn few_bytes_sit_on_no_large_room() {
        let rooms = Rooms::default();
        let mut room = Vec::with_capacity(1 << 20);
        room.extend_from_slice(b"few");
        let few = rooms.leave_if_few(room);
        assert_eq!(few, b"few");
        assert!(few.capacity() < LEAST);
        assert!(rooms.take(Shelf::Whole).capacity() >= 1 << 20, "the room is free");
        let many = vec![7; LEAST];
        assert_eq!(rooms.leave_if_few(many.clone()), many);
        assert_eq!(rooms.take(Shelf::Pieces).capacity(), 0);
    }
}
