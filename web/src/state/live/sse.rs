//! Server-sent events out of bytes that come in pieces, cut anywhere.
//!
//! Invariants:
//! - However the bytes are cut, the same messages come out.
//! - What is not a whole message yet is bounded: a stream that never ends one is refused.

use std::mem;

/// The most bytes that one message may have. A snapshot of a thousand segments has a tenth of a megabyte.
const MAX_MESSAGE: usize = 8 << 20;

/// A message of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// Its name; `message` if it was given none.
    pub(crate) event: String,
    pub(crate) data: String,
    /// The last id up to here, if there was one: what to come back with.
    pub(crate) id: Option<String>,
}

/// A message was larger than is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Takes bytes and gives messages.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    /// The line that has not ended yet.
    line: Vec<u8>,
    /// The last byte was a carriage return: a line feed that follows belongs to it.
    after_return: bool,
    /// The first line has been seen; it may begin with a byte order mark.
    begun: bool,
    event: String,
    data: String,
    id: Option<String>,
}

impl Parser {
    /// Takes the bytes that come next, and gives the messages that end in them.
    ///
    /// # Errors
    /// If a message gets too large; what comes after has no meaning any more.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Message>, TooLarge> {
        let mut messages = Vec::new();
        for &byte in bytes {
            match byte {
                b'\n' if mem::take(&mut self.after_return) => {}
                b'\n' | b'\r' => {
                    self.after_return = byte == b'\r';
                    messages.extend(self.end_line());
                }
                _ => {
                    self.after_return = false;
                    self.line.push(byte);
                }
            }
            if self.line.len() + self.data.len() > MAX_MESSAGE {
                return Err(TooLarge);
            }
        }
        Ok(messages)
    }

    /// A line is whole; an empty one ends the message.
    fn end_line(&mut self) -> Option<Message> {
        let line = mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let line =
            if mem::replace(&mut self.begun, true) { &*line } else { line.trim_start_matches('\u{feff}') };
        if line.is_empty() {
            return self.end_message();
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.event),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            // A comment, which keeps the connection alive, or a field that this page does not know.
            _ => {}
        }
        None
    }

    fn end_message(&mut self) -> Option<Message> {
        let (event, mut data) = (mem::take(&mut self.event), mem::take(&mut self.data));
        data.pop()?;
        let event = if event.is_empty() { "message".to_owned() } else { event };
        Some(Message { event, data, id: self.id.clone() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(event: &str, data: &str, id: Option<&str>) -> Message {
        Message { event: event.to_owned(), data: data.to_owned(), id: id.map(str::to_owned) }
    }

    const STREAM: &str = "\u{feff}: hello\n\nid: 7-1\nevent: snapshot\ndata: {\"a\":\"ü\"}\n\n:\r\n\r\nid: 7-2\r\nevent: log\r\n\
        data: one\r\ndata:two\r\n\r\ndata: \u{1F600}\rretry: 5\r\rdata\n\nevent: log\n\nid\nunknown: x\ndata:  last\n\ndata: cut off";

    fn expected() -> Vec<Message> {
        vec![
            message("snapshot", "{\"a\":\"ü\"}", Some("7-1")),
            message("log", "one\ntwo", Some("7-2")),
            message("message", "\u{1F600}", Some("7-2")),
            message("message", "", Some("7-2")),
            message("message", " last", Some("")),
        ]
    }

    #[test]
    fn messages_come_out_as_the_standard_has_it() {
        assert_eq!(Parser::default().push(STREAM.as_bytes()), Ok(expected()));
    }

    proptest! {
        #[test]
        fn wherever_the_bytes_are_cut_the_messages_are_the_same(mut cuts in proptest::collection::vec(0..=STREAM.len(), 0..40)) {
            cuts.extend([0, STREAM.len()]);
            cuts.sort_unstable();
            let mut parser = Parser::default();
            let mut messages = Vec::new();
            for cut in cuts.windows(2) {
                messages.extend(parser.push(&STREAM.as_bytes()[cut[0]..cut[1]]).unwrap());
            }
            prop_assert_eq!(messages, expected());
        }

        #[test]
        fn no_bytes_are_too_strange(bytes: Vec<u8>) {
            let mut parser = Parser::default();
            let _ = parser.push(&bytes);
        }
    }

    #[test]
    fn a_message_without_an_end_is_refused() {
        let mut parser = Parser::default();
        let line = [b"data: ".as_slice(), &[b'x'; 1 << 20], b"\n"].concat();
        let refused = (0..9).map(|_| parser.push(&line)).find(Result::is_err);
        assert_eq!(refused, Some(Err(TooLarge)));
    }
}
