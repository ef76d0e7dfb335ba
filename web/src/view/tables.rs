//! The two tables: what a fetch has returned, and the files.

use std::rc::Rc;

use logscope::lab::{FetchedRecord, Picture};
use yew::prelude::*;

use super::hooks::{press, use_rows};
use crate::state::beside::Wish;
use crate::state::bytes::purpose;
use crate::state::files::{files, has, totals};
use crate::state::format::decimal;
use crate::state::format::{text as bytes_text, timestamp};
use crate::text;

/// More records than this are listed when they are asked for, so many at a time: thousands of rows hold the page up.
const SHOWN: usize = 200;

#[derive(Properties, PartialEq)]
pub(crate) struct RecordsProps {
    /// The command of the last fetch, what it returned, and how much of it so far.
    pub(crate) fetched: Option<(Rc<str>, Rc<[FetchedRecord]>, usize)>,
    /// The partition that they are of, if there are several.
    #[prop_or_default]
    pub(crate) place: Option<String>,
    /// They are not of the step that is shown.
    pub(crate) newer: bool,
}

#[function_component]
pub(crate) fn Records(props: &RecordsProps) -> Html {
    let records = props.fetched.as_ref().map_or(&[][..], |(_, records, so_far)| &records[..*so_far]);
    // How many are listed, of the fetch that this was asked for.
    let asked = use_state_eq(|| (None::<Rc<[FetchedRecord]>>, SHOWN));
    let of = props.fetched.as_ref().map(|(_, records, _)| records.clone());
    let same = asked.0.as_ref().zip(of.as_ref()).is_some_and(|(asked, of)| Rc::ptr_eq(asked, of));
    let shown = if same { asked.1 } else { SHOWN };
    let more = records.len().saturating_sub(shown);
    let go_on = {
        let asked = asked.setter();
        Callback::from(move |_: MouseEvent| asked.set((of.clone(), shown + SHOWN)))
    };
    let hint = match &props.fetched {
        None => Some(text::NO_FETCH.to_owned()),
        Some(_) if records.is_empty() => Some(text::NO_RECORDS.to_owned()),
        Some(_) => None,
    };
    html! {
        <details class="panel" open=true>
            <summary>{text::RECORDS}{aside(&props.place)}</summary>
            if let Some((command, ..)) = &props.fetched { <p class="hint"><code>{&**command}</code></p> }
            if props.newer { <p class="hint">{text::live::NEWER}</p> }
            <div class="scroll">
                <table aria-label={text::FETCHED_RECORDS}>
                    <thead><tr>
                        <th class="number" scope="col">{"offset"}</th><th scope="col">{"timestamp"}</th>
                        <th scope="col">{"key"}</th><th scope="col">{"payload"}</th>
                    </tr></thead>
                    <tbody>{for records.iter().take(shown).map(record)}</tbody>
                </table>
            </div>
            if let Some(hint) = hint { <p class="hint after">{hint}</p> }
            if more > 0 {
                <p class="hint after">
                    <button type="button" class="link" onclick={go_on}>{format!("Show {} more of {more}", more.min(SHOWN))}</button>
                </p>
            }
        </details>
    }
}

fn record(record: &FetchedRecord) -> Html {
    html! {
        <tr key={record.offset}>
            <td class="number">{record.offset}</td>
            <td class="time">{timestamp(record.timestamp)}</td>
            <td class="key">{nullable(record.key.as_deref())}</td>
            <td>{nullable(record.value.as_deref())}</td>
        </tr>
    }
}

fn aside(place: &Option<String>) -> Html {
    place.as_ref().map_or_else(Html::default, |place| html! { <span class="aside">{place.clone()}</span> })
}

/// A key or a payload; null is not the same as empty.
pub(super) fn nullable(bytes: Option<&[u8]>) -> Html {
    match bytes {
        None => html! { <i class="null">{"null"}</i> },
        Some([]) => html! { <i class="null">{"empty"}</i> },
        Some(bytes) => html! { {bytes_text(bytes)} },
    }
}

/// How high a row of files is; `style.css` knows it too.
const FILE_ROW: f64 = 25.0;

#[derive(Properties, PartialEq)]
pub(crate) struct FilesProps {
    pub(crate) picture: Rc<Picture>,
    /// The partition that they are of, if there are several.
    #[prop_or_default]
    pub(crate) place: Option<String>,
    /// The one whose bytes are open.
    pub(crate) open: Option<Rc<str>>,
    pub(crate) on_open: Callback<Rc<str>>,
    pub(crate) on_wish: Callback<Wish>,
}

#[function_component]
pub(crate) fn Files(props: &FilesProps) -> Html {
    let save = |wish: Wish| press(&props.on_wish, wish);
    let log = &props.picture.log;
    let (count, bytes) = totals(log);
    let window = use_node_ref();
    let (rows, onscroll) = use_rows(window.clone(), count, FILE_ROW);
    let file = |(name, size): &(String, u64)| {
        let (open, purpose) = (props.open.as_deref() == Some(name), purpose(name));
        let onclick = {
            let name: Rc<str> = name.as_str().into();
            props.on_open.reform(move |_: MouseEvent| name.clone())
        };
        html! {
            <tr key={name.clone()} class={classes!(open.then_some("lit"))}>
                <td class="mono"><button type="button" class="file" title={text::OPEN_FILE} {onclick}>{name.clone()}</button></td>
                <td class="number">{format!("{size} B")}</td>
                <td class="for" title={purpose.1}>{purpose.0}</td>
            </tr>
        }
    };
    html! {
        <details class="panel" open=true>
            <summary>{text::FILES}{aside(&props.place)}<span class="aside">{format!("{count} · {bytes} B")}</span></summary>
            <div class="scroll rows" ref={window} {onscroll}>
                <table aria-label={text::FILES} aria-rowcount={(count + 1).to_string()}>
                    <thead><tr><th scope="col">{"name"}</th><th class="number" scope="col">{"size"}</th><th class="for" scope="col">{"for"}</th></tr></thead>
                    <tbody>
                        {unseen_rows(rows.start, "above")}
                        {for files(log, rows.clone()).iter().map(file)}
                        {unseen_rows(count - rows.end, "below")}
                    </tbody>
                </table>
            </div>
            if count == 0 {
                <p class="hint">{text::NO_FILES}</p>
            } else {
                <div class="row saving">
                    if let Some(open) = props.open.as_ref().filter(|open| has(log, open)) {
                        <button type="button" onclick={save(Wish::SaveFile(open.to_string()))}>{format!("Save {open}")}</button>
                    }
                    <button type="button" onclick={save(Wish::SaveAll)}>{text::SAVE_ALL}</button>
                </div>
            }
        </details>
    }
}

/// What stands for rows that are not in the page.
fn unseen_rows(count: usize, key: &'static str) -> Html {
    if count == 0 {
        return Html::default();
    }
    html! { <tr {key} class="unseen-rows" aria-hidden="true" style={format!("height:{}px", decimal(count as f64 * FILE_ROW, 0))}></tr> }
}
