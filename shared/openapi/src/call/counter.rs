//! Counts the calls of one unit of work.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Counts calls. Clones count together, so the sessions of one unit of work can share one.
#[derive(Debug, Clone, Default)]
pub struct CallCounter(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    calls: AtomicU64,
    writes: AtomicU64,
    retries: AtomicU64,
    throttles: AtomicU64,
    wait_ms: AtomicU64,
}

/// The calls of one unit of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallCounts {
    /// Requests that were sent, each attempt by itself.
    pub calls: u64,
    /// Those that were no reads.
    pub writes: u64,
    /// How often a call was tried again after a wait.
    pub retries: u64,
    /// Answers that refused a call because there were too many.
    pub throttles: u64,
    /// How long calls waited: for a quota, before they were tried again, and for a change of state. The waits of calls
    /// that wait at the same time add up.
    pub wait: Duration,
}

impl CallCounter {
    /// Returns the counts so far.
    #[must_use]
    pub fn counts(&self) -> CallCounts {
        let Counters { calls, writes, retries, throttles, wait_ms } = &*self.0;
        let [calls, writes, retries, throttles, wait_ms] =
            [calls, writes, retries, throttles, wait_ms].map(|counter| counter.load(Ordering::Relaxed));
        CallCounts { calls, writes, retries, throttles, wait: Duration::from_millis(wait_ms) }
    }

    pub(crate) fn count_call(&self, is_read: bool) {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        if !is_read {
            self.0.writes.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn count_retry(&self) {
        self.0.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_throttle(&self) {
        self.0.throttles.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_wait(&self, wait: Duration) {
        self.0.wait_ms.fetch_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}
