//! Which topics there are: `topics.json` in the data directory.
//!
//! ```json
//! {"version": 1, "topics": {"page-views": {"partitions": 3, "configs": {"cleanup.policy": "compact"}}}}
//! ```
//!
//! Invariants:
//! - The file is replaced as a whole, so a crash leaves the old one or the new one.
//! - A topic is in it only once all its partitions' directories are there, durably; and it is marked as going before
//!   the first of them goes. So a creation or a deletion that a crash interrupts is undone or brought to its end by the
//!   next start, and never leaves half a topic.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A topic's entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) partitions: u32,
    /// What the topic says itself, by Kafka's keys; the broker's configuration has the rest.
    #[serde(default)]
    pub(super) configs: BTreeMap<String, String>,
    /// Its files are being deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) deleting: bool,
}

/// All entries, by the topics' names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Catalog {
    version: u32,
    pub(super) topics: BTreeMap<String, Entry>,
}

const VERSION: u32 = 1;

impl Default for Catalog {
    fn default() -> Self {
        Self { version: VERSION, topics: BTreeMap::new() }
    }
}

impl Catalog {
    /// Reads what [`to_json`](Self::to_json) writes. The error is a reason for a person.
    pub(super) fn parse(json: &[u8]) -> Result<Self, String> {
        let catalog: Self = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        match catalog.version {
            VERSION => Ok(catalog),
            other => Err(format!("version is {other}, and this broker needs {VERSION}")),
        }
    }

    pub(super) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        Ok(json)
    }
}
