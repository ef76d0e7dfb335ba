//! `GET /metrics`, `/readyz`.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::Api;

async fn metrics(api: &Api) -> String {
    let (status, headers, body) = api.send(Request::get("/metrics").body(Body::empty()).unwrap()).await;
    assert_eq!(status, 200);
    assert_eq!(headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_eq!(headers["cache-control"], "no-store");
    String::from_utf8(body).unwrap()
}

#[tokio::test]
async fn requests_are_counted_by_route_and_status() {
    let api = Api::new();
    api.produce(json!({"payload": "x"})).await;
    api.produce(json!({"payload": "x"})).await;
    api.get("/fetch?topic=t&offset=9").await;
    for segment in 0..3 {
        api.get(&format!("/topics/t/partitions/0/segments/{segment}/batches")).await;
    }
    api.get("/nothing/at/all").await;
    api.send(Request::builder().method("BREW").uri("/fetch").body(Body::empty()).unwrap()).await;
    let text = metrics(&api).await;
    let batches = "/topics/{topic}/partitions/{partition}/segments/{base_offset}/batches";
    for line in [
        "logscope_http_requests_total{method=\"POST\",route=\"/produce\",status=\"200\"} 2".to_owned(),
        "logscope_http_requests_total{method=\"GET\",route=\"/fetch\",status=\"416\"} 1".to_owned(),
        format!("logscope_http_requests_total{{method=\"GET\",route=\"{batches}\",status=\"200\"}} 1"),
        format!("logscope_http_requests_total{{method=\"GET\",route=\"{batches}\",status=\"404\"}} 2"),
        "logscope_http_requests_total{method=\"GET\",route=\"other\",status=\"404\"} 1".to_owned(),
        "logscope_http_requests_total{method=\"other\",route=\"/fetch\",status=\"405\"} 1".to_owned(),
        "logscope_http_request_duration_seconds_count{route=\"/produce\"} 2".to_owned(),
        "logscope_http_streams 0".to_owned(),
        "logscope_records_in_total{topic=\"t\"} 2".to_owned(),
        "logscope_high_watermark{topic=\"t\",partition=\"0\"} 2".to_owned(),
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is not in {text}");
    }
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[tokio::test]
async fn a_broker_that_closes_is_alive_and_not_ready() {
    let api = Api::new();
    assert_eq!(api.get("/readyz").await, (200, json!({"status": "ready"})));
    api.broker.begin_close();
    let (status, answer) = api.get("/readyz").await;
    assert_eq!((status, &answer["error_code"]), (503, &json!(50302)));
    assert_eq!(api.get("/healthz").await.0, 200);
}
