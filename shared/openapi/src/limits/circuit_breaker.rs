//! Circuit breakers stop calls to a service that is down: more calls would only add to its load and use up the
//! invocation's time.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use flow_log::RegionId;
use jiff::Timestamp;

use crate::Product;

/// How many failures in a row open the circuit. A single call with its retries takes about 15 seconds to reach this.
const MAX_FAILURES: u32 = 10;
/// How long the circuit stays open at first. Each failed probe doubles it, up to [`MAX_PAUSE`].
const MIN_PAUSE: Duration = Duration::from_secs(5);
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// How long to wait for a probe before another one is allowed: a probe that was canceled never reports back.
const MAX_PROBE_TIME: Duration = Duration::from_secs(15);

/// The error for a service whose circuit is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) failures: u32,
    pub(crate) retry_in: Duration,
    pub(crate) last: String,
}

#[derive(Debug)]
struct Circuit {
    failures: u32,
    last: String,
    /// When the next probe is allowed, if the circuit is open.
    open_until: Option<Timestamp>,
    pause: Duration,
    is_probed: bool,
}

/// The circuits of all sessions of a client. A closed circuit without failures is not stored.
#[derive(Debug, Default)]
pub(crate) struct CircuitBreakers(Mutex<HashMap<(Product, RegionId), Circuit>>);

impl CircuitBreakers {
    /// Decides whether a call may be made. After the pause, one call is let through as a probe.
    pub(crate) fn admit(&self, product: Product, region: &RegionId, now: Timestamp) -> Result<(), Open> {
        let mut circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The common case: no failures anywhere.
        if circuits.is_empty() {
            return Ok(());
        }
        let Some(circuit) = circuits.get_mut(&(product, region.clone())) else { return Ok(()) };
        let Some(until) = circuit.open_until else { return Ok(()) };
        let retry_in = clock::until(now, until);
        // A state this old says nothing about the service now, and concurrent calls would all wait for one probe. A
        // wait longer than the maximum means that the clock was set back.
        if clock::until(until, now) > MAX_PAUSE || retry_in > MAX_PAUSE {
            circuits.remove(&(product, region.clone()));
            return Ok(());
        }
        if retry_in.is_zero() {
            circuit.is_probed = true;
            circuit.open_until = now.checked_add(MAX_PROBE_TIME).ok();
            return Ok(());
        }
        Err(Open { failures: circuit.failures, retry_in, last: circuit.last.clone() })
    }

    /// Records that the service answered.
    pub(crate) fn record_success(&self, product: Product, region: &RegionId) {
        let mut circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !circuits.is_empty() {
            circuits.remove(&(product, region.clone()));
        }
    }

    /// Records that the service did not answer, or answered with a server error.
    pub(crate) fn record_failure(&self, product: Product, region: &RegionId, now: Timestamp, why: String) {
        let mut circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let circuit = circuits.entry((product, region.clone())).or_insert(Circuit {
            failures: 0,
            last: String::new(),
            open_until: None,
            pause: MIN_PAUSE,
            is_probed: false,
        });
        circuit.failures = circuit.failures.saturating_add(1);
        circuit.last = why;
        let is_over = match circuit.open_until {
            None => circuit.failures >= MAX_FAILURES,
            // Calls that were in flight when the circuit opened tell nothing new.
            Some(_) => circuit.is_probed,
        };
        if !is_over {
            return;
        }
        if circuit.is_probed {
            circuit.pause = MAX_PAUSE.min(circuit.pause * 2);
        }
        circuit.is_probed = false;
        circuit.open_until = now.checked_add(circuit.pause).ok();
        tracing::warn!(
            pause_ms = circuit.pause.as_millis() as u64,
            "{product} in {region} is left alone: {}",
            circuit.last
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn opened() -> (CircuitBreakers, RegionId) {
        let (circuits, region) = (CircuitBreakers::default(), "cn-hangzhou".parse().unwrap());
        for nth in 1..=MAX_FAILURES {
            assert_eq!(circuits.admit(Product::Vpc, &region, at(0)), Ok(()), "{nth}");
            circuits.record_failure(Product::Vpc, &region, at(0), format!("failure {nth}"));
        }
        (circuits, region)
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_says_why() {
        let (circuits, region) = opened();
        let open = circuits.admit(Product::Vpc, &region, at(1)).unwrap_err();
        assert_eq!(open, Open { failures: 10, retry_in: Duration::from_secs(4), last: "failure 10".to_owned() });
        assert_eq!(circuits.admit(Product::Ecs, &region, at(1)), Ok(()));
        assert_eq!(circuits.admit(Product::Vpc, &"cn-beijing".parse().unwrap(), at(1)), Ok(()));
    }

    #[test]
    fn an_answer_in_between_starts_the_count_anew() {
        let (circuits, region) = (CircuitBreakers::default(), "cn-hangzhou".parse().unwrap());
        for nth in 0..MAX_FAILURES * 3 {
            if nth % (MAX_FAILURES - 1) == 0 {
                circuits.record_success(Product::Vpc, &region);
            }
            circuits.record_failure(Product::Vpc, &region, at(0), String::new());
            assert_eq!(circuits.admit(Product::Vpc, &region, at(0)), Ok(()));
        }
    }

    #[test]
    fn one_probe_at_a_time_finds_out_whether_the_service_is_back() {
        let (circuits, region) = opened();
        assert_eq!(circuits.admit(Product::Vpc, &region, at(5)), Ok(()));
        assert!(circuits.admit(Product::Vpc, &region, at(5)).is_err(), "one is under way");
        circuits.record_failure(Product::Vpc, &region, at(6), String::new());
        let open = circuits.admit(Product::Vpc, &region, at(6)).unwrap_err();
        assert_eq!(open.retry_in, MIN_PAUSE * 2);
        assert_eq!(circuits.admit(Product::Vpc, &region, at(16)), Ok(()));
        circuits.record_success(Product::Vpc, &region);
        for _ in 0..3 {
            assert_eq!(circuits.admit(Product::Vpc, &region, at(16)), Ok(()));
        }
    }

    #[test]
    fn what_is_long_past_holds_nobody_up() {
        for now in [5 + 61, -61] {
            let (circuits, region) = opened();
            for _ in 0..3 {
                assert_eq!(circuits.admit(Product::Vpc, &region, at(now)), Ok(()), "{now}");
            }
        }
    }

    #[test]
    fn a_probe_that_was_given_up_does_not_shut_it_for_good() {
        let (circuits, region) = opened();
        assert_eq!(circuits.admit(Product::Vpc, &region, at(5)), Ok(()));
        assert!(circuits.admit(Product::Vpc, &region, at(19)).is_err());
        assert_eq!(circuits.admit(Product::Vpc, &region, at(20)), Ok(()));
    }
}
