//! `logscope groups`: what groups of consumers have committed, and how far behind they are.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Subcommand;
use logscope::topic::TopicName;
use serde_json::json;

use super::client::{Asked, Client, Place, Position};
use super::output::{Format, Table, json_line};
use super::{Outcome, print_as_is};

/// See and change what groups of consumers have committed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  logscope groups list
  logscope groups describe billing
  logscope groups reset billing --topic orders --to earliest
  logscope groups delete billing")]
pub(super) struct Groups {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    List(List),
    Describe(Describe),
    Reset(Reset),
    Delete(Delete),
}

/// Print all groups that have committed offsets
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  logscope groups list
  logscope groups list --format json | jq -r .groups[]")]
struct List {
    #[command(flatten)]
    asked: Asked,
}

/// Print a group's committed offsets, and its lag: how many records it has still to read
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  logscope groups describe billing
  logscope groups describe billing --format json | jq '[.offsets[].lag] | add'")]
struct Describe {
    /// The group
    group: String,
    #[command(flatten)]
    asked: Asked,
}

/// Commit offsets for a group, so that it goes on from another place
///
/// Consumers of the group that run now do not notice, and commit over it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  logscope groups reset billing --topic orders --to earliest
  logscope groups reset billing --topic orders --partition 2 --to 2026-01-31T12:00:00Z")]
struct Reset {
    /// The group; it need not exist yet
    group: String,
    /// The topic
    #[arg(long)]
    topic: TopicName,
    /// One of its partitions, instead of all
    #[arg(long, value_name = "N")]
    partition: Option<u32>,
    /// The place to go on from
    #[arg(long, value_name = Position::NAME)]
    to: Position,
    #[command(flatten)]
    asked: Asked,
}

/// Forget all that a group has committed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  logscope groups delete billing")]
struct Delete {
    /// The group
    group: String,
    #[command(flatten)]
    asked: Asked,
}

impl Groups {
    pub(super) fn run(&self) -> Outcome {
        match &self.what {
            What::List(list) => list.run(),
            What::Describe(describe) => {
                print(&describe.asked.server.client()?, &describe.group, describe.asked.format)
            }
            What::Reset(reset) => reset.run(),
            What::Delete(delete) => delete.run(),
        }
    }
}

impl List {
    fn run(&self) -> Outcome {
        let (text, list) = self.asked.server.client()?.groups()?;
        let mut out = io::stdout().lock();
        if self.asked.format == Format::Json {
            return print_as_is(&mut out, &text);
        }
        list.groups.iter().try_for_each(|group| writeln!(out, "{group}"))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Reset {
    fn run(&self) -> Outcome {
        let client = self.asked.server.client()?;
        let described = client.topic(&self.topic)?;
        let wanted = |number| self.partition.is_none_or(|wanted| wanted == number);
        let mut places = Vec::new();
        for partition in described.partitions.iter().filter(|it| wanted(it.partition)) {
            let offset = client.resolve(&self.topic, partition, self.to)?;
            places.push(Place { topic: self.topic.as_str(), partition: partition.partition, offset });
        }
        if let (true, Some(partition)) = (places.is_empty(), self.partition) {
            let count = described.partitions.len();
            return Err(format!("{} has no partition {partition}: it has {count}", self.topic).into());
        }
        client.commit(&self.group, &places)?;
        print(&client, &self.group, self.asked.format)
    }
}

impl Delete {
    fn run(&self) -> Outcome {
        self.asked.server.client()?.delete_group(&self.group)?;
        let mut out = io::stdout().lock();
        match self.asked.format {
            Format::Text => writeln!(out, "deleted {}", self.group)?,
            Format::Json => json_line(&mut out, &json!({"deleted": self.group}))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What a group has committed.
fn print(client: &Client, group: &str, format: Format) -> Outcome {
    let (text, committed) = client.committed(group)?;
    let mut out = io::stdout().lock();
    if format == Format::Json {
        return print_as_is(&mut out, &text);
    }
    let nothing = committed.offsets.is_empty();
    let mut table = Table::new(["TOPIC", "PARTITION", "OFFSET", "LAG", "METADATA"]);
    for it in committed.offsets {
        let lag = it.lag.map_or_else(|| "?".to_owned(), |lag| lag.to_string());
        table.row([it.topic, it.partition.to_string(), it.offset.to_string(), lag, it.metadata]);
    }
    table.print(&mut out)?;
    if nothing {
        eprintln!("logscope: the group {group:?} has committed nothing");
    }
    Ok(ExitCode::SUCCESS)
}
