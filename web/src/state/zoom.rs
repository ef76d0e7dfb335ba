//! How close the drawing of the log is looked at.
//!
//! Invariant: the level stays between [`Zoom::FARTHEST`] and [`Zoom::CLOSEST`].

/// A level of zoom: 0 is what the room suggests, and four levels are twice as close.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Zoom(i8);

impl Zoom {
    /// All of a large log at a glance.
    pub(crate) const FARTHEST: Self = Self(-16);
    /// Some bytes fill the window.
    pub(crate) const CLOSEST: Self = Self(28);
    /// What a press of a button or a key changes.
    pub(crate) const STEP: i8 = 2;

    /// So many levels closer.
    pub(crate) fn closer(self, levels: i8) -> Self {
        Self(self.0.saturating_add(levels)).clamp(Self::FARTHEST, Self::CLOSEST)
    }

    /// How many whole levels closer it is when two fingers that were `before` apart are `after` apart.
    pub(crate) fn levels_between(before: f64, after: f64) -> i8 {
        // What is no number, as of two fingers in one place, is no level.
        (4.0 * (after / before).log2()) as i8
    }

    /// By how much everything is larger than at level 0.
    pub(crate) fn factor(self) -> f64 {
        // Four levels are twice as large. (`exp2` would bring a table of kilobytes.)
        const QUARTERS: [f64; 4] =
            [1.0, 1.189_207_115_002_721, std::f64::consts::SQRT_2, 1.681_792_830_507_429];
        let level = i32::from(self.0);
        2_f64.powi(level.div_euclid(4)) * QUARTERS[level.rem_euclid(4) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_fingers_zoom_by_as_much_as_they_part() {
        assert_eq!(Zoom::levels_between(100.0, 200.0), 4);
        assert_eq!(Zoom::levels_between(200.0, 100.0), -4);
        assert_eq!(Zoom::levels_between(100.0, 115.0), 0, "not a whole level yet");
        let far = Zoom::levels_between(0.0, 100.0);
        assert_eq!(Zoom::default().closer(far), Zoom::CLOSEST);
        assert_eq!(Zoom::levels_between(0.0, 0.0), 0);
    }

    #[test]
    fn four_levels_are_twice_as_large_and_each_is_as_much_as_the_next() {
        for level in Zoom::FARTHEST.0..=Zoom::CLOSEST.0 {
            let exact = (f64::from(level) / 4.0).exp2();
            assert!((Zoom(level).factor() / exact - 1.0).abs() < 1e-15, "level {level}");
        }
    }

    #[test]
    fn closer_and_back_is_where_it_was_and_there_are_ends() {
        let near = Zoom::default().closer(Zoom::STEP).closer(Zoom::STEP);
        assert_eq!(near.factor(), 2.0);
        assert_eq!(near.closer(-4), Zoom::default());
        assert_eq!(Zoom::default().closer(i8::MAX).closer(i8::MAX), Zoom::CLOSEST);
        assert_eq!(Zoom::default().closer(i8::MIN).closer(i8::MIN), Zoom::FARTHEST);
    }
}
