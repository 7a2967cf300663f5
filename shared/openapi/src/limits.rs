//! How much load calls put on a service: quotas, retries, and leaving alone what is down.

pub(crate) mod circuit_breaker;
pub(crate) mod rate_limiter;
pub(crate) mod retry;
