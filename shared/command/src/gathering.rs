//! Gathers what a sweep reads, as the facts of a report.

use std::{
    collections::BTreeMap,
    future,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use evidence::ReadLog;
use flow_log::{AccountId, FlowLog, RegionId, Resource, ResourceId};
use reconcile::{Item, Observer, PageObserver, PageRead, Summary, Target, TargetKind};

use crate::{
    failure::Failure,
    planning::{Planning, Swept},
    watcher::Watcher,
};

/// Sweeps, and keeps what was read. Gives up once there are more than `max` resources and flow logs.
///
/// # Errors
/// The options name what the policy is not about, or there is more.
pub(crate) async fn gather(planning: &Planning<'_>, max: usize) -> Result<(Swept, Gathered), Failure> {
    let gathering = Arc::new(Gathering::new(Watcher::new(&planning.context.terminal, 0), max));
    let mut sweep = pin!(planning.sweep(Arc::<Gathering>::clone(&gathering)));
    let swept = future::poll_fn(|context| {
        let swept = sweep.as_mut().poll(context);
        if gathering.is_full() { Poll::Ready(None) } else { swept.map(Some) }
    });
    let swept = swept.await;
    let gathered = gathering.take();
    let Some(swept) = swept else {
        return Err(Failure::failed(
            format!("there are more than {max} resources and flow logs, and a report takes no more"),
            "make a report for each account or region, with --account and --region",
        ));
    };
    Ok((swept?, gathered))
}

/// Gathers what a sweep reads, and shows its progress.
#[derive(Debug)]
pub(crate) struct Gathering {
    watcher: Watcher,
    /// How many resources and flow logs are kept at most.
    max: usize,
    gathered: Mutex<Gathered>,
}

/// What a sweep has read.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// Its lists.
    pub(crate) reads: ReadLog,
    /// The regions that each account has in scope. An account without any was not read.
    pub(crate) regions: BTreeMap<AccountId, Vec<RegionId>>,
    /// Its resources and flow logs, by account and region.
    pub(crate) places: BTreeMap<(AccountId, RegionId), Place>,
    /// How many resources and flow logs it has read.
    count: usize,
}

/// What is in a region of an account.
#[derive(Debug, Default)]
pub(crate) struct Place {
    pub(crate) resources: BTreeMap<ResourceId, Resource>,
    pub(crate) flow_logs: Vec<FlowLog>,
}

impl Gathering {
    pub(crate) fn new(watcher: Watcher, max: usize) -> Self {
        Self { watcher, max, gathered: Mutex::default() }
    }

    /// Whether there is more than is kept. What is beyond was not kept, so nothing can be said of the whole.
    pub(crate) fn is_full(&self) -> bool {
        self.lock().count > self.max
    }

    /// Takes what was read, and removes the progress from the terminal.
    pub(crate) fn take(&self) -> Gathered {
        self.watcher.clear();
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps one more, if there is room.
    fn keep(&self, account: &AccountId, region: &RegionId, keep: impl FnOnce(&mut Place)) {
        let mut gathered = self.lock();
        gathered.count += 1;
        if gathered.count <= self.max {
            keep(gathered.places.entry((account.clone(), region.clone())).or_default());
        }
    }
}

impl PageObserver for Gathering {
    fn page_read(&self, account: &AccountId, region: &RegionId, page: &PageRead) {
        self.lock().reads.page_read(account, region, page);
        self.watcher.page_read(account, region, page);
    }
}

impl Observer for Gathering {
    fn account_begun(&self, account: &AccountId, parts: &[Target]) {
        let regions = parts.iter().filter(|part| part.kind == TargetKind::Sweep).map(|part| part.region.clone());
        self.lock().regions.insert(account.clone(), regions.collect());
        self.watcher.account_begun(account, parts);
    }

    fn resource_read(&self, account: &AccountId, region: &RegionId, resource: &Resource) {
        self.keep(account, region, |place| _ = place.resources.insert(resource.id.clone(), resource.clone()));
    }

    fn flow_log_read(&self, account: &AccountId, region: &RegionId, flow_log: &FlowLog) {
        self.keep(account, region, |place| place.flow_logs.push(flow_log.clone()));
    }

    fn region_begun(&self, account: &AccountId, region: &RegionId) {
        self.watcher.region_begun(account, region);
    }

    fn region_done(&self, account: &AccountId, region: &RegionId, summary: &Summary) {
        self.watcher.region_done(account, region, summary);
    }

    fn write_begun(&self, item: &Item) {
        self.watcher.write_begun(item);
    }

    fn write_done(&self, item: &Item) {
        self.watcher.write_done(item);
    }
}

#[cfg(test)]
mod tests {
    use settings::Settings;

    use super::*;
    use crate::terminal::{Color, Terminal};

    #[test]
    fn more_than_it_takes_is_counted_and_not_kept() {
        let terminal = Terminal::new(Color::Never, &Settings::from_pairs([("TERM", "dumb")]));
        let gathering = Gathering::new(Watcher::new(&terminal, 0), 2);
        let (account, region) = ("1".parse().unwrap(), "cn-hangzhou".parse().unwrap());
        for nth in 1..=3 {
            assert!(!gathering.is_full());
            let resource = Resource {
                account: "1".parse().unwrap(),
                region: "cn-hangzhou".parse().unwrap(),
                id: format!("vpc-{nth}").parse().unwrap(),
                name: None,
                parents: Vec::new(),
                tags: None,
                is_service_managed: false,
                creation_time: None,
            };
            gathering.resource_read(&account, &region, &resource);
        }
        assert!(gathering.is_full());
        assert_eq!(gathering.take().places[&(account, region)].resources.len(), 2);
    }
}
