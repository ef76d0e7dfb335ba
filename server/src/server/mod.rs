//! Serving HTTP over TCP, so that no client can hold up the others or the end: [`serve`].
//!
//! | file | holds |
//! | --- | --- |
//! | `body` | bodies that must come in time |
//! | `io` | connections that must take what they asked for; what is counted of them |
//! | `refused` | what is said to what is no HTTP |
//! | `timer` | one timer a connection |
//! | `wakes` | connections that wake themselves |
//!
//! Invariants:
//! - A head that is too large, or no HTTP, is answered with a 4xx that says so, a body that is too slow with a 408; a
//!   head that is too slow, and an answer that nobody takes, end the connection.
//! - A client that closes its sending half has gone: what it waits for is dropped.
//! - A request that waits for records, and a stream, are cut by none of the limits but the end of the drain.

mod body;
mod io;
mod refused;
mod timer;
mod wakes;

use std::convert::Infallible;
use std::pin::pin;
use std::time::{Duration, Instant};

use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

pub use io::ConnectionMetrics;

use crate::http::App;
use refused::HeadLimits;
use timer::OneTimer;
use wakes::AtOnce;

/// How long to leave the listener alone after an error that is none of one connection's, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);
/// Connections that are refused are worth a line in the log this often.
const REFUSAL_LINE: Duration = Duration::from_secs(1);
/// How many headers it takes unless it is told otherwise.
const HYPER_HEADERS: usize = 100;

const TOO_MANY: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n\
    connection: close\r\ncontent-length: 81\r\n\r\n\
    {\"error_code\":50302,\"message\":\"there are too many connections; try again later\"}\n";

/// What a server allows.
#[derive(Debug, Clone)]
pub struct ServeConfig {
    /// Connections at the same time; further ones are answered 503 and closed.
    pub connections: usize,
    /// Headers of a request.
    pub headers: usize,
    /// Bytes of a request's head; at least [`Self::MIN_HEADER_BYTES`].
    pub header_bytes: usize,
    /// How long a request's head may take, counted from when the connection waits for it: an idle connection is closed
    /// after this time.
    pub header_timeout: Duration,
    /// How long a request's body may take.
    pub body_timeout: Duration,
    /// How long a client may take nothing of what is sent to it.
    pub write_timeout: Duration,
    /// How long requests that are under way may take when the server ends.
    pub drain: Duration,
    /// Where connections are counted.
    pub metrics: ConnectionMetrics,
}

impl ServeConfig {
    /// The smallest buffer that the HTTP library takes.
    pub const MIN_HEADER_BYTES: usize = 8192;
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            connections: 4096,
            headers: HYPER_HEADERS,
            header_bytes: 32 << 10,
            header_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(60),
            drain: Duration::from_secs(10),
            metrics: ConnectionMetrics::default(),
        }
    }
}

/// Serves `app` until `shutdown` is over. Then no connection is taken any more, requests that are under way are answered,
/// and after [`ServeConfig::drain`] those that are left are cut; their number is returned.
pub async fn serve(
    listener: TcpListener,
    app: impl App,
    config: ServeConfig,
    shutdown: impl Future<Output = ()>,
) -> usize {
    let mut shutdown = pin!(shutdown);
    let mut server =
        Server { connections: JoinSet::new(), closing: watch::Sender::new(false), refusal: None };
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(ended) = server.connections.join_next() => note(ended),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => server.take(stream, &app, &config),
                Err(error) if is_one_connections(&error) => {}
                Err(error) => {
                    tracing::error!("no connection can be taken: {error}");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    server.drain(config.drain).await
}

struct Server {
    connections: JoinSet<()>,
    closing: watch::Sender<bool>,
    /// When a refusal was last told to the log.
    refusal: Option<Instant>,
}

impl Server {
    fn take(&mut self, stream: TcpStream, app: &impl App, config: &ServeConfig) {
        if self.connections.len() >= config.connections {
            return self.refuse(&stream, config);
        }
        // Without this, small answers may wait for more to send.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("a connection without TCP_NODELAY: {error}");
        }
        let closing = self.closing.subscribe();
        self.connections.spawn(run(stream, app.clone(), config.clone(), closing));
    }

    fn refuse(&mut self, stream: &TcpStream, config: &ServeConfig) {
        config.metrics.refused();
        if self.refusal.is_none_or(|last| last.elapsed() >= REFUSAL_LINE) {
            self.refusal = Some(Instant::now());
            let limit = config.connections;
            tracing::warn!("connections are refused: there are {limit}, and that is the limit");
        }
        // Nobody waits for a client that does not even take this.
        let _ = stream.try_write(TOO_MANY.as_bytes());
    }

    async fn drain(mut self, patience: Duration) -> usize {
        self.closing.send_replace(true);
        let all = async {
            while let Some(ended) = self.connections.join_next().await {
                note(ended);
            }
        };
        if timeout(patience, all).await.is_ok() {
            return 0;
        }
        let left = self.connections.len();
        tracing::warn!("{left} connections were cut: they took longer than {patience:?} to end");
        self.connections.shutdown().await;
        left
    }
}

/// One connection, to its end.
async fn run(stream: TcpStream, app: impl App, config: ServeConfig, mut closing: watch::Receiver<bool>) {
    let bytes = config.header_bytes.max(ServeConfig::MIN_HEADER_BYTES);
    let limits = HeadLimits { headers: config.headers, bytes };
    let io = io::Connection::new(stream, config.write_timeout, limits, config.metrics);
    let app = &app;
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| async move {
        Ok::<Response, Infallible>(body::in_time(app, request, config.body_timeout).await)
    });
    let mut http = Builder::new();
    http.timer(OneTimer::default()).header_read_timeout(config.header_timeout).max_header_size(limits.bytes);
    // Said aloud, it costs the library a clearing of so many places at every request.
    if config.headers != HYPER_HEADERS {
        http.max_headers(config.headers);
    }
    let connection = pin!(http.serve_connection(TokioIo::new(io), service));
    let mut connection = AtOnce::new(connection);
    let ended = tokio::select! {
        biased;
        ended = &mut connection => ended,
        () = async { drop(closing.wait_for(|closing| *closing).await) } => {
            connection.get_mut().as_mut().graceful_shutdown();
            connection.await
        }
    };
    // Most of these are clients that went away.
    if let Err(error) = ended {
        tracing::debug!("a connection ended: {error}");
    }
}

fn note(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!("a connection ended by a fault of the broker's: {error}");
    }
}

/// Whether an error of `accept` is about the connection that was to be taken, and says nothing of the next.
fn is_one_connections(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests {
    use super::TOO_MANY;

    #[test]
    fn the_refusal_is_as_long_as_it_says() {
        let (head, body) = TOO_MANY.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{}", body.len());
    }
}
