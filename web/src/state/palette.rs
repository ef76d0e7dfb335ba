//! What a batch's colour says, and which of the Okabe–Ito colours that is.
//!
//! Invariant: a colour is a function of the key, or of the producer id, and of nothing else. So a log looks the same in
//! every tab, in every partition and whenever it is opened, at the price that two keys may share a colour.

use logscope::lab::LogPicture;
use logscope::log::BatchInfo;

use super::format::text;

/// How many colours there are; `style.css` holds them as `--key-0` and so on.
pub(crate) const COLOURS: usize = 7;
/// How many batches at the front of a log and at its end, and of how many segments the first, are looked through for
/// what is listed.
const LOOKED_AT: usize = 1_000;
/// Texts that differ in their last character only have different colours with any factor. With this one, and this
/// beginning, so do the names in the lessons.
const FACTOR: u32 = 1_709;
const BEGINNING: u32 = 2;

/// What a batch's colour stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Palette {
    /// The key of its first record.
    #[default]
    Keys,
    /// The idempotent producer that sent it.
    Producers,
}

/// Something that has a colour: a key, or a producer's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hue<'b> {
    Key(&'b [u8]),
    Producer(i64),
}

impl Hue<'_> {
    pub(crate) fn colour(self) -> usize {
        let hash = match self {
            Self::Key(key) => key
                .iter()
                .fold(BEGINNING, |hash, byte| hash.wrapping_mul(FACTOR).wrapping_add(u32::from(*byte)))
                as u64,
            Self::Producer(id) => id as u64,
        };
        (hash % COLOURS as u64) as usize
    }

    /// It in the description of a batch.
    pub(crate) fn told(self) -> String {
        if let Self::Key(_) = self { format!("key {}", self.name()) } else { self.name() }
    }

    /// It in the legend.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Key(key) => text(key),
            Self::Producer(id) => format!("producer {id}"),
        }
    }
}

impl Palette {
    /// How links and lessons write it.
    pub(crate) fn word(self) -> &'static str {
        if self == Self::Keys { "keys" } else { "producers" }
    }

    pub(crate) fn read(word: &str) -> Option<Self> {
        [Self::Keys, Self::Producers].into_iter().find(|palette| palette.word() == word)
    }

    /// What gives a batch its colour; `None` if it has no key, or comes from no idempotent producer.
    pub(crate) fn hue(self, batch: &BatchInfo) -> Option<Hue<'_>> {
        match self {
            Self::Keys => batch.first_key.as_deref().map(Hue::Key),
            Self::Producers => Some(batch.producer_id).filter(|id| *id >= 0).map(Hue::Producer),
        }
    }

    pub(crate) fn colour(self, batch: &BatchInfo) -> Option<usize> {
        self.hue(batch).map(Hue::colour)
    }

    /// The colour of a record, which has no producer of its own.
    pub(crate) fn of_key(self, key: Option<&[u8]>) -> Option<usize> {
        key.filter(|_| self == Self::Keys).map(|key| Hue::Key(key).colour())
    }

    /// What the colours in a log stand for, at most so many, in the order of the log.
    pub(crate) fn legend<'p>(self, log: &'p LogPicture, most: usize, legend: &mut Vec<Hue<'p>>) {
        for hue in looked_at(log).filter_map(|batch| self.hue(batch)) {
            if legend.len() >= most {
                break;
            }
            if !legend.contains(&hue) {
                legend.push(hue);
            }
        }
    }
}

/// Whether a log has batches of idempotent producers, as far as it is looked at.
pub(crate) fn has_producers(log: &LogPicture) -> bool {
    looked_at(log).any(|batch| batch.producer_id >= 0)
}

fn looked_at(log: &LogPicture) -> impl Iterator<Item = &BatchInfo> {
    let segments = &log.segments;
    let oldest = segments.iter().flat_map(|segment| &segment.batches).take(LOOKED_AT);
    let sample = segments.iter().step_by(segments.len() / LOOKED_AT + 1);
    let newest = segments.iter().rev().flat_map(|segment| segment.batches.iter().rev()).take(LOOKED_AT);
    oldest.chain(sample.filter_map(|segment| segment.batches.first())).chain(newest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colours(keys: &str) -> Vec<usize> {
        keys.split(' ').map(|key| Hue::Key(key.as_bytes()).colour()).collect()
    }

    fn differ(mut colours: Vec<usize>) -> bool {
        let all = colours.len();
        colours.sort_unstable();
        colours.dedup();
        colours.len() == all
    }

    #[test]
    fn keys_that_come_together_look_different() {
        for keys in ["ana ben cy dan", "user-1 user-2 user-3 user-4 user-5 user-6 user-7", "a b c d e f g"] {
            assert!(differ(colours(keys)), "{keys}: {:?}", colours(keys));
        }
        assert!(differ((0..7).map(|id| Hue::Producer(id).colour()).collect()));
        // Whatever a key or an id is, it has a colour.
        assert!(Hue::Key(&[255; 9]).colour() < COLOURS && Hue::Producer(i64::MAX).colour() < COLOURS);
    }
}
