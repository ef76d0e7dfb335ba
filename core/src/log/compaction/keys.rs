//! Which offset is the newest of each key.
//!
//! The keys are those of the records themselves, not digests of them, so the answer is exact. They take memory; a
//! budget bounds it. When it is used up, the map says up to which offset it has come, and the next compaction goes on
//! from there.
//!
//! Invariants:
//! - The offset of a key is that of a record which everybody can read and which stays in the log: so whoever is told
//!   that there is a newer record may let the older one go.
//! - Below [`Keys::up_to`] nothing has been left out for want of memory.
//!
//! Source: Kafka's `Cleaner.buildOffsetMap`; config key `log.cleaner.dedupe.buffer.size`.

use std::collections::HashMap;

use crate::record::Batch;

use super::readable;

/// What a key takes beside its own bytes: its place in the table, with the room that a table leaves free, and what
/// an allocation costs. An estimate, on the large side.
const KEY_OVERHEAD: usize = 64;

/// The newest offset of each key; see the [module](self).
#[derive(Debug)]
pub(super) struct Keys {
    newest: HashMap<Box<[u8]>, u64>,
    budget: usize,
    used: usize,
    up_to: u64,
    /// Where compressed batches are decompressed.
    buffer: Vec<u8>,
}

/// Whether there was room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum Room {
    Enough,
    Full,
}

impl Keys {
    /// A map that takes about `budget` bytes, of keys from offset `from` on.
    pub(super) fn new(budget: usize, from: u64) -> Self {
        Self { newest: HashMap::new(), budget, used: 0, up_to: from, buffer: Vec::new() }
    }

    /// Takes note of a batch's keys, in the order of offsets, batch after batch. The first key of all finds room
    /// whatever the budget, so that a compaction always gets on.
    ///
    /// Markers have no keys. Those of transactional records do not count, for the transaction may have been aborted
    /// and then they are as good as not there; nor do those of batches that cannot be read.
    pub(super) fn add(&mut self, batch: &Batch<'_>) -> Room {
        let header = batch.header();
        let (from, mut room) = (self.up_to, Room::Enough);
        if !header.is_control() && !header.is_transactional() {
            let mut buffer = std::mem::take(&mut self.buffer);
            for record in readable(batch, &mut buffer).iter().flat_map(|plain| plain.records()).flatten() {
                let Some(key) = record.key.filter(|_| record.offset >= from) else { continue };
                if self.insert(key, record.offset) == Room::Full {
                    self.reach(record.offset);
                    room = Room::Full;
                    break;
                }
            }
            self.buffer = buffer;
        }
        if room == Room::Enough {
            self.reach(header.last_offset() + 1);
        }
        room
    }

    /// Takes note of the tombstones among records that were compacted before, as far as there is room: a tombstone
    /// goes only if it is in the map, because then all that it makes void goes as well.
    pub(super) fn add_tombstones(&mut self, batch: &Batch<'_>) -> Room {
        let header = batch.header();
        if header.is_control() || header.is_transactional() {
            return Room::Enough;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let plain = readable(batch, &mut buffer);
        let mut tombstones = plain.iter().flat_map(|plain| plain.records()).flatten();
        let full = tombstones.any(|record| {
            let key = record.key.filter(|_| record.value.is_none());
            key.is_some_and(|key| self.insert(key, record.offset) == Room::Full)
        });
        self.buffer = buffer;
        if full { Room::Full } else { Room::Enough }
    }

    /// Takes note that no record is left out below `offset`.
    pub(super) fn reach(&mut self, offset: u64) {
        self.up_to = self.up_to.max(offset);
    }

    /// The newest offset of a key.
    pub(super) fn newest(&self, key: &[u8]) -> Option<u64> {
        self.newest.get(key).copied()
    }

    /// Everything below this offset counted; what is at or above it is not to be judged.
    pub(super) fn up_to(&self) -> u64 {
        self.up_to
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.newest.len()
    }

    fn insert(&mut self, key: &[u8], offset: u64) -> Room {
        if let Some(newest) = self.newest.get_mut(key) {
            *newest = offset.max(*newest);
            return Room::Enough;
        }
        let size = key.len() + KEY_OVERHEAD;
        if self.used + size > self.budget && !self.newest.is_empty() {
            return Room::Full;
        }
        self.used += size;
        self.newest.insert(key.into(), offset);
        Room::Enough
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{CONTROL, Cover, TRANSACTIONAL, batch, delete, seal, set};
    use super::*;
    use crate::record::Compression;

    fn add(keys: &mut Keys, bytes: &[u8]) -> Room {
        keys.add(&Batch::parse(bytes).expect("there is a batch").0)
    }

    #[test]
    fn the_newest_offset_of_each_key() {
        for compression in Compression::ALL {
            let mut keys = Keys::new(1 << 20, 0);
            let first =
                batch(Cover { compression, ..Cover::at(0) }, &[set("a", "1"), set("b", "1"), set("a", "2")]);
            let keyless = super::super::testing::Sketch { key: None, ..set("a", "") };
            let second = batch(Cover { compression, ..Cover::at(10) }, &[set("", "1"), delete("b"), keyless]);
            assert_eq!(add(&mut keys, &first), Room::Enough);
            assert_eq!(keys.up_to(), 3);
            assert_eq!(add(&mut keys, &second), Room::Enough);
            assert_eq!(keys.up_to(), 13);
            let newest = ["a", "b", "", "c"].map(|key| keys.newest(key.as_bytes()));
            assert_eq!(newest, [Some(2), Some(11), Some(10), None], "an empty key is a key");
        }
    }

    #[test]
    fn what_is_below_the_start_was_counted_before() {
        let mut keys = Keys::new(1 << 20, 11);
        assert_eq!(add(&mut keys, &batch(Cover::at(10), &[set("a", "1"), set("b", "1")])), Room::Enough);
        assert_eq!((keys.newest(b"a"), keys.newest(b"b"), keys.up_to()), (None, Some(11), 12));
    }

    #[test]
    fn a_full_map_says_how_far_it_has_come() {
        let bytes = batch(
            Cover::at(10),
            &[set("a", "1"), set("b", "1"), set("a", "2"), set("c", "1"), set("a", "3")],
        );
        let mut keys = Keys::new(2 * (KEY_OVERHEAD + 1), 0);
        assert_eq!(add(&mut keys, &bytes), Room::Full);
        assert_eq!(
            (keys.newest(b"a"), keys.up_to(), keys.len()),
            (Some(12), 13, 2),
            "it ends before the first c"
        );
        // One key finds room in any case, or a compaction would never get on.
        let mut keys = Keys::new(0, 12);
        assert_eq!(add(&mut keys, &bytes), Room::Full);
        assert_eq!((keys.newest(b"a"), keys.up_to(), keys.len()), (Some(12), 13, 1));
    }

    #[test]
    fn batches_whose_records_may_not_count_add_no_key() {
        let records = [set("a", "1")];
        let mut broken = batch(Cover::at(0), &[set("a", "1"), set("b", "1")]);
        broken[60] = 3;
        seal(&mut broken);
        let mut garbled = batch(Cover { compression: Compression::Gzip, ..Cover::at(0) }, &records);
        garbled[61] ^= 0xff;
        for bytes in [
            batch(Cover { attributes: TRANSACTIONAL, ..Cover::at(0) }, &records),
            batch(Cover { attributes: CONTROL, ..Cover::at(0) }, &records),
            broken,
            garbled,
        ] {
            let mut keys = Keys::new(1 << 20, 0);
            assert_eq!(add(&mut keys, &bytes), Room::Enough);
            assert_eq!((keys.len(), keys.up_to() > 0), (0, true), "but the map goes on behind it");
        }
    }

    #[test]
    fn tombstones_of_before_take_what_room_is_left() {
        let old = batch(Cover::at(0), &[set("a", "1"), delete("b"), delete("c")]);
        let old = Batch::parse(&old).expect("there is a batch").0;
        let mut keys = Keys::new(2 * (KEY_OVERHEAD + 1), 10);
        assert_eq!(add(&mut keys, &batch(Cover::at(10), &[set("c", "2")])), Room::Enough);
        assert_eq!(keys.add_tombstones(&old), Room::Enough);
        assert_eq!(["a", "b", "c"].map(|key| keys.newest(key.as_bytes())), [None, Some(1), Some(10)]);
        let more = batch(Cover::at(5), &[delete("b"), delete("d")]);
        assert_eq!(keys.add_tombstones(&Batch::parse(&more).expect("there is a batch").0), Room::Full);
        assert_eq!((keys.newest(b"b"), keys.newest(b"d"), keys.up_to()), (Some(5), None, 11));
    }
}
