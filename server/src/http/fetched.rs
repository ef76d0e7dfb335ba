//! What a fetch answers in JSON: records on their way out, for all routes that give any.
//!
//! Written by hand, straight from the batches' bytes: no value is built in between, and a text is looked at eight bytes
//! at a time. Every test that reads an answer checks this with another JSON library.
//!
//! Invariant: bytes that are UTF-8 come as text, under their own name; others as base64, with `_base64` behind it.

use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine;
use logscope::record::BatchError;
use logscope::{Error, Record};
use utoipa::ToSchema;

use super::error::ApiError;
use super::json::BASE64;
use super::record::HeaderSchema;
use super::written::{is_plain_ascii, write_number, write_text};
use crate::broker::{Broker, FETCH_MAX_BYTES, FetchAnswer, FetchRequest, TopicPartition};

/// The most bytes of records, decompressed, in one answer.
const MAX_DECOMPRESSED: u64 = FETCH_MAX_BYTES;
/// An answer of more bytes of batches than this is written on a thread that may take its time.
const LARGE: usize = 1 << 20;

/// Which fields of a record an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Offset and payload.
    Simple,
    /// All of them.
    Full,
}

/// Records from an offset on.
#[derive(ToSchema)]
#[schema(as = Fetched)]
#[expect(dead_code, reason = "describes what is written by hand")]
pub(super) struct FetchedSchema<R: ToSchema> {
    records: Vec<R>,
    /// Where to go on.
    next_offset: u64,
    /// The first offset in the log.
    log_start_offset: u64,
    /// The offset below which records can be fetched.
    high_watermark: u64,
    /// Why there is no more: `max_bytes` were full, or the log ends here.
    #[schema(example = "log_end")]
    stopped_by: String,
}

/// A record, as `GET /fetch` gives it.
#[derive(ToSchema)]
#[schema(as = SimpleRecord, example = json!({"offset": 0, "payload": "hello"}))]
#[expect(dead_code, reason = "describes what is written by hand")]
pub(super) struct SimpleRecordSchema {
    offset: u64,
    /// Null is a tombstone. It is not there if it is not UTF-8.
    payload: Option<String>,
    /// In its place, if it is not UTF-8.
    #[schema(nullable = false)]
    payload_base64: Option<String>,
}

/// A record.
#[derive(ToSchema)]
#[schema(
    as = Record,
    example = json!({"offset": 0, "timestamp": 1767225600000i64, "key": "user-1", "payload": "hello"})
)]
#[expect(dead_code, reason = "describes what is written by hand")]
pub(super) struct RecordSchema {
    offset: u64,
    /// Milliseconds since the Unix epoch.
    timestamp: i64,
    /// Null if the record has none. It is not there if it is not UTF-8.
    key: Option<String>,
    /// In its place, if it is not UTF-8.
    #[schema(nullable = false)]
    key_base64: Option<String>,
    /// Null is a tombstone. It is not there if it is not UTF-8.
    payload: Option<String>,
    /// In its place, if it is not UTF-8.
    #[schema(nullable = false)]
    payload_base64: Option<String>,
    /// Not there if there are none.
    #[schema(nullable = false)]
    headers: Option<Vec<HeaderSchema>>,
}

/// Fetches, and answers in JSON. Compressed batches are decompressed; if those of one answer would take too much memory,
/// it has fewer of them.
pub(super) async fn answer(
    broker: &Broker,
    from: &TopicPartition,
    mut request: FetchRequest,
    shape: Shape,
) -> Result<Response, ApiError> {
    let mut too_large = u64::MAX;
    loop {
        let answer = broker.fetch(from, &request).await?;
        let size = answer.fetched.batches.len() as u64;
        match write_somewhere(broker, answer, shape).await? {
            // One batch does not get smaller.
            Err(Error::InvalidBatch(BatchError::DecompressedTooLarge { .. })) if size < too_large => {
                too_large = size;
                request.max_bytes = size / 2;
            }
            written => return Ok(super::json_bytes(StatusCode::OK, written?)),
        }
    }
}

/// Writes here and now what is quickly written.
async fn write_somewhere(
    broker: &Broker,
    answer: FetchAnswer,
    shape: Shape,
) -> Result<Result<Vec<u8>, Error>, ApiError> {
    if answer.fetched.batches.len() <= LARGE {
        match write(&answer, shape) {
            Err(Error::InvalidBatch(BatchError::Compressed(_))) => {}
            written => {
                broker.give_back(answer.fetched.batches);
                return Ok(written);
            }
        }
    }
    let work = move || {
        let FetchAnswer { fetched, log_start_offset, high_watermark } = answer;
        let fetched = fetched.decompress(MAX_DECOMPRESSED)?;
        write(&FetchAnswer { fetched, log_start_offset, high_watermark }, shape)
    };
    let written = tokio::task::spawn_blocking(work).await;
    written.map_err(|error| ApiError::internal(&error))
}

fn write(answer: &FetchAnswer, shape: Shape) -> Result<Vec<u8>, Error> {
    let FetchAnswer { fetched, log_start_offset, high_watermark } = answer;
    let mut out = Vec::with_capacity(fetched.batches.len() + fetched.batches.len() / 2 + 256);
    out.extend_from_slice(b"{\"records\":[");
    let mut separator: &[u8] = b"";
    for record in fetched.records() {
        out.extend_from_slice(separator);
        write_record(&mut out, &record?, shape);
        separator = b",";
    }
    out.push(b']');
    for (name, number) in [
        (",\"next_offset\":", fetched.next_offset),
        (",\"log_start_offset\":", *log_start_offset),
        (",\"high_watermark\":", *high_watermark),
    ] {
        out.extend_from_slice(name.as_bytes());
        write_number(&mut out, number);
    }
    out.extend_from_slice(b",\"stopped_by\":\"");
    out.extend_from_slice(fetched.stopped_by.as_str().as_bytes());
    out.extend_from_slice(b"\"}");
    Ok(out)
}

/// Appends a record's JSON object.
pub(super) fn write_record(out: &mut Vec<u8>, record: &Record<'_>, shape: Shape) {
    out.extend_from_slice(b"{\"offset\":");
    write_number(out, record.offset);
    if shape == Shape::Full {
        out.extend_from_slice(b",\"timestamp\":");
        if record.timestamp < 0 {
            out.push(b'-');
        }
        write_number(out, record.timestamp.unsigned_abs());
        write_bytes(out, b",\"key", record.key);
    }
    write_bytes(out, b",\"payload", record.value);
    if shape == Shape::Full {
        let mut headers = record.headers.enumerate().peekable();
        let any = headers.peek().is_some();
        for (at, header) in headers {
            out.extend_from_slice(if at == 0 { &b",\"headers\":[{"[..] } else { b",{" });
            out.extend_from_slice(b"\"name\":");
            // Kafka's format has names of headers as text; what another producer wrote may yet be anything.
            write_text(out, &String::from_utf8_lossy(header.key));
            write_bytes(out, b",\"value", header.value);
            out.push(b'}');
        }
        if any {
            out.push(b']');
        }
    }
    out.push(b'}');
}

/// Appends a field whose name is opened already: text, null, or base64 under another name.
fn write_bytes(out: &mut Vec<u8>, name: &[u8], bytes: Option<&[u8]>) {
    out.extend_from_slice(name);
    let Some(bytes) = bytes else {
        out.extend_from_slice(b"\":null");
        return;
    };
    if is_plain_ascii(bytes) {
        out.extend_from_slice(b"\":\"");
        out.extend_from_slice(bytes);
        out.push(b'"');
        return;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            out.extend_from_slice(b"\":");
            write_text(out, text);
        }
        Err(_) => {
            out.extend_from_slice(b"_base64\":\"");
            out.extend_from_slice(BASE64.encode(bytes).as_bytes());
            out.push(b'"');
        }
    }
}
