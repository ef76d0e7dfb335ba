//! Bytes taken apart: the tree of their fields, and the bytes in hexadecimal and as text. A field lights its bytes, and
//! a byte its field; a panel between them says what is lit.
//!
//! Only the rows that are seen are in the page. The pointer and the keys are heard by the two tables as a whole, as a
//! listener for each byte would be hundreds.

use std::ops::Range;
use std::rc::Rc;

use logscope::dump::{Field, Form, unfold};
use logscope::lab::{Action as LogAction, TopicAction as Command};
use web_sys::Element;
use yew::prelude::*;

use super::hooks::{use_rows, use_size};
use crate::state::Palette;
use crate::state::bytes::{Folds, Kind, Look, Place, Row, Taken, row_of};
use crate::state::format::visible;
use crate::text;

/// How high a row of the tree is, and one of bytes; `style.css` knows it too.
const FIELD_ROW: f64 = 24.0;
const HEX_ROW: f64 = 20.0;
/// Below this many pixels, a row has 8 bytes instead of 16.
const ROOM: f64 = 500.0;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) taken: Rc<Taken>,
    /// The file that the bytes stand in; none if they are in no file.
    pub(crate) file: Option<Rc<str>>,
    /// The tree's name.
    pub(crate) name: &'static str,
    pub(crate) palette: Rc<Palette>,
    /// Runs a command that flips a byte; none where files can't be changed.
    pub(crate) on_run: Option<Callback<Command>>,
}

/// What the pointer and the keys need to know, and change.
#[derive(Clone)]
struct Hand {
    taken: Rc<Taken>,
    file: Option<Rc<str>>,
    on_run: Option<Callback<Command>>,
    folds: UseStateHandle<Folds>,
    /// What was clicked, or come to by keys.
    chosen: UseStateHandle<Option<Place>>,
    /// What the pointer is on.
    hover: UseStateHandle<Option<Place>>,
    /// How many bytes a row has.
    per_row: usize,
}

#[function_component]
pub(crate) fn TakenApart(props: &Props) -> Html {
    let (tree, hex) = (use_node_ref(), use_node_ref());
    let hand = Hand {
        taken: props.taken.clone(),
        file: props.file.clone(),
        on_run: props.on_run.clone(),
        folds: use_state_eq(Folds::default),
        chosen: use_state_eq(|| None),
        hover: use_state_eq(|| None),
        per_row: if use_size(hex.clone()).0 < ROOM { 8 } else { 16 },
    };
    let taken = &props.taken;
    let rows = taken.rows(&hand.folds);
    let (seen_fields, scroll_tree) = use_rows(tree.clone(), rows.len(), FIELD_ROW);
    let lines = taken.bytes.len().div_ceil(hand.per_row);
    let (seen_lines, scroll_hex) = use_rows(hex.clone(), lines, HEX_ROW);
    // What is chosen in one half comes into sight in the other.
    let row = hand.chosen.and_then(|place| row_of(&rows, place));
    let line = hand.chosen.map(|place| place.at.saturating_sub(taken.at) as usize / hand.per_row);
    use_effect_with((row, line, hand.per_row), {
        let (tree, hex) = (tree.clone(), hex.clone());
        move |(row, line, _)| {
            show(&tree, *row, FIELD_ROW);
            show(&hex, *line, HEX_ROW);
        }
    });
    let place = hand.hover.or(*hand.chosen);
    let field = place.and_then(|place| taken.field(place));
    let leave = hand.pointed(|_, _| None);
    html! {
        <div class="apart" onmouseleave={leave}>
            if !rows.is_empty() {
                <div class="rows fields-of" ref={tree} onscroll={scroll_tree}>
                    {hand.tree(props.name, &rows, place, seen_fields)}
                </div>
            }
            <div class="about" id={hand.id("about")}>{hand.about(place, field.as_deref())}</div>
            <div class="rows hex" ref={hex} onscroll={scroll_hex}>
                {hand.hex(&props.palette, place, field.as_deref(), lines, seen_lines)}
            </div>
        </div>
    }
}

/// Scrolls a table, and nothing else, so that a row is seen.
fn show(window: &NodeRef, row: Option<usize>, height: f64) {
    let (Some(window), Some(row)) = (window.cast::<Element>(), row) else { return };
    let (top, seen, room) =
        (row as f64 * height, f64::from(window.scroll_top()), f64::from(window.client_height()));
    if top < seen {
        window.set_scroll_top(top as i32);
    } else if top + 2.0 * height > seen + room {
        window.set_scroll_top((top + 2.0 * height - room) as i32);
    }
}

/// The number in an id such as `byte-17`, of what an event happened in or what is around it.
fn number_of(event: &MouseEvent, prefix: &str) -> Option<u64> {
    let within = event.target_dyn_into::<Element>()?.closest(&format!("[id^={prefix}]")).ok()??;
    // The text of a byte has a `t` behind its number.
    within.id().strip_prefix(prefix)?.trim_end_matches('t').parse().ok()
}

impl Hand {
    /// An id that no other table has.
    fn id(&self, part: &str) -> String {
        format!("{}{part}-", if self.file.is_some() { "" } else { "unpacked-" })
    }

    /// Lights what the pointer is on.
    fn pointed(&self, place: impl Fn(&Self, &MouseEvent) -> Option<Place> + 'static) -> Callback<MouseEvent> {
        let hand = self.clone();
        Callback::from(move |event: MouseEvent| hand.hover.set(place(&hand, &event)))
    }

    fn row_at(&self, event: &MouseEvent) -> Option<Place> {
        let row = number_of(event, &self.id("field"))? as usize;
        self.taken.rows(&self.folds).get(row).map(Row::place)
    }

    fn byte_at(&self, event: &MouseEvent) -> Option<Place> {
        number_of(event, &self.id("byte")).map(Place::byte)
    }

    /// Chooses a byte, and opens what hides its field.
    fn choose_byte(&self, at: u64) {
        self.folds.set(self.folds.revealing(&self.taken, at));
        self.chosen.set(Some(Place::byte(at)));
    }

    fn turn(&self, row: &Row<'_>) {
        if row.open.is_some() {
            self.folds.set(self.folds.turned(row));
        }
    }

    /// Flips a byte, if it stands in a file that can be changed.
    fn flip(&self, position: u64) {
        let Some((file, on_run)) = self.file.as_ref().zip(self.on_run.as_ref()) else { return };
        on_run.emit(LogAction::Flip { file: file.to_string(), position }.into());
    }
}

/// The tree.
impl Hand {
    fn tree(&self, name: &'static str, rows: &[Row<'_>], place: Option<Place>, seen: Range<usize>) -> Html {
        let current = place.and_then(|place| row_of(rows, place));
        let prefix = self.id("field");
        let (above, below) = (seen.start as f64 * FIELD_ROW, (rows.len() - seen.end) as f64 * FIELD_ROW);
        let row = |(at, row): (usize, &Row<'_>)| {
            let Row { field, depth, open } = row;
            let is_current = current == Some(at);
            let class = classes!(
                is_current.then_some("lit"),
                field.problem.is_some().then_some("wrong"),
                open.map(|open| if open { "open" } else { "closed" }),
            );
            html! {
                <tr key={at} id={format!("{prefix}{at}")} {class} aria-level={(depth + 1).to_string()}
                    aria-expanded={open.map(|open| open.to_string())} aria-selected={is_current.to_string()}>
                    <td class="number at">{field.position}</td>
                    <td class="field" style={format!("--depth:{depth}")}>{field.name.to_string()}</td>
                    <td class="value">{field.value.clone()}</td>
                </tr>
            }
        };
        let (clicked, typed) = (self.clone(), self.clone());
        let onclick = move |event: MouseEvent| {
            let rows = clicked.taken.rows(&clicked.folds);
            let Some(row) = clicked.row_at(&event).and_then(|place| rows.get(row_of(&rows, place)?)) else {
                return;
            };
            clicked.chosen.set(Some(row.place()));
            clicked.turn(row);
        };
        let onkeydown = move |event: KeyboardEvent| typed.typed_in_tree(&event);
        html! {
            <table
                class="taken-apart" role="treegrid" tabindex="0" aria-label={name} aria-describedby={self.id("about")}
                aria-activedescendant={current.map(|at| format!("{prefix}{at}"))} {onclick} {onkeydown}
                onmouseover={self.pointed(Self::row_at)} style={format!("margin-block:{above}px {below}px")}
            >
                <tbody>{for seen.clone().zip(&rows[seen]).map(row)}</tbody>
            </table>
        }
    }

    fn typed_in_tree(&self, event: &KeyboardEvent) {
        let rows = self.taken.rows(&self.folds);
        let chosen = self.chosen.and_then(|place| row_of(&rows, place));
        let at = chosen.unwrap_or(0);
        let Some(row) = rows.get(at) else { return };
        let parent = || rows[..at].iter().rposition(|other| other.depth < row.depth).unwrap_or(at);
        let to = match (event.key().as_str(), row.open) {
            ("ArrowUp", _) => at.saturating_sub(1),
            ("ArrowDown", _) => chosen.map_or(0, |at| at + 1),
            ("ArrowRight", Some(true)) => at + 1,
            ("ArrowRight", Some(false)) | ("ArrowLeft", Some(true)) | ("Enter" | " ", _) => {
                self.turn(row);
                at
            }
            ("ArrowRight", None) => at,
            ("ArrowLeft", _) => parent(),
            ("Home", _) => 0,
            ("End", _) => rows.len() - 1,
            ("x", _) if chosen.is_some() => {
                self.flip(row.field.position);
                at
            }
            _ => return,
        };
        event.prevent_default();
        self.hover.set(None);
        self.chosen.set(rows.get(to).or(rows.last()).map(Row::place));
    }
}

/// What is lit, in words.
impl Hand {
    fn about(&self, place: Option<Place>, field: Option<&Field>) -> Html {
        let Some(place) = place else { return html! { <p class="hint">{text::POINT}</p> } };
        let Some(byte) = self.taken.bytes.get(place.at.saturating_sub(self.taken.at) as usize) else {
            return Html::default();
        };
        let flipped = self.clone();
        let onclick = move |_: MouseEvent| flipped.flip(place.at);
        html! {
            <>
                {field.map_or_else(Html::default, |field| self.about_field(field))}
                <p class="byte">
                    <code>{text::byte(place.at, *byte)}</code>
                    if self.file.is_some() && self.on_run.is_some() {
                        <button type="button" class="link" title={text::FLIP_HINT} {onclick}>{text::flip(place.at)}<kbd aria-hidden="true">{"x"}</kbd></button>
                    }
                </p>
            </>
        }
    }

    fn about_field(&self, field: &Field) -> Html {
        let bits = match &field.form {
            Form::Varint => unfold(self.taken.slice(field), field.position).steps,
            _ => String::new(),
        };
        let over = text::covers(field);
        html! {
            <>
                <p><b>{field.name.to_string()}</b>{" "}<code class="value">{field.value.clone()}</code></p>
                <p class="where">{text::place(field)}</p>
                if !field.meaning.is_empty() { <p>{field.meaning}</p> }
                if !bits.is_empty() { <p><code>{bits}</code></p> }
                if !over.is_empty() { <p class={classes!("crc", if field.problem.is_some() { "broken" } else { "fits" })}>{over}</p> }
                else if let Some(problem) = &field.problem { <p class="crc broken">{problem.clone()}</p> }
            </>
        }
    }
}

/// The bytes.
impl Hand {
    fn hex(
        &self,
        palette: &Palette,
        place: Option<Place>,
        field: Option<&Field>,
        lines: usize,
        seen: Range<usize>,
    ) -> Html {
        let Self { taken, per_row, .. } = self;
        let (above, below) = (seen.start as f64 * HEX_ROW, (lines - seen.end) as f64 * HEX_ROW);
        let lit = field.map_or(0..0, |field| field.position..field.end());
        let covered = match field.map(|field| &field.form) {
            Some(Form::Checksum { over, .. }) => over.clone(),
            _ => 0..0,
        };
        let byte = place.filter(|place| place.depth.is_none()).map(|place| place.at);
        let prefix = self.id("byte");
        let line = |line: usize| {
            let start = line * per_row;
            let bytes = &taken.bytes[start..taken.bytes.len().min(start + per_row)];
            let looks = taken.looks(start..start + bytes.len(), palette);
            let class = |at: u64, look: &Look, zero: bool| {
                let kind = match look.kind {
                    Kind::Plain => "",
                    Kind::Key => "key ink",
                    Kind::Value => "payload ink",
                    Kind::Wrong => "wrong",
                };
                let light = match () {
                    () if byte == Some(at) => " lit this",
                    () if lit.contains(&at) => " lit",
                    () if covered.contains(&at) => " covered",
                    () => "",
                };
                let colour = look.colour.map_or(String::new(), |colour| format!(" key-{colour}"));
                format!(
                    "{kind}{colour}{light}{}{}",
                    if look.first { " first" } else { "" },
                    if zero { " zero" } else { "" }
                )
            };
            let cells = || {
                let at = taken.at + start as u64;
                (at..)
                    .zip(bytes)
                    .zip(&looks)
                    .map(|((at, byte), look)| (at, *byte, class(at, look, *byte == 0)))
            };
            html! {
                <div key={line} class="line" role="row">
                    <span class="at" role="rowheader">{taken.at + start as u64}</span>
                    <span class="bytes" role="presentation">
                        {for cells().map(|(at, byte, class)| html! { <span id={format!("{prefix}{at}")} role="gridcell" {class}>{format!("{byte:02x}")}</span> })}
                    </span>
                    <span class="chars" aria-hidden="true">
                        {for cells().map(|(at, byte, class)| html! { <span id={format!("{prefix}{at}t")} {class}>{visible(byte).to_string()}</span> })}
                    </span>
                </div>
            }
        };
        let (clicked, typed) = (self.clone(), self.clone());
        let onclick = move |event: MouseEvent| {
            clicked.byte_at(&event).into_iter().for_each(|place| clicked.choose_byte(place.at));
        };
        let onkeydown = move |event: KeyboardEvent| typed.typed_in_hex(&event);
        html! {
            <div
                role="grid" tabindex="0" aria-label={text::HEX} aria-describedby={self.id("about")}
                aria-activedescendant={place.map(|place| format!("{prefix}{}", place.at))} {onclick} {onkeydown}
                onmouseover={self.pointed(Self::byte_at)} style={format!("padding-block:{above}px {below}px;--per-row:{per_row}")}
            >
                {for seen.map(line)}
            </div>
        }
    }

    fn typed_in_hex(&self, event: &KeyboardEvent) {
        let (first, last) = (self.taken.at, self.taken.end().saturating_sub(1));
        let chosen = self.chosen.map(|place| place.at.clamp(first, last));
        let at = chosen.unwrap_or(first);
        let (row, in_row) = (self.per_row as u64, (at - first) % self.per_row as u64);
        let to = match event.key().as_str() {
            "ArrowLeft" => at.saturating_sub(1),
            "ArrowRight" => chosen.map_or(first, |at| at + 1),
            "ArrowUp" => at.checked_sub(row).filter(|to| *to >= first).unwrap_or(at),
            "ArrowDown" => Some(at + row).filter(|to| *to <= last).unwrap_or(at),
            "PageUp" => at.saturating_sub(8 * row),
            "PageDown" => at + 8 * row,
            "Home" => at - in_row,
            "End" => at - in_row + row - 1,
            "x" if chosen.is_some() => {
                self.flip(at);
                at
            }
            _ => return,
        };
        event.prevent_default();
        self.hover.set(None);
        self.choose_byte(to.clamp(first, last));
    }
}
