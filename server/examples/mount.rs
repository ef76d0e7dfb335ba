//! An application of one's own with a broker in it: its routes beside the broker's, its handlers on the same topics.
//!
//! `cargo run -p logscope-server --example mount` answers `POST /orders` on port 3000, and `/bus/…` as `logscope serve`
//! does.

use std::error::Error;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use logscope::NewRecord;
use logscope::topic::TopicName;
use logscope_server::{Acks, Broker, BrokerConfig, HttpConfig, RoutedRecord, ServeConfig, app, serve};
use tokio::net::TcpListener;

/// An order is safe on disk before it is taken.
async fn order(State(broker): State<Broker>, body: String) -> Result<String, (StatusCode, String)> {
    let refused = |error: &dyn Error| (StatusCode::SERVICE_UNAVAILABLE, error.to_string());
    let topic: TopicName = "orders".parse().map_err(|error| refused(&error))?;
    let record = RoutedRecord { partition: None, record: NewRecord::value(body.as_bytes()) };
    let (_, offset) = broker.produce(&topic, record, Acks::All).await.map_err(|error| refused(&error))?;
    Ok(format!("order {offset}\n"))
}

/// The application's routes, and the broker's under `/bus`.
fn routes(broker: Broker) -> Router {
    let own = Router::new().route("/orders", post(order)).with_state(broker.clone());
    own.nest("/bus", app(broker, HttpConfig::default()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let broker = Broker::open("broker_data", BrokerConfig::default())?;
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    let interrupted = broker.clone();
    let shutdown = async move {
        // Without a handler for it, Ctrl-C ends the process, and the next start recovers the data.
        let _ = tokio::signal::ctrl_c().await;
        interrupted.begin_close();
    };
    // Axum's own `serve` would do, too; this one has limits, and counts.
    serve(listener, routes(broker.clone()), ServeConfig::default(), shutdown).await;
    Ok(broker.close().await?)
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn ask(routes: &Router, request: Request<Body>) -> (u16, String) {
        let answer = routes.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_applications_orders_are_the_brokers_records() {
        let dir = tempfile::tempdir().unwrap();
        let routes = routes(Broker::open(dir.path(), BrokerConfig::default()).unwrap());
        let orders = Request::post("/orders").body("two of these".into()).unwrap();
        assert_eq!(ask(&routes, orders).await, (200, "order 0\n".to_owned()));

        let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
        let (status, fetched) = ask(&routes, get("/bus/fetch?topic=orders&offset=0")).await;
        assert!(status == 200 && fetched.contains("\"payload\":\"two of these\""), "{fetched}");
        let (status, health) = ask(&routes, get("/bus/healthz")).await;
        assert!(status == 200 && health.contains("\"ok\""), "{health}");
        let (status, metrics) = ask(&routes, get("/bus/metrics")).await;
        assert!(status == 200 && metrics.contains("route=\"/bus/fetch\""), "{metrics}");
        // What is not the broker's is the application's to answer.
        assert_eq!(ask(&routes, get("/nothing")).await.0, 404);
    }

    #[tokio::test]
    async fn what_the_broker_creates_is_found_where_it_is_mounted() {
        let dir = tempfile::tempdir().unwrap();
        let routes = routes(Broker::open(dir.path(), BrokerConfig::default()).unwrap());
        let create = Request::post("/bus/topics").body(Body::from(r#"{"name":"t"}"#)).unwrap();
        let created = routes.clone().oneshot(create).await.unwrap();
        let location = created.headers()["location"].to_str().unwrap();
        assert_eq!(location, "/bus/topics/t");
        assert_eq!(ask(&routes, Request::get(location).body(Body::empty()).unwrap()).await.0, 200);
    }
}
