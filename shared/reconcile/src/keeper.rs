//! The keeper: targets in, report out.

use std::sync::Arc;

use flow_log::{AccountId, Policy, RegionId, Resource};
use futures_util::{StreamExt as _, stream};
use openapi::{Client, Role, Session, System};

use crate::{Item, Job, KeeperSettings, Report, Target, resolve::resolve, settle::settle};

/// How many resources are worked on at a time.
const CONCURRENCY: usize = 8;

/// What keeps flow logs as the policy wants them. Lives as long as the process.
#[derive(Debug)]
pub struct Keeper {
    function: &'static str,
    policy: Policy,
    client: Client,
    dry_run: bool,
}

impl Keeper {
    /// The keeper of the function of this name.
    #[must_use]
    pub fn new(function: &'static str, settings: KeeperSettings, system: Arc<dyn System>) -> Self {
        let KeeperSettings { policy, client, dry_run } = settings;
        Self { function, policy, client: Client::new(client, system), dry_run }
    }

    /// Looks after the targets. `items` is what there is to say besides: events that are not for us, or are broken.
    pub async fn keep(&self, job: Job, targets: Vec<Target>, items: Vec<Item>) -> Report {
        let mut results = items;
        let mut resources: Vec<Resource> = Vec::new();

        let resolving = targets.iter().map(|target| self.resolve(&job, target)).collect();
        for found in some_at_a_time(resolving).await {
            match found {
                // Several targets may lead to one resource: two changes to it at once would be one too many.
                Ok(found) => resources.extend(found),
                Err(item) => results.push(item),
            }
        }
        resources.sort_by(|one, other| key(one).cmp(&key(other)));
        resources.dedup_by(|one, other| key(one) == key(other));

        let settling = resources.iter().map(|resource| self.settle(&job, resource)).collect();
        results.extend(some_at_a_time(settling).await);
        Report::new(self.function, job.request_id, self.dry_run, results)
    }

    async fn resolve(&self, job: &Job, target: &Target) -> Result<Vec<Resource>, Item> {
        let session = self.session(job, &target.account, &target.region);
        resolve(&session, &self.policy, target, session.now()).await
    }

    async fn settle(&self, job: &Job, resource: &Resource) -> Item {
        let session = self.session(job, &resource.account, &resource.region);
        settle(&session, &self.policy, resource, self.dry_run).await
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

/// The outcomes in the order of the work.
async fn some_at_a_time<T>(work: Vec<impl Future<Output = T>>) -> Vec<T> {
    stream::iter(work).buffered(CONCURRENCY).collect().await
}

fn key(resource: &Resource) -> (&AccountId, &RegionId, &str) {
    (&resource.account, &resource.region, resource.id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use openapi::{ClientSettings, Machine};
    use signing::Credentials;

    #[test]
    fn work_in_an_account_of_the_policy_is_done_in_its_role_and_all_other_with_the_functions_own_key() {
        let policy = "flow_log: {project: flowlog, log_store: vpc}\n\
                      accounts: [{id: \"1\", role: \"acs:ram::1:role/a\"}, {id: \"2\", role: \"acs:ram::2:role/a\"}]";
        let policy = Policy::parse(policy).unwrap();
        let settings = KeeperSettings { policy, client: ClientSettings::default(), dry_run: false };
        let keeper = Keeper::new("a-function", settings, Arc::new(Machine));
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
