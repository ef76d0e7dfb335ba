//! Topics come and go, also when a crash comes in between; and records go where they belong.

use std::collections::BTreeMap;

use super::*;

fn config() -> BrokerConfig {
    BrokerConfig { auto_create_topics: false, num_partitions: 2, ..BrokerConfig::default() }
}

async fn create(broker: &Broker, name: &str, partitions: u32, configs: &[(&str, &str)]) -> Result<TopicInfo> {
    let configs = configs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    broker.create_topic(name.parse().unwrap(), Some(partitions), configs).await
}

#[tokio::test]
async fn a_topic_with_its_configs_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::open(dir.path(), config()).unwrap();
    let created = create(&broker, "t", 3, &[("segment.bytes", "1000"), ("cleanup.policy", "compact")]).await;
    let created = created.unwrap();
    assert_eq!((created.partitions, created.log.segment_bytes), (3, 1000));
    let default = broker.create_topic("d".parse().unwrap(), None, BTreeMap::new()).await.unwrap();
    assert_eq!(default.partitions, 2);
    drop(broker);

    let broker = Broker::open(dir.path(), config()).unwrap();
    assert_eq!(broker.topics(), [default, created.clone()]);
    assert_eq!(broker.describe_topic(&created.name).unwrap(), created);
    let t2 = TopicPartition { partition: 2, ..topic("t") };
    let refused = produce(&broker, &t2, b"without a key", Acks::All).await;
    assert!(matches!(refused, Err(BrokerError::Log(Error::InvalidRecord(_)))), "{refused:?}");
    let t3 = TopicPartition { partition: 3, ..topic("t") };
    let refused = produce(&broker, &t3, b"x", Acks::All).await.unwrap_err().to_string();
    assert_eq!(refused, "there is no partition 3 in the topic \"t\": it has 3, numbered from 0");
}

#[tokio::test]
async fn compaction_waits_until_enough_is_new() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::open(dir.path(), config()).unwrap();
    let configs =
        [("cleanup.policy", "compact"), ("segment.bytes", "100"), ("min.cleanable.dirty.ratio", "0.9")];
    let t = create(&broker, "t", 1, &configs).await.unwrap().name;
    let partition = broker.partition(&TopicPartition { topic: t.clone(), partition: 0 }).unwrap();
    let fill = async || {
        for at in 0..4u8 {
            let record = NewRecord { key: Some(&[at]), ..NewRecord::value(b"x") };
            broker.produce(&t, RoutedRecord { partition: None, record }, Acks::All).await.unwrap();
        }
    };
    fill().await;
    assert!(partition.compact(0, false).unwrap().is_some(), "all of it is new");
    fill().await;
    assert!(partition.compact(0, false).unwrap().is_none(), "half of it is");
    let change = [("min.cleanable.dirty.ratio".to_owned(), Some("0.4".to_owned()))];
    broker.alter_topic(&t, None, change.into()).await.unwrap();
    assert!(partition.compact(0, false).unwrap().is_some());
}

#[tokio::test]
async fn bad_topics_are_refused_and_leave_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { topics: 2, partitions: 5, ..Limits::default() };
    let broker = Broker::open(dir.path(), BrokerConfig { limits, ..config() }).unwrap();
    create(&broker, "t", 1, &[]).await.unwrap();
    for (name, partitions, configs, fragment) in [
        ("t", 1, &[][..], "\"t\" exists already"),
        ("u", 1, &[("segment.byte", "1")], "no config \"segment.byte\""),
        ("u", 1, &[("segment.bytes", "60")], "segment.bytes takes a whole number from 61"),
        (
            "u",
            1,
            &[("min.cleanable.dirty.ratio", "1.5")],
            "takes a number from 0 to 1, with at most 6 decimals, not",
        ),
        ("u", 5, &[], "would be 6, and the limit is 5"),
        ("u", u32::MAX, &[], "and the limit is 5"),
        ("__consumer_offsets", 1, &[], "the broker's own"),
    ] {
        let refused = create(&broker, name, partitions, configs).await.unwrap_err().to_string();
        assert!(refused.contains(fragment), "{name}: {refused}");
    }
    create(&broker, "u", 4, &[]).await.unwrap();
    let refused = create(&broker, "v", 0, &[]).await.unwrap_err().to_string();
    assert!(refused.contains("the number of topics would be 3"), "{refused}");
    assert_eq!(broker.topics().len(), 2);
    let unknown = topic("nobody");
    let refused = produce(&broker, &unknown, b"x", Acks::All).await;
    assert!(matches!(refused, Err(BrokerError::UnknownTopic(_))), "{refused:?}");
    assert!(matches!(broker.fetch(&unknown, &from(0)).await, Err(BrokerError::UnknownTopic(_))));
}

#[tokio::test]
async fn a_deleted_topic_is_gone_and_its_name_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::open(dir.path(), config()).unwrap();
    let t = topic("t");
    create(&broker, "t", 2, &[]).await.unwrap();
    produce(&broker, &t, b"old", Acks::All).await.unwrap();
    {
        let request = patiently(1);
        let mut waiting = pin!(broker.fetch(&t, &request));
        assert_waits(&mut waiting).await;
        broker.delete_topic(&t.topic).await.unwrap();
        assert!(matches!(waiting.await, Err(BrokerError::UnknownTopic(_))));
    }
    assert!(!dir.path().join("t-0").exists() && !dir.path().join("t-1").exists());
    assert!(matches!(broker.delete_topic(&t.topic).await, Err(BrokerError::UnknownTopic(_))));

    create(&broker, "t", 1, &[]).await.unwrap();
    assert_eq!(produce(&broker, &t, b"new", Acks::All).await.unwrap(), 0);
    drop(broker);
    let broker = Broker::open(dir.path(), config()).unwrap();
    assert_eq!(values(&broker.fetch(&t, &from(0)).await.unwrap()), [b"new"]);
}

#[tokio::test]
async fn an_altered_topic_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::open(dir.path(), config()).unwrap();
    let name = topic("t").topic;
    create(&broker, "t", 1, &[("segment.bytes", "1000"), ("retention.ms", "1")]).await.unwrap();
    produce(&broker, &topic("t"), b"old", Acks::All).await.unwrap();
    let configs = [("retention.ms", None), ("segment.bytes", Some("2000"))];
    let configs = configs.map(|(key, value)| (key.to_owned(), value.map(str::to_owned)));
    let altered = broker.alter_topic(&name, Some(3), configs.into()).await.unwrap();
    assert_eq!((altered.partitions, altered.log.segment_bytes), (3, 2000));
    assert_eq!(altered.log.retention_ms, config().log.retention_ms);
    let last = TopicPartition { partition: 2, ..topic("t") };
    assert_eq!(produce(&broker, &last, b"new", Acks::All).await.unwrap(), 0);
    drop(broker);

    let broker = Broker::open(dir.path(), config()).unwrap();
    assert_eq!(broker.topics(), [altered]);
    assert_eq!(values(&broker.fetch(&topic("t"), &from(0)).await.unwrap()), [b"old"]);
    assert_eq!(values(&broker.fetch(&last, &from(0)).await.unwrap()), [b"new"]);
}

#[tokio::test]
async fn an_alteration_that_cannot_be_written_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::open(dir.path(), config()).unwrap();
    let before = create(&broker, "t", 1, &[]).await.unwrap();
    // A file where the second partition's directory should be.
    fs::write(dir.path().join("t-1"), "").unwrap();
    let configs = [("segment.bytes".to_owned(), Some("2000".to_owned()))];
    let refused = broker.alter_topic(&before.name, Some(3), configs.into()).await;
    assert!(matches!(refused, Err(BrokerError::Log(Error::Io(_)))), "{refused:?}");
    assert_eq!(broker.describe_topic(&before.name).unwrap(), before);
    assert!(!dir.path().join("t-2").exists());
    fs::remove_file(dir.path().join("t-1")).unwrap();
    // What a crash leaves that comes before the catalog knows of the partition.
    fs::create_dir(dir.path().join("t-1")).unwrap();
    drop(broker);
    let broker = Broker::open(dir.path(), config()).unwrap();
    assert_eq!(broker.topics(), [before]);
    assert!(!dir.path().join("t-1").exists());
}

#[tokio::test]
async fn a_start_brings_to_an_end_what_a_crash_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::open(dir.path(), config()).unwrap();
    for name in ["going", "lame", "kept"] {
        create(&broker, name, 2, &[]).await.unwrap();
    }
    produce(&broker, &topic("kept"), b"x", Acks::All).await.unwrap();
    drop(broker);
    // A deletion that got as far as its mark and one directory, a creation that got no further than directories, a
    // partition that somebody lost, and one that somebody brought.
    let catalog = dir.path().join("topics.json");
    let mut json: serde_json::Value = serde_json::from_slice(&fs::read(&catalog).unwrap()).unwrap();
    json["topics"]["going"]["deleting"] = true.into();
    fs::write(&catalog, json.to_string()).unwrap();
    fs::remove_dir_all(dir.path().join("going-0")).unwrap();
    fs::create_dir(dir.path().join("unborn-0")).unwrap();
    fs::remove_dir_all(dir.path().join("lame-1")).unwrap();
    fs::create_dir(dir.path().join("brought-0")).unwrap();
    fs::copy(
        dir.path().join("kept-0/00000000000000000000.log"),
        dir.path().join("brought-0/00000000000000000000.log"),
    )
    .unwrap();
    for name in ["t-00", "lost+found", "noname"] {
        fs::create_dir(dir.path().join(name)).unwrap();
    }

    for _ in 0..2 {
        let broker = Broker::open(dir.path(), config()).unwrap();
        let names: Vec<_> = broker.topics().iter().map(|topic| topic.name.to_string()).collect();
        assert_eq!(names, ["brought", "kept", "lame"]);
        assert_eq!(values(&broker.fetch(&topic("brought"), &from(0)).await.unwrap()), [b"x"]);
        let unhealthy = broker.unhealthy();
        assert_eq!(unhealthy.len(), 1, "{unhealthy:?}");
        assert_eq!(
            (unhealthy[0].0.to_string(), &unhealthy[0].1[..]),
            ("lame-1".to_owned(), "offline: its directory is missing")
        );
        assert!(!dir.path().join("going-1").exists() && !dir.path().join("unborn-0").exists());
        assert!(dir.path().join("lost+found").exists() && dir.path().join("t-00").exists());
    }
}

#[tokio::test]
async fn a_catalog_that_makes_no_sense_is_refused_by_name() {
    for (json, fragment) in [
        ("{", "topics.json"),
        (r#"{"version": 2, "topics": {}}"#, "version is 2"),
        (r#"{"version": 1, "topics": {"../x": {"partitions": 1}}}"#, "contains '/'"),
        (r#"{"version": 1, "topics": {"t": {"partitions": 4294967295}}}"#, "the limit is"),
        (r#"{"version": 1, "topics": {"t": {"partitions": 1, "configs": {"x": "1"}}}}"#, "no config \"x\""),
    ] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("topics.json"), json).unwrap();
        let error = Broker::open(dir.path(), config()).unwrap_err().to_string();
        assert!(error.contains(fragment) && error.contains("topics.json"), "{error}");
    }
}

#[tokio::test]
async fn keys_go_where_kafkas_clients_send_them() {
    let (_dir, broker) = broker();
    create(&broker, "t", 5, &[]).await.unwrap();
    let t = topic("t").topic;
    for (key, hash) in [("21", -973_932_308_i32), ("foobar", -790_332_482), ("abc", 479_470_107)] {
        let record = NewRecord { key: Some(key.as_bytes()), ..value(b"x") };
        let expected = (hash as u32 & 0x7fff_ffff) % 5;
        for (asked, expected) in [(None, expected), (Some(4), 4)] {
            let routed = RoutedRecord { partition: asked, record };
            let (partition, _) = broker.produce(&t, routed, Acks::All).await.unwrap();
            assert_eq!(partition, expected, "{key}");
        }
    }
    // Without a key, records stay together until 16 KiB have gone to one partition.
    let big = vec![b'x'; 9000];
    let mut partitions = Vec::new();
    for _ in 0..6 {
        let routed = RoutedRecord { partition: None, record: value(&big) };
        partitions.push(broker.produce(&t, routed, Acks::Leader).await.unwrap().0);
    }
    assert_eq!(partitions, [0, 0, 1, 1, 2, 2]);
}

#[tokio::test]
async fn records_of_one_request_are_one_batch_a_partition() {
    let (_dir, broker) = broker();
    create(&broker, "t", 3, &[]).await.unwrap();
    let routed = |partition, bytes: &'static [u8]| RoutedRecord { partition, record: value(bytes) };
    let records =
        [routed(Some(2), b"a"), routed(Some(0), b"b"), routed(Some(2), b"c"), routed(Some(7), b"d")];
    let outcomes = broker.produce_all(&topic("t").topic, &records, Acks::All).await.unwrap();
    let told: Vec<_> = outcomes
        .iter()
        .map(|outcome| (outcome.partition, &outcome.records[..], outcome.base_offset.as_ref().ok().copied()))
        .collect();
    assert_eq!(told, [(0, &[1][..], Some(0)), (2, &[0, 2], Some(0)), (7, &[3], None)]);
    let second = TopicPartition { partition: 2, ..topic("t") };
    let answer = broker.fetch(&second, &FetchRequest { max_bytes: 1, ..from(0) }).await.unwrap();
    assert_eq!(values(&answer), [b"a", b"c"], "one batch, which comes whole");
}
