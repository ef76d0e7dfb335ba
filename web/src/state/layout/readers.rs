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
    text: String,
    /// The same, or only who, for want of room.
    pub(crate) label: String,
    /// The label stands to the left of the mark.
    pub(crate) leftward: bool,
}

impl ReaderMark {
    fn new(x: f64, names: &str, position: u64) -> Self {
        let text = format!("{names}: {position}");
        Self { x, label: text.clone(), text, leftward: false }
    }

    /// What it says in full.
    pub(crate) fn title(&self) -> String {
        format!("read on by {}", self.text)
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
        let x = position as f64 * frame.scale;
        lane.readers.push(ReaderMark::new(x, &reader.names, reader.position));
    }
    lanes.iter_mut().for_each(|lane| find_room(&mut lane.readers, frame.lane));
}

/// A label goes to the left of its mark where the lane ends, or the next mark stands, too soon. If there is no room on
/// that side either, it says only who.
fn find_room(marks: &mut [ReaderMark], lane: f64) {
    let mut taken = 0.0_f64;
    for at in 0..marks.len() {
        let next = marks.get(at + 1).map_or(lane, |next| next.x - 6.0);
        let mark = &mut marks[at];
        let right = mark.x + width(&mark.text) <= next;
        mark.leftward = !right && mark.x - width(&mark.text) >= taken;
        if !right && !mark.leftward {
            let who = mark.text.rfind(": ").unwrap_or(mark.text.len());
            mark.label.truncate(who);
        }
        taken = if mark.leftward { mark.x } else { mark.x + width(&mark.label) };
    }
}

fn width(label: &str) -> f64 {
    label.chars().count() as f64 * CHARACTER + 10.0
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
        let labels = |places: &[f64]| -> Vec<String> {
            let mut marks: Vec<_> = places.iter().map(|x| ReaderMark::new(*x, "consumer", 7)).collect();
            find_room(&mut marks, 500.0);
            let side = |mark: &ReaderMark| if mark.leftward { "<" } else { ">" };
            marks.iter().map(|mark| format!("{}{}", side(mark), mark.label)).collect()
        };
        assert_eq!(labels(&[0.0, 200.0]), [">consumer: 7", ">consumer: 7"]);
        assert_eq!(labels(&[200.0, 230.0]), ["<consumer: 7", ">consumer: 7"]);
        assert_eq!(labels(&[20.0, 490.0]), [">consumer: 7", "<consumer: 7"]);
        assert_eq!(labels(&[0.0, 75.0]), [">consumer", ">consumer: 7"], "there is room for neither side");
    }
}
