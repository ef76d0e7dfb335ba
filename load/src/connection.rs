//! One connection: a request out, an answer in.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{LoadError, Target};

/// More than any answer's head takes.
const MAX_HEAD_SIZE: usize = 64 << 10;
/// More than any answer that is worth measuring.
const MAX_BODY_SIZE: usize = 512 << 20;
const NO_HTTP: &str = "it is not HTTP/1.1";
const NO_CHUNK: &str = "a chunk does not begin with its size";
/// How much of a refusal is shown.
const MAX_MESSAGE_SIZE: usize = 400;
/// More than the line takes that says how large a chunk is.
const MAX_CHUNK_LINE: usize = 32;
const LINE_END: &[u8] = b"\r\n";

/// A connection that is kept alive.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    address: String,
    /// What was read last; the first `len` bytes count.
    buffer: Vec<u8>,
    len: usize,
}

/// An answer, until the next request.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The lines before the body.
    pub head: &'a [u8],
    /// The body.
    pub body: &'a [u8],
}

/// What the head of an answer says.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    size: usize,
    body: Length,
}

/// How a body says where it ends.
#[derive(Debug, PartialEq, Eq)]
enum Length {
    Known(usize),
    /// It comes in chunks, each behind its size; the last one is empty.
    Chunked,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// [`LoadError::Connection`].
    pub async fn open(target: &Target) -> Result<Self, LoadError> {
        let address = target.address().to_owned();
        let connect = async {
            let stream = TcpStream::connect(&address).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        };
        match connect.await {
            Ok(stream) => Ok(Self { stream, address, buffer: vec![0; 4 << 10], len: 0 }),
            Err(error) => Err(LoadError::Connection { address, error }),
        }
    }

    /// Sends a request and reads the answer.
    ///
    /// # Errors
    /// Any [`LoadError`]; [`LoadError::Refused`] if the status is no success.
    pub async fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>, LoadError> {
        self.send(request).await?;
        self.len = 0;
        let head = loop {
            if let Some(head) = parse_head(&self.buffer[..self.len]).map_err(|it| self.unreadable(it))? {
                break head;
            }
            self.read_more().await?;
        };
        let end = match head.body {
            Length::Known(size) => {
                self.read_up_to(head.size + size, usize::MAX).await?;
                head.size + size
            }
            Length::Chunked => self.read_chunks(head.size).await?,
        };
        if self.len > end {
            return Err(self.unreadable("there is more than one answer to one request".to_owned()));
        }
        let (head_bytes, body) = self.buffer[..end].split_at(head.size);
        if !(200..300).contains(&head.status) {
            let message = String::from_utf8_lossy(&body[..body.len().min(MAX_MESSAGE_SIZE)]).into_owned();
            return Err(LoadError::Refused { status: head.status, message });
        }
        Ok(Answer { head: head_bytes, body })
    }

    /// Sends a request whose answer nobody waits for yet.
    ///
    /// # Errors
    /// [`LoadError::Connection`].
    pub async fn send(&mut self, request: &[u8]) -> Result<(), LoadError> {
        let sent = self.stream.write_all(request).await;
        sent.map_err(|error| self.broken(error))
    }

    /// Waits for the beginning of an answer that does not end, such as a stream of events; its status.
    ///
    /// # Errors
    /// Any [`LoadError`]; [`LoadError::Refused`] if the status is no success.
    pub async fn status(&mut self) -> Result<u16, LoadError> {
        self.len = 0;
        loop {
            let read = &self.buffer[..self.len];
            if read.windows(4).any(|window| window == b"\r\n\r\n") {
                let status = parse_status(read).ok_or_else(|| self.unreadable(NO_HTTP.to_owned()))?;
                return match status {
                    200..300 => Ok(status),
                    _ => Err(LoadError::Refused { status, message: String::new() }),
                };
            }
            self.read_more().await?;
        }
    }

    /// Reads a body in chunks and puts them one behind the other, from `start` on; where it ends. Of the chunk behind a
    /// chunk only the first bytes are read along with it, so that next to nothing has to be moved.
    async fn read_chunks(&mut self, start: usize) -> Result<usize, LoadError> {
        let mut end = start;
        loop {
            let (line, size) = loop {
                match chunk_line(&self.buffer[end..self.len]).map_err(|it| self.unreadable(it))? {
                    Some(line) => break line,
                    None => self.read_up_to(self.len + 1, end + MAX_CHUNK_LINE).await?,
                }
            };
            if end - start + size > MAX_BODY_SIZE {
                return Err(self.unreadable(format!("its body has more than {MAX_BODY_SIZE} bytes")));
            }
            self.cut(end, line);
            end += size;
            let behind = end + LINE_END.len();
            self.read_up_to(behind, behind + MAX_CHUNK_LINE).await?;
            if &self.buffer[end..behind] != LINE_END {
                return Err(self.unreadable("a chunk has another size than it says".to_owned()));
            }
            self.cut(end, LINE_END.len());
            if size == 0 {
                return Ok(end);
            }
        }
    }

    /// Takes so many bytes out of what was read.
    fn cut(&mut self, at: usize, size: usize) {
        self.buffer.copy_within(at + size..self.len, at);
        self.len -= size;
    }

    /// Reads until there are at least `least` bytes, and no more than `most`.
    async fn read_up_to(&mut self, least: usize, most: usize) -> Result<(), LoadError> {
        if self.buffer.len() < least {
            self.buffer.resize(least.next_power_of_two(), 0);
        }
        while self.len < least {
            self.read(most).await?;
        }
        Ok(())
    }

    async fn read_more(&mut self) -> Result<(), LoadError> {
        self.read_up_to(self.len + 1, usize::MAX).await
    }

    async fn read(&mut self, most: usize) -> Result<(), LoadError> {
        let most = most.min(self.buffer.len());
        match self.stream.read(&mut self.buffer[self.len..most]).await {
            Ok(0) => Err(self.broken(io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => {
                self.len += count;
                Ok(())
            }
            Err(error) => Err(self.broken(error)),
        }
    }

    fn broken(&self, error: io::Error) -> LoadError {
        LoadError::Connection { address: self.address.clone(), error }
    }

    fn unreadable(&self, reason: String) -> LoadError {
        LoadError::Unreadable { address: self.address.clone(), reason }
    }
}

fn parse_status(bytes: &[u8]) -> Option<u16> {
    std::str::from_utf8(bytes.strip_prefix(b"HTTP/1.1 ")?.get(..3)?).ok()?.parse().ok()
}

/// The head of an answer, if all of it is there.
fn parse_head(bytes: &[u8]) -> Result<Option<Head>, String> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return if bytes.len() > MAX_HEAD_SIZE { Err("its head does not end".to_owned()) } else { Ok(None) };
    };
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| "its head is not text".to_owned())?;
    let status = parse_status(bytes).ok_or(NO_HTTP)?;
    let mut body = if status == 204 { Some(Length::Known(0)) } else { None };
    for (name, value) in head.lines().filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            body = value.trim().parse().ok().map(Length::Known);
        } else if name.eq_ignore_ascii_case("transfer-encoding")
            && value.trim().eq_ignore_ascii_case("chunked")
        {
            body = Some(Length::Chunked);
        }
    }
    match body {
        Some(Length::Known(size)) if size > MAX_BODY_SIZE => Err(format!("its body has {size} bytes")),
        Some(body) => Ok(Some(Head { status, size: end + 4, body })),
        None => Err("its length is not said".to_owned()),
    }
}

/// How many bytes the line takes that a chunk begins with, and how many the chunk has; if all of the line is there.
fn chunk_line(bytes: &[u8]) -> Result<Option<(usize, usize)>, String> {
    let bytes = &bytes[..bytes.len().min(MAX_CHUNK_LINE)];
    let Some(end) = bytes.windows(2).position(|window| window == LINE_END) else {
        return if bytes.len() < MAX_CHUNK_LINE { Ok(None) } else { Err(NO_CHUNK.to_owned()) };
    };
    let digits = std::str::from_utf8(&bytes[..end]).ok();
    let size = digits.and_then(|digits| usize::from_str_radix(digits, 16).ok());
    match size.filter(|size| *size <= MAX_BODY_SIZE) {
        Some(size) => Ok(Some((end + LINE_END.len(), size))),
        None => Err(NO_CHUNK.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_how_long_the_body_is() {
        let head = |status, size, body_size| Ok(Some(Head { status, size, body: Length::Known(body_size) }));
        let chunked = Ok(Some(Head { status: 200, size: 47, body: Length::Chunked }));
        for (text, expected) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello", head(200, 39, 12)),
            ("HTTP/1.1 204 No Content\r\n\r\n", head(204, 27, 0)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n", chunked),
            ("HTTP/1.1 200 OK\r\ncontent-length: 12\r\n", Ok(None)),
            ("HTTP/1.1 200 OK\r\n\r\n", Err("its length is not said".to_owned())),
            ("SSH-2.0-x\r\n\r\n", Err("it is not HTTP/1.1".to_owned())),
            (
                "HTTP/1.1 200\r\ncontent-length: 99999999999\r\n\r\n",
                Err("its body has 99999999999 bytes".to_owned()),
            ),
        ] {
            assert_eq!(parse_head(text.as_bytes()), expected, "{text:?}");
        }
    }
}
