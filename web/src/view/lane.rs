//! One segment's lane, painted. It is drawn again only if its shapes have changed.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::Element;
use yew::prelude::*;

use crate::state::BatchId;
use crate::state::format::{count, offsets};
use crate::state::layout::{
    ABOVE, BELOW, BOX, BatchBox, EntryMark, Fate, Ghost, Lane, MARGIN, Marker, MarkerKind,
};

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) lane: Rc<Lane>,
    /// The batch in this lane whose detail is open.
    pub(crate) selected: Option<BatchId>,
    /// The batch in this lane that Tab reaches.
    pub(crate) reachable: Option<BatchId>,
}

#[function_component]
pub(crate) fn LaneView(props: &Props) -> Html {
    let lane = &props.lane;
    let name = logscope::segment::file_name(lane.base_offset, logscope::segment::LOG_SUFFIX);
    let left = lane.frame.left;
    let top = lane.frame.box_top;
    let batch = |shape: &BatchBox| {
        let reachable = props.reachable == Some(shape.id);
        batch(shape, props.selected == Some(shape.id), reachable)
    };
    html! {
        <g role="group" aria-label={format!("Segment {}", lane.base_offset)} class={classes!("lane", lane.floor.then_some("floor"), lane.gone.then_some("gone"))}
            transform={format!("translate(0 {})", lane.top)}>
            {label(lane, &name)}
            <g transform={format!("translate({left} {top})")}>
                {bed(lane)}
                {for lane.boxes.iter().map(batch)}
                {for lane.ghosts.iter().map(ghost)}
                {rest(lane)}
                <g aria-hidden="true">
                    {for lane.boxes.iter().filter(|shape| shape.skipped).map(hop)}
                    {for last_focused(&lane.entries).map(offset_entry)}
                    {for last_focused(&lane.times).map(time_entry)}
                    {for lane.holes.iter().map(hole)}
                    {scan_start(lane)}
                    {for lane.markers.iter().map(marker)}
                    {cause(lane)}
                    {outline(lane)}
                </g>
            </g>
        </g>
    }
}

/// File name and size: left of the lane where there is room, above it where there is none.
fn label(lane: &Lane, name: &str) -> Html {
    let (size, note, x) = (&lane.size, lane.note, MARGIN.to_string());
    if lane.frame.left > MARGIN {
        let line = lane.frame.box_top + 13.0;
        html! {
            <g class="label" aria-hidden="true">
                <text x={x.clone()} y={line.to_string()} class="name">{name.to_owned()}</text>
                <text {x} y={(line + 15.0).to_string()} class="size">{size.clone()}
                    <tspan dx="8" class="note">{note}</tspan></text>
            </g>
        }
    } else {
        html! {
            <text {x} y="12" class="label" aria-hidden="true"><tspan class="name">{name.to_owned()}</tspan>
                <tspan dx="10" class="size">{size.clone()}</tspan><tspan dx="8" class="note">{note}</tspan></text>
        }
    }
}

/// The room that the segment has, up to `segment.bytes`.
fn bed(lane: &Lane) -> Html {
    let (w, h) = (lane.width, BOX);
    let path = if lane.broken {
        format!("M{w} 0H0V{h}H{w}l-6 {} 6 {} -6 {} 6 {}", -h / 4.0, -h / 4.0, -h / 4.0, -h / 4.0)
    } else {
        format!("M0 0H{w}V{h}H0z")
    };
    html! { <path class="bed" d={path} aria-hidden="true" /> }
}

fn batch(shape: &BatchBox, selected: bool, reachable: bool) -> Html {
    let (x, width) = (shape.x.to_string(), (shape.width - 1.0).max(0.8).to_string());
    let height = BOX.to_string();
    let class = classes!(
        "batch",
        shape.colour.map(|colour| format!("key-{colour}")),
        shape.below_start.then_some("below-start"),
        shape.empty.then_some("empty"),
        goes_whole(shape).then_some("going"),
        shape.taken.then_some("taken"),
        shape.skipped.then_some("skipped"),
        shape.arrives.then_some("arrives"),
        selected.then_some("selected"),
    );
    let mut name =
        format!("Batch {}, {}", offsets(shape.first, shape.last), count(shape.size.into(), "byte", "bytes"));
    if shape.unflushed {
        name.push_str(", not on disk yet");
    }
    if !shape.going.is_empty() {
        name.push_str(", compaction lets records go");
    }
    if shape.missing > 0 {
        name.push_str(&format!(", {} of its records gone", shape.missing));
    }
    if shape.below_start {
        name.push_str(", below the log start offset");
    }
    html! {
        <g key={shape.id.position} id={element_id(shape.id)} role="option" {class} aria-label={name}
            aria-selected={selected.to_string()} tabindex={if reachable { "0" } else { "-1" }}>
            <rect class="body" x={x.clone()} y="0" width={width.clone()} height={height.clone()} />
            if shape.unflushed {
                <rect class="hatched" x={x.clone()} y="0" width={width.clone()} height={height} fill="url(#hatch)" />
            }
            <rect class="foot" {x} y={(BOX - 4.0).to_string()} {width} height="4" />
            {for shape.going.iter().map(|(x, width)| html! {
                <rect class="goes" x={x.to_string()} y="0" width={(width - 1.0).max(0.8).to_string()} height={BOX.to_string()} />
            })}
            if let Some(label) = &shape.label {
                <text x={(shape.x + shape.width / 2.0).to_string()} y={(BOX / 2.0 + 2.5).to_string()}>{label.clone()}</text>
            }
        </g>
    }
}

/// Whether compaction lets all records of a batch go.
fn goes_whole(shape: &BatchBox) -> bool {
    matches!(shape.going[..], [(_, width)] if width > shape.width - 0.5)
}

/// What the step has taken away.
fn ghost(shape: &Ghost) -> Html {
    let (x, width) = ((shape.x + 0.5).to_string(), (shape.width - 2.0).max(0.8).to_string());
    html! {
        <g class={classes!("ghost", match shape.fate {
            Fate::Gone => "gone",
            Fate::Moved => "moved",
            Fate::Saved => "saved",
        })} aria-hidden="true">
            <rect {x} y="0.5" {width} height={(BOX - 1.0).to_string()} />
            if let Some(label) = &shape.label {
                <text x={(shape.x + shape.width / 2.0).to_string()} y={(BOX / 2.0 + 3.5).to_string()}>{label.clone()}</text>
            }
        </g>
    }
}

fn rest(lane: &Lane) -> Html {
    let Some(rest) = &lane.rest else { return Html::default() };
    html! {
        <g class="rest" aria-hidden="true">
            <rect x={rest.x.to_string()} y="0.5" width={rest.width.max(2.0).to_string()} height={(BOX - 1.0).to_string()} />
            <text x={(rest.x + 6.0).to_string()} y={(BOX / 2.0 + 3.5).to_string()}>{rest.label.clone()}</text>
        </g>
    }
}

/// A scan's hop over a batch.
fn hop(shape: &BatchBox) -> Html {
    let (from, to) = (shape.x, shape.x + shape.width);
    let path = format!("M{from} -1C{} -15 {} -15 {to} -1", from + shape.width / 4.0, to - shape.width / 4.0);
    html! { <path key={shape.id.position} class="hop" d={path} pathLength="1" /> }
}

fn scan_start(lane: &Lane) -> Html {
    let Some(x) = lane.scan_from else { return Html::default() };
    html! { <path class="scan" d={format!("M{} -9h8l-4 7z", x - 4.0)} /> }
}

/// The marks, those that the step is about last: their labels may cover others.
fn last_focused(marks: &[EntryMark]) -> impl Iterator<Item = &EntryMark> {
    let special = |mark: &&EntryMark| mark.focused || mark.looked_up;
    marks.iter().filter(move |mark| !special(mark)).chain(marks.iter().filter(special))
}

/// A notch in the upper edge, and the offsets that nothing is left of.
fn hole(mark: &EntryMark) -> Html {
    let x = mark.x.max(1.0);
    entry(mark, "entry hole", -3.0, html! { <path d={format!("M{} -1h9l-4.5 8z", x - 4.5)} /> })
}

/// A wedge: it points at a position.
fn offset_entry(mark: &EntryMark) -> Html {
    let wedge = html! { <path d={format!("M{} {}l4 6h-8z", mark.x.max(1.0), BOX + 3.0)} /> };
    entry(mark, "entry", BOX + 11.0, wedge)
}

/// A clock's face.
fn time_entry(mark: &EntryMark) -> Html {
    let (x, y) = (mark.x.max(1.0), BOX + 19.5);
    let face = html! {
        <path d={format!("M{} {y}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0M{x} {}v2.5h2", x - 3.5, y - 2.5)} />
    };
    entry(mark, "entry time", BOX + 23.0, face)
}

fn entry(mark: &EntryMark, class: &'static str, baseline: f64, sign: Html) -> Html {
    let (dx, anchor) = if mark.leftward { (-8.0, "end") } else { (8.0, "start") };
    let class = classes!(class, mark.looked_up.then_some("looked-up"), mark.focused.then_some("focused"));
    html! {
        <g {class}>
            <title>{mark.title.clone()}</title>
            {sign}
            if let Some(label) = &mark.label {
                <text x={(mark.x + dx).to_string()} y={baseline.to_string()} text-anchor={anchor}>{label.clone()}</text>
            }
        </g>
    }
}

fn marker(marker: &Marker) -> Html {
    let below = marker.kind == MarkerKind::LogEnd;
    let (class, y) = match marker.kind {
        MarkerKind::LogStart => ("marker start", -15.0),
        MarkerKind::HighWatermark => ("marker watermark", -15.0),
        MarkerKind::LogEnd => ("marker end", BOX + 23.0),
    };
    let line =
        if below { format!("M0 0V{}", BOX + BELOW - 4.0) } else { format!("M0 {}V{BOX}", 3.0 - ABOVE) };
    let (dx, anchor) = if marker.leftward { (-5.0, "end") } else { (5.0, "start") };
    html! {
        <g {class} transform={format!("translate({} 0)", marker.x.max(0.5))}>
            <path d={line} />
            <text x={dx.to_string()} y={y.to_string()} text-anchor={anchor}>{marker.label.clone()}</text>
        </g>
    }
}

fn cause(lane: &Lane) -> Html {
    let Some(cause) = lane.cause else { return Html::default() };
    let (x, width) = ((cause.x + 0.5).to_string(), (cause.width - 2.0).to_string());
    html! { <rect class="cause" {x} y="0.5" {width} height={(BOX - 1.0).to_string()} /> }
}

fn outline(lane: &Lane) -> Html {
    let Some(outline) = lane.outline else { return Html::default() };
    if outline.width == 0.0 {
        return html! { <path class="outline" d={format!("M{} -4V{}", outline.x, BOX + 4.0)} /> };
    }
    let (x, width) = (outline.x - 1.0, outline.width + 1.0);
    html! {
        <rect class="outline" x={x.to_string()} y="-2" width={width.to_string()} height={(BOX + 4.0).to_string()} />
    }
}

/// The id of a batch's element.
pub(super) fn element_id(id: BatchId) -> String {
    format!("batch-{}-{}", id.segment, id.position)
}

/// The batch that an element belongs to.
pub(super) fn batch_of(target: web_sys::EventTarget) -> Option<BatchId> {
    let batch = target.dyn_into::<Element>().ok()?.closest("[role=option]").ok()??;
    let mut parts =
        batch.id().strip_prefix("batch-")?.split('-').map(str::parse).collect::<Vec<_>>().into_iter();
    Some(BatchId { segment: parts.next()?.ok()?, position: parts.next()?.ok()? })
}
