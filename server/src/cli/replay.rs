//! `logscope replay`: runs a scenario in the laboratory, natively, and tells what happened.
//!
//! It is what the playground does, without the picture: the same lines give the same events and the same bytes.

use std::fs;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use logscope::lab::{
    Event, FetchedRecord, TopicAction, TopicEvent, TopicLab, TopicOutcome, parse_topic_scenario,
    topic_sentence,
};
use logscope::storage::{File, FsStorage, MemoryStorage, Storage};
use serde_json::{Map, Value, json};

use super::Outcome;
use super::output::{Format, json_line};

/// What the directories of its partitions are named for.
const TOPIC: &str = "lab";

/// Run a scenario, and tell each step
///
/// A scenario is a list of actions, one a line, in the playground's language. The log lives in memory, on a clock of
/// its own, where a crash can take what was not synced. What the log refuses is a step like any other; a line that is
/// no action ends with exit code 1 and its number, before anything has run.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  logscope replay lesson.txt
  printf 'append hello key=user-1\\nflush\\nfetch 0\\n' | logscope replay -
  logscope replay crash.txt --dir /tmp/crash && logscope dump --records /tmp/crash/lab-0/*.log
  logscope replay lesson.txt --format json | jq -r .events[].sentence
  logscope replay lesson.txt --format json | jq -c '.events[].event // empty'")]
pub(super) struct Replay {
    /// The scenario; - reads it from stdin
    #[arg(value_name = "FILE|-")]
    scenario: PathBuf,
    /// Leave the files in this directory, which is empty or does not exist yet, as a broker's topic named lab
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Replay {
    pub(super) fn run(&self) -> Outcome {
        let (name, text) = self.read()?;
        let actions = parse_topic_scenario(&text).map_err(|error| format!("{name}: {error}"))?;
        if let Some(dir) = &self.dir {
            check_empty(dir)?;
        }
        let mut lab = TopicLab::new(1, |_| MemoryStorage::new());
        let mut out = BufWriter::new(io::stdout().lock());
        for (line, action) in &actions {
            let outcome = lab.run(action);
            match self.format {
                Format::Text => print_text(&mut out, action, &outcome, lab.labs().len() > 1)?,
                Format::Json => json_line(&mut out, &as_json(*line, action, &outcome))?,
            }
        }
        out.flush()?;
        if let Some(dir) = &self.dir {
            for (number, lab) in lab.labs().iter().enumerate() {
                leave_files(lab.storage(), &dir.join(format!("{TOPIC}-{number}")))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The scenario, and what to call it.
    fn read(&self) -> Result<(String, String), String> {
        if self.scenario.as_os_str() == "-" {
            let mut text = String::new();
            let read = io::stdin().lock().read_to_string(&mut text);
            return match read {
                Ok(_) => Ok(("stdin".to_owned(), text)),
                Err(error) => Err(format!("cannot read stdin: {error}")),
            };
        }
        let name = self.scenario.display().to_string();
        match fs::read_to_string(&self.scenario) {
            Ok(text) => Ok((name, text)),
            Err(error) => Err(format!("cannot read {name}: {error}")),
        }
    }
}

/// So that nothing of anybody's is written over.
fn check_empty(dir: &Path) -> Result<(), String> {
    match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("cannot read {}: {error}", dir.display())),
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(format!("--dir {}: it is not empty", dir.display())),
        },
    }
}

fn leave_files(memory: &MemoryStorage, dir: &Path) -> io::Result<()> {
    let dir = FsStorage::open(dir)?;
    for name in memory.list()? {
        let file = dir.open(&name)?;
        file.write_at(0, &memory.contents(&name).unwrap_or_default())?;
        file.sync()?;
    }
    dir.sync_dir()
}

fn print_text(
    out: &mut impl Write,
    action: &TopicAction,
    outcome: &TopicOutcome,
    several: bool,
) -> io::Result<()> {
    writeln!(out, "> {action}")?;
    let place = |partition: &u32| if several { format!("[{partition}] ") } else { String::new() };
    for event in &outcome.events {
        let place =
            if let TopicEvent::Log { partition, .. } = event { place(partition) } else { String::new() };
        writeln!(out, "  {place}{}", topic_sentence(event))?;
    }
    for (partition, FetchedRecord { offset, timestamp, key, value }) in &outcome.records {
        let quoted = |bytes: &Option<Vec<u8>>| match bytes {
            Some(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
            None => "null".to_owned(),
        };
        let (place, key, value) = (place(partition), quoted(key), quoted(value));
        writeln!(out, "  {place}= {offset} at {timestamp}: {key} {value}")?;
    }
    Ok(())
}

fn as_json(line: usize, action: &TopicAction, outcome: &TopicOutcome) -> Value {
    let event = |event: &TopicEvent| match event {
        TopicEvent::Log { partition, event: Event::Log(of_log) } => {
            json!({"partition": partition, "sentence": topic_sentence(event), "event": of_log})
        }
        TopicEvent::Log { partition, .. } => {
            json!({"partition": partition, "sentence": topic_sentence(event)})
        }
        _ => json!({ "sentence": topic_sentence(event) }),
    };
    let events: Vec<_> = outcome.events.iter().map(event).collect();
    let record = |(partition, record): &(u32, FetchedRecord)| {
        let mut fields = Map::new();
        fields.insert("partition".to_owned(), (*partition).into());
        fields.insert("offset".to_owned(), record.offset.into());
        fields.insert("timestamp".to_owned(), record.timestamp.into());
        for (name, bytes) in [("key", &record.key), ("payload", &record.value)] {
            match bytes.as_deref().map(std::str::from_utf8) {
                None => fields.insert(name.to_owned(), Value::Null),
                Some(Ok(text)) => fields.insert(name.to_owned(), text.into()),
                Some(Err(_)) => {
                    let encoded = STANDARD.encode(bytes.as_deref().unwrap_or_default());
                    fields.insert(format!("{name}_base64"), encoded.into())
                }
            };
        }
        Value::Object(fields)
    };
    let records: Vec<_> = outcome.records.iter().map(record).collect();
    json!({"line": line, "action": action.to_string(), "events": events, "records": records})
}
