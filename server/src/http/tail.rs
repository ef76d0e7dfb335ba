//! `GET /topics/{t}/partitions/{p}/tail`: records as they come, as server-sent events.
//!
//! ```text
//! event: record
//! id: 7
//! data: {"offset":7,"timestamp":1767225600000,"key":null,"payload":"hello"}
//! ```
//!
//! `?offset=` is a number, `earliest` or `latest` (the default: what is produced from now on). A client that comes back
//! with `Last-Event-ID` goes on behind that record. The log itself is the buffer of a slow client: it is read
//! when the connection has room, and a client that retention overtakes is told `OFFSET_OUT_OF_RANGE`.

use std::time::Duration;
use std::vec;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::Event;
use logscope::Record;

use super::error::{ApiError, Error};
use super::fetched::{Shape, write_record};
use super::path::PartitionPath;
use super::query::{MAX_I64, Query, whole};
use super::records::{Offset, named_offset, offset};
use super::streams::{self, Place, Streams};
use crate::broker::{Broker, BrokerError, FetchRequest, MAX_WAIT, TopicPartition};

/// How many bytes of batches are read at a time, and so about how much memory a tail takes while it sends.
const READ_BYTES: u64 = 32 << 10;
/// How much the records of one read may take once they are decompressed.
const DECOMPRESSED_BYTES: u64 = 64 << 20;

/// One client's place in the log.
#[derive(Debug)]
struct Tail {
    broker: Broker,
    from: TopicPartition,
    request: FetchRequest,
    /// What was read and not sent yet.
    ready: vec::IntoIter<Event>,
    ended: bool,
    _place: Place,
}

/// Sends records as they come, as server-sent events.
///
/// Each is an event `record` whose id is the offset. What ends the stream, but for the client, is told by an event `end`
/// with what would be an error's body.
#[utoipa::path(
    get, path = "/topics/{topic}/partitions/{partition}/tail", operation_id = "tail", tag = "records",
    params(
        ("topic" = String, Path), ("partition" = u32, Path),
        ("offset" = Option<String>, Query, description = "Where to begin: an offset, `earliest`, or `latest`, which is the default.", example = "earliest"),
        ("last-event-id" = Option<u64>, Header, description = "The offset that the client has seen last: go on behind it."),
    ),
    responses(
        (status = 200, body = String, content_type = "text/event-stream", description = "Records, without an end."),
        (status = 404, body = Error, description = "There is no such topic or partition."),
        (status = 416, body = Error, description = "There is no such offset; the message tells which there are."),
        (status = 429, body = Error, description = "Too many clients read streams."),
    )
)]
pub(super) async fn tail(
    State((broker, streams)): State<(Broker, Streams)>,
    PartitionPath(from): PartitionPath,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let query = Query::parse(query.as_deref(), &["offset"])?;
    let offset = first_offset(&broker, &from, &query, &headers)?;
    let place = streams.enter()?;
    let request = FetchRequest { offset, max_bytes: READ_BYTES, min_bytes: 1, max_wait: Duration::ZERO };
    let ready = Vec::new().into_iter();
    let mut tail = Tail { broker, from, request, ready, ended: false, _place: place };
    // What is wrong from the beginning is an ordinary error.
    tail.read().await?;
    tail.request.max_wait = MAX_WAIT;
    let stream = futures_util::stream::unfold(tail, async |mut tail| Some((tail.next().await?, tail)));
    Ok(streams::respond(stream))
}

fn first_offset(
    broker: &Broker,
    from: &TopicPartition,
    query: &Query<'_>,
    headers: &HeaderMap,
) -> Result<u64, ApiError> {
    match streams::last_event_id(headers)? {
        Some(id) => Ok(whole(&"the header Last-Event-ID", id, 0..=MAX_I64 - 1, "")? + 1),
        None => named_offset(broker, from, offset(query)?.unwrap_or(Offset::Latest)),
    }
}

impl Tail {
    /// The next event; `None` behind the last one.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.next() {
                return Some(event);
            }
            if self.ended {
                return None;
            }
            let read = match self.broker.is_closing() {
                true => Err(BrokerError::Closed.into()),
                false => self.read().await,
            };
            if let Err(error) = read {
                self.ended = true;
                return Some(streams::end(&error));
            }
        }
    }

    /// Reads on, and waits for records if the request says so.
    async fn read(&mut self) -> Result<(), ApiError> {
        let answer = self.broker.fetch(&self.from, &self.request).await?;
        let fetched = answer.fetched.decompress(DECOMPRESSED_BYTES)?;
        let records = fetched.records().map(|record| {
            let record = record.map_err(logscope::Error::from)?;
            Ok(event(&record))
        });
        self.ready = records.collect::<Result<Vec<_>, logscope::Error>>()?.into_iter();
        self.request.offset = fetched.next_offset;
        Ok(())
    }
}

fn event(record: &Record<'_>) -> Event {
    let mut json = Vec::new();
    write_record(&mut json, record, Shape::Full);
    Event::default().event("record").id(record.offset.to_string()).data(String::from_utf8_lossy(&json))
}
