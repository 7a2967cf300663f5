//! The client, which lives as long as the process.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use clock::Clock;
use jiff::{SignedDuration, Timestamp};

use crate::{
    ClientSettings, Endpoints, PageObserver, Retry, Rng, SignatureMethod,
    call::transport::Transport,
    credentials::CredentialCache,
    limits::{circuit_breaker::CircuitBreakers, rate_limiter::RateLimiter, retry::Budget},
};

/// The OpenAPI client. It lives as long as the process, pools connections, and holds no key except the tokens of
/// assumed roles.
#[derive(Debug)]
pub struct Client {
    pub(crate) transport: Transport,
    pub(crate) endpoints: Endpoints,
    pub(crate) signature: SignatureMethod,
    pub(crate) retry: Retry,
    pub(crate) budget: Budget,
    pub(crate) rate_limiter: RateLimiter,
    pub(crate) circuit_breakers: CircuitBreakers,
    pub(crate) credential_cache: CredentialCache,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    /// Whether anything but a read is refused before it is signed.
    pub(crate) is_read_only: bool,
    /// How many pages of a long list are asked for together.
    pub(crate) pages_at_once: usize,
    /// Learns of each page of a list, if anybody does.
    pub(crate) page_observer: Option<Arc<dyn PageObserver>>,
    /// How far the server's clock is ahead of the local clock, in milliseconds. Zero until a call fails because of the
    /// clock.
    pub(crate) clock_offset: AtomicI64,
    /// Whether Resource Directory answered at the site that the region does not suggest.
    pub(crate) is_at_other_site: AtomicBool,
}

impl Client {
    /// Creates a client from `settings`.
    #[must_use]
    pub fn new(settings: ClientSettings, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self {
            transport: Transport::new(settings.extra_roots),
            endpoints: settings.endpoints,
            signature: settings.signature,
            retry: Retry::default(),
            budget: Budget::new(),
            rate_limiter: RateLimiter::new(settings.quotas),
            circuit_breakers: CircuitBreakers::default(),
            credential_cache: CredentialCache::default(),
            clock,
            rng,
            is_read_only: false,
            pages_at_once: 1,
            page_observer: None,
            clock_offset: AtomicI64::new(0),
            is_at_other_site: AtomicBool::new(false),
        }
    }

    /// Replaces the retry settings.
    #[must_use]
    pub fn with_retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    /// Sends requests with `http`, which [`crate::http_client`] builds, instead of with a client that trusts the public
    /// roots and uses no proxy. For programs on people's machines: in a function this would be code without a use.
    #[must_use]
    pub fn with_http(self, http: reqwest::Client) -> Self {
        Self { transport: Transport::over(http), ..self }
    }

    /// Refuses every call but `Describe…`, `List…`, `Get…`, `AssumeRole` and `AssumeRoleWithOIDC`. Nothing else is even
    /// signed, so a program that only shows things cannot change any, whatever its code asks for.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self { is_read_only: true, ..self }
    }

    /// Asks for this many pages of a long list together, once its first page has said how long it is, in sessions that are
    /// [`crate::Session::best_effort`]. Each takes a connection and memory. Quotas are kept all the same.
    #[must_use]
    pub fn with_pages_at_once(self, pages: NonZeroUsize) -> Self {
        Self { pages_at_once: pages.get(), ..self }
    }

    /// Returns whether the client is [`Self::read_only`].
    #[must_use]
    pub const fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// Tells `observer` of each page of a list that is read.
    #[must_use]
    pub fn observed_by(self, observer: Arc<dyn PageObserver>) -> Self {
        Self { page_observer: Some(observer), ..self }
    }

    /// Returns the current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn server_time(&self) -> Timestamp {
        let offset = SignedDuration::from_millis(self.clock_offset.load(Ordering::Relaxed));
        let now = self.clock.now();
        now.checked_add(offset).unwrap_or(now)
    }
}
