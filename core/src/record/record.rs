//! One record inside a batch, as a view of its bytes.

use super::varint::{read_varlong, read_zigzag};

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
#[inline(always)]
pub(super) fn read_record(
    bytes: &[u8],
    base_offset: u64,
    base_timestamp: i64,
) -> Result<(Record<'_>, &[u8]), &'static str> {
    let (length, rest) = read_zigzag(bytes).ok_or("the length is not a varint")?;
    let length = non_negative(length).ok_or("the length is negative")?;
    let (body, rest) = rest.split_at_checked(length as usize).ok_or("the length goes beyond the batch")?;

    let (timestamp_delta, offset_delta, body) = read_deltas(body)?;
    let (key, body) = read_nullable(body).ok_or("the key goes beyond the record")?;
    let (value, body) = read_nullable(body).ok_or("the value goes beyond the record")?;
    // Nearly all records have no headers, and end with the byte that says so.
    let headers = if let [0] = body { Headers::default() } else { read_headers(body)? };
    let offset_delta = non_negative(offset_delta).ok_or("the offset delta is negative")?;
    let record = Record {
        offset: base_offset.checked_add(u64::from(offset_delta)).ok_or("the offset overflows")?,
        timestamp: base_timestamp.checked_add(timestamp_delta).ok_or("the timestamp overflows")?,
        key,
        value,
        headers,
    };
    Ok((record, rest))
}

/// The attributes, of which none is in use, the timestamp's delta and the offset's, as zigzag left it, and what
/// follows them.
#[inline(always)]
fn read_deltas(body: &[u8]) -> Result<(i64, u32, &[u8]), &'static str> {
    let (_attributes, body) = body.split_first().ok_or("the record is empty")?;
    let (timestamp_delta, body) = read_varlong(body).ok_or("the timestamp delta is not a varlong")?;
    let (offset_delta, body) = read_zigzag(body).ok_or("the offset delta is not a varint")?;
    Ok((timestamp_delta, offset_delta, body))
}

/// The headers at the end of a record, each of them checked.
fn read_headers(body: &[u8]) -> Result<Headers<'_>, &'static str> {
    let (count, bytes) = read_zigzag(body).ok_or("the header count is not a varint")?;
    let remaining = non_negative(count).ok_or("the header count is negative")?;
    let mut unread = bytes;
    for _ in 0..remaining {
        unread = read_header(unread)?.1;
    }
    match unread.is_empty() {
        true => Ok(Headers { remaining, bytes }),
        false => Err("bytes follow the last header"),
    }
}

fn read_header(bytes: &[u8]) -> Result<(Header<'_>, &[u8]), &'static str> {
    let (key, rest) = read_nullable(bytes).ok_or("a header's key goes beyond the record")?;
    let key = key.ok_or("a header's key is null")?;
    let (value, rest) = read_nullable(rest).ok_or("a header's value goes beyond the record")?;
    Ok((Header { key, value }, rest))
}

/// A length and that many bytes; any negative length other than −1 is refused.
#[inline]
fn read_nullable(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (length, rest) = read_zigzag(bytes)?;
    if length == 1 {
        return Some((None, rest));
    }
    let (field, rest) = rest.split_at_checked(non_negative(length)? as usize)?;
    Some((Some(field), rest))
}

/// What a zigzag number stands for, unless it is negative: those are odd.
#[inline]
fn non_negative(zigzag: u32) -> Option<u32> {
    zigzag.is_multiple_of(2).then_some(zigzag / 2)
}
