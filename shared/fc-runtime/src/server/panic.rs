//! Turns panics into failures and log lines.

use std::{
    any::Any,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind, set_hook},
    pin::pin,
    task::Poll,
};

use tracing::error;

use crate::Failure;

/// The maximum length of a panic message in a response, in bytes: a failure has to fit into a dead letter.
const MAX_MESSAGE_BYTES: usize = 4 << 10;

/// Runs `future`, and turns a panic into a failure.
///
/// Everything the panic left half done is dropped with the future. If a function shares state between invocations, the
/// standard library's poisoned locks report the panic.
pub(crate) async fn catch_panic<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let mut future = pin!(future);
    poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)))
            .unwrap_or_else(|panic| Poll::Ready(Err(failure(panic.as_ref()))))
    })
    .await
}

/// Returns the failure for a panic, with its message.
pub(crate) fn failure(panic: &(dyn Any + Send)) -> Failure {
    let message = panic
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("something that is not text");
    // The log contains more of it.
    let message = &message[..message.floor_char_boundary(MAX_MESSAGE_BYTES)];
    Failure::new("Panic", format!("panicked: {message}"))
}

/// Logs panics like everything else, as one line with the request id, instead of printing them to stderr.
pub(crate) fn log_panics() {
    set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("something that is not text");
        match panic.location() {
            Some(place) => error!(place = %place, "panicked: {message}"),
            None => error!("panicked: {message}"),
        }
    }));
}
