//! A log's configuration, by Kafka's keys.

/// What a [`PartitionLog`](crate::PartitionLog) goes by. Field names mirror Kafka's topic configs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// `segment.bytes`: the log rolls before a segment would grow beyond this.
    pub segment_bytes: u32,
    /// `index.interval.bytes`: an index entry is added after more than this many bytes of batches.
    pub index_interval_bytes: u32,
    /// `segment.index.bytes`: the log rolls when the offset index has reached this size.
    pub segment_index_bytes: u32,
    /// `max.message.bytes`: the largest record batch that is accepted.
    pub max_message_bytes: u32,
}

impl Default for LogConfig {
    /// Kafka's defaults.
    fn default() -> Self {
        Self {
            segment_bytes: 1 << 30,
            index_interval_bytes: 4096,
            segment_index_bytes: 10 << 20,
            max_message_bytes: 1_048_588,
        }
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
    /// The value is not a number in the key's range.
    #[error("{key} takes a whole number from {min} to {max}, not {value:?}")]
    BadValue {
        /// The key.
        key: &'static str,
        /// The value that was given.
        value: String,
        /// The smallest value allowed.
        min: u32,
        /// The largest value allowed.
        max: u32,
    },
}

/// A config key and its range.
#[derive(Debug, Clone, Copy)]
pub struct ConfigKey {
    /// Kafka's name for it.
    pub name: &'static str,
    /// The smallest value allowed.
    pub min: u32,
    /// The largest value allowed.
    pub max: u32,
    field: fn(&mut LogConfig) -> &mut u32,
}

/// Positions in the index are 32-bit, and Kafka's are signed.
const MAX: u32 = i32::MAX as u32;

impl LogConfig {
    /// All keys. The smallest segment that makes sense holds one batch header.
    pub const KEYS: [ConfigKey; 4] = [
        ConfigKey { name: "segment.bytes", min: 61, max: MAX, field: |c| &mut c.segment_bytes },
        ConfigKey { name: "index.interval.bytes", min: 0, max: MAX, field: |c| &mut c.index_interval_bytes },
        ConfigKey { name: "segment.index.bytes", min: 8, max: MAX, field: |c| &mut c.segment_index_bytes },
        ConfigKey { name: "max.message.bytes", min: 61, max: MAX, field: |c| &mut c.max_message_bytes },
    ];

    /// Sets a value by Kafka's key, and returns the old and the new one. An error changes nothing.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(u32, u32), ConfigError> {
        let Some(known) = Self::KEYS.iter().find(|known| known.name == key) else {
            return Err(ConfigError::UnknownKey { key: key.to_owned() });
        };
        let parsed = value.parse().ok().filter(|n| (known.min..=known.max).contains(n));
        let Some(parsed) = parsed else {
            let (min, max) = (known.min, known.max);
            return Err(ConfigError::BadValue { key: known.name, value: value.to_owned(), min, max });
        };
        Ok((std::mem::replace((known.field)(self), parsed), parsed))
    }

    /// Checks every value against its key's range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut checked = self.clone();
        self.entries().try_for_each(|(key, value)| checked.set(key, &value.to_string()).map(drop))
    }

    /// All keys with their values.
    pub fn entries(&self) -> impl Iterator<Item = (&'static str, u32)> {
        let mut config = self.clone();
        Self::KEYS.into_iter().map(move |key| (key.name, *(key.field)(&mut config)))
    }
}
