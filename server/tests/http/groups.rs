//! `/groups`.

use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::api::Api;

async fn commit(api: &Api, group: &str, offsets: Value) -> Value {
    let body = json!({"offsets": offsets}).to_string();
    let (status, answer) = api.json("PUT", &format!("/groups/{group}/offsets"), body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

#[tokio::test]
async fn offsets_are_committed_read_and_forgotten() {
    let api = Api::new().await;
    api.post("/topics", json!({"name": "t", "partitions": 2})).await;
    for _ in 0..5 {
        api.produce(json!({"topic": "t", "payload": "x", "partition": 1})).await;
    }
    assert_eq!(api.get("/groups").await, json!({"groups": []}));
    assert_eq!(api.get("/groups/g/offsets").await, json!({"group": "g", "offsets": []}));

    let first = json!({"topic": "t", "partition": 1, "offset": 2, "metadata": "höst-1"});
    let answer = commit(&api, "g", json!([first, {"topic": "t", "partition": 0, "offset": 0}])).await;
    let timestamp = answer["offsets"][0]["timestamp"].as_i64().unwrap();
    assert!(timestamp > 1_700_000_000_000);
    let expected = json!({"group": "g", "offsets": [
        {"topic": "t", "partition": 0, "offset": 0, "metadata": "", "timestamp": timestamp, "lag": 0},
        {"topic": "t", "partition": 1, "offset": 2, "metadata": "höst-1", "timestamp": timestamp, "lag": 3},
    ]});
    assert_eq!(answer, expected);
    assert_eq!(api.get("/groups/g/offsets").await, expected);

    // A commit changes what it names, and nothing else.
    let answer = commit(&api, "g", json!([{"topic": "t", "partition": 1, "offset": 5}])).await;
    assert_eq!(answer["offsets"][0], expected["offsets"][0]);
    let changed = &answer["offsets"][1];
    assert_eq!((&changed["lag"], &changed["metadata"]), (&json!(0), &json!("")));

    commit(&api, "a%2Fb%20%C3%BC", json!([{"topic": "t", "partition": 0, "offset": 0}])).await;
    assert_eq!(api.get("/groups").await, json!({"groups": ["a/b ü", "g"]}));
    assert_eq!(api.get("/groups/a%2Fb%20%C3%BC/offsets").await["group"], "a/b ü");
    let answer = api.request("DELETE", "/groups/g", Body::empty()).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::NO_CONTENT, 0));
    assert_eq!(api.get("/groups").await, json!({"groups": ["a/b ü"]}));
    let (status, answer) = api.json("DELETE", "/groups/g", Body::empty()).await;
    assert_eq!((status, &answer["error_code"]), (StatusCode::NOT_FOUND, &json!(40492)));
}

#[tokio::test]
async fn a_refused_commit_commits_nothing() {
    let api = Api::new().await;
    api.produce(json!({"topic": "t", "payload": "x"})).await;
    for second in [
        json!({"topic": "t", "partition": 1, "offset": 0}),
        json!({"topic": "u", "partition": 0, "offset": 0}),
        json!({"topic": "t", "partition": 0, "offset": 1}),
    ] {
        let body = json!({"offsets": [{"topic": "t", "partition": 0, "offset": 0}, second]}).to_string();
        let (status, answer) = api.json("PUT", "/groups/g/offsets", body).await;
        assert!(status.is_client_error(), "{second}: {answer}");
    }
    assert_eq!(api.get("/groups").await, json!({"groups": []}));
}
