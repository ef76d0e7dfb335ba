//! Which colour a key has: the Okabe–Ito colours, given out in the order in which keys are first seen.
//!
//! Invariant: a key never changes its colour. After as many keys as there are colours, they come round again.

/// How many colours there are; `style.css` holds them as `--key-0` and so on.
pub(crate) const COLOURS: usize = 7;

/// The keys seen so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Palette {
    keys: Vec<Vec<u8>>,
    places: std::collections::HashMap<Vec<u8>, usize>,
}

impl Palette {
    /// Whether the key has its colour already.
    pub(crate) fn knows(&self, key: &[u8]) -> bool {
        self.places.contains_key(key)
    }

    /// Gives the next colour to a key.
    pub(crate) fn add(&mut self, key: &[u8]) {
        self.places.insert(key.to_vec(), self.keys.len());
        self.keys.push(key.to_vec());
    }

    /// The key's colour; `None` for a record without a key.
    pub(crate) fn colour(&self, key: Option<&[u8]>) -> Option<usize> {
        self.places.get(key?).map(|place| place % COLOURS)
    }

    /// The keys in the order of their colours.
    pub(crate) fn keys(&self) -> &[Vec<u8>] {
        &self.keys
    }
}
