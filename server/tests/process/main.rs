//! The real binary: its life and death, its data on disk, its command line, and clients that know nothing of it.

mod cli;
mod client;
mod harness;
mod kill;
mod life;
