//! One call: signing, sending, reading the response, and its errors.

pub(crate) mod access_denied;
pub(crate) mod codes;
pub(crate) mod error;
pub(crate) mod pipeline;
pub(crate) mod redact;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod transport;
