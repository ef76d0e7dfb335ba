//! The broker's routes, for a server of their own: [`front`]. Those that take and give records again and again are
//! answered before the router: to be found and called by it, with the layers around each route, costs up to a sixth of
//! such a request's processor time.
//!
//! Invariant: whoever asks cannot tell. The same handlers answer, after the same checks, with the same headers, and are
//! counted in the same series. What a browser sends for a page goes through the router, where CORS is, with the headers
//! that mean something to browsers only.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use logscope::topic::TopicName;
use tower::Service;

use super::gate::{self, Rules};
use super::metrics::RouteMetrics;
use super::path::topic_name;
use super::{ApiError, HttpConfig, Token, fetch, produce, records, routes, rules};
use crate::broker::Broker;

/// What answers requests: a [`Front`], or any router of axum's.
pub trait App: Clone + Send + Sync + 'static {
    /// Answers a request.
    fn answer(&self, request: Request) -> impl Future<Output = Response> + Send;
}

impl App for Router {
    async fn answer(&self, request: Request) -> Response {
        match self.clone().call(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    }
}

/// The broker's routes, to be served.
#[derive(Debug, Clone)]
pub struct Front {
    inner: Arc<Inner>,
    router: Router,
}

#[derive(Debug)]
struct Inner {
    broker: Broker,
    rules: Arc<Rules>,
    token: Option<Token>,
    produce: RouteMetrics,
    fetch: RouteMetrics,
    append: RouteMetrics,
}

/// A route that needs no router.
#[derive(Debug)]
enum Busy {
    Produce,
    Fetch,
    /// To a topic, or to what is no topic's name.
    Append(Result<TopicName, ApiError>),
}

/// As [`app`](super::app), for a server that serves nothing else. It registers its metrics with the broker's, so call one of
/// the two, and once.
pub fn front(broker: Broker, config: HttpConfig) -> Front {
    let (rules, token) = (rules(&broker, &config), config.token.clone());
    let produce = rules.metrics.of("POST", "/produce");
    let fetch = rules.metrics.of("GET", "/fetch");
    let append = rules.metrics.of("POST", "/topics/{topic}/records");
    let router = routes(broker.clone(), config, Arc::clone(&rules));
    Front { inner: Arc::new(Inner { broker, rules, token, produce, fetch, append }), router }
}

impl App for Front {
    async fn answer(&self, request: Request) -> Response {
        match Busy::of(&request) {
            Some(route) => self.inner.answer(route, request).await,
            None => self.router.answer(request).await,
        }
    }
}

impl Busy {
    fn of(request: &Request) -> Option<Self> {
        if request.headers().contains_key(header::ORIGIN) {
            return None;
        }
        match (request.method(), request.uri().path()) {
            (&Method::POST, "/produce") => Some(Self::Produce),
            (&Method::GET, "/fetch") => Some(Self::Fetch),
            (&Method::POST, path) => {
                let topic = path.strip_prefix("/topics/")?.strip_suffix("/records")?;
                // The router takes apart what is encoded.
                let plain = !topic.is_empty() && !topic.contains(['/', '%']);
                plain.then(|| Self::Append(topic_name(topic)))
            }
            _ => None,
        }
    }
}

impl Inner {
    async fn answer(&self, route: Busy, request: Request) -> Response {
        let started = Instant::now();
        let metrics = match route {
            Busy::Produce => &self.produce,
            Busy::Fetch => &self.fetch,
            Busy::Append(_) => &self.append,
        };
        let mut answer = match self.refuses(&request) {
            Some(refusal) => refusal,
            None => self.handle(route, request).await.into_response(),
        };
        gate::add_headers(&mut answer);
        metrics.end(started, answer.status());
        answer
    }

    fn refuses(&self, request: &Request) -> Option<Response> {
        if let Err(refusal) = self.rules.allowed.check(request) {
            return Some(refusal.into_response());
        }
        self.token.as_ref()?.refuses(request.headers())
    }

    async fn handle(&self, route: Busy, request: Request) -> Result<Response, ApiError> {
        match route {
            Busy::Produce => produce::answer(&self.broker, request).await,
            Busy::Fetch => fetch::answer(&self.broker, request.uri().query()).await,
            Busy::Append(topic) => records::append_to(&self.broker, &topic?, request).await,
        }
    }
}
