//! The routes that the commands use, and what they answer.

use std::collections::BTreeMap;
use std::time::Duration;

use logscope::topic::TopicName;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use ureq::http::Method;

use super::{Client, ClientError, Position};

const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Topics {
    pub(in crate::cli) topics: Vec<TopicSummary>,
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct TopicSummary {
    pub(in crate::cli) name: String,
    pub(in crate::cli) partitions: u32,
    pub(in crate::cli) internal: bool,
    pub(in crate::cli) configs: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Topic {
    pub(in crate::cli) name: String,
    pub(in crate::cli) configs: BTreeMap<String, Value>,
    pub(in crate::cli) partitions: Vec<Partition>,
}

/// The numbers are missing while it is offline.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Partition {
    pub(in crate::cli) partition: u32,
    pub(in crate::cli) state: String,
    pub(in crate::cli) reason: Option<String>,
    pub(in crate::cli) log_start_offset: Option<u64>,
    pub(in crate::cli) high_watermark: Option<u64>,
    pub(in crate::cli) size: Option<u64>,
    pub(in crate::cli) segments: Option<u64>,
}

/// What became of a record.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub(in crate::cli) enum Outcome {
    Taken { partition: u32, offset: u64 },
    Refused { partition: u32, error_code: u32, message: String },
}

#[derive(Deserialize)]
struct Produced {
    offsets: Vec<Outcome>,
}

/// Records from an offset on.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Fetched {
    pub(in crate::cli) records: Vec<Record>,
    pub(in crate::cli) next_offset: u64,
    pub(in crate::cli) high_watermark: u64,
}

/// A record, as it is printed in JSON, too.
#[derive(Debug, Deserialize, Serialize)]
pub(in crate::cli) struct Record {
    /// The broker leaves it out: it was in the question.
    #[serde(default)]
    pub(in crate::cli) partition: u32,
    pub(in crate::cli) offset: u64,
    pub(in crate::cli) timestamp: i64,
    /// Key, payload and headers.
    #[serde(flatten)]
    pub(in crate::cli) rest: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Groups {
    pub(in crate::cli) groups: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct GroupOffsets {
    pub(in crate::cli) offsets: Vec<GroupOffset>,
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct GroupOffset {
    pub(in crate::cli) topic: String,
    pub(in crate::cli) partition: u32,
    pub(in crate::cli) offset: u64,
    pub(in crate::cli) metadata: String,
    pub(in crate::cli) lag: Option<u64>,
}

/// An offset of a partition, to be committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(in crate::cli) struct Place<'a> {
    pub(in crate::cli) topic: &'a str,
    pub(in crate::cli) partition: u32,
    pub(in crate::cli) offset: u64,
}

#[derive(Deserialize)]
struct FoundOffset {
    high_watermark: u64,
    offset: Option<u64>,
}

impl Client {
    /// All topics; what the broker said, and what it means.
    pub(in crate::cli) fn topics(&self) -> Result<(Vec<u8>, Topics), ClientError> {
        let text = self.get_text("/topics")?;
        let topics = self.parse(&text)?;
        Ok((text, topics))
    }

    pub(in crate::cli) fn topic(&self, name: &TopicName) -> Result<Topic, ClientError> {
        self.get(&format!("/topics/{name}"))
    }

    pub(in crate::cli) fn topic_text(&self, name: &TopicName) -> Result<(Vec<u8>, Topic), ClientError> {
        let text = self.get_text(&format!("/topics/{name}"))?;
        let topic = self.parse(&text)?;
        Ok((text, topic))
    }

    pub(in crate::cli) fn create_topic(
        &self,
        name: &TopicName,
        partitions: Option<u32>,
        configs: &BTreeMap<String, String>,
    ) -> Result<(Vec<u8>, Topic), ClientError> {
        let mut body = json!({"name": name.as_str(), "configs": configs});
        if let Some(partitions) = partitions {
            body["partitions"] = partitions.into();
        }
        let text = self.ask(Method::POST, "/topics", Some((JSON, body.to_string().into_bytes())))?;
        let topic = self.parse(&text)?;
        Ok((text, topic))
    }

    /// A config without a value goes back to the broker's.
    pub(in crate::cli) fn alter_topic(
        &self,
        name: &TopicName,
        partitions: Option<u32>,
        configs: &BTreeMap<String, Option<String>>,
    ) -> Result<(Vec<u8>, Topic), ClientError> {
        let mut body = json!({"configs": configs});
        if let Some(partitions) = partitions {
            body["partitions"] = partitions.into();
        }
        let path = format!("/topics/{name}");
        let text = self.ask(Method::PATCH, &path, Some((JSON, body.to_string().into_bytes())))?;
        let topic = self.parse(&text)?;
        Ok((text, topic))
    }

    pub(in crate::cli) fn delete_topic(&self, name: &TopicName) -> Result<(), ClientError> {
        self.ask(Method::DELETE, &format!("/topics/{name}"), None).map(drop)
    }

    /// Produces records, given as JSON objects a line, and returns what became of each.
    pub(in crate::cli) fn produce(
        &self,
        topic: &TopicName,
        acks: &str,
        lines: Vec<u8>,
    ) -> Result<Vec<Outcome>, ClientError> {
        let path = format!("/topics/{topic}/records?acks={acks}");
        let answer = self.ask(Method::POST, &path, Some((NDJSON, lines)))?;
        self.parse::<Produced>(&answer).map(|produced| produced.offsets)
    }

    /// Fetches records; waits up to `max_wait` for one.
    pub(in crate::cli) fn fetch(
        &self,
        topic: &TopicName,
        partition: u32,
        from: &str,
        max_bytes: u64,
        max_wait: Duration,
    ) -> Result<Fetched, ClientError> {
        let query = format!("offset={from}&max_bytes={max_bytes}&max_wait_ms={}", max_wait.as_millis());
        self.get(&format!("/topics/{topic}/partitions/{partition}/records?{query}"))
    }

    /// The offset of a place in a partition that is known already.
    pub(in crate::cli) fn resolve(
        &self,
        topic: &TopicName,
        partition: &Partition,
        position: Position,
    ) -> Result<u64, ClientError> {
        let number = partition.partition;
        let known = |offset: Option<u64>| {
            offset.ok_or_else(|| ClientError::refused(format!("partition {number} of {topic} is offline")))
        };
        match position {
            Position::Earliest => known(partition.log_start_offset),
            Position::Latest => known(partition.high_watermark),
            Position::Offset(offset) => Ok(offset),
            Position::Timestamp(timestamp) => {
                let path = format!("/topics/{topic}/partitions/{number}/offsets?timestamp={timestamp}");
                let found: FoundOffset = self.get(&path)?;
                // Nothing is that young yet; what comes next will be.
                Ok(found.offset.unwrap_or(found.high_watermark))
            }
        }
    }

    pub(in crate::cli) fn groups(&self) -> Result<(Vec<u8>, Groups), ClientError> {
        let text = self.get_text("/groups")?;
        let groups = self.parse(&text)?;
        Ok((text, groups))
    }

    pub(in crate::cli) fn committed(&self, group: &str) -> Result<(Vec<u8>, GroupOffsets), ClientError> {
        let text = self.get_text(&format!("/groups/{}/offsets", escaped(group)))?;
        let offsets = self.parse(&text)?;
        Ok((text, offsets))
    }

    pub(in crate::cli) fn commit(&self, group: &str, offsets: &[Place<'_>]) -> Result<Vec<u8>, ClientError> {
        let body = json!({ "offsets": offsets }).to_string().into_bytes();
        self.ask(Method::PUT, &format!("/groups/{}/offsets", escaped(group)), Some((JSON, body)))
    }

    pub(in crate::cli) fn delete_group(&self, group: &str) -> Result<(), ClientError> {
        self.ask(Method::DELETE, &format!("/groups/{}", escaped(group)), None).map(drop)
    }
}

/// A group's name as a segment of a path. A topic's name needs none of that.
fn escaped(name: &str) -> String {
    let mut escaped = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' => escaped.push(byte.into()),
            // A dot, too: a segment of nothing but dots means another path.
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_segment_of_a_path() {
        assert_eq!(escaped("billing-1_a~"), "billing-1_a~");
        assert_eq!(escaped("../a b?ü"), "%2E%2E%2Fa%20b%3F%C3%BC");
    }

    #[test]
    fn outcomes_are_told_apart() {
        let produced =
            br#"{"offsets":[{"partition":1,"offset":7},{"partition":2,"error_code":41301,"message":"m"}]}"#;
        let offsets = serde_json::from_slice::<Produced>(produced).map(|produced| produced.offsets);
        assert!(matches!(
            offsets.unwrap_or_default()[..],
            [
                Outcome::Taken { partition: 1, offset: 7 },
                Outcome::Refused { partition: 2, error_code: 41301, .. }
            ]
        ));
    }
}
