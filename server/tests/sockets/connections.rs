//! How many connections there may be, and what is counted of them.

use logscope_server::{HttpConfig, ServeConfig};

use crate::{Server, get, produce, statuses};

#[tokio::test]
async fn one_connection_too_many_is_told_so() {
    let server = Server::limited(|config| config.connections = 2).await;
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    for client in [&mut first, &mut second] {
        client.send(produce("x")).await;
        client.until("}").await;
    }
    let refused = server.connect().await.rest().await;
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("\"error_code\":50302"), "{refused}");
    assert_eq!(server.metric("logscope_http_connections_refused_total"), Some(1));
    // Those that are there go on, and make room.
    second.send(get("/healthz")).await;
    assert_eq!(statuses(&second.rest().await), ["200"]);
    let freed = async { while server.exchange(get("/readyz")).await.starts_with("HTTP/1.1 503 ") {} };
    tokio::time::timeout(crate::HANGS, freed).await.expect("there is room again");
    first.send(get("/healthz")).await;
    assert_eq!(statuses(&first.rest().await), ["200"]);
}

#[tokio::test]
async fn bytes_and_connections_are_counted() {
    let server = Server::start().await;
    let request = get("/healthz");
    let answer = server.exchange(&request).await;
    assert_eq!(server.metric("logscope_http_received_bytes_total"), Some(request.len() as u64));
    assert_eq!(server.metric("logscope_http_sent_bytes_total"), Some(answer.len() as u64));
    let client = server.connect().await;
    let mut another = server.connect().await;
    another.send(produce("x")).await;
    another.until("}").await;
    assert!(server.metric("logscope_http_connections").is_some_and(|open| open >= 1));
    drop(client);
}

#[tokio::test]
async fn a_token_is_asked_for_on_the_wire() {
    let token = Some(logscope_server::Token::new("s3cret").unwrap());
    let server = Server::with(ServeConfig::default(), HttpConfig { token, ..HttpConfig::default() }).await;
    let without = server.exchange(get("/metrics")).await;
    assert!(
        without.starts_with("HTTP/1.1 401 ") && without.contains("www-authenticate: Bearer"),
        "{without}"
    );
    let request = get("/metrics").replace("connection", "authorization: Bearer s3cret\r\nconnection");
    let with = server.exchange(request).await;
    assert!(with.starts_with("HTTP/1.1 200 ") && with.ends_with("# EOF\n"), "{with}");
    server.assert_well().await;
}
