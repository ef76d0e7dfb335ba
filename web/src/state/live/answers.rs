//! What a broker answers, out of its JSON.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use logscope::lab::FetchedRecord;
use logscope::log::BatchInfo;

use super::events::field;
use super::json::{Json, Wrong};
use crate::state::Settings;

/// A topic, and how many partitions it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) partitions: u32,
}

/// Reads a list of topics, by name.
///
/// # Errors
/// The field that is missing.
pub(crate) fn topics(json: &Json) -> Result<Vec<Topic>, Wrong> {
    let Json::List(list) = json.field("topics") else { return Err("topics") };
    let topic = |json| Ok(Topic { name: field(json, "name")?, partitions: field(json, "partitions")? });
    let mut topics = list.iter().map(topic).collect::<Result<Vec<_>, Wrong>>()?;
    topics.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(topics)
}

/// An error's code and message, if it is an answer of a broker.
pub(crate) fn error(json: &Json) -> Option<(u64, String)> {
    Some((json.field("error_code").number()?, json.field("message").text()?.to_owned()))
}

/// What a partition looked like when a stream began.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Snapshot {
    pub(crate) settings: Settings,
    pub(crate) log_start_offset: u64,
    pub(crate) high_watermark: u64,
    pub(crate) log_end_offset: u64,
    /// Oldest first.
    pub(crate) segments: Vec<Segment>,
}

/// A segment of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) base_offset: u64,
    pub(crate) size: u64,
    pub(crate) index_entries: u64,
    pub(crate) time_index_entries: u64,
}

impl Snapshot {
    /// Reads it.
    ///
    /// # Errors
    /// The field that is missing.
    pub(crate) fn read(json: &Json) -> Result<Self, Wrong> {
        let Json::Object(configs) = json.field("configs") else { return Err("configs") };
        let config = configs.iter().map(|(key, value)| Some((key.clone(), value.text()?.to_owned())));
        let config = config.collect::<Option<_>>().ok_or("configs")?;
        let segment = |json| {
            Ok(Segment {
                base_offset: field(json, "base_offset")?,
                size: field(json, "size")?,
                index_entries: field(json, "index_entries")?,
                time_index_entries: field(json, "time_index_entries")?,
            })
        };
        Ok(Self {
            settings: Settings { config, now_ms: field(json, "now_ms")?, ..Settings::default() },
            log_start_offset: field(json, "log_start_offset")?,
            high_watermark: field(json, "high_watermark")?,
            log_end_offset: field(json, "log_end_offset")?,
            segments: json.field("segments").list().iter().map(segment).collect::<Result<_, Wrong>>()?,
        })
    }

    /// A config's value as a number; 0 where there is none.
    pub(super) fn config(&self, key: &str) -> u32 {
        let value = self.settings.config.iter().find(|(name, _)| name == key);
        value.and_then(|(_, value)| value.parse().ok()).unwrap_or(0)
    }
}

/// A page of batches, and where the next one begins.
///
/// # Errors
/// The field that is missing.
pub(crate) fn batches(json: &Json) -> Result<(Vec<BatchInfo>, Option<u64>), Wrong> {
    Ok((field(json, "batches")?, json.field("next_offset").number()))
}

/// The records of a fetch.
///
/// # Errors
/// The field that is missing.
pub(crate) fn records(json: &Json) -> Result<Vec<FetchedRecord>, Wrong> {
    let Json::List(list) = json.field("records") else { return Err("records") };
    let record = |json| {
        Ok(FetchedRecord {
            offset: field(json, "offset")?,
            timestamp: field(json, "timestamp")?,
            key: bytes(json, "key", "key_base64")?,
            value: bytes(json, "payload", "payload_base64")?,
        })
    };
    list.iter().map(record).collect()
}

/// Bytes: text, or null, or base64 under another name.
fn bytes(json: &Json, name: &str, base64: &'static str) -> Result<Option<Vec<u8>>, Wrong> {
    match (json.field(name), json.field(base64).text()) {
        (Json::Text(text), _) => Ok(Some(text.clone().into_bytes())),
        (_, Some(text)) => BASE64_STANDARD.decode(text).map(Some).map_err(|_| base64),
        _ => Ok(None),
    }
}

/// The offsets that records got.
///
/// # Errors
/// The first record that was refused, with its code, or the field that is missing.
pub(crate) fn produced(json: &Json) -> Result<Result<Vec<u64>, (u64, String)>, Wrong> {
    let Json::List(list) = json.field("offsets") else { return Err("offsets") };
    if let Some(error) = list.iter().find_map(error) {
        return Ok(Err(error));
    }
    list.iter().map(|each| field(each, "offset")).collect::<Result<_, Wrong>>().map(Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Json {
        Json::parse(text).unwrap()
    }

    #[test]
    fn answers_are_read() {
        let json =
            parse(r#"{"topics":[{"name":"b","partitions":3,"internal":false},{"name":"a","partitions":1}]}"#);
        let names: Vec<_> =
            topics(&json).unwrap().into_iter().map(|topic| (topic.name, topic.partitions)).collect();
        assert_eq!(names, [("a".to_owned(), 1), ("b".to_owned(), 3)]);
        let json = parse(
            r#"{"records":[{"offset":7,"timestamp":-1,"key":null,"payload":"ü"},
            {"offset":8,"timestamp":5,"key_base64":"/w==","payload":null,"headers":[]}],"next_offset":9}"#,
        );
        let records = records(&json).unwrap();
        assert_eq!((records[0].offset, records[0].timestamp, &records[0].key), (7, -1, &None));
        assert_eq!(records[0].value.as_deref(), Some("ü".as_bytes()));
        assert_eq!((records[1].key.as_deref(), &records[1].value), (Some(&[0xff][..]), &None));
        let json = parse(r#"{"error_code":40401,"message":"no"}"#);
        assert_eq!(error(&json), Some((40401, "no".to_owned())));
        let json = parse(r#"{"offsets":[{"partition":0,"offset":4},{"partition":0,"offset":5}]}"#);
        assert_eq!(produced(&json), Ok(Ok(vec![4, 5])));
        let json = parse(
            r#"{"offsets":[{"partition":0,"offset":4},{"partition":0,"error_code":40002,"message":"no"}]}"#,
        );
        assert_eq!(produced(&json), Ok(Err((40002, "no".to_owned()))));
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(topics(&parse(r#"{"topics":[{"name":"a"}]}"#)), Err("partitions"));
        assert_eq!(topics(&parse("[]")), Err("topics"));
        assert_eq!(records(&parse(r#"{"records":[{"offset":-1}]}"#)).unwrap_err(), "offset");
        assert_eq!(Snapshot::read(&parse("{}")), Err("configs"));
        assert_eq!(produced(&parse("{}")), Err("offsets"));
        assert_eq!(batches(&parse("{}")), Err("batches"));
    }
}
