//! Many connections at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::{Answer, Connection, Latency, LoadError, Target};

/// What one connection asks, and what it makes of the answers.
pub trait Client: Send + 'static {
    /// Puts the next request into `request`, which is empty. `false` if there is none any more.
    fn request(&mut self, request: &mut Vec<u8>) -> bool;

    /// Takes the answer to it.
    ///
    /// # Errors
    /// What is wrong with it; that ends the run.
    fn answer(&mut self, answer: Answer<'_>) -> Result<(), String>;
}

/// How long it all took.
#[derive(Debug, Clone, Default)]
pub struct Timing {
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// Of each answer.
    pub latency: Latency,
}

impl Timing {
    /// Requests a second.
    pub fn rate(&self) -> f64 {
        self.latency.count() as f64 / self.elapsed.as_secs_f64()
    }
}

/// Runs each client to its end, each on a connection of its own, on the runtime that this is called in. Nobody begins
/// before all are connected. Clients come back in their order, with what they have seen.
///
/// # Errors
/// The first [`LoadError`] of any of them.
pub async fn drive<C: Client>(target: &Target, clients: Vec<C>) -> Result<(Vec<C>, Timing), LoadError> {
    let mut connected = Vec::with_capacity(clients.len());
    for client in clients {
        connected.push((Connection::open(target).await?, client));
    }
    let barrier = Arc::new(Barrier::new(connected.len()));
    let mut tasks = JoinSet::new();
    for (at, (connection, client)) in connected.into_iter().enumerate() {
        let barrier = Arc::clone(&barrier);
        tasks.spawn(async move {
            barrier.wait().await;
            run(connection, client).await.map(|run| (at, run))
        });
    }
    let (mut done, mut latency) = (Vec::with_capacity(tasks.len()), Latency::default());
    let mut span: Option<(Instant, Instant)> = None;
    while let Some(joined) = tasks.join_next().await {
        let (at, Run { client, latency: times, start, end }) =
            joined.map_err(|error| LoadError::Unexpected(error.to_string()))??;
        latency.add(&times);
        span = Some(span.map_or((start, end), |(first, last)| (first.min(start), last.max(end))));
        done.push((at, client));
    }
    done.sort_by_key(|(at, _)| *at);
    let elapsed = span.map_or(Duration::ZERO, |(start, end)| end - start);
    Ok((done.into_iter().map(|(_, client)| client).collect(), Timing { elapsed, latency }))
}

/// [`drive`] on a runtime of this one thread: it leaves the other processors to the server.
///
/// # Errors
/// As [`drive`].
pub fn drive_locally<C: Client>(target: &Target, clients: Vec<C>) -> Result<(Vec<C>, Timing), LoadError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| LoadError::Unexpected(error.to_string()))?;
    runtime.block_on(drive(target, clients))
}

/// What one client leaves.
struct Run<C> {
    client: C,
    latency: Latency,
    start: Instant,
    end: Instant,
}

async fn run<C: Client>(mut connection: Connection, mut client: C) -> Result<Run<C>, LoadError> {
    let (mut request, mut latency) = (Vec::new(), Latency::default());
    let start = Instant::now();
    let mut end = start;
    loop {
        request.clear();
        if !client.request(&mut request) {
            return Ok(Run { client, latency, start, end });
        }
        let begun = Instant::now();
        let answer = connection.ask(&request).await?;
        end = Instant::now();
        latency.record(end - begun);
        client.answer(answer).map_err(LoadError::Unexpected)?;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Asks three times, and keeps what came back.
    #[derive(Debug)]
    struct Counting {
        request: Vec<u8>,
        bodies: Vec<Vec<u8>>,
    }

    impl Client for Counting {
        fn request(&mut self, request: &mut Vec<u8>) -> bool {
            request.extend_from_slice(&self.request);
            self.bodies.len() < 3
        }

        fn answer(&mut self, answer: Answer<'_>) -> Result<(), String> {
            self.bodies.push(answer.body.to_vec());
            Ok(())
        }
    }

    /// Answers every request with these bytes, a few at a time.
    async fn serve(listener: TcpListener, answer: &'static str) {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut request = [0; 1000];
                while stream.read(&mut request).await.is_ok_and(|count| count > 0) {
                    for piece in answer.as_bytes().chunks(7) {
                        stream.write_all(piece).await.unwrap();
                        tokio::task::yield_now().await;
                    }
                }
            });
        }
    }

    async fn against(answer: &'static str) -> Result<(Vec<Counting>, Timing), LoadError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = Target::new(&listener.local_addr().unwrap().to_string(), None).unwrap();
        tokio::spawn(serve(listener, answer));
        let mut request = Vec::new();
        target.get("/", "", &mut request);
        let clients = (0..5).map(|_| Counting { request: request.clone(), bodies: Vec::new() });
        drive(&target, clients.collect()).await
    }

    #[tokio::test]
    async fn every_answer_is_read_whole_and_timed() {
        let answer = "HTTP/1.1 200 OK\r\nconnection: keep-alive\r\nContent-Length: 11\r\n\r\nhello world";
        let (clients, timing) = against(answer).await.unwrap();
        assert!(clients.iter().all(|client| client.bodies == vec![b"hello world".to_vec(); 3]));
        assert_eq!((clients.len(), timing.latency.count()), (5, 15));
        assert!(timing.rate() > 0.0);
    }

    #[tokio::test]
    async fn an_answer_in_chunks_is_read_whole() {
        let answer = concat!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "6\r\nhello \r\n1\r\nw\r\n4\r\norld\r\n1F\r\n, and more than a line may take\r\n0\r\n\r\n"
        );
        let (clients, timing) = against(answer).await.unwrap();
        let body = b"hello world, and more than a line may take".to_vec();
        assert_eq!(clients[0].bodies, vec![body; 3]);
        assert_eq!(timing.latency.count(), 15);
    }

    #[tokio::test]
    async fn bad_chunks_end_the_run() {
        for (chunks, reason) in [
            ("5\r\nhello, world\r\n0\r\n\r\n", "a chunk has another size than it says"),
            ("0\r\n\r\n0\r\n\r\n", "there is more than one answer to one request"),
            ("five\r\n", "a chunk does not begin with its size"),
            ("-5\r\n", "a chunk does not begin with its size"),
            ("20000001\r\n", "a chunk does not begin with its size"),
            ("00000000000000000000000000000000000000005\r\n", "a chunk does not begin with its size"),
        ] {
            let answer = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}");
            let error = against(answer.leak()).await.unwrap_err();
            assert!(error.to_string().ends_with(reason), "{chunks:?}: {error}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_does_not_end_has_a_status() {
        for (answer, expected) in [
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", Some(200)),
            ("HTTP/1.1 404 No\r\n\r\n", None),
            ("SSH-2.0\r\n\r\n", None),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let target = Target::new(&listener.local_addr().unwrap().to_string(), None).unwrap();
            tokio::spawn(serve(listener, answer));
            let mut connection = Connection::open(&target).await.unwrap();
            connection.send(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
            assert_eq!(connection.status().await.ok(), expected, "{answer}");
        }
    }

    #[tokio::test]
    async fn a_refusal_ends_the_run() {
        let error = against("HTTP/1.1 503 No\r\ncontent-length: 4\r\n\r\nbusy").await.unwrap_err();
        assert_eq!(error.to_string(), "the server answered 503: busy");
        let error = against("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbusybody").await.unwrap_err();
        assert!(error.to_string().contains("answered what cannot be read"), "{error}");
    }

    #[tokio::test]
    async fn nobody_there_is_an_error() {
        let target = Target::new("127.0.0.1:1", None).unwrap();
        let client = Counting { request: Vec::new(), bodies: Vec::new() };
        let error = drive(&target, vec![client]).await.map(drop).unwrap_err();
        assert!(error.to_string().starts_with("the connection to 127.0.0.1:1 failed"), "{error}");
    }
}
