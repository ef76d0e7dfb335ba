//! Bytes that are no request.

use crate::{Server, get, produce, statuses};

#[tokio::test]
async fn what_is_no_http_is_refused_or_cut() {
    let server = Server::start().await;
    let many = "x: y\r\n".repeat(101);
    for (bytes, expected) in [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), "400"), // TLS
        (b"\0\0\0\0\0\0\0\0\r\n\r\n".to_vec(), "400"),
        (b"GET\r\n\r\n".to_vec(), "400"),
        (b"GET / HTTP/9.9\r\n\r\n".to_vec(), "400"),
        (b"GET /healthz HTTP/1.1\r\nhost localhost\r\n\r\n".to_vec(), "400"),
        (b"GET /healthz HTTP/1.1\r\nho st: localhost\r\n\r\n".to_vec(), "400"),
        (b"POST /produce HTTP/1.1\r\ncontent-length: 1e3\r\n\r\n".to_vec(), "400"),
        (b"POST /produce HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef".to_vec(), "400"),
        (b"POST /produce HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n".to_vec(), "400"),
        (b"POST /produce HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nZZZ\r\n".to_vec(), "400"),
        (format!("GET /healthz HTTP/1.1\r\n{many}\r\n").into_bytes(), "431"),
        (format!("GET /healthz HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(40_000)).into_bytes(), "431"),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "y".repeat(40_000)).into_bytes(), "431"),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "y".repeat(70_000)).into_bytes(), "431"),
    ] {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        let answer = server.exchange(&bytes).await;
        let found = statuses(&answer);
        // A long head is refused before all of it has come, and then the end may be a reset that eats the answer.
        let cut = bytes.len() > 10_000 && found.is_empty();
        assert!(found == [expected] || cut, "{shown:?}: {answer}");
        assert!(
            answer.contains("{\"error_code\":4") && answer.contains("\"message\":\"") || cut,
            "{shown:?}: {answer}"
        );
    }
    // Whoever speaks HTTP/2 would not understand an answer.
    assert_eq!(server.exchange("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await, "");
    server.assert_well().await;
}

#[tokio::test]
async fn requests_in_one_go_are_answered_in_their_order() {
    let server = Server::start().await;
    let requests: String = (0..50).map(|i| produce(&i.to_string())).collect();
    let answers = server.exchange(requests + &get("/fetch?topic=t&offset=0&max_bytes=100000")).await;
    assert_eq!(statuses(&answers), ["200"; 51]);
    for i in 0..50 {
        assert!(answers.contains(&format!("{{\"offset\":{i}}}")), "{answers}");
    }
    assert!(answers.contains("\"next_offset\":50,"), "{answers}");
}

#[tokio::test]
async fn what_stands_behind_a_bad_request_is_not_run() {
    let server = Server::start().await;
    let answers = server.exchange(format!("nonsense\r\n\r\n{}", produce("x"))).await;
    assert_eq!(statuses(&answers), ["400"], "{answers}");
    let fetched = server.exchange(get("/fetch?topic=t&offset=0")).await;
    assert!(fetched.contains("\"high_watermark\":0"), "{fetched}");
}
