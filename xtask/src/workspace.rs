//! Where the workspace and its target folder are, and how commands run in it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Flags of the compiler, by the variable in which they may have spaces.
const RUST_FLAGS: &str = "CARGO_ENCODED_RUSTFLAGS";
const FLAG_END: &str = "\u{1f}";

pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// What cargo says it is: `CARGO_TARGET_DIR` and cargo's own configuration may move it.
    pub(crate) target: PathBuf,
}

impl Workspace {
    pub(crate) fn open() -> Result<Workspace> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask stands in no folder")?;
        let output = cargo_in(root)
            .args(["metadata", "--no-deps", "--format-version=1"])
            .stderr(Stdio::inherit())
            .output()
            .context("cargo metadata does not run")?;
        let metadata: serde_json::Value =
            serde_json::from_slice(&output.stdout).context("cargo metadata gives no metadata")?;
        let target =
            metadata["target_directory"].as_str().context("cargo metadata names no target folder")?;
        Ok(Workspace { root: root.to_owned(), target: target.into() })
    }

    pub(crate) fn cargo(&self) -> Command {
        cargo_in(&self.root)
    }

    /// Cargo for what is handed on: panics name the places of other crates as they do everywhere, not where this
    /// machine keeps them.
    pub(crate) fn cargo_to_hand_on(&self) -> Command {
        let mut cargo = self.cargo();
        if let Some(home) = cargo_home() {
            let sources = home.join("registry").join("src");
            cargo.env(RUST_FLAGS, rust_flags(&format!("--remap-path-prefix={}=crates", sources.display())));
        }
        cargo
    }

    /// The broker as users get it.
    pub(crate) fn build_server(&self) -> Result<PathBuf> {
        run(self.cargo().args(["build", "--release", "--package", "logscope-server"]))?;
        Ok(self.target.join("release").join(format!("logscope{}", env::consts::EXE_SUFFIX)))
    }
}

/// Where cargo keeps what it has downloaded.
fn cargo_home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")))
}

/// The flags that are set already, and one more.
fn rust_flags(more: &str) -> String {
    let set = env::var(RUST_FLAGS).or_else(|_| {
        env::var("RUSTFLAGS").map(|flags| flags.split_whitespace().collect::<Vec<_>>().join(FLAG_END))
    });
    match set {
        Ok(flags) if !flags.is_empty() => flags + FLAG_END + more,
        _ => more.to_owned(),
    }
}

/// The cargo that runs us, so that the toolchain is the same one.
fn cargo_in(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// Runs a command to its end, its output going where ours goes; anything but success is an error that names it.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{} does not run", line(command)))?;
    if !status.success() {
        bail!("`{}` ended with {status}", line(command));
    }
    Ok(())
}

/// Whether there is such a program.
pub(crate) fn on_path(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// The command as one would type it.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_stem().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
