//! The records of `__consumer_offsets`: what a group has committed for a partition, in Kafka's own bytes.
//!
//! The key is version 1 of Kafka's `OffsetCommitKey` (group, topic, partition), the value version 3 of its
//! `OffsetCommitValue` (offset, leader epoch, metadata, commit timestamp); a tombstone takes a commit back. Records of
//! other versions are not of this broker, and are passed over.

use std::collections::BTreeMap;
use std::sync::Arc;

use logscope::topic::TopicName;

use super::groups::{Committed, GroupPartition};
use super::topic::{OFFSETS_TOPIC, Topic};

const KEY_VERSION: i16 = 1;
const VALUE_VERSION: i16 = 3;
const NO_LEADER_EPOCH: i32 = -1;
/// How much is read at a time when a broker starts, in bytes of batches.
const CHUNK: u64 = 1 << 20;

/// All that is committed, with the offset of the record that says so.
pub(super) type Loaded = BTreeMap<GroupPartition, (u64, Committed)>;

pub(super) fn key(of: &GroupPartition) -> Vec<u8> {
    let mut bytes = KEY_VERSION.to_be_bytes().to_vec();
    put_text(&mut bytes, &of.group);
    put_text(&mut bytes, of.topic.as_str());
    bytes.extend(of.partition.to_be_bytes());
    bytes
}

pub(super) fn value(committed: &Committed) -> Vec<u8> {
    let mut bytes = VALUE_VERSION.to_be_bytes().to_vec();
    bytes.extend(committed.offset.to_be_bytes());
    bytes.extend(NO_LEADER_EPOCH.to_be_bytes());
    put_text(&mut bytes, &committed.metadata);
    bytes.extend(committed.timestamp.to_be_bytes());
    bytes
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    // Groups, topics and metadata are checked to be far shorter than this.
    let size = text.len().min(i16::MAX as usize);
    bytes.extend((size as i16).to_be_bytes());
    bytes.extend(&text.as_bytes()[..size]);
}

/// Takes fields off the front.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    fn text(&mut self) -> Option<&'a str> {
        let size = usize::try_from(i16::from_be_bytes(self.take()?)).ok()?;
        let (text, rest) = self.0.split_at_checked(size)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}

fn read_key(bytes: &[u8]) -> Option<GroupPartition> {
    let mut fields = Fields(bytes);
    (i16::from_be_bytes(fields.take()?) == KEY_VERSION).then_some(())?;
    let (group, topic) = (fields.text()?.to_owned(), TopicName::new(fields.text()?).ok()?);
    let partition = u32::from_be_bytes(fields.take()?);
    fields.0.is_empty().then_some(GroupPartition { group, topic, partition })
}

fn read_value(bytes: &[u8]) -> Option<Committed> {
    let mut fields = Fields(bytes);
    (i16::from_be_bytes(fields.take()?) == VALUE_VERSION).then_some(())?;
    let offset = u64::from_be_bytes(fields.take()?);
    let _leader_epoch = i32::from_be_bytes(fields.take()?);
    let metadata = fields.text()?.to_owned();
    let timestamp = i64::from_be_bytes(fields.take()?);
    fields.0.is_empty().then_some(Committed { offset, metadata, timestamp })
}

/// Reads all that is committed. What cannot be read is said in the log, and left out.
pub(super) fn load(topics: &BTreeMap<TopicName, Arc<Topic>>) -> Loaded {
    let mut loaded = Loaded::new();
    let Some(topic) = topics.values().find(|topic| topic.info.name.as_str() == OFFSETS_TOPIC) else {
        return loaded;
    };
    for partition in topic.online() {
        let (reader, mut offset) = (partition.reader(), partition.offsets().log_start_offset);
        while offset < reader.high_watermark() {
            match reader.fetch(offset, CHUNK) {
                Ok(fetched) => {
                    take_in(&mut loaded, &fetched);
                    offset = fetched.next_offset;
                }
                Err(error) => {
                    tracing::error!(partition = %partition.name(), "committed offsets are lost: {error}");
                    break;
                }
            }
        }
    }
    loaded
}

fn take_in(loaded: &mut Loaded, fetched: &logscope::Fetched) {
    for record in fetched.records().flatten() {
        let Some(key) = record.key.and_then(read_key) else { continue };
        match record.value {
            None => {
                loaded.remove(&key);
            }
            Some(value) => {
                loaded.extend(read_value(value).map(|value| (key, (record.offset, value))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_have_kafkas_bytes() {
        let of = GroupPartition { group: "g1".to_owned(), topic: "t".parse().unwrap(), partition: 7 };
        let bytes = key(&of);
        assert_eq!(bytes, b"\0\x01\0\x02g1\0\x01t\0\0\0\x07");
        assert_eq!(read_key(&bytes), Some(of));
        let committed = Committed { offset: 258, metadata: "m".to_owned(), timestamp: 3 };
        let bytes = value(&committed);
        assert_eq!(bytes, b"\0\x03\0\0\0\0\0\0\x01\x02\xff\xff\xff\xff\0\x01m\0\0\0\0\0\0\0\x03");
        assert_eq!(read_value(&bytes), Some(committed));
        for cut in 0..bytes.len() {
            assert_eq!(read_value(&bytes[..cut]), None);
        }
        assert_eq!(read_key(b"\0\x02\0\x01g"), None, "a group's metadata");
    }
}
