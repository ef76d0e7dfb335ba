//! What a connection asks: a producer, a fetcher.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use indicatif::ProgressBar;
use logscope_load::{Answer, Client, Target};
use serde::Deserialize;

use super::all_done;

/// How long a fetcher lets the broker wait for records, in milliseconds.
const WAIT_MS: u64 = 100;

/// Produces records that name their connection and their number.
#[derive(Debug)]
pub(super) struct Producer {
    pub(super) target: Target,
    pub(super) path: String,
    pub(super) connection: u32,
    pub(super) batch: u64,
    pub(super) size: usize,
    /// How many to produce.
    pub(super) records: u64,
    /// Partition and offset of each, in the order of their numbers.
    pub(super) acknowledged: Vec<(u32, u64)>,
    pub(super) body: Vec<u8>,
    /// How many of the producers are not done.
    pub(super) left: Arc<AtomicUsize>,
    pub(super) bar: ProgressBar,
}

#[derive(Deserialize)]
struct Produced {
    offsets: Vec<ProducedRecord>,
}

#[derive(Deserialize)]
struct ProducedRecord {
    partition: u32,
    offset: Option<u64>,
    message: Option<String>,
}

/// Writes the payload of a record: who sent it, and which it is, filled up to its size.
pub(super) fn write_payload(out: &mut Vec<u8>, connection: u32, number: u64, size: usize) {
    let end = out.len() + size;
    // Writing to a vector does not fail.
    let _ = write!(out, "{connection:x}-{number:x}.");
    out.resize(end.max(out.len()), b'x');
}

/// Takes such a payload apart.
pub(super) fn read_payload(payload: &str) -> Option<(u32, u64)> {
    let (connection, number) = payload.split_once('.')?.0.split_once('-')?;
    Some((u32::from_str_radix(connection, 16).ok()?, u64::from_str_radix(number, 16).ok()?))
}

impl Client for Producer {
    fn request(&mut self, request: &mut Vec<u8>) -> bool {
        let begin = self.acknowledged.len() as u64;
        if begin >= self.records {
            self.left.fetch_sub(1, Ordering::Release);
            return false;
        }
        self.body.clear();
        for number in begin..self.records.min(begin + self.batch) {
            self.body.extend_from_slice(b"{\"payload\":\"");
            write_payload(&mut self.body, self.connection, number, self.size);
            self.body.extend_from_slice(b"\"}\n");
        }
        self.target.post(&self.path, "application/x-ndjson", &self.body, request);
        true
    }

    fn answer(&mut self, answer: Answer<'_>) -> Result<(), String> {
        let produced: Produced = serde_json::from_slice(answer.body).map_err(|error| error.to_string())?;
        let (left, count) = (self.records - self.acknowledged.len() as u64, produced.offsets.len() as u64);
        if count != left.min(self.batch) {
            return Err(format!("the broker answered for {count} records, and got others"));
        }
        for ProducedRecord { partition, offset, message } in produced.offsets {
            let offset = offset.ok_or_else(|| message.unwrap_or_default())?;
            self.acknowledged.push((partition, offset));
        }
        self.bar.inc(count);
        Ok(())
    }
}

/// Goes through a partition from an offset on.
#[derive(Debug)]
pub(super) struct Fetcher {
    pub(super) target: Target,
    /// All but the offset.
    pub(super) path: String,
    pub(super) raw: bool,
    pub(super) offset: u64,
    /// Where to begin again, in a log that does not grow.
    pub(super) end: Option<u64>,
    /// How many to fetch.
    pub(super) records: u64,
    /// Who is followed.
    pub(super) producers_left: Option<Arc<AtomicUsize>>,
    pub(super) fetched: u64,
    pub(super) bytes: u64,
    pub(super) bar: ProgressBar,
}

impl Client for Fetcher {
    fn request(&mut self, request: &mut Vec<u8>) -> bool {
        let followed_to_the_end = self.producers_left.as_deref().is_some_and(all_done);
        if self.fetched >= self.records || followed_to_the_end {
            return false;
        }
        let accept = if self.raw { "accept: application/octet-stream\r\n" } else { "" };
        let path = format!("{}&offset={}&max_wait_ms={WAIT_MS}", self.path, self.offset);
        self.target.get(&path, accept, request);
        true
    }

    fn answer(&mut self, answer: Answer<'_>) -> Result<(), String> {
        let next = if self.raw { next_offset_header(answer.head) } else { next_offset_field(answer.body) };
        let next = next.ok_or("the broker did not say where to go on")?;
        let count = next.checked_sub(self.offset).ok_or("the broker goes backwards")?;
        if count == 0 && self.end.is_some() {
            return Err(format!("nothing came at offset {}", self.offset));
        }
        self.fetched += count;
        self.bytes += answer.body.len() as u64;
        self.bar.inc(count);
        self.offset = if Some(next) == self.end { 0 } else { next };
        Ok(())
    }
}

/// It stands behind the records, and no payload of ours looks like it: there is no need to take all JSON apart.
fn next_offset_field(body: &[u8]) -> Option<u64> {
    const FIELD: &[u8] = b"\"next_offset\":";
    let at = body.windows(FIELD.len()).rposition(|window| window == FIELD)? + FIELD.len();
    leading_number(&body[at..])
}

fn next_offset_header(head: &[u8]) -> Option<u64> {
    const NAME: &str = "logscope-next-offset:";
    let head = std::str::from_utf8(head).ok()?;
    let line =
        head.lines().find(|line| line.get(..NAME.len()).is_some_and(|it| it.eq_ignore_ascii_case(NAME)))?;
    line[NAME.len()..].trim().parse().ok()
}

fn leading_number(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&text[..digits]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_says_whose_it_is() {
        let mut payload = Vec::new();
        write_payload(&mut payload, 9_999, 100_000_000, 16);
        assert_eq!(payload.len(), 16, "the smallest size takes the largest numbers");
        assert_eq!(read_payload(&String::from_utf8_lossy(&payload)), Some((9_999, 100_000_000)));
        assert_eq!(read_payload("other"), None);
    }

    #[test]
    fn where_to_go_on_is_found_behind_the_records() {
        let body = br#"{"records":[{"payload":"x"}],"next_offset":17,"high_watermark":20}"#;
        assert_eq!(next_offset_field(body), Some(17));
        assert_eq!(next_offset_field(b"{}"), None);
        assert_eq!(next_offset_header(b"HTTP/1.1 200 OK\r\nLogscope-Next-Offset: 5\r\n\r\n"), Some(5));
        assert_eq!(next_offset_header(b"HTTP/1.1 200 OK\r\n\r\n"), None);
    }
}
