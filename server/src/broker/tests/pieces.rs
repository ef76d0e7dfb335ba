//! Large answers, piece by piece.

use super::*;

const RECORD: usize = 10_000;
const RECORDS: u64 = 120;

/// A log of several segments.
async fn filled() -> (TempDir, Broker, TopicPartition) {
    let (dir, broker) = broker();
    let t = topic("t");
    let configs = BTreeMap::from([("segment.bytes".to_owned(), "200000".to_owned())]);
    broker.create_topic(t.topic.clone(), Some(1), configs).await.unwrap();
    for at in 0..RECORDS {
        produce(&broker, &t, &[at as u8; RECORD], Acks::All).await.unwrap();
    }
    (dir, broker, t)
}

async fn all(broker: &Broker, pieces: &mut Pieces) -> Result<(usize, Vec<u8>)> {
    let (mut count, mut bytes) = (0, Vec::new());
    while let Some(piece) = pieces.next().await? {
        count += 1;
        bytes.extend_from_slice(&piece.batches);
        broker.give_back(piece.batches);
    }
    Ok((count, bytes))
}

#[tokio::test]
async fn pieces_are_what_a_fetch_returns() {
    let (_dir, broker, t) = filled().await;
    for (offset, max_bytes) in [(0, 1 << 20), (7, 600_000), (30, 1 << 30), (0, FETCH_MAX_BYTES + 1)] {
        let request = FetchRequest { max_bytes, ..from(offset) };
        let expected = broker.fetch(&t, &request).await.unwrap();
        for from_disk in [false, true] {
            let mut pieces = broker.pieces(&t, &request).unwrap();
            pieces.from_disk = from_disk;
            let extent = pieces.extent();
            let (count, bytes) = all(&broker, &mut pieces).await.unwrap();
            assert!(count > 3, "{count}");
            assert_eq!(bytes, expected.fetched.batches);
            assert_eq!(extent.size, bytes.len() as u64);
            assert_eq!(extent.next_offset, expected.fetched.next_offset);
            assert_eq!(extent.stopped_by, expected.fetched.stopped_by);
        }
    }
}

#[tokio::test]
async fn what_is_small_or_not_there_is_fetched() {
    let (_dir, broker, t) = filled().await;
    assert!(broker.pieces(&t, &FetchRequest { max_bytes: 100_000, ..from(0) }).is_none());
    assert!(broker.pieces(&t, &from(RECORDS - 3)).is_none());
    assert!(broker.pieces(&t, &from(RECORDS)).is_none());
    assert!(broker.pieces(&t, &from(RECORDS + 1)).is_none());
    assert!(broker.pieces(&topic("other"), &from(0)).is_none());
    let waits = FetchRequest { min_bytes: 2 << 20, max_bytes: 4 << 20, ..patiently(0) };
    assert!(broker.pieces(&t, &waits).is_none(), "there is less than what is waited for");
}

#[tokio::test]
async fn what_retention_overtakes_breaks_off() {
    let (_dir, broker, t) = filled().await;
    let mut pieces = broker.pieces(&t, &from(0)).unwrap();
    assert!(pieces.next().await.unwrap().is_some());
    broker.delete_records_before(&t, RECORDS - 1).await.unwrap();
    let error = all(&broker, &mut pieces).await.unwrap_err();
    assert!(matches!(error, BrokerError::Log(Error::OffsetOutOfRange { .. })), "{error}");
}

#[tokio::test]
async fn what_compaction_overtakes_breaks_off() {
    let (_dir, broker) = broker();
    let t = topic("t");
    let configs = [("segment.bytes", "200000"), ("cleanup.policy", "compact")];
    let configs = configs.map(|(key, value)| (key.to_owned(), value.to_owned()));
    broker.create_topic(t.topic.clone(), Some(1), configs.into()).await.unwrap();
    let fill = async || {
        for at in 0..RECORDS {
            let (key, bytes) = ([at as u8 % 40], [at as u8; RECORD]);
            let record = NewRecord { key: Some(&key), ..value(&bytes) };
            let routed = RoutedRecord { partition: None, record };
            broker.produce(&t.topic, routed, Acks::All).await.unwrap();
        }
    };
    fill().await;
    let mut pieces = broker.pieces(&t, &from(0)).unwrap();
    assert!(pieces.next().await.unwrap().is_some());
    fill().await;
    broker.compact(&t).await.unwrap().unwrap();
    let error = all(&broker, &mut pieces).await.unwrap_err();
    assert!(matches!(error, BrokerError::Internal(_)), "{error}");
}

#[tokio::test]
async fn what_is_damaged_breaks_off() {
    let (dir, broker, t) = filled().await;
    let mut pieces = broker.pieces(&t, &from(0)).unwrap();
    let log = dir.path().join("data/t-0/00000000000000000000.log");
    let mut bytes = fs::read(&log).unwrap();
    bytes[150_000] ^= 1;
    fs::write(&log, bytes).unwrap();
    assert!(pieces.next().await.unwrap().is_some(), "the damage is behind the first piece");
    let error = all(&broker, &mut pieces).await.unwrap_err();
    assert!(matches!(error, BrokerError::Log(Error::Corrupt { .. })), "{error}");
}
