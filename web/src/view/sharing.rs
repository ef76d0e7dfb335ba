//! Sharing: the link to what is seen, files to save, files to open; and the line that says whose log is shown.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlInputElement, HtmlTextAreaElement};
use yew::prelude::*;

use super::hooks::press;
use crate::exchange;
use crate::state::archive::Topic;
use crate::state::beside::{Beside, Guest, Sharing, Wish};
use crate::state::format::count;
use crate::state::share::Mistake;
use crate::text;

/// Says that something else than the visitor's own log is shown, and leads back.
pub(super) fn banner(beside: &Beside, on_wish: &Callback<Wish>) -> Html {
    let words = match &beside.guest {
        Some(Guest::Shared { commands }) => {
            format!("This log comes from {}.", count(*commands as u64, "command", "commands"))
        }
        Some(Guest::Files { name, remarks }) => {
            let name = if name.is_empty() { "files that were opened" } else { name };
            format!("This log is {name}. {}", remarks.join(" "))
        }
        Some(Guest::Lesson(_) | Guest::Live(_)) | None => return Html::default(),
    };
    let leave = press(on_wish, Wish::Leave);
    html! {
        <div class="banner">
            <p>{words}{" Your own log stays as it is; nothing of this one is saved."}</p>
            <button type="button" onclick={leave}>{text::LEAVE}</button>
        </div>
    }
}

/// What the dialog holds. Where something came in that has a mistake, or is to be chosen from, that stands first.
pub(super) fn share(sharing: &Sharing, on_wish: &Callback<Wish>) -> Html {
    let asks = sharing.mistake.is_some() || !sharing.choice.is_empty();
    html! {
        <>
            if asks { {opening(sharing, on_wish)} }
            {link_to(sharing, on_wish)}
            {saving(sharing, on_wish)}
            if !asks { {opening(sharing, on_wish)} }
        </>
    }
}

fn link_to(sharing: &Sharing, on_wish: &Callback<Wish>) -> Html {
    let body = match &sharing.link {
        Err(reason) => html! { <p class="hint">{reason.clone()}</p> },
        Ok(link) => {
            let copy = press(on_wish, Wish::CopyLink);
            // Selected, it can be copied by hand if the browser does not let the page.
            let select = |event: FocusEvent| event.target_unchecked_into::<HtmlInputElement>().select();
            let said = match sharing.copied {
                Some(true) => text::COPIED,
                Some(false) => text::NOT_COPIED,
                None => "",
            };
            html! {
                <>
                    <div class="row centred">
                        <input type="text" readonly=true aria-label={text::LINK} value={link.clone()} onfocus={Callback::from(select)} />
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

fn saving(sharing: &Sharing, on_wish: &Callback<Wish>) -> Html {
    let wish = |wish: Wish| press(on_wish, wish);
    let no_commands = sharing.commands.is_none();
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

/// Opens what comes from elsewhere.
fn opening(sharing: &Sharing, on_wish: &Callback<Wish>) -> Html {
    let open = {
        let on_wish = on_wish.clone();
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
        let on_wish = on_wish.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let field = event.target_unchecked_into::<Element>().query_selector("textarea").ok().flatten();
            let text = field.and_then(|field| field.dyn_into::<HtmlTextAreaElement>().ok());
            on_wish.emit(Wish::Try(text.map(|field| field.value()).unwrap_or_default()));
        })
    };
    let topic = |(at, topic): (usize, &Topic)| {
        let onclick = press(on_wish, Wish::Choose(at));
        html! { <button type="button" {onclick}>{topic.name.clone()}</button> }
    };
    let wrong = sharing.mistake.is_some() && !sharing.shown;
    html! {
        <section>
            <h2>{text::OPEN_TITLE}</h2>
            if let Some(mistake) = &sharing.mistake { {complaint(mistake, sharing.shown)} }
            if !sharing.choice.is_empty() {
                <p>{text::CHOOSE_PARTITION}</p>
                <div class="row choice-of">{for sharing.choice.iter().enumerate().map(topic)}</div>
            }
            <form class="fields" onsubmit={run}>
                <label><span>{text::SCENARIO}</span>
                    <textarea
                        rows="5" spellcheck="false" placeholder={text::SCENARIO_HINT}
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
fn complaint(mistake: &Mistake, shown: bool) -> Html {
    let line = mistake.line.and_then(|at| Some((at, mistake.text.lines().nth(at - 1)?.to_owned())));
    html! {
        <div id="scenario-mistake" class="complaint" role="alert">
            if let Some((at, line)) = line {
                <p>{format!("Line {at} is no command that could be run:")}</p>
                <pre>{format!("{at}  {line}")}</pre>
            }
            <p>{format!("{}. {}", upper(&mistake.reason), if shown { text::REST_SHOWN } else { text::NOTHING_RUN })}</p>
        </div>
    }
}

/// Begins with a capital letter, unless that would change a name. Only English begins here: the capitals of all languages
/// are a table of kilobytes.
fn upper(text: &str) -> String {
    let mut text = text.trim_end_matches('.').to_owned();
    let name = text.split(' ').next().is_some_and(|word| word.contains(['.', '=', '/']));
    if let Some(first) = text.get_mut(..1).filter(|_| !name) {
        first.make_ascii_uppercase();
    }
    text
}
