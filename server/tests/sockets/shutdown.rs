//! The end of a server.

use crate::{SHORT, Server, get, produce, statuses};

#[tokio::test]
async fn what_waits_is_answered_and_what_is_idle_is_closed() {
    let server = Server::start().await;
    let mut idle = server.connect().await;
    idle.send(produce("x")).await;
    idle.until("}").await;
    let mut waiting = server.connect().await;
    // The first answer tells that the second request is there.
    let poll = get("/fetch?topic=t&offset=1&max_wait_ms=30000");
    waiting.send(produce("y") + &poll.replace("offset=1", "offset=2")).await;
    waiting.until("{\"offset\":1}").await;
    server.broker.begin_close();
    assert_eq!(idle.rest().await, "");
    let answer = waiting.rest().await;
    assert!(answer.contains("200 OK") && answer.contains("\"next_offset\":2"), "{answer}");
    assert_eq!(server.served.await.unwrap(), 0, "none was cut");
}

#[tokio::test]
async fn what_does_not_end_is_cut() {
    let server = Server::limited(|config| config.drain = SHORT).await;
    let mut stuck = server.connect().await;
    let head =
        "POST /produce HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\nexpect: 100-continue\r\n\r\n";
    stuck.send(head).await;
    // The body is asked for, so the request is under way.
    stuck.until("100 Continue\r\n\r\n").await;
    server.broker.begin_close();
    assert_eq!(stuck.rest().await, "");
    assert_eq!(server.served.await.unwrap(), 1);
}

#[tokio::test]
async fn a_server_that_ends_is_not_ready() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    client.send("GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    client.until("ready\"}").await;
    let mut waiting = server.connect().await;
    waiting.send(produce("x") + "GET /readyz HTTP/1.1\r\nhost: localhost\r\n").await;
    waiting.until("{\"offset\":0}").await;
    server.broker.begin_close();
    waiting.send("\r\n").await;
    let answer = waiting.rest().await;
    // A connection may be closed before it has asked.
    assert!(matches!(statuses(&answer)[..], [] | ["503"]), "{answer}");
}
