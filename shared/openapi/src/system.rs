//! What the client needs from the machine: time, sleep and randomness.

use std::{fmt, future::Future, pin::Pin, sync::LazyLock, time::Duration};

use jiff::Timestamp;
use rustls::crypto::{SecureRandom, ring};

/// The machine as the client sees it. Tests replace it to control time and randomness.
pub trait System: fmt::Debug + Send + Sync {
    /// Returns the current time.
    fn now(&self) -> Timestamp;

    /// Sleeps for `duration`.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Returns an unpredictable number that does not repeat.
    fn random(&self) -> u128;
}

/// The real machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Machine;

impl System for Machine {
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

    fn random(&self) -> u128 {
        // Cached, because each provider allocates its own cipher lists.
        static RANDOM: LazyLock<&dyn SecureRandom> = LazyLock::new(|| ring::default_provider().secure_random);
        let mut bytes = [0; 16];
        #[expect(clippy::expect_used, reason = "a Linux that gives no random bytes can do no TLS either")]
        RANDOM.fill(&mut bytes).expect("random bytes of the machine");
        u128::from_ne_bytes(bytes)
    }
}
