//! Reading a request's body, up to a limit.

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;

use super::error::{ApiError, ErrorCode};

/// Bytes beyond the limit that are read and dropped, so that a client that sends before it listens gets to see
/// the refusal. Whoever announces more is refused at once.
const DRAIN_BYTES: u64 = 16 << 20;

/// What a record takes besides its payload, at most: field names, escapes and topic.
const OVERHEAD: u64 = 64 << 10;
/// A byte takes at most six in JSON: `\u0000`.
const PER_BYTE: u64 = 6;
/// The largest body, however large a record batch a topic takes: a body is held in memory.
const MAX: u64 = 128 << 20;

/// How large a body may be whose records make a batch of at most so many bytes.
pub(super) fn limit(max_message_bytes: u32) -> u64 {
    (u64::from(max_message_bytes) * PER_BYTE + OVERHEAD).min(MAX)
}

/// The whole body, of at most `limit` bytes. Any content type is taken: what curl sends by default is none that
/// it means.
pub(super) async fn read(headers: &HeaderMap, mut body: Body, limit: u64) -> Result<Vec<u8>, ApiError> {
    if let Some(encoding) = headers.get(header::CONTENT_ENCODING)
        && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        let message = "the body is compressed (Content-Encoding): send it as it is";
        return Err(ApiError::new(ErrorCode::UnsupportedEncoding, message));
    }
    let too_large = || {
        let message = format!("the request body is larger than {limit} bytes");
        ApiError::new(ErrorCode::BodyTooLarge, message)
    };
    let announced = body.size_hint().lower();
    if announced > limit + DRAIN_BYTES {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(if announced <= limit { announced as usize } else { 0 });
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ApiError::malformed(format!("the body broke off: {error}")))?;
        let Some(data) = frame.data_ref() else { continue };
        size += data.len() as u64;
        if size > limit + DRAIN_BYTES {
            break;
        }
        if size <= limit {
            bytes.extend_from_slice(data);
        }
    }
    if size > limit { Err(too_large()) } else { Ok(bytes) }
}
