//! Request bodies that must come in time.
//!
//! A body that is there already costs nothing; a timer runs only while one is waited for. One that came with its head is
//! handed over when its reader has asked once and is asked again, so the timer begins with the second asking.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Sleep, sleep};

use crate::http::{ApiError, App, ErrorCode};

/// Asks the application. Where the body was too slow, that is the answer, whatever the application made of it.
pub(super) async fn in_time(app: &impl App, request: hyper::Request<Incoming>, limit: Duration) -> Response {
    let late = (!request.body().is_end_stream()).then(Arc::<AtomicBool>::default);
    let request = match &late {
        Some(late) => request.map(|body| Body::new(TimedBody::new(body, limit, Arc::clone(late)))),
        None => request.map(Body::new),
    };
    let answer = app.answer(request).await;
    if late.is_some_and(|late| late.load(Ordering::Acquire)) { too_slow(limit) } else { answer }
}

fn too_slow(limit: Duration) -> Response {
    let message = format!("the request's body took longer than {limit:?}");
    let mut answer = ApiError::new(ErrorCode::RequestTimeout, message).into_response();
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

struct TimedBody {
    body: Incoming,
    limit: Duration,
    /// It was not there when it was asked for first.
    asked: bool,
    /// Runs as soon as there is something to wait for: most bodies have come with their head.
    timer: Option<Pin<Box<Sleep>>>,
    late: Arc<AtomicBool>,
}

impl TimedBody {
    fn new(body: Incoming, limit: Duration, late: Arc<AtomicBool>) -> Self {
        Self { body, limit, asked: false, timer: None, late }
    }
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        if !std::mem::replace(&mut this.asked, true) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let limit = this.limit;
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        if timer.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        this.late.store(true, Ordering::Release);
        Poll::Ready(Some(Err("it did not come in time".into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
