//! Marks of where consumers go on: a row of their own, above all else of a lane.

use logscope::lab::Picture;

use super::marks::place_of;
use super::{CHARACTER, Frame, Lane, MarkerKind};
use crate::state::consumers::Reader;

/// How high the row is.
pub(super) const ROW: f64 = 15.0;

/// Where consumers go on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ReaderMark {
    pub(crate) x: f64,
    /// Who, and at which offset.
    pub(crate) label: String,
    /// The label stands to the left of the mark.
    pub(crate) leftward: bool,
}

impl ReaderMark {
    /// What it says in full.
    pub(crate) fn title(&self) -> String {
        format!("read on by {}", self.label)
    }
}

impl Frame {
    /// The frame with a row for consumers in every lane. From afar there is none.
    pub(crate) fn with_readers(self, readers: &[Reader]) -> Self {
        if self.far || readers.is_empty() {
            return self;
        }
        let pitch = self.pitch + ROW;
        Self { pitch, box_top: self.box_top + ROW, height: pitch * self.rows as f64, ..self }
    }
}

/// Marks where consumers go on in these lanes.
pub(crate) fn put_readers(picture: &Picture, frame: &Frame, readers: &[Reader], lanes: &mut [Lane]) {
    if frame.far {
        return;
    }
    for reader in readers {
        let place = place_of(&picture.log, reader.position, MarkerKind::HighWatermark);
        let Some((segment, position)) = place else { continue };
        let Some(lane) = lanes.iter_mut().find(|lane| lane.base_offset == segment && !lane.gone) else {
            continue;
        };
        let label = format!("{}: {}", reader.names, reader.position);
        lane.readers.push(ReaderMark { x: position as f64 * frame.scale, label, leftward: false });
    }
    lanes.iter_mut().for_each(|lane| take_sides(&mut lane.readers, frame.lane));
}

/// A label goes to the left of its mark if there is more room: the lane, or the next mark, begins too soon.
fn take_sides(marks: &mut [ReaderMark], lane: f64) {
    let mut taken = 0.0_f64;
    for at in 0..marks.len() {
        let next = marks.get(at + 1).map_or(lane, |next| next.x - 6.0);
        let mark = &mut marks[at];
        let width = mark.label.chars().count() as f64 * CHARACTER + 10.0;
        mark.leftward = mark.x + width > next && mark.x - width >= taken;
        taken = if mark.leftward { mark.x } else { mark.x + width };
    }
}

#[cfg(test)]
mod tests {
    use logscope::lab::{Lab, parse_scenario};
    use logscope::storage::MemoryStorage;

    use super::super::{frame, lanes, view};
    use super::*;
    use crate::state::{Palette, Zoom};

    fn reader(names: &str, position: u64) -> Reader {
        Reader { names: names.to_owned(), position }
    }

    /// A log of batches of 69 bytes, seven to a segment, with readers in it.
    fn laid_out(readers: &[Reader], zoom: Zoom) -> (Frame, Vec<Lane>) {
        let (mut lab, mut picture) = (Lab::new(MemoryStorage::new()), Picture::default());
        for (_, action) in parse_scenario("append a count=10\nflush\ndelete-before 2").unwrap() {
            lab.run(&action).events.iter().for_each(|event| picture.apply(event));
        }
        let frame = frame(&picture, 900.0, zoom).with_readers(readers);
        let mut lanes =
            lanes(&picture, &Palette::default(), &frame, &view(&frame, (0.0, 0.0), (900.0, 900.0)));
        put_readers(&picture, &frame, readers, &mut lanes);
        (frame, lanes)
    }

    #[test]
    fn each_stands_where_it_goes_on() {
        let readers = [reader("slow", 0), reader("a, b", 3), reader("fast", 10)];
        let (frame, lanes) = laid_out(&readers, Zoom::default());
        let marks = |lane: &Lane| -> Vec<(String, f64)> {
            lane.readers.iter().map(|mark| (mark.title(), mark.x / frame.scale)).collect()
        };
        let first = [("read on by slow: 0".to_owned(), 0.0), ("read on by a, b: 3".to_owned(), 207.0)];
        assert_eq!(
            (marks(&lanes[0]), marks(&lanes[1])),
            (first.into(), vec![("read on by fast: 10".to_owned(), 207.0)])
        );
    }

    #[test]
    fn they_have_a_row_of_their_own_and_none_from_afar() {
        let (with, _) = laid_out(&[reader("a", 3)], Zoom::default());
        let (without, lanes) = laid_out(&[], Zoom::default());
        assert_eq!((with.pitch - without.pitch, with.box_top - without.box_top), (ROW, ROW));
        assert_eq!(with.height, with.pitch * lanes.len() as f64);
        let far = Zoom::default().closer(-Zoom::STEP);
        let (frame, lanes) = laid_out(&[reader("a", 3)], far);
        assert!(frame.far && lanes.iter().all(|lane| lane.readers.is_empty()));
        assert_eq!(frame, laid_out(&[], far).0);
    }

    #[test]
    fn labels_keep_out_of_each_others_way() {
        let mark = |x| ReaderMark { x, label: "consumer: 7".to_owned(), leftward: false };
        let sides = |places: &[f64]| -> Vec<bool> {
            let mut marks: Vec<_> = places.iter().copied().map(mark).collect();
            take_sides(&mut marks, 500.0);
            marks.iter().map(|mark| mark.leftward).collect()
        };
        assert_eq!(sides(&[0.0, 200.0]), [false, false]);
        assert_eq!(sides(&[200.0, 230.0]), [true, false]);
        assert_eq!(sides(&[20.0, 490.0]), [false, true]);
        assert_eq!(sides(&[0.0, 30.0, 60.0]), [false, false, false], "there is no room on either side");
    }
}
