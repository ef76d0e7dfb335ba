//! The detail that is open: a batch or a page of a file, taken apart.

use std::rc::Rc;

use logscope::lab::TopicAction as Command;
use web_sys::{Element, HtmlInputElement, ScrollIntoViewOptions, ScrollLogicalPosition};
use yew::prelude::*;

use super::hooks::press;
use super::icon::{Icon, icon};
use super::taken_apart::TakenApart;
use crate::state::beside::Wish;
use crate::state::bytes::{Part, Taken, Verdict, purpose};
use crate::state::{BatchId, Palette};
use crate::{parts, text};

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    /// The batch that is open.
    pub(crate) batch: Option<BatchId>,
    /// The file that is open.
    pub(crate) file: Option<Rc<str>>,
    /// Its bytes; none if it is not there at this step, or not any more.
    pub(crate) part: Option<Rc<Part>>,
    pub(crate) palette: Rc<Palette>,
    /// Whether the bytes could be copied, once that was asked for.
    pub(crate) copied: Option<bool>,
    /// The partition that it is of, if there are several.
    #[prop_or_default]
    pub(crate) place: Option<String>,
    /// Why there may be no bytes, if it is none of the usual reasons.
    #[prop_or_default]
    pub(crate) awaited: Option<&'static str>,
    pub(crate) on_close: Callback<()>,
    /// Runs a command that changes the file; none where it can't be changed.
    pub(crate) on_run: Option<Callback<Command>>,
    pub(crate) on_wish: Callback<Wish>,
}

#[function_component]
pub(crate) fn Detail(props: &Props) -> Html {
    let heading = use_node_ref();
    let wide = use_state_eq(|| false);
    let (title, aside) = match (props.batch, &props.file) {
        (Some(id), _) => (text::BATCH, Some(format!("segment {}, position {}", id.segment, id.position))),
        (_, Some(name)) => (text::FILE, Some(name.to_string())),
        _ => (text::BATCH, None),
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
    let close = press(&props.on_close, ());
    let widen = {
        let (wider, wide) = (!*wide, wide.setter());
        move |_: MouseEvent| wide.set(wider)
    };
    html! {
        <details class={classes!("panel", "detail", (*wide && aside.is_some()).then_some("wide"))} open=true>
            <summary ref={heading}>{title}
                if let Some(aside) = &aside { <span class="aside">{aside.clone()}</span> }
            </summary>
            if aside.is_some() {
                <button type="button" class="quiet widen" aria-label={text::WIDER} title={text::WIDER} aria-pressed={wide.to_string()}
                    onclick={widen}>{icon(Icon::Wide)}</button>
                <button type="button" class="quiet close" aria-label={text::CLOSE} onclick={close}>{icon(Icon::Close)}</button>
            }
            {match (&props.part, props.batch, &props.file) {
                (Some(part), batch, _) => shown(props, part, batch.is_some()),
                (None, Some(_), _) | (None, _, Some(_)) if parts::commands().is_none() => hint(text::LOADING_TEXT),
                (None, Some(_), _) => hint(props.awaited.unwrap_or(text::BATCH_GONE)),
                (None, None, Some(_)) => hint(props.awaited.unwrap_or(text::FILE_GONE)),
                (None, None, None) => hint(text::BATCH_HINT),
            }}
        </details>
    }
}

fn hint(text: &'static str) -> Html {
    html! { <p class="hint">{text}</p> }
}

fn shown(props: &Props, part: &Rc<Part>, batch: bool) -> Html {
    parts::commands().map(|commands| (commands.bytes)(props, part, batch)).unwrap_or_default()
}

/// The bytes with what can be done with them.
pub(crate) fn bytes(props: &Props, part: &Rc<Part>, batch: bool) -> Html {
    let taken = &part.taken;
    let beyond = part.beyond.map(|(at, end)| text::beyond(at, end, part.file_size));
    let beyond = html! { if let Some(beyond) = beyond { <p class="complaint" role="alert">{beyond}</p> } };
    if taken.bytes.is_empty() {
        return html! { <>{beyond}{hint(if batch { text::BATCH_LOST } else { text::EMPTY_FILE })}</> };
    }
    let (class, verdict) = match taken.verdict() {
        Verdict::Nothing => ("fits", String::new()),
        Verdict::Fits(verdict) => ("fits", verdict),
        Verdict::Broken(verdict) => ("broken", verdict),
    };
    let wish = |wish: Wish| press(&props.on_wish, wish);
    let button = |name: &'static str, title: Option<&'static str>, what: Wish| {
        html! { <button type="button" {title} onclick={wish(what)}>{name}</button> }
    };
    let apart = |name, taken: &Rc<Taken>, file: Option<&str>| {
        let (palette, on_run, file) = (props.palette.clone(), props.on_run.clone(), file.map(Rc::from));
        html! { <TakenApart key={format!("{name} {} {}", part.file, part.taken.at)} {name} taken={taken.clone()} {file} {palette} {on_run} /> }
    };
    html! {
        <>
            {beyond}
            if !batch { <p class="hint">{purpose(&part.file).1}</p> }
            if !verdict.is_empty() { <p class={classes!("crc", class)}>{verdict}</p> }
            {pages(props, part)}
            {apart(if batch { text::FIELDS_OF_BATCH } else { text::CONTENTS }, taken, Some(&part.file))}
            <div class="row saving">
                {button(text::COPY_HEX, None, Wish::CopyHex)}
                if !taken.fields.is_empty() { {button(text::COPY_TEXT, Some(text::COPY_TEXT_HINT), Wish::CopyText)} }
                {button(text::SAVE_BYTES, None, Wish::SaveBytes)}
            </div>
            <p class="hint after">{match props.copied {
                None => text::NOW,
                Some(true) => text::COPIED,
                Some(false) => text::NO_COPY,
            }}</p>
            {match &part.unpacked {
                None => Html::default(),
                Some(Err(error)) => html! { <p class="complaint">{format!("The records can't be read: {error}.")}</p> },
                Some(Ok(plain)) => html! { <><p class="hint unpacked">{text::UNPACKED_HINT}</p>{apart(text::UNPACKED, plain, None)}</> },
            }}
        </>
    }
}

/// Which part of the file it is, and the ways to others.
fn pages(props: &Props, part: &Part) -> Html {
    if part.before.is_none() && part.after.is_none() {
        return Html::default();
    }
    let turn = |name: &'static str, picture, to: Option<u64>| {
        let onclick = press(&props.on_wish, Wish::Page(to.unwrap_or_default()));
        html! { <button type="button" class="quiet" aria-label={name} title={name} disabled={to.is_none()} {onclick}>{icon(picture)}</button> }
    };
    let go = props.on_wish.reform(|event: Event| {
        Wish::Page(event.target_unchecked_into::<HtmlInputElement>().value().parse().unwrap_or_default())
    });
    let (start, end, size) = (part.taken.at, part.taken.end(), part.file_size);
    html! {
        <div class="pages">
            {turn(text::PAGE_BEFORE, Icon::Back, part.before)}
            <input type="number" aria-label={text::POSITION} min="0" max={(size - 1).to_string()} value={start.to_string()} onchange={go} />
            {turn(text::PAGE_AFTER, Icon::Forward, part.after)}
            <span class="hint">{text::part_of(start, end, size)}</span>
        </div>
    }
}
