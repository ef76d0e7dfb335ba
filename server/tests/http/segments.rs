//! `/topics/{topic}/partitions/{partition}/segments`.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;

use crate::api::Api;

const SEGMENTS: &str = "/topics/t/partitions/0/segments";

#[tokio::test]
async fn segments_are_listed_with_their_files() {
    let api = Api::new().await;
    let configs = json!({"segment.bytes": 200, "index.interval.bytes": 0});
    api.post("/topics", json!({"name": "t", "configs": configs})).await;
    for i in 0..5 {
        api.produce(json!({"topic": "t", "payload": "x".repeat(20), "timestamp": i})).await;
    }
    let segments = api.get(SEGMENTS).await["segments"].clone();
    let segments = segments.as_array().unwrap();
    let bases: Vec<_> = segments.iter().map(|segment| segment["base_offset"].as_u64().unwrap()).collect();
    assert_eq!(bases, [0, 2, 4]);
    let active: Vec<_> = segments.iter().map(|segment| segment["active"].as_bool().unwrap()).collect();
    assert_eq!(active, [false, false, true]);

    for (base, segment) in bases.iter().zip(segments) {
        for (file, count, entry) in
            [("log", "size", 1), ("index", "index_entries", 8), ("timeindex", "time_index_entries", 12)]
        {
            let name = format!("{base:020}.{file}");
            let on_disk = std::fs::read(api.dir.path().join("data/t-0").join(&name)).unwrap();
            assert_eq!(segment[count].as_u64().unwrap() * entry, on_disk.len() as u64, "{name}");
            for base in [base.to_string(), format!("{base:020}")] {
                let answer = api.request("GET", &format!("{SEGMENTS}/{base}/{file}"), Body::empty()).await;
                assert_eq!((answer.status, &answer.body), (StatusCode::OK, &on_disk), "{name}");
                assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
                assert_eq!(answer.header("content-length"), Some(&*on_disk.len().to_string()));
                let disposition = format!("attachment; filename=\"{name}\"");
                assert_eq!(answer.header("content-disposition"), Some(&*disposition));
            }
        }
    }
    let answer = api.request("HEAD", &format!("{SEGMENTS}/0/log"), Body::empty()).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
    assert_eq!(answer.header("content-length"), Some(&*segments[0]["size"].to_string()));
}

#[tokio::test]
async fn a_file_of_many_chunks_comes_whole() {
    let api = Api::new().await;
    for _ in 0..3 {
        api.produce(json!({"topic": "t", "payload": "0123456789".repeat(10_000)})).await;
    }
    let on_disk = std::fs::read(api.dir.path().join("data/t-0/00000000000000000000.log")).unwrap();
    assert!(on_disk.len() > 300_000);
    let answer = api.request("GET", &format!("{SEGMENTS}/0/log"), Body::empty()).await;
    assert!(answer.body == on_disk);
}

#[tokio::test]
async fn a_part_of_a_file_can_be_asked_for() {
    let api = Api::new().await;
    for _ in 0..3 {
        api.produce(json!({"topic": "t", "payload": "0123456789".repeat(10_000)})).await;
    }
    let whole = api.request("GET", &format!("{SEGMENTS}/0/log"), Body::empty()).await.body;
    let size = whole.len();
    let part = async |range: &str| {
        let request = Request::get(format!("{SEGMENTS}/0/log")).header("range", range);
        api.send(request.body(Body::empty()).unwrap()).await
    };
    for (range, first, end) in [
        ("bytes=0-60".to_owned(), 0, 61),
        ("bytes=100000-200000".to_owned(), 100_000, 200_001),
        (format!("bytes={}-", size - 1), size - 1, size),
        ("bytes=-70".to_owned(), size - 70, size),
        ("bytes=0-9999999999".to_owned(), 0, size),
    ] {
        let answer = part(&range).await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert!(answer.body == whole[first..end], "{range}");
        let told = format!("bytes {first}-{}/{size}", end - 1);
        assert_eq!(answer.header("content-range"), Some(&*told));
        assert_eq!(answer.header("content-length"), Some(&*(end - first).to_string()));
    }
    let answer = part("bytes=0-1,5-6").await;
    assert_eq!((answer.status, answer.header("accept-ranges")), (StatusCode::OK, Some("bytes")));
    assert!(answer.body == whole);
    let answer = part(&format!("bytes={size}-")).await;
    assert_eq!(answer.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(answer.header("content-range"), Some(&*format!("bytes */{size}")));
    assert_eq!(answer.json()["error_code"], 416);
}
