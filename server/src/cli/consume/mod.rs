//! `logscope consume`.
//!
//! | file | holds |
//! | --- | --- |
//! | `mod` | what is printed, and how |
//! | `reader` | one partition, fetched from an offset on by a thread of its own |
//! | `start` | where to begin, and what a group commits |
//! | `growth` | partitions that come while the topic is followed |
//!
//! Invariant: an offset is committed when all records below it have been printed, and handed to the operating system.

mod growth;
mod reader;
mod start;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use indicatif::ProgressBar;
use logscope::topic::TopicName;

use super::Outcome;
use super::client::{Position, Record, Server};
use super::output::{Format, json_line, record_counter};
use reader::{Chunk, From, Reader};
use start::Commits;

/// A group commits at least so often while records keep coming; and whenever there is nothing to print.
const COMMIT_INTERVAL: Duration = Duration::from_secs(1);
/// Answers that wait to be printed.
const CHUNKS_AHEAD: usize = 2;

/// Print records from a place on: up to the end that the log has now, or on and on
///
/// The partitions of a topic are merged as their records come; within one, the order is that of the log. Text is
/// offset, tab, payload: the payload's bytes as they are, and nothing for null. Of several partitions, the partition
/// stands before the offset, as in 2:17. JSON has everything, a record a line.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  logscope consume --topic t
  logscope consume --topic t --partition 0 --from 1000 --max-records 10
  logscope consume --topic t --from 2026-01-31T12:00:00Z --format json | jq -r .payload
  logscope consume --topic t --from latest --follow
  logscope consume --topic t --group billing --follow --format json | ./bill")]
pub(super) struct Consume {
    /// The topic; one that does not exist yet is empty
    #[arg(long)]
    topic: TopicName,
    /// One of its partitions, instead of all; may be given several times
    #[arg(long, value_name = "N")]
    partition: Vec<u32>,
    /// Where to begin; with a group, where it has committed nothing [default: earliest]
    #[arg(long, value_name = Position::NAME, default_value = "earliest", hide_default_value = true)]
    from: Position,
    /// Go on where this group stopped, and commit what has been printed
    #[arg(long)]
    group: Option<String>,
    /// Wait for more records at the end, and outlast a restart of the broker
    #[arg(long)]
    follow: bool,
    /// How often to look for partitions that the topic has got meanwhile, when all of them are followed
    #[arg(long, value_name = "MS", default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(10..))]
    metadata_max_age_ms: u64,
    /// Stop after so many records
    #[arg(long, value_name = "N")]
    max_records: Option<u64>,
    /// How many bytes of batches to ask for at once, at most; a larger batch comes all the same
    #[arg(long, value_name = "N", default_value_t = 1 << 20,
          value_parser = clap::value_parser!(u64).range(..=i32::MAX as u64))]
    max_bytes: u64,
    /// Print the key and this before the payload
    #[arg(long, value_name = "TEXT")]
    key_separator: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    server: Server,
}

impl Consume {
    pub(super) fn run(&self) -> Outcome {
        let client = Arc::new(self.server.client()?);
        let begin = start::begin(self, &client)?;
        let (sender, chunks) = sync_channel(CHUNKS_AHEAD);
        let reader = Reader {
            client: Arc::clone(&client),
            outage: Arc::default(),
            topic: self.topic.clone(),
            partition: 0,
            from: From::Earliest,
            max_bytes: self.max_bytes,
            follow: self.follow,
        };
        for &(partition, from) in &begin.partitions {
            Reader { partition, from, ..reader.clone() }.start(sender.clone())?;
        }
        if self.follow && self.reads_all() {
            let known = begin.partitions.len() as u32;
            let max_age = Duration::from_millis(self.metadata_max_age_ms);
            growth::follow(reader, self.group.clone(), known, max_age, sender)?;
        } else {
            // The channel ends with the last reader.
            drop(sender);
        }
        let mut printer = Printer {
            command: self,
            out: io::BufWriter::new(io::stdout().lock()),
            counter: record_counter(),
            several: begin.several,
            left: self.max_records.unwrap_or(u64::MAX),
            commits: self.group.as_deref().map(|group| Commits::new(&client, group, self.topic.as_str())),
        };
        let printed = printer.print_all(&chunks);
        printer.counter.finish_and_clear();
        printed?;
        Ok(ExitCode::SUCCESS)
    }

    fn reads_all(&self) -> bool {
        self.partition.is_empty()
    }
}

/// Prints what the readers bring.
struct Printer<'a, W> {
    command: &'a Consume,
    out: W,
    counter: ProgressBar,
    /// Whether a record's partition needs to be told.
    several: bool,
    /// Records still to be printed.
    left: u64,
    commits: Option<Commits<'a>>,
}

impl<W: Write> Printer<'_, W> {
    fn print_all(&mut self, chunks: &Receiver<Chunk>) -> Result<(), Box<dyn Error>> {
        let mut committed = Instant::now();
        while self.left > 0 {
            let chunk = match chunks.try_recv() {
                Ok(chunk) if committed.elapsed() < COMMIT_INTERVAL => chunk,
                next => {
                    self.settle()?;
                    committed = Instant::now();
                    match next {
                        Ok(chunk) => chunk,
                        Err(TryRecvError::Disconnected) => return Ok(()),
                        Err(TryRecvError::Empty) => match chunks.recv() {
                            Ok(chunk) => chunk,
                            Err(_) => return Ok(()),
                        },
                    }
                }
            };
            self.print_chunk(chunk)?;
        }
        self.settle()
    }

    fn print_chunk(&mut self, chunk: Chunk) -> Result<(), Box<dyn Error>> {
        let Chunk { partition, fetched } = chunk;
        let fetched = fetched?;
        self.several |= self.command.reads_all() && partition > 0;
        for mut record in fetched.records {
            if self.left == 0 {
                return Ok(());
            }
            self.left -= 1;
            record.partition = partition;
            self.print(&record)?;
            self.counter.inc(1);
            if let Some(commits) = &mut self.commits {
                commits.printed(partition, record.offset + 1);
            }
        }
        if let Some(commits) = &mut self.commits {
            commits.printed(partition, fetched.next_offset);
        }
        Ok(())
    }

    /// Hands out what was printed, and then commits it.
    fn settle(&mut self) -> Result<(), Box<dyn Error>> {
        self.out.flush()?;
        match &mut self.commits {
            Some(commits) => Ok(commits.commit(self.command.follow)?),
            None => Ok(()),
        }
    }

    fn print(&mut self, record: &Record) -> Result<(), Box<dyn Error>> {
        if self.command.format == Format::Json {
            return Ok(json_line(&mut self.out, record)?);
        }
        if self.several {
            write!(self.out, "{}:", record.partition)?;
        }
        write!(self.out, "{}\t", record.offset)?;
        if let Some(separator) = &self.command.key_separator {
            self.print_bytes(record, "key", "key_base64")?;
            self.out.write_all(separator.as_bytes())?;
        }
        self.print_bytes(record, "payload", "payload_base64")?;
        Ok(writeln!(self.out)?)
    }

    fn print_bytes(&mut self, record: &Record, name: &str, name_base64: &str) -> Result<(), Box<dyn Error>> {
        let text = |name| record.rest.get(name).and_then(serde_json::Value::as_str);
        if let Some(text) = text(name) {
            self.out.write_all(text.as_bytes())?;
        } else if let Some(base64) = text(name_base64) {
            self.out.write_all(&STANDARD.decode(base64)?)?;
        }
        Ok(())
    }
}
