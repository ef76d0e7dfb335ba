//! The routes, without a socket: what they answer, and what they refuse. What is malformed stands in `bad_requests`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod api;
mod groups;
mod page;
mod partitions;
mod records;
mod segments;
mod simple;
mod topics;
