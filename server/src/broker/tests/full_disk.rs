//! Disks that are full or fail, one partition at a time.

use logscope::LogConfig;
use logscope::storage::{Faults, FaultyStorage};

use super::super::partition::{Partition, Trouble};
use super::*;

fn faulty(storage: &FaultyStorage) -> Arc<Partition<FaultyStorage>> {
    counted(storage, &Metrics::default())
}

fn counted(storage: &FaultyStorage, metrics: &Metrics) -> Arc<Partition<FaultyStorage>> {
    let metrics = (metrics.topic("t"), metrics.log.clone());
    let opened =
        Partition::open(topic("t"), storage.clone(), LogConfig::default(), Duration::from_millis(1), metrics);
    opened.unwrap().0
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_refuses_records_until_there_is_room() {
    let storage = FaultyStorage::new(1);
    let partition = faulty(&storage);
    assert_eq!(partition.append(&[value(b"one")], 1, Acks::All).await.unwrap(), 0);
    storage.set_faults(Faults { room: Some(10), ..Faults::default() }, 1);
    for _ in 0..2 {
        let refused = partition.append(&[value(b"does not fit")], 1, Acks::All).await;
        assert!(matches!(refused, Err(BrokerError::DiskFull(_))), "{refused:?}");
        assert!(matches!(partition.trouble(), Some(Trouble::DiskFull { .. })));
    }
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(partition.trouble(), None, "it would take a record, if there is room");
    let refused = partition.append(&[value(b"does not fit")], 1, Acks::All).await;
    assert!(matches!(refused, Err(BrokerError::DiskFull(_))), "{refused:?}");
    assert!(matches!(partition.trouble(), Some(Trouble::DiskFull { .. })), "there was none");

    storage.set_faults(Faults::default(), 1);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(partition.trouble(), None, "nobody has to produce for that");
    assert_eq!(partition.append(&[value(b"two")], 1, Acks::All).await.unwrap(), 1);
    assert_eq!(partition.trouble(), None);
}

#[tokio::test]
async fn a_failed_sync_makes_the_partition_read_only_for_good() {
    let storage = FaultyStorage::new(1);
    let partition = faulty(&storage);
    partition.append(&[value(b"kept")], 1, Acks::All).await.unwrap();
    // Of the calls to come, the first writes the batch and the second syncs it.
    storage.set_faults(Faults { error_at: Some(2), ..Faults::default() }, 1);
    let refused = partition.append(&[value(b"lost")], 1, Acks::All).await;
    assert!(matches!(refused, Err(BrokerError::ReadOnly(_))), "{refused:?}");
    storage.set_faults(Faults::default(), 1);
    let refused = partition.append(&[value(b"later")], 1, Acks::All).await;
    assert!(matches!(refused, Err(BrokerError::ReadOnly(_))), "{refused:?}");
    assert_eq!(partition.trouble(), Some(Trouble::SyncFailed));
    assert_eq!(partition.reader().fetch(0, 1000).unwrap().records().count(), 1, "it can still be read");
}

#[tokio::test]
async fn a_sync_on_request_that_fails_is_told_and_counted_once() {
    let (storage, metrics) = (FaultyStorage::new(1), Metrics::default());
    let partition = counted(&storage, &metrics);
    partition.append(&[value(b"kept")], 1, Acks::All).await.unwrap();
    storage.set_faults(Faults { error_at: Some(2), ..Faults::default() }, 1);
    partition.append_now(&[value(b"lost")], 1, Acks::Leader).unwrap();
    for _ in 0..2 {
        assert!(matches!(partition.flush(), Err(BrokerError::ReadOnly(_))));
        assert_eq!(partition.trouble(), Some(Trouble::SyncFailed));
        assert_eq!(metrics.log.sync_failures.get(), 1);
    }
}

#[tokio::test]
async fn a_change_that_cannot_be_made_durable_is_told_and_counted_once() {
    let (storage, metrics) = (FaultyStorage::new(1), Metrics::default());
    let partition = counted(&storage, &metrics);
    partition.append(&[value(b"kept")], 1, Acks::All).await.unwrap();
    partition.append_now(&[value(b"lost")], 1, Acks::Leader).unwrap();
    storage.set_faults(Faults { error_at: Some(1), ..Faults::default() }, 1);
    for _ in 0..2 {
        let flushed = partition.with_log(|log| log.flush());
        assert!(matches!(flushed, Err(BrokerError::ReadOnly(_))), "{flushed:?}");
        assert_eq!(metrics.log.sync_failures.get(), 1);
    }
    let refused = partition.append_now(&[value(b"more")], 1, Acks::Leader);
    assert!(matches!(refused, Err(BrokerError::ReadOnly(_))), "{refused:?}");
}
