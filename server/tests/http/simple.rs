//! `POST /produce` and `GET /fetch`.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::json;

use crate::api::Api;

#[tokio::test]
async fn produce_and_fetch_have_their_exact_shapes() {
    let api = Api::new().await;
    assert_eq!(api.produce(json!({"topic": "t", "payload": "hello"})).await, json!({"offset": 0}));
    assert_eq!(api.produce(json!({"topic": "t", "payload": "wörld"})).await, json!({"offset": 1}));
    assert_eq!(
        api.fetch("topic=t&offset=0&max_bytes=4096").await,
        json!({
            "records": [{"offset": 0, "payload": "hello"}, {"offset": 1, "payload": "wörld"}],
            "next_offset": 2, "log_start_offset": 0, "high_watermark": 2, "stopped_by": "log_end"
        })
    );
    let end = json!({
        "records": [], "next_offset": 2, "log_start_offset": 0, "high_watermark": 2, "stopped_by": "log_end"
    });
    assert_eq!(api.fetch("topic=t&offset=2").await, end);
}

#[tokio::test]
async fn a_fetch_stops_at_max_bytes_and_brings_one_batch_at_least() {
    let api = Api::new().await;
    for i in 0..3 {
        api.produce(json!({"topic": "t", "payload": format!("{i:030}")})).await;
    }
    for max_bytes in [0, 1, 150] {
        let answer = api.fetch(&format!("topic=t&offset=1&max_bytes={max_bytes}")).await;
        assert_eq!(answer["records"], json!([{"offset": 1, "payload": format!("{:030}", 1)}]));
        assert_eq!((&answer["next_offset"], &answer["stopped_by"]), (&json!(2), &json!("max_bytes")));
    }
    // Without max_bytes it is 4096, and each of these batches takes 98 bytes.
    for _ in 0..60 {
        api.produce(json!({"topic": "u", "payload": "x".repeat(30)})).await;
    }
    let answer = api.fetch("topic=u&offset=0").await;
    assert_eq!(
        (answer["records"].as_array().unwrap().len(), &answer["stopped_by"]),
        (41, &json!("max_bytes"))
    );
}

#[tokio::test]
async fn payloads_come_back_as_they_went_in() {
    let api = Api::new().await;
    for (sent, expected) in [
        (json!({"payload": ""}), json!({"offset": 0, "payload": ""})),
        (json!({"payload": null}), json!({"offset": 1, "payload": null})),
        (json!({"payload_base64": null}), json!({"offset": 2, "payload": null})),
        (json!({"payload_base64": "/w=="}), json!({"offset": 3, "payload_base64": "/w=="})),
        (json!({"payload_base64": "/w"}), json!({"offset": 4, "payload_base64": "/w=="})),
        (json!({"payload_base64": "aGk="}), json!({"offset": 5, "payload": "hi"})),
        (json!({"payload": "\u{0}\n\"\\\u{1f980}"}), json!({"offset": 6, "payload": "\u{0}\n\"\\\u{1f980}"})),
        (json!({"payload": "{\"a\":1}"}), json!({"offset": 7, "payload": "{\"a\":1}"})),
    ] {
        let mut body = sent.clone();
        body["topic"] = json!("t");
        let offset = api.produce(body).await["offset"].clone();
        let answer = api.fetch(&format!("topic=t&offset={offset}")).await;
        assert_eq!(answer["records"], json!([expected]), "{sent}");
    }
}

#[tokio::test]
async fn every_optional_field_is_taken() {
    let api = Api::new().await;
    for acks in [json!("all"), json!(-1), json!(1), json!(0)] {
        api.produce(json!({
            "topic": "t", "payload": "x", "partition": 0, "key": "k", "timestamp": 0, "acks": acks,
            "headers": [{"name": "a", "value": "1"}, {"name": "", "value": null}, {"name": "b", "value_base64": "/w=="}],
            "something_else": {"that": ["is", "ignored", 1.5, true]}
        }))
        .await;
    }
    for key in [json!({"key": null}), json!({"key": ""}), json!({"key_base64": "AA=="})] {
        let mut body = json!({"topic": "t", "payload": "x", "headers": []});
        body.as_object_mut().unwrap().extend(key.as_object().unwrap().clone());
        api.produce(body).await;
    }
    let answer = api.fetch("topic=t&offset=6&partition=0&min_bytes=0&max_wait_ms=2147483647&_=1").await;
    assert_eq!(answer["next_offset"], 7);
}

#[tokio::test]
async fn any_content_type_is_taken() {
    let api = Api::new().await;
    for content_type in
        ["application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf-8", "x"]
    {
        let request = Request::post("/produce").header(header::CONTENT_TYPE, content_type);
        let request = request.body(Body::from(r#"{"topic":"t","payload":"x"}"#)).unwrap();
        assert_eq!(api.send(request).await.status, StatusCode::OK, "{content_type}");
    }
}

#[tokio::test]
async fn a_consumer_may_start_before_its_producer() {
    let api = Api::new().await;
    let empty = json!({
        "records": [], "next_offset": 0, "log_start_offset": 0, "high_watermark": 0, "stopped_by": "log_end"
    });
    assert_eq!(api.fetch("topic=t&offset=0").await, empty);
    let consumer = api.fetch("topic=t&offset=0&max_wait_ms=20000");
    let producer = api.produce(json!({"topic": "t", "payload": "x"}));
    let (fetched, _) = tokio::join!(consumer, producer);
    assert_eq!(fetched["records"], json!([{"offset": 0, "payload": "x"}]));
}
