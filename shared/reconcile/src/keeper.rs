//! The keeper: targets in, report out.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use flow_log::{AccountId, Policy, RegionId, Resource, ResourceId};
use futures_util::{StreamExt as _, stream};
use openapi::{Client, Session, System};

use crate::{Item, Job, KeeperSettings, Report, Target, resolve::resolve, settle::Settler};

/// How many targets are worked on at a time.
const CONCURRENCY: usize = 8;

/// What keeps flow logs as the policy wants them. Lives as long as the process.
#[derive(Debug)]
pub struct Keeper {
    function: &'static str,
    may: &'static [&'static str],
    policy: Policy,
    client: Client,
    dry_run: bool,
}

/// The resources that are being looked after. Several targets may lead to one of them, and two changes to it at once
/// would be one too many.
type Taken = Mutex<BTreeSet<(AccountId, RegionId, ResourceId)>>;

impl Keeper {
    /// The keeper of the function of this name, which `may` make these calls that change something, by the API's names.
    #[must_use]
    pub fn new(
        function: &'static str,
        may: &'static [&'static str],
        settings: KeeperSettings,
        system: Arc<dyn System>,
    ) -> Self {
        let KeeperSettings { policy, client, dry_run } = settings;
        Self { function, may, policy, client: Client::new(client, system), dry_run }
    }

    /// The report of an invocation without anything to look after.
    #[must_use]
    pub fn report(&self, request_id: String, items: Vec<Item>) -> Report {
        Report::new(self.function, request_id, self.dry_run, items)
    }

    /// Looks after the targets. `items` is what there is to say besides: events that are not for us, or are broken.
    pub async fn keep(&self, job: Job, targets: Vec<Target>, items: Vec<Item>) -> Report {
        let taken = Taken::default();
        let work: Vec<_> = targets.iter().map(|target| self.keep_one(&job, target, &taken)).collect();
        let mut results = items;
        // One that is waited for does not hold up the others.
        let mut kept = stream::iter(work).buffer_unordered(CONCURRENCY);
        while let Some(items) = kept.next().await {
            results.extend(items);
        }
        drop(kept);
        self.report(job.request_id, results)
    }

    async fn keep_one(&self, job: &Job, target: &Target, taken: &Taken) -> Vec<Item> {
        // The key sees its own account, whatever the event says; what is found is in that account.
        let account = job.account.as_ref().unwrap_or(&target.account);
        let session = self.session(job, account, &target.region);
        let resources = match resolve(&session, &self.policy, target).await {
            Ok(resources) => resources,
            Err(item) => return vec![item],
        };
        let settler = Settler { policy: &self.policy, may: self.may, dry_run: self.dry_run };
        let ours = resources.into_iter().filter(|resource| take(taken, resource));
        let mut items = Vec::new();
        for resource in ours {
            items.push(settler.settle(&session, &resource).await);
        }
        items
    }

    fn session(&self, job: &Job, account: &AccountId, region: &RegionId) -> Session<'_> {
        self.client.session(job.credentials.clone(), account.clone(), region.clone(), job.stop_at)
    }
}

fn take(taken: &Taken, resource: &Resource) -> bool {
    let key = (resource.account.clone(), resource.region.clone(), resource.id.clone());
    taken.lock().unwrap_or_else(PoisonError::into_inner).insert(key)
}
