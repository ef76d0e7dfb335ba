//! Sharing: the link to what is seen, files to save, files to open; and the line that says whose log is shown.

use std::rc::Rc;

use web_sys::{HtmlInputElement, HtmlTextAreaElement};
use yew::prelude::*;

use super::modal::Modal;
use crate::exchange;
use crate::state::beside::{Beside, Dialog, Guest, Sharing, Wish};
use crate::state::format::count;
use crate::state::share::Mistake;
use crate::text;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) beside: Rc<Beside>,
    pub(crate) on_wish: Callback<Wish>,
}

/// Says that something else than the visitor's own log is shown, and leads back.
#[function_component]
pub(crate) fn Banner(props: &Props) -> Html {
    let words = match &props.beside.guest {
        Some(Guest::Shared { commands }) => {
            format!("This log comes from {}.", count(*commands as u64, "command", "commands"))
        }
        Some(Guest::Files { name, remarks }) => {
            let name = if name.is_empty() { "files that were opened" } else { name };
            format!("This log is {name}. {}", remarks.join(" "))
        }
        Some(Guest::Lesson(_)) | None => return Html::default(),
    };
    let leave = props.on_wish.reform(|_: MouseEvent| Wish::Leave);
    html! {
        <div class="banner">
            <p>{words}{" It stands beside your own log, which stays as it is; nothing here is saved."}</p>
            <button type="button" onclick={leave}>{text::LEAVE}</button>
        </div>
    }
}

#[function_component]
pub(crate) fn Share(props: &Props) -> Html {
    let sharing = match &props.beside.dialog {
        Some(Dialog::Share(sharing)) => Some(sharing.clone()),
        _ => None,
    };
    let on_close = props.on_wish.reform(|()| Wish::CloseDialog);
    html! {
        <Modal open={sharing.is_some()} label={text::SHARE_TITLE} class="share" {on_close}>
            if let Some(sharing) = sharing {
                <Opening sharing={sharing.clone()} on_wish={&props.on_wish} first=true />
                <LinkTo sharing={sharing.clone()} />
                <Saving sharing={sharing.clone()} on_wish={&props.on_wish} />
                <Opening {sharing} on_wish={&props.on_wish} first=false />
            }
        </Modal>
    }
}

#[derive(Properties, PartialEq)]
struct LinkProps {
    sharing: Sharing,
}

#[function_component]
fn LinkTo(props: &LinkProps) -> Html {
    let field = use_node_ref();
    let copied = use_state(|| None::<bool>);
    let body = match &props.sharing.link {
        Err(reason) => html! { <p class="hint">{reason.clone()}</p> },
        Ok(link) => {
            let copy = {
                let (link, field, copied) = (link.clone(), field.clone(), copied.setter());
                Callback::from(move |_: MouseEvent| {
                    // Selected, it can be copied by hand if the browser does not let us.
                    field.cast::<HtmlInputElement>().into_iter().for_each(|field| field.select());
                    let (link, copied) = (link.clone(), copied.clone());
                    wasm_bindgen_futures::spawn_local(async move {
                        copied.set(Some(exchange::copy(link).await));
                    });
                })
            };
            let said = match *copied {
                Some(true) => text::COPIED,
                Some(false) => text::NOT_COPIED,
                None => "",
            };
            html! {
                <>
                    <div class="row centred">
                        <input type="text" readonly=true aria-label={text::LINK} ref={field} value={link.clone()} />
                        <button type="button" class="main" onclick={copy}>{text::COPY}</button>
                    </div>
                    <p class="hint" aria-live="polite">{said}</p>
                    <p class="hint">{format!("{} characters. {}", link.chars().count(), text::LINK_HINT)}</p>
                </>
            }
        }
    };
    html! { <section><h2>{text::LINK_TITLE}</h2>{body}</section> }
}

#[derive(Properties, PartialEq)]
struct PartProps {
    sharing: Sharing,
    on_wish: Callback<Wish>,
    /// Whether it stands first: where something came in with a mistake, or is to be chosen from.
    #[prop_or_default]
    first: bool,
}

#[function_component]
fn Saving(props: &PartProps) -> Html {
    let wish = |wish: Wish| props.on_wish.reform(move |_: MouseEvent| wish.clone());
    let no_commands = props.sharing.commands.is_none();
    html! {
        <section>
            <h2>{text::SAVE_TITLE}</h2>
            <div class="row">
                <button type="button" onclick={wish(Wish::SaveAll)}>{text::SAVE_ALL}</button>
                <button type="button" disabled={no_commands} onclick={wish(Wish::SaveCommands)}>{text::SAVE_COMMANDS}</button>
            </div>
            <p class="hint">{text::SAVE_HINT}</p>
        </section>
    }
}

/// Opens what comes from elsewhere. It stands first if there is something to mend or to choose, and last otherwise.
#[function_component]
fn Opening(props: &PartProps) -> Html {
    let sharing = &props.sharing;
    let draft = use_node_ref();
    let asks = sharing.mistake.is_some() || !sharing.choice.is_empty();
    if asks != props.first {
        return Html::default();
    }
    let open = {
        let on_wish = props.on_wish.clone();
        Callback::from(move |event: Event| {
            let files = event.target_unchecked_into::<HtmlInputElement>().files();
            let (Some(files), on_wish) = (files.filter(|files| files.length() > 0), on_wish.clone()) else {
                return;
            };
            wasm_bindgen_futures::spawn_local(async move {
                on_wish.emit(Wish::Open(exchange::read(files).await));
            });
        })
    };
    let run = {
        let (on_wish, draft) = (props.on_wish.clone(), draft.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let text = draft.cast::<HtmlTextAreaElement>().map(|field| field.value());
            on_wish.emit(Wish::Try(text.unwrap_or_default()));
        })
    };
    let partition = |(at, partition): (usize, &crate::state::archive::Partition)| {
        let onclick = props.on_wish.reform(move |_: MouseEvent| Wish::Choose(at));
        html! { <button type="button" {onclick}>{partition.name.clone()}</button> }
    };
    let wrong = sharing.mistake.is_some();
    html! {
        <section>
            <h2>{text::OPEN_TITLE}</h2>
            if let Some(mistake) = &sharing.mistake { {complaint(mistake)} }
            if !sharing.choice.is_empty() {
                <p>{text::CHOOSE_PARTITION}</p>
                <div class="row choice-of">{for sharing.choice.iter().enumerate().map(partition)}</div>
            }
            <form class="fields" onsubmit={run}>
                <label><span>{text::SCENARIO}</span>
                    <textarea
                        ref={draft} rows="5" spellcheck="false" placeholder={text::SCENARIO_HINT}
                        aria-invalid={wrong.then_some("true")} aria-describedby={wrong.then_some("scenario-mistake")}
                        value={sharing.draft.clone()}
                    />
                </label>
                <div class="row"><button type="submit" class={classes!(wrong.then_some("main"))}>{text::RUN_BESIDE}</button></div>
            </form>
            <form class="fields second">
                <label><span>{format!("{}: {}", text::OPEN_FILES, text::OPEN_FILES_HINT)}</span>
                    <input type="file" multiple=true aria-label={text::OPEN_FILES} onchange={open.clone()} />
                </label>
                <label><span>{text::OPEN_FOLDER}</span>
                    <input type="file" webkitdirectory=true aria-label={text::OPEN_FOLDER} onchange={open} />
                </label>
            </form>
        </section>
    }
}

/// What is wrong: the line, as it was written, and what was expected.
fn complaint(mistake: &Mistake) -> Html {
    let line = mistake.line.and_then(|at| Some((at, mistake.text.lines().nth(at - 1)?.to_owned())));
    html! {
        <div id="scenario-mistake" class="complaint" role="alert">
            if let Some((at, line)) = line {
                <p>{format!("Line {at} is no command that could be run:")}</p>
                <pre>{format!("{at}  {line}")}</pre>
            }
            <p>{format!("{}. Nothing was run.", upper(&mistake.reason))}</p>
        </div>
    }
}

/// Begins with a capital letter.
fn upper(text: &str) -> String {
    let mut chars = text.trim_end_matches('.').chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
