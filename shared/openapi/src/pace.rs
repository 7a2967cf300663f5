//! How fast calls are made: within the quotas that the documents give, so that the server need not throttle.
//!
//! A GCRA of our own rather than `governor`: there, all lanes have one quota, a place that is not free cannot be
//! claimed, and a server that says how long it wants to be left alone cannot move the same hand.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use flow_log::{AccountId, RegionId};
use jiff::Timestamp;

use crate::Product;

/// How long a quota's window is.
const WINDOW: Duration = Duration::from_secs(60);
/// So many lanes are kept without looking whether they still say anything.
const FEW: usize = 64;

/// How many calls of one operation an account makes in a region, at most, within any minute.
///
/// The defaults are what the documents allow. Where they say nothing, an operation is taken to be like its siblings.
/// Others who use the account take from the same quota: leave them their share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// Of VPC, but for those about tags: 600.
    pub vpc: NonZeroU32,
    /// Of VPC, those about tags: 300.
    pub vpc_tags: NonZeroU32,
    /// Of ECS: 600.
    pub ecs: NonZeroU32,
    /// Of STS: 600.
    pub sts: NonZeroU32,
    /// Of Express Connect Router, those that only read: 300.
    pub ecr_reads: NonZeroU32,
    /// Of Express Connect Router, those that change something: 120.
    pub ecr_writes: NonZeroU32,
}

impl Default for Quotas {
    fn default() -> Self {
        const DOCUMENTED: [NonZeroU32; 3] =
            [NonZeroU32::new(600).unwrap(), NonZeroU32::new(300).unwrap(), NonZeroU32::new(120).unwrap()];
        let [most, some, few] = DOCUMENTED;
        Self { vpc: most, vpc_tags: some, ecs: most, sts: most, ecr_reads: some, ecr_writes: few }
    }
}

impl Quotas {
    fn rate(&self, lane: &Lane, is_write: bool) -> Rate {
        let quota = match lane.product {
            Product::Vpc if lane.action.is_some_and(is_tag_operation) => self.vpc_tags,
            Product::Vpc => self.vpc,
            Product::Ecs => self.ecs,
            Product::Sts => self.sts,
            Product::Ecr if is_write => self.ecr_writes,
            Product::Ecr => self.ecr_reads,
        };
        Rate::of(quota.get())
    }
}

fn is_tag_operation(action: &str) -> bool {
    matches!(action, "TagResources" | "UnTagResources" | "ListTagResources")
}

/// A quota as a pace: a tenth of it may go at once, and the rest follows evenly, so that no minute holds more.
#[derive(Debug, Clone, Copy)]
struct Rate {
    /// What one call adds to a lane.
    every: Duration,
    /// How much may be in the lane of a call that goes at once.
    ahead: Duration,
}

impl Rate {
    fn of(quota: u32) -> Self {
        let burst = (quota / 10).max(1);
        let every = WINDOW / (quota - burst).max(1);
        Self { every, ahead: every * (burst - 1) }
    }
}

/// What one quota is about. No `action` means all of the product.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Lane {
    pub(crate) account: AccountId,
    pub(crate) region: RegionId,
    pub(crate) product: Product,
    pub(crate) action: Option<&'static str>,
}

/// How much was in a lane, and when that was. It runs empty as time passes; an empty one is as good as none.
#[derive(Debug, Clone, Copy)]
struct Filled {
    by: Duration,
    at: Timestamp,
}

impl Filled {
    /// How much is left. While a clock that was put back is behind, nothing runs out.
    fn left(self, now: Timestamp) -> Duration {
        self.by.saturating_sub(between(self.at, now))
    }
}

/// The lanes of all sessions of a client.
#[derive(Debug)]
pub(crate) struct Pace {
    quotas: Quotas,
    lanes: Mutex<Lanes>,
}

#[derive(Debug)]
struct Lanes {
    filled: HashMap<Lane, Filled>,
    /// With so many it is time to look which are empty.
    many: usize,
}

impl Lanes {
    fn left(&self, lane: &Lane, now: Timestamp) -> Duration {
        self.filled.get(lane).map_or(Duration::ZERO, |filled| filled.left(now))
    }

    fn fill(&mut self, lane: Lane, by: Duration, now: Timestamp) {
        if self.filled.len() >= self.many {
            self.prune(now);
            // Half of them would have to be busy at once before it is looked again in vain.
            self.many = FEW.max(self.filled.len() * 2);
        }
        self.filled.insert(lane, Filled { by, at: now });
    }

    /// Drops the lanes that are empty, so that those that are kept are no more than those that are used.
    fn prune(&mut self, now: Timestamp) {
        self.filled.retain(|_, filled| {
            *filled = Filled { by: filled.left(now), at: now };
            !filled.by.is_zero()
        });
    }
}

impl Pace {
    pub(crate) fn new(quotas: Quotas) -> Self {
        Self { quotas, lanes: Mutex::new(Lanes { filled: HashMap::new(), many: FEW }) }
    }

    /// Takes a place in the lane and says how long to wait for it; `None`, and no place, where that is not before
    /// `at_most` is over.
    pub(crate) fn claim(
        &self,
        lane: &Lane,
        is_write: bool,
        now: Timestamp,
        at_most: Option<Duration>,
    ) -> Option<Duration> {
        let rate = self.quotas.rate(lane, is_write);
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let whole_product = lanes.left(&Lane { action: None, ..lane.clone() }, now);
        let left = lanes.left(lane, now);
        let wait = left.saturating_sub(rate.ahead).max(whole_product);
        if at_most.is_some_and(|at_most| !wait.is_zero() && wait >= at_most) {
            return None;
        }
        lanes.fill(lane.clone(), left + rate.every, now);
        Some(wait)
    }

    /// Lets nothing into the lane before `now` and `wait` are over, as the server asked.
    pub(crate) fn hold(&self, lane: Lane, is_write: bool, now: Timestamp, wait: Duration) {
        let ahead = if lane.action.is_some() { self.quotas.rate(&lane, is_write).ahead } else { Duration::ZERO };
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let by = lanes.left(&lane, now).max(wait + ahead);
        lanes.fill(lane, by, now);
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

    fn quotas(vpc: u32) -> Quotas {
        Quotas { vpc: NonZeroU32::new(vpc).unwrap(), ..Quotas::default() }
    }

    fn lane(product: Product, action: &'static str) -> Lane {
        Lane { account: "1".parse().unwrap(), region: "cn-hangzhou".parse().unwrap(), product, action: Some(action) }
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millisecond(i64::try_from(millis).unwrap()).unwrap()
    }

    /// Pauses between calls, in milliseconds: mostly short ones, some that let lanes run empty.
    fn pauses() -> impl Strategy<Value = Vec<u64>> {
        let pause = prop_oneof![8 => 0..20_u64, 2 => 0..2_000_u64, 1 => 0..90_000_u64];
        prop::collection::vec(pause, 300..900)
    }

    /// No minute of `calls` holds more than `quota` of them.
    fn keeps(quota: usize, calls: &[Duration]) -> bool {
        // A millisecond for the clock's own steps.
        let calls_of_one_minute = |nth: usize| calls[nth] + Duration::from_millis(1) < calls[nth - quota] + WINDOW;
        !(quota..calls.len()).any(calls_of_one_minute)
    }

    proptest! {
        #[test]
        fn no_minute_holds_more_calls_than_the_quota(
            pauses in pauses(),
            (product, action, is_write, quota) in prop_oneof![
                Just((Product::Vpc, "DescribeFlowLogs", false, 600)),
                Just((Product::Vpc, "TagResources", true, 300)),
                Just((Product::Ecr, "DescribeFlowLogs", false, 300)),
                Just((Product::Ecr, "CreateFlowLog", true, 120)),
            ],
        ) {
            let pace = Pace::new(Quotas::default());
            let lane = lane(product, action);
            let mut now = Duration::from_secs(1_000_000);
            let mut calls: Vec<Duration> = Vec::new();
            for pause in pauses {
                now += Duration::from_millis(pause);
                now += pace.claim(&lane, is_write, at(now.as_millis() as u64), None).unwrap();
                calls.push(now);
            }
            prop_assert!(keeps(quota, &calls));
        }

        #[test]
        fn whatever_the_quota_and_however_often_lanes_are_dropped_no_minute_holds_more_calls(
            pauses in pauses(),
            lanes in prop::collection::vec((0..3_usize, any::<bool>()), 900),
            quota in 1..200_u32,
        ) {
            let (pruned, kept) = (Pace::new(quotas(quota)), Pace::new(quotas(quota)));
            let actions = ["DescribeVpcs", "DescribeVSwitches", "DescribeFlowLogs"];
            let mut now = Duration::from_secs(1_000_000);
            let mut calls = [const { Vec::new() }; 3];
            for (pause, (nth, is_pruned)) in pauses.into_iter().zip(lanes) {
                now += Duration::from_millis(pause);
                let (time, lane) = (at(now.as_millis() as u64), lane(Product::Vpc, actions[nth]));
                if is_pruned {
                    pruned.lanes.lock().unwrap().prune(time);
                }
                // Nobody waits here, as when many calls are made at once.
                let wait = pruned.claim(&lane, false, time, None).unwrap();
                prop_assert_eq!(kept.claim(&lane, false, time, None), Some(wait), "it is as if none were dropped");
                calls[nth].push(now + wait);
            }
            for calls in calls {
                prop_assert!(keeps(quota as usize, &calls));
            }
        }
    }

    #[test]
    fn lanes_of_accounts_that_were_looked_after_long_ago_are_not_kept() {
        let pace = Pace::new(Quotas::default());
        let one = lane(Product::Vpc, "DescribeFlowLogs");
        for nth in 1..=5_000 {
            let lane = Lane { account: nth.to_string().parse().unwrap(), ..one.clone() };
            pace.claim(&lane, false, at(nth * 100), None).unwrap();
            pace.hold(Lane { action: None, ..lane }, false, at(nth * 100), Duration::from_millis(50));
        }
        assert!(pace.lanes.lock().unwrap().filled.len() <= FEW);
    }

    #[test]
    fn a_queue_of_many_minutes_is_kept_to_its_end() {
        let pace = Pace::new(quotas(10));
        let lane = lane(Product::Vpc, "DescribeFlowLogs");
        let waits: Vec<_> = (0..100).map(|_| pace.claim(&lane, false, at(0), None).unwrap()).collect();
        assert!(keeps(10, &waits), "{waits:?}");
    }

    #[test]
    fn lanes_do_not_hold_each_other_up() {
        let pace = Pace::new(Quotas::default());
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
        let pace = Pace::new(Quotas::default());
        let lane = lane(Product::Vpc, "CreateFlowLog");
        pace.hold(lane.clone(), true, at(0), Duration::from_secs(3));
        assert_eq!(pace.claim(&lane, true, at(0), Some(Duration::from_secs(3))), None);
        assert_eq!(pace.claim(&lane, true, at(0), Some(Duration::from_secs(4))), Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_server_that_takes_no_call_at_all_holds_every_lane_of_the_product() {
        let pace = Pace::new(Quotas::default());
        let one = lane(Product::Vpc, "CreateFlowLog");
        pace.hold(Lane { action: None, ..one.clone() }, true, at(0), Duration::from_secs(3));
        let other = lane(Product::Vpc, "DescribeFlowLogs");
        assert_eq!(pace.claim(&other, false, at(1_000), None), Some(Duration::from_secs(2)));
        assert_eq!(pace.claim(&lane(Product::Ecs, "DescribeFlowLogs"), false, at(0), None), Some(Duration::ZERO));
    }

    #[test]
    fn a_clock_that_is_put_back_blocks_nothing() {
        let pace = Pace::new(Quotas::default());
        let lane = lane(Product::Vpc, "DescribeFlowLogs");
        assert_eq!(pace.claim(&lane, false, at(100_000_000), None), Some(Duration::ZERO));
        assert_eq!(pace.claim(&lane, false, at(0), None), Some(Duration::ZERO));
    }
}
