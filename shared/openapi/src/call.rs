//! One call: signing, sending, reading the response, and its errors.

pub(crate) mod access_denied;
mod advice;
pub(crate) mod codes;
pub(crate) mod counter;
pub(crate) mod error;
pub(crate) mod error_kind;
pub(crate) mod pipeline;
pub(crate) mod redact;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod response_object;
mod site;
pub(crate) mod transport;
pub(crate) mod unreadable_item;
