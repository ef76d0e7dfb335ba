//! What a command tells on stderr while it runs.

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How the broker logs.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Logging {
    /// How log lines look
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: Format,
    /// How much to log; without it, RUST_LOG decides [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<Level>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// A line for people
    #[default]
    Text,
    /// A JSON object a line
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Logging {
    /// Sets logging up for the process.
    pub(super) fn init(&self) {
        let level = self.log_level.and_then(|level| level.to_possible_value());
        let filter = match level {
            Some(level) => EnvFilter::new(level.get_name()),
            None => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")),
        };
        let logs = tracing_subscriber::fmt()
            .with_writer(io::stderr)
            .with_ansi(io::stderr().is_terminal())
            .with_env_filter(filter)
            .with_target(false);
        match self.log_format {
            Format::Text => logs.init(),
            Format::Json => logs.json().flatten_event(true).with_ansi(false).init(),
        }
    }
}
