//! A batch taken apart: fields, records, and the bytes; a field lights its bytes, and bytes their field.

use web_sys::{Element, ScrollIntoViewOptions, ScrollLogicalPosition};
use yew::prelude::*;

use super::icon::{Icon, icon};
use super::tables::nullable;
use crate::state::BatchId;
use crate::state::batch_detail::{BatchDetail, Field, RecordDetail, field_at};
use crate::state::format::{offsets, visible};
use crate::text;

const ROW: usize = 8;
/// More bytes than this are not drawn.
const SHOWN: usize = 2048;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) id: Option<BatchId>,
    pub(crate) detail: Option<Result<BatchDetail, String>>,
    pub(crate) on_select: Callback<Option<BatchId>>,
}

#[function_component]
pub(crate) fn BatchPanel(props: &Props) -> Html {
    let heading = use_node_ref();
    // Where the page is narrow, or the panel scrolled, a batch would otherwise open out of sight.
    use_effect_with(props.id, {
        let heading = heading.clone();
        move |id| {
            if let (Some(_), Some(heading)) = (id, heading.cast::<Element>()) {
                let options = ScrollIntoViewOptions::new();
                options.set_block(ScrollLogicalPosition::Nearest);
                heading.scroll_into_view_with_scroll_into_view_options(&options);
            }
        }
    });
    let close = props.on_select.reform(|_: MouseEvent| None);
    html! {
        <details class="panel detail" open=true>
            <summary ref={heading}>{text::BATCH}
                if let Some(id) = props.id {
                    <span class="aside">{format!("segment {}, position {}", id.segment, id.position)}</span>
                }
            </summary>
            if let Some(id) = props.id {
                <button type="button" class="quiet close" aria-label={text::CLOSE} onclick={close}>{icon(Icon::Close)}</button>
                {match &props.detail {
                    Some(Ok(detail)) => html! { <Detail detail={detail.clone()} position={id.position} /> },
                    Some(Err(error)) => html! { <p class="complaint">{format!("The file holds no whole batch here now: {error}.")}</p> },
                    None => html! { <p class="hint">{text::BATCH_GONE}</p> },
                }}
            } else {
                <p class="hint">{text::BATCH_HINT}</p>
            }
        </details>
    }
}

#[derive(Properties, PartialEq)]
struct DetailProps {
    detail: BatchDetail,
    position: u64,
}

#[function_component]
fn Detail(props: &DetailProps) -> Html {
    let BatchDetail { bytes, fields, records, crc } = &props.detail;
    let lit = use_state_eq(|| None::<usize>);
    let light = |at: Option<usize>| {
        let lit = lit.setter();
        move |_| lit.set(at)
    };
    let row = |(at, field): (usize, &Field)| {
        let range = offsets(field.at.start as u64, field.at.end as u64 - 1);
        html! {
            <tr key={field.name} tabindex="0" class={classes!((*lit == Some(at)).then_some("lit"))}
                title={field.meaning} onmouseenter={Callback::from(light(Some(at)))}
                onmouseleave={Callback::from(light(None))} onfocus={Callback::from({ let l = lit.setter(); move |_: FocusEvent| l.set(Some(at)) })}>
                <td class="number at">{range}</td>
                <td><span class="field">{field.name}</span><small>{field.meaning}</small></td>
                <td class="value">{field.value.clone()}</td>
            </tr>
        }
    };
    html! {
        <>
            <p class={classes!("crc", if crc.is_ok() { "fits" } else { "broken" })}>
                {match crc {
                    Ok(()) => format!("The CRC fits the bytes 21–{}.", bytes.len() - 1),
                    Err(error) => format!("The CRC does not fit: {error}."),
                }}
            </p>
            <table class="fields-of-batch" aria-label="Fields of the batch header">
                <thead><tr><th class="number" scope="col">{"bytes"}</th><th scope="col">{"field"}</th><th scope="col">{"value"}</th></tr></thead>
                <tbody>{for fields.iter().enumerate().map(row)}</tbody>
            </table>
            {records_of(records)}
            {hex(bytes, fields, props.position, &lit)}
        </>
    }
}

fn records_of(records: &Result<Vec<RecordDetail>, String>) -> Html {
    let record = |record: &RecordDetail| {
        html! {
            <tr key={record.offset}>
                <td class="number">{record.offset}</td>
                <td>{nullable(record.key.as_deref())}</td><td>{nullable(record.value.as_deref())}</td>
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

fn hex(bytes: &[u8], fields: &[Field], position: u64, lit: &UseStateHandle<Option<usize>>) -> Html {
    let line = |(row, chunk): (usize, &[u8])| {
        let start = row * ROW;
        let cell = |(at, byte): (usize, &u8), text: String| {
            let field = field_at(fields, start + at);
            let class = classes!(
                field.is_none().then_some("records"),
                field.is_some_and(|field| field % 2 == 1).then_some("odd"),
                (field.is_some() && field == **lit).then_some("lit"),
                (*byte == 0).then_some("zero"),
            );
            let setter = lit.setter();
            html! { <span {class} onmouseenter={Callback::from(move |_: MouseEvent| setter.set(field))}>{text}</span> }
        };
        html! {
            <div key={row} class="line">
                <span class="at">{format!("{:>5}", position + start as u64)}</span>
                <span class="bytes">{for chunk.iter().enumerate().map(|byte| cell(byte, format!("{:02x}", byte.1)))}</span>
                <span class="chars">{for chunk.iter().enumerate().map(|byte| cell(byte, visible(*byte.1).to_string()))}</span>
            </div>
        }
    };
    let shown = &bytes[..bytes.len().min(SHOWN)];
    let leave = {
        let lit = lit.setter();
        Callback::from(move |_: MouseEvent| lit.set(None))
    };
    html! {
        <>
            <div class="hex" role="img" aria-label="The batch's bytes in hexadecimal and as text" onmouseleave={leave}>
                {for shown.chunks(ROW).enumerate().map(line)}
            </div>
            if shown.len() < bytes.len() {
                <p class="hint">{format!("The first {SHOWN} of {} bytes.", bytes.len())}</p>
            }
        </>
    }
}
