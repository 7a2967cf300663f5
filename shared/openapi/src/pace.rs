//! How fast calls are made: within the quotas that the documents give, so that the server need not throttle.
//!
//! A GCRA of our own, some forty lines, rather than `governor`: time passes through [`crate::System`] alone, a claim
//! that would come too late must not be taken, and a server that says how long it wants to be left alone moves the
//! same hand.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use flow_log::{AccountId, RegionId};
use jiff::Timestamp;

use crate::Product;

/// How long a quota's window is.
const WINDOW: Duration = Duration::from_secs(60);

/// What one quota is about. No `action` means all of the product.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Lane {
    pub(crate) account: AccountId,
    pub(crate) region: RegionId,
    pub(crate) product: Product,
    pub(crate) action: Option<&'static str>,
}

/// How many calls a minute the documents allow an account in a region.
///
/// Where they say nothing, an operation is taken to be like its siblings.
const fn quota(product: Product, action: &str, is_write: bool) -> u32 {
    match product {
        Product::Vpc if is_tag_operation(action) => 300,
        Product::Vpc | Product::Ecs | Product::Sts => 600,
        Product::Ecr if is_write => 120,
        Product::Ecr => 300,
    }
}

const fn is_tag_operation(action: &str) -> bool {
    matches!(action.as_bytes(), b"TagResources" | b"UnTagResources" | b"ListTagResources")
}

/// The lanes of all sessions of a client.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<HashMap<Lane, Timestamp>>);

impl Pace {
    /// Takes a place in the lane and says how long to wait for it; `None`, and no place, where that is not before
    /// `at_most` is over.
    ///
    /// A tenth of a minute's quota may go at once, and the rest follows evenly, so that no minute holds more than the
    /// quota.
    pub(crate) fn claim(
        &self,
        lane: &Lane,
        is_write: bool,
        now: Timestamp,
        at_most: Option<Duration>,
    ) -> Option<Duration> {
        let quota = quota(lane.product, lane.action.unwrap_or_default(), is_write);
        let burst = quota / 10;
        let every = WINDOW / (quota - burst);
        let ahead = every * (burst - 1);

        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let whole_product = lanes.get(&Lane { action: None, ..lane.clone() }).copied();
        // The time at which the lane is empty. One far ahead is from before the clock was put back.
        let empty_at = lanes.get(lane).copied().filter(|at| between(now, *at) <= WINDOW * 2 + ahead).unwrap_or(now);
        let own = between(now, empty_at).saturating_sub(ahead);
        let wait = own.max(whole_product.map_or(Duration::ZERO, |at| between(now, at).min(WINDOW * 2)));
        if at_most.is_some_and(|at_most| !wait.is_zero() && wait >= at_most) {
            return None;
        }
        let empty_at = empty_at.max(now).checked_add(every).unwrap_or(now);
        lanes.insert(lane.clone(), empty_at);
        Some(wait)
    }

    /// Lets nothing into the lane before `now` and `wait` are over, as the server asked.
    pub(crate) fn hold(&self, lane: Lane, is_write: bool, now: Timestamp, wait: Duration) {
        let quota = quota(lane.product, lane.action.unwrap_or_default(), is_write);
        let burst = quota / 10;
        let ahead = if lane.action.is_some() { WINDOW / (quota - burst) * (burst - 1) } else { Duration::ZERO };
        let until = now.checked_add(wait + ahead).unwrap_or(now);
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let empty_at = lanes.entry(lane).or_insert(until);
        *empty_at = until.max(*empty_at);
    }
}

/// From `now` to `then`; nothing where that is over.
pub(crate) fn between(now: Timestamp, then: Timestamp) -> Duration {
    then.duration_since(now).try_into().unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lane(product: Product, action: &'static str) -> Lane {
        Lane { account: "1".parse().unwrap(), region: "cn-hangzhou".parse().unwrap(), product, action: Some(action) }
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millisecond(i64::try_from(millis).unwrap()).unwrap()
    }

    proptest! {
        #[test]
        fn no_minute_holds_more_calls_than_the_quota(
            pauses in prop::collection::vec(prop_oneof![8 => 0..20_u64, 2 => 0..2_000_u64, 1 => 0..90_000_u64], 300..900),
            (product, action, is_write, quota) in prop_oneof![
                Just((Product::Vpc, "DescribeFlowLogs", false, 600)),
                Just((Product::Vpc, "TagResources", true, 300)),
                Just((Product::Ecr, "DescribeFlowLogs", false, 300)),
                Just((Product::Ecr, "CreateFlowLog", true, 120)),
            ],
        ) {
            let pace = Pace::default();
            let lane = lane(product, action);
            let mut now = Duration::from_secs(1_000_000);
            let mut calls: Vec<Duration> = Vec::new();
            for pause in pauses {
                now += Duration::from_millis(pause);
                now += pace.claim(&lane, is_write, at(now.as_millis() as u64), None).unwrap();
                calls.push(now);
            }
            for (nth, call) in calls.iter().enumerate().skip(quota) {
                // A millisecond for the clock's own steps.
                prop_assert!(*call + Duration::from_millis(1) >= calls[nth - quota] + WINDOW);
            }
        }
    }

    #[test]
    fn lanes_do_not_hold_each_other_up() {
        let pace = Pace::default();
        let busy = lane(Product::Ecr, "CreateFlowLog");
        let waits: Vec<_> = (0..13).map(|_| pace.claim(&busy, true, at(0), None).unwrap()).collect();
        assert!(waits[..12].iter().all(Duration::is_zero), "a tenth of 120 goes at once");
        assert_eq!(waits[12], WINDOW / 108);
        let others = [
            lane(Product::Ecr, "DeleteFlowlog"),
            Lane { account: "2".parse().unwrap(), ..busy.clone() },
            Lane { region: "cn-beijing".parse().unwrap(), ..busy.clone() },
        ];
        for other in others {
            assert_eq!(pace.claim(&other, true, at(0), None), Some(Duration::ZERO));
        }
    }

    #[test]
    fn a_place_that_would_come_too_late_is_not_taken() {
        let pace = Pace::default();
        let lane = lane(Product::Vpc, "CreateFlowLog");
        pace.hold(lane.clone(), true, at(0), Duration::from_secs(3));
        assert_eq!(pace.claim(&lane, true, at(0), Some(Duration::from_secs(3))), None);
        assert_eq!(pace.claim(&lane, true, at(0), Some(Duration::from_secs(4))), Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_server_that_takes_no_call_at_all_holds_every_lane_of_the_product() {
        let pace = Pace::default();
        let one = lane(Product::Vpc, "CreateFlowLog");
        pace.hold(Lane { action: None, ..one.clone() }, true, at(0), Duration::from_secs(3));
        let other = lane(Product::Vpc, "DescribeFlowLogs");
        assert_eq!(pace.claim(&other, false, at(1_000), None), Some(Duration::from_secs(2)));
        assert_eq!(pace.claim(&lane(Product::Ecs, "DescribeFlowLogs"), false, at(0), None), Some(Duration::ZERO));
    }

    #[test]
    fn a_clock_that_is_put_back_blocks_nothing() {
        let pace = Pace::default();
        let lane = lane(Product::Vpc, "DescribeFlowLogs");
        assert_eq!(pace.claim(&lane, false, at(100_000_000), None), Some(Duration::ZERO));
        assert_eq!(pace.claim(&lane, false, at(0), None), Some(Duration::ZERO));
    }
}
