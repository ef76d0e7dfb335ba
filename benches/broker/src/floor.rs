//! The floors. Handlers that do nothing but HTTP and JSON, behind the same axum and the same sockets as the broker; and
//! what the disk and the engine do without HTTP.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::serve::ListenerExt;
use logscope::storage::FsStorage;
use logscope::{LogConfig, NewRecord, PartitionLog};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

/// After so many bytes an append goes on in a fresh log: before the kernel writes back what is about to be deleted.
const BYTES_A_LOG: usize = 64 << 20;

/// What `/produce` takes, parsed by serde.
#[derive(Deserialize)]
#[expect(dead_code, reason = "it is parsed, and that is all")]
struct Produce<'a> {
    topic: &'a str,
    payload: &'a str,
    #[serde(default)]
    acks: serde_json::Value,
}

#[derive(Serialize)]
struct Produced {
    offset: u64,
}

/// What `/fetch` answers, kept in memory.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Fetched {
    records: Vec<FetchedRecord>,
    next_offset: u64,
    log_start_offset: u64,
    high_watermark: u64,
    stopped_by: String,
}

#[derive(Debug, Deserialize, Serialize)]
struct FetchedRecord {
    offset: u64,
    payload: String,
}

#[derive(Debug, Clone, Default)]
struct Memory {
    fetched: Arc<RwLock<Arc<Fetched>>>,
    raw: Arc<RwLock<Bytes>>,
}

/// Serves until the process is ended. What is to be answered is put there first.
pub(crate) fn serve() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let routes = Router::new()
            .route("/produce", post(produce))
            .route("/fetch", get(fetch).post(keep_fetched))
            .route("/raw", put(keep_raw).get(raw).post(keep_raw))
            .layer(DefaultBodyLimit::disable())
            .with_state(Memory::default());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("the floor is at http://{}/", listener.local_addr()?);
        // Without it, answers may wait for more to send; the broker's do not.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        Ok(axum::serve(listener, routes).await?)
    })
}

async fn produce(body: Bytes) -> Response {
    match serde_json::from_slice::<Produce<'_>>(&body) {
        Ok(_) => json(&Produced { offset: 42 }),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

async fn fetch(State(memory): State<Memory>) -> Response {
    let fetched = memory.fetched.read().map(|it| Arc::clone(&it)).unwrap_or_default();
    json(&*fetched)
}

async fn keep_fetched(State(memory): State<Memory>, body: Bytes) -> StatusCode {
    let Ok(fetched) = serde_json::from_slice(&body) else { return StatusCode::BAD_REQUEST };
    match memory.fetched.write() {
        Ok(mut kept) => *kept = Arc::new(fetched),
        Err(_) => return StatusCode::INTERNAL_SERVER_ERROR,
    }
    StatusCode::NO_CONTENT
}

async fn raw(State(memory): State<Memory>) -> Bytes {
    memory.raw.read().map(|raw| raw.clone()).unwrap_or_default()
}

async fn keep_raw(State(memory): State<Memory>, body: Bytes) -> StatusCode {
    match memory.raw.write() {
        Ok(mut kept) => *kept = body,
        Err(_) => return StatusCode::INTERNAL_SERVER_ERROR,
    }
    StatusCode::NO_CONTENT
}

fn json(body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Appends a second, each of so many bytes and with an `fdatasync` of its own, one after another.
pub(crate) fn syncs(dir: &Path, size: usize, time: Duration) -> Result<f64> {
    let path = dir.join("syncs");
    let mut file = File::create(&path)?;
    let bytes = vec![7; size];
    let (begin, mut count) = (Instant::now(), 0u32);
    while begin.elapsed() < time {
        file.write_all(&bytes)?;
        file.sync_data()?;
        count += 1;
    }
    let rate = f64::from(count) / begin.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(rate)
}

/// Records a second that the engine appends in this process, in batches.
pub(crate) fn appends(dir: &Path, batch: usize, size: usize, time: Duration) -> Result<f64> {
    let payload = vec![b'x'; size];
    let records = vec![NewRecord::value(&payload); batch];
    let (mut elapsed, mut count) = (Duration::ZERO, 0u64);
    while elapsed < time {
        let log_dir = dir.join("appends");
        let (mut log, _) = PartitionLog::open(FsStorage::open(&log_dir)?, LogConfig::default())?;
        let begin = Instant::now();
        for _ in 0..BYTES_A_LOG / (batch * size) {
            log.append(&records, 1_700_000_000_000)?;
            count += batch as u64;
        }
        elapsed += begin.elapsed();
        drop(log);
        std::fs::remove_dir_all(log_dir)?;
    }
    Ok(count as f64 / elapsed.as_secs_f64())
}
