//! The only file that talks to a broker: requests, and the stream of what a partition's log does.
//!
//! Invariants:
//! - A stream that is let go ([`Watching`] is dropped) is closed at once, and says nothing any more.
//! - The stream is read no faster than what was read is taken: what the page has no time for waits at the broker, which
//!   keeps a bounded part of it and says so when that was not enough.
//! - The token goes in a header, never in an address.

use std::cell::Cell;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use js_sys::{Promise, Reflect, Uint8Array};
use logscope::log::{BatchInfo, Event};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, AbortSignal, Headers, ReadableStreamDefaultReader, RequestInit, Response};

use crate::browser::window;
use crate::state::live::answers::{self, Snapshot};
use crate::state::live::connection::Failure;
use crate::state::live::json::{Json, quote};
use crate::state::live::loaded::{self, Part, Portion};
use crate::state::live::sse::{Message, Parser};
use crate::state::live::{Place, address::Broker, events};

/// A broker writes something every 15 s. After this silence it is gone.
const SILENCE_MS: u32 = 45_000;
/// After each read the page does other things for so long: what comes meanwhile comes together.
const BREATH_MS: i32 = 30;
/// So many batches are asked for at a time.
const PAGE: usize = 10_000;

/// A broker, and how to get in.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Client {
    pub(crate) broker: Broker,
    pub(crate) token: Option<String>,
}

/// A request.
#[derive(Debug, Clone, Copy, Default)]
struct Ask<'a> {
    method: &'static str,
    /// JSON.
    body: Option<&'a str>,
    header: Option<(&'static str, &'a str)>,
    signal: Option<&'a AbortSignal>,
}

/// What is heard of a partition.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The broker answers; what is there already is read next.
    Loading,
    /// What was there before the first event.
    Began(Snapshot, Vec<Part>),
    /// It goes on where it stopped.
    Resumed,
    /// What happened; the id of the last of it; and how many events are not known here.
    Happened { events: Vec<Event>, id: Option<String>, unknown: u64 },
    /// The stream is over.
    Over(Failure),
}

/// Somebody hears what happens in a partition. Dropped, the connection is closed.
#[derive(Debug)]
pub(crate) struct Watching {
    abort: Option<AbortController>,
    dropped: Rc<Cell<bool>>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.dropped.set(true);
        self.abort.iter().for_each(AbortController::abort);
    }
}

impl Client {
    /// Begins a request; it is under way even if nobody waits yet.
    fn ask(&self, path: &str, ask: Ask<'_>) -> Result<Promise, Failure> {
        let failed = |_| Failure::NoAnswer;
        let headers = Headers::new().map_err(failed)?;
        if let Some(token) = &self.token {
            headers.append("authorization", &format!("Bearer {token}")).map_err(failed)?;
        }
        let json = ask.body.map(|_| ("content-type", "application/json"));
        for (name, value) in json.into_iter().chain(ask.header) {
            headers.append(name, value).map_err(failed)?;
        }
        let init = RequestInit::new();
        init.set_method(if ask.method.is_empty() { "GET" } else { ask.method });
        init.set_headers(&headers);
        init.set_signal(ask.signal);
        if let Some(body) = ask.body {
            init.set_body(&body.into());
        }
        let window = window().ok_or(Failure::NoAnswer)?;
        Ok(window.fetch_with_str_and_init(&format!("{}{path}", self.broker.base()), &init))
    }

    async fn answer(&self, path: &str, ask: Ask<'_>) -> Result<Response, Failure> {
        checked(self.ask(path, ask)?).await
    }

    async fn json(&self, path: &str, ask: Ask<'_>) -> Result<Json, Failure> {
        parse(&self.answer(path, ask).await?).await
    }

    /// Asks for something in JSON.
    pub(crate) async fn get(&self, path: &str) -> Result<Json, Failure> {
        self.json(path, Ask::default()).await
    }

    /// Has something done.
    pub(crate) async fn send(
        &self,
        method: &'static str,
        path: &str,
        body: Option<&str>,
    ) -> Result<Json, Failure> {
        self.json(path, Ask { method, body, ..Ask::default() }).await
    }

    /// Bytes of a file from a position on, and how many there are in all; from a broker that gives no parts, all.
    pub(crate) async fn bytes(
        &self,
        path: &str,
        position: u64,
        size: u64,
    ) -> Result<(Vec<u8>, u64), Failure> {
        let range = format!("bytes={position}-{}", position + size.max(1) - 1);
        let ask = Ask { header: Some(("range", &range)), ..Ask::default() };
        let response = received(self.ask(path, ask)?).await?;
        let status = response.status();
        let whole = response.headers().get("content-range").ok().flatten();
        let whole = whole.and_then(|range| range.rsplit_once('/')?.1.parse().ok());
        // The file ends at or before the position: there is no part of it, but it has a size.
        if let (416, Some(size)) = (status, whole) {
            return Ok((Vec::new(), size));
        }
        let bytes = bytes(accepted(response).await?.array_buffer()).await?;
        if status == 206 {
            let size = whole.unwrap_or(bytes.len() as u64);
            return Ok((bytes, size));
        }
        let from = usize::try_from(position).unwrap_or(usize::MAX).min(bytes.len());
        let to = from.saturating_add(size as usize).min(bytes.len());
        Ok((bytes[from..to].to_vec(), bytes.len() as u64))
    }

    /// Reads the newest batches of segments, which begin at one offset and are to be read up to another, newest segment
    /// first, until there is enough.
    pub(crate) async fn read(
        &self,
        place: &Place,
        segments: &[(u64, u64)],
        portion: Portion,
    ) -> Result<Vec<Part>, Failure> {
        let (mut parts, mut count) = (Vec::new(), 0);
        for &(base, before) in segments.iter().take(portion.segments) {
            match self.part(place, base, before, portion.batches - count).await {
                Ok(part) => {
                    count += part.batches.len();
                    parts.push(part);
                }
                // It is gone since; the events tell of it.
                Err(Failure::Refused { code: 404..=404 | 40_400..=40_499, .. }) => {}
                Err(failure) => return Err(failure),
            }
            if count >= portion.batches {
                break;
            }
        }
        Ok(parts)
    }

    async fn part(&self, place: &Place, base: u64, before: u64, wanted: usize) -> Result<Part, Failure> {
        let path = format!("{}/segments/{base}", place.path());
        // All three are under way before the first is waited for.
        let index = self.ask(&format!("{path}/index"), Ask::default())?;
        let time_index = self.ask(&format!("{path}/timeindex"), Ask::default())?;
        let batches = self.newest(&path, base, before, wanted).await?;
        let index = bytes(checked(index).await?.array_buffer()).await?;
        let time_index = bytes(checked(time_index).await?.array_buffer()).await?;
        Ok(Part { base_offset: base, batches, index, time_index })
    }

    /// The newest batches of a segment that end before an offset: about as many as are wanted. How many offsets they
    /// take is not known beforehand, so that is guessed, and guessed again.
    async fn newest(
        &self,
        path: &str,
        base: u64,
        before: u64,
        wanted: usize,
    ) -> Result<Vec<BatchInfo>, Failure> {
        let mut offsets = wanted as u64;
        loop {
            let from = before.saturating_sub(offsets).max(base);
            let mut batches: Vec<BatchInfo> = Vec::new();
            let mut next = Some(from);
            while let Some(offset) = next.filter(|offset| *offset < before) {
                let page = self.get(&format!("{path}/batches?offset={offset}&limit={PAGE}")).await?;
                let (page, more) = answers::batches(&page).map_err(Failure::Unreadable)?;
                next = more.filter(|more| *more > offset && batches.len() < loaded::MOST);
                batches.extend(page);
            }
            batches.retain(|batch| batch.last_offset < before);
            if from == base || batches.len() >= wanted / 4 {
                return Ok(batches);
            }
            offsets = offsets.saturating_mul(8).max(1);
        }
    }

    /// Begins to hear what happens in a partition: behind the event of this id if that is still known, and otherwise
    /// from a snapshot on.
    pub(crate) fn watch(
        &self,
        place: &Place,
        after: Option<String>,
        heard: impl Fn(Heard) + 'static,
    ) -> Watching {
        let (abort, dropped) = (AbortController::new().ok(), Rc::new(Cell::new(false)));
        let watching = Watching { abort: abort.clone(), dropped: dropped.clone() };
        let (client, place) = (self.clone(), place.clone());
        let tell = move |what| {
            if !dropped.get() {
                heard(what);
            }
        };
        spawn_local(async move {
            let failure = match abort {
                Some(abort) => client.listen(&place, after, &abort, &tell).await,
                None => Err(Failure::NoAnswer),
            };
            tell(Heard::Over(failure.err().unwrap_or(Failure::Broken)));
        });
        watching
    }

    async fn listen(
        &self,
        place: &Place,
        after: Option<String>,
        abort: &AbortController,
        tell: &impl Fn(Heard),
    ) -> Result<(), Failure> {
        let header = after.as_deref().map(|id| ("last-event-id", id));
        let signal = abort.signal();
        let ask = Ask { header, signal: Some(&signal), ..Ask::default() };
        let response = self.answer(&format!("{}/events", place.path()), ask).await?;
        let reader = response.body().ok_or(Failure::NotABroker)?.get_reader();
        let reader: ReadableStreamDefaultReader = reader.dyn_into().map_err(|_| Failure::Broken)?;
        tell(if after.is_some() { Heard::Resumed } else { Heard::Loading });
        let mut parser = Parser::default();
        loop {
            let alarm = {
                let abort = abort.clone();
                Timeout::new(SILENCE_MS, move || abort.abort())
            };
            let read = JsFuture::from(reader.read()).await.map_err(|_| Failure::Broken)?;
            drop(alarm);
            let value = Reflect::get(&read, &"value".into()).ok().filter(|value| !value.is_undefined());
            let Some(chunk) = value else { return Ok(()) };
            let messages = parser.push(&Uint8Array::new(&chunk).to_vec());
            let messages = messages.map_err(|_| Failure::Unreadable("the end of an event"))?;
            if !messages.is_empty() {
                self.hear(place, messages, tell).await?;
                breathe().await;
            }
        }
    }

    async fn hear(
        &self,
        place: &Place,
        messages: Vec<Message>,
        tell: &impl Fn(Heard),
    ) -> Result<(), Failure> {
        let (mut happened, mut id, mut unknown) = (Vec::new(), None, 0);
        let mut over = None;
        for message in messages {
            let json = Json::parse(&message.data).map_err(Failure::Unreadable)?;
            match message.event.as_str() {
                "snapshot" => {
                    tell(Heard::Loading);
                    let snapshot = Snapshot::read(&json).map_err(Failure::Unreadable)?;
                    let ends = snapshot.segments.iter().skip(1).map(|segment| segment.base_offset);
                    let ends = ends.chain([snapshot.log_end_offset]);
                    let mut segments: Vec<_> =
                        snapshot.segments.iter().map(|segment| segment.base_offset).zip(ends).collect();
                    segments.reverse();
                    let parts = self.read(place, &segments, loaded::FIRST).await?;
                    tell(Heard::Began(snapshot, parts));
                    (happened, unknown) = (Vec::new(), 0);
                }
                "log" => match events::event(&json) {
                    Ok(event) => happened.push(event),
                    Err(_) => unknown += 1,
                },
                "end" => {
                    let (code, message) = answers::error(&json).ok_or(Failure::Unreadable("error_code"))?;
                    over = Some(Failure::Refused { code, message });
                    break;
                }
                _ => continue,
            }
            id = message.id;
        }
        if id.is_some() {
            tell(Heard::Happened { events: happened, id, unknown });
        }
        over.map_or(Ok(()), Err)
    }
}

/// Lets the page do other things.
async fn breathe() {
    let promise = Promise::new(&mut |resolve, _| {
        // Without a window there is nobody to wait for.
        let _ = window()
            .map(|window| window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, BREATH_MS));
    });
    let _ = JsFuture::from(promise).await;
}

/// An answer that is none of a refusal.
async fn checked(asked: Promise) -> Result<Response, Failure> {
    accepted(received(asked).await?).await
}

async fn received(asked: Promise) -> Result<Response, Failure> {
    let response = JsFuture::from(asked).await.map_err(|_| Failure::NoAnswer)?;
    response.dyn_into().map_err(|_| Failure::NoAnswer)
}

async fn accepted(response: Response) -> Result<Response, Failure> {
    if response.ok() {
        return Ok(response);
    }
    let error = parse(&response).await.ok().as_ref().and_then(answers::error);
    Err(error.map_or(Failure::NotABroker, |(code, message)| Failure::Refused { code, message }))
}

async fn parse(response: &Response) -> Result<Json, Failure> {
    let text = response.text().map_err(|_| Failure::Broken)?;
    let text = JsFuture::from(text).await.map_err(|_| Failure::Broken)?;
    Json::parse(&text.as_string().unwrap_or_default()).map_err(|_| Failure::NotABroker)
}

async fn bytes(buffer: Result<Promise, JsValue>) -> Result<Vec<u8>, Failure> {
    let buffer = JsFuture::from(buffer.map_err(|_| Failure::Broken)?).await.map_err(|_| Failure::Broken)?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

/// Changes of a topic's configs, as the broker takes them.
pub(crate) fn changes(entries: &[(String, String)]) -> String {
    let mut body = String::from("{\"configs\":{");
    for (at, (key, value)) in entries.iter().enumerate() {
        body.push_str(if at > 0 { "," } else { "" });
        quote(&mut body, key);
        body.push(':');
        quote(&mut body, value);
    }
    body + "}}"
}

/// Records of one payload and key, as the broker takes them.
pub(crate) fn records(payload: Option<&str>, key: Option<&str>, count: u32, partition: u32) -> String {
    let mut record = String::from("{\"payload\":");
    match payload {
        Some(payload) => quote(&mut record, payload),
        None => record.push_str("null"),
    }
    if let Some(key) = key {
        record.push_str(",\"key\":");
        quote(&mut record, key);
    }
    record.push_str(&format!(",\"partition\":{partition}}}"));
    let all = vec![record; count as usize].join(",");
    format!("{{\"records\":[{all}]}}")
}
