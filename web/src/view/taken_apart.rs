//! Bytes taken apart: a table of fields and the bytes in hexadecimal. A field lights its bytes, and bytes their
//! field.

use yew::prelude::*;

use crate::state::batch_detail::{Field, field_at};
use crate::state::format::{offsets, visible};

const ROW: usize = 8;
/// More bytes than this are not drawn.
const SHOWN: usize = 2048;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) bytes: Vec<u8>,
    /// The fields, from the first byte on.
    pub(crate) fields: Vec<Field>,
    /// Where in its file the first byte stands.
    #[prop_or_default]
    pub(crate) position: u64,
    /// Bytes in all; more than there are here, if not all are shown.
    pub(crate) size: u64,
    /// The table's name.
    pub(crate) name: &'static str,
    /// What the table holds, for its looks.
    pub(crate) class: &'static str,
    /// What comes between the fields and the bytes.
    #[prop_or_default]
    pub(crate) children: Html,
}

#[function_component]
pub(crate) fn TakenApart(props: &Props) -> Html {
    let lit = use_state_eq(|| None::<usize>);
    let light = |at: Option<usize>| {
        let lit = lit.setter();
        move |_| lit.set(at)
    };
    let row = |(at, field): (usize, &Field)| {
        let range = offsets(field.at.start as u64, field.at.end as u64 - 1);
        html! {
            <tr key={at} tabindex="0" class={classes!((*lit == Some(at)).then_some("lit"))}
                title={field.meaning} onmouseenter={Callback::from(light(Some(at)))}
                onmouseleave={Callback::from(light(None))} onfocus={Callback::from({ let l = lit.setter(); move |_: FocusEvent| l.set(Some(at)) })}>
                <td class="number at">{range}</td>
                <td><span class="field">{field.name.to_string()}</span><small>{field.meaning}</small></td>
                <td class="value">{field.value.clone()}</td>
            </tr>
        }
    };
    html! {
        <>
            <table class={classes!("taken-apart", props.class)} aria-label={props.name}>
                <thead><tr><th class="number" scope="col">{"bytes"}</th><th scope="col">{"field"}</th><th scope="col">{"value"}</th></tr></thead>
                <tbody>{for props.fields.iter().enumerate().map(row)}</tbody>
            </table>
            {props.children.clone()}
            {hex(props, &lit)}
        </>
    }
}

fn hex(props: &Props, lit: &UseStateHandle<Option<usize>>) -> Html {
    let Props { bytes, fields, position, size, .. } = props;
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
            <div class="hex" role="img" aria-label="The bytes in hexadecimal and as text" onmouseleave={leave}>
                {for shown.chunks(ROW).enumerate().map(line)}
            </div>
            if (shown.len() as u64) < *size {
                <p class="hint">{format!("The first {} of {size} bytes.", shown.len())}</p>
            }
        </>
    }
}
