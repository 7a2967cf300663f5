//! The response to a successful invocation.

use bytes::Bytes;
use serde::Serialize;

use crate::Failure;

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
        match serde_json::to_vec(value) {
            Ok(body) => Ok(Self { body: body.into() }),
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
