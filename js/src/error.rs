//! What JavaScript gets when something is refused or fails: an `Error` with a `code`.

use js_sys::{Error as JsError, Reflect};
use wasm_bindgen::JsValue;

/// Why a call was refused, or failed. In JavaScript it is an `Error` with this message, and a `code`.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What the engine says.
    #[error(transparent)]
    Engine(#[from] logscope::Error),
    /// A value that is not of the kind it has to be.
    #[error("{0}")]
    Argument(String),
    /// A line that is no line of a scenario.
    #[error("{0}")]
    Scenario(String),
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
    /// There is no such file.
    #[error("there is no file {0:?}")]
    NotFound(String),
    /// Somebody else has the database.
    #[error("another page or worker has the log {0:?} open")]
    Locked(String),
    /// The browser did not keep what was to be durable. The log takes no appends until it is opened again.
    #[error("the browser does not keep the log: {0}")]
    NotKept(String),
}

impl Failure {
    fn code(&self) -> &'static str {
        use logscope::Error;
        match self {
            Self::Engine(error) => match error {
                Error::Io(_) => "IO",
                Error::Corrupt { .. } => "CORRUPT",
                Error::OffsetOutOfRange { .. } => "OFFSET_OUT_OF_RANGE",
                Error::MessageTooLarge { .. } => "MESSAGE_TOO_LARGE",
                Error::InvalidRecord(_) => "INVALID_RECORD",
                Error::OutOfOrderSequence { .. } => "OUT_OF_ORDER_SEQUENCE",
                Error::InvalidProducerEpoch { .. } => "INVALID_PRODUCER_EPOCH",
                Error::InvalidBatch(_) => "INVALID_BATCH",
                Error::InvalidConfig(_) => "INVALID_CONFIG",
                Error::Poisoned => "POISONED",
                Error::OffsetsExhausted(_) => "OFFSETS_EXHAUSTED",
            },
            Self::Argument(_) => "INVALID_ARGUMENT",
            Self::Scenario(_) => "INVALID_SCENARIO",
            Self::Closed => "CLOSED",
            Self::NotFound(_) => "NOT_FOUND",
            Self::Locked(_) => "LOCKED",
            Self::NotKept(_) => "NOT_KEPT",
        }
    }
}

impl From<Failure> for JsValue {
    fn from(failure: Failure) -> Self {
        let error = JsError::new(&failure.to_string());
        // Nobody has frozen an error that was made just now.
        let _ = Reflect::set(&error, &"code".into(), &failure.code().into());
        error.into()
    }
}

impl From<logscope::ConfigError> for Failure {
    fn from(error: logscope::ConfigError) -> Self {
        logscope::Error::from(error).into()
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        logscope::Error::from(error).into()
    }
}
