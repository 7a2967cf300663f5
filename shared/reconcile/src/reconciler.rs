//! The reconciler: takes targets, returns a report.

use std::sync::Arc;

use flow_log::{AccountId, Policy, RegionId, policy::AccountScope};
use futures_util::{StreamExt as _, stream};
use openapi::{Client, Clock, Rng, Role, Session};

use crate::{
    Capabilities, Item, Job, Outcome, ReconcilerSettings, Report, Target, TargetKind, UnknownLocation,
    claims::Claims,
    converge::Converger,
    regions,
    report::ReportBuilder,
    sweep::{MAX_CONCURRENT, SweepQueue},
    target_run::TargetRun,
    writer::Writer,
};

/// Keeps flow logs in the state that the policy asks for. Lives as long as the process.
#[derive(Debug)]
pub struct Reconciler {
    capabilities: Capabilities,
    policy: Policy,
    client: Client,
    dry_run: bool,
    /// With which roles in other accounts are assumed.
    session_policy: String,
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
        let session_policy = capabilities.session_policy(&policy);
        let client = Client::new(client, clock, rng);
        Self { capabilities, policy, client, dry_run, session_policy, queue: SweepQueue::default() }
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
    /// The policy relies on the function's own account or region, and that is not known, or on a list of regions or
    /// accounts that no sweep reads yet.
    pub fn all_regions(
        &self,
        account: Option<&AccountId>,
        region: Option<&RegionId>,
    ) -> Result<Vec<Target>, UnknownLocation> {
        regions::all(&self.policy, self.capabilities.selects, account, region)
    }

    /// Handles the targets. `items` are results that already exist: events that were skipped or are malformed.
    pub async fn reconcile(&self, job: Job, targets: Vec<Target>, items: Vec<Item>) -> Report {
        let claims = Claims::default();
        let work: Vec<_> =
            targets.iter().map(|target| Box::pin(self.reconcile_target(&job, target, &claims))).collect();
        let mut all = ReportBuilder::from(items);
        // A target that has to wait does not hold up the others.
        let mut parts = stream::iter(work).buffer_unordered(MAX_CONCURRENT);
        while let Some(part) = parts.next().await {
            all.extend(part);
        }
        drop(parts);
        self.finish(job.run, job.request_id, all)
    }

    async fn reconcile_target(&self, job: &Job, target: &Target, claims: &Claims) -> ReportBuilder {
        let Target { account, region, .. } = target;
        let scope = self.policy.account_scope(job.account.as_ref(), account);
        match (self.policy.region_scope(region), &scope) {
            (Some(reason), _) => return Item::of_target(target, Outcome::Skipped, reason).into(),
            (None, AccountScope::Out(reason)) => {
                return Item::of_target(target, Outcome::Skipped, reason.clone()).into();
            }
            (None, AccountScope::Own | AccountScope::Named(_) | AccountScope::InDirectory(_)) => {}
        }
        let session = self.session(job, account, region);
        // A sweep runs again, and then finds what it missed in a list that was changing.
        let is_region = matches!(target.kind, TargetKind::Region | TargetKind::Sweep);
        let session = if is_region { session.best_effort() } else { session };
        let writer = Writer::new(&session, self.capabilities.actions, self.dry_run);
        let (policy, capabilities) = (&self.policy, self.capabilities);
        let converger = Converger { policy, capabilities, session: &session, writer, since: target.since };
        TargetRun { converger, queue: &self.queue, job, target, claims }.run().await
    }

    /// Opens a session for `account`, in the role that the policy names for it. Without one, the session uses the
    /// function's own credentials and account.
    fn session(&self, job: &Job, account: &AccountId, region: &RegionId) -> Session<'_> {
        let own = job.account.as_ref();
        let session =
            self.client.session(job.credentials.clone(), own.unwrap_or(account).clone(), region.clone(), job.stop_at);
        let (arn, external_id) = match self.policy.account_scope(own, account) {
            AccountScope::Named(member) => (member.role.clone(), member.external_id.clone()),
            AccountScope::InDirectory(directory) => (directory.role_in(account), directory.external_id.clone()),
            AccountScope::Own | AccountScope::Out(_) => return session,
        };
        session.in_role(Role { arn, external_id, session_policy: Some(self.session_policy.clone()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Selection;
    use openapi::{ClientSettings, Credentials, OsRng, SystemClock};

    fn reconciler(policy: &str) -> Reconciler {
        let policy = Policy::parse(policy).unwrap();
        let settings = ReconcilerSettings { policy, client: ClientSettings::default(), dry_run: false };
        let capabilities =
            Capabilities { function: "a-function", selects: Selection::Resources, actions: &[], repairs: false };
        Reconciler::new(capabilities, settings, Arc::new(SystemClock), Arc::new(OsRng))
    }

    fn job(account: Option<&str>) -> Job {
        Job {
            run: String::new(),
            request_id: String::new(),
            credentials: Credentials::new("the-functions-key", "secret"),
            account: account.map(|account| account.parse().unwrap()),
            stop_at: None,
        }
    }

    #[test]
    fn work_in_an_account_of_a_resource_directory_is_done_in_the_role_of_that_name() {
        let policy = "flow_log: {project: flowlog, log_store: vpc}\n\
                      accounts: [{id: \"2\", role: \"acs:ram::2:role/a\"}]\n\
                      resource_directory: {role: b, external_id: agreed, exclude: {accounts: [\"4\"]}}";
        let reconciler = reconciler(policy);
        let region = "cn-hangzhou".parse().unwrap();
        for (own, target, in_role) in [
            (Some("1"), "1", None),
            (Some("1"), "2", Some("acs:ram::2:role/a")),
            (Some("1"), "3", Some("acs:ram::3:role/b")),
            (Some("1"), "4", None),
            (None, "3", Some("acs:ram::3:role/b")),
        ] {
            let job = job(own);
            let text = format!("{:?}", reconciler.session(&job, &target.parse().unwrap(), &region));
            assert_eq!(text.contains(":role/"), in_role.is_some(), "{own:?} {target}: {text}");
            assert!(in_role.is_none_or(|role| text.contains(role)), "{own:?} {target}: {text}");
        }
    }

    #[test]
    fn work_in_an_account_of_the_policy_is_done_in_its_role_and_all_other_with_the_functions_own_key() {
        let policy = "flow_log: {project: flowlog, log_store: vpc}\n\
                      accounts: [{id: \"1\", role: \"acs:ram::1:role/a\"}, {id: \"2\", role: \"acs:ram::2:role/a\"}]";
        let reconciler = reconciler(policy);
        let region = "cn-hangzhou".parse().unwrap();
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
