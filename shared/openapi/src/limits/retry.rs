//! Retry settings, backoff and the retry budget.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use crate::ErrorKind;

/// How patiently a call is retried. Retries end with the session's deadline.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// The backoff before the second attempt. Each further wait is about twice as long.
    pub first_delay: Duration,
    /// The same after a throttled call, which only time can help.
    pub first_delay_throttled: Duration,
    /// The longest wait between two tries.
    pub max_delay: Duration,
    /// How long a call is retried if the session has no deadline.
    pub give_up_after: Duration,
    /// How often a write is attempted, including the first time, if the resource's state does not allow it. After that
    /// the caller reads again: another caller may already have made the change.
    pub max_conflicts: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            first_delay: Duration::from_millis(100),
            first_delay_throttled: Duration::from_millis(500),
            max_delay: Duration::from_secs(5),
            give_up_after: Duration::from_secs(60),
            max_conflicts: 5,
        }
    }
}

impl Retry {
    /// Returns the backoff after attempt number `tries`, at least what the server asked for, or `None` after enough
    /// attempts. Jittered by `chance`, so that clients throttled together do not come back together.
    pub(crate) fn delay(
        &self,
        tries: u32,
        kind: ErrorKind,
        asked_for: Option<Duration>,
        chance: u64,
    ) -> Option<Duration> {
        if kind == ErrorKind::Conflict && tries >= self.max_conflicts {
            return None;
        }
        let first = if kind == ErrorKind::Throttled { self.first_delay_throttled } else { self.first_delay };
        let ceiling = first.saturating_mul(2_u32.saturating_pow(tries.max(1))).min(self.max_delay);
        let half = ceiling / 2;
        let jitter = half.mul_f64(chance as f64 / u64::MAX as f64);
        Some((half + jitter).max(asked_for.unwrap_or_default()))
    }
}

/// A token bucket that retries spend and successes refill: while most calls fail, retries only add to the load.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Budget {
    const MAX_TOKENS: u32 = 500;
    const RETRY_COST: u32 = 5;

    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(Self::MAX_TOKENS))
    }

    /// Spends tokens for a retry. Returns whether there were enough.
    pub(crate) fn spend(&self) -> bool {
        self.0.try_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| tokens.checked_sub(Self::RETRY_COST)).is_ok()
    }

    pub(crate) fn earn(&self) {
        _ = self.0.try_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| {
            (tokens < Self::MAX_TOKENS).then_some(tokens + 1)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOWN: ErrorKind = ErrorKind::Transient;

    #[test]
    fn each_wait_is_about_twice_the_one_before_up_to_a_longest_one() {
        let retry = Retry::default();
        for chance in (0..=100).map(|percent| u64::MAX / 100 * percent) {
            let mut base = retry.first_delay;
            for tries in 1..200 {
                let delay = retry.delay(tries, DOWN, None, chance).unwrap();
                assert!((base..=base * 2).contains(&delay), "{tries}: {delay:?}, not {base:?} or twice as long");
                base = (base * 2).min(retry.max_delay / 2);
            }
        }
    }

    #[test]
    fn what_is_in_conflict_is_tried_a_few_times_and_then_looked_at() {
        let retry = Retry::default();
        let tries = (1..).take_while(|tries| retry.delay(*tries, ErrorKind::Conflict, None, 0).is_some()).count();
        assert_eq!(tries, 4);
    }

    #[test]
    fn two_throttled_clients_do_not_come_back_together() {
        let retry = Retry::default();
        for tries in [1, 5, 50] {
            let [one, other] =
                [0, u64::MAX / 2].map(|chance| retry.delay(tries, ErrorKind::Throttled, None, chance).unwrap());
            assert_ne!(one, other);
            assert!(one >= retry.first_delay_throttled);
        }
    }

    #[test]
    fn the_server_is_given_the_time_that_it_asks_for() {
        let asked_for = Duration::from_secs(30);
        assert_eq!(Retry::default().delay(1, ErrorKind::Throttled, Some(asked_for), 0), Some(asked_for));
    }

    #[test]
    fn the_budget_runs_out_and_is_earned_back() {
        let budget = Budget::new();
        let retries = (0..1000).take_while(|_| budget.spend()).count();
        assert_eq!(retries, 100);
        for _ in 0..Budget::RETRY_COST {
            budget.earn();
        }
        assert!(budget.spend() && !budget.spend());
    }
}
