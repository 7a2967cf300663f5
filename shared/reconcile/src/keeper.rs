//! The keeper: targets in, report out.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use flow_log::{AccountId, Policy, RegionId, Resource, ResourceId};
use futures_util::{StreamExt as _, stream};
use openapi::{Client, Role, Session, System};

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
        let work: Vec<_> = targets.iter().map(|target| Box::pin(self.keep_one(&job, target, &taken))).collect();
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
        let session = self.session(job, &target.account, &target.region);
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

    /// A session in the role that the policy names for `account`, or else with the key of the function, which sees its
    /// own account, whatever the event says: what is found is in that account.
    fn session(&self, job: &Job, account: &AccountId, region: &RegionId) -> Session<'_> {
        let own = job.account.as_ref();
        let session =
            self.client.session(job.credentials.clone(), own.unwrap_or(account).clone(), region.clone(), job.stop_at);
        let member = self.policy.accounts.iter().find(|member| member.id == *account && own != Some(account));
        match member {
            Some(member) => session.in_role(Role { arn: member.role.clone(), external_id: member.external_id.clone() }),
            None => session,
        }
    }
}

fn take(taken: &Taken, resource: &Resource) -> bool {
    let key = (resource.account.clone(), resource.region.clone(), resource.id.clone());
    taken.lock().unwrap_or_else(PoisonError::into_inner).insert(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openapi::{ClientSettings, Credentials, Machine};

    #[test]
    fn work_in_an_account_of_the_policy_is_done_in_its_role_and_all_other_with_the_functions_own_key() {
        let policy = "flow_log: {project: flowlog, log_store: vpc}\n\
                      accounts: [{id: \"1\", role: \"acs:ram::1:role/a\"}, {id: \"2\", role: \"acs:ram::2:role/a\"}]";
        let policy = Policy::parse(policy).unwrap();
        let settings = KeeperSettings { policy, client: ClientSettings::default(), dry_run: false };
        let keeper = Keeper::new("a-function", &[], settings, Arc::new(Machine));
        let region = "cn-hangzhou".parse().unwrap();
        let job = |account: Option<&str>| Job {
            request_id: String::new(),
            credentials: Credentials::new("the-functions-key", "secret"),
            account: account.map(|account| account.parse().unwrap()),
            stop_at: None,
        };
        for (own, target, at_work_in, in_role) in [
            (Some("1"), "2", "2", true),
            (Some("1"), "1", "1", false),
            // Nobody named a role there: what is found is in the function's own account.
            (Some("1"), "3", "1", false),
            (None, "3", "3", false),
            (None, "2", "2", true),
        ] {
            let job = job(own);
            let session = keeper.session(&job, &target.parse().unwrap(), &region);
            assert_eq!(session.account().as_str(), at_work_in, "{own:?} {target}");
            let text = format!("{session:?}");
            assert_eq!((text.contains(":role/a"), text.contains("the-functions-key")), (in_role, !in_role), "{text}");
        }
    }
}
