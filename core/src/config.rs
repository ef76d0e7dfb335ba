//! A log's configuration, by Kafka's keys.

use std::fmt;
use std::str::FromStr;

use crate::record::{Compression, TimestampType};

/// What a [`PartitionLog`](crate::PartitionLog) goes by. Field names mirror Kafka's topic configs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// `segment.bytes`: the log rolls before a segment would grow beyond this.
    pub segment_bytes: u32,
    /// `segment.ms`: the log rolls before a batch whose timestamp is this much later than the segment's first.
    pub segment_ms: u64,
    /// `index.interval.bytes`: an index entry is added after more than this many bytes of batches.
    pub index_interval_bytes: u32,
    /// `segment.index.bytes`: the log rolls when an index has reached this size.
    pub segment_index_bytes: u32,
    /// `max.message.bytes`: the largest record batch that is accepted.
    pub max_message_bytes: u32,
    /// `message.timestamp.type`: whose time a record carries, its producer's or the log's.
    pub message_timestamp_type: TimestampType,
    /// `compression.type`: how batches are compressed that [`append`](crate::PartitionLog::append) makes; `None`
    /// (`producer`) is not at all. Batches that come encoded stay as they are.
    pub compression_type: Option<Compression>,
    /// `cleanup.policy`: what becomes of old segments.
    pub cleanup_policy: CleanupPolicy,
    /// `retention.ms`: a segment goes when its largest timestamp is older than this; `None` is for ever (−1).
    pub retention_ms: Option<u64>,
    /// `retention.bytes`: the oldest segments go while the log is larger than this; `None` is no limit (−1).
    pub retention_bytes: Option<u64>,
    /// `delete.retention.ms`: how long compaction keeps a tombstone, counted from the first pass that met it.
    pub delete_retention_ms: u64,
    /// `min.cleanable.dirty.ratio`: compaction is due when this much of what it would read is new since the last pass.
    /// Who runs the compaction asks [`Compaction::is_due`](crate::log::Compaction::is_due).
    pub min_cleanable_dirty_ratio: Ratio,
    /// `producer.id.expiration.ms`: an idempotent producer that has been silent for longer is forgotten.
    pub producer_id_expiration_ms: u64,
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

impl Default for LogConfig {
    /// Kafka's defaults.
    fn default() -> Self {
        Self {
            segment_bytes: 1 << 30,
            segment_ms: 7 * DAY_MS,
            index_interval_bytes: 4096,
            segment_index_bytes: 10 << 20,
            max_message_bytes: 1_048_588,
            message_timestamp_type: TimestampType::CreateTime,
            compression_type: None,
            cleanup_policy: CleanupPolicy::Delete,
            retention_ms: Some(7 * DAY_MS),
            retention_bytes: None,
            delete_retention_ms: DAY_MS,
            min_cleanable_dirty_ratio: Ratio::HALF,
            producer_id_expiration_ms: DAY_MS,
        }
    }
}

/// `cleanup.policy`: what becomes of old segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum CleanupPolicy {
    /// Retention deletes them.
    Delete,
    /// Compaction keeps the newest record of each key. Records need a key.
    Compact,
    /// Both.
    #[cfg_attr(feature = "serde", serde(rename = "compact,delete"))]
    CompactDelete,
}

impl CleanupPolicy {
    const ALL: [Self; 3] = [Self::Delete, Self::Compact, Self::CompactDelete];

    /// Whether retention by time and size deletes segments.
    pub fn deletes(self) -> bool {
        self != Self::Compact
    }

    /// Whether compaction rewrites segments.
    pub fn compacts(self) -> bool {
        self != Self::Delete
    }
}

impl fmt::Display for CleanupPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Delete => "delete",
            Self::Compact => "compact",
            Self::CompactDelete => "compact,delete",
        })
    }
}

/// A part of a whole, from 0 to 1, in millionths: configs are compared, and written as they were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ratio(u32);

/// How many decimals a [`Ratio`] has, and its whole.
const DECIMALS: usize = 6;
const WHOLE: u32 = 1_000_000;

impl Ratio {
    /// 0.5.
    pub const HALF: Self = Self(WHOLE / 2);

    /// The nearest number.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / f64::from(WHOLE)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, decimals) = (self.0 / WHOLE, format!("{:0DECIMALS$}", self.0 % WHOLE));
        match decimals.trim_end_matches('0') {
            "" => write!(f, "{whole}"),
            decimals => write!(f, "{whole}.{decimals}"),
        }
    }
}

impl FromStr for Ratio {
    type Err = ();

    /// Reads `0.5`, `.5`, `1` and `1.0`.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (whole, decimals) = match text.split_once('.') {
            Some(("", decimals)) => ("0", decimals),
            Some(both) => both,
            None => (text, "0"),
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(decimals) || decimals.len() > DECIMALS || !matches!(whole, "0" | "1") {
            return Err(());
        }
        let millionths: u32 = format!("{decimals:0<DECIMALS$}").parse().map_err(drop)?;
        let ratio = if whole == "1" { WHOLE + millionths } else { millionths };
        if ratio > WHOLE { Err(()) } else { Ok(Self(ratio)) }
    }
}

/// A configuration that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// There is no such key.
    #[error("there is no config {key:?}; there are {}", LogConfig::KEYS.map(|k| k.name).join(", "))]
    UnknownKey {
        /// The key that was given.
        key: String,
    },
    /// The value is not among those that the key takes.
    #[error("{key} takes {takes}, not {value:?}")]
    BadValue {
        /// The key.
        key: &'static str,
        /// The value that was given.
        value: String,
        /// What would be taken.
        takes: Takes,
    },
}

/// The values that a config key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Whole numbers in a range, both ends included.
    Number {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
    /// Whole numbers from 0 on, or −1 for no limit.
    Limit,
    /// A [`Ratio`].
    Ratio,
    /// One of these words. A codec is taken if this build has it.
    Word(&'static [&'static str]),
}

impl fmt::Display for Takes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number { min, max } => write!(f, "a whole number from {min} to {max}"),
            Self::Limit => write!(f, "a whole number from 0 to {MAX_MS}, or -1 for no limit"),
            Self::Ratio => write!(f, "a number from 0 to 1, with at most {DECIMALS} decimals"),
            Self::Word(words) => write!(f, "one of {}", words.join(" | ")),
        }
    }
}

/// A config key and what it takes.
#[derive(Debug, Clone, Copy)]
pub struct ConfigKey {
    /// Kafka's name for it.
    pub name: &'static str,
    /// The values that it takes.
    pub takes: Takes,
    field: Field,
}

/// Where a key's value lives.
#[derive(Debug, Clone, Copy)]
enum Field {
    Bytes(fn(&mut LogConfig) -> &mut u32),
    Millis(fn(&mut LogConfig) -> &mut u64),
    Limit(fn(&mut LogConfig) -> &mut Option<u64>),
    Ratio(fn(&mut LogConfig) -> &mut Ratio),
    Policy(fn(&mut LogConfig) -> &mut CleanupPolicy),
    Timestamps(fn(&mut LogConfig) -> &mut TimestampType),
    Codec(fn(&mut LogConfig) -> &mut Option<Compression>),
}

/// Positions in the index are 32-bit, and Kafka's are signed.
const MAX: u64 = i32::MAX as u64;
/// Kafka's longs are signed.
const MAX_MS: u64 = i64::MAX as u64;

const fn bytes(name: &'static str, min: u64, field: fn(&mut LogConfig) -> &mut u32) -> ConfigKey {
    ConfigKey { name, takes: Takes::Number { min, max: MAX }, field: Field::Bytes(field) }
}

const fn millis(name: &'static str, min: u64, field: fn(&mut LogConfig) -> &mut u64) -> ConfigKey {
    ConfigKey { name, takes: Takes::Number { min, max: MAX_MS }, field: Field::Millis(field) }
}

const fn limit(name: &'static str, field: fn(&mut LogConfig) -> &mut Option<u64>) -> ConfigKey {
    ConfigKey { name, takes: Takes::Limit, field: Field::Limit(field) }
}

impl LogConfig {
    /// All keys. The smallest segment that makes sense holds one batch header.
    pub const KEYS: [ConfigKey; 13] = [
        bytes("segment.bytes", 61, |c| &mut c.segment_bytes),
        millis("segment.ms", 1, |c| &mut c.segment_ms),
        bytes("index.interval.bytes", 0, |c| &mut c.index_interval_bytes),
        bytes("segment.index.bytes", 8, |c| &mut c.segment_index_bytes),
        bytes("max.message.bytes", 61, |c| &mut c.max_message_bytes),
        ConfigKey {
            name: "message.timestamp.type",
            takes: Takes::Word(&["CreateTime", "LogAppendTime"]),
            field: Field::Timestamps(|c| &mut c.message_timestamp_type),
        },
        ConfigKey {
            name: "compression.type",
            takes: Takes::Word(&["producer", "none", "gzip", "snappy", "lz4", "zstd"]),
            field: Field::Codec(|c| &mut c.compression_type),
        },
        ConfigKey {
            name: "cleanup.policy",
            takes: Takes::Word(&["delete", "compact", "compact,delete"]),
            field: Field::Policy(|c| &mut c.cleanup_policy),
        },
        limit("retention.ms", |c| &mut c.retention_ms),
        limit("retention.bytes", |c| &mut c.retention_bytes),
        millis("delete.retention.ms", 0, |c| &mut c.delete_retention_ms),
        ConfigKey {
            name: "min.cleanable.dirty.ratio",
            takes: Takes::Ratio,
            field: Field::Ratio(|c| &mut c.min_cleanable_dirty_ratio),
        },
        millis("producer.id.expiration.ms", 1, |c| &mut c.producer_id_expiration_ms),
    ];

    /// Sets a value by Kafka's key, and returns the old and the new one. An error changes nothing.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(String, String), ConfigError> {
        let Some(known) = Self::KEYS.iter().find(|known| known.name == key) else {
            return Err(ConfigError::UnknownKey { key: key.to_owned() });
        };
        let was = known.get(self);
        if known.set(self, value).is_none() {
            let (key, value) = (known.name, value.to_owned());
            return Err(ConfigError::BadValue { key, value, takes: known.takes });
        }
        Ok((was, known.get(self)))
    }

    /// Checks every value against its key's range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut checked = self.clone();
        self.entries().try_for_each(|(key, value)| checked.set(key, &value).map(drop))
    }

    /// All keys with their values.
    pub fn entries(&self) -> impl Iterator<Item = (&'static str, String)> {
        let config = self.clone();
        Self::KEYS.into_iter().map(move |key| (key.name, key.get(&config)))
    }
}

impl ConfigKey {
    /// The key's value, as [`LogConfig::set`] takes it.
    pub fn get(&self, config: &LogConfig) -> String {
        let mut config = config.clone();
        match self.field {
            Field::Bytes(field) => field(&mut config).to_string(),
            Field::Millis(field) => field(&mut config).to_string(),
            Field::Limit(field) => field(&mut config).map_or("-1".to_owned(), |limit| limit.to_string()),
            Field::Ratio(field) => field(&mut config).to_string(),
            Field::Policy(field) => field(&mut config).to_string(),
            Field::Timestamps(field) => field(&mut config).to_string(),
            Field::Codec(field) => field(&mut config).map_or("producer", Compression::name).to_owned(),
        }
    }

    /// `None` if the key does not take the value.
    fn set(&self, config: &mut LogConfig, value: &str) -> Option<()> {
        match self.field {
            Field::Bytes(field) => *field(config) = self.number(value)?,
            Field::Millis(field) => *field(config) = self.number(value)?,
            Field::Limit(field) => {
                *field(config) = match value {
                    "-1" => None,
                    value => Some(value.parse().ok().filter(|limit| *limit <= MAX_MS)?),
                }
            }
            Field::Ratio(field) => *field(config) = value.parse().ok()?,
            Field::Policy(field) => {
                let named = |policy: &CleanupPolicy| policy.to_string() == value;
                *field(config) = CleanupPolicy::ALL.into_iter().find(named)?;
            }
            Field::Timestamps(field) => *field(config) = value.parse().ok()?,
            Field::Codec(field) => {
                *field(config) = match value {
                    "producer" => None,
                    // Kafka's topics call it so, and its producers `none`.
                    "uncompressed" => Some(Compression::None),
                    name => Some(name.parse().ok().filter(|codec: &Compression| codec.is_available())?),
                }
            }
        }
        Some(())
    }

    fn number<N: FromStr + Copy + Into<u64>>(&self, value: &str) -> Option<N> {
        let Takes::Number { min, max } = self.takes else { return None };
        value.parse().ok().filter(|number: &N| (min..=max).contains(&(*number).into()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[test]
    fn kafkas_two_words_for_no_compression_are_taken() {
        for word in ["none", "uncompressed"] {
            let mut config = LogConfig::default();
            config.set("compression.type", word).unwrap();
            assert_eq!(config.compression_type, Some(Compression::None), "{word}");
        }
    }

    #[test]
    fn a_ratio_is_written_as_short_as_it_can_be() {
        for (given, written) in [
            ("0", "0"),
            ("0.5", "0.5"),
            (".25", "0.25"),
            ("0.000001", "0.000001"),
            ("1.0", "1"),
            ("0.10", "0.1"),
        ] {
            let ratio: Ratio = given.parse().unwrap();
            assert_eq!(ratio.to_string(), written, "{given}");
            assert_eq!(ratio.to_string().parse(), Ok(ratio));
            assert_eq!(ratio.as_f64(), written.parse::<f64>().unwrap());
        }
        for refused in
            ["", ".", "1.000001", "2", "-0.5", "+1", "0.", "0.0000001", "1e-3", "NaN", "0,5", "00.5"]
        {
            assert_eq!(refused.parse::<Ratio>(), Err(()), "{refused}");
        }
    }
}
