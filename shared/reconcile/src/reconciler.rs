//! The reconciler: takes targets, returns a report.

use std::sync::Arc;

use flow_log::{AccountId, FlowLogId, Policy, RegionId, ResourceId};
use futures_util::{StreamExt as _, stream};
use openapi::{Client, Clock, FlowLogFilter, Rng, Role, Session};

use crate::{
    Capabilities, Item, Job, Outcome, ReconcilerSettings, Report, Selection, Target, TargetKind,
    claims::Claims,
    converge::Converger,
    items,
    limits::Withheld,
    report::ReportBuilder,
    resolve::{Sought, resolve},
    sweep::{CONCURRENCY, delete_for_resource, sweep_ecr, sweep_orphans, sweep_resources},
    sweep_queue::{Joined, SweepQueue},
    writer::Writer,
};

/// Keeps flow logs in the state that the policy asks for. Lives as long as the process.
#[derive(Debug)]
pub struct Reconciler {
    capabilities: Capabilities,
    policy: Policy,
    client: Client,
    dry_run: bool,
    queue: SweepQueue,
}

impl Reconciler {
    /// Creates the reconciler of the function with these capabilities.
    #[must_use]
    pub fn new(
        capabilities: Capabilities,
        settings: ReconcilerSettings,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        let ReconcilerSettings { policy, client, dry_run } = settings;
        for warning in &policy.warnings {
            tracing::warn!("the policy: {warning}");
        }
        Self { capabilities, policy, client: Client::new(client, clock, rng), dry_run, queue: SweepQueue::default() }
    }

    /// Returns the policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Returns the report of an invocation that has no targets.
    #[must_use]
    pub fn report(&self, run: String, request_id: String, items: Vec<Item>) -> Report {
        self.finish(run, request_id, items.into())
    }

    fn finish(&self, run: String, request_id: String, parts: ReportBuilder) -> Report {
        let report = Report::new(self.capabilities.function, run, request_id, self.dry_run, parts);
        report.log();
        report
    }

    /// Returns every region of every account in the policy. `account` and `region` are the function's own.
    ///
    /// # Errors
    /// The policy relies on the function's own account or region, and that is not known.
    pub fn all_regions(
        &self,
        account: Option<&AccountId>,
        region: Option<&RegionId>,
    ) -> Result<Vec<Target>, UnknownLocation> {
        let policy = &self.policy;
        let regions: Vec<_> = match policy.regions.as_slice() {
            [] => vec![region.ok_or(UnknownLocation("region"))?],
            regions => regions.iter().collect(),
        };
        let covered: Vec<_> = regions.iter().copied().filter(|region| policy.covers_region(region)).collect();
        // If no region is left, keep them all: each then gets a result that says why it was skipped.
        let regions = if covered.is_empty() { regions } else { covered };
        // Express Connect Routers belong to no region: one read per account returns them all.
        let regions = if self.capabilities.selects == Selection::Routers {
            &regions[..regions.len().min(1)]
        } else {
            &regions[..]
        };
        let mut accounts: Vec<_> = policy.accounts.iter().map(|member| &member.id).collect();
        if policy.own_account {
            let own = account.ok_or(UnknownLocation("account"))?;
            accounts.retain(|member| *member != own);
            accounts.insert(0, own);
        }
        let target = |account: &AccountId, region: &RegionId| Target {
            account: account.clone(),
            region: region.clone(),
            kind: TargetKind::Sweep,
            since: None,
        };
        Ok(accounts.iter().flat_map(|account| regions.iter().map(|region| target(account, region))).collect())
    }

    /// Handles the targets. `items` are results that already exist: events that were skipped or are malformed.
    pub async fn reconcile(&self, job: Job, targets: Vec<Target>, items: Vec<Item>) -> Report {
        let claims = Claims::default();
        let work: Vec<_> =
            targets.iter().map(|target| Box::pin(self.reconcile_target(&job, target, &claims))).collect();
        let mut all = ReportBuilder::from(items);
        // A target that has to wait does not hold up the others.
        let mut parts = stream::iter(work).buffer_unordered(CONCURRENCY);
        while let Some(part) = parts.next().await {
            all.extend(part);
        }
        drop(parts);
        self.finish(job.run, job.request_id, all)
    }

    async fn reconcile_target(&self, job: &Job, target: &Target, claims: &Claims) -> ReportBuilder {
        let Target { account, region, .. } = target;
        if let Some(reason) = self.policy.out_of_scope(job.account.as_ref(), account, region) {
            return Item::of_target(target, Outcome::Skipped, reason).into();
        }
        let session = self.session(job, account, region);
        // A sweep runs again, and then finds what it missed in a list that was changing.
        let is_region = matches!(target.kind, TargetKind::Region | TargetKind::Sweep);
        let session = if is_region { session.best_effort() } else { session };
        let writer = Writer::new(&session, self.capabilities.actions, self.dry_run);
        let (policy, capabilities) = (&self.policy, self.capabilities);
        let converger = Converger { policy, capabilities, session: &session, writer, since: target.since };
        let run = TargetRun { converger, queue: &self.queue, job, target, claims };
        match (self.capabilities.selects, &target.kind) {
            (Selection::Orphans, TargetKind::Resource(id)) => run.orphan(id).await,
            (_, TargetKind::Resource(id)) => run.resources(Sought::Resource(id.clone())).await,
            (_, TargetKind::Instance(id)) => run.resources(Sought::InterfacesOf(id.clone())).await,
            (_, TargetKind::FlowLog(id)) => run.flow_log(id).await,
            (_, TargetKind::Region) => run.region(false).await,
            (_, TargetKind::Sweep) => run.region(true).await,
        }
    }

    /// Opens a session for `account`, in the role that the policy names for it. Without one, the session uses the
    /// function's own credentials and account.
    fn session(&self, job: &Job, account: &AccountId, region: &RegionId) -> Session<'_> {
        let own = job.account.as_ref();
        let session =
            self.client.session(job.credentials.clone(), own.unwrap_or(account).clone(), region.clone(), job.stop_at);
        let member = self.policy.accounts.iter().find(|member| member.id == *account && own != Some(account));
        match member {
            Some(member) => session.in_role(Role {
                arn: member.role.clone(),
                external_id: member.external_id.clone(),
                session_policy: Some(self.capabilities.session_policy()),
            }),
            None => session,
        }
    }
}

/// The work on one target.
struct TargetRun<'a> {
    converger: Converger<'a>,
    queue: &'a SweepQueue,
    job: &'a Job,
    target: &'a Target,
    claims: &'a Claims,
}

impl TargetRun<'_> {
    async fn resources(&self, what: Sought) -> ReportBuilder {
        let Converger { session, policy, .. } = self.converger;
        let (subjects, mut items) = resolve(session, policy, self.target, &what).await;
        for subject in subjects {
            if let Some(item) = items::shared_by_other(session, &subject.resource) {
                items.push(item);
            } else if self.claims.claim(session, subject.resource.id.as_str()) {
                items.extend(self.converger.converge(&subject, None, Withheld::default()).await);
            }
        }
        items.into()
    }

    async fn orphan(&self, id: &ResourceId) -> ReportBuilder {
        if self.claims.claim(self.converger.session, id.as_str()) {
            delete_for_resource(&self.converger, self.target, id).await
        } else {
            ReportBuilder::default()
        }
    }

    /// Handles the resource of a flow log. If the flow log is gone, nothing says what it recorded, so the whole region
    /// is swept.
    async fn flow_log(&self, id: &FlowLogId) -> ReportBuilder {
        let session = self.converger.session;
        let it = FlowLogFilter { id: Some(id), ..FlowLogFilter::default() };
        let found = match session.describe_flow_logs(&it).await {
            Ok(found) => found,
            Err(error) => return items::target_unread(self.target, &error).into(),
        };
        if let Some(unreadable) = found.unreadable.first() {
            return items::item_unread(session, "flow logs", unreadable).into();
        }
        let Some(found) = found.items.into_iter().next() else { return self.region(false).await };
        match found.resource_id.parse() {
            Ok(resource) => self.resources(Sought::Resource(resource)).await,
            Err(_) => {
                let reason = format!("{id} records {}, which is of no kind that Flowkeeper knows", found.resource_id);
                Item::of_target(self.target, Outcome::Skipped, reason).into()
            }
        }
    }

    async fn region(&self, by_timer: bool) -> ReportBuilder {
        let Converger { session, capabilities, policy, .. } = self.converger;
        if !self.claims.claim_region(session) {
            return ReportBuilder::default();
        }
        match (capabilities.selects, &policy.ecr_flow_log) {
            (Selection::Resources, _) => self.queued_sweep(by_timer).await,
            (Selection::Scheduled, _) => sweep_resources(&self.converger, self.claims, false).await,
            (Selection::Orphans, _) => sweep_orphans(&self.converger).await,
            (Selection::Routers, Some(pattern)) => sweep_ecr(&self.converger, pattern).await,
            (Selection::Routers, None) => {
                let reason = "the policy has no ecr_flow_log, so no flow log is desired on an Express Connect Router";
                Item::of_target(self.target, Outcome::Skipped, reason).into()
            }
        }
    }

    /// Sweeps the region, or joins a sweep of it that has not started.
    async fn queued_sweep(&self, by_timer: bool) -> ReportBuilder {
        let session = self.converger.session;
        let here = (session.account(), session.region());
        let sweep = async || sweep_resources(&self.converger, self.claims, by_timer).await;
        let swept = self.queue.sweep(here, &self.job.request_id, by_timer, sweep, ReportBuilder::is_complete).await;
        match swept {
            Joined::Swept(report) => report,
            Joined::ByOther { request_id, is_complete: true } => {
                let reason = format!("the sweep of invocation {request_id}, which began after this, covers it");
                Item::of_target(self.target, Outcome::Skipped, reason).into()
            }
            Joined::ByOther { request_id, is_complete: false } => {
                let reason = format!("the sweep of invocation {request_id}, which would cover it, was not complete");
                Item::of_target(self.target, Outcome::Failed, reason).into()
            }
        }
    }
}

/// There is nothing to sweep: the policy relies on the function's own location, and that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownLocation(&'static str);

impl std::fmt::Display for UnknownLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "nothing says in which {} the function runs, and the policy does not name one to sweep", self.0)
    }
}

impl std::error::Error for UnknownLocation {}
#[cfg(test)]
mod tests {
    use super::*;
    use openapi::{ClientSettings, Credentials, OsRng, SystemClock};

    #[test]
    fn work_in_an_account_of_the_policy_is_done_in_its_role_and_all_other_with_the_functions_own_key() {
        let policy = "flow_log: {project: flowlog, log_store: vpc}\n\
                      accounts: [{id: \"1\", role: \"acs:ram::1:role/a\"}, {id: \"2\", role: \"acs:ram::2:role/a\"}]";
        let policy = Policy::parse(policy).unwrap();
        let settings = ReconcilerSettings { policy, client: ClientSettings::default(), dry_run: false };
        let capabilities =
            Capabilities { function: "a-function", selects: Selection::Resources, actions: &[], repairs: false };
        let reconciler = Reconciler::new(capabilities, settings, Arc::new(SystemClock), Arc::new(OsRng));
        let region = "cn-hangzhou".parse().unwrap();
        let job = |account: Option<&str>| Job {
            run: String::new(),
            request_id: String::new(),
            credentials: Credentials::new("the-functions-key", "secret"),
            account: account.map(|account| account.parse().unwrap()),
            stop_at: None,
        };
        for (own, target, at_work_in, in_role) in [
            (Some("1"), "2", "2", true),
            (Some("1"), "1", "1", false),
            // The policy names no role for this account, so the session stays in the function's own account.
            (Some("1"), "3", "1", false),
            (None, "3", "3", false),
            (None, "2", "2", true),
        ] {
            let job = job(own);
            let session = reconciler.session(&job, &target.parse().unwrap(), &region);
            assert_eq!(session.account().as_str(), at_work_in, "{own:?} {target}");
            let text = format!("{session:?}");
            assert_eq!((text.contains(":role/a"), text.contains("the-functions-key")), (in_role, !in_role), "{text}");
        }
    }
}
