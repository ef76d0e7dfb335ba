//! When the laboratory's log flushes by itself: by Kafka's keys `flush.messages` and `flush.ms`.
//!
//! The log has no clock and no threads, so whoever owns it decides when to flush. Here that is the laboratory, which
//! looks after each append and whenever its clock has moved. Kafka advises to leave both alone, and to rely on
//! replication instead; a log that stands alone flushes when somebody waits for it.

use crate::config::Takes;

/// Kafka's largest number, with which it says "never".
const NEVER: u64 = i64::MAX as u64;

/// When the log flushes by itself. The default is never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlushPolicy {
    /// `flush.messages`: as soon as so many records are not flushed.
    pub messages: u64,
    /// `flush.ms`: as soon as a record has been waiting for so long, in milliseconds.
    pub ms: u64,
}

impl Default for FlushPolicy {
    fn default() -> Self {
        Self { messages: NEVER, ms: NEVER }
    }
}

impl FlushPolicy {
    /// The keys, and what they take.
    pub const KEYS: [(&'static str, Takes); 2] = [
        ("flush.messages", Takes::Number { min: 1, max: NEVER }),
        ("flush.ms", Takes::Number { min: 0, max: NEVER }),
    ];

    /// Sets a value by Kafka's key, and returns the old and the new one; `None` if it is none of these keys.
    ///
    /// # Errors
    /// What the key takes. Nothing is changed then.
    pub fn set(&mut self, key: &str, value: &str) -> Option<Result<(String, String), String>> {
        let (key, takes) = Self::KEYS.into_iter().find(|(known, _)| *known == key)?;
        let field = if key == "flush.ms" { &mut self.ms } else { &mut self.messages };
        let Takes::Number { min, max } = takes else { return None };
        let Some(number) = value.parse().ok().filter(|number| (min..=max).contains(number)) else {
            return Some(Err(format!("{key} takes {takes}, not {value:?}")));
        };
        Some(Ok((std::mem::replace(field, number).to_string(), number.to_string())))
    }

    /// The keys with their values.
    pub fn entries(&self) -> [(&'static str, String); 2] {
        [("flush.messages", self.messages.to_string()), ("flush.ms", self.ms.to_string())]
    }

    /// Which key asks for a flush now, with what is there and what it allows.
    pub(super) fn due(&self, unflushed: u64, waited_ms: u64) -> Option<(&'static str, u64, u64)> {
        if unflushed == 0 {
            None
        } else if unflushed >= self.messages {
            Some(("flush.messages", unflushed, self.messages))
        } else {
            (waited_ms >= self.ms).then_some(("flush.ms", waited_ms, self.ms))
        }
    }
}
