//! The server on real sockets: what clients can do wrong below HTTP, and what may take long.
//!
//! Limits are small where a test waits for one; no test relies on how long anything takes. What would hang fails by
//! the time limit of [`Client::rest`].

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod connections;
mod malformed;
mod shutdown;
mod slow;
mod streams;

use std::net::SocketAddr;
use std::time::Duration;

use logscope_server::{Broker, BrokerConfig, ConnectionMetrics, HttpConfig, ServeConfig, front, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// More than anything takes.
const HANGS: Duration = Duration::from_secs(60);

/// A time limit that a test waits for.
const SHORT: Duration = Duration::from_millis(50);

struct Server {
    dir: tempfile::TempDir,
    broker: Broker,
    address: SocketAddr,
    served: JoinHandle<usize>,
}

impl Server {
    async fn start() -> Self {
        Self::with(ServeConfig::default(), HttpConfig::default()).await
    }

    async fn limited(limit: impl FnOnce(&mut ServeConfig)) -> Self {
        let mut config = ServeConfig::default();
        limit(&mut config);
        Self::with(config, HttpConfig::default()).await
    }

    async fn with(mut config: ServeConfig, http: HttpConfig) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let broker = Broker::open(dir.path(), BrokerConfig::default()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        config.metrics = ConnectionMetrics::register(broker.metrics());
        let (front, closing) = (front(broker.clone(), http), broker.clone());
        let served = tokio::spawn(serve(listener, front, config, async move { closing.closing().await }));
        Self { dir, broker, address, served }
    }

    async fn connect(&self) -> Client {
        Client { stream: TcpStream::connect(self.address).await.unwrap(), read: Vec::new() }
    }

    /// All that is answered to `bytes` up to the end of the connection.
    async fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut client = self.connect().await;
        client.send(bytes).await;
        client.rest().await
    }

    /// Whether it is as well as ever.
    async fn assert_well(&self) {
        let answer = self.exchange(get("/readyz")).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("ready"), "{answer}");
    }

    fn metric(&self, name: &str) -> Option<u64> {
        let text = self.broker.metrics().encode().unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map(|value| value.parse().unwrap())
    }
}

struct Client {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Client {
    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // A server that has refused already may have closed.
        let _ = self.stream.write_all(bytes.as_ref()).await;
    }

    /// What comes up to and with `end`.
    async fn until(&mut self, end: &str) -> String {
        loop {
            let at = self.read.windows(end.len()).position(|window| window == end.as_bytes());
            if let Some(at) = at {
                let behind = self.read.split_off(at + end.len());
                return String::from_utf8(std::mem::replace(&mut self.read, behind)).unwrap();
            }
            let read = timeout(HANGS, self.stream.read_buf(&mut self.read)).await.unwrap().unwrap();
            assert!(read > 0, "{end:?} is not in {:?}", String::from_utf8_lossy(&self.read));
        }
    }

    /// What comes up to the end of the connection, which may be a reset.
    async fn rest(mut self) -> String {
        let read = timeout(HANGS, async {
            while self.stream.read_buf(&mut self.read).await.is_ok_and(|read| read > 0) {}
        });
        read.await.expect("the server ends the connection");
        String::from_utf8_lossy(&self.read).into_owned()
    }
}

/// A request whose answer is the connection's last.
fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
}

fn produce(payload: &str) -> String {
    let body = format!("{{\"topic\":\"t\",\"payload\":\"{payload}\"}}");
    format!("POST /produce HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// The same, as a connection's last request.
fn produce_last(payload: &str) -> String {
    produce(payload).replace("content-length", "connection: close\r\ncontent-length")
}

/// The statuses of all answers.
fn statuses(answers: &str) -> Vec<&str> {
    answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect()
}
