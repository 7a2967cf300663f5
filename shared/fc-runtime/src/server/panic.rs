//! Panics, as failures and as log lines.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::pin::pin;
use std::task::Poll;

use tracing::error;

use crate::Failure;

/// The longest panic message that is answered, in bytes: a failure has to fit into a dead letter.
const MAX_MESSAGE: usize = 4 << 10;

/// Runs `future`, and makes a failure of its panic.
///
/// What the panic left half done is dropped with the future; a function that shares state between invocations has the
/// locks of the standard library to tell it.
pub(crate) async fn caught<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let mut future = pin!(future);
    poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)))
            .unwrap_or_else(|panic| Poll::Ready(Err(failure(panic.as_ref()))))
    })
    .await
}

/// The failure that a panic becomes, with what it said.
pub(crate) fn failure(panic: &(dyn Any + Send)) -> Failure {
    let said = panic
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("something that is not text");
    // The log has more of it.
    let said = &said[..said.floor_char_boundary(MAX_MESSAGE)];
    Failure::new("Panic", format!("panicked: {said}"))
}

/// Has a panic logged like everything else, as one line with the request id, and not printed raw on stderr.
pub(crate) fn log_panics() {
    set_hook(Box::new(|panic| {
        let said = panic.payload_as_str().unwrap_or("something that is not text");
        match panic.location() {
            Some(place) => error!(place = %place, "panicked: {said}"),
            None => error!("panicked: {said}"),
        }
    }));
}
