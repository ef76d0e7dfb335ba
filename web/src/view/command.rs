//! The command line: Enter runs, the arrows bring back earlier commands, a mistake is explained beside it until
//! the line is another.

use std::rc::Rc;

use logscope::lab::TopicAction as Command;
use yew::prelude::*;

use super::hooks::{Typed, use_field};
use crate::state::command;
use crate::text;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) ready: bool,
    /// What is run now forks the log.
    pub(crate) forks: bool,
    pub(crate) history: Rc<Vec<String>>,
    pub(crate) on_run: Callback<Command>,
}

#[function_component]
pub(crate) fn CommandLine(props: &Props) -> Html {
    let Typed { text: line, on_input } = use_field("");
    let mistake = use_state_eq(|| None::<String>);
    // How many commands back the arrows have gone; 0 is the line being written.
    let back = use_state_eq(|| 0_usize);
    let onkeydown = {
        let (line, mistake, back) = (line.clone(), mistake.setter(), back.clone());
        let (history, on_run, ready) = (props.history.clone(), props.on_run.clone(), props.ready);
        Callback::from(move |event: KeyboardEvent| {
            let recall = |to: usize| {
                event.prevent_default();
                let earlier = history.len().checked_sub(to).and_then(|at| history.get(at));
                line.set(earlier.cloned().unwrap_or_default());
                mistake.set(None);
                back.set(to);
            };
            match event.key().as_str() {
                "Enter" if ready => match command::typed(&line) {
                    Ok(command) => {
                        mistake.set(None);
                        line.set(String::new());
                        back.set(0);
                        command.into_iter().for_each(|command| on_run.emit(command));
                    }
                    Err(error) => mistake.set(Some(error)),
                },
                "Enter" => mistake.set(Some(text::NOT_NOW.to_owned())),
                "ArrowUp" => recall((*back + 1).min(history.len())),
                "ArrowDown" if *back > 0 => recall(*back - 1),
                _ => {}
            }
        })
    };
    let oninput = {
        let mistake = mistake.setter();
        Callback::from(move |event: InputEvent| {
            mistake.set(None);
            on_input.emit(event);
        })
    };
    let invalid = mistake.is_some().then_some("true");
    html! {
        <div class="command">
            <span class="prompt" aria-hidden="true">{"›"}</span>
            <input
                type="text" aria-label={text::COMMAND} placeholder={text::COMMAND_HINT} spellcheck="false"
                autocomplete="off" autocapitalize="off" enterkeyhint="go" aria-invalid={invalid}
                aria-describedby={mistake.as_ref().map(|_| "command-mistake")}
                value={(*line).clone()} {oninput} {onkeydown}
            />
            if props.forks { <p class="forks" title={text::PAST}>{text::FORKS}</p> }
            if let Some(mistake) = &*mistake {
                <p id="command-mistake" class="complaint" role="alert">{mistake.clone()}</p>
            }
        </div>
    }
}
