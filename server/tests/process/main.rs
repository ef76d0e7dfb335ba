//! The real binary: its life and death, its data on disk, its command line, and clients that know nothing of it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bench;
mod cli;
mod client;
mod groups;
mod harness;
mod inspect;
mod kill;
mod life;
mod readme;
mod replay;
mod settings;
#[cfg(target_os = "linux")]
mod soak;
mod topics;
