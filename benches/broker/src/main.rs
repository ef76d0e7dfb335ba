//! How fast the broker is over real sockets, beside floors that are measured in the same run: HTTP handlers that do
//! nothing, `fdatasync`, the engine's own append. Prints a table of ratios; `cargo xtask bench broker` runs it.
//!
//! | file | holds |
//! | --- | --- |
//! | `rows` | what is compared with what, and what is to be reached |
//! | `floor` | the handlers that do nothing, as a server of its own; and the floors without HTTP |
//! | `servers` | processes: the broker, and this program again as the floor |
//! | `work` | requests that were put together beforehand, as fast as they are answered |
//! | `table` | rounds, ratios, and how they are printed |
//!
//! Invariants:
//! - The broker is the real binary in a process of its own, and so is the floor. The load comes from one thread, the
//!   same for both: client and server share the machine, so figures are for comparing only.
//! - The contenders take turns, round after round, so that whatever else the machine does meets them alike.
//! - No figure without its gate: before a row is measured, `logscope bench` produces the same way and reads every offset
//!   back, once, under that concurrency.

mod floor;
mod rows;
mod servers;
mod table;
mod work;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// How fast the broker is, beside floors measured in the same run
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure
    Run(Run),
    /// Be the floor: serve handlers that do nothing, and print the address
    Floor,
}

#[derive(Debug, clap::Args)]
struct Run {
    /// The broker's binary
    #[arg(long)]
    broker: PathBuf,
    /// One short round instead of fifteen: to see that it runs, not to quote
    #[arg(long)]
    quick: bool,
    /// Only the rows with this in their names
    #[arg(default_value = "")]
    filter: String,
}

/// How long to measure, and how often.
#[derive(Debug, Clone, Copy)]
struct Pace {
    rounds: usize,
    turn: Duration,
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Floor => floor::serve(),
        Command::Run(run) => {
            let pace = match run.quick {
                true => Pace { rounds: 1, turn: Duration::from_millis(300) },
                // Many short turns: with few connections, where the kernel puts the threads decides much of a turn.
                false => Pace { rounds: 15, turn: Duration::from_millis(500) },
            };
            rows::measure(&run.broker, pace, &run.filter)
        }
    }
}
