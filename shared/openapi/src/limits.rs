//! Limits the load that calls put on a service: quotas, retries and circuit breakers.

pub(crate) mod circuit_breaker;
pub(crate) mod rate_limiter;
pub(crate) mod retry;
