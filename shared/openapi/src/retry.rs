//! When to try again: how often, after how long, and out of which budget.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use backon::{BackoffBuilder as _, ExponentialBuilder};

use crate::Remedy;

/// How patient the client is with one call.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// How often a call is tried, the first time included.
    pub attempts: usize,
    /// How long it waits before the second try; each further wait is twice as long.
    pub first_delay: Duration,
    /// The same after a throttled call, which only time can help.
    pub first_delay_throttled: Duration,
    /// The longest wait.
    pub longest_delay: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_delay: Duration::from_millis(100),
            first_delay_throttled: Duration::from_millis(500),
            longest_delay: Duration::from_secs(5),
        }
    }
}

impl Retry {
    /// How long to wait before the try after the `tries`-th, at least what the server asked for; `None` when there
    /// have been enough. Jittered by `chance`, so that what was throttled together does not come back together.
    pub(crate) fn delay(
        &self,
        tries: usize,
        remedy: Remedy,
        asked_for: Option<Duration>,
        chance: u64,
    ) -> Option<Duration> {
        let first = if remedy == Remedy::SlowDown { self.first_delay_throttled } else { self.first_delay };
        let delay = ExponentialBuilder::new()
            .with_min_delay(first)
            .with_max_delay(self.longest_delay)
            .with_max_times(self.attempts.saturating_sub(1))
            .with_jitter()
            .with_jitter_seed(chance)
            .build()
            .nth(tries.saturating_sub(1))?;
        Some(delay.max(asked_for.unwrap_or_default()))
    }
}

/// Tokens that retries cost and successes earn: while most calls fail, retries only add to the load.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Budget {
    const FULL: u32 = 500;
    const COST: u32 = 5;

    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(Self::FULL))
    }

    /// Whether one more retry may be made.
    pub(crate) fn spend(&self) -> bool {
        self.0.try_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| tokens.checked_sub(Self::COST)).is_ok()
    }

    pub(crate) fn earn(&self) {
        _ = self
            .0
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| (tokens < Self::FULL).then_some(tokens + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_about_twice_the_one_before_and_there_is_a_last_one() {
        let retry = Retry::default();
        for chance in 0..100 {
            let delays: Vec<_> = (1..).map_while(|tries| retry.delay(tries, Remedy::TryAgain, None, chance)).collect();
            assert_eq!(delays.len(), retry.attempts - 1);
            for (nth, delay) in (0..).zip(&delays) {
                let base = retry.first_delay * 2_u32.pow(nth);
                assert!((base..=base * 2).contains(delay), "{delays:?}");
            }
        }
    }

    #[test]
    fn two_throttled_clients_do_not_come_back_together() {
        let retry = Retry::default();
        let [one, other] = [1, 2].map(|chance| retry.delay(1, Remedy::SlowDown, None, chance).unwrap());
        assert_ne!(one, other);
        assert!(one >= retry.first_delay_throttled);
    }

    #[test]
    fn the_server_is_given_the_time_that_it_asks_for() {
        let asked_for = Duration::from_secs(30);
        assert_eq!(Retry::default().delay(1, Remedy::SlowDown, Some(asked_for), 0), Some(asked_for));
    }

    #[test]
    fn the_budget_runs_out_and_is_earned_back() {
        let budget = Budget::new();
        let retries = (0..1000).take_while(|_| budget.spend()).count();
        assert_eq!(retries, 100);
        for _ in 0..Budget::COST {
            budget.earn();
        }
        assert!(budget.spend() && !budget.spend());
    }
}
