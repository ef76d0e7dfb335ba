//! The one error type of the HTTP API, and all its codes in one table.

use std::fmt;
use std::io::ErrorKind;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::broker::BrokerError;

/// What went wrong, as a number for programs. See [`parts`](Self::parts) for the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// The body or the query cannot be read, or a field is missing or not what it must be.
    Malformed,
    /// A topic name or a record that Kafka would not take either.
    KafkaBadRequest,
    /// A token is needed, and the request has none or another.
    Unauthorized,
    /// A page of another site asks, or the broker was called by a name that is not its own.
    Forbidden,
    /// No such path.
    NotFound,
    /// No such topic.
    TopicNotFound,
    /// No such partition.
    PartitionNotFound,
    /// No such segment.
    SegmentNotFound,
    /// No such group.
    GroupNotFound,
    /// The request's body did not come in time.
    RequestTimeout,
    /// Whoever reads a stream has not kept up with it.
    TooSlow,
    /// A topic of that name is there.
    TopicExists,
    /// A limit of the broker's is reached for now.
    TooManyRequests,
    /// The path is right, the method is not.
    MethodNotAllowed,
    /// What is there cannot be given in JSON.
    NotAcceptable,
    /// The request body is larger than any record can be.
    BodyTooLarge,
    /// The record batch is over `max.message.bytes` or `segment.bytes`.
    RecordTooLarge,
    /// The body is encoded in a way that is not understood.
    UnsupportedEncoding,
    /// There is no such offset: below the log start, or beyond the log end.
    OffsetOutOfRange,
    /// A file has none of the bytes that a `Range` header asks for.
    RangeNotSatisfiable,
    /// The request's head has too many bytes or headers.
    HeadTooLarge,
    /// A bug.
    Internal,
    /// The storage failed.
    Storage,
    /// What is stored is damaged, and does not mend by itself.
    Damaged,
    /// The broker is shutting down.
    NotAvailable,
    /// The partition is offline or read-only; others may well work.
    PartitionNotAvailable,
}

impl ErrorCode {
    /// The HTTP status and the `error_code`. The codes are those of Confluent's REST proxy where it has one,
    /// and the bare status where it has none finer; those marked are Logscope's own.
    pub fn parts(self) -> (StatusCode, u32) {
        match self {
            Self::Malformed => (StatusCode::BAD_REQUEST, 400),
            Self::KafkaBadRequest => (StatusCode::BAD_REQUEST, 40002),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, 401),
            Self::Forbidden => (StatusCode::FORBIDDEN, 403),
            Self::NotFound => (StatusCode::NOT_FOUND, 404),
            Self::TopicNotFound => (StatusCode::NOT_FOUND, 40401),
            Self::PartitionNotFound => (StatusCode::NOT_FOUND, 40402),
            Self::SegmentNotFound => (StatusCode::NOT_FOUND, 40491), // own
            Self::GroupNotFound => (StatusCode::NOT_FOUND, 40492),   // own
            Self::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, 408),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, 40801), // own
            Self::TopicExists => (StatusCode::CONFLICT, 40901),    // own
            Self::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, 429),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, 405),
            Self::NotAcceptable => (StatusCode::NOT_ACCEPTABLE, 406),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, 413),
            Self::RecordTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, 41301), // own
            Self::UnsupportedEncoding => (StatusCode::UNSUPPORTED_MEDIA_TYPE, 415),
            Self::OffsetOutOfRange => (StatusCode::RANGE_NOT_SATISFIABLE, 41601), // own
            Self::RangeNotSatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, 416),
            Self::HeadTooLarge => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, 431),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, 500),
            Self::Storage => (StatusCode::INTERNAL_SERVER_ERROR, 50002),
            Self::Damaged => (StatusCode::INTERNAL_SERVER_ERROR, 50091), // own
            Self::NotAvailable => (StatusCode::SERVICE_UNAVAILABLE, 50302),
            Self::PartitionNotAvailable => (StatusCode::SERVICE_UNAVAILABLE, 50303), // own
        }
    }
}

/// Messages quote what was sent; more than this of it helps nobody.
const MAX_MESSAGE_CHARS: usize = 380;

/// A refusal or a failure, on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    code: ErrorCode,
    message: String,
}

/// What every refusal and failure looks like.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"error_code": 40401, "message": "the topic \"t\" does not exist"}))]
pub(crate) struct Error<'a> {
    /// What went wrong, for programs: the HTTP status, with two digits behind it where there is something finer to say.
    error_code: u32,
    /// What went wrong, for people.
    message: &'a str,
}

impl ApiError {
    /// An error with a message for whoever sent the request.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if let Some((cut, _)) = message.char_indices().nth(MAX_MESSAGE_CHARS) {
            message.truncate(cut);
            message.push('…');
        }
        Self { code, message }
    }

    /// A fault of the broker's own.
    pub(super) fn internal(error: &impl fmt::Display) -> Self {
        tracing::error!("a request failed: {error}");
        Self::new(ErrorCode::Internal, "the broker failed to do its work")
    }

    /// Which refusal it is.
    pub(super) fn code(&self) -> ErrorCode {
        self.code
    }

    /// The `error_code`.
    pub(super) fn error_code(&self) -> u32 {
        self.code.parts().1
    }

    /// The message.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// What the client gets to read.
    pub(crate) fn body(&self) -> Error<'_> {
        Error { error_code: self.code.parts().1, message: &self.message }
    }

    /// A request that cannot be understood.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Malformed, message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        super::json(self.code.parts().0, &self.body())
    }
}

impl From<BrokerError> for ApiError {
    fn from(error: BrokerError) -> Self {
        let message = error.to_string();
        match error {
            BrokerError::UnknownTopic(_) => Self::new(ErrorCode::TopicNotFound, message),
            BrokerError::UnknownPartition { .. } => Self::new(ErrorCode::PartitionNotFound, message),
            BrokerError::UnknownSegment { .. } => Self::new(ErrorCode::SegmentNotFound, message),
            BrokerError::UnknownGroup(_) => Self::new(ErrorCode::GroupNotFound, message),
            BrokerError::TopicExists(_) => Self::new(ErrorCode::TopicExists, message),
            BrokerError::InvalidConfig(_)
            | BrokerError::InvalidGroup(_)
            | BrokerError::FewerPartitions { .. }
            | BrokerError::Limit { .. }
            | BrokerError::NoKey { .. }
            | BrokerError::InternalTopic(_) => Self::new(ErrorCode::KafkaBadRequest, message),
            BrokerError::TopicNotBorn { .. } => out_of_range(&message),
            BrokerError::Offline { .. } | BrokerError::ReadOnly(_) | BrokerError::DiskFull(_) => {
                Self::new(ErrorCode::PartitionNotAvailable, message)
            }
            BrokerError::TooManyWaiting(_) => Self::new(ErrorCode::TooManyRequests, message),
            BrokerError::Closed => Self::new(ErrorCode::NotAvailable, message),
            BrokerError::Log(error) => error.into(),
            BrokerError::Internal(inside) => {
                tracing::error!("a request failed: {inside}");
                Self::new(ErrorCode::Internal, message)
            }
        }
    }
}

impl From<logscope::Error> for ApiError {
    fn from(error: logscope::Error) -> Self {
        use logscope::Error;
        use logscope::record::BatchError;
        let message = error.to_string();
        match error {
            Error::OffsetOutOfRange { .. } => out_of_range(&message),
            Error::MessageTooLarge { .. } => Self::new(ErrorCode::RecordTooLarge, message),
            Error::InvalidRecord(_)
            | Error::OutOfOrderSequence { .. }
            | Error::InvalidProducerEpoch { .. } => Self::new(ErrorCode::KafkaBadRequest, message),
            Error::Poisoned | Error::OffsetsExhausted(_) => {
                Self::new(ErrorCode::PartitionNotAvailable, message)
            }
            Error::Io(error) => {
                // The error names a path of this machine, which is nobody's business outside.
                tracing::error!("a request failed: {message}");
                let told = match error.kind() {
                    ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                        "the storage failed: the disk is full"
                    }
                    _ => "the storage failed; the broker's log says how",
                };
                Self::new(ErrorCode::Storage, told)
            }
            Error::InvalidBatch(BatchError::DecompressedTooLarge { .. }) => {
                let advice = "fetch its bytes as they are, with Accept: application/octet-stream";
                Self::new(ErrorCode::NotAcceptable, format!("{message}: {advice}"))
            }
            Error::Corrupt { .. } | Error::InvalidBatch(_) | Error::InvalidConfig(_) => {
                tracing::error!("a request failed: {message}");
                Self::new(ErrorCode::Damaged, message)
            }
        }
    }
}

fn out_of_range(message: &str) -> ApiError {
    ApiError::new(ErrorCode::OffsetOutOfRange, format!("OFFSET_OUT_OF_RANGE: {message}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::TopicPartition;

    #[test]
    fn what_the_broker_refuses_has_its_status() {
        let t = TopicPartition { topic: "t".parse().unwrap(), partition: 0 };
        let full = std::io::Error::from(ErrorKind::StorageFull);
        let broken = std::io::Error::other("secret");
        let codec = logscope::record::Compression::Gzip;
        let bomb = logscope::record::BatchError::DecompressedTooLarge { codec, limit: 1 };
        for (error, status, code, fragment) in [
            (BrokerError::Log(bomb.into()), 406, 406, "with Accept: application/octet-stream"),
            (BrokerError::ReadOnly(t.clone()), 503, 50303, "the partition t-0 is read-only"),
            (BrokerError::Offline { partition: t, reason: "why".to_owned() }, 503, 50303, "is offline: why"),
            (BrokerError::Closed, 503, 50302, "shutting down"),
            (BrokerError::Log(full.into()), 500, 50002, "the storage failed: the disk is full"),
            (BrokerError::Log(broken.into()), 500, 50002, "the storage failed; the broker's log says how"),
            (BrokerError::Log(logscope::Error::Poisoned), 503, 50303, "an earlier sync failed"),
            (BrokerError::Internal("secret".to_owned()), 500, 500, "failed to do its work"),
        ] {
            let error = ApiError::from(error);
            assert!(error.message.contains(fragment) && !error.message.contains("secret"), "{error:?}");
            assert_eq!(error.code.parts(), (StatusCode::from_u16(status).unwrap(), code), "{error:?}");
        }
    }
}
