//! The drawing, laid out from what the real engine did.

use logscope::lab::{Event, Lab, parse_scenario};
use logscope::storage::JournalStorage;

use super::*;

const ROOM: f64 = 860.0;

fn events(scenario: &str) -> Vec<Event> {
    let mut lab = Lab::new(JournalStorage::new());
    parse_scenario(scenario).unwrap().iter().flat_map(|(_, action)| lab.run(action).events).collect()
}

fn fold(events: &[Event]) -> Picture {
    let mut picture = Picture::default();
    events.iter().for_each(|event| picture.apply(event));
    picture
}

fn all_lanes(picture: &Picture, room: f64) -> Vec<Lane> {
    let mut palette = Palette::default();
    palette.add(b"k");
    let frame = frame(&picture.log, room);
    lanes(picture, &palette, &frame, &View { lanes: 0..picture.log.segments.len(), x: 0.0..f64::MAX })
}

#[test]
fn a_batch_is_as_wide_as_its_bytes_in_every_lane() {
    let picture = fold(&events("append hello key=k count=20\nappend \"a longer payload\"\nflush"));
    let lanes = all_lanes(&picture, ROOM);
    assert!(lanes.len() > 2);
    for (lane, segment) in lanes.iter().zip(&picture.log.segments) {
        assert_eq!(lane.boxes.len(), segment.batches.len());
        let mut end = 0.0;
        for (shape, batch) in lane.boxes.iter().zip(&segment.batches) {
            assert!((shape.width / f64::from(batch.size) - lane.frame.scale).abs() < 1e-9);
            assert!((shape.x - end).abs() < 1e-6, "no gaps and no overlaps");
            end = shape.x + shape.width;
        }
        assert!(end <= lane.width + 1e-6, "it stays within segment.bytes");
    }
    let frame = frame(&picture.log, ROOM);
    assert!(frame.width <= ROOM && !frame.broken);
}

#[test]
fn what_is_not_flushed_is_hatched_and_nothing_else() {
    let picture = fold(&events("append a count=3\nflush\nappend b count=2"));
    let hatched: Vec<_> =
        all_lanes(&picture, ROOM).iter().flat_map(|lane| &lane.boxes).map(|shape| shape.unflushed).collect();
    assert_eq!(hatched, [false, false, false, true, true]);
}

#[test]
fn bounds_stand_where_their_batches_begin_and_share_a_line_where_they_coincide() {
    let markers = |scenario: &str| {
        let picture = fold(&events(scenario));
        let lanes = all_lanes(&picture, ROOM);
        lanes.iter().flat_map(|lane| &lane.markers).map(|marker| marker.label.clone()).collect::<Vec<_>>()
    };
    assert_eq!(markers("append a count=2"), ["log start = high watermark 0", "log end 2"]);
    assert_eq!(markers("append a count=2\nflush"), ["log start 0", "high watermark = log end 2"]);
    assert_eq!(markers("append a\nflush\nappend b"), ["log start 0", "high watermark 1", "log end 2"]);
}

#[test]
fn a_marker_at_the_right_edge_has_its_label_on_the_left() {
    let picture = fold(&events("append a count=7\nflush"));
    let lanes = all_lanes(&picture, ROOM);
    let end = lanes[0].markers.last().unwrap();
    assert!(end.leftward, "{end:?}");
}

#[test]
fn a_scan_hops_over_batches_before_those_that_are_taken() {
    let events = events("append a key=k count=6\nflush\nfetch 5 max_bytes=80");
    let picture = fold(&events);
    let lanes = all_lanes(&picture, ROOM);
    let skipped: Vec<_> = lanes[0].boxes.iter().filter(|shape| shape.skipped).map(|b| b.first).collect();
    let taken: Vec<_> = lanes[0].boxes.iter().filter(|shape| shape.taken).map(|b| b.first).collect();
    assert_eq!(taken, [5]);
    assert!(!skipped.is_empty() && skipped.iter().all(|offset| *offset < 5), "{skipped:?}");
    assert!(lanes[0].floor && lanes[0].scan_from.is_some());
    assert_eq!(lanes[0].entries.iter().filter(|entry| entry.looked_up).count(), 1);
}

#[test]
fn bytes_that_are_no_batch_are_drawn_as_such() {
    let events = events("append a\nflush\nappend torn\ncrash keep=30\nreopen");
    let crashed = events.iter().position(|event| matches!(event, Event::Crashed { .. })).unwrap();
    let lanes = all_lanes(&fold(&events[..=crashed]), ROOM);
    assert_eq!(lanes[0].rest.as_ref().unwrap().label, "no whole batch: 30 bytes");
    let lanes = all_lanes(&fold(&events[..=crashed + 2]), ROOM);
    assert!(lanes[0].rest.as_ref().unwrap().label.starts_with("not checked yet"));
    let lanes = all_lanes(&fold(&events), ROOM);
    assert_eq!(lanes[0].rest, None);
}

#[test]
fn a_large_segment_is_broken_off_rather_than_squeezed() {
    let picture = fold(&events("config segment.bytes=1000000\nappend hello count=5\nflush"));
    let frame = frame(&picture.log, ROOM);
    assert!(frame.broken && frame.width <= ROOM + 1.0);
    let shape = &all_lanes(&picture, ROOM)[0].boxes[0];
    assert!(shape.width >= NARROWEST_BATCH * 0.99);
}

#[test]
fn a_narrow_page_scrolls_lanes_instead_of_squeezing_them() {
    let picture = fold(&events("append hello count=5"));
    let frame = frame(&picture.log, 360.0);
    assert!(frame.width > NARROWEST_LANE && frame.left == MARGIN);
    assert_eq!(frame.box_top, NAME_ROW + ABOVE);
}

#[test]
fn only_lanes_in_view_are_laid_out() {
    let picture = fold(&events("append hello count=300\nflush"));
    let frame = frame(&picture.log, ROOM);
    let all = picture.log.segments.len();
    let window = (frame.width, frame.pitch * 3.0);
    let seen = view(&frame, &picture.log, (0.0, frame.pitch * 10.0), window);
    assert!(seen.lanes.contains(&10) && seen.lanes.contains(&12) && seen.lanes.len() < 7 && all > 40);
    assert_eq!(view(&frame, &picture.log, (0.0, 1e9), window).lanes.len(), 0);
    let lanes = lanes(&picture, &Palette::default(), &frame, &seen);
    assert_eq!(lanes[0].top, seen.lanes.start as f64 * frame.pitch);
    assert_eq!(lanes[0].boxes.len(), picture.log.segments[seen.lanes.start].batches.len());
}

#[test]
fn only_batches_in_view_are_laid_out() {
    let picture = fold(&events("config segment.bytes=10000000\nappend hello count=3000\nflush"));
    let frame = frame(&picture.log, ROOM);
    let seen = view(&frame, &picture.log, (10_000.0, 0.0), (ROOM, 600.0));
    let lane = &lanes(&picture, &Palette::default(), &frame, &seen)[0];
    let (first, last) = (lane.boxes.first().unwrap(), lane.boxes.last().unwrap());
    assert!(first.x + frame.left < 10_000.0 && last.x + last.width + frame.left > 10_000.0 + ROOM);
    assert!(lane.boxes.len() < 300, "{}", lane.boxes.len());
    assert!(!lane.entries.is_empty() && lane.entries.len() < picture.log.segments[0].index.len() / 4);
}

#[test]
fn the_legend_lists_the_keys_that_are_in_the_log() {
    let mut palette = Palette::default();
    [b"k", b"l", b"m"].into_iter().for_each(|key| palette.add(key));
    let picture = fold(&events("append a key=m\nappend b key=k\nappend c"));
    assert_eq!(keys(&picture.log, &palette), [b"k", b"m"]);
    assert!(keys(&LogPicture::default(), &palette).is_empty());
}

#[test]
fn arrows_walk_through_the_batches() {
    let picture = fold(&events("append hello count=16\nflush"));
    let log = &picture.log;
    let mut at = neighbour(log, None, Move::Next);
    let mut walked = 1;
    while let Some(next) = neighbour(log, at, Move::Next) {
        assert_eq!(neighbour(log, Some(next), Move::Previous), at);
        at = Some(next);
        walked += 1;
    }
    assert_eq!(walked, 16);
    let first = neighbour(log, None, Move::Next);
    assert_eq!(neighbour(log, at, Move::First), first);
    assert_eq!(neighbour(log, first, Move::Last), at);
    let below = neighbour(log, first, Move::LaneDown).unwrap();
    assert_eq!((below.segment, below.position), (log.segments[1].base_offset, 0));
    assert_eq!(neighbour(log, Some(below), Move::LaneUp), first);
    assert_eq!(neighbour(log, first, Move::LaneUp), None);
    let gone = BatchId { segment: 999, position: 0 };
    assert_eq!(neighbour(log, Some(gone), Move::Next), first);
}

#[test]
fn a_step_is_found_in_the_drawing() {
    let picture = fold(&events("append hello count=16"));
    let frame = frame(&picture.log, ROOM);
    let (.., top, _, height) = focus_area(&picture, &frame).unwrap();
    assert_eq!(top + height, frame.height);
    assert_eq!(focus_area(&Picture::default(), &frame), None);
    let picture = fold(&events("append hello count=16\nflush\nfetch 0 max_bytes=200"));
    let (x, top, ..) = focus_area(&picture, &frame).unwrap();
    assert_eq!(top, 0.0, "a fetch that has stopped is where it took its last batch");
    assert!(x > frame.left);
}
