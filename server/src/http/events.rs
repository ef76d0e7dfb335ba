//! `GET /topics/{t}/partitions/{p}/events`: what a partition's log does, step by step, as server-sent events.
//!
//! ```text
//! event: snapshot
//! data: {"topic":"t","partition":0,"now_ms":…,"log_start_offset":0,…,"configs":{…},"segments":[…]}
//! id: 1767225600000000-41
//!
//! event: log
//! data: {"event":"BatchAppended","batch":{…}}
//! id: 1767225600000000-42
//! ```
//!
//! First comes what the log looks like, then all that happens to it, without a gap; when the topic's configs are altered,
//! what the log looks like comes again. A client that comes back with
//! `Last-Event-ID` gets no snapshot if it has missed nothing that is not known any more. One that is too slow is told
//! so, and comes back for a new snapshot.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::Event;
use serde::Serialize;

use super::error::{ApiError, Error, ErrorCode};
use super::path::PartitionPath;
use super::segments::Segment;
use super::streams::{self, Place, Streams};
use crate::broker::{Broker, EventId, EventStream, EventsOver, TopicPartition, Watched};

#[derive(Serialize)]
struct Snapshot<'a> {
    topic: &'a str,
    partition: u32,
    now_ms: i64,
    log_start_offset: u64,
    high_watermark: u64,
    log_end_offset: u64,
    configs: BTreeMap<&'static str, String>,
    segments: Vec<Segment>,
}

/// One client that watches.
#[derive(Debug)]
struct Watch {
    broker: Broker,
    of: TopicPartition,
    snapshot: Option<Event>,
    events: EventStream,
    ended: bool,
    _place: Place,
}

/// Tells what a partition's log does, step by step, as server-sent events.
///
/// First an event `snapshot` of what the log looks like, then each step as an event `log`: an object whose field `event`
/// is the step's name. When the topic's configs are altered, another `snapshot` comes. What ends the stream, but for the client, is told by an event `end` with what would be an error's
/// body.
#[utoipa::path(
    get, path = "/topics/{topic}/partitions/{partition}/events", operation_id = "events", tag = "partitions",
    params(
        ("topic" = String, Path), ("partition" = u32, Path),
        ("last-event-id" = Option<String>, Header, description = "The id of the event that the client has seen last: go on behind it, without a snapshot if nothing was missed."),
    ),
    responses(
        (status = 200, body = String, content_type = "text/event-stream", description = "Events, without an end."),
        (status = 404, body = Error, description = "There is no such topic or partition."),
        (status = 429, body = Error, description = "Too many clients read streams."),
    )
)]
pub(super) async fn events(
    State((broker, streams)): State<(Broker, Streams)>,
    PartitionPath(of): PartitionPath,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let after: Option<EventId> = match streams::last_event_id(&headers)?.map(str::parse).transpose() {
        Ok(after) => after,
        Err(error) => return Err(ApiError::malformed(format!("Last-Event-ID: {error}"))),
    };
    let place = streams.enter()?;
    let watched = broker.watch(&of, after)?;
    let snapshot = (!watched.resumed).then(|| snapshot(&of, &watched));
    let watch = Watch { broker, of, snapshot, events: watched.events, ended: false, _place: place };
    let stream = futures_util::stream::unfold(watch, async |mut watch| Some((watch.next().await?, watch)));
    Ok(streams::respond(stream))
}

impl Watch {
    /// The next event; `None` behind the last one.
    async fn next(&mut self) -> Option<Event> {
        if let Some(snapshot) = self.snapshot.take() {
            return Some(snapshot);
        }
        if self.ended {
            return None;
        }
        let next = tokio::select! {
            biased;
            () = self.broker.closing() => Err(EventsOver::Closed),
            next = self.events.next() => next,
        };
        Some(match next {
            Ok((id, event)) => streams::event("log", &*event).id(id.to_string()),
            Err(EventsOver::Altered) => self.look_anew(),
            Err(over) => {
                self.ended = true;
                streams::end(&match over {
                    EventsOver::TooSlow | EventsOver::Altered => {
                        ApiError::new(ErrorCode::TooSlow, over.to_string())
                    }
                    EventsOver::Closed => streams::closed(&self.broker, &self.of),
                })
            }
        })
    }

    /// A snapshot, from which the events go on.
    fn look_anew(&mut self) -> Event {
        match self.broker.watch(&self.of, None) {
            Ok(watched) => {
                let snapshot = snapshot(&self.of, &watched);
                self.events = watched.events;
                snapshot
            }
            Err(error) => {
                self.ended = true;
                streams::end(&error.into())
            }
        }
    }
}

fn snapshot(of: &TopicPartition, watched: &Watched) -> Event {
    let count = watched.segments.len();
    let segments = (1..).zip(&watched.segments).map(|(number, info)| Segment::of(info, number == count));
    let snapshot = Snapshot {
        topic: of.topic.as_str(),
        partition: of.partition,
        now_ms: crate::broker::now_ms(),
        log_start_offset: watched.offsets.log_start_offset,
        high_watermark: watched.offsets.high_watermark,
        log_end_offset: watched.offsets.log_end_offset,
        configs: watched.config.entries().collect(),
        segments: segments.collect(),
    };
    streams::event("snapshot", &snapshot).id(watched.events.last().to_string())
}
