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

    /// By how much everything is larger than at level 0.
    pub(crate) fn factor(self) -> f64 {
        (f64::from(self.0) / 4.0).exp2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closer_and_back_is_where_it_was_and_there_are_ends() {
        let near = Zoom::default().closer(Zoom::STEP).closer(Zoom::STEP);
        assert_eq!(near.factor(), 2.0);
        assert_eq!(near.closer(-4), Zoom::default());
        assert_eq!(Zoom::default().closer(i8::MAX).closer(i8::MAX), Zoom::CLOSEST);
        assert_eq!(Zoom::default().closer(i8::MIN).closer(i8::MIN), Zoom::FARTHEST);
    }
}
