//! Batches as they stand in the log; and large answers, of batches or of their records as JSON, which are sent piece by
//! piece: each is read when the one before it is on its way, and what is sent is in the processor's cache still.
//!
//! Invariants:
//! - The first piece is read, checked and written before the head goes out: what is wrong with it is an ordinary error.
//! - What goes wrong later ends an answer of JSON before the records that it is about, whole, and tells where to go on:
//!   there it is an ordinary error. Batches have their length in the head, so there it ends the connection.

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use logscope::StoppedBy;
use logscope::log::Extent;

use super::error::{ApiError, ErrorCode};
use super::fetched::{End, Shape, Text};
use super::records::OCTET_STREAM;
use crate::broker::{Broker, FetchAnswer, Offsets, Pieces};

/// The batches as they are: the bytes that were read from the file go out without being copied again.
pub(super) fn raw(broker: &Broker, answer: FetchAnswer) -> Response {
    let FetchAnswer { fetched, log_start_offset, high_watermark } = answer;
    let headers = raw_headers(fetched.next_offset, log_start_offset, high_watermark, fetched.stopped_by);
    (headers, Body::from(Sent::bytes(broker, fetched.batches, Broker::give_back))).into_response()
}

fn raw_headers(
    next_offset: u64,
    log_start_offset: u64,
    high_watermark: u64,
    stopped_by: StoppedBy,
) -> [(HeaderName, HeaderValue); 6] {
    [
        (header::CONTENT_TYPE, HeaderValue::from_static(OCTET_STREAM)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (HeaderName::from_static("logscope-next-offset"), next_offset.into()),
        (HeaderName::from_static("logscope-log-start-offset"), log_start_offset.into()),
        (HeaderName::from_static("logscope-high-watermark"), high_watermark.into()),
        (HeaderName::from_static("logscope-stopped-by"), HeaderValue::from_static(stopped_by.as_str())),
    ]
}

/// Many batches, as they are.
pub(super) async fn raw_pieces(broker: &Broker, pieces: Pieces) -> Result<Response, ApiError> {
    let Extent { size, next_offset, stopped_by } = pieces.extent();
    let Offsets { log_start_offset, high_watermark, .. } = pieces.offsets();
    let headers = raw_headers(next_offset, log_start_offset, high_watermark, stopped_by);
    let body = body(Batches { broker: broker.clone(), pieces }).await?;
    Ok(([(header::CONTENT_LENGTH, size)], headers, body).into_response())
}

/// Many records as JSON. `None` if the first of them unpack to too much: less has to be fetched.
pub(super) async fn json(
    broker: &Broker,
    pieces: Pieces,
    shape: Shape,
) -> Result<Option<Response>, ApiError> {
    let Extent { next_offset, stopped_by, .. } = pieces.extent();
    let Offsets { log_start_offset, high_watermark, .. } = pieces.offsets();
    let end = End { next_offset, log_start_offset, high_watermark, stopped_by };
    let text = Some(Text::new(shape));
    match body(Records { broker: broker.clone(), pieces, text, end, any: false }).await {
        Err(error) if error.code() == ErrorCode::NotAcceptable => Ok(None),
        body => Ok(Some(super::json_bytes(StatusCode::OK, body?))),
    }
}

/// A body that comes piece by piece.
trait Source: Send + 'static {
    /// The next piece; `None` behind the last one.
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>, ApiError>> + Send;
}

/// A body whose first piece is here already.
async fn body(mut source: impl Source) -> Result<Body, ApiError> {
    let first = source.next().await?;
    let stream = unfold((first, source), |(first, mut source)| async {
        let piece = match first {
            Some(first) => Ok(first),
            None => source.next().await.transpose()?.map_err(|error| error.message().to_owned()),
        };
        Some((piece, (None, source)))
    });
    Ok(Body::from_stream(stream))
}

struct Batches {
    broker: Broker,
    pieces: Pieces,
}

impl Source for Batches {
    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        let piece = self.pieces.next().await?;
        Ok(piece.map(|piece| Sent::bytes(&self.broker, piece.batches, Broker::give_back)))
    }
}

struct Records {
    broker: Broker,
    pieces: Pieces,
    /// Gone once it has its end.
    text: Option<Text>,
    end: End,
    /// Whether some are on their way.
    any: bool,
}

impl Source for Records {
    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        let Some(text) = self.text.take() else { return Ok(None) };
        let offset = self.pieces.next_offset();
        let out = match self.write(text).await {
            // The answer ends before them. What is wrong with them hears whoever goes on there.
            Err(_) if self.any => {
                (self.end.next_offset, self.end.stopped_by) = (offset, StoppedBy::MaxBytes);
                self.end.write(Vec::new())
            }
            written => written?,
        };
        self.any = true;
        Ok(Some(Sent::bytes(&self.broker, out, Broker::give_back_text)))
    }
}

impl Records {
    /// The text of the next piece, and the end behind the last one.
    async fn write(&mut self, mut text: Text) -> Result<Vec<u8>, ApiError> {
        let Some(fetched) = self.pieces.next().await? else { return Ok(self.end.write(Vec::new())) };
        text.go_on(self.broker.text_room(), fetched.batches.len());
        let mut text = text.add_somewhere(&self.broker, fetched).await??;
        let out = std::mem::take(&mut text.out);
        if self.pieces.is_over() {
            return Ok(self.end.write(out));
        }
        self.text = Some(text);
        Ok(out)
    }
}

/// Bytes that are sent, and whose memory then goes back to the broker.
struct Sent {
    bytes: Vec<u8>,
    broker: Broker,
    give_back: fn(&Broker, Vec<u8>),
}

impl Sent {
    fn bytes(broker: &Broker, bytes: Vec<u8>, give_back: fn(&Broker, Vec<u8>)) -> Bytes {
        Bytes::from_owner(Self { bytes, broker: broker.clone(), give_back })
    }
}

impl AsRef<[u8]> for Sent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        (self.give_back)(&self.broker, std::mem::take(&mut self.bytes));
    }
}
