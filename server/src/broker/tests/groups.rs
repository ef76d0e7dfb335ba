//! Committed offsets: durable, newest first, and small.

use super::*;

fn commit(partition: &TopicPartition, offset: u64) -> Commit {
    Commit { partition: partition.clone(), offset, metadata: format!("m{offset}") }
}

fn offsets(broker: &Broker, group: &str) -> Vec<(String, u64)> {
    let committed = broker.committed(group).unwrap();
    committed.into_iter().map(|(of, committed)| (of.to_string(), committed.offset)).collect()
}

#[tokio::test]
async fn committed_offsets_survive_a_restart_and_lag_follows_the_log() {
    let (dir, broker) = broker();
    let (t, u) = (topic("t"), topic("u"));
    for to in [&t, &t, &t, &u] {
        produce(&broker, to, b"x", Acks::All).await.unwrap();
    }
    broker.commit("g", &[commit(&t, 1), commit(&u, 0)]).await.unwrap();
    broker.commit("g", &[commit(&t, 2)]).await.unwrap();
    broker.commit("h", &[commit(&t, 9)]).await.unwrap();
    assert_eq!(offsets(&broker, "g"), [("t-0".to_owned(), 2), ("u-0".to_owned(), 0)]);
    assert_eq!((broker.lag(&t, 2), broker.lag(&t, 9), broker.lag(&topic("no"), 0)), (Some(1), Some(0), None));
    drop(broker);

    let broker = open(&dir.path().join("data"));
    assert_eq!(offsets(&broker, "g"), [("t-0".to_owned(), 2), ("u-0".to_owned(), 0)]);
    assert_eq!(broker.committed("g").unwrap()[&t].metadata, "m2");
    assert_eq!(broker.groups(), ["g", "h"]);
    let metrics = broker.metrics().encode().unwrap();
    assert!(metrics.contains(r#"logscope_group_lag{group="g",topic="t",partition="0"} 1"#), "{metrics}");

    broker.delete_topic(&u.topic).await.unwrap();
    assert_eq!(offsets(&broker, "g"), [("t-0".to_owned(), 2)]);
    broker.delete_group("g").await.unwrap();
    assert!(matches!(broker.delete_group("g").await, Err(BrokerError::UnknownGroup(_))));
    drop(broker);
    let broker = open(&dir.path().join("data"));
    assert_eq!((broker.groups(), offsets(&broker, "g")), (vec!["h".to_owned()], vec![]));
}

#[tokio::test]
async fn commits_that_make_no_sense_are_refused_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { groups: 1, offsets_per_group: 1, ..Limits::default() };
    let broker = Broker::open(dir.path(), BrokerConfig { limits, ..BrokerConfig::default() }).unwrap();
    let (t, u) = (topic("t"), topic("u"));
    for to in [&t, &u] {
        produce(&broker, to, b"x", Acks::All).await.unwrap();
    }
    let other = TopicPartition { partition: 1, ..t.clone() };
    let long = Commit { metadata: "x".repeat(5000), ..commit(&t, 0) };
    for (group, commits, fragment) in [
        ("", vec![commit(&t, 1)], "name is empty"),
        ("a\nb", vec![commit(&t, 1)], "control character '\\n'"),
        (&"x".repeat(256), vec![commit(&t, 1)], "at most 255"),
        ("g", vec![commit(&t, 1), commit(&topic("no"), 1)], "\"no\" does not exist"),
        ("g", vec![commit(&t, 1), commit(&other, 1)], "no partition 1"),
        ("g", vec![long], "the metadata of t-0 has 5000 bytes"),
        ("g", vec![commit(&t, 1), commit(&u, 1)], "would be 2, and the limit is 1"),
    ] {
        let refused = broker.commit(group, &commits).await.unwrap_err().to_string();
        assert!(refused.contains(fragment), "{refused}");
    }
    assert!(broker.groups().is_empty());
    broker.commit("g", &[commit(&t, 1)]).await.unwrap();
    broker.commit("g", &[commit(&t, 2)]).await.unwrap();
    let refused = broker.commit("h", &[commit(&t, 1)]).await.unwrap_err().to_string();
    assert!(refused.contains("the number of groups would be 2"), "{refused}");
}

#[tokio::test]
async fn the_internal_topic_is_read_only_and_compacts() {
    let (_dir, broker) = broker();
    let t = topic("t");
    produce(&broker, &t, b"x", Acks::All).await.unwrap();
    broker.commit("g", &[commit(&t, 1)]).await.unwrap();
    let internal = topic(OFFSETS_TOPIC);
    let refused = produce(&broker, &internal, b"x", Acks::All).await;
    assert!(matches!(refused, Err(BrokerError::InternalTopic(_))), "{refused:?}");
    assert!(matches!(broker.delete_topic(&internal.topic).await, Err(BrokerError::InternalTopic(_))));
    assert!(matches!(broker.delete_records_before(&internal, 1).await, Err(BrokerError::InternalTopic(_))));
    assert_eq!(values(&broker.fetch(&internal, &from(0)).await.unwrap()).len(), 1);
    assert_eq!(broker.describe_topic(&internal.topic).unwrap().log.cleanup_policy.to_string(), "compact");
}
