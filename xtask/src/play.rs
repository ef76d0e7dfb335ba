//! `cargo xtask play`: the page and the broker, built and served by one command.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::bundle;
use crate::workspace::Workspace;

/// Relative data folders are relative to where the user stands, not to the workspace.
pub(crate) fn play(workspace: &Workspace, listen: &str, data_dir: &Path, dev: bool) -> Result<ExitCode> {
    let page = bundle::build(workspace, dev)?;
    let broker = workspace.build_server()?;
    let mut serve = Command::new(&broker);
    serve.args(["serve", "--listen", listen, "--data-dir"]).arg(data_dir).arg("--web-root").arg(page);
    become_process(serve).with_context(|| format!("{} does not run", broker.display()))
}

/// The broker takes over this very process: Ctrl-C, SIGTERM and the exit code are then its own, and nobody
/// stands in between who could end before it has shut down. It returns only if that fails.
#[cfg(unix)]
fn become_process(mut command: Command) -> std::io::Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(command.exec())
}

/// Without `exec` we wait; a console sends its Ctrl-C to both.
#[cfg(not(unix))]
fn become_process(mut command: Command) -> std::io::Result<ExitCode> {
    let status = command.status()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
