//! `logscope topics`: list, create, describe, alter, delete.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{ArgGroup, Subcommand};
use logscope::topic::TopicName;
use serde_json::{Value, json};

use super::client::Asked;
use super::output::{Format, Table, count, json_line};
use super::{Outcome, print_as_is};

/// See, create, alter and delete topics
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  logscope topics list
  logscope topics create page-views --partitions 3 --config retention.ms=3600000
  logscope topics describe page-views --format json | jq .effective_configs
  logscope topics alter page-views --config retention.ms=86400000
  logscope topics delete page-views")]
pub(super) struct Topics {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    List(List),
    Create(Create),
    Describe(Describe),
    Alter(Alter),
    Delete(Delete),
}

/// Print all topics
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  logscope topics list
  logscope topics list --format json | jq -r .topics[].name")]
struct List {
    #[command(flatten)]
    asked: Asked,
}

/// Create a topic
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  logscope topics create page-views --partitions 3
  logscope topics create profiles --config cleanup.policy=compact --config segment.bytes=1048576")]
struct Create {
    /// Its name
    #[arg(value_name = "TOPIC")]
    topic: TopicName,
    /// How many partitions; otherwise as many as the broker gives to a new topic
    #[arg(long, value_name = "N")]
    partitions: Option<u32>,
    /// One of Kafka's topic configs; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    config: Vec<(String, String)>,
    #[command(flatten)]
    asked: Asked,
}

/// Print a topic's configs and partitions
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  logscope topics describe page-views
  logscope topics describe page-views --format json | jq .partitions[].high_watermark")]
struct Describe {
    /// Its name
    #[arg(value_name = "TOPIC")]
    topic: TopicName,
    #[command(flatten)]
    asked: Asked,
}

/// Change a topic's configs, or give it more partitions
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("change").required(true).multiple(true).args(["partitions", "config", "delete_config"]))]
#[command(after_help = "\
Examples:
  logscope topics alter page-views --config retention.ms=86400000
  logscope topics alter page-views --delete-config retention.ms --partitions 6")]
struct Alter {
    /// Its name
    #[arg(value_name = "TOPIC")]
    topic: TopicName,
    /// How many partitions it is to have, if more; keys may belong to other ones from then on
    #[arg(long, value_name = "N")]
    partitions: Option<u32>,
    /// One of Kafka's topic configs; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    config: Vec<(String, String)>,
    /// A config that is to be the broker's again; may be given several times
    #[arg(long, value_name = "KEY")]
    delete_config: Vec<String>,
    #[command(flatten)]
    asked: Asked,
}

/// Delete topics, and all that is in them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  logscope topics delete page-views
  logscope topics delete test-1 test-2")]
struct Delete {
    /// Their names
    #[arg(value_name = "TOPIC", required = true)]
    topics: Vec<TopicName>,
    #[command(flatten)]
    asked: Asked,
}

impl Topics {
    pub(super) fn run(&self) -> Outcome {
        match &self.what {
            What::List(list) => list.run(),
            What::Create(create) => create.run(),
            What::Describe(describe) => describe.run(),
            What::Alter(alter) => alter.run(),
            What::Delete(delete) => delete.run(),
        }
    }
}

impl List {
    fn run(&self) -> Outcome {
        let (text, list) = self.asked.server.client()?.topics()?;
        let mut out = io::stdout().lock();
        if self.asked.format == Format::Json {
            return print_as_is(&mut out, &text);
        }
        let mut table = Table::new(["TOPIC", "PARTITIONS", "CONFIGS"]);
        for topic in list.topics {
            let note = if topic.internal { "(internal) " } else { "" };
            let configs = format!("{note}{}", pairs(&topic.configs));
            table.row([topic.name, topic.partitions.to_string(), configs]);
        }
        table.print(&mut out)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Create {
    fn run(&self) -> Outcome {
        let configs = configs(&self.config)?;
        let (text, topic) =
            self.asked.server.client()?.create_topic(&self.topic, self.partitions, &configs)?;
        let mut out = io::stdout().lock();
        if self.asked.format == Format::Json {
            return print_as_is(&mut out, &text);
        }
        writeln!(out, "created {} with {}", topic.name, count(topic.partitions.len(), "partition"))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Describe {
    fn run(&self) -> Outcome {
        let (text, topic) = self.asked.server.client()?.topic_text(&self.topic)?;
        let mut out = io::stdout().lock();
        if self.asked.format == Format::Json {
            return print_as_is(&mut out, &text);
        }
        writeln!(out, "topic {}\nconfigs {}\n", topic.name, own(&topic.configs))?;
        let mut table =
            Table::new(["PARTITION", "LOG START", "HIGH WATERMARK", "BYTES", "SEGMENTS", "STATE"]);
        for partition in topic.partitions {
            let number = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), |it| it.to_string());
            table.row([
                partition.partition.to_string(),
                number(partition.log_start_offset),
                number(partition.high_watermark),
                number(partition.size),
                number(partition.segments),
                match partition.reason {
                    Some(reason) => format!("{}: {reason}", partition.state),
                    None => partition.state,
                },
            ]);
        }
        table.print(&mut out)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Alter {
    fn run(&self) -> Outcome {
        let set = self.config.iter().map(|(key, value)| (key.clone(), Some(value.clone())));
        let deleted = self.delete_config.iter().map(|key| (key.clone(), None));
        let configs = by_key(set.chain(deleted))?;
        let (text, topic) =
            self.asked.server.client()?.alter_topic(&self.topic, self.partitions, &configs)?;
        let mut out = io::stdout().lock();
        if self.asked.format == Format::Json {
            return print_as_is(&mut out, &text);
        }
        let (name, count) = (topic.name, count(topic.partitions.len(), "partition"));
        writeln!(out, "altered {name}: {count}, configs {}", own(&topic.configs))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Delete {
    fn run(&self) -> Outcome {
        let client = self.asked.server.client()?;
        let mut out = io::stdout().lock();
        for topic in &self.topics {
            client.delete_topic(topic)?;
            match self.asked.format {
                Format::Text => writeln!(out, "deleted {topic}")?,
                Format::Json => json_line(&mut out, &json!({"deleted": topic.as_str()}))?,
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Configs by their keys.
pub(super) fn configs(pairs: &[(String, String)]) -> Result<BTreeMap<String, String>, String> {
    by_key(pairs.iter().cloned())
}

/// What is said of each config, which is not to be said twice.
fn by_key<T>(pairs: impl Iterator<Item = (String, T)>) -> Result<BTreeMap<String, T>, String> {
    let mut configs = BTreeMap::new();
    for (key, value) in pairs {
        match configs.entry(key) {
            Entry::Vacant(place) => drop(place.insert(value)),
            Entry::Occupied(taken) => return Err(format!("the config {:?} is given twice", taken.key())),
        }
    }
    Ok(configs)
}

pub(super) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

fn own(configs: &BTreeMap<String, Value>) -> String {
    if configs.is_empty() { "none of its own".to_owned() } else { pairs(configs) }
}

fn pairs(configs: &BTreeMap<String, Value>) -> String {
    let pair = |(key, value): (&String, &Value)| match value {
        Value::String(text) => format!("{key}={text}"),
        other => format!("{key}={other}"),
    };
    configs.iter().map(pair).collect::<Vec<_>>().join(" ")
}
