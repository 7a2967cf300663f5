//! What the client asks of the machine: the time, to wait, and chance.

use std::{fmt, future::Future, pin::Pin, sync::LazyLock, time::Duration};

use jiff::Timestamp;
use rustls::crypto::{SecureRandom, ring};

/// The machine as the client sees it, so that a test can let time pass and throw the dice itself.
pub trait System: fmt::Debug + Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Waits.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// A number nobody can guess and nobody had before.
    fn random(&self) -> u128;
}

/// The real one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Machine;

impl System for Machine {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    fn now(&self) -> Timestamp {
        // A clock outside the years -9999 to 9999 is no clock; the epoch then makes every call fail with the reason.
        std::time::SystemTime::now().try_into().unwrap_or_default()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that waits")]
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn random(&self) -> u128 {
        // Kept, as each provider comes with lists of its own.
        static RANDOM: LazyLock<&dyn SecureRandom> = LazyLock::new(|| ring::default_provider().secure_random);
        let mut bytes = [0; 16];
        #[expect(clippy::expect_used, reason = "a Linux that gives no random bytes can do no TLS either")]
        RANDOM.fill(&mut bytes).expect("random bytes of the machine");
        u128::from_ne_bytes(bytes)
    }
}
