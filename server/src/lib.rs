//! The Logscope broker: the engine behind concurrent producers and consumers, and an HTTP API over it.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use logscope_server::{Broker, BrokerConfig, HttpConfig, ServeConfig, front, serve};
//!
//! let broker = Broker::open("broker_data", BrokerConfig::default())?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! let front = front(broker.clone(), HttpConfig::default());
//! let closing = broker.clone();
//! serve(listener, front, ServeConfig::default(), async move { closing.closing().await }).await;
//! broker.close().await?;
//! # Ok(()) }
//! ```
//!
//! | module | is |
//! | --- | --- |
//! | [`broker`] | partitions on disk, concurrent appends, group commit, long poll; knows nothing of HTTP |
//! | [`http`] | the routes, one file a resource, and the one error type; knows nothing of files |
//! | [`server`] | connections, within limits |
//!
//! The example `mount` has the broker beside an application's own routes: [`app`] is a router of axum's.

pub mod broker;
pub mod http;
pub mod server;

pub use broker::{
    Acks, Broker, BrokerConfig, BrokerError, FetchAnswer, FetchRequest, OpenError, RoutedRecord,
    TopicPartition,
};
pub use http::{App, Front, HttpConfig, Origin, Token, app, front};
pub use server::{ConnectionMetrics, ServeConfig, serve};
