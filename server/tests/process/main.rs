//! The real binary: its life and death, its data on disk, its command line, and clients that know nothing of it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cli;
mod client;
mod harness;
mod inspect;
mod kill;
mod life;
mod settings;
