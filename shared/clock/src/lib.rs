//! Time as an argument.
//!
//! A component takes a [`Clock`], so a test decides what time it is and how long a wait takes. Only [`SystemClock`] asks
//! the machine.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use jiff::Timestamp;

/// The source of the current time, and of waits.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the current time.
    fn now(&self) -> Timestamp;

    /// Sleeps for `duration`.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The machine's clock. It sleeps on tokio's timer.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    fn now(&self) -> Timestamp {
        // A time outside the years -9999 to 9999 is invalid. With the epoch instead, every call fails with a clear
        // reason.
        std::time::SystemTime::now().try_into().unwrap_or_default()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that waits")]
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Returns the time from `now` to `then`, or zero if `then` has passed.
#[must_use]
pub fn until(now: Timestamp, then: Timestamp) -> Duration {
    then.duration_since(now).try_into().unwrap_or(Duration::ZERO)
}
