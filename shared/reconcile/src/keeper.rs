//! The keeper: targets in, report out.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use flow_log::{AccountId, FlowLogId, Policy, RegionId, ResourceId};
use futures_util::{StreamExt as _, stream};
use openapi::{Client, FlowLogFilter, Role, Session, System};

use crate::{
    Duty, Item, Job, KeeperSettings, LooksAt, Outcome, Report, Target, What, orphans,
    report::Part,
    resolve::{self, Sought, resolve},
    routers,
    settle::{Settler, shared},
    sweep::sweep,
};

/// How many targets, and how many resources of each, are worked on at a time.
pub(crate) const CONCURRENCY: usize = 8;

/// What keeps flow logs as the policy wants them. Lives as long as the process.
#[derive(Debug)]
pub struct Keeper {
    duty: Duty,
    policy: Policy,
    client: Client,
    dry_run: bool,
}

/// What is being looked after: resources, and regions as a whole, by their ids. Several targets may lead to one of
/// them, and two changes to it at once would be one too many.
pub(crate) type Taken = Mutex<BTreeSet<(AccountId, RegionId, String)>>;

impl Keeper {
    /// The keeper of the function with this duty.
    #[must_use]
    pub fn new(duty: Duty, settings: KeeperSettings, system: Arc<dyn System>) -> Self {
        let KeeperSettings { policy, client, dry_run } = settings;
        Self { duty, policy, client: Client::new(client, system), dry_run }
    }

    /// The policy that it keeps.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The report of an invocation without anything to look after.
    #[must_use]
    pub fn report(&self, request_id: String, items: Vec<Item>) -> Report {
        Report::new(self.duty.function, request_id, self.dry_run, items.into())
    }

    /// Every region of every account that the policy names; `account` and `region` are the function's own.
    ///
    /// # Errors
    /// Nobody says where the function runs, and the policy leaves it to that.
    pub fn everywhere(
        &self,
        account: Option<&AccountId>,
        region: Option<&RegionId>,
    ) -> Result<Vec<Target>, NowhereToSweep> {
        let policy = &self.policy;
        let regions: Vec<_> = match policy.regions.as_slice() {
            [] => vec![region.ok_or(NowhereToSweep("region"))?],
            regions => regions.iter().collect(),
        };
        // Express Connect Routers are of no region: one look at an account sees them all.
        let regions = if self.duty.looks_at == LooksAt::Routers { &regions[..1] } else { &regions[..] };
        let mut accounts: Vec<_> = policy.accounts.iter().map(|member| &member.id).collect();
        if policy.own_account {
            let own = account.ok_or(NowhereToSweep("account"))?;
            accounts.retain(|member| *member != own);
            accounts.insert(0, own);
        }
        let target = |account: &AccountId, region: &RegionId| Target {
            account: account.clone(),
            region: region.clone(),
            what: What::Region,
            since: None,
        };
        Ok(accounts.iter().flat_map(|account| regions.iter().map(|region| target(account, region))).collect())
    }

    /// Looks after the targets. `items` is what there is to say besides: events that are not for us, or are broken.
    pub async fn keep(&self, job: Job, targets: Vec<Target>, items: Vec<Item>) -> Report {
        let taken = Taken::default();
        let work: Vec<_> = targets.iter().map(|target| Box::pin(self.keep_one(&job, target, &taken))).collect();
        let mut whole = Part::from(items);
        // One that is waited for does not hold up the others.
        let mut parts = stream::iter(work).buffer_unordered(CONCURRENCY);
        while let Some(part) = parts.next().await {
            whole.extend(part);
        }
        drop(parts);
        Report::new(self.duty.function, job.request_id, self.dry_run, whole)
    }

    async fn keep_one(&self, job: &Job, target: &Target, taken: &Taken) -> Part {
        let session = self.session(job, &target.account, &target.region);
        // A sweep comes again, and what it misses of a list that changes meanwhile it finds then.
        let session = if target.what == What::Region { session.thrifty() } else { session };
        let settler = Settler { policy: &self.policy, duty: self.duty, dry_run: self.dry_run };
        if !self.policy.own_account && job.account.as_ref() == Some(&target.account) {
            let reason = format!("{} is of the account {}, which the policy leaves out", target.what, target.account);
            return Item::of_target(target, Outcome::Skipped, reason).into();
        }
        let look = Look { settler, session: &session, target, taken };
        match (self.duty.looks_at, &target.what) {
            (LooksAt::Orphans, What::Resource(id)) => look.orphan(id).await,
            (_, What::Resource(id)) => look.resources(Sought::Resource(id.clone())).await,
            (_, What::Instance(id)) => look.resources(Sought::InterfacesOf(id.clone())).await,
            (_, What::FlowLog(id)) => look.flow_log(id).await,
            (_, What::Region) => look.region().await,
        }
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

/// One look at one target.
struct Look<'a> {
    settler: Settler<'a>,
    session: &'a Session<'a>,
    target: &'a Target,
    taken: &'a Taken,
}

impl Look<'_> {
    async fn resources(&self, what: Sought) -> Part {
        let (resources, mut items) = resolve(self.session, self.settler.policy, self.target, &what).await;
        for resource in resources {
            if let Some(item) = shared(self.session, &resource) {
                items.push(item);
            } else if take(self.taken, self.session, resource.id.as_str()) {
                items.extend(self.settler.settle(self.session, &resource, None).await);
            }
        }
        items.into()
    }

    async fn orphan(&self, id: &ResourceId) -> Part {
        match take(self.taken, self.session, id.as_str()) {
            true => orphans::of(&self.settler, self.session, self.target, id).await,
            false => Part::default(),
        }
    }

    /// The resource of a flow log; all that there is where the flow log is gone, as then nobody says what it recorded.
    async fn flow_log(&self, id: &FlowLogId) -> Part {
        let it = FlowLogFilter { id: Some(id), ..FlowLogFilter::default() };
        let found = match self.session.describe_flow_logs(&it).await {
            Ok(found) => found,
            Err(error) => return resolve::unread(self.target, &error).into(),
        };
        let Some(found) = found.into_iter().next() else { return self.region().await };
        match found.resource_id.parse() {
            Ok(resource) => self.resources(Sought::Resource(resource)).await,
            Err(_) => {
                let reason = format!("{id} records {}, which is nothing that is looked after", found.resource_id);
                Item::of_target(self.target, Outcome::Skipped, reason).into()
            }
        }
    }

    async fn region(&self) -> Part {
        const WHOLE: &str = "";
        if *self.session.account() != self.target.account {
            return resolve::elsewhere(self.target).into();
        }
        if !take(self.taken, self.session, WHOLE) {
            return Part::default();
        }
        match (self.settler.duty.looks_at, &self.settler.policy.ecr_flow_log) {
            (LooksAt::Resources | LooksAt::Scheduled, _) => sweep(&self.settler, self.session, self.taken).await,
            (LooksAt::Orphans, _) => orphans::sweep(&self.settler, self.session).await,
            (LooksAt::Routers, Some(pattern)) => routers::sweep(&self.settler, self.session, pattern).await,
            (LooksAt::Routers, None) => {
                let reason = "the policy has no ecr_flow_log, so no flow log is wanted on an Express Connect Router";
                Item::of_target(self.target, Outcome::Skipped, reason).into()
            }
        }
    }
}

/// Takes something to be looked after. False if somebody else has.
pub(crate) fn take(taken: &Taken, session: &Session<'_>, id: &str) -> bool {
    let key = (session.account().clone(), session.region().clone(), id.to_owned());
    taken.lock().unwrap_or_else(PoisonError::into_inner).insert(key)
}

/// There is nothing to sweep, as nobody says where the function runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NowhereToSweep(&'static str);

impl std::fmt::Display for NowhereToSweep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "nothing says in which {} the function runs, and the policy does not name one to sweep", self.0)
    }
}

impl std::error::Error for NowhereToSweep {}
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
        let duty = Duty { function: "a-function", looks_at: LooksAt::Resources, may: &[] };
        let keeper = Keeper::new(duty, settings, Arc::new(Machine));
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
