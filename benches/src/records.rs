//! The records that everybody appends, and the gate that they must come back through.

use anyhow::{Result, ensure};

/// The values of one batch, all of one size. Batch after batch carries the same ones.
#[derive(Debug, Clone)]
pub struct RecordSet {
    /// One value a record.
    pub values: Vec<Vec<u8>>,
}

impl RecordSet {
    /// `count` values of `size` bytes that do not repeat themselves.
    pub fn new(count: usize, size: usize) -> RecordSet {
        let mut state = 0x9e37_79b9_7f4a_7c15;
        let value = |_| (0..size).map(|_| xorshift(&mut state) as u8).collect();
        RecordSet { values: (0..count).map(value).collect() }
    }

    /// Records in a batch.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// About how many bytes a batch takes in a log.
    pub fn bytes(&self) -> usize {
        self.values.iter().map(|value| value.len() + 12).sum::<usize>() + 61
    }

    /// The gate for a log into which batches of this set have gone, and nothing else.
    pub fn gate(&self) -> Gate<'_> {
        Gate { values: &self.values, next: 0 }
    }
}

/// Sees to it that each offset comes once, in order, with its value.
#[derive(Debug)]
pub struct Gate<'a> {
    values: &'a [Vec<u8>],
    next: u64,
}

impl Gate<'_> {
    /// Takes the next record that was read back.
    pub fn pass(&mut self, offset: u64, value: &[u8]) -> Result<()> {
        ensure!(offset == self.next, "offset {offset} was read where {} is due", self.next);
        let expected = &self.values[(offset % self.values.len() as u64) as usize];
        ensure!(value == expected, "offset {offset} came back with another value");
        self.next += 1;
        Ok(())
    }

    /// Ends the reading: all `records` must have come.
    pub fn close(self, records: u64) -> Result<()> {
        ensure!(self.next == records, "{} of {records} records came back", self.next);
        Ok(())
    }
}

/// `count` numbers below `limit`, the same ones each time.
pub fn random_below(limit: u64, count: usize) -> Vec<u64> {
    let mut state = 0x2545_f491_4f6c_dd1d;
    (0..count).map(|_| xorshift(&mut state) % limit).collect()
}

fn xorshift(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
