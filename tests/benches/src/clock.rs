//! The machine's clock. Measurements need the real time.

use std::time::{Duration, Instant};

/// Returns the current time.
#[expect(clippy::disallowed_methods, reason = "time is what is measured")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Sleeps, so that the measured process has the processor to itself.
#[expect(clippy::disallowed_methods, reason = "there is no invocation in this process to be blocked")]
pub(crate) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}
