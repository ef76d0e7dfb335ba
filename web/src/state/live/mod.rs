//! A running broker's log: how what it sends becomes a timeline like any other, without a browser.
//!
//! [`sse`] takes the stream apart, [`json`] and [`events`] read what is in it, [`grouping`] names what caused it,
//! [`loaded`] is what was there before, and [`returned`] what the page's own fetches were answered; [`connection`] says
//! what to do when a stream is over, [`following`] keeps the timeline within bounds, and [`window`] says which part of a file to ask for.

pub(crate) mod address;
pub(crate) mod answers;
pub(crate) mod connection;
pub(crate) mod events;
pub(crate) mod following;
pub(crate) mod grouping;
pub(crate) mod json;
pub(crate) mod loaded;
pub(crate) mod returned;
pub(crate) mod sse;
#[cfg(test)]
mod tests;
pub(crate) mod window;

use std::rc::Rc;

use address::Broker;
pub(crate) use address::{Address, Place};
use answers::Topic;
pub(crate) use connection::Connection;
use returned::Returned;

/// What the views see of it, besides the timeline.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Live {
    pub(crate) address: Address,
    /// The broker's topics, once it has told them.
    pub(crate) topics: Option<Rc<Vec<Topic>>>,
    pub(crate) connection: Connection,
    /// What the last command came to, or why it was refused.
    pub(crate) said: Option<Result<String, String>>,
    /// What the last fetch returned that was asked for here.
    pub(crate) answer: Option<Returned>,
    /// How many steps there were when somebody stopped to look at one.
    pub(crate) stopped_at: Option<usize>,
    /// The broker did not give the bytes that are open.
    pub(crate) no_bytes: bool,
    /// More of the log is being read.
    pub(crate) reading: bool,
    /// Index entries that the broker had in memory only when the picture began.
    pub(crate) in_memory: u64,
    /// Events that this page does not know.
    pub(crate) unknown: u64,
    /// What was said last of the steps that went by.
    pub(crate) announced: String,
}

/// What a visitor wants of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Wish {
    /// Look into a broker.
    Enter,
    /// Another broker.
    Call(String),
    /// The token that the broker asks for.
    Give(String),
    /// This partition of a topic.
    Watch(Place),
    /// Ask for the topics again, and connect again.
    Refresh,
    /// Read more of what was there before.
    ReadMore,
    /// Show what comes as it comes.
    Follow,
}

impl Live {
    /// Where the broker is.
    pub(crate) fn broker(&self) -> &Broker {
        &self.address.broker
    }

    /// Whether commands reach a partition.
    pub(crate) fn is_ready(&self) -> bool {
        self.address.place.is_some()
            && matches!(self.connection, Connection::Live | Connection::Resting { .. })
    }
}
