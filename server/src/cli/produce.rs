//! `logscope produce`.

use std::io::{self, BufRead, Write};
use std::ops::Range;
use std::process::ExitCode;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use indicatif::ProgressBar;
use logscope::topic::TopicName;
use serde_json::{Map, Value, json};

use super::Outcome;
use super::client::{self, Client, ClientError, Server};
use super::output::{Format, json_line, record_counter};

/// A request goes out when it has grown so large, however few lines are in it: it is a batch in the log, and
/// max.message.bytes is 1 MiB unless somebody says otherwise.
const LARGE_REQUEST_BYTES: usize = 512 << 10;

/// Append records and print their offsets: the value given, or each line of stdin
///
/// One request is on its way at a time, so a partition has its records in the order of the lines. A line that is
/// refused is reported with its number, and the next one follows; if the broker cannot be reached, nothing more is
/// sent. Of a topic with several partitions, the partition is printed before the offset, as in 2:17.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  logscope produce --topic t --value hello --key user-1 --header source=shell
  seq 1 100000 | logscope produce --topic numbers --batch 1000 --acks 1 > /dev/null
  printf 'user-1:hello\\nuser-2:hi\\n' | logscope produce --topic t --key-separator : --format json
  logscope produce --topic profiles --key user-1 --null-value")]
pub(super) struct Produce {
    /// The topic; it is created if it does not exist, unless the broker is told not to
    #[arg(long)]
    topic: TopicName,
    /// The record's value; without it, each line of stdin is a record
    #[arg(long, conflicts_with_all = ["null_value", "key_separator", "null_marker"])]
    value: Option<String>,
    /// One record without a value: in a compacted topic, it makes its key forgotten
    #[arg(long, conflicts_with_all = ["key_separator", "null_marker"])]
    null_value: bool,
    /// The key of every record; it decides about the partition
    #[arg(long, conflicts_with = "key_separator")]
    key: Option<String>,
    /// What stands between key and value in each line
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    key_separator: Option<String>,
    /// A line whose value is this has no value
    #[arg(long, value_name = "TEXT")]
    null_marker: Option<String>,
    /// The partition, whatever the key says
    #[arg(long, value_name = "N")]
    partition: Option<u32>,
    /// A header of every record; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = header)]
    header: Vec<(String, String)>,
    /// When the broker answers: when the record is on disk (all), when it is in the log (1), or at once (0)
    #[arg(long, default_value = "all", value_parser = ["all", "1", "0"])]
    acks: String,
    /// Lines a request, at most: they are one batch in the log
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch: u32,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    server: Server,
}

/// Lines on their way, as JSON, and their numbers.
#[derive(Debug, Default)]
struct Request {
    body: Vec<u8>,
    lines: Vec<u64>,
}

impl Request {
    /// The lines' numbers for an error.
    fn range(&self) -> String {
        let Range { start, end } =
            self.lines.first().copied().unwrap_or(0)..self.lines.last().copied().unwrap_or(0);
        if start == end { format!("line {start}") } else { format!("lines {start} to {end}") }
    }

    /// What the broker said of some of the lines. If it names one of the request, it is named as in the input.
    fn refusal(&self, lines: &str, message: &str) -> String {
        let named = message.strip_prefix("line ").and_then(|rest| rest.split_once(": "));
        let named = named.and_then(|(line, what)| {
            let line = self.lines.get(line.parse::<usize>().ok()?.checked_sub(1)?)?;
            Some(format!("line {line}: {what}"))
        });
        let said = named.unwrap_or_else(|| message.to_owned());
        if said.starts_with(&format!("{lines}: ")) { said } else { format!("{lines}: {said}") }
    }
}

/// Sends requests, and prints what became of them.
struct Sender<'a, W> {
    command: &'a Produce,
    client: Client,
    out: W,
    counter: ProgressBar,
    /// Whether the topic has several partitions; asked when it is first needed.
    several: Option<bool>,
    code: ExitCode,
}

impl Produce {
    pub(super) fn run(&self) -> Outcome {
        let mut sender = Sender {
            command: self,
            client: self.server.client()?,
            out: io::stdout().lock(),
            counter: record_counter(),
            several: None,
            code: ExitCode::SUCCESS,
        };
        let value = self.value.as_deref().map(str::as_bytes);
        if value.is_some() || self.null_value {
            let mut body = self.record(self.key.as_deref().map(str::as_bytes), value).to_string();
            body.push('\n');
            let outcomes = sender.client.produce(&self.topic, &self.acks, body.into_bytes())?;
            sender.print(&Request { lines: vec![1], ..Request::default() }, outcomes)?;
            return Ok(sender.code);
        }
        self.send_lines(&mut io::stdin().lock(), &mut sender)?;
        sender.counter.finish_and_clear();
        Ok(sender.code)
    }

    fn send_lines(
        &self,
        input: &mut impl BufRead,
        sender: &mut Sender<'_, impl Write>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let mut request = Request::default();
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            if input.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            match self.line(text) {
                Ok(record) => {
                    request.body.extend_from_slice(record.to_string().as_bytes());
                    request.body.push(b'\n');
                    request.lines.push(number);
                }
                Err(message) => sender.refuse(&format!("line {number}: {message}")),
            }
            if request.lines.len() >= self.batch as usize || request.body.len() >= LARGE_REQUEST_BYTES {
                sender.send(&mut request)?;
            }
        }
        sender.send(&mut request)
    }

    /// The record that a line stands for.
    fn line(&self, line: &[u8]) -> Result<Value, String> {
        let (key, value) = match &self.key_separator {
            None => (self.key.as_deref().map(str::as_bytes), line),
            Some(separator) => {
                let separator = separator.as_bytes();
                let at = line.windows(separator.len()).position(|window| window == separator);
                let at = at.ok_or("the key separator is not in it")?;
                (Some(&line[..at]), &line[at + separator.len()..])
            }
        };
        let is_null = self.null_marker.as_ref().is_some_and(|marker| marker.as_bytes() == value);
        Ok(self.record(key, (!is_null).then_some(value)))
    }

    fn record(&self, key: Option<&[u8]>, value: Option<&[u8]>) -> Value {
        let mut record = Map::new();
        let mut insert = |name: &str, bytes: Option<&[u8]>| match bytes
            .map(|bytes| (bytes, std::str::from_utf8(bytes)))
        {
            None => record.insert(name.to_owned(), Value::Null),
            Some((_, Ok(text))) => record.insert(name.to_owned(), text.into()),
            Some((bytes, Err(_))) => record.insert(format!("{name}_base64"), STANDARD.encode(bytes).into()),
        };
        insert("payload", value);
        if key.is_some() {
            insert("key", key);
        }
        if let Some(partition) = self.partition {
            record.insert("partition".to_owned(), partition.into());
        }
        if !self.header.is_empty() {
            let headers = self.header.iter().map(|(name, value)| json!({"name": name, "value": value}));
            record.insert("headers".to_owned(), headers.collect());
        }
        Value::Object(record)
    }
}

impl<W: Write> Sender<'_, W> {
    /// Sends what has come together, and begins anew.
    fn send(&mut self, request: &mut Request) -> Result<(), Box<dyn std::error::Error>> {
        if request.lines.is_empty() {
            return Ok(());
        }
        let Produce { topic, acks, .. } = self.command;
        match self.client.produce(topic, acks, std::mem::take(&mut request.body)) {
            Ok(outcomes) => self.print(request, outcomes)?,
            Err(ClientError::Refused { message, .. }) => {
                self.refuse(&request.refusal(&request.range(), &message))
            }
            Err(ClientError::Unavailable(message) | ClientError::Damaged(message)) => {
                return Err(format!("{}: {message}; nothing after it was sent", request.range()).into());
            }
        }
        self.counter.inc(request.lines.len() as u64);
        request.lines.clear();
        Ok(())
    }

    fn print(&mut self, request: &Request, outcomes: Vec<client::Outcome>) -> io::Result<()> {
        // One write for all of them: who reads this line by line has each request as a whole.
        let mut lines = Vec::new();
        for (number, outcome) in request.lines.iter().zip(outcomes) {
            if self.command.format == Format::Json {
                json_line(&mut lines, &outcome)?;
            }
            match outcome {
                client::Outcome::Taken { partition, offset } if self.command.format == Format::Text => {
                    if self.has_several_partitions() {
                        write!(lines, "{partition}:")?;
                    }
                    writeln!(lines, "{offset}")?;
                }
                client::Outcome::Taken { .. } => {}
                client::Outcome::Refused { message, .. } => {
                    self.refuse(&request.refusal(&format!("line {number}"), &message))
                }
            }
        }
        self.out.write_all(&lines)?;
        self.out.flush()
    }

    fn has_several_partitions(&mut self) -> bool {
        // Who cannot be told prints the offset all the same.
        let ask = || self.client.topic(&self.command.topic).is_ok_and(|topic| topic.partitions.len() > 1);
        *self.several.get_or_insert_with(ask)
    }

    fn refuse(&mut self, message: &str) {
        self.counter.suspend(|| eprintln!("logscope: {message}"));
        self.code = ExitCode::FAILURE;
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err("write it as NAME=VALUE".to_owned()),
    }
}
