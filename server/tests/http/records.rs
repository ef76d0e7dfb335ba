//! `/topics/{topic}/records` and `/topics/{topic}/partitions/{partition}/records`.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use logscope_server::TopicPartition;
use serde_json::{Value, json};

use crate::api::{Answer, Api};

const RECORDS: &str = "/topics/t/records";
const FETCH: &str = "/topics/t/partitions/0/records";
const OCTET_STREAM: &str = "application/octet-stream";

async fn send(api: &Api, content_type: &str, query: &str, body: impl Into<Body>) -> Answer {
    let request = Request::post(format!("{RECORDS}{query}")).header(header::CONTENT_TYPE, content_type);
    api.send(request.body(body.into()).unwrap()).await
}

async fn raw(api: &Api, accept: &str, query: &str) -> Answer {
    let request = Request::get(format!("{FETCH}?{query}")).header(header::ACCEPT, accept);
    api.send(request.body(Body::empty()).unwrap()).await
}

async fn records(api: &Api) -> Value {
    api.get(&format!("{FETCH}?offset=earliest")).await["records"].clone()
}

#[tokio::test]
async fn a_list_of_records_is_one_batch() {
    let api = Api::new().await;
    let headers = json!([{"name": "n", "value": "ü"}, {"name": "", "value": null}]);
    let binary = json!([{"name": "b", "value_base64": "/w=="}]);
    let body = json!({"records": [
        {"payload": "a", "timestamp": 5},
        {"payload": null, "key": "k", "timestamp": 6, "headers": headers},
        {"payload_base64": "/w==", "key_base64": "/w==", "timestamp": 7, "headers": binary},
        {"payload": "", "key": "", "timestamp": 8, "headers": []},
    ]});
    let offsets: Vec<_> = (0..4).map(|offset| json!({"partition": 0, "offset": offset})).collect();
    assert_eq!(api.post(RECORDS, body).await, json!({"offsets": offsets}));
    let expected = json!([
        {"offset": 0, "timestamp": 5, "key": null, "payload": "a"},
        {"offset": 1, "timestamp": 6, "key": "k", "payload": null, "headers": headers},
        {"offset": 2, "timestamp": 7, "key_base64": "/w==", "payload_base64": "/w==", "headers": binary},
        {"offset": 3, "timestamp": 8, "key": "", "payload": ""},
    ]);
    assert_eq!(
        api.get(&format!("{FETCH}?offset=0")).await,
        json!({
            "records": expected, "next_offset": 4, "log_start_offset": 0, "high_watermark": 4,
            "stopped_by": "log_end"
        })
    );
    // The batch comes whole from the log, and without what was not asked for.
    assert_eq!(api.get(&format!("{FETCH}?offset=3&max_bytes=1")).await["records"], json!([expected[3]]));
}

#[tokio::test]
async fn records_come_by_line_and_as_they_are() {
    let api = Api::new().await;
    let lines = "{\"payload\":\"a\",\"timestamp\":1}\r\n\n{\"payload\":\"b\",\"timestamp\":2}";
    for content_type in ["application/x-ndjson", "Application/X-NDJSON; charset=utf-8"] {
        assert_eq!(send(&api, content_type, "", lines).await.status, StatusCode::OK);
    }
    for (query, body) in [
        ("?key=k%26&timestamp=3&partition=0&acks=1", &b"\xff\n"[..]),
        ("?timestamp=4&acks=all", b""),
        ("?timestamp=5&acks=-1", b"{}"),
    ] {
        let answer = send(&api, OCTET_STREAM, query, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
    let answer = send(&api, OCTET_STREAM, "?key=%ff", "").await;
    assert_eq!(answer.json()["message"], "the parameter \"key\", once percent-decoded, is not UTF-8");
    assert_eq!(
        records(&api).await,
        json!([
            {"offset": 0, "timestamp": 1, "key": null, "payload": "a"},
            {"offset": 1, "timestamp": 2, "key": null, "payload": "b"},
            {"offset": 2, "timestamp": 1, "key": null, "payload": "a"},
            {"offset": 3, "timestamp": 2, "key": null, "payload": "b"},
            {"offset": 4, "timestamp": 3, "key": "k&", "payload_base64": "/wo="},
            {"offset": 5, "timestamp": 4, "key": null, "payload": ""},
            {"offset": 6, "timestamp": 5, "key": null, "payload": "{}"},
        ])
    );
}

#[tokio::test]
async fn keys_decide_as_in_kafka_and_partitions_override() {
    let api = Api::new().await;
    api.post("/topics", json!({"name": "t", "partitions": 3})).await;
    let keyed: Vec<_> = (0..20).map(|i| json!({"payload": "x", "key": format!("user-{i}")})).collect();
    let answer = api.post(RECORDS, json!({"records": keyed})).await;
    for (i, place) in answer["offsets"].as_array().unwrap().iter().enumerate() {
        let expected = logscope::topic::partition_for_key(format!("user-{i}").as_bytes(), 3);
        assert_eq!(place["partition"], expected, "user-{i}");
    }
    let elsewhere = json!({"payload": "x", "key": "user-0", "partition": 2});
    let answer = api.post(RECORDS, json!({"records": [elsewhere]})).await;
    assert_eq!(answer["offsets"][0]["partition"], 2);
    let count = |partition| {
        let of = TopicPartition { topic: "t".parse().unwrap(), partition };
        api.broker.offsets(&of).unwrap().high_watermark
    };
    assert_eq!((0..3).map(count).sum::<u64>(), 21);
}

#[tokio::test]
async fn a_batch_that_is_refused_takes_no_other_with_it() {
    let api = Api::new().await;
    let configs = json!({"max.message.bytes": 200});
    api.post("/topics", json!({"name": "t", "partitions": 2, "configs": configs})).await;
    let record = |partition: u32, size: usize| json!({"payload": "x".repeat(size), "partition": partition});
    let body = json!({"records": [record(0, 500), record(1, 1), record(7, 1), record(1, 2)]});
    let answer = api.post(RECORDS, body).await;
    let places = answer["offsets"].as_array().unwrap();
    assert_eq!((&places[0]["error_code"], &places[2]["error_code"]), (&json!(41301), &json!(40402)));
    assert_eq!(places[1], json!({"partition": 1, "offset": 0}));
    assert_eq!(places[3], json!({"partition": 1, "offset": 1}));
    // If none is taken, the first one's error is the answer.
    for (first, second, expected) in
        [(record(0, 500), record(7, 1), 413), (record(7, 1), record(0, 500), 404)]
    {
        let body = json!({"records": [first, second]}).to_string();
        assert_eq!(api.json("POST", RECORDS, body).await.0.as_u16(), expected);
    }
}

#[tokio::test]
async fn a_record_that_lacks_a_key_is_named() {
    let api = Api::new().await;
    let configs = json!({"cleanup.policy": "compact"});
    api.post("/topics", json!({"name": "t", "partitions": 2, "configs": configs})).await;
    let needs_one = "is missing or null: `cleanup.policy` = compact needs one";
    let keyed = json!({"payload": "x", "key": "k", "partition": 1});
    let keyless = json!({"payload": "x", "key": null, "partition": 1});
    let elsewhere = json!({"payload": "x", "key": "k", "partition": 0});

    let body = json!({"records": [keyed, keyed, keyless, keyless]}).to_string();
    let (status, answer) = api.json("POST", RECORDS, body).await;
    assert_eq!((status, &answer["error_code"]), (StatusCode::BAD_REQUEST, &json!(40002)));
    assert_eq!(answer["message"], format!("the field \"records[2].key\" {needs_one}"));
    let answer = send(&api, "application/x-ndjson", "", format!("\n{keyed}\r\n \n{keyless}")).await;
    assert_eq!(answer.json()["message"], format!("line 4: the field \"key\" {needs_one}"));

    let body = json!({"records": [keyed, elsewhere, keyless]});
    let answer = api.post(RECORDS, body).await;
    let message = format!("the field \"records[2].key\" {needs_one}");
    let refused = json!({"partition": 1, "error_code": 40002, "message": message});
    assert_eq!(answer["offsets"], json!([refused, {"partition": 0, "offset": 0}, refused]));
}

#[tokio::test]
async fn a_fetch_gives_the_batches_as_they_are() {
    let api = Api::new().await;
    for i in 0..3 {
        let records = json!([{"payload": format!("{i}a")}, {"payload": format!("{i}b")}]);
        api.post(RECORDS, json!({"records": records})).await;
    }
    let log = std::fs::read(api.dir.path().join("data/t-0/00000000000000000000.log")).unwrap();
    let second = &log[log.len() / 3..log.len() / 3 * 2];
    for (accept, query, bytes, next_offset, stopped_by) in [
        (OCTET_STREAM, "offset=0", &log[..], "6", "log_end"),
        ("text/html, Application/Octet-Stream;q=0.9", "offset=3&max_bytes=0", second, "4", "max_bytes"),
        ("application/json;q=0.5, application/octet-stream", "offset=0", &log[..], "6", "log_end"),
        (OCTET_STREAM, "offset=latest", b"", "6", "log_end"),
    ] {
        let answer = raw(&api, accept, query).await;
        assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, bytes), "{query}");
        assert_eq!(answer.header("content-type"), Some(OCTET_STREAM));
        assert_eq!(answer.header("logscope-next-offset"), Some(next_offset), "{query}");
        assert_eq!(answer.header("logscope-stopped-by"), Some(stopped_by), "{query}");
        assert_eq!(answer.header("logscope-log-start-offset"), Some("0"));
        assert_eq!(answer.header("logscope-high-watermark"), Some("6"));
    }
    let weighted = "application/octet-stream;q=0, application/json";
    for accept in ["*/*", "application/json", "application/octet-streams", weighted] {
        assert_eq!(raw(&api, accept, "offset=0").await.json()["next_offset"], 6);
    }
}

#[tokio::test]
async fn many_batches_come_with_their_length() {
    let api = Api::new().await;
    for payload in ["x", "y", "z"] {
        let records = json!([{"payload": payload.repeat(100_000), "timestamp": 1}]);
        api.post(RECORDS, json!({"records": records})).await;
    }
    let one_by_one = ["0", "1", "2"].map(|at| format!("offset={at}&max_bytes=1"));
    let mut expected = Vec::new();
    for query in one_by_one {
        expected.extend(raw(&api, OCTET_STREAM, &query).await.body);
    }
    let answer = raw(&api, OCTET_STREAM, "offset=0").await;
    assert_eq!(answer.body, expected);
    assert_eq!(answer.header("content-length"), Some(&*expected.len().to_string()));
    assert_eq!(answer.header("logscope-next-offset"), Some("3"));
    assert_eq!(answer.header("logscope-high-watermark"), Some("3"));
}

/// Records of all kinds, in batches of some kilobytes.
async fn mixed(api: &Api, batches: usize) {
    for at in 0..batches {
        let word = ["plain ", "\"quoted\"\n", "ümläut ", "tab\t"][at % 4];
        // Other numbers each time, so that compression saves little.
        let numbers = (0..at * 31 % 400).map(|n| format!("{word}{}", (at * 7919 + n) * 104_729 % 99_991));
        let payload: String = numbers.collect();
        let headers = json!([{"name": "n", "value": at.to_string()}]);
        let records = json!([
            {"payload": payload, "key": format!("k{at}"), "timestamp": at},
            {"payload_base64": "/wD/", "timestamp": at, "headers": headers},
            {"payload": null, "timestamp": at},
        ]);
        api.post(&format!("{RECORDS}?acks=1"), json!({"records": records})).await;
    }
    api.post("/topics/t/partitions/0/flush", json!({})).await;
}

/// An answer's records and what is behind them, as they are written.
fn parts(answer: &Answer) -> (String, String) {
    let text = String::from_utf8(answer.body.clone()).unwrap();
    let records = text.strip_prefix("{\"records\":[").unwrap();
    let (records, end) = records.rsplit_once("],\"next_offset\":").unwrap();
    (records.to_owned(), end.to_owned())
}

#[tokio::test]
async fn json_in_pieces_is_what_small_answers_are_together() {
    for codec in ["none", "lz4"] {
        let api = Api::new().await;
        let configs = json!({"compression.type": codec, "segment.bytes": 100_000});
        api.post("/topics", json!({"name": "t", "configs": configs})).await;
        mixed(&api, 200).await;
        for path in [format!("{FETCH}?"), "/fetch?topic=t&".to_owned()] {
            for (from, max_bytes) in [(0, 1_000_000), (4, 150_000), (100, 1 << 30)] {
                let large = format!("{path}offset={from}&max_bytes={max_bytes}");
                let streamed = api.request("GET", &large, Body::empty()).await;
                assert_eq!(streamed.header("content-length"), None, "{codec}: {large} is not streamed");
                assert_eq!(streamed.header("cache-control"), Some("no-store"));
                let next_offset = streamed.json()["next_offset"].as_u64().unwrap();
                let (mut records, mut offset) = (Vec::new(), from);
                let mut end = String::new();
                while offset < next_offset {
                    let small = format!("{path}offset={offset}&max_bytes=1");
                    let answer = api.request("GET", &small, Body::empty()).await;
                    assert!(answer.header("content-length").is_some());
                    offset = answer.json()["next_offset"].as_u64().unwrap();
                    let (text, behind) = parts(&answer);
                    records.push(text);
                    end = behind;
                }
                let (text, behind) = parts(&streamed);
                assert!(text == records.join(","), "{codec}: {large}");
                assert_eq!(behind, end, "{large}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_first_piece_is_an_error() {
    let api = Api::new().await;
    mixed(&api, 150).await;
    let log = api.dir.path().join("data/t-0/00000000000000000000.log");
    let mut bytes = std::fs::read(&log).unwrap();
    bytes[1000] ^= 1;
    std::fs::write(&log, bytes).unwrap();
    for accept in ["application/json", OCTET_STREAM] {
        let answer = raw(&api, accept, "offset=0").await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{accept}");
        assert_eq!(answer.json()["error_code"], 50091, "{accept}");
    }
}

#[tokio::test]
async fn compressed_batches_are_unpacked_for_json_and_for_nothing_else() {
    let api = Api::new().await;
    let configs = json!({"compression.type": "gzip"});
    api.post("/topics", json!({"name": "t", "configs": configs})).await;
    let payload = "compressible ".repeat(1000);
    let records = json!([{"payload": payload, "timestamp": 1}, {"payload": "b", "timestamp": 2}]);
    api.post(RECORDS, json!({"records": records})).await;
    let fetched = api.get(&format!("{FETCH}?offset=1")).await;
    assert_eq!(fetched["records"], json!([{"offset": 1, "timestamp": 2, "key": null, "payload": "b"}]));
    assert_eq!(api.fetch("topic=t&offset=0").await["records"][0]["payload"], json!(payload));
    let bytes = raw(&api, OCTET_STREAM, "offset=0").await.body;
    assert!(bytes.len() < 1000, "{}", bytes.len());
}

#[tokio::test]
async fn what_unpacks_to_too_much_comes_in_smaller_answers() {
    let api = Api::new().await;
    let configs = json!({"compression.type": "lz4", "max.message.bytes": 2_000_000});
    api.post("/topics", json!({"name": "t", "configs": configs})).await;
    // Batches of 8 MiB each, of which an answer may have 50.
    for _ in 0..8 {
        let answer = send(&api, OCTET_STREAM, "", vec![b'x'; 8 << 20]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", String::from_utf8_lossy(&answer.body));
    }
    let answer = api.get(&format!("{FETCH}?offset=0")).await;
    let count = answer["records"].as_array().unwrap().len();
    assert!((1..=6).contains(&count), "{count}");
    assert_eq!((&answer["next_offset"], &answer["stopped_by"]), (&json!(count), &json!("max_bytes")));
}

#[tokio::test]
async fn a_large_answer_is_written_elsewhere_and_is_the_same() {
    let api = Api::new().await;
    let payloads: Vec<String> = (0..30).map(|i| format!("{i}").repeat(50_000)).collect();
    for payload in &payloads {
        api.produce(json!({"topic": "t", "payload": payload})).await;
    }
    let answer = api.get(&format!("{FETCH}?offset=0&max_bytes=2147483647")).await;
    let records = answer["records"].as_array().unwrap();
    let read: Vec<_> = records.iter().map(|record| record["payload"].as_str().unwrap()).collect();
    assert!(read == payloads);
}

#[tokio::test]
async fn a_fetch_waits_for_records() {
    let api = Api::new().await;
    let path = format!("{FETCH}?offset=latest&max_wait_ms=20000");
    let (fetched, _) = tokio::join!(api.get(&path), api.produce(json!({"topic": "t", "payload": "x"})));
    assert_eq!(fetched["records"][0]["payload"], "x");
}

#[tokio::test]
async fn records_before_an_offset_are_deleted() {
    let api = Api::new().await;
    for _ in 0..3 {
        api.produce(json!({"topic": "t", "payload": "x"})).await;
    }
    let (status, answer) = api.json("DELETE", &format!("{FETCH}?before=2"), Body::empty()).await;
    assert_eq!((status, answer), (StatusCode::OK, json!({"log_start_offset": 2})));
    let earliest = api.get(&format!("{FETCH}?offset=earliest")).await;
    assert_eq!((&earliest["records"][0]["offset"], &earliest["log_start_offset"]), (&json!(2), &json!(2)));
    for (method, query) in [("GET", "offset=1"), ("GET", "offset=4"), ("DELETE", "before=4")] {
        let (status, answer) = api.json(method, &format!("{FETCH}?{query}"), Body::empty()).await;
        let code = &answer["error_code"];
        assert_eq!((status, code), (StatusCode::RANGE_NOT_SATISFIABLE, &json!(41601)), "{query}");
    }
}

#[tokio::test]
async fn a_closed_broker_says_so() {
    let api = Api::new().await;
    api.produce(json!({"topic": "t", "payload": "x"})).await;
    api.broker.close().await.unwrap();
    for (path, body) in [
        ("/produce", r#"{"topic": "t", "payload": "x"}"#),
        (RECORDS, r#"{"records": [{"payload": "x"}]}"#),
        ("/topics", r#"{"name": "u"}"#),
    ] {
        let (status, answer) = api.json("POST", path, body).await;
        let code = &answer["error_code"];
        assert_eq!((status, code), (StatusCode::SERVICE_UNAVAILABLE, &json!(50302)), "{path}");
    }
}
