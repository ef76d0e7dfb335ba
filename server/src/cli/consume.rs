//! `logscope consume`.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use logscope::topic::TopicName;
use logscope_server::broker::MAX_WAIT;
use serde_json::Value;

use super::Outcome;
use super::client::{Client, ClientError, Fetched, Server};

/// Pauses between attempts to reach a broker that is gone: the first, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Print records from an offset on: up to the end that the log has now, or on and on
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  logscope consume --topic t --from 0
  logscope consume --topic t --follow --format json | jq .payload")]
pub(super) struct Consume {
    /// The topic; one that does not exist yet is empty
    #[arg(long)]
    topic: TopicName,
    /// The first offset to print
    #[arg(long, value_name = "OFFSET", default_value_t = 0)]
    from: u64,
    /// Wait for more records at the end, and outlast a restart of the broker
    #[arg(long)]
    follow: bool,
    /// How many bytes of batches to ask for at once, at most; a larger batch comes all the same
    #[arg(long, value_name = "N", default_value_t = 1 << 20,
          value_parser = clap::value_parser!(u64).range(..=i32::MAX as u64))]
    max_bytes: u64,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Offset, tab, payload: the payload's bytes as they are, and nothing for null
    Text,
    /// A JSON object a line, as the broker's /fetch has it
    Json,
}

impl Consume {
    pub(super) fn run(&self) -> Outcome {
        let client = self.server.client()?;
        let mut out = io::BufWriter::new(io::stdout().lock());
        let mut offset = self.from;
        let mut end = None;
        loop {
            let fetched = self.fetch(&client, offset)?;
            for record in &fetched.records {
                self.print(&mut out, record)?;
            }
            out.flush()?;
            offset = fetched.next_offset;
            let end = *end.get_or_insert(fetched.high_watermark);
            if !self.follow && offset >= end {
                return Ok(ExitCode::SUCCESS);
            }
        }
    }

    /// Fetches once; when following, as often as it takes to be answered.
    fn fetch(&self, client: &Client, offset: u64) -> Result<Fetched, ClientError> {
        let max_wait = if self.follow { MAX_WAIT } else { Duration::ZERO };
        let mut pause = FIRST_PAUSE;
        loop {
            match client.fetch(&self.topic, offset, self.max_bytes, max_wait) {
                Err(ClientError::Unavailable(message)) if self.follow => {
                    if pause == FIRST_PAUSE {
                        eprintln!("logscope: {message}; trying again until it is back");
                    }
                    thread::sleep(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Ok(fetched) => {
                    if pause > FIRST_PAUSE {
                        eprintln!("logscope: the broker is back; going on at offset {offset}");
                    }
                    return Ok(fetched);
                }
                refused => return refused,
            }
        }
    }

    fn print(&self, out: &mut impl Write, record: &Value) -> Result<(), Box<dyn Error>> {
        match self.format {
            Format::Json => writeln!(out, "{record}")?,
            Format::Text => {
                write!(out, "{}\t", record["offset"])?;
                if let Some(text) = record["payload"].as_str() {
                    out.write_all(text.as_bytes())?;
                } else if let Some(base64) = record["payload_base64"].as_str() {
                    out.write_all(&STANDARD.decode(base64)?)?;
                }
                writeln!(out)?;
            }
        }
        Ok(())
    }
}
