//! `GET …/segments/{base}/batches`.

use serde_json::{Value, json};

use crate::Api;

const BATCHES: &str = "/topics/t/partitions/0/segments/0/batches";

#[tokio::test]
async fn a_segments_batches_page_by_page() {
    let api = Api::new();
    for i in 0..5 {
        api.produce(json!({"payload": "x", "key": format!("k{i}"), "timestamp": i})).await;
    }
    let (_, all) = api.get(BATCHES).await;
    let batches = all["batches"].as_array().unwrap().clone();
    assert_eq!((batches.len(), &all["next_offset"]), (5, &Value::Null));
    let size = batches[0]["size"].as_u64().unwrap();
    let third = json!({"segment": 0, "position": 2 * size, "size": size, "base_offset": 2, "last_offset": 2,
        "records": 1, "max_timestamp": 2, "compression": "none", "first_key": "k2", "producer_id": -1});
    assert_eq!(batches[2], third);

    let (_, page) = api.get(&format!("{BATCHES}?limit=2")).await;
    assert_eq!(page, json!({"batches": batches[..2], "next_offset": 2}));
    let (_, page) = api.get(&format!("{BATCHES}?limit=2&offset=3")).await;
    assert_eq!(page, json!({"batches": batches[3..], "next_offset": null}));
    let (_, page) = api.get(&format!("{BATCHES}?offset=5")).await;
    assert_eq!(page, json!({"batches": [], "next_offset": null}));
}

#[tokio::test]
async fn what_cannot_be_listed() {
    let api = Api::new();
    api.produce(json!({"payload": "x"})).await;
    for (path, status, code) in [
        ("/topics/t/partitions/0/segments/1/batches", 404, 40491),
        ("/topics/t/partitions/0/segments/-1/batches", 400, 400),
        ("/topics/t/partitions/0/segments/0/batches?limit=0", 400, 400),
        ("/topics/t/partitions/0/segments/0/batches?limit=10001", 400, 400),
        ("/topics/t/partitions/0/segments/0/batches?offset=x", 400, 400),
        ("/topics/t/partitions/7/segments/0/batches", 404, 40402),
        ("/topics/u/partitions/0/segments/0/batches", 404, 40401),
    ] {
        let (found, answer) = api.get(path).await;
        assert_eq!((found, &answer["error_code"]), (status, &json!(code)), "{path}: {answer}");
    }
}
