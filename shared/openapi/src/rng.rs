//! Randomness as an argument: for nonces, client tokens and jitter.

use std::{fmt, sync::LazyLock};

use rustls::crypto::{SecureRandom, ring};

/// The source of random numbers. Tests replace it to control them.
pub trait Rng: fmt::Debug + Send + Sync {
    /// Returns an unpredictable number that does not repeat.
    fn random(&self) -> u128;
}

/// The operating system's random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRng;

impl Rng for OsRng {
    fn random(&self) -> u128 {
        // Cached, because each provider allocates its own cipher lists.
        static RANDOM: LazyLock<&dyn SecureRandom> = LazyLock::new(|| ring::default_provider().secure_random);
        let mut bytes = [0; 16];
        #[expect(clippy::expect_used, reason = "a Linux that gives no random bytes can do no TLS either")]
        RANDOM.fill(&mut bytes).expect("random bytes of the machine");
        u128::from_ne_bytes(bytes)
    }
}
