//! The page's frame: header, controls, log, details, and the dock with the timeline.

use std::rc::Rc;

use gloo_events::EventListener;
use logscope::lab::TopicAction as Command;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent};
use yew::prelude::*;

use super::actions::Actions;
use super::consumers::consumers;
use super::detail::Detail;
use super::dock::Dock;
use super::forms::{Configs, Consume, Housekeeping, Produce, Storage, Topic};
use super::header::Header;
use super::hooks::press;
use super::kept::watching;
use super::log::log;
use super::sharing::banner;
use super::tables::{Files, Records};
use crate::app::Waiting;
use crate::state::beside::{Beside, Wish};
use crate::state::bytes::Part;
use crate::state::command::meant_for;
use crate::state::{Action, Keeping, State, Zoom};
use crate::{browser, parts, text};

/// The state as a property: if it is another one, it has changed, and nobody compares all that is in it.
#[derive(Debug, Clone)]
pub(crate) struct Shown(pub(crate) Rc<State>);

impl PartialEq for Shown {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    /// How the log is kept at this moment.
    pub(crate) keeping: Keeping,
    pub(crate) of_body: BodyProps,
}

/// What all but the header and the lines below it is made of.
#[derive(Clone, Properties, PartialEq)]
pub(crate) struct BodyProps {
    pub(crate) state: Shown,
    pub(crate) beside: Rc<Beside>,
    /// The bytes that are open, taken apart.
    pub(crate) part: Option<Rc<Part>>,
    /// A part of the page is not here yet.
    pub(crate) awaited: Option<Waiting>,
    pub(crate) on_run: Callback<Vec<Command>>,
    pub(crate) on_do: Callback<Action>,
    pub(crate) on_wish: Callback<Wish>,
}

/// The page. Each command begins a commit, and a moment later that comes to its end: only the header is drawn for it.
#[function_component]
pub(crate) fn Page(props: &Props) -> Html {
    let Props { keeping, of_body } = props;
    let BodyProps { state: Shown(state), beside, awaited, on_do, on_wish, .. } = of_body;
    use_keys(state.playing_to.is_some(), on_do.clone(), on_wish.clone());
    let live = beside.live();
    html! {
        <>
            <div class="head">
                <Header
                    keeping={keeping.clone()} unflushed={state.unflushed} live={live.is_some()}
                    on_wish={on_wish.clone()}
                />
                {watching(keeping, on_wish)}
                {banner(beside, on_wish)}
                {live.zip(parts::live()).map(|(live, part)| (part.bar)(live, state, on_wish))}
            </div>
            <Body ..of_body.clone() />
            {loading(*awaited, on_wish)}
            {parts::beside().map(|part| (part.dialogs)(beside, on_wish))}
        </>
    }
}

/// Controls, log, details, and the dock.
#[function_component]
fn Body(props: &BodyProps) -> Html {
    // A part of the page that has come is drawn because nobody waits for it any more.
    let BodyProps { state: Shown(state), beside, part, awaited: _, on_run, on_do, on_wish } = props;
    // The same ones at every drawing, so that what has not changed is not drawn again.
    let run_one = use_callback(on_run.clone(), |command, on_run: &Callback<_>| on_run.emit(vec![command]));
    let run_here = use_run_in(on_run, state.several().then(|| state.partition()));
    let run_there = use_run_in(on_run, state.several().then_some(state.open_in));
    let on_close = use_callback(on_do.clone(), |(), on_do: &Callback<_>| on_do.emit(Action::Select(None)));
    let on_open = use_callback(on_do.clone(), |name, on_do: &Callback<_>| on_do.emit(Action::OpenFile(name)));
    let (ready, picture) = (state.ready(), state.picture());
    let live = beside.live();
    let returned = live.zip(parts::live()).and_then(|(live, part)| (part.returned)(live, state));
    let newer = returned.as_ref().is_some_and(|shown| shown.newer);
    let fetched = match live {
        Some(_) => returned.map(|shown| (shown.command, shown.records, shown.so_far)),
        None => state
            .fetched()
            .and_then(|(group, so_far)| Some((group.command.clone(), group.records.clone()?, so_far))),
    };
    let fetched_from = state.fetched().and_then(|(group, _)| group.fetched_from());
    let (place, partitions) = (state.place(state.partition()), state.topic().partitions().len() as u32);
    html! {
        <>
            <main class={classes!(beside.course().map(|_| "learning"))}>
              <div class="side">
                <div class="controls">
                  if let Some(live) = live {
                    {parts::live().map(|part| (part.controls)(live, state, &run_one))}
                  } else {
                    {parts::beside().map(|part| (part.lesson_text)(beside))}
                    <Produce {ready} {partitions} on_run={run_here.clone()} />
                    <Consume {ready} place={place.clone()} on_run={run_here.clone()} />
                    <Storage {ready} on_run={run_here.clone()} />
                    <Topic {ready} place={place.clone()} on_run={run_here.clone()} />
                    <Housekeeping {ready} place={place.clone()} on_run={run_here} />
                    <Configs {ready} settings={state.settings.clone()} hint={text::CONFIGS_HINT} on_run={run_one.clone()} />
                  }
                </div>
                {parts::beside().map(|part| (part.tasks)(beside, on_wish))}
              </div>
                {log(state, live.is_some(), on_do, on_run)}
                <div class="details">
                    <Detail
                        batch={state.selected} file={state.file.clone()} {part} place={state.place(state.open_in)}
                        awaited={live.map(|live| if live.no_bytes { text::live::NO_BYTES } else { text::live::READING_BYTES })}
                        palette={state.palette.clone()} copied={beside.copied} {on_close} on_run={live.is_none().then_some(run_there)} {on_wish}
                    />
                    {consumers(state)}
                    <Records {fetched} {newer} place={fetched_from.and_then(|partition| state.place(partition))} />
                    <Actions state={state.clone()} on_do={on_do.clone()} />
                    <Files picture={picture.clone()} {place} open={state.file.clone().filter(|_| state.open_in == state.partition())} {on_open} {on_wish} />
                </div>
            </main>
            <Dock state={state.clone()} live={live.is_some()} on_run={run_one} on_do={on_do.clone()} {on_wish} />
        </>
    }
}

/// Says that a part of the page is being loaded, or could not be. It lies over the page, so that nothing jumps.
fn loading(awaited: Option<Waiting>, on_wish: &Callback<Wish>) -> Html {
    match awaited {
        None => Html::default(),
        Some(Waiting::Loading) => html! { <p class="awaited" role="status">{text::LOADING_TEXT}</p> },
        Some(Waiting::Failed) => html! {
            <div class="awaited failed" role="alert">
                <p>{text::PART_FAILED}</p>
                <button type="button" onclick={press(on_wish, Wish::LoadAgain)}>{text::LOAD_AGAIN}</button>
            </div>
        },
    }
}

/// Runs a command in a partition, if there are several.
#[hook]
fn use_run_in(on_run: &Callback<Vec<Command>>, partition: Option<u32>) -> Callback<Command> {
    use_callback((on_run.clone(), partition), |command, (on_run, partition): &(Callback<_>, _)| {
        on_run.emit(vec![meant_for(command, *partition)]);
    })
}

/// The keys of the page. None of them fires while typing, nor where an element has its own use for it.
#[hook]
fn use_keys(playing: bool, on_do: Callback<Action>, on_wish: Callback<Wish>) {
    use_effect_with((playing, on_do, on_wish), move |(playing, on_do, on_wish)| {
        let (playing, on_do, on_wish) = (*playing, on_do.clone(), on_wish.clone());
        let listener = browser::document().map(|document| {
            let options = gloo_events::EventListenerOptions::enable_prevent_default();
            EventListener::new_with_options(&document, "keydown", options, move |event| {
                let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
                if event.default_prevented() || event.ctrl_key() || event.meta_key() || event.alt_key() {
                    return;
                }
                let target = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
                let within = |selector| {
                    target.as_ref().is_some_and(|t| t.closest(selector).is_ok_and(|e| e.is_some()))
                };
                // An open dialog has the keys, wherever in the page the focus is: Escape closes it.
                if within("input, textarea, select, [contenteditable]") || browser::has_dialog() {
                    return;
                }
                let action = match event.key().as_str() {
                    "?" => {
                        on_wish.emit(Wish::ShowHelp);
                        None
                    }
                    " " if within("button, summary, a") => None,
                    " " if playing => Some(Action::Pause),
                    " " => Some(Action::Play),
                    "ArrowLeft" => Some(Action::Back),
                    "ArrowRight" => Some(Action::Forward),
                    "[" => Some(Action::Previous),
                    "]" => Some(Action::Next),
                    "+" | "=" => Some(Action::Zoom(Zoom::STEP)),
                    "-" | "−" => Some(Action::Zoom(-Zoom::STEP)),
                    "0" => Some(Action::ZoomToFit),
                    "Home" => Some(Action::Seek(0)),
                    "End" => Some(Action::Seek(usize::MAX)),
                    "Escape" => Some(Action::Select(None)),
                    _ => None,
                };
                if let Some(action) = action {
                    event.prevent_default();
                    on_do.emit(action);
                }
            })
        });
        move || drop(listener)
    });
}
