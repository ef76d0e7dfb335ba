//! The broker, without HTTP: who waits for what, and what is on disk afterwards.

use std::fs;
use std::future::poll_fn;
use std::path::Path;
use std::pin::pin;
use std::sync::mpsc;
use std::task::Poll;
use std::time::Duration;

use logscope::{Error, NewRecord, StoppedBy};
use tempfile::TempDir;

use super::*;

mod full_disk;
mod groups;
mod pieces;
mod topics;

fn open(dir: &Path) -> Broker {
    Broker::open(dir, BrokerConfig::default()).unwrap()
}

fn broker() -> (TempDir, Broker) {
    let dir = tempfile::tempdir().unwrap();
    let broker = open(&dir.path().join("data"));
    (dir, broker)
}

fn topic(name: &str) -> TopicPartition {
    TopicPartition { topic: name.parse().unwrap(), partition: 0 }
}

fn value(bytes: &[u8]) -> NewRecord<'_> {
    NewRecord { timestamp: None, key: None, value: Some(bytes), headers: &[] }
}

/// Produces to that partition, and returns the offset.
async fn produce(broker: &Broker, to: &TopicPartition, bytes: &[u8], acks: Acks) -> Result<u64> {
    let routed = RoutedRecord { partition: Some(to.partition), record: value(bytes) };
    broker.produce(&to.topic, routed, acks).await.map(|(_, offset)| offset)
}

fn from(offset: u64) -> FetchRequest {
    FetchRequest { offset, max_bytes: 1 << 20, min_bytes: 1, max_wait: Duration::ZERO }
}

/// Waits so long that a test without a wake-up fails by its answer, not by chance.
fn patiently(offset: u64) -> FetchRequest {
    FetchRequest { max_wait: Duration::from_secs(20), ..from(offset) }
}

fn values(answer: &FetchAnswer) -> Vec<Vec<u8>> {
    answer.fetched.records().map(|record| record.unwrap().value.unwrap().to_vec()).collect()
}

/// Polls a future once, and expects that it is not done.
async fn assert_waits<F: Future>(future: &mut std::pin::Pin<&mut F>) {
    let pending = poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await;
    assert!(pending, "it did not wait");
}

/// Waits until the one thread that may block has nothing to do: a flush job looks for more before it ends.
async fn idle() {
    tokio::task::spawn_blocking(|| {}).await.unwrap();
}

#[test]
fn waiting_producers_share_a_sync() {
    const PRODUCERS: u64 = 100;
    // One thread may block, and it is held up until all producers have appended: then one sync is due for all.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build();
    runtime.unwrap().block_on(async {
        let (_dir, broker) = broker();
        let t = topic("t");
        produce(&broker, &t, b"first", Acks::All).await.unwrap();
        let partition = broker.partition(&t).unwrap();
        let flushes_before = partition.flushes();

        idle().await;
        let (release, held) = mpsc::channel::<()>();
        let blocker = tokio::task::spawn_blocking(move || held.recv());
        let mut producers = tokio::task::JoinSet::new();
        for _ in 0..PRODUCERS {
            let (broker, t) = (broker.clone(), t.clone());
            producers.spawn(async move { produce(&broker, &t, b"x", Acks::All).await.unwrap() });
        }
        while partition.offsets().log_end_offset <= PRODUCERS {
            tokio::task::yield_now().await;
        }
        assert_eq!(partition.offsets().high_watermark, 1, "nothing is acknowledged before the sync");
        release.send(()).unwrap();
        blocker.await.unwrap().unwrap();

        let mut offsets = producers.join_all().await;
        offsets.sort_unstable();
        assert_eq!(offsets, (1..=PRODUCERS).collect::<Vec<_>>());
        assert_eq!(partition.offsets().high_watermark, PRODUCERS + 1);
        assert_eq!(partition.flushes() - flushes_before, 1);
    });
}

#[tokio::test]
async fn a_producer_that_goes_away_takes_no_sync_with_it() {
    let (_dir, broker) = broker();
    let t = topic("t");
    produce(&broker, &t, b"first", Acks::All).await.unwrap();
    {
        let mut dropped = pin!(produce(&broker, &t, b"second", Acks::All));
        assert_waits(&mut dropped).await;
    }
    let answer = broker.fetch(&t, &patiently(1)).await.unwrap();
    assert_eq!(values(&answer), [b"second"]);
}

#[test]
fn a_failed_sync_is_told_to_everyone_who_waits() {
    // The one thread that may block is held up, so the sync that the producer waits for does not come.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build();
    runtime.unwrap().block_on(async {
        let (_dir, broker) = broker();
        let t = topic("t");
        produce(&broker, &t, b"durable", Acks::All).await.unwrap();
        let partition = broker.partition(&t).unwrap();
        idle().await;
        let (release, held) = mpsc::channel::<()>();
        let blocker = tokio::task::spawn_blocking(move || held.recv());

        let mut waiting = pin!(produce(&broker, &t, b"lost", Acks::All));
        assert_waits(&mut waiting).await;
        partition.fail();
        assert!(matches!(waiting.await, Err(BrokerError::ReadOnly(_))));
        let unhealthy = [(t.clone(), "read-only: a sync failed".to_owned())];
        assert_eq!(broker.unhealthy(), unhealthy);

        release.send(()).unwrap();
        blocker.await.unwrap().unwrap();
        // What was durable before can be read all the same.
        assert_eq!(values(&broker.fetch(&t, &from(0)).await.unwrap()), [b"durable"]);
    });
}

#[tokio::test]
async fn records_that_nobody_waits_for_are_synced_soon() {
    let (_dir, broker) = broker();
    let t = topic("t");
    for (offset, acks) in [(0, Acks::Leader), (1, Acks::None)] {
        assert_eq!(produce(&broker, &t, b"x", acks).await.unwrap(), offset);
        let answer = broker.fetch(&t, &patiently(offset)).await.unwrap();
        assert_eq!(answer.high_watermark, offset + 1);
    }
}

#[tokio::test]
async fn a_waiting_fetch_wakes_when_enough_is_there() {
    let (_dir, broker) = broker();
    let t = topic("t");
    produce(&broker, &t, b"one", Acks::All).await.unwrap();
    let one_batch = broker.fetch(&t, &from(0)).await.unwrap().fetched.batches.len() as u64;

    let request = FetchRequest { min_bytes: 2 * one_batch, ..patiently(1) };
    let mut fetch = pin!(broker.fetch(&t, &request));
    assert_waits(&mut fetch).await;
    produce(&broker, &t, b"two", Acks::All).await.unwrap();
    assert_waits(&mut fetch).await;
    produce(&broker, &t, b"3!!", Acks::All).await.unwrap();
    assert_eq!(values(&fetch.await.unwrap()), [b"two", b"3!!"]);
}

#[tokio::test]
async fn a_fetch_that_cannot_grow_does_not_wait() {
    let (_dir, broker) = broker();
    let t = topic("t");
    for _ in 0..2 {
        produce(&broker, &t, b"x", Acks::All).await.unwrap();
    }
    let request = FetchRequest { max_bytes: 1, min_bytes: 1000, ..patiently(0) };
    let answer = tokio::time::timeout(Duration::from_secs(10), broker.fetch(&t, &request)).await;
    assert_eq!(answer.unwrap().unwrap().fetched.stopped_by, StoppedBy::MaxBytes);
}

#[tokio::test]
async fn a_topic_that_is_not_there_is_empty_until_it_is_born() {
    let (_dir, broker) = broker();
    let (t, other) = (topic("t"), topic("other"));
    let empty = broker.fetch(&t, &from(0)).await.unwrap();
    assert_eq!((empty.fetched.next_offset, empty.high_watermark), (0, 0));
    assert!(matches!(broker.fetch(&t, &from(1)).await, Err(BrokerError::TopicNotBorn { requested: 1, .. })));
    assert!(broker.unhealthy().is_empty());

    let request = patiently(0);
    let mut fetch = pin!(broker.fetch(&t, &request));
    assert_waits(&mut fetch).await;
    produce(&broker, &other, b"elsewhere", Acks::All).await.unwrap();
    assert_waits(&mut fetch).await;
    produce(&broker, &t, b"born", Acks::All).await.unwrap();
    assert_eq!(values(&fetch.await.unwrap()), [b"born"]);
}

#[tokio::test]
async fn closing_answers_those_who_wait() {
    let (_dir, broker) = broker();
    let (t, none) = (topic("t"), topic("none"));
    produce(&broker, &t, b"x", Acks::All).await.unwrap();
    let request = (patiently(1), patiently(0));
    let mut fetch = pin!(broker.fetch(&t, &request.0));
    let mut unborn = pin!(broker.fetch(&none, &request.1));
    assert_waits(&mut fetch).await;
    assert_waits(&mut unborn).await;
    broker.begin_close();
    let both = async { (fetch.await.unwrap(), unborn.await.unwrap()) };
    let (fetched, unborn) = tokio::time::timeout(Duration::from_secs(10), both).await.unwrap();
    assert!(values(&fetched).is_empty() && values(&unborn).is_empty());
}

#[tokio::test]
async fn a_closed_broker_refuses_and_its_data_is_there_again() {
    let (dir, broker) = broker();
    let t = topic("t");
    produce(&broker, &t, b"kept", Acks::None).await.unwrap();
    broker.close().await.unwrap();
    broker.close().await.unwrap();
    for name in ["t", "new"] {
        let refused = produce(&broker, &topic(name), b"x", Acks::All).await;
        assert!(matches!(refused, Err(BrokerError::Closed)), "{refused:?}");
    }
    assert!(!dir.path().join("data/new-0").exists());
    drop(broker);

    let broker = open(&dir.path().join("data"));
    assert_eq!(values(&broker.fetch(&t, &from(0)).await.unwrap()), [b"kept"]);
    assert_eq!(produce(&broker, &t, b"next", Acks::All).await.unwrap(), 1);
}

#[tokio::test]
async fn closing_makes_everything_durable() {
    let dir = tempfile::tempdir().unwrap();
    let config = BrokerConfig { flush_ms: Duration::from_secs(3600), ..BrokerConfig::default() };
    let broker = Broker::open(dir.path(), config).unwrap();
    let t = topic("t");
    produce(&broker, &t, b"x", Acks::Leader).await.unwrap();
    let partition = broker.partition(&t).unwrap();
    assert_eq!(partition.offsets().high_watermark, 0);
    broker.close().await.unwrap();
    assert_eq!(partition.offsets().high_watermark, 1);
}

#[tokio::test]
async fn a_damaged_partition_is_offline_and_the_others_are_not() {
    let (dir, broker) = broker();
    let (good, bad) = (topic("good"), topic("bad"));
    produce(&broker, &good, b"x", Acks::All).await.unwrap();
    broker.close().await.unwrap();
    drop(broker);
    // Damage in any segment but the last is nothing that a crash could have done.
    let data = dir.path().join("data");
    fs::create_dir(data.join("bad-0")).unwrap();
    fs::write(data.join("bad-0/00000000000000000000.log"), [7; 100]).unwrap();
    fs::write(data.join("bad-0/00000000000000000001.log"), []).unwrap();

    let broker = open(&data);
    assert_eq!(produce(&broker, &good, b"y", Acks::All).await.unwrap(), 1);
    let refused = produce(&broker, &bad, b"x", Acks::All).await.unwrap_err();
    let message = refused.to_string();
    assert!(matches!(refused, BrokerError::Offline { .. }), "{message}");
    assert!(message.contains("00000000000000000000.log is damaged at position 0"), "{message}");
    assert!(matches!(broker.fetch(&bad, &from(0)).await, Err(BrokerError::Offline { .. })));
    assert_eq!(broker.unhealthy().iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>(), ["bad-0"]);
    assert_eq!(fs::read(data.join("bad-0/00000000000000000000.log")).unwrap(), [7; 100], "left as it was");
}

#[tokio::test]
async fn many_producers_of_a_new_topic_create_it_once() {
    let (_dir, broker) = broker();
    let mut producers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let broker = broker.clone();
        producers.spawn(async move { produce(&broker, &topic("t"), b"x", Acks::All).await.unwrap() });
    }
    let mut offsets = producers.join_all().await;
    offsets.sort_unstable();
    assert_eq!(offsets, (0..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_record_that_is_refused_leaves_no_trace() {
    let (_dir, broker) = broker();
    let t = topic("t");
    let huge = vec![0; 2 << 20];
    let refused = produce(&broker, &t, &huge, Acks::All).await;
    assert!(matches!(refused, Err(BrokerError::Log(Error::MessageTooLarge { .. }))), "{refused:?}");
    assert_eq!(produce(&broker, &t, b"x", Acks::All).await.unwrap(), 0);
}
