//! Where the time of day comes from.

use jiff::Timestamp;

/// The time of day, asked for whenever a request arrives or a line is logged.
///
/// Waiting is not its business: that is done on tokio's clock, which a test can pause.
pub trait Clock: Send + Sync + 'static {
    /// What time it is now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
