//! `/topics/{topic}/partitions/{partition}/…`.

use logscope_server::{BrokerConfig, HttpConfig};
use serde_json::json;

use crate::api::Api;

#[tokio::test]
async fn offsets_are_told_and_looked_up_by_time() {
    let api = Api::new().await;
    for timestamp in [10, 30, 20] {
        api.produce(json!({"topic": "t", "payload": "x", "timestamp": timestamp})).await;
    }
    let path = "/topics/t/partitions/0/offsets";
    let offsets = json!({"log_start_offset": 0, "high_watermark": 3, "log_end_offset": 3});
    assert_eq!(api.get(path).await, offsets);
    for (timestamp, offset, found) in [
        (0, json!(0), json!(10)),
        (10, json!(0), json!(10)),
        (11, json!(1), json!(30)),
        (30, json!(1), json!(30)),
        (31, json!(null), json!(null)),
    ] {
        let answer = api.get(&format!("{path}?timestamp={timestamp}")).await;
        assert_eq!((&answer["offset"], &answer["timestamp"]), (&offset, &found), "{timestamp}");
        assert!(answer.as_object().unwrap().len() == 5 && answer["high_watermark"] == 3, "{answer}");
    }
}

#[tokio::test]
async fn a_flush_makes_records_visible() {
    let config = BrokerConfig { flush_ms: std::time::Duration::from_secs(3600), ..BrokerConfig::default() };
    let api = Api::with(config, HttpConfig::default()).await;
    api.produce(json!({"topic": "t", "payload": "x", "acks": 1})).await;
    let offsets = api.get("/topics/t/partitions/0/offsets").await;
    assert_eq!((&offsets["high_watermark"], &offsets["log_end_offset"]), (&json!(0), &json!(1)));
    let flushed = api.post("/topics/t/partitions/0/flush", json!(null)).await;
    assert_eq!(flushed, json!({"high_watermark": 1}));
    assert_eq!(api.get("/topics/t/partitions/0/offsets").await["high_watermark"], 1);
}

#[tokio::test]
async fn retention_deletes_on_request() {
    let api = Api::new().await;
    let configs = json!({"segment.bytes": 100, "retention.bytes": 150});
    api.post("/topics", json!({"name": "t", "configs": configs})).await;
    for _ in 0..4 {
        api.produce(json!({"topic": "t", "payload": "x".repeat(20)})).await;
    }
    let path = "/topics/t/partitions/0/retention";
    let deleted = api.post(path, json!(null)).await["deleted_segments"].clone();
    let offsets: Vec<_> = deleted.as_array().unwrap().iter().map(|segment| &segment["base_offset"]).collect();
    assert_eq!(offsets, [0, 1], "{deleted}");
    assert_eq!(api.get("/topics/t/partitions/0/offsets").await["log_start_offset"], 2);
    assert_eq!(api.post(path, json!(null)).await, json!({"deleted_segments": []}));
}

#[tokio::test]
async fn compaction_runs_on_request() {
    let api = Api::new().await;
    let configs = json!({"segment.bytes": 100, "cleanup.policy": "compact"});
    api.post("/topics", json!({"name": "t", "configs": configs})).await;
    for i in 0..4 {
        api.produce(json!({"topic": "t", "key": "k", "payload": format!("{i:020}")})).await;
    }
    let report = api.post("/topics/t/partitions/0/compaction", json!(null)).await;
    assert_eq!((&report["compacted"], &report["records_removed"]), (&json!(true), &json!(2)), "{report}");
    assert_eq!((&report["segments_before"], &report["first_dirty_offset"]), (&json!(3), &json!(3)));
    let records = api.get("/topics/t/partitions/0/records?offset=0").await["records"].clone();
    let offsets: Vec<_> =
        records.as_array().unwrap().iter().map(|record| record["offset"].as_u64().unwrap()).collect();
    assert_eq!(offsets, [2, 3]);

    api.produce(json!({"topic": "u", "payload": "x"})).await;
    let report = api.post("/topics/u/partitions/0/compaction", json!(null)).await;
    assert_eq!(report, json!({"compacted": false}));
}
