//! Server-sent events over a socket.

use crate::{Server, get, produce_last};

const TAIL: &str = "/topics/t/partitions/0/tail";

#[tokio::test]
async fn a_tail_shows_records_as_they_come() {
    let server = Server::start().await;
    let mut tail = server.connect().await;
    tail.send(get(TAIL)).await;
    let head = tail.until("\r\n\r\n").await;
    assert!(head.contains("200 OK") && head.contains("content-type: text/event-stream"), "{head}");
    assert!(
        head.contains("cache-control: no-store") && head.contains("x-content-type-options: nosniff"),
        "{head}"
    );
    for i in 0..3 {
        server.exchange(produce_last(&format!("record {i}"))).await;
        let event = tail.until("\n\n").await;
        assert!(event.contains("event: record\n") && event.contains(&format!("id: {i}\n")), "{event}");
        assert!(event.contains(&format!("\"payload\":\"record {i}\"")), "{event}");
    }
    assert_eq!(server.metric("logscope_http_streams"), Some(1));
    server.broker.begin_close();
    let end = tail.rest().await;
    assert!(end.contains("event: end\n") && end.contains("\"error_code\":50302"), "{end}");
    assert_eq!(server.served.await.unwrap(), 0);
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_no_stream() {
    let server = Server::start().await;
    server.exchange(produce_last("x")).await;
    for path in [TAIL, "/topics/t/partitions/0/events"] {
        let mut client = server.connect().await;
        client.send(get(path)).await;
        client.until("\r\n\r\n").await;
        drop(client);
    }
    let gone = async {
        while server.metric("logscope_http_streams") != Some(0) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::HANGS, gone).await.expect("both are noticed");
}
