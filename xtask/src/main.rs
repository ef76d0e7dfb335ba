//! What the project does to itself: `cargo xtask play`, `build-web`, `dist`, `package`, `test`, `browser`, `bench`, `simulate`,
//! `kill-test`, `soak`, `tidy`.
//!
//! Every command works from any folder of the workspace and fetches what it needs. What fails says why in
//! the last line and leaves with a code that isn't zero.

mod bench;
mod browser;
mod bundle;
mod dist;
mod offline;
mod package;
mod parts;
mod play;
mod simulate;
mod test;
mod tidy;
mod trials;
mod wasm_tests;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "What Logscope does to itself.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the page and the broker, and serve both
    Play {
        /// The address to listen on
        #[arg(long, default_value = "127.0.0.1:8080")]
        listen: String,
        /// Where the broker keeps its topics
        #[arg(long, default_value = "broker_data")]
        data_dir: PathBuf,
        /// Build the page quickly instead of small
        #[arg(long)]
        dev: bool,
    },
    /// Build the page alone, into `target/web`
    BuildWeb {
        /// Build the page quickly instead of small
        #[arg(long)]
        dev: bool,
    },
    /// Build the page for any static host, into `target/dist`, and say how large it is
    Dist,
    /// Build the engine as an npm-style package, into `target/package`
    Package {
        /// Build it quickly instead of small
        #[arg(long)]
        dev: bool,
        /// Run its tests in Node as well
        #[arg(long)]
        test: bool,
    },
    /// Run every test there is: tidy rules, native tests, the JavaScript package, the page in a browser
    Test,
    /// Run the browser tests alone
    Browser {
        /// Build the page quickly instead of small
        #[arg(long)]
        dev: bool,
        /// Passed to the test runner: names of tests, `--nocapture` …
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        tests: Vec<String>,
    },
    /// Measure the engine against floors in the same run, and print the ratios
    Bench(bench::Arguments),
    /// Run random scenarios on a log whose disk fails, against a model
    Simulate(simulate::Arguments),
    /// Kill the broker at random moments while clients produce, and see what it has kept
    KillTest(trials::KillTest),
    /// Let many clients do everything to a broker, and see that it stays small and true
    Soak(trials::Soak),
    /// Check the rules of the house that a compiler doesn't know
    Tidy,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let workspace = Workspace::open()?;
    match command {
        Command::Play { listen, data_dir, dev } => return play::play(&workspace, &listen, &data_dir, dev),
        Command::BuildWeb { dev } => println!("{}", bundle::build(&workspace, dev)?.display()),
        Command::Dist => dist::dist(&workspace)?,
        Command::Package { dev, test } => {
            let folder = package::build(&workspace, dev)?;
            package::print_sizes(&folder)?;
            println!("{}", folder.display());
            if test {
                package::test_in_node(&package::stage_tests(&workspace, &folder)?)?;
            }
        }
        Command::Test => test::test(&workspace)?,
        Command::Browser { dev, tests } => browser::build_and_test(&workspace, dev, &tests)?,
        Command::Bench(arguments) => bench::bench(&workspace, &arguments)?,
        Command::Simulate(arguments) => simulate::simulate(&workspace, &arguments)?,
        Command::KillTest(arguments) => trials::kill_test(&workspace, &arguments)?,
        Command::Soak(arguments) => trials::soak(&workspace, &arguments)?,
        Command::Tidy => tidy::check(&workspace.root)?,
    }
    Ok(ExitCode::SUCCESS)
}
