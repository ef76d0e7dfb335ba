//! `/topics` and `/topics/{topic}`.

use axum::body::Body;
use axum::http::StatusCode;
use logscope_server::{Broker, BrokerConfig, HttpConfig};
use serde_json::json;

use crate::api::Api;

#[tokio::test]
async fn a_topic_is_created_described_listed_and_deleted() {
    let api = Api::new().await;
    assert_eq!(api.get("/topics").await, json!({"topics": []}));
    let body = json!({"name": "orders", "partitions": 2, "configs": {"retention.ms": 1000, "cleanup.policy": "compact", "min.cleanable.dirty.ratio": 0.25}});
    let answer = api.request("POST", "/topics", body.to_string()).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::CREATED, Some("/topics/orders")));
    let created = answer.json();
    let configs =
        json!({"retention.ms": "1000", "cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.25"});
    assert_eq!((&created["name"], &created["internal"]), (&json!("orders"), &json!(false)));
    assert_eq!(created["configs"], configs);
    assert_eq!(created["effective_configs"]["retention.ms"], "1000");
    assert_eq!(created["effective_configs"]["max.message.bytes"], "1048588");
    let empty = json!({
        "partition": 1, "log_start_offset": 0, "high_watermark": 0, "log_end_offset": 0, "size": 0, "segments": 1,
        "state": "online"
    });
    assert_eq!((created["partitions"].as_array().unwrap().len(), &created["partitions"][1]), (2, &empty));
    assert_eq!(api.get("/topics/orders").await, created);

    api.produce(json!({"topic": "orders", "payload": "x", "key": "k", "partition": 1})).await;
    let partition = &api.get("/topics/orders").await["partitions"][1];
    assert_eq!((&partition["high_watermark"], &partition["log_end_offset"]), (&json!(1), &json!(1)));
    assert!(partition["size"].as_u64().unwrap() > 61);

    api.post("/topics", json!({"name": "a"})).await;
    let listed = json!({"topics": [
        {"name": "a", "partitions": 1, "internal": false, "configs": {}},
        {"name": "orders", "partitions": 2, "internal": false, "configs": configs},
    ]});
    assert_eq!(api.get("/topics").await, listed);

    let answer = api.request("DELETE", "/topics/orders", Body::empty()).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::NO_CONTENT, 0));
    let (status, answer) = api.json("GET", "/topics/orders", Body::empty()).await;
    assert_eq!((status, &answer["error_code"]), (StatusCode::NOT_FOUND, &json!(40401)));
}

#[tokio::test]
async fn a_topic_is_altered_while_it_is_in_use() {
    let api = Api::new().await;
    api.post("/topics", json!({"name": "t", "configs": {"retention.ms": 1000, "segment.bytes": 5000}})).await;
    api.produce(json!({"topic": "t", "payload": "x"})).await;
    let changes = json!({"partitions": 3, "configs": {"retention.ms": null, "segment.bytes": 70, "max.message.bytes": "90"}});
    let (status, altered) = api.json("PATCH", "/topics/t", changes.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{altered}");
    assert_eq!(altered["configs"], json!({"segment.bytes": "70", "max.message.bytes": "90"}));
    assert_eq!(altered["effective_configs"]["retention.ms"], "604800000");
    assert_eq!(altered["partitions"].as_array().unwrap().len(), 3);
    assert_eq!(altered["partitions"][0]["log_end_offset"], 1);
    assert_eq!(api.get("/topics/t").await, altered);

    // The log rolls by the new size, refuses by the new limit, and the new partitions take records.
    api.produce(json!({"topic": "t", "payload": "y", "partition": 0})).await;
    assert_eq!(api.get("/topics/t").await["partitions"][0]["segments"], 2);
    let large = json!({"topic": "t", "payload": "x".repeat(100)});
    let (status, _) = api.json("POST", "/produce", large.to_string()).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    api.produce(json!({"topic": "t", "payload": "z", "partition": 2})).await;

    for (changes, code, message) in [
        (json!({"partitions": 2}), 40002, "has 3 partitions and cannot have 2"),
        (json!({"partitions": 2_000_000}), 40002, "and the limit is 4000"),
        (json!({"partitions": 0}), 400, "from 1"),
        (json!({"configs": {"retention.sm": null}}), 40002, "no config \"retention.sm\""),
        (json!({"configs": {"retention.ms": "soon"}}), 40002, "not \"soon\""),
        (json!({"configs": {"retention.ms": true}}), 400, "takes a string, a number or null, not true"),
        (json!({"configs": {}}), 400, "there is nothing to alter"),
        (
            json!({"config": {"retention.ms": 1}}),
            400,
            "the field \"config\" is unknown: taken are partitions, configs",
        ),
        (json!({"partitions": 9, "name": "t"}), 400, "the field \"name\" is unknown"),
    ] {
        let (status, answer) = api.json("PATCH", "/topics/t", changes.to_string()).await;
        assert_eq!((status, &answer["error_code"]), (StatusCode::BAD_REQUEST, &json!(code)), "{changes}");
        assert!(answer["message"].as_str().unwrap().contains(message), "{answer}");
    }
    assert_eq!(
        api.get("/topics/t").await["configs"],
        altered["configs"],
        "nothing of what was refused is there"
    );
    let (status, answer) = api.json("PATCH", "/topics/none", r#"{"partitions": 2}"#.to_owned()).await;
    assert_eq!((status, &answer["error_code"]), (StatusCode::NOT_FOUND, &json!(40401)));
}

#[tokio::test]
async fn the_brokers_own_topic_can_be_read_only() {
    let api = Api::new().await;
    api.produce(json!({"topic": "t", "payload": "x"})).await;
    let offsets = json!({"offsets": [{"topic": "t", "partition": 0, "offset": 1}]});
    let (status, _) = api.json("PUT", "/groups/g/offsets", offsets.to_string()).await;
    assert_eq!(status, StatusCode::OK);
    let own = api.get("/topics/__consumer_offsets").await;
    assert_eq!((&own["internal"], &own["configs"]["cleanup.policy"]), (&json!(true), &json!("compact")));
    let records = api.get("/topics/__consumer_offsets/partitions/0/records?offset=0").await;
    assert_eq!(records["records"].as_array().unwrap().len(), 1);
    for (method, path, body) in [
        ("DELETE", "/topics/__consumer_offsets", ""),
        ("PATCH", "/topics/__consumer_offsets", r#"{"partitions": 2}"#),
        ("POST", "/topics", r#"{"name": "__consumer_offsets"}"#),
        ("POST", "/produce", r#"{"topic": "__consumer_offsets", "payload": "x"}"#),
        ("POST", "/topics/__consumer_offsets/records", r#"{"records": [{"payload": "x"}]}"#),
        ("DELETE", "/topics/__consumer_offsets/partitions/0/records?before=0", ""),
    ] {
        let (status, answer) = api.json(method, path, body).await;
        let code = &answer["error_code"];
        assert_eq!((status, code), (StatusCode::BAD_REQUEST, &json!(40002)), "{method} {path}");
    }
}

#[tokio::test]
async fn limits_are_said() {
    let mut config = BrokerConfig::default();
    (config.limits.topics, config.limits.partitions, config.num_partitions) = (2, 5, 3);
    let api = Api::with(config, HttpConfig::default()).await;
    let new = |name: &str, partitions: u32| json!({"name": name, "partitions": partitions}).to_string();
    assert_eq!(api.post("/topics", json!({"name": "a"})).await["partitions"].as_array().unwrap().len(), 3);
    let (status, answer) = api.json("POST", "/topics", new("b", 3)).await;
    assert_eq!((status, &answer["error_code"]), (StatusCode::BAD_REQUEST, &json!(40002)));
    let message = "the number of partitions of all topics would be 6, and the limit is 5";
    assert_eq!(answer["message"], message);
    api.post("/topics", json!({"name": "b", "partitions": 2})).await;
    let (_, answer) = api.json("POST", "/topics", new("c", 1)).await;
    assert_eq!(answer["message"], "the number of topics would be 3, and the limit is 2");
}

#[tokio::test]
async fn without_automatic_creation_a_topic_must_be_there() {
    let config = BrokerConfig { auto_create_topics: false, ..BrokerConfig::default() };
    let api = Api::with(config, HttpConfig::default()).await;
    for (method, path, body) in [
        ("POST", "/produce", r#"{"topic": "t", "payload": "x"}"#),
        ("POST", "/topics/t/records", r#"{"records": [{"payload": "x"}]}"#),
        ("GET", "/fetch?topic=t&offset=0", ""),
        ("GET", "/topics/t/partitions/0/records?offset=latest", ""),
    ] {
        let (status, answer) = api.json(method, path, body).await;
        let code = &answer["error_code"];
        assert_eq!((status, code), (StatusCode::NOT_FOUND, &json!(40401)), "{method} {path}");
    }
}

#[tokio::test]
async fn an_offline_partition_says_why_and_the_others_work() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::open(dir.path(), BrokerConfig::default()).unwrap();
    broker.create_topic("t".parse().unwrap(), Some(2), Default::default()).await.unwrap();
    broker.close().await.unwrap();
    drop(broker);
    std::fs::remove_dir_all(dir.path().join("t-0")).unwrap();

    let broker = Broker::open(dir.path(), BrokerConfig::default()).unwrap();
    let api = Api::of(dir, broker, HttpConfig::default()).await;
    let answer = api.get("/topics/t").await;
    let offline = json!({
        "partition": 0, "log_start_offset": null, "high_watermark": null, "log_end_offset": null, "size": null,
        "segments": null, "state": "offline", "reason": "its directory is missing"
    });
    assert_eq!((&answer["partitions"][0], &answer["partitions"][1]["state"]), (&offline, &json!("online")));
    let health = json!({"status": "degraded", "partitions": [
        {"topic": "t", "partition": 0, "reason": "offline: its directory is missing"}
    ]});
    assert_eq!(api.get("/healthz").await, health);
    for (method, path) in [
        ("GET", "records?offset=0"),
        ("GET", "offsets"),
        ("GET", "segments"),
        ("GET", "segments/0/log"),
        ("POST", "flush"),
        ("POST", "retention"),
        ("POST", "compaction"),
        ("DELETE", "records?before=0"),
    ] {
        let (status, answer) =
            api.json(method, &format!("/topics/t/partitions/0/{path}"), Body::empty()).await;
        let code = &answer["error_code"];
        assert_eq!((status, code), (StatusCode::SERVICE_UNAVAILABLE, &json!(50303)), "{path}");
    }
    // Of a batch for each, one is refused.
    let records = json!({"records": [{"payload": "a", "partition": 0}, {"payload": "b", "partition": 1}]});
    let answer = api.post("/topics/t/records", records).await;
    let message = "the partition t-0 is offline: its directory is missing";
    assert_eq!(
        answer["offsets"],
        json!([
            {"partition": 0, "error_code": 50303, "message": message},
            {"partition": 1, "offset": 0}
        ])
    );
}
