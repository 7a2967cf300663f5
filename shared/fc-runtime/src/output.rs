//! The response to a successful invocation.

use std::io;

use bytes::Bytes;
use serde::Serialize;

use crate::Failure;

/// The size up to which a body grows without being moved: most reports are smaller.
const USUAL_SIZE: usize = 1024;

/// The JSON body of a successful invocation: HTTP 200 with `x-fc-status: 200`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    body: Bytes,
}

impl Output {
    /// Creates an output whose body is `value` as JSON.
    ///
    /// # Errors
    /// [`Failure`] of type `AnswerNotSerializable` if `value` cannot be written as JSON, for instance a map whose keys
    /// are not text.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, Failure> {
        let mut body = Body(Vec::with_capacity(USUAL_SIZE));
        match serde_json::to_writer(&mut body, value) {
            Ok(()) => Ok(Self { body: body.0.into() }),
            Err(error) => Err(Failure::from_error("AnswerNotSerializable", &error)),
        }
    }

    /// Returns the body as sent.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    pub(crate) fn into_body(self) -> Bytes {
        self.body
    }
}

/// A body that is being written. JSON is written in many pieces, and most are a single character.
struct Body(Vec<u8>);

impl io::Write for Body {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.write_all(piece)?;
        Ok(piece.len())
    }

    fn write_all(&mut self, piece: &[u8]) -> io::Result<()> {
        match piece {
            [character] => self.0.push(*character),
            _ => self.0.extend_from_slice(piece),
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
