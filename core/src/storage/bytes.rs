//! A file's bytes: a beginning that somebody else may hold, and what follows in memory of their own.
//!
//! Where bytes come from a medium that has put them into memory already, as a browser does, a copy of a whole log costs
//! more than all that an opening looks at. So they stay where they are, and each read copies what it asks for.
//!
//! Invariant: what somebody else holds is only read. From where it is written to or cut, the rest is taken into own
//! memory, or forgotten.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Bytes that somebody else holds. They are there, and stay the same, for as long as this is.
pub trait Foreign: Send + Sync {
    /// How many they are.
    fn size(&self) -> usize;
    /// Copies those from `position` on into `buf`. It asks for none that are not there.
    fn copy(&self, position: usize, buf: &mut [u8]);
}

/// The bytes of a file; see the [module](self). A clone shares what is somebody else's, and copies the rest.
#[derive(Clone, Default)]
pub struct Bytes {
    foreign: Option<Arc<dyn Foreign>>,
    /// How many of the foreign ones are in the file.
    shared: usize,
    own: Vec<u8>,
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes, {} of them foreign", self.len(), self.shared)
    }
}

/// Whoever holds them.
impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.to_vec() == other.to_vec()
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(own: Vec<u8>) -> Self {
        Self { foreign: None, shared: 0, own }
    }
}

impl From<Arc<dyn Foreign>> for Bytes {
    fn from(foreign: Arc<dyn Foreign>) -> Self {
        Self { shared: foreign.size(), foreign: Some(foreign), own: Vec::new() }
    }
}

impl Bytes {
    /// How many they are.
    pub fn len(&self) -> usize {
        self.shared + self.own.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, copied.
    pub fn to_vec(&self) -> Vec<u8> {
        self.range(0..self.len())
    }

    /// Those of a range, copied, as far as they are there.
    pub(super) fn range(&self, range: Range<usize>) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.read_to(range.start, range.len(), &mut bytes);
        bytes
    }

    /// Appends up to `len` bytes from `position` on to `out`, and returns how many they were.
    pub(super) fn read_to(&self, position: usize, len: usize, out: &mut Vec<u8>) -> usize {
        let Range { start, end } = self.there(position, len);
        match start.checked_sub(self.shared) {
            Some(at) => out.extend_from_slice(&self.own[at..at + end - start]),
            None => {
                let before = out.len();
                out.resize(before + end - start, 0);
                self.read_at(start, &mut out[before..]);
            }
        }
        end - start
    }

    /// Copies what is there from `position` on into `buf`, and returns how many bytes they were.
    pub(super) fn read_at(&self, position: usize, buf: &mut [u8]) -> usize {
        let Range { start, end } = self.there(position, buf.len());
        let (first, rest) = buf[..end - start].split_at_mut(self.shared.clamp(start, end) - start);
        if let Some(foreign) = self.foreign.as_ref().filter(|_| !first.is_empty()) {
            foreign.copy(start, first);
        }
        let own = self.own.get(start.saturating_sub(self.shared)..).unwrap_or_default();
        rest.copy_from_slice(&own[..rest.len()]);
        end - start
    }

    /// Writes bytes at `position`, which is at most the length.
    pub(super) fn write_at(&mut self, position: usize, bytes: &[u8]) {
        self.take_from(position);
        let at = position - self.shared;
        let overlap = bytes.len().min(self.own.len() - at);
        self.own[at..at + overlap].copy_from_slice(&bytes[..overlap]);
        self.own.extend_from_slice(&bytes[overlap..]);
    }

    /// Forgets what lies from `len` on.
    pub(super) fn truncate(&mut self, len: usize) {
        self.own.truncate(len.saturating_sub(self.shared));
        self.shared = self.shared.min(len);
    }

    /// The first `len`, as a clone.
    pub(super) fn first(&self, len: usize) -> Self {
        let own = self.own[..len.saturating_sub(self.shared).min(self.own.len())].to_vec();
        Self { foreign: self.foreign.clone(), shared: self.shared.min(len), own }
    }

    /// What is there of `len` bytes from `position` on.
    fn there(&self, position: usize, len: usize) -> Range<usize> {
        let from = position.min(self.len());
        from..from + len.min(self.len() - from)
    }

    /// Takes the foreign bytes from `position` on into own memory.
    fn take_from(&mut self, position: usize) {
        if position < self.shared {
            let taken = self.range(position..self.shared);
            self.own.splice(..0, taken);
            self.shared = position;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Letters;

    impl Foreign for Letters {
        fn size(&self) -> usize {
            26
        }

        fn copy(&self, position: usize, buf: &mut [u8]) {
            buf.iter_mut().zip((b'a'..=b'z').skip(position)).for_each(|(byte, letter)| *byte = letter);
        }
    }

    #[test]
    fn what_is_cut_and_written_over_is_own_and_the_rest_is_shared() {
        let letters: Arc<dyn Foreign> = Arc::new(Letters);
        let mut bytes = Bytes::from(letters);
        bytes.write_at(26, b"0123");
        assert_eq!(bytes.range(24..28), b"yz01");
        let (short, long) = (bytes.first(3), bytes.first(27));
        assert_eq!(
            (short.to_vec(), long.to_vec()),
            (b"abc".to_vec(), b"abcdefghijklmnopqrstuvwxyz0".to_vec())
        );
        bytes.write_at(23, b"XYZ..");
        assert_eq!((bytes.shared, bytes.range(20..40)), (23, b"uvwXYZ..23".to_vec()));
        bytes.truncate(2);
        bytes.write_at(2, b"!");
        assert_eq!((bytes.shared, bytes.to_vec()), (2, b"ab!".to_vec()));
        assert_eq!(Bytes::from(b"abc".to_vec()), short);
    }
}
