//! The detail that is open: a batch or a file, taken apart.

use std::rc::Rc;

use web_sys::{Element, ScrollIntoViewOptions, ScrollLogicalPosition};
use yew::prelude::*;

use super::icon::{Icon, icon};
use super::tables::nullable;
use super::taken_apart::TakenApart;
use crate::state::BatchId;
use crate::state::batch_detail::{BatchDetail, RecordDetail};
use crate::state::file_detail::FileDetail;
use crate::text;

/// What is open.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Open {
    Nothing,
    /// A batch; without its detail it is not there at this step.
    Batch(BatchId, Option<Result<BatchDetail, String>>),
    /// A file; without its detail it is gone.
    File(Rc<str>, Option<FileDetail>),
}

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) open: Open,
    /// The partition that it is of, if there are several.
    #[prop_or_default]
    pub(crate) place: Option<String>,
    pub(crate) on_close: Callback<()>,
}

#[function_component]
pub(crate) fn Detail(props: &Props) -> Html {
    let heading = use_node_ref();
    let (title, aside) = match &props.open {
        Open::Nothing => (text::BATCH, None),
        Open::Batch(id, _) => {
            (text::BATCH, Some(format!("segment {}, position {}", id.segment, id.position)))
        }
        Open::File(name, _) => (text::FILE, Some(name.to_string())),
    };
    let aside = match (&props.place, aside) {
        (Some(place), Some(aside)) => Some(format!("{place}, {aside}")),
        (_, aside) => aside,
    };
    // Where the page is narrow, or the panel scrolled, a detail would otherwise open out of sight.
    use_effect_with(aside.clone(), {
        let heading = heading.clone();
        move |open| {
            if let (Some(_), Some(heading)) = (open, heading.cast::<Element>()) {
                let options = ScrollIntoViewOptions::new();
                options.set_block(ScrollLogicalPosition::Nearest);
                heading.scroll_into_view_with_scroll_into_view_options(&options);
            }
        }
    });
    let close = props.on_close.reform(|_: MouseEvent| ());
    html! {
        <details class="panel detail" open=true>
            <summary ref={heading}>{title}
                if let Some(aside) = &aside { <span class="aside">{aside.clone()}</span> }
            </summary>
            if aside.is_some() {
                <button type="button" class="quiet close" aria-label={text::CLOSE} onclick={close}>{icon(Icon::Close)}</button>
            }
            {match &props.open {
                Open::Nothing => html! { <p class="hint">{text::BATCH_HINT}</p> },
                Open::Batch(id, Some(Ok(detail))) => batch(detail, id.position),
                Open::Batch(_, Some(Err(error))) => html! { <p class="complaint">{format!("The file holds no whole batch here now: {error}.")}</p> },
                Open::Batch(_, None) => html! { <p class="hint">{text::BATCH_GONE}</p> },
                Open::File(_, Some(detail)) => file(detail),
                Open::File(_, None) => html! { <p class="hint">{text::FILE_GONE}</p> },
            }}
        </details>
    }
}

fn batch(detail: &BatchDetail, position: u64) -> Html {
    let BatchDetail { bytes, fields, records, crc } = detail;
    html! {
        <>
            <p class={classes!("crc", if crc.is_ok() { "fits" } else { "broken" })}>
                {match crc {
                    Ok(()) => format!("The CRC fits the bytes 21–{}.", bytes.len() - 1),
                    Err(error) => format!("The CRC does not fit: {error}."),
                }}
            </p>
            <TakenApart
                name="Fields of the batch header" class="of-batch" bytes={bytes.clone()} fields={fields.clone()} {position}
                size={bytes.len() as u64}
            >
                {records_of(records)}
            </TakenApart>
        </>
    }
}

fn file(detail: &FileDetail) -> Html {
    let FileDetail { bytes, fields, size } = detail;
    if bytes.is_empty() {
        return html! { <p class="hint">{text::EMPTY_FILE}</p> };
    }
    html! {
        <>
            <p class="crc fits">{text::FILE_NOW}</p>
            <TakenApart name="Contents of the file" class="of-file" bytes={bytes.clone()} fields={fields.clone()} size={*size} />
        </>
    }
}

fn records_of(records: &Result<Vec<RecordDetail>, String>) -> Html {
    let record = |record: &RecordDetail| {
        html! {
            <tr key={record.offset}>
                <td class="number">{record.offset}</td>
                <td class="key">{nullable(record.key.as_deref())}</td><td>{nullable(record.value.as_deref())}</td>
            </tr>
        }
    };
    match records {
        Ok(records) => html! {
            <table aria-label="Records of the batch">
                <thead><tr><th class="number" scope="col">{"offset"}</th><th scope="col">{"key"}</th><th scope="col">{"payload"}</th></tr></thead>
                <tbody>{for records.iter().map(record)}</tbody>
            </table>
        },
        Err(error) => html! { <p class="complaint">{format!("The records can't be read: {error}.")}</p> },
    }
}
