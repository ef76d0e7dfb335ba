//! Topic names.
//!
//! Invariant: a [`TopicName`] follows Kafka's rule, so it is one plain path component that can neither leave the
//! data directory nor need escaping in a URL, and with a partition number behind it it still fits a file name.
//!
//! Source: Kafka's `org.apache.kafka.common.internals.Topic`.

use std::fmt;
use std::str::FromStr;

/// The most characters a topic name has.
pub const MAX_TOPIC_NAME_SIZE: usize = 249;

/// How much of a bad name an error repeats.
const SHOWN_CHARS: usize = 40;

/// A valid topic name: 1 to 249 of `a-z A-Z 0-9 . _ -`, and neither `.` nor `..`.
///
/// ```
/// use logscope::topic::TopicName;
///
/// let topic: TopicName = "page-views".parse()?;
/// assert_eq!(topic.as_str(), "page-views");
/// assert!("../etc".parse::<TopicName>().is_err());
/// # Ok::<(), logscope::topic::TopicNameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(String);

impl TopicName {
    /// Takes a name over if it is valid.
    ///
    /// # Errors
    /// The first part of the rule that the name breaks.
    pub fn new(name: impl Into<String>) -> Result<Self, TopicNameError> {
        let name = name.into();
        if name.is_empty() {
            return Err(TopicNameError::Empty);
        }
        if name == "." || name == ".." {
            return Err(TopicNameError::Dots { name });
        }
        if let Some(character) = name.chars().find(|&c| !is_legal(c)) {
            return Err(TopicNameError::IllegalCharacter { name: shortened(&name), character });
        }
        // All characters are ASCII by now, so bytes and characters are the same count.
        if name.len() > MAX_TOPIC_NAME_SIZE {
            return Err(TopicNameError::TooLong { size: name.len(), name: shortened(&name) });
        }
        Ok(Self(name))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for TopicName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for TopicName {
    type Err = TopicNameError;

    fn from_str(name: &str) -> Result<Self, TopicNameError> {
        Self::new(name)
    }
}

/// Why a name is no topic name. Long names are shortened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicNameError {
    /// There is no name.
    #[error("a topic name is empty: it takes 1 to {MAX_TOPIC_NAME_SIZE} of a-z, A-Z, 0-9, '.', '_' and '-'")]
    Empty,
    /// The name would be a directory's own name, or its parent's.
    #[error("the topic name {name:?} is not allowed: \".\" and \"..\" are no names")]
    Dots {
        /// The name.
        name: String,
    },
    /// A character other than those allowed.
    #[error(
        "the topic name {name:?} contains {character:?}: only a-z, A-Z, 0-9, '.', '_' and '-' are allowed"
    )]
    IllegalCharacter {
        /// The name.
        name: String,
        /// The first character that is not allowed.
        character: char,
    },
    /// The name is too long.
    #[error("the topic name {name:?} has {size} characters, and at most {MAX_TOPIC_NAME_SIZE} are allowed")]
    TooLong {
        /// The name, shortened.
        name: String,
        /// How many characters it has.
        size: usize,
    },
}

fn is_legal(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

fn shortened(name: &str) -> String {
    match name.char_indices().nth(SHOWN_CHARS) {
        Some((at, _)) => format!("{}…", &name[..at]),
        None => name.to_owned(),
    }
}

/// The partition that a record with this key goes to, of so many: where Kafka's clients send it
/// (`BuiltInPartitioner.partitionForKey`). Of no partitions at all it is the first.
pub fn partition_for_key(key: &[u8], partitions: u32) -> u32 {
    (murmur2(key) & 0x7fff_ffff) % partitions.max(1)
}

/// MurmurHash2 in 32 bits, with the seed that Kafka's clients use (`Utils.murmur2`).
pub fn murmur2(bytes: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    let (words, rest) = bytes.as_chunks::<4>();
    // Kafka's lengths are 32-bit; a longer key than that is in no record.
    let mut hash = SEED ^ bytes.len() as u32;
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        let rest = rest.iter().rev().fold(0, |rest, byte| rest << 8 | u32::from(*byte));
        hash = (hash ^ rest).wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values that Kafka's own test of `Utils.murmur2` has.
    #[test]
    fn murmur2_is_kafkas() {
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()) as i32, hash, "{key}");
        }
        assert_eq!(partition_for_key(b"abc", 3), 479_470_107 % 3);
        assert_eq!(partition_for_key(b"abc", 0), 0);
    }

    #[test]
    fn names_by_the_rule_are_taken_unchanged() {
        for name in ["t", "page-views", "a.b_c-D9", "...", "-", "_", "..a", &"x".repeat(249)] {
            assert_eq!(TopicName::new(name).map(|t| t.to_string()), Ok(name.to_owned()));
        }
    }

    #[test]
    fn each_broken_rule_has_its_error() {
        let illegal =
            |name: &str, character| TopicNameError::IllegalCharacter { name: name.to_owned(), character };
        for (name, error) in [
            ("", TopicNameError::Empty),
            (".", TopicNameError::Dots { name: ".".to_owned() }),
            ("..", TopicNameError::Dots { name: "..".to_owned() }),
            ("a/b", illegal("a/b", '/')),
            ("../x", illegal("../x", '/')),
            ("a\\b", illegal("a\\b", '\\')),
            ("a b", illegal("a b", ' ')),
            ("a\0", illegal("a\0", '\0')),
            ("größe", illegal("größe", 'ö')),
            ("٣", illegal("٣", '٣')),
            ("a\n", illegal("a\n", '\n')),
        ] {
            assert_eq!(TopicName::new(name), Err(error), "{name:?}");
        }
    }

    #[test]
    fn a_long_name_is_counted_and_shortened() {
        let error = TopicName::new("x".repeat(250)).unwrap_err();
        assert_eq!(error, TopicNameError::TooLong { name: format!("{}…", "x".repeat(40)), size: 250 });
        assert!(error.to_string().contains("250") && error.to_string().contains("249"), "{error}");

        let huge = TopicName::new("é".repeat(1 << 20)).unwrap_err().to_string();
        assert!(huge.len() < 300, "{} bytes of message", huge.len());
    }
}
