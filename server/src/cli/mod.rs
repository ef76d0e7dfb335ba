//! The command line, one file a command.
//!
//! | file | holds |
//! | --- | --- |
//! | `serve`, `produce`, `consume`, `topics`, `groups`, `dump`, `verify`, `replay`, `bench`, `completions` | a command each |
//! | `client` | the HTTP client of those that talk to a broker |
//! | `logging` | where the log of `serve` goes, and how much of it |
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
mod logging;
mod output;
mod produce;
mod replay;
mod serve;
mod topics;
mod verify;

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use logging::Logging;
use serve::sources::{FileSettings, with_environment};

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
    Serve(Box<serve::Serve>),
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

/// Reads the command line, and with it the environment and the file of `serve`. What clap refuses, it says itself.
pub(crate) fn parse() -> Result<Cli, ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let command = || Cli::command().mut_subcommand("serve", with_environment);
    let read = |command: clap::Command| {
        command.try_get_matches_from(&arguments).and_then(|matches| Cli::from_arg_matches(&matches))
    };
    let cli = read(command()).unwrap_or_else(|error| error.exit());
    let Command::Serve(serve) = &cli.command else { return Ok(cli) };
    let Some(path) = serve.config() else { return Ok(cli) };
    let refuse = |fault: String| {
        eprintln!("logscope: {fault}");
        ExitCode::FAILURE
    };
    let mut all = command();
    let options = all.find_subcommand_mut("serve").map(|serve| serve.clone()).unwrap_or_default();
    let file = FileSettings::read(path, &options).map_err(refuse)?;
    let again = read(all.mut_subcommand("serve", |serve| file.give_defaults(serve)));
    match again.map_err(|error| refuse(file.fault(&error)))? {
        Cli { command: Command::Serve(serve) } => {
            Ok(Cli { command: Command::Serve(Box::new(serve.with_file(file))) })
        }
        cli => Ok(cli),
    }
}

/// Runs a command to its end.
pub(crate) fn run(cli: Cli) -> ExitCode {
    match &cli.command {
        Command::Serve(serve) => serve.logging.init(),
        _ => Logging::default().init(),
    }
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
