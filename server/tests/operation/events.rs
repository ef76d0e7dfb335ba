//! `GET …/events`.

use logscope::log::Event;
use logscope::topic::TopicName;
use serde_json::json;

use crate::{Api, Sent};

const EVENTS: &str = "/topics/t/partitions/0/events";

fn log_event(sent: &Sent) -> Event {
    serde_json::from_value(sent.data.clone()).unwrap()
}

#[tokio::test]
async fn first_what_is_there_and_then_what_happens() {
    let api = Api::new();
    api.produce(json!({"payload": "before"})).await;
    let mut events = api.stream(EVENTS, None).await;
    let snapshot = events.expect("snapshot").await.data;
    assert_eq!((&snapshot["topic"], &snapshot["partition"]), (&json!("t"), &json!(0)));
    assert_eq!((&snapshot["log_start_offset"], &snapshot["high_watermark"]), (&json!(0), &json!(1)));
    assert_eq!(snapshot["log_end_offset"], 1);
    assert_eq!(snapshot["configs"]["segment.bytes"], "1073741824");
    assert_eq!(snapshot["configs"].as_object().unwrap().len(), logscope::LogConfig::KEYS.len());
    let segment = json!({"base_offset": 0, "size": snapshot["segments"][0]["size"], "index_entries": 0,
        "time_index_entries": 0, "active": true});
    assert_eq!(snapshot["segments"], json!([segment]));
    assert!(snapshot["now_ms"].as_i64().unwrap() > 1_700_000_000_000);

    api.produce(json!({"payload": "after", "key": "k"})).await;
    let appended = events.expect("log").await;
    let Event::BatchAppended { batch } = log_event(&appended) else { panic!("{appended:?}") };
    assert_eq!((batch.base_offset, batch.first_key.as_deref()), (1, Some(&b"k"[..])));
    let flushed = events.expect("log").await;
    assert!(matches!(log_event(&flushed), Event::Flushed { high_watermark: 2, .. }), "{flushed:?}");
}

#[tokio::test]
async fn a_client_that_comes_back_goes_on_without_a_snapshot_if_nothing_was_missed() {
    let api = Api::new();
    api.produce(json!({"payload": "0"})).await;
    let mut events = api.stream(EVENTS, None).await;
    let snapshot = events.expect("snapshot").await;
    api.produce(json!({"payload": "1"})).await;
    let first = events.expect("log").await;
    let flushed = events.expect("log").await;
    assert_ne!(first.id, flushed.id);

    let mut again = api.stream(EVENTS, Some(&snapshot.id)).await;
    let resumed = again.expect("log").await;
    assert_eq!((resumed.id, resumed.data), (first.id.clone(), first.data));
    drop(again);
    let mut again = api.stream(EVENTS, Some(&first.id)).await;
    assert_eq!(again.expect("log").await.id, flushed.id);

    // What happens while nobody watches is kept for who comes back, up to a bound.
    drop((events, again));
    api.produce(json!({"payload": "2"})).await;
    let mut back = api.stream(EVENTS, Some(&flushed.id)).await;
    let missed = back.expect("log").await;
    assert!(
        matches!(log_event(&missed), Event::BatchAppended { batch } if batch.base_offset == 2),
        "{missed:?}"
    );
    drop(back);
    for _ in 0..=4096 {
        api.produce(json!({"payload": "many", "acks": 1})).await;
    }
    let mut late = api.stream(EVENTS, Some(&flushed.id)).await;
    assert_eq!(late.expect("snapshot").await.data["log_end_offset"], 3 + 4097);
    for old in ["1-1", "0-0", "99999999999999999-1"] {
        api.stream(EVENTS, Some(old)).await.expect("snapshot").await;
    }
    for bad in ["1", "x-1", ""] {
        let (status, answer) = api.refused(EVENTS, Some(bad)).await;
        assert_eq!((status, &answer["error_code"]), (400, &json!(400)), "{bad:?}: {answer}");
    }
}

#[tokio::test]
async fn altered_configs_come_with_a_new_snapshot() {
    let api = Api::new();
    api.produce(json!({"payload": "0"})).await;
    let mut events = api.stream(EVENTS, None).await;
    let before = events.expect("snapshot").await;
    let topic: TopicName = "t".parse().unwrap();
    for _ in 0..2 {
        // The second time changes nothing, and nobody needs to be told.
        let configs = [("segment.bytes".to_owned(), Some("2000".to_owned()))];
        api.broker.alter_topic(&topic, None, configs.into()).await.unwrap();
    }
    let snapshot = events.expect("snapshot").await.data;
    assert_eq!(
        (&snapshot["configs"]["segment.bytes"], &snapshot["log_end_offset"]),
        (&json!("2000"), &json!(1))
    );
    api.produce(json!({"payload": "1"})).await;
    let appended = events.expect("log").await;
    assert!(matches!(log_event(&appended), Event::BatchAppended { .. }), "{appended:?}");
    api.stream(EVENTS, Some(&before.id)).await.expect("snapshot").await;
}

#[tokio::test]
async fn a_client_that_is_too_slow_is_told() {
    let api = Api::new();
    api.produce(json!({"payload": "0"})).await;
    let mut events = api.stream(EVENTS, None).await;
    let before = events.expect("snapshot").await;
    let topic: TopicName = "t".parse().unwrap();
    let of = logscope_server::TopicPartition { topic, partition: 0 };
    let request =
        logscope_server::FetchRequest { offset: 1, max_bytes: 1, min_bytes: 0, max_wait: Default::default() };
    // A fetch at the log end is two events.
    for _ in 0..=2048 {
        api.broker.fetch(&of, &request).await.unwrap();
    }
    let (code, message) = events.end().await;
    assert_eq!(code, 40801);
    assert!(message.contains("4096 events"), "{message}");
    api.stream(EVENTS, Some(&before.id)).await.expect("snapshot").await;
}

#[tokio::test]
async fn the_end_of_a_topic_and_of_the_broker_is_the_end() {
    let api = Api::new();
    api.produce(json!({"payload": "x"})).await;
    let mut events = api.stream(EVENTS, None).await;
    let snapshot = events.expect("snapshot").await;
    api.broker.delete_topic(&"t".parse().unwrap()).await.unwrap();
    assert_eq!(events.end().await.0, 40401);
    assert_eq!(api.refused(EVENTS, None).await.0, 404);

    // Another topic of that name is another log.
    api.produce(json!({"payload": "x"})).await;
    let mut events = api.stream(EVENTS, Some(&snapshot.id)).await;
    events.expect("snapshot").await;
    api.broker.begin_close();
    assert_eq!(events.end().await.0, 50302);
}
