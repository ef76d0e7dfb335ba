//! `cargo xtask simulate`: random scenarios on a log whose disk fails, for as long as one likes.
//!
//! The simulation is a test of the engine, `core/tests/simulation`; what it is to do goes there in the environment.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::workspace::{Workspace, run};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How long, in seconds; without it one scenario is run
    #[arg(long)]
    seconds: Option<u64>,
    /// The first scenario's seed; without it the clock says
    #[arg(long)]
    seed: Option<u64>,
    /// Run this scenario instead, as a failure printed it
    #[arg(long, conflicts_with_all = ["seconds", "seed"])]
    scenario: Option<PathBuf>,
}

pub(crate) fn simulate(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let mut command = workspace.cargo();
    command.args(["test", "--quiet", "--package=logscope", "--test=simulation", "as_long_as_told"]);
    command.args(["--", "--ignored", "--nocapture"]);
    // A failure says all that one needs; the way through the runtime says nothing more.
    command.env("RUST_BACKTRACE", "0");
    let numbers =
        [("LOGSCOPE_SIMULATE_SECONDS", arguments.seconds), ("LOGSCOPE_SIMULATE_SEED", arguments.seed)];
    for (name, number) in numbers {
        number.map(|number| command.env(name, number.to_string()));
    }
    if let Some(file) = &arguments.scenario {
        let path = file.canonicalize().with_context(|| format!("{} is not there", file.display()))?;
        command.env("LOGSCOPE_SIMULATE_SCENARIO", path);
    }
    run(&mut command)
}
