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
/// How much of a refusal is shown.
const MAX_MESSAGE_SIZE: usize = 400;

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
    body_size: usize,
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
        let end = head.size + head.body_size;
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        while self.len < end {
            self.read_more().await?;
        }
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

    async fn read_more(&mut self) -> Result<(), LoadError> {
        if self.len == self.buffer.len() {
            self.buffer.resize(self.len * 2, 0);
        }
        match self.stream.read(&mut self.buffer[self.len..]).await {
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
    let mut body_size = if status == 204 { Some(0) } else { None };
    for (name, value) in head.lines().filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            body_size = value.trim().parse().ok();
        }
    }
    match body_size {
        Some(body_size) if body_size <= MAX_BODY_SIZE => Ok(Some(Head { status, size: end + 4, body_size })),
        Some(body_size) => Err(format!("its body has {body_size} bytes")),
        None => Err("its length is not said".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_how_long_the_body_is() {
        let head = |status, size, body_size| Ok(Some(Head { status, size, body_size }));
        for (text, expected) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello", head(200, 39, 12)),
            ("HTTP/1.1 204 No Content\r\n\r\n", head(204, 27, 0)),
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
