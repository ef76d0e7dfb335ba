//! How fast steps are played: on a scale where each mark is twice the one before, and one beyond them all.

use super::format::decimal;

/// A mark of the scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Speed(u8);

/// The mark at one step a second.
const ONE: i32 = 2;
/// A timer is not asked for less than this, about a frame.
const BEAT_MS: f64 = 16.0;

impl Default for Speed {
    fn default() -> Self {
        Self(ONE as u8)
    }
}

impl Speed {
    /// The last mark: all steps at once.
    pub(crate) const INSTANT: Self = Self(13);

    /// A mark, or the last one.
    pub(crate) fn new(mark: u8) -> Self {
        Self(mark.min(Self::INSTANT.0))
    }

    /// Which mark it is.
    pub(crate) fn mark(self) -> u8 {
        self.0
    }

    fn per_second(self) -> f64 {
        2_f64.powi(i32::from(self.0) - ONE)
    }

    /// How long to wait, in milliseconds, and how many steps to take then.
    pub(crate) fn beat(self) -> (u32, usize) {
        let wait = (1000.0 / self.per_second()).max(BEAT_MS);
        (wait as u32, (self.per_second() * wait / 1000.0).round().max(1.0) as usize)
    }

    /// The speed in words.
    pub(crate) fn text(self) -> String {
        match self {
            Self::INSTANT => "instant".to_owned(),
            Self(mark) if i32::from(mark) < ONE => {
                format!("1 step in {} s", decimal(1.0 / self.per_second(), 0))
            }
            _ => format!("{}/s", decimal(self.per_second(), 0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mark_is_twice_as_fast_as_the_one_before() {
        let per_second = |mark| {
            let (ms, steps) = Speed::new(mark).beat();
            steps as f64 * 1000.0 / f64::from(ms)
        };
        for mark in 1..Speed::INSTANT.0 {
            let ratio = per_second(mark) / per_second(mark - 1);
            assert!((1.8..2.2).contains(&ratio), "{mark}: {ratio}");
        }
        assert_eq!(Speed::default().beat(), (1000, 1));
        assert_eq!(Speed::new(200), Speed::INSTANT);
        assert_eq!(
            [0, 2, 5, 13].map(|mark| Speed::new(mark).text()),
            ["1 step in 4 s", "1/s", "8/s", "instant"]
        );
    }
}
