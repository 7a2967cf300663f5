//! Gathers what a sweep reads, as the facts of a report.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use evidence::{CallLog, ReadLog};
use flow_log::{AccountId, FlowLog, RegionId, Resource, ResourceId, Status};
use jiff::Timestamp;
use reconcile::{CallRead, Item, Observer, PageObserver, PageRead, Summary, Target, TargetKind};

use crate::clock_offset::ClockOffset;

/// Gathers what a sweep reads. The observer of the sweep.
#[derive(Debug)]
pub struct Gathering {
    /// Hears of everything as well, such as to show progress.
    other: Option<Arc<dyn Observer>>,
    /// How many resources and flow logs are kept at most.
    max: usize,
    gathered: Mutex<Gathered>,
}

/// What a sweep has read.
#[derive(Debug, Default)]
pub struct Gathered {
    /// Its lists.
    pub reads: ReadLog,
    /// Its calls that read no lists.
    pub(crate) calls: CallLog,
    /// The regions that each account has in scope. An account without any was not read.
    pub regions: BTreeMap<AccountId, Vec<RegionId>>,
    /// Its resources and flow logs, by account and region.
    pub places: BTreeMap<(AccountId, RegionId), Place>,
    /// How the machine's clock compares with the cloud's.
    pub(crate) clock: ClockOffset,
    /// How many resources and flow logs it has read.
    count: usize,
    /// How many of them are kept at most.
    pub(crate) max: usize,
}

impl Gathered {
    /// Whether all resources and flow logs that were read are there. If not, what is computed from all of them is unknown.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.count <= self.max
    }
}

/// What is in a region of an account.
#[derive(Debug, Default)]
pub struct Place {
    /// Its resources.
    pub resources: BTreeMap<ResourceId, Resource>,
    /// Its flow logs, those of others included.
    pub flow_logs: Vec<FlowLog>,
    /// How many more flow logs there are, which are on.
    pub(crate) more_flow_logs: u64,
}

impl Gathering {
    /// Gathers up to `max` resources and flow logs, and counts the others. Each takes about 2 KB of memory until the report
    /// is written.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { other: None, max, gathered: Mutex::default() }
    }

    /// Tells another observer as well.
    #[must_use]
    pub fn telling(self, other: Arc<dyn Observer>) -> Self {
        Self { other: Some(other), ..self }
    }

    /// How many resources and flow logs are kept at most.
    pub(crate) const fn max(&self) -> usize {
        self.max
    }

    /// Whether there is more than is kept.
    pub(crate) fn is_full(&self) -> bool {
        self.lock().count > self.max
    }

    /// Takes what was read.
    #[must_use]
    pub fn take(&self) -> Gathered {
        Gathered { max: self.max, ..std::mem::take(&mut *self.lock()) }
    }

    fn lock(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps one more, if there is room, and else counts it.
    fn keep(
        &self,
        account: &AccountId,
        region: &RegionId,
        keep: impl FnOnce(&mut Place),
        count: impl FnOnce(&mut Place),
    ) {
        let mut gathered = self.lock();
        gathered.count += 1;
        let has_room = gathered.count <= self.max;
        let place = gathered.places.entry((account.clone(), region.clone())).or_default();
        if has_room { keep(place) } else { count(place) }
    }
}

impl PageObserver for Gathering {
    fn answered(&self, sent: Timestamp, received: Timestamp, date: Timestamp) {
        self.lock().clock.add(sent, received, date);
    }

    fn page_read(&self, account: &AccountId, region: &RegionId, page: &PageRead) {
        self.lock().reads.page_read(account, region, page);
        if let Some(other) = &self.other {
            other.page_read(account, region, page);
        }
    }

    fn call_read(&self, account: &AccountId, region: &RegionId, call: &CallRead) {
        self.lock().calls.call_read(account, region, call);
        if let Some(other) = &self.other {
            other.call_read(account, region, call);
        }
    }
}

impl Observer for Gathering {
    fn account_begun(&self, account: &AccountId, parts: &[Target]) {
        let regions = parts.iter().filter(|part| part.kind == TargetKind::Sweep).map(|part| part.region.clone());
        self.lock().regions.insert(account.clone(), regions.collect());
        if let Some(other) = &self.other {
            other.account_begun(account, parts);
        }
    }

    fn resource_read(&self, account: &AccountId, region: &RegionId, resource: &Resource) {
        self.keep(account, region, |place| _ = place.resources.insert(resource.id.clone(), resource.clone()), |_| ());
    }

    fn flow_log_read(&self, account: &AccountId, region: &RegionId, flow_log: &FlowLog) {
        let is_on = flow_log.status == Status::Active;
        let count = |place: &mut Place| place.more_flow_logs += u64::from(is_on);
        self.keep(account, region, |place| place.flow_logs.push(flow_log.clone()), count);
    }

    fn region_begun(&self, account: &AccountId, region: &RegionId) {
        if let Some(other) = &self.other {
            other.region_begun(account, region);
        }
    }

    fn region_done(&self, account: &AccountId, region: &RegionId, summary: &Summary) {
        if let Some(other) = &self.other {
            other.region_done(account, region, summary);
        }
    }

    fn write_begun(&self, item: &Item) {
        if let Some(other) = &self.other {
            other.write_begun(item);
        }
    }

    fn write_done(&self, item: &Item) {
        if let Some(other) = &self.other {
            other.write_done(item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn more_than_it_takes_is_counted_and_not_kept() {
        let gathering = Gathering::new(2);
        let (account, region) = ("1".parse().unwrap(), "cn-hangzhou".parse().unwrap());
        for nth in 1..=3 {
            assert!(!gathering.is_full());
            gathering.resource_read(&account, &region, &testing::vpc(nth));
        }
        assert!(gathering.is_full());
        let gathered = gathering.take();
        assert!(!gathered.is_whole());
        assert_eq!(gathered.places[&(account, region)].resources.len(), 2);
    }
}
