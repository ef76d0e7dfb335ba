//! Commands as a broker takes them, and what it answers.

use std::rc::Rc;

use logscope::lab::{Action as Command, TopicAction};
use yew::prelude::*;

use super::super::{App, Msg, promise};
use super::Event;
use crate::live::{self, Client};
use crate::state::live::answers;
use crate::state::live::connection::Failure;
use crate::state::live::json::Json;
use crate::state::live::returned::Returned;
use crate::text::live as text;

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Answer {
    said: String,
    returned: Option<Returned>,
}

impl App {
    /// Sends commands to the broker.
    pub(in crate::app) fn run_live(&mut self, ctx: &Context<Self>, commands: Vec<TopicAction>) {
        let Some(live) = self.shown_live().filter(|live| live.is_ready()) else { return };
        let (Some(place), Some(link)) = (live.address.place.clone(), &self.link) else { return };
        for command in commands {
            let (client, place) = (link.client.clone(), place.clone());
            promise(ctx, async move {
                let request = match &command {
                    TopicAction::Log { action, .. } => {
                        Request::of(action, &place.path(), &place.topic, place.partition)
                    }
                    _ => None,
                };
                let answer = match request {
                    Some(request) => request.send(&client).await,
                    None => Ok(Answer { said: text::ONLY_IN_THE_LAB.to_owned(), returned: None }),
                };
                Msg::Live(Event::Answered(answer))
            });
        }
    }

    /// Puts what fetches returned where their steps are.
    pub(super) fn settle_answers(&mut self) {
        if let Some(link) = self.link.as_mut().filter(|link| !link.returned.is_empty()) {
            Rc::make_mut(&mut self.state).settle(&mut link.returned);
        }
    }

    pub(super) fn answered(&mut self, answer: Result<Answer, Failure>) {
        let answer = answer.map_err(|failure| self.words_of(&failure));
        let (said, returned) = match answer {
            Ok(answer) => (Ok(answer.said), answer.returned),
            Err(why) => (Err(why), None),
        };
        let came_at = (!self.state.is_following()).then(|| self.state.timeline.cursor());
        let returned = returned.map(|returned| Returned { came_at, ..returned });
        self.link.iter_mut().for_each(|link| link.returned.extend(returned.clone()));
        self.settle_answers();
        self.show_live(|live| {
            live.said = Some(said);
            live.answer = returned.or_else(|| live.answer.take());
        });
    }
}

/// A command as a request.
struct Request {
    command: Rc<str>,
    path: String,
    method: &'static str,
    body: Option<String>,
    say: fn(&Json) -> Result<Answer, Failure>,
}

impl Request {
    /// `None` if a broker takes no such command.
    fn of(command: &Command, path: &str, topic: &str, partition: u32) -> Option<Self> {
        let ask = |method, path: String, body, say: fn(&Json) -> Result<Answer, Failure>| {
            Some(Self { command: command.to_string().into(), path, method, body, say })
        };
        let post = |path, body, say| ask("POST", path, body, say);
        let get = |path, say| ask("GET", path, None, say);
        let produce = |payload: Option<&str>, key: Option<&str>, count| {
            let body = live::records(payload, key, count, partition);
            post(format!("/topics/{topic}/records"), Some(body), produced)
        };
        match command {
            Command::Append { values, key, count, .. } => {
                produce(values.first().map(String::as_str), key.as_deref(), *count)
            }
            Command::Tombstone { key } => produce(None, Some(key), 1),
            Command::Fetch { offset, max_bytes } => {
                get(format!("{path}/records?offset={offset}&max_bytes={max_bytes}"), fetched)
            }
            Command::Find { timestamp } => get(format!("{path}/offsets?timestamp={timestamp}"), found),
            Command::Flush => post(format!("{path}/flush"), None, |_| said(text::FLUSHED)),
            Command::Retain => post(format!("{path}/retention"), None, |json| {
                said(&text::retained(json.field("deleted_segments").list().len()))
            }),
            Command::Compact => post(format!("{path}/compaction"), None, |json| {
                said(if *json.field("compacted") == Json::Bool(false) {
                    text::NOT_COMPACTED
                } else {
                    text::COMPACTED
                })
            }),
            Command::Config { entries } => {
                ask("PATCH", format!("/topics/{topic}"), Some(live::changes(entries)), |_| {
                    said(text::ALTERED)
                })
            }
            _ => None,
        }
    }

    async fn send(self, client: &Client) -> Result<Answer, Failure> {
        let json = client.send(self.method, &self.path, self.body.as_deref()).await?;
        let mut answer = (self.say)(&json)?;
        answer.returned.iter_mut().for_each(|returned| returned.command = self.command.clone());
        Ok(answer)
    }
}

fn said(what: &str) -> Result<Answer, Failure> {
    Ok(Answer { said: what.to_owned(), returned: None })
}

fn produced(json: &Json) -> Result<Answer, Failure> {
    match answers::produced(json).map_err(Failure::Unreadable)? {
        Ok(offsets) => said(&text::produced(&offsets)),
        Err((code, message)) => Err(Failure::Refused { code, message }),
    }
}

fn fetched(json: &Json) -> Result<Answer, Failure> {
    let records = answers::records(json).map_err(Failure::Unreadable)?;
    let next = json.field("next_offset").number().unwrap_or_default();
    let by = json.field("stopped_by").text().unwrap_or_default();
    let said = text::fetched(records.len(), next, by);
    Ok(Answer {
        said,
        returned: Some(Returned { command: "".into(), records: records.into(), next, came_at: None }),
    })
}

fn found(json: &Json) -> Result<Answer, Failure> {
    said(&json.field("offset").number().map_or_else(|| text::NOT_FOUND.to_owned(), text::found))
}
