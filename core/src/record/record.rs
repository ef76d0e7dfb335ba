//! One record inside a batch, as a view of its bytes.

use super::varint::{read_varint, read_varlong};

/// A record: its place in the log and what the producer sent. A null key or value is `None`; an empty one is
/// `Some(&[])`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The record's offset in the log.
    pub offset: u64,
    /// Milliseconds since the Unix epoch.
    pub timestamp: i64,
    /// What the record is about; decides its partition.
    pub key: Option<&'a [u8]>,
    /// The payload; `None` is a tombstone in a compacted topic.
    pub value: Option<&'a [u8]>,
    /// The headers, in the order in which they were written.
    pub headers: Headers<'a>,
}

/// A record header: a name and, perhaps, a value. Kafka asks for UTF-8 names, but the bytes decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// The header's name.
    pub key: &'a [u8],
    /// Its value; null is `None`.
    pub value: Option<&'a [u8]>,
}

/// The headers of a record: an iterator over bytes that have been checked already.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Headers<'a> {
    remaining: u32,
    bytes: &'a [u8],
}

impl std::fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        self.remaining = self.remaining.checked_sub(1)?;
        let (header, rest) = read_header(self.bytes).ok()?;
        self.bytes = rest;
        Some(header)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.remaining as usize, Some(self.remaining as usize))
    }
}

impl ExactSizeIterator for Headers<'_> {}

/// Reads a record from the front of `bytes`, and returns it with what follows.
pub(super) fn read_record(
    bytes: &[u8],
    base_offset: u64,
    base_timestamp: i64,
) -> Result<(Record<'_>, &[u8]), &'static str> {
    let (length, rest) = read_varint(bytes).ok_or("the length is not a varint")?;
    let length = usize::try_from(length).map_err(|_| "the length is negative")?;
    let (body, rest) = rest.split_at_checked(length).ok_or("the length goes beyond the batch")?;

    let (_attributes, body) = body.split_first().ok_or("the record is empty")?;
    let (timestamp_delta, body) = read_varlong(body).ok_or("the timestamp delta is not a varlong")?;
    let (offset_delta, body) = read_varint(body).ok_or("the offset delta is not a varint")?;
    let (key, body) = read_nullable(body).ok_or("the key goes beyond the record")?;
    let (value, body) = read_nullable(body).ok_or("the value goes beyond the record")?;
    let (count, body) = read_varint(body).ok_or("the header count is not a varint")?;
    let count = u32::try_from(count).map_err(|_| "the header count is negative")?;
    let headers = Headers { remaining: count, bytes: body };

    let mut unread = body;
    for _ in 0..count {
        unread = read_header(unread)?.1;
    }
    if !unread.is_empty() {
        return Err("bytes follow the last header");
    }
    let offset_delta = u64::try_from(offset_delta).map_err(|_| "the offset delta is negative")?;
    let record = Record {
        offset: base_offset.checked_add(offset_delta).ok_or("the offset overflows")?,
        timestamp: base_timestamp.checked_add(timestamp_delta).ok_or("the timestamp overflows")?,
        key,
        value,
        headers,
    };
    Ok((record, rest))
}

fn read_header(bytes: &[u8]) -> Result<(Header<'_>, &[u8]), &'static str> {
    let (key, rest) = read_nullable(bytes).ok_or("a header's key goes beyond the record")?;
    let key = key.ok_or("a header's key is null")?;
    let (value, rest) = read_nullable(rest).ok_or("a header's value goes beyond the record")?;
    Ok((Header { key, value }, rest))
}

/// A length and that many bytes; any negative length other than −1 is refused.
fn read_nullable(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (length, rest) = read_varint(bytes)?;
    if length == -1 {
        return Some((None, rest));
    }
    let (field, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    Some((Some(field), rest))
}
