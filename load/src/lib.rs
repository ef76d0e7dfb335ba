//! A load generator for HTTP/1.1: many connections, each with one request under way, and the time of each answer.
//!
//! It speaks as little HTTP as it can: requests are bytes that were put together beforehand, connections are kept
//! alive, and of an answer it reads the status, the length or the chunks, and the body. So it costs a fraction of what a
//! server does, and can be run on the same machine.
//!
//! | file | holds |
//! | --- | --- |
//! | `target` | where the server is, and requests to it |
//! | `connection` | one request out, one answer in |
//! | `drive` | many connections at once |
//! | `latency` | how long answers took |
//!
//! Invariants:
//! - The next request of a connection goes out when its last answer is in: the server sets the pace.
//! - A status that is no success, or an answer that breaks off, ends the run with an error; no figure stands for
//!   requests that failed.

#![deny(missing_docs)]

mod connection;
mod drive;
mod latency;
mod target;

pub use connection::{Answer, Connection};
pub use drive::{Client, Timing, drive, drive_locally};
pub use latency::Latency;
pub use target::Target;

/// Why a run ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The server cannot be reached, or went away.
    #[error("the connection to {address} failed: {error}")]
    Connection {
        /// Where it should be.
        address: String,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// What came back is not what this generator reads.
    #[error("{address} answered what cannot be read: {reason}")]
    Unreadable {
        /// Where it came from.
        address: String,
        /// What is wrong.
        reason: String,
    },
    /// The server refused.
    #[error("the server answered {status}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The beginning of the body.
        message: String,
    },
    /// The client did not like the answer.
    #[error("{0}")]
    Unexpected(String),
}
