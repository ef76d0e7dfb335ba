//! `cargo xtask kill-test` and `cargo xtask soak`: the broker's two long trials, for as long as one likes.
//!
//! Both are tests of the server, in `server/tests/process`; what they are to do goes there in the environment. They run
//! the broker as users get it, built for release.

use anyhow::Result;

use crate::workspace::{Workspace, run};

#[derive(clap::Args)]
pub(crate) struct KillTest {
    /// How often the broker is killed
    #[arg(long, default_value_t = 30)]
    rounds: u64,
    /// What chance goes by; without it the clock says
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(clap::Args)]
pub(crate) struct Soak {
    /// How long
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// What chance goes by; without it the clock says
    #[arg(long)]
    seed: Option<u64>,
}

pub(crate) fn kill_test(workspace: &Workspace, arguments: &KillTest) -> Result<()> {
    let numbers = [("LOGSCOPE_KILL_ROUNDS", Some(arguments.rounds)), ("LOGSCOPE_KILL_SEED", arguments.seed)];
    trial(workspace, "kill::every_acknowledged_record_survives_kill_9", &numbers)
}

pub(crate) fn soak(workspace: &Workspace, arguments: &Soak) -> Result<()> {
    let seconds = arguments.minutes.saturating_mul(60);
    let numbers = [("LOGSCOPE_SOAK_SECONDS", Some(seconds)), ("LOGSCOPE_SOAK_SEED", arguments.seed)];
    trial(workspace, "soak::the_broker_stays_small_and_true", &numbers)
}

fn trial(workspace: &Workspace, test: &str, numbers: &[(&str, Option<u64>)]) -> Result<()> {
    let mut command = workspace.cargo();
    command.args(["test", "--release", "--quiet", "--package=logscope-server", "--test=process"]);
    command.args(["--", "--exact", "--nocapture", test]);
    // A failure says all that one needs; the way through the runtime says nothing more.
    command.env("RUST_BACKTRACE", "0");
    for (name, number) in numbers {
        number.map(|number| command.env(name, number.to_string()));
    }
    run(&mut command)
}
