//! What a batch's colour says, and which of the Okabe–Ito colours that is.
//!
//! Invariants:
//! - A key or a producer never changes its colour, whatever step is shown.
//! - The first keys, as many as there are colours, look different. Each has the colour that the key itself asks for, if it
//!   is free; so a log looks nearly the same in every tab and whenever it is opened.

use logscope::lab::LogPicture;
use logscope::log::BatchInfo;

use super::format::text;

/// How many colours there are; `style.css` holds them as `--key-0` and so on.
pub(crate) const COLOURS: usize = 7;
/// How many batches at the front of a log and at its end, and of how many segments the first, are looked through for
/// what is listed.
const LOOKED_AT: usize = 300;
/// Texts that differ in their last character only ask for different colours with any factor. With this one, and this
/// beginning, so do the names in the lessons.
const FACTOR: u32 = 1_709;
const BEGINNING: u32 = 2;

/// What a batch's colour stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ColourBy {
    /// The key of its first record.
    #[default]
    Keys,
    /// The idempotent producer that sent it.
    Producers,
}

/// The colours that are given out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Palette {
    pub(crate) by: ColourBy,
    /// The first keys that were met, no more than there are colours.
    keys: Vec<(Vec<u8>, usize)>,
}

/// Something that has a colour: a key, or a producer's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hue<'b> {
    Key(&'b [u8]),
    Producer(i64),
}

impl ColourBy {
    /// How links and lessons write it.
    pub(crate) fn word(self) -> &'static str {
        if self == Self::Keys { "keys" } else { "producers" }
    }

    pub(crate) fn read(word: &str) -> Option<Self> {
        [Self::Keys, Self::Producers].into_iter().find(|by| by.word() == word)
    }
}

impl Hue<'_> {
    /// The colour that it asks for.
    fn wanted(self) -> usize {
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
    pub(crate) fn new(by: ColourBy) -> Self {
        Self { by, keys: Vec::new() }
    }

    /// Whether every colour has its key.
    pub(crate) fn is_full(&self) -> bool {
        self.keys.len() == COLOURS
    }

    /// Gives a key that is new a colour of its own, as long as there is one.
    pub(crate) fn meet(&mut self, key: &[u8]) {
        if self.is_full() || self.keys.iter().any(|(known, _)| known == key) {
            return;
        }
        let wanted = Hue::Key(key).wanted();
        let is_free = |colour: &usize| self.keys.iter().all(|(_, taken)| taken != colour);
        let free = (0..COLOURS).map(|step| (wanted + step) % COLOURS).find(is_free);
        self.keys.push((key.to_vec(), free.unwrap_or(wanted)));
    }

    /// The colour of a key or a producer.
    pub(crate) fn of(&self, hue: Hue<'_>) -> usize {
        let given = match hue {
            Hue::Key(key) => self.keys.iter().find(|(known, _)| known == key),
            Hue::Producer(_) => None,
        };
        given.map_or_else(|| hue.wanted(), |(_, colour)| *colour)
    }

    /// What gives a batch its colour; `None` if it has no key, or comes from no idempotent producer.
    pub(crate) fn hue<'b>(&self, batch: &'b BatchInfo) -> Option<Hue<'b>> {
        match self.by {
            ColourBy::Keys => batch.first_key.as_deref().map(Hue::Key),
            ColourBy::Producers => Some(batch.producer_id).filter(|id| *id >= 0).map(Hue::Producer),
        }
    }

    pub(crate) fn colour(&self, batch: &BatchInfo) -> Option<usize> {
        self.hue(batch).map(|hue| self.of(hue))
    }

    /// The colour of a record, which has no producer of its own.
    pub(crate) fn of_key(&self, key: Option<&[u8]>) -> Option<usize> {
        key.filter(|_| self.by == ColourBy::Keys).map(|key| self.of(Hue::Key(key)))
    }

    /// What the colours in a log stand for, at most so many, in the order of the log.
    pub(crate) fn legend<'p>(&self, log: &'p LogPicture, most: usize, legend: &mut Vec<Hue<'p>>) {
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

    fn differ(mut colours: Vec<usize>) -> bool {
        let all = colours.len();
        colours.sort_unstable();
        colours.dedup();
        colours.len() == all
    }

    #[test]
    fn the_first_keys_look_different_and_keep_their_colours() {
        let mut palette = Palette::default();
        // Keys that all ask for the same colour.
        let alike: Vec<_> = (0..COLOURS * 40)
            .map(|number| number.to_string().into_bytes())
            .filter(|key| Hue::Key(key).wanted() == 3)
            .collect();
        let (first, rest) = alike.split_at(COLOURS);
        first.iter().for_each(|key| palette.meet(key));
        let colours =
            |palette: &Palette| -> Vec<_> { first.iter().map(|key| palette.of(Hue::Key(key))).collect() };
        let given = colours(&palette);
        assert_eq!(given[0], 3);
        assert!(differ(given.clone()) && palette.is_full());
        rest.iter().for_each(|key| palette.meet(key));
        assert_eq!(colours(&palette), given);
        assert_eq!(palette.of(Hue::Key(&rest[0])), 3);
    }

    #[test]
    fn keys_that_come_together_ask_for_different_colours() {
        for keys in ["ana ben cy dan", "user-1 user-2 user-3 user-4 user-5 user-6 user-7", "a b c d e f g"] {
            assert!(differ(keys.split(' ').map(|key| Hue::Key(key.as_bytes()).wanted()).collect()), "{keys}");
        }
        assert!(differ((0..7).map(|id| Hue::Producer(id).wanted()).collect()));
        // Whatever a key or an id is, it has a colour.
        assert!(Hue::Key(&[255; 9]).wanted() < COLOURS && Hue::Producer(i64::MAX).wanted() < COLOURS);
    }
}
