//! The machine's clock, which is what a measurement is about.

use std::time::{Duration, Instant};

/// Now.
#[expect(clippy::disallowed_methods, reason = "time is what is measured")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Waits, so that what is waited for has the processor to itself.
#[expect(clippy::disallowed_methods, reason = "there is no invocation in this process to be blocked")]
pub(crate) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}
