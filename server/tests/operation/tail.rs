//! `GET …/tail`.

use axum::body::Body;
use axum::http::Request;
use logscope::topic::TopicName;
use logscope_server::HttpConfig;
use serde_json::json;

use crate::Api;

const TAIL: &str = "/topics/t/partitions/0/tail";

#[tokio::test]
async fn records_come_with_all_that_they_have() {
    let api = Api::new();
    api.produce(json!({"payload": "old", "timestamp": 1})).await;
    let mut latest = api.stream(TAIL, None).await;
    let mut earliest = api.stream("/topics/t/partitions/0/tail?offset=earliest", None).await;
    api.produce(json!({"payload_base64": "/w==", "key": "k", "timestamp": 2,
        "headers": [{"name": "h", "value": "v"}, {"name": "n", "value": null}, {"name": "b", "value_base64": "/w=="}]}))
    .await;
    api.produce(json!({"payload": null, "key_base64": "/w==", "timestamp": 3})).await;

    let old = earliest.expect("record").await;
    assert_eq!(old.id, "0");
    assert_eq!(old.data, json!({"offset": 0, "timestamp": 1, "key": null, "payload": "old"}));
    for stream in [&mut earliest, &mut latest] {
        let first = stream.expect("record").await;
        let expected = json!({"offset": 1, "timestamp": 2, "key": "k", "payload_base64": "/w==",
            "headers": [{"name": "h", "value": "v"}, {"name": "n", "value": null}, {"name": "b", "value_base64": "/w=="}]});
        assert_eq!((first.id.as_str(), first.data), ("1", expected));
        let second = stream.expect("record").await;
        let expected = json!({"offset": 2, "timestamp": 3, "key_base64": "/w==", "payload": null});
        assert_eq!((second.id.as_str(), second.data), ("2", expected));
    }
}

#[tokio::test]
async fn a_client_that_comes_back_goes_on_where_it_was() {
    let api = Api::new();
    for i in 0..5 {
        api.produce(json!({"payload": i.to_string()})).await;
    }
    // The id counts, whatever the query says.
    let mut tail = api.stream("/topics/t/partitions/0/tail?offset=0", Some("2")).await;
    assert_eq!(tail.expect("record").await.id, "3");
    assert_eq!(tail.expect("record").await.id, "4");
    let mut tail = api.stream("/topics/t/partitions/0/tail?offset=1", None).await;
    assert_eq!(tail.expect("record").await.id, "1");
}

#[tokio::test]
async fn more_than_one_read_brings() {
    let api = Api::new();
    for _ in 0..40 {
        api.produce(json!({"payload": "x".repeat(5000)})).await;
    }
    let mut tail = api.stream("/topics/t/partitions/0/tail?offset=0", None).await;
    for i in 0..40 {
        assert_eq!(tail.expect("record").await.id, i.to_string());
    }
}

#[tokio::test]
async fn a_compressed_batch_is_read() {
    let api = Api::with(HttpConfig::default(), |config| {
        config.log.set("compression.type", "gzip").unwrap();
    });
    api.produce(json!({"payload": "x".repeat(100)})).await;
    let mut tail = api.stream("/topics/t/partitions/0/tail?offset=0", None).await;
    assert_eq!(tail.expect("record").await.data["payload"], "x".repeat(100));
}

#[tokio::test]
async fn a_tail_may_be_there_before_its_topic() {
    let api = Api::new();
    let mut tail = api.stream(TAIL, None).await;
    api.produce(json!({"payload": "first"})).await;
    assert_eq!(tail.expect("record").await.data["payload"], "first");
}

#[tokio::test]
async fn what_ends_a_tail_is_told() {
    let api = Api::new();
    api.produce(json!({"payload": "x"})).await;
    let mut deleted = api.stream(TAIL, None).await;
    let topic: TopicName = "t".parse().unwrap();
    let (delete, end) = tokio::join!(api.broker.delete_topic(&topic), deleted.end());
    delete.unwrap();
    assert_eq!(end.0, 40401, "{end:?}");

    api.produce(json!({"payload": "x"})).await;
    let mut closed = api.stream("/topics/t/partitions/0/tail?offset=0", None).await;
    api.broker.begin_close();
    closed.expect("record").await;
    assert_eq!(closed.end().await.0, 50302);
}

#[tokio::test]
async fn what_is_wrong_from_the_beginning_is_an_ordinary_error() {
    let api = Api::with(HttpConfig { streams: 1, ..HttpConfig::default() }, |_| {});
    api.produce(json!({"payload": "x"})).await;
    for (path, id, status, code, fragment) in [
        ("/topics/t/partitions/0/tail?offset=2", None, 416, 41601, "OFFSET_OUT_OF_RANGE"),
        ("/topics/t/partitions/0/tail?offset=-1", None, 400, 400, "\"offset\" takes a whole number"),
        ("/topics/t/partitions/0/tail?offset=newest", None, 400, 400, "not \"newest\""),
        (TAIL, Some("x"), 400, 400, "Last-Event-ID takes a whole number"),
        (TAIL, Some("9223372036854775807"), 400, 400, "Last-Event-ID takes a whole number"),
        (TAIL, Some("7"), 416, 41601, "OFFSET_OUT_OF_RANGE"),
        ("/topics/t/partitions/1/tail", None, 404, 40402, "1"),
        ("/topics/t/partitions/x/tail", None, 400, 400, "the partition in the path takes a whole number"),
        ("/topics/t/partitions/4294967296/tail", None, 400, 400, "the partition in the path"),
        ("/topics/a%2Fb/partitions/0/tail", None, 400, 40002, "a/b"),
        ("/topics/%FF/partitions/0/tail", None, 400, 400, "UTF-8"),
    ] {
        let (found, answer) = api.refused(path, id).await;
        assert_eq!((found, &answer["error_code"]), (status, &json!(code)), "{path}: {answer}");
        assert!(answer["message"].as_str().unwrap().contains(fragment), "{path}: {answer}");
    }
    // None of these keeps a place.
    let first = api.stream(TAIL, None).await;
    let (status, answer) = api.refused(TAIL, None).await;
    assert_eq!((status, &answer["error_code"]), (429, &json!(429)), "{answer}");
    drop(first);
    api.stream(TAIL, None).await;
    let post = Request::post(TAIL).body(Body::empty()).unwrap();
    assert_eq!(api.send(post).await.0, 405);
}
