//! The command line, one file a command.
//!
//! | file | holds |
//! | --- | --- |
//! | `serve`, `produce`, `consume`, `topics`, `groups`, `dump`, `verify`, `replay`, `bench`, `completions` | a command each |
//! | `client` | the HTTP client of those that talk to a broker |
//! | `output` | text, JSON, tables and bars |
//!
//! Invariants:
//! - stdout carries what a command is for, stderr everything else; a failure is one line on stderr that begins
//!   with `logscope:`, and exit code 1 (2 for a command line that cannot be read). `dump` and `verify` end with 1 for
//!   what is wrong with the data, and with 2 where they cannot look at it.
//! - A reader of stdout that goes away ends a command quietly.

mod bench;
mod client;
mod completions;
mod consume;
mod dump;
mod groups;
mod output;
mod produce;
mod replay;
mod serve;
mod topics;
mod verify;

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// What a command ends with.
type Outcome = Result<ExitCode, Box<dyn Error>>;

/// A Kafka-style commit log whose every step can be watched.
#[derive(Debug, Parser)]
#[command(name = "logscope", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Produce(produce::Produce),
    Consume(consume::Consume),
    Topics(topics::Topics),
    Groups(groups::Groups),
    Dump(dump::Dump),
    Verify(verify::Verify),
    Replay(replay::Replay),
    Bench(bench::Bench),
    Completions(completions::Completions),
}

/// Runs a command to its end.
pub(crate) fn run(cli: Cli) -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_env_filter(filter)
        .with_target(false)
        .init();
    let outcome = match cli.command {
        Command::Serve(serve) => serve.run(),
        Command::Produce(produce) => produce.run(),
        Command::Consume(consume) => consume.run(),
        Command::Topics(topics) => topics.run(),
        Command::Groups(groups) => groups.run(),
        Command::Dump(dump) => dump.run(),
        Command::Verify(verify) => verify.run(),
        Command::Replay(replay) => replay.run(),
        Command::Bench(bench) => bench.run(),
        Command::Completions(completions) => completions.run(),
    };
    match outcome {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("logscope: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the reader of stdout has gone away. Errors of connections are a type of their own.
fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Prints the broker's own JSON.
fn print_as_is(out: &mut impl Write, json: &[u8]) -> Outcome {
    out.write_all(json)?;
    writeln!(out)?;
    Ok(ExitCode::SUCCESS)
}
