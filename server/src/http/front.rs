//! The broker's routes, for a server of their own: [`front`]. `/produce` and `/fetch` are answered before the router: to
//! be found and called by it, with the layers around each route, costs a sixth of such a request's processor time.
//!
//! Invariant: whoever asks cannot tell. The same handlers answer, after the same checks, with the same headers, and are
//! counted in the same series. What a browser sends for a page goes through the router, where CORS is.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use tower::Service;

use super::gate::{self, Rules};
use super::metrics::RouteMetrics;
use super::{HttpConfig, Token, fetch, produce, routes, rules};
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
}

/// A route that needs no router.
#[derive(Debug, Clone, Copy)]
enum Simple {
    Produce,
    Fetch,
}

/// As [`app`](super::app), for a server that serves nothing else. It registers its metrics with the broker's, so call one of
/// the two, and once.
pub fn front(broker: Broker, config: HttpConfig) -> Front {
    let (rules, token) = (rules(&broker, &config), config.token.clone());
    let (produce, fetch) = (rules.metrics.of("POST", "/produce"), rules.metrics.of("GET", "/fetch"));
    let router = routes(broker.clone(), config, Arc::clone(&rules));
    Front { inner: Arc::new(Inner { broker, rules, token, produce, fetch }), router }
}

impl App for Front {
    async fn answer(&self, request: Request) -> Response {
        match Simple::of(&request) {
            Some(route) => self.inner.answer(route, request).await,
            None => self.router.answer(request).await,
        }
    }
}

impl Simple {
    fn of(request: &Request) -> Option<Self> {
        let route = match (request.method(), request.uri().path()) {
            (&Method::POST, "/produce") => Self::Produce,
            (&Method::GET, "/fetch") => Self::Fetch,
            _ => return None,
        };
        (!request.headers().contains_key(header::ORIGIN)).then_some(route)
    }
}

impl Inner {
    async fn answer(&self, route: Simple, request: Request) -> Response {
        let started = Instant::now();
        let mut answer = match self.refuses(&request) {
            Some(refusal) => refusal,
            None => self.handle(route, request).await,
        };
        gate::add_headers(&mut answer);
        let metrics = match route {
            Simple::Produce => &self.produce,
            Simple::Fetch => &self.fetch,
        };
        metrics.end(started, answer.status());
        answer
    }

    fn refuses(&self, request: &Request) -> Option<Response> {
        if let Err(refusal) = self.rules.allowed.check(request) {
            return Some(refusal.into_response());
        }
        self.token.as_ref()?.refuses(request.headers())
    }

    async fn handle(&self, route: Simple, request: Request) -> Response {
        let answer = match route {
            Simple::Produce => produce::answer(&self.broker, request).await,
            Simple::Fetch => fetch::answer(&self.broker, request.uri().query()).await,
        };
        answer.into_response()
    }
}
