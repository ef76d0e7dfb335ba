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
use logscope::{Error, Fetched, Record, StoppedBy};
use utoipa::ToSchema;

use super::error::ApiError;
use super::json::BASE64;
use super::record::HeaderSchema;
use super::streamed;
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
    /// Why there is no more: `max_bytes` were full, or what follows has to be fetched by itself; or the log ends here.
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

/// Fetches, and answers in JSON; a large answer goes out piece by piece. Compressed batches are decompressed; if those of
/// one answer would take too much memory, it has fewer of them.
pub(super) async fn answer(
    broker: &Broker,
    from: &TopicPartition,
    mut request: FetchRequest,
    shape: Shape,
) -> Result<Response, ApiError> {
    if let Some(pieces) = broker.pieces(from, &request)
        && let Some(answer) = streamed::json(broker, pieces, shape).await?
    {
        return Ok(answer);
    }
    let mut too_large = u64::MAX;
    loop {
        let FetchAnswer { fetched, log_start_offset, high_watermark } = broker.fetch(from, &request).await?;
        let size = fetched.batches.len() as u64;
        let end = End {
            next_offset: fetched.next_offset,
            log_start_offset,
            high_watermark,
            stopped_by: fetched.stopped_by,
        };
        let mut text = Text::new(shape);
        text.go_on(Vec::new(), fetched.batches.len());
        match text.add_somewhere(broker, fetched).await? {
            // One batch does not get smaller.
            Err(Error::InvalidBatch(BatchError::DecompressedTooLarge { .. })) if size < too_large => {
                too_large = size;
                request.max_bytes = size / 2;
            }
            written => return Ok(super::json_bytes(StatusCode::OK, end.write(written?.out))),
        }
    }
}

/// What an answer ends with.
#[derive(Debug)]
pub(super) struct End {
    pub(super) next_offset: u64,
    pub(super) log_start_offset: u64,
    pub(super) high_watermark: u64,
    pub(super) stopped_by: StoppedBy,
}

impl End {
    /// Ends an answer, behind its last record.
    pub(super) fn write(&self, mut out: Vec<u8>) -> Vec<u8> {
        out.push(b']');
        for (name, number) in [
            (",\"next_offset\":", self.next_offset),
            (",\"log_start_offset\":", self.log_start_offset),
            (",\"high_watermark\":", self.high_watermark),
        ] {
            out.extend_from_slice(name.as_bytes());
            write_number(&mut out, number);
        }
        out.extend_from_slice(b",\"stopped_by\":\"");
        out.extend_from_slice(self.stopped_by.as_str().as_bytes());
        out.extend_from_slice(b"\"}");
        out
    }
}

/// An answer that is being written, up to its end.
#[derive(Debug)]
pub(super) struct Text {
    shape: Shape,
    /// What was written and not taken yet.
    pub(super) out: Vec<u8>,
    begun: bool,
    /// Whether there is a record already.
    any: bool,
    /// How many bytes compressed batches may still unpack to.
    unpacked: u64,
}

impl Text {
    pub(super) fn new(shape: Shape) -> Self {
        Self { shape, out: Vec::new(), begun: false, any: false, unpacked: MAX_DECOMPRESSED }
    }

    /// Writes on in an empty `room`, about so many bytes of batches.
    pub(super) fn go_on(&mut self, room: Vec<u8>, size: usize) {
        self.out = room;
        self.out.reserve(size + size / 2 + 256);
        if !std::mem::replace(&mut self.begun, true) {
            self.out.extend_from_slice(b"{\"records\":[");
        }
    }

    /// Adds records here and now, if that is quickly done.
    ///
    /// # Errors
    /// If a batch is damaged or unpacks to too much: the inner one.
    pub(super) async fn add_somewhere(
        mut self,
        broker: &Broker,
        fetched: Fetched,
    ) -> Result<Result<Self, Error>, ApiError> {
        if fetched.batches.len() <= LARGE {
            let before = (self.out.len(), self.any);
            match self.add(&fetched) {
                Err(BatchError::Compressed(_)) => {
                    self.out.truncate(before.0);
                    self.any = before.1;
                }
                added => {
                    broker.give_back(fetched.batches);
                    return Ok(added.map(|()| self).map_err(Error::from));
                }
            }
        }
        let work = move || {
            let size = fetched.batches.len();
            let fetched = fetched.decompress(self.unpacked)?;
            if fetched.batches.len() > size {
                self.unpacked = self.unpacked.saturating_sub(fetched.batches.len() as u64);
            }
            self.add(&fetched)?;
            Ok(self)
        };
        let added = tokio::task::spawn_blocking(work).await;
        added.map_err(|error| ApiError::internal(&error))
    }

    fn add(&mut self, fetched: &Fetched) -> Result<(), BatchError> {
        for record in fetched.records() {
            if std::mem::replace(&mut self.any, true) {
                self.out.push(b',');
            }
            write_record(&mut self.out, &record?, self.shape);
        }
        Ok(())
    }
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
#[inline]
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
