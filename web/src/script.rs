//! What a script may ask the page for: `import("./logscope_web.js")`. `static/console.js` makes `window.logscope` of it.
//!
//! Invariant: what changes the log, or reads records, is an action of the page like any other.

#![expect(unreachable_pub, reason = "what is exported to JavaScript is public there")]

use std::cell::RefCell;

use js_sys::{Array, Error, Function, Object, Promise, Reflect, Uint8Array};
use logscope::lab::{Event, FetchedRecord, TopicEvent, topic_sentence};
use logscope::log::Event as LogEvent;
use wasm_bindgen::prelude::*;
use yew::html::Scope;

use crate::app::{App, Msg};
use crate::parts::{self, Part};
use crate::state::Group;
use crate::text;

thread_local! {
    /// The page that is asked.
    static PAGE: RefCell<Option<Scope<App>>> = const { RefCell::new(None) };
}

/// Lets scripts ask this page.
pub(crate) fn answer_for(page: &Scope<App>) {
    PAGE.set(Some(page.clone()));
}

fn page() -> Result<Scope<App>, JsValue> {
    PAGE.with_borrow(Clone::clone).ok_or_else(|| Error::new("the page has not begun yet").into())
}

/// A command that a script runs, and where its answer goes.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) line: String,
    resolve: Function,
    reject: Function,
}

impl Asked {
    /// What the command came to; an error if the log refused it.
    pub(crate) fn answer(&self, outcome: Result<JsValue, String>) {
        // Whoever waits for a promise throws nothing into the function that keeps it.
        let _ = match outcome {
            Ok(value) => self.resolve.call1(&JsValue::UNDEFINED, &value),
            Err(reason) => self.reject.call1(&JsValue::UNDEFINED, &Error::new(&reason)),
        };
    }
}

/// Runs a line in the page. The promise is kept when what it changed is: with `command`, `steps` in words, and what an
/// append or a fetch came to.
#[wasm_bindgen]
pub fn run_line(line: String) -> Promise {
    Promise::new(&mut |resolve, reject| match page() {
        Ok(page) => page.send_message(Msg::Asked(Asked { line: line.clone(), resolve, reject })),
        Err(error) => drop(reject.call1(&JsValue::UNDEFINED, &error)),
    })
}

/// What the page shows of its log: offsets, segments, files and configs.
#[wasm_bindgen]
pub fn shown() -> Result<JsValue, JsValue> {
    let page = page()?;
    let app = page.get_component().ok_or("the page is busy")?;
    let (log, (files, settings)) = (&app.picture().log, app.files_and_settings());
    let segments = log.segments.iter().map(|segment| {
        object([
            ("baseOffset", segment.base_offset.into()),
            ("size", number(segment.size)),
            ("indexEntries", segment.index.len().into()),
            ("timeIndexEntries", segment.time_index.len().into()),
        ])
    });
    let files = files.into_iter().map(|(name, bytes)| {
        object([
            ("name", name.into()),
            ("size", bytes.len().into()),
            ("bytes", Uint8Array::from(&bytes[..]).into()),
        ])
    });
    let configs = Object::new();
    for (key, value) in settings.config {
        Reflect::set(&configs, &key.into(), &value.into())?;
    }
    Ok(object([
        ("logStartOffset", log.log_start_offset.into()),
        ("highWatermark", log.high_watermark.into()),
        ("logEndOffset", log.log_end_offset.into()),
        ("segments", segments.collect::<Array>().into()),
        ("files", files.collect::<Array>().into()),
        ("configs", configs.into()),
    ]))
}

/// What a command did, for a script.
///
/// # Errors
/// Why the log refused it.
pub(crate) fn outcome(group: &Group) -> Result<JsValue, String> {
    let mut fields = vec![("command", JsValue::from(&*group.command))];
    if let Some(TopicEvent::Refused { message }) = group.events.last() {
        return Err(message.clone());
    }
    for event in group.events.iter().filter_map(TopicEvent::of_log) {
        match event {
            Event::Refused { message } => return Err(message.clone()),
            Event::Log(LogEvent::BatchAppended { batch }) => fields.push((
                "appended",
                object([
                    ("baseOffset", batch.base_offset.into()),
                    ("lastOffset", batch.last_offset.into()),
                    ("segment", batch.segment.into()),
                    ("position", number(batch.position)),
                    ("size", batch.size.into()),
                    ("duplicate", false.into()),
                ]),
            )),
            Event::Log(LogEvent::DuplicateFound { base_offset, last_offset, .. }) => fields.push((
                "appended",
                object([
                    ("baseOffset", (*base_offset).into()),
                    ("lastOffset", (*last_offset).into()),
                    ("segment", 0_u64.into()),
                    ("position", 0.into()),
                    ("size", 0.into()),
                    ("duplicate", true.into()),
                ]),
            )),
            Event::Log(LogEvent::FetchStopped { by, used, next_offset, .. }) => {
                let records = group.records.iter().flat_map(|records| records.iter());
                fields.push((
                    "fetched",
                    object([
                        ("records", records.map(record).collect::<Array>().into()),
                        ("nextOffset", (*next_offset).into()),
                        ("stoppedBy", by.as_str().into()),
                        ("size", number(*used)),
                    ]),
                ));
            }
            _ => {}
        }
    }
    let steps = group.events.iter().map(|event| JsValue::from(topic_sentence(event)));
    fields.push(("steps", steps.collect::<Array>().into()));
    Ok(object(fields))
}

fn record(record: &FetchedRecord) -> JsValue {
    let bytes = |bytes: &Option<Vec<u8>>| match bytes {
        Some(bytes) => Uint8Array::from(&bytes[..]).into(),
        None => JsValue::NULL,
    };
    object([
        ("offset", record.offset.into()),
        ("timestamp", (record.timestamp as f64).into()),
        ("key", bytes(&record.key)),
        ("value", bytes(&record.value)),
    ])
}

fn object(fields: impl IntoIterator<Item = (&'static str, JsValue)>) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        // It fails only for an object that is frozen.
        let _ = Reflect::set(&object, &name.into(), &value);
    }
    object.into()
}

/// Sizes and positions in a page stay far below 2^53.
fn number(size: u64) -> JsValue {
    (size as f64).into()
}

/// Runs a scenario on a log of its own, past lines that are refused, and returns the hash of all files that it leaves,
/// in 16 hexadecimal digits. The engine gives the same natively: the bytes are the same.
#[wasm_bindgen]
pub async fn fingerprint_of(scenario: String) -> Result<String, String> {
    parts::load(Part::Commands).await;
    let part = parts::commands().ok_or(text::PART_FAILED)?;
    (part.fingerprint)(&scenario)
}
