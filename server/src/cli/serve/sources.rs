//! Where the settings of `serve` come from: a file, the environment and flags; of two that say something, the later
//! counts.
//!
//! The options are declared once, as flags. A file's key is a flag's name without the hyphens in front, and a variable
//! is `LOGSCOPE_` with the name in capitals. What the file says becomes the flag's default, so that it is read by the
//! same rules. Topic defaults are different: they add up key by key.

use std::path::{Path, PathBuf};

use clap::builder::OsStr;
use clap::{Arg, ArgAction, Command};
use logscope::{ConfigError, LogConfig};
use toml::{Table, Value};

/// The option that holds topic configs by their keys.
const TOPIC_DEFAULT: &str = "topic-default";
/// The options that are topic configs themselves.
const SHORTHANDS: [&str; 4] =
    ["segment-bytes", "index-interval-bytes", "segment-index-bytes", "max-message-bytes"];
/// Options that mean nothing in a file.
const FLAGS_ONLY: [&str; 2] = ["config", "help"];

/// A topic config's value, and who says so if it is no flag.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    source: Option<String>,
    key: String,
    value: String,
}

impl Setting {
    pub(super) fn new(source: Option<&str>, key: &str, value: &str) -> Self {
        Self { source: source.map(str::to_owned), key: key.to_owned(), value: value.to_owned() }
    }

    /// `KEY=VALUE` of a flag, which must be right by itself.
    pub(super) fn flag(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or("it is no KEY=VALUE")?;
        LogConfig::default().set(key, value).map_err(|error| error.to_string())?;
        Ok(Self::new(None, key, value))
    }

    pub(super) fn apply(&self, config: &mut LogConfig) -> Result<(), String> {
        let said = |error: ConfigError| match &self.source {
            Some(source) => format!("{source}: {error}"),
            None => error.to_string(),
        };
        config.set(&self.key, &self.value).map(drop).map_err(said)
    }
}

/// The variable of an option.
fn variable(option: &str) -> String {
    format!("LOGSCOPE_{}", option.replace('-', "_").to_ascii_uppercase())
}

fn is_topic_default(option: &str) -> bool {
    option == TOPIC_DEFAULT || SHORTHANDS.contains(&option)
}

/// Lets the environment speak for every option.
pub(in super::super) fn with_environment(serve: Command) -> Command {
    serve.mut_args(|arg| match arg.get_long() {
        Some("help") | None => arg,
        Some(option) if is_topic_default(option) => arg,
        Some(option) => {
            let variable = OsStr::from(variable(option));
            arg.env(variable)
        }
    })
}

/// The topic defaults of the environment.
pub(super) fn environment() -> Result<Vec<Setting>, String> {
    let mut settings = Vec::new();
    for option in SHORTHANDS.into_iter().chain([TOPIC_DEFAULT]) {
        let source = variable(option);
        let Some(text) = std::env::var_os(&source) else { continue };
        let text = text.into_string().map_err(|_| format!("{source} is not UTF-8"))?;
        if option != TOPIC_DEFAULT {
            settings.push(Setting::new(Some(&source), &option.replace('-', "."), &text));
            continue;
        }
        for pair in text.split_whitespace() {
            let (key, value) = pair.split_once('=').ok_or(format!("{source}: {pair:?} is no KEY=VALUE"))?;
            settings.push(Setting::new(Some(&source), key, value));
        }
    }
    Ok(settings)
}

/// What a file says.
#[derive(Debug)]
pub(in super::super) struct FileSettings {
    path: PathBuf,
    options: Vec<(String, Vec<String>)>,
    pub(super) topic_defaults: Vec<Setting>,
}

impl FileSettings {
    /// Reads a file. Every key must be one of `serve`'s.
    pub(in super::super) fn read(path: &Path, serve: &Command) -> Result<Self, String> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line =
                error.span().map_or(0, |span| text[..span.start.min(text.len())].lines().count().max(1));
            format!("{name}: line {line}: {}", error.message())
        })?;
        let mut file = Self { path: path.to_owned(), options: Vec::new(), topic_defaults: Vec::new() };
        for (key, value) in table {
            let option = serve.get_arguments().find(|arg| arg.get_long() == Some(key.as_str()));
            let option = option.filter(|_| !FLAGS_ONLY.contains(&key.as_str()));
            let option = option.ok_or_else(|| {
                format!("{name}: there is no setting {key:?}; logscope serve --help lists them")
            })?;
            file.take(&name, option, &key, value).map_err(|fault| format!("{name}: {fault}"))?;
        }
        Ok(file)
    }

    fn take(&mut self, name: &str, option: &Arg, key: &str, value: Value) -> Result<(), String> {
        if key == TOPIC_DEFAULT {
            let Value::Table(table) = value else {
                return Err(format!("{key} takes a table, such as {key}.retention.ms = 3600000"));
            };
            return self.take_topic_defaults(name, "", table);
        }
        if SHORTHANDS.contains(&key) {
            let value = scalar(key, value)?;
            self.topic_defaults.push(Setting::new(Some(name), &key.replace('-', "."), &value));
            return Ok(());
        }
        let values = match value {
            Value::Array(values) if matches!(option.get_action(), ArgAction::Append) => {
                values.into_iter().map(|value| scalar(key, value)).collect::<Result<_, _>>()?
            }
            value => vec![scalar(key, value)?],
        };
        self.options.push((option.get_id().to_string(), values));
        Ok(())
    }

    /// A dotted key that is not quoted is a table in a table.
    fn take_topic_defaults(&mut self, name: &str, prefix: &str, table: Table) -> Result<(), String> {
        for (key, value) in table {
            let key = format!("{prefix}{key}");
            match value {
                Value::Table(table) => self.take_topic_defaults(name, &format!("{key}."), table)?,
                value => {
                    let value = scalar(&key, value)?;
                    self.topic_defaults.push(Setting::new(Some(name), &key, &value));
                }
            }
        }
        Ok(())
    }

    /// Puts what the file says in the place of the options' defaults.
    pub(in super::super) fn give_defaults(&self, mut serve: Command) -> Command {
        for (id, values) in &self.options {
            let values: Vec<OsStr> = values.iter().map(OsStr::from).collect();
            serve = serve.mut_arg(id, |arg| arg.default_values(values));
        }
        serve
    }

    /// What the rules of the command line say against the file, in one line.
    pub(in super::super) fn fault(&self, error: &clap::Error) -> String {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        format!("{}: {}", self.path.display(), line.strip_prefix("error: ").unwrap_or(line))
    }
}

fn scalar(key: &str, value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Boolean(value) => Ok(value.to_string()),
        Value::Float(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => {
            Err(format!("{key} takes no {}", value.type_str()))
        }
    }
}
