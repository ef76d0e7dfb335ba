//! `logscope produce`.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use logscope::topic::TopicName;
use serde_json::{Map, Value, json};

use super::Outcome;
use super::client::{Client, ClientError, Server};

/// Append records and print their offsets: the value given, or each line of stdin
///
/// One record is on its way at a time, so the log has them in the order of the lines. A line that is refused is
/// reported with its number, and the next one follows; if the broker cannot be reached, nothing more is sent.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  logscope produce --topic t --value hello --key user-1
  seq 1 100 | logscope produce --topic numbers")]
pub(super) struct Produce {
    /// The topic; it is created if it does not exist
    #[arg(long)]
    topic: TopicName,
    /// The record's value; without it, each line of stdin is a record
    #[arg(long)]
    value: Option<String>,
    /// The key of every record
    #[arg(long)]
    key: Option<String>,
    #[command(flatten)]
    server: Server,
}

impl Produce {
    pub(super) fn run(&self) -> Outcome {
        let client = self.server.client()?;
        let mut out = io::stdout().lock();
        match &self.value {
            Some(value) => {
                let offset = client.produce(&self.record(value.as_bytes()))?;
                writeln!(out, "{offset}")?;
                Ok(ExitCode::SUCCESS)
            }
            None => self.run_lines(&client, &mut io::stdin().lock(), &mut out),
        }
    }

    fn run_lines(&self, client: &Client, input: &mut impl BufRead, out: &mut impl Write) -> Outcome {
        let mut code = ExitCode::SUCCESS;
        let mut line = Vec::new();
        for number in 1u64.. {
            line.clear();
            if input.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let value = line.strip_suffix(b"\n").unwrap_or(&line);
            let value = value.strip_suffix(b"\r").unwrap_or(value);
            match client.produce(&self.record(value)) {
                Ok(offset) => writeln!(out, "{offset}")?,
                Err(ClientError::Refused(message)) => {
                    eprintln!("logscope: line {number}: {message}");
                    code = ExitCode::FAILURE;
                }
                Err(ClientError::Unavailable(message)) => {
                    return Err(format!("line {number}: {message}; nothing after it was sent").into());
                }
            }
        }
        Ok(code)
    }

    fn record(&self, value: &[u8]) -> Value {
        let mut record = Map::new();
        record.insert("topic".to_owned(), json!(self.topic.as_str()));
        match std::str::from_utf8(value) {
            Ok(text) => record.insert("payload".to_owned(), json!(text)),
            Err(_) => record.insert("payload_base64".to_owned(), json!(STANDARD.encode(value))),
        };
        if let Some(key) = &self.key {
            record.insert("key".to_owned(), json!(key));
        }
        Value::Object(record)
    }
}
