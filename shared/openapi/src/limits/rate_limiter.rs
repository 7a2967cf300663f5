//! Rate limiting: keeps calls within the documented quotas, so that the server need not throttle.
//!
//! This is a GCRA of its own instead of `governor`, which has a single quota for all keys, cannot reserve a slot in the
//! future, and cannot apply a wait requested by the server to the same state.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use flow_log::{AccountId, RegionId};
use jiff::Timestamp;

use crate::{Product, call::request::Request};

/// The window of most quotas.
const WINDOW: Duration = Duration::from_secs(60);
/// The window of the quotas that are documented per second.
const SHORT_WINDOW: Duration = Duration::from_secs(1);
/// Below this many scopes, expired levels are not pruned.
const MIN_SCOPES_TO_PRUNE: usize = 64;

/// The maximum number of calls of one operation, for each account and region: per minute, where nothing else is said.
///
/// The defaults are the documented limits. Where nothing is documented, an operation gets the limit of its siblings.
/// Other users of the account share the same quota: leave room for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// VPC operations, except those on tags: 600.
    pub vpc: NonZeroU32,
    /// VPC operations on tags: 300.
    pub vpc_tags: NonZeroU32,
    /// ECS operations: 600.
    pub ecs: NonZeroU32,
    /// STS operations: 100 per second.
    pub sts: NonZeroU32,
    /// Express Connect Router reads: 300.
    pub ecr_reads: NonZeroU32,
    /// Express Connect Router writes: 120.
    pub ecr_writes: NonZeroU32,
    /// Resource Directory, lists of accounts: 20 per second.
    pub directory_lists: NonZeroU32,
    /// Resource Directory, single accounts: 50 per second.
    pub directory_members: NonZeroU32,
    /// Function Compute operations: 24 per second.
    ///
    /// Nothing is documented. But each account of an organization that a sweep submits asks for itself first, and there
    /// may be 50 of these calls per second. Timers wake two functions at the same time, so each of them gets half.
    pub fc: NonZeroU32,
    /// Simple Log Service operations: 600. Nothing is documented.
    pub sls: NonZeroU32,
    /// Billing operations: 10 per second.
    pub bss: NonZeroU32,
    /// `CloudMonitor` operations: 10 per second. More are documented, for the whole account.
    pub cms: NonZeroU32,
}

impl Default for Quotas {
    fn default() -> Self {
        const DOCUMENTED: [NonZeroU32; 3] =
            [NonZeroU32::new(600).unwrap(), NonZeroU32::new(300).unwrap(), NonZeroU32::new(120).unwrap()];
        const PER_SECOND: [NonZeroU32; 5] = [
            NonZeroU32::new(20).unwrap(),
            NonZeroU32::new(50).unwrap(),
            NonZeroU32::new(100).unwrap(),
            NonZeroU32::new(24).unwrap(),
            NonZeroU32::new(10).unwrap(),
        ];
        let [high, medium, low] = DOCUMENTED;
        let [directory_lists, directory_members, sts, fc, ten] = PER_SECOND;
        Self {
            vpc: high,
            vpc_tags: medium,
            ecs: high,
            sts,
            ecr_reads: medium,
            ecr_writes: low,
            directory_lists,
            directory_members,
            fc,
            sls: high,
            bss: ten,
            cms: ten,
        }
    }
}

impl Quotas {
    fn rate(&self, key: QuotaKey) -> Rate {
        let (quota, window) = match key.product {
            Product::ResourceDirectory if key.action == Some("ListAccounts") => (self.directory_lists, SHORT_WINDOW),
            Product::ResourceDirectory => (self.directory_members, SHORT_WINDOW),
            Product::Sts => (self.sts, SHORT_WINDOW),
            Product::Fc => (self.fc, SHORT_WINDOW),
            Product::Bss => (self.bss, SHORT_WINDOW),
            Product::Cms => (self.cms, SHORT_WINDOW),
            other => (self.per_minute(other, key), WINDOW),
        };
        Rate::of(quota.get(), window)
    }

    fn per_minute(&self, product: Product, key: QuotaKey) -> NonZeroU32 {
        match product {
            Product::Vpc if key.action.is_some_and(is_tag_operation) => self.vpc_tags,
            Product::Vpc => self.vpc,
            Product::Ecs => self.ecs,
            Product::Ecr if key.is_write => self.ecr_writes,
            Product::Ecr => self.ecr_reads,
            _ => self.sls,
        }
    }
}

fn is_tag_operation(action: &str) -> bool {
    matches!(action, "TagResources" | "UnTagResources" | "ListTagResources")
}

/// A quota as a rate: a tenth of it may go at once, and the rest follows evenly, so that no window exceeds the quota.
#[derive(Debug, Clone, Copy)]
struct Rate {
    /// How much one call adds to the level of a key.
    every: Duration,
    /// The level up to which a call goes at once.
    ahead: Duration,
}

impl Rate {
    fn of(quota: u32, window: Duration) -> Self {
        let burst = (quota / 10).max(1);
        let every = window / (quota - burst).max(1);
        Self { every, ahead: every * (burst - 1) }
    }
}

/// Where a quota applies: each account has its own in each region.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct QuotaScope {
    pub(crate) account: AccountId,
    pub(crate) region: RegionId,
}

/// What a quota applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QuotaKey {
    product: Product,
    /// `None` means the whole product.
    action: Option<&'static str>,
    is_write: bool,
}

impl From<&Request> for QuotaKey {
    fn from(request: &Request) -> Self {
        Self { product: request.product, action: Some(request.action), is_write: request.is_write }
    }
}

impl QuotaKey {
    pub(crate) const fn of_the_whole_product(self) -> Self {
        Self { action: None, is_write: false, ..self }
    }
}

/// The level of a key at a point in time. It drains as time passes; an empty key need not be stored.
#[derive(Debug, Clone, Copy)]
struct Level {
    by: Duration,
    at: Timestamp,
}

impl Level {
    /// Returns the level now. If the clock was set back, nothing drains until it has caught up.
    fn left(self, now: Timestamp) -> Duration {
        self.by.saturating_sub(clock::until(self.at, now))
    }
}

/// The rate limits of all sessions of a client.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    quotas: Quotas,
    scopes: Mutex<Scopes>,
}

/// The levels of one scope. There are few, because a function uses few operations.
#[derive(Debug, Default)]
struct Levels(Vec<(QuotaKey, Level)>);

impl Levels {
    fn left(&self, key: QuotaKey, now: Timestamp) -> Duration {
        let found = self.0.iter().find(|(known, _)| *known == key);
        found.map_or(Duration::ZERO, |(_, level)| level.left(now))
    }

    fn fill(&mut self, key: QuotaKey, by: Duration, now: Timestamp) {
        let level = Level { by, at: now };
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = level,
            None => self.0.push((key, level)),
        }
    }
}

#[derive(Debug)]
struct Scopes {
    levels: HashMap<QuotaScope, Levels>,
    /// The number of scopes at which empty levels are pruned.
    prune_at: usize,
}

impl Scopes {
    fn levels(&mut self, scope: &QuotaScope, now: Timestamp) -> &mut Levels {
        if self.levels.len() >= self.prune_at {
            self.prune(now);
            // Doubled, so that the next pruning is worth its cost.
            self.prune_at = MIN_SCOPES_TO_PRUNE.max(self.levels.len() * 2);
        }
        self.levels.entry(scope.clone()).or_default()
    }

    /// Drops empty levels, so that memory grows only with the levels in use.
    fn prune(&mut self, now: Timestamp) {
        self.levels.retain(|_, levels| {
            levels.0.retain_mut(|(_, level)| {
                *level = Level { by: level.left(now), at: now };
                !level.by.is_zero()
            });
            !levels.0.is_empty()
        });
    }
}

impl RateLimiter {
    pub(crate) fn new(quotas: Quotas) -> Self {
        Self { quotas, scopes: Mutex::new(Scopes { levels: HashMap::new(), prune_at: MIN_SCOPES_TO_PRUNE }) }
    }

    /// Reserves a slot in the key and returns how long to wait for it. Returns `None` and reserves nothing if the wait
    /// is not shorter than `max_wait`.
    pub(crate) fn acquire(
        &self,
        scope: &QuotaScope,
        key: QuotaKey,
        now: Timestamp,
        max_wait: Option<Duration>,
    ) -> Option<Duration> {
        let rate = self.quotas.rate(key);
        let mut scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        let levels = scopes.levels(scope, now);
        let whole_product = levels.left(key.of_the_whole_product(), now);
        let left = levels.left(key, now);
        let wait = left.saturating_sub(rate.ahead).max(whole_product);
        if max_wait.is_some_and(|max_wait| !wait.is_zero() && wait >= max_wait) {
            return None;
        }
        levels.fill(key, left + rate.every, now);
        Some(wait)
    }

    /// Blocks the key for `wait` from `now`, as the server asked.
    pub(crate) fn block_for(&self, scope: &QuotaScope, key: QuotaKey, now: Timestamp, wait: Duration) {
        let ahead = if key.action.is_some() { self.quotas.rate(key).ahead } else { Duration::ZERO };
        let mut scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        let levels = scopes.levels(scope, now);
        let by = levels.left(key, now).max(wait + ahead);
        levels.fill(key, by, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quotas(vpc: u32) -> Quotas {
        Quotas { vpc: NonZeroU32::new(vpc).unwrap(), ..Quotas::default() }
    }

    fn scope(account: u64, region: &str) -> QuotaScope {
        QuotaScope { account: account.to_string().parse().unwrap(), region: region.parse().unwrap() }
    }

    fn here() -> QuotaScope {
        scope(1, "cn-hangzhou")
    }

    fn read(product: Product, action: &'static str) -> QuotaKey {
        QuotaKey { product, action: Some(action), is_write: false }
    }

    fn write(product: Product, action: &'static str) -> QuotaKey {
        QuotaKey { is_write: true, ..read(product, action) }
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millisecond(i64::try_from(millis).unwrap()).unwrap()
    }

    /// Pauses between calls, in milliseconds: mostly short ones, and some that let levels drain.
    fn pauses() -> impl Strategy<Value = Vec<u64>> {
        let pause = prop_oneof![8 => 0..20_u64, 2 => 0..2_000_u64, 1 => 0..90_000_u64];
        prop::collection::vec(pause, 300..900)
    }

    /// Returns whether no minute of `calls` contains more than `quota` of them.
    fn keeps(quota: usize, calls: &[Duration]) -> bool {
        keeps_within(WINDOW, quota, calls)
    }

    fn keeps_within(window: Duration, quota: usize, calls: &[Duration]) -> bool {
        // One millisecond of slack for the clock's resolution.
        let calls_of_one_window = |nth: usize| calls[nth] + Duration::from_millis(1) < calls[nth - quota] + window;
        !(quota..calls.len()).any(calls_of_one_window)
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
            let limiter = RateLimiter::new(Quotas::default());
            let key = QuotaKey { is_write, ..read(product, action) };
            let mut now = Duration::from_secs(1_000_000);
            let mut calls: Vec<Duration> = Vec::new();
            for pause in pauses {
                now += Duration::from_millis(pause);
                now += limiter.acquire(&here(), key, at(now.as_millis() as u64), None).unwrap();
                calls.push(now);
            }
            prop_assert!(keeps(quota, &calls));
        }

        #[test]
        fn whatever_the_quota_and_however_often_lanes_are_dropped_no_minute_holds_more_calls(
            pauses in pauses(),
            levels in prop::collection::vec((0..3_usize, any::<bool>()), 900),
            quota in 1..200_u32,
        ) {
            let (pruned, kept) = (RateLimiter::new(quotas(quota)), RateLimiter::new(quotas(quota)));
            let actions = ["DescribeVpcs", "DescribeVSwitches", "DescribeFlowLogs"];
            let mut now = Duration::from_secs(1_000_000);
            let mut calls = [const { Vec::new() }; 3];
            for (pause, (nth, is_pruned)) in pauses.into_iter().zip(levels) {
                now += Duration::from_millis(pause);
                let (time, key) = (at(now.as_millis() as u64), read(Product::Vpc, actions[nth]));
                if is_pruned {
                    pruned.scopes.lock().unwrap().prune(time);
                }
                // The waits are ignored, as if many calls were made at once.
                let wait = pruned.acquire(&here(), key, time, None).unwrap();
                prop_assert_eq!(kept.acquire(&here(), key, time, None), Some(wait), "it is as if none were dropped");
                calls[nth].push(now + wait);
            }
            for of_one in calls {
                prop_assert!(keeps(quota as usize, &of_one));
            }
        }
    }

    #[test]
    fn no_second_holds_more_calls_than_a_quota_that_is_documented_per_second() {
        for (product, action, quota) in [
            (Product::ResourceDirectory, "ListAccounts", 20),
            (Product::ResourceDirectory, "GetAccount", 50),
            (Product::Sts, "AssumeRole", 100),
            (Product::Fc, "InvokeFunction", 24),
        ] {
            let limiter = RateLimiter::new(Quotas::default());
            let key = read(product, action);
            let waits: Vec<_> = (0..500).map(|_| limiter.acquire(&here(), key, at(0), None).unwrap()).collect();
            assert!(keeps_within(SHORT_WINDOW, quota, &waits), "{action}: {waits:?}");
            let evenly = SHORT_WINDOW / (quota as u32 * 9 / 10) * 500;
            assert!(waits[499] <= evenly, "{action}: {:?}", waits[499]);
        }
    }

    #[test]
    fn two_sweeps_at_once_submit_no_faster_than_their_shards_may_ask_for_their_accounts() {
        let quotas = Quotas::default();
        let submissions = |in_a_second: u32| 2 * in_a_second;
        assert!(submissions(quotas.fc.get()) <= quotas.directory_members.get());
        assert!(submissions(quotas.fc.get()) <= quotas.sts.get());
    }

    #[test]
    fn lanes_of_accounts_that_were_looked_after_long_ago_are_not_kept() {
        let limiter = RateLimiter::new(Quotas::default());
        let key = read(Product::Vpc, "DescribeFlowLogs");
        for nth in 1..=5_000 {
            let (scope, now) = (scope(nth, "cn-hangzhou"), at(nth * 100));
            limiter.acquire(&scope, key, now, None).unwrap();
            limiter.block_for(&scope, key.of_the_whole_product(), now, Duration::from_millis(50));
        }
        assert!(limiter.scopes.lock().unwrap().levels.len() <= MIN_SCOPES_TO_PRUNE);
    }

    #[test]
    fn a_queue_of_many_minutes_is_kept_to_its_end() {
        let limiter = RateLimiter::new(quotas(10));
        let key = read(Product::Vpc, "DescribeFlowLogs");
        let waits: Vec<_> = (0..100).map(|_| limiter.acquire(&here(), key, at(0), None).unwrap()).collect();
        assert!(keeps(10, &waits), "{waits:?}");
    }

    #[test]
    fn lanes_do_not_hold_each_other_up() {
        let limiter = RateLimiter::new(Quotas::default());
        let busy = write(Product::Ecr, "CreateFlowLog");
        let waits: Vec<_> = (0..13).map(|_| limiter.acquire(&here(), busy, at(0), None).unwrap()).collect();
        assert!(waits[..12].iter().all(Duration::is_zero), "a tenth of 120 goes at once");
        assert_eq!(waits[12], WINDOW / 108);
        let others = [
            (here(), write(Product::Ecr, "DeleteFlowlog")),
            (scope(2, "cn-hangzhou"), busy),
            (scope(1, "cn-beijing"), busy),
        ];
        for (scope, key) in others {
            assert_eq!(limiter.acquire(&scope, key, at(0), None), Some(Duration::ZERO));
        }
    }

    #[test]
    fn a_place_that_would_come_too_late_is_not_taken() {
        let limiter = RateLimiter::new(Quotas::default());
        let key = write(Product::Vpc, "CreateFlowLog");
        limiter.block_for(&here(), key, at(0), Duration::from_secs(3));
        assert_eq!(limiter.acquire(&here(), key, at(0), Some(Duration::from_secs(3))), None);
        assert_eq!(limiter.acquire(&here(), key, at(0), Some(Duration::from_secs(4))), Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_server_that_takes_no_call_at_all_holds_every_lane_of_the_product() {
        let limiter = RateLimiter::new(Quotas::default());
        let one = write(Product::Vpc, "CreateFlowLog");
        limiter.block_for(&here(), one.of_the_whole_product(), at(0), Duration::from_secs(3));
        let other = read(Product::Vpc, "DescribeFlowLogs");
        assert_eq!(limiter.acquire(&here(), other, at(1_000), None), Some(Duration::from_secs(2)));
        let another = read(Product::Ecs, "DescribeFlowLogs");
        assert_eq!(limiter.acquire(&here(), another, at(0), None), Some(Duration::ZERO));
    }

    #[test]
    fn a_clock_that_is_put_back_blocks_nothing() {
        let limiter = RateLimiter::new(Quotas::default());
        let key = read(Product::Vpc, "DescribeFlowLogs");
        assert_eq!(limiter.acquire(&here(), key, at(100_000_000), None), Some(Duration::ZERO));
        assert_eq!(limiter.acquire(&here(), key, at(0), None), Some(Duration::ZERO));
    }
}
