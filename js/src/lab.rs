//! The class `Lab`: the log under a magnifying glass.

use js_sys::{Array, Reflect, Uint8Array};
use logscope::lab::{Event, FetchedRecord, sentence};
use logscope::storage::{File, MemoryStorage, Storage};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

use crate::convert::{self, bytes_or_null, number, object};
use crate::engine::Result;
use crate::error::Failure;

/// A laboratory with one log in memory, on a clock of its own. It runs scenarios, and tells each step that the log
/// takes.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Lab {
    lab: logscope::lab::Lab<MemoryStorage>,
}

impl Default for Lab {
    fn default() -> Self {
        Self { lab: logscope::lab::Lab::new(MemoryStorage::new()) }
    }
}

#[wasm_bindgen]
impl Lab {
    /// A laboratory with an empty log.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs one line of a scenario. What the log refuses is an event; what is no line of a scenario is thrown.
    #[wasm_bindgen(unchecked_return_type = "LabOutcome")]
    pub fn run(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "string")] line: &JsValue,
    ) -> Result<JsValue, Failure> {
        let line = convert::string(line, "a line")?;
        let outcome = self.lab.run_line(&line).map_err(|error| Failure::Scenario(error.to_string()))?;
        let events: Array = outcome.events.iter().map(event_object).collect::<Result<_>>()?;
        let records: Array = outcome.records.iter().map(record_object).collect();
        Ok(object([("events", events.into()), ("records", records.into())]))
    }

    /// The laboratory's clock, in milliseconds since 1970.
    #[wasm_bindgen(getter)]
    pub fn now(&self) -> f64 {
        self.lab.now_ms() as f64
    }

    /// The files, by name, with their sizes in bytes, what is not durable yet included.
    #[wasm_bindgen(unchecked_return_type = "LogFile[]")]
    pub fn files(&self) -> Result<JsValue, Failure> {
        let storage = self.lab.storage();
        let mut names = storage.list()?;
        names.sort_unstable();
        let sized = names.into_iter().map(|name| {
            let size = storage.open(&name)?.len()?;
            Ok((name, size))
        });
        Ok(convert::file_objects(&sized.collect::<Result<Vec<_>>>()?))
    }

    /// The bytes of a file as they are now.
    #[wasm_bindgen(js_name = readFile, unchecked_return_type = "Uint8Array")]
    pub fn read_file(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] name: &JsValue,
    ) -> Result<JsValue, Failure> {
        let name = convert::string(name, "a file's name")?;
        let bytes = self.lab.storage().contents(&name);
        bytes.map(|bytes| Uint8Array::from(&bytes[..]).into()).ok_or(Failure::NotFound(name))
    }
}

/// The event as the broker's stream of events has it, with a sentence that says it.
fn event_object(event: &Event) -> Result<JsValue> {
    let text = JsValue::from;
    let fields = match event {
        Event::Log(event) => {
            let serializer = Serializer::new()
                .serialize_large_number_types_as_bigints(true)
                .serialize_missing_as_null(true);
            event.serialize(&serializer).map_err(|error| Failure::Argument(error.to_string()))?
        }
        Event::Crashed { files, lost, kept, index_lost } => object([
            ("event", text("Crashed")),
            ("files", convert::file_objects(files)),
            ("lost", (*lost).into()),
            ("kept", (*kept).into()),
            ("index_lost", (*index_lost).into()),
        ]),
        Event::ClockMoved { ms, now_ms } => {
            object([("event", text("ClockMoved")), ("ms", (*ms).into()), ("now_ms", (*now_ms).into())])
        }
        Event::Closed => object([("event", text("Closed"))]),
        Event::Reset => object([("event", text("Reset"))]),
        Event::ConfigChanged { key, value, was } => object([
            ("event", text("ConfigChanged")),
            ("key", text(key)),
            ("value", text(value)),
            ("was", text(was)),
        ]),
        Event::ByteFlipped { file, position } => {
            object([("event", text("ByteFlipped")), ("file", text(file)), ("position", (*position).into())])
        }
        Event::FileLost { file } => object([("event", text("FileLost")), ("file", text(file))]),
        Event::DiskLimited { limit, used } => object([
            ("event", text("DiskLimited")),
            ("limit", limit.map_or(JsValue::NULL, JsValue::from)),
            ("used", (*used).into()),
        ]),
        Event::SyncWillFail => object([("event", text("SyncWillFail"))]),
        Event::DiskFull { files, limit, after } => object([
            ("event", text("DiskFull")),
            ("files", convert::file_objects(files)),
            ("limit", (*limit).into()),
            ("after", text(&format!("{after:?}"))),
        ]),
        Event::SyncFailed { files, lost, after } => object([
            ("event", text("SyncFailed")),
            ("files", convert::file_objects(files)),
            ("lost", (*lost).into()),
            ("after", text(&format!("{after:?}"))),
        ]),
        Event::FlushDue { key, reached, limit } => object([
            ("event", text("FlushDue")),
            ("key", text(key)),
            ("reached", (*reached).into()),
            ("limit", (*limit).into()),
        ]),
        Event::Refused { message } => object([("event", text("Refused")), ("message", text(message))]),
    };
    let _ = Reflect::set(&fields, &"sentence".into(), &sentence(event).into());
    Ok(fields)
}

fn record_object(record: &FetchedRecord) -> JsValue {
    object([
        ("offset", record.offset.into()),
        ("timestamp", number(record.timestamp as u64)),
        ("key", bytes_or_null(record.key.as_deref())),
        ("value", bytes_or_null(record.value.as_deref())),
    ])
}
