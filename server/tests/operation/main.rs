//! Running a broker: who may use it, what it tells of itself, and the streams of what happens; without a socket.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod batches;
mod events;
mod front;
mod metrics;
mod tail;

use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use futures_util::StreamExt;
use logscope_server::{Broker, BrokerConfig, HttpConfig, app};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;
use tower::ServiceExt;

/// More than anything takes.
const HANGS: Duration = Duration::from_secs(10);

struct Api {
    _dir: TempDir,
    broker: Broker,
    app: Router,
}

impl Api {
    fn new() -> Self {
        Self::with(HttpConfig::default(), |_| {})
    }

    fn with(http: HttpConfig, configure: impl FnOnce(&mut BrokerConfig)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = BrokerConfig::default();
        configure(&mut config);
        let broker = Broker::open(dir.path(), config).unwrap();
        Self { _dir: dir, app: app(broker.clone(), http), broker }
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
        let (parts, body) = self.app.clone().oneshot(request).await.unwrap().into_parts();
        (parts.status, parts.headers, to_bytes(body, usize::MAX).await.unwrap().to_vec())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let (status, _, body) = self.send(Request::get(path).body(Body::empty()).unwrap()).await;
        (status.as_u16(), serde_json::from_slice(&body).unwrap())
    }

    async fn produce(&self, record: Value) -> u64 {
        let mut body = json!({"topic": "t"});
        body.as_object_mut().unwrap().extend(record.as_object().unwrap().clone());
        let request = Request::post("/produce").body(body.to_string().into()).unwrap();
        let (status, _, body) = self.send(request).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        serde_json::from_slice::<Value>(&body).unwrap()["offset"].as_u64().unwrap()
    }

    /// Opens a stream, behind an event if the client has seen one already.
    async fn stream(&self, path: &str, last_event_id: Option<&str>) -> Stream {
        let answer = self.app.clone().oneshot(stream_request(path, last_event_id)).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        Stream { body: answer.into_body().into_data_stream(), rest: String::new() }
    }

    async fn refused(&self, path: &str, last_event_id: Option<&str>) -> (u16, Value) {
        let (status, _, body) = self.send(stream_request(path, last_event_id)).await;
        (status.as_u16(), serde_json::from_slice(&body).unwrap())
    }
}

fn stream_request(path: &str, last_event_id: Option<&str>) -> Request<Body> {
    let mut request = Request::get(path);
    if let Some(id) = last_event_id {
        request = request.header("last-event-id", id);
    }
    request.body(Body::empty()).unwrap()
}

/// Server-sent events, as a client reads them.
struct Stream {
    body: BodyDataStream,
    rest: String,
}

#[derive(Debug)]
struct Sent {
    id: String,
    name: String,
    data: Value,
}

impl Stream {
    /// The next event; `None` at the end.
    async fn next(&mut self) -> Option<Sent> {
        loop {
            if let Some((event, rest)) = self.rest.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.rest = rest;
                let field = |name: &str| {
                    let line = event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    line.unwrap_or_default().to_owned()
                };
                if event.starts_with(':') {
                    continue;
                }
                let data = serde_json::from_str(&field("data")).unwrap();
                return Some(Sent { id: field("id"), name: field("event"), data });
            }
            let bytes = timeout(HANGS, self.body.next()).await.expect("there is an event")?.unwrap();
            self.rest.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    /// The next event, which must be of this name.
    async fn expect(&mut self, name: &str) -> Sent {
        let sent = self.next().await.unwrap();
        assert_eq!(sent.name, name, "{sent:?}");
        sent
    }

    /// The last event.
    async fn end(&mut self) -> (u64, String) {
        let end = self.expect("end").await;
        assert!(self.next().await.is_none(), "end is the end");
        (end.data["error_code"].as_u64().unwrap(), end.data["message"].as_str().unwrap().to_owned())
    }
}
