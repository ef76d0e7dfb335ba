//! What every request passes, as one layer around all routes: who may ask is checked, the answer gets its headers, and
//! both are counted. One layer, because each costs allocations at every request. `front` does the same by itself for the
//! routes that it answers.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use tower::{Layer, Service};

use super::guard::Allowed;
use super::metrics::HttpMetrics;

/// Browsers neither guess at types nor let other sites embed what is answered.
const ANSWER_HEADERS: [(HeaderName, HeaderValue); 2] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

/// The headers that every answer has.
pub(super) fn add_headers(answer: &mut Response) {
    for (name, value) in ANSWER_HEADERS {
        answer.headers_mut().insert(name, value);
    }
}

/// The layer.
#[derive(Debug, Clone)]
pub(super) struct GateLayer(Arc<Rules>);

/// Who may ask, and where it is counted.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) allowed: Allowed,
    pub(super) metrics: HttpMetrics,
}

impl GateLayer {
    pub(super) fn new(rules: Arc<Rules>) -> Self {
        Self(rules)
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = Gate<S>;

    fn layer(&self, inner: S) -> Gate<S> {
        Gate { inner, rules: Arc::clone(&self.0) }
    }
}

/// A service behind the gate.
#[derive(Clone)]
pub(super) struct Gate<S> {
    inner: S,
    rules: Arc<Rules>,
}

impl<S> fmt::Debug for Gate<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl<S> Service<Request> for Gate<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let rules = Arc::clone(&self.rules);
        let counted = rules.metrics.begin(&request);
        let answer = rules.allowed.check(&request).map(|()| self.inner.call(request));
        Box::pin(async move {
            let mut response = match answer {
                Ok(answer) => answer.await?,
                Err(refusal) => refusal.into_response(),
            };
            add_headers(&mut response);
            counted.end(&rules.metrics, response.status());
            Ok(response)
        })
    }
}
