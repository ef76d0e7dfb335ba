//! Lessons: the list to choose from, the text, the tasks; and the page that says what is true.
//!
//! These are functions, not components: each component costs the page some kilobytes, and these have nothing to
//! remember.

use std::rc::Rc;

use logscope::topic::{murmur2, partition_for_key};
use yew::prelude::*;

use super::icon::{Icon, icon};
use crate::state::beside::{Beside, Fetched, Wish};
use crate::state::lessons::{Block, Course, Entry, Span, Task};
use crate::{browser, text};

/// What makes a wish come true.
fn wish<E>(on_wish: &Callback<Wish>, wish: Wish) -> Callback<E> {
    on_wish.reform(move |_: E| wish.clone())
}

/// The list of lessons, and what is wrong with the one that was chosen.
pub(super) fn lessons(beside: &Beside, wrong: Option<&str>, on_wish: &Callback<Wish>) -> Html {
    let entry = |entry: &Entry| {
        let done = beside.finished.contains(&entry.name);
        let current = beside.course().is_some_and(|course| course.name == entry.name);
        html! {
            <li class={classes!(done.then_some("done"))}>
                <button type="button" aria-current={current.then_some("true")} onclick={wish(on_wish, Wish::Learn(entry.name.clone()))}>
                    <span>{entry.title.clone()}</span>
                    if done { {icon(Icon::Tick)}<span class="unseen">{text::DONE}</span> }
                </button>
            </li>
        }
    };
    let list = match &beside.index {
        Fetched::NotYet => html! { <p class="hint">{text::LOADING_TEXT}</p> },
        Fetched::Failed(reason) => complaint(reason),
        Fetched::Here(index) => html! {
            <>
                {for index.mistakes.iter().map(|mistake| complaint(&mistake.to_string()))}
                <ol class="choice">{for index.entries.iter().map(entry)}</ol>
            </>
        },
    };
    html! {
        <>
            <h2>{text::LESSONS}</h2>
            <p class="hint">{text::LESSONS_INTRO}</p>
            {wrong.map_or_else(Html::default, complaint)}
            {list}
            <p>
                <button type="button" class="link" onclick={wish(on_wish, Wish::ShowGlossary(String::new()))}>{text::GLOSSARY}</button>
                <button type="button" class="link" onclick={wish(on_wish, Wish::ShowTruth)}>{text::TRUTH}</button>
            </p>
        </>
    }
}

fn complaint(reason: &str) -> Html {
    html! { <p class="complaint" role="alert">{reason.to_owned()}</p> }
}

/// What is Kafka's here, and what is not.
pub(super) fn truth(beside: &Beside) -> Html {
    html! { <><h2>{text::TRUTH}</h2>{fetched(&beside.truth, &|piece| block(piece))}</> }
}

/// The id of the term that was asked for, and of the heading of a lesson: the focus goes there.
pub(super) const ASKED: &str = "asked-term";
pub(super) const TITLE: &str = "lesson-title";

/// The id of the panel of the log.
pub(super) const LOG: &str = "log";

/// What the terms mean, and where the one is that was asked for.
pub(super) fn glossary(beside: &Beside, asked: &str) -> Html {
    let entry = |piece: &Block| match piece {
        Block::Heading(line) if matches!(&line[..], [Span::Text(term)] if term == asked) => {
            html! { <h3 id={ASKED} tabindex="-1">{spans(line)}</h3> }
        }
        piece => block(piece),
    };
    html! { <><h2>{text::GLOSSARY}</h2>{fetched(&beside.glossary, &entry)}</> }
}

/// A text, once it is here.
fn fetched(text: &Fetched<Rc<Vec<Block>>>, block: &dyn Fn(&Block) -> Html) -> Html {
    match text {
        Fetched::NotYet => html! { <p class="hint">{text::LOADING_TEXT}</p> },
        Fetched::Failed(reason) => complaint(reason),
        Fetched::Here(blocks) => html! { <div class="prose">{for blocks.iter().map(block)}</div> },
    }
}

/// The text of the lesson that is on.
pub(crate) fn lesson_text(beside: &Beside) -> Html {
    let Some(course) = beside.course() else { return Html::default() };
    let place = beside.place(&course.name);
    let place = place.map_or_else(String::new, |(at, of, _)| format!("Lesson {at} of {of}"));
    html! {
        <details key={course.name.clone()} class="panel lesson" open=true>
            <summary>{place}</summary>
            <h2 id={TITLE} tabindex="-1">{course.lesson.title.clone()}</h2>
            // Only a narrow page has it: there the log is below the text.
            <button type="button" class="link jump" onclick={Callback::from(|_: MouseEvent| browser::focus_on(LOG))}>{text::TO_THE_LOG}</button>
            {prose(&course.lesson.text)}
        </details>
    }
}

/// The tasks of the lesson that is on. They stay in view while the text scrolls.
pub(crate) fn tasks(beside: &Beside, on_wish: &Callback<Wish>) -> Html {
    let Some(course) = beside.course() else { return Html::default() };
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
                {next(beside, course, on_wish)}
                <button type="button" onclick={wish(on_wish, Wish::LearnAgain)}>{text::BEGIN_AGAIN}</button>
                <button type="button" onclick={wish(on_wish, Wish::Leave)}>{text::LEAVE_LESSON}</button>
            </div>
        </section>
    }
}

/// The way to the next lesson, once this one is done.
fn next(beside: &Beside, course: &Course, on_wish: &Callback<Wish>) -> Html {
    let next = beside.place(&course.name).map(|(.., next)| next);
    match next {
        _ if !course.is_done() => Html::default(),
        Some(Some(next)) => {
            let onclick = wish(on_wish, Wish::Learn(next.name.clone()));
            html! { <button type="button" class="main" {onclick}>{format!("Next: {}", next.title)}</button> }
        }
        Some(None) => html! { <p class="hint all">{text::ALL_DONE}</p> },
        None => Html::default(),
    }
}

/// A text, as a browser shows it.
fn prose(blocks: &[Block]) -> Html {
    html! { <div class="prose">{for blocks.iter().map(block)}</div> }
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
