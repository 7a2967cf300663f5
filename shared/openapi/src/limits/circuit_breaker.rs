//! Leaves a service alone that is down: calling on only adds to its load, and costs the time of the invocation.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use flow_log::RegionId;
use jiff::Timestamp;

use crate::{Product, limits::rate_limiter::between};

/// After so many failures in a row the circuit is open. One call alone takes a quarter of a minute to that.
const FAILURES: u32 = 10;
/// How long it stays open at first. Each probe in vain doubles that, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How long a probe may take before another one is let through: one that was given up reports nothing.
const PROBE: Duration = Duration::from_secs(15);

/// A service that is left alone for now.
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
    /// Until when nothing is let through, once it is open.
    shut_until: Option<Timestamp>,
    pause: Duration,
    is_probed: bool,
}

/// The circuits of all sessions of a client. One that is closed and without failures is not kept.
#[derive(Debug, Default)]
pub(crate) struct Circuits(Mutex<HashMap<(Product, RegionId), Circuit>>);

impl Circuits {
    /// Lets a call through, or not. After the pause one is let through to see whether the service is back.
    pub(crate) fn admit(&self, product: Product, region: &RegionId, now: Timestamp) -> Result<(), Open> {
        let mut circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Mostly there is none, and nothing to look up.
        if circuits.is_empty() {
            return Ok(());
        }
        let Some(circuit) = circuits.get_mut(&(product, region.clone())) else { return Ok(()) };
        let Some(until) = circuit.shut_until else { return Ok(()) };
        let retry_in = between(now, until);
        // What is older says nothing of the service now, and several that come together would wait for the probe of one
        // of them. Longer than the longest is from before the clock was put back.
        if between(until, now) > LONGEST_PAUSE || retry_in > LONGEST_PAUSE {
            circuits.remove(&(product, region.clone()));
            return Ok(());
        }
        if retry_in.is_zero() {
            circuit.is_probed = true;
            circuit.shut_until = now.checked_add(PROBE).ok();
            return Ok(());
        }
        Err(Open { failures: circuit.failures, retry_in, last: circuit.last.clone() })
    }

    /// Notes that the service answered.
    pub(crate) fn answered(&self, product: Product, region: &RegionId) {
        let mut circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !circuits.is_empty() {
            circuits.remove(&(product, region.clone()));
        }
    }

    /// Notes that it did not, or that it answered with a fault of its own.
    pub(crate) fn failed(&self, product: Product, region: &RegionId, now: Timestamp, why: String) {
        let mut circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let circuit = circuits.entry((product, region.clone())).or_insert(Circuit {
            failures: 0,
            last: String::new(),
            shut_until: None,
            pause: FIRST_PAUSE,
            is_probed: false,
        });
        circuit.failures = circuit.failures.saturating_add(1);
        circuit.last = why;
        let is_over = match circuit.shut_until {
            None => circuit.failures >= FAILURES,
            // Of the calls that were under way when it opened, nothing more is learnt.
            Some(_) => circuit.is_probed,
        };
        if !is_over {
            return;
        }
        if circuit.is_probed {
            circuit.pause = LONGEST_PAUSE.min(circuit.pause * 2);
        }
        circuit.is_probed = false;
        circuit.shut_until = now.checked_add(circuit.pause).ok();
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

    fn opened() -> (Circuits, RegionId) {
        let (circuits, region) = (Circuits::default(), "cn-hangzhou".parse().unwrap());
        for nth in 1..=FAILURES {
            assert_eq!(circuits.admit(Product::Vpc, &region, at(0)), Ok(()), "{nth}");
            circuits.failed(Product::Vpc, &region, at(0), format!("failure {nth}"));
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
        let (circuits, region) = (Circuits::default(), "cn-hangzhou".parse().unwrap());
        for nth in 0..FAILURES * 3 {
            if nth % (FAILURES - 1) == 0 {
                circuits.answered(Product::Vpc, &region);
            }
            circuits.failed(Product::Vpc, &region, at(0), String::new());
            assert_eq!(circuits.admit(Product::Vpc, &region, at(0)), Ok(()));
        }
    }

    #[test]
    fn one_probe_at_a_time_finds_out_whether_the_service_is_back() {
        let (circuits, region) = opened();
        assert_eq!(circuits.admit(Product::Vpc, &region, at(5)), Ok(()));
        assert!(circuits.admit(Product::Vpc, &region, at(5)).is_err(), "one is under way");
        circuits.failed(Product::Vpc, &region, at(6), String::new());
        let open = circuits.admit(Product::Vpc, &region, at(6)).unwrap_err();
        assert_eq!(open.retry_in, FIRST_PAUSE * 2);
        assert_eq!(circuits.admit(Product::Vpc, &region, at(16)), Ok(()));
        circuits.answered(Product::Vpc, &region);
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
