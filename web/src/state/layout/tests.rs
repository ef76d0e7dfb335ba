//! The drawing, laid out from what the real engine did.

use std::sync::Arc;

use logscope::lab::{Event, Lab, parse_scenario};
use logscope::log::BatchInfo;
use logscope::log::Event as LogEvent;
use logscope::storage::JournalStorage;

use super::*;
use crate::state::{ColourBy, Hue, has_producers};

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
    let frame = frame(picture, room, Zoom::default());
    lanes(picture, &Palette::default(), &frame, &View { lanes: 0..frame.rows, x: 0.0..f64::MAX })
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
    let frame = frame(&picture, ROOM, Zoom::default());
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
    let closed = "append a\nappend b\nreopen\nappend c\nflush";
    assert_eq!(markers(closed), ["log start 0", "recovery point 2", "high watermark = log end 3"]);
}

#[test]
fn a_log_start_gives_way_to_a_high_watermark_beside_it() {
    let picture = fold(&events("append a\nflush"));
    let labels = |room: f64| {
        let markers = &all_lanes(&picture, room)[0].markers;
        markers.iter().map(|marker| marker.label.clone()).collect::<Vec<_>>()
    };
    assert_eq!(labels(ROOM), ["log start 0", "high watermark = log end 1"]);
    assert_eq!(labels(340.0)[0], "start 0");
}

#[test]
fn the_label_of_a_new_entry_does_not_cover_the_log_end() {
    let picture = fold(&events("append a\nappend b\nappend c"));
    let lanes = all_lanes(&picture, 560.0);
    let focused = lanes[0].times.iter().find(|entry| entry.focused).unwrap();
    assert!(focused.leftward && focused.label.is_some(), "{focused:?}");
}

#[test]
fn the_line_of_the_log_end_goes_through_no_label_of_an_entry() {
    let picture = fold(&events("append hello key=k count=5\nflush\nfetch 0"));
    let unflushed = fold(&events("append hello key=k count=5\nfetch 0"));
    let labels = |picture: &Picture, room: f64| {
        let lanes = all_lanes(picture, room);
        lanes[0].entries.iter().filter(|entry| entry.label.is_some()).count()
    };
    for room in [360.0, 420.0, 500.0, 560.0, ROOM] {
        let lanes = all_lanes(&unflushed, room);
        let end = lanes[0].markers.last().unwrap();
        assert_eq!(end.label, "log end 5");
        for entry in &lanes[0].entries {
            let reach = entry.label.as_ref().map_or(0.0, |label| label.chars().count() as f64 * 6.35 + 8.0);
            assert!(
                entry.leftward || entry.x + reach < end.x || entry.x > end.x,
                "{entry:?} {end:?} at {room}"
            );
        }
    }
    assert_eq!((labels(&picture, ROOM), labels(&unflushed, ROOM)), (2, 2));
}

#[test]
fn a_label_on_the_left_does_not_cover_the_mark_before_it() {
    let picture =
        fold(&events("config index.interval.bytes=0\nappend a\nadvance 2d\nappend b count=13\nflush"));
    for lane in all_lanes(&picture, ROOM) {
        for pair in lane.times.windows(2) {
            let label = pair[1].label.as_ref().filter(|_| pair[1].leftward);
            let width = label.map_or(0.0, |label| label.chars().count() as f64 * 6.35 + 8.0);
            assert!(label.is_none() || pair[1].x - width > pair[0].x, "{pair:?}");
        }
    }
}

#[test]
fn names_that_fit_on_neither_side_are_shortened() {
    let picture = fold(&events("append a\nappend b\nappend c\nreopen"));
    let label = |room: f64| all_lanes(&picture, room)[0].markers[1].label.clone();
    assert_eq!(label(ROOM), "recovery point = high watermark = log end 3");
    assert_eq!(label(380.0), "recovery = watermark = end 3");
    // On the left stands the name of the log start.
    let picture = fold(&events("append \"order placed\" key=ana count=4\nreopen"));
    assert_eq!(all_lanes(&picture, 340.0)[0].markers[1].label, "watermark = end 4");
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
    let frame = frame(&picture, ROOM, Zoom::default());
    assert!(frame.broken && frame.width <= ROOM + 1.0);
    let shape = &all_lanes(&picture, ROOM)[0].boxes[0];
    assert!(shape.width >= NARROWEST_BATCH * 0.99);
}

#[test]
fn a_narrow_page_scrolls_lanes_instead_of_squeezing_them() {
    let picture = fold(&events("append hello count=5"));
    let frame = frame(&picture, 360.0, Zoom::default());
    assert!(frame.width > NARROWEST_LANE && frame.left == MARGIN);
    assert_eq!(frame.box_top, NAME_ROW + ABOVE);
}

#[test]
fn only_lanes_in_view_are_laid_out() {
    let picture = fold(&events("append hello count=300\nflush"));
    let frame = frame(&picture, ROOM, Zoom::default());
    let all = picture.log.segments.len();
    let window = (frame.width, frame.pitch * 3.0);
    let seen = view(&frame, (0.0, frame.pitch * 10.0), window);
    assert!(seen.lanes.contains(&10) && seen.lanes.contains(&12) && seen.lanes.len() < 7 && all > 40);
    assert_eq!(view(&frame, (0.0, 1e9), window).lanes.len(), 0);
    let lanes = lanes(&picture, &Palette::default(), &frame, &seen);
    assert_eq!(lanes[0].top, seen.lanes.start as f64 * frame.pitch);
    assert_eq!(lanes[0].boxes.len(), picture.log.segments[seen.lanes.start].batches.len());
}

#[test]
fn only_batches_in_view_are_laid_out() {
    let picture = fold(&events("config segment.bytes=10000000\nappend hello count=3000\nflush"));
    let frame = frame(&picture, ROOM, Zoom::default());
    let seen = view(&frame, (10_000.0, 0.0), (ROOM, 600.0));
    let lane = &lanes(&picture, &Palette::default(), &frame, &seen)[0];
    let (first, last) = (lane.boxes.first().unwrap(), lane.boxes.last().unwrap());
    assert!(first.x + frame.left < 10_000.0 && last.x + last.width + frame.left > 10_000.0 + ROOM);
    assert!(lane.boxes.len() < 300, "{}", lane.boxes.len());
    assert!(!lane.entries.is_empty() && lane.entries.len() < picture.log.segments[0].index.len() / 4);
}

#[test]
fn colours_stand_for_keys_or_for_producers() {
    let lines = "append a key=m\nappend b key=k producer=7 seq=0\nappend c producer=8 seq=0\nappend d key=m";
    let picture = fold(&events(lines));
    let legend = |by, most| {
        let mut hues = Vec::new();
        Palette::new(by).legend(&picture.log, most, &mut hues);
        hues.into_iter().map(Hue::name).collect::<Vec<_>>()
    };
    assert_eq!(legend(ColourBy::Keys, 7), ["m", "k"]);
    assert_eq!(legend(ColourBy::Producers, 7), ["producer 7", "producer 8"]);
    assert_eq!(legend(ColourBy::Keys, 1), ["m"]);
    assert!(has_producers(&picture.log) && !has_producers(&fold(&events("append a")).log));

    let frame = frame(&picture, ROOM, Zoom::default());
    let all = View { lanes: 0..frame.rows, x: 0.0..f64::MAX };
    let colours = |by| -> Vec<_> {
        lanes(&picture, &Palette::new(by), &frame, &all)[0].boxes.iter().map(|shape| shape.colour).collect()
    };
    let key = |key: &[u8]| Some(Palette::new(ColourBy::Keys).of(Hue::Key(key)));
    assert_eq!(colours(ColourBy::Keys), [key(b"m"), key(b"k"), None, key(b"m")]);
    assert_eq!(colours(ColourBy::Producers), [None, Some(0), Some(1), None]);
    let told = |by| options(&picture, &Palette::new(by), &frame, None).0[1].text.clone();
    assert!(told(ColourBy::Keys).contains(" bytes, key k, not on"), "{}", told(ColourBy::Keys));
    assert!(told(ColourBy::Producers).contains(", producer 7, "), "{}", told(ColourBy::Producers));
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
    let frame = frame(&picture, ROOM, Zoom::default());
    let (.., top, _, height) = focus_area(&picture, &frame).unwrap();
    assert_eq!(top + height, frame.height);
    assert_eq!(focus_area(&Picture::default(), &frame), None);
    let picture = fold(&events("append hello count=16\nflush\nfetch 0 max_bytes=200"));
    let (x, top, ..) = focus_area(&picture, &frame).unwrap();
    assert_eq!(top, 0.0, "a fetch that has stopped is where it took its last batch");
    assert!(x > frame.left);
}

#[test]
fn time_index_entries_stand_below_the_batch_that_they_lead_to() {
    let picture =
        fold(&events("append a key=k count=9\nadvance 1d\nappend b key=k count=3\nappend old at=5\nflush"));
    let segments = &picture.log.segments;
    let mut marks = 0;
    for (lane, segment) in all_lanes(&picture, ROOM).iter().zip(segments) {
        assert_eq!(lane.times.len(), segment.time_index.len());
        for (mark, entry) in lane.times.iter().zip(&segment.time_index) {
            let offset = segment.base_offset + u64::from(entry.relative_offset);
            let shape = lane.boxes.iter().find(|shape| shape.last == offset).unwrap();
            assert_eq!(mark.x, shape.x);
            assert!(mark.title().ends_with(&format!(") → offset {offset}")), "{}", mark.title());
            marks += 1;
        }
    }
    assert!(marks > 4);
    let labels = |picture: &Picture| -> Vec<String> {
        let lanes = all_lanes(picture, 2.0 * ROOM);
        lanes.into_iter().flat_map(|lane| lane.times).filter_map(|mark| mark.label).collect()
    };
    let labels = labels(&picture);
    assert_eq!(labels[0], "00:00:02 → 2");
    assert_eq!(labels.last().unwrap(), "2026-01-02 00:00:11 → 11", "another day is named: {labels:?}");
}

#[test]
fn the_mark_that_a_step_is_about_keeps_its_label_where_room_is_short() {
    let all = events("config segment.bytes=100000\nappend hello count=200\nflush\nfind 1767225700000");
    let at = all.iter().rposition(|event| matches!(event, Event::Log(LogEvent::TimeIndexLookedUp { .. })));
    let picture = fold(&all[..=at.unwrap()]);
    let lane = &all_lanes(&picture, ROOM)[0];
    let focused: Vec<_> = lane.times.iter().filter(|mark| mark.focused).collect();
    assert!(focused.len() == 1 && focused[0].label.is_some(), "{focused:?}");
    assert_eq!(lane.outline.unwrap().x, focused[0].x);
    assert!(lane.times.iter().filter(|mark| mark.label.is_none()).count() > 10);
    let scanned = fold(&all[..all.len() - 1]);
    assert!(matches!(scanned.focus, Focus::Position(0, position) if position > 0), "{:?}", scanned.focus);
    let last = fold(&all);
    assert_eq!(last.fetch, None);
    assert_eq!(last.focus, Focus::Batch(0, last.log.segments[0].batches[100].position));
}

#[test]
fn what_lies_below_the_log_start_is_marked_as_such() {
    let picture = fold(&events("append hello count=9\nflush\ndelete-before 3"));
    let lanes = all_lanes(&picture, ROOM);
    let below: Vec<_> = lanes[0].boxes.iter().map(|shape| shape.below_start).collect();
    assert_eq!(below[..4], [true, true, true, false]);
    let marker = lanes[0].markers.iter().find(|marker| marker.kind == MarkerKind::LogStart).unwrap();
    assert_eq!((marker.x, &*marker.label), (lanes[0].boxes[3].x, "log start 3"));
}

#[test]
fn a_deleted_segment_is_shown_once_more_in_its_place() {
    let all = events("append hello count=20\nflush\ndelete-before 13");
    let deleted = |event: &Event| matches!(event, Event::Log(LogEvent::SegmentDeleted { .. }));
    let first = all.iter().position(deleted).unwrap();
    let picture = fold(&all[..=first]);
    let lanes = all_lanes(&picture, ROOM);
    let gone: Vec<_> = lanes.iter().map(|lane| (lane.base_offset, lane.gone, lane.note)).collect();
    assert_eq!(gone[0], (0, true, "deleted"));
    assert!(gone[1..].iter().all(|lane| !lane.1) && gone.len() == picture.log.segments.len() + 1);
    assert!(lanes[0].boxes.is_empty() && lanes[0].ghosts.len() == 7 && lanes[0].outline.is_some());
    assert_eq!(lanes[1].top, lanes[0].frame.pitch);
    assert_eq!(focus_area(&picture, &lanes[0].frame).unwrap().1, 0.0);
    let gone = |picture: &Picture| all_lanes(picture, ROOM).iter().filter(|lane| lane.gone).count();
    assert_eq!(
        gone(&fold(&all)),
        all.iter().filter(|event| deleted(event)).count(),
        "all that went in one go"
    );
    assert_eq!(gone(&fold(&events("append hello count=20\nflush\ndelete-before 13\nflush"))), 0);
}

#[test]
fn a_cut_and_a_crash_show_once_more_what_they_took() {
    let ghosts = |picture: &Picture| -> Vec<(u64, usize)> {
        let lanes = all_lanes(picture, ROOM).into_iter();
        lanes
            .filter(|lane| !lane.ghosts.is_empty())
            .map(|lane| (lane.base_offset, lane.ghosts.len()))
            .collect()
    };
    let all = events("append hello count=4\nflush\ntruncate 2");
    let cut = all.iter().position(|event| matches!(event, Event::Log(LogEvent::Truncated { .. }))).unwrap();
    assert_eq!(ghosts(&fold(&all[..=cut])), [(0, 2)]);
    assert_eq!(ghosts(&fold(&all)), []);
    let picture = fold(&events("append hello count=4\nflush\nappend lost count=2\ncrash keep=5"));
    assert_eq!(ghosts(&picture), [(0, 2)]);
    assert_eq!(all_lanes(&picture, ROOM)[0].rest.as_ref().unwrap().label, "no whole batch: 5 bytes");
}

#[test]
fn a_label_reaches_into_no_other_mark() {
    let picture = fold(&events("append hello key=k count=40\nflush"));
    for room in [360.0, 500.0, 700.0, ROOM] {
        for lane in all_lanes(&picture, room) {
            for marks in [&lane.entries, &lane.times] {
                for (mark, next) in marks.iter().zip(&marks[1..]) {
                    let end =
                        mark.label.as_ref().map_or(0.0, |label| label.chars().count() as f64 * 6.3 + 8.0);
                    assert!(mark.leftward || mark.x + end <= next.x - 3.0, "{mark:?} {next:?} at {room}");
                }
            }
        }
    }
}

#[test]
fn offsets_that_nothing_is_left_of_are_holes() {
    let mut picture = fold(&events("append a key=k count=16\nappend x y z key=k\nflush"));
    let [first, second] = [0, 1].map(|at| picture.log.segments[at].base_offset);
    let batches = &mut Arc::make_mut(&mut picture.log.segments[0]).batches;
    let end = batches.last().unwrap().clone();
    let stays = |batch: &&BatchInfo| ![0, 2, 3, end.base_offset].contains(&batch.base_offset);
    *batches = batches.iter().filter(stays).cloned().collect();
    let batches = &mut Arc::make_mut(picture.log.segments.last_mut().unwrap()).batches;
    let mut last = batches.last().unwrap().clone();
    last.records = 1;
    batches.pop();
    batches.push(last);
    let lanes = all_lanes(&picture, 2.0 * ROOM);
    let holes: Vec<_> =
        lanes[0].holes.iter().map(|hole| hole.title().replace("no record is left at ", "")).collect();
    assert_eq!(holes, ["offset 0", "offset 2–3", &format!("offset {}", second - 1)]);
    assert_eq!(end.last_offset + 1, second);
    assert_eq!(lanes[0].holes[1].x, lanes[0].boxes[1].x);
    assert!(lanes[1..].iter().all(|lane| lane.holes.is_empty()) && first == 0);
    let last = lanes.last().unwrap().boxes.last().unwrap();
    assert_eq!((last.missing, last.label.as_deref()), (2, Some("16–18 · 1 left")));
    let untouched = all_lanes(&fold(&events("append a key=k count=16\nflush\ndelete-before 8")), ROOM);
    assert!(untouched.iter().all(|lane| lane.holes.is_empty()));
}

/// Two keys that are overwritten again and again, in batches of several records.
const OVERWRITTEN: &str = "config cleanup.policy=compact segment.bytes=300
append a1 a2 a3 key=a
append b1 key=b
append b2 key=b
append b3 key=b
append a4 key=a
append c1 key=c
append c2 key=c count=6
flush
compact";

#[test]
fn compaction_marks_the_records_that_go_and_the_ones_that_they_go_for() {
    let all = events(OVERWRITTEN);
    let removed = |event: &Event| matches!(event, Event::Log(LogEvent::RecordRemoved { .. }));
    let second = all.iter().enumerate().filter(|(_, event)| removed(event)).nth(1).unwrap().0;
    let lanes = all_lanes(&fold(&all[..=second]), 2.0 * ROOM);
    let first = &lanes[0].boxes[0];
    let part = first.width / 3.0;
    assert!(first.going.len() == 1 && (first.going[0].1 - 2.0 * part).abs() < 0.01, "{:?}", first.going);
    assert_eq!(lanes[0].outline.unwrap().x, first.x);
    let newer = lanes.iter().find_map(|lane| lane.cause.zip(Some(lane))).unwrap();
    let newer = newer.1.boxes.iter().find(|shape| shape.x == newer.0.x).unwrap();
    assert_eq!(newer.first, 6, "the newest record of the key");
}

#[test]
fn compacted_segments_show_what_they_lost_until_the_next_step() {
    let all = events(OVERWRITTEN);
    let picture = fold(&all);
    let lanes = all_lanes(&picture, 2.0 * ROOM);
    let merged: Vec<_> = lanes.iter().filter(|lane| lane.gone).map(|lane| lane.note).collect();
    assert!(!merged.is_empty() && merged.iter().all(|note| *note == "merged"), "{merged:?}");
    for shape in lanes.iter().filter(|lane| lane.gone).flat_map(|lane| &lane.ghosts) {
        let label = shape.label.as_deref().unwrap();
        let stays =
            lanes.iter().flat_map(|lane| &lane.boxes).any(|other| other.label.as_deref() == Some(label));
        assert_eq!(shape.fate, if stays { Fate::Moved } else { Fate::Gone }, "{shape:?}");
    }
    let ghost = &lanes[0].ghosts[0];
    assert!(ghost.label.as_ref().unwrap().ends_with("bytes less") && ghost.fate == Fate::Saved, "{ghost:?}");
    assert_eq!(ghost.x, lanes[0].boxes.last().map(|shape| shape.x + shape.width).unwrap());
    assert!(lanes.iter().flat_map(|lane| &lane.boxes).all(|shape| shape.going.is_empty()));
    assert_eq!(lanes[0].holes[0].label.as_deref(), Some("0–4"));
    let after = all_lanes(&fold(&events(&format!("{OVERWRITTEN}\nadvance 1s"))), 2.0 * ROOM);
    assert!(after.iter().all(|lane| !lane.gone && lane.ghosts.is_empty()));
    assert!(!after[0].holes.is_empty(), "offsets stay as they are");
}

#[test]
fn looked_at_closer_everything_is_wider_and_from_afar_there_are_boxes_alone() {
    let picture = fold(&events("append hello key=k count=60\nflush"));
    let palette = Palette::default();
    let at = |levels: i8| frame(&picture, ROOM, Zoom::default().closer(levels));
    let (near, level, far) = (at(8), at(0), at(-8));
    assert!((near.scale / level.scale - 4.0).abs() < 1e-9 && near.width > 3.0 * level.width && !near.far);
    assert_eq!(near.pitch, level.pitch);
    assert!(far.far && far.pitch < level.pitch / 8.0 && far.height < level.height / 8.0);
    let all = View { lanes: 0..far.rows, x: 0.0..f64::MAX };
    for lane in lanes(&picture, &palette, &far, &all) {
        assert!(lane.entries.is_empty() && lane.times.is_empty() && !lane.boxes.is_empty());
        assert!(lane.boxes.iter().all(|shape| shape.label.is_none()));
    }
    assert!(at(i8::MIN).box_height >= LOWEST_BOX && at(i8::MAX).width < 2.0 * WIDEST);
}

#[test]
fn batches_too_narrow_to_be_told_apart_share_a_box_and_none_is_lost() {
    let picture = fold(&events("config segment.bytes=10000000\nappend hello count=3000\nflush"));
    let far = frame(&picture, ROOM, Zoom::default().closer(i8::MIN));
    let lane = &lanes(&picture, &Palette::default(), &far, &View { lanes: 0..1, x: 0.0..f64::MAX })[0];
    assert!(lane.boxes.len() < 700, "{}", lane.boxes.len());
    assert_eq!(lane.boxes.iter().map(|shape| shape.batches).sum::<usize>(), 3000);
    let mut next = 0;
    for shape in &lane.boxes {
        assert_eq!(shape.first, next);
        next = shape.last + 1;
        let last = picture.log.segments[0].batches[shape.last as usize].end();
        assert_eq!(shape.size, last - shape.id.position);
    }
    assert_eq!(next, 3000);
}

#[test]
fn the_pointer_finds_what_is_drawn_and_nothing_beside_it() {
    let picture = fold(&events("append hello key=k count=16\nflush"));
    let palette = Palette::default();
    for levels in [0, 6, -4] {
        let frame = frame(&picture, ROOM, Zoom::default().closer(levels));
        for lane in lanes(&picture, &palette, &frame, &View { lanes: 0..frame.rows, x: 0.0..f64::MAX }) {
            let middle = lane.top + frame.box_top + frame.box_height / 2.0;
            for shape in &lane.boxes {
                let found = hit(&picture, &palette, &frame, frame.left + shape.x + shape.width / 2.0, middle);
                assert_eq!(found.unwrap().batch, Some(shape.id));
            }
            for mark in &lane.entries {
                let below = lane.top + frame.box_top + BOX + 6.0;
                let found = hit(&picture, &palette, &frame, frame.left + mark.x, below).unwrap();
                assert_eq!((found.batch, &found.title), (None, &mark.title()));
            }
        }
        assert_eq!(hit(&picture, &palette, &frame, frame.left + 1.0, frame.height + 1.0), None);
        assert_eq!(hit(&picture, &palette, &frame, frame.width + 9.0, frame.box_top + 1.0), None);
        assert_eq!(hit(&picture, &palette, &frame, -1.0, 1.0), None);
    }
}

#[test]
fn the_batches_told_are_those_around_one_and_know_their_number() {
    let picture = fold(&events("append hello count=300\nflush"));
    let frame = frame(&picture, ROOM, Zoom::default());
    let palette = Palette::default();
    let mut at = neighbour(&picture.log, None, Move::First);
    let mut number = 1;
    while let Some(id) = at {
        let (told, all) = options(&picture, &palette, &frame, at);
        assert_eq!(all, 300);
        assert!(told.len() <= 96 && told.windows(2).all(|pair| pair[0].number + 1 == pair[1].number));
        let here = told.iter().position(|option| option.id == id).unwrap();
        assert_eq!(told[here].number, number);
        assert!(told[here].text.starts_with(&format!("Batch {}, ", number - 1)));
        assert!(number == 300 || here + 1 < told.len(), "the next one is there");
        at = neighbour(&picture.log, at, Move::Next);
        number += 1;
    }
    assert_eq!(number, 301);
    assert_eq!(options(&Picture::default(), &palette, &frame, None), (Vec::new(), 0));
}

#[test]
fn the_strip_shows_every_segment_or_a_sample_and_leads_back() {
    let palette = Palette::default();
    let picture = fold(&events("append hello key=k count=40\nflush\nappend late"));
    let frame = frame(&picture, ROOM, Zoom::default());
    assert_eq!(minimap(&picture, &palette, &frame, (0.0, 0.0), (frame.width, frame.height)), None);
    let size = (ROOM, 3.0 * frame.pitch);
    let map = minimap(&picture, &palette, &frame, (0.0, 2.0 * frame.pitch), size).unwrap();
    let lines: std::collections::BTreeSet<_> = map.bars.iter().map(|bar| bar.y as u64).collect();
    assert_eq!(lines.len(), picture.log.segments.len());
    assert!(map.bars.iter().all(|bar| bar.x + bar.width <= minimap::MINIMAP + 0.1));
    assert!(map.bars.last().unwrap().unflushed && !map.bars[0].unflushed);
    let (_, y, _, height) = map.window;
    let (_, top) = scroll_to(&map, &frame, (0.0, y + height / 2.0), size);
    assert!((top - 2.0 * frame.pitch).abs() < 0.01, "{top}");
    assert_eq!(scroll_to(&map, &frame, (0.0, -50.0), size), (0.0, 0.0));
    let low = minimap(&picture, &palette, &frame, (0.0, 0.0), (ROOM, 4.0)).unwrap();
    assert!(low.height <= 4.0 && !low.bars.is_empty());
}

#[test]
fn segments_are_told_with_what_stands_at_them() {
    let picture = fold(&events("append hello key=k count=16\nflush"));
    let told = described_lanes(&all_lanes(&picture, ROOM));
    assert_eq!(told.len(), picture.log.segments.len());
    assert_eq!(told[0].name, "00000000000000000000.log");
    assert!(told[0].marks.iter().any(|mark| mark == "log start 0"), "{:?}", told[0].marks);
    assert!(told[0].marks.iter().any(|mark| mark.starts_with("offset index: offset ")));
    assert!(told.last().unwrap().text.ends_with("active"));
}

#[test]
fn the_batches_that_the_original_fetch_misses_are_marked() {
    let picture = fold(&events("append a b count=12\nflush"));
    let mut lanes = all_lanes(&picture, ROOM);
    let marked = |lanes: &[Lane]| -> Vec<(u64, u64)> {
        let boxes = lanes.iter().flat_map(|lane| &lane.boxes);
        boxes.filter(|shape| shape.missed).map(|shape| (shape.first, shape.last)).collect()
    };
    mark_missed(&[], &mut lanes);
    assert_eq!(marked(&lanes), []);
    mark_missed(&[(3, 5), (22, 23)], &mut lanes);
    assert_eq!(marked(&lanes), [(2, 3), (4, 5), (22, 23)]);
}
