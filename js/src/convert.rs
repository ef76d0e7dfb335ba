//! From JavaScript's values and to them.

use std::ops::RangeInclusive;

use js_sys::{Array, BigInt, Number, Object, Reflect, Uint8Array};
use logscope::log::CompactionReport;
use logscope::record::{Header, NO_PRODUCER, NewRecord, Producer, Record};
use logscope::{Appended, LogConfig, RecoveryReport, SegmentInfo};
use wasm_bindgen::{JsCast, JsValue};

use crate::engine::Result;
use crate::error::Failure;
use crate::kept::Home;

/// The largest integer that a number holds exactly.
pub(crate) const MAX_SAFE: i64 = (1 << 53) - 1;

fn argument<T>(message: String) -> Result<T> {
    Err(Failure::Argument(message))
}

/// A number or a bigint, as JavaScript writes it.
fn written(value: &JsValue) -> Option<String> {
    let text = match value.dyn_ref::<BigInt>() {
        Some(integer) => integer.to_string(10).ok()?,
        None => Number::from(value.as_f64()?).to_string_with_radix(10).ok()?,
    };
    Some(text.into())
}

/// A value as an error shows it: short, whatever it is.
fn shown(value: &JsValue) -> String {
    if let Some(number) = written(value) {
        return if value.is_bigint() { number + "n" } else { number };
    }
    if let Some(text) = value.as_string() {
        return format!("the string {text:?}").chars().take(60).collect();
    }
    match value {
        value if value.is_undefined() => "undefined",
        value if value.is_null() => "null",
        value if Array::is_array(value) => "an array",
        value if value.is_function() => "a function",
        value if value.is_object() => "an object",
        _ => "something else",
    }
    .to_owned()
}

/// An offset.
pub(crate) fn offset(value: &JsValue) -> Result<u64> {
    if value.is_bigint()
        && let Ok(offset) = u64::try_from(value.clone())
    {
        return Ok(offset);
    }
    argument(format!("an offset is a bigint from 0n on, not {}", shown(value)))
}

/// A number without a fraction.
pub(crate) fn whole(value: &JsValue, what: &str, range: RangeInclusive<i64>) -> Result<i64> {
    let number = value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() <= MAX_SAFE as f64);
    match number.map(|number| number as i64).filter(|number| range.contains(number)) {
        Some(number) => Ok(number),
        None => {
            let (min, max) = range.into_inner();
            argument(format!("{what} is a whole number from {min} to {max}, not {}", shown(value)))
        }
    }
}

/// Milliseconds since 1970. What the engine does not take it refuses itself.
pub(crate) fn time(value: &JsValue, what: &str) -> Result<i64> {
    whole(value, what, -MAX_SAFE..=MAX_SAFE)
}

/// A time, or now.
pub(crate) fn time_or_now(value: &JsValue) -> Result<i64> {
    if value.is_undefined() { Ok(js_sys::Date::now() as i64) } else { time(value, "`now`") }
}

/// Text as UTF-8, or bytes as they are.
pub(crate) fn bytes(value: &JsValue, what: &str) -> Result<Vec<u8>> {
    if let Some(text) = value.as_string() {
        return Ok(text.into_bytes());
    }
    match value.dyn_ref::<Uint8Array>() {
        Some(bytes) => Ok(bytes.to_vec()),
        None => argument(format!("{what} is a string or a Uint8Array, not {}", shown(value))),
    }
}

fn nullable(value: &JsValue, what: &str) -> Result<Option<Vec<u8>>> {
    if value.is_null() {
        return Ok(None);
    }
    if value.is_undefined() || !(value.is_string() || value.is_instance_of::<Uint8Array>()) {
        return argument(format!("{what} is a string, a Uint8Array or null, not {}", shown(value)));
    }
    bytes(value, what).map(Some)
}

pub(crate) fn string(value: &JsValue, what: &str) -> Result<String> {
    match value.as_string() {
        Some(text) => Ok(text),
        None => argument(format!("{what} is a string, not {}", shown(value))),
    }
}

/// The fields of an object, in its order. Those that are `undefined` are not there.
fn fields(value: &JsValue, what: &str) -> Result<Vec<(String, JsValue)>> {
    let plain = value.is_object() && !Array::is_array(value) && !value.is_instance_of::<Uint8Array>();
    let Some(object) = value.dyn_ref::<Object>().filter(|_| plain) else {
        return argument(format!("{what} is an object, not {}", shown(value)));
    };
    let entries = Object::entries(object).into_iter().map(|entry| {
        let entry = Array::from(&entry);
        (entry.get(0).as_string().unwrap_or_default(), entry.get(1))
    });
    Ok(entries.filter(|(_, value)| !value.is_undefined()).collect())
}

fn unknown<T>(what: &str, field: &str, known: &str) -> Result<T> {
    argument(format!("{what} has no field {field:?}; there are {known}"))
}

/// What `PartitionLog.open` is given.
pub(crate) fn open_options(value: &JsValue) -> Result<(Home, LogConfig)> {
    let (mut name, mut files, mut config) = (None, None, LogConfig::default());
    let given = if value.is_undefined() { Vec::new() } else { fields(value, "what `open` takes")? };
    for (field, value) in given {
        match field.as_str() {
            "indexedDb" => name = Some(string(&value, "`indexedDb`")?),
            "files" => {
                let content = |(name, value): (String, JsValue)| {
                    let content = bytes(&value, "a file's content")?;
                    Ok((name, content))
                };
                files = Some(fields(&value, "`files`")?.into_iter().map(content).collect::<Result<_>>()?);
            }
            "config" => set_configs(&mut config, &value)?,
            field => return unknown("what `open` takes", field, "indexedDb, files, config"),
        }
    }
    match (name, files) {
        (Some(_), Some(_)) => argument("a log is in IndexedDB or made of files, not both".to_owned()),
        (Some(name), None) => Ok((Home::IndexedDb(name), config)),
        (None, files) => Ok((Home::Memory(files.unwrap_or_default()), config)),
    }
}

/// Takes configs by Kafka's keys. Whether their values make sense the engine says.
pub(crate) fn set_configs(config: &mut LogConfig, value: &JsValue) -> Result<()> {
    for (key, value) in fields(value, "`config`")? {
        let text = match written(&value) {
            Some(number) => number,
            None => string(&value, "a config's value, unless it is a number,")?,
        };
        config.set(&key, &text)?;
    }
    Ok(())
}

/// A record that owns what JavaScript has given.
#[derive(Debug, Default)]
pub(crate) struct GivenRecord {
    timestamp: Option<i64>,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<GivenHeader>,
}

/// Its key and its value.
type GivenHeader = (Vec<u8>, Option<Vec<u8>>);

impl GivenRecord {
    pub(crate) fn headers(&self) -> Vec<Header<'_>> {
        self.headers.iter().map(|(key, value)| Header { key, value: value.as_deref() }).collect()
    }

    pub(crate) fn record<'a>(&'a self, headers: &'a [Header<'a>]) -> NewRecord<'a> {
        let (key, value) = (self.key.as_deref(), self.value.as_deref());
        NewRecord { timestamp: self.timestamp, key, value, headers }
    }
}

/// One record, or an array of them.
pub(crate) fn records(value: &JsValue) -> Result<Vec<GivenRecord>> {
    match value.dyn_ref::<Array>() {
        Some(records) => records.iter().map(|value| record(&value)).collect(),
        None => Ok(vec![record(value)?]),
    }
}

fn record(value: &JsValue) -> Result<GivenRecord> {
    let (mut record, mut has_value) = (GivenRecord::default(), false);
    for (field, value) in fields(value, "a record")? {
        match field.as_str() {
            "key" => record.key = nullable(&value, "a record's key")?,
            "value" => {
                record.value = nullable(&value, "a record's value")?;
                has_value = true;
            }
            "headers" => record.headers = headers(&value)?,
            "timestamp" => record.timestamp = Some(time(&value, "a record's timestamp")?),
            // So that what was fetched can be appended; the log gives it another.
            "offset" => {}
            field => return unknown("a record", field, "key, value, headers, timestamp"),
        }
    }
    match has_value {
        true => Ok(record),
        // A tombstone deletes: nobody should write one by forgetting something.
        false => {
            argument("a record has no value; one that is meant to have none says `value: null`".to_owned())
        }
    }
}

fn headers(value: &JsValue) -> Result<Vec<GivenHeader>> {
    let Some(headers) = value.dyn_ref::<Array>() else {
        return argument(format!(
            "a record's headers are an array of {{ key, value }}, not {}",
            shown(value)
        ));
    };
    let header = |header: JsValue| {
        let (mut key, mut value) = (None, None);
        for (field, given) in fields(&header, "a header")? {
            match field.as_str() {
                "key" => key = Some(bytes(&given, "a header's key")?),
                "value" => value = Some(nullable(&given, "a header's value")?),
                field => return unknown("a header", field, "key, value"),
            }
        }
        match (key, value) {
            (Some(key), Some(value)) => Ok((key, value)),
            _ => argument("a header has a key and a value, which may be null".to_owned()),
        }
    };
    headers.iter().map(header).collect()
}

/// What an append is given beside its records: who produces, and what time it is.
pub(crate) fn append_options(value: &JsValue) -> Result<(Producer, i64)> {
    let (mut producer, mut now) = (NO_PRODUCER, JsValue::UNDEFINED);
    let given = if value.is_undefined() { Vec::new() } else { fields(value, "what an append takes")? };
    for (field, value) in given {
        match field.as_str() {
            "producer" => producer = self::producer(&value)?,
            "now" => now = value,
            field => return unknown("what an append takes", field, "producer, now"),
        }
    }
    Ok((producer, time_or_now(&now)?))
}

fn producer(value: &JsValue) -> Result<Producer> {
    let (mut id, mut epoch, mut sequence) = (None, None, None);
    for (field, value) in fields(value, "a producer")? {
        match field.as_str() {
            "id" => match i64::try_from(value.clone()) {
                Ok(given) if given >= 0 && value.is_bigint() => id = Some(given),
                _ => {
                    return argument(format!(
                        "a producer's id is a bigint from 0n on, not {}",
                        shown(&value)
                    ));
                }
            },
            "epoch" => epoch = Some(whole(&value, "a producer's epoch", 0..=i16::MAX.into())? as i16),
            "baseSequence" => sequence = Some(whole(&value, "a base sequence", 0..=i32::MAX.into())? as i32),
            field => return unknown("a producer", field, "id, epoch, baseSequence"),
        }
    }
    match (id, epoch, sequence) {
        (Some(id), Some(epoch), Some(base_sequence)) => Ok(Producer { id, epoch, base_sequence }),
        _ => argument("a producer has an id, an epoch and a baseSequence".to_owned()),
    }
}

/// A plain object.
pub(crate) fn object<const N: usize>(fields: [(&str, JsValue); N]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        // A fresh object takes any field.
        let _ = Reflect::set(&object, &name.into(), &value);
    }
    object.into()
}

/// Makes objects of records. The names of their fields are made once.
pub(crate) struct RecordMaker {
    names: [JsValue; 5],
}

impl RecordMaker {
    pub(crate) fn new() -> Self {
        Self { names: ["offset", "timestamp", "key", "value", "headers"].map(JsValue::from) }
    }

    pub(crate) fn make(&self, record: &Record<'_>) -> JsValue {
        let headers: Array = record.headers.map(header_object).collect();
        let values = [
            record.offset.into(),
            (record.timestamp as f64).into(),
            bytes_or_null(record.key),
            bytes_or_null(record.value),
            headers.into(),
        ];
        let object = Object::new();
        for (name, value) in self.names.iter().zip(&values) {
            let _ = Reflect::set(&object, name, value);
        }
        object.into()
    }
}

fn header_object(header: Header<'_>) -> JsValue {
    // Bytes that are no text stay bytes, rather than become another name.
    let key = match std::str::from_utf8(header.key) {
        Ok(text) => text.into(),
        Err(_) => Uint8Array::from(header.key).into(),
    };
    object([("key", key), ("value", bytes_or_null(header.value))])
}

pub(crate) fn bytes_or_null(bytes: Option<&[u8]>) -> JsValue {
    bytes.map_or(JsValue::NULL, |bytes| Uint8Array::from(bytes).into())
}

pub(crate) fn appended_object(appended: &Appended) -> JsValue {
    object([
        ("baseOffset", appended.base_offset.into()),
        ("lastOffset", appended.last_offset.into()),
        ("segment", appended.segment.into()),
        ("position", number(appended.position)),
        ("size", appended.size.into()),
        ("duplicate", appended.duplicate.into()),
    ])
}

pub(crate) fn segment_objects(segments: &[SegmentInfo]) -> JsValue {
    let object = |segment: &SegmentInfo| {
        object([
            ("baseOffset", segment.base_offset.into()),
            ("size", number(segment.size)),
            ("indexEntries", segment.index_entries.into()),
            ("timeIndexEntries", segment.time_index_entries.into()),
        ])
    };
    segments.iter().map(object).collect::<Array>().into()
}

pub(crate) fn compaction_object(report: &CompactionReport) -> JsValue {
    object([
        ("recordsRemoved", number(report.records_removed)),
        ("segmentsBefore", report.segments.0.into()),
        ("segmentsAfter", report.segments.1.into()),
        ("bytesBefore", number(report.bytes.0)),
        ("bytesAfter", number(report.bytes.1)),
        ("firstDirtyOffset", report.first_dirty_offset.into()),
    ])
}

pub(crate) fn recovery_object(report: &RecoveryReport) -> JsValue {
    let cut = report.tail_cut.as_ref().map_or(JsValue::NULL, |cut| {
        object([
            ("file", (&cut.file).into()),
            ("position", number(cut.position)),
            ("bytes", number(cut.bytes)),
            ("reason", cut.reason.to_string().into()),
        ])
    });
    let scanned: Array = report.scanned_segments.iter().map(|base| JsValue::from(*base)).collect();
    let removed: Array = report.removed_files.iter().map(JsValue::from).collect();
    object([
        ("clean", report.clean.into()),
        ("segments", report.segments.into()),
        ("scannedSegments", scanned.into()),
        ("batches", number(report.batches)),
        ("bytes", number(report.bytes)),
        ("tailCut", cut),
        ("rebuiltIndexes", report.rebuilt_indexes.len().into()),
        ("removedFiles", removed.into()),
    ])
}

pub(crate) fn configs_object(config: &LogConfig) -> JsValue {
    let configs = Object::new();
    for (key, value) in config.entries() {
        let _ = Reflect::set(&configs, &key.into(), &value.into());
    }
    configs.into()
}

pub(crate) fn file_objects(files: &[(String, u64)]) -> JsValue {
    let object = |(name, size): &(String, u64)| object([("name", name.into()), ("size", number(*size))]);
    files.iter().map(object).collect::<Array>().into()
}

/// A size, a position or a count: in a page's memory they are far below 2^53.
pub(crate) fn number(value: u64) -> JsValue {
    JsValue::from_f64(value as f64)
}
