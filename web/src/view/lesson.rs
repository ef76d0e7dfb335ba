//! Lessons: the list to choose from, the text, the tasks; and the page that says what is true.

use std::rc::Rc;

use logscope::topic::{murmur2, partition_for_key};
use web_sys::HtmlElement;
use yew::prelude::*;

use super::icon::{Icon, icon};
use super::modal::Modal;
use crate::state::beside::{Beside, Dialog, Fetched, Wish};
use crate::state::lessons::{Block, Course, Entry, Span, Task};
use crate::text;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) beside: Rc<Beside>,
    pub(crate) on_wish: Callback<Wish>,
}

impl Props {
    fn wish<E>(&self, wish: Wish) -> Callback<E> {
        self.on_wish.reform(move |_: E| wish.clone())
    }
}

/// The list of lessons.
#[function_component]
pub(crate) fn Lessons(props: &Props) -> Html {
    let beside = &props.beside;
    let entry = |entry: &Entry| {
        let done = beside.finished.contains(&entry.name);
        let current = beside.course().is_some_and(|course| course.name == entry.name);
        html! {
            <li class={classes!(done.then_some("done"))}>
                <button type="button" aria-current={current.then_some("true")} onclick={props.wish(Wish::Learn(entry.name.clone()))}>
                    <span>{entry.title.clone()}</span>
                    if done { {icon(Icon::Tick)}<span class="unseen">{text::DONE}</span> }
                </button>
            </li>
        }
    };
    let list = match &beside.index {
        Fetched::NotYet => html! { <p class="hint">{text::LOADING_TEXT}</p> },
        Fetched::Failed(reason) => html! { <p class="complaint" role="alert">{reason.clone()}</p> },
        Fetched::Here(index) => html! { <ol class="choice">{for index.iter().map(entry)}</ol> },
    };
    html! {
        <Modal
            open={beside.dialog == Some(Dialog::Lessons)} label={text::LESSONS} class="lessons"
            on_close={props.wish(Wish::CloseDialog)}
        >
            <h2>{text::LESSONS}</h2>
            <p class="hint">{text::LESSONS_INTRO}</p>
            {list}
            <p><button type="button" class="link" onclick={props.wish(Wish::ShowTruth)}>{text::TRUTH}</button></p>
        </Modal>
    }
}

/// What is Kafka's here, and what is not.
#[function_component]
pub(crate) fn Truth(props: &Props) -> Html {
    let truth = match &props.beside.truth {
        Fetched::NotYet => html! { <p class="hint">{text::LOADING_TEXT}</p> },
        Fetched::Failed(reason) => html! { <p class="complaint" role="alert">{reason.clone()}</p> },
        Fetched::Here(blocks) => html! { <Prose blocks={blocks.clone()} /> },
    };
    html! {
        <Modal
            open={props.beside.dialog == Some(Dialog::Truth)} label={text::TRUTH} class="truth"
            on_close={props.wish(Wish::CloseDialog)}
        >
            <h2>{text::TRUTH}</h2>
            {truth}
        </Modal>
    }
}

/// The text of the lesson that is on.
#[function_component]
pub(crate) fn LessonText(props: &Props) -> Html {
    let heading = use_node_ref();
    let name = props.beside.course().map(|course| course.name.clone());
    use_effect_with(name, {
        let heading = heading.clone();
        move |name| {
            if let (Some(_), Some(heading)) = (name, heading.cast::<HtmlElement>()) {
                // Whoever reads by ear begins at the lesson's title.
                let _ = heading.focus();
            }
        }
    });
    let Some(course) = props.beside.course() else { return Html::default() };
    let place = props.beside.place(&course.name);
    let place = place.map_or_else(String::new, |(at, of, _)| format!("Lesson {at} of {of}"));
    html! {
        <details key={course.name.clone()} class="panel lesson" open=true aria-labelledby="lesson-title">
            <summary>{place}</summary>
            <h2 id="lesson-title" tabindex="-1" ref={heading}>{course.lesson.title.clone()}</h2>
            <Prose blocks={Rc::new(course.lesson.text.clone())} />
        </details>
    }
}

/// The tasks of the lesson that is on. They stay in view while the text scrolls.
#[function_component]
pub(crate) fn Tasks(props: &Props) -> Html {
    let Some(course) = props.beside.course() else { return Html::default() };
    let task = |(at, task): (usize, &Task)| {
        let (done, current) = (at < course.done, at == course.done);
        html! {
            <li
                key={at} class={classes!(done.then_some("done"), (!done && !current).then_some("ahead"))}
                aria-current={current.then_some("step")}
            >
                <span class="box">{if done { icon(Icon::Tick) } else { Html::default() }}</span>
                <div>
                    {spans(&task.what)}
                    if done { <span class="unseen">{format!(" ({})", text::DONE)}</span> }
                    if current {
                        <details><summary>{text::ONE_WAY}</summary><pre>{crate::state::beside::lines(&task.solution)}</pre></details>
                    }
                </div>
            </li>
        }
    };
    html! {
        <section class="tasks" aria-label={text::TASKS}>
            <ol>{for course.lesson.tasks.iter().enumerate().map(task)}</ol>
            <p class="hint" aria-live="polite">{format!("{} of {} done", course.done, course.lesson.tasks.len())}</p>
            <div class="row tight">
                {next(props, course)}
                <button type="button" onclick={props.wish(Wish::LearnAgain)}>{text::BEGIN_AGAIN}</button>
                <button type="button" onclick={props.wish(Wish::Leave)}>{text::LEAVE_LESSON}</button>
            </div>
        </section>
    }
}

/// The way to the next lesson, once this one is done.
fn next(props: &Props, course: &Course) -> Html {
    let next = props.beside.place(&course.name).map(|(.., next)| next);
    match next {
        _ if !course.is_done() => Html::default(),
        Some(Some(next)) => {
            let onclick = props.wish(Wish::Learn(next.name.clone()));
            html! { <button type="button" class="main" {onclick}>{format!("Next: {}", next.title)}</button> }
        }
        Some(None) => html! { <p class="hint all">{text::ALL_DONE}</p> },
        None => Html::default(),
    }
}

#[derive(Properties, PartialEq)]
struct ProseProps {
    blocks: Rc<Vec<Block>>,
}

/// A text, as a browser shows it.
#[function_component]
fn Prose(props: &ProseProps) -> Html {
    html! { <div class="prose">{for props.blocks.iter().map(block)}</div> }
}

fn block(block: &Block) -> Html {
    match block {
        Block::Heading(line) => html! { <h3>{spans(line)}</h3> },
        Block::Paragraph(line) => html! { <p>{spans(line)}</p> },
        Block::List(items) => {
            html! { <ul>{for items.iter().map(|item| html! { <li>{spans(item)}</li> })}</ul> }
        }
        Block::Code(code) => html! { <pre>{code.clone()}</pre> },
        Block::Partitions(count, keys) => partitions(*count, keys),
    }
}

fn partitions(count: u32, keys: &[String]) -> Html {
    let row = |key: &String| {
        let hash = murmur2(key.as_bytes()) & 0x7fff_ffff;
        html! {
            <tr><td>{key.clone()}</td><td class="number">{hash}</td><td class="number">{partition_for_key(key.as_bytes(), count)}</td></tr>
        }
    };
    html! {
        <table class="partitions">
            <thead><tr>
                <th scope="col">{"key"}</th><th class="number" scope="col">{"hash"}</th>
                <th class="number" scope="col">{format!("partition of {count}")}</th>
            </tr></thead>
            <tbody>{for keys.iter().map(row)}</tbody>
        </table>
    }
}

fn spans(line: &[Span]) -> Html {
    let span = |span: &Span| match span {
        Span::Text(text) => html! { {text.clone()} },
        Span::Code(code) => html! { <code>{code.clone()}</code> },
        Span::Strong(strong) => html! { <strong>{strong.clone()}</strong> },
        Span::Link { text, address } => html! {
            <a href={address.clone()} target="_blank" rel="noopener noreferrer">{text.clone()}</a>
        },
    };
    html! { <>{for line.iter().map(span)}</> }
}
