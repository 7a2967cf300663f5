//! The part of HTTP/1.1 that both ends of a measurement need: consecutive messages with a `Content-Length`.

use std::{
    io::{self, Read},
    ops::Range,
};

/// Reads whole messages from a connection.
pub(crate) struct Messages<S> {
    pub(crate) stream: S,
    buffer: Vec<u8>,
    /// The part of the buffer that has been read, but not returned yet.
    held: Range<usize>,
}

/// A message: its head and body.
pub(crate) struct Message<'a> {
    pub(crate) head: &'a [u8],
    pub(crate) body: &'a [u8],
}

impl<S: Read> Messages<S> {
    /// Creates a reader of messages from `stream`.
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, buffer: vec![0; 64 * 1024], held: 0..0 }
    }

    /// Returns the next message, or `None` if the other side has closed the connection.
    pub(crate) fn next(&mut self) -> io::Result<Option<Message<'_>>> {
        let held = self.held.len();
        self.buffer.copy_within(self.held.clone(), 0);
        self.held = 0..held;
        let body_at = loop {
            if let Some(at) = find(&self.buffer[self.held.clone()], b"\r\n\r\n") {
                break at + 4;
            }
            if !self.read_more()? {
                return Ok(None);
            }
        };
        let end = body_at + content_length(&self.buffer[..body_at]);
        while self.held.end < end {
            if !self.read_more()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        self.held.start = end;
        let (head, rest) = self.buffer.split_at(body_at);
        Ok(Some(Message { head, body: &rest[..end - body_at] }))
    }

    fn read_more(&mut self) -> io::Result<bool> {
        if self.held.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let read = self.stream.read(&mut self.buffer[self.held.end..])?;
        self.held.end += read;
        Ok(read > 0)
    }
}

/// Returns the position of `needle` in `bytes`.
pub(crate) fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

/// The length of the body according to the head, or 0 by default.
fn content_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head);
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_arrive_together_are_handed_out_one_by_one() {
        let sent = b"A\r\nContent-Length: 2\r\n\r\nhiB\r\ncontent-length:0\r\n\r\n";
        let mut messages = Messages::new(sent.as_slice());
        assert_eq!(messages.next().unwrap().unwrap().body, b"hi");
        assert!(messages.next().unwrap().unwrap().head.starts_with(b"B\r\n"));
        assert!(messages.next().unwrap().is_none());
    }

    #[test]
    fn a_message_may_be_larger_than_the_buffer() {
        let body = "x".repeat(300_000);
        let sent = format!("A\r\nContent-Length: 300000\r\n\r\n{body}");
        let mut messages = Messages::new(sent.as_bytes());
        assert_eq!(messages.next().unwrap().unwrap().body, body.as_bytes());
    }
}
