//! Clients that are slow, or leave half-way.

use tokio::io::AsyncWriteExt;

use crate::{SHORT, Server, get, produce, produce_last, statuses};

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection() {
    let server = Server::limited(|config| config.header_timeout = SHORT).await;
    for begun in ["", "G", "GET /healthz HTTP/1.1\r\nhost: local"] {
        let answer = server.exchange(begun).await;
        assert_eq!(statuses(&answer), Vec::<&str>::new(), "{begun:?}: {answer}");
    }
    // After a request, too.
    let answer = server.exchange(produce("x")).await;
    assert_eq!(statuses(&answer), ["200"], "{answer}");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_a_408() {
    let server = Server::limited(|config| config.body_timeout = SHORT).await;
    for body in [
        "content-length: 100\r\n\r\n",
        "content-length: 100\r\n\r\n{\"topic\":",
        "transfer-encoding: chunked\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n5\r\n{\"top\r\n",
    ] {
        let request = format!("POST /produce HTTP/1.1\r\nhost: localhost\r\n{body}");
        let answer = server.exchange(request).await;
        assert_eq!(statuses(&answer), ["408"], "{body:?}: {answer}");
        assert!(
            answer.contains("\"error_code\":408,\"message\":\"the request's body took longer"),
            "{answer}"
        );
    }
    server.assert_well().await;
}

#[tokio::test]
async fn a_long_poll_is_no_slow_request() {
    let server = Server::limited(|config| {
        (config.header_timeout, config.body_timeout, config.write_timeout) = (SHORT, SHORT, SHORT);
    })
    .await;
    let mut waiting = server.connect().await;
    waiting.send(get("/fetch?topic=t&offset=0&max_wait_ms=30000")).await;
    // All of these limits pass in the meantime.
    let mut idle = server.connect().await;
    idle.send("G").await;
    assert_eq!(idle.rest().await, "");
    server.exchange(produce("late")).await;
    let answer = waiting.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("late"), "{answer}");
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_cut() {
    let server = Server::limited(|config| config.write_timeout = SHORT).await;
    let mut client = server.connect().await;
    client.send(produce(&"x".repeat(900_000))).await;
    client.until("{\"offset\":0}").await;
    // More than any socket buffers; nobody reads it.
    let request = get("/fetch?topic=t&offset=0&max_bytes=1000000").replace("connection: close\r\n", "");
    for _ in 0..100 {
        if client.stream.write_all(request.as_bytes()).await.is_err() {
            break;
        }
    }
    let cut = async {
        while server.metric("logscope_http_connections") != Some(0) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::HANGS, cut).await.expect("the connection is cut");
}

#[tokio::test]
async fn a_client_that_stops_sending_has_gone() {
    let server = Server::start().await;
    let waiting = get("/fetch?topic=t&offset=0&max_wait_ms=30000");
    for (begun, expected) in [
        ("", &[][..]),
        ("GET /hea", &[]),
        ("GET /healthz HTTP/1.1\r\n", &[]),
        ("POST /produce HTTP/1.1\r\nhost: localhost\r\ncontent-length: 50\r\n\r\n{\"topic\"", &["400"]),
        (waiting.as_str(), &[]),
    ] {
        let mut client = server.connect().await;
        client.send(begun).await;
        client.stream.shutdown().await.unwrap();
        let answer = client.rest().await;
        let found = statuses(&answer);
        assert!(found == expected || found.is_empty(), "{begun:?}: {answer}");
    }
    assert_eq!(server.metric("logscope_waiting_fetches"), Some(0), "nobody waits for a client that has gone");
    server.assert_well().await;
}

#[tokio::test]
async fn what_goes_wrong_half_way_is_in_no_answer() {
    let server = Server::start().await;
    // More than is kept back before it is sent.
    for _ in 0..10 {
        server.exchange(produce_last(&"x".repeat(100_000))).await;
    }
    let path = "/topics/t/partitions/0/records?offset=";
    let json = get(&format!("{path}0"));
    let raw = json.replace("connection", "accept: application/octet-stream\r\nconnection");
    let [whole, whole_raw] = [server.exchange(&json).await, server.exchange(&raw).await];
    assert!(whole.contains("transfer-encoding: chunked") && whole.contains("\"next_offset\":10,"));
    let log = server.dir.path().join("t-0/00000000000000000000.log");
    let mut bytes = std::fs::read(&log).unwrap();
    bytes[950_000] ^= 1;
    std::fs::write(&log, bytes).unwrap();

    // JSON ends before it, and whoever goes on there is told.
    let ended = server.exchange(&json).await;
    let end =
        "],\"next_offset\":9,\"log_start_offset\":0,\"high_watermark\":10,\"stopped_by\":\"max_bytes\"}";
    assert_eq!(statuses(&ended), ["200"]);
    assert!(ended.ends_with(&format!("{end}\r\n0\r\n\r\n")), "{}", &ended[ended.len() - 200..]);
    let refused = server.exchange(get(&format!("{path}9"))).await;
    assert_eq!(statuses(&refused), ["500"], "{refused}");
    // Batches have said how long they are.
    let broken = server.exchange(&raw).await;
    assert_eq!(statuses(&broken), ["200"]);
    assert!(broken.len() > 100_000 && broken.len() < whole_raw.len(), "{}", broken.len());
    let body = |answer: &str| answer.split_once("\r\n\r\n").unwrap().1.to_owned();
    assert!(body(&whole_raw).starts_with(&body(&broken)), "what has come is right");
    server.assert_well().await;
}
