//! All that a painter of the lanes sees, and which part of it differs from what stands on the canvas already: a step or
//! an append changes a lane or two of those in view.
//!
//! Invariants:
//! - A painter is given a [`Sheet`] and inks, and nothing else; of a lane, its [`Look`]. Sheets that are equal look alike.
//! - What a lane is painted with stays within its [reach]. So a [`Band`] that covers the reach of every look that is
//!   another than before, painted with every lane that reaches into it, leaves nothing that is out of date: all else is
//!   as it was.
//! - Whoever cannot vouch for what stands on the canvas (other inks, a canvas that was lost) says that nothing does.

use std::ops::Range;

use super::{Frame, Lane};
use crate::state::BatchId;

/// How far a change has come, from 0 to 1: each by a time of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Motion {
    /// A batch comes to its place, a scan hops, a segment leaves.
    pub(crate) moves: f64,
    /// The outline of the step's object appears.
    pub(crate) outline: f64,
}

impl Motion {
    pub(crate) const OVER: Self = Self { moves: 1.0, outline: 1.0 };
}

/// Who is marked beside the step's own object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Marked {
    pub(crate) selected: Option<BatchId>,
    pub(crate) focused: Option<BatchId>,
    pub(crate) hovered: Option<BatchId>,
}

/// A lane as it is painted: with what concerns it, and nothing that does not.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Look {
    pub(crate) lane: Lane,
    pub(crate) marked: Marked,
    pub(crate) motion: Motion,
}

impl Look {
    pub(crate) fn new(lane: Lane, marked: Marked, motion: Motion) -> Self {
        let own = |id: Option<BatchId>| id.filter(|id| id.segment == lane.base_offset);
        let Marked { selected, focused, hovered } = marked;
        let marked = Marked { selected: own(selected), focused: own(focused), hovered: own(hovered) };
        let moves = lane.outline.is_some()
            || !lane.ghosts.is_empty()
            || lane.boxes.iter().any(|shape| shape.arrives || shape.skipped);
        Self { lane, marked, motion: if moves { motion } else { Motion::OVER } }
    }
}

/// What the canvas shows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sheet {
    pub(crate) frame: Frame,
    /// How far the window is scrolled, and how large it is.
    pub(crate) scrolled: (f64, f64),
    pub(crate) size: (f64, f64),
    /// So many pixels of the screen make one of the page.
    pub(crate) ratio: f64,
    /// The lanes in view, from top to bottom.
    pub(crate) looks: Vec<Look>,
}

/// A part of a sheet, as wide as it, and the looks that reach into it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Band {
    /// From the top of the window.
    pub(crate) y: Range<f64>,
    pub(crate) looks: Range<usize>,
}

impl Sheet {
    /// What has to be painted anew where `painted` stands on the canvas; `None` if nothing.
    pub(crate) fn stale(&self, painted: Option<&Self>) -> Option<Band> {
        let count = self.looks.len();
        let all = Band { y: 0.0..self.size.1, looks: 0..count };
        let Some(painted) = painted.filter(|painted| painted.place() == self.place()) else {
            return Some(all);
        };
        let mut differ = count..0;
        for (at, (now, before)) in self.looks.iter().zip(&painted.looks).enumerate() {
            if now.lane.top != before.lane.top {
                return Some(all);
            }
            if now != before {
                differ = differ.start.min(at)..at + 1;
            }
        }
        // All stand in the rows that they stood in, and so have the same reach.
        let (first, last) = (self.looks.get(differ.start)?, self.looks.get(differ.end.checked_sub(1)?)?);
        // A pixel of the screen is painted whole.
        let above = (self.reach(first).start * self.ratio).floor() / self.ratio;
        let below = (self.reach(last).end * self.ratio).ceil() / self.ratio;
        let reaches = |look: &Look| self.reach(look).start < below && above < self.reach(look).end;
        while differ.start > 0 && reaches(&self.looks[differ.start - 1]) {
            differ.start -= 1;
        }
        while self.looks.get(differ.end).is_some_and(reaches) {
            differ.end += 1;
        }
        Some(Band { y: above..below, looks: differ })
    }

    fn place(&self) -> (&Frame, (f64, f64), (f64, f64), f64, usize) {
        (&self.frame, self.scrolled, self.size, self.ratio, self.looks.len())
    }

    /// How far a lane's ink may reach, from the top of the window. Where lanes have marks, these end above the next lane;
    /// from afar, outlines lie over lanes beside.
    fn reach(&self, look: &Look) -> Range<f64> {
        let top = look.lane.top - self.scrolled.1;
        let (above, below) = if self.frame.far { (6.0, 6.0) } else { (4.0, -4.0) };
        top - above..top + self.frame.pitch + below
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{DefaultHasher, Hash, Hasher};

    use logscope::lab::{Lab, Picture, parse_scenario};
    use logscope::storage::JournalStorage;

    use super::super::{frame, lanes, view};
    use super::*;
    use crate::state::{Palette, Zoom};

    const SCENARIO: &str = "append hello key=a count=40\nflush\nappend hello key=b count=9\nfetch 12 max_bytes=900\n\
        delete-before 20\nconfig cleanup.policy=compact\ncompact\nappend hello count=3\ncrash keep=10\nreopen\nappend hello count=30";

    /// What stands on each line of a screen: nothing is known of the paint but which looks it is of, by their sums.
    type Lines = Vec<Vec<u64>>;

    /// Paints as a pen does that is held within the band.
    fn paint(lines: &mut Lines, sheet: &Sheet, band: &Band) {
        let sum = |look: &Look| {
            let mut sum = DefaultHasher::new();
            format!("{look:?}").hash(&mut sum);
            sum.finish()
        };
        let reach = |at: usize| sheet.reach(&sheet.looks[at]);
        let sums: Vec<u64> = sheet.looks.iter().map(sum).collect();
        for (at, line) in lines.iter_mut().enumerate() {
            let (above, below) = (at as f64 / sheet.ratio, (at + 1) as f64 / sheet.ratio);
            if above < band.y.end - 1e-9 && band.y.start < below - 1e-9 {
                assert!(band.y.start < above + 1e-9 && below < band.y.end + 1e-9, "a line is painted whole");
                let reaches = |at: &usize| reach(*at).start < below && above < reach(*at).end;
                *line = band.looks.clone().filter(reaches).map(|at| sums[at]).collect();
            }
        }
    }

    fn sheet(
        picture: &Picture,
        zoom: Zoom,
        (top, ratio): (f64, f64),
        marked: Marked,
        motion: Motion,
    ) -> Sheet {
        let (size, scrolled) = ((700.0, 420.0), (0.0, top));
        let frame = frame(picture, size.0, zoom);
        let lanes = lanes(picture, &Palette::default(), &frame, &view(&frame, scrolled, size));
        let looks = lanes.into_iter().map(|lane| Look::new(lane, marked, motion)).collect();
        Sheet { frame, scrolled, size, ratio, looks }
    }

    #[test]
    fn painting_what_is_stale_shows_the_same_as_painting_all() {
        let far = Zoom::default().closer(-2 * Zoom::STEP);
        for (zoom, top, ratio) in
            [(Zoom::default(), 0.0, 1.0), (Zoom::default(), 37.5, 1.5), (far, 0.0, 1.25), (far, 3.0, 2.0)]
        {
            let (mut lab, mut picture) = (Lab::new(JournalStorage::new()), Picture::default());
            let lines = (420.0 * ratio) as usize;
            let (mut screen, mut painted, mut saved) = (vec![Vec::new(); lines], None::<Sheet>, 0);
            for (at, event) in parse_scenario(SCENARIO)
                .unwrap()
                .iter()
                .flat_map(|(_, action)| lab.run(action).events)
                .enumerate()
            {
                picture.apply(&event);
                let batch =
                    picture.log.segments.iter().flat_map(|segment| segment.batches.iter()).nth(at % 7);
                let id = batch.map(|batch| BatchId { segment: batch.segment, position: batch.position });
                let marked = Marked { selected: id.filter(|_| at % 3 == 0), ..Marked::default() };
                for moves in [0.0, 0.4, 1.0] {
                    let motion = Motion { moves, outline: moves };
                    let now = sheet(&picture, zoom, (top, ratio), marked, motion);
                    if let Some(band) = now.stale(painted.as_ref()) {
                        paint(&mut screen, &now, &band);
                        saved += now.looks.len() - band.looks.len();
                    }
                    assert_eq!(now.stale(Some(&now)), None, "what is painted is not stale");
                    let mut whole = vec![Vec::new(); lines];
                    paint(&mut whole, &now, &now.stale(None).unwrap());
                    assert!(screen == whole, "step {at} at zoom {zoom:?}, scrolled by {top}, ratio {ratio}");
                    painted = Some(now);
                }
            }
            assert!(saved > 300, "only {saved} looks were not painted again");
        }
    }

    #[test]
    fn a_lane_is_stale_for_what_concerns_it_only() {
        let (mut lab, mut picture) = (Lab::new(JournalStorage::new()), Picture::default());
        for (_, action) in parse_scenario("append hello count=20\nflush").unwrap() {
            lab.run(&action).events.iter().for_each(|event| picture.apply(event));
        }
        let of = |selected, moves| {
            let marked = Marked { selected, ..Marked::default() };
            sheet(&picture, Zoom::default(), (0.0, 1.0), marked, Motion { moves, outline: moves })
        };
        let first = picture.log.segments[0].batches.first().unwrap();
        let first = BatchId { segment: first.segment, position: first.position };
        let selected = of(Some(first), 1.0).stale(Some(&of(None, 1.0))).unwrap();
        assert_eq!(selected.looks, 0..1);
        let moved = of(None, 0.5).stale(Some(&of(None, 1.0))).unwrap();
        assert_eq!(moved.looks, 2..3, "the outline of what was flushed appears");
        let nowhere = BatchId { segment: 12_345, position: 0 };
        assert_eq!(of(Some(nowhere), 1.0).stale(Some(&of(None, 1.0))), None);
    }
}
